//! What ends a connection before it is a request, as the journal tells it.

use crate::environment::Site;

/// What ends a connection before it is a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// The client does not trust the certificate.
    #[error(
        "the client refused the certificate for {host}: {alert:?}; it must trust the root \
         certificate (entra-mock ca)"
    )]
    Certificate {
        /// The name that it asked for.
        host: String,
        /// What it said.
        alert: rustls::AlertDescription,
    },
    /// No tunnel was asked for as it is to be done.
    #[error("expected 'CONNECT host:port HTTP/1.1', found '{0}'")]
    Connect(String),
    /// There is no certificate for the name.
    #[error(
        "the mock has no certificate for {0}; start it with --name {0} if that is how clients reach \
         it"
    )]
    ForeignName(String),
    /// HTTP/2 was not kept to.
    #[error("the client broke the rules of HTTP/2: {0}")]
    Http2(String),
    /// Plain HTTP where TLS is spoken.
    #[error("plain HTTP on port {0}, which speaks HTTPS; use https://, or start with --plain-http")]
    Plain(u16),
    /// No TLS came about.
    #[error("the TLS handshake for {host} failed: {error}")]
    Tls {
        /// The name that it asked for.
        host: String,
        /// What happened.
        error: rustls::Error,
    },
    /// The head of a request is too large.
    #[error("the head of the request is larger than 64 KiB, or has more than 100 fields")]
    TooLarge,
    /// What came is no HTTP.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
}

impl Refused {
    /// What a failed handshake means.
    pub(super) fn handshake(host: &str, error: &rustls::Error) -> Self {
        let host = host.to_owned();
        match error {
            rustls::Error::AlertReceived(alert) if speaks_of_certificates(*alert) => {
                Self::Certificate {
                    host,
                    alert: *alert,
                }
            }
            rustls::Error::General(_) if Site::of_host(&host).is_none() => Self::ForeignName(host),
            _ => Self::Tls {
                host,
                error: error.clone(),
            },
        }
    }

    /// How the journal names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "certificate-refused",
            Self::ForeignName(_) => "foreign-name",
            Self::Http2(_) => "broken-http2",
            Self::Plain(_) => "plain-http",
            Self::Tls { .. } => "handshake-failed",
            Self::TooLarge => "head-too-large",
            Self::Connect(_) | Self::Unreadable(_) => "unreadable-request",
        }
    }

    /// What stands in the place of the method.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Certificate { .. } | Self::ForeignName(_) | Self::Tls { .. } => "TLS",
            Self::Connect(_) => "CONNECT",
            Self::Http2(_) | Self::Plain(_) | Self::TooLarge | Self::Unreadable(_) => "HTTP",
        }
    }

    /// What the client got, or else the number that nginx gives to it.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Certificate { .. } | Self::ForeignName(_) | Self::Tls { .. } => 495,
            Self::Connect(_) | Self::Http2(_) | Self::Plain(_) | Self::Unreadable(_) => 400,
            Self::TooLarge => 431,
        }
    }
}

/// Whether an alert says that a certificate was not taken. Source: RFC 8446, section 6.2.
fn speaks_of_certificates(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as Alert;

    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
    )
}
