//! What is shared, by an address: of a link, of Office, or of the item itself.
//!
//! Sources: learn.microsoft.com/graph/api/shares-get; recordings of pnp/pnpcore.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{draw, list, refusal, sharing};
use crate::drives::{Drive, Drives, Link, Owner, Permission};
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

/// What the key of a share stands for.
struct Shared {
    drive: String,
    item: Uuid,
    /// The permission by which it is shared; none where the address is the item's own.
    by: Option<Permission>,
}

/// Finds what the key of a share stands for.
fn shared(call: &Call<'_>, first: &Step) -> Result<Shared, GraphError> {
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
    // What a browser adds to a link says nothing.
    let bare = |it: &str| it.split('?').next().unwrap_or_default().to_lowercase();
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
                let by_link = item.permissions.iter().find(|it| {
                    let link = it.link.as_ref();
                    let same =
                        |link: &Link| url.as_deref().is_some_and(|it| bare(it) == bare(&link.url));
                    let named = link.is_some_and(same) || it.id == *text;
                    let open = link.is_some_and(|it| it.scope != "users");
                    let may = open || user.is_none_or(|it2| it.people.contains(&it2));
                    named && may && !it.is_over(call.now)
                });
                let plain = url.as_deref().is_some_and(|url| {
                    let own = draw::web_url(drive, item);
                    // What Office opens has the item in its query.
                    let office = own.contains("sourcedoc=");
                    bare(&own) == bare(url) && (office || !url.contains("sourcedoc="))
                });
                let mine = match &drive.owner {
                    Owner::User(id) => user.is_none_or(|it| it.to_string() == *id),
                    Owner::Group(_) | Owner::Site(_) => true,
                };
                (by_link.is_some() || plain && mine).then(|| Shared {
                    drive: drive.id.clone(),
                    item: item.id,
                    by: by_link.cloned(),
                })
            })
        })
    });
    let found = found.ok_or_else(nothing)?;
    redeem(call, &found);
    Ok(found)
}

/// Who asks for it gets by a link what the link gives, and keeps it.
/// Source: learn.microsoft.com/graph/api/shares-get (`Prefer: redeemSharingLink`).
fn redeem(call: &Call<'_>, shared: &Shared) {
    let asked = call.header("prefer").to_ascii_lowercase();
    let asked = asked.split(',').any(|it| {
        matches!(
            it.trim(),
            "redeemsharinglink" | "redeemsharinglinkifnecessary"
        )
    });
    let (true, Some(user), Some(by)) = (asked, call.actor.user(), &shared.by) else {
        return;
    };
    if by.people.contains(&user) || by.link.is_none() {
        return;
    }
    call.tenant.write_drives(|drives| {
        let Some(drive) = drives.get_mut(&shared.drive) else {
            return;
        };
        drive.update(shared.item, |item| {
            let own = item.permissions.iter_mut().find(|it| it.id == by.id);
            if let Some(own) = own.filter(|it| it.people.len() < MOST_PEOPLE) {
                own.people.push(user);
            }
        });
    });
}

/// Whether the link by which something is shared lets its holder change it.
pub(super) fn writes(call: &Call<'_>, first: &Step) -> bool {
    let by = shared(call, first).ok().and_then(|it| it.by);
    by.is_some_and(|it| it.link.is_some() && it.writes())
}

/// The permission of a share.
pub(super) fn permission(call: &Call<'_>, steps: &[Step]) -> Result<Reply, GraphError> {
    let first = steps.first().ok_or_else(refusal::not_found)?;
    let shared = shared(call, first)?;
    let by = shared.by.ok_or_else(refusal::not_found)?;
    let document = list::whole(call, &shared.drive, |style, _| {
        Some(sharing::permission_of(style, &by, false))
    })?;
    Ok(sharing::permission_reply(call, StatusCode::OK, document))
}

/// The file of a link that is for everybody, by the token in the link's address.
pub(super) fn open(drives: &Drives, token: &str, now: Timestamp) -> Option<(String, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let id = Uuid::from_bytes_le(bytes.get(2..18)?.try_into().ok()?);
    drives.all().find_map(|drive| {
        let item = drive.get(id).filter(|it| it.is_file())?;
        let fits = item.permissions.iter().any(|it| {
            let link = it.link.as_ref();
            let open = link.is_some_and(|it| {
                let named = it.url.rsplit('/').next() == Some(token);
                named && it.scope == "anonymous" && !it.has_password
            });
            open && !it.is_over(now)
        });
        fits.then(|| (drive.id.clone(), id))
    })
}

/// The drive of what a share leads to.
pub(super) fn drive_of(call: &Call<'_>, first: &Step) -> Result<String, GraphError> {
    shared(call, first).map(|it| it.drive)
}

/// The item to which a share leads.
pub(super) fn item_of(call: &Call<'_>, first: &Step) -> Result<Uuid, GraphError> {
    shared(call, first).map(|it| it.item)
}

/// The share itself.
pub(super) fn share(call: &Call<'_>, steps: &[Step]) -> Result<Reply, GraphError> {
    let first = steps.first().ok_or_else(refusal::not_found)?;
    let Shared { drive, item, .. } = shared(call, first)?;
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

/// The people who may come by one link.
const MOST_PEOPLE: usize = 1000;
