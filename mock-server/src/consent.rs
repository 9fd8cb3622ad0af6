//! Whether a request's permissions are granted, can be asked for, or must be refused: one pure
//! function of the app, the user, the scopes and the tenant's policy.
//!
//! Source: learn.microsoft.com/entra/identity-platform/permissions-consent-overview,
//! /application-consent-experience, and entra/identity/enterprise-apps/configure-user-consent.

mod managed;

use std::collections::BTreeSet;

use crate::directory::{
    Application, ApplicationId, ConsentRequestStatus, Directory, ObjectId, User, UserConsent,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::permission::{OPENID_SCOPES, Permission, PermissionKind};

/// The scopes of one API, resolved to short names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourceScopes {
    /// The API.
    pub resource: ApplicationId,
    /// The scopes by short name; the OpenID Connect scopes are Graph's.
    pub scopes: BTreeSet<String>,
}

/// What the tenant decides about a request for permissions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// All is granted already.
    Granted,
    /// The user may consent: show the consent page for these.
    AskUser(Vec<ResourceScopes>),
    /// Only an administrator may.
    AskAdministrator {
        /// What is missing.
        missing: Vec<ResourceScopes>,
        /// What the user is told.
        refusal: Refusal,
    },
}

/// What a user is told who may not consent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The admin-consent workflow is on: the user may send a request.
    pub may_request: bool,
    /// Microsoft judges the app risky.
    pub risky: bool,
}

impl Refusal {
    /// The refusal of an app in a tenant.
    pub fn of(directory: &Directory, application: &Application) -> Self {
        Self {
            may_request: directory.policies.admin_consent_requests.enabled,
            risky: application.publisher.risky,
        }
    }

    /// The AADSTS code.
    ///
    /// Source: learn.microsoft.com/entra/identity/enterprise-apps/application-sign-in-unexpected-user-consent-error.
    pub fn aadsts(self) -> u32 {
        match (self.may_request, self.risky) {
            (false, false) => 90094,
            (true, false) => 90095,
            (false, true) => 900941,
            (true, true) => 900981,
        }
    }
}

/// Decides about the scopes that a client asks for.
///
/// `directory` is the user's; `application` the registration, wherever its home is; `force` is
/// `prompt=consent`, which asks even for what is granted.
pub fn decide(
    directory: &Directory,
    application: &Application,
    user: &User,
    requested: &[ResourceScopes],
    force: bool,
) -> Decision {
    let mut missing: Vec<ResourceScopes> = requested
        .iter()
        .map(|asked| {
            let granted = directory.granted_scopes(application.app_id, user.id, asked.resource);
            let pre_authorized = is_pre_authorized(directory, application.app_id, asked.resource);
            let scopes = asked
                .scopes
                .iter()
                .filter(|scope| force || !(pre_authorized || granted.contains(*scope)))
                .cloned()
                .collect();
            ResourceScopes {
                resource: asked.resource,
                scopes,
            }
        })
        .collect();
    missing.retain(|of| !of.scopes.is_empty());
    if missing.is_empty() {
        return Decision::Granted;
    }
    if user.may_manage_applications() || user_may_consent(directory, application, &missing) {
        return Decision::AskUser(missing);
    }
    Decision::AskAdministrator {
        missing,
        refusal: Refusal::of(directory, application),
    }
}

/// Whether a request of this user for the app waits for a reviewer.
pub fn request_is_pending(
    directory: &Directory,
    client: ApplicationId,
    user: ObjectId,
    now: jiff::Timestamp,
) -> bool {
    directory.consent_requests.iter().any(|request| {
        request.client == client
            && request.user == user
            && request.status == ConsentRequestStatus::Pending
            && request.expires > now
    })
}

/// Whether only an administrator may consent to a scope of an API.
pub fn is_admin_only(directory: &Directory, resource: ApplicationId, scope: &str) -> bool {
    if resource.to_string() == GRAPH_APPLICATION_ID {
        return Permission::find(scope, PermissionKind::Delegated).is_none_or(|it| it.admin_only);
    }
    directory
        .applications
        .get(&resource)
        .and_then(|app| app.api.as_ref())
        .and_then(|api| api.scopes.iter().find(|it| it.value == scope))
        .is_some_and(|it| it.admin_only)
}

fn user_may_consent(
    directory: &Directory,
    application: &Application,
    missing: &[ResourceScopes],
) -> bool {
    // An app that requires assignment needs an administrator, whatever the policy says.
    // Source: entra/identity/enterprise-apps/application-sign-in-unexpected-user-consent-error.
    let assignment = directory
        .service_principal(application.app_id)
        .is_some_and(|principal| principal.assignment_required);
    let admin_only = missing.iter().any(|of| {
        of.scopes
            .iter()
            .any(|scope| is_admin_only(directory, of.resource, scope))
    });
    if assignment || admin_only || application.publisher.risky {
        return false;
    }
    match directory.policies.user_consent {
        UserConsent::All => true,
        UserConsent::None => false,
        UserConsent::MicrosoftManaged => {
            managed::is_excepted(application.app_id)
                || missing.iter().all(|of| {
                    let mut scopes = of.scopes.iter();
                    !scopes.any(|scope| managed::is_kept_back(of.resource, scope))
                })
        }
        UserConsent::VerifiedLowImpact => {
            let trusted = application.publisher.verified
                || directory.applications.contains_key(&application.app_id);
            let low = |of: &ResourceScopes| {
                of.scopes.iter().all(|scope| {
                    OPENID_SCOPES.contains(&scope.as_str())
                        || of.resource.to_string() == GRAPH_APPLICATION_ID
                            && directory.policies.low_impact.contains(scope)
                })
            };
            trusted && missing.iter().all(low)
        }
    }
}

/// Whether an API of the tenant has approved the client for its users.
pub fn is_pre_authorized(
    directory: &Directory,
    client: ApplicationId,
    resource: ApplicationId,
) -> bool {
    directory
        .applications
        .get(&resource)
        .and_then(|app| app.api.as_ref())
        .is_some_and(|api| api.pre_authorized.contains(&client))
}
