//! Secrets by the name of the field in which they are sent.

/// Whose names the fields of a text are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Names {
    /// Forms and queries, and documents of the login hosts: credentials are what they are for, so
    /// that a name which only resembles one counts too (`clientsecret`, `Client-Secret`).
    Credentials,
    /// Documents of Graph, and events: their words are many, and `code` says what went wrong.
    Documents,
    /// Faults: what they put into answers has the names of secrets, and is none.
    Faults,
}

impl Names {
    /// Whether a field of this name has a secret for its value.
    pub(super) fn mean_a_secret(self, name: &str) -> bool {
        if PLAIN_NAMES.contains(&name) {
            return false;
        }
        let name = plain(name);
        match self {
            Self::Credentials => resembles_a_secret(&name),
            Self::Documents => SECRETS.contains(&name.as_str()),
            Self::Faults => false,
        }
    }
}

/// Whether a header of this name has a secret for its value.
pub(super) fn is_secret_header(name: &str) -> bool {
    if PLAIN_HEADERS.contains(&name) {
        return false;
    }
    let name = plain(name);
    SECRET_HEADERS.iter().any(|it| name.contains(it))
}

/// Whether the value of a field is an assertion, whose header and claims are shown.
pub(super) fn is_assertion(name: &str) -> bool {
    ["assertion", "clientassertion"].contains(&plain(name).as_str())
}

/// Members of a key in JSON that only its owner knows. Source: RFC 7518, sections 6.2.2, 6.3.2
/// and 6.4.1.
pub(super) fn is_private_part_of_key(name: &str) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "k"].contains(&name)
}

fn resembles_a_secret(name: &str) -> bool {
    if HARMLESS.contains(&name) {
        return false;
    }
    SECRETS.contains(&name)
        || CREDENTIALS.contains(&name)
        || PARTS.iter().any(|it| name.contains(it))
        || ENDS.iter().any(|it| name.ends_with(it))
}

/// A name in lower case, without what separates its words.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|it| it.is_alphanumeric())
        .map(|it| it.to_ascii_lowercase())
        .collect()
}

/// Names of secrets, in whatever document.
const SECRETS: [&str; 28] = [
    "accesstoken",
    "apikey",
    "assertion",
    "authorization",
    "clientassertion",
    "clientsecret",
    "codeverifier",
    "confirmpasswd",
    "cookie",
    "currentpassword",
    "devicecode",
    "idtoken",
    "idtokenhint",
    "newpasswd",
    "newpassword",
    "passwd",
    "password",
    "pfx",
    "pfxpassword",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "secrettext",
    "spacode",
    "temporaryaccesspass",
    "uploadurl",
    "usercode",
];

/// Further names that are those of secrets where credentials are sent.
const CREDENTIALS: [&str; 4] = ["code", "flow", "jwt", "otc"];

/// What names of secrets have in them, where credentials are sent.
const PARTS: [&str; 11] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "assertion",
    "idtoken",
    "passw",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "verifier",
];

/// What names of secrets end with, where credentials are sent.
const ENDS: [&str; 4] = ["authcode", "devicecode", "token", "usercode"];

/// Names that only look like those of secrets.
const HARMLESS: [&str; 6] = [
    "clientassertiontype",
    "deltatoken",
    "idtokensignedresponsealg",
    "refreshtokenexpiresin",
    "secretkeyidentifier",
    "skiptoken",
];

/// Names that nearly every exchange has, none of which is that of a secret: found at once.
const PLAIN_NAMES: [&str; 18] = [
    "@odata.context",
    "client_id",
    "correlation_id",
    "error",
    "error_codes",
    "error_description",
    "expires_in",
    "expires_on",
    "ext_expires_in",
    "grant_type",
    "id",
    "not_before",
    "resource",
    "scope",
    "timestamp",
    "token_type",
    "trace_id",
    "value",
];

/// Headers that nearly every message has, none of which is a secret.
const PLAIN_HEADERS: [&str; 22] = [
    "accept",
    "accept-encoding",
    "cache-control",
    "client-request-id",
    "connection",
    "content-length",
    "content-type",
    "date",
    "expires",
    "host",
    "odata-version",
    "p3p",
    "pragma",
    "request-id",
    "strict-transport-security",
    "user-agent",
    "vary",
    "x-content-type-options",
    "x-ms-clitelem",
    "x-ms-ests-server",
    "x-ms-request-id",
    "x-ms-srs",
];

/// Parts of the names of headers whose values are secrets.
const SECRET_HEADERS: [&str; 8] = [
    "apikey",
    "assertion",
    "functionskey",
    "passw",
    "secret",
    "subscriptionkey",
    "token",
    "usercode",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_count_where_credentials_are_sent() {
        for name in [
            "client_secret",
            "clientsecret",
            "Client-Secret",
            "client_secrett",
            "token",
            "refreshtoken",
            "auth_code",
            "code",
            "passwd",
            "user_code",
            "otc",
        ] {
            assert!(Names::Credentials.mean_a_secret(name), "{name}");
        }
        for name in [
            "grant_type",
            "client_assertion_type",
            "code_challenge",
            "token_type",
            "requested_token_use",
            "$skiptoken",
            "$deltatoken",
            "scope",
            "state",
            "response_mode",
            "error_codes",
            "username",
            "refresh_token_expires_in",
        ] {
            assert!(!Names::Credentials.mean_a_secret(name), "{name}");
        }
    }

    #[test]
    fn what_is_found_at_once_is_no_secret_by_the_rules() {
        for name in PLAIN_NAMES {
            assert!(!resembles_a_secret(&plain(name)), "{name}");
        }
        for name in PLAIN_HEADERS {
            let name = plain(name);
            assert!(!SECRET_HEADERS.iter().any(|it| name.contains(it)), "{name}");
        }
    }

    #[test]
    fn a_code_of_a_document_is_no_secret() {
        for name in ["code", "flow", "nextToken", "passwordPolicies", "tokenType"] {
            assert!(!Names::Documents.mean_a_secret(name), "{name}");
        }
        for name in ["secretText", "newPassword", "Authorization", "access_token"] {
            assert!(Names::Documents.mean_a_secret(name), "{name}");
        }
    }
}
