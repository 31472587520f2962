//! What a supervisord that was killed has left behind: each is taken over at once and once, as what it was (I01, I02, I42).

use super::Monitor;
use super::table;
use provost_model::{Notice, Orphan, Pid, ProcId, ProcessState, Run};

impl Monitor {
    /// Those that were found go on where they were; no event is made of it.
    pub(super) fn take_over(&mut self) {
        let now = self.now.mono;
        let mut unknown = Vec::new();
        for orphan in &self.orphans {
            let Some(proc) = self.procs.values_mut().find(|proc| is_of(orphan, proc)) else {
                unknown.push(orphan.name.clone());
                continue;
            };
            let (started, _) = orphan.started;
            let up = started.plus(table::secs(proc.spec.startsecs));
            proc.pid = Some(orphan.pid);
            proc.started = Some(started);
            proc.must_start = false;
            (proc.state, proc.due) = if up <= now {
                (ProcessState::Running, None)
            } else {
                (ProcessState::Starting, Some(up))
            };
            self.notices.push(Notice::Adopted {
                name: proc.name.clone(),
                pid: orphan.pid,
                changed: orphan.changed,
            });
        }
        for name in unknown {
            self.fail("I02", format!("{name} was found, and is not in service"));
        }
    }

    /// The core takes a process over.
    pub(super) fn adopted(&mut self, id: ProcId, run: Run, pid: Pid) {
        let fresh = run.0 > self.last_run;
        self.check(fresh, "I01", || format!("{run:?} was used before"));
        self.last_run = self.last_run.max(run.0);
        let found = self.procs.get(&id).and_then(|proc| {
            let of = |orphan: &Orphan| is_of(orphan, proc) && orphan.pid == pid;
            self.orphans.iter().position(of)
        });
        let (Some(place), Some(proc)) = (found, self.procs.get_mut(&id)) else {
            self.fail("I02", format!("{id:?} took over what nobody left behind"));
            return;
        };
        self.orphans.remove(place);
        proc.run = Some(run);
        self.runs.insert(run, id);
    }

    /// Once it serves, nobody is left who has no owner.
    pub(super) fn orphans_at_rest(&mut self) {
        if self.mood != super::Mood::Waiting {
            for orphan in std::mem::take(&mut self.orphans) {
                let what = format!("{} with pid {} has no owner", orphan.name, orphan.pid);
                self.fail("I02", what);
            }
        }
    }
}

fn is_of(orphan: &Orphan, proc: &table::Proc) -> bool {
    *proc.name == *orphan.name && *proc.group == *orphan.group
}
