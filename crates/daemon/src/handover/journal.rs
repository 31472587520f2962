//! The last good state: what the core was a while ago, and what it has been told since.
//!
//! The core is pure: the same inputs bring it to the same state, so that the state before the one that it did not survive
//! can be worked out, and costs no more than to remember the inputs.

use provost_core::{Core, Input};
use provost_model::Now;

/// Inputs that are remembered before the state is remembered anew, with no processes in service.
const INPUTS_MIN: usize = 512;

/// So many processes let one more be remembered: to remember the state costs more the more there are, and memory counts.
const PROCESSES_FOR_ONE: usize = 4;

/// The last ones, which a report of a failure shows.
const SHOWN: usize = 16;

/// A state and what came after it.
#[derive(Debug)]
pub(crate) struct Journal {
    base: Core,
    inputs: Vec<(Now, Input)>,
}

impl Journal {
    /// Begins with this state.
    pub(crate) fn new(core: &Core) -> Self {
        Self {
            base: core.clone(),
            inputs: Vec::new(),
        }
    }

    /// The core, in this state and with so many processes in service, is about to be told this.
    pub(crate) fn note(&mut self, core: &Core, processes: usize, now: Now, input: &Input) {
        if self.inputs.len() >= INPUTS_MIN + processes / PROCESSES_FOR_ONE {
            self.base = core.clone();
            self.inputs.clear();
        }
        self.inputs.push((now, input.clone()));
    }

    /// Remembers this state and no input: a copy shares with the core whatever has come to rest.
    pub(crate) fn begin_anew(&mut self, core: &Core) {
        *self = Self::new(core);
    }

    /// The state before the last input, and that input.
    pub(crate) fn before_last(mut self) -> (Core, Option<Input>) {
        let last = self.inputs.pop().map(|(_, input)| input);
        let mut effects = Vec::new();
        for (now, input) in self.inputs {
            self.base.handle(now, input, &mut effects);
            // They were done when they were ordered.
            effects.clear();
        }
        (self.base, last)
    }

    /// The last inputs, a line each, oldest first.
    pub(crate) fn shown(&self) -> String {
        let from = self.inputs.len().saturating_sub(SHOWN);
        let last = self.inputs.iter().skip(from);
        let line = |(now, input): &(Now, Input)| format!("  {} {}", now.mono.0, shown(input));
        last.map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What an input is. What clients and programs wrote is left out: it may hold secrets.
fn shown(input: &Input) -> String {
    let name_of = |text: String| {
        let end = text.find([' ', '(', '{']).unwrap_or(text.len());
        text.get(..end).unwrap_or_default().to_owned()
    };
    match input {
        Input::Requested { id, request } => {
            format!("Requested {} {}", id.0, name_of(format!("{request:?}")))
        }
        Input::Spawned { .. }
        | Input::Signal(_)
        | Input::KillFailed { .. }
        | Input::RequesterGone { .. }
        | Input::Fenced { .. } => format!("{input:?}"),
        Input::Exited { run, status, .. } => format!("Exited {} {status:?}", run.0),
        Input::SpawnFailed { run, .. } => format!("SpawnFailed {}", run.0),
        other => name_of(format!("{other:?}")),
    }
}
