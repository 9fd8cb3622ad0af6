//! What is attached to messages and events: files, other items, links to files.

mod kind;
mod upload;

use axum::http::StatusCode;
use serde_json::Value;

use self::kind::document;
use super::call::{Call, Reply};
use super::collection::{self, Listing, Source};
use super::error::GraphError;
use super::odata::query::Expand;
use super::{events, message, messages};
use crate::mailbox::{Attachment, AttachmentKind, Contents, Item, Properties};

pub(super) use self::kind::{read, take};
pub(super) use self::upload::{Part, begin, receive};

/// Whose attachments a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Holder {
    Event,
    Message,
}

impl Holder {
    fn of(call: &Call<'_>) -> Self {
        if call.parameters.find("event").is_some() {
            Self::Event
        } else {
            Self::Message
        }
    }

    /// The item that the path names.
    fn item<'c>(self, call: &Call<'_>, contents: &'c Contents) -> Result<&'c Item, GraphError> {
        match self {
            Self::Event => events::find(call, contents),
            Self::Message => messages::find(call, contents),
        }
    }

    /// An item by its key.
    fn by_key(self, contents: &Contents, key: u64) -> Option<&Item> {
        match self {
            Self::Event => contents.events.get(&key),
            Self::Message => contents.messages.get(&key),
        }
    }

    /// Changes an item.
    fn change(
        self,
        contents: &mut Contents,
        key: u64,
        now: jiff::Timestamp,
        change: impl FnOnce(&mut Item),
    ) {
        match self {
            Self::Event => contents.change_item(|it| &mut it.events, key, now, change),
            Self::Message => contents.change_message(key, now, change),
        }
    }

    /// Whether there is room for another file.
    fn room(self, contents: &Contents) -> Result<(), GraphError> {
        let is_full = match self {
            Self::Event => contents.is_full_of_others(),
            Self::Message => contents.is_full_of_messages(),
        };
        if is_full {
            return Err(GraphError::quota_exceeded());
        }
        Ok(())
    }

    fn set(self) -> &'static str {
        match self {
            Self::Event => "events",
            Self::Message => "messages",
        }
    }
}

/// `GET …/attachments`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = holder.item(call, contents)?;
        let listing = Listing {
            of: "attachment",
            set: set(call, holder),
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
    })
}

/// `GET …/attachments/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let item = holder.item(call, contents)?;
        let attachment = find(call, contents, item)?;
        shown(call, contents, holder, item, attachment)
    })
}

/// `GET …/attachments/{id}/$value`: the bytes of a file; another item as MIME, iCalendar or vCard.
pub(super) fn content(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let contents = call.mailbox()?;
    contents.read(|contents| {
        let attachment = find(call, contents, holder.item(call, contents)?)?;
        if matches!(attachment.kind, AttachmentKind::Reference(_)) {
            // Source: learn.microsoft.com/graph/api/attachment-get (405).
            return Err(GraphError::odata_request_not_supported());
        }
        let kind = match (&attachment.kind, attachment.content_type.as_str()) {
            // Source of MIME as plain text: learn.microsoft.com/graph/outlook-get-mime-message.
            (AttachmentKind::Item(_), "message/rfc822") => "text/plain",
            (_, kind) => kind,
        };
        Ok(Reply::raw(kind, attachment.content.clone()))
    })
}

/// `POST …/attachments`.
pub(super) fn add(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let body = call.json()?;
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = holder.item(call, contents)?;
        let key = item.key;
        let mut attachment = read(call, body)?;
        if item.size() + attachment.content.len() > MAX_MESSAGE {
            return Err(GraphError::message_too_large());
        }
        holder.room(contents)?;
        attachment.key = contents.next_key();
        let id = attachment.key;
        holder.change(contents, key, call.now, |it| {
            it.attachments.push(attachment);
        });
        let item = holder
            .by_key(contents, key)
            .ok_or_else(GraphError::item_not_found)?;
        let attachment = item
            .attachments
            .iter()
            .find(|it| it.key == id)
            .ok_or_else(GraphError::item_not_found)?;
        shown(call, contents, holder, item, attachment)
    })
}

/// `DELETE …/attachments/{id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, GraphError> {
    let holder = Holder::of(call);
    let contents = call.mailbox()?;
    contents.write(|contents| {
        let item = holder.item(call, contents)?;
        let (key, attachment) = (item.key, find(call, contents, item)?.key);
        holder.change(contents, key, call.now, |item| {
            item.attachments.retain(|it| it.key != attachment);
        });
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    })
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
        .map(|it| document(call, &id_of(call, contents, item, it), it))
        .map(|it| collection::selected(call, "attachment", it, select).map(Value::Object))
        .collect()
}

/// An attachment as the answer, with the item that `$expand` asks for.
fn shown(
    call: &Call<'_>,
    contents: &Contents,
    holder: Holder,
    item: &Item,
    attachment: &Attachment,
) -> Result<Reply, GraphError> {
    let id = id_of(call, contents, item, attachment);
    let of = kind::name(&attachment.kind);
    let mut reply = call.entity(&set(call, holder), of, document(call, &id, attachment))?;
    if let super::call::Payload::Json(Value::Object(map)) = &mut reply.payload {
        for expand in &call.query.expand {
            map.extend(kind::expanded(call, attachment, expand)?);
        }
    }
    Ok(reply)
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
        let id = id_of(self.call, self.contents, self.item, attachment);
        document(self.call, &id, attachment)
    }

    fn expand(
        &self,
        attachment: &&'a Attachment,
        expand: &Expand,
    ) -> Result<Option<Value>, GraphError> {
        let found = kind::expanded(self.call, attachment, expand)?;
        Ok(found.map(|(_, item)| item))
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

fn set(call: &Call<'_>, holder: Holder) -> String {
    let (set, parameter) = match holder {
        Holder::Event => (holder.set(), "event"),
        Holder::Message => (holder.set(), "message"),
    };
    call.set(&format!(
        "{set}('{}')/attachments",
        call.parameters.get(parameter)
    ))
}

/// The largest message. Source: learn.microsoft.com/office365/servicedescriptions/
/// exchange-online-service-description/exchange-online-limits (35 MB by default).
const MAX_MESSAGE: usize = 35 * 1024 * 1024;
