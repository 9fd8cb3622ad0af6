//! The tables of what the library decides, kept true: `data/client-rules.yaml`,
//! `scenarios/requirements.yaml`, and the page that is made of them, `docs/coverage.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;

use super::tests::asked_to_update;
use super::{Case, Level, Library, Pattern};

/// The table of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    schema: u32,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    rules: IndexMap<String, Row>,
}

/// The table of requirements.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirements {
    schema: u32,
    source: String,
    #[serde(rename = "requirements")]
    rows: BTreeMap<String, Row>,
}

/// A row: what must hold, and the cases that decide it, or why there are none.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    #[serde(default = "must")]
    level: Level,
    says: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    cases: Vec<String>,
    #[serde(default)]
    not_yet: Option<String>,
}

fn must() -> Level {
    Level::Must
}

impl Row {
    /// What is wrong with the row.
    fn check(&self, cases: &[Case]) -> Result<(), String> {
        if self.says.len() <= 10 {
            return Err("says nothing".to_owned());
        }
        if self.cases.is_empty() == self.not_yet.is_none() {
            return Err("either cases, or not-yet with a reason".to_owned());
        }
        if self.level == Level::Must && self.not_yet.as_deref() == Some(OPEN) {
            return Err("a must that is open".to_owned());
        }
        for pattern in &self.cases {
            let pattern = pattern
                .strip_prefix("rules#")
                .map_or_else(|| pattern.clone(), |rule| format!("**#{rule}"));
            let pattern: Pattern = pattern.parse().map_err(|error| format!("{error}"))?;
            pattern.select(cases).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn decided(&self) -> String {
        match &self.not_yet {
            Some(reason) => format!("*{reason}*"),
            None => {
                let cases = self.cases.iter().map(|it| format!("`{it}`"));
                cases.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn rules() -> Rules {
    let rules: Rules = read("data/client-rules.yaml");
    assert_eq!(rules.schema, 1);
    rules
}

fn requirements() -> Requirements {
    let table: Requirements = read("../scenarios/requirements.yaml");
    assert_eq!(table.schema, 1);
    assert!(!table.source.is_empty());
    table
}

#[test]
fn every_rule_is_decided_or_says_why_not() {
    let rules = rules();
    let library = Library::embedded().unwrap();
    let cases = library.cases();
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    for (id, row) in rules.groups.iter().flat_map(|it| &it.rules) {
        assert!(ids.insert(id), "{id} stands twice");
        assert!(!row.source.is_empty(), "{id} has no source");
        wrong.extend(row.check(&cases).err().map(|it| format!("{id}: {it}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ids.len() >= 239, "a rule is lost: {}", ids.len());
}

#[test]
fn every_requirement_is_covered_or_says_why_not() {
    // Groups and how many rows each has, so that none is lost.
    let groups = [
        ("AM-GEN", 9),
        ("AM-CERT", 12),
        ("AM-CODE", 9),
        ("AM-CC", 10),
        ("AM-BYO", 11),
        ("APP", 7),
        ("CON", 7),
        ("ENV", 7),
        ("FLOW", 4),
        ("IMP", 6),
        ("MBX", 9),
        ("RT", 8),
        ("TRG", 7),
        ("ODD", 20),
    ];
    let wanted: BTreeSet<String> = groups
        .iter()
        .flat_map(|(group, rows)| (1..=*rows).map(move |row| format!("{group}-{row:02}")))
        .collect();
    let table = requirements();
    let found: BTreeSet<String> = table.rows.keys().cloned().collect();
    assert_eq!(found, wanted);
    let cases = Library::embedded().unwrap().cases();
    let rows = table.rows.iter();
    let wrong: Vec<String> = rows
        .filter_map(|(id, row)| Some(format!("{id}: {}", row.check(&cases).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_of_what_is_decided_is_current() {
    let page = page(&rules(), &requirements());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coverage.md");
    if asked_to_update("UPDATE_COVERAGE") {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "write it anew with UPDATE_COVERAGE=1 cargo test -p entra-conformance coverage"
    );
}

fn page(rules: &Rules, requirements: &Requirements) -> String {
    let mut text = String::from(INTRODUCTION);
    let all = || rules.groups.iter().flat_map(|it| &it.rules);
    for level in [Level::Must, Level::Should, Level::May] {
        let of_level = || all().filter(|(_, row)| row.level == level);
        let count = of_level().count();
        let decided = of_level().filter(|(_, row)| row.not_yet.is_none()).count();
        let because = |reason: &str| {
            let rows = of_level().filter(|(_, row)| row.not_yet.as_deref() == Some(reason));
            rows.count()
        };
        let (waiting, open) = (because(NOTIFICATIONS), because(OPEN));
        let other = count - decided - waiting - open;
        let _ = writeln!(
            text,
            "| {} | {count} | {decided} | {waiting} | {other} | {open} |",
            name(level)
        );
    }
    text.push_str("\n## Rules\n");
    for group in &rules.groups {
        let _ = write!(
            text,
            "\n### {}\n\n| rule | level | says | source | decided by |\n|---|---|---|---|---|\n",
            group.group
        );
        for (id, row) in &group.rules {
            let (says, source) = (cell(&row.says), cell(&row.source));
            let _ = writeln!(
                text,
                "| {id} | {} | {says} | {source} | {} |",
                name(row.level),
                row.decided()
            );
        }
    }
    let _ = write!(
        text,
        "\n## Requirements\n\nOf a connector: {}.\n\n| row | says | decided by |\n|---|---|---|\n",
        requirements.source
    );
    for (id, row) in &requirements.rows {
        let _ = writeln!(text, "| {id} | {} | {} |", cell(&row.says), row.decided());
    }
    text
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

const OPEN: &str = "open";
const NOTIFICATIONS: &str = "notifications";

const INTRODUCTION: &str = "\
# What the suite decides

Rules for every client of Entra ID and Microsoft Graph, and requirements of a connector, each with
the cases that decide it. The tables are `conformance/data/client-rules.yaml` and
`scenarios/requirements.yaml`; this page is made of them, and a test keeps all three true
(`UPDATE_COVERAGE=1 cargo test -p entra-conformance coverage` writes it anew).

A case is named by a pattern, as `--filter` takes it; `rules#name` is a rule of `scenarios/rules.yaml`,
which is judged in every case. A row that nothing decides says why: *notifications* waits for
subscriptions, *open* is to be done. No must is open.

| level | rules | decided | notifications | cannot be decided | open |
|---|---|---|---|---|---|
";
