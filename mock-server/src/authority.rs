//! The login hosts: discovery, keys, authorize, token, device code, consent, pages.

mod client_authentication;
mod device_code;
mod discovery;
mod error;
mod form;
mod issue;
mod resolve;
mod token;

use std::sync::Arc;

use axum::Router;

use crate::world::World;

/// What the endpoints of the authority share.
#[derive(Debug)]
pub(crate) struct State {
    /// The tenants.
    pub(crate) world: Arc<World>,
    /// Pending device-code sign-ins.
    pub(crate) device_codes: device_code::Store,
    /// Redeemed authorization codes.
    pub(crate) redeemed: device_code::RedeemedCodes,
}

pub(crate) fn router(world: Arc<World>) -> Router {
    let state = Arc::new(State {
        world,
        device_codes: device_code::Store::default(),
        redeemed: device_code::RedeemedCodes::default(),
    });
    Router::new()
        .merge(discovery::routes())
        .merge(token::routes())
        .with_state(state)
}
