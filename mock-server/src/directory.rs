//! A tenant's directory: users, app registrations, service principals, consent, policies.
//!
//! What can happen in a tenant is an [`Event`], a value that the control API, Graph, the pages,
//! scenarios and the library share. Where no event exists, Graph and the pages write themselves. Both
//! write through the tenant, and whatever they change is in the [`ChangeLog`].

mod administration;
mod application;
mod changes;
mod event;
mod grant;
mod id;
mod objects;
mod policy;
mod role;
mod user;

use std::collections::BTreeSet;
use std::net::IpAddr;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use application::{
    Application, ExposedApi, ExposedRole, ExposedScope, FederatedCredential, KeyCredential,
    PasswordCredential, Platform, Publisher, RedirectUri, RequiredResourceAccess, ServicePrincipal,
    SignInAudience,
};
pub use changes::{Change, ChangeAction, ChangeLog, ChangedKind, Forgotten};
pub use event::{
    Applied, Did, Event, EventError, EventParameter, EventReference, ParameterKind,
    PasswordResetBy, RevokedBy, Then,
};
pub use grant::{
    AppRoleAssignment, ConsentRequest, ConsentRequestStatus, ConsentType, PermissionGrant, Review,
};
pub use id::{ApplicationId, ObjectId, TenantId, UserPrincipalName};
pub use objects::{Objects, Watched};
pub use policy::{
    AdminConsentRequests, ConditionalAccessPolicy, Demand, HighRisk, Networks, Policies,
    PolicyState, Switches, UserConsent, Variation,
};
pub(crate) use role::RoleTemplate;
pub use user::{
    DirectoryRole, Mailbox, MailboxKind, MailboxRight, Revocation, RevocationCause, Risk, User,
    UserKind,
};

use crate::environment::Environment;

/// The directory of one tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The tenant's id.
    pub id: TenantId,
    /// The environment in which the tenant lives.
    pub environment: Environment,
    /// The organization's name.
    pub display_name: String,
    /// Verified domains; the first is the initial one.
    pub domains: Vec<String>,
    /// Two-letter country code.
    pub country: String,
    /// When the tenant was made.
    pub created: Timestamp,
    /// The tenant is blocked by Microsoft.
    #[serde(default)]
    pub blocked: bool,
    /// The tenant is deleted.
    #[serde(default)]
    pub deleted: bool,
    /// Users by object id, deleted ones included (they can be restored).
    #[serde(default)]
    pub users: Objects<ObjectId, User>,
    /// App registrations of which this is the home tenant.
    #[serde(default)]
    pub applications: Objects<ApplicationId, Application>,
    /// Apps that exist in this tenant.
    #[serde(default)]
    pub service_principals: Objects<ApplicationId, ServicePrincipal>,
    /// Delegated permission grants.
    #[serde(default)]
    pub grants: Watched<Vec<PermissionGrant>>,
    /// Application permissions granted.
    #[serde(default)]
    pub app_role_assignments: Watched<Vec<AppRoleAssignment>>,
    /// Consent requests, oldest first.
    #[serde(default)]
    pub consent_requests: Watched<Vec<ConsentRequest>>,
    /// Tenant-wide settings.
    #[serde(default)]
    pub policies: Watched<Policies>,
    /// Switches for disputed or optional behaviour.
    #[serde(default)]
    pub switches: Switches,
    /// How often the signing key was rotated; selects the key of the cloud's key ring.
    #[serde(default)]
    pub key_generation: u32,
    /// Access tokens issued before this moment count as expired at Graph (`expire-access-tokens`).
    #[serde(default)]
    pub access_tokens_expired: Vec<AccessTokensEnded>,
    /// Access tokens issued before this moment are challenged where the client can handle it
    /// (`revoke-access-tokens`, continuous access evaluation).
    #[serde(default)]
    pub access_tokens_revoked: Vec<AccessTokensEnded>,
    /// The moment of the last event ([`Directory::moment`]).
    #[serde(default)]
    pub last_event: Option<Timestamp>,
    /// Refresh token families that were revoked one by one, until they would have expired.
    #[serde(default)]
    pub revoked_families: IndexMap<Uuid, Timestamp>,
    /// Users' permissions per mailbox are in [`Mailbox::delegates`]; this is the set of terms of
    /// use acceptances.
    #[serde(default)]
    pub accepted_terms: BTreeSet<ObjectId>,
    /// The address from which all clients come, instead of the connection's.
    #[serde(default)]
    pub client_address: Option<IpAddr>,
    /// What changed while the mock ran.
    #[serde(skip)]
    pub changes: ChangeLog,
}

/// The moment before which access tokens ended, for a user or an app or (both absent) everybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AccessTokensEnded {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub user: Option<ObjectId>,
    /// Which client's.
    pub app: Option<ApplicationId>,
}

impl AccessTokensEnded {
    /// Whether a token of this user and client, issued then, has ended.
    pub fn covers(&self, user: Option<ObjectId>, app: ApplicationId, issued: Timestamp) -> bool {
        issued <= self.at
            && self.user.is_none_or(|it| user == Some(it))
            && self.app.is_none_or(|it| it == app)
    }
}

impl Directory {
    /// The moment that counts for something that happens now: it lies after every event so far,
    /// also where the clock stands still or was set back. So a sign-in after a revocation is
    /// never taken for one before it.
    pub fn moment(&self, now: Timestamp) -> Timestamp {
        let next = self.last_event.and_then(|at| at.checked_add(TICK).ok());
        next.map_or(now, |next| next.max(now))
    }

    /// An empty directory.
    pub fn new(
        id: TenantId,
        environment: Environment,
        display_name: impl Into<String>,
        domain: impl Into<String>,
        created: Timestamp,
    ) -> Self {
        Self {
            id,
            environment,
            display_name: display_name.into(),
            domains: vec![domain.into()],
            country: "US".to_owned(),
            created,
            blocked: false,
            deleted: false,
            users: Objects::default(),
            applications: Objects::default(),
            service_principals: Objects::default(),
            grants: Watched::default(),
            app_role_assignments: Watched::default(),
            consent_requests: Watched::default(),
            policies: Watched::default(),
            switches: Switches::default(),
            key_generation: 0,
            access_tokens_expired: Vec::new(),
            access_tokens_revoked: Vec::new(),
            last_event: None,
            revoked_families: IndexMap::new(),
            accepted_terms: BTreeSet::new(),
            client_address: None,
            changes: ChangeLog::default(),
        }
    }

    /// The initial domain, such as `contoso.onmicrosoft.com`.
    pub fn domain(&self) -> &str {
        self.domains.first().map_or("", String::as_str)
    }

    /// Whether a domain belongs to the tenant.
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains
            .iter()
            .any(|it| it.eq_ignore_ascii_case(domain))
    }

    /// What nobody is to read elsewhere: passwords of people, and secrets of apps.
    pub fn secrets(&self) -> impl Iterator<Item = &str> + Clone {
        let passwords = self.users.values().map(|it| it.password.as_str());
        let secrets = self.applications.values().flat_map(|it| &it.secrets);
        passwords.chain(secrets.map(|it| it.secret.as_str()))
    }

    /// The user with this object id, unless deleted.
    pub fn user(&self, id: ObjectId) -> Option<&User> {
        self.users.get(&id).filter(|user| user.deleted.is_none())
    }

    /// The user with this sign-in name, unless deleted.
    pub fn user_by_name(&self, name: &str) -> Option<&User> {
        let name = UserPrincipalName::new(name);
        self.users
            .values()
            .find(|user| user.deleted.is_none() && user.user_principal_name == name)
    }

    /// The user meant by an object id or a sign-in name, unless deleted.
    pub fn user_by_id_or_name(&self, text: &str) -> Option<&User> {
        match text.parse::<ObjectId>() {
            Ok(id) => self.user(id),
            Err(_) => self.user_by_name(text),
        }
    }

    /// The user that an alias, an object id or a sign-in name means, deleted ones included.
    pub fn find_user(&self, text: &str) -> Option<&User> {
        let name = UserPrincipalName::new(text);
        self.users
            .values()
            .find(|user| user.alias == text)
            .or_else(|| match text.parse::<ObjectId>() {
                Ok(id) => self.users.get(&id),
                Err(_) => self
                    .users
                    .values()
                    .find(|user| user.user_principal_name == name),
            })
    }

    /// The service principal of an app in this tenant.
    pub fn service_principal(&self, app: ApplicationId) -> Option<&ServicePrincipal> {
        self.service_principals.get(&app)
    }

    /// The delegated permissions of a resource that a client holds for a user.
    pub fn granted_scopes(
        &self,
        client: ApplicationId,
        user: ObjectId,
        resource: ApplicationId,
    ) -> BTreeSet<String> {
        self.grants
            .iter()
            .filter(|grant| {
                grant.client == client && grant.resource == resource && grant.consent.covers(user)
            })
            .flat_map(|grant| grant.scopes.iter().cloned())
            .collect()
    }

    /// The application permissions of a resource that a client holds.
    pub fn granted_roles(
        &self,
        client: ApplicationId,
        resource: ApplicationId,
    ) -> BTreeSet<String> {
        self.app_role_assignments
            .iter()
            .filter(|assignment| assignment.client == client && assignment.resource == resource)
            .map(|assignment| assignment.role.clone())
            .collect()
    }

    /// Records consent: adds to an existing grant of the same client, resource and principal.
    pub fn grant(
        &mut self,
        id: Uuid,
        client: ApplicationId,
        resource: ApplicationId,
        consent: ConsentType,
        scopes: impl IntoIterator<Item = String>,
    ) {
        let existing = self.grants.iter_mut().find(|grant| {
            grant.client == client && grant.resource == resource && grant.consent == consent
        });
        match existing {
            Some(grant) => grant.scopes.extend(scopes),
            None => self.grants.push(PermissionGrant {
                id,
                client,
                consent,
                resource,
                scopes: scopes.into_iter().collect(),
            }),
        }
    }

    /// Grants an application permission, once.
    pub fn assign_role(
        &mut self,
        id: Uuid,
        client: ApplicationId,
        resource: ApplicationId,
        role: impl Into<String>,
        now: Timestamp,
    ) {
        let role = role.into();
        if !self.granted_roles(client, resource).contains(&role) {
            self.app_role_assignments.push(AppRoleAssignment {
                id,
                client,
                resource,
                role,
                created: now,
            });
        }
    }

    /// The address that counts for a client that is connected from another.
    pub fn seen_from(&self, address: IpAddr) -> IpAddr {
        self.client_address.unwrap_or(address)
    }

    /// The conditional access policies that apply to a user's use of an app from an address.
    pub fn conditional_access(
        &self,
        user: ObjectId,
        app: ApplicationId,
        from: IpAddr,
    ) -> impl Iterator<Item = &ConditionalAccessPolicy> {
        self.policies
            .conditional_access
            .iter()
            .filter(move |policy| policy.applies_to(user, app, from))
    }

    /// Replaces the tenant-wide consent to a client: what is not among `scopes` any more is
    /// revoked. Consent of single users stays.
    ///
    /// Source: learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent.
    pub fn withdraw_for_everybody(&mut self, client: ApplicationId) {
        self.grants
            .retain(|it| it.client != client || it.consent != ConsentType::AllPrincipals);
    }
}

/// The service writes such moments with seven fractional digits.
const TICK: SignedDuration = SignedDuration::from_micros(1);
