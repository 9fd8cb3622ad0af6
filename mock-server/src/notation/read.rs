//! Reading files that people write, with errors that show the place.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::suggest;

/// Why a file cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{problem}")]
pub struct ReadError {
    /// What is wrong, and where it can be said, the nearest right name.
    pub problem: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    #[source_code]
    file: Arc<miette::NamedSource<String>>,
    #[label("here")]
    place: Option<miette::SourceSpan>,
    #[help]
    help: Option<String>,
}

/// Reads a YAML file of any of our formats.
pub fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, ReadError> {
    // Steps in steps in steps would use up the stack.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let plain = error.without_snippet();
        let place = plain
            .location()
            .map(|it| (usize_of(it.line()), usize_of(it.column())));
        let mut problem = plain.to_string();
        // The location stands in the error's own fields.
        if let Some(position) = problem.find(" at line ") {
            problem.truncate(position);
        }
        if problem.starts_with("budget breached: Depth") {
            problem = format!("more than {DEEPEST} lists and maps in one another");
        }
        let (problem, help) = suggest(plain_words(problem));
        ReadError::new(name, text, problem, place, help)
    })
}

/// What the readers say, in the words of this program.
fn plain_words(problem: String) -> String {
    if let Some(rest) = problem.strip_prefix("duplicate mapping key") {
        let key = rest.split(", set ").next().unwrap_or_default();
        return match key.strip_prefix(": ") {
            Some(key) => format!("the key '{key}' is given twice"),
            None => "a key is given twice".to_owned(),
        };
    }
    if problem.starts_with("UUID parsing failed") {
        return "expected an id such as 11111111-1111-4111-8111-111111111111".to_owned();
    }
    if problem.starts_with("number would be zero") || problem.contains("expected a nonzero ") {
        return "expected a number above zero".to_owned();
    }
    if let Some(field) = problem.strip_prefix("missing field `") {
        return format!("the key '{}' is missing", field.trim_end_matches('`'));
    }
    for (said, plain) in [
        ("expected mapping start", "expected a map (key: value)"),
        ("expected mapping", "expected a map (key: value)"),
        (
            "expected sequence start",
            "expected a list ([a, b], or lines that begin with -)",
        ),
        (
            "expected sequence",
            "expected a list ([a, b], or lines that begin with -)",
        ),
        ("expected scalar", "expected a single value"),
        ("unexpected end of input", "the file ends too early"),
    ] {
        if problem == said {
            return plain.to_owned();
        }
    }
    for (kind, most) in [("u8", "255"), ("u16", "65535"), ("u32", "4294967295")] {
        if problem == format!("invalid {kind}") {
            return format!("expected a whole number from 0 to {most}");
        }
        if let Some(found) = problem.strip_suffix(&format!(", expected {kind}")) {
            return format!("{found}, expected a whole number from 0 to {most}");
        }
    }
    problem
}

impl ReadError {
    pub(crate) fn new(
        name: &str,
        text: &str,
        problem: String,
        place: Option<(usize, usize)>,
        help: Option<String>,
    ) -> Self {
        let (line, column) = place.unwrap_or((1, 1));
        let offset = offset_of(text, line, column);
        Self {
            problem,
            line,
            column,
            file: Arc::new(miette::NamedSource::new(name, text.to_owned())),
            place: place.map(|_| miette::SourceSpan::new(offset.into(), word_at(text, offset))),
            help,
        }
    }

    /// A mistake at a word, at or after a line (from 0).
    pub(crate) fn at_word(
        name: &str,
        text: &str,
        problem: String,
        word: &str,
        line: usize,
    ) -> Self {
        let found = text
            .lines()
            .enumerate()
            .skip(line)
            .find_map(|(number, line)| {
                let before = &line[..whole_word(line, word)?];
                Some((number + 1, before.chars().count() + 1))
            });
        Self::new(name, text, problem, found, None)
    }

    /// The same mistake, shown in the file from which a row was written out.
    pub(crate) fn within(self, text: &str, row: &str) -> Self {
        let place = self.place.map(|_| (self.line, self.column));
        let problem = format!("row '{row}': {}", self.problem);
        Self::new(self.file.name(), text, problem, place, self.help)
    }

    /// The same error with a help, where it has none.
    pub(crate) fn or_help(mut self, help: impl FnOnce(&Self) -> Option<String>) -> Self {
        if self.help.is_none() {
            self.help = help(&self);
        }
        self
    }

    /// What to write instead, where it can be said.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The error with file, line and column, the line itself with a caret, and the help.
    pub fn render(&self) -> String {
        let mut text = format!(
            "{}:{}:{}: {}\n",
            self.file.name(),
            self.line,
            self.column,
            self.problem
        );
        let line = self.file.inner().lines().nth(self.line.saturating_sub(1));
        if let (Some(line), Some(_)) = (line, &self.place) {
            let number = self.line.to_string();
            let caret = " ".repeat(self.column.saturating_sub(1));
            text.push_str(&format!(
                "  {number} | {line}\n  {} | {caret}^\n",
                " ".repeat(number.len())
            ));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("  help: {help}\n"));
        }
        text
    }
}

/// Where a word is that does not go on as another one.
fn whole_word(line: &str, word: &str) -> Option<usize> {
    let goes_on = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    line.match_indices(word)
        .map(|it| it.0)
        .find(|at| !line[at + word.len()..].starts_with(goes_on))
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(start..).unwrap_or_default();
    let within = rest
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(0, |it| it.0);
    (start + within).min(text.len())
}

fn word_at(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    rest.find(|it: char| it.is_whitespace() || ":,]}".contains(it))
        .unwrap_or(rest.len())
        .max(1)
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Lists and maps in one another; scenarios have some twelve.
const DEEPEST: usize = 48;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct File {
        id: Option<Uuid>,
        count: Option<NonZeroU8>,
        days: Option<u16>,
        names: Option<Vec<String>>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        name: String,
    }

    #[test]
    fn mistakes_are_told_in_plain_words_with_their_place() {
        for (text, line, said) in [
            ("days: 1\ndays: 2", 2, "the key 'days' is given twice"),
            ("\nid: alice", 2, "expected an id such as"),
            ("count: 0", 1, "expected a number above zero"),
            ("days: -1", 1, "from 0 to 65535"),
            ("names: alice", 1, "expected a list"),
            ("inner: alice", 1, "expected a map (key: value)"),
            ("inner: {}", 1, "the key 'name' is missing"),
            ("nmaes: []", 1, "did you mean 'names'?"),
        ] {
            let error = read::<File>("file.yaml", text).unwrap_err();
            let shown = error.render();
            assert!(shown.contains(said), "{text}: {shown}");
            assert!(shown.starts_with(&format!("file.yaml:{line}:")), "{shown}");
        }
    }
}
