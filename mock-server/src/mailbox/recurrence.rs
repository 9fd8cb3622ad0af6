//! The days on which a recurring event takes place.
//!
//! Source: learn.microsoft.com/graph/api/resources/recurrencepattern and /recurrencerange.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};
use serde_json::Value;

/// What a recurrence lacks or has wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the recurrence's '{member}' is missing or invalid")]
pub struct RecurrenceError {
    /// The member, such as `pattern/daysOfWeek`.
    pub member: &'static str,
}

/// The days of a `patternedRecurrence` that lie between two days, both included.
pub fn occurrences(recurrence: &Value, from: Date, to: Date) -> Result<Vec<Date>, RecurrenceError> {
    let rule = Rule::read(recurrence)?;
    let last = rule.end.map_or(to, |end| end.min(to));
    let mut days = Vec::new();
    let mut count = 0;
    let mut period = rule.start;
    for _ in 0..MAX_PERIODS {
        let mut of_period = rule.days_of(period);
        of_period.sort_unstable();
        for day in of_period {
            if day < rule.start {
                continue;
            }
            count += 1;
            if day > last || rule.count.is_some_and(|limit| count > limit) {
                return Ok(days);
            }
            if day >= from {
                days.push(day);
            }
        }
        match rule.next(period) {
            Some(next) if next <= last || rule.start_of_period(next) <= last => period = next,
            _ => return Ok(days),
        }
    }
    Ok(days)
}

struct Rule {
    kind: Kind,
    interval: i32,
    days: Vec<Weekday>,
    first_day: Weekday,
    index: i8,
    day_of_month: i8,
    month: i8,
    start: Date,
    end: Option<Date>,
    count: Option<i64>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
}

impl Rule {
    fn read(recurrence: &Value) -> Result<Self, RecurrenceError> {
        let wrong = |member| RecurrenceError { member };
        let pattern = &recurrence["pattern"];
        let range = &recurrence["range"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_ascii_lowercase();
        let kind = match text(&pattern["type"]).as_str() {
            "absolutemonthly" => Kind::AbsoluteMonthly,
            "absoluteyearly" => Kind::AbsoluteYearly,
            "daily" => Kind::Daily,
            "relativemonthly" => Kind::RelativeMonthly,
            "relativeyearly" => Kind::RelativeYearly,
            "weekly" => Kind::Weekly,
            _ => return Err(wrong("pattern/type")),
        };
        let number = |value: &Value| value.as_i64().unwrap_or(0);
        let interval = number(&pattern["interval"]);
        if !(1..=999).contains(&interval) {
            return Err(wrong("pattern/interval"));
        }
        let days: Vec<Weekday> = pattern["daysOfWeek"]
            .as_array()
            .map(|days| days.iter().filter_map(|day| weekday(&text(day))).collect())
            .unwrap_or_default();
        let needs_days = matches!(
            kind,
            Kind::Weekly | Kind::RelativeMonthly | Kind::RelativeYearly
        );
        if needs_days && days.is_empty() {
            return Err(wrong("pattern/daysOfWeek"));
        }
        let small = |value: &Value| i8::try_from(number(value)).unwrap_or(0);
        let day_of_month = small(&pattern["dayOfMonth"]);
        if matches!(kind, Kind::AbsoluteMonthly | Kind::AbsoluteYearly)
            && !(1..=31).contains(&day_of_month)
        {
            return Err(wrong("pattern/dayOfMonth"));
        }
        let month = small(&pattern["month"]);
        if matches!(kind, Kind::AbsoluteYearly | Kind::RelativeYearly) && !(1..=12).contains(&month)
        {
            return Err(wrong("pattern/month"));
        }
        let index = match text(&pattern["index"]).as_str() {
            "second" => 2,
            "third" => 3,
            "fourth" => 4,
            "last" => -1,
            _ => 1,
        };
        let date = |value: &Value| value.as_str().and_then(|text| text.parse::<Date>().ok());
        let start = date(&range["startDate"]).ok_or(wrong("range/startDate"))?;
        let (end, count) = match text(&range["type"]).as_str() {
            "enddate" => (
                Some(date(&range["endDate"]).ok_or(wrong("range/endDate"))?),
                None,
            ),
            "numbered" => {
                let count = number(&range["numberOfOccurrences"]);
                if count < 1 {
                    return Err(wrong("range/numberOfOccurrences"));
                }
                (None, Some(count))
            }
            "noend" => (None, None),
            _ => return Err(wrong("range/type")),
        };
        Ok(Self {
            kind,
            interval: i32::try_from(interval).unwrap_or(1),
            days,
            first_day: weekday(&text(&pattern["firstDayOfWeek"])).unwrap_or(Weekday::Sunday),
            index,
            day_of_month,
            month,
            start,
            end,
            count,
        })
    }

    /// The days of the period (day, week, month or year) in which a day lies.
    fn days_of(&self, period: Date) -> Vec<Date> {
        match self.kind {
            Kind::AbsoluteMonthly => {
                vec![in_month(period.year(), period.month(), self.day_of_month)]
            }
            Kind::AbsoluteYearly => vec![in_month(period.year(), self.month, self.day_of_month)],
            Kind::Daily => vec![period],
            Kind::RelativeMonthly => self.relative(period.year(), period.month()),
            Kind::RelativeYearly => self.relative(period.year(), self.month),
            Kind::Weekly => {
                let start = self.start_of_period(period);
                (0..7)
                    .filter_map(|offset| start.checked_add(i64::from(offset).days()).ok())
                    .filter(|day| self.days.contains(&day.weekday()))
                    .collect()
            }
        }
    }

    fn start_of_period(&self, day: Date) -> Date {
        match self.kind {
            Kind::Daily => day,
            Kind::Weekly => {
                let back = day.weekday().since(self.first_day);
                day.checked_sub(i64::from(back).days()).unwrap_or(day)
            }
            Kind::AbsoluteMonthly | Kind::RelativeMonthly => day.first_of_month(),
            Kind::AbsoluteYearly | Kind::RelativeYearly => day.first_of_year(),
        }
    }

    fn next(&self, period: Date) -> Option<Date> {
        let start = self.start_of_period(period);
        let span = match self.kind {
            Kind::Daily => Span::new().days(self.interval),
            Kind::Weekly => Span::new().weeks(self.interval),
            Kind::AbsoluteMonthly | Kind::RelativeMonthly => Span::new().months(self.interval),
            Kind::AbsoluteYearly | Kind::RelativeYearly => Span::new().years(self.interval),
        };
        start.checked_add(span).ok()
    }

    /// The n-th day of a month among the wanted days of the week.
    fn relative(&self, year: i16, month: i8) -> Vec<Date> {
        let first = in_month(year, month, 1);
        let days: Vec<Date> = (1..=first.days_in_month())
            .map(|day| in_month(year, month, day))
            .filter(|day| self.days.contains(&day.weekday()))
            .collect();
        let found = match self.index {
            -1 => days.last(),
            nth => usize::try_from(nth - 1).ok().and_then(|nth| days.get(nth)),
        };
        found.copied().into_iter().collect()
    }
}

/// A day of a month; the last one where the month is shorter.
fn in_month(year: i16, month: i8, day: i8) -> Date {
    let first = Date::new(year, month.clamp(1, 12), 1).unwrap_or(Date::ZERO);
    Date::new(year, first.month(), day.clamp(1, first.days_in_month())).unwrap_or(first)
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "sunday" => Weekday::Sunday,
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        _ => return None,
    })
}

/// A bound for daily events over the longest window that Graph allows, and more.
const MAX_PERIODS: usize = 40_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn days(pattern: &Value, range: &Value, from: &str, to: &str) -> Vec<String> {
        let recurrence = json!({"pattern": pattern, "range": range});
        occurrences(&recurrence, from.parse().unwrap(), to.parse().unwrap())
            .unwrap()
            .iter()
            .map(Date::to_string)
            .collect()
    }

    #[test]
    fn weekly_events_take_place_on_their_days_until_the_end() {
        let found = days(
            &json!({"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "Wednesday"]}),
            &json!({"type": "endDate", "startDate": "2026-02-16", "endDate": "2026-03-18"}),
            "2026-02-17",
            "2026-04-01",
        );
        assert_eq!(
            found,
            [
                "2026-02-18",
                "2026-03-02",
                "2026-03-04",
                "2026-03-16",
                "2026-03-18"
            ]
        );
    }

    #[test]
    fn numbered_daily_events_count_from_the_start() {
        let found = days(
            &json!({"type": "daily", "interval": 3}),
            &json!({"type": "numbered", "startDate": "2026-01-01", "numberOfOccurrences": 3}),
            "2026-01-02",
            "2026-12-31",
        );
        assert_eq!(found, ["2026-01-04", "2026-01-07"]);
    }

    #[test]
    fn monthly_and_yearly_events_find_their_day() {
        let no_end = |start: &str| json!({"type": "noEnd", "startDate": start});
        let found = days(
            &json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}),
            &no_end("2026-01-31"),
            "2026-02-01",
            "2026-03-31",
        );
        assert_eq!(found, ["2026-02-28", "2026-03-31"]);
        let found = days(
            &json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["friday"], "index": "last"}),
            &no_end("2026-01-30"),
            "2026-01-01",
            "2026-03-01",
        );
        assert_eq!(found, ["2026-01-30", "2026-02-27"]);
        let found = days(
            &json!({"type": "absoluteYearly", "interval": 1, "dayOfMonth": 5, "month": 11}),
            &no_end("2024-11-05"),
            "2025-01-01",
            "2026-12-31",
        );
        assert_eq!(found, ["2025-11-05", "2026-11-05"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let recurrence = json!({"pattern": {"type": "weekly", "interval": 1}, "range": {}});
        let day = "2026-01-01".parse().unwrap();
        let error = occurrences(&recurrence, day, day).unwrap_err();
        assert_eq!(error.member, "pattern/daysOfWeek");
    }
}
