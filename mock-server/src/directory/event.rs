//! Events: the one way in which a directory changes after set-up.
//!
//! In files an event is a map of its name to its fields: `revoke-sessions: {user: alice}`.
//! Users are named by alias, sign-in name or object id; apps by alias or application id.

mod account;
mod app;
mod apply;
mod conditional_access;
mod consent;
mod lookup;
mod mailbox;
mod make;
mod permission;
mod reference;
mod requests;
mod token;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use reference::{EventParameter, EventReference, ParameterKind};

use super::{HighRisk, MailboxRight, ObjectId, Risk, TenantId, UserConsent};
use crate::mailbox::WellKnown;

/// Something that happens in a tenant.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are users, apps and permissions by name, as their names say"
)]
pub enum Event {
    /// An administrator adds a certificate (base64 DER) to an app.
    AddCertificate { app: String, certificate: String },
    /// An administrator adds a client secret to an app.
    AddSecret { app: String, secret: String },
    /// A home tenant's users may come here as guests again.
    AllowHomeTenant { user: String },
    /// A reviewer approves a consent request: consent for the tenant.
    ApproveRequest { app: String },
    /// An administrator assigns a user to an app.
    AssignUser { app: String, user: String },
    /// A conditional access policy blocks access: everywhere, inside of networks, or outside.
    BlockByPolicy {
        user: Option<String>,
        app: Option<String>,
        inside: Option<Vec<String>>,
        outside: Option<Vec<String>>,
    },
    /// Cross-tenant access settings block the users of a guest's home tenant.
    BlockHomeTenant { user: String },
    /// A reviewer blocks the app of a consent request.
    BlockRequest {
        app: String,
        justification: Option<String>,
    },
    /// Microsoft blocks the tenant.
    BlockTenant {},
    /// The person reads a mail in Outlook, or moves it to another folder by its well-known name: the
    /// newest one with the subject.
    ChangeMessage {
        user: String,
        subject: String,
        read: Option<bool>,
        folder: Option<String>,
    },
    /// The user changes the password.
    ChangePassword {
        user: String,
        password: Option<String>,
    },
    /// A developer changes the permissions that are registered on an app.
    ChangePermissions {
        app: String,
        scopes: Option<Vec<String>>,
        roles: Option<Vec<String>>,
    },
    /// A developer replaces the redirect URIs of an app.
    ChangeRedirectUris {
        app: String,
        redirect_uris: Vec<String>,
    },
    /// A registration is deleted, with its service principal.
    DeleteApp { app: String },
    /// The tenant is deleted.
    DeleteTenant {},
    /// A file or a folder of a user's OneDrive is deleted.
    DeleteFile { user: String, path: String },
    /// A user is deleted (and can be restored).
    DeleteUser { user: String },
    /// A mail arrives; `late`: it was received so many seconds ago, and is only seen now.
    DeliverMessage {
        user: String,
        subject: Option<String>,
        from: Option<String>,
        body: Option<String>,
        late: Option<u32>,
    },
    /// A reviewer denies a consent request.
    DenyRequest {
        app: String,
        justification: Option<String>,
    },
    /// An administrator switches off sign-in to an app.
    DisableApp { app: String },
    /// An administrator disables the user's device.
    DisableDevice { user: String },
    /// An administrator disables an account.
    DisableUser { user: String },
    /// An administrator switches sign-in to an app on again.
    EnableApp { app: String },
    /// An administrator enables an account.
    EnableUser { user: String },
    /// Access tokens issued so far count as expired.
    ExpireAccessTokens {
        user: Option<String>,
        app: Option<String>,
    },
    /// The certificates of an app expire.
    ExpireCertificate { app: String },
    /// The mailbox and the OneDrive of a user forget what delta queries ask for: they have to begin
    /// anew.
    ExpireDeltaTokens { user: String },
    /// The password expires: it must be changed at the next sign-in.
    ExpirePassword { user: String },
    /// The secrets of an app expire.
    ExpireSecret { app: String },
    /// An administrator grants an application permission: of Graph, of Exchange, or of an app's own
    /// API (`middle-tier-api/Tasks.Read.All`).
    GrantAppRole { app: String, role: String },
    /// Consent: of a user, or (without one) of an administrator for the tenant. A permission of an
    /// app's own API is written with the API (`middle-tier-api/access_as_user`).
    GrantConsent {
        app: String,
        user: Option<String>,
        scopes: Vec<String>,
    },
    /// Somebody may open a mailbox.
    GrantMailboxAccess {
        mailbox: String,
        user: String,
        right: Option<MailboxRight>,
    },
    /// Microsoft judges an app: its publisher, and whether consent to it is risky.
    JudgeApp {
        app: String,
        verified: Option<bool>,
        risky: Option<bool>,
    },
    /// Smart lockout after too many wrong passwords.
    LockUser { user: String },
    /// A file is put into a user's OneDrive by its owner, with the folders on the way: a new one, or
    /// another content of the one that is there.
    PutFile {
        user: String,
        path: String,
        text: Option<String>,
        keep_both: Option<bool>,
    },
    /// The user registers a second factor.
    RegisterSecondFactor { user: String },
    /// The certificates of an app are removed.
    RemoveCertificate { app: String },
    /// The mailbox licence of a user is removed.
    RemoveLicence { user: String },
    /// The secrets of an app are removed, or the one with this value.
    RemoveSecret { app: String, secret: Option<String> },
    /// An administrator removes the second factor of a user: it must be registered again.
    RemoveSecondFactor { user: String },
    /// A user gets another sign-in name.
    RenameUser { user: String, to: String },
    /// A user asks an administrator to consent.
    RequestConsent {
        app: String,
        user: String,
        scopes: Vec<String>,
        reason: Option<String>,
    },
    /// Only assigned users may use the app.
    RequireAssignment { app: String },
    /// A conditional access policy demands a compliant device.
    RequireCompliantDevice {
        user: Option<String>,
        app: Option<String>,
    },
    /// A conditional access policy demands multifactor authentication.
    RequireMfa {
        user: Option<String>,
        app: Option<String>,
    },
    /// A conditional access policy demands accepted terms of use.
    RequireTermsOfUse {
        user: Option<String>,
        app: Option<String>,
    },
    /// The password is reset.
    ResetPassword {
        user: String,
        #[serde(default)]
        by: PasswordResetBy,
        password: Option<String>,
    },
    /// A deleted user is restored.
    RestoreUser { user: String },
    /// Continuous access evaluation: tokens issued so far are challenged.
    RevokeAccessTokens {
        user: Option<String>,
        app: Option<String>,
    },
    /// An application access policy of Exchange restricts an app as itself to some mailboxes; without
    /// `mailboxes` the policy goes.
    RestrictAppMailboxes {
        app: String,
        mailboxes: Option<Vec<String>>,
    },
    /// An application permission is taken away, or (without `role`) all of them.
    RevokeAppRole { app: String, role: Option<String> },
    /// Consent is withdrawn: of a user, or (without one) all consent to the app. A user's consent is
    /// the user's own: what was consented for the tenant stays.
    RevokeConsent { app: String, user: Option<String> },
    /// Somebody may no longer open a mailbox.
    RevokeMailboxAccess { mailbox: String, user: String },
    /// The sessions of a user are revoked.
    RevokeSessions {
        user: String,
        #[serde(default)]
        by: RevokedBy,
    },
    /// The signing key of the tenant's tokens is replaced.
    RotateSigningKey {},
    /// Identity Protection reports a risk of an app's service principal.
    SetAppRisk { app: String, risk: Risk },
    /// From where the clients of the tenant come; without an address from where they really do.
    SetClientAddress { address: Option<String> },
    /// A conditional access policy sets a sign-in frequency, 0 for every time; `second_factor`:
    /// of the second factor alone.
    SetSignInFrequency {
        user: Option<String>,
        app: Option<String>,
        seconds: u32,
        #[serde(default)]
        second_factor: bool,
    },
    /// A token lifetime policy for access tokens.
    SetTokenLifetime { seconds: Option<u32> },
    /// Who may consent.
    SetUserConsentPolicy {
        user_consent: UserConsent,
        admin_consent_requests: Option<bool>,
        low_impact: Option<Vec<String>>,
        request_days: Option<u16>,
        reviewers: Option<Vec<String>>,
    },
    /// Identity Protection reports a risk; `policy`: what the tenant demands of such users.
    SetUserRisk {
        user: String,
        risk: Risk,
        policy: Option<HighRisk>,
    },
    /// The user signs out everywhere on the web.
    SingleSignOut { user: String },
    /// An administrator takes a user's assignment to an app away.
    UnassignUser { app: String, user: String },
}

/// Who resets a password, and where: the effect on tokens differs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordResetBy {
    /// An administrator in the Microsoft Entra admin center.
    AdminCenter,
    /// An administrator in the Azure portal.
    #[default]
    AdminPortal,
    /// The user, by self-service password reset.
    SelfService,
}

/// Who revokes sessions.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokedBy {
    /// An administrator.
    #[default]
    Admin,
    /// The user.
    User,
}

/// What an event led to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Applied {
    /// What it did to the directory.
    pub did: Did,
    /// What is left to do elsewhere.
    pub then: Then,
}

/// What an event did to a directory, in a sentence without a full stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Did {
    /// Something is different now.
    Changed(String),
    /// Everything is as it was: why.
    Nothing(String),
}

/// What is left to do once an event has been applied to a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Then {
    /// Nothing.
    Done,
    /// The app is registered in another tenant: apply the event there.
    Elsewhere(TenantId),
    /// A mail in this user's mailbox must be changed.
    ChangeMessage {
        /// Whose mailbox.
        user: ObjectId,
        /// The subject of the mail.
        subject: String,
        /// Whether it is read.
        read: Option<bool>,
        /// Where it goes.
        folder: Option<WellKnown>,
    },
    /// A file must be taken out of this user's drive.
    DeleteFile {
        /// Whose drive.
        user: ObjectId,
        /// The path in it.
        path: String,
    },
    /// A file must be put into this user's drive.
    PutFile {
        /// Whose drive.
        user: ObjectId,
        /// The path in it.
        path: String,
        /// The content.
        text: String,
        /// Whether a file that is there keeps its name and its content.
        keep_both: bool,
    },
    /// This user's mailbox must forget its changes.
    ForgetChanges(ObjectId),
    /// A mail must be put into this user's mailbox.
    Deliver {
        /// Whose mailbox.
        user: ObjectId,
        /// The subject.
        subject: String,
        /// The sender's address.
        from: String,
        /// The text.
        body: String,
        /// How many seconds ago it was received.
        late: u32,
    },
}

impl Applied {
    /// Something changed.
    fn changed(what: impl Into<String>) -> Self {
        Self {
            did: Did::Changed(what.into()),
            then: Then::Done,
        }
    }

    /// Nothing changed, because of this.
    fn nothing(why: impl Into<String>) -> Self {
        Self {
            did: Did::Nothing(why.into()),
            then: Then::Done,
        }
    }

    /// Something changed, or it was so already.
    fn either(changed: bool, what: impl Into<String>, already: impl Into<String>) -> Self {
        if changed {
            Self::changed(what)
        } else {
            Self::nothing(already)
        }
    }

    /// The same, with something left to do.
    fn and_then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }
}

/// Sets a value; returns whether it was another one.
fn set<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changed = *place != value;
    *place = value;
    changed
}

/// Why an event cannot happen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// No such user.
    #[error("no user '{name}' in tenant {tenant}{}", did_you_mean(.nearest.as_deref()))]
    UnknownUser {
        /// What was asked for.
        name: String,
        /// Where.
        tenant: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// No such app.
    #[error("no app '{name}' in tenant {tenant}{}", did_you_mean(.nearest.as_deref()))]
    UnknownApp {
        /// What was asked for.
        name: String,
        /// Where.
        tenant: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// No such permission.
    #[error("{0}")]
    UnknownPermission(String),
    /// The event does not fit the state.
    #[error("{0}")]
    NotPossible(String),
}

impl EventError {
    /// Whether the event names what does not exist; else it may be possible at another time.
    pub fn is_of_a_name(&self) -> bool {
        !matches!(self, Self::NotPossible(_))
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean '{name}'?"))
}

impl Event {
    /// The names of all events, in the order of the alphabet.
    pub fn names() -> Vec<String> {
        let schema = schemars::schema_for!(Self).to_value();
        let mut names: Vec<String> = schema["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|variant| variant["required"][0].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    /// The name of the event, such as `revoke-sessions`.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => {
                map.into_iter().next().map_or_else(String::new, |it| it.0)
            }
            _ => String::new(),
        }
    }
}
