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
mod interaction;
mod issue;
mod login;
mod logout;
mod pages;
mod permissions;
mod resolve;
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

pub(crate) fn router(world: Arc<World>) -> Router {
    let state = Arc::new(State {
        world,
        device_codes: device_code::Store::default(),
    });
    Router::new()
        .merge(browser::routes())
        .merge(discovery::routes())
        .merge(token::routes())
        .fallback(browser::not_found)
        .with_state(state)
}
