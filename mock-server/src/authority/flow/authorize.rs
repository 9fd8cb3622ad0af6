//! An authorize request, as far as it is carried from page to page.

use serde::{Deserialize, Serialize};

use crate::authority::issue::ClaimsRequest;
use crate::directory::ApplicationId;
use crate::token::ClientClass;

/// An authorize request that may be worked on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AuthorizeRequest {
    /// 1 or 2, by the path.
    pub(crate) version: u8,
    pub(crate) client: ApplicationId,
    /// By the platform of the redirect URI.
    pub(crate) client_class: ClientClass,
    /// Where and how answers go.
    pub(crate) target: Target,
    pub(crate) response_type: ResponseType,
    /// As requested, unresolved.
    pub(crate) scope: String,
    /// v1: the API.
    pub(crate) resource: Option<String>,
    /// v2: the API as `resource` names it beside the scopes.
    pub(crate) indicator: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) sid: Option<String>,
    /// The PKCE challenge and its method.
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) claims: Option<String>,
    /// The age in seconds up to which a sign-in is good enough.
    pub(crate) max_age: Option<u32>,
    pub(crate) client_info: bool,
    pub(crate) instance_aware: bool,
}

/// Where and how answers go to the app.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
}

/// How an answer travels.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum ResponseMode {
    FormPost,
    Fragment,
    Query,
}

/// What the app wants to get; nothing with `none`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) id_token: bool,
    pub(crate) token: bool,
}

/// What the app wants the person to see.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Prompt {
    /// v1 only: consent for the tenant.
    AdminConsent,
    Consent,
    Login,
    None,
    SelectAccount,
}

impl ResponseType {
    /// Whether the answer holds a token, so that it must not travel in a query.
    pub(crate) fn has_token(self) -> bool {
        self.id_token || self.token
    }
}

impl AuthorizeRequest {
    /// Whether nothing may be shown.
    pub(crate) fn is_silent(&self) -> bool {
        self.prompt == Some(Prompt::None)
    }

    /// Whether the ID token is to tell when the user signed in.
    pub(crate) fn wants_auth_time(&self) -> bool {
        self.max_age.is_some()
            || ClaimsRequest::parse(self.claims.as_deref())
                .is_ok_and(|claims| claims.is_some_and(|it| it.auth_time))
    }
}
