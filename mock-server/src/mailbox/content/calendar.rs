//! Events and contacts of a filled mailbox.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::super::folder::{FolderKind, WellKnown};
use super::super::sample::SAMPLE;
use super::super::{Person, Properties};
use super::{Filler, Origin};

impl Filler {
    pub(super) fn calendar(&mut self) {
        let calendar = self.contents.well_known(WellKnown::Calendar);
        let today = TimeZone::UTC.to_datetime(self.now).date();
        for _ in 0..45 {
            let template = self.pick(&SAMPLE.event_subjects);
            let subject = self.fill_in(&template);
            let offset = self.random.random_range(-60..60_i64);
            let day = workday(today.saturating_add(offset.days()));
            let all_day = self.random.random_ratio(1, 12);
            let start = self.random.random_range(8..17);
            self.event(calendar, &subject, day, (start, all_day), &Value::Null);
        }
        let monday = today
            .saturating_sub(90.days())
            .nth_weekday(1, Weekday::Monday)
            .unwrap_or(today);
        let series = [
            (
                "Team meeting",
                json!({"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday"}),
                9,
            ),
            (
                "Stand-up",
                json!({"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday", "wednesday", "thursday"], "firstDayOfWeek": "sunday"}),
                10,
            ),
            (
                "Month-end closing",
                json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 28}),
                15,
            ),
            (
                "Supplier review",
                json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["friday"], "index": "first"}),
                13,
            ),
        ];
        for (subject, pattern, hour) in series {
            let recurrence = recurrence(pattern, monday);
            self.event(calendar, subject, monday, (hour, false), &recurrence);
        }
        let birthdays = self
            .contents
            .folders
            .values()
            .find(|folder| folder.kind == FolderKind::Calendar && folder.well_known.is_none())
            .map(|folder| folder.key);
        if let Some(birthdays) = birthdays {
            for _ in 0..3 {
                let person = self.correspondent(Origin::Outside);
                let offset = self.random.random_range(0..360_i64);
                let day = today
                    .saturating_sub(365.days())
                    .saturating_add(offset.days());
                let pattern = json!({"type": "absoluteYearly", "interval": 1, "dayOfMonth": day.day(), "month": day.month()});
                let subject = format!("{}'s birthday", person.name);
                self.event(
                    birthdays,
                    &subject,
                    day,
                    (0, true),
                    &recurrence(pattern, day),
                );
            }
        }
    }

    fn event(
        &mut self,
        calendar: u64,
        subject: &str,
        day: Date,
        (hour, all_day): (i8, bool),
        recurrence: &Value,
    ) {
        let others = if all_day {
            0
        } else {
            self.random.random_range(0..=2)
        };
        let mut people: Vec<Person> = Vec::new();
        for _ in 0..others {
            let origin = if self.random.random_ratio(1, 2) {
                Origin::Colleague
            } else {
                Origin::Outside
            };
            let person = self.correspondent(origin);
            if !people.contains(&person) {
                people.push(person);
            }
        }
        let invited = !people.is_empty() && self.random.random_ratio(1, 3);
        let me = self.owner.person.clone();
        let organizer = if invited {
            people.remove(0)
        } else {
            me.clone()
        };
        let mut attendees: Vec<Value> = people.iter().map(|it| attendee(it, "none")).collect();
        if invited {
            attendees.push(attendee(&me, "accepted"));
        }
        let minutes = if all_day {
            24 * 60
        } else {
            30 * self.random.random_range(1..=4_i64)
        };
        let start = day.at(if all_day { 0 } else { hour }, 0, 0, 0);
        let end = start.saturating_add(minutes.minutes());
        let place = self.pick(&SAMPLE.locations);
        let description = self.pick(&SAMPLE.sentences);
        let description = self.fill_in(&description);
        let at = |time: jiff::civil::DateTime| json!({"dateTime": time.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": "UTC"});
        let location = json!({
            "displayName": place,
            "locationType": "default",
            "uniqueId": place,
            "uniqueIdType": "private",
        });
        let properties = json!({
            "subject": subject,
            "body": {"contentType": "html", "content": format!("<html><body>{description}</body></html>")},
            "start": at(start),
            "end": at(end),
            "isAllDay": all_day,
            "showAs": if all_day { "free" } else { "busy" },
            "location": location,
            "locations": [location],
            "attendees": attendees,
            "organizer": organizer.recipient(),
            "isOrganizer": !invited,
            "recurrence": recurrence,
            "responseStatus": {
                "response": if invited { "accepted" } else { "organizer" },
                "time": "0001-01-01T00:00:00Z",
            },
        });
        let Value::Object(properties) = properties else {
            return;
        };
        let made = self
            .now
            .saturating_sub(SignedDuration::from_hours(24 * 70))
            .unwrap_or(self.now);
        let item = self.contents.make_item(calendar, &properties, made);
        self.contents.events.insert(item.key, item);
    }

    pub(super) fn contacts(&mut self) {
        let main = self.contents.well_known(WellKnown::Contacts);
        let suppliers = self
            .contents
            .folders
            .values()
            .find(|folder| folder.kind == FolderKind::Contact && folder.parent == Some(main))
            .map_or(main, |folder| folder.key);
        for number in 0..48 {
            let (first, last) = (
                self.pick(&SAMPLE.first_names),
                self.pick(&SAMPLE.last_names),
            );
            let company = self.pick(&SAMPLE.companies);
            let domain = company.to_lowercase().replace(' ', "-");
            let local = format!("{first}.{last}").to_lowercase().replace('\'', "");
            let name = format!("{first} {last}");
            let phone = self.random.random_range(100..999);
            let properties = json!({
                "displayName": name,
                "givenName": first,
                "surname": last,
                "fileAs": format!("{last}, {first}"),
                "jobTitle": self.pick(&SAMPLE.job_titles),
                "companyName": company,
                "mobilePhone": format!("+1 555 0{phone}"),
                "emailAddresses": [{"name": name, "address": format!("{local}@{domain}.example")}],
            });
            let Value::Object(properties) = properties else {
                return;
            };
            let properties: Properties = properties;
            let made = self
                .now
                .saturating_sub(SignedDuration::from_hours(24 * (200 - number)))
                .unwrap_or(self.now);
            let folder = if number % 6 == 0 { suppliers } else { main };
            let item = self.contents.make_item(folder, &properties, made);
            self.contents.contacts.insert(item.key, item);
        }
    }
}

fn attendee(person: &Person, response: &str) -> Value {
    json!({
        "type": "required",
        "status": {"response": response, "time": "0001-01-01T00:00:00Z"},
        "emailAddress": person.email_address(),
    })
}

fn recurrence(mut pattern: Value, start: Date) -> Value {
    let mut shown = Properties::new();
    for (name, default) in [
        ("type", Value::Null),
        ("interval", json!(1)),
        ("month", json!(0)),
        ("dayOfMonth", json!(0)),
        ("daysOfWeek", Value::Null),
        ("firstDayOfWeek", json!("sunday")),
        ("index", json!("first")),
    ] {
        let value = pattern.get_mut(name).map_or(default, Value::take);
        if !value.is_null() {
            shown.insert(name.to_owned(), value);
        }
    }
    json!({
        "pattern": shown,
        "range": {
            "type": "noEnd",
            "startDate": start.to_string(),
            "endDate": "0001-01-01",
            "recurrenceTimeZone": "UTC",
            "numberOfOccurrences": 0,
        },
    })
}

/// The day, or the next one that is no weekend.
fn workday(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => day.saturating_add(2.days()),
        Weekday::Sunday => day.saturating_add(1.days()),
        _ => day,
    }
}
