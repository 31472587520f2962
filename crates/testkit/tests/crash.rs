//! The daemon dies at any step, and a new core takes over what lives: the real core in a world of its own, small enough
//! that a life may end between any two facts.
//!
//! Checked after every step: at most one process of a name lives (I01), and every process that lives is known to the core
//! or was recorded (I02).

use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::spec::AutoRestart;
use provost_model::{
    ExitStatus, GroupKind, GroupSpec, Mono, Now, Orphan, Pid, ProcId, ProcessSpec, Run, Wall,
};
use provost_testkit::sim::rng::Rng;
use provost_testkit::specs::process;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Seeds of an ordinary run.
const SEEDS: u64 = 2_000;
/// Steps of each.
const STEPS: usize = 200;

/// What is wrong with the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// One orphan in three is not told to the core.
    ForgetsOrphans,
}

/// A process that lives, and its run in the daemon that knows it.
struct Living {
    name: String,
    run: Option<Run>,
    started: Mono,
}

struct World {
    dice: Rng,
    now: Mono,
    core: Core,
    config: LoadedConfig,
    names: BTreeMap<ProcId, String>,
    /// Ordered, and not answered.
    awaited: Vec<(ProcId, Run)>,
    living: BTreeMap<i32, Living>,
    last_pid: i32,
    plant: Plant,
}

fn spec(name: &str) -> Arc<ProcessSpec> {
    Arc::new(ProcessSpec {
        autorestart: AutoRestart::Always,
        ..process(name)
    })
}

impl World {
    fn new(seed: u64, plant: Plant) -> Self {
        let groups = ["a", "b", "c"].map(|name| {
            Arc::new(GroupSpec {
                name: name.to_owned(),
                priority: 999,
                kind: GroupKind::Program,
                processes: vec![spec(name)],
            })
        });
        let config = LoadedConfig {
            identifier: Arc::from("supervisor"),
            groups: groups.to_vec(),
        };
        let mut world = Self {
            dice: Rng::new(seed),
            now: Mono(1_000_000_000_000),
            core: Core::new(config.clone()),
            config,
            names: BTreeMap::new(),
            awaited: Vec::new(),
            living: BTreeMap::new(),
            last_pid: 100,
            plant,
        };
        world.tell(Input::Started);
        world
    }

    fn tell(&mut self, input: Input) {
        let now = Now {
            mono: self.now,
            wall: Wall::default(),
        };
        let mut effects = Vec::new();
        self.core.handle(now, input, &mut effects);
        for effect in effects {
            match effect {
                Effect::ProcessAdded { proc, spec, .. } => {
                    self.names.insert(proc, spec.name.clone());
                }
                Effect::Spawn { proc, run, .. } => self.awaited.push((proc, run)),
                Effect::Adopt { run, pid, .. } => {
                    if let Some(living) = self.living.get_mut(&pid.0) {
                        living.run = Some(run);
                    }
                }
                _ => {}
            }
        }
    }

    /// The daemon dies: children that were not told to go end, the others live on, each with its record.
    fn crash(&mut self) {
        self.awaited.clear();
        self.names.clear();
        self.core = Core::new(self.config.clone());
        let mut orphans = Vec::new();
        for (&pid, living) in &mut self.living {
            living.run = None;
            orphans.push(Orphan {
                group: living.name.clone(),
                name: living.name.clone(),
                pid: Pid(pid),
                started: (living.started, Wall::default()),
                changed: false,
                ended: None,
                has_socket: false,
            });
        }
        for orphan in orphans {
            let forgotten = self.plant == Plant::ForgetsOrphans && self.dice.below(3) == 0;
            if !forgotten {
                self.tell(Input::Orphan(orphan));
            }
        }
        self.tell(Input::Started);
    }

    fn step(&mut self) {
        self.now = self.now.plus(Duration::from_millis(self.dice.below(700)));
        match self.dice.below(10) {
            0 => self.crash(),
            1..=4 if !self.awaited.is_empty() => {
                let (proc, run) = self.awaited.remove(0);
                self.last_pid += 1;
                let name = self.names.get(&proc).cloned().unwrap_or_default();
                let living = Living {
                    name,
                    run: Some(run),
                    started: self.now,
                };
                self.living.insert(self.last_pid, living);
                let pid = Pid(self.last_pid);
                self.tell(Input::Spawned { run, pid });
            }
            5 => {
                let Some((_, living)) = self.living.pop_first() else {
                    return;
                };
                if let Some(run) = living.run {
                    let status = ExitStatus::Unknown;
                    let why = None;
                    self.tell(Input::Exited { run, status, why });
                }
            }
            _ => self.tell(Input::Tick),
        }
    }

    /// What must never be seen.
    fn violation(&self) -> Option<&'static str> {
        let mut names: Vec<&str> = self.living.values().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Some("I01");
        }
        let unknown = |one: &Living| one.run.and_then(|run| self.core.process_of(run)).is_none();
        self.living.values().any(unknown).then_some("I02")
    }
}

fn first_violation(plant: Plant) -> Option<(u64, &'static str)> {
    (0..SEEDS).find_map(|seed| {
        let mut world = World::new(seed, plant);
        (0..STEPS).find_map(|_| {
            world.step();
            world.violation().map(|rule| (seed, rule))
        })
    })
}

#[test]
fn i01_i02_whenever_the_daemon_dies_each_process_has_one_copy_and_one_owner() {
    assert_eq!(first_violation(Plant::Nothing), None);
}

#[test]
fn i02_a_daemon_that_forgets_orphans_is_caught() {
    let caught = first_violation(Plant::ForgetsOrphans).map(|(_, rule)| rule);
    assert!(matches!(caught, Some("I01" | "I02")), "{caught:?}");
}
