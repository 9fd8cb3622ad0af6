//! What is kept of a failed case: conversation, journal, standard error, scenario, report.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use entra_mock::journal::{KnownSecrets, Names, Redaction, Redactor};
use entra_mock::platform::private;
use serde::Serialize;

use super::worker::Output;
use crate::case::Case;
use crate::judge::{Canaries, Record};
use crate::report::CaseReport;

/// The folder of a run.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// What is kept of a case.
pub(super) struct Artifacts<'a> {
    pub(super) case: &'a Case,
    pub(super) report: &'a CaseReport,
    pub(super) record: &'a Record,
    pub(super) said: &'a Output,
}

impl Folder {
    /// A new folder, `run-0001` and up, so that runs stand in their order.
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let numbers = std::fs::read_dir(root)?.filter_map(|entry| {
            entry
                .ok()?
                .file_name()
                .to_str()?
                .strip_prefix("run-")?
                .parse::<u32>()
                .ok()
        });
        let mut number = numbers.max().unwrap_or(0) + 1;
        loop {
            let folder = root.join(format!("run-{number:04}"));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Ok(Self(folder)),
                // Another run took it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A run in which nothing failed leaves nothing behind; a folder with files stays.
        let _ = std::fs::remove_dir(&self.0);
    }
}

impl Artifacts<'_> {
    /// Writes the files, and returns their folder.
    pub(super) fn write(&self, folder: &Folder) -> io::Result<PathBuf> {
        let folder = folder.path().join(file_name(&self.case.id));
        std::fs::create_dir_all(&folder)?;
        let written = self.write_to(&folder);
        if written.is_err() {
            // Half of it says less than nothing.
            let _ = std::fs::remove_dir_all(&folder);
        }
        written.map(|()| folder)
    }

    fn write_to(&self, folder: &Path) -> io::Result<()> {
        let canaries = Canaries::of(self.record);
        let said = self.said.conversation.iter();
        let conversation = said.map(|line| canaries.redact(&by_name(line)).into_owned());
        write_own(&folder.join("conversation.txt"), &lines(conversation))?;
        let said = self.said.stderr.iter();
        let stderr = said.map(|line| canaries.redact(line).into_owned());
        write_own(&folder.join("stderr.txt"), &lines(stderr))?;
        let redacted = |text: String| canaries.redact(&text).into_owned();
        let journal = redacted(json(&self.record.exchanges)?);
        std::fs::write(folder.join("journal.json"), journal)?;
        std::fs::write(folder.join("record.json"), redacted(json(self.record)?))?;
        std::fs::write(folder.join("report.json"), json(self.report)?)?;
        let scenario = serde_saphyr::to_string(&*self.case.scenario).map_err(io::Error::other)?;
        std::fs::write(folder.join("scenario.yaml"), scenario)
    }
}

/// Writes a file that its owner alone can read: what a driver says may have secrets that nobody
/// knows to be ones.
fn write_own(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options).open(path)?.write_all(text.as_bytes())
}

/// A line of the conversation without what is a secret by its name.
fn by_name(line: &str) -> Cow<'_, str> {
    let Some((arrow, message)) = line.split_once(' ') else {
        return Cow::Borrowed(line);
    };
    match serde_json::from_str(message) {
        Ok(message) => {
            let redactor = Redactor::new(Redaction::On, KnownSecrets::default());
            let message = redactor.json(Names::Credentials, message);
            Cow::Owned(format!("{arrow} {message}"))
        }
        Err(_) => Cow::Borrowed(line),
    }
}

/// The id of a case as a file name: `auth.happy.connect.own-app.china`.
fn file_name(id: &str) -> String {
    let id = id.replace("auth=", "").replace("environment=", "");
    let name: String = id
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || it == '-' {
                it
            } else {
                '.'
            }
        })
        .collect();
    name.trim_matches('.').to_owned()
}

fn json(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string_pretty(value).map_err(io::Error::other)
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}
