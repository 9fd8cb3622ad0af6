//! Client assertions: JWTs signed with a registered certificate, or by a trusted issuer.
//!
//! Source: learn.microsoft.com/entra/identity-platform/certificate-credentials and
//! /workload-identity-federation. Real clients spell the same thing in many ways (thumbprints in
//! both base64 alphabets, times as floats or strings, parts with padding): what Entra accepts is
//! accepted here.

use aws_lc_rs::signature::{RsaParameters, RsaPublicKeyComponents};
use jiff::{SignedDuration, Timestamp};

use super::super::error::{AuthorityError, ticks};
use super::Verification;
use crate::directory::{Application, FederatedCredential, KeyCredential};
use crate::token::jws::{Jwt, decode, identifies, parameters};

/// Verifies an assertion for an app, in the service's order.
pub(super) fn verify(
    assertion: &str,
    app: &Application,
    verification: &Verification<'_>,
) -> Result<(), AuthorityError> {
    let jwt = Jwt::parse(assertion).ok_or_else(|| AuthorityError::aadsts(50027))?;
    let algorithm = jwt.header_text("alg").unwrap_or_default();
    let Some(parameters) = parameters(algorithm) else {
        return Err(AuthorityError::aadsts(5002738).with("algorithm", algorithm));
    };
    for field in ["iss", "sub", "aud", "exp"] {
        if !jwt.claims.contains_key(field) {
            return Err(AuthorityError::aadsts(90014).with("field", field));
        }
    }
    let client_id = app.app_id.to_string();
    let issuer = jwt.claim_text("iss").unwrap_or_default();
    let is_own = issuer.eq_ignore_ascii_case(&client_id);
    if !is_own && (issuer.contains("://") || !app.federated_credentials.is_empty()) {
        return federated(&jwt, app, algorithm, parameters, verification.now);
    }
    let identifiers = jwt.key_identifiers();
    if identifiers.is_empty() {
        return Err(AuthorityError::aadsts(5002723));
    }
    if !is_own {
        return Err(AuthorityError::aadsts(700021));
    }
    if !jwt
        .claim_text("sub")
        .is_some_and(|sub| sub.eq_ignore_ascii_case(issuer))
    {
        return Err(AuthorityError::aadsts(50048));
    }
    if !jwt
        .audiences()
        .iter()
        .any(|audience| accepts_audience(audience, verification))
    {
        return Err(AuthorityError::aadsts(700023));
    }
    check_times(&jwt, verification.now)?;
    let key = app
        .certificates
        .iter()
        .find(|key| {
            identifiers
                .iter()
                .any(|identifier| identifies(key, identifier))
        })
        .ok_or_else(|| refused(&identifiers, "The key was not found", None))?;
    if verification.now >= key.end {
        return Err(refused(&identifiers, "The key used is expired", Some(key)));
    }
    if verification.now < key.start {
        return Err(refused(
            &identifiers,
            "The key used is not yet valid",
            Some(key),
        ));
    }
    match jwt.is_signed_by(key) {
        Some(true) => Ok(()),
        Some(false) => Err(AuthorityError::aadsts(700027)
            .with("reason", "Client assertion failed signature validation.")),
        None => Err(refused(&identifiers, "The key is no RSA key", Some(key))),
    }
}

/// Trust in another issuer: issuer, subject and audience must equal a stored credential's.
fn federated(
    jwt: &Jwt<'_>,
    app: &Application,
    algorithm: &str,
    parameters: &'static RsaParameters,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    let issuer = jwt.claim_text("iss").unwrap_or_default();
    let subject = jwt.claim_text("sub").unwrap_or_default();
    let audiences = jwt.audiences();
    let by_issuer: Vec<&FederatedCredential> = app
        .federated_credentials
        .iter()
        .filter(|it| it.issuer == issuer)
        .collect();
    if by_issuer.is_empty() {
        return Err(AuthorityError::aadsts(700211).with("issuer", issuer));
    }
    let by_subject: Vec<_> = by_issuer
        .into_iter()
        .filter(|it| it.subject == subject)
        .collect();
    if by_subject.is_empty() {
        return Err(AuthorityError::aadsts(700213).with("subject", subject));
    }
    let credential = by_subject
        .into_iter()
        .find(|it| audiences.iter().any(|audience| *audience == it.audience))
        .ok_or_else(|| {
            AuthorityError::aadsts(700212)
                .with("audience", audiences.first().copied().unwrap_or_default())
        })?;
    // Only RS256 is supported there.
    // Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
    if algorithm != "RS256" {
        return Err(AuthorityError::aadsts(5002738).with("algorithm", algorithm));
    }
    check_times(jwt, now)?;
    let kid = jwt.header_text("kid");
    let keys = credential
        .jwks
        .as_ref()
        .and_then(|jwks| jwks["keys"].as_array());
    let verified = keys.into_iter().flatten().any(|key| {
        let part = |name: &str| key[name].as_str().and_then(decode);
        let fits = kid.is_none() || key["kid"].as_str() == kid;
        match (part("n"), part("e")) {
            (Some(n), Some(e)) if fits => RsaPublicKeyComponents { n, e }
                .verify(parameters, jwt.message.as_bytes(), &jwt.signature)
                .is_ok(),
            _ => false,
        }
    });
    if verified {
        return Ok(());
    }
    Err(AuthorityError::aadsts(700027)
        .with("reason", "Client assertion failed signature validation."))
}

/// `aud` names the token endpoint, the issuer or the tenant, at any login host of the cloud or at
/// the address that the client used; the tenant by id or domain.
///
/// Which spellings besides the token endpoint are accepted is own knowledge: unverified.
fn accepts_audience(audience: &str, verification: &Verification<'_>) -> bool {
    let arrival = verification.arrival;
    let own = audience.strip_prefix(arrival.origin.as_str());
    let of_cloud = arrival.cloud.facts().hosts.iter().find_map(|host| {
        audience
            .strip_prefix("https://")?
            .strip_prefix(host.as_str())
    });
    let Some(path) = own.or(of_cloud).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    let (tenant, rest) = path.split_once('/').unwrap_or((path, ""));
    let directory = verification.tenant.directory();
    let names_tenant = tenant.eq_ignore_ascii_case(&directory.id.to_string())
        || directory.has_domain(tenant)
        || tenant.eq_ignore_ascii_case(verification.segment);
    names_tenant
        && matches!(
            rest,
            "oauth2/v2.0/token" | "oauth2/token" | "v2.0" | "v2.0/" | ""
        )
}

fn check_times(jwt: &Jwt<'_>, now: Timestamp) -> Result<(), AuthorityError> {
    let expires = jwt.time("exp");
    let from = jwt.time("nbf");
    let good = expires.is_some_and(|it| now < it.saturating_add(SKEW).unwrap_or(it))
        && from.is_none_or(|it| now >= it.saturating_sub(SKEW).unwrap_or(it));
    if good {
        return Ok(());
    }
    let text = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), ticks);
    Err(AuthorityError::aadsts(700024)
        .with("now", ticks(now))
        .with("from", text(from))
        .with("until", text(expires)))
}

fn refused(identifiers: &[Vec<u8>], reason: &str, key: Option<&KeyCredential>) -> AuthorityError {
    let thumbprint: String = identifiers
        .first()
        .into_iter()
        .flatten()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let date = |moment: Timestamp| moment.strftime("%m/%d/%Y %H:%M:%S").to_string();
    let found = key.map_or_else(String::new, |key| {
        format!(
            ", Found key 'Start={}, End={}'",
            date(key.start),
            date(key.end)
        )
    });
    let text = format!(
        "Client assertion contains an invalid signature. [Reason - {reason}., Thumbprint of key \
         used by client: '{thumbprint}'{found}]"
    );
    AuthorityError::aadsts(700027).with("reason", text)
}

/// Tolerance for clocks. Unverified: own knowledge.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
