//! One request of a browser: who it is, what it asks, and how it is answered.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use uuid::Uuid;

use super::State;
use super::error::{AuthorityError, PAGE, REDIRECT, Trace, common_headers};
use super::pages::Page;
use super::pages::notice::{self, ErrorFacts};
use super::repetition::Repetition;
use super::session::Session;
use crate::aadsts::Row;
use crate::clock::Clock;
use crate::directory::Application;
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Direction, TokenKind};
use crate::world::{Tenant, World, sign_in};

/// A request of a browser with all that its handlers share.
pub(crate) struct Visit {
    pub(crate) state: Arc<State>,
    pub(crate) arrival: Arrival,
    /// Who is signed in with this browser.
    pub(crate) session: Session,
    /// What this browser asked for of late.
    pub(crate) repetition: Repetition,
    /// The ids of the request.
    trace: Trace,
    /// What the journal will know.
    pub(crate) annotation: Annotation,
    /// The tenant, as soon as it is known: its clock is the time, its name stands on pages.
    pub(crate) tenant: Option<Arc<Tenant>>,
    /// The app, as soon as it is known.
    pub(crate) app: Option<Arc<Application>>,
}

impl Visit {
    /// Takes note of a request: reads the session cookie and the client's correlation id.
    pub(crate) fn new(
        state: Arc<State>,
        arrival: Arrival,
        headers: &HeaderMap,
        endpoint: &str,
    ) -> Self {
        let trace = Trace {
            // Redirects separate the parts of the description by CR LF.
            // Source: the redirects printed in the v2 protocol pages.
            line_breaks: true,
            ..Trace::of(headers, None, &state.world.random, Clock::real().now())
        };
        let session = Session::read(headers, &state.world.sealer);
        let repetition = Repetition::read(headers, &state.world.sealer);
        let annotation = Annotation {
            endpoint: Some(endpoint.to_owned()),
            ..Annotation::default()
        };
        Self {
            state,
            arrival,
            session,
            repetition,
            trace,
            annotation,
            tenant: None,
            app: None,
        }
    }

    /// The tenants and what is shared by them.
    pub(crate) fn world(&self) -> &World {
        &self.state.world
    }

    /// The correlation id: the client's, or a new one.
    pub(crate) fn correlation(&self) -> Uuid {
        self.trace.correlation_id
    }

    /// Takes the correlation id from a parameter, as clients send it in the query.
    pub(crate) fn correlate(&mut self, parameter: Option<&str>) {
        if let Some(id) = parameter.and_then(|text| text.parse().ok()) {
            self.trace.correlation_id = id;
        }
    }

    /// Takes note of the tenant.
    pub(crate) fn at(&mut self, tenant: &Arc<Tenant>) {
        self.annotation.tenant = Some(tenant.id);
        self.annotation.environment = Some(tenant.environment);
        self.tenant = Some(Arc::clone(tenant));
    }

    /// Takes note of the app.
    pub(crate) fn for_app(&mut self, app: &Arc<Application>) {
        self.annotation.client = Some(app.app_id);
        self.app = Some(Arc::clone(app));
    }

    /// Writes why the mock decides as it does.
    pub(crate) fn decide(&mut self, decision: impl Into<String>) {
        self.annotation.decision = Some(decision.into());
    }

    /// The time: the tenant's, or real time before one is known.
    pub(crate) fn now(&self) -> Timestamp {
        self.tenant
            .as_ref()
            .map_or_else(|| Clock::real().now(), |tenant| tenant.now())
    }

    /// The organization's name, once it is known.
    pub(crate) fn organization(&self) -> Option<String> {
        self.tenant
            .as_ref()
            .map(|tenant| tenant.read(|it| it.display_name.clone()))
    }

    /// Whether cookies may demand TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.arrival.origin.starts_with("https://")
    }

    /// The ids and the time for an error.
    pub(crate) fn trace(&self) -> Trace {
        Trace {
            now: self.now(),
            ..self.trace.clone()
        }
    }

    /// Notes a refusal for the journal.
    pub(crate) fn note(&mut self, refusal: &AuthorityError) {
        refusal.annotate(REDIRECT, &mut self.annotation);
    }

    /// The error page for a refusal.
    ///
    /// The service answers error pages with 200. Unverified: own knowledge; the status of error
    /// pages is described nowhere.
    pub(crate) fn error_page(&mut self, refusal: &AuthorityError) -> Response {
        refusal.annotate(PAGE, &mut self.annotation);
        let trace = self.trace();
        let row = Row::find(refusal.code);
        let facts = ErrorFacts {
            code: refusal.code,
            message: refusal.text(PAGE),
            name: row
                .map(|row| row.name.clone())
                .filter(|name| !name.is_empty()),
            fix: row.map(|row| row.advice().to_owned()),
            request: trace.trace_id.to_string(),
            correlation: trace.correlation_id.to_string(),
            timestamp: trace.timestamp(),
            app: self
                .app
                .as_ref()
                .map(|app| (app.display_name.clone(), app.app_id.to_string())),
            // Not on the service's page, but what a developer looks for.
            registered: self
                .app
                .as_ref()
                .filter(|_| refusal.code == 50011)
                .map(|app| app.redirect_uris.iter().map(|it| it.uri.clone()).collect())
                .unwrap_or_default(),
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
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-cache"),
        );
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
        let sealer = &self.state.world.sealer;
        let cookies = [
            self.session.cookie(sealer, self.is_secure()),
            self.repetition.cookie(sealer, self.is_secure()),
        ];
        for cookie in cookies.into_iter().flatten() {
            headers.append(header::SET_COOKIE, cookie);
        }
        common_headers(headers, &self.trace);
        self.annotation.tenant_time = self.tenant.as_ref().map(|tenant| tenant.now());
        let issued = self
            .annotation
            .tokens
            .iter()
            .any(|it| it.kind == TokenKind::Code && it.direction == Direction::Issued);
        if let Some(tenant) = &self.tenant
            && (issued || !self.annotation.aadsts.is_empty())
        {
            sign_in::log(
                &self.state.world,
                tenant,
                &self.annotation,
                self.arrival.address,
                self.trace.correlation_id,
            );
        }
        self.annotation.attach(response.extensions_mut());
        response
    }
}
