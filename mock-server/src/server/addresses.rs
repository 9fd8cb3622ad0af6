//! By which names the mock tells where it is: those by which it was asked, as far as it knows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::host_name::HostName;

/// Hosts in the addresses that the mock tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Addresses {
    /// The host of the control API and the proxy.
    pub(super) control: String,
    /// The host of the environments' ports: certificates are for names, and for loopback.
    pub(super) environments: String,
}

impl Addresses {
    /// As nobody in particular reaches it.
    pub(super) fn of(listens: SocketAddr, names: &[HostName]) -> Self {
        let address = match listens.ip() {
            // All addresses are none that can be asked.
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let name = names.first().filter(|_| !listens.ip().is_loopback());
        Self {
            control: name.map_or_else(|| in_url(address), ToString::to_string),
            environments: name.map_or_else(|| LOCALHOST.to_owned(), ToString::to_string),
        }
    }

    /// As somebody reaches it who asked for a host, which is one of ours.
    pub(super) fn asked_at(self, host: &str, names: &[HostName]) -> Self {
        let host = host.to_ascii_lowercase();
        if names.iter().any(|it| it.as_str() == host) {
            return Self {
                control: host.clone(),
                environments: host,
            };
        }
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Self {
                control: in_url(address),
                environments: LOCALHOST.to_owned(),
            },
            Ok(address) => Self {
                control: in_url(address),
                ..self
            },
            Err(_) if host == LOCALHOST => Self {
                control: host.clone(),
                environments: host,
            },
            Err(_) => self,
        }
    }
}

fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

const LOCALHOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(listens: &str, names: &[&str], asked: Option<&str>) -> (String, String) {
        let names: Vec<HostName> = names.iter().map(|it| it.parse().unwrap()).collect();
        let mut told = Addresses::of(listens.parse().unwrap(), &names);
        if let Some(host) = asked {
            told = told.asked_at(host, &names);
        }
        (told.control, told.environments)
    }

    fn both(control: &str, environments: &str) -> (String, String) {
        (control.to_owned(), environments.to_owned())
    }

    #[test]
    fn what_is_told_can_be_reached() {
        assert_eq!(
            told("127.0.0.1:8400", &[], None),
            both("127.0.0.1", "localhost")
        );
        assert_eq!(
            told("0.0.0.0:8400", &[], None),
            both("127.0.0.1", "localhost")
        );
        assert_eq!(told("[::]:8400", &[], None), both("[::1]", "localhost"));
        assert_eq!(
            told("0.0.0.0:8400", &["entra"], None),
            both("entra", "entra")
        );
        assert_eq!(
            told("127.0.0.1:8400", &["entra"], None),
            both("127.0.0.1", "localhost")
        );
    }

    #[test]
    fn who_asks_by_a_name_is_told_that_name() {
        let of = |asked| told("0.0.0.0:8400", &["entra", "other"], Some(asked));
        assert_eq!(of("other"), both("other", "other"));
        assert_eq!(of("127.0.0.1"), both("127.0.0.1", "localhost"));
        assert_eq!(of("localhost"), both("localhost", "localhost"));
        // No certificate is for an address: the name has to do.
        assert_eq!(of("192.0.2.7"), both("192.0.2.7", "entra"));
        assert_eq!(
            told("127.0.0.1:8400", &[], Some("LOCALHOST")),
            both("localhost", "localhost")
        );
    }
}
