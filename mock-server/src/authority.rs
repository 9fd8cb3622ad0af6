//! The login hosts: discovery, keys, authorize, token, device code, consent, pages.

use std::sync::Arc;

use axum::Router;

use crate::world::World;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().with_state(world)
}
