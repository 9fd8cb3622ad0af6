//! Lists of a seed file: written as documents at the paths of sites, kept as lists.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Tenant;
use crate::drives::list::{Column, Fields, List};
use crate::drives::{Drive, Identity, Owner, Place, place};
use crate::store::{Document, Documents};

/// What a seed file has of a list.
struct Written {
    site: String,
    list: Document,
    columns: Vec<Document>,
    rows: Vec<Fields>,
}

impl Tenant {
    /// Makes lists of the documents at `sites/{id}/lists`, with their columns and rows.
    pub(super) fn take_lists(&self, now: Timestamp, number: impl Fn() -> Uuid) {
        let written = self.write_documents(taken);
        for written in written {
            let site = written.site.clone();
            let mut list = list_of(&written, now, &number);
            let drive = (list.template == "documentLibrary")
                .then(|| self.library(&site, &list, now))
                .flatten();
            list.drive = drive.as_ref().map(|it| it.id.clone());
            if list.drive.is_none() {
                for fields in written.rows {
                    // A list that is full takes no more.
                    let _ = list.add(number(), fields, None, Identity::default(), now);
                }
            }
            self.write_drives(|drives| {
                if let Some(drive) = drive {
                    drives.add(drive);
                }
                let _ = drives.lists.add(list);
            });
        }
    }

    /// The drive of a library; the site's first one comes to be with it.
    fn library(&self, site: &str, list: &List, now: Timestamp) -> Option<Drive> {
        let groups = self.read_documents(place::unified).into_iter();
        let mut groups = groups.filter(|it| self.read(|own| place::site_id(own, &it.0)) == site);
        let group = groups.next().map(|it| Owner::Group(it.0));
        let owner = group.unwrap_or_else(|| Owner::Site(site.to_owned()));
        if self.read_drives(|it| it.of(&owner).is_none()) {
            let first = self.new_drive(owner.clone(), now)?;
            self.write_drives(|it| it.add(first));
        }
        let of_first = self.read_drives(|it| it.of(&owner).map(|it| it.place.clone()))?;
        let place = Place {
            library: list.name.clone(),
            list: list.id,
            ..of_first
        };
        let mut drive = Drive::new(owner, place, &list.title, now);
        drive.additional = true;
        Some(drive)
    }
}

/// Takes the lists out of the documents.
fn taken(documents: &mut Documents) -> Vec<Written> {
    let mut found = Vec::new();
    let collections = documents.collections();
    let sites: Vec<String> = collections
        .filter_map(|(name, _)| {
            let site = name.strip_prefix("sites/")?.strip_suffix("/lists")?;
            (!site.contains('/')).then(|| site.to_owned())
        })
        .collect();
    for site in sites {
        let collection = format!("sites/{site}/lists");
        let lists: Vec<Document> = documents.list(&collection).cloned().collect();
        for list in lists {
            let below = format!("{collection}/{}", list.id);
            let items = format!("{below}/items");
            let rows = documents.list(&items);
            let rows = rows.map(|row| {
                let fields = documents.get(&format!("{below}/items/{}/fields", row.id), "");
                fields.map(|it| it.properties.clone()).unwrap_or_default()
            });
            found.push(Written {
                site: site.clone(),
                columns: documents
                    .list(&format!("{below}/columns"))
                    .cloned()
                    .collect(),
                rows: rows.collect(),
                list,
            });
        }
        documents.forget_below(&format!("sites/{site}/lists"));
        let gone: Vec<String> = documents
            .list(&collection)
            .map(|it| it.id.clone())
            .collect();
        for id in gone {
            documents.delete(&collection, &id);
        }
    }
    found
}

fn list_of(written: &Written, now: Timestamp, number: impl Fn() -> Uuid) -> List {
    let members = &written.list.properties;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let info = members.get("list");
    let detail = |name: &str| info.and_then(|it| it.get(name));
    let title = text("displayName")
        .or_else(|| text("name"))
        .unwrap_or("List");
    let id = written.list.id.parse().unwrap_or_else(|_| number());
    let mut list = List::new(id, &written.site, title, Identity::default(), now);
    text("name").unwrap_or(title).clone_into(&mut list.name);
    text("description")
        .unwrap_or_default()
        .clone_into(&mut list.description);
    if let Some(template) = detail("template").and_then(Value::as_str) {
        template.clone_into(&mut list.template);
    }
    list.hidden = detail("hidden") == Some(&json!(true));
    list.with_types = detail("contentTypesEnabled") == Some(&json!(true));
    list.version = 1;
    list.schema.columns = written
        .columns
        .iter()
        .map(|it| column_of(it, &number))
        .collect();
    list
}

fn column_of(document: &Document, number: impl Fn() -> Uuid) -> Column {
    let said = &document.properties;
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let name = text("name")
        .or_else(|| text("displayName"))
        .unwrap_or("Column");
    let mut members = Fields::new();
    let mut set = |name: &str, value: Value| {
        members.insert(name.to_owned(), said.get(name).cloned().unwrap_or(value));
    };
    set("columnGroup", json!("Custom Columns"));
    set("description", json!(""));
    set("displayName", json!(name));
    for flag in [
        "enforceUniqueValues",
        "hidden",
        "indexed",
        "readOnly",
        "required",
    ] {
        set(flag, json!(false));
    }
    let mut has_kind = false;
    for (member, value) in said {
        if !matches!(member.as_str(), "name" | "type") && !members.contains_key(member) {
            has_kind |= value.is_object();
            members.insert(member.clone(), value.clone());
        }
    }
    if !has_kind {
        members.insert("text".to_owned(), json!({}));
    }
    Column {
        id: document.id.parse().unwrap_or_else(|_| number()),
        name: name.to_owned(),
        members,
    }
}
