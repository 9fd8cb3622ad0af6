//! The whole state: exported, imported, reset.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing;
use schemars::JsonSchema;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, no_content, text_response};
use super::request::{JsonText, Parameters};
use crate::journal::StateChange;
use crate::server::Core;
use crate::world::Snapshot;
use crate::world::seed::SeedFile;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(
            "/api/v1/state",
            "exportState",
            "Everything that is in the mock",
        )
        .choice(
            "format",
            &FORMATS,
            "json: everything; yaml: a seed file to copy and edit",
        )
        .answers::<WholeState>(200, "What an import takes, or a seed file")
        .answers_as::<SeedFile>("application/yaml", "What an import takes, or a seed file"),
        routing::get(export),
    )
    .serve(
        Operation::put(
            "/api/v1/state",
            "importState",
            "Replaces everything that is in the mock",
        )
        .body::<WholeState>()
        .answers_nothing("The state was replaced"),
        routing::put(import),
    )
    .serve(
        Operation::post(
            "/api/v1/state/reset",
            "resetState",
            "Returns to the world as it was at the beginning",
        )
        .answers_nothing("The state was reset; tokens issued before are worth nothing"),
        routing::post(reset),
    )
}

/// The formats of an export.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Json,
    Yaml,
}

pub(super) const FORMATS: [&str; 2] = ["json", "yaml"];

impl Format {
    /// The parameter `format` alone; JSON where it is absent.
    pub(super) fn take(query: Option<String>) -> Result<Self, Problem> {
        let mut parameters = Parameters::new(query)?;
        let format = Self::of(&mut parameters)?;
        parameters.finish("format")?;
        Ok(format)
    }

    /// The parameter `format` beside others.
    pub(super) fn of(parameters: &mut Parameters) -> Result<Self, Problem> {
        let format = parameters.take("format", "json or yaml", |text| match text {
            "json" => Some(Self::Json),
            "yaml" => Some(Self::Yaml),
            _ => None,
        })?;
        Ok(format.unwrap_or(Self::Json))
    }
}

/// A state as `GET /api/v1/state` exports it. Its members change with its version.
#[derive(JsonSchema)]
#[schemars(rename = "State")]
#[expect(
    dead_code,
    reason = "the document describes it; the type itself is a snapshot"
)]
struct WholeState {
    /// The version of the format.
    version: u32,
    /// The tenants with all that is in them.
    tenants: Vec<serde_json::Map<String, serde_json::Value>>,
}

async fn export(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Response {
    let exports = core.exports.clone();
    exports.run(move || export_whole(&core, query)).await
}

fn export_whole(core: &Core, query: Option<String>) -> Answer {
    let (media, text) = match Format::take(query)? {
        Format::Json => ("application/json", core.world.snapshot().to_text()),
        Format::Yaml => {
            let tenants = core.world.tenants();
            let contents: Vec<_> = tenants.iter().map(|it| it.contents()).collect();
            let file = SeedFile::of(&contents, &core.context);
            ("application/yaml", file.to_yaml())
        }
    };
    Ok(text_response(StatusCode::OK, media, text))
}

async fn import(
    State(core): State<Arc<Core>>,
    JsonText(text): JsonText<LONGEST_STATE>,
) -> Response {
    let exports = core.exports.clone();
    exports.run(move || import_whole(&core, &text)).await
}

fn import_whole(core: &Core, text: &[u8]) -> Answer {
    Snapshot::parse(text)
        .and_then(|snapshot| core.world.restore(snapshot))
        .map_err(|error| Problem::bad_request("not a state to import", error.to_string()))?;
    core.players.clear();
    core.world.note_state(StateChange::Imported {});
    Ok(no_content())
}

async fn reset(State(core): State<Arc<Core>>) -> Response {
    let exports = core.exports.clone();
    exports.run(move || reset_whole(&core)).await
}

fn reset_whole(core: &Core) -> Answer {
    // What made the world at the beginning makes it again.
    core.reset().map_err(|error| {
        Problem::new(StatusCode::CONFLICT, "no reset").detail(error.to_string())
    })?;
    Ok(no_content())
}

/// Mailboxes in use take some 300 KiB each.
const LONGEST_STATE: usize = 256 << 20;
