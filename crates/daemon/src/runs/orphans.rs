//! What an earlier supervisord left behind: found by its records, made sure of, and sorted, before anything is started.
//!
//! A process is touched only when it is certainly the one that was recorded. It is held by a descriptor from before that
//! is looked at, so that a pid that is given anew meanwhile means nobody.

use super::{Here, digest, stop_rule};
use crate::takeover::Taken;
use provost_config::Config;
use provost_core::adopt::{self, Fate, Reason};
use provost_model::spec::namespec;
use provost_model::{Level, Mono, Orphan, Pid, ProcessSpec, Wall};
use provost_os::pidfd::PidFd;
use provost_os::{clock, private, proc};
use provost_wire::runs::{self, Reading, RunRecord};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a file of records at most: far more than those of as many processes as a machine can have.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How far the age that a supervisord tells of a process may be from the one that the system tells: it counts from before
/// the process is made, which on a busy machine takes a while. Beyond it the clock was set.
const AGE_SLACK: Duration = Duration::from_secs(30);

/// A process that is certainly the recorded one.
#[derive(Debug)]
pub(crate) struct Held {
    /// What was written down about it.
    pub(crate) record: RunRecord,
    /// It.
    pub(crate) process: PidFd,
    /// Whether it was started with another configuration than the one in force.
    pub(crate) changed: bool,
    /// What was taken for it from a supervisord that was still there.
    pub(crate) taken: Option<Taken>,
}

impl Held {
    /// Its full name.
    pub(crate) fn namespec(&self) -> String {
        namespec(&self.record.group, &self.record.name)
    }

    /// How old it is by the moment that another supervisord, from which it was taken, remembers as its start; the `real` age
    /// tells whether the clock was set since.
    fn told_age(&self, now: Wall, real: Option<Duration>) -> Option<Duration> {
        self.taken.as_ref()?;
        let secs = u64::try_from(now.secs.checked_sub(self.record.started_secs)?).ok()?;
        let told = Duration::new(secs, now.nanos);
        real.is_none_or(|real| real.abs_diff(told) < AGE_SLACK)
            .then_some(told)
    }

    /// As the core hears of it.
    pub(crate) fn orphan(&self) -> Orphan {
        let now = clock::now();
        let age = self.record.identity.ticks.map(proc::age_of);
        let age = self.told_age(now.wall, age).or(age);
        let age_ns = age.map_or(0, |age| u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
        let wall = Wall {
            secs: self.record.started_secs,
            nanos: 0,
        };
        Orphan {
            group: self.record.group.clone(),
            name: self.record.name.clone(),
            pid: self.process.pid(),
            started: (Mono(now.mono.0.saturating_sub(age_ns)), wall),
            changed: self.changed,
            ended: self.taken.as_ref().and_then(|taken| taken.last_end),
            has_socket: self.taken.as_ref().is_some_and(|taken| taken.has_socket),
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// They are taken over.
    pub(crate) adopt: Vec<Held>,
    /// They are stopped, and why.
    pub(crate) stop: Vec<(Held, Reason)>,
    /// Events get numbers from here on.
    pub(crate) serials: u64,
    /// What the operator is told.
    pub(crate) lines: Vec<(Level, String)>,
}

impl Found {
    /// AUTO logs that are still written to.
    pub(crate) fn auto_logs(&self) -> Vec<PathBuf> {
        let logs = self.adopt.iter().flat_map(|held| &held.record.auto_logs);
        logs.flatten().cloned().collect()
    }
}

/// Looks for what is left of an earlier supervisord. An error means that this one may not start.
pub(crate) fn find(config: &Config, here: &Here) -> Result<Found, String> {
    let mut found = Found::default();
    let path = runs::path_beside(&config.supervisord.pidfile);
    let reading = read(&path, &mut found.lines);
    found.serials = reading.serials;
    let held = living(reading.running, here, &mut found.lines);
    let names: Vec<(&str, &str)> = held
        .iter()
        .map(|held| (held.record.group.as_str(), held.record.name.as_str()))
        .collect();
    let fates = adopt::fates(config.supervisord.orphans, &config.groups, &names);
    let mut refused = Vec::new();
    for (held, fate) in held.into_iter().zip(fates) {
        match fate {
            Fate::Adopt => {
                let spec = spec_of(config, &held.record);
                let changed = spec.is_none_or(|spec| digest(spec) != held.record.digest);
                found.adopt.push(Held { changed, ..held });
            }
            Fate::Stop(reason) => found.stop.push((held, reason)),
            Fate::Refuse => refused.push(held),
        }
    }
    if refused.is_empty() {
        Ok(found)
    } else {
        Err(refusal(&refused))
    }
}

/// Why supervisord does not start, and the list of those who live.
fn refusal(refused: &[Held]) -> String {
    let mut text = format!(
        "{} started by an earlier supervisord, and orphans=refuse; stop them, or set orphans to adopt or kill",
        match refused.len() {
            1 => "a process lives that was".to_owned(),
            count => format!("{count} processes live that were"),
        }
    );
    for held in refused {
        let _ = write!(text, "\n{} pid {}", held.namespec(), held.process.pid());
    }
    text
}

/// What the file says, as far as it can be believed.
fn read(path: &Path, lines: &mut Vec<(Level, String)>) -> Reading {
    let bytes = match private::read(path, FILE_BYTES_MAX, false) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(problem) => {
            let text = format!(
                "the run records {} are not believed: {problem}; no process is taken over, and serials of events begin at 0",
                path.display()
            );
            lines.push((Level::Warn, text));
            return Reading::default();
        }
    };
    let reading = runs::read(&bytes);
    if reading.damaged > 0 {
        let text = format!(
            "{} lines of the run records {} are damaged; processes of which they told are not taken over",
            reading.damaged,
            path.display()
        );
        lines.push((Level::Warn, text));
    }
    reading
}

/// The recorded processes that live.
fn living(running: Vec<RunRecord>, here: &Here, lines: &mut Vec<(Level, String)>) -> Vec<Held> {
    let mut held = Vec::new();
    let mut foreign = 0;
    for record in running {
        if !is_from_here(&record, here) {
            foreign += 1;
        } else if let Some(process) = verify(&record) {
            held.push(Held {
                record,
                process,
                changed: false,
                taken: None,
            });
        } else {
            let name = namespec(&record.group, &record.name);
            let pid = record.identity.pid;
            let text = format!(
                "ended: '{name}' with pid {pid}, while no supervisord ran (status unknown)"
            );
            lines.push((Level::Info, text));
        }
    }
    if foreign > 0 {
        let text = format!(
            "{foreign} run records are of another boot or another namespace of pids; they name nobody"
        );
        lines.push((Level::Info, text));
    }
    held
}

/// Whether a pid in this record means something here.
fn is_from_here(record: &RunRecord, here: &Here) -> bool {
    let identity = &record.identity;
    !identity.boot.is_empty() && identity.boot == here.boot && identity.namespace == here.namespace
}

/// The process of this record, if it lives and is still the same.
fn verify(record: &RunRecord) -> Option<PidFd> {
    let identity = &record.identity;
    let own = i32::try_from(std::process::id()).ok().map(Pid);
    if own == Some(identity.pid) {
        return None;
    }
    PidFd::open_same(identity.pid, identity.ticks, identity.pidfd, record.uid)
}

/// The configuration of a recorded process.
fn spec_of<'a>(config: &'a Config, record: &RunRecord) -> Option<&'a Arc<ProcessSpec>> {
    let group = config
        .groups
        .iter()
        .find(|spec| spec.name == record.group)?;
    group
        .processes
        .iter()
        .rfind(|spec| spec.name == record.name)
}

/// The rule by which a recorded process is stopped: that of its configuration, or the one it was started with.
pub(super) fn rule_of(config: &Config, record: &RunRecord) -> provost_wire::runs::StopRule {
    spec_of(config, record).map_or(record.stop, |spec| stop_rule(spec))
}

#[cfg(test)]
#[path = "orphans_tests.rs"]
mod tests;
