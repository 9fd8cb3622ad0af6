//! A session with a driver: requests with time limits, notifications, and what goes wrong.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::source::{Heard, Process, Spawned, Stderr};
use crate::protocol::{
    FAILURE_CODE, Failure, MESSAGE_LIMIT, Notification, Request, UNKNOWN_METHOD,
};
use crate::text::cut;

/// A session with a driver.
pub struct Session {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    incoming: mpsc::Receiver<Line>,
    next_id: u64,
    notifications: VecDeque<Notification>,
    stderr: Stderr,
    reading: Option<JoinHandle<()>>,
    process: Option<Process>,
    /// The lines in both directions, for the report.
    conversation: Conversation,
    /// What the driver may still say.
    budget: Budget,
    watch: Option<fn(&str)>,
}

/// When an answer must have come, whatever is said before it.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    limit: Duration,
}

/// What a driver may say in a case. A driver that says more is not listened to any longer: what it
/// says is kept, and would fill the memory.
#[derive(Clone, Copy, Debug)]
struct Budget {
    messages: usize,
    bytes: usize,
}

/// The lines in both directions, as many as are kept.
#[derive(Debug, Default)]
struct Conversation {
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

/// What a driver answered to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It worked.
    Result(Value),
    /// It failed, and the driver says how.
    Failure(Failure),
    /// The driver does not have the method.
    UnknownMethod,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Result(value) => {
                let text = cut(&value.to_string(), RESULT_SHOWN);
                write!(formatter, "the result {text}")
            }
            Self::Failure(failure) => {
                let Failure {
                    category, message, ..
                } = failure;
                write!(formatter, "a failure with {category}: {message}")
            }
            Self::UnknownMethod => formatter.write_str("the code -32601, for an unknown method"),
        }
    }
}

/// What is the driver's own fault, not the connector's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// A line that is no message.
    #[error("standard output is for the protocol only, but the driver printed: {0}")]
    NotJson(String),
    /// A message that does not fit the protocol.
    #[error("the driver's answer to '{method}' does not fit the protocol: {problem}")]
    Misfit {
        /// The method that was asked.
        method: String,
        /// What is wrong.
        problem: String,
    },
    /// No answer in time.
    #[error("the driver did not answer '{method}' within {seconds} s")]
    Timeout {
        /// The method that was asked.
        method: String,
        /// The limit.
        seconds: u64,
    },
    /// The driver is gone.
    #[error("the driver ended before it answered '{0}'")]
    Ended(String),
    /// A line without end.
    #[error("the driver sent a line of more than {} MiB", MESSAGE_LIMIT >> 20)]
    TooLong,
    /// More than a case can need.
    #[error(
        "the driver said more than {CASE_MESSAGES} messages or {mebibytes} MiB in a case, the last \
         of them while '{method}' was open",
        mebibytes = CASE_BYTES >> 20
    )]
    TooMuch {
        /// The method that was asked.
        method: String,
    },
}

enum Line {
    Text {
        text: String,
        /// Its share of the memory for lines that are not read yet, given back when it is.
        share: OwnedSemaphorePermit,
    },
    TooLong,
    End,
}

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            // A limit without end.
            at: now.checked_add(limit).unwrap_or(now + A_YEAR),
            limit,
        }
    }

    fn is_over(self) -> bool {
        Instant::now() >= self.at
    }

    fn missed(self, method: &str) -> DriverError {
        DriverError::Timeout {
            method: method.to_owned(),
            seconds: self.limit.as_secs(),
        }
    }
}

impl Budget {
    const fn of_a_case() -> Self {
        Self {
            messages: CASE_MESSAGES,
            bytes: CASE_BYTES,
        }
    }

    /// Takes a message; whether it was within the budget.
    fn take(&mut self, bytes: usize) -> bool {
        let left = (self.messages.checked_sub(1), self.bytes.checked_sub(bytes));
        let (Some(messages), Some(bytes)) = left else {
            return false;
        };
        *self = Self { messages, bytes };
        true
    }
}

impl Conversation {
    fn push(&mut self, line: String) {
        if self.bytes + line.len() > CONVERSATION_BYTES {
            self.left_out += 1;
            return;
        }
        self.bytes += line.len();
        self.lines.push(line);
    }

    fn take(&mut self) -> Vec<String> {
        let Self {
            mut lines,
            left_out,
            ..
        } = std::mem::take(self);
        if left_out > 0 {
            lines.push(format!("… and {left_out} lines that were not kept"));
        }
        lines
    }
}

impl Session {
    /// Begins a session with a started driver.
    pub fn new(spawned: Spawned) -> Self {
        let (tell, incoming) = mpsc::channel(64);
        let memory = Arc::new(Semaphore::new(UNREAD_BYTES));
        let mut reader = BufReader::new(spawned.reader);
        tokio::spawn(async move {
            loop {
                let mut line = Vec::new();
                let limit = MESSAGE_LIMIT as u64 + 1;
                let read = (&mut reader).take(limit).read_until(b'\n', &mut line).await;
                let sent = match read {
                    Ok(0) | Err(_) => {
                        let _ = tell.send(Line::End).await;
                        return;
                    }
                    Ok(length) if length > MESSAGE_LIMIT => {
                        let _ = tell.send(Line::TooLong).await;
                        return;
                    }
                    Ok(_) => {
                        let text = String::from_utf8_lossy(&line).trim().to_owned();
                        drop(line);
                        // A message is far shorter than 4 GiB, and the semaphore is never closed.
                        let size = u32::try_from(text.len().min(UNREAD_BYTES)).unwrap_or(u32::MAX);
                        let share = Arc::clone(&memory).acquire_many_owned(size).await;
                        let Ok(share) = share else { return };
                        if text.is_empty() {
                            Ok(())
                        } else {
                            tell.send(Line::Text { text, share }).await
                        }
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        Self {
            writer: spawned.writer,
            incoming,
            next_id: 1,
            notifications: VecDeque::new(),
            stderr: spawned.stderr,
            reading: spawned.reading,
            process: spawned.process,
            conversation: Conversation::default(),
            budget: Budget::of_a_case(),
            watch: None,
        }
    }

    /// Shows every line as it is said.
    pub fn watch(&mut self, watch: Option<fn(&str)>) {
        self.watch = watch;
    }

    fn note(&mut self, line: String) {
        if let Some(watch) = self.watch {
            watch(&line);
        }
        self.conversation.push(line);
    }

    /// A new case begins: the driver may say as much as in any other one.
    pub fn begin_case(&mut self) {
        self.budget = Budget::of_a_case();
    }

    /// Sends a request.
    pub async fn send(&mut self, request: &Request, by: Deadline) -> Result<u64, DriverError> {
        let id = self.next_id;
        self.write(request.message(id), request.method(), by)
            .await?;
        Ok(id)
    }

    async fn write(
        &mut self,
        mut line: String,
        method: &str,
        by: Deadline,
    ) -> Result<(), DriverError> {
        self.next_id += 1;
        self.note(format!("→ {line}"));
        line.push('\n');
        let writer = &mut self.writer;
        let written = tokio::time::timeout_at(by.at, async {
            writer.write_all(line.as_bytes()).await?;
            writer.flush().await
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => {
                self.hear_the_last().await;
                Err(DriverError::Ended(method.to_owned()))
            }
            // It does not read.
            Err(_) => Err(by.missed(method)),
        }
    }

    /// Waits until the standard error has ended, too: its last lines say why the driver is gone.
    /// Children of the driver may hold it open, so the wait is short.
    async fn hear_the_last(&mut self) {
        if let Some(reading) = self.reading.take() {
            let _ = tokio::time::timeout(LAST_WORDS, reading).await;
        }
    }

    /// Sends a request that need not fit the protocol, and waits for its answer.
    pub async fn ask_raw(
        &mut self,
        method: &str,
        params: Value,
        limit: Duration,
    ) -> Result<Reply, DriverError> {
        let by = Deadline::after(limit);
        let id = self.next_id;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.write(line.to_string(), method, by).await?;
        self.answer(id, method, by).await
    }

    /// Waits for the answer to one of the open requests, or for a notification on the way.
    pub async fn next(
        &mut self,
        open: &[u64],
        method: &str,
        by: Deadline,
    ) -> Result<Incoming, DriverError> {
        if let Some(notification) = self.notifications.pop_front() {
            return Ok(Incoming::Notification(notification));
        }
        loop {
            // A driver that never stops talking is never waited for.
            if by.is_over() {
                return Err(by.missed(method));
            }
            let line = tokio::time::timeout_at(by.at, self.incoming.recv()).await;
            let text = match line {
                Err(_) => return Err(by.missed(method)),
                Ok(None | Some(Line::End)) => {
                    self.hear_the_last().await;
                    return Err(DriverError::Ended(method.to_owned()));
                }
                Ok(Some(Line::TooLong)) => return Err(DriverError::TooLong),
                Ok(Some(Line::Text { text, share })) => {
                    drop(share);
                    text
                }
            };
            if !self.budget.take(text.len()) {
                let method = method.to_owned();
                return Err(DriverError::TooMuch { method });
            }
            self.note(format!("← {}", cut(&text, LINE_KEPT)));
            let misfit = |problem: String| DriverError::Misfit {
                method: method.to_owned(),
                problem,
            };
            let message: Value = serde_json::from_str(&text)
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| DriverError::NotJson(cut(&text, LINE_KEPT)))?;
            if message.get("method").is_some() {
                match serde_json::from_value(message) {
                    Ok(notification) => return Ok(Incoming::Notification(notification)),
                    // Unknown notifications are for later versions.
                    Err(_) => continue,
                }
            }
            let id = match message.get("id") {
                Some(Value::Number(number)) => match number.as_u64() {
                    Some(id) if open.contains(&id) => id,
                    // To an earlier request that was answered or ran out of time.
                    Some(id) if id < self.next_id => {
                        return Err(misfit(format!("a second or late answer to request {id}")));
                    }
                    _ => {
                        return Err(misfit(format!(
                            "expected an id of {open:?}, found {number}"
                        )));
                    }
                },
                other => {
                    let found = other.map_or_else(|| "no id".to_owned(), ToString::to_string);
                    return Err(misfit(format!("expected an id of {open:?}, found {found}")));
                }
            };
            return reply(&message)
                .map(|reply| Incoming::Reply(id, reply))
                .map_err(misfit);
        }
    }

    /// Sends a request and waits for its answer; notifications are kept for later.
    pub async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Reply, DriverError> {
        let by = Deadline::after(limit);
        let id = self.send(request, by).await?;
        self.answer(id, request.method(), by).await
    }

    async fn answer(&mut self, id: u64, method: &str, by: Deadline) -> Result<Reply, DriverError> {
        let mut kept = VecDeque::new();
        let result = loop {
            match self.next(&[id], method, by).await {
                Ok(Incoming::Notification(notification)) => kept.push_back(notification),
                Ok(Incoming::Reply(_, reply)) => break Ok(reply),
                Err(error) => break Err(error),
            }
        };
        self.notifications.append(&mut kept);
        result
    }

    /// All lines so far, and forgets them.
    pub fn take_conversation(&mut self) -> Vec<String> {
        self.conversation.take()
    }

    /// The last lines of standard error since the last [`Self::take_stderr`].
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().lines.iter().cloned().collect()
    }

    /// What was heard of standard error, and forgets it.
    pub fn take_stderr(&mut self) -> Heard {
        std::mem::take(&mut self.stderr.lock())
    }

    /// Gives what the driver wrote to standard error before its last answer a moment to come.
    pub async fn await_stderr(&mut self) {
        if self.reading.is_some() {
            let _ = tokio::time::timeout(STDERR_GRACE, std::future::pending::<()>()).await;
        }
    }

    /// Closes the line to the driver and waits for it to end by itself; whether it did in time.
    /// Its children end with it.
    pub async fn wait(&mut self, limit: Duration) -> bool {
        // A driver may wait for the end of its input.
        let _ = tokio::time::timeout(limit, self.writer.shutdown()).await;
        self.writer = Box::new(tokio::io::sink());
        match &mut self.process {
            Some(process) => process.wait(limit).await,
            None => true,
        }
    }

    /// Asks the driver to end, and ends it if it does not.
    pub async fn shut_down(mut self, limit: Duration) {
        let _ = self.ask(&Request::Shutdown {}, limit).await;
        self.wait(limit).await;
    }
}

/// What comes from a driver while a request is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// Something on the way.
    Notification(Notification),
    /// The answer to the request with this id.
    Reply(u64, Reply),
}

fn reply(message: &Value) -> Result<Reply, String> {
    match (message.get("result"), message.get("error")) {
        (Some(result), None | Some(Value::Null)) => Ok(Reply::Result(result.clone())),
        (None | Some(Value::Null), Some(error)) => {
            let code = error["code"]
                .as_i64()
                .ok_or("an error without a numeric code")?;
            if code == UNKNOWN_METHOD {
                return Ok(Reply::UnknownMethod);
            }
            if code != FAILURE_CODE {
                let text = error["message"].as_str().unwrap_or_default();
                return Err(format!(
                    "an error with code {code} ({text}) instead of {FAILURE_CODE}"
                ));
            }
            let mut failure: Failure = serde_json::from_value(error["data"].clone())
                .map_err(|error| format!("the error's data: {error}"))?;
            if failure.message.is_empty() {
                error["message"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut failure.message);
            }
            Ok(Reply::Failure(failure))
        }
        _ => Err("an answer needs either 'result' or 'error'".to_owned()),
    }
}

const LINE_KEPT: usize = 4000;

const RESULT_SHOWN: usize = 200;

/// How long the standard error is listened to after the standard output has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the standard error of a case is waited for: it comes by another pipe than the answer.
const STDERR_GRACE: Duration = Duration::from_millis(2);

/// What a driver may say in a case.
const CASE_MESSAGES: usize = 10_000;
const CASE_BYTES: usize = 4 * MESSAGE_LIMIT;

/// What is kept of a conversation.
const CONVERSATION_BYTES: usize = 4 << 20;

/// How much a driver may have said that nobody has read yet.
const UNREAD_BYTES: usize = MESSAGE_LIMIT + (1 << 20);

const A_YEAR: Duration = Duration::from_hours(365 * 24);
