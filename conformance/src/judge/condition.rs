//! What one exchange looks like.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_mock::environment::Site;
use entra_mock::journal::{Direction, Exchange, Surface, TokenKind};
use serde_json::{Map, Value};

use super::facts::{Facts, Secret};
use super::value::{test_text, test_value};
use super::{Canaries, Problem, Record};
use crate::case::{
    Answered, ClientAuthentication, Condition, Field, Secrets, Span, TokenName, glob,
};

/// Whether an exchange meets a condition; if not, what is wrong with it.
pub(super) fn meets(
    condition: &Condition,
    exchange: &Exchange,
    record: &Record,
) -> Result<(), Problem> {
    let facts = &record.facts;
    one_of(&condition.host.0, "the host", &host(exchange), |it| {
        host_fits(it, exchange, facts)
    })?;
    one_of(&condition.path.0, "the path", &exchange.path, |it| {
        glob(it, &exchange.path)
    })?;
    if let Some(bad) = condition
        .path_not
        .iter()
        .find(|it| glob(it, &exchange.path))
    {
        return Err(Problem::new(
            format!("the path is not {bad}"),
            format!("the path is {}", exchange.path),
        ));
    }
    let method = exchange.method.as_str();
    one_of(&condition.method.0, "the method", method, |it| {
        it.eq_ignore_ascii_case(method)
    })?;
    one_of(
        &condition.answered.0,
        "the answer",
        &answer_of(exchange),
        |it| answered(&Answered::from(it), exchange),
    )?;
    let user = user_name(exchange, facts);
    one_of(&condition.user.0, "the user", &user, |it| {
        it.eq_ignore_ascii_case(&user)
    })?;
    for (name, test) in &condition.query {
        test_text(&format!("query {name}"), test, first(&exchange.query, name))?;
    }
    for (name, test) in &condition.form {
        test_text(&format!("form {name}"), test, first(&exchange.form, name))?;
    }
    for (name, test) in &condition.header {
        test_text(&format!("header {name}"), test, header(exchange, name))?;
    }
    for (pointer, test) in &condition.body {
        let value = exchange
            .request_body
            .as_deref()
            .and_then(|body| body.pointer(pointer));
        test_value(&format!("body {pointer}"), test, value)?;
    }
    for (pointer, test) in &condition.response {
        let value = exchange
            .response_body
            .as_deref()
            .and_then(|body| body.pointer(pointer));
        test_value(&format!("response {pointer}"), test, value)?;
    }
    if !condition.assertion.is_empty() {
        let claims = assertion(exchange)
            .ok_or_else(|| Problem::new("a client assertion", "there is none that can be read"))?;
        for (name, test) in &condition.assertion {
            test_value(&format!("assertion {name}"), test, claims.get(name))?;
        }
    }
    if let Some(most) = condition.assertion_lives_at_most {
        lifetime(exchange, most)?;
    }
    if let Some(wanted) = &condition.client_authentication {
        authentication(&wanted.0, exchange)?;
    }
    if let Some(kind) = condition.presents {
        presented(exchange, kind)
            .ok_or_else(|| Problem::new(format!("a token: {kind:?}"), "none is presented"))?;
    }
    if let Some(secrets) = condition.secrets {
        secret_free(secrets, exchange, record)?;
    }
    if condition.no_repeated_parameters {
        not_repeated("query", &exchange.query)?;
        not_repeated("form", &exchange.form)?;
    }
    Ok(())
}

/// Whether an exchange was answered so.
pub(super) fn answered(wanted: &Answered, exchange: &Exchange) -> bool {
    match wanted {
        Answered::Success => exchange.status < 400 && exchange.error.is_none(),
        Answered::Refusal => exchange.status >= 400 || exchange.error.is_some(),
        Answered::Status(status) => exchange.status == *status,
        Answered::Aadsts(number) => exchange.aadsts.contains(number),
        Answered::Error(error) => exchange.error.as_deref() == Some(error.as_str()),
    }
}

/// How an exchange was answered, in words.
pub(super) fn answer_of(exchange: &Exchange) -> String {
    let mut text = exchange.status.to_string();
    if let Some(error) = &exchange.error {
        text = format!("{text} {error}");
    }
    for number in &exchange.aadsts {
        text = format!("{text} AADSTS{number}");
    }
    text
}

/// The host as addressed, without scheme and port.
pub(super) fn host(exchange: &Exchange) -> String {
    let rest = exchange
        .origin
        .split_once("://")
        .map_or(exchange.origin.as_str(), |it| it.1);
    rest.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()))
        .map_or(rest, |it| it.0)
        .to_ascii_lowercase()
}

/// Whether a host is what a name of the format means.
pub(super) fn host_fits(name: &str, exchange: &Exchange, facts: &Facts) -> bool {
    let host = host(exchange);
    let environment = facts.environment;
    // A connector that was given addresses uses a port of localhost, where the port is the
    // environment, and login and Graph share it.
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
    let graph = exchange.surface == Surface::Graph;
    let is_login = || {
        environment.cloud().facts().hosts.contains(&host)
            || local && !graph && exchange.cloud.is_none_or(|it| it == environment.cloud())
    };
    let is_graph = || {
        host == environment.graph_host()
            || local && graph && exchange.environment.is_none_or(|it| it == environment)
    };
    match name {
        "login-host" => is_login(),
        "graph-host" => is_graph(),
        "other-cloud" => {
            let site = Site::of_host(&host);
            // Where contents of files are, a tenant has hosts of its own.
            let is_ours = matches!(
                site,
                Some(Site::SharePoint(of)) if of == environment
            );
            (local || site.is_some()) && !is_ours && !is_login() && !is_graph()
        }
        "foreign" => !local && Site::of_host(&host).is_none(),
        pattern => glob(pattern, &host),
    }
}

/// A value of an exchange by place and name.
pub(super) fn field(exchange: &Exchange, field: &Field) -> Option<String> {
    let name = field.name.as_str();
    match field.place.as_str() {
        "query" => first(&exchange.query, name).map(str::to_owned),
        "form" => first(&exchange.form, name).map(str::to_owned),
        "header" => header(exchange, name).map(str::to_owned),
        "assertion" => match assertion(exchange)?.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
        "presents" => {
            let kind = serde_json::from_value(Value::String(name.to_owned())).ok()?;
            presented(exchange, kind)
        }
        _ => None,
    }
}

/// The fingerprint of a token that is presented.
fn presented(exchange: &Exchange, kind: TokenName) -> Option<String> {
    let wanted = TokenKind::from(kind);
    let noted = exchange
        .tokens
        .iter()
        .find(|token| token.kind == wanted && token.direction == Direction::Presented)
        .map(|token| token.fingerprint.clone());
    // What was not recognised as a token of ours is still seen where tokens stand.
    noted.or_else(|| {
        let raw = match kind {
            TokenName::Access => header(exchange, "authorization").and_then(|it| {
                it.split_once(' ')
                    .filter(|it| it.0.eq_ignore_ascii_case("bearer"))
                    .map(|it| it.1)
            }),
            TokenName::Assertion => first(&exchange.form, "client_assertion"),
            TokenName::Code => first(&exchange.form, "code"),
            TokenName::Refresh => first(&exchange.form, "refresh_token"),
        }?;
        let end = raw.find('>').unwrap_or(raw.len());
        Some(raw[..end].trim_start_matches('<').to_owned())
    })
}

/// Header and claims of the client assertion together, as the journal shows them.
fn assertion(exchange: &Exchange) -> Option<Map<String, Value>> {
    let text = first(&exchange.form, "client_assertion")?;
    let mut all = Map::new();
    if let Some((_, shown)) = text.strip_prefix('<').and_then(|it| it.split_once('>')) {
        for part in serde_json::Deserializer::from_str(shown).into_iter::<Map<String, Value>>() {
            all.extend(part.ok()?);
        }
    } else {
        for part in text.split('.').take(2) {
            let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            all.extend(serde_json::from_slice::<Map<String, Value>>(&json).ok()?);
        }
    }
    Some(all).filter(|it| !it.is_empty())
}

fn lifetime(exchange: &Exchange, most: Span) -> Result<(), Problem> {
    let claims = assertion(exchange)
        .ok_or_else(|| Problem::new("a client assertion", "there is none that can be read"))?;
    // Clients write times as numbers, as floats and as texts.
    let seconds = |name: &str| match claims.get(name)? {
        Value::String(text) => text.parse::<f64>().ok(),
        value => value.as_f64(),
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are far below 2^52"
    )]
    let sent = exchange.tenant_time.unwrap_or(exchange.at).as_second() as f64;
    let begin = seconds("nbf").or_else(|| seconds("iat")).unwrap_or(sent);
    let lives = seconds("exp").map(|end| end - begin);
    #[expect(clippy::cast_precision_loss, reason = "at most a hundred years")]
    let limit = most.0.as_secs() as f64;
    match lives {
        // A second of rounding.
        Some(lives) if lives <= limit + 1.0 => Ok(()),
        Some(lives) => Err(Problem::new(
            format!("an assertion that lives at most {most}"),
            format!("it lives {lives:.0} s"),
        )),
        None => Err(Problem::new("an assertion with an end", "it has no exp")),
    }
}

fn authentication(wanted: &[ClientAuthentication], exchange: &Exchange) -> Result<(), Problem> {
    let basic = header(exchange, "authorization")
        .is_some_and(|it| it.to_ascii_lowercase().starts_with("basic "));
    let found: Vec<ClientAuthentication> = [
        (
            ClientAuthentication::Assertion,
            first(&exchange.form, "client_assertion").is_some(),
        ),
        (ClientAuthentication::SecretBasic, basic),
        (
            ClientAuthentication::SecretBody,
            first(&exchange.form, "client_secret").is_some(),
        ),
    ]
    .into_iter()
    .filter_map(|(kind, found)| found.then_some(kind))
    .collect();
    let fits = match found.as_slice() {
        [] => wanted.is_empty(),
        [one] => wanted.contains(one),
        _ => false,
    };
    let names = |list: &[ClientAuthentication]| {
        let names: Vec<String> = list.iter().map(|it| format!("{it:?}")).collect();
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        }
    };
    if fits {
        return Ok(());
    }
    Err(Problem::new(
        format!("the client proves itself with one of: {}", names(wanted)),
        format!("it does so with: {}", names(&found)),
    ))
}

/// Whether a value that the journal replaced is the token of a round of changes in a drive: no
/// secret, but it has the name of one. What is known for a token is none of these.
///
/// Source: learn.microsoft.com/graph/api/driveitem-delta, "Query parameters" (`token`).
pub(super) fn is_delta_token(
    name: &str,
    value: &str,
    exchange: &Exchange,
    record: &Record,
) -> bool {
    let tokens = || record.exchanges.iter().flat_map(|it| &it.tokens);
    name == "token"
        && exchange.surface == Surface::Graph
        && exchange.path.ends_with("/delta")
        && !tokens().any(|it| value.contains(&it.fingerprint))
}

fn secret_free(wanted: Secrets, exchange: &Exchange, record: &Record) -> Result<(), Problem> {
    let secrets = &record.facts.secrets;
    let clear = |text: &str| {
        let is_in = |secret: &&Secret| {
            // A short text is found by chance.
            secret
                .value
                .as_ref()
                .is_some_and(|it| it.len() >= 8 && text.contains(it.as_str()))
        };
        secrets.iter().find(is_in).map(|secret| secret.name.clone())
    };
    // The journal replaces secrets that it knows by their fingerprints.
    let marked = |text: &str| {
        let is_in = |secret: &&Secret| text.contains(&format!("<{}>", secret.fingerprint));
        secrets.iter().find(is_in).map(|secret| secret.name.clone())
    };
    let found = |text: &str| clear(text).or_else(|| marked(text));
    let mut places: Vec<(String, Option<String>)> =
        vec![("the path".into(), found(&exchange.path))];
    for (name, value) in &exchange.query {
        // Those that it does not know it replaces by the name of their parameter.
        let replaced = value.starts_with('<') && value.contains('>') && name != "id_token_hint";
        let replaced = replaced && !is_delta_token(name, value, exchange, record);
        let found = found(value).or_else(|| replaced.then(|| format!("a value of '{name}'")));
        places.push((format!("query {name}"), found));
    }
    if wanted == Secrets::NotSent
        && let Some((place, secret)) = Canaries::of(record).in_request(exchange, |place| {
            // Where the access token belongs.
            exchange.surface == Surface::Graph && place == "header authorization"
        })
    {
        places.push((place, Some(secret.to_owned())));
    }
    match places
        .into_iter()
        .find_map(|(place, found)| Some((place, found?)))
    {
        None => Ok(()),
        Some((place, secret)) => {
            let where_not = match wanted {
                Secrets::NotInUrl => "no secret in the URL",
                Secrets::NotSent => "no secret in the request",
            };
            Err(Problem::new(where_not, format!("{place} has {secret}")))
        }
    }
}

fn not_repeated(place: &str, pairs: &[(String, String)]) -> Result<(), Problem> {
    let twice = pairs
        .iter()
        .enumerate()
        .find(|(index, pair)| pairs[..*index].iter().any(|other| other.0 == pair.0));
    match twice {
        None => Ok(()),
        Some((_, (name, _))) => Err(Problem::new(
            format!("each {place} parameter at most once"),
            format!("'{name}' stands there twice"),
        )),
    }
}

fn one_of(
    wanted: &[impl std::fmt::Display],
    what: &str,
    found: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<(), Problem> {
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    if names.is_empty() || names.iter().any(|name| fits(name)) {
        return Ok(());
    }
    Err(Problem::new(
        format!("{what} is {}", names.join(" or ")),
        format!("{what} is {found}"),
    ))
}

fn user_name(exchange: &Exchange, facts: &Facts) -> String {
    let Some(user) = exchange.user.map(|user| user.to_string()) else {
        return "nobody".to_owned();
    };
    facts
        .values
        .iter()
        .filter(|(_, value)| **value == user)
        .find_map(|(name, _)| {
            facts
                .values
                .get(&format!("{}.upn", name.strip_suffix(".id")?))
        })
        .map_or(user, Clone::clone)
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|pair| pair.0 == name)
        .map(|pair| pair.1.as_str())
}

fn header<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a str> {
    first(&exchange.request_headers, name)
}
