//! Texts without regard to case. Most are ASCII, and need no copy for that.

use std::cmp::Ordering;

/// The order of two texts.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        let (left, right) = (left.bytes(), right.bytes());
        return left
            .map(|it| it.to_ascii_lowercase())
            .cmp(right.map(|it| it.to_ascii_lowercase()));
    }
    left.to_lowercase().cmp(&right.to_lowercase())
}

/// Whether a text contains another one.
pub(super) fn contains(text: &str, part: &str) -> bool {
    if part.is_ascii() && text.is_ascii() {
        find(text.as_bytes(), part.as_bytes(), 0).is_some()
    } else {
        text.to_lowercase().contains(&part.to_lowercase())
    }
}

/// Whether a text begins with another one.
pub(super) fn starts_with(text: &str, part: &str) -> bool {
    match text.as_bytes().get(..part.len()) {
        Some(start) if text.is_ascii() && part.is_ascii() => {
            start.eq_ignore_ascii_case(part.as_bytes())
        }
        _ => text.to_lowercase().starts_with(&part.to_lowercase()),
    }
}

/// Whether a text ends with another one.
pub(super) fn ends_with(text: &str, part: &str) -> bool {
    let start = text.len().checked_sub(part.len());
    match start {
        Some(start) if text.is_ascii() && part.is_ascii() => {
            text.as_bytes()[start..].eq_ignore_ascii_case(part.as_bytes())
        }
        _ => text.to_lowercase().ends_with(&part.to_lowercase()),
    }
}

/// Whether a text in lower case is at the beginning of a word of another one.
pub(super) fn begins_a_word(text: &str, part: &str) -> bool {
    if !(part.is_ascii() && text.is_ascii()) {
        let text = text.to_lowercase();
        return text.match_indices(part).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            !before.is_some_and(char::is_alphanumeric)
        });
    }
    let text = text.as_bytes();
    let mut from = 0;
    while let Some(at) = find(text, part.as_bytes(), from) {
        if at == 0 || !text[at - 1].is_ascii_alphanumeric() {
            return true;
        }
        from = at + 1;
    }
    false
}

/// Whether JSON may have a text in one of its texts: no only where that is certain.
pub(crate) fn json_may_contain(json: &str, text: &str) -> bool {
    // Only these are written in another way in JSON; other letters have other cases.
    let plain = |it: u8| it.is_ascii() && !it.is_ascii_control() && !matches!(it, b'"' | b'\\');
    !text.bytes().all(plain)
        || json.contains("\\u")
        // The only letters whose lower case has one of ASCII.
        || !json.is_ascii() && json.contains(['\u{130}', '\u{212a}'])
        || find(json.as_bytes(), text.as_bytes(), 0).is_some()
}

/// Whether a text looks like a date or a time, which are compared by their values.
pub(super) fn is_time_like(text: &str) -> bool {
    text.len() >= 10 && text.as_bytes()[0].is_ascii_digit()
}

/// Where a text in ASCII begins in another one, from a place on.
fn find(text: &[u8], part: &[u8], from: usize) -> Option<usize> {
    let Some(first) = part.first() else {
        return (from <= text.len()).then_some(from);
    };
    let last = text.len().checked_sub(part.len())?;
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let starts = text.get(from..=last)?;
    memchr::memchr2_iter(lower, upper, starts)
        .map(|at| from + at)
        .find(|at| text[*at..*at + part.len()].eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn case_does_not_count_with_and_without_a_copy(
            text in "[a-cA-C Kü1]{0,12}",
            part in "[a-cA-C ü1]{0,3}",
        ) {
            let (lower, small) = (text.to_lowercase(), part.to_lowercase());
            prop_assert_eq!(contains(&text, &part), lower.contains(&small));
            prop_assert_eq!(starts_with(&text, &part), lower.starts_with(&small));
            prop_assert_eq!(ends_with(&text, &part), lower.ends_with(&small));
            prop_assert_eq!(compare(&text, &part), lower.cmp(&small));
            let word = lower.match_indices(&small).any(|(at, _)| {
                !lower[..at].chars().next_back().is_some_and(char::is_alphanumeric)
            });
            prop_assert_eq!(begins_a_word(&text, &small), word);
        }

        #[test]
        fn what_a_text_contains_its_json_may_contain(text in "[akAK\"\\\\\n üK]{0,9}", part in "[akAK\"ü]{0,3}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert!(json_may_contain(&json, &part) || !contains(&text, &part));
        }
    }
}
