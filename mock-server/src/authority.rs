//! The login hosts: discovery, keys, authorize, token, device code, consent, pages.

mod admin_consent;
mod authorize;
mod browser;
mod client_authentication;
mod consent_requests;
mod device_code;
mod device_login;
mod discovery;
mod error;
mod flow;
mod form;
mod held;
mod home;
mod interaction;
mod issue;
mod journey;
mod login;
mod logout;
mod pages;
mod permissions;
mod refusal;
mod repetition;
mod resolve;
mod routes;
mod session;
mod sign_in;
mod token;
pub(crate) mod verdict;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;

use self::routes::Routes;
pub(crate) use self::token::short_name;
use crate::exchange::Annotation;
use crate::world::World;

/// What the endpoints of the authority share.
#[derive(Debug)]
pub(crate) struct State {
    /// The tenants.
    pub(crate) world: Arc<World>,
    /// Pending device-code sign-ins.
    pub(crate) device_codes: device_code::Store,
}

/// Too many requests at a login host, for a fault: 429 and a body that is no JSON.
///
/// Source: AzureAD/microsoft-authentication-library-for-dotnet#2855. Unverified: the content type.
pub(crate) fn throttled(
    world: &World,
    headers: &HeaderMap,
    now: Timestamp,
    mut annotation: Annotation,
) -> Response {
    let trace = error::Trace::of(headers, None, &world.random, now);
    annotation.error = Some("Too Many Requests".to_owned());
    let mut response = Response::new(Body::from("Too Many Requests"));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    error::common_headers(response.headers_mut(), &trace);
    annotation.attach(response.extensions_mut());
    response
}

/// The login hosts.
pub(crate) fn router(world: Arc<World>) -> Router {
    routed(State::new(world))
}

fn routed(state: Arc<State>) -> Router {
    Routes::default()
        .merge(browser::routes())
        .merge(discovery::routes())
        .merge(token::routes())
        .into_router(state, browser::not_found)
}

/// The hosts that lead people with a device code to a login host.
pub(crate) fn device_login_router(world: Arc<World>) -> Router {
    Router::new()
        .fallback(browser::device_login_host)
        .with_state(State::new(world))
}

impl State {
    fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            device_codes: device_code::Store::default(),
        })
    }
}

#[cfg(test)]
mod tests;
