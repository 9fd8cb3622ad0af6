//! Client assertions: JWTs signed with a registered certificate, or by a trusted issuer.
//!
//! Source: learn.microsoft.com/entra/identity-platform/certificate-credentials and
//! /workload-identity-federation.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::error::{AuthorityError, ticks};
use super::Verification;
use crate::directory::{Application, FederatedCredential, KeyCredential};
use crate::token::jws::{self, Jwt, KeyName, RsaKey};

/// Verifies an assertion for an app, in the service's order.
pub(super) fn verify(
    assertion: &str,
    app: &Application,
    verification: &Verification<'_>,
) -> Result<(), AuthorityError> {
    let jwt = Jwt::parse(assertion).ok_or_else(|| AuthorityError::aadsts(50027))?;
    if jwt.algorithm().is_none() {
        let algorithm = jwt.header_text("alg").unwrap_or_default();
        return Err(AuthorityError::aadsts(5002738).with("algorithm", algorithm));
    }
    // Unverified: that a claim of nothing counts as one that is not there.
    let is_there = |name: &str| match jwt.claims.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    for field in ["iss", "aud", "exp"] {
        if !is_there(field) {
            return Err(AuthorityError::aadsts(90014).with("field", field));
        }
    }
    let Some(subject) = jwt.claim_text("sub").filter(|it| !it.is_empty()) else {
        return Err(AuthorityError::aadsts(700022));
    };
    let client_id = app.app_id.to_string();
    let issuer = jwt.claim_text("iss").unwrap_or_default();
    let is_own = issuer.eq_ignore_ascii_case(&client_id);
    if !is_own && (issuer.contains("://") || !app.federated_credentials.is_empty()) {
        return federated(&jwt, app, verification.now);
    }
    let name = jwt
        .key_name()
        .ok_or_else(|| AuthorityError::aadsts(5002723))?;
    if !is_own {
        return Err(AuthorityError::aadsts(700021));
    }
    if !subject.eq_ignore_ascii_case(issuer) {
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
    if app.certificates.is_empty() {
        return Err(AuthorityError::aadsts(700026));
    }
    let key = app
        .certificates
        .iter()
        .find(|key| name.names(key))
        .ok_or_else(|| {
            AuthorityError::aadsts(700027)
                .about("unknown-key")
                .with("thumbprint", name.shown())
                .with("app", &client_id)
        })?;
    check_signature(&jwt, key, &name, verification.now)
}

/// The key must be valid, strong enough, and the one that signed.
fn check_signature(
    jwt: &Jwt<'_>,
    key: &KeyCredential,
    name: &KeyName<'_>,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    let refused = |reason: &str| {
        let date = |moment: Timestamp| moment.strftime("%m/%d/%Y %H:%M:%S").to_string();
        AuthorityError::aadsts(700027)
            .with("reason", reason)
            .with("thumbprint", name.shown())
            .with("start", date(key.start))
            .with("end", date(key.end))
    };
    if now >= key.end {
        return Err(refused("The key used is expired"));
    }
    if now < key.start {
        return Err(refused("The key used is not yet valid"));
    }
    let public =
        RsaKey::of_certificate(&key.certificate).ok_or_else(|| refused("The key is no RSA key"))?;
    check_strength(&public)?;
    if jwt.is_signed_by(&public) {
        return Ok(());
    }
    Err(refused(
        "Key was found, but use of the key to verify the signature failed",
    ))
}

fn check_strength(key: &RsaKey) -> Result<(), AuthorityError> {
    if key.bits < WEAK {
        return Err(AuthorityError::aadsts(50032)
            .with("actualSize", key.bits.to_string())
            .with("minSize", WEAK.to_string()));
    }
    Ok(())
}

/// Trust in another issuer: issuer, subject and audience must equal a stored credential's.
fn federated(jwt: &Jwt<'_>, app: &Application, now: Timestamp) -> Result<(), AuthorityError> {
    let credential = trusted(jwt, app)?;
    // A token that an API was called with is none that a workload has.
    // Source: learn.microsoft.com/entra/identity-platform/reference-error-codes, 700229.
    if jwt.claims.contains_key("scp") {
        return Err(AuthorityError::aadsts(700229));
    }
    check_times(jwt, now)?;
    let named = keys_of_issuer(credential, jwt.header_text("kid"))?;
    if named.iter().any(|key| jwt.is_signed_by(key)) {
        return Ok(());
    }
    if named.is_empty() {
        return Err(AuthorityError::aadsts(5000811));
    }
    if named.iter().all(|key| check_strength(key).is_err()) {
        check_strength(&named[0])?;
    }
    Err(AuthorityError::aadsts(700027).about("federated"))
}

/// The issuer's keys that an assertion may be signed with.
///
/// Source: Azure/azure-workload-identity docs/book/src/troubleshooting.md; f-bader/EntraID-ErrorCodes.
fn keys_of_issuer(
    credential: &FederatedCredential,
    kid: Option<&str>,
) -> Result<Vec<RsaKey>, AuthorityError> {
    // The mock asks no issuer: one whose keys it was not given cannot be reached.
    let jwks = credential
        .jwks
        .as_ref()
        .ok_or_else(|| AuthorityError::aadsts(90061))?;
    let keys: Vec<(&Value, RsaKey)> = jwks["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|jwk| Some((jwk, RsaKey::of_jwk(jwk)?)))
        .collect();
    if keys.is_empty() {
        return Err(AuthorityError::aadsts(900612));
    }
    let named: Vec<(&Value, RsaKey)> = keys
        .into_iter()
        .filter(|(jwk, _)| kid.is_none() || jwk["kid"].as_str() == kid)
        .collect();
    for (jwk, _) in &named {
        if !jws::is_consistent(jwk) {
            return Err(AuthorityError::aadsts(500033).with("kid", kid.unwrap_or_default()));
        }
    }
    Ok(named.into_iter().map(|(_, key)| key).collect())
}

/// The credential that an assertion fits.
fn trusted<'a>(
    jwt: &Jwt<'_>,
    app: &'a Application,
) -> Result<&'a FederatedCredential, AuthorityError> {
    let issuer = jwt.claim_text("iss").unwrap_or_default();
    let subject = jwt.claim_text("sub").unwrap_or_default();
    let audiences = jwt.audiences();
    let by_issuer: Vec<&FederatedCredential> = app
        .federated_credentials
        .iter()
        .filter(|it| it.issuer == issuer)
        .collect();
    let audience = audiences.first().copied().unwrap_or_default();
    if by_issuer.is_empty() {
        let fits = |it: &FederatedCredential| {
            it.subject == subject || audiences.contains(&it.audience.as_str())
        };
        // Source: Azure/azure-workload-identity docs/book/src/troubleshooting.md. Unverified: that
        // this older code is left to assertions of which nothing fits.
        let all = &app.federated_credentials;
        if !all.is_empty() && !all.iter().any(fits) {
            return Err(AuthorityError::aadsts(70021)
                .with("issuer", issuer)
                .with("subject", subject)
                .with("audience", audience));
        }
        return Err(AuthorityError::aadsts(700211).with("issuer", issuer));
    }
    let mut by_subject = by_issuer
        .iter()
        .filter(|it| it.subject == subject)
        .peekable();
    if by_subject.peek().is_none() {
        // Source: Azure/login#515.
        let in_another_case = by_issuer
            .iter()
            .any(|it| it.subject.eq_ignore_ascii_case(subject));
        let code = if in_another_case { 7002138 } else { 700213 };
        return Err(AuthorityError::aadsts(code).with("subject", subject));
    }
    by_subject
        .find(|it| audiences.contains(&it.audience.as_str()))
        .copied()
        .ok_or_else(|| AuthorityError::aadsts(700212).with("audience", audience))
}

/// `aud` names the token endpoint, the issuer or the tenant, at any login host of the cloud or at
/// the address that the client used; the tenant by id or domain.
///
/// `v2` is what the troubleshooting pages of Azure's SDKs tell to write
/// (Azure/azure-sdk-for-net sdk/identity/Azure.Identity/TROUBLESHOOTING.md).
///
/// Unverified: which other spellings besides the token endpoint are accepted.
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
    verification.tenant.read(|directory| {
        let names_tenant = tenant.eq_ignore_ascii_case(&directory.id.to_string())
            || directory.has_domain(tenant)
            || tenant.eq_ignore_ascii_case(verification.segment);
        names_tenant
            && matches!(
                rest,
                "oauth2/v2.0/token" | "oauth2/token" | "v2.0" | "v2.0/" | "v2" | ""
            )
    })
}

fn check_times(jwt: &Jwt<'_>, now: Timestamp) -> Result<(), AuthorityError> {
    let expires = jwt.time("exp");
    let from = jwt.time("nbf");
    // Unverified: how a beginning that is no time is refused, and one after the end.
    let begins = from.is_some() || jwt.claims.get("nbf").is_none_or(Value::is_null);
    let good = begins
        && expires.is_some_and(|it| {
            now < it.saturating_add(SKEW).unwrap_or(it) && from.is_none_or(|from| from <= it)
        })
        && from.is_none_or(|it| now >= it.saturating_sub(SKEW).unwrap_or(it));
    if good {
        return Ok(());
    }
    // Where an assertion says nothing the service reads the beginning of its time.
    // Source: AzureAD/microsoft-authentication-library-for-java#984.
    let text = |time: Option<Timestamp>| ticks(time.unwrap_or(Timestamp::UNIX_EPOCH));
    Err(AuthorityError::aadsts(700024)
        .with("now", ticks(now))
        .with("from", text(from))
        .with("until", text(expires)))
}

/// Tolerance for clocks. Unverified: own knowledge.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Keys of fewer bits are refused: AADSTS50032.
const WEAK: usize = 2048;
