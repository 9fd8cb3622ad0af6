//! A process beside this one that cleans up when this one is killed: it ends the commands that this
//! one started, and removes its temporary folders. A process that gets SIGKILL can't do it itself.
//!
//! The watchdog is this program again. A pipe leads to it, whose other end nobody else has: when it
//! closes, this process is gone, however it ended.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use super::Guarded;
use crate::clock::Clock;
use crate::platform::Asked;

/// Starts the watchdog of this process. Without it the functions below do nothing.
///
/// Call it from a program whose `main` begins with [`serve_if_asked`].
pub fn start() {
    if STARTED.get().is_some() {
        return;
    }
    match spawn() {
        Ok(child) => drop(STARTED.set(child)),
        Err(error) => tracing::warn!(
            %error,
            "no watchdog: what this process starts would outlive it, were it killed"
        ),
    }
}

/// Serves as the watchdog, where the process was started as one; whether it did.
pub fn serve_if_asked() -> bool {
    let asked = std::env::args_os().nth(1).is_some_and(|it| it == ARGUMENT);
    if asked {
        serve(io::stdin().lock());
    }
    asked
}

/// Says that a command is about to start, so that it ends even where this process is killed before
/// it knows the command's number: the watchdog then looks for the command by a variable of its
/// environment (on Linux; elsewhere that command stays).
pub fn announce(command: &mut Command, guarded: Guarded) -> Announced {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if guarded == Guarded::Group {
        command.process_group(0);
    }
    let mark = STARTED.get().map(|_| {
        // The numbers of processes come again.
        let now = Clock::real().now().as_nanosecond();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("{}-{now}-{count}", std::process::id())
    });
    if let Some(mark) = &mark {
        command.env(MARK, mark);
        let word = match guarded {
            Guarded::Process => Word::StartingProcess,
            Guarded::Group => Word::StartingGroup,
        };
        tell(word, mark.as_bytes());
    }
    Announced { guarded, mark }
}

/// A command that is about to start. Dropped, it has started or never will.
#[derive(Debug)]
#[must_use = "the command is looked for as long as this lives"]
pub struct Announced {
    guarded: Guarded,
    mark: Option<String>,
}

impl Announced {
    /// The command has started.
    pub fn started(self, child: &tokio::process::Child) -> Guard {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw);
        if let Some(id) = id {
            let word = match self.guarded {
                Guarded::Process => Word::Process,
                Guarded::Group => Word::Group,
            };
            tell_of(word, id);
        }
        Guard {
            id,
            guarded: self.guarded,
        }
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        if let Some(mark) = &self.mark {
            tell(Word::Started, mark.as_bytes());
        }
    }
}

/// What was started, guarded.
#[derive(Debug)]
pub struct Guard {
    /// Nothing, once it has ended: its number may be another's by then.
    id: Option<Pid>,
    guarded: Guarded,
}

impl Guard {
    /// Passes on what this process is asked for.
    pub fn ask(&self, asked: Asked) {
        let signal = match asked {
            Asked::HangUp => Signal::HUP,
            Asked::Interrupt => Signal::INT,
            Asked::Terminate => Signal::TERM,
        };
        if let Some(id) = self.id {
            let _ = kill_process(id, signal);
        }
    }

    /// The process has ended, or is to: what is left of its group ends.
    pub fn end(&mut self) {
        if let Some(id) = self.id.take() {
            if self.guarded == Guarded::Group {
                let _ = kill_process_group(id, Signal::KILL);
            }
            tell_of(Word::Ended, id);
        }
    }
}

/// Removes the folder, should this process be killed.
pub(crate) fn guard_folder(path: &Path) {
    tell(Word::Folder, path.as_os_str().as_bytes());
}

/// The folder is gone.
pub(crate) fn release_folder(path: &Path) {
    tell(Word::Removed, path.as_os_str().as_bytes());
}

static STARTED: OnceLock<(Child, ChildStdin)> = OnceLock::new();

const ARGUMENT: &str = "__watchdog";

/// The variable that marks a command.
const MARK: &str = "ENTRA_MOCK_STARTED";

fn spawn() -> io::Result<(Child, ChildStdin)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What a terminal or a runner sends to the whole group is not for the watchdog.
        .process_group(0)
        .spawn()?;
    let line = child.stdin.take().expect("piped above");
    Ok((child, line))
}

fn tell_of(word: Word, id: Pid) {
    tell(word, id.as_raw_nonzero().to_string().as_bytes());
}

/// One line. A pipe takes a line of this length whole or not at all (`PIPE_BUF`, pipe(7)), so that
/// threads need no lock.
fn tell(word: Word, what: &[u8]) {
    let Some((_, mut line)) = STARTED.get().map(|it| (&it.0, &it.1)) else {
        return;
    };
    let text = [word.as_bytes(), b" ", what, b"\n"].concat();
    if text.len() <= PIPE_BUF && !what.contains(&b'\n') {
        // A watchdog that was killed is none.
        let _ = line.write_all(&text);
    }
}

/// What POSIX demands at least.
const PIPE_BUF: usize = 512;

#[derive(Clone, Copy)]
enum Word {
    Ended,
    Folder,
    Group,
    Process,
    Removed,
    Started,
    StartingGroup,
    StartingProcess,
}

impl Word {
    const ALL: [Self; 8] = [
        Self::Ended,
        Self::Folder,
        Self::Group,
        Self::Process,
        Self::Removed,
        Self::Started,
        Self::StartingGroup,
        Self::StartingProcess,
    ];

    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Ended => b"ended",
            Self::Folder => b"folder",
            Self::Group => b"group",
            Self::Process => b"process",
            Self::Removed => b"removed",
            Self::Started => b"started",
            Self::StartingGroup => b"starting-group",
            Self::StartingProcess => b"starting-process",
        }
    }
}

/// What is to be cleaned up.
#[derive(Default)]
struct Charge {
    folders: HashSet<PathBuf>,
    groups: HashSet<Pid>,
    processes: HashMap<Pid, Handle>,
    /// By mark: what is about to start.
    starting: HashMap<Vec<u8>, Guarded>,
}

/// Listens until the process is gone, and cleans up.
fn serve(line: impl io::BufRead) {
    let mut charge = Charge::default();
    for said in line.split(b'\n') {
        let Ok(said) = said else { break };
        charge.hear(&said);
    }
    charge.clean_up();
}

impl Charge {
    fn hear(&mut self, said: &[u8]) {
        let mut parts = said.splitn(2, |it| *it == b' ');
        let (Some(word), Some(what)) = (parts.next(), parts.next()) else {
            return;
        };
        let word = Word::ALL.into_iter().find(|it| it.as_bytes() == word);
        let id = || {
            std::str::from_utf8(what)
                .ok()?
                .parse()
                .ok()
                .and_then(Pid::from_raw)
        };
        let path = || PathBuf::from(OsString::from_vec(what.to_vec()));
        match word {
            Some(Word::Folder) => self.folders.extend([path()]),
            Some(Word::Removed) => {
                self.folders.remove(&path());
            }
            Some(Word::Group) => self.groups.extend(id()),
            Some(Word::Process) => self.processes.extend(id().map(|it| (it, Handle::of(it)))),
            Some(Word::Ended) => {
                if let Some(id) = id() {
                    self.groups.remove(&id);
                    self.processes.remove(&id);
                }
            }
            Some(Word::StartingGroup) => {
                self.starting.insert(what.to_vec(), Guarded::Group);
            }
            Some(Word::StartingProcess) => {
                self.starting.insert(what.to_vec(), Guarded::Process);
            }
            Some(Word::Started) => {
                self.starting.remove(what);
            }
            None => {}
        }
    }

    /// Ends what was about to start, as far as it has started by now.
    fn end_starting(&mut self) {
        let processes = &mut self.processes;
        self.starting.retain(|mark, guarded| {
            let found = marked(mark);
            for id in &found {
                match guarded {
                    Guarded::Process => {
                        let handle = Handle::of(*id);
                        handle.signal(*id, Signal::TERM);
                        processes.insert(*id, handle);
                    }
                    Guarded::Group => Handle::of(*id).signal(*id, Signal::KILL),
                }
            }
            found.is_empty()
        });
    }

    fn clean_up(mut self) {
        for group in &self.groups {
            let _ = kill_process_group(*group, Signal::KILL);
        }
        for (id, handle) in &self.processes {
            handle.signal(*id, Signal::TERM);
        }
        for folder in &self.folders {
            let _ = std::fs::remove_dir_all(folder);
        }
        for _ in 0..LOOKS {
            self.end_starting();
            let lives = |it: &Pid| test_kill_process(*it).is_ok();
            if self.starting.is_empty() && !self.processes.keys().any(lives) {
                return;
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "the end of a process that is no child of ours makes no event"
            )]
            std::thread::sleep(BETWEEN_LOOKS);
        }
        for (id, handle) in &self.processes {
            handle.signal(*id, Signal::KILL);
        }
    }
}

/// The processes with a mark in their environment.
#[cfg(target_os = "linux")]
fn marked(mark: &[u8]) -> Vec<Pid> {
    let variable = [MARK.as_bytes(), b"=", mark].concat();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|it| {
        it.file_name()
            .to_str()?
            .parse()
            .ok()
            .and_then(Pid::from_raw)
    });
    ids.filter(|id| {
        let file = format!("/proc/{}/environ", id.as_raw_nonzero());
        std::fs::read(file).is_ok_and(|it| it.split(|byte| *byte == 0).any(|it| it == variable))
    })
    .collect()
}

#[cfg(not(target_os = "linux"))]
fn marked(_: &[u8]) -> Vec<Pid> {
    Vec::new()
}

/// Five seconds from SIGTERM to SIGKILL.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A process that another one with its number is not taken for.
struct Handle {
    #[cfg(target_os = "linux")]
    descriptor: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Handle {
    fn of(id: Pid) -> Self {
        let flags = rustix::process::PidfdFlags::empty();
        let descriptor = rustix::process::pidfd_open(id, flags).ok();
        Self { descriptor }
    }

    fn signal(&self, _: Pid, signal: Signal) {
        if let Some(descriptor) = &self.descriptor {
            let _ = rustix::process::pidfd_send_signal(descriptor, signal);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Handle {
    fn of(_: Pid) -> Self {
        Self {}
    }

    fn signal(&self, id: Pid, signal: Signal) {
        let _ = rustix::process::kill_process(id, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    fn sleeper() -> (Child, Pid) {
        let child = Command::new("sleep")
            .arg("60")
            .process_group(0)
            .spawn()
            .unwrap();
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        (child, id)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_about_to_start_is_found_and_what_had_started_is_left() {
        let marked = |mark: &str| {
            Command::new("sleep")
                .arg("60")
                .env(MARK, mark)
                .process_group(0)
                .spawn()
                .unwrap()
        };
        let (mut process, mut group, mut started) =
            (marked("1-1-1"), marked("1-1-2"), marked("1-1-3"));
        let waiting = std::thread::spawn(move || [process.wait().unwrap(), group.wait().unwrap()]);
        serve(
            &b"starting-process 1-1-1\nstarting-group 1-1-2\nstarting-process 1-1-3\nstarted 1-1-3\n"[..],
        );
        let signals = waiting.join().unwrap().map(|it| it.signal());
        assert_eq!(signals, [Some(15), Some(9)]);
        assert!(started.try_wait().unwrap().is_none());
        started.kill().unwrap();
        started.wait().unwrap();
    }

    #[test]
    fn what_is_left_is_cleaned_up_and_what_was_released_is_not() {
        let (mut process, process_id) = sleeper();
        let (mut group, group_id) = sleeper();
        let (mut released, released_id) = sleeper();
        let folder = tempfile::tempdir().unwrap();
        let (left, kept) = (folder.path().join("a b"), folder.path().join("kept"));
        for it in [&left, &kept] {
            std::fs::create_dir(it).unwrap();
        }
        let said = format!(
            "process {process_id}\ngroup {group_id}\nprocess {released_id}\ngroup {released_id}\n\
             folder {left}\nfolder {kept}\nended {released_id}\nremoved {kept}\nnonsense\nprocess x\n",
            left = left.display(),
            kept = kept.display(),
        );
        // The one that gets SIGTERM has to be waited for, or it stays as a zombie.
        let waiting = std::thread::spawn(move || process.wait().unwrap());
        serve(said.as_bytes());
        assert!(!waiting.join().unwrap().success());
        assert!(!group.wait().unwrap().success());
        assert!(released.try_wait().unwrap().is_none());
        assert!(!left.exists() && kept.exists());
        released.kill().unwrap();
        released.wait().unwrap();
    }
}
