//! Scenarios that are played in a tenant: loaded, looked at, told to go on, and stopped.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Path, RawQuery, Request, State};
use axum::http::{Response, StatusCode, header};
use axum::routing;
use schemars::JsonSchema;
use serde::Deserialize;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response, no_content};
use super::request::{Json, Parameters, read_body};
use super::tenants::find;
use crate::scenario::{AuthMethod, PlayError, Progress, read_scenario};
use crate::server::Core;

const SCENARIO: &str = "/api/v1/tenants/{tenant}/scenario";
const NEXT: &str = "/api/v1/tenants/{tenant}/scenario/next";

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(SCENARIO, "showScenario", "How far the scenario is")
            .answers::<Progress>(200, "Its steps, and what is waited for")
            .problems(&[404]),
        routing::get(show),
    )
    .serve(
        Operation::post(
            SCENARIO,
            "loadScenario",
            "Plays a scenario in the tenant, in place of the one that was loaded before",
        )
        .choice(
            "auth",
            &METHODS,
            "Whose app the scenario means by 'app': one of its auth methods; its first if absent",
        )
        .body::<ScenarioText>()
        .body_as::<String>("application/yaml")
        .answers::<Progress>(201, "It is played, up to what a client must do")
        .problems(&[404, 409, 422]),
        routing::post(load),
    )
    .serve(
        Operation::delete(
            SCENARIO,
            "stopScenario",
            "Stops the scenario; what it did remains, its faults too",
        )
        .answers_nothing("It is forgotten")
        .problems(&[404]),
        routing::delete(stop),
    )
    .serve(
        Operation::post(
            NEXT,
            "nextStep",
            "Passes over the step that is waited for, and goes on",
        )
        .answers::<Progress>(200, "How far it is then")
        .problems(&[404, 409]),
        routing::post(next),
    )
}

/// A scenario file in JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScenarioText {
    /// The text of the file.
    yaml: String,
}

/// The text of a scenario file: as it is, or in JSON.
struct Text(String);

impl FromRequest<Arc<Core>> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/yaml") {
            let text = read_body(request, LONGEST_FILE).await?;
            return String::from_utf8(text).map(Self).map_err(|_| {
                Problem::bad_request("the body does not fit", "a scenario file is UTF-8")
            });
        }
        let Json(ScenarioText { yaml }) = Json::from_request(request, core).await?;
        Ok(Self(yaml))
    }
}

async fn show(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let progress = core.players.progress(&tenant);
    let progress = progress.ok_or_else(|| refused(&PlayError::NotLoaded))?;
    Ok(json_response(StatusCode::OK, &progress))
}

async fn load(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Text(text): Text,
) -> Result<Response<Body>, Problem> {
    let tenant = find(&core, &name)?;
    let mut parameters = Parameters::new(query)?;
    let expected = METHODS.join(", ");
    let auth = parameters.take("auth", &expected, |it| it.parse::<AuthMethod>().ok())?;
    parameters.finish("auth")?;
    let scenario = read_scenario("the scenario", &text)
        .map_err(|error| Problem::of_file("the file is no scenario", &error))?;
    let progress = core
        .players
        .load(&core.world, &tenant, &scenario, auth)
        .map_err(|error| refused(&error))?;
    Ok(json_response(StatusCode::CREATED, &progress))
}

async fn next(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let progress = core.players.next(&core.world, &tenant);
    let progress = progress.map_err(|error| refused(&error))?;
    Ok(json_response(StatusCode::OK, &progress))
}

async fn stop(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    let stopped = core.players.stop(&tenant);
    stopped.map_err(|error| refused(&error))?;
    Ok(no_content())
}

fn refused(error: &PlayError) -> Problem {
    let (status, title) = match error {
        PlayError::NotLoaded => (StatusCode::NOT_FOUND, "no scenario"),
        PlayError::Ended => (StatusCode::CONFLICT, "the scenario has ended"),
        _ => (StatusCode::CONFLICT, "the scenario does not fit the tenant"),
    };
    Problem::new(status, title).detail(error.to_string())
}

const METHODS: [&str; 6] = [
    AuthMethod::ALL[0].slug(),
    AuthMethod::ALL[1].slug(),
    AuthMethod::ALL[2].slug(),
    AuthMethod::ALL[3].slug(),
    AuthMethod::ALL[4].slug(),
    AuthMethod::ALL[5].slug(),
];

const LONGEST_FILE: usize = 4 << 20;
