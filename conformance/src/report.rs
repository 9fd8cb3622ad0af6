//! Reports: what became of each case, for people and for machines.
//!
//! A run tells [`Event`]s; every report is drawn from them.

mod html;
mod human;
mod machine;
mod model;
mod results;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

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
}

/// Why a report can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}: {error}", .path.display())]
pub struct ReportError {
    path: PathBuf,
    error: io::Error,
}

/// Draws all reports from the events of a run.
#[must_use = "a reporter writes most reports when it finishes"]
pub struct Reporter {
    terminal: Terminal,
    events: Option<(PathBuf, File)>,
    options: ReportOptions,
    results: Results,
}

enum Terminal {
    Human { human: Human<Stdout>, github: bool },
    Tap(Tap<Stdout>),
}

impl Reporter {
    /// Begins. Files are made at once, so that a wrong path is told before the run, not after it.
    pub fn new(options: ReportOptions, paint: Paint, progress: bool) -> Result<Self, ReportError> {
        for path in [&options.json, &options.junit, &options.html]
            .into_iter()
            .flatten()
        {
            create(path)?;
        }
        let events = match &options.events {
            Some(path) => Some((path.clone(), create(path)?)),
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
            terminal,
            events,
            options,
            results: Results::default(),
        })
    }

    /// Tells an event to all reports.
    pub fn tell(&mut self, event: &Event) -> Result<(), ReportError> {
        if let Some((path, file)) = &mut self.events {
            let mut line = serde_json::to_string(event).map_err(io::Error::other);
            if let Ok(line) = &mut line {
                line.push('\n');
            }
            // Written at once: whoever follows the file, or finds it after a crash, sees it.
            line.and_then(|line| file.write_all(line.as_bytes()))
                .map_err(failed(path))?;
        }
        let shown = match &mut self.terminal {
            Terminal::Human { human, github } => {
                let annotated = match event {
                    Event::CaseFinished(case) if *github => {
                        machine::github(case, &mut io::stdout())
                    }
                    _ => Ok(()),
                };
                annotated.and_then(|()| human.tell(event))
            }
            Terminal::Tap(tap) => tap.tell(event),
        };
        unless_closed(shown)?;
        self.results.add(event);
        Ok(())
    }

    /// Writes the summary and the reports that need all results.
    pub fn finish(mut self) -> Result<Results, ReportError> {
        if let Terminal::Human { human, .. } = &mut self.terminal {
            unless_closed(human.finish(&self.results))?;
        }
        let results = self.results;
        if let Some(path) = &self.options.json {
            let mut file = BufWriter::new(create(path)?);
            serde_json::to_writer_pretty(&mut file, &results)
                .map_err(io::Error::other)
                .and_then(|()| file.write_all(b"\n"))
                .and_then(|()| file.flush())
                .map_err(failed(path))?;
        }
        if let Some(path) = &self.options.junit {
            let text = machine::junit(&results).map_err(io::Error::other);
            text.and_then(|text| std::fs::write(path, text))
                .map_err(failed(path))?;
        }
        if let Some(path) = &self.options.html {
            std::fs::write(path, html::page(&results)).map_err(failed(path))?;
        }
        Ok(results)
    }
}

/// The JSON Schemas of the events and of the JSON report.
pub fn schemas() -> serde_json::Value {
    serde_json::json!({
        "event": schemars::schema_for!(Event),
        "results": schemars::schema_for!(Results),
    })
}

fn create(path: &Path) -> Result<File, ReportError> {
    File::create(path).map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ReportError + use<> {
    let path = path.to_owned();
    move |error| ReportError { path, error }
}

/// A reader of standard output that went away is no error.
fn unless_closed(result: io::Result<()>) -> Result<(), ReportError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(ReportError {
            path: PathBuf::from("standard output"),
            error,
        }),
        _ => Ok(()),
    }
}
