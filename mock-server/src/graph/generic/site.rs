//! Sites: by the host and the path of their addresses.

use serde_json::Value;

use super::place::{self, Place};
use super::service::Voice;
use crate::drives::place::{site_id, unified};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::mailbox::Properties;

/// The site with a path at a host. Source: learn.microsoft.com/graph/api/site-getbypath.
pub(super) fn descend(
    call: &Call<'_>,
    place: &mut Place<'_>,
    parts: &[String],
    voice: &Voice,
) -> Result<(), GraphError> {
    let address = format!("https://{}/{}", place.id, parts.join("/"));
    let found = all(call, place).into_iter().find(|(_, site)| {
        let own = site.get("webUrl").and_then(Value::as_str);
        own.is_some_and(|own| own.eq_ignore_ascii_case(&address))
    });
    let (id, _) = found.ok_or_else(|| voice.not_found(&parts.join("/")))?;
    place.id = id;
    Ok(())
}

fn all(call: &Call<'_>, place: &Place<'_>) -> Vec<(String, Properties)> {
    let mut all = place::presets(call, &place.collection, place.of);
    call.tenant.read_documents(|documents| {
        let stored = documents.list(&place.collection);
        all.extend(stored.map(|it| (it.id.clone(), it.properties.clone())));
    });
    all
}

/// The id of a site that a key means: `root` and the host's name are the root site. A host alone
/// stays where a path follows it.
///
/// Source: pnp/pnpcore, MockData of exceptions (a host of nobody's).
pub(super) fn id(
    call: &Call<'_>,
    place: &Place<'_>,
    key: &str,
    followed: bool,
) -> Result<String, GraphError> {
    let host = key.contains('.') && !key.contains(',');
    if key != "root" && !host {
        return Ok(key.to_owned());
    }
    let own = all(call, place).into_iter().find(|(_, site)| {
        let named = site.get("siteCollection").and_then(|it| it.get("hostname"));
        let named = named.and_then(Value::as_str).unwrap_or_default();
        site.contains_key("root") && (key == "root" || named.eq_ignore_ascii_case(key))
    });
    match own {
        Some(_) if followed => Ok(key.to_owned()),
        Some((id, _)) => Ok(id),
        None if key == "root" => Ok(key.to_owned()),
        None => Err(GraphError::new(
            axum::http::StatusCode::BAD_REQUEST,
            "invalidRequest",
            "Invalid hostname for this tenancy",
        )),
    }
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
