//! Texts that others wrote, made fit for a terminal and for the logs of a CI service.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text as a terminal may show it: control characters and those that turn the direction of
/// writing are escaped, and no line of it is a command of a CI service.
///
/// Line feeds and tabs stay. Sources: docs.github.com, "Workflow commands for GitHub Actions"
/// (`::name::`); learn.microsoft.com, azure/devops, "Logging commands" (`##vso[`).
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let plain = !text.contains(is_hidden) && !text.contains("##") && !text.contains("::");
    if plain {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            shown.push('\n');
        }
        let words = line.trim_start();
        shown.push_str(&line[..line.len() - words.len()].replace(is_hidden, " "));
        if words.starts_with("::") {
            shown.push('\\');
        }
        for letter in words.replace("##", "#\\#").chars() {
            if is_hidden(letter) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "{}", letter.escape_unicode());
            } else {
                shown.push(letter);
            }
        }
    }
    Cow::Owned(shown)
}

/// A text on one line, as [`visible`] shows it.
pub(crate) fn visible_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    visible(&words.join(" ")).into_owned()
}

/// The beginning of a text, with its whole length where it was cut.
pub(crate) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

fn is_hidden(letter: char) -> bool {
    letter.is_control() && letter != '\n' && letter != '\t'
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_as_a_command() {
        assert_eq!(visible("plain: text\n\tmore"), "plain: text\n\tmore");
        assert_eq!(visible("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(visible("a\r\nb\u{9b}"), "a\\u{d}\nb\\u{9b}");
        assert_eq!(visible("x\u{202e}y"), "x\\u{202e}y");
    }

    #[test]
    fn nothing_reaches_a_log_of_ci_as_a_command() {
        let said = "ok\n  ::error::gone\r::warning::x\n##vso[task.complete]\na ##[error]b";
        let shown = visible(said);
        for line in shown.lines() {
            assert!(!line.trim_start().starts_with("::"), "{shown}");
            assert!(!line.contains("##"), "{shown}");
        }
        assert!(!shown.contains('\r'), "{shown}");
        assert_eq!(visible("std::error::Error"), "std::error::Error");
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(cut("größe", 3), "grö… (7 bytes)");
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(visible_line("a\n\n  b\u{7}"), "a b\\u{7}");
    }
}
