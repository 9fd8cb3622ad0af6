//! A summary in Markdown: what GitHub shows on the page of a run.

use std::fmt::Write as _;

use entra_mock::environment::Environment;

use super::cause::causes;
use super::model::Outcome;
use super::results::Results;
use crate::case::AuthMethod;

/// The results as a table, and the causes of failures below it.
pub(super) fn markdown(results: &Results) -> String {
    let mut text = String::new();
    let unexpected = results.unexpected().count();
    let verdict = if unexpected == 0 && results.end.incomplete.is_none() {
        "as expected"
    } else {
        "not as expected"
    };
    let shard = results.run.shard.as_ref();
    let shard = shard.map_or_else(String::new, |it| format!(", shard {it}"));
    line(
        &mut text,
        &format!(
            "### {}: {verdict}\n\n{} cases in {} s, seed {}{shard}\n",
            plain(&results.run.connector),
            results.cases.len(),
            results.end.millis.div_ceil(1000),
            results.run.seed
        ),
    );
    if let Some(why) = &results.end.incomplete {
        line(
            &mut text,
            &format!("The run is not complete: {}\n", plain(why)),
        );
    }
    table(&mut text, results);
    let causes = causes(results);
    if !causes.is_empty() {
        line(
            &mut text,
            "\n| cases | cause | run it again |\n|---:|---|---|",
        );
    }
    for cause in causes.iter().take(SHOWN) {
        let first = cause.cases[0];
        line(
            &mut text,
            &format!(
                "| {} | {}<br>first: `{}` | {} |",
                cause.cases.len(),
                plain(&cause.title),
                first.id,
                first
                    .rerun
                    .as_ref()
                    .map_or_else(String::new, |it| format!("`{}`", it.replace('|', "\\|")))
            ),
        );
    }
    if causes.len() > SHOWN {
        line(
            &mut text,
            &format!("\n{} more causes are in the report.", causes.len() - SHOWN),
        );
    }
    for stale in &results.end.stale {
        line(
            &mut text,
            &format!(
                "\nThe known failure `{}` fits no case that ran.",
                plain(stale)
            ),
        );
    }
    text
}

fn table(text: &mut String, results: &Results) {
    let matrix = results.matrix();
    let mut header = "| |".to_owned();
    let mut rule = "|---|".to_owned();
    for environment in Environment::ALL {
        let _ = write!(header, " {environment} |");
        rule.push_str("---|");
    }
    line(text, &header);
    line(text, &rule);
    for auth in AuthMethod::ALL {
        let mut row = format!("| {auth} |");
        let mut any = false;
        for environment in Environment::ALL {
            let counts = matrix.get(&(auth, environment));
            let cell: Vec<String> = Outcome::ALL
                .iter()
                .filter_map(|outcome| {
                    let count = counts?.get(outcome)?;
                    let mark = if outcome.is_expected() { "" } else { "**" };
                    Some(format!("{mark}{count} {}{mark}", outcome.slug()))
                })
                .collect();
            any |= !cell.is_empty();
            let _ = write!(row, " {} |", cell.join(", "));
        }
        if any {
            line(text, &row);
        }
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// What a connector says is text: neither a link, nor HTML, nor the end of a cell.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in crate::text::visible(text).chars() {
        match character {
            '\n' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '`' | '[' | ']' | '!' | '*' | '_' | '\\' => {
                plain.push('\\');
                plain.push(character);
            }
            other => plain.push(other),
        }
    }
    plain
}

/// So many causes are listed: GitHub takes one MiB, and people read ten lines.
const SHOWN: usize = 10;
