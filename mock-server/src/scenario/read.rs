//! Reading scenario files, with errors that show the place.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::document::Scenario;
use super::matrix::{self, Row};
use crate::notation::{did_you_mean, suggest};

/// Why a file is no scenario.
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

/// Reads a scenario file; `name` is for messages.
///
/// # Errors
///
/// The file is no scenario; the error has the place and, where it can be said, the nearest right
/// name.
pub fn read_scenario(name: &str, text: &str) -> Result<Scenario, ReadError> {
    if let Some(rows) = matrix::rows(name, text)? {
        let first = rows.first().map_or("ROW", |row| row.name.as_str());
        let problem = format!(
            "the file has {} scenarios, one for each row of its matrix: name one, such as \
             FILE#{first}",
            rows.len()
        );
        return Err(ReadError::at_word(name, text, problem, "matrix:", 0));
    }
    read_one(name, text)
}

/// Reads a scenario file with all its scenarios: one, or one for each row of its matrix, with the
/// row's name.
///
/// # Errors
///
/// As [`read_scenario`].
pub fn read_scenarios(
    name: &str,
    text: &str,
) -> Result<Vec<(Option<String>, Scenario)>, ReadError> {
    match matrix::rows(name, text)? {
        None => Ok(vec![(None, read_one(name, text)?)]),
        Some(rows) => rows
            .into_iter()
            .map(
                |Row {
                     name: row,
                     text: written,
                 }| {
                    let scenario =
                        read_one(name, &written).map_err(|error| error.within(text, &row))?;
                    Ok((Some(row), scenario))
                },
            )
            .collect(),
    }
}

/// The text of one row of a file with a matrix.
///
/// # Errors
///
/// The file has no such row.
pub fn read_row(name: &str, text: &str, wanted: &str) -> Result<String, ReadError> {
    let rows = matrix::rows(name, text)?.unwrap_or_default();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let found = rows.into_iter().find(|row| row.name == wanted);
    found.map(|row| row.text).ok_or_else(|| {
        let nearest = did_you_mean(wanted, names.iter().map(String::as_str));
        let problem = if names.is_empty() {
            format!("the file has no matrix, and so no row '{wanted}'")
        } else {
            format!(
                "the matrix has no row '{wanted}'{nearest}; it has {}",
                names.join(", ")
            )
        };
        ReadError::at_word(name, text, problem, "matrix:", 0)
    })
}

fn read_one(name: &str, text: &str) -> Result<Scenario, ReadError> {
    let scenario: Scenario = read(name, text)?;
    let checks = scenario.checks();
    let twice = checks.iter().enumerate().find(|(index, check)| {
        let earlier = &checks[..*index];
        earlier.iter().any(|it| it.name == check.name)
    });
    if let Some((index, check)) = twice {
        let problem = format!("two checks have the name '{}'", check.name);
        let place = check_places(text).into_iter().nth(index);
        return Err(ReadError::new(name, text, problem, place, None));
    }
    Ok(scenario)
}

/// Where the names of a scenario's checks stand, in the order of [`Scenario::checks`].
fn check_places(text: &str) -> Vec<(usize, usize)> {
    #[derive(Deserialize)]
    struct Marks {
        steps: Vec<Mark>,
    }
    #[derive(Deserialize)]
    struct Mark {
        check: Option<serde_saphyr::Spanned<String>>,
        repeat: Option<Marks>,
    }
    fn collect(steps: &[Mark], into: &mut Vec<(usize, usize)>) {
        for step in steps {
            if let Some(check) = &step.check {
                let place = check.referenced;
                into.push((usize_of(place.line()), usize_of(place.column())));
            }
            if let Some(repeat) = &step.repeat {
                collect(&repeat.steps, into);
            }
        }
    }
    let mut places = Vec::new();
    if let Ok(marks) = serde_saphyr::from_str::<Marks>(text) {
        collect(&marks.steps, &mut places);
    }
    places
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
        let (problem, help) = suggest(problem);
        ReadError::new(name, text, problem, place, help)
    })
}

impl ReadError {
    fn new(
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
    pub(super) fn at_word(
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
                let before = &line[..line.find(word)?];
                Some((number + 1, before.chars().count() + 1))
            });
        Self::new(name, text, problem, found, None)
    }

    /// The same mistake, shown in the file from which a row was written out.
    fn within(self, text: &str, row: &str) -> Self {
        let place = self.place.map(|_| (self.line, self.column));
        let problem = format!("row '{row}': {}", self.problem);
        Self::new(self.file.name(), text, problem, place, self.help)
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
