//! What refresh tokens and authorization codes carry. They are sealed, not stored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::seal::{SEALED_PREFIX, SealError, Sealer};
use super::validity;
use crate::directory::{ApplicationId, ObjectId, TenantId};

/// How a user signed in: the part that every token of the family inherits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SignIn {
    /// The family: all tokens that descend from this sign-in.
    pub family: Uuid,
    /// The tenant to which the tokens belong.
    pub tenant: TenantId,
    /// The client.
    pub client: ApplicationId,
    /// Public, confidential or single-page.
    pub client_class: ClientClass,
    /// The user.
    pub user: ObjectId,
    /// When the user authenticated, by the tenant's clock.
    #[schemars(with = "String")]
    pub auth_time: Timestamp,
    /// When that counts as having happened among the tenant's events: `Directory::moment`. A
    /// clock can be set back, the order of what happened cannot.
    #[schemars(with = "String")]
    pub moment: Timestamp,
    /// With what.
    pub method: AuthenticationMethod,
    /// When the user last passed multifactor authentication.
    #[schemars(with = "Option<String>")]
    pub mfa_time: Option<Timestamp>,
    /// The session id, `sid`.
    pub session: Uuid,
    /// The person sat at a device that is marked as compliant.
    #[serde(default)]
    pub compliant_device: bool,
}

/// The class of a client, by the redirect URI that took part, or the app's default.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientClass {
    /// Has a credential.
    Confidential,
    /// Has none.
    Public,
    /// A single-page application: public, and its refresh tokens live 24 hours.
    Spa,
}

/// How a user authenticated, by what revocation distinguishes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationMethod {
    /// With the password.
    Password,
    /// With something else: a security key, a certificate, a federated sign-in.
    NonPassword,
}

/// The contents of a refresh token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RefreshToken {
    /// The sign-in from which it descends.
    pub sign_in: SignIn,
    /// The position in the family, from 1.
    pub generation: u32,
    /// When the first of the family was issued: the clock of single-page applications.
    #[schemars(with = "String")]
    pub first_issued: Timestamp,
    /// When this one was issued: the clock of inactivity.
    #[schemars(with = "String")]
    pub issued: Timestamp,
    /// The resource of the last request.
    pub resource: ApplicationId,
    /// The audience in the spelling of the last request, for refreshing without a scope.
    pub audience: String,
    /// How the last request named the API: by a URI or by its id.
    #[serde(default)]
    pub named: String,
    /// The scopes of the last request by short name, for refreshing without a scope.
    pub scopes: BTreeSet<String>,
    /// What makes it long, where the tenant's tokens are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub padding: String,
}

/// The contents of an authorization code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizationCode {
    /// The id by which redemption is remembered.
    pub id: Uuid,
    /// The sign-in.
    pub sign_in: SignIn,
    /// When it was issued; good for ten minutes.
    pub issued: Timestamp,
    /// The redirect URI as requested.
    pub redirect_uri: String,
    /// The PKCE challenge and its method (`plain` or `S256`).
    pub challenge: Option<(String, String)>,
    /// The nonce for the ID token.
    pub nonce: Option<String>,
    /// The scopes as requested, unresolved, space separated.
    pub scope: String,
    /// v1: the resource as requested.
    pub resource: Option<String>,
    /// The claims request.
    pub claims: Option<String>,
}

impl RefreshToken {
    /// The token as a client gets it.
    pub fn seal(&self, sealer: &Sealer) -> String {
        format!("{SEALED_PREFIX}{}", sealer.seal(REFRESH_TOKEN, self))
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    ///
    /// The text is no refresh token of this mock.
    pub fn open(text: &str, sealer: &Sealer) -> Result<Self, SealError> {
        let sealed = text.strip_prefix(SEALED_PREFIX).ok_or(SealError)?;
        sealer.open(REFRESH_TOKEN, sealed)
    }

    /// How the last request named the API.
    pub(crate) fn named(&self) -> &str {
        // Tokens of earlier versions have the audience alone.
        if self.named.is_empty() {
            &self.audience
        } else {
            &self.named
        }
    }

    /// When it dies of age, if it is not used.
    pub fn expires(&self) -> Option<Timestamp> {
        match self.sign_in.client_class {
            ClientClass::Spa => self.first_issued.checked_add(validity::SPA_LIFETIME).ok(),
            ClientClass::Confidential | ClientClass::Public => {
                self.issued.checked_add(validity::INACTIVITY).ok()
            }
        }
    }
}

impl AuthorizationCode {
    /// The code as a client gets it.
    pub fn seal(&self, sealer: &Sealer) -> String {
        format!("{SEALED_PREFIX}{}", sealer.seal(AUTHORIZATION_CODE, self))
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    ///
    /// The text is no authorization code of this mock.
    pub fn open(text: &str, sealer: &Sealer) -> Result<Self, SealError> {
        let sealed = text.strip_prefix(SEALED_PREFIX).ok_or(SealError)?;
        sealer.open(AUTHORIZATION_CODE, sealed)
    }
}

const AUTHORIZATION_CODE: &str = "authorization_code";
const REFRESH_TOKEN: &str = "refresh_token";
