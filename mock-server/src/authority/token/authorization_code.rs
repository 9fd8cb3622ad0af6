//! `authorization_code`: redeems a code of the authorize endpoint.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::endpoint::{Endpoint, expiry};
use super::request::{Asked, SeveralApis, TokenRequest, Wanted, of_another_tenant};
use crate::authority::client_authentication::{class_of_platform, default_class};
use crate::authority::error::AuthorityError;
use crate::authority::issue::{self, Version};
use crate::authority::resolve::Requested;
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::permission::OPENID_SCOPES;
use crate::token::validity::{CODE_LIFETIME, Use};
use crate::token::{AuthorizationCode, ClientClass};
use crate::world::Tenant;

pub(super) fn redeem(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    let text = request.form.required("code")?;
    let app = request.registration()?;
    let opened = AuthorizationCode::open(text, &request.state.world.sealer);
    let family = opened
        .as_ref()
        .ok()
        .map(|code| code.sign_in.family.to_string());
    request.annotation.tokens.push(TokenUse {
        kind: TokenKind::Code,
        direction: Direction::Presented,
        fingerprint: fingerprint(text),
        family,
        generation: None,
    });
    let Ok(code) = opened else {
        return Err(request.refuse_unreadable());
    };
    let tenant = request.tenant_of_grant(
        code.sign_in.tenant,
        &app,
        of_another_tenant(code.sign_in.tenant),
    )?;
    request.annotation.user = Some(code.sign_in.user);
    let client = request.client(&tenant)?;
    let registered = client.app.redirect_uri(&code.redirect_uri);
    let class = registered.map_or_else(
        || default_class(&client.app),
        |uri| class_of_platform(uri.platform),
    );
    let is_registered = registered.is_some();
    let how = request.authenticate(&client, class, &tenant)?;
    if code.sign_in.client != client.app.app_id {
        return Err(AuthorityError::aadsts(700007));
    }
    match request.form.get("redirect_uri")? {
        None => return Err(AuthorityError::aadsts(700009)),
        // Source: Azure-Samples/azure-search-openai-demo#784.
        Some(uri) if url::Url::parse(uri).is_err() => {
            return Err(AuthorityError::aadsts(500116).with("schemes", "*"));
        }
        Some(uri) if uri != code.redirect_uri => {
            return Err(AuthorityError::aadsts(500112)
                .with("redirect_uri", uri)
                .with("expected", &code.redirect_uri));
        }
        // Unverified: that a redirect URI that was taken away meanwhile is looked at here.
        Some(uri) if !is_registered => {
            return Err(AuthorityError::aadsts(50011)
                .with("redirect_uri", uri)
                .with("app", client.app.app_id.to_string()));
        }
        Some(_) => {}
    }
    check_verifier(&code, class, request.form.get("code_verifier")?)?;
    let now = tenant.now();
    let expires = expiry(code.issued, CODE_LIFETIME);
    if now >= expires {
        return Err(AuthorityError::aadsts(70008));
    }
    issue::check_sign_in(
        &request.state.world,
        &tenant,
        &client,
        &code.sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    let wanted = wanted(request, &code, &tenant)?;
    request.check(&tenant, &client.app, &wanted)?;
    let redeemed = &request.state.world.redeemed;
    if redeemed.redeem(tenant.id, code.id, expires, now) {
        return Err(AuthorityError::aadsts(54005));
    }
    let mut sign_in = code.sign_in.clone();
    sign_in.client_class = class;
    let mut grant = request.user_grant(&tenant, (&client, how), &sign_in, wanted);
    grant.nonce.clone_from(&code.nonce);
    if grant.claims.is_none() {
        grant.claims = issue::ClaimsRequest::parse(code.claims.as_deref())?;
    }
    issue::user_tokens(request.state, &grant, request.trace, request.annotation)
}

/// What the token is for: what the request names, or what was asked at the authorize endpoint.
fn wanted(
    request: &TokenRequest<'_>,
    code: &AuthorizationCode,
    tenant: &Tenant,
) -> Result<Wanted, AuthorityError> {
    match request.asked(tenant, SeveralApis::Refused)? {
        Asked::Api(mut wanted) => {
            // What the person agreed to at the authorize endpoint stands, whatever is asked here.
            wanted.openid.extend(
                code.scope
                    .split_whitespace()
                    .map(str::to_ascii_lowercase)
                    .filter(|it| OPENID_SCOPES.contains(&it.as_str())),
            );
            Ok(wanted)
        }
        asked => of_code(request, code, tenant, &asked),
    }
}

/// What was asked at the authorize endpoint.
fn of_code(
    request: &TokenRequest<'_>,
    code: &AuthorizationCode,
    tenant: &Tenant,
    asked: &Asked,
) -> Result<Wanted, AuthorityError> {
    let world = &request.state.world;
    match (&code.resource, request.endpoint) {
        (Some(resource), endpoint) => {
            let wanted = Wanted::of_resource(world, tenant, resource)?;
            Ok(match endpoint {
                Endpoint::V1 => wanted,
                Endpoint::V2 => Wanted {
                    version: Version::V2,
                    ..wanted
                },
            })
        }
        (None, Endpoint::V1) => Ok(Wanted::of_nothing()),
        (None, Endpoint::V2) => {
            let requested = Requested::parse(world, tenant, &code.scope)?;
            if requested.resources.len() > 1 {
                // Which API's token it is to be, the client must say.
                // Source: AzureAD/microsoft-authentication-library-for-python#125.
                return Err(match asked {
                    Asked::Nothing => AuthorityError::aadsts(28003),
                    _ => AuthorityError::aadsts(28002)
                        .with("scope", request.form.raw("scope").unwrap_or_default()),
                });
            }
            let (requested, openid) = requested.single(world, tenant, &code.scope)?;
            Ok(Wanted {
                requested,
                openid,
                version: Version::V2,
            })
        }
    }
}

/// Proof key for code exchange, RFC 7636.
fn check_verifier(
    code: &AuthorizationCode,
    class: ClientClass,
    verifier: Option<&str>,
) -> Result<(), AuthorityError> {
    let refused = |number| Err(AuthorityError::aadsts(number));
    match (&code.challenge, verifier) {
        (None, _) if class == ClientClass::Spa => Err(AuthorityError::aadsts(9002325)),
        // A verifier without a challenge proves nothing. Unverified: the service's answer to it.
        (None, _) => Ok(()),
        (Some(_), None) => refused(50148),
        (Some((challenge, method)), Some(verifier)) => {
            let length = verifier.chars().count();
            if length < 43 {
                return refused(501482);
            }
            let computed = if method == "S256" {
                URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
            } else {
                verifier.to_owned()
            };
            if length <= 128 && computed == *challenge {
                Ok(())
            } else {
                refused(501481)
            }
        }
    }
}
