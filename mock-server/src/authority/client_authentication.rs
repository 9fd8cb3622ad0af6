//! How a client proves who it is: secret, certificate, federated assertion, or not at all.
//!
//! Source of the matrix: learn.microsoft.com/entra/identity-platform/reply-url and the support
//! article on AADSTS7000218: the redirect URI of the request decides the client class; only where
//! none takes part the app's default does.

mod assertion;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::error::AuthorityError;
use super::form::Form;
use crate::directory::{Application, Platform};
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Direction, TokenKind, TokenUse, fingerprint};
use crate::token::ClientClass;
use crate::world::Tenant;

/// What a request presents as client credential.
#[derive(Debug)]
pub(crate) struct Presented<'a> {
    /// `client_id`, from the body or the Basic header.
    pub(crate) client_id: String,
    /// Each in all its readings.
    secrets: Vec<Vec<String>>,
    assertion: Option<&'a str>,
    assertion_type: Option<&'a str>,
}

/// What the verification of a credential needs to know.
#[derive(Debug)]
pub(crate) struct Verification<'a> {
    /// How the request arrived: accepted audiences start with what was addressed.
    pub(crate) arrival: &'a Arrival,
    /// The tenant of the request.
    pub(crate) tenant: &'a Tenant,
    /// The tenant segment as addressed.
    pub(crate) segment: &'a str,
    /// The grant type, in its short spelling.
    pub(crate) grant: &'a str,
    /// The tenant's time.
    pub(crate) now: Timestamp,
}

impl<'a> Presented<'a> {
    /// Reads the credential of a request, from the form and the Basic header.
    pub(crate) fn read(headers: &HeaderMap, form: &'a Form) -> Result<Self, AuthorityError> {
        let basic = basic(headers);
        let body_id = form.get("client_id")?;
        let client_id = match (body_id, &basic) {
            (Some(id), Some((other, _))) if !id.eq_ignore_ascii_case(&decoded(other)) => {
                return Err(AuthorityError::aadsts(7000110));
            }
            (Some(id), _) => id.to_owned(),
            (None, Some((id, _))) => decoded(id),
            (None, None) => return Err(AuthorityError::missing("client_id")),
        };
        let mut secrets = Vec::new();
        // Refuses a repeated field; the value itself counts with its blanks.
        form.get("client_secret")?;
        if let Some(secret) = form.raw("client_secret").filter(|it| !it.is_empty()) {
            secrets.push(vec![secret.to_owned()]);
        }
        if let Some((_, secret)) = basic.filter(|(_, secret)| !secret.is_empty()) {
            // Some clients encode both parts as RFC 6749 section 2.3.1 asks, others send them raw.
            secrets.push(vec![decoded(&secret), secret]);
        }
        let assertion = form.get("client_assertion")?;
        let assertion_type = form.get("client_assertion_type")?;
        if assertion.is_some() && !secrets.is_empty() {
            return Err(AuthorityError::aadsts(9002324));
        }
        if assertion_type.is_some() && assertion.is_none() && secrets.is_empty() {
            return Err(AuthorityError::missing("client_assertion"));
        }
        Ok(Self {
            client_id,
            secrets,
            assertion,
            assertion_type,
        })
    }

    /// Whether there is any credential.
    pub(crate) fn any(&self) -> bool {
        !self.secrets.is_empty() || self.assertion.is_some()
    }

    /// Authenticates the client. Returns how: `0` not at all, `1` by secret, `2` by assertion.
    pub(crate) fn authenticate(
        &self,
        app: &Application,
        class: ClientClass,
        verification: &Verification<'_>,
        annotation: &mut Annotation,
    ) -> Result<u8, AuthorityError> {
        if let Some(assertion) = self.assertion {
            annotation.tokens.push(TokenUse {
                kind: TokenKind::Assertion,
                direction: Direction::Presented,
                fingerprint: fingerprint(assertion),
                family: None,
                generation: None,
            });
        }
        if class != ClientClass::Confidential {
            return if self.any() {
                Err(AuthorityError::aadsts(700025))
            } else {
                Ok(0)
            };
        }
        if let Some(assertion) = self.assertion {
            if self.assertion_type != Some(ASSERTION_TYPE) {
                return Err(match self.assertion_type {
                    None => AuthorityError::missing("client_assertion_type"),
                    Some(_) => AuthorityError::aadsts(7000218),
                });
            }
            assertion::verify(assertion, app, verification)?;
            return Ok(2);
        }
        if self.secrets.is_empty() {
            return Err(no_credential(verification.grant));
        }
        self.check_secret(app, verification.now)?;
        Ok(1)
    }

    /// The secret in the body and the one in the header, where there are both, must be good.
    ///
    /// Unverified: the code where one of the two is not.
    fn check_secret(&self, app: &Application, now: Timestamp) -> Result<(), AuthorityError> {
        self.secrets
            .iter()
            .try_for_each(|readings| check_readings(readings, app, now))
    }
}

/// One of the readings of a secret must be a secret of the app.
fn check_readings(
    readings: &[String],
    app: &Application,
    now: Timestamp,
) -> Result<(), AuthorityError> {
    let app_id = app.app_id.to_string();
    let known = app.secrets.iter().filter(|known| {
        readings
            .iter()
            .any(|presented| bool::from(presented.as_bytes().ct_eq(known.secret.as_bytes())))
    });
    let mut expired = false;
    for secret in known {
        if secret.start <= now && now < secret.end {
            return Ok(());
        }
        expired = true;
    }
    // With no valid secret left the service says that they are expired.
    let code = if expired { 7000222 } else { 7000215 };
    Err(AuthorityError::aadsts(code).with("app", app_id))
}

/// A confidential client sent no credential: what is answered depends on the grant.
///
/// Source: f-bader/EntraID-ErrorCodes. Unverified: that AADSTS7000219 is on-behalf-of's alone.
fn no_credential(grant: &str) -> AuthorityError {
    match grant {
        "client_credentials" => AuthorityError::aadsts(7000216),
        "on_behalf_of" => AuthorityError::aadsts(7000219)
            .with("type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        _ => AuthorityError::aadsts(7000218),
    }
}

/// The class of a client by the platform of the redirect URI that takes part.
pub(crate) fn class_of_platform(platform: Platform) -> ClientClass {
    match platform {
        Platform::PublicClient => ClientClass::Public,
        Platform::Spa => ClientClass::Spa,
        Platform::Web => ClientClass::Confidential,
    }
}

/// The class of a client where no redirect URI takes part.
pub(crate) fn default_class(app: &Application) -> ClientClass {
    if app.is_public_by_default() {
        ClientClass::Public
    } else {
        ClientClass::Confidential
    }
}

/// The raw parts of a Basic header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn decoded(text: &str) -> String {
    let plus = text.replace('+', " ");
    percent_encoding::percent_decode_str(&plus)
        .decode_utf8_lossy()
        .into_owned()
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
