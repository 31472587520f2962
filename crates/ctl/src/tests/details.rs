//! `status -v`.

use super::{Fake, said};
use provost_wire::xmlrpc::Value;

/// A process with what `status -v` shows besides.
fn detailed(row: Value, logs: [&str; 2], end: (i64, i64), spawn_error: &str) -> Value {
    let Value::Struct(mut members) = row else {
        panic!("no struct")
    };
    let more = [
        ("stdout_logfile", Value::text(logs[0])),
        ("stderr_logfile", Value::text(logs[1])),
        ("stop", Value::Int(end.0)),
        ("exitstatus", Value::Int(end.1)),
        ("spawnerr", Value::text(spawn_error)),
    ];
    members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Struct(members)
}

#[test]
fn f15_a_log_that_takes_no_output_and_what_was_dropped_are_shown() {
    let log = |name: &str, failing: &str, bytes: i64, lines: i64| {
        let texts = [
            ("group", name),
            ("name", name),
            ("channel", "stdout"),
            ("failing", failing),
        ]
        .map(|(member, text)| (member.to_owned(), Value::text(text)));
        let counts = [("dropped_bytes", bytes), ("dropped_lines", lines)]
            .map(|(member, count)| (member.to_owned(), Value::Int(count)));
        Value::Struct(texts.into_iter().chain(counts).collect())
    };
    let logs = Value::Array(vec![
        log("x", "No space left on device", 70, 6),
        log("y", "", 0, 0),
    ]);
    let server = verbose().on("provost.getLogs", logs);
    let text = server.run("status -v x y").text;
    assert!(
        text.contains(
            "  stdout log: /out\n    takes no output: No space left on device\n    dropped: 70 bytes, 6 lines\n"
        ),
        "{text}"
    );
    assert_eq!(text.matches("dropped").count(), 1, "{text}");
}

fn verbose() -> Fake {
    let process = |name, state: (i64, &str)| super::process(name, name, state.0, state.1, 7, "d");
    Fake::new().on(
        "getAllProcessInfo",
        Value::Array(vec![
            detailed(process("mail", (20, "RUNNING")), ["", "/err"], (0, 0), ""),
            detailed(process("x", (200, "FATAL")), ["/out", ""], (9, 0), "bad\tx"),
            detailed(process("y", (100, "EXITED")), ["", ""], (9, 3), ""),
            detailed(process("z", (0, "STOPPED")), ["", ""], (9, -1), ""),
        ]),
    )
}

const MORE: &str = "mail                             RUNNING   d
x                                FATAL     d
y                                EXITED    d
z                                STOPPED   d

mail
  stdout log: none
  stderr log: /err

x
  stdout log: /out
  stderr log: none
  start failed: bad\\tx

y
  stdout log: none
  stderr log: none
  last end: exit status 3

z
  stdout log: none
  stderr log: none
  last end: by a signal

";

fn pool(spool: Value) -> Value {
    let listener = |name: &str, protocol: &str, serial: i64, event: &str| {
        super::members(&[
            ("name", Value::text(name)),
            ("statename", Value::text("RUNNING")),
            ("listener_state", Value::text(protocol)),
            ("event_serial", Value::Int(serial)),
            ("event_name", Value::text(event)),
        ])
    };
    super::members(&[
        ("name", Value::text("mail")),
        (
            "events",
            Value::Array(vec![Value::text("TICK"), Value::text("PROCESS_LOG")]),
        ),
        ("buffer_size", Value::Int(10)),
        ("queued", Value::Int(3)),
        ("delivered", Value::Int(5)),
        ("rejected", Value::Int(1)),
        ("dropped", Value::Int(2)),
        ("spool", spool),
        (
            "listeners",
            Value::Array(vec![
                listener("a", "BUSY", 17, "TICK_5"),
                listener("b", "", -1, ""),
            ]),
        ),
    ])
}

#[test]
fn status_v_shows_processes_and_pools() {
    let spool = super::members(&[
        ("path", Value::text("/spool")),
        ("events", Value::Int(4)),
        ("bytes", Value::Int(400)),
        ("maxbytes", Value::Int(4096)),
        ("works", Value::Bool(false)),
    ]);
    let server = verbose().on("provost.getEventPools", Value::Array(vec![pool(spool)]));
    let block = "event pool mail
  events: TICK, PROCESS_LOG
  buffer: 3 of 10
  delivered: 5, rejected: 1, dropped: 2
  spool: 4 events, 400 of 4096 bytes in /spool (it does not work at the moment)
  listener a: RUNNING BUSY with event 17 (TICK_5)
  listener b: RUNNING
";
    assert_eq!(server.run("status -v"), said(&format!("{MORE}{block}"), 3));
    // Only what was asked for.
    let only = "x                                FATAL     d\n\nx\n  stdout log: /out\n  stderr log: none\n  \
                start failed: bad\\tx\n";
    assert_eq!(server.run("status -v x"), said(only, 3));
}

#[test]
fn status_v_of_a_pool_without_spool() {
    let pools = Value::Array(vec![pool(Value::Struct(Vec::new()))]);
    let server = verbose().on("provost.getEventPools", pools);
    let text = server.run("status -v mail").text;
    assert!(
        text.contains("event pool mail") && !text.contains("spool:"),
        "{text}"
    );
}

#[test]
fn status_v_with_a_supervisord_that_knows_no_pools() {
    let line = "(this supervisord does not tell of its event pools)\n";
    assert_eq!(
        verbose().run("status -v"),
        said(&format!("{MORE}{line}"), 3)
    );
}
