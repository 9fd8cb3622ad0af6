//! How much of Graph the mock does: the level of each documented method and path.

use std::collections::BTreeMap;

use axum::http::Method;

use super::act::{self, Act};
use super::behaviour;
use super::files;
use super::guard;
use super::lists;
use super::route::{self, Route, Step};
use super::segment::Segment;
use crate::environment::SignInCloud;
use crate::graph::endpoint::{self, Found};
use crate::journal::Level;
use crate::model;

/// A documented request with its level.
#[derive(Clone, Debug)]
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
    found.level = level(cloud, &route, &verb);
    found
}

/// How a request is answered that no endpoint of the mock's own serves.
pub(super) fn level(cloud: SignInCloud, route: &Route, method: &Method) -> Level {
    let site = lists::does(route, method.as_str());
    if let Some(does) = site.or_else(|| files::does(route, method.as_str())) {
        return if does {
            Level::Modelled
        } else {
            Level::Unsupported
        };
    }
    if !is_generic(cloud, route, method) {
        Level::Unsupported
    } else if has_behaviour(cloud, route) {
        Level::Modelled
    } else {
        Level::Generic
    }
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
fn is_generic(cloud: SignInCloud, route: &Route, method: &Method) -> bool {
    let properties = act::properties(route).len();
    let at = route.operation().map_or(route.steps.len(), |(at, _)| at);
    let before = &route.steps[..at - properties];
    let link = before.last().is_some_and(Step::is_link);
    match act::of(route, method, link) {
        Act::NotAllowed | Act::Unsupported => false,
        // What endpoints of the mock's own keep only they write.
        Act::Create | Act::Delete | Act::Replace | Act::Update | Act::WriteProperty => {
            !is_modelled(cloud, &address(before), &Method::GET)
        }
        _ => true,
    }
}

/// Whether the type that a path leads to has behaviour of its own, or its collection an endpoint.
fn has_behaviour(cloud: SignInCloud, route: &Route) -> bool {
    let at = route.operation().map_or(route.steps.len(), |(at, _)| at);
    let before = &route.steps[..at];
    let of = before.last().and_then(Step::actual);
    of.is_some_and(|of| behaviour::find(of).is_some())
        || route.operation().is_some() && is_modelled(cloud, &address(before), &Method::GET)
}

/// The path to a step, in a spelling that endpoints read.
fn address(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        path.extend(["/", step.name]);
        if step.key.is_some() {
            path.push_str("/x");
        }
    }
    path
}

/// How many documented requests of an area have which level.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Area {
    /// The first name of the paths.
    pub(crate) name: &'static str,
    /// By behaviour of its own.
    pub(crate) modelled: usize,
    /// From state, types and permissions.
    pub(crate) generic: usize,
    /// With 501.
    pub(crate) unsupported: usize,
}

/// How many documented requests of each area have which level, in the order of the names.
/// `below`: the beginning of the paths that count, in lower case.
pub(crate) fn areas(cloud: SignInCloud, below: &str) -> Vec<Area> {
    let mut areas: BTreeMap<&'static str, Area> = BTreeMap::new();
    for covered in all(cloud).filter(|it| it.path.starts_with(below)) {
        let name = covered.path.split('/').nth(1).unwrap_or_default();
        let name = name.split('(').next().unwrap_or_default();
        let area = || Area {
            name,
            modelled: 0,
            generic: 0,
            unsupported: 0,
        };
        let column: fn(&mut Area) -> &mut usize = match covered.level {
            Level::Modelled => |it| &mut it.modelled,
            Level::Generic => |it| &mut it.generic,
            Level::Unsupported => |it| &mut it.unsupported,
            Level::Absent => continue,
        };
        *column(areas.entry(name).or_insert_with(area)) += 1;
    }
    areas.into_values().collect()
}

/// A table of the levels by area.
#[cfg(feature = "cli")]
pub(crate) fn table(cloud: SignInCloud, below: &str) -> String {
    let mut total = [0; 3];
    let line = |name: &str, counts: [usize; 3]| {
        let [modelled, generic, unsupported] = counts;
        format!("{name:<36} {modelled:>8} {generic:>8} {unsupported:>11}\n")
    };
    let mut text = format!(
        "{:<36} {:>8} {:>8} {:>11}\n",
        "area", "modelled", "generic", "unsupported"
    );
    for area in areas(cloud, below) {
        let counts = [area.modelled, area.generic, area.unsupported];
        text.push_str(&line(area.name, counts));
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    text.push_str(&line("all", total));
    text
}
