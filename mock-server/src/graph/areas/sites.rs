//! Sites: the root site that each tenant has, and those of Microsoft 365 groups.
//!
//! Sources: pnp/pnpcore, MockData of sites; learn.microsoft.com/graph/api/site-get.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::drives::place::site_id;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, Subject};
use crate::graph::{files, lists};
use crate::mailbox::{Properties, seconds};

/// What sites add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    presets: Some(sites),
    searched: &["displayName", "name", "webUrl"],
    operations: &[("getAllSites", all_sites)],
    show: Some(show),
    ..Behaviour::of("site")
}];

/// A site has what is set, in SharePoint's order. Source: pnp/pnpcore, MockData of
/// BatchClientTests.
fn show(call: &Call<'_>, _: &Subject<'_>, site: &mut Properties) {
    let mut shown = Properties::new();
    for name in ORDER {
        shown.extend(site.shift_remove_entry(name));
    }
    shown.extend(std::mem::take(site));
    shown.retain(|_, value| !value.is_null());
    // Where it is asked for alone: recordings have the host and nothing else.
    let selected = call.query.select.as_ref();
    if selected.is_none_or(|it| !it.iter().any(|it| it == "siteCollection"))
        && let Some(Value::Object(collection)) = shown.get_mut("siteCollection")
    {
        collection.shift_remove("root");
    }
    *site = shown;
}

const ORDER: [&str; 9] = [
    "createdDateTime",
    "description",
    "id",
    "lastModifiedDateTime",
    "name",
    "webUrl",
    "displayName",
    "root",
    "siteCollection",
];

/// All sites of the tenant but those of people.
fn all(call: &Call<'_>) -> Vec<(String, Properties)> {
    let mut all = sites(call, "sites");
    call.tenant.read_documents(|documents| {
        let written = documents.list("sites");
        all.extend(written.map(|it| (it.id.clone(), it.properties.clone())));
    });
    all
}

/// All sites of the tenant, those of people too, for an app.
/// Source: learn.microsoft.com/graph/api/site-getallsites.
fn all_sites(call: &Call<'_>, _: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut documents: Vec<Properties> = all(call)
        .into_iter()
        .map(|(id, properties)| {
            let mut site = Properties::new();
            site.insert("id".to_owned(), json!(id));
            site.extend(properties);
            site.insert("isPersonalSite".to_owned(), json!(false));
            site
        })
        .collect();
    documents.extend(lists::personal(call));
    lists::listed(call, "sites", documents)
}

fn sites(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    let group = collection
        .strip_prefix("groups/")
        .and_then(|it| it.strip_suffix("/sites"));
    if let Some(group) = group {
        let own = call.tenant.read(|it| site_id(it, group));
        let mut all = sites(call, "sites");
        all.retain(|(id, _)| *id == own);
        return all;
    }
    let above = collection
        .strip_prefix("sites/")
        .and_then(|it| it.strip_suffix("/sites"));
    if let Some(above) = above {
        return below(call, above);
    }
    if collection != "sites" {
        return Vec::new();
    }
    let (host, created, tenant) = call
        .tenant
        .read(|it| (files::host_of(it), seconds(it.created), it.id.0));
    let id = |of: &str| {
        let part = |name: &str| Uuid::new_v5(&tenant, format!("{name} {of}").as_bytes());
        format!("{host},{},{}", part("site collection"), part("web"))
    };
    let site = |of: &str, path: &str, title: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let value = json!({
            "createdDateTime": created,
            "description": "",
            "displayName": title,
            "lastModifiedDateTime": created,
            "name": name,
            "root": {},
            "siteCollection": {"hostname": host},
            "webUrl": format!("https://{host}{path}"),
        });
        (id(of), crate::graph::collection::members(value))
    };
    let mut root = site("root", "", "Communication site");
    // Source: learn.microsoft.com/graph/api/site-list (the root sites of all geographies).
    if let Some(Value::Object(collection)) = root.1.get_mut("siteCollection") {
        collection.insert("root".to_owned(), json!({}));
    }
    let mut found = vec![root];
    call.tenant.read_documents(|documents| {
        for group in documents.list("groups") {
            let text = |name: &str| group.properties.get(name).and_then(Value::as_str);
            let kinds = group.properties.get("groupTypes").and_then(Value::as_array);
            if kinds.is_some_and(|it| it.iter().any(|kind| kind == "Unified")) {
                let path = format!("/sites/{}", text("mailNickname").unwrap_or(&group.id));
                found.push(site(
                    &group.id,
                    &path,
                    text("displayName").unwrap_or_default(),
                ));
            }
        }
    });
    found
}

/// The sites right below another one.
fn below(call: &Call<'_>, above: &str) -> Vec<(String, Properties)> {
    let url = |site: &Properties| {
        let url = site.get("webUrl").and_then(Value::as_str);
        url.map(str::to_lowercase).unwrap_or_default()
    };
    let mut all = all(call);
    let Some(own) = all.iter().find(|(id, _)| id == above).map(|it| url(&it.1)) else {
        return Vec::new();
    };
    let start = format!("{own}/");
    all.retain(|(_, site)| {
        let url = url(site);
        let rest = url.strip_prefix(&start);
        // What is a collection of its own is below nothing.
        !site.contains_key("root") && rest.is_some_and(|it| !it.is_empty() && !it.contains('/'))
    });
    all
}
