//! What happened in a tenant, as a scenario file: events, faults and moves of the clock, and what
//! the connector asked meanwhile.

mod names;
mod operation;
mod secrets;
mod text;
mod writer;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::Type;

use super::api::{Api, Operation};
use super::problem::{Answer, json_response, text_response};
use super::request::Parameters;
use super::state::{FORMATS, Format};
use super::tenants::find;
use crate::environment::Environment;
use crate::server::Core;
use writer::Writer;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(
            "/api/v1/tenants/{tenant}/recording",
            "recordScenario",
            "What happened in the tenant and what its client asked, as a scenario file",
        )
        .query("since", Type::Integer, "After this position of the journal")
        .choice(
            "format",
            &FORMATS,
            "json: with what could not be written; yaml: the file, with that in comments at its head",
        )
        .answers::<Recording>(200, "The scenario")
        .answers_as::<Scenario>("application/yaml", "The scenario file")
        .problems(&[404]),
        routing::get(recording),
    )
}

/// What was recorded.
#[derive(Debug, JsonSchema, Serialize)]
struct Recording {
    /// The position of the journal up to which it goes.
    position: u64,
    /// The scenario.
    scenario: Scenario,
    /// What happened and has no step.
    notes: Vec<String>,
}

/// A scenario file.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "RecordedScenario")]
struct Scenario {
    /// The version of the format.
    schema: u8,
    /// What happens, in a few words.
    title: String,
    /// Where it comes from.
    source: String,
    /// The auth method of the first connection.
    auth: Vec<&'static str>,
    /// Where the tenant lives.
    environment: Vec<Environment>,
    /// Operations without which a connector skips it; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<&'static str>,
    /// The steps, each with one action.
    steps: Vec<Map<String, Value>>,
}

async fn recording(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let exports = core.exports.clone();
    exports.run(move || record(&core, &name, query)).await
}

fn record(core: &Core, name: &str, query: Option<String>) -> Answer {
    let tenant = find(core, name)?;
    let mut parameters = Parameters::new(query)?;
    let since = parameters.take("since", "a number", |it| it.parse().ok())?;
    let format = Format::of(&mut parameters)?;
    parameters.finish("since, format")?;
    let position = core.world.journal.position();
    let mut writer = Writer::new(&core.world, &tenant);
    for entry in core.world.journal.since(since.unwrap_or(0)) {
        if entry.tenant() == Some(tenant.id) && entry.number() <= position {
            writer.add(&entry);
        }
    }
    let (scenario, notes) = writer.finish();
    let redactor = core.world.journal.redactor();
    Ok(match format {
        Format::Json => json_response(
            StatusCode::OK,
            &Recording {
                position,
                scenario,
                notes,
            },
        ),
        Format::Yaml => text_response(
            StatusCode::OK,
            "application/yaml",
            redactor.text(&text::of(&scenario, &notes)).into_owned(),
        ),
    })
}
