//! `entra-conformance explain CASE`: what is checked, why, and which document says so.

use std::fmt::Write as _;

use clap::Args;

use super::target::LibraryFlags;
use super::{Failure, print};
use crate::case::{Case, Check, Level, Pattern};
use crate::report::ExitStatus;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The case: its id, or a pattern
    #[arg(value_name = "CASE")]
    case: Pattern,
    /// Show the rules that hold in every case as well
    #[arg(long)]
    rules: bool,
    #[command(flatten)]
    scenarios: LibraryFlags,
}

/// What becomes of the rules that hold in every case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rules {
    /// Their number is shown, and how to see them.
    Counted,
    /// They are left out.
    Left,
    /// They are shown.
    Shown,
}

impl Explain {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let all = self.scenarios.load()?.cases();
        let cases = self.case.select(&all).map_err(|error| Failure {
            message: error.to_string(),
            status: ExitStatus::NothingSelected,
        })?;
        let rules = if self.rules || self.case.check().is_some() {
            Rules::Shown
        } else {
            Rules::Counted
        };
        let mut text = String::new();
        let mut last = "";
        for case in &cases {
            if case.scenario_id != last {
                if !last.is_empty() {
                    text.push('\n');
                }
                text.push_str(&explain(case, self.case.check(), rules));
            }
            last = &case.scenario_id;
        }
        print(&text);
        Ok(ExitStatus::AsExpected)
    }
}

/// What there is to say about a scenario, or about those of its checks that are wanted.
pub(super) fn explain(case: &Case, wanted: Option<&str>, rules: Rules) -> String {
    let scenario = &case.scenario;
    let mut text = format!("{}\n{}\n", case.scenario_id, scenario.title);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  source        {}", scenario.source);
    let methods: Vec<&str> = scenario.auth_methods().iter().map(|it| it.slug()).collect();
    let _ = writeln!(text, "  auth          {}", methods.join(", "));
    let places: Vec<&str> = scenario.environments().iter().map(|it| it.slug()).collect();
    let _ = writeln!(text, "  environment   {}", places.join(", "));
    if !scenario.needs.is_empty() {
        let _ = writeln!(text, "  needs         {}", scenario.needs.join(", "));
    }
    if let Ok(steps) = serde_saphyr::to_string(&scenario.steps) {
        text.push_str("\nsteps\n");
        for line in steps.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let fits = |check: &&Check| wanted.is_none_or(|it| crate::case::glob(it, &check.name));
    let everywhere = match rules {
        Rules::Shown => case.rules.iter().map(|it| &**it).collect(),
        Rules::Counted | Rules::Left => Vec::new(),
    };
    for (title, checks) in [
        ("checks", scenario.checks()),
        ("rules that hold in every case", everywhere),
    ] {
        let checks: Vec<&Check> = checks.into_iter().filter(fits).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}");
        for check in checks {
            let level = match check.level {
                Level::May => "may",
                Level::Must => "must",
                Level::Should => "should",
            };
            let source = check.source.as_deref().unwrap_or(&scenario.source);
            let _ = writeln!(
                text,
                "  {level:<7} {}\n          {}",
                check.name, check.says
            );
            let _ = writeln!(text, "          source: {source}");
        }
    }
    if rules == Rules::Counted && !case.rules.is_empty() {
        let count = case.rules.len();
        let _ = writeln!(
            text,
            "\n{count} rules hold in every case: --rules shows them"
        );
    }
    text
}
