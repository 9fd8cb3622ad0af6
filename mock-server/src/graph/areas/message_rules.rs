//! Rules of an inbox. What they do to mail is `mailbox/rules.rs`.
//!
//! Sources: learn.microsoft.com/graph/api/resources/messagerule, /mailfolder-post-messagerules,
//! microsoftgraph/microsoft-graph-docs#13225 (the inbox by its name in the context).

use serde_json::json;

use crate::directory::ObjectId;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::folders;
use crate::graph::generic::behaviour::{Behaviour, New, Subject};
use crate::mailbox::{ItemKey, Properties, WellKnown};

/// What rules add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        key: Some(folder),
        ..Behaviour::of("mailFolder")
    },
    Behaviour {
        create: Some(create),
        change: Some(change),
        ..Behaviour::of("messageRule")
    },
];

/// A folder has one id, whichever name the path has for it; the inbox its name, as answers have it.
fn folder(call: &Call<'_>, collection: &str, name: &str) -> Option<String> {
    let user = owner(collection)?;
    let contents = call.tenant.mailbox(user, call.now)?;
    contents.read(|contents| {
        let key = folders::named(contents, name).ok()?;
        if key == contents.well_known(WellKnown::Inbox) {
            return Some("inbox".to_owned());
        }
        Some(contents.ids().encode(ItemKey::Folder(key)))
    })
}

/// Whose mailbox a collection is in.
fn owner(collection: &str) -> Option<ObjectId> {
    collection.split('/').nth(1)?.parse().ok()
}

/// Unverified: the defaults, and the refusal.
fn create(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let given = |name: &str| new.properties.get(name).is_some_and(|it| !it.is_null());
    if let Some(missing) = ["displayName", "actions"].iter().find(|it| !given(it)) {
        return Err(GraphError::invalid_request(format!(
            "The required property '{missing}' of the rule is missing."
        )));
    }
    check_folders(call, &new.collection, &new.properties)?;
    let others = call
        .tenant
        .read_documents(|documents| documents.list(&new.collection).count());
    new.default("sequence", json!(others + 1));
    new.default("isEnabled", true);
    new.set("hasError", false);
    new.set("isReadOnly", false);
    Ok(())
}

fn change(call: &Call<'_>, rule: &Subject<'_>, changes: &mut Properties) -> Result<(), GraphError> {
    check_folders(call, rule.collection, changes)
}

/// The folders that actions name are there.
///
/// Unverified: that they are refused as folders in the path are.
fn check_folders(call: &Call<'_>, collection: &str, rule: &Properties) -> Result<(), GraphError> {
    let Some((actions, user)) = rule.get("actions").zip(owner(collection)) else {
        return Ok(());
    };
    call.mailbox_of(user)?.read(|contents| {
        ["moveToFolder", "copyToFolder"]
            .iter()
            .filter_map(|name| actions[*name].as_str())
            .try_for_each(|name| folders::named(contents, name).map(drop))
    })
}
