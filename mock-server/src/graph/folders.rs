//! Mail folders.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Listing, Source};
use super::error::GraphError;
use super::extended;
use super::generic::not_in_the_mock;
use super::messages::{self, folder_id, of_id};
use super::odata::query::Expand;
use super::search_folders;
use crate::mailbox::{Contents, Folder, FolderKind, ItemKey, Properties, WellKnown};

/// `GET …/mailFolders` and `…/childFolders`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let (source, set) = (source(call, contents)?, set(call));
        collection::list(call, &listing(set), &source)
    })
}

/// `GET …/mailFolders/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let source = source(call, contents)?;
        collection::count(call, &listing(set(call)), &source)
    })
}

/// `GET …/mailFolders/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let key = find(call, contents)?;
        shown(call, contents, key)
    })
}

/// `POST …/mailFolders` and `…/childFolders`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let searches = search_folders::is_meant(call);
    let body = call.object(if searches {
        "mailSearchFolder"
    } else {
        "mailFolder"
    })?;
    let name = display_name(&body)?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let parent = match call.parameters.find("folder") {
            Some(_) => find(call, contents)?,
            None => contents.well_known(WellKnown::Root),
        };
        free(contents, parent, &name)?;
        let search = searches
            .then(|| search_folders::criteria(contents, &body))
            .transpose()?;
        let key = contents.add_folder(&name, Some(parent), FolderKind::Mail);
        let hidden = body
            .get("isHidden")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        if let Some(folder) = contents.folders.get_mut(&key) {
            folder.hidden = hidden;
            folder.search = search;
            extended::keep(folder, &body);
        }
        shown(call, contents, key)
    })
}

/// `PATCH …/mailFolders/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    let searches = contents.read(|contents| {
        let key = find(call, contents)?;
        let folder = contents.folders.get(&key);
        Ok::<_, GraphError>(folder.is_some_and(|it| it.search.is_some()))
    })?;
    let body = call.object(if searches {
        "mailSearchFolder"
    } else {
        "mailFolder"
    })?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        let folder = contents.folders.get(&key);
        if let Some(mut search) = folder.and_then(|it| it.search.clone()) {
            search_folders::apply(contents, &mut search, &body)?;
            if let Some(folder) = contents.folders.get_mut(&key) {
                folder.search = Some(search);
            }
            contents.touch_folder(key);
        }
        if body.contains_key("displayName") {
            let name = display_name(&body)?;
            let folder = contents
                .folders
                .get(&key)
                .ok_or_else(GraphError::item_not_found)?;
            refuse_well_known(folder, "renamed")?;
            if let Some(parent) = folder
                .parent
                .filter(|_| !folder.name.eq_ignore_ascii_case(&name))
            {
                free(contents, parent, &name)?;
            }
            if let Some(folder) = contents.folders.get_mut(&key) {
                folder.name = name;
            }
            contents.touch_folder(key);
        }
        if let Some(folder) = contents.folders.get_mut(&key) {
            extended::keep(folder, &body);
        }
        shown(call, contents, key)
    })
}

/// `DELETE …/mailFolders/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        let folder = contents
            .folders
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        refuse_well_known(folder, "deleted")?;
        contents.delete_folder(key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `POST …/mailFolders/{id}/copy`: the copy.
pub(super) fn copy(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let destination = action
        .text("destinationId")?
        .ok_or_else(|| GraphError::invalid_request("The parameter 'destinationId' is missing."))?;
    action.finish("copy")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        let to = named(contents, &destination)?;
        let name = contents.folders.get(&key).map(|it| it.name.clone());
        free(contents, to, &name.unwrap_or_default())?;
        messages::room(contents)?;
        let copy = contents
            .copy_folder(key, to)
            .ok_or_else(GraphError::item_not_found)?;
        shown(call, contents, copy)
    })
}

/// `POST …/mailFolders/{id}/move`.
pub(super) fn transfer(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let destination = action
        .text("destinationId")?
        .ok_or_else(|| GraphError::invalid_request("The parameter 'destinationId' is missing."))?;
    action.finish("move")?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?;
        let to = named(contents, &destination)?;
        let folder = contents
            .folders
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?
            .clone();
        refuse_well_known(&folder, "moved")?;
        // Not into itself or what lies in it.
        let mut above = Some(to);
        while let Some(at) = above {
            if at == key {
                return Err(GraphError::invalid_request(
                    "A folder can't be moved into itself.",
                ));
            }
            above = contents.folders.get(&at).and_then(|it| it.parent);
        }
        free(contents, to, &folder.name)?;
        if let Some(folder) = contents.folders.get_mut(&key) {
            folder.parent = Some(to);
        }
        contents.touch_folder(key);
        shown(call, contents, key)
    })
}

/// The folder that the path names.
pub(super) fn find(call: &Call<'_>, contents: &Contents) -> Result<u64, GraphError> {
    named(contents, call.parameters.get("folder"))
}

/// The mail folder with an id or a well-known name.
pub(super) fn named(contents: &Contents, name: &str) -> Result<u64, GraphError> {
    if let Some(role) = WellKnown::of_mail_folder(name) {
        return Ok(contents.well_known(role));
    }
    if let Some(name) = NOT_THERE.iter().find(|it| it.eq_ignore_ascii_case(name)) {
        return Err(not_in_the_mock(&format!("mailFolders('{name}')")));
    }
    match contents.ids().decode(name).map_err(of_id)? {
        ItemKey::Folder(key) => contents
            .folders
            .get(&key)
            .filter(|folder| folder.kind == FolderKind::Mail)
            .map(|folder| folder.key)
            .ok_or_else(GraphError::item_not_found),
        _ => Err(GraphError::item_not_found()),
    }
}

/// Well-known folders that mailboxes do not have here.
/// Source: learn.microsoft.com/graph/api/resources/mailfolder, "Well-known folder names".
const NOT_THERE: [&str; 6] = [
    "clutter",
    "conflicts",
    "localfailures",
    "scheduled",
    "serverfailures",
    "syncissues",
];

fn source<'a>(call: &'a Call<'a>, contents: &'a Contents) -> Result<Folders<'a>, GraphError> {
    let parent = match call.parameters.find("folder") {
        Some(_) => find(call, contents)?,
        None => contents.well_known(WellKnown::Root),
    };
    let hidden = call
        .parameter("includeHiddenFolders")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut items: Vec<&Folder> = contents
        .folders
        .values()
        .filter(|it| it.kind == FolderKind::Mail && it.parent == Some(parent))
        .filter(|it| hidden || !it.hidden)
        .collect();
    items.sort_by_key(|folder| folder.name.to_lowercase());
    Ok(Folders {
        call,
        contents,
        items,
    })
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
        document(self.call, self.contents, folder)
    }

    fn expand(&self, folder: &&'a Folder, expand: &Expand) -> Result<Option<Value>, GraphError> {
        let name = &expand.name;
        if !name.eq_ignore_ascii_case("childFolders") {
            let what = format!("$expand={name}");
            return Err(GraphError::expand_not_supported(name).not_in_the_mock(what));
        }
        let inside = self
            .contents
            .folders
            .values()
            .filter(|it| it.parent == Some(folder.key));
        inside
            .map(|child| {
                let document = document(self.call, self.contents, child);
                let select = expand.select.as_deref();
                collection::selected(self.call, "mailFolder", document, select).map(Value::Object)
            })
            .collect::<Result<Vec<_>, _>>()
            .map(|children| Some(Value::Array(children)))
    }
}

fn listing(set: String) -> Listing<'static> {
    Listing {
        of: "mailFolder",
        set,
        page: 10,
        most: 1000,
        searched: &[],
        aliases: &[],
    }
}

fn set(call: &Call<'_>) -> String {
    match call.parameters.find("folder") {
        Some(folder) => call.set(&format!("mailFolders('{folder}')/childFolders")),
        None => call.set("mailFolders"),
    }
}

fn shown(call: &Call<'_>, contents: &Contents, key: u64) -> Result<Reply, GraphError> {
    let folder = contents
        .folders
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    call.entity(
        &call.set("mailFolders"),
        "mailFolder",
        document(call, contents, folder),
    )
}

fn document(call: &Call<'_>, contents: &Contents, folder: &Folder) -> Properties {
    let messages = &contents.messages;
    let children = contents
        .folders
        .values()
        .filter(|it| it.parent == Some(folder.key) && it.kind == FolderKind::Mail && !it.hidden)
        .count();
    let (unread, total, bytes) = match &folder.search {
        None => (
            messages.unread_in(folder.key),
            messages.count_in(folder.key),
            messages.bytes_in(folder.key),
        ),
        Some(search) => search_folders::found(call, contents, search).fold(
            (0, 0, 0),
            |(unread, total, bytes), item| {
                (
                    unread + usize::from(!item.read),
                    total + 1,
                    bytes + item.size(),
                )
            },
        ),
    };
    let value = json!({
        "id": folder_id(contents, folder.key),
        "displayName": folder.name,
        // The root lies in a folder that nobody sees.
        "parentFolderId": folder_id(contents, folder.parent.unwrap_or(1)),
        "childFolderCount": children,
        "unreadItemCount": unread,
        "totalItemCount": total,
        "isHidden": folder.hidden,
        "sizeInBytes": bytes,
    });
    let mut found = collection::members(value);
    if let Some(search) = &folder.search {
        search_folders::describe(contents, search, &mut found);
        found.shift_insert(0, "@odata.type".to_owned(), search_folders::type_name());
    }
    extended::attach_to_folder(call, "mailFolder", folder, &mut found);
    found
}

fn display_name(body: &Properties) -> Result<String, GraphError> {
    body.get("displayName")
        .and_then(Value::as_str)
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned)
        // Unverified: code and text.
        .ok_or_else(|| {
            GraphError::new(
                StatusCode::BAD_REQUEST,
                "ErrorInvalidFolderName",
                "The required property 'displayName' of the folder is missing or empty.",
            )
        })
}

fn free(contents: &Contents, parent: u64, name: &str) -> Result<(), GraphError> {
    let taken = contents.folders.values().any(|folder| {
        folder.parent == Some(parent)
            && folder.kind == FolderKind::Mail
            && folder.name.eq_ignore_ascii_case(name)
    });
    if taken {
        Err(GraphError::folder_exists(name))
    } else {
        Ok(())
    }
}

fn refuse_well_known(folder: &Folder, what: &str) -> Result<(), GraphError> {
    if folder.well_known.is_none() {
        return Ok(());
    }
    // Unverified: code and text.
    Err(GraphError::new(
        StatusCode::FORBIDDEN,
        "ErrorDeleteDistinguishedFolder",
        format!("Distinguished folders can't be {what}."),
    ))
}
