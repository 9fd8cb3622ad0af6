//! The dashboard: a page that uses the control API, as anybody could. Its files are part of the
//! program (`mock-server/dashboard`), and nothing is loaded from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing;

use super::problem::{Answer, Problem, text_response};
use crate::server::Core;

pub(super) fn router() -> Router<Arc<Core>> {
    let page = || async { serve(include_str!("../../dashboard/index.html"), "text/html") };
    Router::new()
        .route("/", routing::get(page))
        .route("/dashboard/{file}", routing::get(file))
}

async fn file(Path(name): Path<String>) -> Answer {
    let found = FILES.iter().find(|(file, _)| *file == name);
    let (_, text) = found.ok_or_else(|| {
        let detail = format!("the dashboard has no file '{name}'");
        Problem::not_found("no such file", detail)
    })?;
    let media = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript",
    };
    Ok(serve(text, media))
}

fn serve(text: &'static str, media: &'static str) -> Response<Body> {
    let mut response = text_response(StatusCode::OK, media, text);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    // A newer program has newer files.
    let cache = HeaderValue::from_static("no-cache");
    headers.insert(header::CACHE_CONTROL, cache);
    response
}

/// Nothing but the program's own files, no code in the page, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../dashboard/", $name)))),+]
    };
}

const FILES: &[(&str, &str)] = files![
    "api.js",
    "app.js",
    "clock.js",
    "connections.js",
    "consent.js",
    "directory.js",
    "dom.js",
    "event-form.js",
    "exchange.js",
    "faults.js",
    "files.js",
    "icon.svg",
    "journal.js",
    "layout.css",
    "parts.css",
    "player.js",
    "recording.js",
    "sequence.js",
    "store.js",
    "tenants.js",
    "theme.css",
    "tokens.js",
    "views.css",
];
