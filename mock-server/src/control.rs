//! The control API on the control port: the test-only interface of the mock.
//!
//! A web page that is open in the developer's browser can't drive it: `Host` must name this
//! address, and a request that carries a foreign `Origin` is refused.

mod aadsts;
mod api;
mod conceal;
mod dashboard;
mod directory;
mod explain;
mod faults;
mod guard;
mod journal;
mod problem;
mod recording;
mod request;
mod scenario;
mod state;
mod tenants;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;

use crate::directory::TenantId;
use crate::server::{Core, Ready};
use crate::world::Tenant;
use api::{Api, Operation};
use problem::{Problem, conform, json_response};

pub(crate) fn router(core: Arc<Core>) -> Router {
    serve(Api::routes())
        .into_router()
        .route("/api/v1/openapi.json", routing::get(show_openapi))
        .merge(dashboard::router())
        .fallback(unknown)
        .layer(middleware::from_fn(conform))
        // `MatchedPath` is known behind the router.
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&core),
            conceal::conceal,
        ))
        // Around all else: refusals of the router have its headers, too.
        .layer(middleware::from_fn_with_state(
            Arc::clone(&core),
            guard::guard,
        ))
        .with_state(core)
}

/// The OpenAPI document of the control API, made when it is first asked for.
fn openapi() -> &'static serde_json::Value {
    static DOCUMENT: OnceLock<serde_json::Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serve(Api::documented()).into_document())
}

async fn show_openapi() -> Response<Body> {
    json_response(StatusCode::OK, openapi())
}

fn serve(api: Api) -> Api {
    let api = api
        .serve(
            Operation::get("/api/v1/ready", "ready", "Every address and credential")
                .answers::<Ready>(200, "As in the ready file"),
            routing::get(ready),
        )
        .serve(
            Operation::get("/api/v1/health", "health", "Whether the mock is up")
                .answers::<Health>(200, "It is"),
            routing::get(health),
        )
        .serve(
            Operation::get(
                "/api/v1/variables",
                "variables",
                "The environment variables by which unmodified clients find the mock",
            )
            .answers::<Variables>(200, "Values by name"),
            routing::get(variables),
        );
    [
        aadsts::serve,
        tenants::serve,
        directory::serve,
        explain::serve,
        faults::serve,
        journal::serve,
        recording::serve,
        scenario::serve,
        state::serve,
    ]
    .iter()
    .fold(api, |api, serve| serve(api))
}

#[derive(JsonSchema, Serialize)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
    /// When it was started, in real time: positions of the journal count from there.
    started: String,
    /// The tenants in which a scenario is loaded.
    scenarios: Vec<TenantId>,
}

#[derive(JsonSchema, Serialize)]
struct Variables(BTreeMap<String, String>);

async fn ready(State(core): State<Arc<Core>>) -> Response<Body> {
    json_response(StatusCode::OK, &core.ready())
}

async fn health(State(core): State<Arc<Core>>) -> Response<Body> {
    let tenants = core.world.tenants();
    let played = |it: &Arc<Tenant>| core.players.is_loaded(it);
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        started: core.started.to_string(),
        scenarios: tenants
            .iter()
            .filter(|it| played(it))
            .map(|it| it.id)
            .collect(),
    };
    json_response(StatusCode::OK, &health)
}

/// The variables of `entra-mock env`.
async fn variables(State(core): State<Arc<Core>>) -> Response<Body> {
    let proxy = core.control_url();
    let variables = core.variables(Some(&proxy), false).into_iter().collect();
    json_response(StatusCode::OK, &Variables(variables))
}

async fn unknown(request: Request) -> Response<Body> {
    Problem::not_found(
        "no such resource",
        format!(
            "{} {} is not part of the control API, which begins at /api/v1/; the dashboard is at /",
            request.method(),
            request.uri().path()
        ),
    )
    .respond()
}

#[cfg(test)]
mod tests;
