//! One seed from beginning to end.

use super::monitor::{Monitor, Violation};
use super::rng::Rng;
use super::saving::{Kept, Often};
use super::settings::{Deaths, Kinds, Settings};
use super::world::{Step, World};
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::{Mono, Now, Request};
use std::fmt::Write as _;
use std::time::Duration;

/// How long everything may take to settle once nothing goes wrong any more: the longest stop, the longest back-off and
/// the longest patience with a worker, one after another.
const SETTLES_WITHIN: Duration = Duration::from_mins(5);

/// Steps that a settling world takes at most; more means that it runs in circles.
const SETTLING_STEPS_MAX: usize = 50_000;

/// Lines of the trace that a failure shows.
const TRACE_LINES_SHOWN: usize = 60;

/// Characters of such a line; a whole configuration in it would bury the rest. The replay shows all.
const TRACE_LINE_SHOWN: usize = 300;

/// What is run: the core, or a core with a planted bug around it.
pub trait Subject: Sized {
    /// Takes one input and appends orders.
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>);
    /// When it wants to be called at the latest.
    fn next_deadline(&self) -> Option<Mono>;
    /// The one of the next life after a restart.
    #[must_use]
    fn next_life(&self, config: LoadedConfig) -> Self;
    /// The one of a life that begins without a word from the one before, which was killed.
    #[must_use]
    fn born_anew(&self, config: LoadedConfig) -> Self;
    /// Doing an order panicked: it goes on in the state that can be worked out from what it was told.
    fn survive(&mut self) {}
    /// What it found wrong with itself in the last step.
    fn complaint(&mut self) -> Option<String> {
        None
    }
}

impl Subject for Core {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        Self::handle(self, now, input, out);
    }

    fn next_deadline(&self) -> Option<Mono> {
        Self::next_deadline(self)
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        Self::after(self, config)
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        Self::new(config)
    }
}

/// How a seed went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// How it was run.
    pub settings: Settings,
    /// Inputs that the core took.
    pub steps: usize,
    /// Orders that were to be carried out between two kills.
    pub orders: Vec<usize>,
    /// What can happen in this seed, and was not left out.
    pub kinds: Kinds,
    /// Groups of the configuration that it began with.
    pub programs: usize,
    /// What was seen that must never be seen, in the first bad step.
    pub violations: Vec<Violation>,
    /// A number over everything that was said; 0 when no trace was kept.
    pub hash: u64,
    /// The conversation; empty when no trace was kept.
    pub trace: Vec<String>,
}

impl Outcome {
    /// The report on a failure: what, the end of the conversation, and the command that shows it again.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let start = self.trace.len().saturating_sub(TRACE_LINES_SHOWN);
        for line in self.trace.get(start..).unwrap_or_default() {
            let shown: String = line.chars().take(TRACE_LINE_SHOWN).collect();
            let _ = writeln!(text, "{shown}");
        }
        let _ = writeln!(text, "seed {} failed in step {}:", self.seed, self.steps);
        for violation in &self.violations {
            let _ = writeln!(text, "  {violation}");
        }
        let _ = writeln!(text, "to see it again: {}", self.command());
        text
    }

    /// The command that shows it again.
    pub fn command(&self) -> String {
        format!(
            "PROVOST_SEED={} {} cargo test -p provost-testkit --test sim one_seed -- --nocapture",
            self.seed,
            self.settings.describe()
        )
    }
}

/// Runs the core through a seed of about `steps` inputs; a failure is run again with a trace.
pub fn run(seed: u64, steps: usize) -> Outcome {
    run_with(seed, Settings::new(steps))
}

/// The same, with the whole conversation and its hash.
pub fn run_traced(seed: u64, steps: usize) -> Outcome {
    run_with(seed, Settings::new(steps).traced())
}

/// Runs the core through a seed; a failure is run again with a trace.
pub fn run_with(seed: u64, settings: Settings) -> Outcome {
    let go = |settings| {
        run_subject(seed, settings, |config| {
            Kept::new(seed, Often::ByChance, config)
        })
    };
    let outcome = go(settings);
    if outcome.violations.is_empty() || settings.traced {
        outcome
    } else {
        go(settings.traced())
    }
}

/// Runs any subject through a seed.
pub fn run_subject<S: Subject>(
    seed: u64,
    settings: Settings,
    make: impl FnOnce(LoadedConfig) -> S,
) -> Outcome {
    let mut rng = Rng::new(seed);
    let (world, config) = World::new(&mut rng, settings);
    let (kinds, programs) = (world.kinds, config.groups.len());
    let mut course = Course {
        monitor: Monitor::new(config.clone()),
        subject: make(config),
        trace: settings.traced.then(|| Trace::new(&world)),
        world,
        steps: 0,
        orders: vec![0],
        violations: Vec::new(),
        effects: Vec::new(),
        lost: 0,
        deaths: settings.deaths,
        was_killed: false,
    };
    course.live(settings.steps);
    course.settle();
    course.shut_down();
    let (hash, trace) = course
        .trace
        .map_or((0, Vec::new()), |trace| (trace.hash, trace.lines));
    Outcome {
        seed,
        settings,
        steps: course.steps,
        orders: course.orders,
        kinds,
        programs,
        violations: course.violations,
        hash,
        trace,
    }
}

/// A run under way.
struct Course<S> {
    world: World,
    monitor: Monitor,
    subject: S,
    steps: usize,
    orders: Vec<usize>,
    violations: Vec<Violation>,
    trace: Option<Trace>,
    effects: Vec<Effect>,
    /// Children that nobody could reach when a life ended.
    lost: usize,
    /// When the daemon dies; for a chosen point, how many orders are left until then.
    deaths: Deaths,
    was_killed: bool,
}

impl<S: Subject> Course<S> {
    /// Whether there is nothing more to see: something was violated, or the daemon has left.
    fn is_over(&self) -> bool {
        !self.violations.is_empty() || self.monitor.ended().is_some()
    }

    /// The time of trouble; a restart makes another life.
    fn live(&mut self, steps: usize) {
        while self.steps < steps && self.violations.is_empty() {
            if self.monitor.ended() == Some(true) {
                self.begin_anew();
            }
            if self.is_over() || !self.advance(Mono(u64::MAX)) {
                return;
            }
        }
    }

    fn begin_anew(&mut self) {
        self.lost += self.monitor.out_of_reach();
        let config = self.world.next_life();
        self.subject = self.subject.next_life(config.clone());
        self.monitor = self.monitor.next_life(config);
    }

    /// I21: with faults over, everything comes to rest.
    fn settle(&mut self) {
        if self.is_over() {
            return;
        }
        self.world.calm();
        let settled =
            self.until(|course| course.is_over() || course.monitor.unsettled().is_empty());
        if !settled {
            let what = self.monitor.unsettled().join("; ");
            self.fail(
                "I21",
                format!("after {SETTLES_WITHIN:?} without faults: {what}"),
            );
        }
    }

    /// I25: at the end nothing of ours lives.
    fn shut_down(&mut self) {
        while !self.is_over() {
            self.world.ask(Request::Shutdown);
            let lives = self.orders.len();
            let ended = self.until(|course| course.is_over() || course.orders.len() > lives);
            // One that is killed over it has a successor, which nobody has asked yet.
            if !ended {
                self.fail("I25", "it does not leave".to_owned());
            }
        }
        let (living, lost) = (self.world.living(), self.lost + self.monitor.out_of_reach());
        if self.violations.is_empty() && living > lost {
            self.fail(
                "I25",
                format!("{living} children live on, {lost} were out of reach"),
            );
        }
    }

    fn fail(&mut self, rule: &'static str, what: String) {
        self.violations.push(Violation { rule, what });
    }

    /// Goes on until `reached`, within the time that it may take. Tells whether it was reached.
    fn until(&mut self, reached: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.clocks().mono.plus(SETTLES_WITHIN);
        for _ in 0..SETTLING_STEPS_MAX {
            if reached(self) {
                return true;
            }
            if !self.advance(end) {
                break;
            }
        }
        reached(self)
    }

    /// One step. False when nothing more happens before `end`.
    fn advance(&mut self, end: Mono) -> bool {
        let Some(step) = self.world.next(self.subject.next_deadline(), end) else {
            return false;
        };
        self.steps += 1;
        let Step {
            now,
            input,
            impossible,
        } = step;
        self.effects.clear();
        self.subject.handle(now, input.clone(), &mut self.effects);
        let deadline = self.subject.next_deadline();
        let violations = self
            .monitor
            .observe(now, &input, &self.effects, deadline, impossible);
        if let Some(trace) = &mut self.trace {
            trace.add(now, &input, &self.effects, deadline);
        }
        self.violations.extend(violations);
        if let Some(what) = self.subject.complaint() {
            self.fail("I29", what);
        }
        self.carry_out();
        true
    }

    /// The orders of a step are carried out, unless the daemon dies over them.
    fn carry_out(&mut self) {
        if let Some(orders) = self.orders.last_mut() {
            *orders += self.effects.len();
        }
        let (killed, panics) = self.fate(self.effects.len());
        let has_left = self.monitor.ended().is_some();
        let done = killed.filter(|_| !has_left).unwrap_or(usize::MAX);
        let broken = panics.filter(|at| *at < done && !has_left);
        let changes = self.was_killed
            && self
                .effects
                .iter()
                .any(|effect| matches!(effect, Effect::Spawn { .. } | Effect::Adopt { .. }));
        for (place, effect) in self.effects.drain(..).enumerate().take(done) {
            if broken == Some(place) {
                self.world.break_off(effect);
            } else {
                self.world.perform(effect);
            }
        }
        if let (Some(place), Some(trace)) = (broken, &mut self.trace) {
            trace.line(format!("{:>15} !! doing order {place} panics", ""));
        }
        if broken.is_some() {
            self.subject.survive();
        }
        if done < usize::MAX {
            self.die(done);
        } else if changes {
            self.look_for_strays();
        }
    }

    /// After which of the orders of a step the daemon is killed, and at which it panics.
    fn fate(&mut self, orders: usize) -> (Option<usize>, Option<usize>) {
        match &mut self.deaths {
            Deaths::ByChance => (
                self.world.killed_after(orders),
                self.world.panics_at(orders),
            ),
            Deaths::Never => (None, None),
            Deaths::After(left) | Deaths::Twice(left, _) => {
                let after = *left;
                if after > orders {
                    *left -= orders;
                    return (None, None);
                }
                self.deaths = match self.deaths {
                    Deaths::Twice(_, next) => Deaths::After(next),
                    _ => Deaths::Never,
                };
                (Some(after), None)
            }
        }
    }

    /// The daemon is killed after so many orders of a step; another one begins with what it finds.
    fn die(&mut self, done: usize) {
        let found = self.world.killed();
        if let Some(trace) = &mut self.trace {
            trace.line(format!("{:>15} !! killed after order {done}", ""));
        }
        self.lost = 0;
        self.orders.push(0);
        self.was_killed = true;
        self.subject = self.subject.born_anew(found.config.clone());
        self.monitor = self.monitor.after_kill(found.config, found.spools);
    }

    /// I01, I02 in the world itself, which knows who lives whatever anybody was told.
    fn look_for_strays(&mut self) {
        let monitor = &self.monitor;
        if let Some((rule, what)) = self.world.astray(|run| monitor.has(run)) {
            self.fail(rule, what);
        }
    }
}

/// What was said, and a number over it (FNV-1a, which is the same everywhere and for ever).
struct Trace {
    lines: Vec<String>,
    hash: u64,
}

impl Trace {
    fn new(world: &World) -> Self {
        let mut trace = Self {
            lines: Vec::new(),
            hash: 0xCBF2_9CE4_8422_2325,
        };
        trace.line(world.describe());
        for group in &world.file.groups {
            trace.line(format!("{group:?}"));
        }
        trace
    }

    fn line(&mut self, line: String) {
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.lines.push(line);
    }

    fn add(&mut self, now: Now, input: &Input, effects: &[Effect], deadline: Option<Mono>) {
        self.line(format!("{:>15} <- {input:?}", now.mono.0));
        for effect in effects {
            self.line(format!("{:>15} -> {effect:?}", ""));
        }
        self.line(format!(
            "{:>15} .. {:?}, wall {}",
            "",
            deadline.map(|at| at.0),
            now.wall.secs
        ));
    }
}
