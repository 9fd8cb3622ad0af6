//! The answers that were recorded from the real login hosts: `data/recorded/login/`.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::*;
use crate::recorded;

/// A recorded answer of a login host, and how to ask for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    source: String,
    date: String,
    #[serde(default = "office365")]
    environment: Environment,
    #[serde(default)]
    before: Vec<Before>,
    ask: Ask,
    answer: Expected,
}

fn office365() -> Environment {
    Environment::Office365
}

/// What brings about the state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Before {
    /// A request that succeeds.
    Ask(Ask),
    /// Something that happens in the tenant.
    Event(Event),
    /// Days that pass.
    Days(i64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
    /// Whether only some members of the body were recorded.
    #[serde(default)]
    part: bool,
    /// Members of the body that are tokens, with the header and the claims that these hold.
    #[serde(default)]
    tokens: BTreeMap<String, Value>,
}

#[tokio::test]
async fn recorded_answers_are_given() {
    let mut wrong = String::new();
    for (name, recorded) in recorded::all::<Recorded>("login") {
        if let Err(problem) = replay(&recorded).await {
            wrong.push_str(&format!(
                "\n{name} ({}, {}):{problem}",
                recorded.source, recorded.date
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

async fn replay(recorded: &Recorded) -> Result<(), String> {
    let mock = Mock::new();
    let mut kept = names(&mock);
    for before in &recorded.before {
        match before {
            Before::Ask(ask) => {
                let (status, body, _) = take(&mock, recorded.environment, ask, &mut kept).await?;
                if status >= 300 {
                    return Err(format!("\n  {} is refused: {body}", ask.request));
                }
            }
            Before::Event(event) => {
                mock.world.apply(&mock.tenant, event).unwrap();
            }
            Before::Days(days) => {
                let passed = SignedDuration::from_hours(24 * days);
                mock.tenant.clock.advance(passed);
            }
        }
    }
    let (status, body, response) =
        take(&mock, recorded.environment, &recorded.ask, &mut kept).await?;
    let expected = &recorded.answer;
    if status != expected.status {
        return Err(format!("\n  the status is {status}: {body}"));
    }
    let mut problems = Vec::new();
    for (name, value) in &expected.headers {
        let wanted = Value::String(recorded::filled(value, &kept));
        let found = response.headers().get_all(name).iter();
        let found = found.map(|it| Value::from(it.to_str().unwrap_or_default()));
        let found: Vec<Value> = found.collect();
        let fits = |found: &Value| recorded::differences(&wanted, found).is_empty();
        if !found.iter().any(fits) {
            problems.push(format!("header {name} is {found:?}; recorded is {wanted}"));
        }
    }
    let wanted = recorded::filled_value(&expected.body, &kept);
    let mut shown = body.clone();
    if let (true, Some(shown), Some(wanted)) =
        (expected.part, shown.as_object_mut(), wanted.as_object())
    {
        shown.retain(|name, _| wanted.contains_key(name));
    }
    problems.extend(recorded::differences(&wanted, &shown));
    for (member, wanted) in &expected.tokens {
        let wanted = recorded::filled_value(wanted, &kept);
        problems.extend(recorded::differences(&wanted, &parts(&body[member])));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.iter().map(|it| format!("\n  {it}")).collect())
}

/// What the texts of a recording may name: ids, secrets and passwords of the default world.
fn names(mock: &Mock) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    names.insert("tenant".to_owned(), mock.id());
    names.insert("tenant-name".to_owned(), "Contoso".to_owned());
    names.insert("code".to_owned(), mock.code(|_| ()));
    for (alias, app) in &mock.facts.apps {
        names.insert(alias.clone(), app.client_id.to_string());
        let secret = app.client_secret.clone().unwrap_or_default();
        names.insert(format!("{alias}.secret"), secret);
    }
    for (alias, user) in &mock.facts.users {
        names.insert(format!("{alias}.upn"), user.upn.clone());
        names.insert(format!("{alias}.password"), user.password.clone());
    }
    names
}

/// Sends a request, and keeps of the answer what is wanted.
async fn take(
    mock: &Mock,
    environment: Environment,
    ask: &Ask,
    kept: &mut BTreeMap<String, String>,
) -> Result<(u16, Value, Response<()>), String> {
    let request = recorded::filled(&ask.request, kept);
    let (method, path) = request
        .split_once(' ')
        .ok_or_else(|| format!("'{request}' is no method and path"))?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &ask.form {
        form.append_pair(name, &recorded::filled(value, kept));
    }
    let mut builder = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in &ask.headers {
        builder = builder.header(name, recorded::filled(value, kept));
    }
    let request = builder.body(Body::from(form.finish())).unwrap();
    let (status, body, response) = mock.send_to(environment, request).await;
    for (name, pointer) in &ask.keep {
        let value = body.pointer(pointer).and_then(Value::as_str);
        let value = value.ok_or_else(|| format!("\n  nothing at {pointer} of {body}"))?;
        kept.insert(name.clone(), value.to_owned());
    }
    Ok((status, body, response))
}

/// The header and the claims of a token.
fn parts(token: &Value) -> Value {
    let mut parts = token.as_str().unwrap_or_default().split('.');
    let mut part = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().unwrap_or_default());
        serde_json::from_slice(&bytes.unwrap_or_default()).unwrap_or(Value::Null)
    };
    let (header, claims): (Value, Value) = (part(), part());
    json!({"header": header, "claims": claims})
}
