//! Job objects in place of a process that watches: the system ends what is in a job when its last
//! handle is closed, and closes the handles of a process that ends, however it ends.
//!
//! Temporary folders are left to the next start: see [`crate::scratch`].
//!
//! Source: Microsoft Learn, "Job Objects"; rust-lang/cargo, `src/cargo/util/job.rs`.

use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tokio::process::Child;
use win32job::{ExtendedLimitInfo, Job, JobError};

use super::Guarded;
use crate::platform::Asked;

/// Puts this process in a job that ends with it, and with it all that it starts from now on.
pub fn start() {
    if STARTED.get().is_some() {
        return;
    }
    match ending().and_then(|job| job.assign_current_process().map(|()| job)) {
        Ok(job) => drop(STARTED.set(job)),
        Err(error) => tracing::warn!(
            %error,
            "no job object: what this process starts would outlive it, were it ended by force"
        ),
    }
}

/// No process is started as a watchdog here.
pub fn serve_if_asked() -> bool {
    false
}

/// Prepares a command that is about to start.
pub fn announce(command: &mut Command, guarded: Guarded) -> Announced {
    if guarded == Guarded::Group {
        // What the user presses is not for it.
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }
    Announced { guarded }
}

/// A command that is about to start.
#[derive(Debug)]
#[must_use = "it becomes the guard of the command"]
pub struct Announced {
    guarded: Guarded,
}

impl Announced {
    /// The command has started.
    pub fn started(self, child: &Child) -> Guard {
        let job = match self.guarded {
            // In the job of this process.
            Guarded::Process => None,
            // What it starts before it is assigned is in the job of this process alone.
            Guarded::Group => child.raw_handle().and_then(|handle| {
                let job = ending().ok()?;
                job.assign_process(handle as isize).ok().map(|()| job)
            }),
        };
        Guard { job }
    }
}

/// What was started, guarded.
#[derive(Debug)]
pub struct Guard {
    job: Option<Job>,
}

impl Guard {
    /// Passes on what this process is asked for: a console asks all its processes itself.
    pub fn ask(&self, _: Asked) {}

    /// The process has ended, or is to: what is left of its group ends.
    pub fn end(&mut self) {
        self.job = None;
    }
}

/// The folder is left to the next start.
pub(crate) fn guard_folder(_: &Path) {}

/// The folder is gone.
pub(crate) fn release_folder(_: &Path) {}

/// A job whose processes end when its last handle is closed.
fn ending() -> Result<Job, JobError> {
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    Job::create_with_limit_info(&limits)
}

/// Never dropped: the end of the process closes its handle.
static STARTED: OnceLock<Job> = OnceLock::new();

/// Source: Microsoft Learn, "Process Creation Flags".
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
