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
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

pub(crate) use self::token::short_name;
use crate::exchange::{Annotation, Arrival};

use crate::world::World;

/// What the endpoints of the authority share.
#[derive(Debug)]
pub(crate) struct State {
    /// The tenants.
    pub(crate) world: Arc<World>,
    /// Pending device-code sign-ins.
    pub(crate) device_codes: device_code::Store,
}

/// Too many requests at a login host: 429 with AADSTS90055, for a fault.
///
/// Source: the code's row; that throttling comes with it is own knowledge.
pub(crate) fn throttled(
    world: &World,
    arrival: &Arrival,
    headers: &HeaderMap,
    now: Timestamp,
    annotation: Annotation,
) -> Response {
    let trace = error::Trace::of(headers, None, &world.random, now);
    let mut refusal = error::AuthorityError::aadsts(90055);
    refusal.status = 429;
    refusal.into_response(&trace, &arrival.authority_root(), annotation)
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
