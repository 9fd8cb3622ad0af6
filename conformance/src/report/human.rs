//! The report for people: failures in full as they come, passes as a count, a summary at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use entra_mock::environment::Environment;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::cause::{self, Cause, causes, diagnosis};
use super::model::{CaseReport, Event, Outcome, Problem, RunStart, WireLine};
use super::results::Results;
use crate::case::{AuthMethod, Level};
use crate::text::{cut, visible, visible_line};

/// How much of a failure is shown.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// How many lines of the wire.
    wire: usize,
    /// How many problems.
    problems: usize,
    /// How many lines that the driver said.
    output: usize,
    /// How many letters of a line.
    letters: usize,
}

/// On a screen that has other failures, too.
const BRIEF: Room = Room {
    wire: 4,
    problems: 1,
    output: 3,
    letters: 400,
};

/// In a file.
const WHOLE: Room = Room {
    wire: usize::MAX,
    problems: usize::MAX,
    output: usize::MAX,
    letters: usize::MAX,
};

/// The file among the artifacts that has each failure in full.
pub(super) const FAILURES: &str = "failures.txt";

/// How many causes are shown in full.
const MENDED_FIRST: usize = 3;

/// How many further causes are named.
const CAUSES_NAMED: usize = 20;

/// Writes what happens for people.
pub(super) struct Human<W> {
    out: W,
    paint: Paint,
    progress: ProgressBar,
    failed: usize,
    seen: BTreeSet<cause::Key>,
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
            seen: BTreeSet::new(),
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
                let keys = cause::keys(case);
                let new = keys.iter().all(|key| !self.seen.contains(key));
                let title = cause::title(&keys[0], case);
                self.seen.extend(keys);
                // The first case of each cause, in a line: the rest comes at the end.
                if !new || self.seen.len() > CAUSES_NAMED {
                    return Ok(());
                }
                let label = self
                    .paint
                    .outcome(case.outcome, &case.outcome.slug().to_uppercase());
                let line = format!("{label}  {}: {}", case.id, brief(&title));
                let out = &mut self.out;
                self.progress.suspend(|| writeln!(out, "{line}"))
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
            self.paint.bold(&visible_line(name)),
            plural(start.cases, "case"),
            start.seed
        )?;
        // Drawn after the heading, so that no bar is left above it. The template is constant.
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cases  {elapsed}  {msg}")
            .expect("the template is valid");
        self.progress.set_style(style);
        self.progress.set_length(start.cases as u64);
        Ok(())
    }
}

/// All that is not as expected, in full, as a file keeps it.
pub(super) fn failures(results: &Results) -> String {
    let paint = Paint { colour: false };
    let all = results.unexpected().map(|case| failure(case, paint, WHOLE));
    all.collect::<Vec<_>>().join("\n")
}

/// A case that is not as expected.
fn failure(case: &CaseReport, paint: Paint, room: Room) -> String {
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
        let value = cut(value, room.letters);
        for (index, part) in visible(&value).lines().enumerate() {
            let name = if index == 0 { name } else { "" };
            let _ = writeln!(text, "      {}{part}", paint.dim(&format!("{name:<11}")));
        }
    };
    if let Some(reason) = &case.reason {
        line("reason", reason);
    }
    for problem in case.problems.iter().take(room.problems) {
        tell_problem(problem, &mut line);
    }
    let more = case.problems.len().saturating_sub(room.problems);
    if more > 0 {
        line("", &format!("and {}", plural(more, "further problem")));
    }
    // The exchanges that show a problem, or else the last ones.
    let shown: Vec<u64> = case
        .problems
        .iter()
        .take(room.problems)
        .flat_map(|it| it.exchanges.clone())
        .collect();
    let named: Vec<String> = case
        .wire
        .iter()
        .filter(|it| shown.contains(&it.number))
        .map(WireLine::text)
        .collect();
    let lines: Vec<String> = if named.is_empty() {
        let skip = case.wire.len().saturating_sub(room.wire);
        case.wire.iter().skip(skip).map(WireLine::text).collect()
    } else {
        named
    };
    for (index, wire) in lines.iter().take(room.wire).enumerate() {
        line(if index == 0 { "wire" } else { "" }, wire);
    }
    if lines.len() > room.wire {
        line("", &format!("and {} more", lines.len() - room.wire));
    }
    let skip = case.output.len().saturating_sub(room.output);
    for (index, output) in case.output.iter().skip(skip).enumerate() {
        line(if index == 0 { "output" } else { "" }, output);
    }
    if let Some(artifacts) = &case.artifacts {
        line("artifacts", artifacts);
    }
    if let Some(rerun) = &case.rerun {
        // Whole, whatever the room: it is to be pasted.
        let _ = writeln!(text, "      {}{}", paint.dim("rerun      "), visible(rerun));
    }
    text
}

/// What to mend first, and what else fails.
fn to_mend(causes: &[Cause<'_>], paint: Paint) -> String {
    let mut text = String::new();
    // One case has room.
    let room = if causes.len() == 1 && causes[0].cases.len() == 1 {
        Room {
            wire: 12,
            problems: 4,
            output: 5,
            letters: 2_000,
        }
    } else {
        BRIEF
    };
    for (index, cause) in causes.iter().take(MENDED_FIRST).enumerate() {
        let number = plural(cause.cases.len(), "case");
        let _ = writeln!(
            text,
            "{} {number}: {}",
            paint.bold(&format!("{}.", index + 1)),
            brief(&cause.title)
        );
        text.push_str(&failure(cause.cases[0], paint, room));
        let others = &cause.cases[1..];
        if !others.is_empty() {
            let mut names: Vec<&str> = others.iter().take(2).map(|it| it.id.as_str()).collect();
            let more = format!("{} more", others.len() - names.len());
            if others.len() > names.len() {
                names.push(&more);
            }
            let _ = writeln!(
                text,
                "      {}{}",
                paint.dim("likewise   "),
                names.join(" · ")
            );
        }
        text.push('\n');
    }
    let rest = &causes[causes.len().min(MENDED_FIRST)..];
    for cause in rest.iter().take(CAUSES_NAMED) {
        let number = plural(cause.cases.len(), "case");
        let _ = writeln!(
            text,
            "{} {}  {}",
            paint.dim(&format!("{number:>9}")),
            cause.cases[0].id,
            paint.dim(&brief(&cause.title))
        );
    }
    if rest.len() > CAUSES_NAMED {
        let more = plural(rest.len() - CAUSES_NAMED, "further cause");
        let _ = writeln!(text, "and {more}");
    }
    text
}

/// A reason on a line.
fn brief(title: &str) -> String {
    cut(&visible_line(title), 140)
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

/// What to mend first, the matrix of auth method and environment, totals, and what is left to say.
fn summary(results: &Results, paint: Paint) -> String {
    let mut text = String::new();
    let causes = causes(results);
    if !causes.is_empty() {
        let heading = match causes.len() {
            0..=MENDED_FIRST => "not as expected, by cause:".to_owned(),
            more => {
                format!("not as expected, by cause; the first {MENDED_FIRST} of {more} to mend:")
            }
        };
        let _ = writeln!(text, "\n{}\n", paint.bold(&heading));
        text.push_str(&to_mend(&causes, paint));
        if let Some(why) = diagnosis(results) {
            let _ = writeln!(text, "{} {why}\n", paint.with("33", "note"));
        }
        text.push('\n');
    }
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
            "{} {}",
            paint.dim(&format!("skipped {number:>4}")),
            visible_line(reason)
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
            "{}: {}",
            paint.with("31;1", "could not complete"),
            visible(incomplete)
        );
    }
    let shards = results.missing_shards();
    if !shards.is_empty() {
        let names: Vec<String> = shards.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "{}: {} of the run: {}",
            paint.with("31;1", "not the whole run"),
            if names.len() == 1 {
                "a shard is missing"
            } else {
                "shards are missing"
            },
            names.join(", ")
        );
    }
    let missing = results.missing();
    if missing > 0 {
        let _ = writeln!(text, "{} did not run", plural(missing, "case"));
    }
    if let Some(artifacts) = results
        .run
        .artifacts
        .as_ref()
        .filter(|_| results.unexpected().next().is_some())
    {
        let _ = writeln!(
            text,
            "artifacts in {artifacts}; {FAILURES} there has all that failed in full"
        );
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
