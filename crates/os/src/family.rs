//! Processes that came from a child: finding them, and signals that reach exactly them.
//!
//! What the kernel tells in `/proc` is a snapshot. A process is therefore known by its pid and the moment at which it
//! started, and a signal goes by a descriptor of the process, so that one that got the same pid later is never met.

use crate::kill;
use crate::pidfd::PidFd;
use crate::proc::{Stat, stat_of};
use provost_model::{Errno, Pid, Signal};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Most processes that one search finds. A fork bomb is killed in more than one round.
const FOUND_MAX: usize = 10_000;

/// One process, told from a later one with the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its pid.
    pub pid: Pid,
    /// When it started, in the kernel's ticks since boot.
    started: u64,
}

impl Member {
    /// The process that has this pid now; none when there is none, or only a zombie.
    pub fn now(pid: Pid) -> Option<Self> {
        let Stat { state, started, .. } = stat_of(pid)?;
        (!matches!(state, 'Z' | 'X')).then_some(Self { pid, started })
    }

    /// Whether it still lives.
    pub fn is_alive(self) -> bool {
        Self::now(self.pid) == Some(self)
    }

    /// Sends it a signal. That it has ended is no failure.
    pub fn signal(self, signal: Signal) -> Result<(), Errno> {
        let sent = self.send(signal);
        match sent {
            Err(error) if error.0 == libc::ESRCH => Ok(()),
            sent => sent,
        }
    }

    fn send(self, signal: Signal) -> Result<(), Errno> {
        let process = match PidFd::open(self.pid) {
            Ok(process) => process,
            // A kernel without descriptors of processes: the look before the signal must do.
            Err(Errno(libc::ENOSYS)) if self.is_alive() => {
                return kill::kill(self.pid, signal, false);
            }
            Err(Errno(libc::ENOSYS)) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Looked at after the descriptor was opened: if it is still the one, the descriptor is of it.
        if self.is_alive() {
            process.signal(signal, false)
        } else {
            Ok(())
        }
    }
}

/// From now on, orphans among our descendants become our children; or not any more.
pub fn take_in_orphans(on: bool) -> io::Result<()> {
    let value = on.then_some(rustix::process::Pid::INIT);
    Ok(rustix::process::set_child_subreaper(value)?)
}

/// The living children of a process, of all its threads.
pub fn children_of(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|word| word.parse().ok().map(Pid)),
        );
    }
    found
}

/// These processes, their children, and so on; each once.
pub fn with_descendants(first: impl IntoIterator<Item = Pid>) -> BTreeSet<Member> {
    let mut found = BTreeSet::new();
    let mut next: Vec<Pid> = first.into_iter().collect();
    while let Some(pid) = next.pop() {
        if found.len() >= FOUND_MAX {
            break;
        }
        if let Some(member) = Member::now(pid)
            && found.insert(member)
        {
            next.extend(children_of(pid));
        }
    }
    found
}

/// Whether a process was started with all of these in its environment.
pub fn has_in_environment(pid: Pid, wanted: &[String]) -> bool {
    let path = format!("/proc/{pid}/environ");
    let environment = fs::read(Path::new(&path)).unwrap_or_default();
    let has = |pair: &String| {
        let mut pairs = environment.split(|&byte| byte == 0);
        pairs.any(|one| one == pair.as_bytes())
    };
    wanted.iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_member_is_found_signalled_and_gone() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        let member = Member::now(pid).unwrap();
        assert!(
            with_descendants([Pid(i32::try_from(std::process::id()).unwrap())]).contains(&member)
        );
        let another = Member {
            started: member.started + 1,
            ..member
        };
        another.signal(Signal::KILL).unwrap();
        assert!(
            member.is_alive(),
            "a signal for another process with that pid met it"
        );
        member.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(!member.is_alive());
        assert_eq!(member.signal(Signal::KILL), Ok(()));
    }
}
