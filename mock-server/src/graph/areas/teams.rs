//! Teams, channels and chats: what they have from the beginning.
//!
//! Sources: pnp/pnpcore, MockData of teams and chats; learn.microsoft.com/graph/api/chat-post,
//! /team-put-teams, /channel-post, /chatmessage-post.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::graph::access::Actor;
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::behaviour::{Behaviour, New, Subject};
use crate::mailbox::{Properties, seconds};

/// What Teams adds.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        create: Some(team),
        operations: &[("archive", archive), ("unarchive", unarchive)],
        ..Behaviour::of("team")
    },
    Behaviour {
        presets: Some(apps),
        ..Behaviour::of("teamsApp")
    },
    Behaviour {
        presets: Some(templates),
        ..Behaviour::of("teamsTemplate")
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
    if new.collection == "teams" && call.endpoint.method == Method::POST {
        of_a_group(call, new)?;
    }
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
    let body = call.json().unwrap_or_default();
    let members = body.get("members").and_then(Value::as_array);
    let named: Vec<String> = members.into_iter().flatten().filter_map(user_of).collect();
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
            let users = links.iter().filter_map(|it| it.strip_prefix("users/"));
            // Those that the body names are members by the body.
            for user in users.filter(|it| !named.iter().any(|named| named == it)) {
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

/// A team that is made by itself has a group, made with it or bound; the service goes on for a
/// while, the mock is done at once.
///
/// Source: learn.microsoft.com/graph/api/team-post.
fn of_a_group(call: &Call<'_>, new: &mut New) -> Result<(), GraphError> {
    let bound = new.links.iter().find(|(name, _)| name == "group");
    let bound = bound.and_then(|(_, target)| target.strip_prefix("groups/"));
    if let Some(group) = bound.map(str::to_owned) {
        new.id = group;
    } else {
        let name = new.required("displayName")?.to_owned();
        let nickname: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let domain = call.tenant.read(|it| it.domain().to_owned());
        let group = json!({
            "displayName": name, "description": new.properties.get("description"),
            "groupTypes": ["Unified"], "mailEnabled": true, "mailNickname": nickname,
            "mail": format!("{nickname}@{domain}"), "securityEnabled": false,
            "resourceProvisioningOptions": ["Team"], "visibility": "Public",
            "createdDateTime": seconds(call.now),
        });
        let body = call.json()?;
        let members = body.get("members").and_then(Value::as_array);
        let mut owners: Vec<String> = members.into_iter().flatten().filter_map(user_of).collect();
        owners.extend(call.actor.user().map(|it| it.to_string()));
        call.tenant.write_documents(|documents| {
            put(documents, call, "groups", &new.id, group)?;
            for owner in owners {
                for navigation in ["owners", "members"] {
                    let links = format!("groups/{}/{navigation}", new.id);
                    documents.link(&links, &format!("users/{owner}"));
                }
            }
            Ok::<_, GraphError>(())
        })?;
    }
    new.accepted = Some(operation(call, &new.id, "createTeam")?);
    Ok(())
}

/// The user whom a member of a body binds.
fn user_of(member: &Value) -> Option<String> {
    let link = member["user@odata.bind"].as_str()?;
    let id = link.trim_end_matches("')").rsplit(['/', '\'']).next()?;
    Some(id.to_owned())
}

/// Notes an operation of a team that is done: its address.
fn operation(call: &Call<'_>, team: &str, kind: &str) -> Result<String, GraphError> {
    let id = call.world.random.uuid().to_string();
    let value = json!({
        "operationType": kind, "status": "succeeded", "targetResourceId": team,
        "targetResourceLocation": format!("/teams('{team}')"), "attemptsCount": 1,
        "createdDateTime": call.now.to_string(), "lastActionDateTime": call.now.to_string(),
        "error": null,
    });
    let collection = format!("teams/{team}/operations");
    call.tenant
        .write_documents(|documents| put(documents, call, &collection, &id, value))?;
    Ok(format!("/teams('{team}')/operations('{id}')"))
}

/// `POST /teams/{id}/archive`.
fn archive(call: &Call<'_>, team: &Subject<'_>) -> Result<Reply, GraphError> {
    archived(call, team, true, "archiveTeam")
}

/// `POST /teams/{id}/unarchive`.
fn unarchive(call: &Call<'_>, team: &Subject<'_>) -> Result<Reply, GraphError> {
    archived(call, team, false, "unarchiveTeam")
}

fn archived(
    call: &Call<'_>,
    team: &Subject<'_>,
    archived: bool,
    kind: &str,
) -> Result<Reply, GraphError> {
    let mut reply = team.change(call, |it| {
        it.insert("isArchived".to_owned(), json!(archived));
    })?;
    reply.status = StatusCode::ACCEPTED;
    let address = operation(call, team.id, kind)?;
    reply.headers.push((header::LOCATION, address));
    Ok(reply)
}

/// Apps that every tenant's catalog has, by the ids of their tabs.
///
/// Source: learn.microsoft.com/microsoftteams/platform/resources/tabs, "built-in tab types".
fn apps(_: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != "appCatalogs/teamsApps" {
        return Vec::new();
    }
    let app = |(id, name): (&str, &str)| {
        let app = json!({"displayName": name, "distributionMethod": "store", "externalId": null});
        (id.to_owned(), crate::graph::collection::members(app))
    };
    TABS.into_iter().map(app).collect()
}

const TABS: [(&str, &str); 5] = [
    ("com.microsoft.teamspace.tab.web", "Website"),
    ("com.microsoft.teamspace.tab.planner", "Planner"),
    ("com.microsoft.teamspace.tab.wiki", "Wiki"),
    (
        "com.microsoft.teamspace.tab.files.sharepoint",
        "Document Library",
    ),
    ("0d820ecd-def2-4297-adad-78056cde7c78", "OneNote"),
];

/// Templates of teams that every tenant has.
///
/// Source: learn.microsoft.com/microsoftteams/get-started-with-teams-templates.
fn templates(_: &Call<'_>, collection: &str) -> Vec<(String, Properties)> {
    if collection != "teamsTemplates" {
        return Vec::new();
    }
    let ids = [
        "standard",
        "educationClass",
        "educationStaff",
        "educationProfessionalLearningCommunity",
    ];
    ids.into_iter()
        .map(|id| (id.to_owned(), Properties::new()))
        .collect()
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn a_team_is_made_from_a_template_with_its_group() {
        let bench = Bench::new();
        let app = bench.app_only(&[
            "Team.Create",
            "Group.ReadWrite.All",
            "TeamSettings.ReadWrite.All",
            "Channel.Create",
            "Channel.ReadBasic.All",
            "TeamsTab.ReadWrite.All",
            "TeamMember.Read.All",
        ]);
        let graph = "https://graph.microsoft.com/v1.0";
        let body = json!({
            "template@odata.bind": format!("{graph}/teamsTemplates('standard')"),
            "displayName": "My team", "description": "Ours",
            "members": [{"@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
                "user@odata.bind": format!("{graph}/users('{}')", bench.user("alice"))}],
        });
        let made = bench.post(&app, "/v1.0/teams", body).await.expect(202);
        let operation = made.header("location").to_owned();
        let done = bench
            .get(&app, &format!("/v1.0{operation}"))
            .await
            .expect(200);
        assert_eq!(done.body["status"], "succeeded");
        let team = done.body["targetResourceId"].as_str().unwrap();
        assert_eq!(made.header("content-location"), format!("/teams('{team}')"));
        let read = bench
            .get(&app, &format!("/v1.0/teams/{team}"))
            .await
            .expect(200);
        assert_eq!(read.body["displayName"], "My team");
        let owners = bench
            .get(&app, &format!("/v1.0/groups/{team}/owners"))
            .await
            .expect(200);
        assert_eq!(owners.values()[0]["id"], bench.user("alice").to_string());
        let members = bench
            .get(&app, &format!("/v1.0/teams/{team}/members"))
            .await
            .expect(200);
        assert_eq!(members.values().len(), 1);
        // A tab of an app of the catalog.
        let channel = bench
            .get(&app, &format!("/v1.0/teams/{team}/primaryChannel"))
            .await
            .expect(200);
        let tabs = format!("/v1.0/teams/{team}/channels/{}/tabs", channel.id());
        let tab = json!({"displayName": "Site", "configuration": {"contentUrl": "https://site.example"},
            "teamsApp@odata.bind": format!("{graph}/appCatalogs/teamsApps/com.microsoft.teamspace.tab.web")});
        bench.post(&app, &tabs, tab).await.expect(201);
        let archive = format!("/v1.0/teams/{team}/archive");
        let answer = bench
            .send("POST", &app, &archive, &[], Value::Null)
            .await
            .expect(202);
        assert!(answer.header("location").starts_with("/teams('"));
        let read = bench
            .get(&app, &format!("/v1.0/teams/{team}"))
            .await
            .expect(200);
        assert_eq!(read.body["isArchived"], true);
    }
}
