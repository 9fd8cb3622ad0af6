//! The answer to an app whose user has signed in and consented: code and tokens.

use axum::response::Response;
use uuid::Uuid;

use super::answer::Fields;
use crate::authority::error::AuthorityError;
use crate::authority::flow::{AuthorizeRequest, Flow};
use crate::authority::interaction::Person;
use crate::authority::issue::{self, ClaimsRequest, UserGrant, Version};
use crate::authority::resolve::{Client, Requested};
use crate::authority::visit::Visit;
use crate::exchange::Annotation;
use crate::journal::{TokenKind, TokenUse};
use crate::permission::OPENID_SCOPES;
use crate::token::{AuthorizationCode, IdTokenSpec, SignIn, UserFacts, mint_id_token};

/// Issues what the app asked for, and sends it.
pub(super) fn answer(
    visit: &mut Visit,
    flow: &Flow,
    request: &AuthorizeRequest,
    person: &Person,
) -> Result<Response, AuthorityError> {
    let family = visit.world().random.uuid();
    let sign_in = person
        .login
        .to_app(request.client, request.client_class, family);
    // Whoever was chosen is signed in with this browser from now on.
    visit.session.remember(&person.login);
    let mut fields = Fields::default();
    let code = request
        .response_type
        .code
        .then(|| issue_code(visit, request, person, &sign_in));
    if let Some(code) = &code {
        fields.put("code", code);
    }
    let access = if request.response_type.token {
        Some(access_token(visit, request, person, &sign_in)?)
    } else {
        None
    };
    if request.response_type.id_token {
        let access = access.as_ref().map(|it| it.token.clone());
        fields.put("id_token", id_token(visit, request, person, code, access));
    }
    if let Some(access) = access {
        fields.put("access_token", access.token);
        fields.put("token_type", "Bearer");
        fields.put("expires_in", access.expires_in);
        fields.put("scope", access.scope);
    }
    if request.client_info {
        let info = issue::client_info(visit.world(), &person.tenant, &sign_in);
        fields.put("client_info", info);
    }
    if flow.consented_for_tenant {
        // Source: the v1 protocol page of the authorization code flow.
        fields.put("admin_consent", "True");
    }
    if request.instance_aware {
        // Unverified: own knowledge.
        let facts = visit.arrival.cloud.facts();
        fields.put("cloud_instance_name", &facts.cloud_instance_name);
        fields.put("cloud_instance_host_name", &facts.authority_host);
        fields.put("cloud_graph_host_name", &facts.cloud_graph_host_name);
        fields.put("msgraph_host", person.tenant.environment.graph_host());
    }
    fields.put("session_state", person.login.session.to_string());
    visit.annotation.aadsts.clear();
    visit.annotation.error = None;
    visit.decide(if flow.fresh {
        "signed in"
    } else {
        "signed in by the browser's session"
    });
    Ok(fields.send(&request.target, &visit.world().random))
}

fn issue_code(
    visit: &mut Visit,
    request: &AuthorizeRequest,
    person: &Person,
    sign_in: &SignIn,
) -> String {
    let id: Uuid = visit.world().random.uuid();
    let code = AuthorizationCode {
        id,
        sign_in: sign_in.clone(),
        issued: person.tenant.now(),
        redirect_uri: request.target.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        scope: request.scope.clone(),
        resource: request.resource.clone(),
        claims: request.claims.clone(),
    };
    let sealed = code.seal(&visit.world().sealer);
    visit.annotation.tokens.push(TokenUse {
        family: Some(sign_in.family.to_string()),
        ..issue::issued(TokenKind::Code, &sealed)
    });
    sealed
}

struct Access {
    token: String,
    expires_in: String,
    scope: String,
}

/// An access token by the implicit grant.
fn access_token(
    visit: &mut Visit,
    request: &AuthorizeRequest,
    person: &Person,
    sign_in: &SignIn,
) -> Result<Access, AuthorityError> {
    let world = visit.world();
    let tenant = &person.tenant;
    let (requested, version, asked) = match &request.resource {
        Some(resource) => {
            let version = Version::V1 {
                resource: resource.clone(),
            };
            (
                Requested::of_resource(world, tenant, resource)?,
                version,
                resource,
            )
        }
        None => (
            Requested::parse(world, tenant, &request.scope)?,
            Version::V2,
            &request.scope,
        ),
    };
    let (requested, mut openid) = requested.single(world, tenant, asked)?;
    // The implicit grant has no refresh tokens: RFC 6749, section 4.2.2.
    openid.remove("offline_access");
    let (_, app) = world
        .application(tenant.environment.cloud(), request.client)
        .ok_or_else(|| AuthorityError::aadsts(700016))?;
    let principal = tenant.read(|it| it.service_principal(app.app_id).cloned());
    let client = Client { app, principal };
    let grant = UserGrant {
        tenant,
        client: &client,
        client_authentication: 0,
        sign_in,
        arrival: &visit.arrival,
        requested,
        openid,
        version,
        claims: ClaimsRequest::parse(request.claims.as_deref())?,
        client_info: false,
        nonce: None,
        previous: None,
        always_refresh: false,
    };
    // The ID token of this answer is made here, with its hashes; so only the access token counts.
    let mut aside = Annotation::default();
    let body = issue::user_tokens(&visit.state, &grant, &visit.trace(), &mut aside)?;
    let text = |name: &str| match &body[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let access = Access {
        token: text("access_token"),
        expires_in: text("expires_in"),
        scope: text("scope"),
    };
    visit
        .annotation
        .tokens
        .push(issue::issued(TokenKind::Access, &access.token));
    Ok(access)
}

fn id_token(
    visit: &mut Visit,
    request: &AuthorizeRequest,
    person: &Person,
    code: Option<String>,
    access_token: Option<String>,
) -> String {
    let tenant = &person.tenant;
    let cloud = tenant.environment.cloud();
    let scopes: Vec<String> = request
        .scope
        .split_ascii_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let asked = |name: &str| OPENID_SCOPES.contains(&name) && scopes.iter().any(|it| it == name);
    let sign_in = person
        .login
        .to_app(request.client, request.client_class, person.login.session);
    let (address, generation) = tenant.read(|directory| {
        let address = directory.seen_from(visit.arrival.address);
        (address, directory.key_generation)
    });
    let spec = IdTokenSpec {
        issuer: visit.arrival.issuer(cloud),
        tenant: tenant.id,
        client: request.client,
        user: UserFacts::of(&person.user, address),
        version: request.version,
        profile: asked("profile"),
        email: asked("email"),
        nonce: request.nonce.clone(),
        session: person.login.session,
        auth_time: request.wants_auth_time().then_some(person.login.auth_time),
        methods: issue::methods(&sign_in),
        issued: tenant.now(),
        code,
        access_token,
    };
    let key = visit.world().keys.of(cloud).key(generation);
    let token = mint_id_token(&spec, &key, &visit.world().random);
    visit
        .annotation
        .tokens
        .push(issue::issued(TokenKind::Id, &token));
    token
}
