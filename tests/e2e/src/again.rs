//! A daemon that is killed alone, and another one that comes after it in the same place.

use std::fs;

use crate::daemon::{Daemon, Start};
use crate::process::{descendants, is_alive, send_signal};
use crate::wait::{PATIENCE, wait_until};
use rustix::process::Signal;

/// Processes whose daemon was killed. Dropping it ends those that still live.
#[derive(Debug, Default)]
pub(crate) struct LeftBehind(Vec<(u32, Option<String>)>);

impl LeftBehind {
    /// Remembers these processes.
    pub(crate) fn add(&mut self, pids: Vec<u32>) {
        self.0
            .extend(pids.into_iter().map(|pid| (pid, started(pid))));
    }
}

impl Drop for LeftBehind {
    fn drop(&mut self) {
        for (pid, start) in &self.0 {
            // A pid that was given anew is nobody we know.
            if start.is_some() && started(*pid) == *start {
                send_signal(*pid, Signal::KILL);
            }
        }
    }
}

/// When a process started, in words of the kernel.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(19).map(str::to_owned)
}

impl Daemon {
    /// Kills the daemon and nothing that it started.
    pub fn kill_alone(&mut self) {
        let children = descendants(self.pid());
        self.left_behind().add(children);
        send_signal(self.pid(), Signal::KILL);
        let (pid, is_child) = (self.pid(), self.is_child());
        wait_until(PATIENCE, "the daemon to be gone", || {
            // One that is our child is waited for: its threads may hold its files a moment longer than its first one lives.
            self.ended().is_some() || (!is_child && !is_alive(pid))
        });
    }

    /// Starts the daemon again in the same place, with this in place of what it was started with, and waits until it
    /// answers.
    pub fn start_again(&mut self, start: Start) {
        self.launch_again(start);
        self.wait_ready();
    }
}
