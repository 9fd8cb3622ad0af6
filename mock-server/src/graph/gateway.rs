//! What answers before Graph itself: the listener that wants a length, and CORS.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;

use crate::exchange::Annotation;

/// The answer to a request that does not come as far as Graph.
pub(super) fn instead(method: &Method, version: Version, headers: &HeaderMap) -> Option<Response> {
    if method == Method::OPTIONS {
        return Some(preflight(headers));
    }
    lacks_length(method, version, headers).then(length_required)
}

/// What scripts of any origin may ask, without a token: each call of an app in a browser is
/// preceded by such a question.
///
/// Source: AzureAD/microsoft-authentication-library-for-js#3216; the rules: fetch.spec.whatwg.org,
/// "CORS protocol". Unverified: the list of methods and the age; that asked headers are all
/// allowed.
fn preflight(headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    let any = HeaderValue::from_static("*");
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
    answer.insert(header::ALLOW, methods);
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    let age = HeaderValue::from_static("3600");
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, age);
    annotated(response, Some("OPTIONS"), None)
}

/// Whether a request that may have a body leaves open how long it is. HTTP/2 always tells where a
/// body ends.
fn lacks_length(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    matches!(*method, Method::POST | Method::PUT)
        && version < Version::HTTP_2
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// The listener's own page, without anything of Graph.
///
/// Sources: sreeise/graph-rs-sdk#466 and #524, microsoftgraph/microsoft-graph-docs#2262; the page as
/// avadev/AvaTax-REST-V2-DotNet-SDK#73 prints it from the same listener.
fn length_required() -> Response {
    let mut response = Response::new(Body::from(LENGTH_REQUIRED));
    *response.status_mut() = StatusCode::LENGTH_REQUIRED;
    let html = HeaderValue::from_static("text/html; charset=us-ascii");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    let server = HeaderValue::from_static("Microsoft-HTTPAPI/2.0");
    response.headers_mut().insert(header::SERVER, server);
    let why = "a POST or PUT over HTTP/1.1 says how long its body is: send Content-Length: 0 where \
               there is none";
    annotated(response, None, Some(why))
}

fn annotated(mut response: Response, endpoint: Option<&str>, refused: Option<&str>) -> Response {
    let annotation = Annotation {
        endpoint: endpoint.map(str::to_owned),
        error: refused.map(|_| "LengthRequired".to_owned()),
        decision: refused.map(str::to_owned),
        ..Annotation::default()
    };
    annotation.attach(response.extensions_mut());
    response
}

const LENGTH_REQUIRED: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r
<HTML><HEAD><TITLE>Length Required</TITLE>\r
<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r
<BODY><h2>Length Required</h2>\r
<hr><p>HTTP Error 411. The request must be chunked or have a content length.</p>\r
</BODY></HTML>\r
";
