//! Files attached to messages and events.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collection::{self, Listing, Source};
use super::endpoint::Workload;
use super::error::GraphError;
use super::odata::query::Expand;
use super::{events, message, messages};
use crate::mailbox::{Attachment, Contents, Item, Properties, seconds};

/// `GET …/messages/{id}/attachments`.
pub(super) fn list_of_message(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        list(
            call,
            contents,
            messages::find(call, contents)?,
            "messages",
            "message",
        )
    })
}

/// `GET …/events/{id}/attachments`.
pub(super) fn list_of_event(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        list(
            call,
            contents,
            events::find(call, contents)?,
            "events",
            "event",
        )
    })
}

/// `GET …/attachments/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = messages::find(call, contents)?;
        let attachment = find(call, contents, item)?;
        let set = set(call, "messages", "message");
        call.entity(
            &set,
            "fileAttachment",
            document(call, contents, item, attachment),
        )
    })
}

/// `GET …/attachments/{id}/$value`.
pub(super) fn content(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let attachment = find(call, contents, messages::find(call, contents)?)?;
        Ok(Reply::raw(
            attachment.content_type.clone(),
            attachment.content.clone(),
        ))
    })
}

/// `POST …/attachments`.
pub(super) fn add(call: &Call<'_>) -> Result<Reply, GraphError> {
    let body = call.json()?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = messages::find(call, contents)?;
        let key = item.key;
        let mut attachment = read(call, body)?;
        if item.size() + attachment.content.len() > MAX_MESSAGE {
            return Err(GraphError::message_too_large());
        }
        attachment.key = contents.next_key();
        let id = attachment.key;
        contents.change_message(key, call.now, |item| item.attachments.push(attachment));
        let item = contents
            .messages
            .get(&key)
            .ok_or_else(GraphError::item_not_found)?;
        let attachment = item
            .attachments
            .iter()
            .find(|it| it.key == id)
            .ok_or_else(GraphError::item_not_found)?;
        let set = set(call, "messages", "message");
        call.entity(
            &set,
            "fileAttachment",
            document(call, contents, item, attachment),
        )
    })
}

/// `DELETE …/attachments/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = messages::find(call, contents)?;
        let (key, attachment) = (item.key, find(call, contents, item)?.key);
        contents.change_message(key, call.now, |item| {
            item.attachments.retain(|it| it.key != attachment);
        });
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
}

/// Takes the attachments out of the body of a message.
pub(super) fn take(
    call: &Call<'_>,
    properties: &mut Properties,
) -> Result<Vec<Attachment>, GraphError> {
    let Some(Value::Array(list)) = properties.shift_remove("attachments") else {
        return Ok(Vec::new());
    };
    list.into_iter()
        .zip(1..)
        .map(|(value, key)| match value {
            Value::Object(body) => read(call, body).map(|it| Attachment { key, ..it }),
            _ => Err(GraphError::unexpected_node("PrimitiveValue", "StartObject")),
        })
        .collect()
}

/// The documents of all attachments, for `$expand`.
pub(super) fn all(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    expand: &Expand,
) -> Result<Value, GraphError> {
    let select = expand.select.as_deref();
    item.attachments
        .iter()
        .map(|it| document(call, contents, item, it))
        .map(|it| collection::selected(call, "attachment", it, select).map(Value::Object))
        .collect()
}

fn read(call: &Call<'_>, body: Properties) -> Result<Attachment, GraphError> {
    // With and without `#`. Source: microsoftgraph/msgraph-beta-sdk-dotnet#479.
    let named = body.get("@odata.type").and_then(Value::as_str);
    let kind = named
        .map(|name| name.trim_start_matches('#'))
        .and_then(|name| name.strip_prefix("microsoft.graph."));
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case("fileAttachment") => {}
        Some(kind @ ("itemAttachment" | "referenceAttachment")) => {
            return Err(GraphError::invalid_request(format!(
                "Attachments of type '{kind}' are not supported."
            ))
            .not_in_the_mock(format!("attachments of type {kind}")));
        }
        Some("attachment") | None if named.is_none() || kind.is_some() => {
            return Err(GraphError::abstract_type("attachment"));
        }
        _ => return Err(GraphError::unknown_type(named.unwrap_or_default())),
    }
    let mut body = super::schema::object(call.cloud(), Workload::Mailbox, "fileAttachment", body)?;
    let mut text = |name: &str| match body.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let name = text("name").filter(|it| !it.is_empty()).ok_or_else(|| {
        GraphError::invalid_request("The required property 'name' of the attachment is missing.")
    })?;
    let content = text("contentBytes").ok_or_else(|| {
        GraphError::invalid_request(
            "The required property 'contentBytes' of the attachment is missing.",
        )
    })?;
    // The schema has checked that it is base64.
    let content = STANDARD.decode(content).unwrap_or_default();
    let content_type = text("contentType").unwrap_or_else(|| "application/octet-stream".to_owned());
    let content_id = text("contentId");
    let inline = body
        .get("isInline")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    Ok(Attachment {
        key: 0,
        name,
        content_type,
        inline,
        content_id,
        content,
        modified: call.now,
    })
}

fn list(
    call: &Call<'_>,
    contents: &Contents,
    item: &Item,
    set_name: &str,
    of: &'static str,
) -> Result<Reply, GraphError> {
    let listing = Listing {
        of: "attachment",
        set: set(call, set_name, of),
        page: 100,
        most: 1000,
        searched: &[],
        aliases: &[],
    };
    let items: Vec<&Attachment> = item.attachments.iter().collect();
    collection::list(
        call,
        &listing,
        &Attachments {
            call,
            contents,
            item,
            items,
        },
    )
}

struct Attachments<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    item: &'a Item,
    items: Vec<&'a Attachment>,
}

impl<'a> Source for Attachments<'a> {
    type Item = &'a Attachment;

    fn items(&self) -> &[&'a Attachment] {
        &self.items
    }

    fn render(&self, attachment: &&'a Attachment) -> Properties {
        // The members of the derived type carry on past the filter of the base type.
        document(self.call, self.contents, self.item, attachment)
    }
}

fn find<'i>(
    call: &Call<'_>,
    contents: &Contents,
    item: &'i Item,
) -> Result<&'i Attachment, GraphError> {
    let wanted = call.parameters.get("attachment");
    item.attachments
        .iter()
        .find(|it| id_of(call, contents, item, it) == wanted)
        .ok_or_else(GraphError::item_not_found)
}

fn id_of(call: &Call<'_>, contents: &Contents, item: &Item, attachment: &Attachment) -> String {
    contents
        .ids()
        .attachment(&message::id_of(call, contents, item), attachment.key)
}

fn document(call: &Call<'_>, contents: &Contents, item: &Item, it: &Attachment) -> Properties {
    let value = json!({
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": it.content_type,
        "id": id_of(call, contents, item, it),
        "lastModifiedDateTime": seconds(it.modified),
        "name": it.name,
        "contentType": it.content_type,
        "size": it.content.len(),
        "isInline": it.inline,
        "contentId": it.content_id,
        "contentLocation": null,
        "contentBytes": STANDARD.encode(&it.content),
    });
    match value {
        Value::Object(map) => map,
        _ => Properties::new(),
    }
}

fn set(call: &Call<'_>, set: &str, parameter: &str) -> String {
    call.set(&format!(
        "{set}('{}')/attachments",
        call.parameters.get(parameter)
    ))
}

/// The largest message. Source: learn.microsoft.com/office365/servicedescriptions/
/// exchange-online-service-description/exchange-online-limits (35 MB by default).
const MAX_MESSAGE: usize = 35 * 1024 * 1024;
