//! A session with a driver: requests with time limits, notifications, and what goes wrong.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::source::{Process, Spawned, Stderr};
use crate::protocol::{
    FAILURE_CODE, Failure, MESSAGE_LIMIT, Notification, Request, UNKNOWN_METHOD,
};

/// A session with a driver.
pub struct Session {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    incoming: mpsc::Receiver<Line>,
    next_id: u64,
    notifications: VecDeque<Notification>,
    stderr: Stderr,
    reading: Option<JoinHandle<()>>,
    process: Option<Process>,
    /// Every line in both directions, for the report.
    conversation: Vec<String>,
    watch: Option<fn(&str)>,
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
}

enum Line {
    Text(String),
    TooLong,
    End,
}

impl Session {
    /// Begins a session with a started driver.
    pub fn new(spawned: Spawned) -> Self {
        let (tell, incoming) = mpsc::channel(64);
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
                        if text.is_empty() {
                            Ok(())
                        } else {
                            tell.send(Line::Text(text)).await
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
            conversation: Vec::new(),
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

    /// Sends a request.
    pub async fn send(&mut self, request: &Request) -> Result<u64, DriverError> {
        let id = self.next_id;
        self.write(request.message(id), request.method()).await?;
        Ok(id)
    }

    async fn write(&mut self, mut line: String, method: &str) -> Result<(), DriverError> {
        self.next_id += 1;
        self.note(format!("→ {line}"));
        line.push('\n');
        let written = self.writer.write_all(line.as_bytes()).await;
        match written.and(self.writer.flush().await) {
            Ok(()) => Ok(()),
            Err(_) => {
                self.hear_the_last().await;
                Err(DriverError::Ended(method.to_owned()))
            }
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
        let id = self.next_id;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.write(line.to_string(), method).await?;
        self.answer(id, method, limit).await
    }

    /// Waits for the answer to one of the open requests, or for a notification on the way.
    pub async fn next(
        &mut self,
        open: &[u64],
        method: &str,
        limit: Duration,
    ) -> Result<Incoming, DriverError> {
        if let Some(notification) = self.notifications.pop_front() {
            return Ok(Incoming::Notification(notification));
        }
        loop {
            let line = tokio::time::timeout(limit, self.incoming.recv()).await;
            let text = match line {
                Err(_) => {
                    let (method, seconds) = (method.to_owned(), limit.as_secs());
                    return Err(DriverError::Timeout { method, seconds });
                }
                Ok(None | Some(Line::End)) => {
                    self.hear_the_last().await;
                    return Err(DriverError::Ended(method.to_owned()));
                }
                Ok(Some(Line::TooLong)) => return Err(DriverError::TooLong),
                Ok(Some(Line::Text(text))) => text,
            };
            self.note(format!("← {}", cut(&text)));
            let misfit = |problem: String| DriverError::Misfit {
                method: method.to_owned(),
                problem,
            };
            let message: Value = serde_json::from_str(&text)
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| DriverError::NotJson(cut(&text)))?;
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
        let id = self.send(request).await?;
        self.answer(id, request.method(), limit).await
    }

    async fn answer(
        &mut self,
        id: u64,
        method: &str,
        limit: Duration,
    ) -> Result<Reply, DriverError> {
        let mut kept = VecDeque::new();
        let result = loop {
            match self.next(&[id], method, limit).await {
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
        std::mem::take(&mut self.conversation)
    }

    /// The last lines of standard error.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().iter().cloned().collect()
    }

    /// Waits for the driver to end by itself; whether it did in time.
    pub async fn wait(&mut self, limit: Duration) -> bool {
        match &mut self.process {
            Some(process) => tokio::time::timeout(limit, process.child.wait())
                .await
                .is_ok(),
            None => true,
        }
    }

    /// Asks the driver to end, and ends it if it does not.
    pub async fn shut_down(mut self, limit: Duration) {
        let _ = self.ask(&Request::Shutdown {}, limit).await;
        if let Some(process) = &mut self.process {
            let _ = tokio::time::timeout(limit, process.child.wait()).await;
        }
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

fn cut(text: &str) -> String {
    if text.chars().count() <= LINE_KEPT {
        return text.to_owned();
    }
    format!(
        "{}… ({} bytes)",
        text.chars().take(LINE_KEPT).collect::<String>(),
        text.len()
    )
}

const LINE_KEPT: usize = 4000;

/// How long the standard error is listened to after the standard output has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
