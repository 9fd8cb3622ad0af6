//! The parameters of an authorize request, checked.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
//! /v2-protocols-oidc, /v2-oauth2-implicit-grant-flow.

use url::Url;

use crate::authority::error::AuthorityError;
use crate::authority::flow::{AuthorizeRequest, Prompt, ResponseMode, ResponseType, Target};
use crate::authority::form::Form;
use crate::authority::issue::ClaimsRequest;
use crate::directory::{Application, Platform};
use crate::token::ClientClass;

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
    if !redirect_uri.is_ascii() {
        return Err(AuthorityError::aadsts(50029));
    }
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
            return Err(AuthorityError::aadsts(700053));
        }
    }
    let challenge = challenge(parameters)?;
    if platform == Platform::Spa && response_type.code && challenge.is_none() {
        return Err(AuthorityError::aadsts(9002325));
    }
    let prompt = prompt(parameters, version)?;
    let login_hint = owned(parameters, "login_hint")?;
    let domain_hint = owned(parameters, "domain_hint")?;
    let sid = owned(parameters, "sid")?;
    check_hints(
        login_hint.as_deref(),
        domain_hint.as_deref(),
        sid.as_deref(),
        prompt,
    )?;
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
        prompt,
        login_hint,
        domain_hint,
        sid,
        challenge,
        claims: claims(parameters)?,
        max_age: max_age(parameters)?,
        client_info: parameters.is_set("client_info"),
        instance_aware: parameters
            .typed("instance_aware")
            .is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
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
        // Libraries have two more: `attempt_none` is `none` where no sign-in is federated, and
        // `refresh_session` asks anew with whatever session there is.
        // Source: AzureAD/azure-activedirectory-library-for-dotnet OAuthConstants.cs and
        // PromptBehavior.cs; AzureAD/microsoft-authentication-library-for-dotnet Prompt.cs.
        Some("attempt_none" | "none") => Prompt::None,
        Some("refresh_session") if version == 1 => return Ok(None),
        // Several words are refused, too.
        // Source: the service's answer to `select_account consent`, in public code of 2025.
        Some(_) => {
            return Err(AuthorityError::aadsts(90023).with("reason", "Unsupported 'prompt' value."));
        }
    }))
}

/// Hints that contradict each other, and those that can't be read.
///
/// Source: f-bader/EntraID-ErrorCodes. Unverified: where each of them is looked at.
fn check_hints(
    login_hint: Option<&str>,
    domain_hint: Option<&str>,
    sid: Option<&str>,
    prompt: Option<Prompt>,
) -> Result<(), AuthorityError> {
    if let Some(sid) = sid {
        if login_hint.is_some() {
            return Err(AuthorityError::aadsts(90138));
        }
        let shown = match prompt {
            Some(Prompt::Login) => Some("login"),
            Some(Prompt::SelectAccount) => Some("select_account"),
            _ => None,
        };
        if let Some(prompt) = shown {
            return Err(AuthorityError::aadsts(90131).with("prompt", prompt));
        }
        if uuid::Uuid::try_parse(sid).is_err() {
            return Err(AuthorityError::aadsts(90007));
        }
    }
    if domain_hint.is_some() && login_hint.is_some_and(is_opaque) {
        return Err(AuthorityError::aadsts(1002014));
    }
    Ok(())
}

/// Whether a hint is the claim `login_hint` of an ID token, not a name.
///
/// Source: learn.microsoft.com/entra/identity-platform/optional-claims-reference; the form is that
/// of tokens in MSAL's tests.
pub(in crate::authority) fn is_opaque(hint: &str) -> bool {
    hint.starts_with("O.") && !hint.contains('@')
}

fn challenge(parameters: &Form) -> Result<Option<(String, String)>, AuthorityError> {
    let method = parameters.get("code_challenge_method")?;
    let Some(challenge) = parameters.get("code_challenge")? else {
        return match method {
            Some(_) => Err(AuthorityError::aadsts(501471)),
            None => Ok(None),
        };
    };
    // RFC 7636, section 4.2. Unverified: that what has other characters is refused as what is too
    // short.
    let unreserved = |it: char| it.is_ascii_alphanumeric() || "-._~".contains(it);
    if !(43..=128).contains(&challenge.len()) || !challenge.chars().all(unreserved) {
        return Err(AuthorityError::aadsts(501491));
    }
    match method.unwrap_or("plain") {
        method @ ("S256" | "plain") => Ok(Some((challenge.to_owned(), method.to_owned()))),
        _ => Err(AuthorityError::aadsts(50149)),
    }
}

/// Unverified: the code.
fn max_age(parameters: &Form) -> Result<Option<u32>, AuthorityError> {
    let refused = || AuthorityError::aadsts(90100).with("name", "max_age");
    match parameters.get("max_age")? {
        Some(text) => text.parse().map(Some).map_err(|_| refused()),
        None => Ok(None),
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

/// A redirect URI that is no more registered gets no answer.
pub(in crate::authority) fn check_registered(
    app: &Application,
    redirect_uri: &str,
) -> Result<(), AuthorityError> {
    match app.redirect_uri(redirect_uri) {
        Some(_) => Ok(()),
        None => Err(reply_address_mismatch(app, redirect_uri)),
    }
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
