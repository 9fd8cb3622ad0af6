//! The Graph hosts: bearer check, permission check, OData, a handler for each resource.

use std::sync::Arc;

use axum::Router;

use crate::world::World;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().with_state(world)
}
