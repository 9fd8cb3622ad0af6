//! Paths into drives: whose drive is meant, for the area of files.

use super::place;
use super::route::{Key, Route};
use super::service::Voice;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::files::{self, Base};
use crate::graph::lists;

/// Answers a request into a drive; none where the path leads into none.
pub(super) fn answer(
    call: &Call<'_>,
    route: &Route,
    voice: &Voice,
) -> Option<Result<Reply, GraphError>> {
    let at = files::begin(&route.steps)?;
    let steps = &route.steps[at..];
    let method = call.endpoint.method.as_str();
    let Some(action) = files::action(steps, route.suffix, method) else {
        let what = format!("{method} {}", route.display);
        return Some(Err(super::not_in_the_mock(&what)));
    };
    Some(base(call, route, at, voice).and_then(|base| files::answer(call, &base, steps, action)))
}

/// Whether a path leads into a drive, or to one.
pub(super) fn leads_into_drive(route: &Route) -> bool {
    super::lists::does(route, "GET").is_none() && files::begin(&route.steps).is_some()
}

/// Whether the mock does what a request into a drive asks; none where it leads into none.
pub(super) fn does(route: &Route, method: &str) -> Option<bool> {
    let at = files::begin(&route.steps)?;
    Some(files::action(&route.steps[at..], route.suffix, method).is_some())
}

/// Whose drive is meant.
pub(super) fn base(
    call: &Call<'_>,
    route: &Route,
    at: usize,
    voice: &Voice,
) -> Result<Base, GraphError> {
    let first = route.steps.first().map_or("", |it| it.name);
    match first {
        "drives" => return Ok(Base::Any),
        "shares" => return Ok(Base::Share),
        "drive" => {
            let user = call.actor.user().ok_or_else(GraphError::me_needs_a_user)?;
            return Ok(Base::User(user));
        }
        _ => {}
    }
    if let Some(library) = library(call, route, at, voice) {
        let drive = library?;
        // A row leads to the item that it is.
        let row = match &route.steps[at - 1].key {
            Some(Key::Id(row)) if route.steps[at].name == "driveItem" => row,
            _ => return Ok(Base::Drive(drive)),
        };
        let item = lists::item(call, &drive, row)?;
        return Ok(Base::Item(drive, item));
    }
    let owner = place::owner(call, route, at, voice)?;
    owner.exists(call, voice)?;
    let set = owner.collection.rsplit('/').next().unwrap_or_default();
    match set {
        "users" => {
            let user = owner.id.parse().map(Base::User);
            user.map_err(|_| voice.not_found(&owner.id))
        }
        "groups" => Ok(Base::Group(owner.id)),
        "sites" => Ok(Base::Site(owner.id)),
        _ => Err(super::not_in_the_mock(&route.display)),
    }
}

/// The drive of the library in which a path leads, if it leads through a list.
fn library(
    call: &Call<'_>,
    route: &Route,
    at: usize,
    voice: &Voice,
) -> Option<Result<String, GraphError>> {
    let list = route.steps[..at]
        .iter()
        .rposition(|it| it.name == "lists")?;
    let Some(Key::Id(key)) = &route.steps[list].key else {
        return Some(Err(voice.not_found("")));
    };
    let site = place::owner(call, route, list, voice).and_then(|it| {
        it.exists(call, voice)?;
        Ok(it.id)
    });
    Some(site.and_then(|it| lists::library(call, &it, key)))
}
