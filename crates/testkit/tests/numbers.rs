//! Numbers of a configuration that nobody means: whatever is accepted, a core can start, stop and wait with.

use provost_config::Overrides;
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::{ExitStatus, GroupSpec, Mono, Now, Pid, Request, RequestId};
use provost_testkit::fuzz::{CONF, OneFile};
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;

/// At the edges of seconds, nanoseconds, and 31, 32, 63 and 64 bits.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2147483648",
    "4294967296",
    "9223372036",
    "18446744073",
    "9223372036854775807",
    "-9223372036854775808",
];

const KEYS: &[&str] = &[
    "startsecs",
    "startretries",
    "stopwaitsecs",
    "priority",
    "numprocs_start",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "buffer_size",
    "event_spool_maxbytes",
];

/// Turns that a core is given: the process ends as soon as it runs, and time goes on to each deadline.
const TURNS: u64 = 60;

#[test]
fn a_core_lives_with_any_number_that_is_accepted() {
    let mut accepted = 0;
    let pairs = KEYS
        .iter()
        .flat_map(|key| NUMBERS.iter().map(move |number| (key, number)));
    for (key, number) in pairs {
        for kind in ["program", "eventlistener"] {
            let text = format!(
                "[supervisord]\n[{kind}:a]\ncommand=/bin/a\nevents=TICK_5\n{key}={number}\n"
            );
            let host = OneFile(text.as_bytes());
            let loaded = provost_config::load(Path::new(CONF), &Overrides::default(), &host);
            let Ok(config) = loaded else { continue };
            accepted += 1;
            let groups = config.groups;
            assert!(catch_unwind(|| live(&groups)).is_ok(), "{text}");
        }
    }
    assert!(accepted > 100, "only {accepted} were accepted");
}

fn live(groups: &[Arc<GroupSpec>]) {
    let mut core = Core::new(LoadedConfig {
        identifier: "supervisor".into(),
        groups: groups.to_vec(),
    });
    let mut now = Now::default();
    let mut inputs = vec![Input::Started];
    for turn in 0..TURNS {
        let mut effects = Vec::new();
        for input in inputs.drain(..) {
            core.handle(now, input, &mut effects);
        }
        for effect in effects {
            if let Effect::Spawn { run, .. } = effect {
                let status = ExitStatus::Code(1);
                inputs.push(Input::Spawned { run, pid: Pid(7) });
                inputs.push(Input::Exited {
                    run,
                    status,
                    why: None,
                });
            }
        }
        let request = match turn {
            20 => Some(Request::StopAllProcesses { wait: true }),
            25 => Some(Request::StartAllProcesses { wait: true }),
            _ => None,
        };
        let id = RequestId(turn);
        inputs.extend(request.map(|request| Input::Requested { id, request }));
        if let Some(Mono(at)) = core.next_deadline() {
            now.mono = Mono(at.max(now.mono.0));
        }
        inputs.push(Input::Tick);
    }
}
