//! The way of a person through the pages: from a request to its answer.
//!
//! The pages' forms come back here, and the way is walked again from its beginning.

use axum::response::Response;

use super::error::AuthorityError;
use super::flow::{Flow, Purpose};
use super::interaction::{Halt, reach};
use super::visit::Visit;
use super::{admin_consent, authorize, consent_requests, device_login};

/// Answers a request that begins a way, or could not begin one.
pub(crate) fn begin(visit: &mut Visit, started: Result<Flow, Box<Response>>) -> Response {
    let mut flow = match started {
        Ok(flow) => flow,
        Err(response) => return *response,
    };
    match walk(visit, &mut flow) {
        Ok(response) => response,
        Err(halt) => stop(visit, &flow, halt),
    }
}

/// Answers where the way ends.
pub(crate) fn stop(visit: &mut Visit, flow: &Flow, halt: Halt) -> Response {
    let silent = matches!(&flow.purpose, Purpose::Authorize(request) if request.is_silent());
    match halt {
        Halt::Ask(ask) if silent => refuse(visit, flow, &ask.silent),
        Halt::Page(refusal) if silent => refuse(visit, flow, &refusal),
        Halt::Ask(ask) => visit.show(ask.page),
        Halt::Page(refusal) => visit.error_page(&refusal),
        Halt::App(refusal) => refuse(visit, flow, &refusal),
    }
}

/// The whole way.
pub(crate) fn walk(visit: &mut Visit, flow: &mut Flow) -> Result<Response, Halt> {
    let person = reach(visit, flow)?;
    match flow.purpose.clone() {
        Purpose::AdminConsent(request) => admin_consent::go_on(visit, flow, &request, &person),
        Purpose::Authorize(request) => authorize::go_on(visit, flow, &request, &person),
        Purpose::ConsentRequests => consent_requests::go_on(visit, flow, &person),
        Purpose::DeviceLogin(request) => device_login::go_on(visit, flow, &request, &person),
    }
}

/// Tells the app of a refusal, or shows it where there is no app to tell.
fn refuse(visit: &mut Visit, flow: &Flow, refusal: &AuthorityError) -> Response {
    match &flow.purpose {
        Purpose::AdminConsent(request) => admin_consent::refuse(visit, request, refusal),
        Purpose::Authorize(request) => authorize::refuse(visit, &request.target, refusal),
        Purpose::ConsentRequests | Purpose::DeviceLogin(_) => visit.error_page(refusal),
    }
}

/// The person pressed Cancel: on a consent page (`declined`) or on another one.
pub(crate) fn cancel(visit: &mut Visit, flow: &Flow, declined: bool) -> Response {
    match &flow.purpose {
        Purpose::AdminConsent(request) => admin_consent::cancel(visit, request, declined),
        Purpose::Authorize(request) => authorize::cancel(visit, request, declined),
        Purpose::ConsentRequests => visit.show(super::pages::notice::message(
            "cancelled",
            "Cancelled",
            "You can close this window.",
            false,
        )),
        Purpose::DeviceLogin(request) => device_login::decline(visit, request),
    }
}
