//! Picks exchanges, and demands something of what was picked.

use entra_mock::environment::Site;
use entra_mock::journal::{Exchange, Surface};

use super::condition::{answer_of, answered, field, host, host_fits, meets};
use super::randomness::room;
use super::{Problem, Record};
use crate::case::{AtOnce, Random, Selector, glob};

/// The exchanges that a selector picks, oldest first.
pub(super) fn select<'a>(
    surface: &str,
    selector: &Selector,
    record: &'a Record,
    witness: Option<u64>,
) -> Vec<&'a Exchange> {
    let begin = selector.since.map(|since| {
        let steps = record.steps.iter().rev();
        steps
            .clone()
            .find(|step| step.step == since.step())
            .map_or(u64::MAX, |step| step.before)
    });
    let fits = |exchange: &&Exchange| {
        let any = |list: &[String], test: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|it| test(it))
        };
        is_of(surface, exchange)
            && !selector.except.iter().any(|it| *it == exchange.surface)
            && any(&selector.grant.0, &|it| {
                exchange.grant.as_deref() == Some(it)
            })
            && any(&selector.host.0, &|it| {
                host_fits(it, exchange, &record.facts)
            })
            && any(&selector.path.0, &|it| glob(it, &exchange.path))
            && any(&selector.method.0, &|it| {
                it.eq_ignore_ascii_case(&exchange.method)
            })
            && (selector.answered.is_empty()
                || selector.answered.iter().any(|it| answered(it, exchange)))
            && begin.is_none_or(|begin| exchange.number > begin)
            && (!selector.after_witness || witness.is_none_or(|it| exchange.number > it))
            && (!selector.before_witness || witness.is_none_or(|it| exchange.number < it))
            && selector
                .with
                .as_ref()
                .is_none_or(|condition| meets(condition, exchange, record).is_ok())
    };
    record.exchanges.iter().filter(fits).collect()
}

/// Checks what a selector demands of the exchanges that it picked.
pub(super) fn demand(
    surface: &str,
    selector: &Selector,
    found: &[&Exchange],
    record: &Record,
) -> Result<(), Problem> {
    let count = found.len();
    let numbers = || {
        found
            .iter()
            .map(|exchange| exchange.number)
            .collect::<Vec<_>>()
    };
    let wrong_count = |wanted: String, lacks: bool| {
        let observed = if count == 0 {
            summary(surface, record)
        } else {
            format!("{count}: {}", listed(found))
        };
        Problem {
            expected: format!("{}: {wanted}", describe(surface, selector)),
            observed,
            exchanges: numbers(),
            lacks,
        }
    };
    if let Some(exactly) = selector.exactly.filter(|it| *it != count) {
        return Err(wrong_count(format!("exactly {exactly}"), count < exactly));
    }
    if let Some(least) = selector.at_least.filter(|it| count < *it) {
        return Err(wrong_count(format!("at least {least}"), true));
    }
    if let Some(most) = selector.at_most.filter(|it| count > *it) {
        return Err(wrong_count(format!("at most {most}"), false));
    }
    if let Some(condition) = &selector.each {
        for exchange in found {
            meets(condition, exchange, record).map_err(|problem| Problem {
                expected: format!(
                    "each of {}: {}",
                    describe(surface, selector),
                    problem.expected
                ),
                observed: format!("#{}: {}", exchange.number, problem.observed),
                exchanges: vec![exchange.number],
                lacks: false,
            })?;
        }
    }
    compare(surface, selector, found)?;
    random(surface, selector, found)?;
    at_once(surface, selector, found)?;
    spacing(surface, selector, found)
}

/// What a selector picks, in words.
pub(super) fn describe(surface: &str, selector: &Selector) -> String {
    let mut words = Vec::new();
    let mut add = |name: &str, list: Vec<String>| {
        if !list.is_empty() {
            words.push(format!("{name} {}", list.join(" or ")));
        }
    };
    add("grant", selector.grant.0.clone());
    add("at", selector.host.0.clone());
    add("path", selector.path.0.clone());
    add("method", selector.method.0.clone());
    add(
        "answered",
        selector.answered.iter().map(ToString::to_string).collect(),
    );
    if selector.with.is_some() {
        words.push("with the given properties".to_owned());
    }
    if let Some(since) = selector.since {
        words.push(format!("since the last {}", since.step()));
    }
    if selector.after_witness {
        words.push("after the witness".to_owned());
    }
    if selector.before_witness {
        words.push("before the witness".to_owned());
    }
    let noun = match surface {
        "any" => "requests".to_owned(),
        "graph" => "requests to Graph".to_owned(),
        "sites" => "requests to sites".to_owned(),
        "pages" => "requests of sign-in pages".to_owned(),
        "proxy" => "requests to hosts that are not Microsoft's".to_owned(),
        "tls" => "TLS handshakes with a wrong certificate".to_owned(),
        other => format!("{other} requests"),
    };
    if words.is_empty() {
        noun
    } else {
        format!("{noun} ({})", words.join(", "))
    }
}

/// What there was at a surface, in words.
pub(super) fn summary(surface: &str, record: &Record) -> String {
    let all: Vec<&Exchange> = record
        .exchanges
        .iter()
        .filter(|exchange| is_of(surface, exchange))
        .collect();
    if all.is_empty() {
        let noun = describe(surface, &Selector::default());
        return match record.exchanges.len() {
            0 => format!("no {noun}, and none of another kind"),
            other => format!("no {noun}; {other} of other kinds"),
        };
    }
    format!("none of these fits: {}", listed(&all))
}

fn is_of(surface: &str, exchange: &Exchange) -> bool {
    // The page's forms carry the sealed state of the sign-in in `flow`.
    let begins = || {
        exchange.path.trim_end_matches('/').ends_with("/authorize")
            && !exchange.form.iter().any(|(name, _)| name == "flow")
    };
    match surface {
        "any" => true,
        "authorize" => exchange.surface == Surface::Authorize && begins(),
        "pages" => exchange.surface == Surface::Authorize && !begins(),
        "device-code" => exchange.surface == Surface::DeviceCode,
        "discovery" => exchange.surface == Surface::Discovery,
        "graph" => exchange.surface == Surface::Graph && !is_of_site(exchange),
        "sites" => exchange.surface == Surface::Graph && is_of_site(exchange),
        "keys" => exchange.surface == Surface::Keys,
        "proxy" => exchange.surface == Surface::Proxy,
        "tls" => exchange.surface == Surface::Tls,
        "token" => exchange.surface == Surface::Token,
        _ => false,
    }
}

/// Whether a request went to the host of a tenant's sites. Where the connector was given ports of
/// localhost, the path tells.
fn is_of_site(exchange: &Exchange) -> bool {
    matches!(Site::of_host(&host(exchange)), Some(Site::SharePoint(_)))
        || exchange.path.contains("/_layouts/15/download.aspx")
        || exchange.path.contains("/_api/v2.0/")
}

fn compare(surface: &str, selector: &Selector, found: &[&Exchange]) -> Result<(), Problem> {
    for (wanted, different) in [(&selector.distinct, true), (&selector.same, false)] {
        let Some(wanted) = wanted else { continue };
        let mut seen: Vec<(u64, String)> = Vec::new();
        for exchange in found {
            let word = if different { "different" } else { "the same" };
            let expected = format!(
                "{}: {wanted} is {word} in each",
                describe(surface, selector)
            );
            let Some(value) = field(exchange, wanted) else {
                return Err(Problem {
                    expected,
                    observed: format!("#{} has no {wanted}", exchange.number),
                    exchanges: vec![exchange.number],
                    lacks: false,
                });
            };
            let clash = seen
                .iter()
                .find(|(_, other)| (*other == value) == different);
            if let Some((other, _)) = clash {
                return Err(Problem {
                    expected,
                    observed: format!(
                        "#{other} and #{} have {} value",
                        exchange.number,
                        if different { "the same" } else { "another" }
                    ),
                    exchanges: vec![*other, exchange.number],
                    lacks: false,
                });
            }
            seen.push((exchange.number, value));
        }
    }
    Ok(())
}

fn random(surface: &str, selector: &Selector, found: &[&Exchange]) -> Result<(), Problem> {
    let Some(Random { value, bits }) = &selector.random else {
        return Ok(());
    };
    // What is missing changes nothing.
    let values: Vec<String> = found.iter().filter_map(|it| field(it, value)).collect();
    let room = room(&values);
    // Less than half a bit is what logarithms are wrong by.
    if room + 0.5 >= f64::from(*bits) {
        return Ok(());
    }
    Err(Problem {
        expected: format!(
            "{}: {value} has {bits} random bits at least",
            describe(surface, selector)
        ),
        observed: format!(
            "what changes in {} of them has room for {room:.0} bits: who knows one can guess the next",
            values.len()
        ),
        exchanges: found.iter().map(|it| it.number).collect(),
        lacks: false,
    })
}

fn at_once(surface: &str, selector: &Selector, found: &[&Exchange]) -> Result<(), Problem> {
    let Some(AtOnce { at_most, within }) = selector.at_once else {
        return Ok(());
    };
    let mut by_arrival = found.to_vec();
    by_arrival.sort_by_key(|exchange| exchange.at);
    for together in by_arrival.windows(at_most + 1) {
        let (first, last) = (together[0], together[at_most]);
        let between = last.at.duration_since(first.at);
        if between < within.0 {
            return Err(Problem {
                expected: format!(
                    "{}: at most {at_most} within {within}",
                    describe(surface, selector)
                ),
                observed: format!("{} came within {} ms", together.len(), between.as_millis()),
                exchanges: together.iter().map(|it| it.number).collect(),
                lacks: false,
            });
        }
    }
    Ok(())
}

fn spacing(surface: &str, selector: &Selector, found: &[&Exchange]) -> Result<(), Problem> {
    let Some(least) = selector.spaced_at_least else {
        return Ok(());
    };
    for pair in found.windows(2) {
        let time = |exchange: &Exchange| exchange.tenant_time.unwrap_or(exchange.at);
        let between = time(pair[1]).duration_since(time(pair[0]));
        if between < least.0 {
            return Err(Problem {
                expected: format!("{}: at least {least} apart", describe(surface, selector)),
                observed: format!(
                    "#{} came {:.1} s after #{}",
                    pair[1].number,
                    between.as_secs_f64(),
                    pair[0].number
                ),
                exchanges: vec![pair[0].number, pair[1].number],
                lacks: false,
            });
        }
    }
    Ok(())
}

fn listed(exchanges: &[&Exchange]) -> String {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = exchanges
        .iter()
        .take(SHOWN)
        .map(|it| {
            format!(
                "#{} {} {}{} → {}",
                it.number,
                it.method,
                host(it),
                it.path,
                answer_of(it)
            )
        })
        .collect();
    if exchanges.len() > SHOWN {
        lines.push(format!("and {} more", exchanges.len() - SHOWN));
    }
    lines.join("; ")
}
