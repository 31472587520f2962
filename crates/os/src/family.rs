//! Processes that came from a child: finding them, and signals that reach exactly them.
//!
//! What the kernel tells in `/proc` is a snapshot. A process is therefore known by its pid and the moment at which it
//! started, and a signal goes by a descriptor of the process, so that one that got the same pid later is never met.

use crate::{errno, kill, last_errno};
use provost_model::{Errno, Pid, Signal};
use rustix::process::{PidfdFlags, pidfd_open};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
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
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = parse_stat(&text)?;
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
        let pid = rustix::process::Pid::from_raw(self.pid.0).ok_or(Errno(libc::EINVAL))?;
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            // A kernel without descriptors of processes: the look before the signal must do.
            Err(rustix::io::Errno::NOSYS) if self.is_alive() => {
                return kill::kill(self.pid, signal, false);
            }
            Err(rustix::io::Errno::NOSYS) => return Ok(()),
            Err(error) => return Err(errno(error)),
        };
        // Looked at after the descriptor was opened: if it is still the one, the descriptor is of it.
        if !self.is_alive() {
            return Ok(());
        }
        // SAFETY: the call takes an open descriptor and numbers; without a `siginfo` it touches no memory of ours.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                descriptor.as_raw_fd(),
                signal.number(),
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(last_errno())
        }
    }
}

/// State and start from the text of a `/proc/PID/stat`.
fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    // The start is the 22nd field, the state the third.
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
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
    fn a_name_with_brackets_and_blanks_does_not_confuse() {
        let fields: Vec<String> = (4..30).map(|number| number.to_string()).collect();
        let text = format!("12 (a) b) R {}", fields.join(" "));
        assert_eq!(parse_stat(&text), Some(('R', 22)));
        for broken in ["", "1 (a", "1 (a) ", "1 (a) R 1 2 3"] {
            assert_eq!(parse_stat(broken), None, "{broken}");
        }
    }

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
