//! Sites: the root site that each tenant has, and those of Microsoft 365 groups.
//!
//! Sources: pnp/pnpcore, MockData of sites; learn.microsoft.com/graph/api/site-get.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::graph::call::Call;
use crate::graph::files;
use crate::graph::generic::behaviour::Behaviour;
use crate::mailbox::{Properties, seconds};

/// What sites add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    presets: Some(sites),
    searched: &["displayName", "name", "webUrl"],
    ..Behaviour::of("site")
}];

fn sites(call: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
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
    let mut found = vec![site("root", "", "Communication site")];
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
