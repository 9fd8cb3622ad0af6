//! What goes wrong, in the words of the connector's user.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::Category;
use crate::protocol::Failure;

/// Something that went wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Problem {
    pub(super) category: Category,
    pub(super) aadsts: Vec<u32>,
    pub(super) retry_after: Option<f64>,
    pub(super) message: String,
    /// The OAuth error, where the authority gave one.
    pub(super) error: Option<String>,
    /// What the authority wants the next sign-in to prove.
    pub(super) claims: Option<String>,
}

impl Problem {
    pub(super) fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            category,
            aadsts: Vec::new(),
            retry_after: None,
            message: message.into(),
            error: None,
            claims: None,
        }
    }

    /// A field of the form is missing or malformed.
    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Category::InvalidConfiguration, message)
    }

    /// A response failed validation.
    pub(super) fn untrusted(message: impl Into<String>) -> Self {
        Self::new(Category::Untrusted, message)
    }

    /// The service could not be reached or did not answer as it should.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Category::Unavailable, message)
    }

    /// A refusal of the authority: by AADSTS number where it is known, else by OAuth error.
    pub(super) fn of_authority(status: u16, body: &Value, retry_after: Option<f64>) -> Self {
        let error = body["error"].as_str().unwrap_or_default();
        let description = body["error_description"].as_str().unwrap_or_default();
        let aadsts = codes(body, description);
        let category = aadsts
            .iter()
            .find_map(|code| of_code(*code))
            .or_else(|| of_error(error, body))
            .unwrap_or(match status {
                429 => Category::Throttled,
                500.. => Category::Unavailable,
                _ => Category::InvalidConfiguration,
            });
        let message = match (description, error) {
            ("", "") => format!("the sign-in service answered {status} without a reason"),
            ("", error) => error.to_owned(),
            (description, _) => description.to_owned(),
        };
        Self {
            category,
            aadsts,
            retry_after,
            message: format!("{message} ({})", advice(category)),
            error: Some(error.to_owned()),
            claims: body["claims"].as_str().map(str::to_owned),
        }
    }

    /// Whether the user's grant is dead: the refresh token must not be presented again.
    pub(super) fn ends_the_grant(&self) -> bool {
        let error = self.error.as_deref().unwrap_or_default();
        matches!(
            self.category,
            Category::ReconnectRequired
                | Category::ConsentRequired
                | Category::AdminConsentRequired
                | Category::InteractionBlocked
        ) && !matches!(error, "invalid_client" | "unauthorized_client" | "")
    }

    /// Whether the authority refused what the same request will not get the next moment either.
    pub(super) fn needs_a_person(&self) -> bool {
        let refused = self.error.as_deref().is_some_and(|it| !it.is_empty());
        refused && !matches!(self.category, Category::Throttled | Category::Unavailable)
    }

    pub(super) fn into_failure(self) -> Failure {
        Failure {
            category: self.category,
            aadsts: self.aadsts,
            retry_after: self.retry_after,
            message: self.message,
        }
    }
}

/// The AADSTS numbers of an answer: its list, or the beginning of its text.
fn codes(body: &Value, description: &str) -> Vec<u32> {
    let listed: Vec<u32> = body["error_codes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|code| u32::try_from(code.as_u64()?).ok())
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    description
        .match_indices("AADSTS")
        .filter_map(|(at, mark)| {
            let digits: String = description[at + mark.len()..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse().ok()
        })
        .collect()
}

/// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
fn of_code(code: u32) -> Option<Category> {
    Some(match code {
        50012 | 50055 | 50126 | 700024 | 700026 | 700027 | 7000215 | 7000222 => {
            Category::InvalidCredentials
        }
        50011
        | 50059
        | 50194
        | 70001
        | 70011
        | 28000
        | 50001
        | 90002
        | 500011
        | 500112
        | 500113
        | 65005
        | 650051..=650057
        | 90008
        | 700016
        | 700021
        | 700023
        | 700025
        | 900023
        | 900144
        | 900439
        | 1002012
        | 7000218
        | 9002325..=9002327
        | 9002332 => Category::InvalidConfiguration,
        65001 => Category::ConsentRequired,
        90093 | 90094 | 90095 | 900941 | 900981 => Category::AdminConsentRequired,
        50020 | 50105 | 53000..=53004 | 65004 | 500021 | 500213 | 7000112 => {
            Category::InteractionBlocked
        }
        50034 | 50057 | 50076 | 50078 | 50079 | 50133 | 50135 | 50158 | 50173 | 54005 | 70000
        | 70008 | 70043 | 135011 | 500341 | 700082 | 700084 | 9002313 => {
            Category::ReconnectRequired
        }
        50196 => Category::Throttled,
        90033 | 90090 => Category::Unavailable,
        _ => return None,
    })
}

fn of_error(error: &str, body: &Value) -> Option<Category> {
    let suberror = body["suberror"].as_str().unwrap_or_default();
    Some(match error {
        "access_denied" => Category::InteractionBlocked,
        "consent_required" => Category::ConsentRequired,
        "interaction_required" | "invalid_grant" | "login_required" => match suberror {
            "consent_required" => Category::ConsentRequired,
            "message_only" => Category::InteractionBlocked,
            _ => Category::ReconnectRequired,
        },
        "invalid_client" => Category::InvalidCredentials,
        "invalid_request"
        | "invalid_resource"
        | "invalid_scope"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "unsupported_response_type" => Category::InvalidConfiguration,
        "server_error" | "temporarily_unavailable" => Category::Unavailable,
        _ => return None,
    })
}

fn advice(category: Category) -> &'static str {
    match category {
        Category::AccessDenied => "ask for access to this mailbox or item",
        Category::AdminConsentRequired => "ask an administrator to approve the app",
        Category::ConsentRequired => "connect again and accept the permissions",
        Category::Conflict => "choose another name, or read what is there first",
        Category::InteractionBlocked => "ask an administrator of your organization",
        Category::InvalidConfiguration => "check client id, tenant id, environment and scopes",
        Category::InvalidCredentials => "check or renew the secret, certificate or password",
        Category::NotFound => "check the mailbox and the item",
        Category::ReconnectRequired => "connect again",
        Category::Throttled | Category::Unavailable => "try again later",
        Category::Unsupported => "use another operation",
        Category::Untrusted => "do not go on: the answer did not come from where it should",
    }
}
