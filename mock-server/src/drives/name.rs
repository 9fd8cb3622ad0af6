//! The names that files and folders may have.
//!
//! Source: OneDrive/onedrive-api-docs, docs/rest-api/concepts/addressing-driveitems.md;
//! support.microsoft.com, "Restrictions and limitations in OneDrive and SharePoint".

/// Why the service does not take a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Misnamed {
    /// It has letters or words that are not permitted.
    #[error("one or more invalid characters are present in the path")]
    BadName,
    /// The name, or the path with it, is too long.
    #[error("the path is too long")]
    LongPath,
}

/// Refuses a name that the service does not take.
pub(crate) fn check(name: &str, at_root: bool) -> Result<(), Misnamed> {
    // The last of these are refused before the service sees them. Source: rclone/rclone#3781.
    let forbidden = |letter: char| {
        letter.is_control()
            || "\"*:<>?/\\|".contains(letter)
            || ('\u{fff0}'..='\u{ffff}').contains(&letter)
    };
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
        return Err(Misnamed::BadName);
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Misnamed::LongPath);
    }
    Ok(())
}

/// Refuses a path that is too long.
pub(crate) fn check_path(names: &[&str]) -> Result<(), Misnamed> {
    let length: usize = names.iter().map(|it| it.chars().count() + 1).sum();
    if length > LONGEST_PATH {
        Err(Misnamed::LongPath)
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
            "a\u{85}",
            "\u{fffe}",
            "..",
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
