//! Further names of the mock itself, such as that of its container.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::environment::Site;

/// A host name by which clients reach the mock, in lower case.
///
/// The root certificate permits it and all names below it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HostName(String);

/// Why a name can't be one of the mock's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameError {
    /// It is an address.
    #[error(
        "'{0}' is an address: name a host; the control port takes its own addresses without a flag, \
         and certificates are for names"
    )]
    Address(String),
    /// It is served already.
    #[error("'{0}' is served in any case: leave it out")]
    Served(String),
    /// It is no host name.
    #[error(
        "'{0}' is no host name: expected letters, digits and hyphens, in parts divided by dots, such \
         as entra or entra.example"
    )]
    Syntax(String),
    /// All names below it would be permitted.
    #[error(
        "'{0}' is a top-level domain: the root certificate would permit every name below it; choose \
         a name such as entra-mock, or {0}.test"
    )]
    TopLevel(String),
}

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let bare = name.trim_matches(['[', ']']);
        // A last part of digits would be taken for an address. Source: WHATWG URL, "ends in a number".
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = !last.is_empty() && last.bytes().all(|it| it.is_ascii_digit());
        if bare.parse::<IpAddr>().is_ok() || is_number {
            return Err(HostNameError::Address(text.to_owned()));
        }
        if name.len() > LONGEST || !name.split('.').all(is_label) {
            return Err(HostNameError::Syntax(text.to_owned()));
        }
        if name == "localhost" || Site::of_host(&name).is_some() {
            return Err(HostNameError::Served(name));
        }
        if TOP_LEVEL.contains(name.as_str()) {
            return Err(HostNameError::TopLevel(name));
        }
        Ok(Self(name))
    }
}

/// Source: RFC 1123, section 2.1; container names have underscores, too.
fn is_label(label: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(is_letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Source: RFC 1035, section 2.3.4.
const LONGEST: usize = 253;

static TOP_LEVEL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../data/top-level-domains.txt").lines();
    lines.filter(|it| !it.starts_with('#')).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_containers_and_hosts_are_taken() {
        for (text, name) in [
            ("entra", "entra"),
            ("Entra_Mock", "entra_mock"),
            (
                "entra.default.svc.cluster.local.",
                "entra.default.svc.cluster.local",
            ),
            ("host.docker.internal", "host.docker.internal"),
            ("app.example", "app.example"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_would_permit_too_much_or_nothing_is_refused() {
        let refused = |text: &str| text.parse::<HostName>().unwrap_err();
        for text in ["com", "app", "DEV", "xn--p1ai"] {
            assert!(
                matches!(refused(text), HostNameError::TopLevel(_)),
                "{text}"
            );
        }
        for text in ["192.0.2.7", "::1", "[::1]", "1", "a.7"] {
            assert!(matches!(refused(text), HostNameError::Address(_)), "{text}");
        }
        for text in [
            "",
            ".",
            "*.example",
            "a..b",
            "-a",
            "a b",
            "a:8400",
            "http://a",
        ] {
            assert!(matches!(refused(text), HostNameError::Syntax(_)), "{text}");
        }
        for text in [
            "localhost",
            "login.microsoftonline.com",
            "Graph.Microsoft.us",
        ] {
            assert!(matches!(refused(text), HostNameError::Served(_)), "{text}");
        }
    }
}
