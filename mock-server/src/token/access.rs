//! Access tokens: claims as Entra makes them, minting, verifying.
//!
//! Graph tokens have the v1 format whatever endpoint issues them, and a header with a nonce of
//! which the signature covers the hash, so that nobody but Graph can verify them.
//! Sources: learn.microsoft.com/entra/identity-platform/access-token-claims-reference and
//! /access-tokens; the members that no source describes are listed in the docs as unverified.

mod claims;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) use self::claims::{BACKDATED, opaque_members};
use self::claims::{claims, is_marked, moment_of};
use super::keys::{KeyRings, SigningKey};
use super::seal::Sealer;
use crate::directory::{ApplicationId, Directory, ObjectId, TenantId, User, UserKind};
use crate::environment::{Environment, GRAPH_APPLICATION_ID, Issuer, SignInCloud};
use crate::random::Random;

/// What an access token is to say.
#[derive(Clone, Debug)]
pub struct AccessTokenSpec {
    /// Where the tenant lives.
    pub environment: Environment,
    /// Who issues it.
    pub issuer: Issuer,
    /// The tenant.
    pub tenant: TenantId,
    /// When the tenant was made, `xms_tcdt`.
    pub tenant_created: Timestamp,
    /// The tenant's country.
    pub country: String,
    /// For which API.
    pub audience: Audience,
    /// The client.
    pub client: ApplicationId,
    /// Its name.
    pub client_name: String,
    /// How it authenticated: `0` not at all, `1` by secret, `2` by certificate or assertion.
    pub client_authentication: u8,
    /// For whom.
    pub subject: Subject,
    /// When it is issued.
    pub issued: Timestamp,
    /// When it counts as issued among the tenant's events: `Directory::moment`.
    pub moment: Timestamp,
    /// How long it lives, in seconds.
    pub lifetime: u32,
    /// The client declared `cp1`: it can handle claims challenges.
    pub handles_claims_challenges: bool,
    /// JWT, opaque text, or padded.
    pub format: TokenFormat,
}

/// The API for which a token is issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audience {
    /// The value of `aud`: the resource as the client spelled it, or an application id.
    pub value: String,
    /// The application id of the API.
    pub resource: ApplicationId,
    /// 1 or 2: the API decides the format of its tokens.
    pub version: u8,
}

/// For whom a token is issued.
#[derive(Clone, Debug)]
pub enum Subject {
    /// The app itself.
    Application {
        /// The service principal.
        object_id: ObjectId,
        /// The app roles granted for this API.
        roles: BTreeSet<String>,
    },
    /// A user, through the app.
    User {
        /// The user.
        facts: UserFacts,
        /// The scopes by short name.
        scopes: BTreeSet<String>,
        /// How the user signed in, `amr`.
        methods: Vec<&'static str>,
        /// The session.
        session: Uuid,
    },
}

/// What tokens tell of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserFacts {
    /// The object id.
    pub id: ObjectId,
    /// The sign-in name.
    pub upn: String,
    /// The full name.
    pub name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Mail address, if there is a mailbox.
    pub mail: Option<String>,
    /// A guest's account at home.
    pub home: Option<GuestHome>,
    /// The address of the client, `ipaddr`.
    pub address: IpAddr,
    /// Role templates, `wids`.
    pub roles: Vec<String>,
}

/// Where a guest comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GuestHome {
    /// The home tenant, where it is known.
    pub tenant: Option<TenantId>,
    /// The sign-in name there.
    pub name: String,
}

/// The outer form of access tokens.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenFormat {
    /// A JWT.
    #[default]
    Jwt,
    /// A JWT with several kilobytes of groups.
    Large,
    /// Sealed: no client can look into it.
    Opaque,
}

/// The lifetime of an access token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lifetime {
    /// The default: random between 60 and 90 minutes.
    Default,
    /// Set by policy, in seconds.
    Policy(u32),
    /// Long-lived under continuous access evaluation: random between 20 and 28 hours.
    ContinuousAccessEvaluation,
    /// One hour, in which Graph does not look at the address of the client.
    LocationSuspended,
}

/// The claims of an access token that Graph needs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessClaims {
    /// The audience.
    pub aud: String,
    /// The issuer.
    pub iss: String,
    /// Issued at, seconds.
    pub iat: i64,
    /// Not before, seconds.
    pub nbf: i64,
    /// Expires, seconds.
    pub exp: i64,
    /// The client, in v1 tokens.
    #[serde(default)]
    pub appid: Option<ApplicationId>,
    /// The client, in v2 tokens.
    #[serde(default)]
    pub azp: Option<ApplicationId>,
    /// `app` in app-only tokens.
    #[serde(default)]
    pub idtyp: Option<String>,
    /// The user or the service principal.
    pub oid: ObjectId,
    /// The tenant.
    pub tid: TenantId,
    /// Scopes, space separated.
    #[serde(default)]
    pub scp: Option<String>,
    /// App roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The token's id.
    #[serde(default)]
    pub uti: String,
    /// What the issuer wrote down for itself.
    #[serde(default)]
    pub aio: String,
    /// Client capabilities.
    #[serde(default)]
    pub xms_cc: Vec<String>,
    /// How the client authenticated, in v1 tokens.
    #[serde(default)]
    pub appidacr: Option<String>,
    /// How the user signed in, in v1 tokens.
    #[serde(default)]
    pub amr: Vec<String>,
    /// `1.0` or `2.0`.
    #[serde(default)]
    pub ver: String,
}

impl AccessClaims {
    /// Whether it was issued with the secret of a sealer: mocks that share a data folder share their
    /// signing keys, and take no tokens of each other.
    pub(crate) fn is_of(&self, sealer: &Sealer) -> bool {
        is_marked(&self.aio, &self.uti, sealer)
    }

    /// The client.
    pub fn client(&self) -> Option<ApplicationId> {
        self.appid.or(self.azp)
    }

    /// Whether the app acts as itself.
    pub fn is_app_only(&self) -> bool {
        self.idtyp.as_deref() == Some("app") || self.scp.is_none()
    }

    /// Whether Graph looks at the address of the client: not with the token of one hour that is
    /// issued where the authority and Graph see different ones.
    pub fn location_counts(&self) -> bool {
        self.exp - self.iat - BACKDATED > i64::from(SUSPENDED_SECONDS)
    }

    /// The scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scp.as_deref().unwrap_or("").split_ascii_whitespace()
    }

    /// When it counts as issued among the tenant's events; more exact than `iat`, which has whole
    /// seconds.
    pub fn moment(&self) -> Timestamp {
        moment_of(&self.uti)
            .or_else(|| Timestamp::from_second(self.iat).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Why a text is not an access token of this mock.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not three dot-separated parts of base64url JSON.
    #[error("not a well-formed JWT")]
    Malformed,
    /// `alg` is not RS256.
    #[error("the algorithm is not RS256")]
    Algorithm,
    /// No key with this id.
    #[error("signed with a key that no sign-in cloud publishes")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature is invalid")]
    Signature,
    /// It is signed with the keys of this mock, by another.
    #[error("another mock with the same data folder issued it")]
    OfAnotherMock,
}

impl Lifetime {
    /// Draws the lifetime in seconds.
    ///
    /// Source: learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes and
    /// /access-tokens (60 to 90 minutes); app-only tokens under continuous access evaluation were
    /// seen with 86399.
    pub fn draw(self, random: &Random) -> u32 {
        match self {
            Self::Default => random.in_range(3600..=5400) - 1,
            Self::LocationSuspended => SUSPENDED_SECONDS - 1,
            Self::Policy(seconds) => seconds - 1,
            Self::ContinuousAccessEvaluation => random.in_range(72_000..=100_800) - 1,
        }
    }
}

impl UserFacts {
    /// The facts of a user of a directory.
    pub fn of(user: &User, address: IpAddr) -> Self {
        // The role template of an ordinary member ends the list. Unverified: own knowledge.
        const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
        let roles = user
            .roles
            .iter()
            .map(|role| role.template_id().to_owned())
            .chain(user.other_roles.iter().cloned())
            .chain([MEMBER.to_owned()])
            .collect();
        Self {
            id: user.id,
            upn: user.user_principal_name.to_string(),
            name: user.display_name.clone(),
            given_name: user.given_name.clone(),
            surname: user.surname.clone(),
            mail: user.mail().map(str::to_owned),
            home: match user.kind {
                UserKind::Guest { home_tenant } => Some(GuestHome {
                    tenant: home_tenant,
                    name: user.user_principal_name.at_home(),
                }),
                UserKind::Member => None,
            },
            address,
            roles,
        }
    }

    /// The name that the person signs in with: a guest's at home.
    ///
    /// Source: kubeguard/guard#170, vouch/vouch-proxy#314.
    pub fn sign_in_name(&self) -> &str {
        self.home.as_ref().map_or(&self.upn, |home| &home.name)
    }

    /// The tenant of a guest who comes from another one: `idp` names it.
    pub(super) fn home_tenant(&self) -> Option<TenantId> {
        self.home.as_ref()?.tenant
    }

    /// The mail address that tokens tell without being asked: guests have it.
    ///
    /// Source: learn.microsoft.com/entra/identity-platform/id-token-claims-reference, `email`.
    /// Unverified: that the sign-in name is told of a guest without a mail address.
    pub(super) fn mail_of_guest(&self) -> Option<&str> {
        let home = self.home.as_ref()?;
        Some(self.mail.as_deref().unwrap_or(&home.name))
    }
}

impl AccessTokenSpec {
    /// The format that a directory's switches ask for.
    pub fn format_of(directory: &Directory) -> TokenFormat {
        if directory.switches.opaque_tokens {
            TokenFormat::Opaque
        } else if directory.switches.large_tokens {
            TokenFormat::Large
        } else {
            TokenFormat::Jwt
        }
    }
}

/// Mints an access token. Takes no lock; the signature costs about half a millisecond.
pub fn mint_access_token(
    spec: &AccessTokenSpec,
    key: &SigningKey,
    sealer: &Sealer,
    random: &Random,
) -> String {
    let graph = spec.audience.resource.to_string() == GRAPH_APPLICATION_ID;
    let claims = Value::Object(claims(spec, graph, sealer, random));
    if spec.format == TokenFormat::Opaque {
        return format!("Ew{}", sealer.seal(OPAQUE, &claims));
    }
    if !graph {
        let header = if spec.audience.version == 2 {
            json!({"typ": "JWT", "alg": "RS256", "kid": key.kid()})
        } else {
            json!({"typ": "JWT", "alg": "RS256", "x5t": key.kid(), "kid": key.kid()})
        };
        return sign(&header, &claims, key);
    }
    // The token shows the nonce, the signature covers its hash.
    let nonce = URL_SAFE_NO_PAD.encode(random.bytes::<32>());
    let header = |nonce: &str| json!({"typ": "JWT", "nonce": nonce, "alg": "RS256", "x5t": key.kid(), "kid": key.kid()});
    let signed = sign(&header(&hashed(&nonce)), &claims, key);
    let (_, rest) = signed.split_once('.').expect("a JWT has dots");
    format!("{}.{rest}", encode(&header(&nonce)))
}

/// Verifies the form and the signature of an access token, and tells which cloud signed it.
///
/// Lifetime, audience and revocation are for the caller, in the service's order.
pub fn verify_access_token(
    token: &str,
    keys: &KeyRings,
    sealer: &Sealer,
) -> Result<(AccessClaims, Option<SignInCloud>), VerifyError> {
    if let Some(sealed) = token.strip_prefix("Ew").filter(|_| !token.contains('.')) {
        return sealer
            .open(OPAQUE, sealed)
            .map(|claims| (claims, None))
            .map_err(|_| VerifyError::Malformed);
    }
    let (claims, cloud): (AccessClaims, _) = verify(token, keys)?;
    if !claims.is_of(sealer) {
        return Err(VerifyError::OfAnotherMock);
    }
    Ok((claims, Some(cloud)))
}

/// Verifies the signature of a JWT, and tells which cloud made it.
pub fn verify_signature(token: &str, keys: &KeyRings) -> Result<SignInCloud, VerifyError> {
    verify::<IgnoredAny>(token, keys).map(|(_, cloud)| cloud)
}

/// The claims of a JWT that one of the keys signed.
pub(crate) fn verify<Claims: DeserializeOwned>(
    token: &str,
    keys: &KeyRings,
) -> Result<(Claims, SignInCloud), VerifyError> {
    let (header, rest) = token.split_once('.').ok_or(VerifyError::Malformed)?;
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| VerifyError::Malformed)?;
    let mut header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|_| VerifyError::Malformed)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(VerifyError::Algorithm);
    }
    let kid = header
        .get("kid")
        .and_then(Value::as_str)
        .ok_or(VerifyError::UnknownKey)?;
    let (cloud, _, key) = keys.find(kid).ok_or(VerifyError::UnknownKey)?;
    let signed = match header.get_mut("nonce") {
        // The signature is over the hash of the nonce.
        Some(Value::String(nonce)) => {
            *nonce = hashed(nonce);
            Cow::Owned(format!("{}.{rest}", encode(&Value::Object(header))))
        }
        _ => Cow::Borrowed(token),
    };
    let claims = jsonwebtoken::decode(signed.as_ref(), key.verifying(), &VALIDATION)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => VerifyError::Signature,
            ErrorKind::InvalidAlgorithm => VerifyError::Algorithm,
            _ => VerifyError::Malformed,
        })?
        .claims;
    Ok((claims, cloud))
}

/// The signature alone: lifetime and audience are for the caller, by the tenant's clock.
static VALIDATION: LazyLock<Validation> = LazyLock::new(|| {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
});

/// Signs a header and claims as a JWT, with the key that is held: `jsonwebtoken` reads and checks a
/// key for each signature, and takes 680 microseconds for what takes 240 so (900 bytes, RSA of
/// 2,048 bits, one core; best of 40 runs of 50).
pub(super) fn sign(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let mut token = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// The subject of a user towards one client: pairwise, stable.
pub(crate) fn pairwise_subject(tenant: TenantId, user: ObjectId, client: ApplicationId) -> String {
    hashed(&format!("{tenant} {user} {client}"))
}

pub(super) fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(super) fn hashed(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

const OPAQUE: &str = "access_token";

/// Tokens of clients that handle challenges live at least 20 hours otherwise.
const SUSPENDED_SECONDS: u32 = 3600;

#[cfg(test)]
mod tests;
