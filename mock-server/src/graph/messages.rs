//! Messages: list, get, create, change, delete, move, copy.

mod query;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

pub(super) use self::query::check_filter;
use self::query::{Messages, listing};
use super::access::Reach;
use super::attachments;
use super::call::{Call, Reply};
use super::collection::{self, Page};
use super::error::GraphError;
use super::events::{self, EVENT};
use super::extended;
use super::folders;
use super::message::{self, document};
use super::mime;
use super::odata::query::Expand;
use super::people;
use super::prefer::{BodyType, Metadata};
use super::search_folders;
use crate::mailbox::{Contents, IdError, Item, ItemKey, Properties, WellKnown};

/// `GET …/messages`, of the mailbox or of a folder.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let messages = Messages::of(call, contents)?;
        let listing = listing(call);
        let page = Page::of(call, &listing)?;
        let chosen = messages.chosen(page);
        let mut text = collection::head(call, &listing, page, chosen.total, chosen.more);
        for (at, item) in chosen.items.into_iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            write(call, contents, item, &mut text)?;
        }
        text.push_str("]}");
        Ok(Reply::written(text))
    })
}

/// `GET …/messages/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let messages = Messages::of(call, contents)?;
        let count = messages.fitting().count().to_string();
        Ok(Reply::raw("text/plain", count.into_bytes()))
    })
}

/// `GET …/messages/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = find(call, contents)?;
        let state = contents.ids().change_key(item.change);
        if call.not_modified(&state) {
            return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
        }
        // As in a list, but for the place of the type.
        if call.metadata != Metadata::Minimal || item.json("@odata.type").is_some() {
            return shown(call, contents, item);
        }
        collection::check_members(call, &call.query, "message")?;
        let mut text = format!("{{\"@odata.context\":{},", call.context(&set(call), true));
        let mut document = String::new();
        write(call, contents, item, &mut document)?;
        text.push_str(document.strip_prefix('{').unwrap_or_default());
        let mut reply = Reply::written(text);
        reply.headers.push((header::ETAG, format!("W/\"{state}\"")));
        Ok(reply)
    })
}

/// Writes the document of a message to the end of a text, as the request asks for it.
fn write(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    to: &mut String,
) -> Result<(), GraphError> {
    let draw = || {
        let whole = document(call, contents, item);
        let apart = call
            .query
            .expand
            .iter()
            .filter(|it| extended::is_one(&it.name));
        let apart = apart.map(|it| extended::expanded(&whole, it));
        let apart: Vec<_> = apart.collect::<Result<_, _>>()?;
        let document = collection::project(call, "message", whole)?;
        let mut found = Properties::new();
        let id = || message::id_of(call, contents, item);
        if call.metadata == Metadata::Full {
            call.describe(&mut found, &set(call), "message", &id());
        }
        found.extend(document);
        for (name, value) in apart.into_iter().flatten() {
            found.insert(name.to_owned(), value);
        }
        for expand in &call.query.expand {
            if let Some(value) = expanded(call, contents, item, expand)? {
                found.insert(expand.member().to_owned(), value);
            }
        }
        Ok(Value::Object(found).to_string())
    };
    if !call.query.expand.is_empty() || call.metadata == Metadata::Full {
        to.push_str(&draw()?);
        return Ok(());
    }
    // All that a document depends on beside the message and the mailbox.
    let mut way = String::with_capacity(64);
    way.push(if call.prefer.immutable_ids { 'i' } else { 'p' });
    way.push(match call.prefer.body {
        None => '-',
        Some(BodyType::Html) => 'h',
        Some(BodyType::Text) => 't',
    });
    way.push(match call.reach {
        Reach::Basic => 'b',
        Reach::Full | Reach::Selected => 'f',
    });
    for name in call.query.select.iter().flatten() {
        way.push(' ');
        way.push_str(name);
    }
    if call.query.select.is_some() {
        way.push('.');
    }
    contents.drawn.write(&way, item, to, draw)
}

/// `GET …/messages/{id}/$value`.
pub(super) fn content(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = find(call, contents)?;
        let text = mime::write(&document(call, contents, item), &item.attachments);
        Ok(Reply::raw("text/plain", text.into_bytes()))
    })
}

/// `POST …/messages`: a draft.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, GraphError> {
    let (properties, attachments) = if mime::is_mime(call) {
        mime::read(call)?
    } else {
        let mut properties = call.object("message")?;
        message::check_headers(&properties)?;
        people::complete(call, &mut properties);
        let attachments = attachments::take(call, &mut properties)?;
        (properties, attachments)
    };
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let folder = match call.parameters.find("folder") {
            Some(_) => folders::find(call, contents)?,
            None => contents.well_known(WellKnown::Drafts),
        };
        search_folders::refuse_to_fill(contents.folders.get(&folder))?;
        room(contents)?;
        let key = draft(call, contents, folder, properties, attachments);
        let item = contents
            .messages
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        shown(call, contents, item)
    })
}

/// `PATCH …/messages/{id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut changes = call.object("message")?;
    message::check_headers(&changes)?;
    people::complete(call, &mut changes);
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        message::only_if_draft(item, &changes)?;
        let key = item.key;
        contents.change_message(key, call.now, |item| message::apply(item, changes));
        let item = contents
            .messages
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        shown(call, contents, item)
    })
}

/// `DELETE …/messages/{id}`: to Deleted Items, from there to the recoverable items.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = find(call, contents)?;
        call.if_match(&contents.ids().change_key(item.change))?;
        let (key, folder) = (item.key, item.folder);
        let deleted = contents.well_known(WellKnown::DeletedItems);
        let recoverable = contents.well_known(WellKnown::RecoverableItemsDeletions);
        let to = if folder == deleted || folder == recoverable {
            recoverable
        } else {
            deleted
        };
        contents.move_message(key, to, call.now);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `POST …/messages/{id}/permanentDelete`.
pub(super) fn permanent_delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?.key;
        contents.remove_message(key);
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `POST …/messages/{id}/move` and `/copy`: the new message.
pub(super) fn transfer(call: &Call<'_>, copy: bool) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let destination = action
        .text("destinationId")?
        .ok_or_else(|| GraphError::invalid_request("The parameter 'destinationId' is missing."))?;
    action.finish(if copy { "copy" } else { "move" })?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let key = find(call, contents)?.key;
        let folder = folders::named(contents, &destination)?;
        search_folders::refuse_to_fill(contents.folders.get(&folder))?;
        let key = if copy {
            let mut item = contents
                .messages
                .get(&key)
                .ok_or_else(GraphError::item_not_found)?
                .clone();
            let mut stored = item.properties();
            let id = message::internet_message_id(contents, &item);
            stored.insert("internetMessageId".to_owned(), json!(id));
            item.set_properties(&stored);
            item.key = contents.next_key();
            item.folder = folder;
            room(contents)?;
            contents.add_message(item)
        } else {
            contents.move_message(key, folder, call.now);
            key
        };
        let item = contents
            .messages
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        shown(call, contents, item)
    })
}

/// The message that the path names.
pub(super) fn find<'c>(call: &Call<'_>, contents: &'c Contents) -> Result<&'c Item, GraphError> {
    let key = contents
        .find(&contents.messages, call.parameters.get("message"))
        .map_err(of_id)?
        .ok_or_else(GraphError::item_not_found)?;
    let item = contents
        .messages
        .get(&key)
        .ok_or_else(GraphError::item_not_found)?;
    if call.parameters.find("folder").is_some() {
        let folder = folders::find(call, contents)?;
        let search = contents.folders.get(&folder);
        let there = match search.and_then(|it| it.search.as_ref()) {
            None => folder == item.folder,
            Some(search) => {
                let mut all = search_folders::found(call, contents, search);
                all.any(|it| it.key == item.key)
            }
        };
        if !there {
            return Err(GraphError::item_not_found());
        }
    }
    Ok(item)
}

/// Whether there is room for another message.
pub(super) fn room(contents: &Contents) -> Result<(), GraphError> {
    if contents.is_full_of_messages() {
        return Err(GraphError::quota_exceeded());
    }
    Ok(())
}

/// What an id that can't be used leads to.
pub(super) fn of_id(error: IdError) -> GraphError {
    match error {
        IdError::Foreign => GraphError::item_not_found(),
        IdError::Malformed => GraphError::malformed_id(),
    }
}

/// Puts a draft into a folder.
pub(super) fn draft(
    call: &Call<'_>,
    contents: &mut Contents,
    folder: u64,
    properties: Properties,
    attachments: Vec<crate::mailbox::Attachment>,
) -> u64 {
    let mut item = contents.make_item(folder, &Properties::new(), call.now);
    message::apply(&mut item, properties);
    let mut stored = item.properties();
    let id = message::internet_message_id(contents, &item);
    stored.insert("internetMessageId".to_owned(), json!(id));
    stored
        .entry("isDeliveryReceiptRequested")
        .or_insert(json!(false));
    item.set_properties(&stored);
    item.draft = true;
    item.read = true;
    extended::imprint(&mut item);
    item.attachments = attachments;
    contents.add_message(item)
}

/// A message as the answer.
pub(super) fn shown(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
) -> Result<Reply, GraphError> {
    let mut document = document(call, contents, item);
    let mut wanted = Vec::new();
    for expand in &call.query.expand {
        if let Some(value) = expanded(call, contents, item, expand)? {
            wanted.push((expand.member().to_owned(), value));
        }
    }
    let type_name = document.shift_remove("@odata.type");
    let mut reply = call.entity(&set(call), "message", document)?;
    if let super::call::Payload::Json(Value::Object(map)) = &mut reply.payload {
        if let Some(name) = type_name {
            map.insert("@odata.type".to_owned(), name);
        }
        map.extend(wanted);
    }
    Ok(reply)
}

pub(super) fn expanded(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    expand: &Expand,
) -> Result<Option<Value>, GraphError> {
    let name = &expand.name;
    match name.to_ascii_lowercase().as_str() {
        "attachments" if call.reach == Reach::Full => {
            Ok(Some(attachments::all(call, contents, item, expand)?))
        }
        "attachments" => Err(GraphError::mailbox_denied()),
        // Those are added with the document.
        name if extended::is_one(name) => Ok(None),
        // The event that a message about a meeting is about.
        // Source: learn.microsoft.com/graph/api/eventmessage-get.
        "microsoft.graph.eventmessage/event"
        | "microsoft.graph.eventmessagerequest/event"
        | "microsoft.graph.eventmessageresponse/event" => {
            let key = item.property(EVENT).and_then(|it| it.as_u64());
            let found = key.and_then(|key| contents.events.get(&key));
            found
                .map(|item| {
                    let document = events::document(call, contents, item, None)?;
                    let select = expand.select.as_deref();
                    collection::selected(call, "event", document, select).map(Value::Object)
                })
                .transpose()
        }
        _ => Err(GraphError::expand_not_supported(name).not_in_the_mock(format!("$expand={name}"))),
    }
}

/// The name of the set in contexts.
fn set(call: &Call<'_>) -> String {
    match call.parameters.find("folder") {
        Some(folder) => call.set(&format!("mailFolders('{folder}')/messages")),
        None => call.set("messages"),
    }
}

/// `ItemKey` of a folder as an id.
pub(super) fn folder_id(contents: &Contents, folder: u64) -> Value {
    json!(contents.ids().encode(ItemKey::Folder(folder)))
}
