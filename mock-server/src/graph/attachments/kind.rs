//! The kinds of attachments: their bodies read, and their documents.
//!
//! Sources: learn.microsoft.com/graph/api/message-post-attachments, /attachment-get,
//! /resources/itemattachment, /resources/referenceattachment (beta).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::collection;
use crate::graph::endpoint::Workload;
use crate::graph::error::GraphError;
use crate::graph::odata::query::Expand;
use crate::graph::{mime, schema, time_zone};
use crate::mailbox::{Attachment, AttachmentKind, Properties, seconds};

/// The name of the type of a kind.
pub(super) fn name(kind: &AttachmentKind) -> &'static str {
    match kind {
        AttachmentKind::File => "fileAttachment",
        AttachmentKind::Item(_) => "itemAttachment",
        AttachmentKind::Reference(_) => "referenceAttachment",
    }
}

/// Takes the attachments out of the body of a message or event.
pub(in crate::graph) fn take(
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

/// Reads the body of an attachment.
pub(in crate::graph) fn read(
    call: &Call<'_>,
    mut body: Properties,
) -> Result<Attachment, GraphError> {
    // With and without `#`. Source: microsoftgraph/msgraph-beta-sdk-dotnet#479.
    let named = body.get("@odata.type").and_then(Value::as_str);
    let kind = named
        .map(|name| name.trim_start_matches('#'))
        .and_then(|name| name.strip_prefix("microsoft.graph."));
    let known = ["fileAttachment", "itemAttachment", "referenceAttachment"];
    let of = match kind {
        Some("attachment") | None if named.is_none() || kind.is_some() => {
            return Err(GraphError::abstract_type("attachment"));
        }
        kind => kind.and_then(|kind| known.into_iter().find(|it| it.eq_ignore_ascii_case(kind))),
    };
    let Some(of) = of else {
        return Err(GraphError::unknown_type(named.unwrap_or_default()));
    };
    let reference = if of == "referenceAttachment" {
        beta_members(call, &mut body)
    } else {
        Properties::new()
    };
    let item_type = body
        .get("item")
        .and_then(|it| it["@odata.type"].as_str())
        .map(|it| crate::model::strip_namespace(it.trim_start_matches('#')).to_owned());
    let mut body = schema::object(call.cloud(), Workload::Mailbox, of, body)?;
    let mut text = |name: &str| match body.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let name = text("name").filter(|it| !it.is_empty()).ok_or_else(|| {
        GraphError::invalid_request("The required property 'name' of the attachment is missing.")
    })?;
    let content_type = text("contentType");
    let content_id = text("contentId");
    let mut attachment = Attachment {
        key: 0,
        name,
        content_type: String::new(),
        inline: body.get("isInline") == Some(&json!(true)),
        content_id,
        content: Vec::new(),
        modified: call.now,
        kind: AttachmentKind::File,
    };
    match of {
        "fileAttachment" => {
            let Some(Value::String(content)) = body.shift_remove("contentBytes") else {
                return Err(GraphError::invalid_request(
                    "The required property 'contentBytes' of the attachment is missing.",
                ));
            };
            // The schema has checked that it is base64.
            attachment.content = STANDARD.decode(content).unwrap_or_default();
            attachment.content_type =
                content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        }
        "itemAttachment" => {
            let (Some(Value::Object(item)), Some(of)) = (body.shift_remove("item"), item_type)
            else {
                // Unverified: the text.
                return Err(GraphError::invalid_request(
                    "The required property 'item' of the attachment is missing.",
                ));
            };
            let (kind, written) = written(&of, &item);
            attachment.content = written.into_bytes();
            kind.clone_into(&mut attachment.content_type);
            let mut members = Properties::new();
            members.insert(
                "@odata.type".to_owned(),
                json!(format!("#microsoft.graph.{of}")),
            );
            members.extend(item);
            attachment.kind = AttachmentKind::Item(members);
        }
        _ => {
            attachment.content_type = content_type.unwrap_or_default();
            attachment.kind = AttachmentKind::Reference(reference);
        }
    }
    Ok(attachment)
}

/// The members of a link to a file, which only beta has.
fn beta_members(call: &Call<'_>, body: &mut Properties) -> Properties {
    let mut found = Properties::new();
    if call.version == "beta" {
        for name in REFERENCE {
            found.extend(
                body.shift_remove(name)
                    .map(|value| (name.to_owned(), value)),
            );
        }
    }
    found
}

/// The document of an attachment.
pub(super) fn document(call: &Call<'_>, id: &str, it: &Attachment) -> Properties {
    let mut value = json!({
        "@odata.type": format!("#microsoft.graph.{}", name(&it.kind)),
        "id": id,
        "lastModifiedDateTime": seconds(it.modified),
        "name": it.name,
        "contentType": it.content_type,
        "size": it.content.len(),
        "isInline": it.inline,
    });
    match &it.kind {
        AttachmentKind::File => {
            let Value::Object(map) = value else {
                return Properties::new();
            };
            let mut found = Properties::new();
            for (at, (name, value)) in map.into_iter().enumerate() {
                if at == 1 {
                    found.insert("@odata.mediaContentType".to_owned(), json!(it.content_type));
                }
                found.insert(name, value);
            }
            found.insert("contentId".to_owned(), json!(it.content_id));
            found.insert("contentLocation".to_owned(), Value::Null);
            found.insert(
                "contentBytes".to_owned(),
                json!(STANDARD.encode(&it.content)),
            );
            return found;
        }
        AttachmentKind::Item(item) => {
            // Unverified: that an event and a contact show no content type.
            let message = item.get("@odata.type") == Some(&json!("#microsoft.graph.message"));
            if !message {
                value["contentType"] = Value::Null;
            }
        }
        AttachmentKind::Reference(members) => {
            if it.content_type.is_empty() {
                value["contentType"] = Value::Null;
            }
            if call.version == "beta" {
                for name in REFERENCE {
                    value[name] = members.get(name).cloned().unwrap_or_default();
                }
            }
        }
    }
    collection::members(value)
}

/// The item that `$expand` adds to an attachment, with its name.
pub(super) fn expanded(
    call: &Call<'_>,
    attachment: &Attachment,
    expand: &Expand,
) -> Result<Option<(String, Value)>, GraphError> {
    let name = expand.name.rsplit('/').next().unwrap_or_default();
    if !name.eq_ignore_ascii_case("item") {
        return Err(GraphError::expand_not_supported(name));
    }
    let AttachmentKind::Item(item) = &attachment.kind else {
        return Ok(None);
    };
    let mut shown = Properties::new();
    let mut members = item.clone();
    shown.extend(
        members
            .shift_remove("@odata.type")
            .map(|it| ("@odata.type".to_owned(), it)),
    );
    let time = json!(seconds(attachment.modified));
    shown.insert("id".to_owned(), json!(""));
    shown.insert("createdDateTime".to_owned(), time.clone());
    shown.insert("lastModifiedDateTime".to_owned(), time);
    shown.extend(members);
    let of = shown
        .get("@odata.type")
        .and_then(Value::as_str)
        .map(|it| crate::model::strip_namespace(it.trim_start_matches('#')).to_owned())
        .unwrap_or_default();
    let shown = collection::selected(call, &of, shown, expand.select.as_deref())?;
    Ok(Some(("item".to_owned(), Value::Object(shown))))
}

/// How an item is written as text, and the media type of that.
fn written(of: &str, item: &Properties) -> (&'static str, String) {
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("");
    match of {
        "event" => ("text/calendar", calendar(item, text("subject"))),
        "contact" => ("text/vcard", card(item)),
        _ => ("message/rfc822", mime::write(item, &[])),
    }
}

/// An event as iCalendar. Source of the form: RFC 5545.
fn calendar(item: &Properties, subject: &str) -> String {
    let at = |name: &str| {
        let time = item.get(name).map(time_zone::instant)?.ok()?;
        Some(time.strftime("%Y%m%dT%H%M%SZ").to_string())
    };
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "PRODID:Microsoft Exchange Server 2010".to_owned(),
        "VERSION:2.0".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("SUMMARY;LANGUAGE=en-US:{}", escaped(subject)),
    ];
    lines.extend(at("start").map(|it| format!("DTSTART:{it}")));
    lines.extend(at("end").map(|it| format!("DTEND:{it}")));
    let place = item
        .get("location")
        .and_then(|it| it["displayName"].as_str());
    lines.extend(place.map(|it| format!("LOCATION;LANGUAGE=en-US:{}", escaped(it))));
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned()]);
    lines.join("\r\n") + "\r\n"
}

/// A contact as vCard. Source of the form: RFC 6350.
fn card(item: &Properties) -> String {
    let text = |name: &str| escaped(item.get(name).and_then(Value::as_str).unwrap_or(""));
    let mut lines = vec![
        "BEGIN:VCARD".to_owned(),
        "PROFILE:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:{};{};;;", text("surname"), text("givenName")),
        format!("FN:{}", text("displayName")),
    ];
    let addresses = item.get("emailAddresses").and_then(Value::as_array);
    for address in addresses.into_iter().flatten() {
        let address = address["address"].as_str().unwrap_or("");
        lines.push(format!("EMAIL:{}", escaped(address)));
    }
    lines.push("END:VCARD".to_owned());
    lines.join("\r\n") + "\r\n"
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace(',', "\\,")
        .replace(';', "\\;")
        .replace(['\r', '\n'], " ")
}

/// The members of a link to a file. Source: learn.microsoft.com/graph/api/resources/
/// referenceattachment (beta).
const REFERENCE: [&str; 6] = [
    "sourceUrl",
    "providerType",
    "thumbnailUrl",
    "previewUrl",
    "permission",
    "isFolder",
];
