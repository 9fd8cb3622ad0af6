//! Answers to the app: in the query, in the fragment, or posted by a form.

use std::fmt::Write as _;

use axum::response::Response;

use super::request::with_path;
use crate::authority::error::{AuthorityError, REDIRECT, Trace};
use crate::authority::flow::{ResponseMode, Target};
use crate::authority::pages::notice;
use crate::authority::visit::Visit;
use crate::random::Random;

/// The fields of an answer, in the order in which they are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field.
    pub(crate) fn put(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a field if there is a value.
    pub(crate) fn put_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// The fields of a refusal.
    pub(crate) fn refusal(refusal: &AuthorityError, trace: &Trace, root: &str) -> Self {
        let mut fields = Self::default();
        fields.put("error", refusal.answer(REDIRECT).error);
        fields.put("error_description", refusal.description(REDIRECT, trace));
        fields.put_some("error_uri", refusal.error_uri(REDIRECT, root).as_deref());
        fields
    }

    /// The fields of an answer after the person pressed Cancel: no description.
    ///
    /// Source: MSAL's tests, which hold recorded redirects.
    pub(crate) fn cancelled() -> Self {
        let mut fields = Self::default();
        fields.put("error", "access_denied");
        fields.put("error_subcode", "cancel");
        fields
    }

    /// Sends the fields to the app, with its state.
    pub(crate) fn send(mut self, target: &Target, random: &Random) -> Response {
        if let Some(state) = &target.state {
            // Before the session state, behind all others.
            let at = self.0.iter().position(|(name, _)| name == "session_state");
            let at = at.unwrap_or(self.0.len());
            self.0.insert(at, ("state".to_owned(), state.clone()));
        }
        match target.mode {
            ResponseMode::FormPost => {
                let nonce = format!("{:032x}", u128::from_be_bytes(random.bytes()));
                notice::form_post(&target.redirect_uri, &self.0, nonce)
            }
            ResponseMode::Fragment => Visit::redirect(&format!(
                "{}#{}",
                with_path(&target.redirect_uri),
                self.encoded()
            )),
            ResponseMode::Query => {
                let uri = with_path(&target.redirect_uri);
                let separator = if uri.contains('?') { '&' } else { '?' };
                Visit::redirect(&format!("{uri}{separator}{}", self.encoded()))
            }
        }
    }

    /// `name=value&…` as the service writes it.
    pub(crate) fn encoded(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        pairs.join("&")
    }
}

/// Percent-encodes as the service does: lower-case hexadecimal digits, `+` for a blank.
///
/// Source: the redirects printed in learn.microsoft.com/entra/identity-platform/v2-admin-consent.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'!'
            | b'*'
            | b'('
            | b')' => escaped.push(char::from(byte)),
            b' ' => escaped.push('+'),
            // Writing to a String does not fail.
            _ => drop(write!(escaped, "%{byte:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_lower_case_with_plus_for_blanks() {
        assert_eq!(
            escape("AADSTS65004: User\r\nä/"),
            "AADSTS65004%3a+User%0d%0a%c3%a4%2f"
        );
    }
}
