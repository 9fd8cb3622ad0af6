//! The report for people: failures in full as they come, passes as a count, a summary at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use entra_mock::environment::Environment;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::model::{CaseReport, Event, Outcome, Problem, RunStart, WireLine};
use super::results::Results;
use crate::case::{AuthMethod, Level};

/// How many lines of the wire a failure shows.
const WIRE_LINES: usize = 12;

/// Writes what happens for people.
pub(super) struct Human<W> {
    out: W,
    paint: Paint,
    progress: ProgressBar,
    failed: usize,
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether there are colours.
    pub colour: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn outcome(self, outcome: Outcome, text: &str) -> String {
        match outcome {
            Outcome::Pass => self.with("32", text),
            Outcome::Skip | Outcome::KnownFail => self.with("33", text),
            _ => self.with("31;1", text),
        }
    }
}

impl<W: Write> Human<W> {
    pub(super) fn new(out: W, paint: Paint, progress: bool) -> Self {
        let target = if progress {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let progress = ProgressBar::with_draw_target(None, target);
        Self {
            out,
            paint,
            progress,
            failed: 0,
        }
    }

    pub(super) fn tell(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted(start) => self.begin(start),
            Event::CaseFinished(case) => {
                self.progress.inc(1);
                if case.outcome.is_expected() {
                    return Ok(());
                }
                self.failed += 1;
                self.progress
                    .set_message(format!("{} not as expected", self.failed));
                let text = failure(case, self.paint);
                let out = &mut self.out;
                self.progress.suspend(|| writeln!(out, "{text}"))
            }
            Event::RunFinished(_) => {
                self.progress.finish_and_clear();
                Ok(())
            }
        }
    }

    /// Writes the summary.
    pub(super) fn finish(&mut self, results: &Results) -> io::Result<()> {
        self.out
            .write_all(summary(results, self.paint).as_bytes())?;
        self.out.flush()
    }

    fn begin(&mut self, start: &RunStart) -> io::Result<()> {
        self.progress.set_length(start.cases as u64);
        // The template is constant.
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cases  {elapsed}  {msg}")
            .expect("the template is valid");
        self.progress.set_style(style);
        let shard = start
            .shard
            .as_ref()
            .map_or_else(String::new, |it| format!(" · shard {it}"));
        let name = if start.connector.is_empty() {
            &start.source
        } else {
            &start.connector
        };
        writeln!(
            self.out,
            "{} · {} · seed {}{shard}\n",
            self.paint.bold(name),
            plural(start.cases, "case"),
            start.seed
        )
    }
}

/// A case that is not as expected, in full.
fn failure(case: &CaseReport, paint: Paint) -> String {
    let mut text = String::new();
    let label = case.outcome.slug().to_uppercase();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}  {}",
        paint.outcome(case.outcome, &label),
        paint.bold(&case.id)
    );
    let mut line = |name: &str, value: &str| {
        for (index, part) in value.lines().enumerate() {
            let name = if index == 0 { name } else { "" };
            let _ = writeln!(text, "      {}{part}", paint.dim(&format!("{name:<11}")));
        }
    };
    if let Some(reason) = &case.reason {
        line("reason", reason);
    }
    for problem in &case.problems {
        tell_problem(problem, &mut line);
    }
    // The exchanges that show a problem, or else the last ones.
    let shown: Vec<u64> = case
        .problems
        .iter()
        .flat_map(|it| it.exchanges.clone())
        .collect();
    let named: Vec<String> = case
        .wire
        .iter()
        .filter(|it| shown.contains(&it.number))
        .map(WireLine::text)
        .collect();
    let lines = if named.is_empty() {
        let skip = case.wire.len().saturating_sub(WIRE_LINES);
        case.wire.iter().skip(skip).map(WireLine::text).collect()
    } else {
        named
    };
    for (index, wire) in lines.iter().take(WIRE_LINES).enumerate() {
        line(if index == 0 { "wire" } else { "" }, wire);
    }
    if lines.len() > WIRE_LINES {
        line("", &format!("and {} more", lines.len() - WIRE_LINES));
    }
    for (index, output) in case.output.iter().rev().take(5).rev().enumerate() {
        line(if index == 0 { "output" } else { "" }, output);
    }
    if let Some(artifacts) = &case.artifacts {
        line("artifacts", artifacts);
    }
    if let Some(rerun) = &case.rerun {
        line("rerun", rerun);
    }
    text
}

fn tell_problem(problem: &Problem, line: &mut impl FnMut(&str, &str)) {
    let level = match problem.level {
        Level::May => "may",
        Level::Must => "must",
        Level::Should => "should",
    };
    line(
        level,
        &format!("{} ({})", problem.name, problem.kind.slug()),
    );
    line("", &problem.says);
    line("source", &problem.source);
    line("expected", &problem.expected);
    line("observed", &problem.observed);
}

/// The matrix of auth method and environment, totals, and what is left to say.
fn summary(results: &Results, paint: Paint) -> String {
    let mut text = String::new();
    let matrix = results.matrix();
    let methods: Vec<AuthMethod> = AuthMethod::ALL
        .into_iter()
        .filter(|it| matrix.keys().any(|key| key.0 == *it))
        .collect();
    let places: Vec<Environment> = Environment::ALL
        .into_iter()
        .filter(|it| matrix.keys().any(|key| key.1 == *it))
        .collect();
    let cell = |method, place| {
        matrix
            .get(&(method, place))
            .map_or_else(String::new, counts)
    };
    let widths: Vec<usize> = places
        .iter()
        .map(|place| {
            let cells = methods
                .iter()
                .map(|method| cell(*method, *place).chars().count());
            cells.chain([place.slug().len()]).max().unwrap_or(0)
        })
        .collect();
    if !methods.is_empty() {
        let heads: Vec<String> = places
            .iter()
            .zip(&widths)
            .map(|(place, width)| format!("{:<width$}", place.slug()))
            .collect();
        let _ = writeln!(
            text,
            "{:<20}  {}",
            "",
            paint.bold(heads.join("   ").trim_end())
        );
    }
    for method in &methods {
        let mut row = format!("{method:<20}");
        for (place, width) in places.iter().zip(&widths) {
            let plain = cell(*method, *place);
            let worst = matrix.get(&(*method, *place)).and_then(worst);
            let padded = format!("{plain:<width$}");
            let shown = worst.map_or(padded.clone(), |it| paint.outcome(it, &padded));
            let _ = write!(row, "  {shown} ");
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    let skipped = reasons(
        results
            .cases
            .iter()
            .filter(|it| it.outcome == Outcome::Skip),
    );
    if !skipped.is_empty() {
        text.push('\n');
    }
    for (reason, number) in skipped {
        let _ = writeln!(
            text,
            "{} {reason}",
            paint.dim(&format!("skipped {number:>4}"))
        );
    }
    let mut warnings: BTreeMap<&str, (usize, &Problem)> = BTreeMap::new();
    for warning in results.cases.iter().flat_map(|it| &it.warnings) {
        warnings.entry(&warning.name).or_insert((0, warning)).0 += 1;
    }
    for (name, (number, problem)) in warnings {
        let cases = plural(number, "case");
        let _ = writeln!(
            text,
            "{} {name}: {} ({cases})",
            paint.with("33", "warning"),
            problem.says
        );
    }
    let unexpected: Vec<&CaseReport> = results.unexpected().collect();
    if !unexpected.is_empty() {
        let _ = writeln!(text, "\nnot as expected:");
        for case in unexpected {
            let what = case.problems.first().map_or("", |it| it.name.as_str());
            let label = paint.outcome(case.outcome, &format!("{:<15}", case.outcome.slug()));
            let _ = writeln!(text, "  {label} {}#{what}", case.id);
        }
    }
    for stale in &results.end.stale {
        let label = paint.with("31;1", "stale          ");
        let _ = writeln!(
            text,
            "  {label} {stale}: a known failure for which no case ran"
        );
    }
    let took = seconds(Duration::from_millis(results.end.millis));
    let number = plural(results.cases.len(), "case");
    let _ = writeln!(text, "\n{number}: {} in {took}", totals(results, paint));
    if let Some(incomplete) = &results.end.incomplete {
        let _ = writeln!(
            text,
            "{}: {incomplete}",
            paint.with("31;1", "could not complete")
        );
    }
    if let Some(artifacts) = results
        .run
        .artifacts
        .as_ref()
        .filter(|_| results.unexpected().next().is_some())
    {
        let _ = writeln!(text, "artifacts in {artifacts}");
    }
    text
}

fn totals(results: &Results, paint: Paint) -> String {
    let totals = results.totals();
    let told: Vec<String> = Outcome::ALL
        .into_iter()
        .filter_map(|outcome| totals.get(&outcome).map(|number| (outcome, number)))
        .map(|(outcome, number)| paint.outcome(outcome, &format!("{number} {}", outcome.slug())))
        .collect();
    if told.is_empty() {
        "nothing ran".to_owned()
    } else {
        told.join(", ")
    }
}

/// The counts of a cell, such as `12 pass, 1 skip`.
pub(super) fn counts(cell: &BTreeMap<Outcome, usize>) -> String {
    let told: Vec<String> = Outcome::ALL
        .into_iter()
        .filter_map(|outcome| {
            cell.get(&outcome)
                .map(|number| format!("{number} {}", outcome.slug()))
        })
        .collect();
    told.join(", ")
}

/// The outcome that matters most in a cell.
pub(super) fn worst(cell: &BTreeMap<Outcome, usize>) -> Option<Outcome> {
    [
        Outcome::Error,
        Outcome::Fail,
        Outcome::ChangedFail,
        Outcome::UnexpectedPass,
        Outcome::KnownFail,
        Outcome::Pass,
        Outcome::Skip,
    ]
    .into_iter()
    .find(|it| cell.contains_key(it))
}

fn reasons<'a>(cases: impl Iterator<Item = &'a CaseReport>) -> BTreeMap<&'a str, usize> {
    let mut reasons = BTreeMap::new();
    for case in cases {
        *reasons
            .entry(case.reason.as_deref().unwrap_or("without a reason"))
            .or_default() += 1;
    }
    reasons
}

/// A number with its noun: `1 case`, `2 cases`.
pub(super) fn plural(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A duration for people: `850 ms`, `14.2 s`, `3 min 5 s`.
pub(super) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!(
            "{} min {} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        ),
    }
}
