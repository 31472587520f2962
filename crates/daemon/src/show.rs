//! What the control thread tells clients that follow processes.

use crate::children::Entry;
use crate::pulse::Change;
use crate::shell::Shell;
use provost_model::info::{Description, ProcessView};
use provost_model::{ProcId, ProcessState};
use provost_os::clock;

impl Shell {
    /// A process came into a state, or its child was born.
    pub(crate) fn show_changed(&self, proc: ProcId, state: ProcessState) {
        self.pulse.beat(|| {
            let mut view = self.core.view(clock::now(), proc)?;
            step_back(&mut view, state);
            Some(Change::Process(Box::new(view)))
        });
    }

    /// A process came into service.
    pub(crate) fn show_added(&self, proc: ProcId) {
        self.pulse.beat(|| {
            let view = self.core.view(clock::now(), proc)?;
            Some(Change::Added(Box::new(view)))
        });
    }

    /// A process went out of service.
    pub(crate) fn show_removed(&self, removed: Option<Entry>) {
        self.pulse.beat(|| {
            let spec = removed?.spec;
            Some(Change::Removed {
                group: spec.group.clone(),
                name: spec.name.clone(),
            })
        });
    }
}

/// The core has gone on already: a state that it passed through is shown as far as it is known.
fn step_back(view: &mut ProcessView, state: ProcessState) {
    if view.info.state == state {
        return;
    }
    view.info.state = state;
    view.info.description = match state {
        ProcessState::Stopped | ProcessState::Exited => Description::Ended,
        ProcessState::Backoff | ProcessState::Fatal => Description::Trouble,
        ProcessState::Starting
        | ProcessState::Running
        | ProcessState::Stopping
        | ProcessState::Unknown => Description::Empty,
    };
    if state.is_stopped() || state == ProcessState::Backoff {
        view.info.pid = 0;
    }
}
