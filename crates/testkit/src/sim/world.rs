//! Everything outside the core: clocks, kernel, files, listeners and clients, all of them made of plain data.
//!
//! The world answers each order late, in any order that the kernel allows, and sometimes with a failure. It decides
//! nothing that a supervisor decides, and it checks nothing: that is the monitor's part.

use super::agenda::{Agenda, Lane};
use super::children::{Child, Children, Death};
use super::clients::Clients;
use super::faults::{Fault, Faults};
use super::helpers::Act;
use super::listeners::Deed;
use super::pids::PidTable;
use super::rng::Rng;
use super::scene;
use super::settings::{Deaths, Habit, Kinds, Settings};
use super::sockets::Sockets;
use provost_core::{Input, LoadedConfig};
use provost_model::spec::ResultHandler;
use provost_model::{Mono, Now, Pid, ProcId, ProcessSpec, RequestId, Run, Wall};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Where the monotonic clock stands when a life begins.
const MONO_AT_START: Mono = Mono(1_000_000_000_000);

/// Where the wall clock stands then: 2023-11-14, seconds since the epoch.
const WALL_AT_START_SECS: i64 = 1_700_000_000;

/// Nanoseconds of a second.
pub(super) const SECOND_NS: u64 = 1_000_000_000;

/// A fact that comes this little before a deadline may as well come at it.
const NEARLY: Duration = Duration::from_millis(5);

/// Something that will happen.
#[derive(Clone, Debug)]
pub(super) enum Coming {
    /// A fact reaches the core.
    Fact(Input),
    /// The last fact about a run reaches the core.
    End(Run, Input),
    /// A child ends.
    Death(Death),
    /// A zombie is reaped before its end is told.
    Reap(Run),
    /// A listener goes on with what it does.
    Deeds(Run, u64, VecDeque<Deed>),
    /// A child writes something that becomes an event.
    Chatter(Run),
    /// A helper goes on with what it does.
    Helper(Run, Act),
    /// The disk has a number of events.
    Reserved(u64),
    /// Some client asks for something.
    Client,
    /// Some client asks something of a helper.
    Caller,
    /// Somebody asks for an upgrade.
    Upgrader,
    /// A client asks this.
    Ask(RequestId, provost_model::Request),
    /// A client leaves.
    Leave(RequestId),
    /// Somebody edits the file, sets the clock, takes pids, stops supervisord for a while.
    Weather,
}

/// A process as the core has introduced it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) spec: Arc<ProcessSpec>,
    /// The result handler of its pool, if it listens.
    pub(super) listens: Option<ResultHandler>,
    pub(super) serves: bool,
}

/// The simulated world of one life of a daemon.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Mono,
    pub(super) wall_offset_ns: i128,
    /// Nobody sets the wall clock, whatever the dice say.
    pub(super) wall_is_fixed: bool,
    /// What can happen here.
    pub(super) kinds: Kinds,
    /// The file never has more groups than this.
    pub(super) programs: Option<usize>,
    pub(super) dice: Rng,
    pub(super) helper_dice: Rng,
    pub(super) upgrade_dice: Rng,
    pub(super) kill_dice: Rng,
    pub(super) spool_dice: Rng,
    /// In this seed supervisord is killed and panics now and then.
    pub(super) is_deadly: bool,
    /// Children that supervisord has left behind, and its successor has not taken over.
    pub(super) left_behind: BTreeMap<Pid, Child>,
    /// The number that events of the next life begin with if this one is killed.
    pub(super) reserved: u64,
    /// Runs of helpers with whom nobody talks any more.
    pub(super) hung_up: BTreeSet<Run>,
    pub(super) faults: Faults,
    pub(super) agenda: Agenda<Coming>,
    pub(super) pids: PidTable,
    pub(super) children: Children,
    pub(super) clients: Clients,
    pub(super) disks: super::spools::Disks,
    pub(super) known: BTreeMap<ProcId, Known>,
    pub(super) sockets: Sockets,
    /// What the configuration file says now.
    pub(super) file: LoadedConfig,
    /// Facts that were told, for telling them twice.
    pub(super) told: VecDeque<Input>,
    /// Whether clients and weather go on.
    pub(super) busy: bool,
    /// Mean time between two requests.
    pub(super) pace_ms: u64,
    /// No more requests to end or restart the daemon than this.
    pub(super) endings_left: u32,
    /// One such request has been made; others may follow soon.
    pub(super) is_ending: bool,
}

/// What the world does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When.
    pub(super) now: Now,
    /// What the core is told.
    pub(super) input: Input,
    /// Whether this cannot happen outside a broken edge.
    pub(super) impossible: bool,
}

impl World {
    /// The world of a seed, with the configuration that the daemon begins with.
    pub(super) fn new(rng: &mut Rng, settings: Settings) -> (Self, LoadedConfig) {
        let without = settings.without;
        let does = |habit| !without.has(Kinds::of_habit(habit));
        let mut config = scene::draw(&mut rng.fork(1));
        let mut dice = rng.fork(2);
        let mut faults = Faults::draw(&mut rng.fork(3));
        faults.leave_out(without);
        let mut helper_dice = rng.fork(5);
        let has_helper = helper_dice.chance(400) && does(Habit::Helper);
        if has_helper {
            config = scene::with_helper(&mut helper_dice, &config);
        }
        scene::shorten(&mut config, settings.programs);
        let mut sockets = Sockets::new(rng.fork(4));
        sockets.hand_out(&[], &mut config);
        let mut upgrade_dice = rng.fork(6);
        let has_upgrades = upgrade_dice.chance(300) && does(Habit::Upgrades);
        let mut kill_dice = rng.fork(7);
        let is_deadly = kill_dice.chance(350);
        let spool_dice = rng.fork(8);
        let mut kinds = faults.kinds().and(Kinds::habits()).but(without);
        for (is_there, habit) in [(has_helper, Habit::Helper), (has_upgrades, Habit::Upgrades)] {
            if !is_there {
                kinds = kinds.but(Kinds::of_habit(habit));
            }
        }
        if !is_deadly || settings.deaths != Deaths::ByChance {
            for fault in [Fault::DaemonKilled, Fault::DaemonPanics] {
                kinds = kinds.but(Kinds::of_fault(fault as usize));
            }
        }
        let pace_ms = *dice.pick(&[30, 200, 1_000, 4_000]);
        let mut world = Self {
            now: MONO_AT_START,
            wall_offset_ns: 0,
            wall_is_fixed: settings.wall_is_fixed,
            kinds,
            programs: settings.programs,
            faults,
            agenda: Agenda::default(),
            pids: PidTable::new(&mut dice),
            children: Children::default(),
            clients: Clients::default(),
            disks: super::spools::Disks::default(),
            known: BTreeMap::new(),
            sockets,
            file: config.clone(),
            told: VecDeque::new(),
            busy: true,
            pace_ms,
            endings_left: u32::try_from(dice.weighted(&[10, 4, 3, 3])).unwrap_or(0),
            is_ending: false,
            dice,
            helper_dice,
            upgrade_dice,
            kill_dice,
            spool_dice,
            is_deadly,
            left_behind: BTreeMap::new(),
            reserved: 0,
            hung_up: BTreeSet::new(),
        };
        let (now, begins) = (world.now, world.number_from(0));
        world.agenda.add(now, 0, Coming::Fact(begins));
        world.agenda.add(now, 0, Coming::Fact(Input::Started));
        world.later(Duration::from_millis(500), Coming::Client);
        world.later(Duration::from_secs(1), Coming::Weather);
        if has_helper {
            world.later(Duration::from_millis(100), Coming::Caller);
        }
        if has_upgrades {
            world.upgrade_later(Duration::from_secs(3), Coming::Upgrader);
        }
        (world, config)
    }

    /// What may go wrong here, for people.
    pub(super) fn describe(&self) -> String {
        format!(
            "requests each {} ms or so; faults: {}",
            self.pace_ms,
            self.faults.describe()
        )
    }

    /// Both clocks.
    pub(super) fn clocks(&self) -> Now {
        let since = i128::from(self.now.0 - MONO_AT_START.0) + self.wall_offset_ns;
        let start = i128::from(WALL_AT_START_SECS) * i128::from(SECOND_NS);
        let wall = start + since;
        let secs = wall.div_euclid(i128::from(SECOND_NS));
        let nanos = wall.rem_euclid(i128::from(SECOND_NS));
        let wall = Wall {
            secs: i64::try_from(secs).unwrap_or(0),
            nanos: u32::try_from(nanos).unwrap_or(0),
        };
        Now {
            mono: self.now,
            wall,
        }
    }

    /// From now on nothing goes wrong, nobody asks, and whoever holds something back lets it go.
    pub(super) fn calm(&mut self) {
        self.faults.cease();
        self.busy = false;
        self.pids.clear_strangers();
    }

    /// One last request, asked now.
    pub(super) fn ask(&mut self, request: provost_model::Request) -> RequestId {
        let id = self.clients.number();
        self.agenda.add(self.now, 0, Coming::Ask(id, request));
        id
    }

    /// How many children live.
    pub(super) fn living(&self) -> usize {
        self.children.living().count()
    }

    /// Goes on to the next thing that the core hears of, but not beyond `end`.
    pub(super) fn next(&mut self, deadline: Option<Mono>, end: Mono) -> Option<Step> {
        /// Happenings that nobody hears of; where even clients are left out, there may be nothing else any more.
        const UNHEARD_MAX: usize = 20_000;
        for _ in 0..UNHEARD_MAX {
            let coming = self.agenda.next();
            let tick = deadline.filter(|deadline| {
                let due = (*deadline).max(self.now);
                match coming.map(|at| at.max(self.now)) {
                    None => true,
                    Some(at) if at == due => self.dice.chance(500),
                    Some(at) => due < at,
                }
            });
            let mut at = tick.or(coming)?.max(self.now);
            if tick.is_none()
                && let Some(due) = deadline.filter(|due| at < *due && *due <= at.plus(NEARLY))
                && self.dice.chance(150)
            {
                // What nearly coincides coincides now and then: boundaries are where rules are wrong.
                at = due;
            }
            if at > end {
                return None;
            }
            self.now = at;
            if self.odd_is_due() {
                let input = self.impossible();
                return Some(Step {
                    now: self.clocks(),
                    input,
                    impossible: true,
                });
            }
            if tick.is_some() {
                return Some(self.step(Input::Tick));
            }
            let what = self.agenda.take(at)?;
            if let Some(input) = self.happen(what) {
                return Some(self.step(input));
            }
        }
        None
    }

    /// Whether something impossible comes first. Only once the life has begun.
    fn odd_is_due(&mut self) -> bool {
        self.faults.strike(&mut self.dice, Fault::ImpossibleFact) && !self.told.is_empty()
    }

    /// The daemon begins anew with what the file says now. What is still on its way from the former life arrives in
    /// the new one; connections are closed.
    pub(super) fn next_life(&mut self) -> LoadedConfig {
        self.is_ending = false;
        self.told.clear();
        self.known.clear();
        self.clients.close_all();
        // Before all that waits: the edge says this first.
        self.agenda.add(Mono(0), 0, Coming::Fact(Input::Started));
        self.file.clone()
    }

    fn step(&self, input: Input) -> Step {
        Step {
            now: self.clocks(),
            input,
            impossible: false,
        }
    }

    /// Something happens; perhaps the core hears of it at once.
    fn happen(&mut self, what: Coming) -> Option<Input> {
        match what {
            Coming::Fact(input) => {
                // Nobody tells this twice: the start comes right behind.
                if !matches!(input, Input::Orphan(_) | Input::SerialsFrom { .. }) {
                    self.remember(&input);
                }
                Some(input)
            }
            Coming::End(run, input) => {
                self.free(run);
                self.children.remove(run);
                self.agenda.close(Lane::Run(run));
                self.remember(&input);
                Some(input)
            }
            Coming::Death(death) => {
                self.end(&death);
                None
            }
            Coming::Reap(run) => {
                self.free(run);
                None
            }
            Coming::Deeds(run, serial, deeds) => {
                self.go_on(run, serial, deeds);
                None
            }
            Coming::Chatter(run) => {
                self.chatter(run);
                None
            }
            Coming::Helper(run, act) => {
                self.helper_acts(run, act);
                None
            }
            Coming::Reserved(until) => {
                self.reserved = until;
                None
            }
            Coming::Client => self.client_asks(),
            Coming::Caller => self.caller(),
            Coming::Upgrader => self.upgrader(),
            Coming::Ask(id, request) => Some(Input::Requested { id, request }),
            Coming::Leave(id) => {
                self.clients.left(id);
                Some(Input::RequesterGone { id })
            }
            Coming::Weather => {
                self.weather();
                None
            }
        }
    }

    fn remember(&mut self, input: &Input) {
        /// As many facts are kept for being told again.
        const TOLD_MAX: usize = 16;
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back(input.clone());
    }

    fn free(&mut self, run: Run) {
        if let Some(pid) = self.children.reap(run) {
            self.pids.release(pid);
        }
    }

    /// Puts something down that happens after `wait`.
    pub(super) fn later(&mut self, wait: Duration, what: Coming) {
        let dice = self.dice.next_u64();
        self.agenda.add(self.now.plus(wait), dice, what);
    }

    /// Puts a fact down that may not overtake others in its lane.
    pub(super) fn later_in_lane(&mut self, lane: Lane, wait: Duration, what: Coming) -> Mono {
        let dice = self.dice.next_u64();
        self.agenda
            .add_in_lane(lane, self.now.plus(wait), dice, what)
    }

    /// How long an answer takes that needs no more than another thread.
    pub(super) fn answer_time(&mut self) -> Duration {
        if self.faults.strike(&mut self.dice, Fault::SlowAnswer) {
            Duration::from_millis(self.dice.between(1, 8_000))
        } else {
            Duration::from_micros(self.dice.below(3_000))
        }
    }

    /// A listener does the next of its deeds.
    fn go_on(&mut self, run: Run, serial: u64, mut deeds: VecDeque<Deed>) {
        if self.children.alive(run).is_none() {
            return;
        }
        let lane = Lane::Run(run);
        let soon = Duration::from_micros(self.dice.below(500));
        match deeds.pop_front() {
            Some(Deed::Say(_, data)) => {
                self.later_in_lane(lane, soon, Coming::Fact(Input::ListenerSaid { run, data }));
            }
            Some(Deed::Die(_)) => {
                let status = provost_model::ExitStatus::Code(1);
                if let Some(death) = self.children.doom(run, self.now, status) {
                    self.later(Duration::ZERO, Coming::Death(death));
                }
            }
            Some(Deed::Deaf(_)) => {
                let fact = Input::ListenerDeaf { run, serial };
                self.later_in_lane(lane, soon, Coming::Fact(fact));
            }
            Some(Deed::Nothing) | None => {}
        }
        self.plan_deeds(run, serial, deeds);
    }

    /// Plans the next deed of a listener.
    pub(super) fn plan_deeds(&mut self, run: Run, serial: u64, deeds: VecDeque<Deed>) {
        let wait = match deeds.front() {
            Some(Deed::Say(wait, _) | Deed::Die(wait) | Deed::Deaf(wait)) => *wait,
            Some(Deed::Nothing) | None => return,
        };
        self.later(wait, Coming::Deeds(run, serial, deeds));
    }
}
