//! The authorize endpoint: from a client's request to a code at its redirect URI.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.

pub(super) mod answer;
mod consenting;
mod issue;
mod request;

use axum::response::Response;

pub(super) use answer::Fields;
pub(super) use consenting::{ask_for_approval, consent, create_principal, request_approval};
pub(super) use request::{AuthorizeRequest, Prompt, Target};

use super::flow::{Flow, Purpose};
use super::interaction::{self, Halt, Person};
use super::parameters::Parameters;
use super::sign_in::Realm;
use super::visit::{Refusal, Visit};
use crate::directory::Application;

/// Answers an authorize request of a path's version.
pub(crate) fn start(
    visit: &mut Visit,
    segment: &str,
    version: u8,
    parameters: &Parameters,
) -> Response {
    visit.correlate(parameters.get("client-request-id"));
    // Without the app and its redirect URI nobody can be told but the person.
    let known = client(visit, segment, parameters).and_then(|app| {
        visit.for_app(&app);
        let realm = Realm::of_segment(&visit.world, visit.arrival.cloud, segment, Some(&app))?;
        if let Realm::One(tenant) = &realm {
            visit.at(tenant);
            interaction::exists_in(&app, tenant)?;
        }
        let target = request::target(parameters, &app)?;
        Ok((app, target))
    });
    let (app, target) = match known {
        Ok(known) => known,
        Err(refusal) => return visit.error_page(&refusal),
    };
    let request = match request::read(parameters, version, &app, target.clone()) {
        Ok(request) => request,
        Err(refusal) => return refuse(visit, &target.0, &refusal),
    };
    let purpose = Purpose::Authorize(Box::new(request));
    let mut flow = Flow::new(purpose, segment, visit.correlation);
    interaction::answer(visit, &mut flow)
}

/// A signed-in user is there: consent, then the answer.
pub(super) fn go_on(
    visit: &mut Visit,
    flow: &mut Flow,
    request: &AuthorizeRequest,
    person: &Person,
) -> Result<Response, Halt> {
    consenting::settle(visit, flow, person)?;
    issue::answer(visit, flow, request, person).map_err(Halt::App)
}

/// Tells the app of a refusal.
pub(super) fn refuse(visit: &mut Visit, target: &Target, refusal: &Refusal) -> Response {
    visit.note(refusal);
    let root = visit.arrival.authority_root();
    Fields::refusal(refusal, &visit.trace(), &root).send(target, &visit.world.random)
}

/// The person pressed Cancel: on the consent page (`declined`), or on another one.
pub(super) fn cancel(visit: &mut Visit, request: &AuthorizeRequest, declined: bool) -> Response {
    let refusal =
        Refusal::new(65004, "access_denied", "User declined to consent to access the app.");
    if declined {
        return refuse(visit, &request.target, &refusal);
    }
    visit.annotation.error = Some("access_denied".to_owned());
    visit.decide("the person cancelled");
    Fields::cancelled().send(&request.target, &visit.world.random)
}

/// The app that a request names.
pub(super) fn client(
    visit: &Visit,
    segment: &str,
    parameters: &Parameters,
) -> Result<Application, Refusal> {
    parameters.once(&["client_id"])?;
    let text = parameters.required("client_id")?;
    let known = text.parse().ok().and_then(|id| visit.world.application(visit.arrival.cloud, id));
    known.map(|(_, app)| app).ok_or_else(|| {
        let tenant = visit.world.tenant_of_segment(visit.arrival.cloud, segment);
        let name = tenant.map_or_else(
            || segment.to_owned(),
            |tenant| tenant.directory().display_name.clone(),
        );
        interaction::no_such_app(text, &name)
    })
}
