//! Users, how they sign in, and what ends their sessions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ObjectId, TenantId, UserPrincipalName};

/// A user of a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The object id.
    pub id: ObjectId,
    /// The name by which events, seed files and the ready file call the user, such as `alice`.
    pub alias: String,
    /// The sign-in name.
    pub user_principal_name: UserPrincipalName,
    /// The name that people see.
    pub display_name: String,
    /// First name.
    #[serde(default)]
    pub given_name: String,
    /// Last name.
    #[serde(default)]
    pub surname: String,
    /// `jobTitle` in Graph.
    #[serde(default)]
    pub job_title: Option<String>,
    /// `officeLocation` in Graph.
    #[serde(default)]
    pub office_location: Option<String>,
    /// The manager.
    #[serde(default)]
    pub manager: Option<ObjectId>,
    /// Other properties that Graph has set, such as `department`, by their names in Graph.
    #[serde(default)]
    pub profile: serde_json::Map<String, serde_json::Value>,
    /// The password, in clear: it guards nothing.
    pub password: String,
    /// Member, or guest from another tenant.
    #[serde(default)]
    pub kind: UserKind,
    /// Whether the account may sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Directory roles.
    #[serde(default)]
    pub roles: BTreeSet<DirectoryRole>,
    /// The templates of other built-in roles, which the mock grants nothing by.
    #[serde(default)]
    pub other_roles: BTreeSet<String>,
    /// When the account was made.
    pub created: Timestamp,
    /// When the account was deleted; it can be restored for 30 days.
    #[serde(default)]
    pub deleted: Option<Timestamp>,
    /// The password must be changed at the next interactive sign-in.
    #[serde(default)]
    pub password_expired: bool,
    /// Smart lockout: sign-ins with the password are refused until then.
    #[serde(default)]
    pub locked_until: Option<Timestamp>,
    /// Risk level, as Identity Protection sets it.
    #[serde(default)]
    pub risk: Risk,
    /// Whether a second factor is registered.
    #[serde(default = "yes")]
    pub second_factor: bool,
    /// When the user's device was last disabled or deleted.
    #[serde(default)]
    pub device_disabled: Option<Timestamp>,
    /// What ended sessions of this user, newest last; at most one of each cause.
    #[serde(default)]
    pub revocations: Vec<Revocation>,
    /// The mailbox, if the user has a licence for one.
    #[serde(default)]
    pub mailbox: Option<Mailbox>,
}

/// Whether a user is at home in the directory.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// Belongs to this directory.
    #[default]
    Member,
    /// Invited; signs in at the home tenant.
    Guest {
        /// The tenant that knows the user's password.
        home_tenant: Option<TenantId>,
    },
}

/// A built-in directory role, by what the mock needs of it.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryRole {
    /// May do everything, consent for the tenant included.
    GlobalAdministrator,
    /// May consent to anything for the tenant.
    PrivilegedRoleAdministrator,
    /// May manage apps and consent, but not to application permissions of Graph.
    ApplicationAdministrator,
    /// As the application administrator, without application proxy.
    CloudApplicationAdministrator,
    /// May reset passwords and revoke sessions.
    UserAdministrator,
    /// May reset passwords and other authentication methods of ordinary users.
    AuthenticationAdministrator,
    /// May write conditional access policies.
    ConditionalAccessAdministrator,
    /// May reset passwords of ordinary users and revoke their sessions.
    HelpdeskAdministrator,
    /// May assign licences.
    LicenseAdministrator,
    /// May reset passwords and other authentication methods of everybody.
    PrivilegedAuthenticationAdministrator,
    /// May write conditional access policies and decide about risky users.
    SecurityAdministrator,
}

impl DirectoryRole {
    /// All.
    pub(crate) const ALL: [Self; 11] = [
        Self::GlobalAdministrator,
        Self::PrivilegedRoleAdministrator,
        Self::ApplicationAdministrator,
        Self::CloudApplicationAdministrator,
        Self::UserAdministrator,
        Self::AuthenticationAdministrator,
        Self::ConditionalAccessAdministrator,
        Self::HelpdeskAdministrator,
        Self::LicenseAdministrator,
        Self::PrivilegedAuthenticationAdministrator,
        Self::SecurityAdministrator,
    ];

    /// The id of the role template, as in the `wids` claim.
    ///
    /// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
    pub fn template_id(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "62e90394-69f5-4237-9190-012177145e10",
            Self::PrivilegedRoleAdministrator => "e8611ab8-c189-46e8-94e1-60213ab1f814",
            Self::ApplicationAdministrator => "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            Self::CloudApplicationAdministrator => "158c047a-c907-4556-b7ef-446551a6b5f7",
            Self::UserAdministrator => "fe930be7-5e62-47db-91af-98c3a49a38b1",
            Self::AuthenticationAdministrator => "c4e39bd9-1100-46d3-8c65-fb160da0071f",
            Self::ConditionalAccessAdministrator => "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
            Self::HelpdeskAdministrator => "729827e3-9c14-49f7-bb1b-9608f156bbb8",
            Self::LicenseAdministrator => "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
            Self::PrivilegedAuthenticationAdministrator => "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
            Self::SecurityAdministrator => "194ae4cb-b126-40b2-bd5b-6091b380977d",
        }
    }
}

/// The user risk that Identity Protection reports.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// No risk.
    #[default]
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// Something that ended sessions of a user at a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Revocation {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why: decides which tokens die (`token::validity`).
    pub cause: RevocationCause,
}

/// Why sessions of a user ended: the rows of the documented matrix.
///
/// Source: learn.microsoft.com/entra/identity-platform/refresh-tokens, "Token revocation".
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationCause {
    /// The user changed the password.
    PasswordChanged,
    /// The user reset the password by self-service.
    PasswordResetBySelfService,
    /// An administrator reset the password in the Azure portal.
    PasswordResetInAzurePortal,
    /// An administrator reset the password in the Microsoft Entra admin center.
    PasswordResetInAdminCenter,
    /// The user revoked the refresh tokens.
    RevokedByUser,
    /// An administrator revoked all refresh tokens.
    RevokedByAdministrator,
    /// Single sign-out on the web: ends browser sessions, no tokens.
    SingleSignOut,
}

impl RevocationCause {
    /// Whether the password became another one.
    pub fn is_of_the_password(self) -> bool {
        matches!(
            self,
            Self::PasswordChanged
                | Self::PasswordResetBySelfService
                | Self::PasswordResetInAzurePortal
                | Self::PasswordResetInAdminCenter
        )
    }
}

/// The mailbox of a user, as the directory knows it; its contents are in the mailbox store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Regular or shared.
    #[serde(default)]
    pub kind: MailboxKind,
    /// Who else may do what in it.
    #[serde(default)]
    pub delegates: BTreeMap<ObjectId, BTreeSet<MailboxRight>>,
}

/// Regular or shared.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailboxKind {
    /// The mailbox of a person.
    #[default]
    Regular,
    /// Opened by others; nobody signs in to it.
    Shared,
}

/// A right in another's mailbox.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailboxRight {
    /// Open the mailbox and read and change its items.
    FullAccess,
    /// Send as the mailbox.
    SendAs,
    /// Send on behalf of the mailbox.
    SendOnBehalf,
}

impl User {
    /// Whether the ordinary consent page offers to consent on behalf of the organization.
    pub fn is_global_administrator(&self) -> bool {
        self.roles.contains(&DirectoryRole::GlobalAdministrator)
    }

    /// Whether the user has one of these directory roles, or is a global administrator.
    pub fn has_role(&self, roles: &[DirectoryRole]) -> bool {
        self.roles
            .iter()
            .any(|role| *role == DirectoryRole::GlobalAdministrator || roles.contains(role))
    }

    /// Whether the user's device was disabled after a moment at which it was shown.
    pub fn device_is_disabled_since(&self, moment: Timestamp) -> bool {
        self.device_disabled.is_some_and(|at| moment <= at)
    }

    /// The moment of the last change or reset of the password.
    pub fn last_password_change(&self) -> Timestamp {
        self.last_revocation(RevocationCause::is_of_the_password)
    }

    /// The moment from which on refresh tokens and sessions are valid.
    pub fn sessions_valid_from(&self) -> Timestamp {
        self.last_revocation(|cause| cause != RevocationCause::SingleSignOut)
    }

    fn last_revocation(&self, counts: impl Fn(RevocationCause) -> bool) -> Timestamp {
        self.revocations
            .iter()
            .filter(|revocation| counts(revocation.cause))
            .map(|revocation| revocation.at)
            .max()
            .unwrap_or(self.created)
    }

    /// Whether the user may grant consent for the whole tenant to any permission.
    pub fn may_consent_for_tenant(&self) -> bool {
        self.roles.iter().any(|role| {
            matches!(
                role,
                DirectoryRole::GlobalAdministrator | DirectoryRole::PrivilegedRoleAdministrator
            )
        })
    }

    /// Whether the user may grant tenant-wide consent to delegated permissions, and to
    /// application permissions of APIs other than Graph.
    pub fn may_manage_applications(&self) -> bool {
        self.may_consent_for_tenant()
            || self.roles.iter().any(|role| {
                matches!(
                    role,
                    DirectoryRole::ApplicationAdministrator
                        | DirectoryRole::CloudApplicationAdministrator
                )
            })
    }

    /// Whether the user has a licence: a shared mailbox needs none.
    pub fn is_licensed(&self) -> bool {
        self.mailbox
            .as_ref()
            .is_some_and(|it| it.kind == MailboxKind::Regular)
    }

    /// The address of the mailbox, if there is one.
    pub fn mail(&self) -> Option<&str> {
        self.mailbox
            .as_ref()
            .map(|_| self.user_principal_name.as_str())
    }

    /// Whether `other` holds one of the rights in this user's mailbox.
    pub fn grants_mailbox_right(&self, other: ObjectId, rights: &[MailboxRight]) -> bool {
        self.mailbox
            .as_ref()
            .and_then(|mailbox| mailbox.delegates.get(&other))
            .is_some_and(|held| rights.iter().any(|right| held.contains(right)))
    }

    /// Records that sessions ended; replaces an older record of the same cause.
    pub fn revoke(&mut self, cause: RevocationCause, at: Timestamp) {
        self.revocations
            .retain(|revocation| revocation.cause != cause);
        self.revocations.push(Revocation { at, cause });
    }
}

fn yes() -> bool {
    true
}
