//! Users, and the OpenID Connect user info.

pub(super) mod deleted;
pub(super) mod passwords;
pub(super) mod write;

use serde_json::{Map, Value, json};

use super::access::Actor;
use super::bearer::Caller;
use super::call::{Call, Reply};
use super::collection::{self, Documents, Listing, Source};
use super::error::GraphError;
use super::generic::membership;
use super::odata::parser::{Comparison, Expression, Function, Operand};
use crate::directory::{Directory, User, UserKind};
use crate::mailbox::Properties;
use crate::token::pairwise_subject;

/// `GET /me` and `/users/{id}`.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, GraphError> {
    let target = call.target()?;
    call.tenant.read(|directory| {
        let user = directory
            .user(target.user)
            .ok_or_else(|| GraphError::resource_not_found(&target.key))?;
        if let Some(expand) = call.query.expand.first() {
            let what = format!("$expand={}", expand.name);
            return Err(GraphError::expand_not_supported(&expand.name).not_in_the_mock(what));
        }
        call.entity("users", "user", document(directory, user))
    })
}

/// `GET /users`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, GraphError> {
    advanced(call)?;
    if call.query.skip > 0 {
        // Source: learn.microsoft.com/graph/query-parameters: not for directory objects.
        return Err(GraphError::directory_request(
            "'$skip' is not supported by the service.",
        ));
    }
    call.tenant
        .read(|directory| collection::list(call, &listing(), &Users::of(directory)))
}

/// `GET /users/$count`.
pub(super) fn count(call: &Call<'_>) -> Result<Reply, GraphError> {
    if !eventual(call) {
        return Err(GraphError::directory_request(
            "$count is not currently supported.",
        ));
    }
    call.tenant
        .read(|directory| collection::count(call, &listing(), &Users::of(directory)))
}

/// `GET …/manager`.
pub(super) fn manager(call: &Call<'_>) -> Result<Reply, GraphError> {
    let user = call.target()?.user;
    let manager = membership::manager(call, &user.to_string())
        .ok_or_else(|| GraphError::resource_not_found(&format!("manager of {user}")))?;
    call.entity("directoryObjects", "directoryObject", manager)
}

/// `GET …/memberOf`.
pub(super) fn member_of(call: &Call<'_>) -> Result<Reply, GraphError> {
    let groups = membership::member_of(call, &call.target()?.user.to_string());
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

struct Users<'a> {
    directory: &'a Directory,
    items: Vec<&'a User>,
}

impl<'a> Users<'a> {
    fn of(directory: &'a Directory) -> Self {
        let items = directory
            .users
            .values()
            .filter(|user| user.deleted.is_none())
            .collect();
        Self { directory, items }
    }
}

impl<'a> Source for Users<'a> {
    type Item = &'a User;

    fn items(&self) -> &[&'a User] {
        &self.items
    }

    fn render(&self, user: &&'a User) -> Properties {
        document(self.directory, user)
    }
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

/// Queries that the directory answers only with `ConsistencyLevel: eventual`.
/// Source: learn.microsoft.com/graph/aad-advanced-queries.
fn advanced(call: &Call<'_>) -> Result<(), GraphError> {
    let query = &call.query;
    if query.search.is_some() && !eventual(call) {
        return Err(GraphError::unsupported_query(
            "Request with $search query parameter only works through MSGraph with a special \
             request header: 'ConsistencyLevel: eventual'",
        ));
    }
    let needed = query
        .filter
        .as_ref()
        .is_some_and(|filter| needs_advanced(filter) || !query.order.is_empty());
    let given = eventual(call) && query.count;
    if needed && !given || query.count && !eventual(call) && query.filter.is_some() {
        return Err(GraphError::unsupported_query("Unsupported Query."));
    }
    if query.search.is_some() {
        let wrong = query
            .search
            .iter()
            .flat_map(super::odata::search::Search::properties)
            .find(|name| super::schema::member(call.cloud(), "user", name).is_none());
        if let Some(name) = wrong {
            return Err(GraphError::unknown_property(name, "user"));
        }
    }
    Ok(())
}

fn needs_advanced(filter: &Expression) -> bool {
    match filter {
        Expression::And(left, right) | Expression::Or(left, right) => {
            needs_advanced(left) || needs_advanced(right)
        }
        Expression::Not(_) | Expression::Compare(_, Comparison::NotEqual, _) => true,
        Expression::Call(function, left, _) => {
            *function == Function::EndsWith
                || *function == Function::Contains && {
                    matches!(left, Operand::Path(_) | Operand::Folded(_))
                }
        }
        Expression::Lambda { body, .. } => body.as_ref().is_some_and(|body| needs_advanced(body)),
        Expression::Compare(..) | Expression::In(..) | Expression::Truth(_) => false,
    }
}

fn eventual(call: &Call<'_>) -> bool {
    call.header("consistencylevel")
        .eq_ignore_ascii_case("eventual")
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
        "preferredLanguage": "en-US",
        "surname": text(&user.surname),
        "userPrincipalName": upn,
        "id": user.id,
        "accountEnabled": user.enabled,
        "assignedLicenses": licences,
        "assignedPlans": plans,
        "city": null,
        "companyName": directory.display_name,
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
        "usageLocation": directory.country,
        "userType": kind,
    });
    let Value::Object(mut map) = value else {
        return Properties::new();
    };
    map.extend(user.profile.clone());
    map
}
