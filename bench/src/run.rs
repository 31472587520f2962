//! One life of one supervisor: it is started on a plan, measured, and ended with everything that descends from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, wait};

use crate::metrics::Bench;
use crate::peers::{Contestant, Deed};
use crate::plan::{Children, Plan};
use crate::process::{self, Usage};
use crate::stamps::{self, now, wait_until};

/// A supervisor that runs.
pub(crate) struct Run<'a> {
    pub(crate) contestant: &'a dyn Contestant,
    pub(crate) place: PathBuf,
    pub(crate) plan: Plan,
    bench: &'a Bench,
    child: Child,
    /// When it was started, on the clock of the stamps.
    pub(crate) begun: u64,
}

/// An empty directory for the next run of a contestant.
pub(crate) fn fresh(bench: &Bench, contestant: &dyn Contestant) -> Result<PathBuf, String> {
    let place = bench.tools.place.join(contestant.name());
    let failed = |error: std::io::Error| format!("{}: {error}", place.display());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(failed)?;
    }
    fs::create_dir_all(&place).map_err(failed)?;
    Ok(place)
}

impl<'a> Run<'a> {
    /// Starts it in a fresh directory, on the plan that is made for that directory.
    pub(crate) fn start(
        bench: &'a Bench,
        contestant: &'a dyn Contestant,
        plan: impl FnOnce(&Children<'_>) -> Plan,
    ) -> Result<Self, String> {
        let place = fresh(bench, contestant)?;
        let children = Children {
            program: &bench.tools.child,
            place: &place,
        };
        let plan = plan(&children);
        if plan.programs() > contestant.most() {
            return Err(format!(
                "it looks after {} programs at most",
                contestant.most()
            ));
        }
        make_gate(&children.gate())?;
        contestant.prepare(&place, &plan)?;
        let errors = fs::File::create(place.join("errors")).map_err(|error| error.to_string())?;
        let mut command = contestant.daemon(&place);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(errors).current_dir(&place);
        let begun = now();
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", contestant.name()))?;
        Ok(Self {
            contestant,
            place,
            plan,
            bench,
            child,
            begun,
        })
    }

    fn children(&self) -> Children<'_> {
        Children {
            program: &self.bench.tools.child,
            place: &self.place,
        }
    }

    /// Waits until so many starts in all have been stamped, and returns the times.
    pub(crate) fn starts(&self, count: usize) -> Result<Vec<u64>, String> {
        let stamps = stamps::wait_for(&self.children().stamps(), count)
            .map_err(|reason| format!("{reason}; it said: {}", self.complaint()))?;
        Ok(stamps.iter().map(|stamp| stamp.at).collect())
    }

    /// What it wrote to its standard error.
    fn complaint(&self) -> String {
        let text = fs::read_to_string(self.place.join("errors")).unwrap_or_default();
        text.chars().take(400).collect()
    }

    /// Waits until so many programs are there, however little they say.
    pub(crate) fn population(&self, count: usize) -> Result<(), String> {
        wait_until(
            || self.programs().len() >= count,
            || {
                format!(
                    "{count} programs did not start; it said: {}",
                    self.complaint()
                )
            },
        )?;
        // The last one still has to come to its gate.
        self.settle(Duration::from_millis(300));
        Ok(())
    }

    /// Lets what is not measured end.
    #[expect(clippy::unused_self, reason = "it is this run that comes to rest")]
    pub(crate) fn settle(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Its processes, without the programs.
    pub(crate) fn supervisors(&self) -> Vec<u32> {
        process::divided(&self.bench.tools, self.child.id()).0
    }

    /// The processes of the programs.
    pub(crate) fn programs(&self) -> Vec<u32> {
        process::divided(&self.bench.tools, self.child.id()).1
    }

    pub(crate) fn usage(&self, pids: &[u32]) -> Result<Usage, String> {
        process::usage(&self.bench.tools, pids)
    }

    /// Opens the gate; it stays open as long as the file that is returned.
    pub(crate) fn open_gate(&self) -> Result<fs::File, String> {
        fs::OpenOptions::new()
            .write(true)
            .open(self.children().gate())
            .map_err(|error| format!("cannot open the gate: {error}"))
    }

    /// How much the programs of a group have in their logs.
    pub(crate) fn logged(&self, group: &str) -> u64 {
        let of_group = self.plan.each().filter(|(each, _)| each.name == group);
        of_group
            .map(|(each, number)| {
                let log = self.contestant.log(&self.place, each, number);
                fs::metadata(log).map_or(0, |status| status.len())
            })
            .sum()
    }

    /// Runs the client and returns how long it took, in milliseconds; nothing where there is none.
    pub(crate) fn client(&self, deed: Deed) -> Result<Option<f64>, String> {
        let Some(mut command) = self.contestant.client(&self.place, &self.plan, deed) else {
            return Ok(None);
        };
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let begun = now();
        let status = command
            .status()
            .map_err(|error| format!("cannot start the client: {error}"))?;
        let took = stamps::millis(begun, now());
        // Some clients end with another status when a program is stopped, as is told of it.
        if status.success() || deed == Deed::Status {
            Ok(Some(took))
        } else {
            Err(format!("{deed:?} ended with {status}"))
        }
    }

    /// Asks it to end, and returns how long that took until the last process was gone, in milliseconds.
    pub(crate) fn end(&self) -> Result<f64, String> {
        let (supervisors, programs) = process::divided(&self.bench.tools, self.child.id());
        let mut open = Vec::new();
        for pid in supervisors.iter().chain(&programs).copied() {
            // Who has gone already needs no watching.
            if let Some(Ok(descriptor)) =
                pid_of(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()))
            {
                open.push(descriptor);
            }
        }
        let begun = now();
        signal(self.child.id(), self.contestant.farewell())?;
        while !open.is_empty() {
            let mut polled: Vec<PollFd<'_>> = open
                .iter()
                .map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
                .collect();
            let patience = rustix::event::Timespec {
                tv_sec: 60,
                tv_nsec: 0,
            };
            let ready = poll(&mut polled, Some(&patience)).map_err(|error| error.to_string())?;
            if ready == 0 {
                return Err(format!("{} processes do not end", open.len()));
            }
            let ended = polled.iter().map(|polled| !polled.revents().is_empty());
            let mut ended = ended.collect::<Vec<bool>>().into_iter();
            open.retain(|_| ended.next() != Some(true));
        }
        Ok(stamps::millis(begun, now()))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // Whatever is left is ours: it descends from this process, which takes up orphans. Who would start programs again
        // comes before them.
        let myself = std::process::id();
        let _ = wait_until(
            || {
                let left = process::family(myself);
                for &pid in left.iter().filter(|&&pid| pid != myself) {
                    let _ = signal(pid, Signal::KILL);
                }
                let _ = self.child.try_wait();
                while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
                left.len() <= 1
            },
            String::new,
        );
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(pid.cast_signed())
}

fn signal(pid: u32, signal: Signal) -> Result<(), String> {
    let pid = pid_of(pid).ok_or("no process")?;
    kill_process(pid, signal).map_err(|error| format!("cannot send a signal: {error}"))
}

fn make_gate(gate: &Path) -> Result<(), String> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, gate, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        .map_err(|error| format!("cannot make {}: {error}", gate.display()))
}
