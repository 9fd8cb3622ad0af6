//! ID tokens.
//!
//! Source: learn.microsoft.com/entra/identity-platform/id-token-claims-reference.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::access::{BACKDATED, UserFacts, opaque_members, pairwise_subject, sign};
use super::keys::SigningKey;
use crate::directory::{ApplicationId, TenantId};
use crate::environment::Issuer;
use crate::random::Random;

/// What an ID token is to say.
#[derive(Clone, Debug)]
pub struct IdTokenSpec {
    /// Who issues it.
    pub issuer: Issuer,
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub client: ApplicationId,
    /// The user.
    pub user: UserFacts,
    /// 1 or 2, by the endpoint that was called.
    pub version: u8,
    /// The `profile` scope was granted.
    pub profile: bool,
    /// The `email` scope was granted.
    pub email: bool,
    /// The request's nonce.
    pub nonce: Option<String>,
    /// The session.
    pub session: Uuid,
    /// When the user authenticated, where the request asked for it.
    pub auth_time: Option<Timestamp>,
    /// How the user signed in, `amr` of v1.
    pub methods: Vec<&'static str>,
    /// When it is issued.
    pub issued: Timestamp,
    /// The code that is issued beside it by the authorize endpoint, for `c_hash`.
    pub code: Option<String>,
    /// The access token that is issued beside it by the authorize endpoint, for `at_hash`.
    pub access_token: Option<String>,
}

/// Mints an ID token; it lives one hour.
pub fn mint_id_token(spec: &IdTokenSpec, key: &SigningKey, random: &Random) -> String {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    let v2 = spec.version == 2;
    let issued = spec.issued.as_second();
    put("aud", json!(spec.client));
    put(
        "iss",
        json!(if v2 {
            spec.issuer.v2(spec.tenant)
        } else {
            spec.issuer.v1(spec.tenant)
        }),
    );
    put("iat", json!(issued - BACKDATED));
    put("nbf", json!(issued - BACKDATED));
    put("exp", json!(issued + 3600));
    if let Some(time) = spec.auth_time {
        put("auth_time", json!(time.as_second()));
    }
    if let Some(code) = &spec.code {
        put("c_hash", json!(half_hash(code)));
    }
    if let Some(token) = &spec.access_token {
        put("at_hash", json!(half_hash(token)));
    }
    if let Some(nonce) = &spec.nonce {
        put("nonce", json!(nonce));
    }
    if spec.profile || !v2 {
        put("name", json!(spec.user.name));
        put("oid", json!(spec.user.id));
    }
    if v2 {
        if spec.profile {
            put("preferred_username", json!(spec.user.sign_in_name()));
        }
    } else {
        put("amr", json!(spec.methods));
        put("given_name", json!(spec.user.given_name));
        put("family_name", json!(spec.user.surname));
        put("unique_name", json!(spec.user.sign_in_name()));
        if spec.user.home.is_none() {
            put("upn", json!(spec.user.upn));
        }
        put("ipaddr", json!(spec.user.address));
    }
    if let Some(home) = spec.user.home_tenant() {
        put("idp", json!(spec.issuer.v1(home)));
    }
    let asked = spec.user.mail.as_deref().filter(|_| spec.email);
    if let Some(mail) = asked.or_else(|| spec.user.mail_of_guest()) {
        put("email", json!(mail));
    }
    put("sid", json!(spec.session));
    put(
        "sub",
        json!(pairwise_subject(spec.tenant, spec.user.id, spec.client)),
    );
    put("tid", json!(spec.tenant));
    put("ver", json!(if v2 { "2.0" } else { "1.0" }));
    opaque_members(random, spec.issued, None, &mut claims);
    let header = if v2 {
        json!({"typ": "JWT", "alg": "RS256", "kid": key.kid()})
    } else {
        json!({"typ": "JWT", "alg": "RS256", "x5t": key.kid(), "kid": key.kid()})
    };
    sign(&header, &Value::Object(claims), key)
}

/// base64url of the left half of the SHA-256: OpenID Connect Core, section 3.3.2.11.
fn half_hash(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}
