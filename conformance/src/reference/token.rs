//! The token endpoint.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::{self, Http};
use super::id_token;
use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use super::settings::{Credential, Settings};
use super::style::Style;
use crate::case::Category;

/// Tokens as they were issued.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Tokens {
    pub(super) access: String,
    /// Seconds since the epoch.
    pub(super) expires: i64,
    /// When they were asked for, in the same way.
    #[serde(default)]
    pub(super) obtained: i64,
    /// From when on they are better renewed, where the answer said so (`refresh_in`).
    #[serde(default)]
    pub(super) renew_from: Option<i64>,
    pub(super) refresh: Option<String>,
    pub(super) id: Option<String>,
}

impl Tokens {
    /// The tokens with so many letters of each, as a mutant keeps them.
    pub(super) fn cut(mut self, letters: usize) -> Self {
        self.access.truncate(letters);
        if let Some(refresh) = &mut self.refresh {
            refresh.truncate(letters);
        }
        self
    }
}

/// Asks for tokens.
pub(super) async fn request(
    http: &Http,
    settings: &Settings,
    grant: &[(&str, &str)],
    claims: Option<&str>,
    now: i64,
) -> Result<Tokens, Problem> {
    let kind = settings.kind;
    if kind.is(Mutant::FallsBackToAnotherCloud) {
        let first = request_once(http, settings, grant, claims, now).await;
        if let Err(problem) = &first
            && problem.error.is_some()
        {
            let mut elsewhere = settings.clone();
            elsewhere.cloud = super::clouds::Cloud::of(match elsewhere.cloud.resource {
                "https://graph.microsoft.com" => Some("us-gov-l4"),
                _ => None,
            })?;
            let _ = request_once(http, &elsewhere, grant, claims, now).await;
        }
        return first;
    }
    if kind.is(Mutant::AsksAsItsVendor) {
        let vendor = Settings {
            client_id: "d3590ed6-52b3-4102-aeff-aad2292ab01c".to_owned(),
            ..settings.clone()
        };
        let _ = request_once(http, &vendor, grant, claims, now).await;
    }
    if kind.is(Mutant::TriesAnotherTenant) {
        let other = Settings {
            tenant: match settings.tenant.as_str() {
                "organizations" => "common".to_owned(),
                _ => "organizations".to_owned(),
            },
            ..settings.clone()
        };
        let _ = request_once(http, &other, grant, claims, now).await;
    }
    if kind.is(Mutant::PresentsExpiredAssertions)
        && matches!(settings.credential, Credential::Certificate(_))
    {
        let _ = request_once(http, settings, grant, claims, now - 7200).await;
    }
    let repeats = match kind {
        Kind::Mutant(Mutant::RedeemsTwice) if is_code(grant) => 1,
        Kind::Mutant(Mutant::RetriesRefusals | Mutant::InsistsOnWrongFields) => 4,
        _ => 0,
    };
    let mut answer = request_once(http, settings, grant, claims, now).await;
    for _ in 0..repeats {
        if answer.is_ok() && !kind.is(Mutant::RedeemsTwice) {
            break;
        }
        let again = request_once(http, settings, grant, claims, now).await;
        if answer.is_err() {
            answer = again;
        }
    }
    let weaker = match (&answer, kind) {
        (Err(problem), Kind::Mutant(Mutant::DropsRefusedSecret)) if is_credential(problem) => {
            Some(Credential::None)
        }
        (Err(problem), Kind::Mutant(Mutant::TriesOtherCredentials)) if is_credential(problem) => {
            Some(match settings.credential {
                Credential::Certificate(_) => Credential::Secret("the-old-secret".to_owned()),
                _ => Credential::None,
            })
        }
        _ => None,
    };
    match weaker {
        Some(credential) => {
            let weaker = Settings {
                credential,
                ..settings.clone()
            };
            request_once(http, &weaker, grant, claims, now).await
        }
        None => answer,
    }
}

fn is_code(grant: &[(&str, &str)]) -> bool {
    grant.contains(&("grant_type", "authorization_code"))
}

fn is_credential(problem: &Problem) -> bool {
    problem.error.as_deref() == Some("invalid_client")
}

async fn request_once(
    http: &Http,
    settings: &Settings,
    grant: &[(&str, &str)],
    claims: Option<&str>,
    now: i64,
) -> Result<Tokens, Problem> {
    let kind = settings.kind;
    let mut endpoint = format!("{}/oauth2/v2.0/token", settings.authority());
    if kind.has(Style::AsksForConfiguration) {
        let configuration = id_token::configuration(http, settings).await?;
        let named = configuration["token_endpoint"].as_str();
        named
            .ok_or_else(|| Problem::unavailable("the configuration names no token endpoint"))?
            .clone_into(&mut endpoint);
    }
    let audience = endpoint.clone();
    if kind.is(Mutant::SecretInUrl)
        && let Credential::Secret(secret) = &settings.credential
    {
        let secret: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        endpoint.push_str("?client_secret=");
        endpoint.push_str(&secret);
    }
    let claims = merge_capabilities(claims, kind);
    let is_refresh = grant.contains(&("grant_type", "refresh_token"));
    let uses_basic = kind.has(Style::BasicAuthentication);
    let send = || {
        let mut form: Vec<(&str, String)> = vec![("client_id", settings.client_id.clone())];
        form.extend(
            grant
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        form.push(("claims", claims.clone()));
        form.push(("client_info", "1".to_owned()));
        match &settings.credential {
            Credential::Certificate(certificate) => {
                // A fresh one for every request, a repeated request included.
                let assertion = certificate.assertion(&settings.client_id, &audience, now, kind);
                if kind.is(Mutant::SecretBesideAssertion) {
                    form.push(("client_secret", "the-old-secret".to_owned()));
                }
                form.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                form.push(("client_assertion", assertion));
            }
            Credential::None => {}
            Credential::Secret(_) if uses_basic => {}
            Credential::Secret(_) if is_refresh && kind.is(Mutant::RefreshesWithoutSecret) => {}
            Credential::Secret(secret) => form.push(("client_secret", secret.clone())),
        }
        let mut request = http
            .client
            .post(&endpoint)
            .header("accept", "application/json");
        if kind.is(Mutant::SecretTwice)
            && let Credential::Secret(secret) = &settings.credential
        {
            request = request.basic_auth(&settings.client_id, Some(secret));
        }
        if uses_basic && let Credential::Secret(secret) = &settings.credential {
            // RFC 6749, section 2.3.1: as in a form, and only then in base64.
            let encoded = |text: &str| -> String {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let (name, secret) = (encoded(&settings.client_id), encoded(secret));
            request = request.basic_auth(name, Some(secret));
        }
        if kind.is(Mutant::PosesAsABrowser) {
            request = request.header("origin", "http://localhost");
        }
        if kind.is(Mutant::JsonTokenRequests) {
            let members: serde_json::Map<String, Value> = form
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            return request.json(&members);
        }
        request.form(&form)
    };
    // A code counts once: whether a lost request used it up cannot be known.
    let repeatable = !is_code(grant);
    let response = http
        .send(
            "the sign-in service",
            repeatable,
            Some(&http.tokens),
            |_| send(),
        )
        .await?;
    let status = response.status();
    let after = http::retry_after(&response);
    let text = http
        .text(response)
        .await
        .ok_or_else(|| Problem::unavailable("the sign-in service broke off its answer"))?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if !status.is_success() {
        let mut problem = if body["error"].is_null() {
            let message = format!("the sign-in service answered {status} without a reason");
            http::throttled(status, after, message)
        } else {
            Problem::of_authority(status.as_u16(), &body, after)
        };
        if kind.is(Mutant::GoesByTheText) && !problem.message.contains("AADSTS") {
            return Err(Problem::unavailable(
                "the sign-in service answered strangely",
            ));
        }
        if kind.is(Mutant::TakesDeadGrantsForOutages) && problem.ends_the_grant() {
            problem.category = Category::Unavailable;
        }
        if problem.category == Category::Throttled {
            http.leave_tokens_alone(after);
        }
        return Err(problem);
    }
    tokens(&body, now, kind)
}

/// Declares that the connector handles claims challenges, beside what a challenge asks for.
pub(super) fn merge_capabilities(claims: Option<&str>, kind: Kind) -> String {
    if let Some(claims) = claims.filter(|_| kind.is(Mutant::DropsItsCapabilities)) {
        return claims.to_owned();
    }
    let mut value: Value = claims
        .and_then(|text| serde_json::from_str(text).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    if !value["access_token"].is_object() {
        value["access_token"] = json!({});
    }
    value["access_token"]["xms_cc"] = json!({ "values": ["cp1"] });
    value.to_string()
}

/// An unguessable id.
pub(super) fn random_id() -> String {
    use base64::Engine as _;

    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn tokens(body: &Value, now: i64, kind: Kind) -> Result<Tokens, Problem> {
    let text = |name: &str| {
        body[name]
            .as_str()
            .filter(|it| !it.is_empty())
            .map(|it| match kind {
                Kind::Mutant(Mutant::TruncatesTokens) => it.chars().take(2_000).collect(),
                _ => it.to_owned(),
            })
    };
    let malformed = || Problem::unavailable("the sign-in service's answer has no usable token");
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(malformed());
    }
    if kind.is(Mutant::ReadsAnswersStrictly) && !is_as_ever(body) {
        return Err(malformed());
    }
    let seconds = |name: &str| match &body[name] {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let lifetime = match kind {
        Kind::Mutant(Mutant::AssumesAnHour) => Some(3600),
        Kind::Mutant(Mutant::LooksIntoAccessTokens) => {
            let end = text("access_token").and_then(|it| end_of(&it));
            end.map(|end| end - now)
        }
        _ => seconds("expires_in"),
    };
    Ok(Tokens {
        access: text("access_token")
            .or_else(|| {
                let any = kind.is(Mutant::TakesAnyAnswerForAToken);
                any.then(|| "undefined".to_owned())
            })
            .ok_or_else(malformed)?,
        expires: now.saturating_add(lifetime.ok_or_else(malformed)?),
        obtained: now,
        renew_from: seconds("refresh_in").map(|it| now.saturating_add(it)),
        refresh: text("refresh_token"),
        id: text("id_token"),
    })
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether an answer has the spelling and the members that a mutant knows.
fn is_as_ever(body: &Value) -> bool {
    let known = [
        "access_token",
        "client_info",
        "expires_in",
        "ext_expires_in",
        "id_token",
        "refresh_in",
        "refresh_token",
        "scope",
        "token_type",
    ];
    body["token_type"] == "Bearer"
        && body["expires_in"].is_number()
        && body
            .as_object()
            .is_some_and(|it| it.keys().all(|name| known.contains(&name.as_str())))
}

/// When a JWT ends, for a mutant.
fn end_of(token: &str) -> Option<i64> {
    use base64::Engine as _;

    let payload = token.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    let claims: Value = serde_json::from_slice(&payload.ok()?).ok()?;
    claims["exp"].as_i64()
}
