//! A message as a document, and how bodies of requests change it.

use serde_json::{Value, json};

use super::access::Reach;
use super::call::Call;
use super::error::GraphError;
use super::prefer::BodyType;
use super::text;
use crate::mailbox::{Contents, Item, ItemKey, Properties, seconds};

/// The document of a message, in the order in which Graph writes it.
pub(super) fn document(call: &Call<'_>, contents: &Contents, item: &Item) -> Properties {
    let ids = contents.ids();
    let stored = item.properties();
    let get = |name: &str, default: Value| stored.get(name).cloned().unwrap_or(default);
    let id = id_of(call, contents, item);
    let body = get("body", json!({"contentType": "html", "content": ""}));
    let received = seconds(item.received);
    let host = outlook_host(call);
    let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    let change_key = ids.change_key(item.change);
    let mut found = Properties::new();
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    if let Some(of) = stored.get("@odata.type") {
        put("@odata.type", of.clone());
    }
    put("@odata.etag", json!(format!("W/\"{change_key}\"")));
    put("id", json!(id));
    put("createdDateTime", json!(seconds(item.created)));
    put("lastModifiedDateTime", json!(seconds(item.modified)));
    put("changeKey", json!(change_key));
    put("categories", get("categories", json!([])));
    put("receivedDateTime", json!(received));
    put("sentDateTime", get("sentDateTime", json!(received)));
    put(
        "hasAttachments",
        json!(item.attachments.iter().any(|it| !it.inline)),
    );
    put(
        "internetMessageId",
        json!(internet_message_id(contents, item, &stored)),
    );
    put(
        "internetMessageHeaders",
        get("internetMessageHeaders", json!([])),
    );
    put("subject", get("subject", json!("")));
    if call.reach == Reach::Full {
        put("bodyPreview", json!(text::preview(&body)));
    }
    put("importance", get("importance", json!("normal")));
    put(
        "parentFolderId",
        json!(ids.encode(ItemKey::Folder(item.folder))),
    );
    put("conversationId", json!(ids.conversation(item.conversation)));
    put("conversationIndex", json!(conversation_index(item)));
    put(
        "isDeliveryReceiptRequested",
        get("isDeliveryReceiptRequested", Value::Null),
    );
    put(
        "isReadReceiptRequested",
        get("isReadReceiptRequested", json!(false)),
    );
    put("isRead", json!(item.read));
    put("isDraft", json!(item.draft));
    put(
        "webLink",
        json!(format!(
            "https://{host}/owa/?ItemID={encoded}&exvsurl=1&viewmodel=ReadMessageItem"
        )),
    );
    put(
        "inferenceClassification",
        get("inferenceClassification", json!("focused")),
    );
    if call.reach == Reach::Full {
        let body = preferred(call, body);
        put("uniqueBody", body.clone());
        put("body", body);
    }
    // A draft that names nobody has neither.
    // Source: allodia-eu/email-calendar-sync-engine, fixtures/mail/message_patched.json.
    for name in ["sender", "from"] {
        if let Some(value) = stored.get(name) {
            put(name, value.clone());
        }
    }
    for (name, default) in [
        ("toRecipients", json!([])),
        ("ccRecipients", json!([])),
        ("bccRecipients", json!([])),
        ("replyTo", json!([])),
        ("flag", json!({"flagStatus": "notFlagged"})),
    ] {
        put(name, get(name, default));
    }
    found
}

/// The id of a message on the internet: it stays from the draft to the copies of its recipients.
///
/// Source: microsoftgraph/msgraph-sdk-dotnet#2947, OfficeDev/office-js#6066.
pub(super) fn internet_message_id(contents: &Contents, item: &Item, stored: &Properties) -> String {
    if let Some(Value::String(id)) = stored.get("internetMessageId") {
        return id.clone();
    }
    let address = &contents.owner.person.address;
    let domain = address.rsplit('@').next().unwrap_or("example");
    format!(
        "<{:016x}.{:x}@{domain}>",
        item.key,
        item.created.as_second()
    )
}

/// The id of a message, event or contact, in the kind that the request prefers.
pub(super) fn id_of(call: &Call<'_>, contents: &Contents, item: &Item) -> String {
    contents.ids().encode(if call.prefer.immutable_ids {
        ItemKey::Immutable(item.key)
    } else {
        ItemKey::Placed {
            folder: item.folder,
            item: item.key,
        }
    })
}

/// A body in the format that the request prefers.
pub(super) fn preferred(call: &Call<'_>, mut body: Value) -> Value {
    let html = body["contentType"]
        .as_str()
        .is_some_and(|it| it.eq_ignore_ascii_case("html"));
    let content = body["content"].as_str().unwrap_or("");
    let changed = match (call.prefer.body, html) {
        (Some(BodyType::Text), true) => Some(("text", text::of_html(content))),
        (Some(BodyType::Html), false) => Some(("html", text::to_html(content))),
        _ => None,
    };
    if let Some((kind, content)) = changed {
        body = json!({"contentType": kind, "content": content});
    }
    body
}

/// Applies the members of a body to a message's stored ones: complex members are merged, null
/// takes a member away, what only the service sets is ignored.
pub(super) fn apply(item: &mut Item, changes: Properties) {
    let mut stored = item.properties();
    for (name, value) in changes {
        match name.as_str() {
            "isRead" => item.read = value.as_bool().unwrap_or(false),
            name if READ_ONLY.contains(&name) => {}
            _ if value.is_null() => {
                stored.shift_remove(&name);
            }
            "body" => {
                let mut body = json!({"contentType": "text", "content": ""});
                merge(&mut body, value);
                stored.insert("body".to_owned(), whole(body));
            }
            "flag" => {
                let entry = stored.entry("flag").or_insert_with(|| json!({}));
                merge(entry, value);
            }
            _ => {
                stored.insert(name, value);
            }
        }
    }
    item.set_properties(&stored);
}

/// A body with its HTML as a whole document.
pub(super) fn whole(mut body: Value) -> Value {
    let html = body["contentType"]
        .as_str()
        .is_some_and(|it| it.eq_ignore_ascii_case("html"));
    if html {
        body["content"] = json!(text::document(body["content"].as_str().unwrap_or("")));
    }
    body
}

/// Refuses headers that a client may not set.
pub(super) fn check_headers(properties: &Properties) -> Result<(), GraphError> {
    let Some(Value::Array(headers)) = properties.get("internetMessageHeaders") else {
        return Ok(());
    };
    if headers.len() > MOST_HEADERS {
        return Err(GraphError::too_many_headers());
    }
    let names = headers.iter().map(|it| it["name"].as_str().unwrap_or(""));
    match names.into_iter().find(|name| {
        !name
            .get(..2)
            .is_some_and(|it| it.eq_ignore_ascii_case("x-"))
    }) {
        None => Ok(()),
        Some(name) => Err(GraphError::invalid_header(name)),
    }
}

/// Refuses members that only a draft may change.
pub(super) fn only_if_draft(item: &Item, changes: &Properties) -> Result<(), GraphError> {
    if item.draft {
        return Ok(());
    }
    match changes
        .keys()
        .find(|name| DRAFT_ONLY.contains(&name.as_str()))
    {
        None => Ok(()),
        // Unverified: the text.
        Some(name) => Err(GraphError::new(
            axum::http::StatusCode::BAD_REQUEST,
            "ErrorInvalidPropertySet",
            format!("The property '{name}' can only be changed while the message is a draft."),
        )),
    }
}

/// Replaces the members of an object that another one has.
pub(super) fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => target.extend(changes),
        (target, changes) => *target = changes,
    }
}

/// The host of Outlook on the web, in links.
pub(super) fn outlook_host(call: &Call<'_>) -> &'static str {
    use crate::environment::Environment;
    // Unverified: the hosts outside of the worldwide cloud.
    match call.environment {
        Environment::Office365 => "outlook.office365.com",
        Environment::UsGovL4 => "outlook.office365.us",
        Environment::UsGovL5 => "outlook-dod.office365.us",
        Environment::China => "partner.outlook.cn",
    }
}

fn conversation_index(item: &Item) -> String {
    use base64::Engine as _;
    let mut bytes = vec![0x01];
    bytes.extend(&item.received.as_millisecond().to_be_bytes()[3..]);
    bytes.extend(u128::from(item.conversation).to_be_bytes());
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What the service sets, whatever a body says.
const READ_ONLY: [&str; 18] = [
    "@odata.type",
    "bodyPreview",
    "changeKey",
    "conversationId",
    "conversationIndex",
    "createdDateTime",
    "attachments",
    "hasAttachments",
    "id",
    "isDraft",
    "lastModifiedDateTime",
    "parentFolderId",
    "receivedDateTime",
    "sentDateTime",
    "uniqueBody",
    "webLink",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
];

/// Source: see `too_many_headers`.
const MOST_HEADERS: usize = 5;

/// What can be changed in drafts only. Source: learn.microsoft.com/graph/api/message-update.
const DRAFT_ONLY: [&str; 11] = [
    "bccRecipients",
    "body",
    "ccRecipients",
    "from",
    "internetMessageId",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "replyTo",
    "sender",
    "subject",
    "toRecipients",
];
