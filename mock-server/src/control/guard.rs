//! Who may use the control port: programs, and pages of its own origin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;

use super::problem::Problem;
use crate::server::{Core, HostName};

/// Refuses what a page of another origin, or a rebound host name, could send, and says of every
/// answer that no other page may have it.
pub(super) async fn guard(
    State(core): State<Arc<Core>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let mut response = match refusal(&core, &request) {
        Some(problem) => problem.respond(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(core: &Core, request: &Request) -> Option<Problem> {
    let (own, names) = (core.control_address(), core.names());
    let is_own = |authority: &str| is_own(own, names, authority);
    let headers = request.headers();
    let host = asked_host(request);
    if !host.as_deref().is_some_and(is_own) {
        let further: String = names
            .iter()
            .map(|name| format!("{name}:{}, ", own.port()))
            .collect();
        let detail = format!(
            "the Host header must name {further}{} or localhost:{}, not '{}'; start with --name for \
             further names",
            if own.ip().is_unspecified() {
                format!("an IP address with port {}", own.port())
            } else {
                own.to_string()
            },
            own.port(),
            host.unwrap_or_default()
        );
        return Some(Problem::new(StatusCode::FORBIDDEN, "foreign host").detail(detail));
    }
    if let Some(origin) = text(headers, &header::ORIGIN)
        && !origin.strip_prefix("http://").is_some_and(is_own)
    {
        let detail = format!("pages of '{origin}' may not use the control API");
        return Some(Problem::new(StatusCode::FORBIDDEN, "foreign origin").detail(detail));
    }
    if is_of_another_page(request) {
        let detail = "the page of another origin may link to the dashboard, and nothing else";
        return Some(Problem::new(StatusCode::FORBIDDEN, "foreign origin").detail(detail));
    }
    None
}

/// The host and port that a request names.
pub(super) fn asked_host(request: &Request) -> Option<String> {
    let authority = request.uri().authority();
    authority
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| text(request.headers(), &header::HOST))
}

/// Host and port of an authority; the port is that of plain HTTP where none is named.
pub(super) fn host_and_port(authority: &str) -> (&str, &str) {
    // A colon within brackets divides the parts of an address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, "80"),
    };
    (host.trim_matches(['[', ']']), port)
}

/// Whether an authority (`host:port`) names the control port.
fn is_own(own: SocketAddr, names: &[HostName], authority: &str) -> bool {
    let (host, port) = host_and_port(authority);
    let named = host.eq_ignore_ascii_case("localhost")
        || names
            .iter()
            .any(|it| it.as_str().eq_ignore_ascii_case(host))
        || host.parse::<IpAddr>().is_ok_and(|ip| {
            // Nobody can let an address lead elsewhere, as a name can: where all addresses of the
            // machine are listened on, each of them may be meant.
            ip.is_loopback() || ip == own.ip() || own.ip().is_unspecified()
        });
    named && port.parse() == Ok(own.port())
}

/// Browsers say where a request comes from even where they send no `Origin`: pictures, scripts,
/// frames. A link to the dashboard is a person's own doing. Source: W3C Fetch Metadata.
fn is_of_another_page(request: &Request) -> bool {
    let said = |name: &'static str| text(request.headers(), &HeaderName::from_static(name));
    let from = said("sec-fetch-site");
    if matches!(from.as_deref(), None | Some("same-origin" | "none")) {
        return false;
    }
    let is_link = request.method() == Method::GET
        && request.uri().path() == "/"
        && said("sec-fetch-mode").as_deref() == Some("navigate")
        && said("sec-fetch-dest").as_deref() == Some("document");
    !is_link
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What every answer says: it is nothing for caches, frames, and pages of other origins.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_lead_elsewhere_are_foreign_and_addresses_are_not() {
        let is_own = |own: &str, authority: &str| is_own(own.parse().unwrap(), &[], authority);
        for own in ["127.0.0.1:8400", "0.0.0.0:8400", "[::]:8400"] {
            for authority in ["127.0.0.1:8400", "[::1]:8400", "LOCALHOST:8400"] {
                assert!(is_own(own, authority), "{own} {authority}");
            }
            for authority in [
                "mock.example:8400",
                "127.0.0.1:8401",
                "localhost",
                "",
                "192.0.2.7",
            ] {
                assert!(!is_own(own, authority), "{own} {authority}");
            }
        }
        assert!(!is_own("127.0.0.1:8400", "192.0.2.7:8400"));
        assert!(is_own("192.0.2.7:8400", "192.0.2.7:8400"));
        assert!(is_own("0.0.0.0:8400", "192.0.2.7:8400"));
        assert!(is_own("[::]:8400", "[2001:db8::7]:8400"));
    }

    #[test]
    fn names_that_were_given_are_ours_and_those_below_them_are_not() {
        let names: [HostName; 1] = ["entra.example".parse().unwrap()];
        let is_own = |authority: &str| is_own("0.0.0.0:80".parse().unwrap(), &names, authority);
        for authority in [
            "entra.example",
            "Entra.Example:80",
            "[::1]",
            "[::1]:80",
            "192.0.2.7",
        ] {
            assert!(is_own(authority), "{authority}");
        }
        for authority in [
            "a.entra.example",
            "example",
            "entra.example:81",
            "entra.example.org",
        ] {
            assert!(!is_own(authority), "{authority}");
        }
    }
}
