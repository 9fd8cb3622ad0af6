//! What is shared, by an address: of a link, of Office, or of the item itself.
//!
//! Sources: learn.microsoft.com/graph/api/shares-get; recordings of pnp/pnpcore.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use super::{draw, list, refusal};
use crate::drives::{Drive, Owner};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::{Key, Step};

/// The item of a drive that an address names: by the token of a link, by Office's `sourcedoc`, or by
/// its path.
fn addressed(drive: &Drive, url: &str) -> Option<Uuid> {
    let (bare, query) = url.split_once('?').unwrap_or((url, ""));
    let document = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("sourcedoc"))
        .and_then(|(_, id)| id.trim_matches(['{', '}']).parse().ok());
    if let Some(id) = document {
        return Some(id);
    }
    let last = bare.rsplit('/').next().unwrap_or_default();
    let token = URL_SAFE_NO_PAD.decode(last).ok();
    let id = token
        .as_deref()
        .and_then(|it| it.get(2..18)?.try_into().ok());
    let id = id.map(Uuid::from_bytes_le);
    if let Some(id) = id.filter(|it| drive.get(*it).is_some()) {
        return Some(id);
    }
    let library = draw::library(drive);
    let start = bare.get(..library.len())?;
    if !start.eq_ignore_ascii_case(&library) {
        return None;
    }
    let inside = &bare[library.len()..];
    let inside = percent_encoding::percent_decode_str(inside).decode_utf8_lossy();
    let mut at = crate::drives::id::ROOT;
    for name in inside.split('/').filter(|it| !it.is_empty()) {
        at = drive.child(at, name)?.id;
    }
    Some(at)
}

/// The address that the key of a share stands for, and what is there.
fn shared(call: &Call<'_>, first: &Step) -> Result<(String, Uuid), GraphError> {
    // Source: recordings of pnp/pnpcore.
    let nothing = || {
        refusal::invalid("Share url does not point to a drive item or no permission to access it")
    };
    let Some(Key::Id(text)) = &first.key else {
        return Err(nothing());
    };
    let url = text
        .strip_prefix("u!")
        .and_then(|it| URL_SAFE_NO_PAD.decode(it.trim_end_matches('=')).ok())
        .and_then(|it| String::from_utf8(it).ok());
    let user = call.actor.user();
    let found = call.tenant.read_drives(|drives| {
        drives.all().find_map(|drive| {
            // An address names its item; the bare id of a permission is looked for.
            let ids = match &url {
                Some(url) => addressed(drive, url).into_iter().collect(),
                None => drive.tree(crate::drives::id::ROOT),
            };
            let mut items = ids.into_iter().filter_map(|it| drive.get(it));
            items.find_map(|item| {
                let by_link = item.permissions.iter().any(|it| {
                    let link = it.link.as_ref();
                    let named =
                        link.is_some_and(|link| Some(&link.url) == url.as_ref()) || it.id == *text;
                    let open = link.is_some_and(|it| it.scope != "users");
                    let past = link
                        .and_then(|it| it.expires)
                        .is_some_and(|it| it <= call.now);
                    let may = open || user.is_none_or(|it2| it.people.contains(&it2));
                    named && may && !past
                });
                let plain = url.as_deref().is_some_and(|url| {
                    let own = draw::web_url(drive, item);
                    let bare = |it: &str| it.split('?').next().unwrap_or_default().to_lowercase();
                    // What Office opens has the item in its query.
                    let office = own.contains("sourcedoc=");
                    bare(&own) == bare(url) && (office || !url.contains("sourcedoc="))
                });
                let mine = match &drive.owner {
                    Owner::User(id) => user.is_none_or(|it| it.to_string() == *id),
                    Owner::Group(_) | Owner::Site(_) => true,
                };
                (by_link || plain && mine).then(|| (drive.id.clone(), item.id))
            })
        })
    });
    found.ok_or_else(nothing)
}

/// The drive of what a share leads to.
pub(super) fn drive_of(call: &Call<'_>, first: &Step) -> Result<String, GraphError> {
    shared(call, first).map(|it| it.0)
}

/// The item to which a share leads.
pub(super) fn item_of(call: &Call<'_>, first: &Step) -> Result<Uuid, GraphError> {
    shared(call, first).map(|it| it.1)
}

/// The share itself.
pub(super) fn share(call: &Call<'_>, steps: &[Step]) -> Result<Reply, GraphError> {
    let first = steps.first().ok_or_else(refusal::not_found)?;
    let (drive, item) = shared(call, first)?;
    let document = list::whole(call, &drive, |style, drive| {
        let item = drive.get(item)?;
        let value = json!({
            "id": match &first.key { Some(Key::Id(id)) => id.as_str(), _ => "" },
            "name": item.name,
            "owner": style.identity(crate::drives::Identity { app: None, ..item.created_by }),
        });
        Some(crate::graph::collection::members(value))
    })?;
    Ok(draw::reply(call, StatusCode::OK, "shares", document))
}
