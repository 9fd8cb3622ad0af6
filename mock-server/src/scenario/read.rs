//! Reading scenario files, with errors that show the place.

use serde::Deserialize;

use super::document::Scenario;
use super::matrix::{self, Row};
use crate::notation::{ReadError, did_you_mean, read};

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

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
