//! Links: added, taken away, and written through.

use axum::http::StatusCode;
use serde_json::Value;

use super::{created, update};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{self, Linking, Subject};
use crate::graph::generic::not_in_the_mock;
use crate::graph::generic::place::{self, Place};
use crate::graph::generic::service::Voice;
use crate::model::{Member, Root, Type};

/// Adds a link, or sets the one that there is.
pub(in crate::graph::generic) fn add_link(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let body = call.json()?;
    let link = body
        .get("@odata.id")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            GraphError::bad_request(
                "The request body must contain an '@odata.id' with the address of the object.",
            )
        })?;
    let target = resolved(call, link, voice)?;
    if linked(call, place, &target, true)? {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let added = call.tenant.write_documents(|documents| {
        if place.step.is_collection {
            documents.link(&place.collection, &target)
        } else {
            documents.set_link(&place.collection, Some(&target));
            true
        }
    });
    if !added {
        return Err(GraphError::already_linked(place.step.name));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The links that a change binds and that are to be stored: each is checked as if it were added by
/// itself, all of them before anything is.
///
/// Source: learn.microsoft.com/graph/api/group-post-members ("Add multiple members"; one that is
/// there fails the request).
pub(super) fn bound(
    call: &Call<'_>,
    place: &Place<'_>,
    of: Type,
    links: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, GraphError> {
    let address = place.address();
    for (navigation, target) in &links {
        let many = of.member(navigation, call.cloud());
        let there = call.tenant.read_documents(|documents| {
            let all = documents.links(&format!("{address}/{navigation}"));
            all.iter().any(|it| it == target)
        });
        if there && many.is_some_and(Member::is_collection) {
            return Err(GraphError::already_linked(navigation));
        }
    }
    let mut left = Vec::new();
    for (navigation, target) in links {
        let linking = Linking {
            navigation: &navigation,
            target: &target,
            adds: true,
        };
        let link = behaviour::find(of).and_then(|it| it.link);
        let done = link.map_or(Ok(false), |link| link(call, &place.subject(), &linking))?;
        if !done {
            left.push((navigation, target));
        }
    }
    Ok(left)
}

/// Lets the behaviour of a link's owner decide; says whether it did all.
fn linked(
    call: &Call<'_>,
    place: &Place<'_>,
    target: &str,
    adds: bool,
) -> Result<bool, GraphError> {
    let (owner, navigation) = place.collection.rsplit_once('/').unwrap_or_default();
    let (collection, id) = owner.rsplit_once('/').unwrap_or((owner, ""));
    let of = place::type_at(owner);
    let Some(link) = of.and_then(|of| behaviour::find(of)?.link) else {
        return Ok(false);
    };
    let subject = Subject::of(collection, id);
    let linking = Linking {
        navigation,
        target,
        adds,
    };
    link(call, &subject, &linking)
}

/// Takes a link away.
pub(in crate::graph::generic) fn remove_link(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let wanted = call.parameter("$id").or_else(|| call.parameter("@id"));
    let target = match wanted {
        Some(link) => Some(resolved(call, link, voice)?),
        None => place::target(call, place),
    };
    if let Some(target) = &target
        && linked(call, place, target, false)?
    {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let removed = target.is_some_and(|target| {
        call.tenant
            .write_documents(|it| it.unlink(&place.collection, &target))
    });
    if !removed {
        return Err(voice.not_found(&place.id));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Creates an object in the set to which a navigation leads, and links it.
pub(in crate::graph::generic) fn create_linked(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let set = Root::all().find(|it| it.is_set() && it.of() == place.step.of);
    let Some(set) = set.filter(|_| !place::is_modelled(call, set.map_or("", Root::name))) else {
        return Err(not_in_the_mock(&format!("POST {}", place.set)));
    };
    let at = Place {
        step: place.step,
        of: place.of,
        collection: set.name().to_owned(),
        id: String::new(),
        set: set.name().to_owned(),
        view: None,
    };
    let (reply, id) = created(call, &at, voice)?;
    let target = crate::store::address(&at.collection, &id);
    call.tenant
        .write_documents(|it| it.link(&place.collection, &target));
    Ok(reply)
}

/// Changes what a link leads to.
pub(in crate::graph::generic) fn update_linked(
    call: &Call<'_>,
    place: &Place<'_>,
    voice: &Voice,
) -> Result<Reply, GraphError> {
    let target = place::target(call, place).ok_or_else(|| voice.not_found(&place.id))?;
    let (collection, id) = target.rsplit_once('/').unwrap_or_default();
    let at = Place {
        step: place.step,
        of: place::type_at(&target).unwrap_or(place.of),
        collection: collection.to_owned(),
        id: id.to_owned(),
        set: collection.to_owned(),
        view: None,
    };
    update(call, &at, false, voice)
}

/// The address that a link names: its path behind the version.
pub(super) fn resolved(call: &Call<'_>, link: &str, voice: &Voice) -> Result<String, GraphError> {
    let path = link
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or(link, |(_, path)| path);
    let path = path.trim_start_matches('/');
    let path = ["v1.0/", "beta/"]
        .iter()
        .find_map(|version| path.strip_prefix(version))
        .unwrap_or(path);
    let address = path.replace("('", "/").replace("')", "");
    let address = address.trim_end_matches('/');
    let id = address.rsplit('/').next().unwrap_or_default();
    let found = match address.split_once('/') {
        Some(("directoryObjects" | "users" | "groups" | "servicePrincipals" | "devices", id))
            if !id.contains('/') =>
        {
            place::directory_address(call, id)
        }
        _ => place::fetch(call, address).map(|_| address.to_owned()),
    };
    found.ok_or_else(|| voice.not_found(id))
}
