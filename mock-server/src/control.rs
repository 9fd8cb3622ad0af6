//! The control API on the control port: the test-only interface of the mock.
//!
//! A web page that is open in the developer's browser can't drive it: `Host` must name this
//! address, and a request that carries a foreign `Origin` is refused.

mod api;
mod directory;
mod explain;
mod faults;
mod journal;
mod problem;
mod request;
mod state;
mod tenants;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;

use crate::server::{Core, Ready};
use api::{Api, Operation};
use problem::{Problem, conform, json_response};

pub(crate) fn router(core: Arc<Core>) -> Router {
    let (router, document) = api().finish();
    let document = Arc::new(document);
    let openapi = move || async move { json_response(StatusCode::OK, &*document) };
    router
        .route("/api/v1/openapi.json", routing::get(openapi))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&core), guard))
        .layer(middleware::from_fn(conform))
        .with_state(core)
}

/// The OpenAPI document of the control API.
#[cfg(test)]
fn openapi() -> serde_json::Value {
    api().finish().1
}

fn api() -> Api {
    let api = Api::new()
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
        tenants::serve,
        directory::serve,
        explain::serve,
        faults::serve,
        journal::serve,
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
}

#[derive(JsonSchema, Serialize)]
struct Variables(BTreeMap<String, String>);

async fn ready(State(core): State<Arc<Core>>) -> Response<Body> {
    json_response(StatusCode::OK, &core.ready())
}

async fn health() -> Response<Body> {
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
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
            "{} {} is not part of the control API, which begins at /api/v1/",
            request.method(),
            request.uri().path()
        ),
    )
    .respond()
}

/// Refuses what a page of another origin, or a rebound host name, could send.
async fn guard(State(core): State<Arc<Core>>, request: Request, next: Next) -> Response<Body> {
    let own = core.control_address();
    let is_own = |authority: &str| {
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
        let host = host.trim_matches(['[', ']']);
        let named = host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback() || ip == own.ip());
        named && port.parse() == Ok(own.port())
    };
    let header = |headers: &HeaderMap, name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let host = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| header(request.headers(), header::HOST));
    if !host.as_deref().is_some_and(is_own) {
        return Problem::new(StatusCode::FORBIDDEN, "foreign host")
            .detail(format!(
                "the Host header must name {own} or localhost:{}, not '{}'",
                own.port(),
                host.unwrap_or_default()
            ))
            .respond();
    }
    if let Some(origin) = header(request.headers(), header::ORIGIN) {
        let same = origin.strip_prefix("http://").is_some_and(is_own);
        if !same {
            return Problem::new(StatusCode::FORBIDDEN, "foreign origin")
                .detail(format!("pages of '{origin}' may not use the control API"))
                .respond();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests;
