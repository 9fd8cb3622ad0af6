//! What the authority answers when it refuses.
//!
//! One value serves all audiences: JSON at the token endpoint, parameters of a redirect, an error
//! page. What they say with the same code stands in the tables of [`crate::aadsts`]. Source of the members and headers: recorded answers of login.microsoftonline.com.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::aadsts::{Answer, Endpoint, Place, Row, fill};
use crate::exchange::Annotation;
use crate::random::Random;
use crate::token::validity::Invalid;

/// A refusal of the authority: a code and its facts. What is answered with it depends on the place:
/// see [`Self::answer`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AuthorityError {
    /// The AADSTS code.
    pub(crate) code: u32,
    /// What the refusal is about, where the code has several answers at one place.
    about: Option<&'static str>,
    /// What the text's placeholders stand for.
    facts: Vec<(&'static str, String)>,
    /// A claims request that the client should send with the next, interactive request.
    pub(crate) claims: Option<String>,
    /// Members that only this error has.
    pub(crate) more: Vec<(&'static str, String)>,
}

/// A JSON answer at the token endpoint, whichever version.
pub(crate) const TOKEN: Place<'static> = Place::versioned(Endpoint::Token, 2);

/// An error page.
pub(crate) const PAGE: Place<'static> = Place::of(Endpoint::Page);

/// The redirect of the authorize endpoint.
pub(crate) const REDIRECT: Place<'static> = Place::of(Endpoint::Redirect);

/// What identifies one request in all that is answered to it.
#[expect(clippy::struct_field_names, reason = "`trace_id` is the wire's name")]
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// `trace_id` and `x-ms-request-id`.
    pub(crate) trace_id: Uuid,
    /// `correlation_id`: the caller's `client-request-id` if it is a GUID.
    pub(crate) correlation_id: Uuid,
    /// When the answer is made.
    pub(crate) now: Timestamp,
    /// Separate the parts of `error_description` by CR LF, as until 2023.
    pub(crate) line_breaks: bool,
}

impl Trace {
    /// Identifies a request by its headers and, where it has one, its parameter.
    pub(crate) fn of(
        headers: &HeaderMap,
        parameter: Option<&str>,
        random: &Random,
        now: Timestamp,
    ) -> Self {
        let header = headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok());
        let correlation_id = [parameter, header]
            .into_iter()
            .flatten()
            .find_map(|text| Uuid::try_parse(text.trim()).ok())
            .unwrap_or_else(|| random.uuid());
        Self {
            trace_id: random.uuid(),
            correlation_id,
            now,
            line_breaks: false,
        }
    }

    /// `YYYY-MM-DD HH:MM:SSZ`.
    pub(crate) fn timestamp(&self) -> String {
        self.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }
}

impl AuthorityError {
    /// The refusal of a code.
    pub(crate) fn aadsts(code: u32) -> Self {
        // Codes in this program are rows of the table; a test walks over them.
        assert!(
            Row::find(code).is_some(),
            "AADSTS{code} is no row of the table"
        );
        Self {
            code,
            about: None,
            facts: Vec::new(),
            claims: None,
            more: Vec::new(),
        }
    }

    /// A parameter is missing: AADSTS900144.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::aadsts(900144).with("parameter", parameter)
    }

    /// Fills a placeholder of the text. What a client sent is shown without characters that would
    /// need an escape, and cut.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value: String = value
            .as_ref()
            .chars()
            .filter(|it| !it.is_control() && !matches!(it, '"' | '\\' | '<' | '>'))
            .take(300)
            .collect();
        self.facts.retain(|(known, _)| *known != name);
        self.facts.push((name, value));
        self
    }

    /// Fills a placeholder that is not filled yet.
    pub(crate) fn or(self, name: &'static str, value: impl AsRef<str>) -> Self {
        if self.facts.iter().any(|(known, _)| *known == name) {
            self
        } else {
            self.with(name, value)
        }
    }

    /// Says what the refusal is about: `data/aadsts-answers.csv` has the answers that differ by it.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.about = Some(about);
        self
    }

    /// Asks the client to send a claims request.
    pub(crate) fn claims(mut self, claims: String) -> Self {
        self.claims = Some(claims);
        self
    }

    /// The refusal of a token or a sign-in that is not good.
    pub(crate) fn of_invalid(invalid: Invalid, facts: &RefusalFacts<'_>) -> Self {
        let error = Self::aadsts(invalid.aadsts())
            .with("user", facts.user)
            .with("tenant", facts.tenant)
            .with("app", facts.app)
            .with("name", facts.app_name)
            .with("resource", facts.resource);
        match invalid {
            Invalid::Revoked { issued, valid_from } => error
                .with("issued", ticks(issued))
                .with("valid_from", whole_second(valid_from)),
            Invalid::Inactive { issued, after } => error
                .with("issued", ticks(issued))
                .with("inactivity", format!("{}.00:00:00", after.as_hours() / 24)),
            Invalid::SpaDeadline { issued } => error
                .with("issued", ticks(issued))
                .with("lifetime", "1.00:00:00"),
            Invalid::SignInFrequency { auth_time, every } => error
                .with("issued", ticks(auth_time))
                .with("seconds", every.as_secs().to_string()),
            Invalid::MfaExpired
            | Invalid::MfaRegistrationRequired
            | Invalid::MfaRequired
            | Invalid::AppProtectionRequired
            | Invalid::ApprovedAppRequired
            | Invalid::BlockedByPolicy
            | Invalid::CompliantDeviceRequired
            | Invalid::HybridJoinRequired
            | Invalid::TermsOfUseRequired => match facts.policy {
                Some(id) => error.claims(
                    json!({"access_token": {"capolids": {"essential": true, "values": [id]}}})
                        .to_string(),
                ),
                None => error,
            },
            _ => error,
        }
    }

    /// What the service answers with the code at a place.
    pub(crate) fn answer(&self, place: Place<'_>) -> Answer {
        Row::find(self.code)
            .expect("every refusal has a row, as its constructor checks")
            .at(place, self.about)
    }

    /// The text without code and trace, as a place has it.
    pub(crate) fn text(&self, place: Place<'_>) -> String {
        fill(self.answer(place).text, |name| {
            let (_, value) = self.facts.iter().find(|(known, _)| *known == name)?;
            Some(value.clone())
        })
    }

    /// `AADSTSnnn: text Trace ID: … Correlation ID: … Timestamp: …`.
    pub(crate) fn description(&self, place: Place<'_>, trace: &Trace) -> String {
        let gap = if trace.line_breaks { "\r\n" } else { " " };
        format!(
            "AADSTS{}: {}{gap}Trace ID: {}{gap}Correlation ID: {}{gap}Timestamp: {}",
            self.code,
            self.text(place),
            trace.trace_id,
            trace.correlation_id,
            trace.timestamp()
        )
    }

    /// The JSON object of the token endpoint, members in the service's order.
    pub(crate) fn body(&self, place: Place<'_>, trace: &Trace, authority_root: &str) -> Value {
        let answer = self.answer(place);
        let mut body = Map::new();
        body.insert("error".into(), json!(answer.error));
        body.insert(
            "error_description".into(),
            json!(self.description(place, trace)),
        );
        body.insert("error_codes".into(), json!([self.code]));
        body.insert("timestamp".into(), json!(trace.timestamp()));
        body.insert("trace_id".into(), json!(trace.trace_id));
        body.insert("correlation_id".into(), json!(trace.correlation_id));
        if let Some(uri) = self.error_uri(place, authority_root) {
            body.insert("error_uri".into(), json!(uri));
        }
        if let Some(suberror) = answer.suberror {
            body.insert("suberror".into(), json!(suberror));
        }
        if let Some(claims) = &self.claims {
            body.insert("claims".into(), json!(claims));
        }
        for (name, value) in &self.more {
            body.insert((*name).to_owned(), json!(value));
        }
        Value::Object(body)
    }

    /// Where the code is explained, at the places that say so.
    pub(crate) fn error_uri(&self, place: Place<'_>, authority_root: &str) -> Option<String> {
        self.answer(place)
            .error_uri
            .then(|| format!("{authority_root}/error?code={}", self.code))
    }

    /// Notes the refusal for the journal.
    pub(crate) fn annotate(&self, place: Place<'_>, annotation: &mut Annotation) {
        annotation.aadsts = vec![self.code];
        annotation.error = Some(self.answer(place).error.to_owned());
        annotation.decision = Some(self.text(place));
    }

    /// The answer of an endpoint that answers with JSON.
    pub(crate) fn into_response(
        self,
        place: Place<'_>,
        trace: &Trace,
        authority_root: &str,
        mut annotation: Annotation,
    ) -> Response {
        self.annotate(place, &mut annotation);
        let answer = self.answer(place);
        let status = StatusCode::from_u16(answer.http_status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json_response(status, &self.body(place, trace, authority_root));
        token_headers(
            response.headers_mut(),
            trace,
            Some((self.code, answer.suberror)),
        );
        annotation.attach(response.extensions_mut());
        response
    }
}

/// A user who is not there, or not any more. The service hides the name from the client.
///
/// Source: answers of 2025 and 2026 with this placeholder; `{EmailHidden}` until 2023
/// (Octoberfest7/TeamsPhisher#12).
pub(crate) fn no_such_user(deleted: bool, directory: impl AsRef<str>) -> AuthorityError {
    AuthorityError::aadsts(if deleted { 500341 } else { 50034 })
        .with("user", HIDDEN)
        .with("tenant", directory)
}

/// What stands for the name of a user in answers to clients.
pub(crate) const HIDDEN: &str = "{EUII Hidden}";

/// A JSON answer.
pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// Whom and what a refusal is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RefusalFacts<'a> {
    /// The user's sign-in name.
    pub(crate) user: &'a str,
    /// The tenant.
    pub(crate) tenant: &'a str,
    /// The client's id.
    pub(crate) app: &'a str,
    /// The client's name.
    pub(crate) app_name: &'a str,
    /// The resource.
    pub(crate) resource: &'a str,
    /// The conditional access policy.
    pub(crate) policy: Option<Uuid>,
}

/// The headers of every answer of the token endpoint.
pub(crate) fn token_headers(
    headers: &mut HeaderMap,
    trace: &Trace,
    refusal: Option<(u32, Option<&str>)>,
) {
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache"),
    );
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.append(header::SET_COOKIE, browser_cookie(trace));
    headers.insert(
        HeaderName::from_static("x-ms-clitelem"),
        text(&refusal.map_or_else(|| "1,0,0,,".to_owned(), |(code, _)| format!("1,{code},0,,"))),
    );
    common_headers(headers, trace);
    for cookie in ["x-ms-gateway-slice=estsfd", "stsservicecookie=estsfd"] {
        let cookie = format!("{cookie}; path=/; secure; samesite=none; httponly");
        headers.append(header::SET_COOKIE, text(&cookie));
    }
}

/// The cookie by which the service tells browsers apart; the mock does not look at it.
///
/// Source: Azure/azure-sdk-for-go and Azure/azure-sdk-for-js, recordings of 2021 and 2022.
pub(crate) fn browser_cookie(trace: &Trace) -> HeaderValue {
    let month = SignedDuration::from_hours(30 * 24);
    let expires = trace.now.saturating_add(month).unwrap_or(trace.now);
    let value = URL_SAFE_NO_PAD.encode(trace.trace_id.as_bytes());
    text(&format!(
        "fpc={value}; expires={}; path=/; secure; HttpOnly; SameSite=None",
        expires.strftime("%a, %d-%b-%Y %H:%M:%S GMT")
    ))
}

/// The headers of every answer of the authority.
pub(crate) fn common_headers(headers: &mut HeaderMap, trace: &Trace) {
    let fixed = [
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        ),
        ("x-content-type-options", "nosniff"),
        ("p3p", "CP=\"DSP CUR OTPi IND OTRi ONL FIN\""),
        ("x-ms-ests-server", "2.1.0.0 - entra-mock"),
        ("x-ms-srs", "1.P"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("x-xss-protection", "0"),
    ];
    for (name, value) in fixed {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(
        HeaderName::from_static("x-ms-request-id"),
        text(&trace.trace_id.to_string()),
    );
    headers.insert(
        HeaderName::from_static("client-request-id"),
        text(&trace.correlation_id.to_string()),
    );
}

/// Seven fractional digits and `Z`, as the service prints moments in texts.
pub(crate) fn ticks(moment: Timestamp) -> String {
    let fraction = moment.subsec_nanosecond().unsigned_abs() / 100;
    format!("{}.{fraction:07}Z", moment.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// The next whole second, as the service prints from when on tokens of a user are valid.
///
/// Source: microsoft/SynapseVSCode#87.
pub(crate) fn whole_second(moment: Timestamp) -> String {
    let second = SignedDuration::from_secs(1);
    let next = moment
        .saturating_add(second - SignedDuration::from_nanos(1))
        .unwrap_or(moment);
    ticks(Timestamp::from_second(next.as_second()).unwrap_or(moment))
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}
