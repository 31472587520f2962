//! All processes in service.

use super::machine::Process;
use provost_model::ProcId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Processes by their numbers. A copy shares all that do not change afterwards: of thousands, most rest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Processes(BTreeMap<ProcId, Arc<Process>>);

impl Processes {
    pub(crate) fn get(&self, proc: ProcId) -> Option<&Process> {
        self.0.get(&proc).map(|process| &**process)
    }

    pub(crate) fn get_mut(&mut self, proc: ProcId) -> Option<&mut Process> {
        self.0.get_mut(&proc).map(Arc::make_mut)
    }

    pub(crate) fn insert(&mut self, process: Process) {
        self.0.insert(process.id, Arc::new(process));
    }

    pub(crate) fn remove(&mut self, proc: ProcId) {
        self.0.remove(&proc);
    }

    pub(crate) fn contains(&self, proc: ProcId) -> bool {
        self.0.contains_key(&proc)
    }

    /// In the order of their numbers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Process> {
        self.0.values().map(|process| &**process)
    }

    /// The highest number.
    pub(crate) fn last(&self) -> Option<ProcId> {
        self.0.last_key_value().map(|(proc, _)| *proc)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
