//! ID tokens: signature, issuer, audience, time and nonce, before anything in them is believed.
//!
//! Source: learn.microsoft.com/entra/identity-platform/id-tokens and /access-tokens ("validate the
//! issuer", "validate the signing key").

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use url::Url;

use super::http::{self, Http};
use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use super::settings::Settings;

/// Validates an ID token.
pub(super) async fn validate(
    http: &Http,
    settings: &Settings,
    token: &str,
    nonce: &str,
    now: i64,
) -> Result<(), Problem> {
    if settings.kind.is(Mutant::BelievesAnyIdToken) {
        return Ok(());
    }
    let untrusted =
        |what: &str| Problem::untrusted(format!("the ID token is not accepted: {what}"));
    let no_jwt = |_| untrusted("it is no signed JWT");
    let header = decode_header(token).map_err(no_jwt)?;
    // Unchecked until its key is known, which depends on what it says.
    let claims: Value = insecure_decode_claims(token).map_err(no_jwt)?;
    if header.alg != Algorithm::RS256 {
        return Err(untrusted("its algorithm is not RS256"));
    }
    let configuration = configuration(http, settings).await?;
    let tenant = claims["tid"].as_str();
    let issuer = claims["iss"].as_str().unwrap_or_default();
    let expected = configuration["issuer"].as_str().unwrap_or_default();
    if settings.kind.is(Mutant::FetchesForeignKeys)
        && let Some(address) = &header.jku
    {
        let _ = http.client.get(address).send().await;
    }
    let of_any_cloud =
        settings.kind.is(Mutant::BelievesIssuersOfAnyCloud) && super::clouds::is_login(issuer);
    let fits = issuer_fits(expected, issuer, tenant) && is_trusted(settings, issuer);
    if !fits && !of_any_cloud {
        return Err(untrusted("its issuer is another one"));
    }
    if claims["aud"].as_str() != Some(&settings.client_id) {
        return Err(untrusted("it was issued for another app"));
    }
    let without = claims["nonce"].is_null() && settings.kind.is(Mutant::BelievesWithoutNonce);
    if claims["nonce"].as_str() != Some(nonce)
        && !without
        && !settings.kind.is(Mutant::BelievesAnyNonce)
    {
        return Err(untrusted("it belongs to another sign-in"));
    }
    let time = |name: &str| claims[name].as_i64();
    if time("exp").is_none_or(|exp| exp.saturating_add(SKEW) <= now)
        || time("nbf").is_some_and(|nbf| nbf > now + SKEW)
    {
        return Err(untrusted("it is not valid at this time"));
    }
    let keys_url = configuration["jwks_uri"].as_str().unwrap_or_default();
    let key = key(http, settings, keys_url, header.kid.as_deref())
        .await?
        .ok_or_else(|| untrusted("it is signed with an unknown key"))?;
    // A key may be bound to an issuer.
    if key["issuer"]
        .as_str()
        .is_some_and(|bound| !issuer_fits(bound, issuer, tenant))
        && !of_any_cloud
    {
        return Err(untrusted("its key belongs to another issuer"));
    }
    let part = |name: &str| key[name].as_str().unwrap_or_default();
    let key = DecodingKey::from_rsa_components(part("n"), part("e"))
        .map_err(|_| untrusted("its key cannot be read"))?;
    // The signature alone: audience and times were compared above, by the connection's own clock.
    let mut signature = Validation::new(Algorithm::RS256);
    signature.required_spec_claims.clear();
    (signature.validate_exp, signature.validate_aud) = (false, false);
    decode::<Value>(token, &key, &signature)
        .map(drop)
        .map_err(|_| untrusted("its signature is wrong"))
}

/// The key with an id. A set that lacks it may be from before a rotation, so it is fetched once
/// more.
///
/// Source: OpenID Connect Core 1.0, section 10.1.1.
async fn key(
    http: &Http,
    settings: &Settings,
    url: &str,
    id: Option<&str>,
) -> Result<Option<Value>, Problem> {
    let times = match settings.kind {
        Kind::Mutant(Mutant::FetchesKeysAgainAndAgain) => 20,
        _ => 2,
    };
    for _ in 0..times {
        let mut set = document(http, settings, url).await?;
        let Some(Value::Array(keys)) = set.get_mut("keys").map(Value::take) else {
            continue;
        };
        let found = keys
            .into_iter()
            .find(|key| id.is_some() && key["kid"].as_str() == id);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

pub(super) async fn configuration(http: &Http, settings: &Settings) -> Result<Value, Problem> {
    let url = format!(
        "{}/v2.0/.well-known/openid-configuration",
        settings.authority()
    );
    document(http, settings, &url).await
}

async fn document(http: &Http, settings: &Settings, url: &str) -> Result<Value, Problem> {
    if !is_trusted(settings, url) {
        return Err(Problem::untrusted(format!(
            "the sign-in service points to {url}"
        )));
    }
    let response = http
        .send("the sign-in service", true, None, |_| http.client.get(url))
        .await?;
    let status = response.status();
    if !status.is_success() {
        let after = http::retry_after(&response);
        let text = http.text(response).await.unwrap_or_default();
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if body["error"].is_string() {
            return Err(Problem::of_authority(status.as_u16(), &body, after));
        }
        let message = format!("the sign-in service's metadata is not to be had ({status})");
        return Err(Problem::unavailable(message));
    }
    let text = http.text(response).await;
    text.and_then(|it| serde_json::from_str(&it).ok())
        .ok_or_else(|| Problem::unavailable("the sign-in service's metadata cannot be read"))
}

/// Whether two tokens are of one user in one tenant.
///
/// Source: OpenID Connect Core 1.0, section 12.2.
pub(super) fn is_of_the_same_user(before: &str, after: &str) -> bool {
    let (Some(before), Some(after)) = (claims(before), claims(after)) else {
        return false;
    };
    let same = |name: &&str| before[*name] == after[*name];
    ["iss", "sub", "tid"].iter().all(same)
}

/// What a token says, unchecked.
pub(super) fn claims(token: &str) -> Option<Value> {
    insecure_decode_claims(token).ok()
}

fn issuer_fits(template: &str, issuer: &str, tenant: Option<&str>) -> bool {
    let expected = template.replace("{tenantid}", tenant.unwrap_or("{tenantid}"));
    !issuer.is_empty() && expected == issuer
}

/// Whether an address is of this cloud's login hosts, or of the authority that was configured.
pub(super) fn is_trusted(settings: &Settings, address: &str) -> bool {
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let of_cloud = url.scheme() == "https" && settings.cloud.trusted_hosts.contains(&host);
    of_cloud || address.starts_with(&format!("{}/", settings.cloud.authority))
}

/// Clocks differ.
const SKEW: i64 = 300;
