//! The control API on the control port: the test-only interface of the mock.
//!
//! A web page that is open in the developer's browser can't drive it: `Host` must name this
//! address, and a request that carries a foreign `Origin` is refused.

mod aadsts;
mod api;
mod conceal;
mod consequence;
mod coverage;
mod dashboard;
mod demo;
mod directory;
mod explain;
mod faults;
mod files;
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
use axum::http::{Response, StatusCode, header};
use axum::middleware;
use axum::response::IntoResponse as _;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;

use crate::directory::TenantId;
use crate::environment::Environment;
use crate::notation::did_you_mean;
use crate::server::{self, Addresses, Core, Ready};
use crate::world::Tenant;
use api::{Api, Operation};
use problem::{Problem, conform, json_response};
use request::Parameters;
use utoipa::openapi::Type;

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
            .query(
                "environment",
                Type::String,
                "Whose tenant, app and addresses are named, such as `us-gov-l4`; `office365` if absent",
            )
            .query(
                "credentials",
                Type::Boolean,
                "Whether `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` are among them; \
                 `true` if absent",
            )
            .answers::<Variables>(200, "Values by name"),
            routing::get(variables),
        )
        .serve(
            Operation::get("/api/v1/ca", "ca", "The root certificate")
                .answers_as::<String>("application/x-pem-file", "PEM"),
            routing::get(ca),
        );
    [
        aadsts::serve,
        coverage::serve,
        tenants::serve,
        demo::serve,
        directory::serve,
        files::serve,
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

/// Somebody in another container or on another machine is told names that lead here from there.
async fn ready(State(core): State<Arc<Core>>, request: Request) -> Response<Body> {
    json_response(StatusCode::OK, &core.ready_at(&addresses(&core, &request)))
}

/// The hosts to tell: the one that was asked for, which the guard has checked.
fn addresses(core: &Core, request: &Request) -> Addresses {
    let asked = guard::asked_host(request).unwrap_or_default();
    core.addresses_as_asked(guard::host_and_port(&asked).0)
}

/// The root certificate, for who can't read the mock's files.
async fn ca(State(core): State<Arc<Core>>) -> Response<Body> {
    let pem = core.ca_pem().to_owned();
    let kind = (header::CONTENT_TYPE, "application/x-pem-file");
    ([kind], pem).into_response()
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
async fn variables(
    State(core): State<Arc<Core>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let at = addresses(&core, &request);
    let mut parameters = Parameters::new(request.uri().query().map(str::to_owned))?;
    let slugs = "one of office365, us-gov-l4, us-gov-l5, china";
    let environment = parameters.take("environment", slugs, |it| it.parse().ok())?;
    let credentials = parameters.take("credentials", "true or false", |it| it.parse().ok())?;
    parameters.finish("environment, credentials")?;
    let choice = server::Variables {
        proxy: Some(core.ready_at(&at).proxy),
        direct: false,
        environment: environment.unwrap_or(Environment::Office365),
        credentials: credentials.unwrap_or(true),
    };
    let variables = core.variables(&choice, &at).into_iter().collect();
    Ok(json_response(StatusCode::OK, &Variables(variables)))
}

async fn unknown(request: Request) -> Response<Body> {
    let path = request.uri().path();
    let known = openapi()["paths"].as_object();
    let known = known.into_iter().flat_map(|it| it.keys());
    let meant = did_you_mean(
        path,
        known.map(String::as_str).filter(|it| !it.contains('{')),
    );
    Problem::not_found(
        "no such resource",
        format!(
            "{} {path} is not part of the control API, which begins at /api/v1/{meant}; the \
             dashboard is at /",
            request.method(),
        ),
    )
    .respond()
}

#[cfg(test)]
mod tests;
