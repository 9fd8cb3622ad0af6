//! On-behalf-of: an API exchanges the token it was called with for a token of its own.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::request::TokenRequest;
use crate::authority::error::{AuthorityError, ticks};
use crate::authority::issue::{self};
use crate::authority::resolve::TenantSegment;
use crate::directory::{Application, TenantId};
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::token::jws::{self, Jwt};
use crate::token::validity::Use;
use crate::token::{
    AccessClaims, AuthenticationMethod, ClientClass, SignIn, SigningKey, VerifyError, verify,
    verify_access_token,
};
use crate::world::World;

pub(super) fn exchange(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let usage = request.form.required("requested_token_use")?;
    if usage != "on_behalf_of" {
        return Err(AuthorityError::aadsts(9002313));
    }
    if let Some(kind) = request.form.get("requested_token_type")?
        && !JWT_TYPES.contains(&kind)
    {
        // Unverified: the service has an answer for tenants without SAML tokens only in its list
        // of codes.
        return Err(AuthorityError::aadsts(51000));
    }
    let assertion = request.form.required("assertion")?;
    request.annotation.tokens.push(TokenUse {
        kind: TokenKind::Access,
        direction: Direction::Presented,
        fingerprint: fingerprint(assertion),
        family: None,
        generation: None,
    });
    let world = &request.state.world;
    let app = request.registration()?;
    let verified = Assertion::verify(assertion, world);
    let tenant = match (&verified, &request.place) {
        (Ok(assertion), _) => {
            let issued_for = assertion.tenant;
            request.tenant_of_grant(issued_for, &app, |segment| {
                AuthorityError::aadsts(1000014)
                    .with("tenant1", segment)
                    .with("tenant2", issued_for.to_string())
            })?
        }
        (Err(_), TenantSegment::Tenant(tenant)) => Arc::clone(tenant),
        (Err(error), _) => return Err(error.clone()),
    };
    let client = request.client(&tenant)?;
    let how = request.authenticate(&client, ClientClass::Confidential, &tenant)?;
    let claims = verified?.check(&client.app, request.endpoint, tenant.now())?;
    request.annotation.user = Some(claims.oid);
    let sign_in = SignIn {
        family: world.random.uuid(),
        tenant: tenant.id,
        client: client.app.app_id,
        client_class: ClientClass::Confidential,
        user: claims.oid,
        // The person signed in when the presented token was issued, or before.
        auth_time: claims.moment(),
        moment: claims.moment(),
        method: AuthenticationMethod::Password,
        mfa_time: claims
            .amr
            .iter()
            .any(|it| it == "mfa")
            .then(|| claims.moment()),
        session: world.random.uuid(),
        compliant_device: false,
    };
    // A policy is told with claims, for the client to satisfy it.
    issue::check_sign_in(
        &request.state.world,
        &tenant,
        &client,
        &sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    let wanted = request.wanted(&tenant, &client.app)?;
    let grant = request.user_grant(&tenant, (&client, how), &sign_in, wanted);
    issue::user_tokens(request.state, &grant, request.trace, request.annotation)
}

/// A token that a client presents as that of the user on whose behalf it acts.
struct Assertion {
    tenant: TenantId,
    audience: String,
    /// The claims of an access token; an ID token is none.
    access: Option<AccessClaims>,
}

impl Assertion {
    /// Verifies the signature as the service can: that of a token for Graph does not fit, since it
    /// is over the hash of the nonce.
    ///
    /// Source: AzureAD/azure-activedirectory-library-for-dotnet#1234.
    fn verify(text: &str, world: &World) -> Result<Self, AuthorityError> {
        if !text.contains('.') {
            // What is no JWT, the mock made for tests of clients that look into tokens.
            let opened = verify_access_token(text, &world.keys, &world.sealer);
            let (claims, _) = opened.map_err(|_| AuthorityError::aadsts(50027))?;
            return Ok(Self {
                tenant: claims.tid,
                audience: claims.aud.clone(),
                access: Some(claims),
            });
        }
        let jwt = Jwt::parse(text).ok_or_else(|| AuthorityError::aadsts(50027))?;
        let kid = jwt.header_text("kid").unwrap_or_default();
        let (claims, _): (Value, _) = verify(text, &world.keys).map_err(|error| match error {
            VerifyError::Malformed => AuthorityError::aadsts(50027),
            VerifyError::Algorithm => AuthorityError::aadsts(5002738)
                .with("algorithm", jwt.header_text("alg").unwrap_or_default()),
            VerifyError::UnknownKey | VerifyError::OfAnotherMock => {
                unsigned(kid).about("unknown-key")
            }
            VerifyError::Signature => unsigned(kid),
        })?;
        if jwt.header.contains_key("nonce") {
            return Err(unsigned(kid));
        }
        let malformed = || AuthorityError::aadsts(50027);
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let tenant = text("tid").and_then(|it| it.parse().ok());
        // Who the token was issued to stands in every access token.
        let is_access_token = ["appid", "azp"]
            .iter()
            .any(|name| claims.get(*name).is_some());
        let audience = text("aud");
        let access = if is_access_token {
            let access: AccessClaims = serde_json::from_value(claims).map_err(|_| malformed())?;
            if !access.is_of(&world.sealer) {
                return Err(unsigned(kid).about("unknown-key"));
            }
            Some(access)
        } else {
            None
        };
        Ok(Self {
            tenant: tenant.ok_or_else(malformed)?,
            audience: audience.ok_or_else(malformed)?,
            access,
        })
    }

    /// The claims, if the token is one that this client may exchange.
    fn check(
        self,
        app: &Application,
        endpoint: Endpoint,
        now: Timestamp,
    ) -> Result<AccessClaims, AuthorityError> {
        let id = app.app_id.to_string();
        // A v1 token names the API as its client spelled it, with or without a last slash.
        let without_slash = |uri: &str| uri.strip_suffix('/').unwrap_or(uri).to_owned();
        let audience = without_slash(&self.audience);
        let is_own = audience.eq_ignore_ascii_case(&id)
            || app.api.as_ref().is_some_and(|api| {
                let mut uris = api.identifier_uris.iter();
                uris.any(|uri| without_slash(uri) == audience)
            });
        if !is_own {
            return Err(AuthorityError::aadsts(500131)
                .with("audience", &self.audience)
                .with("expected", &id)
                .with("app", &id)
                .with("name", &app.display_name));
        }
        let Some(claims) = self.access else {
            return Err(AuthorityError::aadsts(240002));
        };
        if now.as_second() >= claims.exp {
            let expires = Timestamp::from_second(claims.exp).unwrap_or(now);
            return Err(AuthorityError::aadsts(500133)
                .with("now", ticks(now))
                .with("expires", ticks(expires)));
        }
        if claims.is_app_only() {
            return Err(AuthorityError::aadsts(7000114)
                .with("app", &id)
                .with("name", &app.display_name));
        }
        // Unverified: that the version is looked at last.
        if endpoint == Endpoint::V1 && claims.ver == "2.0" {
            return Err(AuthorityError::aadsts(500136));
        }
        Ok(claims)
    }
}

/// The signature does not fit the key that the token names.
fn unsigned(kid: &str) -> AuthorityError {
    let thumbprint = jws::decode(kid).map_or_else(|| kid.to_owned(), |it| jws::hexadecimal(&it));
    let (start, end) = SigningKey::validity();
    AuthorityError::aadsts(50013)
        .with(
            "reason",
            "Key was found, but use of the key to verify the signature failed",
        )
        .with("thumbprint", thumbprint)
        .with("start", start)
        .with("end", end)
}

/// The types of token that are not SAML's (RFC 8693, section 3).
const JWT_TYPES: [&str; 2] = [
    "urn:ietf:params:oauth:token-type:jwt",
    "urn:ietf:params:oauth:token-type:access_token",
];
