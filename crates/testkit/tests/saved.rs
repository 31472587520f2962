//! Saved cores: the same after each step, and nothing of them is lost unnoticed.

use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::spec::OutputSpec;
use provost_model::{GroupKind, GroupSpec, Mono, Now, Pid};
use provost_testkit::sim::saving::{Kept, Often, load, reload, save};
use provost_testkit::sim::{Outcome, Settings, Subject, run_subject};
use provost_testkit::specs;
use serde_json::Value;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// The state of the first version.
const STATE: &str = include_str!("../../../fixtures/snapshots/core-0.1.0.json");

/// Seeds whose cores are saved before each step.
const SEEDS: u64 = 300;

fn settings(steps: usize) -> Settings {
    Settings::new(steps)
}

fn always(seed: u64) -> Outcome {
    run_subject(seed, settings(250), |config| {
        Kept::new(seed, Often::Always, config)
    })
}

#[test]
fn i29_a_core_that_is_saved_and_loaded_before_each_step_is_the_same() {
    let work = |first: u64| {
        (first..SEEDS)
            .step_by(2)
            .map(always)
            .find(|outcome| !outcome.violations.is_empty())
    };
    let failure = thread::scope(|scope| {
        let other = scope.spawn(move || work(1));
        let here = work(0);
        here.or(other.join().expect("a seed panicked"))
    });
    let report = failure.map(|outcome| outcome.report());
    assert!(report.is_none(), "{}", report.unwrap_or_default());
}

/// A core that loses something each time it is saved.
struct Forgetful {
    core: Core,
    lost: &'static str,
    complaint: Option<String>,
}

impl Subject for Forgetful {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        let lost = self.lost;
        let through = |text: &str| {
            let mut value: Value = serde_json::from_str(text).expect("it is JSON");
            if let Some(object) = value.pointer_mut(lost) {
                *object = match object {
                    Value::Array(_) => Value::Array(Vec::new()),
                    Value::Number(_) => 0.into(),
                    _ => serde_json::json!({}),
                };
            }
            value.to_string()
        };
        let loaded = reload(&self.core, through);
        match loaded {
            Ok(core) => self.core = core,
            Err(what) => self.complaint = Some(what),
        }
        self.core.handle(now, input, out);
    }

    fn next_deadline(&self) -> Option<Mono> {
        self.core.next_deadline()
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        let (core, lost) = (Core::after(&self.core, config), self.lost);
        let complaint = None;
        Self {
            core,
            lost,
            complaint,
        }
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        let (core, lost) = (Core::new(config), self.lost);
        let complaint = None;
        Self {
            core,
            lost,
            complaint,
        }
    }

    fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }
}

#[test]
fn i29_would_notice_what_is_lost() {
    for lost in [
        "/tables/latest",
        "/core/bus/serials/next",
        "/core/runs/last",
        "/core/deadlines",
        "/core/jobs/unanswered",
        "/core/jobs/watches",
        "/core/tickets/purposes",
        "/core/stores/by_namespace",
    ] {
        let make = |config| Forgetful {
            core: Core::new(config),
            lost,
            complaint: None,
        };
        let is_found = |seed| {
            let outcome = run_subject(seed, settings(400), make);
            outcome.violations.iter().any(|seen| seen.rule == "I29")
        };
        assert!((0..40).any(is_found), "{lost} was lost, and nobody noticed");
    }
}

/// What may be missing: one of many things of which none knows of the others (a call whose client has left, a signal on
/// its way), and what need not be configured.
const FREE: &[&str] = &[
    "/core/helpers/all/3/sent/1",
    "/core/jobs/sent/13",
    "/tables/shapes/4/kind/Fcgi/address/Unix/owner",
];

/// All places of fields, as JSON pointers.
fn fields(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                fields(inner, &place, into);
                into.push(place);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                fields(inner, &format!("{at}/{index}"), into);
            }
        }
        _ => {}
    }
}

fn without(state: &Value, place: &str) -> Value {
    let mut state = state.clone();
    let (parent, key) = place.rsplit_once('/').expect("a pointer has a slash");
    if let Some(Value::Object(map)) = state.pointer_mut(parent) {
        map.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
    state
}

#[test]
fn no_field_is_missing_unnoticed() {
    let state: Value = serde_json::from_str(STATE).expect("the fixture is JSON");
    let whole = load(STATE).expect("the fixture is sound");
    let text = save(&whole).expect("it is saved");
    let mut places = Vec::new();
    fields(&state, "", &mut places);
    assert!(places.len() > 1_000, "only {} fields", places.len());
    let unnoticed: Vec<&String> = places
        .iter()
        .filter(|place| !FREE.contains(&place.as_str()))
        .filter(|place| match load(&without(&state, place).to_string()) {
            Err(_) => false,
            Ok(core) => {
                core.digest() == whole.digest() && save(&core).is_ok_and(|saved| saved != text)
            }
        })
        .collect();
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}

/// A core with so many programs, all of them up.
fn large(programs: usize) -> Core {
    let group = |number: usize| {
        let mut spec = specs::process(&format!("program_{number}"));
        spec.environment = (0..10)
            .map(|key| (format!("VARIABLE_{key}"), format!("value {number}")))
            .collect();
        spec.stdout = OutputSpec {
            maxbytes: 50 << 20,
            backups: 10,
            ..spec.stdout
        };
        Arc::new(GroupSpec {
            name: spec.name.clone(),
            priority: 999,
            kind: GroupKind::Program,
            processes: vec![Arc::new(spec)],
        })
    };
    let mut core = Core::new(LoadedConfig {
        identifier: Arc::from("supervisor"),
        groups: (0..programs).map(group).collect(),
    });
    let mut now = Now::default();
    let mut out = Vec::new();
    core.handle(now, Input::Started, &mut out);
    let runs: Vec<_> = out
        .drain(..)
        .filter_map(|effect| match effect {
            Effect::Spawn { run, .. } => Some(run),
            _ => None,
        })
        .collect();
    for (run, pid) in runs.into_iter().zip(100..) {
        let pid = Pid(pid);
        core.handle(now, Input::Spawned { run, pid }, &mut out);
    }
    now.mono = Mono(2_000_000_000);
    core.handle(now, Input::Tick, &mut out);
    core
}

/// `cargo test --release -p provost-testkit --test saved large -- --ignored --nocapture` measures what a user has.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn how_long_a_large_core_takes() {
    let core = large(2_000);
    for _ in 0..3 {
        let begun = Instant::now();
        let text = save(&core).expect("it is saved");
        let saved = begun.elapsed();
        let begun = Instant::now();
        let loaded = load(&text).expect("it is loaded");
        let read = begun.elapsed();
        let begun = Instant::now();
        let same = loaded.digest() == core.digest();
        let compared = begun.elapsed();
        let bytes = text.len();
        println!(
            "{bytes} bytes, saved in {saved:?}, loaded and checked in {read:?}, digests in {compared:?}"
        );
        assert!(same);
    }
}
