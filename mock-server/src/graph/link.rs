//! The addresses of further pages, of later rounds, and of what was created.
//!
//! Clients cut tokens out of these links and compare them: they are spelled as the service spells
//! them. Sources: allodia-eu/email-calendar-sync-engine, fixtures/mail/messages_list_page1.json,
//! mailfolders_delta.json and messages_delta_snapshot.json (2026); elie222/inbox-zero,
//! apps/web/utils/email/mailbox-sync.ts; of the directory pnp/pnpcore, MockData of
//! LegacyPrincipalTests (2025) and ServicePrincipalTests (2024), and Azure/azure-cli, recordings of
//! test_user_scenario (2023), test_group_scenario, test_app_credential and
//! test_app_federated_credential (2022).

use std::fmt::Write as _;

use super::call::Call;
use super::endpoint::{Operation, Workload};
use super::odata::query::option_of;
use super::schema;

/// The next page of a list of Exchange: the request's own options, and where the page begins.
pub(crate) fn next_page(call: &Call<'_>, position: usize) -> String {
    let options = options(call, "%24");
    format!("{}{}?{options}%24skip={position}", call.origin, path(call))
}

/// The next page of a list of the directory: the request's own options, and a token.
pub(crate) fn next_page_of_directory(call: &Call<'_>, token: &str) -> String {
    let options = options(call, "$");
    format!("{}{}?{options}$skiptoken={token}", call.origin, call.path)
}

/// The options of the request but those that name a page, each with `&` behind it.
fn options(call: &Call<'_>, dollar: &str) -> String {
    let mut options = String::new();
    for (name, sent) in &call.parameters_sent {
        match option_of(name) {
            Some("skip" | "skiptoken" | "deltatoken") => continue,
            Some(option) => {
                options.push_str(dollar);
                options.push_str(option);
            }
            None => options.push_str(&form(name)),
        }
        options.push('=');
        options.push_str(&form(sent));
        options.push('&');
    }
    options
}

/// The address of an object, from the version: `v1.0/users('…')/messages('…')`. The directory
/// writes its own, which a client can't open.
pub(crate) fn address(call: &Call<'_>, set: &str, of: &str, id: &str) -> String {
    let tenant = call.tenant.id;
    let name = set.rsplit('/').next().unwrap_or(set);
    if call.endpoint.workload != Workload::Directory {
        format!("{}/{set}('{id}')", call.version)
    } else if schema::is_a(of, "directoryObject") {
        let mut kind = of.to_owned();
        kind[..1].make_ascii_uppercase();
        format!("v2/{tenant}/directoryObjects/{id}/Microsoft.DirectoryServices.{kind}")
    } else if OF_THE_DIRECTORY.contains(&name) {
        format!("v2/{tenant}/{name}/{id}")
    } else {
        format!("{}/{set}('{id}')", call.version)
    }
}

/// Sets of the directory whose elements are no directory objects. Recorded are the grants and the
/// federated credentials; role assignments by learn.microsoft.com/graph/api/rbacapplication-post-
/// roleassignments (`@odata.id`). Unverified: the assignments of app roles.
const OF_THE_DIRECTORY: [&str; 5] = [
    "appRoleAssignedTo",
    "appRoleAssignments",
    "federatedIdentityCredentials",
    "oauth2PermissionGrants",
    "roleAssignments",
];

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
