//! How far the logs of a process stood when it ended, so that its last words can be found again.
//!
//! Only what ended has such a list, of as many ends as the core tells of. The words themselves stay in the logs.

use crate::shell::Shell;
use provost_model::info::ProcessHistory;
use provost_model::{Answer, ProcId, Reply};
use serde::{Deserialize, Serialize};

/// Ends that are remembered.
const KEPT: usize = 8;

/// The last ends of a process, the oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Exits(Vec<Exit>);

/// An end: when, as the core has it, and how many bytes had been written to each log.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Exit(u64, [u64; 2]);

impl Exits {
    fn note(&mut self, exit: Exit) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(exit);
    }

    fn put_into(&self, history: &mut ProcessHistory) {
        for told in &mut history.exits {
            let mut known = self.0.iter();
            let same = known.find(|exit| exit.0 == told.exit.at_ms);
            told.logged = same.map(|exit| exit.1);
        }
    }
}

impl Shell {
    /// What was written to the logs of a process by now.
    pub(crate) fn logged(&self, proc: ProcId) -> [u64; 2] {
        let Some(entry) = self.children.entries.get(&proc) else {
            return [0; 2];
        };
        let counts = self.logs.counts();
        entry
            .log_paths()
            .map(|path| path.map_or(0, |path| counts.written(path)))
    }

    /// A process ended, and the core knows.
    pub(crate) fn note_exit(&mut self, proc: ProcId, logged: [u64; 2]) {
        let Some(at) = self.core.last_exit_ms(proc) else {
            return;
        };
        if let Some(entry) = self.children.entries.get_mut(&proc) {
            let exits = entry.exits.get_or_insert_default();
            exits.note(Exit(at, logged));
        }
    }

    /// Puts into an answer what only we know.
    pub(crate) fn complete(&self, answer: Answer) -> Answer {
        let mut answer = self.pulse.mark(answer);
        if let Ok(Reply::History(history)) = &mut answer {
            let entry = self.children.entries.get(&history.proc);
            if let Some(exits) = entry.and_then(|entry| entry.exits.as_deref()) {
                exits.put_into(history);
            }
        }
        answer
    }
}
