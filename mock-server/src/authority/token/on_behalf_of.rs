//! On-behalf-of: an API exchanges the token it was called with for a token of its own.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow.

use serde_json::Value;

use super::{SeveralApis, TokenRequest};
use crate::authority::error::{AuthorityError, ticks};
use crate::authority::issue::{self, UserGrant, Version};
use crate::directory::Application;
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::token::validity::Use;
use crate::token::{AccessClaims, AuthenticationMethod, ClientClass, SignIn, verify_access_token};

pub(super) fn exchange(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let usage = request.form.required("requested_token_use")?;
    if usage != "on_behalf_of" {
        return Err(AuthorityError::aadsts(9002313));
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
    let verified = verify_access_token(assertion, &world.keys, &world.sealer);
    let tenant = match (&verified, &request.place) {
        (Ok((claims, _)), _) => request.tenant_of_grant(claims.tid, &app)?,
        (Err(_), _) => request.tenant(50013)?,
    };
    let client = request.client(&tenant)?;
    let how = request.authenticate(&client, ClientClass::Confidential, &tenant)?;
    let (claims, _) = verified.map_err(|_| AuthorityError::aadsts(50013))?;
    check(&claims, &client.app, tenant.now())?;
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
        &tenant,
        &client,
        &sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    let (requested, openid, version) = request
        .requested(&tenant, SeveralApis::Refused)?
        .ok_or_else(|| AuthorityError::missing("scope"))?;
    issue::user_tokens(
        request.state,
        &UserGrant {
            tenant: &tenant,
            client: &client,
            client_authentication: how,
            sign_in: &sign_in,
            address: request.arrival.address,
            requested,
            openid,
            always_refresh: matches!(version, Version::V1 { .. }),
            version,
            claims: request.claims.clone(),
            client_info: request.form.is_set("client_info"),
            nonce: None,
            previous: None,
        },
        request.trace,
        request.annotation,
    )
}

fn check(
    claims: &AccessClaims,
    app: &Application,
    now: jiff::Timestamp,
) -> Result<(), AuthorityError> {
    let id = app.app_id.to_string();
    let own = claims.aud.eq_ignore_ascii_case(&id)
        || app.api.as_ref().is_some_and(|api| {
            // A v1 token names the API as its client spelled it, with or without a last slash.
            let audience = claims.aud.strip_suffix('/').unwrap_or(&claims.aud);
            api.identifier_uris.iter().any(|uri| uri == audience)
        });
    if !own {
        return Err(AuthorityError::aadsts(500131)
            .with("audience", &claims.aud)
            .with("expected", &id)
            .with("app", &id));
    }
    if now.as_second() >= claims.exp {
        let expires = jiff::Timestamp::from_second(claims.exp).unwrap_or(now);
        return Err(AuthorityError::aadsts(500133)
            .with("now", ticks(now))
            .with("expires", ticks(expires)));
    }
    if claims.is_app_only() {
        // The code is not documented; the assertion is refused as unusable. Unverified.
        return Err(AuthorityError::aadsts(50013));
    }
    Ok(())
}
