//! The names that files and folders may have.
//!
//! Source: OneDrive/onedrive-api-docs, docs/rest-api/concepts/addressing-driveitems.md;
//! support.microsoft.com, "Restrictions and limitations in OneDrive and SharePoint".

use super::refusal;
use crate::graph::error::GraphError;

/// Refuses a name that the service does not take.
pub(super) fn check(name: &str, at_root: bool) -> Result<(), GraphError> {
    let forbidden = |letter: char| letter.is_control() || "\"*:<>?/\\|".contains(letter);
    let lower = name.to_lowercase();
    let bad = name.is_empty()
        || name.chars().any(forbidden)
        || name.starts_with(' ')
        || name.ends_with([' ', '.'])
        || name.starts_with("~$")
        || lower.contains("_vti_")
        || is_reserved(&lower)
        || at_root && lower == "forms";
    if bad {
        return Err(refusal::bad_name(name));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(refusal::long_path());
    }
    Ok(())
}

/// Refuses a path that is too long.
pub(super) fn check_path(names: &[&str]) -> Result<(), GraphError> {
    let length: usize = names.iter().map(|it| it.chars().count() + 1).sum();
    if length > LONGEST_PATH {
        Err(refusal::long_path())
    } else {
        Ok(())
    }
}

fn is_reserved(lower: &str) -> bool {
    let numbered = ["com", "lpt"].iter().any(|device| {
        let rest = lower.strip_prefix(device);
        rest.is_some_and(|it| it.len() == 1 && it.bytes().all(|it| it.is_ascii_digit()))
    });
    numbered
        || matches!(
            lower,
            ".lock" | "con" | "prn" | "aux" | "nul" | "desktop.ini"
        )
}

/// The longest name, and the longest path without the address of the library.
const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 400;

/// The content type of a file, by its ending.
pub(super) fn mime(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, it)| it);
    MIME.iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(ending))
        .map_or("application/octet-stream", |(_, mime)| mime)
}

/// Source: the IANA registry of media types, and Microsoft's list of Office types.
const MIME: [(&str, &str); 40] = [
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("eml", "message/rfc822"),
    ("gif", "image/gif"),
    ("gz", "application/x-gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ics", "text/calendar"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "application/x-javascript"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("md", "application/octet-stream"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("msg", "application/vnd.ms-outlook"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("ps1", "application/octet-stream"),
    ("py", "text/plain"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "text/xml"),
    ("yaml", "application/octet-stream"),
    ("zip", "application/x-zip-compressed"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_the_service_does_not_take_are_refused() {
        for good in ["a.txt", "#1 100%.txt", "Überblick.docx", ".hidden", "com10"] {
            check(good, true).unwrap();
        }
        for bad in [
            "",
            "a:b",
            "a/b",
            "a\\b",
            "a*",
            "a?",
            "<a>",
            "a|b",
            "a\"b",
            " a",
            "a ",
            "a.",
            "~$a.docx",
            "x_vti_y",
            "CON",
            "com1",
            "LPT0",
            "desktop.ini",
            ".lock",
            "Forms",
            "a\u{7}b",
        ] {
            assert!(check(bad, true).is_err(), "{bad}");
        }
        check("forms", false).unwrap();
        assert!(check(&"x".repeat(256), true).is_err());
    }

    proptest! {
        #[test]
        fn any_name_is_taken_or_refused(name: String) {
            if check(&name, false).is_ok() {
                prop_assert!(!name.contains('/') && !name.is_empty());
            }
        }
    }
}
