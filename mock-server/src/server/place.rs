//! Where a request arrived: which site, and which of its surfaces.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header};

use super::edge::Connection;
use crate::environment::{SignInCloud, Site};
use crate::exchange::Arrival;
use crate::journal::Surface;

/// Where a request arrived.
pub(super) struct Place;

impl Place {
    /// The host name decides where it names one of ours, else the port.
    pub(super) fn of(
        connection: &Connection,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<(Arrival, Site)> {
        let named = uri
            .authority()
            .map(axum::http::uri::Authority::as_str)
            .or_else(|| {
                headers
                    .get(header::HOST)
                    .and_then(|value| value.to_str().ok())
            })
            .filter(|name| !name.is_empty());
        let authority = named.unwrap_or(&connection.target);
        let scheme = if connection.tls { "https" } else { "http" };
        let default_port = if connection.tls { ":443" } else { ":80" };
        let trimmed = authority.strip_suffix(default_port).unwrap_or(authority);
        let origin = format!("{scheme}://{}", trimmed.to_ascii_lowercase());
        let host = host_of(authority);
        let arrival = |cloud, environment, real_host, retired| Arrival {
            cloud,
            environment,
            origin,
            real_host,
            retired,
            address: forwarded_for(headers).unwrap_or(connection.peer),
            admitted_tenants: header_text(headers, "restrict-access-to-tenants").map(Into::into),
            issuer_as_addressed: false,
            refused: None,
        };
        match Site::of_host(host) {
            Some(site @ Site::Authority(cloud)) => {
                let mut environments = cloud.environments();
                let only = environments
                    .next()
                    .filter(|_| environments.next().is_none());
                Some((arrival(cloud, only, true, None), site))
            }
            Some(
                site @ (Site::Graph(environment)
                | Site::SharePoint(environment)
                | Site::Upload(environment)),
            ) => Some((
                arrival(environment.cloud(), Some(environment), true, None),
                site,
            )),
            Some(site @ Site::DeviceLogin) => {
                let cloud = SignInCloud::of_device_login_path(uri.path());
                let cloud = cloud.unwrap_or(SignInCloud::Global);
                Some((arrival(cloud, None, true, None), site))
            }
            Some(site @ Site::Retired(code)) => Some((
                arrival(SignInCloud::Global, None, true, code.or(Some(50049))),
                site,
            )),
            None => {
                let environment = connection.environment?;
                let cloud = environment.cloud();
                Some((
                    arrival(cloud, Some(environment), false, None),
                    Site::Authority(cloud),
                ))
            }
        }
    }
}

/// The client's address as a reverse proxy tells it, or as a test wants it. Some proxies tell the
/// port, too; an address of version 6 then stands in brackets.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let text = header_text(headers, "x-forwarded-for")?;
    let first = text.split(',').next()?.trim();
    let with_port = || first.parse().ok().map(|it: SocketAddr| it.ip());
    let bare = first
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(first);
    bare.parse().ok().or_else(with_port)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A host name without its port.
pub(super) fn host_of(authority: &str) -> &str {
    let name = authority
        .rsplit_once('@')
        .map_or(authority, |(_, name)| name);
    match name.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => name.rsplit_once(':').map_or(name, |(host, _)| host),
    }
}

/// On a port of localhost the path tells Graph from the authority.
pub(super) fn is_graph_path(path: &str) -> bool {
    let path = path.trim_start_matches('/').to_ascii_lowercase();
    let first = path.split('/').next().unwrap_or_default();
    matches!(first, "v1.0" | "beta")
        || path.starts_with("oidc/userinfo")
        || path.starts_with("api/gv1.0/")
}

/// The surface of a path on a login host.
pub(super) fn surface_of(path: &str) -> Surface {
    let path = path.to_ascii_lowercase();
    let ends = |end: &str| path.trim_end_matches('/').ends_with(end);
    if ends("/token") {
        Surface::Token
    } else if ends("/devicecode") {
        Surface::DeviceCode
    } else if ends("/keys") {
        Surface::Keys
    } else if path.contains("/.well-known/")
        || path.contains("/discovery/instance")
        || path.contains("userrealm")
    {
        Surface::Discovery
    } else if path.contains("adminconsent") {
        Surface::AdminConsent
    } else if ends("/logout") {
        Surface::Logout
    } else if path.contains("/oauth2/") || path.contains("/login") || path.contains("deviceauth") {
        Surface::Authorize
    } else {
        Surface::Other
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::environment::Environment;

    fn arrival(headers: &[(&'static str, &str)]) -> Arrival {
        let connection = Connection {
            id: 1,
            via: None,
            environment: Some(Environment::Office365),
            target: "localhost:8443".to_owned(),
            tls: true,
            peer: Ipv4Addr::LOCALHOST.into(),
        };
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    value.parse().unwrap(),
                )
            })
            .collect();
        Place::of(&connection, &Uri::from_static("/"), &headers)
            .unwrap()
            .0
    }

    #[test]
    fn a_clients_address_is_the_connections_or_what_a_proxy_says() {
        let of = |headers: &[(&'static str, &str)]| arrival(headers).address.to_string();
        assert_eq!(of(&[]), "127.0.0.1");
        let proxies = [("x-forwarded-for", "203.0.113.7, 10.0.0.1")];
        assert_eq!(of(&proxies), "203.0.113.7");
        assert_eq!(of(&[("x-forwarded-for", "2001:db8::7")]), "2001:db8::7");
        // Some proxies tell the port, too.
        assert_eq!(
            of(&[("x-forwarded-for", "203.0.113.7:50123")]),
            "203.0.113.7"
        );
        assert_eq!(
            of(&[("x-forwarded-for", "[2001:db8::7]:50123")]),
            "2001:db8::7"
        );
        assert_eq!(of(&[("x-forwarded-for", "[2001:db8::7]")]), "2001:db8::7");
        assert_eq!(of(&[("x-forwarded-for", "somebody")]), "127.0.0.1");
    }

    #[test]
    fn a_proxy_may_restrict_tenants() {
        assert!(arrival(&[]).admitted_tenants.is_none());
        let restricted = arrival(&[("restrict-access-to-tenants", "contoso.com")]);
        assert_eq!(restricted.admitted_tenants.as_deref(), Some("contoso.com"));
    }
}
