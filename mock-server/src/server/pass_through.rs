//! Connections to hosts that are none of ours, where the user permits them.
//!
//! Never to the mock itself, and never to addresses at which clouds and networks tell their
//! machines secrets: a client must not reach through the mock what it could not reach by itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time;

/// Why a host is not connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassThroughError {
    /// The address is one of those that nobody is let through to.
    #[error("{host} is {address}, {what}: it is not passed through to")]
    Forbidden {
        /// As the client named it.
        host: String,
        /// What it leads to.
        address: IpAddr,
        /// What that is.
        what: &'static str,
    },
    /// The mock itself.
    #[error("{0} is the mock itself: ask it without the proxy")]
    Itself(String),
    /// It is not there.
    #[error("{target} cannot be reached: {error}")]
    Unreachable {
        /// Host and port.
        target: String,
        /// What happened.
        error: io::Error,
    },
}

/// Connects to a host. `own` are the ports on which the mock listens.
pub(super) async fn connect(
    host: &str,
    port: u16,
    own: &[u16],
) -> Result<TcpStream, PassThroughError> {
    let unreachable = |error| PassThroughError::Unreachable {
        target: format!("{host}:{port}"),
        error,
    };
    let connecting = async {
        // Looked up once: an answer that was checked must be the one that is used.
        let addresses: Vec<SocketAddr> = lookup_host((host, port))
            .await
            .map_err(unreachable)?
            .collect();
        for address in &addresses {
            if let Some(what) = forbidden(address.ip()) {
                return Err(PassThroughError::Forbidden {
                    host: host.to_owned(),
                    address: address.ip(),
                    what,
                });
            }
        }
        let stream = TcpStream::connect(&*addresses).await.map_err(unreachable)?;
        // Where both ends have one address, the connection never left the machine.
        let is_here = match (stream.local_addr(), stream.peer_addr()) {
            (Ok(local), Ok(peer)) => local.ip() == peer.ip() || peer.ip().is_loopback(),
            _ => true,
        };
        if is_here && own.contains(&port) {
            return Err(PassThroughError::Itself(format!("{host}:{port}")));
        }
        Ok(stream)
    };
    time::timeout(CONNECTING, connecting)
        .await
        .unwrap_or_else(|_| Err(unreachable(io::ErrorKind::TimedOut.into())))
}

/// What an address is, if nobody is let through to it.
fn forbidden(address: IpAddr) -> Option<&'static str> {
    let address = match address.to_canonical() {
        // An address of version 4 behind a translator. Source: RFC 6052, section 2.1.
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    };
    let is_metadata = match address {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => METADATA_V6.contains(&v6),
    };
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if is_metadata {
        Some("the metadata service of a cloud")
    } else if is_link_local {
        Some("a link-local address, as metadata services have")
    } else if address.is_unspecified() || address.is_multicast() || is_broadcast {
        Some("not the address of one host")
    } else {
        None
    }
}

/// Where clouds tell their machines secrets, beside the link-local addresses. Sources: Azure's
/// WireServer (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), Alibaba
/// Cloud's (alibabacloud.com/help/ecs/user-guide/view-instance-metadata) and Oracle's metadata
/// services (docs.oracle.com, "Retrieving Instance Metadata").
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Amazon's and Google's. Sources: docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html;
/// cloud.google.com/compute/docs/metadata/querying-metadata.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// A host has this long to be found and to accept.
const CONNECTING: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn nobody_is_let_through_to_addresses_that_tell_secrets() {
        for address in [
            "169.254.169.254",
            "169.254.0.7",
            "168.63.129.16",
            "100.100.100.200",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(forbidden(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in [
            "192.0.2.7",
            "127.0.0.1",
            "10.0.0.1",
            "2001:db8::7",
            "fd00::1",
        ] {
            assert_eq!(forbidden(address.parse().unwrap()), None, "{address}");
        }
    }

    #[tokio::test]
    async fn the_mock_itself_is_not_connected_to_and_its_neighbours_are() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let refused = connect("localhost", port, &[port]).await.unwrap_err();
        assert!(matches!(refused, PassThroughError::Itself(_)), "{refused}");
        connect("127.0.0.1", port, &[]).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_leads_to() {
        let refused = connect("169.254.169.254", 80, &[]).await.unwrap_err();
        assert!(
            matches!(refused, PassThroughError::Forbidden { .. }),
            "{refused}"
        );
    }
}
