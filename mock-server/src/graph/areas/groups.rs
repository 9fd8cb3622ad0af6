//! Groups: what they need, dynamic membership, and deleted ones that can be restored.
//!
//! Sources: learn.microsoft.com/graph/api/group-post-groups, /group-update, /group-delete,
//! /directory-deleteditems-restore, /group-post-members; hashicorp/terraform-provider-azuread,
//! pnp/pnpframework#139 and issues of client libraries for the texts.

mod rule;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, Linking, New, Subject};
use crate::graph::generic::membership::DELETED;
use crate::mailbox::{Properties, seconds};

/// What groups add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        create: Some(create),
        change: Some(change),
        delete: Some(delete),
        link: Some(link),
        refresh: Some(refresh),
        operations: &[("renew", renew), ("validateProperties", validate)],
        searched: &["displayName", "description", "mail", "mailNickname"],
        ..Behaviour::of("group")
    },
    Behaviour {
        delete: Some(purge),
        operations: &[("restore", restore)],
        searched: &["displayName"],
        ..Behaviour::of("directoryObject")
    },
];

fn create(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    for name in [
        "displayName",
        "mailEnabled",
        "mailNickname",
        "securityEnabled",
    ] {
        let value = new.properties.get(name);
        if value.is_none_or(|it| it.is_null() || *it == "") {
            return Err(GraphError::value_required(name, "Group"));
        }
    }
    if is_dynamic(&new.properties) && new.links.iter().any(|(name, _)| name == "members") {
        return Err(GraphError::directory_denied());
    }
    rule_of(&new.properties)?;
    let unified = is_unified(&new.properties);
    let nickname = text(&new.properties, "mailNickname");
    if unified {
        unique_nickname(call, &new.id, &nickname)?;
    }
    let domain = call.tenant.read(|it| it.domain().to_owned());
    let mailed = new.properties.get("mailEnabled") == Some(&json!(true));
    let now = seconds(call.now);
    new.default("renewedDateTime", now.clone());
    new.default("createdDateTime", now);
    new.default("securityIdentifier", security_identifier(&new.id));
    if unified {
        new.default("visibility", "Public");
    }
    if mailed {
        let mail = format!("{nickname}@{domain}");
        new.default("proxyAddresses", json!([format!("SMTP:{mail}")]));
        new.default("mail", mail);
    }
    let owned = new.links.iter().any(|(name, _)| name == "owners");
    if let Some(user) = call.actor.user().filter(|_| !owned) {
        new.links
            .push(("owners".to_owned(), format!("users/{user}")));
    }
    Ok(())
}

/// `S-1-12-1-` and the id's four words. Source: answers of the directory.
fn security_identifier(id: &str) -> String {
    let bytes = Uuid::parse_str(id).unwrap_or_default().to_bytes_le();
    let words = bytes
        .chunks_exact(4)
        .map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]).to_string());
    format!("S-1-12-1-{}", words.collect::<Vec<_>>().join("-"))
}

fn change(call: &Call<'_>, group: &Subject<'_>, after: &mut Properties) -> Result<(), GraphError> {
    rule_of(after)?;
    if is_unified(after) {
        unique_nickname(call, group.id, &text(after, "mailNickname"))?;
    }
    Ok(())
}

fn unique_nickname(call: &Call<'_>, id: &str, nickname: &str) -> Result<(), GraphError> {
    let taken = call.tenant.read_documents(|documents| {
        documents.list("groups").any(|it| {
            it.id != id
                && is_unified(&it.properties)
                && text(&it.properties, "mailNickname").eq_ignore_ascii_case(nickname)
        })
    });
    if taken {
        return Err(GraphError::directory_request(
            "Another object with the same value for property mailNickname already exists.",
        ));
    }
    Ok(())
}

/// A Microsoft 365 group can be restored for 30 days, others are gone.
fn delete(call: &Call<'_>, group: &Subject<'_>) -> Result<bool, GraphError> {
    let deleted = call.tenant.write_documents(|documents| {
        let unified = documents
            .get(group.collection, group.id)
            .is_some_and(|it| is_unified(&it.properties));
        if !unified {
            return Ok(false);
        }
        let mut more = Properties::new();
        more.insert("deletedDateTime".to_owned(), json!(seconds(call.now)));
        more.insert("@odata.type".to_owned(), json!("#microsoft.graph.group"));
        documents.relocate(group.collection, group.id, DELETED, more, call.now)
    });
    deleted.map_err(|_| GraphError::item_not_found())
}

/// `POST /directory/deletedItems/{id}/restore` of a group.
fn restore(call: &Call<'_>, item: &Subject<'_>) -> Result<Reply, GraphError> {
    let missing = || GraphError::resource_not_found(item.id);
    let mut more = Properties::new();
    more.insert("deletedDateTime".to_owned(), Value::Null);
    more.insert("@odata.type".to_owned(), Value::Null);
    let restored = call.tenant.write_documents(|documents| {
        documents.relocate(DELETED, item.id, "groups", more, call.now)
    });
    if !restored.map_err(|_| missing())? {
        return Err(missing());
    }
    let found = call
        .tenant
        .read_documents(|it| it.get("groups", item.id).map(|it| it.properties.clone()));
    let mut shown = Properties::new();
    shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.group"));
    shown.insert("id".to_owned(), json!(item.id));
    shown.extend(found.ok_or_else(missing)?);
    call.entity("directoryObjects", "directoryObject", shown)
}

/// Deletes a deleted group for good.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all behaviours")]
fn purge(call: &Call<'_>, item: &Subject<'_>) -> Result<bool, GraphError> {
    Ok(call.tenant.write_documents(|documents| {
        let gone = item.collection == DELETED && documents.delete(DELETED, item.id);
        if gone {
            documents.forget_below(&format!("groups/{}", item.id));
        }
        gone
    }))
}

/// Members of a dynamic group follow from its rule; the last owner stays.
fn link(call: &Call<'_>, group: &Subject<'_>, linking: &Linking<'_>) -> Result<bool, GraphError> {
    let address = group.address();
    let (dynamic, owners) = call.tenant.read_documents(|documents| {
        let found = documents.get(group.collection, group.id);
        let dynamic = found.is_some_and(|it| is_dynamic(&it.properties));
        (dynamic, documents.links(&format!("{address}/owners")).len())
    });
    if dynamic && linking.navigation == "members" {
        return Err(GraphError::directory_denied());
    }
    if linking.adds && linking.navigation == "members" && linking.target == address {
        // Unverified: the text. Microsoft Entra ID takes groups as members of others alone.
        return Err(GraphError::directory_request(
            "A group cannot be a member of itself.",
        ));
    }
    if !linking.adds && linking.navigation == "owners" && owners == 1 {
        return Err(GraphError::directory_request(
            "The group must have at least one owner, hence this owner cannot be removed.",
        ));
    }
    Ok(false)
}

fn renew(call: &Call<'_>, group: &Subject<'_>) -> Result<Reply, GraphError> {
    group.change(call, |it| {
        it.insert("renewedDateTime".to_owned(), json!(seconds(call.now)));
    })
}

/// Whether a name could be taken. Source: learn.microsoft.com/graph/api/group-validateproperties.
fn validate(call: &Call<'_>, group: &Subject<'_>) -> Result<Reply, GraphError> {
    let mut action = call.action()?;
    let nickname = action.text("mailNickname")?;
    action.text("displayName")?;
    action.text("onBehalfOfUserId")?;
    action.finish("validateProperties")?;
    if let Some(nickname) = nickname {
        unique_nickname(call, group.id, &nickname)?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Brings the members of dynamic groups up to date. The service takes minutes.
fn refresh(call: &Call<'_>) {
    let rules: Vec<(String, rule::Rule)> = call.tenant.read_documents(|documents| {
        documents
            .list("groups")
            .filter(|it| is_dynamic(&it.properties))
            .filter_map(|it| Some((it.id.clone(), rule_of(&it.properties).ok()??)))
            .collect()
    });
    if rules.is_empty() {
        return;
    }
    let people = crate::graph::users::everybody(call);
    call.tenant.write_documents(|documents| {
        for (id, rule) in rules {
            let navigation = format!("groups/{id}/members");
            let before = documents.links(&navigation).to_vec();
            let wanted: Vec<String> = people
                .iter()
                .filter(|it| rule.holds(it))
                .filter_map(|it| Some(format!("users/{}", it.get("id")?.as_str()?)))
                .collect();
            for target in before.iter().filter(|it| !wanted.contains(it)) {
                documents.unlink(&navigation, target);
            }
            for target in wanted.iter().filter(|it| !before.contains(it)) {
                documents.link(&navigation, target);
            }
        }
    });
}

fn rule_of(group: &Properties) -> Result<Option<rule::Rule>, GraphError> {
    let on = group.get("membershipRuleProcessingState") == Some(&json!("On"));
    let text = text(group, "membershipRule");
    if !is_dynamic(group) || text.is_empty() {
        return Ok(None);
    }
    let rule = rule::Rule::parse(&text).ok_or_else(|| {
        // Unverified: the text.
        GraphError::directory_request("The membership rule is not valid.")
    })?;
    Ok(on.then_some(rule))
}

fn is_dynamic(group: &Properties) -> bool {
    has_type(group, "DynamicMembership")
}

fn is_unified(group: &Properties) -> bool {
    has_type(group, "Unified")
}

fn has_type(group: &Properties, wanted: &str) -> bool {
    let kinds = group.get("groupTypes").and_then(Value::as_array);
    kinds.is_some_and(|it| it.iter().any(|kind| kind == wanted))
}

fn text(document: &Properties, name: &str) -> String {
    document
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
