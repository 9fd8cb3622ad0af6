//! A place at which objects are looked at: what is done, by which client, for which API.

/// What a client does after the change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::authority::tests) enum Act {
    /// Asks for a token of the app's own.
    App,
    /// Redeems a code.
    Code,
    /// Confirms the device on a page that was open.
    Confirm,
    /// Accepts on a consent page that was open.
    Consent,
    /// Asks for a device code.
    DeviceCode,
    /// Enters the code of a device.
    Enter,
    /// Calls Graph.
    Graph,
    /// Exchanges a token on behalf of its user.
    OnBehalfOf,
    /// Sends the password on a page that was open.
    Password,
    /// Polls for a device that was approved.
    Poll,
    /// Redeems a refresh token.
    Refresh,
    /// Sends name and password to the token endpoint.
    Ropc,
    /// Goes to the authorize endpoint again, with the browser's session.
    Session,
    /// Goes to the authorize endpoint again, with `prompt=none`.
    Silent,
    /// Asks for the user's names.
    UserInfo,
}

/// A place at which objects are looked at: what is done, by which client, for which API.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::authority::tests) struct Use {
    pub(in crate::authority::tests) act: Act,
    /// The client, by its alias in the default world.
    pub(in crate::authority::tests) client: &'static str,
    /// The user, by alias; none for an app alone.
    pub(in crate::authority::tests) user: Option<&'static str>,
    /// The token is for the API of the tenant, not for Graph.
    pub(in crate::authority::tests) for_api: bool,
    pub(in crate::authority::tests) version: u8,
}

pub(in crate::authority::tests) const fn person(
    act: Act,
    client: &'static str,
    for_api: bool,
    version: u8,
) -> Use {
    Use {
        act,
        client,
        user: Some("alice"),
        for_api,
        version,
    }
}

const fn guest(act: Act) -> Use {
    Use {
        user: Some("guest"),
        ..person(act, "native-app", false, 2)
    }
}

const fn app(act: Act, client: &'static str, for_api: bool, version: u8) -> Use {
    Use {
        user: None,
        ..person(act, client, for_api, version)
    }
}

impl Use {
    pub(in crate::authority::tests) const ALL: [Self; 48] = [
        person(Act::Silent, "own-app", false, 1),
        person(Act::Silent, "own-app", false, 2),
        person(Act::Silent, "native-app", true, 1),
        person(Act::Silent, "native-app", true, 2),
        person(Act::Silent, "vendor-app", false, 2),
        guest(Act::Silent),
        person(Act::Session, "own-app", false, 2),
        person(Act::Session, "native-app", true, 2),
        person(Act::Session, "vendor-app", false, 2),
        guest(Act::Session),
        person(Act::Password, "own-app", false, 1),
        person(Act::Password, "own-app", false, 2),
        person(Act::Password, "native-app", true, 2),
        person(Act::Password, "vendor-app", false, 2),
        guest(Act::Password),
        person(Act::Consent, "unconsented-app", false, 2),
        person(Act::Consent, "vendor-app", false, 2),
        person(Act::Confirm, "native-app", false, 2),
        person(Act::Confirm, "native-app", true, 2),
        person(Act::Enter, "native-app", false, 2),
        person(Act::Code, "own-app", false, 1),
        person(Act::Code, "own-app", false, 2),
        person(Act::Code, "native-app", true, 1),
        person(Act::Code, "native-app", true, 2),
        person(Act::Code, "vendor-app", false, 2),
        guest(Act::Code),
        person(Act::Refresh, "own-app", false, 1),
        person(Act::Refresh, "own-app", false, 2),
        person(Act::Refresh, "native-app", false, 2),
        person(Act::Refresh, "native-app", true, 1),
        person(Act::Refresh, "native-app", true, 2),
        person(Act::Refresh, "vendor-app", false, 2),
        guest(Act::Refresh),
        person(Act::Ropc, "native-app", false, 1),
        person(Act::Ropc, "native-app", true, 2),
        app(Act::App, "daemon-secret", false, 1),
        app(Act::App, "daemon-secret", false, 2),
        app(Act::App, "daemon-secret", true, 1),
        app(Act::App, "daemon-secret", true, 2),
        app(Act::App, "vendor-app", false, 2),
        person(Act::OnBehalfOf, "middle-tier-api", false, 2),
        person(Act::Poll, "native-app", false, 2),
        person(Act::Poll, "native-app", true, 1),
        app(Act::DeviceCode, "native-app", false, 2),
        person(Act::Graph, "native-app", false, 2),
        guest(Act::Graph),
        app(Act::Graph, "daemon-secret", false, 2),
        person(Act::UserInfo, "native-app", false, 2),
    ];

    /// As `objects.csv` has it: `refresh/native-app/api/v2`.
    pub(in crate::authority::tests) fn name(self) -> String {
        let act = format!("{:?}", self.act).to_ascii_lowercase();
        let client = match self.user {
            Some("guest") => "guest",
            _ => self.client,
        };
        let api = if self.for_api { "api" } else { "graph" };
        format!("{act}/{client}/{api}/v{}", self.version)
    }

    /// Whether the client proves who it is.
    pub(in crate::authority::tests) fn has_secret(self) -> bool {
        self.client != "native-app"
            && matches!(
                self.act,
                Act::App | Act::Code | Act::OnBehalfOf | Act::Refresh
            )
    }

    pub(in crate::authority::tests) fn is_guest(self) -> bool {
        self.user == Some("guest")
    }
}
