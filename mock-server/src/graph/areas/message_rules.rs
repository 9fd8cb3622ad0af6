//! Rules of an inbox. What they do to mail is `mailbox/rules.rs`.
//!
//! Sources: learn.microsoft.com/graph/api/resources/messagerule, /mailfolder-post-messagerules.

use serde_json::json;

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::folders;
use crate::graph::generic::behaviour::{Behaviour, New};
use crate::mailbox::ItemKey;

/// What rules add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        key: Some(folder),
        ..Behaviour::of("mailFolder")
    },
    Behaviour {
        create: Some(create),
        ..Behaviour::of("messageRule")
    },
];

/// A folder has one id, whichever name the path has for it.
fn folder(call: &Call<'_>, collection: &str, name: &str) -> Option<String> {
    let user = collection.split('/').nth(1)?.parse().ok()?;
    let contents = call.tenant.mailbox(user, call.now)?;
    contents.read(|contents| {
        let key = folders::named(contents, name).ok()?;
        Some(contents.ids().encode(ItemKey::Folder(key)))
    })
}

/// Unverified: the defaults, and the refusal.
fn create(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let given = |name: &str| new.properties.get(name).is_some_and(|it| !it.is_null());
    if let Some(missing) = ["displayName", "actions"].iter().find(|it| !given(it)) {
        return Err(GraphError::invalid_request(format!(
            "The required property '{missing}' of the rule is missing."
        )));
    }
    let others = call
        .tenant
        .read_documents(|documents| documents.list(&new.collection).count());
    new.default("sequence", json!(others + 1));
    new.default("isEnabled", true);
    new.set("hasError", false);
    new.set("isReadOnly", false);
    Ok(())
}
