//! Reports for machines: JUnit, TAP, and annotations of GitHub Actions.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::model::{CaseReport, Event, Outcome, Problem};
use super::results::Results;
use crate::text::{visible, visible_line};

/// The JUnit report: a suite a theme, a test a case.
pub(super) fn junit(results: &Results) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("entra-conformance");
    report.set_time(Duration::from_millis(results.end.millis));
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in &results.cases {
        let theme = case.scenario.rsplit_once('/').map_or("", |it| it.0);
        if suites
            .last()
            .is_none_or(|suite| suite.name.as_str() != theme)
        {
            suites.push(TestSuite::new(theme));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(test_case(case, theme));
        }
    }
    suites.extend(not_run(results));
    report.add_test_suites(suites);
    report.to_string()
}

/// What was to run and did not, as errors: a run that was broken off must not look green.
fn not_run(results: &Results) -> Option<TestSuite> {
    let shards = results.missing_shards();
    let reason = match &results.end.incomplete {
        Some(reason) => format!("the run could not be completed: {reason}"),
        None if !shards.is_empty() => format!("shards of the run are missing: {shards:?}"),
        None => return None,
    };
    let mut suite = TestSuite::new("not run");
    let mut add = |name: &str, message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("not-run");
        status.set_message(message);
        let mut test = TestCase::new(name, status);
        test.set_classname("not run");
        suite.add_test_case(test);
    };
    let missing = results.missing();
    add("the run", format!("{reason}; {missing} cases did not run"));
    for case in &results.end.missing {
        add(case, format!("did not run: {reason}"));
    }
    Some(suite)
}

fn test_case(case: &CaseReport, theme: &str) -> TestCase {
    let kind = match case.outcome {
        Outcome::Pass => None,
        Outcome::Error => Some(NonSuccessKind::Error),
        _ => Some(NonSuccessKind::Failure),
    };
    let mut status = match (case.outcome, kind) {
        (Outcome::KnownFail | Outcome::Skip, _) => TestCaseStatus::skipped(),
        (_, Some(kind)) => TestCaseStatus::non_success(kind),
        (_, None) => TestCaseStatus::success(),
    };
    if case.outcome != Outcome::Pass {
        status.set_type(case.outcome.slug());
        status.set_message(headline(case));
        status.set_description(details(case));
    }
    let mut test = TestCase::new(case.id.as_str(), status);
    test.set_classname(theme);
    test.set_time(Duration::from_millis(case.millis));
    if !case.output.is_empty() {
        test.set_system_err(case.output.join("\n"));
    }
    test
}

/// TAP, version 14.
pub(super) struct Tap<W> {
    out: W,
    number: usize,
}

impl<W: Write> Tap<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, number: 0 }
    }

    pub(super) fn tell(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(start) => {
                writeln!(self.out, "TAP version 14\n1..{}", start.cases)?;
                let connector = visible_line(&start.connector);
                writeln!(self.out, "# {connector} seed {}", start.seed)
            }
            Event::CaseFinished(case) => self.case(case),
            Event::RunFinished(end) => match &end.incomplete {
                Some(reason) => writeln!(self.out, "Bail out! {}", one_line(reason)),
                None => self.out.flush(),
            },
        }
    }

    fn case(&mut self, case: &CaseReport) -> io::Result<()> {
        self.number += 1;
        let ok = matches!(case.outcome, Outcome::Pass | Outcome::Skip);
        let result = if ok { "ok" } else { "not ok" };
        let reason = one_line(case.reason.as_deref().unwrap_or_default());
        // Directives of the Test Anything Protocol: a test that is known to fail is its "TODO".
        let directive = match case.outcome {
            Outcome::KnownFail => format!(" # TODO {reason}"),
            Outcome::Skip => format!(" # SKIP {reason}"),
            _ => String::new(),
        };
        writeln!(
            self.out,
            "{result} {} - {}{directive}",
            self.number, case.id
        )?;
        if case.outcome.is_expected() {
            return Ok(());
        }
        writeln!(self.out, "  ---\n  outcome: {}", case.outcome.slug())?;
        for problem in case.problems.iter().take(1) {
            for (name, value) in [
                ("check", &problem.name),
                ("says", &problem.says),
                ("source", &problem.source),
                ("expected", &problem.expected),
                ("observed", &problem.observed),
            ] {
                // A JSON string is a YAML string.
                writeln!(
                    self.out,
                    "  {name}: {}",
                    serde_json::Value::from(visible(value).as_ref())
                )?;
            }
        }
        writeln!(self.out, "  ...")
    }
}

/// An annotation of GitHub Actions for each case that is not as expected.
pub(super) fn github(case: &CaseReport, out: &mut impl Write) -> io::Result<()> {
    let escape = |text: &str| {
        visible(text)
            .replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let (title, text) = (property(&case.id), escape(&details(case)));
    if !case.outcome.is_expected() {
        writeln!(out, "::error title={title}::{text}")?;
    }
    for warning in &case.warnings {
        writeln!(
            out,
            "::warning title={title}::{}",
            escape(&paragraph(warning))
        )?;
    }
    Ok(())
}

/// What went wrong, in a line.
fn headline(case: &CaseReport) -> String {
    match (case.problems.first(), &case.reason) {
        (Some(problem), _) => {
            format!(
                "{}: expected {}, observed {}",
                problem.name, problem.expected, problem.observed
            )
        }
        (None, Some(reason)) => reason.clone(),
        (None, None) => case.outcome.slug().to_owned(),
    }
}

/// What went wrong, in full.
fn details(case: &CaseReport) -> String {
    let mut parts: Vec<String> = case.reason.iter().cloned().collect();
    parts.extend(case.problems.iter().map(paragraph));
    parts.extend(case.wire.iter().map(super::model::WireLine::text));
    parts.extend(case.artifacts.iter().map(|it| format!("artifacts: {it}")));
    parts.extend(case.rerun.iter().map(|it| format!("rerun: {it}")));
    parts.join("\n")
}

fn paragraph(problem: &Problem) -> String {
    let Problem {
        name,
        says,
        source,
        expected,
        observed,
        kind,
        ..
    } = problem;
    let kind = kind.slug();
    format!("{name} ({kind}): {says}\nexpected: {expected}\nobserved: {observed}\nsource: {source}")
}

fn one_line(text: &str) -> String {
    visible_line(text).replace('#', "\\#")
}
