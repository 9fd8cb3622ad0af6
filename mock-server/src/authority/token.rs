//! The token endpoint, v1 and v2: one file for each grant.
//!
//! Source: learn.microsoft.com/entra/identity-platform, the v2 protocol pages; the order of checks
//! is the service's as far as it was measured, otherwise: syntax, tenant, client, client
//! authentication, grant, user, consent.

mod authorization_code;
mod client_credentials;
mod device_code;
mod on_behalf_of;
mod password;
mod refresh_token;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::{Extension, routing};
use jiff::Timestamp;
use serde_json::Value;

use super::State;
use super::client_authentication::{Presented, Verification};
use super::error::{AuthorityError, Trace, json_response, ticks, token_headers};
use super::form::Form;
use super::issue::{ClaimsRequest, Version};
use super::resolve::{
    Client, CrossCloudRequest, Requested, RequestedResource, TenantSegment, is_admitted, is_open,
};
use super::routes::Routes;
use crate::aadsts::{self, Place};
use crate::clock::Clock;
use crate::exchange::{Annotation, Arrival};
use crate::token::ClientClass;
use crate::world::Tenant;

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

/// Which of the two endpoints was called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Endpoint {
    /// `/oauth2/token`.
    V1,
    /// `/oauth2/v2.0/token`.
    V2,
}

impl Endpoint {
    /// 1 or 2.
    fn version(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// What becomes of a `scope` with permissions of several APIs: a token is for one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum SeveralApis {
    /// The token is for the API of the first scope.
    FirstCounts,
    /// The request is refused.
    Refused,
}

/// A token request, as far as all grants share it.
struct TokenRequest<'a> {
    state: &'a State,
    arrival: &'a Arrival,
    headers: &'a HeaderMap,
    form: &'a Form,
    endpoint: Endpoint,
    segment: &'a str,
    place: TenantSegment,
    presented: Presented<'a>,
    claims: Option<ClaimsRequest>,
    trace: &'a mut Trace,
    annotation: &'a mut Annotation,
    /// The answer may be read by scripts of other origins: single-page applications.
    cross_origin: bool,
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
        if endpoint == Endpoint::V2 && form.get("resource")?.is_some() {
            return Err(AuthorityError::aadsts(901002));
        }
        let mut request = TokenRequest {
            state,
            arrival,
            headers,
            form: &form,
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

/// What a request for a tenant of another cloud is.
fn crossing(headers: &HeaderMap, form: &Form) -> CrossCloudRequest {
    let is_there = |name: &str| form.raw(name).is_some_and(|it| !it.is_empty());
    CrossCloudRequest::of_token(
        form.raw("grant_type").map(short_name),
        is_there("client_secret") || headers.contains_key(header::AUTHORIZATION),
        is_there("client_assertion"),
    )
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

impl TokenRequest<'_> {
    /// The tenant of the request, where the grant needs one.
    fn tenant(&mut self, refusal: u32) -> Result<Arc<Tenant>, AuthorityError> {
        self.place.clone().tenant(refusal)
    }

    /// The tenant that the path names, if it is another one than this.
    fn another_tenant(&self, id: crate::directory::TenantId) -> Option<Arc<Tenant>> {
        match &self.place {
            TenantSegment::Tenant(tenant) if tenant.id != id => Some(Arc::clone(tenant)),
            _ => None,
        }
    }

    /// The tenant that a sealed grant belongs to; the path must name it or leave it open.
    fn tenant_of_grant(
        &mut self,
        id: crate::directory::TenantId,
        app: &crate::directory::Application,
    ) -> Result<Arc<Tenant>, AuthorityError> {
        let wrong = |segment: &str| {
            AuthorityError::aadsts(700005)
                .with("tenant", segment)
                .with("expected", id.to_string())
        };
        match &self.place {
            TenantSegment::Tenant(tenant) if tenant.id == id => {}
            TenantSegment::Tenant(_) => return Err(wrong(self.segment)),
            open => Client::check_audience(app, open)?,
        }
        let tenant = self
            .state
            .world
            .tenant(self.arrival.cloud, id)
            .ok_or_else(|| wrong(self.segment))?;
        is_open(&tenant, &id.to_string())?;
        is_admitted(self.arrival, &tenant)?;
        note_tenant(self.trace, self.annotation, &tenant);
        Ok(tenant)
    }

    /// The registration of the client, before the tenant is known.
    fn registration(&self) -> Result<crate::directory::Application, AuthorityError> {
        let place = match &self.place {
            TenantSegment::Tenant(tenant) => tenant.directory().display_name.clone(),
            _ => self.segment.to_owned(),
        };
        let id = &self.presented.client_id;
        Client::find(&self.state.world, self.arrival, id, &place).map(|(_, app)| app)
    }

    /// The client in a tenant.
    fn client(&self, tenant: &Tenant) -> Result<Client, AuthorityError> {
        let id = &self.presented.client_id;
        Client::of_tenant(&self.state.world, self.arrival, id, tenant)
    }

    /// Authenticates the client, and applies the rules about the `Origin` header.
    ///
    /// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, "redirect
    /// URIs for single-page apps".
    fn authenticate(
        &mut self,
        client: &Client,
        class: ClientClass,
        tenant: &Tenant,
    ) -> Result<u8, AuthorityError> {
        let origin = self
            .headers
            .get(header::ORIGIN)
            .and_then(|value| value.to_str().ok());
        match (class, origin) {
            (ClientClass::Spa, None) => return Err(AuthorityError::aadsts(9002327)),
            (ClientClass::Spa, Some(_)) => self.cross_origin = true,
            (_, Some(origin)) => {
                return Err(AuthorityError::aadsts(9002326).with("origin", origin));
            }
            (_, None) => {}
        }
        let verification = Verification {
            arrival: self.arrival,
            tenant,
            segment: self.segment,
            now: tenant.now(),
        };
        self.presented
            .authenticate(&client.app, class, &verification, self.annotation)
    }

    /// The API and the permissions that the request names, or `None` if it names none.
    fn requested(
        &self,
        tenant: &Tenant,
        several: SeveralApis,
    ) -> Result<
        Option<(
            RequestedResource,
            std::collections::BTreeSet<String>,
            Version,
        )>,
        AuthorityError,
    > {
        let world = &self.state.world;
        match self.endpoint {
            Endpoint::V2 => {
                let Some(scope) = self.form.get("scope")? else {
                    return Ok(None);
                };
                let mut requested = Requested::parse(world, tenant, scope)?;
                if several == SeveralApis::FirstCounts {
                    requested.resources.truncate(1);
                }
                let (resource, openid) = requested.single(tenant, scope)?;
                Ok(Some((resource, openid, Version::V2)))
            }
            Endpoint::V1 => {
                let Some(resource) = self.form.get("resource")? else {
                    return Ok(None);
                };
                let (entry, openid) =
                    Requested::of_resource(world, tenant, resource)?.single(tenant, resource)?;
                Ok(Some((
                    entry,
                    openid,
                    Version::V1 {
                        resource: resource.to_owned(),
                    },
                )))
            }
        }
    }
}

/// Takes the tenant's time and switches into what the answer says.
fn note_tenant(trace: &mut Trace, annotation: &mut Annotation, tenant: &Tenant) {
    trace.now = tenant.now();
    trace.line_breaks = tenant.directory().switches.error_description_line_breaks;
    annotation.tenant = Some(tenant.id);
    annotation.environment = Some(tenant.environment);
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

/// The moment until which a code of this age is good.
fn expiry(issued: Timestamp, lifetime: jiff::SignedDuration) -> Timestamp {
    issued.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
