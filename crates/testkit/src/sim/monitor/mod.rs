//! The monitor: it sees what the core is told and what it orders, and knows what must follow.
//!
//! It is a second reading of the rules, made of tables and sets, and shares no code with the core. It looks at the
//! contract alone, never into the core: so it can watch any machine that speaks inputs and effects, and a planted bug
//! outside the core is as visible as one inside. After each step it compares; what differs is a violation of an
//! invariant with its number (`I01` to `I46`, listed in `docs/simulation.md`).

mod all_pools;
mod answers;
mod check;
mod counts;
mod facts;
mod helpers;
mod listener;
mod orders;
mod orphans;
mod pools;
mod requests;
mod sequence;
mod shutdown;
mod sockets;
mod spools;
mod table;
mod twiddle;
mod upgrades;

use all_pools::Pools;
use helpers::Helpers;
use provost_core::{Effect, Input, LoadedConfig};
use provost_model::{
    Event, GroupSpec, Mono, Notice, Now, Orphan, ProcId, ProcessState, RequestId, Run, Signal,
    Ticket,
};
use requests::Asked;
use sequence::Place;
use shutdown::Mood;
use sockets::Sockets;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use table::Proc;
use upgrades::Upgrades;

/// Something that must never be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Where violations are written down.
pub(super) struct Report<'a>(pub(super) &'a mut Vec<Violation>);

impl Report<'_> {
    pub(super) fn fail(&mut self, rule: &'static str, what: impl Into<String>) {
        self.0.push(Violation {
            rule,
            what: what.into(),
        });
    }

    pub(super) fn check(&mut self, holds: bool, rule: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(rule, what());
        }
    }
}

/// A group in service.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) spec: Arc<GroupSpec>,
    /// Its processes, in the order of the configuration.
    pub(super) procs: Vec<ProcId>,
    /// Groups made later have a larger number.
    pub(super) created: u64,
}

/// The watcher of one life of a daemon.
#[derive(Clone, Debug)]
pub struct Monitor {
    step: u64,
    now: Now,
    latest: LoadedConfig,
    mood: Mood,
    groups: BTreeMap<String, Group>,
    created: u64,
    procs: BTreeMap<ProcId, Proc>,
    last_proc: u32,
    runs: BTreeMap<Run, ProcId>,
    last_run: u64,
    pools: Pools,
    sockets: Sockets,
    helpers: Helpers,
    upgrades: Upgrades,
    /// When the next tick of each period is due.
    ticks: BTreeMap<u32, Mono>,
    requests: BTreeMap<RequestId, Asked>,
    /// Looks at commands under way, with the request that they are for.
    probes: BTreeMap<Ticket, (ProcId, Option<RequestId>)>,
    /// For which request a look at a command was answered in this step, and which.
    prober: Option<(RequestId, Ticket)>,
    /// Orders that will be answered.
    tickets: BTreeSet<Ticket>,
    /// Readings of the configuration: when they began, and for which request; none for a restart.
    loads: BTreeMap<Ticket, (Mono, Option<RequestId>)>,
    /// Programs of clients that are being looked at: since when, for which request, for which group.
    programs: BTreeMap<Ticket, (Mono, RequestId, String)>,
    /// Values that clients keep, by namespace and key.
    stores: BTreeMap<(String, String), Arc<[u8]>>,
    /// Signals that must be ordered in this step.
    kills: Vec<(Run, Signal, bool)>,
    /// Lines that must be written in this step.
    notices: Vec<Notice>,
    /// Processes that came into service in this step and that no group has claimed yet.
    introduced: Vec<(ProcId, Arc<GroupSpec>, String)>,
    /// Processes that must go out of service in this step.
    dismissed: BTreeSet<ProcId>,
    /// Spawns in the order in which they must come; empty when the order is free.
    start_order: Vec<ProcId>,
    /// Who was sent a signal in this step, in order.
    signalled: Vec<Place>,
    /// What was tried in vain in this step.
    restart_refused: bool,
    /// Since when the end waits for disks to take what is left of events.
    saving_since: Option<Mono>,
    /// Orders to save that are not answered.
    saves: BTreeSet<Ticket>,
    /// What a supervisord that was killed has left behind, until it is taken over.
    orphans: Vec<Orphan>,
    /// Signals that must go to whole trees in this step, each before that to the child itself.
    trees: Vec<(Run, Signal)>,
    may_be_odd: bool,
    violations: Vec<Violation>,
}

impl Monitor {
    /// A monitor of a daemon that begins with this configuration.
    pub fn new(latest: LoadedConfig) -> Self {
        Self {
            step: 0,
            now: Now::default(),
            latest,
            mood: Mood::Waiting,
            groups: BTreeMap::new(),
            created: 0,
            procs: BTreeMap::new(),
            last_proc: 0,
            runs: BTreeMap::new(),
            last_run: 0,
            pools: Pools::new(),
            sockets: Sockets::default(),
            helpers: Helpers::default(),
            upgrades: Upgrades::default(),
            ticks: BTreeMap::new(),
            requests: BTreeMap::new(),
            probes: BTreeMap::new(),
            prober: None,
            tickets: BTreeSet::new(),
            loads: BTreeMap::new(),
            programs: BTreeMap::new(),
            stores: BTreeMap::new(),
            kills: Vec::new(),
            notices: Vec::new(),
            introduced: Vec::new(),
            dismissed: BTreeSet::new(),
            start_order: Vec::new(),
            signalled: Vec::new(),
            restart_refused: false,
            saving_since: None,
            saves: BTreeSet::new(),
            orphans: Vec::new(),
            trees: Vec::new(),
            may_be_odd: false,
            violations: Vec::new(),
        }
    }

    /// A monitor of the life after this one: numbers go on, all else begins anew.
    #[must_use]
    pub fn next_life(&self, latest: LoadedConfig) -> Self {
        let mut next = Self::new(latest);
        next.last_proc = self.last_proc;
        next.last_run = self.last_run;
        next.pools = Pools::after(&self.pools);
        next.sockets = self.sockets.after();
        next
    }

    /// A monitor of the life after one that was killed: of what was known nothing is left but what lies on disks, in
    /// `spools` by the numbers of its events. Those that were given are not given again.
    #[must_use]
    pub fn after_kill(&self, latest: LoadedConfig, spools: BTreeMap<PathBuf, Vec<u64>>) -> Self {
        let mut next = Self::new(latest);
        next.pools = self.pools.after_kill(spools);
        next
    }

    /// Whether it knows this run as one that has not ended.
    pub fn has(&self, run: Run) -> bool {
        self.runs.contains_key(&run)
    }

    /// Sees one step: what the core was told, what it ordered, and when it wants to be called again.
    /// `impossible` tells that the input cannot come from a sound edge; then the core may say so.
    pub fn observe(
        &mut self,
        now: Now,
        input: &Input,
        effects: &[Effect],
        next_deadline: Option<Mono>,
        impossible: bool,
    ) -> Vec<Violation> {
        self.step += 1;
        self.now = now;
        self.may_be_odd = impossible;
        self.restart_refused = false;
        self.prober = None;
        self.forget_old_requests();
        self.introductions(effects);
        self.take(input);
        self.sockets_take(input);
        self.deadlines();
        self.settle_shutdown();
        // Starts make events, too; all of them are known before the first is looked for.
        for effect in effects {
            self.start(effect);
        }
        self.sockets_see(effects);
        self.pools.close_step();
        for effect in effects {
            self.order(input, effect);
        }
        self.at_rest(next_deadline);
        std::mem::take(&mut self.violations)
    }

    /// Whether the daemon has left, and whether it wants to begin anew.
    pub fn ended(&self) -> Option<bool> {
        match self.mood {
            Mood::Ended { restart } => Some(restart),
            Mood::Waiting | Mood::Serving | Mood::Stopping { .. } => None,
        }
    }

    /// What is still on its way although nothing goes wrong any more (I21).
    pub fn unsettled(&self) -> Vec<String> {
        let hanging = |proc: &&Proc| match proc.state {
            ProcessState::Stopping | ProcessState::Starting | ProcessState::Backoff => true,
            ProcessState::Stopped
            | ProcessState::Running
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown => false,
        };
        let procs = self.procs.values().filter(hanging);
        let procs = procs.map(|proc| format!("{} is {}", proc.spec.namespec(), proc.state));
        let requests = self.requests.iter().filter(|(_, asked)| asked.waits());
        let requests = requests.map(|(id, asked)| format!("{id:?} waits: {:?}", asked.request));
        procs.chain(requests).collect()
    }

    /// How many processes live on although nobody can reach them: signals to them are refused.
    pub fn out_of_reach(&self) -> usize {
        self.procs
            .values()
            .filter(|proc| proc.state == ProcessState::Unknown && proc.run.is_some())
            .count()
    }

    fn fail(&mut self, rule: &'static str, what: impl Into<String>) {
        Report(&mut self.violations).fail(rule, what);
    }

    fn check(&mut self, holds: bool, rule: &'static str, what: impl FnOnce() -> String) {
        Report(&mut self.violations).check(holds, rule, what);
    }

    /// Processes that the core takes into service in this step.
    fn introductions(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::ProcessAdded { proc, spec, group } = effect {
                let is_new = proc.0 > self.last_proc;
                self.check(is_new, "I24", || {
                    format!("{proc:?} was given a second time")
                });
                self.last_proc = self.last_proc.max(proc.0);
                self.introduced
                    .push((*proc, group.clone(), spec.name.clone()));
            }
        }
    }
}

/// Whether two events say the same to a listener.
pub(super) fn same_event(expected: &Event, seen: &Event) -> bool {
    let (
        Event::ProcessState {
            process,
            group,
            from,
            to,
            tries,
            pid,
            expected: listed,
        },
        Event::ProcessState {
            process: seen_process,
            group: seen_group,
            from: seen_from,
            to: seen_to,
            tries: seen_tries,
            pid: seen_pid,
            expected: seen_listed,
        },
    ) = (expected, seen)
    else {
        return expected == seen;
    };
    let same_payload = match to {
        ProcessState::Starting | ProcessState::Backoff => tries == seen_tries,
        ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => pid == seen_pid,
        ProcessState::Exited => pid == seen_pid && listed == seen_listed,
        ProcessState::Fatal | ProcessState::Unknown => true,
    };
    let same_change = (from, to) == (seen_from, seen_to) && table::is_legal(*seen_from, *seen_to);
    process == seen_process && group == seen_group && same_change && same_payload
}

/// The process that an event is about.
pub(super) fn subject(event: &Event) -> Option<&Arc<str>> {
    match event {
        Event::ProcessState { process, .. } => Some(process),
        _ => None,
    }
}
