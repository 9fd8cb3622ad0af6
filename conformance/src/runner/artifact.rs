//! What is kept of a failed case: conversation, journal, standard error, scenario, report.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::worker::Output;
use crate::case::Case;
use crate::judge::Record;
use crate::report::CaseReport;

/// The folder of a run.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

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
        std::fs::write(
            folder.join("conversation.txt"),
            lines(&self.said.conversation),
        )?;
        std::fs::write(folder.join("stderr.txt"), lines(&self.said.stderr))?;
        std::fs::write(folder.join("journal.json"), json(&self.record.exchanges)?)?;
        std::fs::write(folder.join("record.json"), json(self.record)?)?;
        std::fs::write(folder.join("report.json"), json(self.report)?)?;
        let scenario = serde_saphyr::to_string(&*self.case.scenario).map_err(io::Error::other)?;
        std::fs::write(folder.join("scenario.yaml"), scenario)?;
        Ok(folder)
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

fn lines(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}
