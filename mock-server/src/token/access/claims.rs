//! The claims of access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AccessTokenSpec, Subject, TokenFormat, pairwise_subject};
use crate::random::Random;
use crate::token::seal::Sealer;

/// The members that all tokens share: `aio`, `rh`, `uti`. `aio` is what the issuer wants to know
/// of its token again: in access tokens it ends in a mark, since mocks may share their signing keys.
pub(in crate::token) fn opaque_members(
    random: &Random,
    moment: Timestamp,
    sealer: Option<&Sealer>,
    claims: &mut Map<String, Value>,
) {
    let token_id = token_id(random, moment);
    let mark = sealer.map_or_else(|| random.bytes(), |it| it.mark(&token_id));
    let aio = [&random.bytes::<11>()[..], &mark].concat();
    claims.insert("aio".into(), json!(URL_SAFE_NO_PAD.encode(aio)));
    claims.insert(
        "rh".into(),
        json!(format!(
            "1.{}.",
            URL_SAFE_NO_PAD.encode(random.bytes::<39>())
        )),
    );
    claims.insert("uti".into(), json!(token_id));
}

/// Whether `aio` has the mark of a sealer.
pub(super) fn is_marked(aio: &str, token_id: &str, sealer: &Sealer) -> bool {
    URL_SAFE_NO_PAD
        .decode(aio)
        .is_ok_and(|it| it.ends_with(&sealer.mark(token_id)))
}

/// A token's id: a moment, mixed with as many random bytes so that ids look random, as the
/// service's do. It is no secret.
fn token_id(random: &Random, moment: Timestamp) -> String {
    let mask = random.bytes::<8>();
    let micros = (moment.as_microsecond() ^ i64::from_be_bytes(mask)).to_be_bytes();
    URL_SAFE_NO_PAD.encode([micros, mask].concat())
}

pub(super) fn moment_of(token_id: &str) -> Option<Timestamp> {
    let bytes = URL_SAFE_NO_PAD.decode(token_id).ok()?;
    let (micros, mask) = bytes.split_first_chunk::<8>()?;
    let micros = i64::from_be_bytes(*micros) ^ i64::from_be_bytes(mask.try_into().ok()?);
    Timestamp::from_microsecond(micros).ok()
}

/// The claims of an access token.
pub(super) fn claims(
    spec: &AccessTokenSpec,
    graph: bool,
    sealer: &Sealer,
    random: &Random,
) -> Map<String, Value> {
    let v2 = spec.audience.version == 2;
    let v1_issuer = spec.issuer.v1(spec.tenant);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    put("aud", json!(spec.audience.value));
    put(
        "iss",
        json!(if v2 {
            spec.issuer.v2(spec.tenant)
        } else {
            v1_issuer.clone()
        }),
    );
    let issued = spec.issued.as_second();
    put("iat", json!(issued - BACKDATED));
    put("nbf", json!(issued - BACKDATED));
    // The answer tells a second less.
    put("exp", json!(issued + i64::from(spec.lifetime) + 1));
    let (client, client_authentication) = if v2 {
        ("azp", "azpacr")
    } else {
        ("appid", "appidacr")
    };
    put(client, json!(spec.client));
    put(
        client_authentication,
        json!(spec.client_authentication.to_string()),
    );
    if graph {
        put("app_displayname", json!(spec.client_name));
        put("idp", json!(v1_issuer));
        put(
            "tenant_region_scope",
            json!(spec.environment.region_scope()),
        );
        put("xms_tcdt", json!(spec.tenant_created.as_second()));
        if spec.handles_claims_challenges {
            put("xms_cc", json!(["CP1"]));
            put("xms_ssm", json!("1"));
        }
    }
    put("tid", json!(spec.tenant));
    put("ver", json!(if v2 { "2.0" } else { "1.0" }));
    match &spec.subject {
        Subject::Application { object_id, roles } => {
            put("oid", json!(object_id));
            put("sub", json!(object_id));
            if !graph && !v2 {
                put("idp", json!(v1_issuer));
            }
            if graph {
                put("idtyp", json!("app"));
                put("xms_idrel", json!("7 2"));
                // What app-only Graph tokens carry. Unverified: own knowledge.
                put("wids", json!(["0997a1d0-0d1d-4acb-b408-d5ca73121e90"]));
            }
            if !roles.is_empty() {
                put("roles", json!(roles));
            }
        }
        Subject::User {
            facts,
            scopes,
            methods,
            session,
        } => {
            put("oid", json!(facts.id));
            put(
                "sub",
                json!(pairwise_subject(
                    spec.tenant,
                    facts.id,
                    spec.audience.resource
                )),
            );
            let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            scopes.sort_by_key(|it| it.to_ascii_lowercase());
            put("scp", json!(scopes.join(" ")));
            put("name", json!(facts.name));
            put("sid", json!(session));
            // Guests' tokens say who has signed them in, and have no name of this tenant.
            // Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference,
            // `idp`; kubeguard/guard#170.
            if let Some(home) = facts.home_tenant() {
                put("idp", json!(spec.issuer.v1(home)));
            }
            if let Some(mail) = facts.mail_of_guest() {
                put("email", json!(mail));
            }
            if v2 {
                put("preferred_username", json!(facts.sign_in_name()));
            } else {
                put("acr", json!("1"));
                put("amr", json!(methods));
                put("given_name", json!(facts.given_name));
                put("family_name", json!(facts.surname));
                put("unique_name", json!(facts.sign_in_name()));
                if facts.home.is_none() {
                    put("upn", json!(facts.upn));
                }
                put("ipaddr", json!(facts.address));
            }
            if graph {
                put("idtyp", json!("user"));
                put("acct", json!(u8::from(facts.home.is_some())));
                put("platf", json!("8"));
                put(
                    "puid",
                    json!(format!(
                        "10032{:011X}",
                        facts.id.0.as_u128() & 0xfff_ffff_ffff
                    )),
                );
                put("signin_state", json!(["kmsi"]));
                put("wids", json!(facts.roles));
                put("xms_idrel", json!("1 2"));
                put(
                    "xms_st",
                    json!({"sub": pairwise_subject(spec.tenant, facts.id, spec.client)}),
                );
            }
        }
    }
    if spec.format == TokenFormat::Large {
        let groups: Vec<Uuid> = (0..200).map(|_| random.uuid()).collect();
        put("groups", json!(groups));
    }
    opaque_members(random, spec.moment, Some(sealer), &mut claims);
    if !graph {
        // Tokens for apps' own APIs have it since 2025: 32 bytes, 1, and the region.
        // Source: calvinchengx/entra-emulator e2e/differential 2026-08.
        let text = [&random.bytes::<32>()[..], &[1], REGION].concat();
        claims.insert("xms_ftd".into(), json!(URL_SAFE_NO_PAD.encode(text)));
    }
    claims
}

/// Tokens say that they were issued this many seconds before they were, for clients whose clocks
/// are late: in recorded ones `iat` and `nbf` are the same, and `exp` lies 3,900 seconds behind.
pub(in crate::token) const BACKDATED: i64 = 300;

/// The end of `xms_ftd`: the region whose service made the token. Unverified: its spelling outside
/// of the worldwide cloud.
const REGION: &[u8] = b"ussouth-dsms";
