//! `[eventlistener:x]` and `[fcgi-program:x]`.

use crate::config_case::Case;

const LISTENER: &[(&str, &str)] = &[
    ("events", "events=TICK_5,PROCESS_STATE"),
    ("events lower case", "events=tick"),
    ("events missing", ""),
    ("events empty", "events="),
    ("events unknown", "events=NOTHING"),
    ("events second unknown", "events=TICK,NOTHING"),
    ("events all", "events=EVENT"),
    ("buffer_size", "events=TICK\nbuffer_size=1"),
    ("buffer_size zero", "events=TICK\nbuffer_size=0"),
    ("buffer_size bad", "events=TICK\nbuffer_size=x"),
    ("redirect_stderr", "events=TICK\nredirect_stderr=true"),
    (
        "result_handler",
        "events=TICK\nresult_handler=supervisor.dispatchers:default_handler",
    ),
    (
        "result_handler built in",
        "events=PROCESS_LOG\nresult_handler=supervisor_stdout:event_handler",
    ),
    (
        "result_handler unknown",
        "events=TICK\nresult_handler=nowhere:nothing",
    ),
    (
        "numprocs",
        "events=TICK\nnumprocs=2\nprocess_name=%(process_num)d",
    ),
    ("priority", "events=TICK\npriority=5"),
    (
        "stdout options",
        "events=TICK\nstdout_capture_maxbytes=1KB\nstdout_events_enabled=true",
    ),
    ("bad key", "events=TICK\nstartsecs=x"),
];

const FCGI: &[(&str, &str)] = &[
    ("socket unix", "socket=unix://%(here)s/f.sock"),
    ("socket tcp", "socket=tcp://localhost:0"),
    ("socket missing", ""),
    ("socket relative", "socket=unix://f.sock"),
    ("socket bad format", "socket=udp://localhost:1"),
    (
        "socket in no directory",
        "socket=unix://%(here)s/nowhere/f.sock",
    ),
    ("socket port too big", "socket=tcp://localhost:70000"),
    (
        "socket program_name",
        "socket=unix://%(here)s/%(program_name)s.sock",
    ),
    (
        "socket_backlog",
        "socket=unix://%(here)s/f.sock\nsocket_backlog=16",
    ),
    (
        "socket_backlog zero",
        "socket=unix://%(here)s/f.sock\nsocket_backlog=0",
    ),
    (
        "socket_owner",
        "socket=unix://%(here)s/f.sock\nsocket_owner=root:root",
    ),
    (
        "socket_owner unknown",
        "socket=unix://%(here)s/f.sock\nsocket_owner=no-such-user",
    ),
    (
        "socket_owner tcp",
        "socket=tcp://localhost:9\nsocket_owner=root",
    ),
    (
        "socket_mode",
        "socket=unix://%(here)s/f.sock\nsocket_mode=0770",
    ),
    (
        "socket_mode bad",
        "socket=unix://%(here)s/f.sock\nsocket_mode=rwx",
    ),
    (
        "numprocs",
        "socket=unix://%(here)s/f.sock\nnumprocs=2\nprocess_name=%(process_num)d",
    ),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let case = |kind: &str, section: &str, name: &str, keys: &str| {
        let head = format!("[{section}]\ncommand=/bin/cat\nautostart=false\n");
        Case::new(&format!("{kind} {name}"), &format!("{head}{keys}\n"))
    };
    let listeners = LISTENER
        .iter()
        .map(|(name, keys)| case("listener", "eventlistener:l", name, keys));
    let fcgi = FCGI
        .iter()
        .map(|(name, keys)| case("fcgi", "fcgi-program:f", name, keys));
    listeners.chain(fcgi).collect()
}
