//! Drives and their items as Graph writes them.

use serde_json::{Value, json};

use super::name;
use super::ticket::{self, IN_PATH};
use crate::directory::{ApplicationId, Directory};
use crate::drives::{Drive, Identity, Item, Owner};
use crate::graph::call::{Call, Reply};
use crate::mailbox::{Properties, seconds};

/// How items are written.
pub(in crate::graph) struct Style<'a> {
    pub(in crate::graph) call: &'a Call<'a>,
    pub(in crate::graph) directory: &'a Directory,
    /// Whether files have the address of their content.
    pub(in crate::graph) with_address: bool,
}

/// The name of an app, wherever it is registered.
pub(in crate::graph) fn app_name(call: &Call<'_>, app: ApplicationId) -> String {
    let found = call.world.application(call.cloud(), app);
    found.map_or_else(|| app.to_string(), |(_, it)| it.display_name.clone())
}

impl Style<'_> {
    /// An item.
    pub(in crate::graph) fn item(&self, drive: &Drive, item: &Item) -> Properties {
        let mut found = Properties::new();
        let mut put = |name: &str, value: Value| {
            found.insert(name.to_owned(), value);
        };
        if item.is_file() && self.with_address {
            let url = ticket::download(self.call, (&drive.id, &drive.place), item.id, None);
            put("@microsoft.graph.downloadUrl", json!(url));
        }
        put("createdDateTime", json!(seconds(item.created)));
        if !item.is_root() {
            put("eTag", json!(item.e_tag()));
        }
        put("id", json!(drive.id_of(item.id)));
        put("lastModifiedDateTime", json!(seconds(item.modified)));
        put("name", json!(item.name));
        put("webUrl", json!(web_url(drive, item)));
        if !item.is_root() {
            put("cTag", json!(item.c_tag()));
        }
        put("size", json!(item.size));
        if let Some(text) = &item.description {
            put("description", json!(text));
        }
        if !item.is_root() {
            put("createdBy", self.identity(item.created_by));
            put("lastModifiedBy", self.identity(item.modified_by));
        }
        put("parentReference", self.parent(drive, item));
        if let Some(content) = &item.content {
            let mut file = json!({"mimeType": name::mime(&item.name)});
            if content.length() > 0 {
                file["hashes"] = json!({"quickXorHash": hash(content.hash())});
            }
            put("file", file);
        } else {
            put("folder", json!({"childCount": drive.child_count(item.id)}));
        }
        put(
            "fileSystemInfo",
            json!({
                "createdDateTime": seconds(item.file_created),
                "lastModifiedDateTime": seconds(item.modified),
            }),
        );
        if item.is_root() {
            put("root", json!({}));
        } else {
            put("shared", json!({"scope": "users"}));
        }
        if item.checked_out.is_some() {
            put(
                "publication",
                json!({"level": "checkout", "versionId": version(item)}),
            );
        }
        if let Some(name) = special(drive, item) {
            put("specialFolder", json!({"name": name}));
        }
        found
    }

    /// Who did something, by name.
    pub(in crate::graph) fn identity(&self, by: Identity) -> Value {
        let mut found = Properties::new();
        if let Some(app) = by.app {
            let own = self.directory.applications.get(&app);
            let own = own.map(|it| it.display_name.as_str());
            let name = own.or_else(|| {
                let principal = self.directory.service_principal(app)?;
                principal.profile.get("displayName")?.as_str()
            });
            let name = name.map_or_else(|| app.to_string(), str::to_owned);
            let app = json!({"id": app.to_string(), "displayName": name});
            found.insert("application".to_owned(), app);
        }
        let user = match by.user {
            Some(user) => match self.directory.user(user) {
                Some(user) => json!({
                    "email": user.user_principal_name.to_string(),
                    "id": user.id.to_string(),
                    "displayName": user.display_name,
                }),
                None => json!({"id": user.to_string(), "displayName": ""}),
            },
            None if by.app.is_some() => json!({"displayName": "SharePoint App"}),
            None => json!({"displayName": "System Account"}),
        };
        found.insert("user".to_owned(), user);
        Value::Object(found)
    }

    /// Where an item is. The path begins as the client asked for the drive.
    fn parent(&self, drive: &Drive, item: &Item) -> Value {
        let mut found = json!({"driveType": kind(drive), "driveId": drive.id});
        let Some(parent) = item.parent.and_then(|it| drive.get(it)) else {
            return found;
        };
        found["id"] = json!(drive.id_of(parent.id));
        found["name"] = if parent.is_root() {
            json!(drive.place.library)
        } else {
            json!(parent.name)
        };
        let mut path = self.start(drive);
        for name in drive.path(parent.id) {
            path.push('/');
            path.push_str(&ticket::encoded(name));
        }
        found["path"] = json!(path);
        found["siteId"] = json!(drive.place.collection.to_string());
        found
    }

    fn start(&self, drive: &Drive) -> String {
        let mut names = self.call.path.split('/').filter(|it| !it.is_empty());
        let first = names.nth(1).unwrap_or_default().to_ascii_lowercase();
        if matches!(first.as_str(), "me" | "drive") {
            "/drive/root:".to_owned()
        } else {
            format!("/drives/{}/root:", drive.id)
        }
    }

    /// A drive.
    pub(in crate::graph) fn drive(&self, drive: &Drive) -> Properties {
        let root = drive.root();
        let remaining = drive.quota.saturating_sub(drive.used());
        let state = match remaining.saturating_mul(100) / drive.quota.max(1) {
            0 if remaining == 0 => "exceeded",
            0 => "critical",
            1..10 => "nearing",
            _ => "normal",
        };
        let owner = self.owner(drive);
        let value = json!({
            "createdDateTime": seconds(drive.created),
            "description": "",
            "id": drive.id,
            "lastModifiedDateTime": seconds(root.modified),
            "name": drive.name,
            "webUrl": library(drive),
            "driveType": kind(drive),
            "createdBy": {"user": {"displayName": "System Account"}},
            "lastModifiedBy": self.identity(Identity { app: None, ..root.modified_by }),
            "owner": owner,
            "quota": {
                "deleted": drive.deleted(),
                "remaining": remaining,
                "state": state,
                "total": drive.quota,
                "used": drive.used(),
            },
        });
        crate::graph::collection::members(value)
    }

    fn owner(&self, drive: &Drive) -> Value {
        match &drive.owner {
            Owner::User(id) => {
                let user = self
                    .directory
                    .users
                    .values()
                    .find(|it| it.id.to_string() == *id);
                let name = user.map_or("", |it| it.display_name.as_str());
                let mail = user.map(|it| it.user_principal_name.to_string());
                json!({"user": {"email": mail, "id": id, "displayName": name}})
            }
            Owner::Group(id) => {
                let name = drive.place.site.rsplit('/').next().unwrap_or_default();
                let domain = self.directory.domains.first().map_or("", String::as_str);
                json!({"group": {
                    "email": format!("{name}@{domain}"), "id": id,
                    "displayName": format!("{name} Owners"),
                }})
            }
            Owner::Site(_) => {
                // Whoever made the tenant. Source: recordings of pnp/pnpcore.
                let user = self.directory.users.values().next();
                json!({"user": {
                    "email": user.map(|it| it.user_principal_name.to_string()),
                    "id": user.map(|it| it.id.to_string()),
                    "displayName": user.map(|it| it.display_name.clone()),
                }})
            }
        }
    }
}

/// `driveType`.
pub(in crate::graph) fn kind(drive: &Drive) -> &'static str {
    match drive.owner {
        Owner::User(_) => "business",
        Owner::Group(_) | Owner::Site(_) => "documentLibrary",
    }
}

/// `quickXorHash`.
pub(in crate::graph) fn hash(bytes: [u8; 20]) -> String {
    use base64::Engine as _;

    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The number of the current version.
pub(in crate::graph) fn version(item: &Item) -> String {
    let number = item.versions.last().map_or(1, |it| it.number + 1);
    format!("{number}.0")
}

/// The address of a library.
pub(in crate::graph) fn library(drive: &Drive) -> String {
    let place = &drive.place;
    let path = ticket::encoded(&format!("{}/{}", place.site, place.library));
    format!("https://{}{path}", place.host)
}

/// `webUrl`. Office opens its own files in the browser.
pub(in crate::graph) fn web_url(drive: &Drive, item: &Item) -> String {
    let office = ["doc", "docx", "ppt", "pptx", "xls", "xlsx"];
    let ending = item.name.rsplit_once('.').map_or("", |(_, it)| it);
    let is_office = item.is_file() && office.iter().any(|it| it.eq_ignore_ascii_case(ending));
    if is_office {
        let name = percent_encoding::utf8_percent_encode(&item.name, IN_PATH);
        return format!(
            "https://{}{}/_layouts/15/Doc.aspx?sourcedoc=%7B{}%7D&file={name}&action=default\
             &mobileredirect=true",
            drive.place.host,
            ticket::encoded(&drive.place.site),
            item.id.to_string().to_uppercase(),
        );
    }
    let mut url = library(drive);
    for name in drive.path(item.id) {
        url.push('/');
        url.push_str(&ticket::encoded(name));
    }
    url
}

fn special(drive: &Drive, item: &Item) -> Option<&'static str> {
    let top = item.parent == Some(crate::drives::id::ROOT) && !item.is_file();
    let personal = matches!(drive.owner, Owner::User(_));
    match item.name.as_str() {
        "Documents" if top && personal => Some("documents"),
        "Pictures" if top && personal => Some("photos"),
        _ => None,
    }
}

/// Leaves what `$select` names.
pub(in crate::graph) fn select(call: &Call<'_>, document: Properties) -> Properties {
    only(call.query.select.as_deref(), document)
}

/// Leaves what names say, if they say anything.
pub(super) fn only(names: Option<&[String]>, document: Properties) -> Properties {
    let Some(names) = names else {
        return document;
    };
    let named = |member: &str| {
        names.iter().any(|it| {
            it.eq_ignore_ascii_case(member)
                || member == "@microsoft.graph.downloadUrl" && it == "content.downloadUrl"
        })
    };
    document
        .into_iter()
        .filter(|(member, _)| named(member) || member.starts_with("@odata."))
        .collect()
}

/// The set of a drive as contexts name it.
pub(in crate::graph) fn set(call: &Call<'_>, drive: &Drive) -> String {
    let escape = |it: &str| percent_encoding::utf8_percent_encode(it, KEY).to_string();
    match &drive.owner {
        Owner::User(id) => format!("users('{}')/drive", escape(id)),
        Owner::Group(_) | Owner::Site(_) => {
            let place = &drive.place;
            let site = format!("{},{},{}", place.host, place.collection, place.web);
            let _ = call;
            format!("sites('{}')/drives('{}')", escape(&site), escape(&drive.id))
        }
    }
}

/// An answer with one item.
pub(in crate::graph) fn reply(
    call: &Call<'_>,
    status: axum::http::StatusCode,
    set: &str,
    document: Properties,
) -> Reply {
    let mut found = Properties::new();
    let context = format!("{}/$metadata#{set}/$entity", call.root());
    found.insert("@odata.context".to_owned(), json!(context));
    let tag = document.get("eTag").and_then(Value::as_str);
    let tag = tag.map(str::to_owned);
    found.extend(select(call, document));
    let mut reply = Reply::json(status, Value::Object(found));
    if let Some(tag) = tag {
        reply.headers.push((axum::http::header::ETAG, tag));
    }
    reply
}

const KEY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
