//! How much of Graph the mock does.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;
use utoipa::openapi::schema::Type;

use super::api::{Api, Operation};
use super::problem::{Answer, json_response};
use super::request::Parameters;
use crate::environment::Environment;
use crate::graph::coverage;
use crate::journal::Level;
use crate::server::Core;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(
            "/api/v1/coverage",
            "coverage",
            "How much of Microsoft Graph the mock does, by area",
        )
        .query(
            "environment",
            Type::String,
            "The environment whose Graph is meant, such as `us-gov-l4`; `office365` if absent",
        )
        .query(
            "path",
            Type::String,
            "Only paths that begin so, such as `/groups`",
        )
        .choice(
            "level",
            &LISTED.map(Level::name),
            "List each request of this level, too",
        )
        .answers::<Coverage>(200, "How many documented requests have which level"),
        routing::get(show),
    )
}

/// How much of Graph the mock does.
#[derive(JsonSchema, Serialize)]
struct Coverage {
    /// The environment whose Graph is meant.
    environment: Environment,
    /// Each area: the first name of the path.
    areas: Vec<Area>,
    /// The requests of a level, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Vec<Covered>>,
}

/// How many documented requests of an area have which level.
#[derive(JsonSchema, Serialize)]
struct Area {
    /// The first name of the paths.
    #[serde(rename = "area")]
    name: &'static str,
    /// Answered by behaviour of their own.
    modelled: usize,
    /// Answered from state, types and permissions.
    generic: usize,
    /// Refused with 501 `NotInTheMock`.
    unsupported: usize,
}

/// A documented request.
#[derive(JsonSchema, Serialize)]
struct Covered {
    /// The method.
    method: &'static str,
    /// The path in lower case, `{id}` for keys.
    path: &'static str,
}

async fn show(State(_): State<Arc<Core>>, RawQuery(query): RawQuery) -> Answer {
    let mut parameters = Parameters::new(query)?;
    let slugs = "one of office365, us-gov-l4, us-gov-l5, china";
    let environment = parameters.take("environment", slugs, |it| it.parse().ok())?;
    let path = parameters.take("path", "a path such as /groups", |it| {
        it.starts_with('/').then(|| it.to_ascii_lowercase())
    })?;
    let levels = "one of modelled, generic, unsupported";
    let level = parameters.take("level", levels, |it| {
        Level::named(it).filter(|it| LISTED.contains(it))
    })?;
    parameters.finish("environment, path, level")?;
    let environment = environment.unwrap_or(Environment::Office365);
    let cloud = environment.cloud();
    let below = path.unwrap_or_else(|| "/".to_owned());
    let areas = coverage::areas(cloud, &below).into_iter();
    let requests = level.map(|level| {
        coverage::all(cloud)
            .filter(|it| it.level == level && it.path.starts_with(&below))
            .map(|it| Covered {
                method: it.method,
                path: it.path,
            })
            .collect()
    });
    let coverage = Coverage {
        environment,
        areas: areas
            .map(|it| Area {
                name: it.name,
                modelled: it.modelled,
                generic: it.generic,
                unsupported: it.unsupported,
            })
            .collect(),
        requests,
    };
    Ok(json_response(StatusCode::OK, &coverage))
}

/// What is there in a cloud.
const LISTED: [Level; 3] = [Level::Modelled, Level::Generic, Level::Unsupported];
