//! The parameters of an authorize request, checked.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
//! /v2-protocols-oidc, /v2-oauth2-implicit-grant-flow.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::authority::parameters::Parameters;
use crate::authority::visit::Refusal;
use crate::directory::{Application, ApplicationId, Platform};
use crate::token::ClientClass;

/// An authorize request that may be worked on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AuthorizeRequest {
    /// 1 or 2, by the path.
    pub(crate) version: u8,
    pub(crate) client: ApplicationId,
    /// By the platform of the redirect URI.
    pub(crate) client_class: ClientClass,
    /// Where and how answers go.
    pub(crate) target: Target,
    pub(crate) response_type: ResponseType,
    /// As requested, unresolved.
    pub(crate) scope: String,
    /// v1: the API.
    pub(crate) resource: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) sid: Option<String>,
    /// The PKCE challenge and its method.
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) claims: Option<String>,
    /// The age in seconds up to which a sign-in is good enough.
    pub(crate) max_age: Option<u32>,
    pub(crate) client_info: bool,
    pub(crate) instance_aware: bool,
}

/// Where and how answers go to the app.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) state: Option<String>,
}

/// How an answer travels.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum ResponseMode {
    FormPost,
    Fragment,
    Query,
}

/// What the app wants to get; nothing with `none`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) id_token: bool,
    pub(crate) token: bool,
}

/// What the app wants the person to see.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Prompt {
    /// v1 only: consent for the tenant.
    AdminConsent,
    Consent,
    Login,
    None,
    SelectAccount,
}

/// The target of an app's answers, as far as it can be told before anything else is checked.
///
/// Refusals from here are error pages; all later ones go to the app.
pub(crate) fn target(
    parameters: &Parameters,
    app: &Application,
) -> Result<(Target, Platform), Refusal> {
    parameters.once(&["redirect_uri", "response_mode", "response_type", "state"])?;
    let (redirect_uri, platform) = match parameters.get("redirect_uri") {
        Some(requested) => match app.redirect_uri(requested) {
            Some(registered) => (requested.to_owned(), registered.platform),
            None if app.redirect_uris.is_empty() => return Err(no_reply_address()),
            None => return Err(reply_address_mismatch(app, requested)),
        },
        None => {
            let first = app.redirect_uris.first().ok_or_else(no_reply_address)?;
            (first.uri.clone(), first.platform)
        }
    };
    let mode = match parameters.get("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        Some("fragment") => ResponseMode::Fragment,
        _ => default_mode(parameters.get("response_type").unwrap_or("")),
    };
    Ok((Target { redirect_uri, mode, state: parameters.owned("state") }, platform))
}

/// Checks all other parameters.
pub(crate) fn read(
    parameters: &Parameters,
    version: u8,
    app: &Application,
    (target, platform): (Target, Platform),
) -> Result<AuthorizeRequest, Refusal> {
    parameters.once(ONCE)?;
    let response_type: ResponseType = parameters.required("response_type")?.parse()?;
    let target = Target { mode: response_mode(parameters, response_type)?, ..target };
    if response_type.id_token && !app.implicit_id_token {
        return Err(Refusal::new(
            700_054,
            "unsupported_response_type",
            "response_type 'id_token' is not enabled for the application.",
        ));
    }
    if response_type.token && !app.implicit_access_token {
        return Err(Refusal::new(
            700_051,
            "unsupported_response_type",
            "response_type 'token' is not enabled for the application.",
        ));
    }
    let scope = match version {
        1 => parameters.get("scope").unwrap_or("openid").to_owned(),
        _ => parameters.required("scope")?.to_owned(),
    };
    if response_type.id_token {
        parameters.required("nonce")?;
        if version == 2 && !scope.split_ascii_whitespace().any(|it| it == "openid") {
            // Unverified: the text is own knowledge.
            return Err(Refusal::new(
                70005,
                "unsupported_response_type",
                "The response_type 'id_token' requires the 'openid' scope.",
            ));
        }
    }
    let challenge = challenge(parameters)?;
    if platform == Platform::Spa && response_type.code && challenge.is_none() {
        return Err(Refusal::new(
            9_002_325,
            "invalid_request",
            "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        ));
    }
    let login_hint = parameters.owned("login_hint");
    let sid = parameters.owned("sid");
    if login_hint.is_some() && sid.is_some() {
        return Err(Refusal::new(
            90005,
            "invalid_request",
            "Unable to complete the request. The request isn't valid because the identifier and \
             login hint can't be used together.",
        ));
    }
    Ok(AuthorizeRequest {
        version,
        client: app.app_id,
        client_class: match platform {
            Platform::PublicClient => ClientClass::Public,
            Platform::Spa => ClientClass::Spa,
            Platform::Web => ClientClass::Confidential,
        },
        target,
        response_type,
        scope,
        resource: parameters.owned("resource"),
        nonce: parameters.owned("nonce"),
        prompt: prompt(parameters, version)?,
        login_hint,
        domain_hint: parameters.owned("domain_hint"),
        sid,
        challenge,
        claims: claims(parameters)?,
        max_age: parameters.get("max_age").and_then(|text| text.parse().ok()),
        client_info: parameters.get("client_info") == Some("1"),
        instance_aware: parameters
            .get("instance_aware")
            .is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
}

impl ResponseType {
    /// Whether the answer holds a token, so that it must not travel in a query.
    pub(crate) fn has_token(self) -> bool {
        self.id_token || self.token
    }
}

impl std::str::FromStr for ResponseType {
    type Err = Refusal;

    /// Takes the words in any order.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut wanted = Self::default();
        let mut none = false;
        for word in text.split_ascii_whitespace() {
            match word {
                "code" => wanted.code = true,
                "id_token" => wanted.id_token = true,
                "token" => wanted.token = true,
                // Unverified: own knowledge.
                "none" => none = true,
                _ => return Err(unsupported_response_type(text)),
            }
        }
        if none == (wanted != Self::default()) {
            return Err(unsupported_response_type(text));
        }
        Ok(wanted)
    }
}

impl AuthorizeRequest {
    /// Whether nothing may be shown.
    pub(crate) fn is_silent(&self) -> bool {
        self.prompt == Some(Prompt::None)
    }

    /// Whether the ID token is to tell when the user signed in.
    pub(crate) fn wants_auth_time(&self) -> bool {
        self.max_age.is_some()
            || self
                .claims
                .as_deref()
                .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
                .is_some_and(|claims| claims["id_token"].get("auth_time").is_some())
    }
}

/// The default: `fragment` whenever the answer holds a token, otherwise `query`.
fn default_mode(response_type: &str) -> ResponseMode {
    if response_type.split_ascii_whitespace().any(|it| it == "id_token" || it == "token") {
        ResponseMode::Fragment
    } else {
        ResponseMode::Query
    }
}

fn response_mode(parameters: &Parameters, wanted: ResponseType) -> Result<ResponseMode, Refusal> {
    let unsupported = |message: String| Refusal::new(70007, "invalid_request", message);
    match parameters.get("response_mode") {
        None if wanted.has_token() => Ok(ResponseMode::Fragment),
        None => Ok(ResponseMode::Query),
        Some("query") if wanted.has_token() => Err(unsupported(
            "'query' is not a supported value of 'response_mode' when requesting a token.".into(),
        )),
        Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        // Unverified: the text is own knowledge.
        Some(other) => {
            Err(unsupported(format!("'{other}' is not a supported value of 'response_mode'.")))
        }
    }
}

fn prompt(parameters: &Parameters, version: u8) -> Result<Option<Prompt>, Refusal> {
    Ok(Some(match parameters.get("prompt") {
        None => return Ok(None),
        Some("admin_consent") if version == 1 => Prompt::AdminConsent,
        Some("consent") => Prompt::Consent,
        // Signing up needs an account outside of the directory: like picking one.
        // Unverified: own knowledge.
        Some("create" | "select_account") => Prompt::SelectAccount,
        Some("login") => Prompt::Login,
        Some("none") => Prompt::None,
        // Unverified: the code and the text are own knowledge.
        Some(_) => {
            return Err(Refusal::new(90023, "invalid_request", "Unsupported 'prompt' value."));
        }
    }))
}

fn challenge(parameters: &Parameters) -> Result<Option<(String, String)>, Refusal> {
    let invalid = |code, message: &str| Refusal::new(code, "invalid_request", message);
    let method = parameters.get("code_challenge_method");
    let Some(challenge) = parameters.get("code_challenge") else {
        return match method {
            Some(_) => Err(invalid(50147, "Missing Code_Challenge parameter.")),
            None => Ok(None),
        };
    };
    // RFC 7636, section 4.2.
    if !(43..=128).contains(&challenge.len()) {
        return Err(invalid(501_491, "Invalid size of Code_Challenge parameter."));
    }
    match method.unwrap_or("plain") {
        method @ ("S256" | "plain") => Ok(Some((challenge.to_owned(), method.to_owned()))),
        // Unverified: the code and the text are own knowledge.
        other => Err(invalid(
            90023,
            &format!("The value '{other}' of 'code_challenge_method' is not supported."),
        )),
    }
}

fn claims(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    let Some(text) = parameters.get("claims") else { return Ok(None) };
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        // Unverified: the code and the text are own knowledge.
        Err(_) => Err(Refusal::new(
            90013,
            "invalid_request",
            "Invalid input received: the parameter 'claims' is not a JSON object.",
        )),
    }
}

fn unsupported_response_type(text: &str) -> Refusal {
    Refusal::new(
        70005,
        "unsupported_response_type",
        format!("The response_type '{text}' is not supported."),
    )
}

fn no_reply_address() -> Refusal {
    Refusal::new(
        500_113,
        "invalid_request",
        "No reply address is registered for the application.",
    )
}

fn reply_address_mismatch(app: &Application, requested: &str) -> Refusal {
    Refusal::new(
        50011,
        "invalid_request",
        format!(
            "The redirect URI '{requested}' specified in the request does not match the redirect \
             URIs configured for the application '{}'. Make sure the redirect URI sent in the \
             request matches one added to your application in the Azure portal. Navigate to \
             https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this \
             error.",
            app.app_id
        ),
    )
}

/// Adds the slash that answers get where the redirect URI has no path.
///
/// Source: learn.microsoft.com/entra/identity-platform/reply-url, "case-sensitivity and paths".
pub(super) fn with_path(uri: &str) -> String {
    let parsed = Url::parse(uri).ok();
    let pathless = parsed.is_some_and(|it| it.has_host() && it.path() == "/")
        && uri.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
    match uri.find('?') {
        _ if !pathless => uri.to_owned(),
        Some(at) => format!("{}/{}", &uri[..at], &uri[at..]),
        None => format!("{uri}/"),
    }
}

/// Parameters that must not be repeated.
const ONCE: &[&str] = &[
    "claims",
    "code_challenge",
    "code_challenge_method",
    "domain_hint",
    "login_hint",
    "nonce",
    "prompt",
    "resource",
    "scope",
    "sid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_types_are_sets_of_words() {
        let parse = |text: &str| text.parse::<ResponseType>();
        assert_eq!(parse("id_token code").unwrap(), parse("code id_token").unwrap());
        assert_eq!(parse("none").unwrap(), ResponseType::default());
        for wrong in ["", "Code", "code none", "code saml"] {
            assert_eq!(parse(wrong).unwrap_err().code, 70005, "{wrong}");
        }
    }

    #[test]
    fn a_redirect_uri_without_path_gets_one() {
        for (uri, expected) in [
            ("https://contoso.com", "https://contoso.com/"),
            ("http://localhost:7071", "http://localhost:7071/"),
            ("https://contoso.com/", "https://contoso.com/"),
            ("https://contoso.com/a", "https://contoso.com/a"),
            ("https://contoso.com?a=1", "https://contoso.com/?a=1"),
            ("msal123://auth", "msal123://auth"),
            ("urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob"),
        ] {
            assert_eq!(with_path(uri), expected);
        }
    }
}
