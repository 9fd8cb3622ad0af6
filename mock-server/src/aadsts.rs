//! The error codes of Microsoft Entra ID: a row each in `data/aadsts-codes.csv`.
//!
//! Source: learn.microsoft.com/entra/identity-platform/reference-error-codes, and recorded answers
//! where the row says so. `text` has `{placeholders}`; texts that were not seen on the wire are
//! derived from the code's name.
//!
//! A row says what the v2 token endpoint answers. What other endpoints, versions and grants answer
//! with the same code stands in `data/aadsts-answers.csv`: see [`Row::at`].

mod answer;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use self::answer::{Answer, Endpoint, Place, fill};

/// An error code with what the service answers for it.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// The number behind `AADSTS`.
    pub code: u32,
    /// The symbolic name, if one is published.
    pub name: String,
    /// The OAuth error.
    pub oauth_error: String,
    /// The HTTP status of the token endpoint.
    pub http_status: u16,
    /// The `suberror`, if there is one.
    pub suberror: String,
    /// The text, with placeholders.
    pub text: String,
    /// What helps: `reauthenticate`, `consent`, `admin-consent`, `fix-config`, `fix-credential`,
    /// `user-action`, `retry`, `throttled`, `blocked`.
    pub fix: String,
    /// Where the code is documented.
    pub source: String,
    /// How the OAuth error and the status are known.
    pub basis: String,
}

impl Row {
    /// The row of a code.
    pub fn find(code: u32) -> Option<&'static Self> {
        TABLE.get(&code)
    }

    /// What a person should do, in a sentence.
    pub fn advice(&self) -> &'static str {
        match self.fix.as_str() {
            "admin-consent" => "Ask an administrator of the tenant to consent to the app.",
            "blocked" => "Ask an administrator: a policy or a switched-off app keeps you out.",
            "consent" => "Sign in again and consent to the permissions.",
            "fix-config" => "Correct the configuration of the app or of the client.",
            "fix-credential" => "Correct or renew the credential of the app.",
            "reauthenticate" => "Sign in again.",
            "retry" => "Try again.",
            "throttled" => "Wait, then try again.",
            _ => "Follow the instructions, then sign in again.",
        }
    }
}

/// All rows.
pub fn all() -> impl Iterator<Item = &'static Row> {
    TABLE.values()
}

/// Why no state of the mock leads to a code; `None` where one does, and for codes that are not in
/// the table.
pub fn unreached(code: u32) -> Option<&'static str> {
    UNREACHED.get(&code).map(String::as_str)
}

static UNREACHED: LazyLock<HashMap<u32, String>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../data/unreached-codes.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/unreached-codes.csv has a code and a reason"))
        .collect()
});

static TABLE: LazyLock<HashMap<u32, Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../data/aadsts-codes.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/aadsts-codes.csv fits its types"))
        .map(|row| (row.code, row))
        .collect()
});
