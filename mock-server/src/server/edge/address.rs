//! What a request is addressed to, and the refusal of what is nobody's.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};

/// Why a host is refused, for the client and the journal.
pub(in crate::server) fn foreign_host(target: &str) -> String {
    format!(
        "entra-mock: {target} is not a Microsoft login or Graph host, so it is refused; start with \
         --allow-passthrough to let other hosts through"
    )
}

/// The host that a request names.
pub(super) fn addressed<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let named = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    uri.host().or(named).unwrap_or("this host")
}

/// An answer in plain words, for requests that reach no surface.
pub(in crate::server) fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}

/// The URI with one slash where several follow each other, if there are such.
pub(super) fn without_repeated_slashes(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let mut path = String::with_capacity(uri.path().len());
    for letter in uri.path().chars() {
        if letter != '/' || !path.ends_with('/') {
            path.push(letter);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    path.parse().ok()
}

/// A URI without scheme and authority.
pub(in crate::server) fn origin_form(uri: &Uri) -> Uri {
    if uri.authority().is_none() {
        return uri.clone();
    }
    uri.path_and_query()
        .and_then(|path| path.as_str().parse().ok())
        .unwrap_or_default()
}
