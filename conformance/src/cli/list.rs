//! `entra-conformance list`: the cases, those that are about a code or a word, the broken connectors.

use std::str::FromStr;

use clap::Args;
use entra_mock::aadsts;
use entra_mock::directory::EventReference;
use serde_json::Value;

use super::explain::{Rules, explain};
use super::target::{LibraryFlags, SelectionFlags};
use super::{Failure, print};
use crate::case::{Case, Scenario};
use crate::reference::Mutant;
use crate::report::ExitStatus;

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    scenarios: LibraryFlags,
    /// List the checks of each case as well
    #[arg(long)]
    checks: bool,
    /// List scenarios with their titles, not each auth method and environment
    #[arg(long, conflicts_with = "checks")]
    short: bool,
    /// Only scenarios in which this code can be answered, such as 700082, with their titles
    #[arg(long, value_name = "CODE")]
    aadsts: Option<Code>,
    /// Only scenarios in which all these words occur, in what 'explain' shows of them, with their
    /// titles
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// List the connectors that are broken on purpose, each with its defect
    #[arg(long, conflicts_with_all = ["checks", "short", "aadsts"])]
    mutants: bool,
}

/// An AADSTS code, with or without these letters in front.
#[derive(Clone, Copy, Debug)]
struct Code(u32);

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.get(..6).filter(|it| it.eq_ignore_ascii_case("aadsts"));
        digits
            .map_or(text, |_| &text[6..])
            .parse()
            .map(Self)
            .map_err(|_| {
                "write the number of an AADSTS code, such as 700082 or AADSTS700082".to_owned()
            })
    }
}

impl List {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        if self.mutants {
            return Ok(self.list_mutants());
        }
        let all = self.scenarios.load()?.cases();
        let mut cases = self.selection.select(&all)?;
        if let Some(code) = self.aadsts {
            about(code)?;
            of_each_scenario(&mut cases, |case| can_answer(&case.scenario, code.0));
        }
        if let Some(words) = &self.search {
            of_each_scenario(&mut cases, |case| {
                has_words(&explain(case, None, Rules::Left), words)
            });
        }
        if cases.is_empty() {
            return Err(Failure {
                message: self.nothing(),
                status: ExitStatus::NothingSelected,
            });
        }
        print(&self.text(&cases));
        Ok(ExitStatus::AsExpected)
    }

    fn text(&self, cases: &[Case]) -> String {
        let short =
            self.short || (!self.checks && (self.aadsts.is_some() || self.search.is_some()));
        let mut text = String::new();
        let mut last = "";
        for case in cases {
            if short {
                if case.scenario_id != last {
                    text.push_str(&format!("{:<44}  {}\n", case.scenario_id, case.title()));
                }
                last = &case.scenario_id;
            } else if self.checks {
                for check in case.check_names() {
                    text.push_str(&format!("{}#{check}\n", case.id));
                }
            } else {
                text.push_str(&format!("{}\n", case.id));
            }
        }
        text
    }

    fn nothing(&self) -> String {
        match (self.aadsts, &self.search) {
            (Some(code), _) => format!(
                "no selected case answers AADSTS{}; 'entra-mock fault add' makes the mock answer it: \
                 {{do: {{aadsts: {0}}}}}",
                code.0
            ),
            (None, Some(words)) => format!("no selected case has all of the words '{words}'"),
            (None, None) => "no case is selected".to_owned(),
        }
    }

    fn list_mutants(&self) -> ExitStatus {
        let words = self.search.as_deref().unwrap_or_default();
        let mut found = ExitStatus::NothingSelected;
        for mutant in Mutant::ALL {
            let line = format!("{:<40}  {}\n", mutant.name(), mutant.says());
            if has_words(&line, words) {
                print(&line);
                found = ExitStatus::AsExpected;
            }
        }
        found
    }
}

/// Says on standard error what the code means; a code that nobody knows is a mistake.
fn about(code: Code) -> Result<(), Failure> {
    let row = aadsts::Row::find(code.0).ok_or_else(|| Failure {
        message: format!(
            "there is no AADSTS{} in Microsoft's list, nor in recorded answers",
            code.0
        ),
        status: ExitStatus::Usage,
    })?;
    eprintln!("AADSTS{} {}: {}", row.code, row.name, row.text);
    eprintln!("{}", row.advice());
    Ok(())
}

/// Keeps the cases of scenarios that fit; each scenario is looked at once.
fn of_each_scenario(cases: &mut Vec<Case>, fits: impl Fn(&Case) -> bool) {
    let mut last: Option<(String, bool)> = None;
    cases.retain(|case| match &last {
        Some((id, fit)) if *id == case.scenario_id => *fit,
        _ => {
            let fit = fits(case);
            last = Some((case.scenario_id.clone(), fit));
            fit
        }
    });
}

fn has_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    words
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

/// Whether a scenario names the code, or has an event after which it may be answered.
fn can_answer(scenario: &Scenario, code: u32) -> bool {
    let named = format!("AADSTS{code}");
    let names = |text: &str| {
        text.match_indices(&named).any(|(at, _)| {
            let behind = text[at + named.len()..].chars().next();
            !behind.is_some_and(|it| it.is_ascii_digit())
        })
    };
    serde_json::to_value(scenario).is_ok_and(|value| mentions(&value, code, &names))
}

fn mentions(value: &Value, code: u32, names: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Number(number) => number.as_u64() == Some(code.into()),
        Value::String(text) => names(text),
        Value::Array(items) => items.iter().any(|it| mentions(it, code, names)),
        Value::Object(members) => members.iter().any(|(name, it)| {
            EventReference::find(name).is_some_and(|event| event.codes.contains(&code))
                || mentions(it, code, names)
        }),
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;

    fn answering(code: u32) -> Vec<String> {
        let library = Library::embedded().unwrap();
        let found = library.scenarios().filter(|(_, it)| can_answer(it, code));
        found.map(|(id, _)| id.to_owned()).collect()
    }

    #[test]
    fn a_code_leads_to_scenarios_that_name_it_and_to_those_whose_events_lead_to_it() {
        assert!(answering(700082).contains(&"refresh/inactive-for-90-days".to_owned()));
        // The file has the event alone; the reference of events has the code.
        assert!(answering(7000222).contains(&"refresh/expire-secret".to_owned()));
        assert!(!answering(700082).contains(&"auth/happy/connect".to_owned()));
        assert_eq!(answering(7), [""; 0]);
    }

    #[test]
    fn a_code_is_written_with_and_without_its_letters() {
        for text in ["700082", "AADSTS700082", "aadsts700082"] {
            assert_eq!(text.parse::<Code>().unwrap().0, 700082);
        }
        for text in ["AADSTS", "invalid_grant", "", "ÄÄDSTS1"] {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
    }
}
