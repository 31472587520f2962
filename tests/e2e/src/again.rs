//! A daemon that is killed alone, and another one that comes after it in the same place.

use std::fs;

use crate::daemon::{Daemon, Start};
use crate::process::{descendants, is_alive, send_signal};
use crate::rpc::Outcome;
use crate::run::run;
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

    /// Remembers the daemon and all that it started: they are to end with the test, whoever has them by then.
    fn leave_behind_all(&mut self) {
        let mut all = vec![self.pid()];
        all.extend(descendants(self.pid()));
        self.left_behind().add(all);
    }

    /// Has another daemon take over from this one, and waits until it answers in its place.
    pub fn hand_over(&mut self, start: &Start) {
        self.leave_behind_all();
        self.launch_again(start);
        let rpc = self.rpc();
        wait_until(PATIENCE, "the other daemon to answer", || {
            let ended = self.ended();
            assert!(ended.is_none(), "the take-over ended: {ended:?}");
            let pid = match rpc.call("supervisor.getPID", &[]) {
                Outcome::Value(pid) => pid.int(),
                _ => 0,
            };
            pid == i64::from(self.pid())
        });
    }

    /// The same, and the other daemon goes into the background: by the time at which its command returns, it is in its place.
    pub fn hand_over_in_background(&mut self, start: &Start) {
        self.leave_behind_all();
        let finished = run(&mut self.rival(start));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        self.now_in_background();
    }

    /// Starts the daemon again in the same place, with this in place of what it was started with, and waits until it
    /// answers.
    pub fn start_again(&mut self, start: &Start) {
        self.launch_again(start);
        self.wait_ready();
    }

    /// How many processes live that this or an earlier daemon in this place started as the program of this name.
    pub fn living_of(&self, name: &str) -> usize {
        let (place, variable) = (
            self.place().path(),
            format!("SUPERVISOR_PROCESS_NAME={name}"),
        );
        let is_one = |entry: &fs::DirEntry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let mut variables = environment.split(|&byte| byte == 0);
            let parent_is_too = || {
                let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
                let group = stat
                    .rsplit_once(") ")
                    .and_then(|(_, rest)| rest.split(' ').nth(2)?.parse().ok());
                group
                    != entry
                        .file_name()
                        .to_str()
                        .and_then(|text| text.parse::<u32>().ok())
            };
            fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == place)
                && variables.any(|found| found == variable.as_bytes())
                && !parent_is_too()
        };
        let all = fs::read_dir("/proc").expect("/proc is there").flatten();
        let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let found: Vec<u32> = all.filter(is_one).filter_map(pid).collect();
        // One that ended while others were looked at may have a successor among them.
        found.into_iter().filter(|pid| is_alive(*pid)).count()
    }
}
