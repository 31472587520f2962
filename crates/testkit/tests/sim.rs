//! The core in the simulated world.

use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::{Mono, Notice, Now};
use provost_testkit::sim::mutants::{Mutant, Plant};
use provost_testkit::sim::{self, Deaths, Outcome, Settings, Subject};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Seeds of an ordinary run; `PROVOST_SEEDS` asks for more.
const SEEDS: u64 = 5_000;

/// Inputs a seed; `PROVOST_STEPS` asks for another number.
const STEPS: usize = 2_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, it is {text:?}")),
    )
}

fn steps() -> usize {
    number("PROVOST_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap_or(STEPS))
}

/// Failures of which the commands are shown; where there are more, the first ones will do.
const FAILURES_SHOWN: usize = 20;

/// Runs seeds on all processors; tells those that fail, with all that there is to see of the first.
fn failures(seeds: u64, run: impl Fn(u64) -> Option<Outcome> + Sync) -> Option<String> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut failures = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || failures.len() >= FAILURES_SHOWN {
                return failures;
            }
            failures.extend(run(seed).filter(|outcome| !outcome.violations.is_empty()));
        }
    };
    let count = thread::available_parallelism().map_or(1, usize::from);
    let mut failures = thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a seed panicked"))
            .collect::<Vec<_>>()
    });
    failures.sort_by_key(|outcome| outcome.seed);
    let shrunk: Vec<Outcome> = failures
        .into_iter()
        .map(|found| {
            let seed = found.seed;
            sim::shrink(found, |settings| sim::run_with(seed, settings))
        })
        .collect();
    let mut report = shrunk.first()?.report();
    for outcome in &shrunk {
        let rules: Vec<_> = outcome.violations.iter().map(|seen| seen.rule).collect();
        let _ = writeln!(report, "{rules:?}: {}", outcome.command());
    }
    Some(report)
}

#[test]
fn thousands_of_seeds_violate_nothing() {
    let seeds = number("PROVOST_SEEDS").unwrap_or(SEEDS);
    let failures = failures(seeds, |seed| Some(sim::run(seed, steps())));
    assert!(failures.is_none(), "{}", failures.unwrap_or_default());
}

/// Scenes in which supervisord is killed after each single order, one run for each; `PROVOST_SCENES` asks for more.
const SCENES: u64 = 12;

/// Orders after each of which it is killed: the starts, and most of what follows them.
const ORDERS: usize = 70;

/// Inputs of such a run: some time before the kill, and enough to see that all is well again.
const STEPS_AROUND: usize = 200;

#[test]
fn i30_whichever_order_was_the_last_before_a_kill_the_next_life_is_sound() {
    let scenes = number("PROVOST_SCENES").unwrap_or(SCENES);
    let walk = |seed| {
        let killed_after = |orders| {
            let settings = Settings {
                deaths: Deaths::After(orders),
                ..Settings::new(STEPS_AROUND)
            };
            sim::run_with(seed, settings)
        };
        let mut outcomes = (0..ORDERS).map(killed_after);
        outcomes.find(|outcome| !outcome.violations.is_empty())
    };
    let failures = failures(scenes, walk);
    assert!(failures.is_none(), "{}", failures.unwrap_or_default());
}

/// Scenes with pairs of kills; `PROVOST_SCENES` asks for more.
const SCENES_OF_PAIRS: u64 = 10;

/// Inputs of such a scene, which is a short one.
const STEPS_OF_PAIRS: usize = 12;

/// Orders of such a scene, of its first life and of the one after the first kill.
const ORDERS_OF_PAIRS: usize = 40;

/// Seeds of scenes with few orders, but not next to none.
fn short_scenes() -> impl Iterator<Item = u64> {
    let orders = |seed: &u64| {
        let settings = Settings {
            deaths: Deaths::Never,
            ..Settings::new(STEPS_OF_PAIRS)
        };
        sim::run_with(*seed, settings).orders[0]
    };
    (0..).filter(move |seed| (ORDERS_OF_PAIRS / 2..=ORDERS_OF_PAIRS).contains(&orders(seed)))
}

#[test]
fn i30_whichever_two_orders_were_the_last_before_kills_the_third_life_is_sound() {
    let scenes = number("PROVOST_SCENES").unwrap_or(SCENES_OF_PAIRS);
    let seeds: Vec<u64> = short_scenes()
        .take(usize::try_from(scenes).unwrap_or(usize::MAX))
        .collect();
    let killed = |seed, deaths| {
        let settings = Settings {
            deaths,
            ..Settings::new(STEPS_OF_PAIRS)
        };
        sim::run_with(seed, settings)
    };
    let pairs = AtomicU64::new(0);
    // One share of the work is all pairs with one first kill.
    let shares = scenes * (ORDERS_OF_PAIRS as u64 + 1);
    let walk = |share: u64| {
        let seed = *seeds.get(usize::try_from(share % scenes).ok()?)?;
        let first = usize::try_from(share / scenes).ok()?;
        let once = killed(seed, Deaths::After(first));
        if !once.violations.is_empty() {
            return Some(once);
        }
        // A scene that is over before has no such kill.
        let orders = *once.orders.get(1)?;
        let mut twice = (0..=orders.min(ORDERS_OF_PAIRS)).map(|second| {
            pairs.fetch_add(1, Ordering::Relaxed);
            killed(seed, Deaths::Twice(first, second))
        });
        twice.find(|outcome| !outcome.violations.is_empty())
    };
    let failures = failures(shares, walk);
    assert!(failures.is_none(), "{}", failures.unwrap_or_default());
    let pairs = pairs.into_inner();
    assert!(pairs > 300 * scenes, "only {pairs} pairs");
}

#[test]
fn kept_seeds_stay_good() {
    let list = include_str!("../../../fixtures/seeds/core.txt");
    let mut count = 0;
    for line in list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let seed = line
            .split_whitespace()
            .next()
            .and_then(|seed| seed.parse().ok());
        let seed =
            seed.unwrap_or_else(|| panic!("fixtures/seeds/core.txt: {line:?} begins with no seed"));
        let outcome = sim::run(seed, STEPS);
        assert!(
            outcome.violations.is_empty(),
            "{line}\n{}",
            outcome.report()
        );
        count += 1;
    }
    assert!(count > 0, "fixtures/seeds/core.txt holds no seed");
}

/// Shows the seed in `PROVOST_SEED` from beginning to end.
#[test]
#[expect(clippy::print_stdout, reason = "this is what `--nocapture` is for")]
fn one_seed() {
    let settings = Settings::new(STEPS)
        .traced()
        .read(|variable| std::env::var(variable).ok())
        .unwrap_or_else(|problem| panic!("{problem}"));
    let outcome = sim::run_with(number("PROVOST_SEED").unwrap_or(0), settings);
    for line in &outcome.trace {
        println!("{line}");
    }
    assert!(outcome.violations.is_empty(), "{}", outcome.report());
}

#[test]
fn i38_a_seed_gives_the_same_conversation_each_time() {
    for seed in (0..SEEDS).step_by(100) {
        let (first, second) = (sim::run_traced(seed, STEPS), sim::run_traced(seed, STEPS));
        assert!(
            first.hash == second.hash,
            "seed {seed} gave two conversations"
        );
    }
}

/// A core that does not depend on its inputs alone.
struct Moody(Core);

static MOOD: AtomicU64 = AtomicU64::new(0);

impl Subject for Moody {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        self.0.handle(now, input, out);
        if MOOD.fetch_add(1, Ordering::Relaxed).is_multiple_of(1_013) {
            out.push(Effect::Notice(Notice::ChildQuit));
        }
    }

    fn next_deadline(&self) -> Option<Mono> {
        self.0.next_deadline()
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        Self(Core::after(&self.0, config))
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        Self(Core::new(config))
    }
}

#[test]
fn i38_would_notice_a_core_that_rolls_dice() {
    let settings = Settings::new(STEPS).traced();
    let run = || sim::run_subject(3, settings, |config| Moody(Core::new(config))).hash;
    assert_ne!(run(), run());
}

/// What was decided, without what shows the wall clock.
fn decisions<S: Subject>(
    seed: u64,
    wall_is_fixed: bool,
    make: impl FnOnce(LoadedConfig) -> S,
) -> Vec<String> {
    let settings = Settings {
        wall_is_fixed,
        // What is told of those that were left behind shows when they were born.
        deaths: Deaths::Never,
        ..Settings::new(STEPS).traced()
    };
    let mut trace = sim::run_subject(seed, settings, make).trace;
    trace.retain(|line| !line.contains("ok(Info") && !line.contains("Ok(Info"));
    for line in &mut trace {
        // A helper is told by the wall clock how long its caller waits.
        if let Some(place) = line.find(", wall ").or_else(|| line.find(", until: Wall")) {
            line.truncate(place);
        }
    }
    trace
}

/// Whether some pool of the seed hears of ticks, which follow the wall clock.
fn ticks(trace: &[String]) -> bool {
    trace.iter().any(|line| {
        line.contains("events: [") && (line.contains("Tick") || line.contains("[Event"))
    })
}

#[test]
fn i22_a_wall_clock_that_is_set_changes_no_decision() {
    let mut looked_at = 0;
    for seed in 0..300 {
        let decided = decisions(seed, false, Core::new);
        if ticks(&decided) {
            continue;
        }
        looked_at += 1;
        let with_fixed_clock = decisions(seed, true, Core::new);
        let differs = decided
            .iter()
            .zip(&with_fixed_clock)
            .find(|(one, other)| one != other);
        assert!(differs.is_none(), "seed {seed}: {differs:#?}");
        assert_eq!(decided.len(), with_fixed_clock.len(), "seed {seed}");
    }
    assert!(looked_at > 100, "only {looked_at} seeds without ticks");
}

#[test]
fn i22_would_notice_a_core_that_trusts_the_wall_clock() {
    let bad = |config: LoadedConfig| Mutant::new(Plant::TrustsTheWallClock, &config);
    let differs = |seed: &u64| decisions(*seed, false, bad) != decisions(*seed, true, bad);
    assert!((0..300).any(|seed| differs(&seed)));
}

#[test]
fn a_failure_says_what_was_seen_and_how_to_see_it_again() {
    let settings = Settings::new(STEPS).traced();
    let outcome = sim::run_subject(5, settings, |config| {
        Mutant::new(Plant::SleepsForEver, &config)
    });
    let report = outcome.report();
    assert!(report.contains("seed 5 failed in step "), "{report}");
    assert!(report.contains("I21: sleeps until None"), "{report}");
    let command = "PROVOST_SEED=5 PROVOST_STEPS=2000 cargo test -p provost-testkit --test sim one_seed -- --nocapture";
    assert!(report.contains(command), "{report}");
}

/// The words right after `mark` in all lines.
fn words_after(trace: &[String], mark: &str) -> BTreeSet<String> {
    let word = |line: &String| {
        let place = line.find(mark)? + mark.len();
        let rest = line.get(place..)?;
        Some(
            rest.chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect(),
        )
    };
    trace.iter().filter_map(word).collect()
}

/// A rule that no seed comes near proves nothing.
#[test]
fn the_world_reaches_every_input_order_refusal_and_line() {
    let (mut inputs, mut orders) = (BTreeSet::new(), BTreeSet::new());
    let (mut refusals, mut lines) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..500 {
        let trace = sim::run_traced(seed, STEPS).trace;
        inputs.extend(words_after(&trace, " <- "));
        orders.extend(words_after(&trace, " -> "));
        refusals.extend(words_after(&trace, "Err(Fault { code: "));
        lines.extend(words_after(&trace, "Notice("));
    }
    let expect = |seen: &BTreeSet<String>, words: &str| {
        let missing: Vec<_> = words
            .split_whitespace()
            .filter(|word| !seen.contains(*word))
            .collect();
        assert!(
            missing.is_empty(),
            "no seed made {missing:?}, only {seen:?}"
        );
    };
    expect(
        &inputs,
        "Started Spawned SpawnFailed Exited KillFailed Fenced Probed StdinWritten LogsCleared ConfigLoaded AutoLogNamed \
         ListenerSaid ListenerDeaf HelperSaid HelperHungUp CallNotSent SpoolAnswered Captured Logged Signal Tick Requested \
         RequesterGone SocketTried UpgradeAsked Rehearsed HandedOver Orphan SerialsFrom",
    );
    expect(
        &orders,
        "ProcessAdded ProcessRemoved Spawn Kill Fence Probe WriteStdin Deliver CallHelper HangUp Print Spool ClearLogs \
         ClearMainLog ReopenLogs LoadConfig Reply Notice Exit OpenSocket CloseSocket TrySocket Rehearse HandOver Adopt KillTree",
    );
    expect(
        &refusals,
        "ShutdownState BadName BadSignal NoFile NotExecutable Failed AbnormalTermination SpawnError AlreadyStarted \
         NotRunning AlreadyAdded StillRunning CantReread UnknownMethod",
    );
    expect(
        &lines,
        "Spawned SpawnFailed AlreadyRunning EnteredRunning GaveUp Stopped Exited Killing KillingHard Signalling \
         SignalTooLate SignalFailed KillInBackoff WaitingToStop WaitingToDie WaitingState ExitRequested RestartRequested \
         RestartIgnored RestartRefused ReopenRequested SignalIgnored ChildQuit GroupAdded GroupRemoved PoolOverflow \
         PoolOverflowGoesOn PoolOverflowOver SpoolFound SpoolsNotSaved \
         PoolRebuffered EventSent EventPipeBroken ListenerState EventProcessed EventRejected EventFailed ListenerUnknown \
         BadResultLine HelperReady HelperBroke HelperOverdue CommEmitted UpgradeRequested Upgraded UpgradeFailed CreatingSocket ClosingSocket Anomaly Adopted",
    );
}
