//! Texts that stand in others: percent-encoded, escaped as in HTML or JSON, in hexadecimal digits.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A text without a layer of percent-encoding, of which an address inside of an address has two, and
/// another inside of that three; none where it has none.
pub(super) fn decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    (decoded != text).then(|| decoded.into_owned())
}

/// A text without a layer of the escapes of strings in JSON; none where it has none.
pub(super) fn unquoted(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut letters = escape.chars();
        let (letter, length) = match letters.next() {
            Some('n') => (Some('\n'), 1),
            Some('r') => (Some('\r'), 1),
            Some('t') => (Some('\t'), 1),
            Some('u') => (code_unit(escape), 5),
            Some(sign @ ('"' | '\\' | '/')) => (Some(sign), 1),
            _ => (None, 0),
        };
        match letter {
            Some(letter) => {
                plain.push(letter);
                rest = &escape[length..];
            }
            // No escape.
            None => {
                plain.push('\\');
                rest = escape;
            }
        }
    }
    plain.push_str(rest);
    (plain != text).then_some(plain)
}

/// The character of `u` and four digits. Secrets have none that takes two of these.
fn code_unit(escape: &str) -> Option<char> {
    let digits = escape.get(1..5)?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// The bytes of pairs of hexadecimal digits; one that is left over counts as none.
pub(super) fn of_hexadecimal(digits: &str) -> Vec<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs
        .filter_map(|pair| u8::try_from(value(pair[0]) * 16 + value(pair[1])).ok())
        .collect()
}

/// A text without the escapes of HTML; none where it has none.
pub(super) fn unescaped(text: &str) -> Option<String> {
    if !text.contains('&') {
        return None;
    }
    let plain = HTML_ESCAPES
        .iter()
        .fold(Cow::Borrowed(text), |it, (escaped, plain)| {
            if it.contains(escaped) {
                Cow::Owned(it.replace(escaped, plain))
            } else {
                it
            }
        });
    match plain {
        Cow::Borrowed(_) => None,
        Cow::Owned(plain) => Some(plain),
    }
}

/// What HTML writes for the characters that mean something there; the ampersand last.
const HTML_ESCAPES: [(&str, &str); 7] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&amp;", "&"),
];
