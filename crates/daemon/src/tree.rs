//! `stop_tree`: a stop that reaches every process that came from a program.
//!
//! Whoever came from a living child is found by its parents. Whose parents have ended is a child of ours, since we take
//! orphans in, and is known by the variables that every process of a program is started with. The exit of the program
//! is kept back until all of them have ended: each end of an orphan wakes us, so nobody waits by the clock.

use crate::crash;
use crate::handover::Doing;
use crate::shell::Shell;
use provost_model::{Level, Pid, ProcessSpec, Run, Signal};
use provost_os::family::{self, Member};
use std::collections::BTreeSet;

/// SIGKILLs after which a process that does not end is left: it hangs in the kernel, or is not ours to end.
const KILLS_MAX: u32 = 2;

/// The processes that a stop waits for.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    members: BTreeSet<Member>,
    kills: u32,
    /// The program itself has ended, and its exit is kept back.
    pub(crate) holds_exit: bool,
}

impl Tree {
    fn forget_dead(&mut self) {
        self.members.retain(|member| member.is_alive());
    }
}

impl Shell {
    /// Takes orphans in as long as one program wants its whole tree stopped.
    pub(crate) fn mind_orphans(&mut self) {
        let wanted = self
            .children
            .entries
            .values()
            .any(|entry| entry.spec.stop_tree);
        if wanted == self.takes_in_orphans {
            return;
        }
        self.takes_in_orphans = wanted;
        if let Err(error) = family::take_in_orphans(wanted) {
            let text = format!(
                "could not take in orphans for stop_tree: {error}; it reaches only processes whose parents live"
            );
            self.log(Level::Warn, text);
        }
    }

    /// Sends a signal of a stop to all that came from a program, but not to the program itself.
    pub(crate) fn kill_tree(&mut self, run: Run, signal: Signal) {
        let Some(entry) = self.children.entry_of(run) else {
            return;
        };
        let spec = entry.spec.clone();
        let mut found = self.orphans_of(&spec);
        let Some(child) = self.children.runs.get_mut(&run) else {
            return;
        };
        if let Some(pid) = child.pid {
            found.extend(family::children_of(pid));
        }
        let tree = child.tree.get_or_insert_default();
        tree.forget_dead();
        found.extend(tree.members.iter().map(|member| member.pid));
        tree.members = family::with_descendants(found);
        crash::point("signal");
        let mut refused = None;
        for member in &tree.members {
            if let Err(errno) = member.signal(signal) {
                refused = Some((member.pid, errno));
            }
        }
        self.doing = Doing::Nothing;
        tree.kills += u32::from(signal == Signal::KILL);
        let (left, kills, holds_exit) = (tree.members.len(), tree.kills, tree.holds_exit);
        let name = &spec.name;
        if let Some((pid, errno)) = refused {
            let text =
                format!("could not send {signal} to pid {pid}, which came from '{name}': {errno}");
            self.log(Level::Warn, text);
        }
        if left > 0 && kills == 1 && signal == Signal::KILL {
            let noun = if left == 1 { "process" } else { "processes" };
            let text = format!(
                "{left} {noun} that came from '{name}' did not end in time, killing with SIGKILL"
            );
            self.log(Level::Warn, text);
        }
        if holds_exit && kills > KILLS_MAX {
            let noun = if left == 1 { "process" } else { "processes" };
            let text =
                format!("{left} {noun} that came from '{name}' cannot be ended and are left");
            self.log(Level::Error, text);
            self.finish(run);
        }
    }

    /// The output of a child that has ended is read. Whether its exit waits for others of its tree.
    pub(crate) fn waits_for_tree(&mut self, run: Run) -> bool {
        let Some(tree) = self.children.tree_of(run) else {
            return false;
        };
        tree.forget_dead();
        // Since the signal they may have got children, and lost their parents.
        let found: Vec<Pid> = tree.members.iter().map(|member| member.pid).collect();
        tree.members = family::with_descendants(found);
        let waits = !tree.members.is_empty();
        tree.holds_exit = waits;
        if waits {
            self.children.hold(run);
        }
        waits
    }

    /// A process that is no child of ours has ended: exits that waited for it can be told.
    pub(crate) fn orphan_ended(&mut self) {
        for run in self.children.held() {
            if !self.waits_for_tree(run) {
                self.finish(run);
            }
        }
    }

    /// Orphans that came from a program.
    fn orphans_of(&self, spec: &ProcessSpec) -> Vec<Pid> {
        let marks = [
            format!("SUPERVISOR_PROCESS_NAME={}", spec.name),
            format!("SUPERVISOR_GROUP_NAME={}", spec.group),
        ];
        let Ok(us) = i32::try_from(std::process::id()) else {
            return Vec::new();
        };
        let mut ours = family::children_of(Pid(us));
        ours.retain(|&pid| !self.children.is_known(pid) && family::has_in_environment(pid, &marks));
        ours
    }
}
