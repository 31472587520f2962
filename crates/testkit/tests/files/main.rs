//! The machine that writes logs (`provost_capture::sink`), in a simulated world of pipes and files.
//!
//! Children write numbered bytes through pipes with back pressure; a disk fills, fails and writes short; renames fail in
//! any place of a rotation; others remove, empty and move the log; the daemon is killed between any two operations, and
//! replaced by another program. The account (I11, I12) and the disk (I13) share no code with the machine.

mod account;
mod disk;
mod plants;
mod run;

use plants::Plant;
use run::{Outcome, run};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Seeds of an ordinary run; `PROVOST_SEEDS` asks for more.
const SEEDS: u64 = 3_000;

/// Steps of a seed; `PROVOST_STEPS` asks for another number.
const STEPS: u64 = 300;

/// Seeds within which a planted fault must show.
const SEEDS_OF_PLANTS: u64 = 300;

fn number(variable: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else {
        return otherwise;
    };
    let number = text.parse();
    number.unwrap_or_else(|_| panic!("{variable} must be a number, it is {text:?}"))
}

fn steps() -> usize {
    usize::try_from(number("PROVOST_STEPS", STEPS)).expect("steps fit")
}

/// Fewer steps with which the seed still fails by the same rule.
fn shrink(found: &Outcome, plant: Plant) -> usize {
    let rule = found.violations.first().map(|(rule, _)| *rule);
    let fails = |steps: usize| {
        let outcome = run(found.seed, steps, plant);
        outcome.violations.first().map(|(rule, _)| *rule) == rule
    };
    let mut steps = steps();
    while steps > 1 && fails(steps / 2) {
        steps /= 2;
    }
    while steps > 1 && fails(steps - 1) {
        steps -= 1;
    }
    steps
}

/// What was seen, the end of the story, and the command that shows it again.
fn report(found: &Outcome) -> String {
    let steps = shrink(found, Plant::Nothing);
    let small = run(found.seed, steps, Plant::Nothing);
    let mut text = String::new();
    let start = small.trace.len().saturating_sub(40);
    for line in small.trace.get(start..).unwrap_or_default() {
        let _ = writeln!(text, "{line}");
    }
    for (rule, what) in &small.violations {
        let _ = writeln!(text, "{rule}: {what}");
    }
    let _ = writeln!(
        text,
        "to see it again: PROVOST_SEED={} PROVOST_STEPS={steps} cargo test -p provost-testkit --test files one_seed -- --nocapture",
        found.seed
    );
    text
}

#[test]
fn thousands_of_seeds_lose_no_byte_uncounted() {
    let seeds = number("PROVOST_SEEDS", SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return outcomes;
            }
            let mut outcome = run(seed, steps(), Plant::Nothing);
            outcome.trace = Vec::new();
            outcomes.push(outcome);
        }
    };
    let count = thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes: Vec<Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        let threads = threads.into_iter();
        threads
            .flat_map(|thread| thread.join().expect("a seed panicked"))
            .collect()
    });
    outcomes.sort_by_key(|outcome| outcome.seed);
    let failed = outcomes
        .iter()
        .find(|outcome| !outcome.violations.is_empty());
    assert!(
        failed.is_none(),
        "{}",
        failed.map(report).unwrap_or_default()
    );
    let mut seen = [0_u64; 5];
    for outcome in &outcomes {
        let figures = [
            outcome.written,
            outcome.told,
            outcome.markers,
            outcome.expired,
            outcome.lost,
        ];
        for (sum, figure) in seen.iter_mut().zip(figures) {
            *sum += figure;
        }
    }
    // A rule that no seed comes near proves nothing.
    assert!(seen.iter().all(|sum| *sum >= seeds / 2), "{seen:?}");
}

/// Shows the seed in `PROVOST_SEED` from beginning to end.
#[test]
#[expect(clippy::print_stdout, reason = "this is what `--nocapture` is for")]
fn one_seed() {
    let outcome = run(number("PROVOST_SEED", 0), steps(), Plant::Nothing);
    for line in &outcome.trace {
        println!("{line}");
    }
    assert!(outcome.violations.is_empty(), "{}", report(&outcome));
}

#[test]
fn a_seed_goes_the_same_way_each_time() {
    for seed in 0..50 {
        let (first, second) = (
            run(seed, 300, Plant::Nothing),
            run(seed, 300, Plant::Nothing),
        );
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
}

#[test]
fn each_planted_fault_is_caught_by_a_rule_meant_for_it() {
    let mut survivors = Vec::new();
    for (plant, meant) in Plant::ALL {
        let mut rules = BTreeSet::new();
        let caught = (0..SEEDS_OF_PLANTS).any(|seed| {
            let outcome = run(seed, 300, *plant);
            rules.extend(outcome.violations.iter().map(|(rule, _)| *rule));
            meant.iter().any(|rule| rules.contains(rule))
        });
        if !caught {
            survivors.push(format!(
                "{plant:?} shows only as {rules:?}, not as {meant:?}"
            ));
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}
