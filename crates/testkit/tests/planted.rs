//! Planted bugs: each must be caught, and each rule must catch one.

use provost_testkit::sim::mutants::{Mutant, Plant};
use provost_testkit::sim::{Kinds, Outcome, Settings, run_subject, shrink};
use std::collections::BTreeSet;

/// Seeds within which a planted bug must show; a small part of what the ordinary run goes through.
const SEEDS: u64 = 400;

const SETTINGS: Settings = Settings::new(1_000);

/// Rules that the monitor checks at each step.
const RULES: &[&str] = &[
    "I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I10", "I14", "I15", "I16",
    "I17", "I19", "I21", "I24", "I25", "I26", "I28", "I39", "I41", "I43", "I44", "I45", "I46",
];

/// After how many seeds the bug shows by one of the rules meant for it, and by which rules it showed until then.
fn hunt(plant: Plant, meant: &[&str]) -> (Option<u64>, BTreeSet<&'static str>) {
    let mut rules = BTreeSet::new();
    for seed in 0..SEEDS {
        let outcome = run_subject(seed, SETTINGS, |config| Mutant::new(plant, &config));
        rules.extend(outcome.violations.iter().map(|violation| violation.rule));
        if meant.iter().any(|rule| rules.contains(rule)) {
            return (Some(seed + 1), rules);
        }
    }
    (None, rules)
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "shown with --nocapture: which rule catches what, and how soon"
)]
fn each_planted_bug_is_caught_by_a_rule_meant_for_it() {
    let mut survivors = Vec::new();
    for (plant, meant) in Plant::ALL {
        let (seeds, rules) = hunt(*plant, meant);
        println!("{plant:?} shows after {seeds:?} seeds as {rules:?}");
        if seeds.is_none() {
            survivors.push(format!(
                "{plant:?} shows only as {rules:?}, not as {meant:?}"
            ));
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn each_rule_catches_a_planted_bug() {
    let only = |meant: &&[&'static str]| (meant.len() == 1).then(|| meant[0]);
    let named: BTreeSet<&str> = Plant::ALL
        .iter()
        .filter_map(|(_, meant)| only(meant))
        .collect();
    let idle: Vec<_> = RULES.iter().filter(|rule| !named.contains(*rule)).collect();
    assert!(idle.is_empty(), "no planted bug is caught by just {idle:?}");
}

#[test]
fn the_wrapper_alone_is_no_bug() {
    for seed in 0..SEEDS {
        let outcome = run_subject(seed, SETTINGS, |config| {
            Mutant::new(Plant::Nothing, &config)
        });
        assert!(outcome.violations.is_empty(), "{}", outcome.report());
    }
}

/// Settings as the variables before a command say them.
fn read(command: &str) -> Settings {
    let words = || {
        command
            .split_whitespace()
            .map_while(|word| word.split_once('='))
    };
    let variable = |name: &str| {
        let mut found = words().filter(|(variable, _)| *variable == name);
        found.next().map(|(_, value)| value.to_owned())
    };
    Settings::new(2_000).read(variable).expect("it is our own")
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "shown with --nocapture: how small each becomes"
)]
fn a_failing_seed_is_shrunk_and_its_command_shows_the_same_failure() {
    let plants = [
        Plant::DropsStopSignal,
        Plant::SpawnsTwice,
        Plant::HidesOverflow,
        Plant::MissesFailedKill,
        Plant::ForgetsOrphans,
        Plant::LetsCallsHang,
    ];
    for plant in plants {
        let run =
            |seed, settings| run_subject(seed, settings, |config| Mutant::new(plant, &config));
        let mut outcomes = (0..SEEDS).map(|seed| run(seed, Settings::new(2_000)));
        let found = outcomes
            .find(|outcome: &Outcome| !outcome.violations.is_empty())
            .unwrap_or_else(|| panic!("{plant:?} is not caught"));
        let small = shrink(found.clone(), |settings| run(found.seed, settings));
        let command = small.command();
        println!("{plant:?}: {} steps, {command}", found.steps);
        let rule = |outcome: &Outcome| outcome.violations.first().map(|seen| seen.rule);

        assert!(small.settings.steps < found.settings.steps, "{command}");
        assert!(small.settings.without.count() > 3, "{command}");
        assert!(small.kinds.count() < found.kinds.count(), "{command}");
        assert!(small.programs <= found.programs, "{command}");
        let again = run(found.seed, read(&command));
        assert_eq!(again, small, "{command}");
        assert!(
            again
                .violations
                .iter()
                .any(|seen| Some(seen.rule) == rule(&found))
        );
        // What is left is needed: without it nothing fails, or in another way.
        let needed = |kind| {
            let without = small.settings.without.and(kind);
            let outcome = run(
                found.seed,
                Settings {
                    without,
                    ..small.settings
                },
            );
            outcome
                .violations
                .iter()
                .all(|seen| Some(seen.rule) != rule(&found))
        };
        assert!(small.kinds.each().all(needed), "{command}");
    }
}

#[test]
fn nothing_is_shrunk_to_a_seed_that_fails_otherwise() {
    // Whatever is left out, another rule is broken.
    let found = (0..SEEDS)
        .map(|seed| {
            run_subject(seed, SETTINGS, |config| {
                Mutant::new(Plant::DropsReply, &config)
            })
        })
        .find(|outcome| !outcome.violations.is_empty())
        .expect("it is caught");
    let other = |settings| Outcome {
        settings,
        violations: vec![provost_testkit::sim::monitor::Violation {
            rule: "I99",
            what: String::new(),
        }],
        ..found.clone()
    };
    assert_eq!(shrink(found.clone(), other), found);
    assert_eq!(found.settings.without, Kinds::NONE);
}
