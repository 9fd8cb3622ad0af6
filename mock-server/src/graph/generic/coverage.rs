//! How much of Graph the mock does: the level of each documented method and path.

use std::collections::BTreeMap;

use axum::http::Method;
use serde::Serialize;

use super::route::{self, Route, StepKind, Suffix};
use super::segment::Segment;
use super::{guard, membership};
use crate::environment::SignInCloud;
use crate::graph::endpoint::{self, Found};
use crate::model::{self, MemberKind};

/// How a documented request is answered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// By behaviour of its own.
    Modelled,
    /// From state, types and permissions.
    Generic,
    /// With 501 `NotInTheMock`, behind the guard.
    Unsupported,
    /// As the service answers what it does not have: the schema of v1.0 lacks it in this cloud.
    Absent,
}

/// A documented request with its level.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Covered {
    /// The method.
    pub(crate) method: &'static str,
    /// The path in the tables' spelling.
    pub(crate) path: &'static str,
    /// How it is answered.
    pub(crate) level: Level,
    /// Whether some permission opens it.
    pub(crate) guarded: bool,
}

/// All documented requests in a cloud.
pub(crate) fn all(cloud: SignInCloud) -> impl Iterator<Item = Covered> {
    model::paths().map(move |(path, method, _)| covered(cloud, path, method))
}

fn covered(cloud: SignInCloud, path: &'static str, method: &'static str) -> Covered {
    let mut found = Covered {
        method,
        path,
        level: Level::Absent,
        guarded: true,
    };
    let Ok(verb) = Method::from_bytes(method.as_bytes()) else {
        return found;
    };
    let sample = path.replace("{id}", "x").replace("{value}", "'x'");
    let Ok(segments) = Segment::all(&format!("/v1.0{sample}")) else {
        return found;
    };
    if is_modelled(cloud, &sample, &verb) {
        found.level = Level::Modelled;
        return found;
    }
    let Ok(route) = route::walk(&segments, cloud) else {
        return found;
    };
    found.guarded = guard::row(&route, &verb).is_some();
    found.level = if is_generic(&route, &verb) {
        Level::Generic
    } else {
        Level::Unsupported
    };
    found
}

fn is_modelled(cloud: SignInCloud, sample: &str, method: &Method) -> bool {
    let Ok(uri) = format!("/v1.0{sample}").parse() else {
        return false;
    };
    let Ok(path) = crate::graph::path::Path::parse(&uri) else {
        return false;
    };
    let found = endpoint::find(method, &path.segments[1..], cloud, "v1.0");
    matches!(found, Found::Endpoint(..))
}

/// Whether the generic level answers a request from state.
fn is_generic(route: &Route, method: &Method) -> bool {
    if let Some((at, operation)) = route.operation() {
        if membership::answers(operation) {
            return *method == Method::POST && at + 1 == route.steps.len();
        }
        return operation.name() == "delta"
            && at + 1 == route.steps.len()
            && *method == Method::GET;
    }
    let Some(last) = route.last() else {
        return false;
    };
    if let StepKind::Member(member) = last.kind
        && member.kind() == MemberKind::Property
    {
        return *method == Method::GET && member.type_name() != "Stream";
    }
    match (method.as_str(), route.suffix) {
        ("GET", Suffix::None | Suffix::Count) | (_, Suffix::Ref) => true,
        ("POST", Suffix::None) => last.is_open_collection() && !last.is_link(),
        ("PATCH" | "PUT" | "DELETE", Suffix::None) => !last.is_open_collection() && !last.is_link(),
        _ => false,
    }
}

/// A table of the levels by area: the first name of the path.
pub(crate) fn table(cloud: SignInCloud, below: &str) -> String {
    let mut areas: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for covered in all(cloud).filter(|it| it.path.starts_with(below)) {
        let column = match covered.level {
            Level::Modelled => 0,
            Level::Generic => 1,
            Level::Unsupported => 2,
            Level::Absent => continue,
        };
        let area = covered.path.split('/').nth(1).unwrap_or_default();
        let area = area.split('(').next().unwrap_or_default();
        areas.entry(area).or_default()[column] += 1;
    }
    let mut total = [0; 3];
    let line = |name: &str, counts: [usize; 3]| {
        let [modelled, generic, unsupported] = counts;
        format!("{name:<36} {modelled:>8} {generic:>8} {unsupported:>11}\n")
    };
    let mut text = format!(
        "{:<36} {:>8} {:>8} {:>11}\n",
        "area", "modelled", "generic", "unsupported"
    );
    for (area, counts) in areas {
        text.push_str(&line(area, counts));
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    text.push_str(&line("all", total));
    text
}
