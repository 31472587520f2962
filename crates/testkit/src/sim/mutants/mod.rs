//! Planted bugs: what a buggy core would do, made by a wrapper that edits what goes in and what comes out.
//!
//! The core stays as it is. Each bug must be caught by the ordinary number of seeds; one that is not shows that an
//! invariant is missing, and a rule that catches none of them shows that its check cannot fail.

mod configs;
mod inputs;
mod orders;

use super::run::Subject;
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::{GroupSpec, Mono, Now, ProcId, ProcessSpec, Run, SocketId};
use std::sync::Arc;
use std::time::Duration;

macro_rules! plants {
    ($($(#[$doc:meta])* $name:ident caught by $($rule:literal)|+;)*) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Plant {
            /// None: the wrapper alone.
            Nothing,
            $($(#[$doc])* $name,)*
        }

        impl Plant {
            /// Every planted bug with the invariants of which one must catch it.
            pub const ALL: &'static [(Self, &'static [&'static str])] =
                &[$((Self::$name, &[$($rule),+]),)*];
        }
    };
}

plants! {
    /// One spawn in seven is forgotten.
    DropsSpawn caught by "I21";
    /// One spawn in seven is ordered twice.
    SpawnsTwice caught by "I01";
    /// A program is started while everything stops.
    SpawnsWhileStopping caught by "I06";
    /// The first starts come in the wrong order.
    StartsBackwards caught by "I26";
    /// Requests start their processes in the wrong order.
    StartsGroupsBackwards caught by "I26";
    /// Processes of a group are stopped in the wrong order.
    SignalsBackwards caught by "I25" | "I26";
    /// Somebody is said to wait.
    ReportsWaitOfNobody caught by "I17";
    /// A stop signal is forgotten.
    DropsStopSignal caught by "I09";
    /// SIGKILL is forgotten.
    DropsHardKill caught by "I07";
    /// Signals go to the group in place of the process, and the other way round.
    MixesUpGroupSignals caught by "I07" | "I09";
    /// A signal is sent one step too late.
    KillsLate caught by "I07" | "I09";
    /// A signal goes to a run that has ended.
    SignalsTheDead caught by "I08";
    /// A signal of a client is sent twice.
    SignalsTwice caught by "I09";
    /// An answer is forgotten.
    DropsReply caught by "I17";
    /// An answer is given twice.
    RepliesTwice caught by "I17";
    /// A client that left is answered.
    RepliesToGone caught by "I17";
    /// A client's departure is not noticed.
    IgnoresDeparture caught by "I17";
    /// It does not leave when all is done.
    DropsExit caught by "I25";
    /// It leaves before all is done.
    ExitsEarly caught by "I25";
    /// It mixes up shutdown and restart.
    ExitsWrongly caught by "I25";
    /// An event is sent twice.
    DeliversTwice caught by "I16";
    /// An event is never sent.
    DropsDelivery caught by "I16";
    /// What a listener relays is never printed.
    DropsPrint caught by "I16";
    /// The global number of events makes jumps.
    SkipsSerial caught by "I15";
    /// The number within the pool makes jumps.
    SkipsPoolSerial caught by "I15";
    /// Numbers begin at 0 after a kill.
    ForgetsNumbers caught by "I15";
    /// No number is reserved after the first ones.
    ForgetsToReserve caught by "I15";
    /// Events name the wrong pid.
    EventsNameWrongPid caught by "I04";
    /// Nobody hears that a buffer was full.
    HidesOverflow caught by "I28";
    /// Nobody hears how many were lost.
    HidesTheSum caught by "I28";
    /// An event on its way to a spool is forgotten.
    ForgetsForTheSpool caught by "I14";
    /// A record is called done before it is.
    CallsDoneTooEarly caught by "I14";
    /// What waits in memory at the end is not saved.
    SavesNothing caught by "I14";
    /// The end of a process is not told.
    HidesExit caught by "I10";
    /// That it gave up is not told.
    HidesGivingUp caught by "I05";
    /// A list is in the wrong order.
    UnsortsAnswers caught by "I39";
    /// A list is not complete.
    ShortensAnswers caught by "I39";
    /// A running process is shown without pid.
    HidesPid caught by "I03";
    /// An exit status is shown wrongly.
    ShowsWrongStatus caught by "I10";
    /// A state is shown wrongly.
    ShowsWrongState caught by "I04";
    /// A process stays in service when its group goes.
    KeepsRemoved caught by "I24";
    /// A program that a client gave is forgotten, and the client told that it is there.
    ForgetsPrograms caught by "I24";
    /// A refused program is taken all the same.
    TakesBrokenPrograms caught by "I17" | "I24";
    /// A sound fact is called odd.
    WondersForNothing caught by "I41";
    /// It never wants to be called again.
    SleepsForEver caught by "I21";
    /// It wants to be called in the past.
    WakesInThePast caught by "I19";
    /// It wants to be called too early.
    WakesForNothing caught by "I19";
    /// It wants to be called too late.
    Oversleeps caught by "I21";
    /// The wall clock decides.
    TrustsTheWallClock caught by "I04" | "I06" | "I07" | "I19" | "I21";
    /// Its clock is fast.
    HurriesDeadlines caught by "I04" | "I06" | "I07" | "I19";
    /// The end of a process is not noticed.
    MissesExit caught by "I10";
    /// All ends look alike.
    ForgetsStatus caught by "I10";
    /// A signal that could not be sent is not noticed.
    MissesFailedKill caught by "I04" | "I07" | "I09" | "I17" | "I21";
    /// A shortage counts as a failure of the program.
    BlamesTheProgram caught by "I04" | "I05";
    /// Listeners count as ready as soon as they run.
    TrustsListeners caught by "I16";
    /// A restart with a broken configuration goes through.
    RestartsWithBrokenConfig caught by "I17" | "I09";
    /// What was read anew is thrown away.
    RereadsNothing caught by "I17" | "I24";
    /// One retry more than configured.
    RetriesOnceMore caught by "I05";
    /// One retry less than configured.
    RetriesOnceLess caught by "I05";
    /// `startsecs` is off by one.
    StartsecsOffByOne caught by "I04" | "I21" | "I10";
    /// `stopwaitsecs` is off by one.
    StopwaitsecsOffByOne caught by "I07" | "I21";
    /// `exitcodes` is ignored.
    IgnoresExitcodes caught by "I06" | "I10" | "I21";
    /// `autorestart` is always true.
    RestartsAlways caught by "I06" | "I19";
    /// `autorestart` is always false.
    RestartsNever caught by "I21";
    /// `autostart` is ignored.
    StartsEverything caught by "I06" | "I26";
    /// `stopsignal` is ignored.
    IgnoresStopsignal caught by "I09";
    /// Groups of equal priority stop one after another.
    StopsOneByOne caught by "I25";
    /// Groups stop in ascending priority.
    StopsUpwards caught by "I25";
    /// `buffer_size` is one too small.
    BufferTooSmall caught by "I14";
    /// `buffer_size` is one too large.
    BufferTooLarge caught by "I28";
    /// A shared socket stays open when nobody uses it any more.
    KeepsSocket caught by "I46";
    /// A shared socket is closed although others use it.
    ClosesSocketInUse caught by "I46";
    /// Each start opens the shared socket again.
    OpensSocketTwice caught by "I46";
    /// A program runs without its socket.
    LosesSocket caught by "I46";
    /// Nobody hears that a socket was closed.
    HidesClosing caught by "I46";
    /// A group comes into service although its socket cannot be opened.
    AddsUntried caught by "I17" | "I24";
    /// A subscription is lost.
    LosesSubscription caught by "I16" | "I28";
    /// A call to a helper that takes too long is never ended.
    LetsCallsHang caught by "I44";
    /// A client gets the answer to another call.
    MixesUpCalls caught by "I44";
    /// A call is never sent to its helper.
    DropsCall caught by "I43";
    /// A helper that broke the protocol is still talked with.
    KeepsTalking caught by "I43";
    /// That a helper broke the protocol is not noticed.
    TrustsHelpers caught by "I07" | "I43";
    /// What a supervisord that was killed has left behind is not looked for.
    ForgetsOrphans caught by "I02";
    /// Descendants in sessions of their own are left alone.
    SparesTrees caught by "I09";
    /// What was rehearsed is never handed over.
    DropsHandOver caught by "I45";
    /// A program takes over although its rehearsal failed.
    TrustsTheRehearsal caught by "I45";
}

/// A core with a planted bug around it.
pub struct Mutant {
    core: Core,
    plant: Plant,
    /// Occasions for the bug so far.
    chances: u64,
    /// The first configuration as the core understood it.
    first: LoadedConfig,
    /// Groups as the core knows them, each with its shape in the file.
    shapes: Vec<(Arc<GroupSpec>, Arc<GroupSpec>)>,
    /// Orders held back.
    held: Vec<Effect>,
    /// The process that was started last, and its run.
    last_proc: Option<ProcId>,
    last_run: Option<Run>,
    /// The shared socket that was opened last.
    last_socket: Option<SocketId>,
    /// The time of the last input, and of the first.
    now: Now,
    began: Option<Now>,
}

impl Mutant {
    /// A core for this configuration with this bug.
    pub fn new(plant: Plant, given: &LoadedConfig) -> Self {
        let first = configs::edit(plant, given);
        let mut mutant = Self::around(plant, Core::new(first.clone()), first.clone());
        mutant.remember(given, &first);
        mutant
    }

    fn around(plant: Plant, core: Core, first: LoadedConfig) -> Self {
        Self {
            core,
            plant,
            chances: 0,
            first,
            shapes: Vec::new(),
            held: Vec::new(),
            last_proc: None,
            last_run: None,
            last_socket: None,
            now: Now::default(),
            began: None,
        }
    }

    /// Both shapes of what was read.
    fn remember(&mut self, given: &LoadedConfig, edited: &LoadedConfig) {
        self.shapes.extend(
            edited
                .groups
                .iter()
                .cloned()
                .zip(given.groups.iter().cloned()),
        );
    }

    /// Gives what came into service the shape that it has in the file.
    fn restore(&self, effect: &mut Effect) {
        let Effect::ProcessAdded { spec, group, .. } = effect else {
            return;
        };
        let Some((edited, given)) = self
            .shapes
            .iter()
            .rfind(|(edited, _)| is_made_from(group, edited))
        else {
            return;
        };
        *spec = in_file(edited, given, spec);
        let processes = group.processes.iter();
        *group = Arc::new(GroupSpec {
            priority: given.priority,
            kind: given.kind.clone(),
            processes: processes.map(|one| in_file(edited, given, one)).collect(),
            name: group.name.clone(),
        });
    }

    /// True for every `nth` occasion.
    fn each(&mut self, nth: u64) -> bool {
        self.chances += 1;
        self.chances.is_multiple_of(nth)
    }
}

fn named<'a>(group: &'a GroupSpec, name: &str) -> Option<&'a Arc<ProcessSpec>> {
    let mut processes = group.processes.iter();
    processes.find(|process| process.name == name)
}

/// A process as the file has it; one that a client has added stays as it is.
fn in_file(edited: &GroupSpec, given: &GroupSpec, process: &Arc<ProcessSpec>) -> Arc<ProcessSpec> {
    let is_known = named(edited, &process.name).is_some();
    let found = named(given, &process.name).filter(|_| is_known);
    Arc::clone(found.unwrap_or(process))
}

/// Whether a group is this one of a file, but for processes that clients have added and taken away.
fn is_made_from(group: &GroupSpec, file: &GroupSpec) -> bool {
    let same = |process: &Arc<ProcessSpec>| {
        named(file, &process.name).is_none_or(|known| known == process)
    };
    group.name == file.name
        && group.priority == file.priority
        && group.kind == file.kind
        && group.processes.iter().all(same)
}

impl Subject for Mutant {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        self.now = now;
        self.began.get_or_insert(now);
        let (now, input) = self.edit_input(now, input);
        let Some(input) = input else { return };
        let mut effects = Vec::new();
        let started = input == Input::Started;
        let gone = match &input {
            Input::RequesterGone { id } => Some(*id),
            _ => None,
        };
        let dead = match &input {
            Input::Exited { run, .. } => Some(*run),
            _ => None,
        };
        self.core.handle(now, input, &mut effects);
        self.edit_orders(effects, out, started, gone, dead);
    }

    fn next_deadline(&self) -> Option<Mono> {
        let deadline = self.core.next_deadline();
        let tenth = Duration::from_millis(100);
        let soonest = self.now.mono.plus(Duration::from_nanos(1));
        match self.plant {
            Plant::SleepsForEver => None,
            Plant::WakesInThePast => deadline.map(|_| self.now.mono),
            Plant::WakesForNothing => {
                let tenth_ns = u64::try_from(tenth.as_nanos()).unwrap_or(0);
                deadline.map(|at| Mono(at.0.saturating_sub(tenth_ns)).max(soonest))
            }
            Plant::Oversleeps => deadline.map(|at| at.plus(tenth)),
            Plant::TrustsTheWallClock => {
                let now = self.by_the_wall(self.now);
                deadline.map(|at| self.now.mono.plus(at.since(now)).max(soonest))
            }
            Plant::HurriesDeadlines => deadline.map(|at| at.max(soonest)),
            _ => deadline,
        }
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        let edited = configs::edit(self.plant, &config);
        let core = Core::after(&self.core, edited.clone());
        let mut next = Self::around(self.plant, core, edited.clone());
        next.remember(&config, &edited);
        next
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        Self::new(self.plant, &config)
    }
}
