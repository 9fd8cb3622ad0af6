//! What holds over all that happened in a case, whatever the case is about.

use std::collections::{BTreeMap, BTreeSet};

use entra_mock::environment::Site;
use entra_mock::journal::{Direction, Exchange, Surface, TokenKind};
use jiff::{SignedDuration, Timestamp};

use super::condition::{host, is_delta_token};
use super::{Canaries, Problem, Record};
use crate::case::Standing;

/// Whether it holds.
pub(super) fn holds(rule: Standing, record: &Record) -> Result<(), Problem> {
    match rule {
        Standing::BacksOff => retry_after_kept(record, |it| Some(asked(it).unwrap_or(1))),
        Standing::DeadTokenNeverAgain => dead_token_never_again(record),
        Standing::HttpsOnly => https_only(record),
        Standing::NextLinkOpaque => next_link_opaque(record),
        Standing::OnlyAccessTokensAtGraph => only_access_tokens_at_graph(record),
        Standing::OneRefreshAtATime => one_refresh_at_a_time(record),
        Standing::PagesByTheBrowser => pages_by_the_browser(record),
        Standing::RetryAfterKept => retry_after_kept(record, asked),
        Standing::SecretsAtTheirPlace => secrets_at_their_place(record),
        Standing::StderrFreeOfSecrets => stderr_free_of_secrets(record),
    }
}

fn problem(expected: &str, observed: String, exchanges: &[&Exchange]) -> Problem {
    Problem {
        expected: expected.to_owned(),
        observed,
        exchanges: exchanges.iter().map(|it| it.number).collect(),
        lacks: false,
    }
}

fn https_only(record: &Record) -> Result<(), Problem> {
    let clear = record.exchanges.iter().find(|exchange| {
        exchange.origin.starts_with("http://") && Site::of_host(&host(exchange)).is_some()
    });
    match clear {
        None => Ok(()),
        Some(it) => Err(problem(
            "every request to a host of Microsoft's by https",
            format!(
                "#{} {} {}{} without TLS",
                it.number, it.method, it.origin, it.path
            ),
            &[it],
        )),
    }
}

/// The refresh token that a request presents.
fn refresh_token(exchange: &Exchange) -> Option<&str> {
    if exchange.grant.as_deref() != Some("refresh_token") {
        return None;
    }
    let presented = exchange
        .tokens
        .iter()
        .find(|token| token.kind == TokenKind::Refresh && token.direction == Direction::Presented);
    presented.map(|it| it.fingerprint.as_str())
}

fn dead_token_never_again(record: &Record) -> Result<(), Problem> {
    let mut dead: BTreeMap<&str, &Exchange> = BTreeMap::new();
    for exchange in &record.exchanges {
        let Some(token) = refresh_token(exchange) else {
            continue;
        };
        if let Some(refused) = dead.get(token)
            && exchange.at > answered_at(refused)
        {
            return Err(problem(
                "a refresh token that was refused for good is not presented again",
                format!(
                    "#{} presents what #{} refused",
                    exchange.number, refused.number
                ),
                &[refused, exchange],
            ));
        }
        if exchange.error.as_deref() == Some("invalid_grant") {
            dead.entry(token).or_insert(exchange);
        }
    }
    Ok(())
}

fn one_refresh_at_a_time(record: &Record) -> Result<(), Problem> {
    let mut last: BTreeMap<&str, &Exchange> = BTreeMap::new();
    for exchange in by_arrival(record) {
        let Some(token) = refresh_token(exchange) else {
            continue;
        };
        if let Some(earlier) = last.get(token)
            && !may_be_given_up(earlier)
            && exchange.at < answered_at(earlier)
        {
            return Err(problem(
                "a refresh token is not presented while it is being redeemed",
                format!(
                    "#{} presents it {} ms before #{} is answered",
                    exchange.number,
                    answered_at(earlier).duration_since(exchange.at).as_millis(),
                    earlier.number
                ),
                &[earlier, exchange],
            ));
        }
        last.insert(token, exchange);
    }
    Ok(())
}

/// Whether a client may ask again before the answer: a fault loses the answer, or delays it for
/// longer than clients wait.
fn may_be_given_up(exchange: &Exchange) -> bool {
    const PATIENCE_MICROS: u64 = 1_000_000;
    let fault = exchange.fault.as_deref();
    fault.is_some_and(|it| !it.starts_with("delay ") || exchange.elapsed_micros > PATIENCE_MICROS)
}

fn by_arrival(record: &Record) -> Vec<&Exchange> {
    let mut all: Vec<&Exchange> = record.exchanges.iter().collect();
    all.sort_by_key(|it| it.at);
    all
}

fn answered_at(exchange: &Exchange) -> Timestamp {
    let micros = i64::try_from(exchange.elapsed_micros).unwrap_or(i64::MAX);
    let at = exchange.at.checked_add(SignedDuration::from_micros(micros));
    at.unwrap_or(exchange.at)
}

/// For whom a refusal that asks for patience counts: a client at a token endpoint, or a mailbox.
fn scope(exchange: &Exchange) -> Option<String> {
    match exchange.surface {
        Surface::Token => Some(format!(
            "{:?} {:?} {:?}",
            exchange.tenant, exchange.client, exchange.grant
        )),
        Surface::Graph => {
            let mut segments = exchange.path.split('/').skip(2);
            let mailbox = match segments.next()? {
                "users" => segments.next().unwrap_or_default(),
                other => other,
            };
            // What is behind another part of a mailbox has the same limit.
            Some(format!(
                "{:?} {:?} {mailbox}",
                exchange.tenant, exchange.user
            ))
        }
        _ => None,
    }
}

/// For how long a refusal that asks for patience is heeded is told by `patience`, in seconds.
fn retry_after_kept(
    record: &Record,
    patience: impl Fn(&Exchange) -> Option<i64>,
) -> Result<(), Problem> {
    let mut closed: BTreeMap<String, (&Exchange, Timestamp)> = BTreeMap::new();
    for exchange in &record.exchanges {
        let Some(scope) = scope(exchange) else {
            continue;
        };
        let now = exchange.tenant_time.unwrap_or(exchange.at);
        if let Some((refused, until)) = closed.get(&scope)
            // What was on its way when the refusal came could not know of it.
            && exchange.at > answered_at(refused)
            && now < *until
        {
            return Err(problem(
                "nothing is asked for again before the time that Retry-After gave",
                format!(
                    "#{} comes {:.1} s too early after #{}",
                    exchange.number,
                    until.duration_since(now).as_secs_f64(),
                    refused.number
                ),
                &[refused, exchange],
            ));
        }
        if let Some(seconds) = patience(exchange).filter(|_| matches!(exchange.status, 429 | 503)) {
            // Clocks are read at different moments of a request.
            let wait = SignedDuration::from_secs(seconds) - SignedDuration::from_millis(200);
            let until = now.checked_add(wait).unwrap_or(now);
            closed.insert(scope, (exchange, until));
        }
    }
    Ok(())
}

/// For how long an answer asks to be left alone, where it says so in whole seconds or by a date.
fn asked(exchange: &Exchange) -> Option<i64> {
    let header = |name: &str| {
        let mut headers = exchange.response_headers.iter();
        headers.find(|it| it.0 == name).map(|it| it.1.as_str())
    };
    let value = header("retry-after")?;
    let seconds = value.parse().ok().or_else(|| {
        let (then, now) = (http_date(value)?, http_date(header("date")?)?);
        // Dates have no fractions, and the time between them loses one.
        Some(then.duration_since(now).as_secs() - 1)
    });
    seconds.filter(|it| (1..=3600).contains(it))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text);
    jiff::tz::Offset::UTC.to_timestamp(civil.ok()?).ok()
}

fn next_link_opaque(record: &Record) -> Result<(), Problem> {
    // Requests that links lead to, and the collections that have had one.
    let mut links: BTreeSet<Page> = BTreeSet::new();
    let mut paged: BTreeSet<&str> = BTreeSet::new();
    // How many answers are too long for the journal: their links are not known, nor where they lead.
    let mut unread = 0_usize;
    for exchange in record
        .exchanges
        .iter()
        .filter(|it| it.surface == Surface::Graph)
    {
        let continues = exchange
            .query
            .iter()
            .any(|(name, value)| match name.as_str() {
                "$skiptoken" | "$skip" => true,
                // Who wants to begin with what is there now asks for `latest`.
                "$deltatoken" => !value.eq_ignore_ascii_case("latest"),
                _ => false,
            });
        let page = Page {
            host: host(exchange),
            path: exchange.path.clone(),
            query: sorted(exchange.query.iter().cloned()),
        };
        if continues && paged.contains(exchange.path.as_str()) && !links.contains(&page) {
            let Some(others) = unread.checked_sub(1) else {
                return Err(problem(
                    "a link to the next page or the next round is requested as it was given",
                    format!("#{} is no link that was given before", exchange.number),
                    &[exchange],
                ));
            };
            unread = others;
            links.insert(page);
        }
        let body = exchange.response_body.as_ref();
        let link = ["@odata.nextLink", "@odata.deltaLink"]
            .into_iter()
            .find_map(|name| body?.get(name)?.as_str());
        // Who is to begin a round anew is told where.
        let mut headers = exchange.response_headers.iter();
        let place = headers
            .find(|it| it.0 == "location")
            .map(|it| it.1.as_str());
        match link.or(place).and_then(Page::of_link) {
            Some(link) => {
                paged.insert(&exchange.path);
                links.insert(link);
            }
            None if exchange.status == 200 && body.is_some_and(|it| it.get("bytes").is_some()) => {
                paged.insert(&exchange.path);
                unread += 1;
            }
            None => {}
        }
    }
    Ok(())
}

/// A page of a list, as it is asked for.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Page {
    host: String,
    path: String,
    query: Vec<(String, String)>,
}

impl Page {
    fn of_link(link: &str) -> Option<Self> {
        let url = url::Url::parse(link).ok()?;
        Some(Self {
            host: url.host_str()?.to_owned(),
            path: url.path().to_owned(),
            query: sorted(url.query_pairs().into_owned()),
        })
    }
}

fn sorted(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    pairs
}

fn pages_by_the_browser(record: &Record) -> Result<(), Problem> {
    let Some(person) = &record.person else {
        return Ok(());
    };
    let own = record.exchanges.iter().find(|exchange| {
        let via = exchange.via.as_ref();
        exchange.surface == Surface::Authorize && via.is_some_and(|it| it != person)
    });
    match own {
        None => Ok(()),
        Some(it) => Err(problem(
            "the sign-in pages are the browser's to ask for",
            format!("the connector asks for #{} {}", it.number, it.path),
            &[it],
        )),
    }
}

fn only_access_tokens_at_graph(record: &Record) -> Result<(), Problem> {
    let canaries = Canaries::of(record);
    for exchange in record
        .exchanges
        .iter()
        .filter(|it| it.surface == Surface::Graph)
    {
        let mut query = exchange.query.iter();
        let is_delta = query.any(|(name, value)| is_delta_token(name, value, exchange, record));
        let found = canaries.in_request(exchange, |place| {
            place == "header authorization" || is_delta && place == "query token"
        });
        if let Some((place, secret)) = found {
            return Err(problem(
                "no secret and no token but the access token goes to Graph",
                format!("#{}: {place} has {secret}", exchange.number),
                &[exchange],
            ));
        }
        let other = exchange.tokens.iter().find(|token| {
            token.direction == Direction::Presented && token.kind != TokenKind::Access
        });
        if let Some(token) = other {
            return Err(problem(
                "no secret and no token but the access token goes to Graph",
                format!("#{} presents a token: {:?}", exchange.number, token.kind),
                &[exchange],
            ));
        }
    }
    Ok(())
}

fn secrets_at_their_place(record: &Record) -> Result<(), Problem> {
    let canaries = Canaries::of(record);
    for exchange in &record.exchanges {
        let elsewhere = matches!(
            exchange.surface,
            Surface::Proxy | Surface::Graph | Surface::Token | Surface::DeviceCode
        );
        let persons = record.person.is_some() && exchange.via == record.person;
        if elsewhere || persons {
            continue;
        }
        if let Some((place, secret)) = canaries.in_request(exchange, |_| false) {
            return Err(problem(
                "secrets and tokens go to the token endpoint, and access tokens to Graph",
                format!(
                    "#{} {} {}: {place} has {secret}",
                    exchange.number, exchange.method, exchange.path
                ),
                &[exchange],
            ));
        }
    }
    Ok(())
}

fn stderr_free_of_secrets(record: &Record) -> Result<(), Problem> {
    match record.leaks.first() {
        None => Ok(()),
        Some(leak) => Err(Problem::new(
            "no secret and no token in the driver's standard error",
            format!("{} in the line: {}", leak.secret, leak.line),
        )),
    }
}
