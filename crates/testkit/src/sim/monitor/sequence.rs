//! In which order things are done to many processes: by priority (I25, I26).

use super::Monitor;
use provost_model::{Notice, ProcId, Request, RequestId, Run, Signal};
use std::sync::Arc;

/// Where a process stands among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    group_priority: i64,
    group: Arc<str>,
    priority: i64,
}

impl Place {
    /// Whether what is at `self` may be dealt with before what is at `other`. Groups of one priority have no order
    /// here, nor have processes of one priority in a group.
    fn comes_before(&self, other: &Self) -> bool {
        let in_group = self.group != other.group || self.priority <= other.priority;
        self.group_priority <= other.group_priority && in_group
    }
}

impl Monitor {
    fn place(&self, id: ProcId) -> Option<Place> {
        let proc = self.procs.get(&id)?;
        let group = self.groups.get(&*proc.group)?;
        Some(Place {
            group_priority: group.spec.priority,
            group: proc.group.clone(),
            priority: proc.spec.priority,
        })
    }

    /// One request starts its processes group by group, both in ascending priority.
    pub(super) fn started_in_turn(&mut self, id: ProcId, request: RequestId) {
        let Some(place) = self.place(id) else {
            return;
        };
        let Some(asked) = self.requests.get_mut(&request) else {
            return;
        };
        let before = asked.last_started.replace(place.clone());
        let in_turn = before
            .as_ref()
            .is_none_or(|before| before.comes_before(&place));
        self.check(in_turn, "I26", || {
            format!("{request:?} started {place:?} after {before:?}")
        });
    }

    /// A signal other than SIGKILL is sent.
    pub(super) fn signalled_next(&mut self, run: Run, signal: Signal) {
        let place = self.runs.get(&run).and_then(|id| self.place(*id));
        if signal != Signal::KILL {
            self.signalled.extend(place);
        }
    }

    /// Requests go upwards; the ordered stop goes downwards within each group.
    pub(super) fn signalled_in_turn(&mut self) {
        let signalled = std::mem::take(&mut self.signalled);
        let mut pairs = signalled.iter().zip(signalled.iter().skip(1));
        if self.mood.is_stopping() {
            let is_down = pairs.all(|(one, next)| next.comes_before(one));
            self.check(is_down, "I25", || {
                format!("stopped in the order {signalled:?}")
            });
        } else {
            let is_up = pairs.all(|(one, next)| one.comes_before(next));
            self.check(is_up, "I26", || {
                format!("sent signals in the order {signalled:?}")
            });
        }
    }

    /// A line about a wait is written only while somebody waits.
    pub(super) fn waits_for_stop(&mut self, notice: &Notice, name: &Arc<str>) {
        let id = self
            .procs
            .values()
            .find(|proc| proc.name == *name)
            .map(|proc| proc.id);
        let waits = |id: ProcId| {
            self.requests.values().any(|asked| {
                let stops = matches!(
                    asked.request,
                    Request::StopProcess { wait: true, .. }
                        | Request::StopProcessGroup { wait: true, .. }
                        | Request::StopAllProcesses { wait: true }
                );
                stops && asked.waits() && asked.covers(id)
            })
        };
        let holds = id.is_some_and(waits);
        self.check(holds, "I17", || format!("nobody waits: {notice:?}"));
    }
}
