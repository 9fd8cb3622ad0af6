//! A second process of the connector, on the store of the first.

use super::case_run::{CaseRun, Interrupt};
use crate::case::Step;
use crate::protocol::Request;

impl CaseRun<'_> {
    /// Does steps with the second process, which lives until the case ends.
    pub(super) async fn second_process(&mut self, steps: &[Step]) -> Result<(), Interrupt> {
        self.turn().await?;
        self.steps(steps).await?;
        self.turn().await
    }

    /// Turns to the other process, and tells it what time it is in this case.
    async fn turn(&mut self) -> Result<(), Interrupt> {
        self.kept.clear();
        self.worker.turn().await.map_err(Interrupt::Suite)?;
        let behind = self.advanced - std::mem::replace(&mut self.other_advanced, self.advanced);
        if behind != 0 {
            self.ask(&Request::AdvanceClock { seconds: behind }).await?;
        }
        Ok(())
    }
}
