//! Sites of a seed file: their ids and addresses, as the service has them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::directory::Directory;
use crate::drives::place;
use crate::store::Documents;

/// A site, or a site below another one.
pub(super) struct Site {
    /// The host, the collection's GUID and the web's.
    pub(super) id: String,
    host: String,
    path: String,
    /// Whether it is the first of its collection.
    is_top: bool,
}

impl Site {
    /// Finds out where a site is. `address`: the collection in which it is written.
    pub(super) fn of(
        directory: &Directory,
        documents: &Documents,
        address: &str,
        given: Option<&str>,
        members: &Map<String, Value>,
    ) -> Result<Self, String> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let triple = given.filter(|it| is_triple(it));
        let name = text("name").or(given.filter(|_| triple.is_none()));
        let name = name
            .map(str::to_owned)
            .or_else(|| text("displayName").map(plain));
        let host = place::host(directory, false);
        let above = address
            .strip_prefix("sites/")
            .and_then(|it| it.strip_suffix("/sites"));
        let above = above.map(|id| (id, path_of(directory, documents, id)));
        let path = match (text("webUrl"), &above) {
            (Some(url), _) => {
                let rest = url.strip_prefix(&format!("https://{host}/"));
                let rest = rest.ok_or_else(|| {
                    format!("expected a webUrl below https://{host}/, found '{url}'")
                })?;
                format!("/{rest}")
            }
            (None, _) if name.as_deref().is_none_or(str::is_empty) => {
                return Err("a site needs a webUrl, a name or a displayName".to_owned());
            }
            (None, Some((_, above))) => format!("{above}/{}", name.unwrap_or_default()),
            (None, None) => format!("/sites/{}", name.unwrap_or_default()),
        };
        let (collection, web) = place::parts(directory.id.0, &path);
        let collection = above
            .as_ref()
            .and_then(|(id, _)| id.split(',').nth(1)?.parse::<Uuid>().ok())
            .unwrap_or(collection);
        let id = triple.map_or_else(|| format!("{host},{collection},{web}"), str::to_owned);
        // A file that was exported says what is the first of its collection.
        let is_told = triple.is_some() && members.contains_key("siteCollection");
        Ok(Self {
            id,
            host,
            path,
            is_top: above.is_none() && !is_told,
        })
    }

    /// Sets what is not said.
    pub(super) fn complete(&self, members: &mut Map<String, Value>, created: Timestamp) {
        members.remove("id");
        let last = self.path.rsplit('/').next().unwrap_or_default().to_owned();
        let title = members.get("name").and_then(Value::as_str).unwrap_or(&last);
        let title = title.to_owned();
        let mut set = |name: &str, value: Value| {
            members.entry(name).or_insert(value);
        };
        set("name", json!(last));
        set("displayName", json!(title));
        set("description", json!(""));
        set(
            "webUrl",
            json!(format!("https://{}{}", self.host, self.path)),
        );
        set("siteCollection", json!({"hostname": self.host}));
        set(
            "lastModifiedDateTime",
            json!(crate::mailbox::seconds(created)),
        );
        if self.is_top {
            set("root", json!({}));
        }
    }
}

/// The id of the site that a name means and that is no document: the root's, or a group's.
pub(super) fn named(directory: &Directory, documents: &Documents, name: &str) -> Option<String> {
    if name == "root" {
        return Some(place::site_id(directory, "root"));
    }
    let groups = place::unified(documents).into_iter();
    let mut groups =
        groups.filter(|(_, path, title)| path.rsplit('/').next() == Some(name) || title == name);
    groups.next().map(|it| place::site_id(directory, &it.0))
}

/// The path of the site with an id.
fn path_of(directory: &Directory, documents: &Documents, id: &str) -> String {
    let own = documents.get("sites", id);
    let own = own.and_then(|it| it.properties.get("webUrl")?.as_str());
    if let Some((_, path)) = own.and_then(|it| it.split_once("://")?.1.split_once('/')) {
        return format!("/{path}");
    }
    let groups = place::unified(documents).into_iter();
    let mut groups = groups.filter(|(group, ..)| place::site_id(directory, group) == id);
    groups.next().map(|it| it.1).unwrap_or_default()
}

fn is_triple(id: &str) -> bool {
    let parts: Vec<&str> = id.split(',').collect();
    matches!(parts.as_slice(), [_, one, two] if Uuid::try_parse(one).is_ok() && Uuid::try_parse(two).is_ok())
}

/// A name for an address.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.collect::<String>().to_lowercase()
}
