//! The control API on the control port: the test-only interface of the mock.
//!
//! A web page that is open in the developer's browser can't drive it: `Host` must name this
//! address, and a request that carries a foreign `Origin` is refused.

mod journal;
mod problem;
mod tenants;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing;
use serde_json::json;

use crate::server::Core;
use problem::{Problem, json_response};

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/api/v1/ready", routing::get(ready))
        .route("/api/v1/health", routing::get(health))
        .route("/api/v1/variables", routing::get(variables))
        .merge(tenants::routes())
        .merge(journal::routes())
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&core), guard))
        .with_state(core)
}

async fn ready(State(core): State<Arc<Core>>) -> Response<Body> {
    json_response(StatusCode::OK, &core.ready())
}

async fn health() -> Response<Body> {
    json_response(
        StatusCode::OK,
        &json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}),
    )
}

/// The variables of `entra-mock env`.
async fn variables(State(core): State<Arc<Core>>) -> Response<Body> {
    let proxy = core.control_url();
    let variables: serde_json::Map<String, serde_json::Value> = core
        .variables(Some(&proxy), false)
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    json_response(StatusCode::OK, &variables)
}

async fn unknown(request: Request) -> Response<Body> {
    Problem::new(StatusCode::NOT_FOUND, "no such resource")
        .detail(format!(
            "{} {} is not part of the control API, which begins at /api/v1/",
            request.method(),
            request.uri().path()
        ))
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
