//! Saved cores that were damaged: reading one never panics, and one that is found sound can be worked with.

use provost_core::{Core, Effect, Input, LoadedConfig, SpoolAnswer, SpoolProblem, StdinProblem};
use provost_model::helper::{HelperAnswerKind, HelperWord};
use provost_model::spawn::SpawnProblem;
use provost_model::{
    Channel, Errno, ExitStatus, Mono, Now, Pid, ProcId, Request, RequestId, Run, Signal, Ticket,
    Wall,
};
use provost_testkit::garble::garble;
use provost_testkit::sim::rng::Rng;
use provost_testkit::sim::saving::{load, save};
use provost_testkit::sim::{Settings, Subject, run_subject};
use serde_json::Value;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// The state of the first version.
const STATE: &str = include_str!("../../../fixtures/snapshots/core-0.1.0.json");

/// Damaged states of each kind that are tried.
const CASES: u64 = 4_000;

/// Inputs that one that was found sound gets.
const INPUTS: usize = 50;

/// A core that is written down now and then.
struct Watched {
    core: Core,
    steps: usize,
    seen: Rc<RefCell<Vec<String>>>,
}

impl Subject for Watched {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        self.core.handle(now, input, out);
        self.steps += 1;
        if self.steps.is_multiple_of(97) {
            let text = save(&self.core).expect("it is saved");
            self.seen.borrow_mut().push(text);
        }
    }

    fn next_deadline(&self) -> Option<Mono> {
        self.core.next_deadline()
    }

    fn next_life(&self, config: LoadedConfig) -> Self {
        Self {
            core: Core::after(&self.core, config),
            steps: self.steps,
            seen: Rc::clone(&self.seen),
        }
    }

    fn born_anew(&self, config: LoadedConfig) -> Self {
        Self {
            core: Core::new(config),
            steps: self.steps,
            seen: Rc::clone(&self.seen),
        }
    }
}

/// Good states: the fixture, and cores of some seeds.
fn states() -> Vec<String> {
    let fixture: Value = serde_json::from_str(STATE).expect("the fixture is JSON");
    let seen = Rc::new(RefCell::new(vec![fixture.to_string()]));
    for seed in 0..40 {
        let settings = Settings::new(1_000);
        run_subject(seed, settings, |config| Watched {
            core: Core::new(config),
            steps: 0,
            seen: Rc::clone(&seen),
        });
    }
    seen.take()
}

/// Something that a core may be told, about small numbers, so that it is mostly about something.
fn input(rng: &mut Rng) -> Input {
    let run = Run(rng.below(40));
    let ticket = Ticket(rng.below(200));
    let channel = *rng.pick(&[Channel::Stdout, Channel::Stderr]);
    match rng.below(24) {
        0 => Input::Spawned {
            run,
            pid: Pid(i32::try_from(rng.between(2, 1_000)).unwrap_or(2)),
        },
        1 => Input::SpawnFailed {
            run,
            problem: SpawnProblem::EmptyCommand,
        },
        2 => Input::Exited {
            run,
            status: ExitStatus::Code(0),
            why: None,
        },
        3 => Input::KillFailed {
            run,
            errno: Errno(1),
            signal: Signal::TERM,
        },
        4 => Input::Fenced { ticket },
        5 => Input::Probed {
            ticket,
            result: Ok(()),
        },
        6 => Input::StdinWritten {
            ticket,
            result: Err(StdinProblem::Full),
        },
        7 => Input::SpoolAnswered {
            ticket,
            answer: spool_answer(rng),
        },
        8 => Input::SocketTried {
            ticket,
            result: Ok(()),
        },
        9 => {
            let words: [&[u8]; 4] = [b"READY\n", b"RESULT 2\nOK", b"REA", b"x"];
            let data = rng.pick(&words).to_vec();
            Input::ListenerSaid { run, data }
        }
        10 => Input::ListenerDeaf {
            run,
            serial: rng.below(50),
        },
        11 => Input::HelperSaid {
            run,
            word: HelperWord::Answer {
                call: rng.below(5),
                kind: HelperAnswerKind::Result,
                body: b"1".to_vec(),
            },
        },
        12 => Input::HelperHungUp { run },
        13 => Input::Captured {
            run,
            channel,
            data: vec![b'x'; rng.index(300)],
        },
        14 => Input::HandedOver {
            ticket,
            result: Ok("0.2.0".to_owned()),
        },
        15 => Input::AutoLogNamed {
            proc: ProcId(1),
            channel,
            path: "/x".into(),
        },
        16 => Input::Signal(*rng.pick(&[Signal::HUP, Signal::TERM, Signal::USR2])),
        17 => Input::RequesterGone {
            id: RequestId(rng.below(200)),
        },
        18..=21 => Input::Requested {
            id: RequestId(rng.between(1_000, 1_000_000)),
            request: request(rng),
        },
        _ => Input::Tick,
    }
}

fn spool_answer(rng: &mut Rng) -> Result<SpoolAnswer, SpoolProblem> {
    let bytes = rng.below(1_000);
    match rng.below(6) {
        0 => Ok(SpoolAnswer::Opened {
            events: rng.below(5),
            bytes,
        }),
        1 => Ok(SpoolAnswer::Appended {
            taken: rng.index(5),
            bytes,
        }),
        2 => Ok(SpoolAnswer::Read {
            events: Vec::new(),
            left: rng.below(3),
            bytes,
        }),
        3 => Ok(SpoolAnswer::Marked { bytes }),
        4 => Ok(SpoolAnswer::Saved),
        _ => Err(SpoolProblem),
    }
}

fn request(rng: &mut Rng) -> Request {
    let wait = rng.chance(500);
    let group = (*rng.pick(&["g0", "g1", "pool0", "web", "mail", "sums"])).to_owned();
    match rng.below(12) {
        0 => Request::StartAllProcesses { wait },
        1 => Request::StopAllProcesses { wait },
        2 => Request::StartProcessGroup { name: group, wait },
        3 => Request::StopProcessGroup { name: group, wait },
        4 => Request::GetAllProcessInfo,
        5 => Request::GetAllConfigInfo,
        6 => Request::GetEventPools,
        7 => Request::SignalAllProcesses {
            signal: "HUP".to_owned(),
        },
        8 => Request::RemoveProcessGroup { name: group },
        9 => Request::AddProcessGroup { name: group },
        10 => Request::SendRemoteCommEvent {
            kind: "t".to_owned(),
            data: "x".repeat(rng.index(300)),
        },
        _ => Request::Upgrade { binary: None },
    }
}

/// Reads a text and works with what is read. Tells whether it was found sound.
fn work_with(rng: &mut Rng, text: &str) -> bool {
    let Ok(mut core) = load(text) else {
        return false;
    };
    let mut now = Now {
        mono: core.next_deadline().unwrap_or_default(),
        wall: Wall {
            secs: 1_700_000_000,
            nanos: 0,
        },
    };
    // A damaged deadline may lie at the end of time, which no clock reaches.
    now.mono = now.mono.min(Mono(1 << 60));
    let mut out = Vec::new();
    for _ in 0..INPUTS {
        core.handle(now, input(rng), &mut out);
        out.clear();
        if core.next_deadline().is_some() && save(&core).is_err() {
            return true;
        }
        let span = Duration::from_millis(rng.below(5_000));
        now.mono = now.mono.plus(span);
    }
    true
}

/// Runs all cases of one kind. Tells how many were found sound.
fn all(kind: &str, damage: impl Fn(&mut Rng) -> String) -> u64 {
    let mut sound = 0;
    for case in 0..CASES {
        let mut rng = Rng::new(case);
        let text = damage(&mut rng);
        let tried = catch_unwind(AssertUnwindSafe(|| work_with(&mut rng, &text)));
        assert!(tried.is_ok(), "{kind}: case {case}: {text}");
        sound += u64::from(tried.is_ok_and(|is_sound| is_sound));
    }
    sound
}

#[test]
fn damaged_bytes_do_no_harm() {
    let states = states();
    let texts: Vec<&[u8]> = states.iter().map(String::as_bytes).collect();
    let words: [&[u8]; 12] = [
        b"0", b"1", b"9", b"-", b"null", b"[]", b"{}", b"\"\"", b"e9", b"true", b"\\u0000", b",",
    ];
    all("bytes", |rng| {
        let text = garble(rng, &texts, &words);
        String::from_utf8_lossy(&text).into_owned()
    });
}

/// All places of values, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(inner, &format!("{at}/{key}"), into);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                places(inner, &format!("{at}/{index}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes one value.
fn change(rng: &mut Rng, value: &mut Value, other: Value) {
    match value {
        Value::Number(number) if rng.chance(800) => {
            let old = number.as_u64().unwrap_or(0);
            *value = match rng.below(7) {
                0 => 0.into(),
                1 => u64::MAX.into(),
                2 => i64::MIN.into(),
                3 => u32::MAX.into(),
                4 => old.wrapping_sub(1).into(),
                5 => rng.below(20).into(),
                _ => old.wrapping_add(1).into(),
            };
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::Array(list) if !list.is_empty() && rng.chance(800) => {
            let place = rng.index(list.len());
            match rng.below(3) {
                0 => {
                    list.remove(place);
                }
                1 => {
                    let again = list[place].clone();
                    list.insert(place, again);
                }
                _ => list.reverse(),
            }
        }
        Value::Object(map) if !map.is_empty() && rng.chance(800) => {
            let place = rng.index(map.len());
            let key = map.keys().nth(place).cloned().unwrap_or_default();
            let inner = map.remove(&key);
            // Under another number, or nowhere.
            if rng.chance(500) {
                let key = rng.below(20).to_string();
                map.extend(inner.map(|inner| (key, inner)));
            }
        }
        _ => *value = other,
    }
}

#[test]
fn damaged_values_do_no_harm() {
    let states: Vec<Value> = states()
        .iter()
        .map(|text| serde_json::from_str(text).expect("it is JSON"))
        .collect();
    let sound = all("values", |rng| {
        let mut state = rng.pick(&states).clone();
        let mut all = Vec::new();
        places(&state, "", &mut all);
        // What is in the core counts, not so much what is configured.
        let (core, configured): (Vec<String>, Vec<String>) = all
            .into_iter()
            .partition(|place| place.starts_with("/core"));
        for _ in 0..rng.between(1, 3) {
            let from = if rng.chance(850) { &core } else { &configured };
            let other = state
                .pointer(rng.pick(&core).as_str())
                .cloned()
                .unwrap_or_default();
            if let Some(value) = state.pointer_mut(rng.pick(from).as_str()) {
                change(rng, value, other);
            }
        }
        state.to_string()
    });
    // Else nothing was worked with.
    assert!(sound > CASES / 20, "only {sound} of {CASES} were sound");
}
