//! Whether the jobs of a state that came from outside fit together.

use super::Jobs;
use super::batch::Batch;
use crate::saved::{Sound, ensure};
use provost_model::{ProcId, RequestId, Run};

impl Jobs {
    /// Whether all parts fit together.
    pub(crate) fn check(&self) -> Sound {
        for (request, batch) in &self.batches {
            let is_whole = batch.is_whole();
            ensure(is_whole, || format!("request {} is in disorder", request.0))?;
        }
        for (proc, watches) in &self.watches {
            for watch in watches {
                let batch = self.batches.get(&watch.request);
                let item = batch.and_then(|batch| batch.items.get(watch.index));
                let waits = item.is_some_and(|item| item.proc == *proc && !item.is_done);
                ensure(waits, || {
                    format!("process {} is watched for nobody", proc.0)
                })?;
            }
        }
        Ok(())
    }

    /// Requests that are to be answered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.unanswered.iter().copied()
    }

    /// Requests whose deeds are under way.
    pub(crate) fn working(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.batches.keys().copied()
    }

    /// Processes for which somebody waits.
    pub(crate) fn watched(&self) -> impl Iterator<Item = ProcId> + '_ {
        self.watches.keys().copied()
    }

    /// The latest run to which a client's signal is on its way.
    pub(crate) fn last_signalled(&self) -> Option<Run> {
        self.sent.last_key_value().map(|(run, _)| *run)
    }
}

impl Batch {
    fn is_whole(&self) -> bool {
        let items = self.items.len();
        let open = self.items.iter().filter(|item| !item.is_done).count();
        let early = self.early.keys().copied();
        let mut places = early.chain(self.late.iter().map(|(index, _)| *index));
        open > 0 && open == self.open && self.next <= items && places.all(|place| place < items)
    }
}
