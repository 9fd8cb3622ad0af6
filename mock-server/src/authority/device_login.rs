//! The page on which a person enters the code that a device shows.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.

use axum::http::StatusCode;
use axum::response::Response;

use super::authorize;
use super::client_authentication::default_class;
use super::device_code::{Decision, Pending};
use super::error::AuthorityError;
use super::flow::{DeviceLogin, Flow, Purpose};
use super::form::Form;
use super::interaction::{self, Ask, Halt, Kind, Person, app_name, frame};
use super::pages::notice;
use super::visit::Visit;
use crate::clock::Clock;

/// Shows the page, with the code filled in if the link carries one.
pub(crate) fn show(visit: &mut Visit, action: &str, form: &Form) -> Response {
    let code = form
        .typed("otc")
        .or_else(|| form.typed("user_code"))
        .unwrap_or_default();
    visit.decide("page device-code");
    notice::device_code(action, code, None).respond(StatusCode::OK)
}

/// The person entered a code.
pub(crate) fn enter(visit: &mut Visit, action: &str, form: &Form) -> Result<Flow, Box<Response>> {
    let typed = form.typed("otc").unwrap_or_default().to_owned();
    let codes = &visit.state.device_codes;
    let found = match codes.find_by_user_code(visit.arrival.cloud, &typed) {
        Some(pending) => Ok(pending),
        None if typed.trim().is_empty() => Err(AuthorityError::aadsts(90119)),
        None => Err(AuthorityError::aadsts(70018)),
    };
    let pending = match check(visit, found) {
        Ok(pending) => pending,
        Err(refusal) => {
            visit.note(&refusal);
            let text = "That code didn't work. Check the code and try again.";
            let page = notice::device_code(action, &typed, Some((refusal.code, text)));
            return Err(Box::new(visit.show(page)));
        }
    };
    let known = visit
        .world()
        .application(visit.arrival.cloud, pending.client);
    let Some((_, app)) = known else {
        let client = pending.client.to_string();
        return Err(Box::new(
            visit.error_page(&interaction::no_such_app(&client, "organizations")),
        ));
    };
    visit.for_app(&app);
    let segment = pending
        .tenant
        .map_or_else(|| "organizations".to_owned(), |id| id.to_string());
    let purpose = Purpose::DeviceLogin(DeviceLogin {
        device_code: pending.device_code,
        client: pending.client,
        scope: pending.scope,
        resource: pending.resource,
        confirmed: false,
    });
    Ok(Flow::new(purpose, segment, visit))
}

/// Somebody is signed in: asks whether the device is theirs, and lets it sign in.
pub(crate) fn go_on(
    visit: &mut Visit,
    flow: &mut Flow,
    request: &DeviceLogin,
    person: &Person,
) -> Result<Response, Halt> {
    let app = visit
        .app
        .clone()
        .ok_or_else(|| Halt::Page(AuthorityError::aadsts(70018)))?;
    if !request.confirmed {
        let name = app_name(visit).unwrap_or_default();
        let page = notice::question(
            &frame(visit, flow),
            "device-confirm",
            &format!("Are you trying to sign in to {name}?"),
            "Only continue if you began this sign-in on a device of yours.",
            ("accept", "Continue"),
            Some(("cancel", "Cancel")),
        );
        return Err(Ask::halt(Kind::Device, page, AuthorityError::aadsts(50058)));
    }
    authorize::settle(visit, flow, person)?;
    let family = visit.world().random.uuid();
    let sign_in = person.login.to_app(app.app_id, default_class(&app), family);
    if !visit
        .state
        .device_codes
        .approve(&request.device_code, sign_in)
    {
        return Err(Halt::Page(AuthorityError::aadsts(70019)));
    }
    visit.session.remember(&person.login);
    visit.annotation.aadsts.clear();
    visit.annotation.error = None;
    visit.decide("the person approved the device");
    let text = format!(
        "You have signed in to the {} application on your device. You may now close this window.",
        app.display_name
    );
    let page = notice::message("device-done", "You're signed in", &text, true);
    Ok(visit.show(page.tenant(visit.organization())))
}

/// The person declined.
pub(crate) fn decline(visit: &mut Visit, request: &DeviceLogin) -> Response {
    visit.state.device_codes.decline(&request.device_code);
    visit.annotation.error = Some("authorization_declined".to_owned());
    visit.decide("the person declined the device");
    visit.show(notice::message(
        "device-declined",
        "Sign-in cancelled",
        "The device was not signed in. You can close this window.",
        false,
    ))
}

fn check(
    visit: &mut Visit,
    found: Result<Pending, AuthorityError>,
) -> Result<Pending, AuthorityError> {
    let pending = found?;
    visit.annotation.client = Some(pending.client);
    let tenant = pending
        .tenant
        .and_then(|id| visit.world().tenant(visit.arrival.cloud, id));
    if let Some(tenant) = &tenant {
        visit.at(tenant);
    }
    let now = tenant.map_or_else(|| Clock::real().now(), |tenant| tenant.now());
    if pending.is_expired(now) {
        return Err(AuthorityError::aadsts(70019));
    }
    match pending.decision {
        Decision::Open => Ok(pending),
        Decision::Approved(_) | Decision::Declined => Err(AuthorityError::aadsts(90120)),
    }
}
