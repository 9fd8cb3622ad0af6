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
    #[command(flatten)]
    scenarios: LibraryFlags,
}

impl Explain {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let all = self.scenarios.load()?.cases();
        let cases = self.case.select(&all).map_err(|error| Failure {
            message: error.to_string(),
            status: ExitStatus::NothingSelected,
        })?;
        let mut text = String::new();
        let mut last = "";
        for case in &cases {
            if case.scenario_id != last {
                if !last.is_empty() {
                    text.push('\n');
                }
                text.push_str(&explain(case, self.case.check()));
            }
            last = &case.scenario_id;
        }
        print(&text);
        Ok(ExitStatus::AsExpected)
    }
}

fn explain(case: &Case, wanted: Option<&str>) -> String {
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
    let own = scenario.checks();
    for (title, checks) in [
        ("checks", own),
        (
            "rules that hold in every case",
            case.rules.iter().map(|it| &**it).collect(),
        ),
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
    text
}
