//! The grants, by the kind of their client.

use crate::token::ClientClass;

/// What is asked for, and by what kind of client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    /// An authorization code of a web app.
    Code,
    /// An authorization code of a desktop app, with a code challenge.
    CodeOfPublic,
    /// An authorization code of a single-page application.
    CodeOfSpa,
    /// An authorization code of a web app that has a certificate.
    CodeByCertificate,
    /// An app's secret.
    Secret,
    /// An app's certificate.
    Certificate,
    /// The assertion of a trusted issuer.
    Federated,
    /// A device code that a person has approved.
    Device,
    /// The token with which an API was called.
    OnBehalfOf,
    /// The token with which an API with a certificate was called.
    OnBehalfOfByCertificate,
    /// A user's password.
    Password,
    /// A refresh token of a web app.
    Refresh,
    /// A refresh token of a web app that has a certificate.
    RefreshByCertificate,
    /// A refresh token of a desktop app, for an API of the tenant.
    RefreshOfPublic,
    /// A refresh token of a single-page application.
    RefreshOfSpa,
    /// A refresh token of a guest.
    RefreshOfGuest,
}

impl Grant {
    pub(super) const ALL: [Self; 16] = [
        Self::Code,
        Self::CodeOfPublic,
        Self::CodeOfSpa,
        Self::CodeByCertificate,
        Self::Secret,
        Self::Certificate,
        Self::Federated,
        Self::Device,
        Self::OnBehalfOf,
        Self::OnBehalfOfByCertificate,
        Self::Password,
        Self::Refresh,
        Self::RefreshByCertificate,
        Self::RefreshOfPublic,
        Self::RefreshOfSpa,
        Self::RefreshOfGuest,
    ];

    /// The client, by its alias in the default world.
    pub(super) fn client(self) -> &'static str {
        match self {
            Self::Code | Self::CodeByCertificate | Self::Refresh | Self::RefreshByCertificate => {
                "own-app"
            }
            Self::CodeOfPublic
            | Self::Device
            | Self::Password
            | Self::RefreshOfGuest
            | Self::RefreshOfPublic => "native-app",
            Self::CodeOfSpa | Self::RefreshOfSpa => "spa-app",
            Self::Secret | Self::Federated => "daemon-secret",
            Self::Certificate => "daemon-certificate",
            Self::OnBehalfOf | Self::OnBehalfOfByCertificate => "middle-tier-api",
        }
    }

    /// The user, by alias; none for an app alone.
    pub(super) fn user(self) -> Option<&'static str> {
        match self {
            Self::Secret | Self::Certificate | Self::Federated => None,
            Self::RefreshOfGuest => Some("guest"),
            _ => Some("alice"),
        }
    }

    pub(super) fn is_code(self) -> bool {
        matches!(
            self,
            Self::Code | Self::CodeByCertificate | Self::CodeOfPublic | Self::CodeOfSpa
        )
    }

    pub(super) fn is_refresh(self) -> bool {
        matches!(
            self,
            Self::Refresh
                | Self::RefreshByCertificate
                | Self::RefreshOfPublic
                | Self::RefreshOfSpa
                | Self::RefreshOfGuest
        )
    }

    pub(super) fn is_spa(self) -> bool {
        matches!(self, Self::CodeOfSpa | Self::RefreshOfSpa)
    }

    pub(super) fn has_secret(self) -> bool {
        matches!(
            self,
            Self::Code | Self::Secret | Self::OnBehalfOf | Self::Refresh
        )
    }

    pub(super) fn has_assertion(self) -> bool {
        self.has_certificate() || self == Self::Federated
    }

    pub(super) fn has_certificate(self) -> bool {
        matches!(
            self,
            Self::Certificate
                | Self::CodeByCertificate
                | Self::OnBehalfOfByCertificate
                | Self::RefreshByCertificate
        )
    }

    pub(super) fn is_on_behalf_of(self) -> bool {
        matches!(self, Self::OnBehalfOf | Self::OnBehalfOfByCertificate)
    }

    pub(super) fn is_public(self) -> bool {
        !self.has_secret() && !self.has_assertion()
    }

    /// Whether the token is for the API of the tenant, not for Graph.
    pub(super) fn is_for_api(self) -> bool {
        self == Self::RefreshOfPublic
    }

    /// The redirect URI of the code.
    pub(super) fn redirect_uri(self) -> &'static str {
        match self {
            Self::CodeOfSpa => "https://spa.contoso.example/",
            _ => "http://localhost/callback",
        }
    }

    pub(super) fn class(self) -> ClientClass {
        if self.is_spa() {
            ClientClass::Spa
        } else if self.is_public() {
            ClientClass::Public
        } else {
            ClientClass::Confidential
        }
    }
}
