//! Users, and the OpenID Connect user info.

mod activity;
pub(super) mod deleted;
pub(super) mod manager;
pub(super) mod passwords;
pub(super) mod write;

use serde_json::{Map, Value, json};

use super::access::Actor;
use super::bearer::Caller;
use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing};
use super::error::GraphError;
use super::generic::membership;
use crate::directory::{Directory, User, UserKind};
use crate::mailbox::Properties;
use crate::token::pairwise_subject;

/// `GET /me` and `/users/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?;
    let found = call.tenant.read(|directory| {
        let user = directory.user(target.user)?;
        Some(document(directory, user))
    });
    let found = found.ok_or_else(|| GraphError::resource_not_found(&target.key))?;
    let mut found = [found];
    activity::attach(call, &mut found)?;
    let [found] = found;
    call.entity("users", "user", found)
}

/// `GET /users`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::list(call, &listing(), &Documents(all(call)?))
}

/// `GET /users/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    collection::count(call, &listing(), &Documents(all(call)?))
}

/// The users of the tenant. The directory is left before anything else is asked of it.
fn all(call: &Call<'_>) -> Result<Vec<Properties>, GraphError> {
    let mut all = everybody(call);
    activity::attach(call, &mut all)?;
    Ok(all)
}

/// `GET …/ownedObjects`: registrations, service principals and groups.
pub(super) fn owned_objects(call: &Call<'_>) -> Result<Reply, GraphError> {
    let of = format!("users/{}", call.target()?.user);
    let items = membership::related(call, &of, "ownedObjects");
    let listing = Listing::of("directoryObject", "directoryObjects");
    collection::list(call, &listing, &Documents(items))
}

/// The documents of all people of the tenant.
pub(super) fn everybody(call: &Call<'_>) -> Vec<Properties> {
    call.tenant.read(|directory| {
        let all = directory.users.values().filter(|it| it.deleted.is_none());
        all.map(|it| document(directory, it)).collect()
    })
}

/// `GET …/memberOf` and `…/transitiveMemberOf`, by the name of the navigation.
pub(super) fn member_of(call: &Call<'_>, navigation: &str) -> Result<Reply, GraphError> {
    let user = format!("users/{}", call.target()?.user);
    let groups = membership::related(call, &user, navigation);
    let listing = Listing::of("directoryObject", "directoryObjects");
    collection::list(call, &listing, &Documents(groups))
}

/// `GET /oidc/userinfo`: names for `profile`, the address for `email`.
///
/// Source: learn.microsoft.com/entra/identity-platform/userinfo. Unverified: that the picture comes
/// with `profile`, and that what a person has not is left out.
pub(super) fn user_info(caller: &Caller) -> Result<Reply, GraphError> {
    let Actor::User(user, _) = &caller.actor else {
        return Err(GraphError::directory_denied());
    };
    if !caller.actor.holds("openid") {
        return Err(GraphError::directory_denied());
    }
    caller.tenant.read(|directory| {
        let user = directory
            .user(*user)
            .ok_or_else(GraphError::identity_not_found)?;
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        put(
            "sub",
            json!(pairwise_subject(directory.id, user.id, caller.client)),
        );
        if caller.actor.holds("profile") {
            put("name", json!(user.display_name));
            let names = [
                ("family_name", &user.surname),
                ("given_name", &user.given_name),
            ];
            for (name, value) in names {
                if !value.is_empty() {
                    put(name, json!(value));
                }
            }
            let graph = directory.environment.graph_root();
            put("picture", json!(format!("{graph}/v1.0/me/photo/$value")));
        }
        if let (Some(mail), true) = (user.mail(), caller.actor.holds("email")) {
            put("email", json!(mail));
        }
        Ok(Reply::raw(
            "application/json;charset=utf-8",
            Value::Object(claims).to_string().into_bytes(),
        ))
    })
}

fn listing() -> Listing<'static> {
    Listing {
        of: "user",
        set: "users".to_owned(),
        page: 100,
        most: 999,
        searched: &[
            "displayName",
            "mail",
            "userPrincipalName",
            "givenName",
            "surname",
        ],
        aliases: &[],
    }
}

fn document(directory: &Directory, user: &User) -> Properties {
    let upn = user.user_principal_name.as_str();
    let mail = user.mail();
    let text = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            json!(text)
        }
    };
    let (kind, external) = match user.kind {
        UserKind::Guest { .. } => ("Guest", json!("Accepted")),
        UserKind::Member => ("Member", Value::Null),
    };
    let plans = match mail {
        Some(_) => json!([{
            "assignedDateTime": crate::mailbox::seconds(user.created),
            "capabilityStatus": "Enabled",
            "service": "exchange",
            // Exchange Online (plan 2).
            "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
        }]),
        None => json!([]),
    };
    let licences = if user.is_licensed() {
        json!([{"disabledPlans": [], "skuId": write::MAILBOX_SKU}])
    } else {
        json!([])
    };
    let value = json!({
        "businessPhones": [],
        "displayName": user.display_name,
        "givenName": text(&user.given_name),
        "jobTitle": user.job_title,
        "mail": mail,
        "mobilePhone": null,
        "officeLocation": user.office_location,
        "preferredLanguage": null,
        "surname": text(&user.surname),
        "userPrincipalName": upn,
        "id": user.id,
        "accountEnabled": user.enabled,
        "assignedLicenses": licences,
        "assignedPlans": plans,
        "city": null,
        "companyName": null,
        "country": null,
        "createdDateTime": crate::mailbox::seconds(user.created),
        "creationType": external.is_string().then_some("Invitation"),
        "deletedDateTime": user.deleted.map(crate::mailbox::seconds),
        "department": null,
        "employeeId": null,
        "externalUserState": external,
        "identities": [{
            "signInType": "userPrincipalName",
            "issuer": directory.domain(),
            "issuerAssignedId": upn,
        }],
        "imAddresses": mail.into_iter().collect::<Vec<_>>(),
        "lastPasswordChangeDateTime": crate::mailbox::seconds(user.last_password_change()),
        "mailNickname": user.user_principal_name.local_part(),
        "onPremisesSyncEnabled": null,
        "onPremisesImmutableId": null,
        "otherMails": [],
        "postalCode": null,
        "proxyAddresses": mail.map(|it| format!("SMTP:{it}")).into_iter().collect::<Vec<_>>(),
        "signInSessionsValidFromDateTime": crate::mailbox::seconds(user.sessions_valid_from()),
        "state": null,
        "streetAddress": null,
        "usageLocation": null,
        "userType": kind,
    });
    let Value::Object(mut map) = value else {
        return Properties::new();
    };
    map.extend(user.profile.clone());
    map
}
