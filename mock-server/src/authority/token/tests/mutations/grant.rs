//! The grants, by what their client signs in with.

use crate::token::ClientClass;

/// What is asked for, and by what kind of client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Grant {
    pub(super) flow: Flow,
    pub(super) by: By,
}

/// What a token is given for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flow {
    /// An authorization code, with a code challenge.
    Code,
    /// What proves who the app is.
    App,
    /// A device code that a person has approved.
    Device,
    /// The token with which an API was called.
    OnBehalfOf,
    /// A user's password.
    Password,
    /// A refresh token; a desktop app's is for an API of the tenant.
    Refresh,
    /// A refresh token of a guest.
    RefreshOfGuest,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Secret,
    /// An assertion that its certificate's key has signed.
    Certificate,
    /// The assertion of a trusted issuer.
    Federated,
    /// Not at all: a desktop app.
    Nothing,
    /// Not at all: a single-page application.
    Origin,
}

impl Grant {
    pub(super) const ALL: [Self; 25] = [
        Self::new(Flow::Code, By::Secret),
        Self::new(Flow::Code, By::Certificate),
        Self::new(Flow::Code, By::Federated),
        Self::new(Flow::Code, By::Nothing),
        Self::new(Flow::Code, By::Origin),
        Self::new(Flow::App, By::Secret),
        Self::new(Flow::App, By::Certificate),
        Self::new(Flow::App, By::Federated),
        Self::new(Flow::Device, By::Secret),
        Self::new(Flow::Device, By::Certificate),
        Self::new(Flow::Device, By::Federated),
        Self::new(Flow::Device, By::Nothing),
        Self::new(Flow::OnBehalfOf, By::Secret),
        Self::new(Flow::OnBehalfOf, By::Certificate),
        Self::new(Flow::OnBehalfOf, By::Federated),
        Self::new(Flow::Password, By::Secret),
        Self::new(Flow::Password, By::Certificate),
        Self::new(Flow::Password, By::Federated),
        Self::new(Flow::Password, By::Nothing),
        Self::new(Flow::Refresh, By::Secret),
        Self::new(Flow::Refresh, By::Certificate),
        Self::new(Flow::Refresh, By::Federated),
        Self::new(Flow::Refresh, By::Nothing),
        Self::new(Flow::Refresh, By::Origin),
        Self::new(Flow::RefreshOfGuest, By::Nothing),
    ];

    pub(super) const fn new(flow: Flow, by: By) -> Self {
        Self { flow, by }
    }

    /// The client, by its alias in the default world.
    pub(super) fn client(self) -> &'static str {
        match (self.flow, self.by) {
            (_, By::Nothing) => "native-app",
            (_, By::Origin) => "spa-app",
            (Flow::App, By::Certificate) => "daemon-certificate",
            (Flow::App, _) => "daemon-secret",
            (Flow::OnBehalfOf, _) => "middle-tier-api",
            _ => "own-app",
        }
    }

    /// The user, by alias; none for an app alone.
    pub(super) fn user(self) -> Option<&'static str> {
        match self.flow {
            Flow::App => None,
            Flow::RefreshOfGuest => Some("guest"),
            _ => Some("alice"),
        }
    }

    pub(super) fn is_refresh(self) -> bool {
        matches!(self.flow, Flow::Refresh | Flow::RefreshOfGuest)
    }

    pub(super) fn has_assertion(self) -> bool {
        matches!(self.by, By::Certificate | By::Federated)
    }

    pub(super) fn is_public(self) -> bool {
        matches!(self.by, By::Nothing | By::Origin)
    }

    /// Whether the token is for the API of the tenant, not for Graph.
    pub(super) fn is_for_api(self) -> bool {
        self == Self::new(Flow::Refresh, By::Nothing)
    }

    /// The redirect URI of the code.
    pub(super) fn redirect_uri(self) -> &'static str {
        match self.by {
            By::Origin => "https://spa.contoso.example/",
            _ => "http://localhost/callback",
        }
    }

    pub(super) fn class(self) -> ClientClass {
        match self.by {
            By::Origin => ClientClass::Spa,
            By::Nothing => ClientClass::Public,
            By::Secret | By::Certificate | By::Federated => ClientClass::Confidential,
        }
    }
}
