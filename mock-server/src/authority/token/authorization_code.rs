//! `authorization_code`: redeems a code of the authorize endpoint.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Endpoint, SeveralApis, TokenRequest, expiry};
use crate::authority::client_authentication::{class_of_platform, default_class};
use crate::authority::error::AuthorityError;
use crate::authority::issue::{self, UserGrant, Version};
use crate::authority::resolve::Requested;
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::token::validity::{CODE_LIFETIME, Use};
use crate::token::{AuthorizationCode, ClientClass};

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
        // The client's own faults are told before the grant is looked at.
        let tenant = request.tenant(70000)?;
        let client = request.client(&tenant)?;
        let class = if request.presented.any() {
            ClientClass::Confidential
        } else {
            default_class(&client.app)
        };
        request.authenticate(&client, class, &tenant)?;
        return Err(AuthorityError::aadsts(9002313).about("grant"));
    };
    let tenant = request.tenant_of_grant(code.sign_in.tenant, &app)?;
    request.annotation.user = Some(code.sign_in.user);
    let client = request.client(&tenant)?;
    let class = client.app.redirect_uri(&code.redirect_uri).map_or_else(
        || default_class(&client.app),
        |uri| class_of_platform(uri.platform),
    );
    let how = request.authenticate(&client, class, &tenant)?;
    if code.sign_in.client != client.app.app_id {
        return Err(AuthorityError::aadsts(70000));
    }
    let redirect_uri = request.form.get("redirect_uri")?;
    match redirect_uri {
        None => return Err(AuthorityError::missing("redirect_uri")),
        Some(uri) if uri != code.redirect_uri => {
            return Err(AuthorityError::aadsts(500112)
                .with("redirect_uri", uri)
                .with("expected", &code.redirect_uri));
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
        &tenant,
        &client,
        &code.sign_in,
        (Use::NonInteractive, request.arrival.address),
    )?;
    let (requested, openid, version) = match request.requested(&tenant, SeveralApis::Refused)? {
        Some((requested, mut openid, version)) => {
            // What the person agreed to at the authorize endpoint stands, whatever is asked here.
            openid.extend(
                code.scope
                    .split_whitespace()
                    .map(str::to_ascii_lowercase)
                    .filter(|it| crate::permission::OPENID_SCOPES.contains(&it.as_str())),
            );
            (requested, openid, version)
        }
        None => of_code(request, &code, &tenant)?,
    };
    let redeemed = &request.state.world.redeemed;
    if redeemed.redeem(tenant.id, code.id, expires, now) {
        return Err(AuthorityError::aadsts(54005));
    }
    let mut sign_in = code.sign_in.clone();
    sign_in.client_class = class;
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
            claims: match request.claims.clone() {
                Some(claims) => Some(claims),
                None => issue::ClaimsRequest::parse(code.claims.as_deref())?,
            },
            client_info: request.form.is_set("client_info"),
            nonce: code.nonce.clone(),
            previous: None,
        },
        request.trace,
        request.annotation,
    )
}

/// Without `scope` or `resource` the token is for what was asked at the authorize endpoint.
fn of_code(
    request: &TokenRequest<'_>,
    code: &AuthorizationCode,
    tenant: &crate::world::Tenant,
) -> Result<
    (
        crate::authority::resolve::RequestedResource,
        std::collections::BTreeSet<String>,
        Version,
    ),
    AuthorityError,
> {
    let world = &request.state.world;
    match (&code.resource, request.endpoint) {
        (Some(resource), _) => {
            let (requested, openid) =
                Requested::of_resource(world, tenant, resource)?.single(tenant, resource)?;
            let version = match request.endpoint {
                Endpoint::V1 => Version::V1 {
                    resource: resource.clone(),
                },
                Endpoint::V2 => Version::V2,
            };
            Ok((requested, openid, version))
        }
        (None, Endpoint::V1) => Err(AuthorityError::missing("resource")),
        (None, Endpoint::V2) => {
            let mut requested = Requested::parse(world, tenant, &code.scope)?;
            // Several APIs may be asked for at the authorize endpoint; the token is for the first.
            requested.resources.truncate(1);
            let (requested, openid) = requested.single(tenant, &code.scope)?;
            Ok((requested, openid, Version::V2))
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
            let computed = if method == "S256" {
                URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
            } else {
                verifier.to_owned()
            };
            if (43..=128).contains(&length) && computed == *challenge {
                Ok(())
            } else {
                refused(501481)
            }
        }
    }
}
