//! The whole: what the core knows, and where each input goes.

use crate::deadlines::{Deadlines, Timer};
use crate::group::{GroupId, Groups};
use crate::helper::Helpers;
use crate::job::{Jobs, Purpose, Tickets};
use crate::lifecycle::{Phase, RestartLoad};
use crate::listener::bus::Bus;
use crate::listener::pool::Pool;
use crate::listener::reserve::Reserve;
use crate::program::{Process, Processes};
use crate::sockets::Sockets;
use crate::store::Stores;
use crate::turn::{Act, Effects, Happening, Runs, Turn};
use crate::{Effect, Input, LoadedConfig};
use provost_model::access::Scope;
use provost_model::{
    Channel, Event, GroupKind, GroupSpec, LogState, Mono, Notice, Now, Orphan, ProcId, ProcessSpec,
    Resting, Run, SpoolId, SupervisorState,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The supervisor's mind: all processes, groups, listeners and waiting clients.
///
/// It changes only in [`Core::handle`].
#[derive(Clone, Debug)]
pub struct Core {
    pub(crate) identifier: Arc<str>,
    /// The groups of the configuration read last, in its order.
    pub(crate) latest: Vec<Arc<GroupSpec>>,
    pub(crate) phase: Phase,
    pub(crate) restart_load: Option<RestartLoad>,
    pub(crate) groups: Groups,
    pub(crate) pools: BTreeMap<GroupId, Pool>,
    pub(crate) bus: Bus,
    pub(crate) helpers: Helpers,
    pub(crate) procs: Processes,
    pub(crate) last_proc: u32,
    pub(crate) runs: Runs,
    pub(crate) sockets: Sockets,
    pub(crate) deadlines: Deadlines,
    pub(crate) jobs: Jobs,
    pub(crate) tickets: Tickets,
    /// What processes did and nobody has followed yet.
    pub(crate) happened: VecDeque<Happening>,
    /// Pools in which something changed in this step.
    pub(crate) stirred: BTreeSet<GroupId>,
    /// What exists for the client whose request is being looked at; none for all there is.
    pub(crate) reach: Option<Arc<Scope>>,
    /// Values that clients keep here.
    pub(crate) stores: Stores,
    pub(crate) last_spool: u64,
    /// Spools of pools in service.
    pub(crate) spools: BTreeMap<SpoolId, GroupId>,
    /// Spools of pools that have gone, whose disk has not taken all yet.
    pub(crate) saving: BTreeSet<SpoolId>,
    /// Processes that are taken over at the start.
    pub(crate) orphans: Vec<Orphan>,
    /// Processes that do not run and are to go on resting.
    pub(crate) resting: Vec<Resting>,
}

impl Core {
    /// A supervisor that will serve this configuration. It orders nothing before [`Input::Started`].
    pub fn new(config: LoadedConfig) -> Self {
        Self {
            identifier: config.identifier,
            latest: config.groups,
            phase: Phase::Waiting,
            restart_load: None,
            groups: Groups::default(),
            pools: BTreeMap::new(),
            bus: Bus::default(),
            helpers: Helpers::default(),
            procs: Processes::default(),
            last_proc: 0,
            runs: Runs::default(),
            sockets: Sockets::default(),
            deadlines: Deadlines::default(),
            jobs: Jobs::default(),
            tickets: Tickets::default(),
            happened: VecDeque::new(),
            stirred: BTreeSet::new(),
            reach: None,
            stores: Stores::default(),
            last_spool: 0,
            spools: BTreeMap::new(),
            saving: BTreeSet::new(),
            orphans: Vec::new(),
            resting: Vec::new(),
        }
    }

    /// The supervisor of the next life after a restart: serials of events, and the numbers of processes, runs,
    /// sockets and tickets, go on where `previous` ended, so that no late answer can be taken for a new one.
    pub fn after(previous: &Self, config: LoadedConfig) -> Self {
        let mut next = Self::new(config);
        next.bus.serials = previous.bus.serials;
        next.bus.reserve = previous.bus.reserve.successor();
        next.last_proc = previous.last_proc;
        next.runs = previous.runs.successor();
        next.sockets = previous.sockets.successor();
        next.tickets = previous.tickets.successor();
        next.last_spool = previous.last_spool;
        next
    }

    /// Takes one fact or request and appends what is to be done about it, in order.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Effects) {
        let mut turn = Turn { now, out };
        self.take(&mut turn, input);
        loop {
            while let Some(timer) = self.deadlines.take_due(now.mono) {
                self.due(&mut turn, timer);
            }
            if !self.advance_shutdown(&mut turn) {
                break;
            }
        }
        self.dispatch(&mut turn);
    }

    /// When to send [`Input::Tick`] at the latest; none means that only facts and requests can change anything.
    ///
    /// Always after the `now` of the last [`Core::handle`].
    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.next()
    }

    /// No event gets a number from here on before an [`Effect::ReserveSerials`] with a larger one was ordered. What the
    /// edge writes down when a life begins.
    pub fn serials_reserved(&self) -> u64 {
        self.bus.reserve.until()
    }

    /// Whether the next life must go on with what is reserved, although this one ends in order.
    pub fn serials_outlive(&self) -> bool {
        self.bus.reserve.outlives()
    }

    /// `identifier`, as the latest configuration has it.
    pub fn identifier(&self) -> &Arc<str> {
        &self.identifier
    }

    /// What supervisord is doing.
    pub fn state(&self) -> SupervisorState {
        self.phase.published()
    }

    /// The configuration of a process in service.
    pub fn spec(&self, proc: ProcId) -> Option<&Arc<ProcessSpec>> {
        self.procs.get(proc).map(|process| &process.spec)
    }

    /// The configuration of the group of a process in service.
    pub fn group_spec(&self, proc: ProcId) -> Option<&Arc<GroupSpec>> {
        let home = self.procs.get(proc)?.home;
        self.groups.get(home).map(|group| &group.spec)
    }

    /// The process of a run that has not ended.
    pub fn process_of(&self, run: Run) -> Option<ProcId> {
        self.runs.process(run)
    }

    /// Whether a run that has not ended is one of an event listener, whose stdout is the protocol channel.
    pub fn is_listener(&self, run: Run) -> bool {
        let group = self.process_of(run).and_then(|proc| self.group_spec(proc));
        group.is_some_and(|group| matches!(group.kind, GroupKind::Pool(_)))
    }

    /// Whether a run is one of an event listener that has broken the protocol: what it says means nothing any more.
    pub fn is_distrusted(&self, run: Run) -> bool {
        let process = self
            .process_of(run)
            .and_then(|proc| Some((proc, self.procs.get(proc)?.home)));
        process.is_some_and(|(proc, home)| {
            self.pools
                .get(&home)
                .is_some_and(|pool| pool.distrusts(proc))
        })
    }

    fn take(&mut self, turn: &mut Turn<'_>, input: Input) {
        match input {
            Input::Orphan(orphan) => self.orphan_found(turn, orphan),
            Input::Resting(resting) => self.resting_found(turn, resting),
            Input::SerialsFrom { first, block } => self.serials_from(turn, first, block),
            Input::Started => self.started(turn),
            Input::Spawned { run, pid } => {
                if let Some(proc) = self.process_named(turn, run) {
                    self.with_process(turn, proc, |process, act| process.spawned(act, run, pid));
                    self.settle(turn, true);
                }
            }
            Input::SpawnFailed { run, problem } => {
                if let Some(proc) = self.process_named(turn, run) {
                    self.with_process(turn, proc, |process, act| {
                        process.spawn_failed(act, run, &problem);
                    });
                    self.settle(turn, true);
                }
            }
            Input::Exited { run, status, why } => {
                if let Some(proc) = self.process_named(turn, run) {
                    self.with_process(turn, proc, |process, act| {
                        process.exited(act, run, status, why);
                    });
                    self.settle(turn, false);
                }
            }
            Input::KillFailed { run, errno, signal } => self.kill_failed(turn, run, errno, signal),
            Input::Fenced { ticket } => self.fenced(turn, ticket),
            Input::Probed { ticket, result } => self.probed(turn, ticket, result),
            Input::SocketTried { ticket, result } => self.socket_tried(turn, ticket, result),
            Input::StdinWritten { ticket, result } => self.stdin_written(turn, ticket, result),
            Input::LogsCleared { ticket, result } => self.logs_cleared(turn, ticket, &result),
            Input::ConfigLoaded { ticket, result } => self.config_loaded(turn, ticket, result),
            Input::ProgramRead { ticket, result } => self.program_read(turn, ticket, result),
            Input::AutoLogNamed {
                proc,
                channel,
                path,
            } => {
                if let Some(process) = self.procs.get_mut(proc) {
                    process.auto_log_named(channel, path);
                }
            }
            Input::ListenerSaid { run, data } => {
                if let Some((home, proc)) = self.home_of(run)
                    && let Some(pool) = self.pools.get_mut(&home)
                {
                    pool.said(turn, proc, &data);
                    self.stirred.insert(home);
                }
            }
            Input::ListenerDeaf { run, serial } => {
                if let Some((home, proc)) = self.home_of(run)
                    && let Some(pool) = self.pools.get_mut(&home)
                {
                    pool.deaf(turn, proc, serial);
                    self.stirred.insert(home);
                }
            }
            Input::HelperSaid { run, word } => self.helper_said(turn, run, word),
            Input::HelperHungUp { run } => self.helper_hung_up(turn, run),
            Input::CallNotSent { run, call, problem } => {
                self.call_not_sent(turn, run, call, problem);
            }
            Input::SpoolAnswered { ticket, answer } => self.spool_answered(turn, ticket, answer),
            Input::Captured { run, channel, data } => self.captured(turn, run, channel, data),
            Input::Logged { run, channel, data } => self.logged(turn, run, channel, data),
            Input::LogState {
                run,
                channel,
                path,
                state,
            } => self.log_state(turn, run, channel, path, state),
            Input::Signal(signal) => self.signalled(turn, signal),
            Input::UpgradeAsked => self.upgrade_asked(turn),
            Input::Rehearsed { ticket, result } => self.rehearsed(turn, ticket, result),
            Input::HandedOver { ticket, result } => self.handed_over(turn, ticket, result),
            Input::Tick => {}
            Input::Requested { id, request } => self.requested(turn, id, request),
            Input::RequesterGone { id } => self.requester_gone(id),
        }
    }

    /// Events get numbers from here on.
    fn serials_from(&mut self, turn: &mut Turn<'_>, first: u64, block: u64) {
        if self.phase == Phase::Waiting {
            self.bus.reserve = Reserve::from(first, block);
            self.bus.serials = self.bus.reserve.for_pool(false);
        } else {
            turn.anomaly("the numbers of events were to begin after the start");
        }
    }

    fn due(&mut self, turn: &mut Turn<'_>, timer: Timer) {
        match timer {
            Timer::Process(proc) => {
                self.with_process(turn, proc, Process::due);
                self.settle(turn, false);
            }
            Timer::StopReport(proc) => self.report_stop(turn, proc),
            Timer::Answer(ticket) => self.answer_overdue(turn, ticket),
            Timer::Call(id) => self.call_overdue(turn, id),
            Timer::HungUp(home) => self.hung_up_overdue(turn, home),
            Timer::Hello(home) => self.hello_overdue(turn, home),
            Timer::ShutdownReport => self.report_shutdown(turn),
            Timer::Tick(period) => self.tick(turn, period),
            Timer::Overflow(home) => {
                if let Some(pool) = self.pools.get_mut(&home) {
                    pool.losses_due(turn);
                    self.stirred.insert(home);
                }
            }
            Timer::Spool(home) => {
                self.stirred.insert(home);
            }
            Timer::Saving => self.saving_overdue(turn),
        }
    }

    /// The process whose run this is. A run that has ended is somebody's late answer; one that never began is a bug.
    fn process_named(&self, turn: &mut Turn<'_>, run: Run) -> Option<ProcId> {
        let proc = self.runs.process(run);
        if proc.is_none() && !self.runs.was_begun(run) {
            turn.anomaly(format!(
                "a fact about run {}, which was never ordered",
                run.0
            ));
        }
        proc
    }

    fn home_of(&self, run: Run) -> Option<(GroupId, ProcId)> {
        let proc = self.runs.process(run)?;
        Some((self.procs.get(proc)?.home, proc))
    }

    /// Whether processes may be started.
    pub(crate) fn may_start(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }

    /// Lets one process act, and keeps its deadline. What it did waits to be settled.
    pub(crate) fn with_process<R>(
        &mut self,
        turn: &mut Turn<'_>,
        proc: ProcId,
        deed: impl FnOnce(&mut Process, &mut Act<'_, '_>) -> R,
    ) -> Option<R> {
        let may_start = self.may_start();
        let process = self.procs.get_mut(proc)?;
        let (runs, happened) = (&mut self.runs, &mut self.happened);
        let sockets = &mut self.sockets;
        let result = deed(
            process,
            &mut Act {
                turn,
                may_start,
                runs,
                sockets,
                happened,
            },
        );
        let deadline = process.deadline();
        self.deadlines.set(Timer::Process(proc), deadline);
        Some(result)
    }

    fn captured(&mut self, turn: &mut Turn<'_>, run: Run, channel: Channel, data: Vec<u8>) {
        let Some((process, group, pid)) = self.writer(run) else {
            return;
        };
        turn.notice(Notice::CommEmitted {
            name: process.clone(),
            channel,
        });
        self.publish(
            turn,
            Event::ProcessCommunication {
                process,
                group,
                pid,
                channel,
                data,
            },
        );
    }

    fn logged(&mut self, turn: &mut Turn<'_>, run: Run, channel: Channel, data: Vec<u8>) {
        let Some((process, group, pid)) = self.writer(run) else {
            return;
        };
        self.publish(
            turn,
            Event::ProcessLog {
                process,
                group,
                pid,
                channel,
                data,
            },
        );
    }

    /// What an ended run has left behind concerns nobody.
    fn log_state(
        &mut self,
        turn: &mut Turn<'_>,
        run: Run,
        channel: Channel,
        path: String,
        state: LogState,
    ) {
        let proc = self.runs.process(run);
        let Some(process) = proc.and_then(|proc| self.procs.get(proc)) else {
            return;
        };
        let event = Event::Logfile {
            process: process.name.clone(),
            group: process.group.clone(),
            channel,
            path,
            state,
        };
        self.publish(turn, event);
    }

    /// Names and pid of a living child, for what it wrote.
    fn writer(&self, run: Run) -> Option<(Arc<str>, Arc<str>, provost_model::Pid)> {
        let process = self.procs.get(self.runs.process(run)?)?;
        let child = process.child().filter(|child| child.run == run)?;
        Some((process.name.clone(), process.group.clone(), child.pid))
    }

    /// Forgets what an order was for.
    pub(crate) fn redeem(&mut self, ticket: provost_model::Ticket) -> Option<Purpose> {
        self.deadlines.set(Timer::Answer(ticket), None);
        self.tickets.redeem(ticket)
    }

    /// Writes an order down that will be answered, with the longest time to wait for the answer.
    pub(crate) fn order(
        &mut self,
        turn: &mut Turn<'_>,
        purpose: Purpose,
        effect: impl FnOnce(provost_model::Ticket) -> Effect,
    ) -> provost_model::Ticket {
        let patience = purpose.patience();
        let ticket = self.tickets.issue(purpose);
        let at = patience.map(|patience| turn.now.mono.plus(patience));
        self.deadlines.set(Timer::Answer(ticket), at);
        turn.out.push(effect(ticket));
        ticket
    }
}
