//! What Outlook offers beside its items: mail tips, and ids in other forms.
//!
//! Sources: learn.microsoft.com/graph/api/user-getmailtips, /user-translateexchangeids.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::call::{Action, Call, Reply};
use super::error::GraphError;
use super::{events, schema};
use crate::mailbox::{Contents, ItemKey};

/// `POST …/getMailTips`.
pub(super) fn mail_tips(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = Action(call.json()?);
    let addresses = texts(action.take("emailAddresses"));
    let options = action.text("mailTipsOptions")?.unwrap_or_default();
    action.finish("getMailTips")?;
    let options = schema::spelled("mailTipsType", &options).ok_or_else(|| {
        // Unverified: the text.
        GraphError::invalid_request("The parameter 'MailTipsOptions' is missing or invalid.")
    })?;
    let wanted: Vec<&str> = options.split(',').collect();
    let value: Vec<Value> = addresses
        .iter()
        .map(|address| tips(call, address, &wanted))
        .collect();
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": format!(
                "{}/$metadata#Collection(microsoft.graph.mailTips)", call.root()
            ),
            "value": value,
        }),
    ))
}

/// What is worth to know before writing to an address.
fn tips(call: &Call<'_>, address: &str, wanted: &[&str]) -> Value {
    let wants = |name: &str| wanted.contains(&name);
    let owner = events::owners(call, &[address.to_owned()])
        .into_iter()
        .next();
    let mut tips = json!({"emailAddress": {"name": "", "address": address}});
    let replies = owner.as_ref().map(|owner| {
        let contents = call.tenant.mailboxes.open(owner, call.now);
        contents.read(|it| it.settings.get("automaticRepliesSetting").cloned())
    });
    if let Some(owner) = &owner {
        tips["emailAddress"]["name"] = json!(owner.person.name);
    }
    let replies = replies.flatten().unwrap_or_default();
    let away = replies["status"] == "alwaysEnabled" || replies["status"] == "scheduled";
    for (option, name, value) in [
        (
            "automaticReplies",
            "automaticReplies",
            json!({
                "message": if away { replies["internalReplyMessage"].clone() } else { json!("") },
                "messageLanguage": {"locale": "en-US", "displayName": "English (United States)"},
            }),
        ),
        ("customMailTip", "customMailTip", json!("")),
        ("deliveryRestriction", "deliveryRestricted", json!(false)),
        (
            "externalMemberCount",
            "externalMemberCount",
            json!(u8::from(owner.is_none())),
        ),
        ("mailboxFullStatus", "mailboxFull", json!(false)),
        ("maxMessageSize", "maxMessageSize", json!(MOST_BYTES)),
        ("moderationStatus", "isModerated", json!(false)),
        (
            "recipientScope",
            "recipientScope",
            json!(if owner.is_some() {
                "internal"
            } else {
                "external"
            }),
        ),
        ("recipientSuggestions", "recipientSuggestions", json!([])),
        ("totalMemberCount", "totalMemberCount", json!(1)),
    ] {
        if wants(option) {
            tips[name] = value;
        }
    }
    tips
}

/// `POST …/translateExchangeIds`.
pub(super) fn translate_ids(call: &Call<'_>) -> Result<Reply, GraphError> {
    let mut action = Action(call.json()?);
    let ids = texts(action.take("inputIds"));
    let from = action.text("sourceIdType")?;
    let to = action.text("targetIdType")?;
    action.finish("translateExchangeIds")?;
    let form = |text: Option<String>, name: &str| {
        let found = text.and_then(|it| schema::spelled("exchangeIdFormat", &it));
        // Unverified: the text.
        found.ok_or_else(|| {
            GraphError::invalid_request(format!("The parameter '{name}' is missing or invalid."))
        })
    };
    let (from, to) = (form(from, "SourceIdType")?, form(to, "TargetIdType")?);
    if ids.len() > MOST_IDS {
        // Unverified: code and text.
        return Err(GraphError::invalid_request(format!(
            "The parameter 'InputIds' has {} ids, and {MOST_IDS} are allowed.",
            ids.len()
        )));
    }
    let contents = call.mailbox()?;
    let value: Vec<Value> = contents.read(|contents| {
        ids.iter()
            .map(|id| match translated(contents, id, &from, &to) {
                Ok(target) => json!({"sourceId": id, "targetId": target}),
                // Unverified: the code and the text of an id that can't be translated.
                Err(error) => json!({
                    "sourceId": id,
                    "errorDetails": {"code": error.code, "message": error.message},
                }),
            })
            .collect()
    });
    Ok(Reply::json(
        StatusCode::OK,
        json!({
            "@odata.context": format!(
                "{}/$metadata#Collection(microsoft.graph.convertIdResult)", call.root()
            ),
            "value": value,
        }),
    ))
}

/// An id in another form. Those of Exchange Web Services and of the binary interfaces are the same
/// bytes in other letters.
fn translated(contents: &Contents, id: &str, from: &str, to: &str) -> Result<String, GraphError> {
    let ids = contents.ids();
    let malformed = GraphError::malformed_id;
    let rest = match from {
        "ewsId" => id.replace('/', "-").replace('+', "_"),
        "entryId" | "immutableEntryId" => {
            let (text, _) = id
                .split_at_checked(id.len().saturating_sub(1))
                .ok_or_else(malformed)?;
            URL_SAFE.encode(URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?)
        }
        _ => id.to_owned(),
    };
    let key = ids.decode(&rest).map_err(super::messages::of_id)?;
    let folder_of = |item: u64| {
        let items = [
            contents.messages.get(&item),
            contents.events.get(&item),
            contents.contacts.get(&item),
        ];
        items.into_iter().flatten().next().map(|it| it.folder)
    };
    let key = match (key, to) {
        (ItemKey::Placed { item, .. }, "restImmutableEntryId" | "immutableEntryId") => {
            ItemKey::Immutable(item)
        }
        (ItemKey::Immutable(item), "restId" | "ewsId" | "entryId") => ItemKey::Placed {
            folder: folder_of(item).ok_or_else(GraphError::item_not_found)?,
            item,
        },
        (key, _) => key,
    };
    let rest = ids.encode(key);
    Ok(match to {
        "ewsId" => rest.replace('-', "/").replace('_', "+"),
        // The number of letters that padding would have stands at the end.
        "entryId" | "immutableEntryId" => {
            let bare = rest.trim_end_matches('=');
            format!("{bare}{}", rest.len() - bare.len())
        }
        _ => rest,
    })
}

/// The texts of a list; anything else has none.
pub(super) fn texts(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list
            .into_iter()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// Source: learn.microsoft.com/graph/api/user-translateexchangeids.
const MOST_IDS: usize = 1_000;
/// Unverified: the size that is told.
const MOST_BYTES: u64 = 36_700_160;
