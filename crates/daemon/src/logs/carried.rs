//! What the logs thread knows, in a form that another image of supervisord can go on with.
//!
//! Nothing is written or read for it, so a disk that hangs does not hold it up: what waits in pipes waits there, and what
//! waits in memory goes along.

use super::ending::Stuck;
use super::output::OutputState;
use super::sink::SinkState;
use provost_model::{Channel, ProcId, ProcessSpec, Run};
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything but the main log's own settings.
#[derive(Debug, Default)]
pub struct CarriedLogs {
    /// Runs whose output is read.
    pub runs: Vec<CarriedRun>,
    /// Logs with bytes that are not written yet.
    pub held: Vec<HeldLog>,
    /// Threads that hang and could not leave anything.
    pub stuck: Stuck,
}

impl CarriedLogs {
    /// Adds what another thread left.
    pub(super) fn add(&mut self, other: Self) {
        self.runs.extend(other.runs);
        self.held.extend(other.held);
    }

    /// Remnants are kept in the order of their age, and a run with channels on two threads is one again.
    pub(super) fn sort(&mut self) {
        self.runs.sort_by_key(|carried| carried.run);
        self.runs.dedup_by(|next, one| {
            let is_same = next.run == one.run;
            if is_same {
                one.channels.append(&mut next.channels);
                one.protocol |= next.protocol;
                one.is_remnant |= next.is_remnant;
            }
            is_same
        });
    }
}

/// What waits for one log.
#[derive(Debug, Serialize, Deserialize)]
pub struct HeldLog {
    /// Where it is.
    #[serde(with = "provost_model::saved::path")]
    pub path: PathBuf,
    /// What waits.
    pub state: SinkState,
}

/// The logs of one run.
#[derive(Debug)]
pub struct CarriedRun {
    /// Which run.
    pub run: Run,
    /// Its process.
    pub proc: ProcId,
    /// Its configuration, with the channels that it was started with.
    pub spec: Arc<ProcessSpec>,
    /// Whether its stdout is a protocol.
    pub protocol: bool,
    /// Its child is gone; somebody else holds a pipe open.
    pub is_remnant: bool,
    /// Its channels.
    pub channels: Vec<CarriedChannel>,
}

impl CarriedRun {
    /// The run with its stdout only, and with its stderr only.
    pub(super) fn parted(self) -> (Self, Self) {
        let (out, err) = self
            .channels
            .into_iter()
            .partition(|one| one.channel == Channel::Stdout);
        let with = |channels| Self {
            run: self.run,
            proc: self.proc,
            spec: self.spec.clone(),
            protocol: self.protocol,
            is_remnant: self.is_remnant,
            channels,
        };
        (with(out), with(err))
    }
}

/// One channel of a run.
#[derive(Debug)]
pub struct CarriedChannel {
    /// Which.
    pub channel: Channel,
    /// The file; none means no file.
    pub path: Option<PathBuf>,
    /// The read end.
    pub pipe: Option<OwnedFd>,
    /// What of its output is held back.
    pub state: OutputState,
}
