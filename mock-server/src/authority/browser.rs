//! The routes of what a person opens in a browser.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State as AxumState};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{any, get};

use super::error::AuthorityError;
use super::form::Form;
use super::pages::notice::{self, CodeFacts};
use super::pages::{LOGO, Page};
use super::resolve::restricted_by_policy;
use super::routes::Routes;
use super::visit::Visit;
use super::{
    State, admin_consent, authorize, consent_requests, device_login, journey, login, logout,
};
use crate::aadsts::Row;
use crate::environment::SignInCloud;
use crate::exchange::{Annotation, Arrival};

pub(super) fn routes() -> Routes {
    let authorize_v1 = get(authorize_v1).post(authorize_v1);
    let authorize_v2 = get(authorize_v2).post(authorize_v2);
    Routes::default()
        .route("/", any(home))
        .route("/favicon.ico", get(favicon))
        .route("/error", get(error_code))
        .route("/device", get(device).post(device))
        .route("/devicelogin", get(device).post(device))
        .route("/{tenant}/oauth2/deviceauth", get(device).post(device))
        .route("/{tenant}/oauth2/nativeclient", get(native_client))
        .route("/{tenant}/oauth2/passwordchange", get(password_change))
        .route("/{tenant}/oauth2/authorize", authorize_v1)
        .route("/{tenant}/oauth2/v2.0/authorize", authorize_v2)
        .route("/{tenant}/oauth2/logout", get(sign_out).post(sign_out))
        .route("/{tenant}/oauth2/v2.0/logout", get(sign_out).post(sign_out))
        .route("/{tenant}/adminconsent", get(admin_consent_v1))
        .route("/{tenant}/v2.0/adminconsent", get(admin_consent_v2))
        .route("/{tenant}/consent-requests", get(requests))
        .route("/{tenant}/login", get(submit).post(submit))
}

/// What every handler takes: shared state, the arrival, and the fields of the request.
type Common = (
    AxumState<Arc<State>>,
    Extension<Arrival>,
    RawQuery,
    HeaderMap,
    Bytes,
);

fn open((state, arrival, query, headers, body): Common, endpoint: &str) -> (Visit, Form) {
    let form = Form::of_request(query.0.as_deref(), &headers, &body);
    let mut visit = Visit::new(state.0, arrival.0, &headers, endpoint);
    visit.annotation.unsupported = restricted_by_policy(&headers);
    (visit, form)
}

async fn authorize_v1(Path(tenant): Path<String>, common: Common) -> Response {
    start(&tenant, 1, common)
}

async fn authorize_v2(Path(tenant): Path<String>, common: Common) -> Response {
    start(&tenant, 2, common)
}

fn start(segment: &str, version: u8, common: Common) -> Response {
    let length = common.2.0.as_ref().map_or(0, String::len);
    let (mut visit, form) = open(common, "authorize");
    let response = if length > LONGEST_QUERY {
        visit.error_page(&AuthorityError::aadsts(90015))
    } else {
        let started = authorize::start(&mut visit, segment, version, &form);
        journey::begin(&mut visit, started)
    };
    visit.finish(response)
}

async fn submit(common: Common) -> Response {
    let (mut visit, form) = open(common, "login");
    let response = login::submit(&mut visit, &form);
    visit.finish(response)
}

async fn admin_consent_v1(Path(tenant): Path<String>, common: Common) -> Response {
    let (mut visit, form) = open(common, "adminconsent");
    let started = admin_consent::start(&mut visit, &tenant, 1, &form);
    let response = journey::begin(&mut visit, started);
    visit.finish(response)
}

async fn admin_consent_v2(Path(tenant): Path<String>, common: Common) -> Response {
    let (mut visit, form) = open(common, "adminconsent");
    let started = admin_consent::start(&mut visit, &tenant, 2, &form);
    let response = journey::begin(&mut visit, started);
    visit.finish(response)
}

async fn requests(Path(tenant): Path<String>, common: Common) -> Response {
    let (mut visit, _) = open(common, "consent-requests");
    let started = consent_requests::start(&mut visit, &tenant);
    let response = journey::begin(&mut visit, Ok(started));
    visit.finish(response)
}

async fn sign_out(Path(tenant): Path<String>, common: Common) -> Response {
    let (mut visit, form) = open(common, "logout");
    let response = logout::sign_out(&mut visit, &tenant, &form);
    visit.finish(response)
}

async fn device(method: Method, uri: Uri, common: Common) -> Response {
    let (mut visit, form) = open(common, "deviceauth");
    let response = if method == Method::POST {
        let started = device_login::enter(&mut visit, uri.path(), &form);
        journey::begin(&mut visit, started)
    } else {
        device_login::show(&mut visit, uri.path(), &form)
    };
    visit.finish(response)
}

/// Where native apps end: the answer stands in the address.
async fn native_client(common: Common) -> Response {
    let (mut visit, form) = open(common, "nativeclient");
    let page = match form.typed("error") {
        Some(error) => notice::message(
            "native-client",
            "Sign-in did not work",
            &format!("The app was told “{error}”. You can close this window."),
            false,
        ),
        None => notice::message(
            "native-client",
            "Back to the app",
            "The app reads its answer from the address of this page. You can close this window.",
            true,
        ),
    };
    let response = visit.show(page);
    visit.finish(response)
}

/// Where `password_change_url` of an expired password leads: it is changed on the way of a sign-in.
async fn password_change(common: Common) -> Response {
    let (mut visit, _) = open(common, "passwordchange");
    let page = notice::message(
        "password-expired",
        "Your password has expired",
        "Sign in to an app on a page like this one: you are asked for a new password on the way. A \
         test changes it with the event change-password.",
        false,
    );
    let response = visit.show(page);
    visit.finish(response)
}

async fn error_code(common: Common) -> Response {
    let (mut visit, form) = open(common, "error");
    let asked = form.typed("code").unwrap_or_default().trim().to_owned();
    let number = asked.trim_start_matches("AADSTS").parse().ok();
    let row = number.and_then(Row::find);
    let facts = row.map(|row| CodeFacts {
        code: row.code,
        name: &row.name,
        error: &row.oauth_error,
        meaning: &row.text,
        fix: row.advice(),
        source: &row.source,
    });
    let response = visit.show(notice::code_lookup(&asked, facts.as_ref()));
    visit.finish(response)
}

async fn home(common: Common) -> Response {
    let (mut visit, _) = open(common, "home");
    let page = notice::message(
        "home",
        "This is entra-mock",
        "It plays a sign-in service for tests. Apps send people here to sign in; there is nothing \
         to do on this page.",
        false,
    );
    let response = visit.show(page);
    visit.finish(response)
}

async fn favicon() -> Response {
    let mut response = Response::new(Body::from(LOGO));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("image/svg+xml"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=86400"),
    );
    response
}

/// `https://microsoft.com/devicelogin` and the like: on to the page of the cloud's login host.
///
/// Source: keycloak/keycloak#16107. Unverified: the status, and that the query goes with it.
pub(super) async fn device_login_host(uri: Uri, common: Common) -> Response {
    let Some(cloud) = SignInCloud::of_device_login_path(uri.path()) else {
        return not_found(uri, common).await;
    };
    let (mut visit, _) = open(common, "devicelogin");
    visit.decide("on to the page for device codes");
    let query = uri.query().map_or_else(String::new, |it| format!("?{it}"));
    let page = format!("{}{DEVICE_PAGE}{query}", cloud.authority_root());
    let response = Visit::redirect(&page);
    visit.finish(response)
}

/// What no other route takes.
pub(super) async fn not_found(uri: Uri, common: Common) -> Response {
    let (mut visit, _) = open(common, "unknown");
    let path: String = uri.path().chars().take(200).collect();
    visit.annotation = Annotation {
        unsupported: Some(format!("no endpoint {path} on the login hosts")),
        ..visit.annotation
    };
    visit.decide("no such endpoint");
    let page: Page = notice::message(
        "not-found",
        "There is no such page",
        &format!("The mock's login hosts have nothing at {path}."),
        false,
    );
    let response = page.respond(StatusCode::NOT_FOUND);
    visit.finish(response)
}

/// The longest query of the authorize endpoint: a form may be longer. Unverified: the length, and
/// that the app gets no answer.
const LONGEST_QUERY: usize = 8192;

/// Where a person types a device code.
const DEVICE_PAGE: &str = "/common/oauth2/deviceauth";

#[cfg(test)]
pub(super) mod tests;
