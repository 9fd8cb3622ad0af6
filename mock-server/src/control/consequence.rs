//! What an event led to: in the directory, and for those who are signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::authority::verdict;
use crate::directory::{
    Application, ApplicationId, Did, Directory, Event, EventError, EventReference, ObjectId,
    PasswordResetBy, TenantId, UserKind,
};
use crate::token::{ClientClass, RefreshToken};
use crate::world::{Tenant, World};

/// What an event led to.
#[derive(JsonSchema, Serialize)]
pub(super) struct Consequence {
    /// The name of the event.
    event: String,
    /// Where it happened.
    tenant: TenantId,
    /// Whether anything is different now.
    changed: bool,
    /// What changed, or why nothing did.
    did: String,
    /// The connections that it concerns: sign-ins with a refresh token, by user and app.
    connections: Vec<Concerned>,
    /// All of it, in lines for people.
    lines: Vec<String>,
}

/// Connections of a user with an app, with what a refresh meets.
#[derive(JsonSchema, Serialize)]
struct Concerned {
    /// The sign-in name.
    user: String,
    /// The alias of the app, or its client id.
    app: String,
    /// How many they are.
    count: usize,
    /// The AADSTS code that a refresh met before; none where it was good.
    before: Option<u32>,
    /// The AADSTS code that a refresh meets now; none where it is good.
    now: Option<u32>,
    /// Why nothing changed for them, where it can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// Lets an event happen, and looks what it led to.
pub(super) fn of_event(
    world: &World,
    tenant: &Arc<Tenant>,
    event: &Event,
) -> Result<Consequence, EventError> {
    let named = Named::of(event, tenant);
    let before: Vec<(RefreshToken, Option<u32>)> = places(world, tenant, &named)
        .iter()
        .flat_map(|it| it.connections.all())
        .map(|token| {
            let met = met(world, &token);
            (token, met)
        })
        .collect();
    let did = world.apply(tenant, event)?;
    let reaches = EventReference::find(&event.name()).is_some_and(|it| it.connections);
    let mut groups: BTreeMap<Key, usize> = BTreeMap::new();
    for (token, before) in &before {
        let now = met(world, token);
        if *before != now || reaches && named.concerns(token) {
            let (user, app) = names(world, token);
            let why = (*before == now)
                .then(|| why(event, token, tenant))
                .flatten();
            *groups.entry((user, app, *before, now, why)).or_default() += 1;
        }
    }
    let connections: Vec<Concerned> = groups
        .into_iter()
        .map(|((user, app, before, now, why), count)| Concerned {
            user,
            app,
            count,
            before,
            now,
            why,
        })
        .collect();
    let (changed, did) = match did {
        Did::Changed(what) => (true, what),
        Did::Nothing(why) => (false, why),
    };
    Ok(Consequence {
        event: event.name(),
        tenant: tenant.id,
        changed,
        lines: lines(&connections, (changed, &did), reaches, &named),
        did,
        connections,
    })
}

type Key = (
    String,
    String,
    Option<u32>,
    Option<u32>,
    Option<&'static str>,
);

/// Whom and what an event names.
struct Named {
    user: Option<ObjectId>,
    app: Option<ApplicationId>,
    /// The app is registered in the tenant: sign-ins in other tenants depend on it.
    at_home: bool,
}

impl Named {
    fn of(event: &Event, tenant: &Tenant) -> Self {
        let value = serde_json::to_value(event).unwrap_or_default();
        let fields = &value[event.name()];
        tenant.read(|directory| {
            let user = fields["user"].as_str();
            let app = fields["app"].as_str();
            let app = app.and_then(|it| directory.app_id(it).ok());
            Self {
                user: user.and_then(|it| directory.user_id(it).ok()),
                app,
                at_home: app.is_some_and(|it| directory.applications.contains_key(&it)),
            }
        })
    }

    fn concerns(&self, token: &RefreshToken) -> bool {
        let sign_in = &token.sign_in;
        self.user.is_none_or(|it| it == sign_in.user)
            && self.app.is_none_or(|it| it == sign_in.client)
    }
}

/// The tenants whose connections may change.
fn places(world: &World, tenant: &Arc<Tenant>, named: &Named) -> Vec<Arc<Tenant>> {
    let mut all = vec![Arc::clone(tenant)];
    let is_elsewhere = |it: &Arc<Tenant>| {
        it.environment.cloud() == tenant.environment.cloud()
            && it.id != tenant.id
            && named
                .app
                .is_some_and(|app| it.read(|it| it.service_principal(app).is_some()))
    };
    if named.at_home {
        all.extend(world.tenants().into_iter().filter(is_elsewhere));
    }
    all
}

/// What a refresh meets: the client's credential first, as at the token endpoint.
fn met(world: &World, token: &RefreshToken) -> Option<u32> {
    let refused = verdict::refresh_token(world, token)
        .err()
        .map(|it| it.aadsts);
    if token.sign_in.client_class != ClientClass::Confidential {
        return refused;
    }
    let tenant = world.tenant_anywhere(token.sign_in.tenant)?;
    let found = world.application(tenant.environment.cloud(), token.sign_in.client);
    match found {
        Some((home, app)) => without_credential(&app, home.now()).or(refused),
        None => refused,
    }
}

/// The code that follows where an app has no credential that is good.
fn without_credential(app: &Application, now: Timestamp) -> Option<u32> {
    let secret = app.secrets.iter().any(|it| it.start <= now && now < it.end);
    let certificate = app
        .certificates
        .iter()
        .any(|it| it.start <= now && now < it.end);
    if secret || certificate || !app.federated_credentials.is_empty() {
        None
    } else if !app.certificates.is_empty() {
        Some(700027)
    } else if !app.secrets.is_empty() {
        Some(7000222)
    } else {
        Some(7000215)
    }
}

/// Why an event leaves a connection as it is.
fn why(event: &Event, token: &RefreshToken, tenant: &Tenant) -> Option<&'static str> {
    let sign_in = &token.sign_in;
    let confidential = sign_in.client_class == ClientClass::Confidential;
    let guest = || {
        let is_guest = |it: &Directory| {
            let user = it.users.get(&sign_in.user);
            user.is_some_and(|it| matches!(it.kind, UserKind::Guest { .. }))
        };
        tenant.read(is_guest)
    };
    match event {
        Event::ChangePassword { .. }
        | Event::ResetPassword { .. }
        | Event::RevokeSessions { .. }
            if guest() =>
        {
            Some("a guest's sessions end at home")
        }
        Event::ChangePassword { .. } => Some(if confidential {
            "confidential client"
        } else {
            "signed in without the password"
        }),
        Event::ResetPassword { by, .. } if *by != PasswordResetBy::AdminCenter => {
            Some(if confidential {
                "confidential client; by: admin-center ends it"
            } else {
                "signed in without the password"
            })
        }
        Event::SingleSignOut { .. } => Some("tokens outlive the browser's session"),
        Event::DisableDevice { .. } => Some(if confidential {
            "confidential client"
        } else {
            "signed in at no compliant device"
        }),
        Event::SetSignInFrequency {
            second_factor: false,
            ..
        } if confidential => Some("confidential client, until its next interactive sign-in"),
        Event::ExpireSecret { .. }
        | Event::RemoveSecret { .. }
        | Event::ExpireCertificate { .. }
        | Event::RemoveCertificate { .. } => Some(if confidential {
            "another credential is good"
        } else {
            "public client"
        }),
        _ => None,
    }
}

/// The user and the app of a connection, by the names that people use.
fn names(world: &World, token: &RefreshToken) -> (String, String) {
    let sign_in = &token.sign_in;
    let Some(tenant) = world.tenant_anywhere(sign_in.tenant) else {
        return (sign_in.user.to_string(), sign_in.client.to_string());
    };
    let user = tenant.read(|it| {
        let user = it.users.get(&sign_in.user);
        user.map(|it| it.user_principal_name.to_string())
    });
    let app = world.application(tenant.environment.cloud(), sign_in.client);
    (
        user.unwrap_or_else(|| sign_in.user.to_string()),
        app.map_or_else(|| sign_in.client.to_string(), |(_, it)| it.alias.clone()),
    )
}

fn lines(
    connections: &[Concerned],
    (changed, did): (bool, &str),
    reaches: bool,
    named: &Named,
) -> Vec<String> {
    let mut lines = vec![if changed {
        did.to_owned()
    } else {
        format!("nothing changed: {did}")
    }];
    let mut users: Vec<&str> = connections.iter().map(|it| it.user.as_str()).collect();
    users.dedup();
    for user in users.iter().take(LISTED) {
        let of_user = connections.iter().filter(|it| it.user == **user);
        let parts: Vec<String> = of_user.map(Concerned::text).collect();
        lines.push(format!("{user}: {}", parts.join(", ")));
    }
    if users.len() > LISTED {
        lines.push(format!("and {} more users", users.len() - LISTED));
    }
    if users.is_empty() && reaches && changed && named.user.is_some() {
        lines.push("no connection yet: nobody concerned holds a refresh token".to_owned());
    }
    lines
}

impl Concerned {
    fn text(&self) -> String {
        let Self { count, app, .. } = self;
        let noun = if *count == 1 {
            "connection"
        } else {
            "connections"
        };
        match (self.before, self.now) {
            (before, Some(now)) if before != Some(now) => {
                format!("{count} {noun} now AADSTS{now} ({app})")
            }
            (Some(_), Some(now)) => format!("{count} still AADSTS{now} ({app})"),
            (Some(_), None) => format!("{count} {noun} good again ({app})"),
            _ => match self.why {
                Some(why) => format!("{count} unaffected ({app}: {why})"),
                None => format!("{count} unaffected ({app})"),
            },
        }
    }
}

/// So many users are listed one by one.
const LISTED: usize = 20;
