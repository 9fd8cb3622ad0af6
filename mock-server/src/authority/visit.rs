//! One request of a browser: who it is, what it asks, and how it is answered.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use uuid::Uuid;

use super::aadsts;
use super::pages::Page;
use super::pages::notice::{self, ErrorFacts};
use super::session::Session;
use crate::clock::Clock;
use crate::directory::Application;
use crate::exchange::{Annotation, Arrival};
use crate::world::{Tenant, World};

/// A request of a browser with all that its handlers share.
pub(crate) struct Visit {
    pub(crate) world: Arc<World>,
    pub(crate) arrival: Arrival,
    /// Who is signed in with this browser.
    pub(crate) session: Session,
    /// The request id on pages and in headers.
    pub(crate) request: Uuid,
    /// The correlation id: the client's, or a new one.
    pub(crate) correlation: Uuid,
    /// What the journal will know.
    pub(crate) annotation: Annotation,
    /// The tenant, as soon as it is known: its clock is the time, its name stands on pages.
    pub(crate) tenant: Option<Arc<Tenant>>,
    /// The app, as soon as it is known.
    pub(crate) app: Option<Application>,
}

/// A refusal in the words of the service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// The AADSTS code.
    pub(crate) code: u32,
    /// The OAuth error that an app is told.
    pub(crate) error: &'static str,
    /// The text after `AADSTS…: `.
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal with its code, OAuth error and text.
    pub(crate) fn new(code: u32, error: &'static str, message: impl Into<String>) -> Self {
        Self { code, error, message: message.into() }
    }

    /// AADSTS900144: a parameter is missing.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            900_144,
            "invalid_request",
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }
}

/// The ids and the time that every error names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    /// The request.
    pub(crate) request: Uuid,
    /// The client's correlation id.
    pub(crate) correlation: Uuid,
    /// When.
    pub(crate) at: Timestamp,
}

impl Trace {
    /// The time in the format of error messages: `2026-07-23 04:41:54Z`.
    pub(crate) fn timestamp(&self) -> String {
        self.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// `AADSTS…: message` with the trace, lines separated by CR LF as authorize answers have it.
    pub(crate) fn describe(&self, refusal: &Refusal) -> String {
        format!(
            "AADSTS{}: {}\r\nTrace ID: {}\r\nCorrelation ID: {}\r\nTimestamp: {}",
            refusal.code,
            refusal.message,
            self.request,
            self.correlation,
            self.timestamp()
        )
    }
}

impl Visit {
    /// Takes note of a request: reads the session cookie and the client's correlation id.
    pub(crate) fn new(world: Arc<World>, arrival: Arrival, headers: &HeaderMap, endpoint: &str) -> Self {
        let request = world.random.uuid();
        let correlation = headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| world.random.uuid());
        let session = Session::read(headers, &world.sealer);
        let annotation =
            Annotation { endpoint: Some(endpoint.to_owned()), ..Annotation::default() };
        Self {
            world,
            arrival,
            session,
            request,
            correlation,
            annotation,
            tenant: None,
            app: None,
        }
    }

    /// Takes the correlation id from a parameter, as clients send it in the query.
    pub(crate) fn correlate(&mut self, parameter: Option<&str>) {
        if let Some(id) = parameter.and_then(|text| text.parse().ok()) {
            self.correlation = id;
        }
    }

    /// Takes note of the tenant.
    pub(crate) fn at(&mut self, tenant: &Arc<Tenant>) {
        self.annotation.tenant = Some(tenant.id);
        self.annotation.environment = Some(tenant.environment);
        self.tenant = Some(Arc::clone(tenant));
    }

    /// Takes note of the app.
    pub(crate) fn for_app(&mut self, app: &Application) {
        self.annotation.client = Some(app.app_id);
        self.app = Some(app.clone());
    }

    /// Writes why the mock decides as it does.
    pub(crate) fn decide(&mut self, decision: impl Into<String>) {
        self.annotation.decision = Some(decision.into());
    }

    /// The time: the tenant's, or real time before one is known.
    pub(crate) fn now(&self) -> Timestamp {
        self.tenant.as_ref().map_or_else(|| Clock::real().now(), |tenant| tenant.now())
    }

    /// The organization's name, once it is known.
    pub(crate) fn organization(&self) -> Option<String> {
        self.tenant.as_ref().map(|tenant| tenant.directory().display_name.clone())
    }

    /// Whether cookies may demand TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.arrival.origin.starts_with("https://")
    }

    /// The ids and the time for an error.
    pub(crate) fn trace(&self) -> Trace {
        Trace { request: self.request, correlation: self.correlation, at: self.now() }
    }

    /// Notes a refusal for the journal.
    pub(crate) fn note(&mut self, refusal: &Refusal) {
        self.annotation.aadsts = vec![refusal.code];
        self.annotation.error = Some(refusal.error.to_owned());
        self.decide(format!("refused: {}", refusal.message));
    }

    /// The error page for a refusal.
    ///
    /// The service answers error pages with 200. Unverified: own knowledge; the status of error
    /// pages is described nowhere.
    pub(crate) fn error_page(&mut self, refusal: &Refusal) -> Response {
        self.note(refusal);
        let trace = self.trace();
        let row = aadsts::find(refusal.code);
        let facts = ErrorFacts {
            code: refusal.code,
            message: refusal.message.clone(),
            name: row.map(|row| row.name.clone()).filter(|name| !name.is_empty()),
            fix: row.map(|row| aadsts::advice(&row.remediation).to_owned()),
            request: trace.request.to_string(),
            correlation: trace.correlation.to_string(),
            timestamp: trace.timestamp(),
            app: self
                .app
                .as_ref()
                .map(|app| (app.display_name.clone(), app.app_id.to_string())),
        };
        notice::error(&facts, self.organization()).respond(StatusCode::OK)
    }

    /// Shows a page.
    pub(crate) fn show(&mut self, page: Page) -> Response {
        if let Some(code) = page.error_code {
            self.annotation.aadsts = vec![code];
        }
        if self.annotation.decision.is_none() {
            self.decide(format!("page {}", page.name));
        }
        page.respond(StatusCode::OK)
    }

    /// Sends the browser on.
    pub(crate) fn redirect(location: &str) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        match HeaderValue::from_str(location) {
            Ok(location) => {
                headers.insert(header::LOCATION, location);
            }
            // Registered redirect URIs are URIs; only a seed file can hold something else.
            Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        response
    }

    /// Completes an answer: cookies, ids, the annotation.
    pub(crate) fn finish(mut self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(cookie) = self.session.cookie(&self.world.sealer, self.is_secure()) {
            headers.append(header::SET_COOKIE, cookie);
        }
        for (name, id) in [("x-ms-request-id", self.request), ("client-request-id", self.correlation)] {
            // A UUID is ASCII.
            if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        self.annotation.tenant_time = self.tenant.as_ref().map(|tenant| tenant.now());
        self.annotation.attach(response.extensions_mut());
        response
    }
}
