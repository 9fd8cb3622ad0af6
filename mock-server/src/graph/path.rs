//! The path of a request, taken apart as Graph does: repeated slashes count once, segments are
//! percent-decoded, and keys in parentheses are segments of their own.

use axum::http::Uri;
use percent_encoding::percent_decode_str;

use super::error::GraphError;

/// A path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path {
    /// The decoded segments; the first is the version.
    pub(crate) segments: Vec<String>,
    /// The path as sent, with single slashes.
    pub(crate) sent: String,
}

impl Path {
    /// Takes a path apart.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, GraphError> {
        let mut parts: Vec<&str> = uri.path().split('/').filter(|it| !it.is_empty()).collect();
        // The tenant of the token, as in the directory's own API of old: the CLI for Microsoft 365
        // writes so.
        if parts
            .get(1)
            .is_some_and(|it| it.eq_ignore_ascii_case("myorganization"))
        {
            parts.remove(1);
        }
        let mut segments = Vec::with_capacity(parts.len());
        for part in &parts {
            let decoded = percent_decode_str(part)
                .decode_utf8()
                .map_err(|_| GraphError::bad_request("The path is not valid UTF-8."))?;
            match keyed(&decoded) {
                Some((name, key)) => segments.extend([name.to_owned(), key]),
                None => segments.push(decoded.into_owned()),
            }
        }
        if segments.is_empty() {
            return Err(GraphError::unknown_version(""));
        }
        let sent = if shorten(&mut segments) {
            written(&segments)
        } else {
            format!("/{}", parts.join("/"))
        };
        Ok(Self { segments, sent })
    }

    /// The version of the API.
    pub(crate) fn version(&self) -> Result<&'static str, GraphError> {
        let first = &self.segments[0];
        ["v1.0", "beta"]
            .into_iter()
            .find(|version| version.eq_ignore_ascii_case(first))
            .ok_or_else(|| GraphError::unknown_version(first))
    }

    /// Whether it is the batch endpoint.
    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.segments.as_slice(), [_, one] if one.eq_ignore_ascii_case("$batch"))
    }

    /// Whether it is the description of the API.
    pub(crate) fn is_metadata(&self) -> bool {
        matches!(self.segments.as_slice(), [_, one] if one.eq_ignore_ascii_case("$metadata"))
    }

    /// Whether it is the OpenID Connect user info endpoint, which has no version.
    pub(crate) fn is_user_info(&self) -> bool {
        matches!(self.segments.as_slice(), [one, two]
            if one.eq_ignore_ascii_case("oidc") && two.eq_ignore_ascii_case("userinfo"))
    }
}

/// What lies in a folder that lies in a folder, and in a calendar of a group, is the same at the
/// shorter address: `mailFolders/a/childFolders/b/messages` is `mailFolders/b/messages`. Says
/// whether the path changes.
///
/// Source: learn.microsoft.com/graph/api/mailfolder-get, /calendar-get (the addresses). Unverified:
/// that the outer name is not checked.
fn shorten(segments: &mut Vec<String>) -> bool {
    let before = segments.len();
    let mut at = 2;
    while at + 3 < segments.len() {
        let is = |at: usize, name: &str| segments[at].eq_ignore_ascii_case(name);
        let folders = is(at, "mailFolders") || is(at, "contactFolders");
        let inner = folders && is(at + 2, "childFolders");
        let calendar = is(at, "calendarGroups") && is(at + 2, "calendars");
        if !(inner || calendar) || !is_key(&segments[at + 1]) || !is_key(&segments[at + 3]) {
            at += 1;
        } else if inner {
            segments.drain(at + 1..at + 3);
        } else {
            segments.drain(at..at + 2);
        }
    }
    segments.len() < before
}

/// Segments as a path.
fn written(segments: &[String]) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        text.extend(percent_encoding::utf8_percent_encode(segment, IN_PATH));
    }
    text
}

/// Whether a segment can be a key: system resources, functions and casts are none, so that one
/// that the mock does not have is not taken for an object that is not there.
pub(crate) fn is_key(segment: &str) -> bool {
    let function = segment.ends_with(')') && segment.contains('(');
    let cast = segment.starts_with("microsoft.graph.");
    !(segment.starts_with('$') || function || cast || segment.eq_ignore_ascii_case("delta"))
}

/// What is encoded in a segment.
pub(crate) const IN_PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// `users('x')` as name and key; a quote inside is doubled. The alternate keys of apps keep their
/// names: `applications(appId='x')` has the key `appId=x`.
fn keyed(segment: &str) -> Option<(&str, String)> {
    let (name, rest) = segment.split_once('(')?;
    let rest = rest.strip_suffix(')')?;
    let (prefix, rest) = match rest.split_once('=') {
        Some((key, rest)) if key.trim().eq_ignore_ascii_case("appId") => ("appId=", rest.trim()),
        Some((key, rest))
            if key.trim().eq_ignore_ascii_case("uniqueName")
                && name.eq_ignore_ascii_case("applications") =>
        {
            ("uniqueName=", rest.trim())
        }
        _ => ("", rest),
    };
    let key = rest.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((name, format!("{prefix}{}", key.replace("''", "'"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_escapes_and_keys_are_read_as_graph_does() {
        let path = |text: &str| Path::parse(&text.parse().unwrap()).unwrap();
        assert_eq!(path("/v1.0//me").segments, ["v1.0", "me"]);
        assert_eq!(path("/v1.0//me/").sent, "/v1.0/me");
        let found = path("/v1.0/users('o''neill%40x.example')/messages/delta()").segments;
        assert_eq!(
            found,
            ["v1.0", "users", "o'neill@x.example", "messages", "delta()"]
        );
        let found = path("/v1.0/applications(appId='x')/addPassword").segments;
        assert_eq!(found, ["v1.0", "applications", "appId=x", "addPassword"]);
        assert_eq!(
            path("/v1.0/myOrganization/users").segments,
            ["v1.0", "users"]
        );
        let deep = path("/v1.0/me/mailFolders('inbox')/childFolders/a%2Fb/childFolders/c/messages");
        assert_eq!(deep.sent, "/v1.0/me/mailFolders/c/messages");
        let grouped = path("/v1.0/users/u/calendarGroups/g/calendars/a%20b/events");
        assert_eq!(grouped.sent, "/v1.0/users/u/calendars/a%20b/events");
        for whole in [
            "/v1.0/me/mailFolders/a/childFolders",
            "/v1.0/me/contactFolders/a/childFolders/delta",
            "/v1.0/me/calendarGroups/g/calendars",
        ] {
            assert_eq!(path(whole).sent, whole);
        }
        assert!(path("/OIDC/userinfo").is_user_info());
        assert_eq!(path("/V1.0/me").version(), Ok("v1.0"));
        assert!(
            path("/v2.0/me")
                .version()
                .unwrap_err()
                .message
                .contains("v2.0")
        );
    }
}
