//! Contacts and their folders.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Listing, Source};
use super::error::GraphError;
use super::extended;
use super::message::id_of;
use super::messages::{folder_id, of_id};
use super::odata::evaluate::instant;
use super::people;
use crate::mailbox::{Contents, Folder, FolderKind, Item, ItemKey, Properties, WellKnown, seconds};

/// `GET …/contacts`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| collection::list(call, &listing(call), &Contacts::of(call, contents)?))
}

/// `GET …/contacts/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents
        .read(|contents| collection::count(call, &listing(call), &Contacts::of(call, contents)?))
}

/// `GET …/contacts/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| shown(call, contents, find(call, contents)?.key))
}

/// `POST …/contacts`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut body = complete(call, call.object("contact")?, &Properties::new());
    body.retain(|_, value| !value.is_null());
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let folder = folder(call, contents)?;
        name(&mut body);
        if contents.is_full_of_others() {
            return Err(GraphError::quota_exceeded());
        }
        let item = contents.make_item(folder, &body, call.now);
        let key = item.key;
        contents.contacts.insert(key, item);
        shown(call, contents, key)
    })
}

/// `PATCH …/contacts/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("contact")?;
    let contents = call.mailbox()?;
    let (key, change, before) = contents.read(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        Ok::<_, GraphError>((item.key, item.change, item.properties()))
    })?;
    let changes = complete(call, body, &before);
    contents.write(|contents| {
        if contents
            .contacts
            .get(&key)
            .is_none_or(|item| item.change != change)
        {
            // Somebody else was faster.
            return Err(GraphError::precondition_failed());
        }
        contents.change_item(
            |it| &mut it.contacts,
            key,
            call.now,
            |item| {
                let mut properties = item.properties();
                for (name, value) in changes {
                    if extended::is_one(&name) {
                        extended::merge(&mut properties, &name, &value);
                    } else if value.is_null() {
                        properties.shift_remove(&name);
                    } else {
                        properties.insert(name, value);
                    }
                }
                item.set_properties(&properties);
            },
        );
        shown(call, contents, key)
    })
}

/// `DELETE …/contacts/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        let key = item.key;
        contents.contacts.remove(&key);
        contents.contact_photos.remove(&key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `GET …/contactFolders`.
pub(super) fn list_folders(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let source = inside(call, contents)?;
        collection::list(call, &folder_listing(call), &source)
    })
}

/// `GET …/contactFolders/$count`.
pub(super) fn count_folders(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let source = inside(call, contents)?;
        collection::count(call, &folder_listing(call), &source)
    })
}

/// The folders in the one that the path names, or in the main one.
fn inside<'a>(call: &'a Call<'a>, contents: &'a Contents) -> Result<Folders<'a>, GraphError> {
    let parent = folder(call, contents)?;
    let items = contents
        .folders
        .values()
        .filter(|it| it.kind == FolderKind::Contact && it.parent == Some(parent))
        .collect();
    Ok(Folders {
        call,
        contents,
        items,
    })
}

fn folder_listing(call: &Call<'_>) -> Listing<'static> {
    let set = match call.parameters.find("contactFolder") {
        Some(folder) => format!("contactFolders('{folder}')/childFolders"),
        None => "contactFolders".to_owned(),
    };
    Listing {
        of: "contactFolder",
        set: call.set(&set),
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

/// `PATCH …/contactFolders/{id}`.
pub(super) fn update_folder(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("contactFolder")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = own_folder(call, contents)?;
        let name = body.get("displayName").and_then(Value::as_str);
        if let Some(folder) = contents.folders.get_mut(&key) {
            if let Some(name) = name {
                name.clone_into(&mut folder.name);
            }
            extended::keep(folder, &body);
            contents.touch_folder(key);
        }
        shown_folder(call, contents, key)
    })
}

/// `DELETE …/contactFolders/{id}` and `/permanentDelete`.
pub(super) fn delete_folder(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = own_folder(call, contents)?;
        contents.delete_folder(key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// The folder that the path names, which is not the main one.
fn own_folder(call: &Call<'_>, contents: &Contents) -> Result<u64, GraphError> {
    let key = folder(call, contents)?;
    if key == contents.well_known(WellKnown::Contacts) {
        // Unverified: code and text.
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "ErrorDeleteDistinguishedFolder",
            "Distinguished folders can't be deleted or renamed.",
        ));
    }
    Ok(key)
}

/// `GET …/contactFolders/{id}`.
pub(super) fn get_folder(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let key = folder(call, contents)?;
        shown_folder(call, contents, key)
    })
}

/// `POST …/contactFolders`.
pub(super) fn create_folder(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.object("contactFolder")?;
    let name = body
        .get("displayName")
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| {
            GraphError::invalid_request("The required property 'displayName' is missing.")
        })?
        .to_owned();
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let main = folder(call, contents)?;
        let taken = contents
            .folders
            .values()
            .any(|it| it.parent == Some(main) && it.name.eq_ignore_ascii_case(&name));
        if taken {
            return Err(GraphError::folder_exists(&name));
        }
        let key = contents.add_folder(&name, Some(main), FolderKind::Contact);
        if let Some(folder) = contents.folders.get_mut(&key) {
            extended::keep(folder, &body);
        }
        shown_folder(call, contents, key)
    })
}

struct Contacts<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    items: Vec<&'a Item>,
}

impl<'a> Contacts<'a> {
    fn of(call: &'a Call<'a>, contents: &'a Contents) -> Result<Self, GraphError> {
        let folder = folder(call, contents)?;
        let items = contents
            .contacts
            .values()
            .filter(|item| item.folder == folder)
            .collect();
        Ok(Self {
            call,
            contents,
            items,
        })
    }
}

impl<'a> Source for Contacts<'a> {
    type Item = &'a Item;

    fn items(&self) -> &[&'a Item] {
        &self.items
    }

    fn render(&self, item: &&'a Item) -> Properties {
        document(self.call, self.contents, item)
    }
}

struct Folders<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    items: Vec<&'a Folder>,
}

impl<'a> Source for Folders<'a> {
    type Item = &'a Folder;

    fn items(&self) -> &[&'a Folder] {
        &self.items
    }

    fn render(&self, folder: &&'a Folder) -> Properties {
        folder_document(self.call, self.contents, folder)
    }
}

fn listing(call: &Call<'_>) -> Listing<'static> {
    let set = match call.parameters.find("contactFolder") {
        Some(folder) => format!("contactFolders('{folder}')/contacts"),
        None => "contacts".to_owned(),
    };
    Listing {
        of: "contact",
        set: call.set(&set),
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

/// The folder that the path names; the default one where it names none.
fn folder(call: &Call<'_>, contents: &Contents) -> Result<u64, GraphError> {
    let Some(id) = call.parameters.find("contactFolder") else {
        return Ok(contents.well_known(WellKnown::Contacts));
    };
    match contents.ids().decode(id).map_err(of_id)? {
        ItemKey::Folder(key) => contents
            .folders
            .get(&key)
            .filter(|folder| folder.kind == FolderKind::Contact)
            .map(|folder| folder.key)
            .ok_or_else(GraphError::item_not_found),
        _ => Err(GraphError::item_not_found()),
    }
}

pub(super) fn find<'c>(call: &Call<'_>, contents: &'c Contents) -> Result<&'c Item, GraphError> {
    contents
        .find(&contents.contacts, call.parameters.get("contact"))
        .map_err(of_id)?
        .and_then(|key| contents.contacts.get(&key))
        .ok_or_else(GraphError::item_not_found)
}

fn shown(call: &Call<'_>, contents: &Contents, key: u64) -> Result<Reply, GraphError> {
    let item = contents
        .contacts
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    call.entity(
        &call.set("contacts"),
        "contact",
        document(call, contents, item),
    )
}

fn shown_folder(call: &Call<'_>, contents: &Contents, key: u64) -> Result<Reply, GraphError> {
    let folder = contents
        .folders
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    call.entity(
        &call.set("contactFolders"),
        "contactFolder",
        folder_document(call, contents, folder),
    )
}

fn folder_document(call: &Call<'_>, contents: &Contents, folder: &Folder) -> Properties {
    let mut found = Properties::new();
    found.insert("id".to_owned(), folder_id(contents, folder.key));
    found.insert(
        "parentFolderId".to_owned(),
        folder_id(contents, folder.parent.unwrap_or(1)),
    );
    found.insert("displayName".to_owned(), json!(folder.name));
    extended::attach_to_folder(call, "contactFolder", folder, &mut found);
    found
}

fn document(call: &Call<'_>, contents: &Contents, item: &Item) -> Properties {
    let mut stored = item.properties();
    let change_key = contents.ids().change_key(item.change);
    let mut found = Properties::new();
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    put("@odata.etag", json!(format!("W/\"{change_key}\"")));
    put("id", json!(id_of(call, contents, item)));
    put("createdDateTime", json!(seconds(item.created)));
    put("lastModifiedDateTime", json!(seconds(item.modified)));
    put("changeKey", json!(change_key));
    put(
        "categories",
        stored
            .shift_remove("categories")
            .unwrap_or_else(|| json!([])),
    );
    put(
        "parentFolderId",
        json!(contents.ids().encode(ItemKey::Folder(item.folder))),
    );
    for name in TEXTS {
        put(name, stored.shift_remove(*name).unwrap_or(Value::Null));
    }
    put(
        "personalNotes",
        stored
            .shift_remove("personalNotes")
            .unwrap_or_else(|| json!("")),
    );
    for name in [
        "imAddresses",
        "homePhones",
        "businessPhones",
        "children",
        "emailAddresses",
    ] {
        put(name, stored.shift_remove(name).unwrap_or_else(|| json!([])));
    }
    let addresses = found
        .get("emailAddresses")
        .and_then(Value::as_array)
        .cloned();
    for (name, address) in ADDRESSES.into_iter().zip(addresses.into_iter().flatten()) {
        found.insert(name.to_owned(), address);
    }
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    for name in ["homeAddress", "businessAddress", "otherAddress"] {
        put(name, stored.shift_remove(name).unwrap_or_else(|| json!({})));
    }
    extended::attach(call, "contact", item, &mut found);
    found
}

/// Takes what only the service sets out of a body, and completes the rest.
fn complete(call: &Call<'_>, mut body: Properties, before: &Properties) -> Properties {
    for name in READ_ONLY {
        body.shift_remove(name);
    }
    // The same addresses under two names: the list and its first three.
    let list = body.get("emailAddresses").or(before.get("emailAddresses"));
    let mut list: Vec<Value> = list.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut named = false;
    for (at, name) in ADDRESSES.into_iter().enumerate() {
        if let Some(address) = body.shift_remove(name).filter(|it| !it.is_null()) {
            named = true;
            if at < list.len() {
                list[at] = address;
            } else {
                list.push(address);
            }
        }
    }
    if named {
        body.insert("emailAddresses".to_owned(), Value::Array(list));
    }
    people::complete(call, &mut body);
    // Kept as a moment around noon, whatever time was sent.
    // Source: allodia-eu/email-calendar-sync-engine, fixtures/contacts/contact_created.json.
    if let Some(Value::String(birthday)) = body.get_mut("birthday")
        && let Some(time) = instant(birthday)
    {
        *birthday = time.strftime("%Y-%m-%dT11:59:00Z").to_string();
    }
    body
}

/// A contact without a display name gets one from its parts. `fileAs` stays empty.
///
/// Source: allodia-eu/email-calendar-sync-engine, fixtures/contacts/contact_created.json (`fileAs`).
fn name(body: &mut Properties) {
    let part = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let (given, surname) = (part("givenName"), part("surname"));
    if part("displayName").is_empty() {
        let full = [given, part("middleName"), surname].join(" ");
        let words: Vec<&str> = full.split_whitespace().collect();
        body.insert("displayName".to_owned(), json!(words.join(" ")));
    }
    body.entry("fileAs").or_insert(json!(""));
}

/// The names of the first addresses.
const ADDRESSES: [&str; 3] = [
    "primaryEmailAddress",
    "secondaryEmailAddress",
    "tertiaryEmailAddress",
];

const READ_ONLY: [&str; 6] = [
    "@odata.type",
    "changeKey",
    "createdDateTime",
    "id",
    "lastModifiedDateTime",
    "parentFolderId",
];

const TEXTS: &[&str] = &[
    "birthday",
    "fileAs",
    "displayName",
    "givenName",
    "initials",
    "middleName",
    "nickName",
    "surname",
    "title",
    "yomiGivenName",
    "yomiSurname",
    "yomiCompanyName",
    "generation",
    "jobTitle",
    "companyName",
    "department",
    "officeLocation",
    "profession",
    "businessHomePage",
    "assistantName",
    "manager",
    "mobilePhone",
    "spouseName",
];
