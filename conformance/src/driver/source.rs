//! Where a driver comes from: a command, a socket, or this process.

use std::collections::VecDeque;
use std::process::Stdio;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use entra_mock::platform::find_program;
use entra_mock::watchdog::{self, Announced, Guard, Guarded};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::socket;
use crate::case::Category;
use crate::reference::{Guise, Kind, Log, Store};
use crate::text::cut;

/// Where a driver comes from, as `--connector` names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A command whose standard input and output speak the protocol.
    Command(String),
    /// The built-in reference connector, in this process, for mail or for files: sound, or with a
    /// deliberate defect.
    Reference(Kind, Guise),
    /// A TCP socket, `tcp:HOST:PORT`.
    Tcp(String),
    /// A Unix socket, `unix:PATH`.
    Unix(String),
}

/// A driver that was started, with the two halves of its line.
pub struct Spawned {
    /// What it says.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What it hears.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The last lines of its standard error.
    pub(super) stderr: Stderr,
    /// The task that reads the standard error; it ends with it.
    pub(super) reading: Option<JoinHandle<()>>,
    /// The process, if there is one; ends when dropped, with its children.
    pub(super) process: Option<Process>,
}

/// A driver's standard error.
pub(super) type Stderr = Arc<Mutex<Heard>>;

/// What was heard of a driver's standard error since the last time.
#[derive(Debug, Default)]
pub struct Heard {
    /// The last lines, cut where they are long.
    pub lines: VecDeque<String>,
    /// The beginning of it as it came, to be searched for secrets.
    pub text: String,
}

impl Heard {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() == STDERR_LINES {
            self.lines.pop_front();
        }
        let line = String::from_utf8_lossy(line);
        if self.text.len() + line.len() <= STDERR_BYTES {
            self.text.push_str(&line);
        }
        self.lines.push_back(cut(line.trim_end(), STDERR_LETTERS));
    }
}

/// Why a driver can't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The command can't be run.
    #[error(
        "cannot run the connector '{command}': {error}{}; --connector takes a command, tcp:HOST:PORT, unix:PATH, or reference",
        entra_mock::platform::other_name(command.split(' ').next().unwrap_or_default())
    )]
    Command {
        /// The command.
        command: String,
        /// What happened.
        error: std::io::Error,
    },
    /// The socket can't be reached.
    #[error("cannot reach the connector at {address}: {error}")]
    Socket {
        /// The address.
        address: String,
        /// What happened.
        error: std::io::Error,
    },
    /// There is no such mutant, or style.
    #[error("{0}")]
    Mutant(String),
    /// The command has a quote that does not end.
    #[error("the command '{0}' has a quote that does not end")]
    Quote(String),
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(found) = plain(text) {
            let (kind, guise) = found.map_err(SourceError::Mutant)?;
            return Ok(Self::Reference(kind, guise));
        }
        if let Some(name) = text.strip_prefix(REFUSING) {
            let (guise, name) = guise_of(name);
            let (category, page) = match name.strip_suffix(AFTER_A_PAGE) {
                Some(category) => (category, true),
                None => (name, false),
            };
            let category = serde_json::from_value(category.into());
            let category: Category =
                category.map_err(|error| SourceError::Mutant(error.to_string()))?;
            let kind = Kind::Refusing {
                category,
                opens_a_page: page,
            };
            return Ok(Self::Reference(kind, guise));
        }
        if let Some(name) = text.strip_prefix("mutant:") {
            let (guise, name) = guise_of(name);
            let mutant = name.parse().map_err(SourceError::Mutant)?;
            return Ok(Self::Reference(Kind::Mutant(mutant), guise));
        }
        if let Some(name) = text.strip_prefix("style:") {
            let (guise, name) = guise_of(name);
            let style = name.parse().map_err(SourceError::Mutant)?;
            return Ok(Self::Reference(Kind::Style(style), guise));
        }
        if let Some(address) = text.strip_prefix("tcp:") {
            return Ok(Self::Tcp(address.to_owned()));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.to_owned()));
        }
        words(text)?;
        Ok(Self::Command(text.to_owned()))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(command) => formatter.write_str(command),
            Self::Reference(kind, guise) => {
                // Mail is what is meant where nothing is said.
                let (of, after) = match guise {
                    Guise::Mail => ("", ""),
                    Guise::Files => ("files:", ":files"),
                };
                match kind {
                    Kind::Sound => write!(formatter, "reference{after}"),
                    Kind::Null => write!(formatter, "null{after}"),
                    Kind::Silent => write!(formatter, "silent{after}"),
                    Kind::Mutant(mutant) => write!(formatter, "mutant:{of}{mutant}"),
                    Kind::Style(style) => write!(formatter, "style:{of}{style}"),
                    Kind::Refusing {
                        category,
                        opens_a_page,
                    } => {
                        let page = if *opens_a_page { AFTER_A_PAGE } else { "" };
                        write!(formatter, "{REFUSING}{of}{category}{page}")
                    }
                }
            }
            Self::Tcp(address) => write!(formatter, "tcp:{address}"),
            Self::Unix(path) => write!(formatter, "unix:{path}"),
        }
    }
}

impl Source {
    /// Starts the driver. A command gets the variables on top of this process's environment,
    /// without those in `unset`. The reference connector keeps its connections in `store`.
    pub async fn start(
        &self,
        variables: &[(String, String)],
        unset: &[&str],
        store: &Store,
    ) -> Result<Spawned, SourceError> {
        match self {
            Self::Command(command) => start_command(command, variables, unset),
            Self::Reference(kind, guise) => Ok(in_process((*kind, *guise), store.clone())),
            Self::Tcp(address) => {
                let failed = |error| SourceError::Socket {
                    address: address.clone(),
                    error,
                };
                let stream = TcpStream::connect(address).await.map_err(failed)?;
                let (reader, writer) = stream.into_split();
                Ok(Spawned::new(reader, writer))
            }
            Self::Unix(path) => {
                let failed = |error| SourceError::Socket {
                    address: path.clone(),
                    error,
                };
                let (reader, writer) = socket::connect(path).await.map_err(failed)?;
                Ok(Spawned::new(reader, writer))
            }
        }
    }
}

impl Spawned {
    /// A driver at the other end of a line.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            stderr: Stderr::default(),
            reading: None,
            process: None,
        }
    }
}

/// A process with its group: both end with it.
pub(super) struct Process {
    child: Child,
    guard: Guard,
}

impl Process {
    fn new(child: Child, announced: Announced) -> Self {
        let guard = announced.started(&child);
        Self { child, guard }
    }

    /// Waits for the driver to end by itself; whether it did in time. Children that it left behind
    /// end with it.
    pub(super) async fn wait(&mut self, limit: Duration) -> bool {
        let ended = tokio::time::timeout(limit, self.child.wait()).await.is_ok();
        if ended {
            self.guard.end();
        }
        ended
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.guard.end();
        let _ = self.child.start_kill();
    }
}

fn start_command(
    command: &str,
    variables: &[(String, String)],
    unset: &[&str],
) -> Result<Spawned, SourceError> {
    let words = words(command)?;
    let (program, arguments) = words.split_first().ok_or_else(|| SourceError::Command {
        command: command.to_owned(),
        error: std::io::Error::other("the command is empty"),
    })?;
    let mut process = Command::new(find_program(program));
    process
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in unset {
        process.env_remove(name);
    }
    process.envs(variables.iter().map(|(name, value)| (name, value)));
    let announced = watchdog::announce(process.as_std_mut(), Guarded::Group);
    let mut child = process.spawn().map_err(|error| SourceError::Command {
        command: command.to_owned(),
        error,
    })?;
    // All three are piped a few lines above.
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut spawned = Spawned::new(stdout.expect("piped"), stdin.expect("piped"));
    let kept = Arc::clone(&spawned.stderr);
    let mut reader = BufReader::new(stderr.expect("piped"));
    spawned.reading = Some(tokio::spawn(async move {
        loop {
            // A line without end is several lines.
            let mut line = Vec::new();
            let mut part = (&mut reader).take(STDERR_LINE_BYTES);
            match part.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => kept.lock().push(&line),
            }
        }
    }));
    spawned.process = Some(Process::new(child, announced));
    Ok(spawned)
}

/// The reference connector speaks the same lines as any other, through memory.
fn in_process(kind: (Kind, Guise), store: Store) -> Spawned {
    let stderr = Stderr::default();
    let kept = Arc::clone(&stderr);
    let log: Log = Arc::new(move |line| kept.lock().push(format!("{line}\n").as_bytes()));
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (their_reader, their_writer) = tokio::io::split(theirs);
    tokio::spawn(crate::reference::serve(
        their_reader,
        their_writer,
        kind,
        Some(store),
        log,
    ));
    let (reader, writer) = tokio::io::split(ours);
    Spawned {
        stderr,
        ..Spawned::new(reader, writer)
    }
}

/// The connectors that have no name of their own: `reference`, `reference:files`, `null`, `silent`.
/// An error where the guise is none.
fn plain(text: &str) -> Option<Result<(Kind, Guise), String>> {
    let (word, guise) = match text.split_once(':') {
        Some((word, guise)) => (word, Some(guise)),
        None => (text, None),
    };
    let kind = match word {
        "reference" => Kind::Sound,
        "null" => Kind::Null,
        "silent" => Kind::Silent,
        _ => return None,
    };
    let guise = guise.map_or(Ok(Guise::Mail), str::parse);
    Some(guise.map(|guise| (kind, guise)))
}

/// The guise before a name, if there is one.
fn guise_of(name: &str) -> (Guise, &str) {
    let split = name.split_once(':');
    let found = split.and_then(|(guise, rest)| Some((guise.parse().ok()?, rest)));
    found.unwrap_or((Guise::Mail, name))
}

/// Splits a command as a shell would: blanks, single and double quotes, and backslashes where they
/// are not what separates the folders of a path.
fn words(command: &str) -> Result<Vec<String>, SourceError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), it) if it == end => quote = None,
            (Some('"') | None, '\\') if !cfg!(windows) => word.extend(letters.next()),
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, it) if it.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, it) => word.push(it),
        }
    }
    if quote.is_some() {
        return Err(SourceError::Quote(command.to_owned()));
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// How a connector is named that only refuses.
const REFUSING: &str = "refusing:";
const AFTER_A_PAGE: &str = ":after-a-page";

const STDERR_LINES: usize = 200;
const STDERR_BYTES: usize = 2 << 20;
const STDERR_LETTERS: usize = 2_000;
const STDERR_LINE_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_are_named_as_documented() {
        let reference = Source::Reference(Kind::Sound, Guise::Mail);
        assert_eq!("reference".parse::<Source>().unwrap(), reference);
        for name in [
            "mutant:fixed-state",
            "null",
            "style:drafts-first",
            "refusing:access-denied",
            "refusing:untrusted:after-a-page",
            "silent",
            "reference",
            "reference:files",
            "mutant:files:fixed-state",
            "style:files:jitters",
            "refusing:files:untrusted:after-a-page",
            "null:files",
        ] {
            assert_eq!(name.parse::<Source>().unwrap().to_string(), name);
        }
        assert_eq!("reference:mail".parse::<Source>().unwrap(), reference);
        let error = "reference:file".parse::<Source>().unwrap_err().to_string();
        assert!(error.contains("did you mean 'files'?"), "{error}");
        assert!("mutant:fixed-stat".parse::<Source>().is_err());
        let tcp = Source::Tcp("127.0.0.1:9000".to_owned());
        assert_eq!("tcp:127.0.0.1:9000".parse::<Source>().unwrap(), tcp);
        assert_eq!(
            "unix:/tmp/s".parse::<Source>().unwrap(),
            Source::Unix("/tmp/s".to_owned())
        );
        assert!("python 'driver.py".parse::<Source>().is_err());
    }

    #[test]
    fn commands_are_split_as_a_shell_splits_them() {
        let split = words(r#"python  "my driver.py" --flag='a b' ''"#).unwrap();
        assert_eq!(split, ["python", "my driver.py", "--flag=a b", ""]);
        let split = words(r"C:\\driver.exe").unwrap();
        let backslashes = if cfg!(windows) { 2 } else { 1 };
        assert_eq!(split, [format!("C:{}driver.exe", "\\".repeat(backslashes))]);
    }
}
