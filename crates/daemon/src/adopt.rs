//! Processes of an earlier supervisord in this one's hands: their pipes taken up again, their end noticed.
//!
//! They are not our children: no SIGCHLD tells of them, and only the kernel can say how they ended, if it does.

use crate::logs::Order;
use crate::runs::Held;
use crate::shell::{BIRTH_MAX, Shell, token};
use crate::stdin::ChildStdin;
use crate::takeover::Rest;
use provost_core::Input;
use provost_model::spec::LogFile;
use provost_model::{Channel, ExitStatus, Level, Mono, Pid, ProcId, ProcessSpec, Run};
use provost_os::clock;
use provost_os::pidfd::{Ended, PidFd};
use provost_os::proc::{End, open_pipe_of};
use provost_os::reactor::Interest;
use provost_wire::runs::RunRecord;
use std::collections::{BTreeSet, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The first pause before the system is asked again how a process ended. Each further one is twice as long.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// The longest pause; after it nobody expects to learn it any more.
const ASK_AGAIN_MAX: Duration = Duration::from_secs(1);

/// What was left behind, and what of it was taken over.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    /// Not taken over yet, by group and name.
    found: HashMap<(String, String), Held>,
    processes: HashMap<Run, PidFd>,
    /// When the system is asked next how one ended, and after which pause.
    asking: BTreeSet<(Mono, Run, Duration)>,
    /// Processes that rest on, and their AUTO logs.
    rests: HashMap<(String, String), Rest>,
    /// How those ended that did so before anybody waited for it.
    ended: HashMap<Run, ExitStatus>,
    /// Sockets that processes share and that are open already, by their URLs.
    shared: HashMap<String, OwnedFd>,
}

impl Adopted {
    /// These are to be taken over.
    pub(crate) fn new(found: Vec<Held>) -> Self {
        let key = |held: &Held| (held.record.group.clone(), held.record.name.clone());
        Self {
            found: found.into_iter().map(|held| (key(&held), held)).collect(),
            ..Self::default()
        }
    }

    /// The AUTO log that a process to be taken over writes to already.
    pub(crate) fn auto_log(&self, spec: &ProcessSpec, channel: Channel) -> Option<PathBuf> {
        let key = (spec.group.clone(), spec.name.clone());
        let found = self.found.get(&key).map(|held| &held.record.auto_logs);
        let rests = self.rests.get(&key).map(|(_, auto_logs)| auto_logs);
        let [stdout, stderr] = found.or(rests)?;
        match channel {
            Channel::Stdout => stdout.clone(),
            Channel::Stderr => stderr.clone(),
        }
    }

    /// All that are to be taken over.
    pub(crate) fn awaited(&mut self) -> impl Iterator<Item = &mut Held> {
        self.found.values_mut()
    }

    /// These do not run, and rest on.
    pub(crate) fn rest(&mut self, rests: Vec<Rest>) {
        let key = |(resting, _): &Rest| (resting.group.clone(), resting.name.clone());
        self.rests = rests.into_iter().map(|rest| (key(&rest), rest)).collect();
    }

    /// These sockets, which processes share, are open; others are not any more.
    pub(crate) fn share(&mut self, sockets: HashMap<String, OwnedFd>) {
        self.shared = sockets;
    }

    /// Gives out a socket that is open already.
    pub(crate) fn shared(&mut self, url: &str) -> Option<OwnedFd> {
        self.shared.remove(url)
    }

    /// The process of a run that was taken over.
    pub(crate) fn process(&self, run: Run) -> Option<&PidFd> {
        self.processes.get(&run)
    }

    /// Gives the process of a run away.
    pub(crate) fn take(&mut self, run: Run) -> Option<PidFd> {
        self.processes.remove(&run)
    }

    /// When the system is asked next.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.asking.first().map(|&(due, ..)| due)
    }
}

impl Shell {
    /// Tells the core of what is to be taken over, before it starts anything.
    pub(crate) fn tell_orphans(&mut self) {
        let mut orphans: Vec<_> = self.adopted.found.values().map(Held::orphan).collect();
        orphans.sort_by_key(|orphan| orphan.started);
        for orphan in orphans {
            self.tell(Input::Orphan(orphan));
        }
        let rests: Vec<_> = self.adopted.rests.values().cloned().collect();
        for (resting, _) in rests {
            self.tell(Input::Resting(resting));
        }
    }

    /// Takes over a process: `run` is its run from now on.
    pub(crate) fn take_over(&mut self, proc: ProcId, run: Run, pid: Pid) {
        let Some(entry) = self.children.entries.get(&proc) else {
            return;
        };
        let key = (entry.spec.group.clone(), entry.spec.name.clone());
        let Some(held) = self.adopted.found.remove(&key) else {
            return;
        };
        let (spec, logs) = (Arc::clone(&entry.spec), entry.logs());
        let Held {
            record,
            process,
            taken,
            ..
        } = held;
        let now = clock::mono();
        self.children.begin(proc, run, None, now.plus(BIRTH_MAX));
        self.children.alive(run, pid);
        let [stdin, stdout, stderr] = record.pipes;
        let (taken, ended) = taken.map_or(([const { None }; 3], None), |taken| {
            (taken.pipes, taken.ended)
        });
        let [taken_stdin, taken_stdout, taken_stderr] = taken;
        let opened = |number| open_pipe_of(pid, 0, number, End::Writing);
        let stdin = taken_stdin.or_else(|| stdin.and_then(opened));
        if let Some(child) = self.children.runs.get_mut(&run) {
            child.stdin = stdin.map(ChildStdin::new);
        }
        let taken = [taken_stdout, taken_stderr];
        self.adopt_output(run, proc, spec, logs, (pid, [stdout, stderr]), taken);
        self.runs.adopted(run, record);
        if let Some(status) = ended {
            self.adopted.ended.insert(run, status);
        }
        self.watch_adopted(run, process);
    }

    /// Takes up the output of a run from the process itself, where nobody else has its pipes.
    pub(crate) fn take_up_output(&mut self, run: Run, record: &RunRecord) {
        let Some(proc) = self.children.runs.get(&run).map(|child| child.proc) else {
            return;
        };
        if let Some(entry) = self.children.entries.get(&proc) {
            let (spec, logs) = (Arc::clone(&entry.spec), entry.logs());
            let [_, stdout, stderr] = record.pipes;
            let pipes = (record.identity.pid, [stdout, stderr]);
            self.adopt_output(run, proc, spec, logs, pipes, [None, None]);
        }
    }

    fn adopt_output(
        &mut self,
        run: Run,
        proc: ProcId,
        spec: Arc<ProcessSpec>,
        paths: [Option<PathBuf>; 2],
        (pid, [stdout, stderr]): (Pid, [Option<u64>; 2]),
        [taken_stdout, taken_stderr]: [Option<OwnedFd>; 2],
    ) {
        let mut pipes = Vec::new();
        for (channel, place, number, taken) in [
            (Channel::Stdout, 1, stdout, taken_stdout),
            (Channel::Stderr, 2, stderr, taken_stderr),
        ] {
            let Some(number) = number else { continue };
            let opened = || open_pipe_of(pid, place, number, End::Reading);
            match taken.or_else(opened) {
                Some(pipe) => pipes.push((channel, pipe)),
                None => self.log(Level::Warn, lost_pipe(&spec, channel)),
            }
        }
        self.logs.order(Order::Adopt {
            run,
            proc,
            spec: as_started(spec, stderr.is_none()),
            paths,
            pipes,
        });
    }

    pub(crate) fn watch_adopted(&mut self, run: Run, process: PidFd) {
        let token = token::of(run, token::ADOPTED);
        let added = self.reactor.add(process.as_fd(), token, Interest::Read);
        self.adopted.processes.insert(run, process);
        if let Err(error) = added {
            let text = format!("could not watch a process that was taken over: {error}");
            self.log(Level::Critical, text);
        }
    }

    /// A process that was taken over has ended.
    pub(crate) fn adopted_ended(&mut self, run: Run) {
        let Some(process) = self.adopted.process(run) else {
            return;
        };
        // It was added when it was taken over; from now on time decides when it is looked at.
        let _ = self.reactor.remove(process.as_fd());
        self.ask_for_end(run, ASK_AGAIN);
    }

    /// Asks the system how it ended; again after a pause if it cannot be told yet.
    fn ask_for_end(&mut self, run: Run, pause: Duration) {
        let Some(process) = self.adopted.process(run) else {
            return;
        };
        let known = self.adopted.ended.get(&run).copied();
        let status = match known.map_or_else(|| process.end(), Ended::As) {
            Ended::As(status) => status,
            Ended::NotYet if pause <= ASK_AGAIN_MAX => {
                let due = clock::mono().plus(pause);
                self.adopted.asking.insert((due, run, pause));
                return;
            }
            Ended::NotYet | Ended::Untold => ExitStatus::Unknown,
        };
        let pid = process.pid();
        self.reaped(pid, status);
    }

    /// Asks again for those whose pause is over.
    pub(crate) fn ask_for_ends(&mut self, now: Mono) {
        while let Some(&(due, run, pause)) = self.adopted.asking.first() {
            if due > now {
                return;
            }
            self.adopted.asking.pop_first();
            self.ask_for_end(run, pause.saturating_mul(2));
        }
    }

    /// Its end is known; it may have been told by SIGCHLD, where it was given to us as a child.
    pub(crate) fn forget_adopted(&mut self, run: Run) {
        self.adopted.ended.remove(&run);
        if let Some(process) = self.adopted.processes.remove(&run) {
            // Perhaps it was taken out before.
            let _ = self.reactor.remove(process.as_fd());
            self.adopted.asking.retain(|&(_, other, _)| other != run);
        }
    }
}

fn lost_pipe(spec: &ProcessSpec, channel: Channel) -> String {
    let name = spec.namespec();
    format!(
        "the {channel} of '{name}' cannot be taken up again: it does not have the pipe any more, or we may not open it; what \
         it writes there is lost until it is restarted"
    )
}

/// A configuration whose channels are those that the process was started with.
fn as_started(spec: Arc<ProcessSpec>, redirect_stderr: bool) -> Arc<ProcessSpec> {
    if spec.redirect_stderr == redirect_stderr {
        return spec;
    }
    let mut changed = (*spec).clone();
    changed.redirect_stderr = redirect_stderr;
    Arc::new(changed)
}

/// Whether an AUTO log is there already.
pub(crate) fn is_kept(adopted: &Adopted, spec: &ProcessSpec, channel: Channel) -> bool {
    let output = match channel {
        Channel::Stdout => &spec.stdout,
        Channel::Stderr => &spec.stderr,
    };
    output.logfile == LogFile::Auto && adopted.auto_log(spec, channel).is_some()
}
