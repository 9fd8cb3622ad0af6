//! Tenants, their clocks, and events in them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::{Problem, json_response};
use crate::clock;
use crate::directory::{Event, EventError};
use crate::environment::Environment;
use crate::server::Core;
use crate::world::Tenant;

pub(super) fn routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/api/v1/tenants", routing::get(list).post(create))
        .route(
            "/api/v1/tenants/{tenant}",
            routing::get(show).delete(remove),
        )
        .route(
            "/api/v1/tenants/{tenant}/clock",
            routing::get(clock).post(move_clock),
        )
        .route("/api/v1/tenants/{tenant}/events", routing::post(event))
        .route("/api/v1/events", routing::post(event_anywhere))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    #[serde(default = "office365")]
    environment: Environment,
    #[serde(default)]
    template: Option<String>,
}

#[derive(Debug, Serialize)]
struct ClockView {
    now: Timestamp,
    frozen: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum ClockChange {
    Advance(String),
    Freeze {},
    Reset {},
}

async fn list(State(core): State<Arc<Core>>) -> Response<Body> {
    let tenants: Vec<_> = core
        .world
        .tenants()
        .iter()
        .map(|tenant| core.ready_environment(tenant))
        .collect();
    json_response(StatusCode::OK, &tenants)
}

async fn create(State(core): State<Arc<Core>>, body: Bytes) -> Response<Body> {
    let wanted: NewTenant = match parse(&body, "{}") {
        Ok(wanted) => wanted,
        Err(problem) => return problem.respond(),
    };
    if let Some(template) = wanted.template.filter(|it| it != "default") {
        return Problem::new(StatusCode::BAD_REQUEST, "unknown template")
            .detail(format!(
                "there is no template '{template}': use 'default', or leave it out"
            ))
            .respond();
    }
    let tenant = core.world.create_tenant(wanted.environment, &core.context);
    json_response(StatusCode::CREATED, &core.ready_environment(&tenant))
}

async fn show(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Response<Body> {
    match find(&core, &name) {
        Ok(tenant) => json_response(StatusCode::OK, &core.ready_environment(&tenant)),
        Err(problem) => problem.respond(),
    }
}

async fn remove(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Response<Body> {
    match find(&core, &name) {
        Ok(tenant) => {
            core.world.remove(tenant.environment.cloud(), tenant.id);
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(problem) => problem.respond(),
    }
}

async fn clock(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Response<Body> {
    match find(&core, &name) {
        Ok(tenant) => json_response(StatusCode::OK, &view(&tenant)),
        Err(problem) => problem.respond(),
    }
}

async fn move_clock(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let moved = find(&core, &name).and_then(|tenant| {
        match parse(&body, "")? {
            ClockChange::Advance(by) => {
                let by = clock::duration(&by).map_err(|error| {
                    Problem::new(StatusCode::BAD_REQUEST, "not an amount of time").detail(error)
                })?;
                tenant.clock.advance(by);
            }
            ClockChange::Freeze {} => tenant.clock.freeze(),
            ClockChange::Reset {} => tenant.clock.reset(),
        }
        Ok(tenant)
    });
    match moved {
        Ok(tenant) => json_response(StatusCode::OK, &view(&tenant)),
        Err(problem) => problem.respond(),
    }
}

async fn event(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let applied = find(&core, &name).and_then(|tenant| {
        let event: Event = parse(&body, "")?;
        core.world
            .apply(&tenant, &event)
            .map_err(|error| impossible(&error))
    });
    respond(applied)
}

/// The user or the app of the event tells the tenant: the first one that knows them.
async fn event_anywhere(State(core): State<Arc<Core>>, body: Bytes) -> Response<Body> {
    let applied = parse(&body, "").and_then(|event: Event| {
        let mut first = None;
        for tenant in core.world.tenants() {
            match core.world.apply(&tenant, &event) {
                Ok(()) => return Ok(()),
                Err(error @ EventError::NotPossible(_)) => return Err(impossible(&error)),
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.map_or_else(
            || Problem::new(StatusCode::CONFLICT, "there is no tenant"),
            |error| impossible(&error),
        ))
    });
    respond(applied)
}

fn respond(applied: Result<(), Problem>) -> Response<Body> {
    match applied {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(problem) => problem.respond(),
    }
}

fn impossible(error: &EventError) -> Problem {
    let (status, title) = match error {
        EventError::NotPossible(_) => (StatusCode::CONFLICT, "the event does not fit the state"),
        _ => (StatusCode::NOT_FOUND, "unknown name"),
    };
    Problem::new(status, title).detail(error.to_string())
}

/// A tenant by id or domain.
fn find(core: &Core, name: &str) -> Result<Arc<Tenant>, Problem> {
    let tenants = core.world.tenants();
    let found = tenants
        .iter()
        .find(|tenant| tenant.id.to_string() == name || tenant.directory().has_domain(name));
    found.cloned().ok_or_else(|| {
        let known: Vec<_> = tenants
            .iter()
            .take(8)
            .map(|tenant| tenant.directory().domain().to_owned())
            .collect();
        Problem::new(StatusCode::NOT_FOUND, "no such tenant").detail(format!(
            "there is no tenant '{name}'; there are {}",
            known.join(", ")
        ))
    })
}

fn parse<T: DeserializeOwned>(body: &[u8], empty: &str) -> Result<T, Problem> {
    let text = if body.is_empty() {
        empty.as_bytes()
    } else {
        body
    };
    serde_json::from_slice(text).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "the body does not fit").detail(error.to_string())
    })
}

fn view(tenant: &Tenant) -> ClockView {
    ClockView {
        now: tenant.now(),
        frozen: tenant.clock.state().frozen.is_some(),
    }
}

fn office365() -> Environment {
    Environment::Office365
}
