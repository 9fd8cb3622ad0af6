//! The parameters of an authorize request, checked.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
//! /v2-protocols-oidc, /v2-oauth2-implicit-grant-flow.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::authority::error::AuthorityError;
use crate::authority::form::Form;
use crate::authority::issue::ClaimsRequest;
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
    /// v2: the API as `resource` names it beside the scopes.
    pub(crate) indicator: Option<String>,
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
    parameters: &Form,
    app: &Application,
) -> Result<(Target, Platform), AuthorityError> {
    parameters.get("state")?;
    if let Some(requested) = parameters.get("redirect_uri")? {
        check_absolute(requested)?;
    }
    let registered = match parameters.get("redirect_uri")? {
        Some(requested) => app
            .redirect_uri(requested)
            .map(|it| (requested, it.platform)),
        None => app
            .redirect_uris
            .first()
            .map(|it| (it.uri.as_str(), it.platform)),
    };
    let (redirect_uri, platform) = match (registered, parameters.get("redirect_uri")?) {
        (Some((uri, platform)), _) => (uri.to_owned(), platform),
        (None, Some(requested)) if !app.redirect_uris.is_empty() => {
            return Err(reply_address_mismatch(app, requested));
        }
        (None, _) => return Err(AuthorityError::aadsts(500113)),
    };
    let mode = match parameters.get("response_mode")? {
        Some("form_post") => ResponseMode::FormPost,
        Some("fragment") => ResponseMode::Fragment,
        _ => default_mode(parameters.get("response_type")?.unwrap_or_default()),
    };
    Ok((
        Target {
            redirect_uri,
            mode,
            state: parameters.typed("state").map(str::to_owned),
        },
        platform,
    ))
}

/// Refuses what is no absolute URI before it is compared with what is registered.
///
/// Source: MicrosoftDocs/azure-docs#61707, directus/directus#18324; vanvfields/Microsoft-365#15.
pub(in crate::authority) fn check_absolute(redirect_uri: &str) -> Result<(), AuthorityError> {
    match Url::parse(redirect_uri) {
        Err(_) => Err(AuthorityError::aadsts(90102).with("name", "redirect_uri")),
        Ok(uri) if uri.scheme() == "urn" => Err(AuthorityError::aadsts(500119)),
        Ok(_) => Ok(()),
    }
}

/// Checks all other parameters.
pub(crate) fn read(
    parameters: &Form,
    version: u8,
    app: &Application,
    (target, platform): (Target, Platform),
) -> Result<AuthorizeRequest, AuthorityError> {
    let response_type: ResponseType = parameters.required("response_type")?.parse()?;
    let target = Target {
        mode: response_mode(parameters, response_type)?,
        ..target
    };
    if response_type.id_token && !app.implicit_id_token {
        return Err(AuthorityError::aadsts(700054));
    }
    if response_type.token && !app.implicit_access_token {
        return Err(AuthorityError::aadsts(700051));
    }
    let scope = match version {
        1 => parameters.get("scope")?.unwrap_or("openid").to_owned(),
        _ => parameters.required("scope")?.to_owned(),
    };
    if response_type.id_token {
        // Source: AzureAD/microsoft-authentication-library-for-python#128.
        if parameters.get("nonce")?.is_none() {
            return Err(AuthorityError::aadsts(90014).with("field", "nonce"));
        }
        if version == 2 && !scope.split_ascii_whitespace().any(|it| it == "openid") {
            return Err(AuthorityError::aadsts(70005));
        }
    }
    let challenge = challenge(parameters)?;
    if platform == Platform::Spa && response_type.code && challenge.is_none() {
        return Err(AuthorityError::aadsts(9002325));
    }
    let login_hint = owned(parameters, "login_hint")?;
    let sid = owned(parameters, "sid")?;
    if login_hint.is_some() && sid.is_some() {
        return Err(AuthorityError::aadsts(90005));
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
        resource: owned(parameters, "resource")?.filter(|_| version == 1),
        indicator: owned(parameters, "resource")?.filter(|_| version == 2),
        nonce: owned(parameters, "nonce")?,
        prompt: prompt(parameters, version)?,
        login_hint,
        domain_hint: owned(parameters, "domain_hint")?,
        sid,
        challenge,
        claims: claims(parameters)?,
        max_age: parameters
            .get("max_age")?
            .and_then(|text| text.parse().ok()),
        client_info: parameters.is_set("client_info"),
        instance_aware: parameters
            .typed("instance_aware")
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
    type Err = AuthorityError;

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
                _ => return Err(AuthorityError::aadsts(70005)),
            }
        }
        if none == (wanted != Self::default()) {
            return Err(AuthorityError::aadsts(70005));
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
            || ClaimsRequest::parse(self.claims.as_deref())
                .is_ok_and(|claims| claims.is_some_and(|it| it.auth_time))
    }
}

/// The default: `fragment` whenever the answer holds a token, otherwise `query`.
fn default_mode(response_type: &str) -> ResponseMode {
    if response_type
        .split_ascii_whitespace()
        .any(|it| it == "id_token" || it == "token")
    {
        ResponseMode::Fragment
    } else {
        ResponseMode::Query
    }
}

fn response_mode(parameters: &Form, wanted: ResponseType) -> Result<ResponseMode, AuthorityError> {
    match parameters.get("response_mode")? {
        None if wanted.has_token() => Ok(ResponseMode::Fragment),
        None => Ok(ResponseMode::Query),
        Some("query") if !wanted.has_token() => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(other) => Err(AuthorityError::aadsts(70007).with("mode", other)),
    }
}

fn prompt(parameters: &Form, version: u8) -> Result<Option<Prompt>, AuthorityError> {
    Ok(Some(match parameters.get("prompt")? {
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
            return Err(AuthorityError::aadsts(90023).with("reason", "Unsupported 'prompt' value."));
        }
    }))
}

fn challenge(parameters: &Form) -> Result<Option<(String, String)>, AuthorityError> {
    let method = parameters.get("code_challenge_method")?;
    let Some(challenge) = parameters.get("code_challenge")? else {
        return match method {
            Some(_) => Err(AuthorityError::aadsts(50147)),
            None => Ok(None),
        };
    };
    // RFC 7636, section 4.2.
    if !(43..=128).contains(&challenge.chars().count()) {
        return Err(AuthorityError::aadsts(501491));
    }
    match method.unwrap_or("plain") {
        method @ ("S256" | "plain") => Ok(Some((challenge.to_owned(), method.to_owned()))),
        // Unverified: the code and the text are own knowledge.
        _ => Err(AuthorityError::aadsts(90023).with(
            "reason",
            "The value of 'code_challenge_method' is not supported.",
        )),
    }
}

fn claims(parameters: &Form) -> Result<Option<String>, AuthorityError> {
    let text = parameters.get("claims")?;
    ClaimsRequest::parse(text)?;
    Ok(text.map(str::to_owned))
}

fn owned(parameters: &Form, name: &str) -> Result<Option<String>, AuthorityError> {
    Ok(parameters.get(name)?.map(str::to_owned))
}

fn reply_address_mismatch(app: &Application, requested: &str) -> AuthorityError {
    AuthorityError::aadsts(50011)
        .with("redirect_uri", requested)
        .with("app", app.app_id.to_string())
}

/// Adds the slash that answers get where the redirect URI has no path.
///
/// Source: learn.microsoft.com/entra/identity-platform/reply-url, "case-sensitivity and paths".
pub(super) fn with_path(uri: &str) -> String {
    let parsed = Url::parse(uri).ok();
    let pathless = parsed.is_some_and(|it| it.has_host() && it.path() == "/")
        && uri
            .split_once("://")
            .is_some_and(|(_, rest)| !rest.contains('/'));
    match uri.find('?') {
        _ if !pathless => uri.to_owned(),
        Some(at) => format!("{}/{}", &uri[..at], &uri[at..]),
        None => format!("{uri}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_types_are_sets_of_words() {
        let parse = |text: &str| text.parse::<ResponseType>();
        assert_eq!(
            parse("id_token code").unwrap(),
            parse("code id_token").unwrap()
        );
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
