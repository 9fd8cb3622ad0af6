//! Steps at once.

use std::collections::BTreeMap;

use super::case_run::{CaseRun, Interrupt};
use super::step::call_answer;
use crate::case::{Action, Step};
use crate::driver::Incoming;

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
                Action::Event(_) | Action::Note(_) => Box::pin(self.step(step)).await?,
                other => {
                    let name = other.name();
                    return Err(Interrupt::Suite(format!(
                        "'together' takes calls, events and repetitions of them, but has the step '{name}'"
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
            let answer = call_answer(reply)?;
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
