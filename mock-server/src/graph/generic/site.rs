//! Sites: by the host and the path of their addresses.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::place::{self, Place};
use crate::drives::place::{site_id, unified};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::lists;
use crate::mailbox::Properties;

/// The site with a path at a host, or below another site.
/// Source: learn.microsoft.com/graph/api/site-getbypath.
pub(super) fn descend(
    call: &Call<'_>,
    place: &mut Place<'_>,
    parts: &[String],
) -> Result<(), GraphError> {
    let all = all(call, place);
    let url = |site: &Properties| site.get("webUrl").and_then(Value::as_str).map(decoded);
    let own = all.iter().find(|(id, _)| *id == place.id);
    let start = if place.id == "root" {
        root_of(&all, "").and_then(url)
    } else if let Some((_, site)) = own {
        url(site)
    } else {
        Some(format!("https://{}", place.id))
    };
    let address = start.map(|it| format!("{it}/{}", parts.join("/")).to_lowercase());
    let found = all
        .iter()
        .find(|(_, site)| url(site).map(|it| it.to_lowercase()) == address);
    // Source: alcionai/corso.
    let (id, _) = found.ok_or_else(|| {
        GraphError::new(
            StatusCode::NOT_FOUND,
            "itemNotFound",
            "Requested site could not be found",
        )
    })?;
    place.id.clone_from(id);
    Ok(())
}

fn decoded(url: &str) -> String {
    percent_encoding::percent_decode_str(url)
        .decode_utf8_lossy()
        .into_owned()
}

/// The root site of a host; without a host, the tenant's.
fn root_of<'s>(all: &'s [(String, Properties)], host: &str) -> Option<&'s Properties> {
    all.iter().map(|(_, site)| site).find(|site| {
        let named = site.get("siteCollection").and_then(|it| it.get("hostname"));
        let named = named.and_then(Value::as_str).unwrap_or_default();
        site.contains_key("root") && (host.is_empty() || named.eq_ignore_ascii_case(host))
    })
}

/// All sites that a path may mean: those of people, too.
fn all(call: &Call<'_>, place: &Place<'_>) -> Vec<(String, Properties)> {
    let mut all = place::presets(call, &place.collection, place.of);
    call.tenant.read_documents(|documents| {
        let stored = documents.list(&place.collection);
        all.extend(stored.map(|it| (it.id.clone(), it.properties.clone())));
    });
    if place.collection == "sites" {
        all.extend(personal(call));
    }
    all
}

fn personal(call: &Call<'_>) -> impl Iterator<Item = (String, Properties)> {
    lists::personal(call).into_iter().filter_map(|mut site| {
        site.shift_remove("isPersonalSite");
        let id = site.shift_remove("id")?.as_str()?.to_owned();
        Some((id, site))
    })
}

/// A person's site, by its id.
pub(super) fn of_person(call: &Call<'_>, address: &str) -> Option<Properties> {
    let wanted = address
        .strip_prefix("sites/")
        .filter(|it| it.contains("-my."))?;
    let (id, properties) = personal(call).find(|(id, _)| id == wanted)?;
    let mut site = Properties::new();
    site.insert("id".to_owned(), json!(id));
    site.extend(properties);
    Some(site)
}

/// The id of a site that a key means: `root` and the host's name are the root site, a GUID is the
/// site collection's, two are those of the collection and the web. A host alone stays where a path
/// follows it.
///
/// Sources: pnp/pnpcore, MockData of exceptions (a host of nobody's); recordings of
/// NangoHQ/integration-templates (`/sites/{guid}/drives/…`).
pub(super) fn id(
    call: &Call<'_>,
    place: &Place<'_>,
    key: &str,
    followed: bool,
) -> Result<String, GraphError> {
    let host = key.contains('.') && !key.contains(',');
    if key != "root" && !host {
        let bare = key.split(',').all(|it| Uuid::try_parse(it).is_ok());
        if !bare {
            return Ok(key.to_owned());
        }
        let key = key.to_ascii_lowercase();
        let found = all(call, place).into_iter().map(|(id, _)| id).find(|id| {
            let (_, guids) = id.split_once(',').unwrap_or_default();
            guids == key || guids.split(',').next() == Some(&key)
        });
        return Ok(found.unwrap_or(key));
    }
    let all = all(call, place);
    let named = if key == "root" { "" } else { key };
    let own = root_of(&all, named);
    match own {
        Some(_) if followed => Ok(key.to_owned()),
        Some(site) => {
            let found = all.iter().find(|(_, it)| it == site);
            Ok(found.map_or_else(|| key.to_owned(), |(id, _)| id.clone()))
        }
        None if key == "root" => Ok(key.to_owned()),
        None if followed && is_personal_host(call, key) => Ok(key.to_owned()),
        None => Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "invalidRequest",
            "Invalid hostname for this tenancy",
        )),
    }
}

/// Whether a host is that of the people's own sites.
fn is_personal_host(call: &Call<'_>, host: &str) -> bool {
    let own = call.tenant.read(|it| crate::drives::place::host(it, true));
    own.eq_ignore_ascii_case(host)
}

/// The id of the site of a Microsoft 365 group, if a collection is the group's sites and the key
/// means it. Source: learn.microsoft.com/graph/api/site-get (`/groups/{id}/sites/root`).
pub(super) fn of_group(call: &Call<'_>, collection: &str, key: &str) -> Option<String> {
    let group = collection
        .strip_prefix("groups/")
        .and_then(|it| it.strip_suffix("/sites"))?;
    let unified = call.tenant.read_documents(unified);
    unified.iter().find(|(id, ..)| id == group)?;
    let own = call.tenant.read(|it| site_id(it, group));
    (key == "root" || key == own).then_some(own)
}

/// The id of a site below another one, if a collection is the other's sites and the key means it.
pub(super) fn below(call: &Call<'_>, place: &Place<'_>, key: &str) -> Option<String> {
    place.collection.strip_prefix("sites/")?;
    let mut all = place::presets(call, &place.collection, place.of).into_iter();
    let key = key.to_lowercase();
    let found = all.find(|(id, _)| *id == key || id.ends_with(&format!(",{key}")));
    found.map(|it| it.0)
}
