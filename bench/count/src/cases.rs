//! What is counted. Each case makes its input first, then does one thing within [`measured`].

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use provost_capture::{ansi, held, lines, rotate, tokens};
use provost_config::Overrides;
use provost_core::{Core, Effect, Effects, Input, LoadedConfig};
use provost_model::{
    ExitStatus, GroupKind, GroupSpec, Mono, Now, Pid, Reply, Request, RequestId, Run, Wall,
};
use provost_wire::answer;
use provost_wire::xmlrpc::{into_response, read_call, read_response};

use crate::inputs::{self, CONF, OneFile};

/// One thing that is counted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "core: exit and respawn among 1000",
        run: respawn,
    },
    Case {
        name: "core: getAllProcessInfo of 1000",
        run: infos,
    },
    Case {
        name: "core: getProcessInfo among 1000",
        run: one_info,
    },
    Case {
        name: "core: 1000 programs started",
        run: start,
    },
    Case {
        name: "config: 1000 programs",
        run: config,
    },
    Case {
        name: "wire: encode 1000 infos",
        run: encode,
    },
    Case {
        name: "wire: decode 1000 infos",
        run: decode,
    },
    Case {
        name: "wire: decode a multicall of 1000",
        run: multicall,
    },
    Case {
        name: "capture: tokens, 1 MiB",
        run: capture_tokens,
    },
    Case {
        name: "capture: ANSI, 1 MiB",
        run: strip,
    },
    Case {
        name: "capture: lines, 1 MiB",
        run: split,
    },
    Case {
        name: "capture: held bytes, 1 MiB",
        run: hold,
    },
    Case {
        name: "capture: rotation of 100 backups",
        run: rotation,
    },
];

const PROGRAMS: usize = 1_000;
const CHUNK: usize = 4_096;

/// Valgrind counts from here to its end; it knows it by its name.
#[inline(never)]
fn measured<T>(what: impl FnOnce() -> T) -> T {
    black_box(what())
}

fn now(secs: u64) -> Now {
    Now {
        mono: Mono(secs * 1_000_000_000),
        wall: Wall {
            secs: 1_700_000_000 + secs.cast_signed(),
            nanos: 0,
        },
    }
}

/// A core whose programs all wait for the edge to start them, and the orders to do so.
fn core() -> (Core, Effects) {
    let groups = (0..PROGRAMS).map(|number| {
        let name = format!("worker{number:04}");
        let spec = inputs::process(&name);
        Arc::new(GroupSpec {
            name,
            priority: 999,
            kind: GroupKind::Program,
            processes: vec![Arc::new(spec)],
        })
    });
    let core = Core::new(LoadedConfig {
        identifier: "supervisor".into(),
        groups: groups.collect(),
    });
    (core, Effects::new())
}

/// Answers each order to spawn until there is none left.
fn spawn_all(core: &mut Core, orders: Effects, at: u64) -> Vec<Run> {
    let (mut orders, mut runs) = (orders, Vec::new());
    while !orders.is_empty() {
        let mut more = Effects::new();
        for order in orders {
            if let Effect::Spawn { run, .. } = order {
                runs.push(run);
                let pid = Pid(i32::try_from(runs.len()).unwrap_or(1) + 1_000);
                core.handle(now(at), Input::Spawned { run, pid }, &mut more);
            }
        }
        orders = more;
    }
    runs
}

/// A core with all programs RUNNING, and their runs.
fn running() -> (Core, Vec<Run>) {
    let (mut core, mut orders) = core();
    core.handle(now(1), Input::Started, &mut orders);
    let runs = spawn_all(&mut core, orders, 1);
    assert_eq!(runs.len(), PROGRAMS, "all programs are started");
    core.handle(now(10), Input::Tick, &mut Effects::new());
    (core, runs)
}

fn start() {
    let (mut core, mut orders) = core();
    measured(|| {
        core.handle(now(1), Input::Started, &mut orders);
        let runs = spawn_all(&mut core, std::mem::take(&mut orders), 1);
        core.handle(now(10), Input::Tick, &mut orders);
        runs
    });
}

fn respawn() {
    let (mut core, runs) = running();
    let run = runs[PROGRAMS / 2];
    let mut orders = Effects::with_capacity(64);
    measured(|| {
        let exited = Input::Exited {
            run,
            status: ExitStatus::Code(1),
            why: None,
        };
        core.handle(now(20), exited, &mut orders);
        spawn_all(&mut core, std::mem::take(&mut orders), 20)
    });
}

fn ask(core: &mut Core, request: Request) -> Reply {
    let mut orders = Effects::with_capacity(4);
    let id = RequestId(1);
    core.handle(now(30), Input::Requested { id, request }, &mut orders);
    let reply = orders.into_iter().find_map(|order| match order {
        Effect::Reply { answer, .. } => answer.ok(),
        _ => None,
    });
    reply.unwrap_or(Reply::Done)
}

fn infos() {
    let (mut core, _) = running();
    measured(|| ask(&mut core, Request::GetAllProcessInfo));
}

fn one_info() {
    let (mut core, _) = running();
    let name = "worker0500:worker0500".to_owned();
    measured(|| ask(&mut core, Request::GetProcessInfo { name }));
}

fn config() {
    let mut text = "[supervisord]\nlogfile=/tmp/main.log\npidfile=/tmp/pid\n".to_owned();
    for number in 0..PROGRAMS {
        let _ = write!(
            text,
            "\n[program:worker{number}]\ncommand=/bin/cat --number={number} -\ndirectory=/tmp\npriority={number}\n\
             environment=PORT=\"{number}\",NAME=\"%(program_name)s\"\nautorestart=true\nstartsecs=3\nstopwaitsecs=20\n\
             stdout_logfile=/tmp/%(program_name)s.out\nstderr_logfile=/tmp/%(program_name)s.err\n"
        );
    }
    let host = OneFile(text.as_bytes());
    let loaded = measured(|| provost_config::load(Path::new(CONF), &Overrides::default(), &host));
    assert!(loaded.is_ok_and(|config| config.groups.len() == PROGRAMS));
}

/// The answer of a core to the question for everything.
fn all_infos() -> Reply {
    let (mut core, _) = running();
    ask(&mut core, Request::GetAllProcessInfo)
}

fn local(_: i64) -> String {
    "Nov 14 10:13 PM".to_owned()
}

fn encode() {
    let reply = all_infos();
    let body = measured(|| into_response(answer::reply(&reply, &local, String::new)));
    assert!(body.len() > PROGRAMS * 500);
}

fn decode() {
    let body = into_response(answer::reply(&all_infos(), &local, String::new));
    assert!(measured(|| read_response(&body)).is_ok());
}

fn multicall() {
    let call = "<value><struct><member><name>methodName</name><value><string>supervisor.getProcessInfo</string></value>\
                </member><member><name>params</name><value><array><data><value><string>worker:worker</string></value>\
                </data></array></value></member></struct></value>";
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>\
         {}</data></array></value></param></params></methodCall>",
        call.repeat(PROGRAMS)
    );
    assert!(measured(|| read_call(body.as_bytes())).is_ok());
}

/// A mebibyte of lines of a hundred bytes; every tenth begins with a word of the case's.
fn output(word: &str) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 0_u32;
    while text.len() < 1 << 20 {
        let begin = if number.is_multiple_of(10) { word } else { "" };
        let _ = writeln!(
            text,
            "{begin}2026-01-01 12:00:00,123 INFO worker {number:08} {:x<48}",
            "done "
        );
        number += 1;
    }
    text.into_bytes()
}

fn capture_tokens() {
    let data = output("<!--XSUPERVISOR:BEGIN-->told<!--XSUPERVISOR:END-->");
    measured(|| {
        let (mut machine, mut pieces) = (tokens::Capture::default(), 0);
        for chunk in data.chunks(CHUNK) {
            machine.feed(chunk, |_| pieces += 1);
        }
        machine.finish(|_| pieces += 1);
        pieces
    });
}

fn strip() {
    let data = output("\x1b[1;31mred\x1b[0m ");
    measured(|| {
        let mut machine = ansi::Stripper::default();
        data.chunks(CHUNK)
            .map(|chunk| machine.strip(chunk).len())
            .sum::<usize>()
    });
}

fn split() {
    let data = output("");
    measured(|| {
        let (mut machine, mut pieces) = (lines::Lines::default(), 0);
        for chunk in data.chunks(CHUNK) {
            machine.feed(chunk, |_, _| pieces += 1);
        }
        machine.finish(|_, _| pieces += 1);
        pieces
    });
}

fn hold() {
    let data = output("");
    measured(|| {
        let mut machine = held::Held::new(64 * 1_024);
        for chunk in data.chunks(CHUNK) {
            machine.push(chunk);
            let have = machine.front().len();
            machine.consume(have);
        }
        machine
    });
}

fn rotation() {
    let present: Vec<u64> = (1..=100).collect();
    measured(|| rotate::plan(100, || present.clone()));
}
