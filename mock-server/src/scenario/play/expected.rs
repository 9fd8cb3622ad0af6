//! What a step waits for: the exchange that shows that a client did it.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::directory::ObjectId;
use crate::journal::{Exchange, Surface};
use crate::scenario::{ConnectorKind, READ, READING, Step};

/// What an exchange must look like.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    what: What,
    outcome: Outcome,
    /// Whose sign-in or token it is, where the exchange tells a user at all.
    user: Option<(String, ObjectId)>,
    /// A 401 at Graph after which the client may go on.
    challenge: Option<Challenge>,
}

/// What an exchange says of what is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It shows that it happened.
    Done,
    /// It shows that it happened before, at the exchange of this number.
    DoneBefore(u64),
    /// Nothing yet.
    Open,
}

/// A 401 at Graph.
#[derive(Clone, Copy, Debug)]
struct Challenge {
    number: u64,
    /// Whether the client got another token since.
    renewed: bool,
}

#[derive(Clone, Debug)]
enum What {
    SignIn,
    Call(String),
}

/// How it must end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Either,
    Failure,
    Success,
}

impl Expected {
    /// A sign-in of a person, or (app-only) a token for an app.
    pub(super) fn sign_in(step: &Step, user: Option<(String, ObjectId)>) -> Self {
        Self {
            what: What::SignIn,
            outcome: Outcome::of(step),
            user,
            challenge: None,
        }
    }

    /// A request of an operation.
    pub(super) fn call(step: &Step, operation: &str, user: Option<(String, ObjectId)>) -> Self {
        Self {
            what: What::Call(operation.to_owned()),
            outcome: Outcome::of(step),
            user,
            challenge: None,
        }
    }

    /// Whether an exchange shows that it happened.
    pub(super) fn judge(&mut self, exchange: &Exchange) -> Verdict {
        if self.is_success(exchange) {
            // With it a refusal before was not the end of the call.
            self.challenge = None;
            return match self.outcome {
                Outcome::Failure => Verdict::Open,
                Outcome::Either | Outcome::Success => Verdict::Done,
            };
        }
        if self.outcome == Outcome::Success {
            return Verdict::Open;
        }
        match &self.what {
            What::SignIn if is_refused_sign_in(exchange) => Verdict::Done,
            What::SignIn => Verdict::Open,
            What::Call(operation) => {
                let is_call = is_call(operation, exchange);
                self.judge_failed_call(exchange, is_call)
            }
        }
    }

    /// A call fails where a token for it is refused, or where Graph's refusal is the last word. A
    /// 401 is not: the client can go on with another token.
    fn judge_failed_call(&mut self, exchange: &Exchange, is_call: bool) -> Verdict {
        let refused = exchange.status >= 400;
        let grant = exchange.grant.as_deref().unwrap_or_default();
        match (exchange.surface, &mut self.challenge) {
            (Surface::Authorize | Surface::DeviceCode, Some(challenge)) => {
                Verdict::DoneBefore(challenge.number)
            }
            (Surface::Token, Some(challenge)) if INTERACTIVE_GRANTS.contains(&grant) => {
                Verdict::DoneBefore(challenge.number)
            }
            (Surface::Token, _) if refused => Verdict::Done,
            // Who signs in anew with a password had given the call up.
            (Surface::Token, Some(challenge)) if grant == "password" => {
                Verdict::DoneBefore(challenge.number)
            }
            (Surface::Token, Some(challenge)) => {
                challenge.renewed = true;
                Verdict::Open
            }
            (Surface::Graph, challenge) if is_call && refused => match challenge {
                _ if exchange.status != 401 => Verdict::Done,
                Some(Challenge { renewed: true, .. }) => Verdict::Done,
                _ => {
                    self.challenge = Some(Challenge {
                        number: exchange.number,
                        renewed: false,
                    });
                    Verdict::Open
                }
            },
            _ => Verdict::Open,
        }
    }

    fn is_success(&self, exchange: &Exchange) -> bool {
        exchange.status < 400
            && self.is_of_user(exchange)
            && match &self.what {
                What::SignIn => is_sign_in(exchange),
                What::Call(operation) => is_call(operation, exchange),
            }
    }

    fn is_of_user(&self, exchange: &Exchange) -> bool {
        match (&self.user, exchange.user) {
            (Some((_, wanted)), Some(user)) => *wanted == user,
            _ => true,
        }
    }

    /// What is waited for, in words.
    pub(super) fn words(&self) -> String {
        let name = self.user.as_ref().map(|it| it.0.as_str());
        match &self.what {
            What::SignIn => {
                let of = name.map_or_else(String::new, |it| format!(" of {it}"));
                let end = match self.outcome {
                    Outcome::Either => "",
                    Outcome::Failure => " that is refused",
                    Outcome::Success => " that ends with a token",
                };
                format!("a sign-in{of}{end}")
            }
            What::Call(operation) => {
                let requests: Vec<String> = REQUESTS
                    .iter()
                    .filter(|it| is_meant(operation, &it.operation))
                    .map(|it| format!("{} …{}", it.method, it.path))
                    .take(2)
                    .collect();
                let requests = requests.join(" or ");
                let end = match self.outcome {
                    Outcome::Either => "",
                    Outcome::Failure => {
                        " that is refused for good, or a refused request for its token"
                    }
                    Outcome::Success => " that succeeds",
                };
                format!("{operation} ({requests}){end}")
            }
        }
    }
}

impl Outcome {
    fn of(step: &Step) -> Self {
        if !step.fails.is_empty() {
            Self::Failure
        } else if step.may_fail.is_empty() {
            Self::Success
        } else {
            Self::Either
        }
    }
}

/// Whether it is a request for the first token of a sign-in.
fn is_sign_in(exchange: &Exchange) -> bool {
    let grant = exchange.grant.as_deref();
    exchange.surface == Surface::Token && grant.is_some_and(|it| SIGN_IN_GRANTS.contains(&it))
}

/// Whether it refuses a sign-in. Who fails to sign in is nobody yet, so that the user is not asked
/// for.
fn is_refused_sign_in(exchange: &Exchange) -> bool {
    let pages = [Surface::Authorize, Surface::AdminConsent];
    (exchange.status >= 400 && is_sign_in(exchange))
        || (exchange.error.is_some() && pages.contains(&exchange.surface))
}

/// Whether an operation is one that a step means.
fn is_meant(step: &str, operation: &str) -> bool {
    let meant = ConnectorKind::all()
        .values()
        .any(|kind| kind.operation(step) == operation);
    meant || step == READ && READING.contains(&operation)
}

/// Whether it is a request of an operation.
fn is_call(operation: &str, exchange: &Exchange) -> bool {
    rows_of(exchange).any(|it| is_meant(operation, &it.operation))
}

/// The operation of the connector protocol whose request an exchange is.
pub(crate) fn operation_of(exchange: &Exchange) -> Option<&'static str> {
    // A name tells more than any segment does: `/messages/delta` is no message.
    rows_of(exchange)
        .min_by_key(|it| it.path.matches('*').count())
        .map(|it| it.operation.as_str())
}

/// The rows of the table that an exchange fits.
fn rows_of(exchange: &Exchange) -> impl Iterator<Item = &'static RequestRow> {
    let segments = segments_of(exchange);
    let method = exchange.method.clone();
    REQUESTS.iter().filter(move |it| {
        let segments = segments.as_deref();
        segments.is_some_and(|segments| it.fits(&method, segments))
    })
}

/// Whether what follows `/users/` says whose resource it is: a function of all people does not.
pub(crate) fn is_person(segment: &str) -> bool {
    let is_function = segment.ends_with(')')
        || segment.eq_ignore_ascii_case("delta")
        || segment.to_ascii_lowercase().starts_with("microsoft.graph.");
    !is_function && !segment.starts_with('$')
}

/// The path at Graph behind `/me` or `/users/{id}`.
fn segments_of(exchange: &Exchange) -> Option<Vec<String>> {
    if exchange.surface != Surface::Graph {
        return None;
    }
    let path = exchange.path.to_ascii_lowercase();
    let mut segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    if segments.is_empty() {
        return None;
    }
    // The version, and whose resource it is.
    segments.remove(0);
    match segments.first() {
        Some(&"me") => {
            segments.remove(0);
        }
        Some(&"users") if segments.get(1).is_some_and(|it| is_person(it)) => {
            segments.drain(..2);
        }
        _ => {}
    }
    Some(by_id(&segments))
}

/// The address of a file as it is by id: `drive/root:/Reports/May.txt:/content` is
/// `drive/items/{id}/content`.
fn by_id(segments: &[&str]) -> Vec<String> {
    let owned = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let Some(begin) = segments.iter().position(|it| it.ends_with(':')) else {
        return owned(segments);
    };
    let after = &segments[begin + 1..];
    let rest = match after.iter().position(|it| it.ends_with(':')) {
        Some(end) => &after[end + 1..],
        None => &[],
    };
    // `root:`, or the id of a folder behind `items`.
    let of_root = segments[begin] == "root:";
    let before = if of_root {
        begin
    } else {
        begin.saturating_sub(1)
    };
    let mut found = owned(&segments[..before]);
    found.extend(["items".to_owned(), "*".to_owned()]);
    found.extend(owned(rest));
    found
}

/// A row of `data/operations.csv`.
#[derive(Debug, Deserialize)]
struct RequestRow {
    operation: String,
    method: String,
    /// Behind `/me` or `/users/{id}`; `*` is any segment.
    path: String,
}

impl RequestRow {
    fn fits(&self, method: &str, segments: &[String]) -> bool {
        let wanted: Vec<&str> = self.path.split('/').filter(|it| !it.is_empty()).collect();
        self.method == method
            && wanted.len() == segments.len()
            && wanted
                .iter()
                .zip(segments)
                .all(|(wanted, found)| *wanted == "*" || wanted.eq_ignore_ascii_case(found))
    }
}

static REQUESTS: LazyLock<Vec<RequestRow>> = LazyLock::new(|| {
    let text = include_str!("../../../data/operations.csv");
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        // The file is part of the program; a test reads it.
        .expect("data/operations.csv is a table of requests")
});

const SIGN_IN_GRANTS: [&str; 4] = [
    "authorization_code",
    "client_credentials",
    "device_code",
    "password",
];

/// The grants that come only after a person signed in.
const INTERACTIVE_GRANTS: [&str; 2] = ["authorization_code", "device_code"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::OPERATIONS;

    #[test]
    fn every_operation_of_the_protocol_has_a_request_and_every_request_an_operation() {
        for operation in OPERATIONS {
            assert!(
                REQUESTS.iter().any(|it| it.operation == operation),
                "{operation}"
            );
        }
        for row in REQUESTS.iter() {
            assert!(OPERATIONS.contains(&row.operation.as_str()), "{row:?}");
        }
    }

    #[test]
    fn a_function_of_all_people_is_nobody() {
        for segment in ["delta", "delta()", "microsoft.graph.delta()", "$count"] {
            assert!(!is_person(segment), "{segment}");
        }
        for segment in [
            "alice@contoso.onmicrosoft.com",
            "delta@contoso.com",
            "5aba6e4e",
        ] {
            assert!(is_person(segment), "{segment}");
        }
    }

    #[test]
    fn files_are_the_same_by_path_and_by_id() {
        for (path, meant) in [
            (
                "drive/root:/reports/may.txt:/content",
                "drive/items/*/content",
            ),
            ("drive/root:/reports/may.txt", "drive/items/*"),
            (
                "drives/b!x/items/01abc:/may.txt:/createuploadsession",
                "drives/b!x/items/*/createuploadsession",
            ),
            ("drive/root/children", "drive/root/children"),
        ] {
            let segments: Vec<&str> = path.split('/').collect();
            assert_eq!(by_id(&segments).join("/"), meant);
        }
    }
}
