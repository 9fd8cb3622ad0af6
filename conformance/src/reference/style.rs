//! The reference connector in styles of its own: what a connector may do as well. None of them may
//! fail, which is the proof that the checks demand no more than the rules do.

use super::named::named;

named! {
    /// A way to do things right.
    Style as "style":

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
