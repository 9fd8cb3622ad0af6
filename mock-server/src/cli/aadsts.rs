//! `entra-mock aadsts`: what the codes of Entra mean, and which of them the mock gives.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::{Failure, print};
use crate::aadsts::{self, Row};

#[derive(Debug, Args)]
pub(super) struct Aadsts {
    /// Codes such as 50173, or words of a text or a name; all words must fit
    #[arg(required = true, value_name = "CODE|WORD")]
    wanted: Vec<String>,
}

impl Aadsts {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let codes: Option<Vec<u32>> = self.wanted.iter().map(|it| code(it)).collect();
        let rows: Vec<&Row> = match codes {
            Some(codes) => codes
                .into_iter()
                .map(|it| Row::find(it).ok_or_else(|| unknown(it)))
                .collect::<Result<_, _>>()?,
            None => search(&self.wanted)?,
        };
        let mut text = String::new();
        if let [row] = rows.as_slice() {
            describe(row, &mut text);
        } else {
            for row in rows {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{:<12} {}", format!("AADSTS{}", row.code), row.text);
            }
        }
        print(&text);
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(row: &Row, text: &mut String) {
    let how = match aadsts::unreached(row.code) {
        None => "the mock gives it where its state or a request leads to it".to_owned(),
        Some(reason) => format!(
            "only a fault gives it ({reason}): \
             entra-mock fault add '{{on: {{surface: token}}, do: {{aadsts: {}}}}}'",
            row.code
        ),
    };
    let name = if row.name.is_empty() { "-" } else { &row.name };
    let suberror = if row.suberror.is_empty() {
        "-"
    } else {
        &row.suberror
    };
    let _ = write!(
        text,
        "AADSTS{}\n  {}\n  name      {name}\n  error     {}, {}\n  suberror  {suberror}\n  \
         helps     {}\n  here      {how}\n  source    {}\n",
        row.code,
        row.text,
        row.oauth_error,
        row.http_status,
        row.advice(),
        row.source,
    );
}

fn search(words: &[String]) -> Result<Vec<&'static Row>, Failure> {
    let words: Vec<String> = words.iter().map(|it| it.to_lowercase()).collect();
    let fits = |row: &&Row| {
        let text = format!(
            "aadsts{} {} {} {} {}",
            row.code, row.name, row.oauth_error, row.suberror, row.text
        )
        .to_lowercase();
        words.iter().all(|it| text.contains(it))
    };
    let mut rows: Vec<&Row> = aadsts::all().filter(fits).collect();
    rows.sort_by_key(|it| it.code);
    if rows.is_empty() {
        return Err(Failure::usage(format!(
            "no code of the table has '{}' in its name or text; try fewer words, or a code",
            words.join("' and '")
        )));
    }
    Ok(rows)
}

fn unknown(code: u32) -> Failure {
    let begins = code.to_string();
    let mut near: Vec<String> = aadsts::all()
        .map(|it| it.code.to_string())
        .filter(|it| it.starts_with(&begins) || begins.starts_with(it.as_str()))
        .collect();
    near.sort();
    near.truncate(5);
    let hint = if near.is_empty() {
        "search for words of its text instead".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Failure::usage(format!("the table of codes has no AADSTS{code}; {hint}"))
}

/// A code, as it stands in a text or by its number alone.
fn code(text: &str) -> Option<u32> {
    let upper = text.to_ascii_uppercase();
    upper.strip_prefix("AADSTS").unwrap_or(&upper).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str]) -> Vec<u32> {
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let rows = search(&words).unwrap_or_default();
        rows.iter().map(|it| it.code).collect()
    }

    #[test]
    fn codes_are_found_by_their_words_in_order() {
        let codes = found(&["refresh", "inactivity"]);
        assert!(codes.contains(&700082), "{codes:?}");
        assert!(codes.is_sorted());
        assert!(found(&["INACTIVITY", "zebra"]).is_empty());
        assert_eq!(code("aadsts50173"), Some(50173));
        assert_eq!(code("50173"), Some(50173));
        assert_eq!(code("expired"), None);
    }

    #[test]
    fn a_description_says_whether_the_mock_gives_the_code_itself() {
        let described = |code| {
            let mut text = String::new();
            describe(Row::find(code).unwrap(), &mut text);
            text
        };
        assert!(described(50173).contains("where its state"));
        assert!(described(50033).contains("do: {aadsts: 50033}"));
        assert!(unknown(5017).message.contains("50173"));
    }
}
