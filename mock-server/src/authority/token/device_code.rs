//! `device_code`: polls for what a person decides on another device; and the endpoint that hands
//! out device codes.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as AxumState};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::endpoint::{Endpoint, note_tenant};
use super::request::{TokenRequest, Wanted, of_another_tenant};
use crate::aadsts::{self, Place};
use crate::authority::State;
use crate::authority::client_authentication::default_class;
use crate::authority::device_code::{Decision, INTERVAL, LIFETIME, Pending, Request};
use crate::authority::error::{AuthorityError, Trace, json_response, token_headers};
use crate::authority::form::Form;
use crate::authority::issue::{self, Version};
use crate::authority::resolve::{
    Client, CrossCloudRequest, Requested, Resource, TenantSegment, missing_service,
    restricted_by_policy,
};
use crate::clock::Clock;
use crate::directory::SignInAudience;
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::token::validity::Use;

pub(super) fn poll(request: &mut TokenRequest<'_>) -> Result<Value, AuthorityError> {
    // Both spellings are in use; v1 clients send `code` alone, and v1 names it.
    // Source: MicrosoftDocs/azure-docs#46110.
    let text = match request.form.get("device_code")? {
        Some(text) => text,
        None => request.form.get("code")?.ok_or_else(|| {
            AuthorityError::missing(match request.endpoint {
                Endpoint::V1 => "code",
                Endpoint::V2 => "device_code",
            })
        })?,
    };
    request.annotation.tokens.push(TokenUse {
        kind: TokenKind::DeviceCode,
        direction: Direction::Presented,
        fingerprint: fingerprint(text),
        family: None,
        generation: None,
    });
    let app = request.registration()?;
    // The client's own faults are told before the code is looked at.
    // Source: haystackeditor/haystack-editor#41.
    let (client, place) = request.client_before_grant()?;
    let how = request.authenticate(&client, default_class(&client.app), &place)?;
    let pending = request
        .state
        .device_codes
        .find(text)
        .ok_or_else(|| AuthorityError::aadsts(7000014))?;
    if pending.client != app.app_id {
        return Err(AuthorityError::aadsts(700007));
    }
    // Wherever the person signs in, the code is one of the tenant at which it was asked for.
    if let Some(tenant) = pending.tenant
        && request.another_tenant(tenant).is_some()
    {
        return Err(of_another_tenant(tenant)(request.segment));
    }
    let now = request.now_of(&pending);
    let sign_in = match &pending.decision {
        Decision::Declined => {
            return Err(AuthorityError::aadsts(70017));
        }
        _ if pending.is_expired(now) => {
            return Err(AuthorityError::aadsts(70020));
        }
        Decision::Open => {
            let machine = Clock::real().now();
            let too_soon = request.state.device_codes.poll(text, now, machine);
            let error = AuthorityError::aadsts(70016);
            // What the service says to fast pollers is not documented: RFC 8628, section 3.5.
            return Err(if too_soon {
                error.about("too-fast")
            } else {
                error
            });
        }
        Decision::Approved(sign_in) => sign_in.clone(),
    };
    let tenant =
        request.tenant_of_grant(sign_in.tenant, &app, of_another_tenant(sign_in.tenant))?;
    request.annotation.user = Some(sign_in.user);
    let client = request.client(&tenant)?;
    issue::check_sign_in(
        &request.state.world,
        &tenant,
        &client,
        &sign_in,
        (Use::NonInteractive, request.arrival.address),
    )
    .map_err(|error| match error.code {
        // The device that polls is not the one at which the person sits.
        53000 => {
            let mut remote = AuthorityError::aadsts(530033);
            remote.claims = error.claims;
            remote
        }
        _ => error,
    })?;
    let world = &request.state.world;
    let wanted =
        match &pending.resource {
            Some(resource) => Wanted::of_resource(world, &tenant, resource)?,
            None => {
                let (requested, openid) = Requested::parse(world, &tenant, &pending.scope)?
                    .single(world, &tenant, &pending.scope)?;
                Wanted {
                    requested,
                    openid,
                    version: Version::V2,
                }
            }
        };
    request.check(&tenant, &client.app, &wanted)?;
    let grant = request.user_grant(&tenant, (&client, how), &sign_in, wanted);
    let body = issue::user_tokens(request.state, &grant, request.trace, request.annotation)?;
    if request.state.device_codes.remove(text) {
        Ok(body)
    } else {
        Err(AuthorityError::aadsts(7000014))
    }
}

impl TokenRequest<'_> {
    /// The time that counts for a pending sign-in: its tenant's, if the request named one.
    fn now_of(&self, pending: &Pending) -> jiff::Timestamp {
        pending
            .tenant
            .and_then(|id| self.state.world.tenant(self.arrival.cloud, id))
            .map_or_else(|| Clock::real().now(), |tenant| tenant.now())
    }
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) async fn v2(common: Common) -> Response {
    answer(&common, Endpoint::V2)
}

/// `/{tenant}/oauth2/devicecode`: GET and POST, `resource` instead of `scope`.
pub(super) async fn v1(common: Common) -> Response {
    answer(&common, Endpoint::V1)
}

type Common = (
    AxumState<Arc<State>>,
    Extension<Arrival>,
    Path<String>,
    Method,
    RawQuery,
    HeaderMap,
    Bytes,
);

fn answer(
    (state, arrival, segment, method, query, headers, body): &Common,
    endpoint: Endpoint,
) -> Response {
    let query = query.0.as_deref();
    let world = &state.world;
    let mut trace = Trace::of(headers, None, &world.random, Clock::real().now());
    let mut annotation = Annotation {
        endpoint: Some("devicecode".to_owned()),
        ..Annotation::default()
    };
    let result = (|| {
        // ADAL asks the v1 endpoint in the query.
        let in_query = endpoint == Endpoint::V1 && method == Method::GET;
        if method != Method::POST && !in_query {
            return Err(AuthorityError::aadsts(900561)
                .with("methods", "POST, OPTIONS")
                .with("method", method.as_str()));
        }
        let form = if in_query {
            Form::parse(query.unwrap_or_default().as_bytes())
        } else {
            Form::of_body(headers, body).map_err(|_| AuthorityError::missing("client_id"))?
        };
        form.refuse_repeated(&["client_id", "scope", "resource", "claims"])?;
        annotation.unsupported = ["scope", "resource"]
            .into_iter()
            .find_map(|name| missing_service(form.raw(name)?))
            .or_else(|| restricted_by_policy(headers));
        let place = TenantSegment::resolve_for(world, arrival, segment, CrossCloudRequest::Public)?;
        let client_id = form.required("client_id")?;
        let (name, tenant) = match &place {
            TenantSegment::Tenant(tenant) => {
                note_tenant(&mut trace, &mut annotation, tenant);
                (tenant.read(|it| it.display_name.clone()), Some(tenant.id))
            }
            _ => (segment.0.clone(), None),
        };
        annotation.client = client_id.parse().ok();
        let found = Client::find(world, arrival, client_id, &name);
        let app = match (found, &place) {
            (Ok((_, app)), _) => app,
            (Err(error), TenantSegment::Tenant(_)) => return Err(error),
            // An unknown app tells nothing of the tenant either.
            (Err(_), _) => return Err(AuthorityError::aadsts(50059)),
        };
        if let TenantSegment::Tenant(tenant) = &place {
            Client::of_tenant(world, arrival, client_id, tenant)?;
        } else {
            if matches!(place, TenantSegment::Common)
                && app.sign_in_audience == SignInAudience::MultiTenant
            {
                return Err(AuthorityError::aadsts(90133));
            }
            Client::check_audience(&app, &place)?;
        }
        // Whether the client can authenticate is looked at when it polls.
        // Source: haystackeditor/haystack-editor#41.
        let resource = form.get("resource")?;
        let (scope, v1_resource) = match endpoint {
            Endpoint::V2 => (form.required("scope")?.to_owned(), None),
            Endpoint::V1 => {
                let default = Resource::azure_ad_graph(None).audience.value;
                let resource = resource.map_or(default, str::to_owned);
                (String::new(), Some(resource))
            }
        };
        if let (TenantSegment::Tenant(tenant), Some(resource)) = (&place, &v1_resource) {
            Resource::find(world, tenant, resource)?;
        }
        if let (TenantSegment::Tenant(tenant), Endpoint::V2) = (&place, endpoint) {
            let requested = Requested::parse(world, tenant, &scope)?;
            let is_meant = |resource: &str| match requested.resources.as_slice() {
                [one] => one.resource.is_meant_by(world, tenant, resource),
                _ => false,
            };
            if resource.is_some_and(|it| !is_meant(it)) {
                return Err(AuthorityError::aadsts(9010010));
            }
        }
        let request = Request {
            client: app.app_id,
            cloud: arrival.cloud,
            tenant,
            scope,
            resource: v1_resource,
        };
        let pending = state.device_codes.create(request, trace.now, &world.random);
        // A person may type it anywhere, in any case.
        let known = world.journal.redactor().known();
        known.note(&pending.user_code);
        known.note(&pending.user_code.to_ascii_lowercase());
        Ok(pending)
    })();
    match result {
        Ok(pending) => {
            annotation
                .tokens
                .push(issue::issued(TokenKind::DeviceCode, &pending.device_code));
            let mut response = json_response(StatusCode::OK, &body_of(&pending, arrival, endpoint));
            token_headers(response.headers_mut(), &trace, None);
            annotation.attach(response.extensions_mut());
            response
        }
        Err(error) => {
            let place = Place::versioned(aadsts::Endpoint::DeviceCode, endpoint.version());
            error.into_response(place, &trace, &arrival.authority_root(), annotation)
        }
    }
}

fn body_of(pending: &Pending, arrival: &Arrival, endpoint: Endpoint) -> Value {
    // With real host names the person is sent where the service sends people; the mock serves
    // that page on its login hosts, so on localhost the link leads there.
    let uri = if arrival.real_host {
        arrival.cloud.facts().device_login_url.clone()
    } else {
        format!("{}/common/oauth2/deviceauth", arrival.origin)
    };
    let message = format!(
        "To sign in, use a web browser to open the page {uri} and enter the code {} to authenticate.",
        pending.user_code
    );
    let (lifetime, interval) = (LIFETIME.as_secs(), INTERVAL.as_secs());
    match endpoint {
        Endpoint::V2 => json!({
            "user_code": pending.user_code,
            "device_code": pending.device_code,
            "verification_uri": uri,
            "expires_in": lifetime,
            "interval": interval,
            "message": message,
        }),
        Endpoint::V1 => json!({
            "user_code": pending.user_code,
            "device_code": pending.device_code,
            "verification_url": uri,
            "expires_in": lifetime.to_string(),
            "interval": interval.to_string(),
            "message": message,
        }),
    }
}
