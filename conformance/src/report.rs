//! Reports: what became of each case, for people and for machines.
//!
//! A run tells [`Event`]s; every report is drawn from them.

mod cause;
mod file;
mod html;
mod human;
mod machine;
mod model;
mod results;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Stdout, Write};
use std::path::{Path, PathBuf};

pub(crate) use cause::{unreached, why_unreached};
use file::Pending;
use human::Human;
pub use human::Paint;
use machine::Tap;
pub use model::{
    CaseReport, Event, Outcome, Problem, ProblemKind, RunEnd, RunStart, SCHEMA, WireLine,
};
pub use results::{ExitStatus, Results, ResultsError};

/// What standard output shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// Annotations of GitHub Actions, and the text for people.
    Github,
    /// Text for people.
    #[default]
    Human,
    /// Test Anything Protocol, version 14.
    Tap,
}

/// Which reports are written, and where.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ReportOptions {
    /// What standard output shows
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Write the events of the run to this file, one JSON object a line, as they happen
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write the results to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the results to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the results to this file as a single HTML page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Add a summary in Markdown to the end of this file; with `--format github` the one that
    /// GitHub shows on the page of the run
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

/// Why a report can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}: {error}", .path.display())]
pub struct ReportError {
    path: PathBuf,
    error: io::Error,
}

/// Why reports could not be written; those that are not named were.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nerror: "))]
pub struct ReportErrors(Vec<ReportError>);

/// Draws all reports from the events of a run.
///
/// A report that can't be written costs itself alone: the run goes on, and so do the others.
#[must_use = "a reporter writes most reports when it finishes"]
pub struct Reporter {
    terminal: Option<Terminal>,
    events: Option<(PathBuf, File)>,
    json: Option<(PathBuf, Pending)>,
    junit: Option<(PathBuf, Pending)>,
    html: Option<(PathBuf, Pending)>,
    summary: Option<(PathBuf, File)>,
    results: Results,
    /// The causes that were annotated.
    annotated: BTreeSet<cause::Key>,
    failed: Vec<ReportError>,
}

enum Terminal {
    Human { human: Human<Stdout>, github: bool },
    Tap(Tap<Stdout>),
}

impl Reporter {
    /// Begins. That each file can be written is found out at once, so that a wrong path is told
    /// before the run, not after it.
    pub fn new(options: ReportOptions, paint: Paint, progress: bool) -> Result<Self, ReportError> {
        let pending = |path: Option<PathBuf>| match path {
            Some(path) => {
                let pending = Pending::new(&path).map_err(failed(&path))?;
                Ok(Some((path, pending)))
            }
            None => Ok(None),
        };
        let events = match options.events {
            // Followed while the run goes on, so it is never renamed.
            Some(path) => {
                let file = File::create(&path).map_err(failed(&path))?;
                Some((path, file))
            }
            None => None,
        };
        #[expect(clippy::disallowed_methods, reason = "GitHub names the file so")]
        let of_github = || std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from);
        let summary = match options.summary {
            None if options.format == Format::Github => of_github(),
            given => given,
        };
        // Steps add to one file.
        let summary = match summary {
            Some(path) => {
                let file = File::options().append(true).create(true).open(&path);
                let file = file.map_err(failed(&path))?;
                Some((path, file))
            }
            None => None,
        };
        let human = || Human::new(io::stdout(), paint, progress);
        let terminal = match options.format {
            Format::Github => Terminal::Human {
                human: human(),
                github: true,
            },
            Format::Human => Terminal::Human {
                human: human(),
                github: false,
            },
            Format::Tap => Terminal::Tap(Tap::new(io::stdout())),
        };
        Ok(Self {
            terminal: Some(terminal),
            events,
            json: pending(options.json)?,
            junit: pending(options.junit)?,
            html: pending(options.html)?,
            summary,
            results: Results::default(),
            annotated: BTreeSet::new(),
            failed: Vec::new(),
        })
    }

    /// Tells an event to all reports.
    pub fn tell(&mut self, event: &Event) {
        if let Some((path, file)) = &mut self.events {
            let mut line = serde_json::to_string(event).map_err(io::Error::other);
            if let Ok(line) = &mut line {
                line.push('\n');
            }
            // Written at once: whoever follows the file, or finds it after a crash, sees it.
            let written = line.and_then(|line| file.write_all(line.as_bytes()));
            if let Err(error) = written {
                self.failed.push(failed(path)(error));
                self.events = None;
            }
        }
        let shown = match &mut self.terminal {
            Some(Terminal::Human { human, github }) => {
                let annotated = match event {
                    Event::CaseFinished(case) if *github => {
                        annotate(case, &mut self.annotated, &mut io::stdout())
                    }
                    _ => Ok(()),
                };
                annotated.and_then(|()| human.tell(event))
            }
            Some(Terminal::Tap(tap)) => tap.tell(event),
            None => Ok(()),
        };
        self.showed(shown);
        self.results.add(event);
    }

    /// Writes the summary and the reports that need all results.
    pub fn finish(mut self) -> Result<Results, ReportErrors> {
        if let Some(Terminal::Human { human, .. }) = &mut self.terminal {
            let shown = human.finish(&self.results);
            self.showed(shown);
        }
        let results = self.results;
        if let Some(folder) = &results.run.artifacts
            && results.unexpected().next().is_some()
        {
            let path = Path::new(folder).join(human::FAILURES);
            // No case may have left anything there.
            let written = std::fs::create_dir_all(folder)
                .and_then(|()| Pending::new(&path))
                .and_then(|file| file.write(human::failures(&results).as_bytes()));
            self.failed.extend(written.err().map(failed(&path)));
        }
        let mut write = |place: Option<(PathBuf, Pending)>, text: io::Result<String>| {
            if let Some((path, pending)) = place
                && let Err(error) = text.and_then(|text| pending.write(text.as_bytes()))
            {
                self.failed.push(failed(&path)(error));
            }
        };
        if self.json.is_some() {
            let text = serde_json::to_string_pretty(&results);
            write(
                self.json,
                text.map(|it| it + "\n").map_err(io::Error::other),
            );
        }
        if self.junit.is_some() {
            write(
                self.junit,
                machine::junit(&results).map_err(io::Error::other),
            );
        }
        if self.html.is_some() {
            write(self.html, Ok(html::page(&results)));
        }
        if let Some((path, mut file)) = self.summary
            && let Err(error) = file.write_all(summary::markdown(&results).as_bytes())
        {
            self.failed.push(failed(&path)(error));
        }
        if self.failed.is_empty() {
            Ok(results)
        } else {
            Err(ReportErrors(self.failed))
        }
    }

    /// Notes that standard output failed. A reader that went away is no error.
    fn showed(&mut self, shown: io::Result<()>) {
        if let Err(error) = shown {
            self.terminal = None;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failed
                    .push(failed(Path::new("standard output"))(error));
            }
        }
    }
}

/// Annotates the first case of each cause: GitHub shows ten annotations of a step.
fn annotate(
    case: &CaseReport,
    annotated: &mut BTreeSet<cause::Key>,
    out: &mut impl Write,
) -> io::Result<()> {
    if !case.outcome.is_expected() {
        let keys = cause::keys(case);
        let new = keys.iter().all(|key| !annotated.contains(key));
        annotated.extend(keys);
        if !new {
            return Ok(());
        }
    }
    machine::github(case, out)
}

/// The JSON Schemas of the events and of the JSON report.
pub fn schemas() -> serde_json::Value {
    serde_json::json!({
        "event": schemars::schema_for!(Event),
        "results": schemars::schema_for!(Results),
    })
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ReportError + use<> {
    let path = path.to_owned();
    move |error| ReportError { path, error }
}
