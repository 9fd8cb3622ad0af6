//! The authorize endpoint: from a client's request to a code at its redirect URI.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.

pub(super) mod answer;
mod consenting;
mod issue;
mod registration;
mod request;

use std::sync::Arc;

use axum::response::Response;

use answer::Fields;
pub(super) use consenting::{
    ask_for_approval, consent, create_principal, request_approval, settle,
};
pub(super) use registration::can_appear;
pub(super) use request::{check_absolute, check_registered, is_opaque};

use super::error::AuthorityError;
use super::flow::{AuthorizeRequest, Flow, Purpose, Target};
use super::form::Form;
use super::interaction::{self, Halt, Person};
use super::issue::ClaimsRequest;
use super::resolve::{Client, OtherCloud, Requested, RequestedResource, missing_service};
use super::sign_in::Realm;
use super::visit::Visit;
use crate::clock::Clock;
use crate::directory::Application;
use crate::world::{Tenant, World};

/// Begins with an authorize request of a path's version.
pub(crate) fn start(
    visit: &mut Visit,
    segment: &str,
    version: u8,
    parameters: &Form,
) -> Result<Flow, Box<Response>> {
    visit.correlate(parameters.typed("client-request-id"));
    // Without the app and its redirect URI nobody can be told but the person.
    let known = client(visit, segment, parameters).and_then(|app| {
        visit.for_app(&app);
        if visit.arrival.refused.is_some() {
            let target = request::target(parameters, &app)?;
            return Ok((app, target));
        }
        let realm = Realm::of_segment(visit.world(), &visit.arrival, segment, Some(&app))?;
        if let Realm::One(tenant) = &realm {
            visit.at(tenant);
            interaction::exists_in(&app, tenant)?;
        }
        let target = request::target(parameters, &app)?;
        Ok((app, target))
    });
    let (app, target) = match known {
        Ok(known) => known,
        Err(refusal) => return Err(Box::new(visit.error_page(&refusal))),
    };
    if let Some(code) = visit.arrival.refused {
        return Err(Box::new(refuse(
            visit,
            &target.0,
            &AuthorityError::aadsts(code),
        )));
    }
    let request = match request::read(parameters, version, &app, target.clone()) {
        Ok(request) => request,
        Err(refusal) => return Err(Box::new(refuse(visit, &target.0, &refusal))),
    };
    let claims = ClaimsRequest::parse(request.claims.as_deref());
    if let Ok(Some(claims)) = claims
        && let Some(claim) = claims.unknown.first()
    {
        visit.annotation.unsupported =
            Some(format!("the claims request for {claim} is not looked at"));
    }
    let given = |name: &&str| parameters.raw(name).is_some_and(|it| !it.is_empty());
    if let Some(name) = REQUEST_OBJECTS.into_iter().find(given) {
        visit.annotation.unsupported = Some(format!("no request objects: {name} is not looked at"));
    }
    let asked = [Some(request.scope.as_str()), request.resource.as_deref()];
    if let Some(missing) = asked.into_iter().flatten().find_map(missing_service) {
        visit.annotation.unsupported = Some(missing);
    }
    if let (Some(tenant), Some(resource)) = (visit.tenant.clone(), &request.indicator) {
        let requested = Requested::parse(visit.world(), &tenant, &request.scope);
        if let Ok(requested) = requested
            && let Err(refusal) = check_indicator(visit.world(), &tenant, &requested, resource)
        {
            return Err(Box::new(visit.error_page(&refusal)));
        }
    }
    if is_loop(visit, segment, &request) {
        let refusal = AuthorityError::aadsts(50196);
        return Err(Box::new(if request.is_silent() {
            refuse(visit, &target.0, &refusal)
        } else {
            visit.error_page(&refusal)
        }));
    }
    let purpose = Purpose::Authorize(Box::new(request));
    Ok(Flow::new(purpose, segment, visit))
}

/// Whether this browser repeats the request too often, where its tenant looks at that.
///
/// Unverified: that a person gets a page; pnp/powershell#2995 suggests it.
fn is_loop(visit: &mut Visit, segment: &str, request: &AuthorizeRequest) -> bool {
    let cloud = visit.arrival.cloud;
    let latest = visit.session.accounts().first().map(|login| login.tenant);
    let tenant = visit
        .tenant
        .clone()
        .or_else(|| visit.world().tenant(cloud, latest?));
    let looks = |tenant: &Arc<Tenant>| tenant.read(|it| it.switches.detect_request_loops);
    let Some(tenant) = tenant.filter(looks) else {
        return false;
    };
    let now = (tenant.now(), Clock::real().now());
    visit.repetition.ask(&common_text(segment, request), now)
}

/// What makes two requests equal: who is hinted at, scopes, client, redirect URI, response type and
/// mode; not `state`, `nonce` and the proof key.
fn common_text(segment: &str, request: &AuthorizeRequest) -> String {
    format!(
        "{segment}\n{}\n{}\n{}\n{:?}\n{:?}\n{:?}\n{:?}",
        request.client,
        request.target.redirect_uri,
        request.scope,
        request.target.mode,
        request.response_type,
        request.login_hint,
        request.resource,
    )
}

/// A signed-in user is there: consent, then the answer.
pub(super) fn go_on(
    visit: &mut Visit,
    flow: &mut Flow,
    request: &AuthorizeRequest,
    person: &Person,
) -> Result<Response, Halt> {
    settle(visit, flow, person)?;
    issue::answer(visit, flow, request, person).map_err(Halt::App)
}

/// Tells the app of a refusal.
pub(super) fn refuse(visit: &mut Visit, target: &Target, refusal: &AuthorityError) -> Response {
    visit.note(refusal);
    let root = visit.arrival.authority_root();
    Fields::refusal(refusal, &visit.trace(), &root).send(target, &visit.world().random)
}

/// The person pressed Cancel: on the consent page (`declined`), or on another one.
pub(super) fn cancel(visit: &mut Visit, request: &AuthorizeRequest, declined: bool) -> Response {
    if declined {
        return refuse(visit, &request.target, &AuthorityError::aadsts(65004));
    }
    visit.annotation.error = Some("access_denied".to_owned());
    visit.decide("the person cancelled");
    Fields::cancelled().send(&request.target, &visit.world().random)
}

/// `resource` at v2 must name the API of the scopes; OpenID Connect scopes have none.
///
/// Source: modelcontextprotocol/python-sdk#2578, microsoft/powerbi-modeling-mcp#68. Unverified: that
/// it is a page, as anthropics/claude-code#73460 suggests.
fn check_indicator(
    world: &World,
    tenant: &Tenant,
    requested: &Requested,
    resource: &str,
) -> Result<(), AuthorityError> {
    let is_meant = |it: &RequestedResource| it.resource.is_meant_by(world, tenant, resource);
    if requested.resources.iter().any(is_meant) {
        return Ok(());
    }
    Err(AuthorityError::aadsts(9010010))
}

/// The app that a request names.
pub(super) fn client(
    visit: &Visit,
    segment: &str,
    parameters: &Form,
) -> Result<Arc<Application>, AuthorityError> {
    if visit.arrival.refused.is_none()
        && let Some(other) = OtherCloud::of_segment(visit.world(), visit.arrival.cloud, segment)
        && let Some(refusal) = other.page_refusal(
            visit.world(),
            parameters.typed("client_id"),
            parameters.typed("redirect_uri"),
        )
    {
        return Err(refusal);
    }
    let place = visit
        .world()
        .tenant_of_segment(visit.arrival.cloud, segment)
        .map_or_else(
            || segment.to_owned(),
            |tenant| tenant.read(|it| it.display_name.clone()),
        );
    let client_id = parameters.required("client_id")?;
    Client::find(visit.world(), &visit.arrival, client_id, &place).map(|(_, app)| app)
}

/// Parameters that hold a whole request. Source: RFC 9101, section 5.
const REQUEST_OBJECTS: [&str; 2] = ["request", "request_uri"];
