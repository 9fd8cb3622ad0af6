//! A message as a document, and how bodies of requests change it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Reach;
use super::call::Call;
use super::error::GraphError;
use super::extended;
use super::odata::evaluate::{Field, Fields, value_at};
use super::odata::text::json_may_contain;
use super::prefer::BodyType;
use super::text;
use crate::mailbox::{Contents, Item, ItemKey, Properties, member_of, seconds};

/// The document of a message, in the order in which Graph writes it.
pub(super) fn document(call: &Call<'_>, contents: &Contents, item: &Item) -> Properties {
    let fields = MessageFields::new(call, contents, item);
    let mut found: Properties = MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.member(name)?)))
        .collect();
    if item.json("@odata.type").is_some() {
        let more = OF_MEETINGS.iter();
        found.extend(more.filter_map(|name| Some(((*name).to_owned(), item.property(name)?))));
    }
    extended::attach(call, "message", item, &mut found);
    found
}

/// The members of a message, each drawn when it is asked for.
pub(super) struct MessageFields<'a> {
    call: &'a Call<'a>,
    contents: &'a Contents,
    item: &'a Item,
}

impl<'a> MessageFields<'a> {
    pub(super) fn new(call: &'a Call<'a>, contents: &'a Contents, item: &'a Item) -> Self {
        Self {
            call,
            contents,
            item,
        }
    }

    /// A member by its name; none where this message has none.
    fn member(&self, name: &str) -> Option<Value> {
        let Self {
            call,
            contents,
            item,
        } = self;
        let ids = contents.ids();
        let or = |default: Value| item.property(name).unwrap_or(default);
        let is_whole = call.reach == Reach::Full;
        let value = match name {
            "@odata.etag" => json!(format!("W/\"{}\"", ids.change_key(item.change))),
            "id" => json!(id_of(call, contents, item)),
            "createdDateTime" => json!(seconds(item.created)),
            "lastModifiedDateTime" => json!(seconds(item.modified)),
            "changeKey" => json!(ids.change_key(item.change)),
            "receivedDateTime" => json!(seconds(item.received)),
            "sentDateTime" => or(json!(seconds(item.received))),
            "hasAttachments" => json!(has_attachments(item)),
            "internetMessageId" => json!(internet_message_id(contents, item)),
            "subject" => or(json!("")),
            "bodyPreview" if is_whole => json!(text::preview(&stored_body(item))),
            "importance" => or(json!("normal")),
            "parentFolderId" => json!(ids.encode(ItemKey::Folder(item.folder))),
            "conversationId" => json!(ids.conversation(item.conversation)),
            "conversationIndex" => json!(conversation_index(item)),
            "isDeliveryReceiptRequested" => or(Value::Null),
            "isReadReceiptRequested" => or(json!(false)),
            "isRead" => json!(item.read),
            "isDraft" => json!(item.draft),
            "webLink" => json!(web_link(call, contents, item)),
            "inferenceClassification" => or(json!("focused")),
            "body" | "uniqueBody" if is_whole => preferred(call, stored_body(item)),
            "body" | "bodyPreview" | "uniqueBody" => return None,
            // A draft that names nobody has neither sender.
            // Source: allodia-eu/email-calendar-sync-engine, fixtures/mail/message_patched.json.
            "@odata.type" | "from" | "sender" => item.property(name)?,
            "flag" => or(json!({"flagStatus": "notFlagged"})),
            _ => or(json!([])),
        };
        Some(value)
    }
}

impl Fields for MessageFields<'_> {
    fn field(&self, path: &[String]) -> Field<'_> {
        let Some((name, rest)) = path.split_first() else {
            return Field::Null;
        };
        if extended::is_one(name) {
            let document = Value::Object(document(self.call, self.contents, self.item));
            return Field::owned(value_at(&document, path).clone());
        }
        let Some(name) = MEMBERS.iter().find(|it| it.eq_ignore_ascii_case(name)) else {
            return Field::Null;
        };
        let item = self.item;
        match *name {
            "isRead" => Field::Bool(item.read),
            "isDraft" => Field::Bool(item.draft),
            "hasAttachments" => Field::Bool(has_attachments(item)),
            "createdDateTime" => whole_seconds(item.created),
            "lastModifiedDateTime" => whole_seconds(item.modified),
            "receivedDateTime" => whole_seconds(item.received),
            name => {
                if let Some(json) = self.stored(name) {
                    return inside(json, rest);
                }
                let member = self.member(name).unwrap_or_default();
                Field::owned(value_at(&member, rest).clone())
            }
        }
    }

    fn may_contain(&self, path: &[String], text: &str) -> bool {
        let name = path
            .first()
            .and_then(|name| MEMBERS.iter().find(|it| it.eq_ignore_ascii_case(name)));
        name.and_then(|name| self.stored(name))
            .is_none_or(|json| json_may_contain(json, text))
    }
}

impl MessageFields<'_> {
    /// The JSON of a member that is shown as it is stored, where it is stored.
    fn stored(&self, name: &str) -> Option<&str> {
        let is_body = name == "body" && self.call.reach == Reach::Full;
        let as_it_is = STORED.contains(&name) || is_body && self.call.prefer.body.is_none();
        self.item.json(name).filter(|_| as_it_is)
    }
}

/// What is at a path inside of JSON.
fn inside<'a>(json: &'a str, path: &[String]) -> Field<'a> {
    let found = path
        .iter()
        .try_fold(json, |json, name| member_of(json, name));
    let Some(json) = found else {
        return Field::Null;
    };
    let plain = json
        .strip_prefix('"')
        .and_then(|it| it.strip_suffix('"'))
        .filter(|it| !it.contains('\\'));
    match plain {
        Some(text) => Field::Text(Cow::Borrowed(text)),
        None => Field::owned(serde_json::from_str(json).unwrap_or_default()),
    }
}

/// A time as documents show it.
fn whole_seconds(time: Timestamp) -> Field<'static> {
    Field::Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn has_attachments(item: &Item) -> bool {
    item.attachments.iter().any(|it| !it.inline)
}

fn stored_body(item: &Item) -> Value {
    let body = item.property("body");
    body.unwrap_or_else(|| json!({"contentType": "html", "content": ""}))
}

fn web_link(call: &Call<'_>, contents: &Contents, item: &Item) -> String {
    let id = id_of(call, contents, item);
    let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    let host = outlook_host(call);
    format!("https://{host}/owa/?ItemID={encoded}&exvsurl=1&viewmodel=ReadMessageItem")
}

/// The id of a message on the internet: it stays from the draft to the copies of its recipients.
///
/// Source: microsoftgraph/msgraph-sdk-dotnet#2947, OfficeDev/office-js#6066.
pub(super) fn internet_message_id(contents: &Contents, item: &Item) -> String {
    if let Some(Value::String(id)) = item.property("internetMessageId") {
        return id;
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
            name if extended::is_one(name) => extended::merge(&mut stored, name, &value),
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

/// The members of a message, in the order in which Graph writes them.
const MEMBERS: [&str; 33] = [
    "@odata.type",
    "@odata.etag",
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "internetMessageHeaders",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "uniqueBody",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
];

/// What messages about meetings have beside.
const OF_MEETINGS: [&str; 13] = [
    "meetingMessageType",
    "type",
    "isOutOfDate",
    "isAllDay",
    "isDelegated",
    "responseType",
    "startDateTime",
    "endDateTime",
    "location",
    "recurrence",
    "meetingRequestType",
    "allowNewTimeProposals",
    "responseRequested",
];

/// Those that are shown as they are stored, where they are.
const STORED: [&str; 15] = [
    "bccRecipients",
    "categories",
    "ccRecipients",
    "flag",
    "from",
    "importance",
    "inferenceClassification",
    "internetMessageHeaders",
    "internetMessageId",
    "isReadReceiptRequested",
    "replyTo",
    "sender",
    "sentDateTime",
    "subject",
    "toRecipients",
];

/// What the service sets, whatever a body says.
const READ_ONLY: [&str; 16] = [
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
