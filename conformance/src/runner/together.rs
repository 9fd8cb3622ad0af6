//! Steps at once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::case_run::{CaseRun, Interrupt};
use super::step::call_answer;
use crate::case::{Action, Step};
use crate::driver::Incoming;
use crate::judge::Answer;
use crate::protocol::Request;

impl CaseRun<'_> {
    /// Sends the calls at once, lets the events happen, and takes the answers as they come.
    pub(super) async fn together(&mut self, steps: &[Step]) -> Result<(), Interrupt> {
        let by = self.deadline();
        let mut open: BTreeMap<u64, (usize, &Step, String)> = BTreeMap::new();
        for step in spread(steps) {
            match &step.action {
                Action::Call(call) => {
                    self.begin("call", Some(&call.operation), Some(&call.connection));
                    let place = self.record.steps.len() - 1;
                    let request = self.call_request(call)?;
                    let id = self.worker.session()?.send(&request, by).await?;
                    open.insert(id, (place, step, call.operation.clone()));
                }
                Action::Disconnect { connection } => {
                    self.begin("disconnect", None, Some(connection));
                    let place = self.record.steps.len() - 1;
                    // What was asked before it is under way by then.
                    #[expect(clippy::disallowed_methods, reason = "time passes at the driver")]
                    tokio::time::sleep(A_MOMENT).await;
                    self.connections.remove(connection);
                    let request = Request::Disconnect {
                        connection: self.connection(connection),
                    };
                    let id = self.worker.session()?.send(&request, by).await?;
                    open.insert(id, (place, step, "disconnect".to_owned()));
                }
                Action::Arrives(_) | Action::Event(_) | Action::Note(_) => {
                    Box::pin(self.step(step)).await?;
                }
                other => {
                    let name = other.name();
                    return Err(Interrupt::Suite(format!(
                        "'together' takes calls, disconnects, events and repetitions of them, but has the step '{name}'"
                    )));
                }
            }
        }
        let mut failed = Ok(());
        while !open.is_empty() {
            let ids: Vec<u64> = open.keys().copied().collect();
            let Incoming::Reply(id, reply) = self.next(&ids, "call", by).await? else {
                continue;
            };
            let Some((place, step, name)) = open.remove(&id) else {
                continue;
            };
            let answer = match &step.action {
                Action::Disconnect { .. } => {
                    reply.into_answer("disconnect", |_| Ok(Answer::Value { value: Value::Null }))?
                }
                _ => call_answer(reply)?,
            };
            let after = self.position();
            self.record.steps[place].after = after;
            self.record.steps[place].answer = Some(answer.clone());
            // All answers are taken, whatever one of them says.
            failed = self.compare(&name, &answer, step).and(failed);
            if let Action::Call(call) = &step.action {
                failed = self.keep(call, &answer).and(failed);
            }
        }
        failed
    }
}

/// How long after the calls before it a `disconnect` comes.
const A_MOMENT: Duration = Duration::from_millis(200);

/// The steps of a `together`, with those that a `repeat` repeats as often as it says.
fn spread(steps: &[Step]) -> Vec<&Step> {
    let mut all = Vec::new();
    for step in steps {
        match &step.action {
            Action::Repeat(repeat) => {
                (0..repeat.times.get()).for_each(|_| all.extend(&repeat.steps));
            }
            _ => all.push(step),
        }
    }
    all
}
