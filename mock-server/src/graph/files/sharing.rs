//! Permissions, links and invitations.
//!
//! Sources: learn.microsoft.com/graph/api/driveitem-createlink, /driveitem-invite,
//! /driveitem-list-permissions; recordings of NangoHQ/integration-templates and
//! pnp/pnpcore.

use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::draw::{self, Style};
use super::find::Found;
use super::version::key;
use super::{list, refusal};
use crate::directory::ObjectId;
use crate::drives::{Drive, Item, Link, Owner, Permission};
use crate::graph::call::{Call, Reply};
use crate::graph::error::GraphError;
use crate::graph::generic::route::Step;
use crate::mailbox::{Properties, seconds};

/// Who may do what.
pub(super) fn list(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let (values, set) = list::whole(call, &found.drive, |style, drive| {
        let set = format!(
            "{}/items('{}')/permissions",
            draw::set(call, drive),
            drive.id_of(id)
        );
        Some((all(style, drive, drive.get(id)?), set))
    })?;
    let context = format!("{}/$metadata#{set}", call.root());
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": values}),
    ))
}

pub(super) fn all(style: &Style<'_>, drive: &Drive, item: &Item) -> Vec<Value> {
    let mut found = Vec::new();
    if let Owner::User(owner) = &drive.owner
        && let Some(user) = style
            .directory
            .users
            .values()
            .find(|it| it.id.to_string() == *owner)
    {
        let id = login_id(&user.user_principal_name.to_string());
        let permission = Permission::new(id, vec!["owner".to_owned()], vec![user.id]);
        let inherited = !item.is_root();
        found.push(Value::Object(permission_of(style, &permission, inherited)));
    }
    let own = item.permissions.iter().map(|it| (it, false));
    let above = drive.above(item.id).into_iter().rev();
    let above = above.flat_map(|it| it.permissions.iter().map(|it| (it, true)));
    for (permission, inherited) in own.chain(above) {
        found.push(Value::Object(permission_of(style, permission, inherited)));
    }
    found
}

pub(super) fn permission_of(
    style: &Style<'_>,
    permission: &Permission,
    inherited: bool,
) -> Properties {
    let mut found = Properties::new();
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    put("id", json!(permission.id));
    put("roles", json!(permission.roles));
    let people: Vec<Value> = permission
        .people
        .iter()
        .filter_map(|it| style.directory.user(*it))
        .map(|user| {
            json!({
                "email": user.user_principal_name.to_string(),
                "id": user.id.to_string(),
                "displayName": user.display_name,
            })
        })
        .collect();
    let typed = |user: &Value| {
        let mut user = user.clone();
        user["@odata.type"] = json!("#microsoft.graph.sharePointIdentity");
        json!({"user": user})
    };
    if let Some(link) = &permission.link {
        put("shareId", json!(share_id(&link.url)));
        if let Some(expires) = link.expires {
            put("expirationDateTime", json!(seconds(expires)));
        }
        put("hasPassword", json!(link.has_password));
        if link.scope == "users" {
            let typed: Vec<Value> = people.iter().map(typed).collect();
            put("grantedToIdentitiesV2", json!(typed));
            let plain: Vec<Value> = people.iter().map(|it| json!({"user": it})).collect();
            put("grantedToIdentities", json!(plain));
        }
        put(
            "link",
            json!({
                "scope": link.scope, "type": link.kind, "webUrl": link.url,
                "preventsDownload": false,
            }),
        );
    } else if let Some(user) = people.first() {
        put("shareId", json!(permission.id));
        put("grantedToV2", typed(user));
        put("grantedTo", json!({"user": user}));
    } else if let Some(address) = &permission.outsider {
        // Source: learn.microsoft.com/graph/api/resources/sharinginvitation.
        let user = json!({"email": address, "displayName": address});
        put("shareId", json!(permission.id));
        put("grantedToV2", typed(&user));
        put("grantedTo", json!({"user": user}));
        put(
            "invitation",
            json!({"email": address, "signInRequired": true}),
        );
    }
    if let Some(expires) = permission.expires {
        put("expirationDateTime", json!(seconds(expires)));
    }
    if inherited {
        put("inheritedFrom", json!({}));
    }
    found
}

fn login_id(upn: &str) -> String {
    STANDARD_NO_PAD.encode(format!("i:0#.f|membership|{upn}"))
}

fn share_id(url: &str) -> String {
    format!("u!{}", URL_SAFE_NO_PAD.encode(url))
}

/// One permission.
pub(super) fn one(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let wanted = key(steps, "permissions")?;
    let document = list::whole(call, &found.drive, |style, drive| {
        let all = all(style, drive, drive.get(id)?);
        all.into_iter().find(|it| it["id"] == *wanted)
    })?;
    let document = crate::graph::collection::members(document);
    Ok(permission_reply(call, StatusCode::OK, document))
}

pub(super) fn permission_reply(call: &Call<'_>, status: StatusCode, document: Properties) -> Reply {
    let context = format!("{}/$metadata#microsoft.graph.permission", call.root());
    let mut body = Properties::new();
    body.insert("@odata.context".to_owned(), json!(context));
    body.extend(document);
    Reply::json(status, Value::Object(body))
}

/// Changes what a permission lets do.
pub(super) fn change(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let wanted = key(steps, "permissions")?;
    let body = call.json()?;
    let roles = roles(body.get("roles"))?;
    let expires = end(call, &body)?;
    found.write(call, |drive| {
        let mut changed = false;
        drive.update(id, |item| {
            let own = item.permissions.iter_mut().find(|it| it.id == wanted);
            if let Some(own) = own {
                own.roles = roles;
                match &mut own.link {
                    Some(link) => link.expires = expires.or(link.expires),
                    None => own.expires = expires.or(own.expires),
                }
                item.version += 1;
                changed = true;
            }
        });
        if changed {
            Ok(())
        } else {
            Err(refusal::not_found())
        }
    })?;
    one(call, found, steps)
}

/// Takes a permission away; one of a folder above only there.
pub(super) fn delete(call: &Call<'_>, found: &Found, steps: &[Step]) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let wanted = key(steps, "permissions")?;
    found.write(call, |drive| {
        let item = drive.get(id).ok_or_else(refusal::not_found)?;
        if !item.permissions.iter().any(|it| it.id == wanted) {
            let above = drive.above(id);
            let inherited = above
                .iter()
                .any(|it| it.permissions.iter().any(|it| it.id == wanted));
            // Unverified: the text.
            return Err(if inherited {
                refusal::invalid("Cannot remove an inherited permission.")
            } else {
                refusal::not_found()
            });
        }
        drive.update(id, |item| {
            item.permissions.retain(|it| it.id != wanted);
            item.version += 1;
        });
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn roles(value: Option<&Value>) -> Result<Vec<String>, GraphError> {
    let given: Vec<&str> = value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let known = |it: &&str| matches!(*it, "read" | "write" | "owner");
    if given.is_empty() || !given.iter().all(known) {
        // Unverified: the text.
        return Err(refusal::invalid(
            "The roles must be some of read, write and owner.",
        ));
    }
    Ok(given.into_iter().map(str::to_owned).collect())
}

/// Gives people a right.
pub(super) fn invite(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let body = call.json()?;
    let roles = roles(body.get("roles"))?;
    let expires = end(call, &body)?;
    let sends = body.get("sendInvitation") == Some(&json!(true));
    let people = recipients(call, body.get("recipients"), sends)?;
    if people.is_empty() {
        return Err(refusal::nobody());
    }
    let given = people.into_iter().map(|it| {
        let roles = roles.clone();
        let permission = match it {
            Recipient::Own(user, name) => Permission::new(login_id(&name), roles, vec![user]),
            Recipient::Outsider(address) => Permission {
                id: login_id(&format!("urn:spo:guest#{address}")),
                outsider: Some(address),
                ..Permission::new(String::new(), roles, Vec::new())
            },
        };
        Permission {
            expires,
            ..permission
        }
    });
    let given: Vec<Permission> = given.collect();
    let new = given.clone();
    found.write(call, |drive| {
        drive.get(id).ok_or_else(refusal::not_found)?;
        drive.update(id, |item| {
            item.permissions
                .retain(|it| !new.iter().any(|new| new.id == it.id));
            item.permissions.extend(new);
            item.version += 1;
        });
        Ok(())
    })?;
    let values = list::whole(call, &found.drive, |style, _| {
        let all = given.iter().map(|it| permission_of(style, it, false));
        Some(all.map(Value::Object).collect::<Vec<Value>>())
    })?;
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.permission)",
        call.root()
    );
    Ok(Reply::json(
        StatusCode::OK,
        json!({"@odata.context": context, "value": values}),
    ))
}

/// Who gets a right.
enum Recipient {
    /// Somebody of the tenant, with the sign-in name.
    Own(ObjectId, String),
    /// Somebody else, by an address.
    Outsider(String),
}

/// Who is named. People of other organizations are reached by an invitation alone.
/// Unverified: that the service refuses them without one as it does people that are not there.
fn recipients(
    call: &Call<'_>,
    value: Option<&Value>,
    sends: bool,
) -> Result<Vec<Recipient>, GraphError> {
    let all = value.and_then(Value::as_array).into_iter().flatten();
    all.map(|it| {
        let text = |name: &str| it.get(name).and_then(Value::as_str);
        let name = text("email")
            .or_else(|| text("objectId"))
            .or_else(|| text("alias"))
            .ok_or_else(refusal::nobody)?;
        call.tenant
            .read(|directory| {
                if let Some(user) = directory.user_by_id_or_name(name) {
                    let upn = user.user_principal_name.to_string();
                    return Some(Recipient::Own(user.id, upn));
                }
                let (before, domain) = text("email")?.rsplit_once('@')?;
                let own = |it: &String| it.eq_ignore_ascii_case(domain);
                let outside = !before.is_empty()
                    && domain.contains('.')
                    && !directory.domains.iter().any(own);
                (sends && outside).then(|| Recipient::Outsider(name.to_lowercase()))
            })
            .ok_or_else(refusal::nobody)
    })
    .collect()
}

/// When a right ends, as a client says it. Unverified: the texts.
fn end(call: &Call<'_>, body: &Properties) -> Result<Option<Timestamp>, GraphError> {
    let Some(text) = text_of(body, "expirationDateTime") else {
        return Ok(None);
    };
    let end: Timestamp = text
        .parse()
        .map_err(|_| refusal::invalid("The expirationDateTime is no moment."))?;
    if end <= call.now {
        return Err(refusal::invalid(
            "The expirationDateTime must be in the future.",
        ));
    }
    Ok(Some(end))
}

/// A text of a body; one that is empty says nothing.
fn text_of<'b>(body: &'b Properties, name: &str) -> Option<&'b str> {
    let text = body.get(name).and_then(Value::as_str);
    text.filter(|it| !it.is_empty())
}

/// Makes a link, or finds the same one.
pub(super) fn link(call: &Call<'_>, found: &Found) -> Result<Reply, GraphError> {
    let id = found.there()?;
    let body = call.json()?;
    let text = |name: &str| text_of(&body, name);
    let kind = text("type").unwrap_or("view");
    // Unverified: the texts. `embed` is of personal drives alone.
    if !matches!(kind, "view" | "edit" | "review") {
        return Err(refusal::invalid(&format!(
            "The link type '{kind}' is not supported."
        )));
    }
    let scope = text("scope").unwrap_or("organization");
    if !matches!(scope, "anonymous" | "organization" | "users") {
        return Err(refusal::invalid(&format!(
            "The link scope '{scope}' is not supported."
        )));
    }
    let expires = end(call, &body)?;
    let people = recipients(call, body.get("recipients"), false)?;
    let people = people.into_iter().filter_map(|it| match it {
        Recipient::Own(user, _) => Some(user),
        Recipient::Outsider(_) => None,
    });
    let people: Vec<ObjectId> = people.collect();
    let has_password = text("password").is_some();
    let seed = call.world.random.uuid();
    let role = if kind == "view" { "read" } else { "write" };
    let (permission, is_new, location) = found.write(call, |drive| {
        let item = drive.get(id).ok_or_else(refusal::not_found)?;
        if item.is_root() {
            // Source: OneDrive/onedrive-api-docs#1631. Unverified: the status.
            return Err(GraphError::new(
                StatusCode::NOT_IMPLEMENTED,
                "notSupported",
                "The operation failed because the object does not support sharing.",
            )
            .with_inner("objectNotSupported"));
        }
        let same = |it: &&Permission| {
            it.link.as_ref().is_some_and(|link| {
                link.kind == kind
                    && link.scope == scope
                    && link.expires == expires
                    && link.has_password == has_password
                    && scope != "users"
            })
        };
        let place = drive.place.clone();
        let location = |permission: &str, drive: &Drive| {
            format!(
                "https://{}/_api/v2.0/sites('{}')/drives('{}')/items('{}')/permissions('{}')",
                place.host,
                place.collection,
                drive.id,
                drive.id_of(id),
                permission,
            )
        };
        if let Some(there) = item.permissions.iter().find(same) {
            return Ok((there.clone(), false, String::new()));
        }
        let roles = vec![role.to_owned()];
        let permission = Permission {
            link: Some(Link {
                kind: kind.to_owned(),
                scope: scope.to_owned(),
                url: link_url(drive, item, seed),
                has_password,
                expires,
            }),
            ..Permission::new(seed.to_string(), roles, people.clone())
        };
        let new = permission.clone();
        drive.update(id, |item| {
            item.permissions.push(new);
            item.version += 1;
        });
        let location = location(&permission.id, drive);
        Ok((permission, true, location))
    })?;
    let document = list::whole(call, &found.drive, |style, _| {
        Some(permission_of(style, &permission, false))
    })?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let mut reply = permission_reply(call, status, document);
    let location = if is_new {
        location
    } else {
        call.origin.to_owned()
    };
    reply.headers.push((header::LOCATION, location));
    if call.version == "beta" {
        // Source: recordings of pnp/pnpcore (2024); the service names its own test host.
        let notice = "<https://developer.microsoft-tst.com/en-us/graph/changes?$filterby=beta,\
                      Removal&from=2021-09-01&to=2021-10-01>;rel=\"deprecation\";type=\"text/html\"";
        let link = format!("{notice},{notice}");
        reply.headers.push((header::LINK, link));
        let since = "Fri, 03 Sep 2021 23:59:59 GMT".to_owned();
        let deprecation = header::HeaderName::from_static("deprecation");
        reply.headers.push((deprecation, since));
    }
    Ok(reply)
}

/// The address of a link. Source: recordings of pnp/pnpcore and NangoHQ/integration-templates,
/// whose tokens decode to the item's GUID between a mark and random bytes.
fn link_url(drive: &Drive, item: &Item, seed: Uuid) -> String {
    let ending = item.name.rsplit_once('.').map_or("", |(_, it)| it);
    let kind = match ending.to_ascii_lowercase().as_str() {
        _ if !item.is_file() => "f",
        "doc" | "docx" => "w",
        "xls" | "xlsx" => "x",
        "ppt" | "pptx" => "p",
        "pdf" => "b",
        "txt" | "csv" | "md" | "log" | "json" => "t",
        "jpg" | "jpeg" | "png" | "gif" => "i",
        "mp4" | "mov" | "avi" => "v",
        _ => "u",
    };
    let mut bytes = vec![if item.is_file() { 0x21 } else { 0x22 }, 0];
    bytes.extend_from_slice(&item.id.to_bytes_le());
    bytes.push(1);
    bytes.extend_from_slice(seed.as_bytes());
    let site = drive.place.site.trim_start_matches('/');
    let (way, name) = match site.split_once('/') {
        Some(("sites", name)) => ("s", format!("{name}/")),
        Some(("personal", name)) => ("g", format!("personal/{name}/")),
        _ => ("g", String::new()),
    };
    let token = URL_SAFE_NO_PAD.encode(bytes);
    format!("https://{}/:{kind}:/{way}/{name}{token}", drive.place.host)
}
