//! The seed file as it is written.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{
    DirectoryRole, FederatedCredential, MailboxRight, Policies, SignInAudience, Switches,
};
use crate::environment::Environment;

/// A seed file.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedFile {
    /// The version of the format: 1.
    pub schema: u32,
    /// Tenants by a name that other tenants of the file use for them.
    pub tenants: IndexMap<String, SeedTenant>,
}

/// A tenant of a seed file.
#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedTenant {
    /// The organization's name.
    pub name: String,
    /// Where it lives.
    pub environment: Environment,
    /// The initial domain.
    pub domain: String,
    /// More verified domains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_domains: Vec<String>,
    /// The tenant id; derived from the domain if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Two-letter country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Users by alias.
    #[serde(default)]
    pub users: IndexMap<String, SeedUser>,
    /// App registrations by alias.
    #[serde(default)]
    pub apps: IndexMap<String, SeedApp>,
    /// Apps of other tenants that exist here: alias of the app to what is consented.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub installed: IndexMap<String, SeedConsent>,
    /// What stands at paths of Graph beside users, apps and mailboxes: lists of objects as Graph
    /// shows them, or one object at a singleton. A user's alias and a name stand for an id;
    /// relations name what they lead to.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub graph: IndexMap<String, serde_json::Value>,
    /// Tenant-wide settings.
    #[serde(default)]
    pub policies: Policies,
    /// Switches for disputed or optional behaviour.
    #[serde(default)]
    pub switches: Switches,
}

/// A user of a seed file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedUser {
    /// The full name.
    pub name: String,
    /// The sign-in name; `{alias}@{domain}` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// The object id; derived if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The password; derived if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office_location: Option<String>,
    /// The manager, by alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Directory roles.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<DirectoryRole>,
    /// Guest from another tenant of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_of: Option<String>,
    /// Whether the account may sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether a second factor is registered.
    #[serde(default = "yes")]
    pub second_factor: bool,
    /// The mailbox.
    #[serde(default)]
    pub mailbox: SeedMailbox,
    /// Who else may do what in the mailbox, by alias.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub delegates: BTreeMap<String, BTreeSet<MailboxRight>>,
}

/// What mailbox a user has.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SeedMailbox {
    /// No licence.
    None,
    /// A person's.
    #[default]
    Regular,
    /// Shared.
    Shared,
}

/// An app registration of a seed file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedApp {
    /// The name on consent pages.
    pub name: String,
    /// The application id; derived if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    /// `signInAudience`; this tenant only if absent.
    #[serde(default)]
    pub audience: SignInAudience,
    /// The publisher's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Whether the publisher is verified.
    #[serde(default)]
    pub verified: bool,
    /// Whether Microsoft judges the app risky: users may not consent to it.
    #[serde(default)]
    pub risky: bool,
    /// Redirect URIs by platform.
    #[serde(default)]
    pub redirect_uris: SeedRedirectUris,
    /// Public client where no redirect URI takes part (device code, password).
    #[serde(default)]
    pub public_client: bool,
    /// The authorize endpoint may issue ID tokens.
    #[serde(default)]
    pub implicit_id_token: bool,
    /// The authorize endpoint may issue access tokens.
    #[serde(default)]
    pub implicit_access_token: bool,
    /// Client secrets; `{}` for one with a derived value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SeedSecret>,
    /// Certificates: base64 of DER, PEM, or `generated` for the mock's own client certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    /// Federated identity credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub federated_credentials: Vec<FederatedCredential>,
    /// The static list of permissions.
    #[serde(default)]
    pub permissions: SeedPermissions,
    /// What is consented in this tenant.
    #[serde(default)]
    pub consent: SeedConsent,
    /// The API that the app exposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<SeedApi>,
    /// Only assigned users may use the app.
    #[serde(default)]
    pub assignment_required: bool,
    /// Assigned users by alias.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub assigned: BTreeSet<String>,
}

/// Redirect URIs by platform.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SeedRedirectUris {
    /// Confidential client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub web: Vec<String>,
    /// Single-page application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spa: Vec<String>,
    /// Mobile and desktop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub public_client: Vec<String>,
}

/// A client secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeedSecret {
    /// The value; derived if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Valid until; two years if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end: Option<Timestamp>,
}

/// The static list of permissions.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeedPermissions {
    /// Delegated permissions of Graph by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub delegated: BTreeSet<String>,
    /// Application permissions of Graph, and of Exchange, by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub application: BTreeSet<String>,
    /// Delegated permissions of other apps' APIs, by alias of the app.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apis: BTreeMap<String, BTreeSet<String>>,
}

/// What is consented.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeedConsent {
    /// Delegated permissions of Graph for everybody.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tenant: BTreeSet<String>,
    /// Delegated permissions of Graph for single users, by alias.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, BTreeSet<String>>,
    /// Application permissions of Graph, and of Exchange (`IMAP.AccessAsApp`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub application: BTreeSet<String>,
    /// Delegated permissions of other apps' APIs for everybody, by alias of the app.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub apis: BTreeMap<String, BTreeSet<String>>,
    /// Application permissions of other apps' APIs, by alias of the app.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, BTreeSet<String>>,
}

/// The API that an app exposes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeedApi {
    /// Application ID URIs.
    pub uris: Vec<String>,
    /// 1 or 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_version: Option<u8>,
    /// Delegated permissions.
    pub scopes: Vec<SeedScope>,
    /// Application permissions.
    pub roles: Vec<SeedScope>,
    /// Clients whose users are not asked, by alias.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub pre_authorized: BTreeSet<String>,
    /// Clients that are consented together with this API, by alias.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub known_clients: BTreeSet<String>,
}

/// A permission of an app's own API.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeedScope {
    /// The name.
    pub value: String,
    /// What consent pages say.
    #[serde(default)]
    pub display_name: String,
    /// Whether only an administrator may consent.
    #[serde(default)]
    pub admin_only: bool,
}

fn yes() -> bool {
    true
}
