//! Issuing tokens: from a sign-in (or an app alone) and the permissions asked for to the members
//! of the answer.

mod claims;

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

pub(crate) use self::claims::ClaimsRequest;
use super::State;
use super::error::{AuthorityError, Trace};
use super::held::{consent_missing, held_scopes};
use super::home::{self, Account};
use super::refusal::refusal;
use super::resolve::{Client, RequestedResource};
use crate::directory::{Directory, Risk, SignInAudience, UserKind};
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::permission::OPENID_SCOPES;
use crate::token::validity::{self, Attempt, Invalid, Use};
use crate::token::{
    AccessTokenSpec, AuthenticationMethod, IdTokenSpec, Lifetime, RefreshToken, SignIn, Subject,
    TokenFormat, UserFacts, mint_access_token, mint_id_token,
};
use crate::world::{Tenant, World};

/// The version of the endpoint that was called, and what v1 requests name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Version {
    /// `/oauth2/token` with `resource`.
    V1 {
        /// The resource as requested.
        resource: String,
    },
    /// `/oauth2/v2.0/token` with `scope`.
    V2,
}

/// A request for tokens of a user, all checks of the grant itself done.
#[derive(Debug)]
pub(crate) struct UserGrant<'a> {
    /// The tenant of the tokens.
    pub(crate) tenant: &'a Tenant,
    /// The client.
    pub(crate) client: &'a Client,
    /// How the client authenticated.
    pub(crate) client_authentication: u8,
    /// How the user signed in.
    pub(crate) sign_in: &'a SignIn,
    /// How the request arrived: whom it asked, and from where.
    pub(crate) arrival: &'a Arrival,
    /// The API and its permissions.
    pub(crate) requested: RequestedResource,
    /// The OpenID Connect scopes.
    pub(crate) openid: BTreeSet<String>,
    /// The endpoint.
    pub(crate) version: Version,
    /// The claims request.
    pub(crate) claims: Option<ClaimsRequest>,
    /// `client_info=1`.
    pub(crate) client_info: bool,
    /// The nonce for the ID token.
    pub(crate) nonce: Option<String>,
    /// The refresh token that was presented.
    pub(crate) previous: Option<&'a RefreshToken>,
    /// A refresh token comes even without `offline_access`: v1, and when one was presented.
    pub(crate) always_refresh: bool,
}

/// Whether the sign-in still stands, and the user may use the app.
pub(crate) fn check_sign_in(
    world: &World,
    tenant: &Tenant,
    client: &Client,
    sign_in: &SignIn,
    attempt: (Use, IpAddr),
) -> Result<(), AuthorityError> {
    tenant.read(|directory| {
        validity::sign_in_stands(sign_in, directory)
            .map_err(|invalid| refusal(invalid, directory, Some(&client.app), sign_in))
    })?;
    home::stands(world, tenant, Some(&client.app), sign_in)?;
    check_access(tenant, client, sign_in, attempt)
}

/// Whether the user may use the app: assignment, risk, conditional access.
pub(crate) fn check_access(
    tenant: &Tenant,
    client: &Client,
    sign_in: &SignIn,
    (usage, address): (Use, IpAddr),
) -> Result<(), AuthorityError> {
    tenant.read(|directory| {
        let attempt = Attempt {
            now: tenant.now(),
            from: directory.seen_from(address),
        };
        validity::access(sign_in, directory, attempt, usage)
            .map_err(|invalid| refusal(invalid, directory, Some(&client.app), sign_in))
    })
}

/// Whether consent covers what is asked for.
pub(crate) fn check_consent(grant: &UserGrant<'_>) -> Result<(), AuthorityError> {
    grant
        .tenant
        .read(|directory| granted_scopes(directory, grant).map(drop))
}

/// Issues the tokens of a user grant: the members of the answer, in the service's order.
pub(crate) fn user_tokens(
    state: &State,
    grant: &UserGrant<'_>,
    trace: &Trace,
    annotation: &mut Annotation,
) -> Result<Value, AuthorityError> {
    let world = &state.world;
    let tenant = grant.tenant;
    let now = tenant.now();
    let app = &grant.client.app;
    let resource = &grant.requested.resource;
    let cloud = tenant.environment.cloud();
    let (spec, id_spec, key_generation, granted) = tenant.read(|directory| {
        let user = directory
            .user(grant.sign_in.user)
            .ok_or_else(|| refusal(Invalid::UserDeleted, directory, Some(app), grant.sign_in))?;
        let granted = granted_scopes(directory, grant)?;
        let from = directory.seen_from(grant.arrival.address);
        let facts = UserFacts::of(user, from);
        // Guests have no long-lived tokens.
        // Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation.
        let challenges = resource.is_graph()
            && facts.home.is_none()
            && grant
                .claims
                .as_ref()
                .is_some_and(|it| it.handles_challenges);
        let lifetime = if challenges && only_the_api_is_elsewhere(directory, grant, from) {
            Lifetime::LocationSuspended
        } else {
            lifetime(directory, challenges)
        };
        let spec = AccessTokenSpec {
            environment: tenant.environment,
            issuer: grant.arrival.issuer(cloud),
            tenant: tenant.id,
            tenant_created: directory.created,
            country: directory.country.clone(),
            audience: resource.audience.clone(),
            client: app.app_id,
            client_name: app.display_name.clone(),
            client_authentication: grant.client_authentication,
            subject: Subject::User {
                facts: facts.clone(),
                scopes: granted
                    .iter()
                    .filter(|it| *it != "offline_access")
                    .cloned()
                    .collect(),
                methods: methods(grant.sign_in),
                session: grant.sign_in.session,
            },
            issued: now,
            moment: directory.moment(now),
            lifetime: lifetime.draw(&world.random),
            handles_claims_challenges: challenges,
            format: AccessTokenSpec::format_of(directory),
        };
        let v1 = matches!(grant.version, Version::V1 { .. });
        let id_spec = (v1 || grant.openid.contains("openid")).then(|| IdTokenSpec {
            issuer: grant.arrival.issuer(cloud),
            tenant: tenant.id,
            client: app.app_id,
            user: facts,
            version: if v1 { 1 } else { 2 },
            profile: grant.openid.contains("profile"),
            email: grant.openid.contains("email"),
            nonce: grant.nonce.clone(),
            session: grant.sign_in.session,
            auth_time: grant
                .claims
                .as_ref()
                .is_some_and(|it| it.auth_time)
                .then_some(grant.sign_in.auth_time),
            methods: methods(grant.sign_in),
            issued: now,
            code: None,
            access_token: None,
        });
        Ok((spec, id_spec, directory.key_generation, granted))
    })?;
    let key = world.keys.of(cloud).key(key_generation);
    let access_token = mint_access_token(&spec, &key, &world.sealer, &world.random);
    annotation
        .tokens
        .push(issued(TokenKind::Access, &access_token));

    let mut body = Map::new();
    body.insert("token_type".into(), json!("Bearer"));
    body.insert("scope".into(), json!(scope_text(grant, &granted)));
    put_lifetimes(&mut body, &grant.version, spec.lifetime, now.as_second());
    body.insert("access_token".into(), json!(access_token));
    if grant.always_refresh || grant.openid.contains("offline_access") {
        let mut token = refresh_token(grant, now);
        if spec.format == TokenFormat::Large {
            token.padding = URL_SAFE_NO_PAD.encode(world.random.bytes::<PADDING>());
        }
        let sealed = token.seal(&world.sealer);
        tenant.connections.note(&token);
        annotation.tokens.push(TokenUse {
            family: Some(token.sign_in.family.to_string()),
            generation: Some(token.generation),
            ..issued(TokenKind::Refresh, &sealed)
        });
        body.insert("refresh_token".into(), json!(sealed));
        if token.sign_in.client_class == crate::token::ClientClass::Spa {
            let left = validity::SPA_LIFETIME - now.duration_since(token.first_issued);
            body.insert("refresh_token_expires_in".into(), json!(left.as_secs() - 1));
        }
    }
    if let Some(id_spec) = id_spec {
        let id_token = mint_id_token(&id_spec, &key, &world.random);
        annotation.tokens.push(issued(TokenKind::Id, &id_token));
        body.insert("id_token".into(), json!(id_token));
    }
    if grant.client_info {
        let info = client_info(world, tenant, grant.sign_in);
        body.insert("client_info".into(), json!(info));
    }
    annotation.decision = Some(format!("issued for {}", trace.correlation_id));
    Ok(Value::Object(body))
}

/// Issues an app-only token.
///
/// The answer has exactly the documented members: some clients break on any other.
#[expect(clippy::too_many_arguments, reason = "what a token is made of")]
pub(crate) fn app_token(
    state: &State,
    arrival: &Arrival,
    tenant: &Tenant,
    client: &Client,
    client_authentication: u8,
    requested: &RequestedResource,
    version: &Version,
    claims: Option<&ClaimsRequest>,
    annotation: &mut Annotation,
) -> Result<Value, AuthorityError> {
    let world = &state.world;
    let now = tenant.now();
    let cloud = tenant.environment.cloud();
    let principal = client.principal.as_ref().ok_or_else(|| {
        AuthorityError::aadsts(7000229)
            .with("app", client.app.app_id.to_string())
            .with("tenant", tenant.id.to_string())
    })?;
    let api_name = world
        .application(cloud, requested.resource.audience.resource)
        .map(|(_, api)| api.display_name.clone());
    let (spec, key_generation) = tenant.read(|directory| {
        if principal.risk == Risk::High {
            return Err(AuthorityError::aadsts(53003));
        }
        // Only apps of this tenant alone, and only for Graph.
        // Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation-workload.
        let challenges = requested.resource.is_graph()
            && principal.home_tenant == tenant.id
            && client.app.sign_in_audience == SignInAudience::SingleTenant
            && claims.is_some_and(|it| it.handles_challenges);
        let api = requested.resource.audience.resource;
        let roles = directory.granted_roles(client.app.app_id, api);
        // Source: MicrosoftDocs/entra-docs, reference-error-codes, 501051.
        if roles.is_empty()
            && directory
                .service_principal(api)
                .is_some_and(|api| api.assignment_required)
        {
            return Err(AuthorityError::aadsts(501051)
                .with("app", client.app.app_id.to_string())
                .with("name", &client.app.display_name)
                .with("resource", api.to_string())
                .with(
                    "resource_name",
                    api_name.as_deref().unwrap_or("Microsoft Graph"),
                ));
        }
        let spec = AccessTokenSpec {
            environment: tenant.environment,
            issuer: arrival.issuer(cloud),
            tenant: tenant.id,
            tenant_created: directory.created,
            country: directory.country.clone(),
            audience: requested.resource.audience.clone(),
            client: client.app.app_id,
            client_name: client.app.display_name.clone(),
            client_authentication,
            subject: Subject::Application {
                object_id: principal.object_id,
                roles,
            },
            issued: now,
            moment: directory.moment(now),
            // Seen with 86399 for apps that handle claims challenges, not drawn as for users.
            lifetime: if challenges {
                86_399
            } else {
                lifetime(directory, false).draw(&world.random)
            },
            handles_claims_challenges: challenges,
            format: AccessTokenSpec::format_of(directory),
        };
        Ok((spec, directory.key_generation))
    })?;
    let key = world.keys.of(cloud).key(key_generation);
    let access_token = mint_access_token(&spec, &key, &world.sealer, &world.random);
    annotation
        .tokens
        .push(issued(TokenKind::Access, &access_token));
    let mut body = Map::new();
    body.insert("token_type".into(), json!("Bearer"));
    put_lifetimes(&mut body, version, spec.lifetime, now.as_second());
    body.insert("access_token".into(), json!(access_token));
    Ok(Value::Object(body))
}

/// `client_info`: base64url of the account's object id and tenant, a guest's at home.
///
/// Source: AzureAD/microsoft-authentication-library-for-dotnet ClientInfo.cs and the wiki's
/// Minimal-identifiers: `uid` and `utid` are those of the home account. Unverified: of a guest whose
/// home has no such account, the id in this tenant.
pub(crate) fn client_info(world: &World, tenant: &Tenant, sign_in: &SignIn) -> String {
    let home = match Account::of(world, tenant, sign_in.user) {
        Ok(Some(account)) => Some((account.user, account.tenant.id)),
        Ok(None) | Err(_) => tenant.read(|directory| {
            let user = directory.user(sign_in.user)?;
            match user.kind {
                UserKind::Guest { home_tenant } => Some((user.id, home_tenant?)),
                UserKind::Member => None,
            }
        }),
    };
    let (user, tenant) = home.unwrap_or((sign_in.user, sign_in.tenant));
    URL_SAFE_NO_PAD.encode(json!({"uid": user, "utid": tenant}).to_string())
}

/// How a user signed in, `amr`.
pub(crate) fn methods(sign_in: &SignIn) -> Vec<&'static str> {
    let first = match sign_in.method {
        AuthenticationMethod::Password => "pwd",
        AuthenticationMethod::NonPassword => "rsa",
    };
    if sign_in.mfa_time.is_some() {
        vec![first, "mfa"]
    } else {
        vec![first]
    }
}

/// A token that this exchange issued, for the journal.
pub(crate) fn issued(kind: TokenKind, token: &str) -> TokenUse {
    TokenUse {
        kind,
        direction: Direction::Issued,
        fingerprint: fingerprint(token),
        family: None,
        generation: None,
    }
}

/// The permissions that the token carries: all that are granted for the API, once what was asked
/// for is among them.
fn granted_scopes(
    directory: &Directory,
    grant: &UserGrant<'_>,
) -> Result<BTreeSet<String>, AuthorityError> {
    let app = &grant.client.app;
    let resource = grant.requested.resource.audience.resource;
    let asked = &grant.requested.scopes;
    let mut granted = held_scopes(directory, app, grant.sign_in.user, resource, asked)?;
    // An app needs no consent for itself.
    // Source: learn.microsoft.com/entra/identity-platform/scopes-oidc, ".default".
    if granted.is_empty() {
        if !grant.requested.is_itself(app) {
            return Err(consent_missing(app));
        }
        // Unverified: what stands in `scp` where the app has no scopes of its own.
        granted.extend(grant.openid.iter().cloned());
    }
    if grant.requested.resource.is_graph() {
        // Sign-in scopes stand in Graph tokens, too.
        granted.extend(grant.openid.iter().cloned());
    }
    Ok(granted)
}

/// The `scope` of the answer: spelled as it was asked for, all that is granted.
fn scope_text(grant: &UserGrant<'_>, granted: &BTreeSet<String>) -> String {
    let qualified = grant.requested.qualified || !grant.requested.resource.is_graph();
    let prefix = grant.requested.resource.prefix.as_str();
    let spelled = |scope: &str| {
        if qualified {
            format!("{prefix}/{scope}")
        } else {
            scope.to_owned()
        }
    };
    // Short names are sorted without regard to case, all together; qualified ones stand behind
    // those of OpenID Connect.
    // What was consented of OpenID Connect is listed with Graph's, whether or not it was asked for.
    // Source: Azure/azure-sdk-for-js sdk/identity/identity/recordings/node/cae 2022-02.
    let of_graph = grant.requested.resource.is_graph();
    let openid = ["email", "openid", "profile"]
        .into_iter()
        .filter(|it| grant.openid.contains(*it) || of_graph && granted.contains(*it));
    let permissions = granted
        .iter()
        .map(String::as_str)
        .filter(|it| !OPENID_SCOPES.contains(it));
    let mut scopes: Vec<String> = openid
        .map(str::to_owned)
        .chain(permissions.map(spelled))
        .collect();
    scopes.sort_by_key(|it| (qualified && it.contains('/'), it.to_ascii_lowercase()));
    if grant.requested.default && grant.version == Version::V2 {
        // Clients look tokens up by what they asked for. Unverified: own knowledge.
        scopes.push(spelled(".default"));
    }
    scopes.join(" ")
}

/// Bytes that make a refresh token long: some 9,000 letters.
const PADDING: usize = 6_000;

fn refresh_token(grant: &UserGrant<'_>, now: jiff::Timestamp) -> RefreshToken {
    let mut scopes = grant.requested.scopes.clone();
    scopes.extend(grant.openid.iter().cloned());
    RefreshToken {
        sign_in: grant.sign_in.clone(),
        generation: grant.previous.map_or(1, |previous| previous.generation + 1),
        first_issued: grant.previous.map_or(now, |previous| previous.first_issued),
        issued: now,
        resource: grant.requested.resource.audience.resource,
        audience: grant.requested.resource.audience.value.clone(),
        named: grant.requested.resource.prefix.clone(),
        scopes,
        padding: String::new(),
    }
}

/// The API saw the client at an address that a policy blocks, and the authority sees it at one
/// that is allowed: the token is ordinary, and the API looks at no address until it expires.
/// Source: learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation,
/// "IP address variation".
fn only_the_api_is_elsewhere(directory: &Directory, grant: &UserGrant<'_>, from: IpAddr) -> bool {
    let blocked = |address| {
        let (user, app) = (grant.sign_in.user, grant.client.app.app_id);
        validity::blocked_by_location(directory, user, app, address)
    };
    let seen = grant.claims.as_ref().and_then(|it| it.seen_address);
    seen.is_some_and(|seen| seen != from && blocked(seen) && !blocked(from))
}

fn lifetime(directory: &Directory, long: bool) -> Lifetime {
    match directory.policies.access_token_lifetime {
        // A lifetime policy is ignored under continuous access evaluation.
        _ if long => Lifetime::ContinuousAccessEvaluation,
        Some(seconds) => Lifetime::Policy(seconds),
        None => Lifetime::Default,
    }
}

/// v2 has numbers, v1 has strings and absolute times.
fn put_lifetimes(body: &mut Map<String, Value>, version: &Version, lifetime: u32, now: i64) {
    match version {
        Version::V1 { resource } => {
            body.insert("expires_in".into(), json!(lifetime.to_string()));
            body.insert("ext_expires_in".into(), json!(lifetime.to_string()));
            body.insert(
                "expires_on".into(),
                json!((now + i64::from(lifetime)).to_string()),
            );
            body.insert("not_before".into(), json!((now - 300).to_string()));
            body.insert("resource".into(), json!(resource));
        }
        Version::V2 => {
            body.insert("expires_in".into(), json!(lifetime));
            body.insert("ext_expires_in".into(), json!(lifetime));
        }
    }
}
