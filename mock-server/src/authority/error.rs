//! What the authority answers when it refuses.
//!
//! One value serves three audiences: JSON at the token endpoint, parameters of a redirect, and an
//! error page. Source of the members and headers: recorded answers of login.microsoftonline.com.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::aadsts::Row;
use crate::exchange::Annotation;
use crate::random::Random;
use crate::token::validity::Invalid;

/// A refusal of the authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AuthorityError {
    /// The AADSTS code; a few answers of the device-code flow have none.
    pub(crate) code: u32,
    /// The OAuth error.
    pub(crate) error: String,
    /// The text without code and trace.
    pub(crate) text: String,
    /// The HTTP status of the token endpoint.
    pub(crate) status: u16,
    /// The `suberror`.
    pub(crate) suberror: Option<Box<str>>,
    /// A claims request that the client should send with the next, interactive request.
    pub(crate) claims: Option<String>,
    /// Members that only this error has.
    pub(crate) more: Vec<(&'static str, String)>,
    /// `invalid_tenant` and the like carry an `error` that differs by endpoint.
    pub(crate) has_page: bool,
}

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
    /// The refusal of a code, with the table's error, status and text.
    pub(crate) fn aadsts(code: u32) -> Self {
        // Codes in this program are rows of the table; a test walks over them.
        let row = Row::find(code).unwrap_or_else(|| panic!("AADSTS{code} is no row of the table"));
        Self {
            code,
            error: row.oauth_error.clone(),
            text: row.text.clone(),
            status: row.http_status,
            suberror: Some(row.suberror.as_str())
                .filter(|it| !it.is_empty())
                .map(Into::into),
            claims: None,
            more: Vec::new(),
            has_page: row.has_page(),
        }
    }

    /// The refusal of a code that no state led to: nothing is there to fill the text's
    /// placeholders with, so their names stand in for the facts.
    pub(crate) fn whatever(code: u32) -> Self {
        let mut error = Self::aadsts(code);
        error.text = error.text.replace(['{', '}'], "");
        error
    }

    /// A parameter is missing: AADSTS900144.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::aadsts(900144).with("parameter", parameter)
    }

    /// Fills a placeholder of the text. What a client sent is shown without characters that would
    /// need an escape, and cut.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let value: String = value
            .as_ref()
            .chars()
            .filter(|it| !it.is_control() && !matches!(it, '"' | '\\' | '<' | '>'))
            .take(300)
            .collect();
        self.text = self.text.replace(&format!("{{{name}}}"), &value);
        self
    }

    /// Answers another OAuth error than the table's.
    pub(crate) fn error(mut self, error: &str) -> Self {
        error.clone_into(&mut self.error);
        self
    }

    /// Answers another `suberror` than the table's.
    pub(crate) fn suberror(mut self, suberror: &str) -> Self {
        self.suberror = Some(suberror.into());
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
                .with("valid_from", ticks(valid_from)),
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
            | Invalid::BlockedByPolicy
            | Invalid::CompliantDeviceRequired
            | Invalid::TermsOfUseRequired => match facts.policy {
                Some(id) => error.claims(
                    json!({"access_token": {"polids": {"essential": true, "values": [id]}}})
                        .to_string(),
                ),
                None => error,
            },
            _ => error,
        }
    }

    /// `AADSTSnnn: text Trace ID: … Correlation ID: … Timestamp: …`.
    pub(crate) fn description(&self, trace: &Trace) -> String {
        let gap = if trace.line_breaks { "\r\n" } else { " " };
        format!(
            "AADSTS{}: {}{gap}Trace ID: {}{gap}Correlation ID: {}{gap}Timestamp: {}",
            self.code,
            self.text,
            trace.trace_id,
            trace.correlation_id,
            trace.timestamp()
        )
    }

    /// The JSON object of the token endpoint, members in the service's order.
    pub(crate) fn body(&self, trace: &Trace, authority_root: &str) -> Value {
        let mut body = Map::new();
        body.insert("error".into(), json!(self.error));
        body.insert("error_description".into(), json!(self.description(trace)));
        body.insert("error_codes".into(), json!([self.code]));
        body.insert("timestamp".into(), json!(trace.timestamp()));
        body.insert("trace_id".into(), json!(trace.trace_id));
        body.insert("correlation_id".into(), json!(trace.correlation_id));
        if self.has_page {
            body.insert("error_uri".into(), json!(self.error_uri(authority_root)));
        }
        if let Some(suberror) = &self.suberror {
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

    /// Where the code is explained.
    pub(crate) fn error_uri(&self, authority_root: &str) -> String {
        format!("{authority_root}/error?code={}", self.code)
    }

    /// Notes the refusal for the journal.
    pub(crate) fn annotate(&self, annotation: &mut Annotation) {
        annotation.aadsts = vec![self.code];
        annotation.error = Some(self.error.clone());
        annotation.decision = Some(self.text.clone());
    }

    /// The answer of the token endpoint.
    pub(crate) fn into_response(
        self,
        trace: &Trace,
        authority_root: &str,
        mut annotation: Annotation,
    ) -> Response {
        self.annotate(&mut annotation);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json_response(status, &self.body(trace, authority_root));
        token_headers(
            response.headers_mut(),
            trace,
            Some((self.code, self.suberror.as_deref())),
        );
        annotation.attach(response.extensions_mut());
        response
    }
}

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
    headers.insert(
        HeaderName::from_static("x-ms-clitelem"),
        text(&refusal.map_or_else(|| "1,0,0,,".to_owned(), |(code, _)| format!("1,{code},0,,"))),
    );
    common_headers(headers, trace);
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

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}
