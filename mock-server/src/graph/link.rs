//! The addresses of further pages and of later rounds, as Exchange writes them.
//!
//! Clients cut tokens out of these links and compare them: they are spelled as the service spells
//! them. Source: allodia-eu/email-calendar-sync-engine, fixtures/mail/messages_list_page1.json,
//! mailfolders_delta.json and messages_delta_snapshot.json (2026); elie222/inbox-zero,
//! apps/web/utils/email/mailbox-sync.ts.

use std::fmt::Write as _;

use super::call::Call;
use super::endpoint::Operation;
use super::odata::query::option_of;

/// The next page of a list: the request's own options, and where the page begins.
pub(crate) fn next_page(call: &Call<'_>, position: usize) -> String {
    let mut link = format!("{}{}?", call.origin, path(call));
    for (name, sent) in &call.parameters_sent {
        match option_of(name) {
            Some("skip" | "skiptoken" | "deltatoken") => continue,
            Some(option) => {
                link.push_str("%24");
                link.push_str(option);
            }
            None => link.push_str(&form(name)),
        }
        link.push('=');
        link.push_str(&form(sent));
        link.push('&');
    }
    // Writing to a text can't fail.
    let _ = write!(link, "%24skip={position}");
    link
}

/// The next page or the next round of a delta query: all but the token is in the token.
pub(crate) fn delta(call: &Call<'_>, option: &str, token: &str) -> String {
    format!("{}{}?${option}={token}", call.origin, path(call))
}

/// The path: as it was sent up to whose data it leads to, then with keys in parentheses.
fn path(call: &Call<'_>) -> String {
    let mut parts = call.path.split('/').skip(1);
    let mut path = String::new();
    let owner = match parts.clone().nth(1) {
        Some(part) if part.eq_ignore_ascii_case("users") => 3,
        _ => 2,
    };
    for part in parts.by_ref().take(owner) {
        path.push('/');
        path.push_str(part);
    }
    if call.endpoint.operation == Operation::Generic {
        return call.path.clone();
    }
    path.push_str(&call.endpoint.beyond_owner(&call.parameters));
    path
}

/// A text as the service writes it in a query: blanks as `+`, hexadecimal digits in small letters.
fn form(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => written.push('+'),
            b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => written.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => written.push(char::from(byte)),
            _ => {
                // Writing to a text can't fail.
                let _ = write!(written, "%{byte:02x}");
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_the_service_writes_forms() {
        assert_eq!(
            form("receivedDateTime DESC,a/b eq 'ü'"),
            "receivedDateTime+DESC%2ca%2fb+eq+%27%c3%bc%27"
        );
        assert_eq!(form("contains(a,'-_.!*~')"), "contains(a%2c%27-_.!*%7e%27)");
    }
}
