//! Teams, channels and chats: what they have from the beginning.
//!
//! Sources: pnp/pnpcore, MockData of teams and chats; learn.microsoft.com/graph/api/chat-post,
//! /team-put-teams, /channel-post, /chatmessage-post.

use serde_json::{Value, json};

use crate::graph::access::Actor;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New, Subject};
use crate::mailbox::Properties;

/// What Teams adds.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        create: Some(team),
        ..Behaviour::of("team")
    },
    Behaviour {
        create: Some(channel),
        ..Behaviour::of("channel")
    },
    Behaviour {
        create: Some(chat),
        ..Behaviour::of("chat")
    },
    Behaviour {
        create: Some(message),
        ..Behaviour::of("chatMessage")
    },
    Behaviour {
        show: Some(member),
        ..Behaviour::of("conversationMember")
    },
];

/// A team has the name of its group, its owners and members, and the channel General.
fn team(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let group = format!("groups/{}", new.id);
    let now = json!(call.now.to_string());
    let channel = call.world.random.uuid().simple().to_string();
    let channel = format!("19:{channel}@thread.tacv2");
    let below = format!("teams/{}", new.id);
    let tenant = call.tenant.id.to_string();
    let (name, description) = call.tenant.read_documents(|documents| {
        let found = documents.get("groups", &new.id).map(|it| &it.properties);
        let text = |name: &str| found.and_then(|it| it.get(name)).cloned();
        (text("displayName"), text("description"))
    });
    let mut default = |name: &str, value: Option<Value>| {
        let unset = new.properties.get(name).is_none_or(Value::is_null);
        if let (true, Some(value)) = (unset, value) {
            new.properties.insert(name.to_owned(), value);
        }
    };
    default("displayName", name);
    default("description", description);
    default("createdDateTime", Some(now.clone()));
    default("internalId", Some(json!(channel)));
    default("isArchived", Some(json!(false)));
    default("tenantId", Some(json!(tenant)));
    default("visibility", Some(json!("public")));
    let encoded =
        percent_encoding::utf8_percent_encode(&channel, percent_encoding::NON_ALPHANUMERIC);
    let address = format!(
        "https://teams.microsoft.com/l/team/{encoded}/conversations?groupId={}&tenantId={tenant}",
        new.id
    );
    default("webUrl", Some(json!(address)));
    call.tenant.write_documents(|documents| {
        let general = json!({
            "createdDateTime": now, "displayName": "General", "description": null, "email": "",
            "isFavoriteByDefault": null, "membershipType": "standard", "tenantId": tenant,
            "webUrl": channel_address(&channel, "General", &new.id, &tenant),
        });
        put(
            documents,
            call,
            &format!("{below}/channels"),
            &channel,
            general,
        )?;
        for (navigation, roles) in [("owners", json!(["owner"])), ("members", json!([]))] {
            let links = documents.links(&format!("{group}/{navigation}")).to_vec();
            for user in links.iter().filter_map(|it| it.strip_prefix("users/")) {
                let id = format!("{}##{user}", new.id);
                let members = format!("{below}/members");
                if documents.get(&members, &id).is_none() {
                    let member = json!({"@odata.type": MEMBER, "roles": roles, "userId": user});
                    put(documents, call, &members, &id, member)?;
                }
            }
        }
        Ok(())
    })
}

fn put(
    documents: &mut crate::store::Documents,
    call: &Call<'_>,
    collection: &str,
    id: &str,
    value: Value,
) -> Result<(), GraphError> {
    documents
        .put(
            collection,
            id,
            crate::graph::collection::members(value),
            call.now,
        )
        .map(|_| ())
        .map_err(|_| GraphError::item_not_found())
}

fn channel_address(channel: &str, name: &str, team: &str, tenant: &str) -> String {
    let encode = |text| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    format!(
        "https://teams.microsoft.com/l/channel/{}/{}?groupId={team}&tenantId={tenant}",
        encode(channel),
        encode(name)
    )
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all behaviours")]
fn channel(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let Some(team) = new
        .collection
        .strip_prefix("teams/")
        .and_then(|it| it.split('/').next())
    else {
        return Ok(());
    };
    let tenant = call.tenant.id.to_string();
    let name = new.properties.get("displayName").and_then(Value::as_str);
    let address = channel_address(&new.id, name.unwrap_or_default(), team, &tenant);
    for (name, value) in [
        ("createdDateTime", json!(call.now.to_string())),
        ("email", json!("")),
        ("membershipType", json!("standard")),
        ("tenantId", json!(tenant)),
        ("webUrl", json!(address)),
    ] {
        set(&mut new.properties, name, value);
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all behaviours")]
fn chat(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let tenant = call.tenant.id.to_string();
    let encoded =
        percent_encoding::utf8_percent_encode(&new.id, percent_encoding::NON_ALPHANUMERIC);
    let address = format!("https://teams.microsoft.com/l/chat/{encoded}/0?tenantId={tenant}");
    for (name, value) in [
        ("lastUpdatedDateTime", json!(call.now.to_string())),
        ("tenantId", json!(tenant)),
        ("webUrl", json!(address)),
    ] {
        set(&mut new.properties, name, value);
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all behaviours")]
fn message(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    // The time in milliseconds, each once in its thread.
    let mut id = call.now.as_millisecond();
    call.tenant.read_documents(|documents| {
        while documents.get(&new.collection, &id.to_string()).is_some() {
            id += 1;
        }
    });
    new.id = id.to_string();
    let parts: Vec<&str> = new.collection.split('/').collect();
    if let ["chats", chat, ..] = parts.as_slice() {
        set(&mut new.properties, "chatId", json!(chat));
    }
    if let ["teams", team, "channels", channel, ..] = parts.as_slice() {
        let identity = json!({"teamId": team, "channelId": channel});
        set(&mut new.properties, "channelIdentity", identity);
    }
    if let [.., parent, "replies"] = parts.as_slice() {
        set(&mut new.properties, "replyToId", json!(parent));
    }
    if let Some(body) = new
        .properties
        .get_mut("body")
        .and_then(Value::as_object_mut)
        && !body.contains_key("contentType")
    {
        body.shift_insert(0, "contentType".to_owned(), json!("text"));
    }
    let from = match &call.actor {
        Actor::User(user, _) => {
            let name = call
                .tenant
                .read(|it| it.user(*user).map(|it| it.display_name.clone()));
            json!({
                "application": null, "device": null,
                "user": {"id": user, "displayName": name, "userIdentityType": "aadUser"},
            })
        }
        Actor::Application(_) => Value::Null,
    };
    for (name, value) in [
        ("createdDateTime", json!(call.now.to_string())),
        ("etag", json!(new.id)),
        ("from", from),
        ("importance", json!("normal")),
        ("lastModifiedDateTime", json!(call.now.to_string())),
        ("locale", json!("en-us")),
        ("messageType", json!("message")),
    ] {
        set(&mut new.properties, name, value);
    }
    Ok(())
}

/// Who a member is stands in the directory.
fn member(call: &Call<'_>, _: &Subject<'_>, shown: &mut Properties) {
    let Some(id) = shown.get("userId").and_then(Value::as_str) else {
        return;
    };
    let found = call.tenant.read(|directory| {
        let user = directory.user_by_id_or_name(id)?;
        let mail = user.user_principal_name.to_string();
        Some((user.id, user.display_name.clone(), mail))
    });
    let Some((id, name, mail)) = found else {
        return;
    };
    shown.insert("userId".to_owned(), json!(id));
    shown.insert("displayName".to_owned(), json!(name));
    shown.insert("email".to_owned(), json!(mail));
    shown.insert("tenantId".to_owned(), json!(call.tenant.id.to_string()));
    set(
        shown,
        "visibleHistoryStartDateTime",
        json!("0001-01-01T00:00:00Z"),
    );
}

/// Sets a member that has no value.
fn set(properties: &mut Properties, name: &str, value: Value) {
    if properties.get(name).is_none_or(Value::is_null) {
        properties.insert(name.to_owned(), value);
    }
}

const MEMBER: &str = "#microsoft.graph.aadUserConversationMember";
