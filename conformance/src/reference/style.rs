//! The reference connector in styles of its own: what a connector may do as well. None of them may
//! fail, which is the proof that the checks demand no more than the rules do.

use std::fmt;
use std::str::FromStr;

use entra_mock::notation::did_you_mean;

macro_rules! styles {
    ($($(#[doc = $says:literal])+ $variant:ident = $name:literal,)+) => {
        /// A way to do things right.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Style {
            $($(#[doc = $says])+ $variant,)+
        }

        impl Style {
            /// All of them, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, as `--connector style:NAME` takes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The style in a sentence.
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($says),+).trim_ascii(),)+
                }
            }
        }
    };
}

styles! {
    /// Takes the token endpoint from the configuration document.
    AsksForConfiguration = "asks-for-configuration",
    /// Sends its secret in the Authorization header.
    BasicAuthentication = "basic-authentication",
    /// Gets the callback as a form.
    CallbackAsForm = "callback-as-form",
    /// Looks into the mailbox before it says that it is connected.
    ChecksTheMailbox = "checks-the-mailbox",
    /// Writes a draft, and sends it.
    DraftsFirst = "drafts-first",
    /// Speaks HTTP/1.1 only.
    Http1Only = "http-1-only",
    /// Waits up to twice as long as it need.
    Jitters = "jitters",
    /// Names the person by their id instead of `/me`.
    NamesPeopleById = "names-people-by-id",
    /// Never tries again: each failure is told at once.
    NeverTriesAgain = "never-tries-again",
    /// Does one thing at a time, connects included.
    OneAtATime = "one-at-a-time",
    /// Lists messages by a delta query, link by link.
    ReadsByDelta = "reads-by-delta",
    /// Renews tokens at four fifths of their life.
    RenewsAtFourFifths = "renews-at-four-fifths",
    /// Keeps the tokens of an app in a broker, for all connections of that app.
    SharesAppTokens = "shares-app-tokens",
    /// Names the permissions of the public cloud without their API.
    ShortScopes = "short-scopes",
    /// Sends no PKCE challenge, as a client with a secret may.
    WithoutPkce = "without-pkce",
}

impl fmt::Display for Style {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Style {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|style| style.name() == text);
        found.copied().ok_or_else(|| {
            let names = Self::ALL.iter().map(|it| it.name());
            let all: Vec<&str> = names.clone().collect();
            let nearest = did_you_mean(text, names);
            if nearest.is_empty() {
                format!("there is no style '{text}'; there are {}", all.join(", "))
            } else {
                format!("there is no style '{text}'{nearest}")
            }
        })
    }
}
