//! The control thread: facts in, orders out.
//!
//! One turn takes everything that happened, in a fixed order (signals, facts of the logs, exits, workers, pipes,
//! requests, deadlines), tells the core, and performs what it orders. With nothing to do it sleeps without limit.

use crate::adopt::Adopted;
use crate::answers::Answers;
use crate::births::Births;
use crate::children::Children;
use crate::control::ClientMessage;
use crate::crash;
use crate::done::{Done, Post};
use crate::fcgi::Sockets;
use crate::handover::{Doing, HandingOver, Journal, Life, Rehearsed, SavedState};
use crate::logs::{Fact, Gathering, Logger, Logs};
use crate::oom::Kills;
use crate::prepare::Surroundings;
use crate::pulse::Pulse;
use crate::reading::Readings;
use crate::reaping::Reaping;
use crate::runs::{OpenRuns, Runs};
use crate::sleep::Settling;
use crate::source::Source;
use crate::spawn_order::{Prepared, SpawnOrder, Turn};
use crate::spool::Spools;
use crate::workers::Workers;
use provost_config::Config;
use provost_core::{Core, Effect, Input, SERIALS_BLOCK};
use provost_model::config::DaemonSpec;
use provost_model::{Level, Mono, Run, Signal};
use provost_os::clock;
use provost_os::pipe::Buffer;
use provost_os::reactor::{Interest, Reactor, Ready, Waker};
use provost_os::signals::SignalQueue;
use provost_os::spawn::Spawner;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Facts and requests taken in one turn; the rest waits for the next, so that no source starves another.
pub(crate) const FACTS_PER_TURN: usize = 1_024;
/// How long an exit waits for the logs thread to read the child's last words. Only a hung disk takes so long.
pub(crate) const DRAIN_MAX: Duration = Duration::from_millis(500);

/// How long a spawn may be under preparation. Only a hung disk or user database takes so long.
pub(crate) const BIRTH_MAX: Duration = Duration::from_secs(10);

/// Room for so many orders is kept; a start of thousands takes more for a moment.
const EFFECTS_KEPT: usize = 256;

/// Tokens of the reactor: what kind of descriptor, and for which run.
pub(crate) mod token {
    use provost_model::Run;

    /// Other threads have something.
    pub(crate) const WAKE: u64 = 0;
    /// A signal is pending.
    pub(crate) const SIGNALS: u64 = 1;
    /// A child's stdin has room.
    pub(crate) const STDIN: u64 = 2;
    /// A listener or a helper wrote.
    pub(crate) const LISTENER: u64 = 3;
    /// A child executed, or could not.
    pub(crate) const REPORT: u64 = 4;
    /// A process that was taken over has ended.
    pub(crate) const ADOPTED: u64 = 5;
    const KINDS: u64 = 8;

    /// The token of a run's descriptor.
    pub(crate) fn of(run: Run, kind: u64) -> u64 {
        run.0 * KINDS + kind
    }

    /// Kind and run of a token.
    pub(crate) fn split(token: u64) -> (u64, Run) {
        (token % KINDS, Run(token / KINDS))
    }
}

/// Reads and checks the configuration; may block.
pub(crate) type Loader = Arc<Source>;

/// What the control thread is given at birth.
pub(crate) struct Parts {
    /// The core, not yet started.
    pub(crate) core: Core,
    /// Signals to the daemon.
    pub(crate) signals: SignalQueue,
    /// Wakes this thread.
    pub(crate) waker: Waker,
    /// Messages of clients.
    pub(crate) clients: Receiver<ClientMessage>,
    /// Facts of the logs thread.
    pub(crate) facts: Receiver<Fact>,
    /// The logs thread.
    pub(crate) logs: Logs,
    /// The main log.
    pub(crate) logger: Logger,
    /// What every child inherits.
    pub(crate) surroundings: Arc<Surroundings>,
    /// Reads the configuration again.
    pub(crate) loader: Loader,
    /// Where runs are written down; none when they are not.
    pub(crate) runs: Option<OpenRuns>,
    /// Processes that are taken over.
    pub(crate) adopted: Adopted,
    /// `[supervisord]` as it is in force.
    pub(crate) daemon: DaemonSpec,
    /// Its `environment`.
    pub(crate) environment: Arc<[(String, String)]>,
    /// The settings of this life.
    pub(crate) life: Life,
    /// Tells clients of what happens.
    pub(crate) pulse: Pulse,
}

/// How a life of the daemon ended.
pub(crate) enum Ending {
    /// For good.
    Shutdown,
    /// Start anew with this configuration; numbers go on where this life's core ended.
    Restart(Box<Config>, Box<Core>),
    /// Another program takes our place and goes on with this.
    HandOver(Box<SavedState>, Rehearsed),
    /// A thread panicked: this process begins anew with this.
    Failed(Box<SavedState>),
}

/// What is next.
enum Step {
    Go,
    Leave,
    End,
}

/// How the control thread ended.
pub(crate) enum Left {
    /// A thread panicked; what is left of us begins anew.
    Failed(Box<Shell>),
    /// For good, or for another life.
    Ended(Ending, Box<Logs>),
    /// In the middle of everything: all is quiet, and what other threads hold is to be added.
    Paused(Box<Shell>),
}

/// The control thread's belongings.
pub(crate) struct Shell {
    pub(crate) core: Core,
    pub(crate) reactor: Reactor,
    pub(crate) signals: SignalQueue,
    pub(crate) waker: Waker,
    pub(crate) clients: Receiver<ClientMessage>,
    pub(crate) facts: Receiver<Fact>,
    pub(crate) logs: Logs,
    pub(crate) logger: Logger,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) loader: Loader,
    pub(crate) readings: Arc<Readings>,
    pub(crate) daemon: DaemonSpec,
    pub(crate) environment: Arc<[(String, String)]>,
    pub(crate) workers: Workers,
    pub(crate) spools: Spools,
    pub(crate) done: Receiver<Done>,
    pub(crate) done_sender: Sender<Done>,
    pub(crate) spawner: Spawner,
    pub(crate) children: Children,
    pub(crate) runs: Runs,
    pub(crate) adopted: Adopted,
    pub(crate) sockets: Sockets,
    pub(crate) answers: Answers,
    pub(crate) buffer: Buffer,
    pub(crate) next_config: Option<Box<Config>>,
    pub(crate) ending: Option<bool>,
    /// Spawns that wait for others to be done.
    pub(crate) births: Births,
    /// Spawns under preparation.
    pub(crate) spawns: SpawnOrder,
    /// Listeners whose output is read a moment later, and when.
    pub(crate) later: BTreeSet<(Mono, Run)>,
    /// Exits that are still to be looked for.
    pub(crate) reaping: Reaping,
    /// A child has ended, and the core has not been told of the signal.
    pub(crate) child_quit: bool,
    /// An event was sent in this turn.
    pub(crate) event_sent: bool,
    /// What the kernel killed.
    pub(crate) memory_kills: Kills,
    /// Since when a missed deadline waits for exits that came before it.
    pub(crate) late_since: Option<Mono>,
    /// Orphans among our descendants become our children.
    pub(crate) takes_in_orphans: bool,
    /// Orders that another thread is to answer, other than those for spawns and sockets.
    pub(crate) errands: usize,
    pub(crate) settling: Settling,
    /// The program that was shown our state last, and said that it can go on with it.
    pub(crate) rehearsed: Option<Rehearsed>,
    /// Another program is about to take our place.
    pub(crate) handing_over: Option<HandingOver>,
    /// When threads panicked lately, in monotonic nanoseconds.
    pub(crate) panics: Vec<u64>,
    /// The settings of this life.
    pub(crate) life: Life,
    pub(crate) pulse: Pulse,
    /// The process whose end the core is told of, and when that was.
    pub(crate) just_ended: Option<(provost_model::ProcId, Mono)>,
    /// What the core is to hear next.
    pub(crate) inputs: VecDeque<Input>,
    telling: bool,
    /// What it has ordered and is not done.
    pub(crate) effects: VecDeque<Effect>,
    /// The one that is being done.
    pub(crate) doing: Doing,
    /// The core is at work.
    pub(crate) deciding: bool,
    pub(crate) journal: Journal,
}

impl Shell {
    /// Puts the parts together.
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        reactor.add(parts.waker.as_fd(), token::WAKE, Interest::Read)?;
        reactor.add(parts.signals.as_fd(), token::SIGNALS, Interest::Read)?;
        let (done_sender, done) = channel();
        let runs = match parts.runs {
            Some(open) => {
                let post = Post::new(done_sender.clone(), parts.waker.clone());
                Runs::start(open, parts.logger.clone(), post)?
            }
            None => Runs::none(),
        };
        let journal = Journal::new(&parts.core);
        crash::tell(parts.logger.clone(), parts.waker.clone());
        Ok(Self {
            core: parts.core,
            reactor,
            signals: parts.signals,
            waker: parts.waker,
            clients: parts.clients,
            facts: parts.facts,
            logs: parts.logs,
            logger: parts.logger,
            surroundings: parts.surroundings,
            readings: Arc::new(Readings::new(Arc::clone(&parts.loader))),
            loader: parts.loader,
            daemon: parts.daemon,
            environment: parts.environment,
            workers: Workers::start()?,
            spools: Spools::default(),
            done,
            done_sender,
            spawner: Spawner::new().map_err(|errno| io::Error::from_raw_os_error(errno.0))?,
            children: Children::default(),
            runs,
            adopted: parts.adopted,
            sockets: Sockets::default(),
            answers: Answers::default(),
            buffer: Buffer::default(),
            next_config: None,
            ending: None,
            births: Births::default(),
            spawns: SpawnOrder::default(),
            later: BTreeSet::new(),
            reaping: Reaping::default(),
            child_quit: false,
            event_sent: false,
            memory_kills: Kills::from_now(),
            late_since: None,
            takes_in_orphans: false,
            errands: 0,
            settling: Settling::default(),
            rehearsed: None,
            handing_over: None,
            panics: Vec::new(),
            life: parts.life,
            pulse: parts.pulse,
            just_ended: None,
            inputs: VecDeque::new(),
            telling: false,
            effects: VecDeque::new(),
            doing: Doing::Nothing,
            deciding: false,
            journal,
        })
    }

    /// Begins a life: tells the core of what is to be taken over, and that it may start.
    pub(crate) fn begin(&mut self, first_serial: Option<u64>) {
        if let Some(first) = first_serial {
            let block = SERIALS_BLOCK;
            self.tell(Input::SerialsFrom { first, block });
        }
        self.tell_orphans();
        self.tell(Input::Started);
        self.adopted.share(HashMap::new());
    }

    /// Begins, then runs until the core orders the end.
    pub(crate) fn run(mut self, begin: impl FnOnce(&mut Self)) -> io::Result<Left> {
        let (mut ready, mut begin) = (Vec::new(), Some(begin));
        loop {
            // What a panic leaves behind is looked at with care: the core is rebuilt, and nothing else is trusted that
            // the turn may have left half done.
            let step = catch_unwind(AssertUnwindSafe(|| match begin.take() {
                Some(begin) => {
                    begin(&mut self);
                    Ok(Step::Go)
                }
                None => self.step(&mut ready),
            }));
            match step {
                Ok(step) if !crash::happened() => match step? {
                    Step::Go => {}
                    Step::Leave => return Ok(Left::Paused(Box::new(self))),
                    Step::End => break,
                },
                Ok(_) | Err(_) => return Ok(Left::Failed(Box::new(self))),
            }
        }
        self.pulse.ring_now();
        self.workers.stop();
        self.runs.close(self.core.serials_outlive());
        let ending = match (self.ending, self.next_config) {
            (Some(true), Some(config)) => Ending::Restart(config, Box::new(self.core)),
            _ => Ending::Shutdown,
        };
        Ok(Left::Ended(ending, Box::new(self.logs)))
    }

    /// One round: wait, then a turn.
    fn step(&mut self, ready: &mut Vec<Ready>) -> io::Result<Step> {
        if self.ending.is_some() {
            return Ok(Step::End);
        }
        if self.is_ready_to_leave() {
            return Ok(Step::Leave);
        }
        self.rest(ready)?;
        self.turn(ready);
        Ok(Step::Go)
    }

    fn turn(&mut self, ready: &[Ready]) {
        let _gathering = Gathering::begin();
        let (mut woken, mut signalled) = (false, false);
        for event in ready {
            match event.token {
                token::WAKE => woken = true,
                token::SIGNALS => signalled = true,
                _ => {}
            }
        }
        if woken {
            self.waker.drain();
        }
        if signalled {
            self.take_signals();
        }
        self.take_facts();
        self.take_done();
        for event in ready {
            self.take_pipe(event);
        }
        self.attend_listeners();
        // A request tells the core the time, too.
        let now = clock::mono();
        let due = self.core.next_deadline().filter(|&due| due <= now);
        if !due.is_some_and(|due| self.hears_exits_first(due, now)) {
            self.take_clients();
        }
        self.take_deadlines();
    }

    /// Tells the core one thing and does what it orders.
    ///
    /// What doing it brings to light (a signal that met nobody, say) waits until all orders are done, so that the core
    /// never hears of a consequence before its cause is complete.
    pub(crate) fn tell(&mut self, input: Input) {
        self.inputs.push_back(input);
        if self.telling {
            return;
        }
        self.telling = true;
        let mut effects: Vec<Effect> = Vec::new();
        while let Some(input) = self.inputs.pop_front() {
            let now = clock::now();
            let processes = self.children.entries.len();
            self.journal.note(&self.core, processes, now, &input);
            self.deciding = true;
            crash::point("decision");
            self.core.handle(now, input, &mut effects);
            self.deciding = false;
            self.effects.extend(effects.drain(..));
            while let Some(effect) = self.effects.pop_front() {
                self.doing = Doing::of(&effect);
                crash::point("effect");
                self.perform(effect);
                self.doing = Doing::Nothing;
            }
        }
        self.effects.shrink_to(EFFECTS_KEPT);
        self.inputs.shrink_to(EFFECTS_KEPT);
        self.telling = false;
    }

    /// Tells of children's ends after what they wrote last has been read: whoever follows the log finds the output,
    /// the exit and the signal in the order in which upstream writes them.
    pub(crate) fn tell_child_quit(&mut self) {
        if std::mem::take(&mut self.child_quit) {
            self.tell(Input::Signal(Signal::CHLD));
        }
    }

    /// Nothing more is awaited for a spawn but its turn.
    pub(crate) fn spawn_prepared(&mut self, run: Run, prepared: Prepared) {
        if let Some((run, prepared)) = self.spawns.prepared(run, prepared) {
            self.prepared(run, prepared);
        }
    }

    pub(crate) fn take_prepared(&mut self) {
        while let Some(turn) = self.spawns.next(clock::mono()) {
            match turn {
                Turn::Ready(run, result) => self.prepared(run, result),
                Turn::Passed(run) => self.pass(run),
            }
        }
    }

    /// A preparation has lost its place: the thread that is at it seems to hang, so that another takes up the next job.
    fn pass(&mut self, run: Run) {
        let name = self.children.entry_of(run).map(|entry| &entry.spec.name);
        let name = name.map_or("a program", String::as_str);
        self.log(
            Level::Debug,
            format!("looking for the command, user and socket of {name} takes long; others go on"),
        );
        let socket = self.children.runs.get(&run).and_then(|child| child.socket);
        let opening = socket.filter(|socket| self.sockets.opening(*socket).is_some());
        if opening.is_some_and(|socket| !self.sockets.relieve(socket)) {
            return;
        }
        if let Err(error) = self.workers.relieve() {
            let text = format!("could not start another worker thread: {error}");
            self.log(Level::Warn, text);
        }
    }

    fn take_deadlines(&mut self) {
        let now = clock::mono();
        self.pulse.ring_if_due(now);
        while let Some(run) = self.children.overdue(now) {
            self.give_up_waiting(run);
        }
        self.retry_sockets(now);
        self.ask_for_ends(now);
        self.begin_births();
        self.take_prepared();
        self.reap_others(now);
        self.read_postponed(now);
        let due = self.core.next_deadline().filter(|&due| due <= now);
        match due {
            Some(due) if self.hears_exits_first(due, now) => {}
            Some(_) => self.tell(Input::Tick),
            None => self.late_since = None,
        }
    }

    /// One line in the main log.
    pub(crate) fn log(&self, level: Level, text: impl Into<String>) {
        self.logger.log(level, text);
    }

    /// A closure by which a worker hands in its result and wakes this thread.
    pub(crate) fn reporter(&self) -> impl Fn(Done) + Send + use<> {
        let post = Post::new(self.done_sender.clone(), self.waker.clone());
        move |done| {
            post.leave(done);
            post.wake();
        }
    }

    /// When an exit stops waiting for the last words of a child reaped now.
    pub(crate) fn drain_until(now: Mono) -> Mono {
        now.plus(DRAIN_MAX)
    }
}
