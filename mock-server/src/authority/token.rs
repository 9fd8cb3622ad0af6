//! The token endpoint, v1 and v2: one file for each grant.
//!
//! Source: learn.microsoft.com/entra/identity-platform, the v2 protocol pages; the order of checks
//! is the service's as far as it was measured, otherwise: syntax, tenant, client, client
//! authentication, grant, user, consent.

mod authorization_code;
mod client_credentials;
mod device_code;
mod endpoint;
mod on_behalf_of;
mod password;
mod refresh_token;
mod request;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::{Extension, routing};
use jiff::Timestamp;
use serde_json::Value;

use self::endpoint::{Endpoint, note_tenant};
use self::request::TokenRequest;
use super::State;
use super::client_authentication::Presented;
use super::error::{AuthorityError, Trace, json_response, ticks, token_headers};
use super::form::Form;
use super::issue::ClaimsRequest;
use super::resolve::{CrossCloudRequest, TenantSegment, missing_service, restricted_by_policy};
use super::routes::Routes;
use crate::aadsts::{self, Place};
use crate::clock::Clock;
use crate::exchange::{Annotation, Arrival};
use crate::world::{World, sign_in};

pub(super) fn routes() -> Routes {
    Routes::default()
        .route("/{tenant}/oauth2/v2.0/token", routing::any(v2))
        .route("/{tenant}/oauth2/token", routing::any(v1))
        .route(
            "/{tenant}/oauth2/v2.0/devicecode",
            routing::any(device_code::v2),
        )
        .route("/{tenant}/oauth2/devicecode", routing::any(device_code::v1))
}

async fn v2(
    state: AxumState<Arc<State>>,
    arrival: Extension<Arrival>,
    tenant: Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(
        &state,
        &arrival,
        &tenant,
        &method,
        &headers,
        &body,
        Endpoint::V2,
    )
}

async fn v1(
    state: AxumState<Arc<State>>,
    arrival: Extension<Arrival>,
    tenant: Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(
        &state,
        &arrival,
        &tenant,
        &method,
        &headers,
        &body,
        Endpoint::V1,
    )
}

fn answer(
    state: &State,
    arrival: &Arrival,
    segment: &str,
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
    endpoint: Endpoint,
) -> Response {
    let world = &state.world;
    let form = Form::parse(body);
    let parameter = form.raw("client-request-id");
    let mut trace = Trace::of(headers, parameter, &world.random, Clock::real().now());
    let grant = form.raw("grant_type").map(|it| short_name(it).to_owned());
    let mut annotation = Annotation {
        endpoint: Some("token".to_owned()),
        // Also where the path is refused before the form is looked at.
        grant: grant.clone(),
        client: form.raw("client_id").and_then(|it| it.parse().ok()),
        unsupported: arrival
            .expects_certificate()
            .then(|| "a TLS certificate as the client's credential".to_owned()),
        ..Annotation::default()
    };
    if method == Method::OPTIONS {
        let mut response = json_response(StatusCode::OK, &Value::Null);
        *response.body_mut() = axum::body::Body::empty();
        allow_origin(response.headers_mut());
        return response;
    }
    let result = (|| {
        if method != Method::POST {
            return Err(AuthorityError::aadsts(900561)
                .with("methods", "POST, OPTIONS")
                .with("method", method.as_str()));
        }
        let form = Form::of_body(headers, body)?;
        let place = TenantSegment::resolve_for(world, arrival, segment, crossing(headers, &form))?;
        if let TenantSegment::Tenant(tenant) = &place {
            note_tenant(&mut trace, &mut annotation, tenant);
        }
        let grant = form.required("grant_type")?;
        form.refuse_repeated(PARAMETERS)?;
        if endpoint == Endpoint::V1 && matches!(place, TenantSegment::Consumers) {
            // Source: f-bader/EntraID-ErrorCodes.
            return Err(AuthorityError::aadsts(90027));
        }
        let mut request = TokenRequest {
            state,
            arrival,
            headers,
            form: &form,
            grant: short_name(grant),
            endpoint,
            segment,
            place,
            presented: Presented::read(headers, &form)?,
            claims: ClaimsRequest::parse(form.get("claims")?)?,
            trace: &mut trace,
            annotation: &mut annotation,
            cross_origin: false,
        };
        request.annotation.client = request.presented.client_id.parse().ok();
        request.annotation.unsupported =
            unsupported(&form, request.claims.as_ref()).or_else(|| restricted_by_policy(headers));
        let body = match short_name(grant) {
            "authorization_code" => authorization_code::redeem(&mut request),
            "client_credentials" => client_credentials::issue(&mut request),
            "device_code" => device_code::poll(&mut request),
            "on_behalf_of" => on_behalf_of::exchange(&mut request),
            "password" => password::sign_in(&mut request),
            "refresh_token" => refresh_token::redeem(&mut request),
            _ => Err(AuthorityError::aadsts(70003).with("grant", grant)),
        };
        let cross_origin = request.cross_origin;
        body.map(|body| (body, cross_origin))
    })();
    let root = arrival.authority_root();
    if grant.as_deref() == Some("password") {
        let refusal = result.as_ref().err().map(|error| error.code);
        log_sign_in(world, arrival, &trace, &annotation, refusal);
    }
    match result {
        Ok((body, cross_origin)) => {
            annotation.tenant_time = Some(trace.now);
            let mut response = json_response(StatusCode::OK, &body);
            token_headers(response.headers_mut(), &trace, None);
            if cross_origin {
                allow_origin(response.headers_mut());
            }
            annotation.attach(response.extensions_mut());
            response
        }
        Err(error) => {
            annotation.tenant_time = Some(trace.now);
            annotation.unsupported = annotation
                .unsupported
                .take()
                .or_else(|| service_not_there(&form));
            let place = Place {
                endpoint: aadsts::Endpoint::Token,
                version: Some(endpoint.version()),
                grant: grant.as_deref(),
            };
            let error = facts_of_request(error, &form, segment, trace.now);
            let mut response = error.into_response(place, &trace, &root, annotation);
            if headers.contains_key(header::ORIGIN) {
                allow_origin(response.headers_mut());
            }
            response
        }
    }
}

/// Writes a sign-in by password without a page into the tenant's log.
fn log_sign_in(
    world: &World,
    arrival: &Arrival,
    trace: &Trace,
    annotation: &Annotation,
    refusal: Option<u32>,
) {
    let tenant = annotation
        .environment
        .zip(annotation.tenant)
        .and_then(|(environment, id)| world.tenant(environment.cloud(), id));
    if let Some(tenant) = tenant {
        let noted = Annotation {
            aadsts: refusal.into_iter().collect(),
            ..annotation.clone()
        };
        sign_in::log(
            world,
            &tenant,
            &noted,
            arrival.address,
            trace.correlation_id,
        );
    }
}

/// What a request for a tenant of another cloud is.
fn crossing(headers: &HeaderMap, form: &Form) -> CrossCloudRequest {
    let is_there = |name: &str| form.raw(name).is_some_and(|it| !it.is_empty());
    CrossCloudRequest::of_token(
        form.raw("grant_type").map(short_name),
        is_there("client_secret") || headers.contains_key(header::AUTHORIZATION),
        is_there("client_assertion"),
    )
}

/// What the request asks for and does not get, for the journal.
fn unsupported(form: &Form, claims: Option<&ClaimsRequest>) -> Option<String> {
    let set = |name: &str| form.raw(name).filter(|it| !it.is_empty());
    if let Some(kind) = set("requested_token_type").filter(|it| it.contains("saml")) {
        return Some(format!("requested_token_type={kind}: no SAML tokens"));
    }
    if set("grant_type").is_some_and(|it| it.contains("saml")) {
        return Some("no grants for SAML assertions".to_owned());
    }
    if set("req_cnf").is_some() || set("token_type").is_some_and(|it| it != "Bearer") {
        return Some("no proof-of-possession tokens: the token is a bearer token".to_owned());
    }
    if set("fmi_path").is_some() {
        return Some("no tokens of agents: fmi_path is not looked at".to_owned());
    }
    let claim = claims?.unknown.first()?;
    Some(format!("the claims request for {claim} is not looked at"))
}

/// A service of Microsoft that a refused request asks for and that is not there, for the journal.
fn service_not_there(form: &Form) -> Option<String> {
    ["scope", "resource"]
        .into_iter()
        .find_map(|name| missing_service(form.raw(name)?))
}

/// What the request says of itself, for a refusal that its cause left without facts: a fault's.
fn facts_of_request(
    error: AuthorityError,
    form: &Form,
    segment: &str,
    now: Timestamp,
) -> AuthorityError {
    let named = [
        ("app", "client_id"),
        ("scope", "scope"),
        ("resource", "resource"),
        ("redirect_uri", "redirect_uri"),
        ("grant", "grant_type"),
    ];
    let error = named.into_iter().fold(error, |error, (fact, field)| {
        match form.raw(field).filter(|it| !it.is_empty()) {
            Some(value) => error.or(fact, value),
            None => error,
        }
    });
    let moments = ["now", "issued", "valid_from", "from", "until", "expires"];
    moments
        .into_iter()
        .fold(error.or("tenant", segment), |error, moment| {
            error.or(moment, ticks(now))
        })
}

/// The grant type as the journal spells it.
pub(crate) fn short_name(grant: &str) -> &str {
    match grant {
        "urn:ietf:params:oauth:grant-type:device_code" => "device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => "on_behalf_of",
        // Not a name for the real thing: the wire has the URN.
        "on_behalf_of" => "unknown",
        other => other,
    }
}

fn allow_origin(headers: &mut HeaderMap) {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "Content-Length,Content-Encoding,x-ms-request-id,x-ms-srs",
        ),
    ];
    for (name, value) in allowed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The parameters that the token endpoint knows: none may come twice.
const PARAMETERS: &[&str] = &[
    "assertion",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_info",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "grant_type",
    "password",
    "redirect_uri",
    "refresh_token",
    "requested_token_use",
    "resource",
    "scope",
    "username",
];

#[cfg(test)]
pub(super) mod tests;
