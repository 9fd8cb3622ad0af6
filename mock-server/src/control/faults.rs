//! Faults of a tenant.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response, no_content};
use super::request::Json;
use super::tenants::find;
use crate::fault::{Fault, FaultStatus};
use crate::server::Core;

const FAULTS: &str = "/api/v1/tenants/{tenant}/faults";
const FAULT: &str = "/api/v1/tenants/{tenant}/faults/{number}";

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(FAULTS, "listFaults", "What goes wrong on purpose")
            .answers::<Vec<FaultStatus>>(200, "The faults, oldest first")
            .problems(&[404]),
        routing::get(list),
    )
    .serve(
        Operation::post(FAULTS, "addFault", "Lets something go wrong")
            .body::<Fault>()
            .answers::<FaultNumber>(201, "The fault is set")
            .problems(&[400, 404]),
        routing::post(add),
    )
    .serve(
        Operation::delete(FAULTS, "clearFaults", "Takes all faults away")
            .answers_nothing("There are none")
            .problems(&[404]),
        routing::delete(clear),
    )
    .serve(
        Operation::delete(FAULT, "removeFault", "Takes a fault away")
            .answers_nothing("It is gone")
            .problems(&[404]),
        routing::delete(remove),
    )
}

/// The number of a fault.
#[derive(Debug, JsonSchema, Serialize)]
struct FaultNumber {
    /// The number, which the journal names.
    number: u64,
}

async fn list(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let faults = find(&core, &name)?.faults.list();
    let redactor = core.world.journal.redactor();
    let mut faults = json!(faults);
    for it in faults.as_array_mut().into_iter().flatten() {
        it["fault"] = redactor.fault(it["fault"].take());
    }
    Ok(json_response(StatusCode::OK, &faults))
}

async fn add(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    Json(fault): Json<Fault>,
) -> Answer {
    let tenant = find(&core, &name)?;
    let added = core.world.add_fault(&tenant, fault);
    let number =
        added.map_err(|error| Problem::bad_request("the fault is not set", error.to_string()))?;
    Ok(json_response(StatusCode::CREATED, &FaultNumber { number }))
}

async fn clear(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    core.world.clear_faults(&*find(&core, &name)?);
    Ok(no_content())
}

async fn remove(
    State(core): State<Arc<Core>>,
    Path((name, number)): Path<(String, u64)>,
) -> Answer {
    let tenant = find(&core, &name)?;
    if core.world.remove_fault(&tenant, number) {
        return Ok(no_content());
    }
    let set: Vec<String> = tenant
        .faults
        .list()
        .iter()
        .map(|it| it.number.to_string())
        .collect();
    let detail = if set.is_empty() {
        format!("no fault {number} is set in the tenant: none is")
    } else {
        format!(
            "no fault {number} is set in the tenant: there are {}",
            set.join(", ")
        )
    };
    Err(Problem::not_found("no such fault", detail))
}
