//! The demonstration: traffic at the press of a button.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response};
use super::tenants::find;
use crate::server::{Core, Demo};

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::post(
            "/api/v1/tenants/{tenant}/demo",
            "playDemo",
            "Signs a user in and reads mail, as a client does: real traffic to look at",
        )
        .answers::<Demo>(200, "What was asked and answered; the journal has it, too")
        .problems(&[404, 409]),
        routing::post(demo),
    )
}

async fn demo(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let played = core.demonstrate(&tenant).await.map_err(|error| {
        Problem::new(StatusCode::CONFLICT, "nothing to demonstrate").detail(error.to_string())
    })?;
    Ok(json_response(StatusCode::OK, &played))
}
