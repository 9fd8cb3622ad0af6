//! Metadata: OpenID configuration, key sets, instance discovery, user realm.
//!
//! Sources: the documents embedded in AzureAD/microsoft-authentication-library-for-js
//! (AuthorityMetadata.ts), learn.microsoft.com/entra/identity-platform/v2-protocols-oidc, and
//! recorded answers. The order of the members is the service's.

mod configuration;
mod realm;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::{Extension, routing};
use serde_json::{Map, Value, json};

use self::configuration::configuration;
use super::State;
use super::error::{AuthorityError, Trace, browser_cookie, common_headers, json_response};
use super::form::Form;
use super::resolve::{CONSUMERS_TENANT, CrossCloudRequest, TenantSegment};
use super::routes::Routes;
use crate::aadsts::{Endpoint, Place};
use crate::clock::Clock;
use crate::environment::{SignInCloud, Site, retired_hosts};
use crate::exchange::{Annotation, Arrival};
use crate::token::SigningKey;

pub(super) fn routes() -> Routes {
    Routes::default()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            routing::get(openid::<2>).options(preflight),
        )
        .route(
            "/{tenant}/.well-known/openid-configuration",
            routing::get(openid::<1>).options(preflight),
        )
        .route(
            "/{tenant}/discovery/v2.0/keys",
            routing::get(keys::<2>).options(preflight),
        )
        .route(
            "/{tenant}/discovery/keys",
            routing::get(keys::<1>).options(preflight),
        )
        .route(
            "/{tenant}/discovery/instance",
            routing::get(instance).options(preflight),
        )
        .route("/{tenant}/userrealm", routing::get(realm::of_parameter))
        .route("/{tenant}/userrealm/{user}", routing::get(realm::of_path))
        .route("/getuserrealm.srf", routing::get(realm::legacy))
}

type Handed = (AxumState<Arc<State>>, Extension<Arrival>);

/// A browser asks before a page of another origin reads a document with headers of its own.
/// Unverified: what is allowed besides the methods, which the documents' answers name.
async fn preflight() -> Response {
    let mut response = Response::default();
    allow_origin(&mut response);
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("*"),
    );
    response
}

/// The configuration at the address of `VERSION` 1 or 2.
async fn openid<const VERSION: u8>(
    (state, arrival): Handed,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(
        &state,
        &arrival,
        &headers,
        "openid-configuration",
        |annotation| {
            let place = place_of(&state, &arrival, &tenant)?;
            note(&place, annotation);
            Ok(configuration(&place, &arrival, query.as_deref(), VERSION))
        },
    )
}

/// The keys at the address of `VERSION` 1 or 2.
async fn keys<const VERSION: u8>(
    (state, arrival): Handed,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(&state, &arrival, &headers, "keys", |annotation| {
        let place = place_of(&state, &arrival, &tenant)?;
        note(&place, annotation);
        Ok(key_set(&state, &arrival, &place, VERSION == 2))
    })
}

async fn instance(
    (state, arrival): Handed,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&state, &arrival, &headers, "instance", |_| {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        instance_document(&arrival, &query)
    })
}

fn answer(
    state: &State,
    arrival: &Arrival,
    headers: &HeaderMap,
    endpoint: &str,
    document: impl FnOnce(&mut Annotation) -> Result<Value, AuthorityError>,
) -> Response {
    let mut annotation = Annotation {
        endpoint: Some(endpoint.to_owned()),
        ..Annotation::default()
    };
    let trace = Trace::of(headers, None, &state.world.random, Clock::real().now());
    let refused = arrival.refused.map(AuthorityError::aadsts);
    let document = match refused {
        Some(refusal) => Err(refusal),
        None => document(&mut annotation),
    };
    let mut response = match document {
        Ok(body) => {
            let mut response = json_response(StatusCode::OK, &body);
            response.headers_mut().insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("max-age=86400, private"),
            );
            response
                .headers_mut()
                .append(header::SET_COOKIE, browser_cookie(&trace));
            annotation.attach(response.extensions_mut());
            response
        }
        Err(error) => {
            let place = Place::of(Endpoint::Discovery);
            error.into_response(place, &trace, &arrival.authority_root(), annotation)
        }
    };
    allow_origin(&mut response);
    common_headers(response.headers_mut(), &trace);
    response
}

fn allow_origin(response: &mut Response) {
    let allowed = response.headers_mut();
    allowed.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    allowed.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, OPTIONS"),
    );
}

fn note(place: &TenantSegment, annotation: &mut Annotation) {
    if let TenantSegment::Tenant(tenant) = place {
        annotation.tenant = Some(tenant.id);
        annotation.environment = Some(tenant.environment);
    }
}

/// What a path segment names; tenants of other clouds are served, too, by some login hosts.
fn place_of(
    state: &State,
    arrival: &Arrival,
    segment: &str,
) -> Result<TenantSegment, AuthorityError> {
    TenantSegment::resolve_for(&state.world, arrival, segment, CrossCloudRequest::Discovery)
}

/// The key set: the tenant's keys, or all keys in use in the cloud.
fn key_set(state: &State, arrival: &Arrival, place: &TenantSegment, v2: bool) -> Value {
    let world = &state.world;
    let cloud = place.cloud(arrival);
    let ring = world.keys.of(cloud);
    let mut keys: Vec<Arc<SigningKey>> = match place {
        TenantSegment::Tenant(tenant) => ring.published(tenant.read(|it| it.key_generation)),
        _ => {
            let highest = world
                .tenants()
                .iter()
                .filter(|tenant| tenant.environment.cloud() == cloud)
                .map(|tenant| tenant.read(|it| it.key_generation))
                .max()
                .unwrap_or_default();
            (0..=highest + 1)
                .map(|generation| ring.key(generation))
                .collect()
        }
    };
    // Order carries no meaning; the current key is not always the first.
    keys.reverse();
    let issuer = match place {
        TenantSegment::Consumers => arrival.issuer(cloud).v2(CONSUMERS_TENANT),
        _ => arrival.issuer(cloud).v2("{tenantid}"),
    };
    let entries: Vec<Value> = keys
        .iter()
        .map(|key| {
            let public = key.public();
            let mut entry = json!({
                "kty": "RSA",
                "use": "sig",
                "kid": public.kid,
                "x5t": public.kid,
                "n": public.n,
                "e": public.e,
                "x5c": [public.x5c],
                "cloud_instance_name": cloud.facts().cloud_instance_name,
            });
            if v2 {
                entry["issuer"] = json!(issuer);
            }
            entry
        })
        .collect();
    json!({ "keys": entries })
}

/// Instance discovery: is this authority one of Microsoft's (or the mock's own address)?
fn instance_document(arrival: &Arrival, query: &Form) -> Result<Value, AuthorityError> {
    let malformed = || AuthorityError::aadsts(50050);
    let authority = query.get("authorization_endpoint")?.ok_or_else(malformed)?;
    let parsed = url::Url::parse(authority).map_err(|_| malformed())?;
    let host = parsed.host_str().ok_or_else(malformed)?;
    let own_host = arrival
        .origin
        .split("://")
        .nth(1)
        .and_then(|rest| rest.rsplit_once(':').map(|(host, _)| host).or(Some(rest)))
        .is_some_and(|own| own.eq_ignore_ascii_case(host));
    let known = matches!(
        Site::of_host(host),
        Some(Site::Authority(_) | Site::Retired(_))
    );
    let is_ours = own_host && !arrival.real_host;
    if !known && !is_ours {
        return Err(AuthorityError::aadsts(50049));
    }
    // Some clients cut the port off their own authority: the answer has the address that serves.
    let root = if known {
        format!("https://{host}")
    } else {
        arrival.origin.clone()
    };
    let mut segments = parsed.path_segments().into_iter().flatten();
    let tenant = segments
        .next()
        .filter(|it| !it.is_empty())
        .ok_or_else(malformed)?;
    let version = if parsed.path().contains("/v2.0/") {
        "/v2.0"
    } else {
        ""
    };
    let endpoint = format!("{root}/{tenant}{version}/.well-known/openid-configuration");
    let mut document = Map::new();
    document.insert("tenant_discovery_endpoint".into(), json!(endpoint));
    if query.get("api-version")? == Some("1.0") {
        return Ok(Value::Object(document));
    }
    document.insert("api-version".into(), json!("1.1"));
    let mut metadata: Vec<Value> = [SignInCloud::Global, SignInCloud::China]
        .into_iter()
        .chain([SignInCloud::UsGov])
        .map(|cloud| {
            let facts = cloud.facts();
            let mut aliases = facts.hosts.clone();
            if cloud == SignInCloud::China {
                // The preferred name is listed first.
                aliases.reverse();
            }
            json!({
                "preferred_network": facts.preferred_network,
                "preferred_cache": facts.preferred_cache,
                "aliases": aliases,
            })
        })
        .collect();
    for retired in retired_hosts() {
        metadata.push(json!({
            "preferred_network": retired.preferred_network,
            "preferred_cache": retired.preferred_network,
            "aliases": [retired.host],
        }));
    }
    document.insert("metadata".into(), json!(metadata));
    Ok(Value::Object(document))
}

#[cfg(test)]
mod tests;
