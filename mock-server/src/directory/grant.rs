//! Permission grants (the records of consent), app role assignments, and consent requests.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ApplicationId, ObjectId};

/// A delegated permission grant, `oauth2PermissionGrant`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionGrant {
    /// The id of the grant.
    pub id: Uuid,
    /// The client.
    pub client: ApplicationId,
    /// For whom: everybody, or one user.
    pub consent: ConsentType,
    /// The API.
    pub resource: ApplicationId,
    /// The permissions by name.
    pub scopes: BTreeSet<String>,
}

/// For whom a permission grant holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentType {
    /// `AllPrincipals`: an administrator consented for the tenant.
    AllPrincipals,
    /// `Principal`: one user.
    Principal(ObjectId),
}

impl ConsentType {
    /// Whether the grant holds for a user.
    pub fn covers(self, user: ObjectId) -> bool {
        match self {
            Self::AllPrincipals => true,
            Self::Principal(principal) => principal == user,
        }
    }
}

/// An application permission granted to an app, `appRoleAssignment`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRoleAssignment {
    /// The id of the assignment.
    pub id: Uuid,
    /// The client that holds the role.
    pub client: ApplicationId,
    /// The API.
    pub resource: ApplicationId,
    /// The role by name, such as `Mail.Read`.
    pub role: String,
    /// When it was granted.
    #[schemars(with = "String")]
    pub created: Timestamp,
}

/// A user's request that an administrator consents.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// The id of the request.
    pub id: Uuid,
    /// The app.
    pub client: ApplicationId,
    /// Who asks.
    pub user: ObjectId,
    /// The API and the permissions asked for, as `resource/scope` URIs are split.
    pub scopes: Vec<(ApplicationId, BTreeSet<String>)>,
    /// The justification.
    pub reason: String,
    /// When it was made.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// When it expires.
    #[schemars(with = "String")]
    pub expires: Timestamp,
    /// What became of it.
    pub status: ConsentRequestStatus,
    /// The reviewers who were named when it was made: they alone see it. Empty: whoever may
    /// consent for the tenant.
    #[serde(default)]
    pub reviewers: BTreeSet<ObjectId>,
    /// What a reviewer said.
    #[serde(default)]
    pub review: Option<Review>,
}

/// What a reviewer said about a consent request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The justification, which the service mails to the requestors.
    #[serde(default)]
    pub justification: Option<String>,
}

/// What became of a consent request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentRequestStatus {
    /// A reviewer approved: consent was granted for the tenant.
    Approved,
    /// A reviewer blocked the app.
    Blocked,
    /// A reviewer denied; the user may ask again.
    Denied,
    /// Waits for a reviewer.
    Pending,
}
