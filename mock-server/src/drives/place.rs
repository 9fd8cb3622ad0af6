//! Where drives are: the hosts and sites of a tenant, and the ids that follow from them.

use serde_json::Value;
use uuid::Uuid;

use super::Place;
use crate::directory::Directory;
use crate::store::Documents;

/// The Microsoft 365 groups: id, path of the site, name.
pub(crate) fn unified(documents: &Documents) -> Vec<(String, String, String)> {
    let groups = documents.list("groups").filter_map(|group| {
        let text = |name: &str| group.properties.get(name).and_then(Value::as_str);
        let kinds = group.properties.get("groupTypes")?.as_array()?;
        kinds.iter().find(|it| *it == "Unified")?;
        let path = format!("/sites/{}", text("mailNickname").unwrap_or(&group.id));
        let name = text("displayName").unwrap_or_default().to_owned();
        Some((group.id.clone(), path, name))
    });
    groups.collect()
}

/// Where a library is. `of`: `root`, or whose it is.
pub(crate) fn at(directory: &Directory, host: &str, of: &str, site: &str, library: &str) -> Place {
    let tenant = directory.id.0;
    let (collection, web) = parts(tenant, of);
    Place {
        host: host.to_owned(),
        site: site.to_owned(),
        library: library.to_owned(),
        collection,
        web,
        list: Uuid::new_v5(&tenant, format!("list {of}").as_bytes()),
    }
}

/// The GUIDs of a site's collection and web. `of`: `root`, or whose site it is.
pub(crate) fn parts(tenant: Uuid, of: &str) -> (Uuid, Uuid) {
    let part = |name: &str| Uuid::new_v5(&tenant, format!("{name} {of}").as_bytes());
    (part("site collection"), part("web"))
}

/// The id of a site. `of`: `root`, or the id of the group whose it is.
pub(crate) fn site_id(directory: &Directory, of: &str) -> String {
    let (collection, web) = parts(directory.id.0, of);
    format!("{},{collection},{web}", host(directory, false))
}

/// The host of a tenant's sites, or of the people's own.
pub(crate) fn host(directory: &Directory, personal: bool) -> String {
    let domain = directory.domains.first().map_or("", String::as_str);
    let name = domain.split('.').next().unwrap_or_default();
    let more = if personal { "-my" } else { "" };
    let domain = directory.environment.sharepoint_domain();
    format!("{}{more}.{domain}", name.to_lowercase())
}
