//! The processes in service and their runs, as the edge knows them: paths, descriptors, pids.
//!
//! Nothing is decided here; the core decides by run, and this table says which pid and pipes a run has.

use crate::exits::Exits;
use crate::gate::Gate;
use crate::logs::Place;
use crate::spawn_order::Ready;
use crate::stdin::ChildStdin;
use crate::tree::Tree;
use provost_model::Signal;
use provost_model::spec::LogFile;
use provost_model::{
    Channel, Errno, ExitStatus, GroupKind, GroupSpec, Mono, Pid, ProcId, ProcessSpec, Run, SocketId,
};
use provost_os::spawn::Line;
use provost_wire::helper::FrameReader;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A process in service.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its configuration.
    pub(crate) spec: Arc<ProcessSpec>,
    /// Its group.
    pub(crate) group: Arc<GroupSpec>,
    /// Its AUTO logs: stdout, stderr; none where it has none, as the names of others are in the configuration.
    auto_logs: Option<Box<[Option<PathBuf>; 2]>>,
    /// What its spawns before found out; none before the second, as most have only one.
    pub(crate) known: Option<Box<Known>>,
    was_spawned: bool,
    /// Its last ends; none before the first.
    pub(crate) exits: Option<Box<Exits>>,
}

/// What one spawn finds out for the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Where its logs lie.
    pub(crate) places: [Place; 2],
    /// The number of its configuration in run records.
    pub(crate) digest: u64,
}

impl Entry {
    /// An entry whose AUTO logs are named by `auto`.
    pub(crate) fn new(
        spec: Arc<ProcessSpec>,
        group: Arc<GroupSpec>,
        mut auto: impl FnMut(&ProcessSpec, Channel) -> PathBuf,
    ) -> Self {
        let mut name = |logfile: &LogFile, channel| {
            matches!(logfile, LogFile::Auto).then(|| auto(&spec, channel))
        };
        let stdout = name(&spec.stdout.logfile, Channel::Stdout);
        let stderr = if spec.redirect_stderr {
            None
        } else {
            name(&spec.stderr.logfile, Channel::Stderr)
        };
        Self::with_logs(spec, group, [stdout, stderr])
    }

    /// An entry whose AUTO logs have these names. Those of other logs are left out.
    pub(crate) fn with_logs(
        spec: Arc<ProcessSpec>,
        group: Arc<GroupSpec>,
        [stdout, stderr]: [Option<PathBuf>; 2],
    ) -> Self {
        let auto = |path: Option<PathBuf>, logfile: &LogFile| {
            path.filter(|_| matches!(logfile, LogFile::Auto))
        };
        let auto_logs = [
            auto(stdout, &spec.stdout.logfile),
            auto(stderr, &spec.stderr.logfile),
        ];
        Self {
            auto_logs: auto_logs
                .iter()
                .any(Option::is_some)
                .then(|| Box::new(auto_logs)),
            known: None,
            was_spawned: false,
            exits: None,
            spec,
            group,
        }
    }

    /// The AUTO log of a channel.
    pub(crate) fn auto_log(&self, channel: Channel) -> Option<&Path> {
        let [stdout, stderr] = self.auto_logs.as_deref()?;
        match channel {
            Channel::Stdout => stdout.as_deref(),
            Channel::Stderr => stderr.as_deref(),
        }
    }

    /// Its logs with AUTO names resolved: stdout, stderr.
    pub(crate) fn logs(&self) -> [Option<PathBuf>; 2] {
        self.log_paths().map(|path| path.map(Path::to_path_buf))
    }

    /// The same without copies.
    pub(crate) fn log_paths(&self) -> [Option<&Path>; 2] {
        [Channel::Stdout, Channel::Stderr].map(|channel| {
            let output = match channel {
                Channel::Stdout => &self.spec.stdout,
                Channel::Stderr if self.spec.redirect_stderr => return None,
                Channel::Stderr => &self.spec.stderr,
            };
            match &output.logfile {
                LogFile::None => None,
                LogFile::Auto => self.auto_log(channel),
                LogFile::Path(path) => Some(path),
            }
        })
    }

    /// Remembers what a spawn found out, from the second on.
    pub(crate) fn learn(&mut self, known: Known) {
        if std::mem::replace(&mut self.was_spawned, true) {
            self.known = Some(Box::new(known));
        }
    }

    /// Whether its standard output is the event protocol.
    pub(crate) fn is_listener(&self) -> bool {
        matches!(self.group.kind, GroupKind::Pool(_))
    }

    /// Whether its standard output is the protocol of helpers.
    pub(crate) fn is_helper(&self) -> bool {
        matches!(self.group.kind, GroupKind::Helper(_))
    }
}

/// How far a run has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// A worker looks at the command, the user and the environment.
    Preparing(Early),
    /// The logs thread opens the logs.
    Opening(Box<Ready>),
    /// It opens them where they were before; they have come to lie elsewhere, and are opened once more.
    Reopening(Box<Ready>),
    /// The child waits for the word to go on, which it gets when its run is recorded.
    Recording(Box<Newborn>),
    /// The child lives.
    Alive,
    /// The child was reaped; its output is being read to the end.
    Draining {
        /// When it was reaped.
        at: Mono,
        /// How it ended.
        status: ExitStatus,
    },
}

/// The opening of logs beside the worker, where an earlier run says where they lie.
#[derive(Debug)]
pub(crate) enum Early {
    /// They are opened when the worker is done.
    No,
    /// They are being opened there.
    Asked([Place; 2]),
    /// They are open there, or cannot be.
    Done([Place; 2], Result<(), Box<(PathBuf, Errno)>>),
}

/// A child that waits, and our ends of its channels.
#[derive(Debug)]
pub(crate) struct Newborn {
    /// None for a child whose standard input is a socket.
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: Option<OwnedFd>,
    /// Where it says why it could not execute.
    pub(crate) report: Line,
    /// Where it waits.
    pub(crate) gate: Arc<Gate>,
    /// Somebody has ended it before it was told to go on.
    pub(crate) ended: Option<ExitStatus>,
}

/// Whose end a pid was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// That of this run, which now drains.
    Run(Run),
    /// That of a child that never went on.
    Unborn,
    /// Nobody's that we know.
    Unknown,
}

/// One run of a process.
#[derive(Debug)]
pub(crate) struct Child {
    /// Which process.
    pub(crate) proc: ProcId,
    /// How far it has come.
    pub(crate) phase: Phase,
    /// When patience with its birth or its drain ends.
    pub(crate) until: Option<Mono>,
    /// Its pid from the fork to the reaping.
    pub(crate) pid: Option<Pid>,
    /// The shared socket that is its descriptor 0.
    pub(crate) socket: Option<SocketId>,
    /// Our end of its standard input; none when that is a socket.
    pub(crate) stdin: Option<ChildStdin>,
    /// Standard output of a listener or a helper.
    pub(crate) listener: Option<OwnedFd>,
    /// What a helper has begun to say.
    pub(crate) frames: Option<Box<FrameReader>>,
    /// What a stop that reaches the whole tree waits for.
    pub(crate) tree: Option<Box<Tree>>,
    /// We have sent it SIGKILL.
    pub(crate) killed: bool,
    /// Which of its output pipes have come to their ends: stdout, stderr.
    pub(crate) is_closed: [bool; 2],
    /// What is known about its end besides its status.
    pub(crate) why: Option<Box<str>>,
    /// Where the child says why it could not execute.
    pub(crate) report: Option<Line>,
    /// When its start was decided.
    pub(crate) ordered: Mono,
    /// When the child ended in whose place it was started at once.
    pub(crate) follows: Option<Mono>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Children {
    /// Processes in service.
    pub(crate) entries: HashMap<ProcId, Entry>,
    /// Their runs.
    pub(crate) runs: HashMap<Run, Box<Child>>,
    pids: HashMap<Pid, Run>,
    /// Children that were not told to go on, and are about to end.
    unwanted: HashSet<Pid>,
    deadlines: BTreeSet<(Mono, Run)>,
    held: BTreeSet<Run>,
}

impl Children {
    /// A run begins; it must have come to life by then.
    pub(crate) fn begin(&mut self, proc: ProcId, run: Run, socket: Option<SocketId>, until: Mono) {
        let child = Child {
            proc,
            socket,
            phase: Phase::Preparing(Early::No),
            until: Some(until),
            pid: None,
            stdin: None,
            listener: None,
            frames: None,
            tree: None,
            killed: false,
            is_closed: [false; 2],
            why: None,
            report: None,
            ordered: Mono::default(),
            follows: None,
        };
        self.deadlines.insert((until, run));
        self.runs.insert(run, Box::new(child));
    }

    /// When the start of a run was decided, and when the one before it ended, if it is started at once.
    pub(crate) fn decided(&mut self, run: Run, ordered: Mono, follows: Option<Mono>) {
        if let Some(child) = self.runs.get_mut(&run) {
            (child.ordered, child.follows) = (ordered, follows);
        }
    }

    /// The process of a run, while both are known.
    pub(crate) fn entry_of(&self, run: Run) -> Option<&Entry> {
        self.entries.get(&self.runs.get(&run)?.proc)
    }

    /// The child of a run exists under this pid, and waits.
    pub(crate) fn born(&mut self, run: Run, pid: Pid, newborn: Newborn) {
        if let Some(child) = self.runs.get_mut(&run) {
            child.pid = Some(pid);
            child.phase = Phase::Recording(Box::new(newborn));
            self.pids.insert(pid, run);
        }
    }

    /// The child of a run that waited is to go on, or to end: it is taken out of the waiting.
    pub(crate) fn take_newborn(&mut self, run: Run) -> Option<(Pid, Box<Newborn>)> {
        let child = self.runs.get_mut(&run)?;
        let pid = child.pid?;
        match std::mem::replace(&mut child.phase, Phase::Preparing(Early::No)) {
            Phase::Recording(newborn) => Some((pid, newborn)),
            other => {
                child.phase = other;
                None
            }
        }
    }

    /// Ends a child that waits, or has gone on a moment ago without anybody knowing.
    pub(crate) fn give_up(&self, run: Run) {
        let Some(child) = self.runs.get(&run) else {
            return;
        };
        if let (Phase::Recording(newborn), Some(pid)) = (&child.phase, child.pid)
            && !newborn.gate.shut()
            && newborn.ended.is_none()
        {
            // It may have ended by itself.
            let _ = provost_os::kill::kill(pid, Signal::KILL, true);
        }
    }

    /// The child of a run that waited is not wanted; it ends as soon as its report is closed.
    pub(crate) fn unwanted(&mut self, pid: Pid) {
        if self.pids.remove(&pid).is_some() {
            self.unwanted.insert(pid);
        }
    }

    /// The child of a run lives under this pid.
    pub(crate) fn alive(&mut self, run: Run, pid: Pid) {
        if let Some(child) = self.runs.get_mut(&run) {
            child.pid = Some(pid);
            child.phase = Phase::Alive;
            if let Some(until) = child.until.take() {
                self.deadlines.remove(&(until, run));
            }
            self.pids.insert(pid, run);
        }
    }

    /// A pid was reaped: its run, if it was ours, now drains until the deadline.
    pub(crate) fn reaped(
        &mut self,
        pid: Pid,
        status: ExitStatus,
        (at, until): (Mono, Mono),
    ) -> Reaped {
        let Some(run) = self.pids.remove(&pid) else {
            return if self.unwanted.remove(&pid) {
                Reaped::Unborn
            } else {
                Reaped::Unknown
            };
        };
        let Some(child) = self.runs.get_mut(&run) else {
            return Reaped::Unknown;
        };
        if let Phase::Recording(newborn) = &mut child.phase {
            newborn.ended = Some(status);
            return Reaped::Unborn;
        }
        child.pid = None;
        child.phase = Phase::Draining { at, status };
        child.until = Some(until);
        self.deadlines.insert((until, run));
        Reaped::Run(run)
    }

    /// An output pipe of a run has come to its end: all that was written there is read.
    pub(crate) fn closed(&mut self, run: Run, channel: Channel) {
        if let Some(child) = self.runs.get_mut(&run) {
            let [stdout, stderr] = &mut child.is_closed;
            match channel {
                Channel::Stdout => *stdout = true,
                Channel::Stderr => *stderr = true,
            }
        }
    }

    /// Whether all is read that a program wrote, because all its pipes have come to their ends.
    pub(crate) fn is_read(&self, run: Run) -> bool {
        let (Some(child), Some(entry)) = (self.runs.get(&run), self.entry_of(run)) else {
            return false;
        };
        let [stdout, stderr] = child.is_closed;
        let is_program = !entry.is_listener() && !entry.is_helper();
        is_program && stdout && (stderr || entry.spec.redirect_stderr)
    }

    /// A run that was reaped is over: how it ended, and its table entry with its descriptors.
    pub(crate) fn finish(&mut self, run: Run) -> Option<(Mono, ExitStatus, Box<Child>)> {
        let Phase::Draining { at, status } = self.runs.get(&run)?.phase else {
            return None;
        };
        self.forget(run).map(|child| (at, status, child))
    }

    /// A run is over, or never came to life.
    pub(crate) fn forget(&mut self, run: Run) -> Option<Box<Child>> {
        let child = self.runs.remove(&run)?;
        self.held.remove(&run);
        if let Some(until) = child.until {
            self.deadlines.remove(&(until, run));
        }
        Some(child)
    }

    /// What a stop of a child that has ended waits for.
    pub(crate) fn tree_of(&mut self, run: Run) -> Option<&mut Tree> {
        self.runs.get_mut(&run)?.tree.as_deref_mut()
    }

    /// The exit of a run waits without a deadline of its own.
    pub(crate) fn hold(&mut self, run: Run) {
        if let Some(until) = self.runs.get_mut(&run).and_then(|child| child.until.take()) {
            self.deadlines.remove(&(until, run));
        }
        self.held.insert(run);
    }

    /// Runs whose exits wait for others of their trees.
    pub(crate) fn held(&self) -> Vec<Run> {
        self.held.iter().copied().collect()
    }

    /// The pids of all runs that were not reaped.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        self.pids.keys().copied().collect()
    }

    /// Whether a pid is that of a program.
    pub(crate) fn is_known(&self, pid: Pid) -> bool {
        self.pids.contains_key(&pid)
    }

    /// Whether children are about to end that were not told to go on.
    pub(crate) fn awaits_unwanted(&self) -> bool {
        !self.unwanted.is_empty()
    }

    /// A child that is nobody's program: its end is nothing to tell of.
    pub(crate) fn expect_end(&mut self, pid: Pid) {
        self.unwanted.insert(pid);
    }

    /// A run goes on that an earlier image of ours began.
    pub(crate) fn resume(&mut self, run: Run, child: Child) {
        if let Some(pid) = child.pid {
            self.pids.insert(pid, run);
        }
        self.runs.insert(run, Box::new(child));
    }

    /// Whether the last words of a child that has ended are being read.
    pub(crate) fn any_draining(&self) -> bool {
        self.deadlines.iter().any(|(_, run)| {
            let child = self.runs.get(run);
            child.is_some_and(|child| matches!(child.phase, Phase::Draining { .. }))
        })
    }

    /// When patience with the next birth or drain ends.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|&(until, _)| until)
    }

    /// A run whose birth or drain is overdue.
    pub(crate) fn overdue(&self, now: Mono) -> Option<Run> {
        let first = self.deadlines.first();
        first
            .filter(|&&(until, _)| until <= now)
            .map(|&(_, run)| run)
    }
}
