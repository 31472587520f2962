//! status, pid, start, stop, restart, signal, clear, version, open, help, quit.

use super::{Fake, Reply, result, said, several};
use provost_wire::xmlrpc::Value;

const CAT: &str = "cat                              RUNNING   pid 101, uptime 0:00:05\n";
const A: &str = "g:a                              RUNNING   pid 102, uptime 0:00:05\n";
const B: &str = "g:b                              STOPPED   Not started\n";
const YOUNG: &str = "young                            STARTING  \n";

#[test]
fn status_shows_all_and_three_tells_of_a_stopped_one() {
    let server = Fake::new().on("getAllProcessInfo", several());
    let all = said(&format!("{CAT}{A}{B}{YOUNG}"), 3);
    assert_eq!(server.run("status"), all);
    assert_eq!(server.run("status nope all"), all);
    assert_eq!(
        server.run("status cat young"),
        said(&format!("{CAT}{YOUNG}"), 0)
    );
    assert_eq!(
        server.run("status g:* cat cat"),
        said(&format!("{A}{B}{CAT}{CAT}"), 3)
    );
    assert_eq!(server.run("status g:a"), said(A, 0));
}

#[test]
fn status_tells_unknown_names_first_with_four() {
    let server = Fake::new().on("getAllProcessInfo", several());
    assert_eq!(
        server.run("status cat x y:z w:* v:"),
        said(
            &format!(
                "x: ERROR (no such process)\ny:z: ERROR (no such process)\nw: ERROR (no such group)\n\
                 v: ERROR (no such group)\n{CAT}"
            ),
            4
        )
    );
    // A stopped process wins over an unknown name.
    assert_eq!(
        server.run("status x g:b"),
        said(&format!("x: ERROR (no such process)\n{B}"), 3)
    );
}

#[test]
fn one_connection_and_no_needless_question_serve_a_command() {
    let server = Fake::new().on("getAllProcessInfo", several());
    server.run("status");
    let script = server.script.lock().unwrap();
    assert_eq!(script.connections, 1);
    assert_eq!(script.calls, ["getVersion()", "getAllProcessInfo()"]);
}

#[test]
fn pid_tells_supervisord_one_group_or_all() {
    let info = |pid: i64| super::process("cat", "cat", 20, "RUNNING", pid, "");
    let server = Fake::new()
        .on("getAllProcessInfo", several())
        .on("getPID", Value::Int(77))
        .on("getProcessInfo", info(101))
        .on("getProcessInfo", info(0))
        .fault("getProcessInfo", 10, "BAD_NAME: x");
    assert_eq!(server.run("pid"), said("77\n", 0));
    assert_eq!(server.run("pid all"), said("101\n102\n0\n103\n", 0));
    assert_eq!(server.run("pid cat"), said("101\n", 0));
    assert_eq!(server.run("pid g:b"), said("0\n", 7));
    assert_eq!(server.run("pid x"), said("No such process x\n", 1));
    assert_eq!(server.run("pid g:*"), said("102\n0\n", 7));
    assert_eq!(server.run("pid nope:*"), said("No such group nope\n", 1));
}

#[test]
fn start_says_what_became_of_each() {
    let server = Fake::new()
        .ok("startProcess")
        .fault("startProcess", 10, "BAD_NAME: x")
        .fault("startProcess", 20, "NO_FILE: x")
        .fault("startProcess", 21, "NOT_EXECUTABLE: x")
        .fault("startProcess", 60, "ALREADY_STARTED: x")
        .fault("startProcess", 40, "ABNORMAL_TERMINATION: x")
        .fault("startProcess", 50, "SPAWN_ERROR: x")
        .fault("startProcess", 60, "ALREADY_STARTED: x");
    assert_eq!(
        server.run("start a g:b c d e f g h"),
        said(
            "a: started\ng:b: ERROR (no such process)\nc: ERROR (no such file)\n\
             d: ERROR (file is not executable)\ne: ERROR (already started)\n\
             f: ERROR (abnormal termination)\ng: ERROR (spawn error)\nh: ERROR (already started)\n",
            7
        )
    );
    assert_eq!(server.calls()[1], "startProcess(\"g:b\")");
    assert_eq!(
        server.run("start h"),
        said("h: ERROR (already started)\n", 0)
    );
}

#[test]
fn a_fault_without_words_ends_the_command() {
    let server = Fake::new().fault("startProcess", 6, "SHUTDOWN_STATE");
    assert_eq!(
        server.run("start a b"),
        said(
            "error: a: supervisord refused: SHUTDOWN_STATE (fault 6)\n",
            1
        )
    );
    assert_eq!(server.calls(), ["startProcess(\"a\")"]);
}

#[test]
fn groups_and_all_list_every_process_acted_on() {
    let rows = Value::Array(vec![
        result("g", "a", 80, "OK"),
        result("g", "b", 50, "SPAWN_ERROR: b"),
        result("c", "c", 60, "ALREADY_STARTED: c"),
    ]);
    let server = Fake::new()
        .on("startAllProcesses", rows.clone())
        .on("startProcessGroup", rows)
        .fault("startProcessGroup", 10, "BAD_NAME: nope");
    let text = "g:a: started\ng:b: ERROR (spawn error)\nc: ERROR (already started)\n";
    assert_eq!(server.run("start x all"), said(text, 7));
    assert_eq!(server.run("start g:*"), said(text, 7));
    assert_eq!(
        server.run("start nope:*"),
        said("nope: ERROR (no such group)\n", 2)
    );
    assert_eq!(
        server.calls(),
        [
            "startAllProcesses()",
            "startProcessGroup(\"g\")",
            "startProcessGroup(\"nope\")"
        ]
    );
}

#[test]
fn stop_counts_a_stopped_one_as_done() {
    let server = Fake::new()
        .ok("stopProcess")
        .fault("stopProcess", 70, "NOT_RUNNING: b")
        .fault("stopProcess", 10, "BAD_NAME: c")
        .fault("stopProcess", 30, "FAILED: unknown problem killing d")
        .fault("stopProcessGroup", 10, "BAD_NAME: nope");
    assert_eq!(
        server.run("stop a b"),
        said("a: stopped\nb: ERROR (not running)\n", 0)
    );
    assert_eq!(
        server.run("stop c d"),
        said(
            "c: ERROR (no such process)\nFAILED: unknown problem killing d\n",
            1
        )
    );
    assert_eq!(
        server.run("stop nope:"),
        said("nope: ERROR (no such group)\n", 1)
    );
}

#[test]
fn restart_stops_and_starts() {
    let server = Fake::new().ok("stopProcess").ok("startProcess");
    assert_eq!(
        server.run("restart a g:b"),
        said("a: stopped\ng:b: stopped\na: started\ng:b: started\n", 0)
    );
    let server = Fake::new()
        .fault("stopProcessGroup", 10, "BAD_NAME: nope")
        .fault("startProcessGroup", 10, "BAD_NAME: nope");
    assert_eq!(
        server.run("restart nope:*"),
        said(
            "nope: ERROR (no such group)\nnope: ERROR (no such group)\n",
            2
        )
    );
}

#[test]
fn signal_fails_for_what_does_not_run() {
    let server = Fake::new()
        .ok("signalProcess")
        .fault("signalProcess", 11, "BAD_SIGNAL: HUP")
        .fault("signalProcess", 70, "NOT_RUNNING: c")
        .on(
            "signalProcessGroup",
            Value::Array(vec![result("g", "a", 80, "OK")]),
        )
        .on(
            "signalAllProcesses",
            Value::Array(vec![result("g", "a", 80, "OK")]),
        );
    assert_eq!(
        server.run("signal HUP a b c"),
        said(
            "a: signalled\nb: ERROR (bad signal name)\nc: ERROR (not running)\n",
            7
        )
    );
    assert_eq!(server.run("signal HUP g:*"), said("g:a: signalled\n", 0));
    assert_eq!(server.run("signal HUP all"), said("g:a: signalled\n", 0));
    assert_eq!(
        server.calls(),
        [
            "signalProcess(\"a\", \"HUP\")",
            "signalProcess(\"b\", \"HUP\")",
            "signalProcess(\"c\", \"HUP\")",
            "signalProcessGroup(\"g\", \"HUP\")",
            "signalAllProcesses(\"HUP\")",
        ]
    );
}

#[test]
fn clear_takes_groups_apart() {
    let server = Fake::new()
        .on("getAllProcessInfo", several())
        .ok("clearProcessLogs")
        .fault("clearProcessLogs", 30, "FAILED: g:b")
        .fault("clearProcessLogs", 10, "BAD_NAME: x")
        .on(
            "clearAllProcessLogs",
            Value::Array(vec![result("g", "a", 80, "OK")]),
        );
    assert_eq!(
        server.run("clear g:*"),
        said("g:a: cleared\ng:b: ERROR (failed)\n", 1)
    );
    assert_eq!(
        server.run("clear x"),
        said("x: ERROR (no such process)\n", 1)
    );
    assert_eq!(
        server.run("clear nope:*"),
        said("nope: ERROR (no such group)\n", 1)
    );
    assert_eq!(server.run("clear all"), said("g:a: cleared\n", 0));
    let calls = server.calls();
    assert!(
        calls.contains(&"clearProcessLogs(\"g:b\")".to_owned()),
        "{calls:?}"
    );
}

#[test]
fn commands_without_the_names_they_need_show_their_help() {
    let server = Fake::new();
    for (line, first, status) in [
        (
            "start",
            "Error: start requires a process name\nstart <name>\t",
            2,
        ),
        (
            "stop",
            "Error: stop requires a process name\nstop <name>\t",
            1,
        ),
        (
            "restart",
            "Error: restart requires a process name\nrestart <name>\t",
            1,
        ),
        (
            "clear",
            "Error: clear requires a process name\nclear <name>\t",
            1,
        ),
        (
            "signal HUP",
            "Error: signal requires a signal name and a process name\nsignal <signal name> <name>\t",
            1,
        ),
        ("fg", "ERROR: no process name supplied\nfg <process>\t", 1),
        (
            "tail",
            "Error: too few arguments\ntail [-f] <name> [stdout|stderr]",
            1,
        ),
        ("tail a b c d", "Error: too many arguments\ntail [-f]", 1),
        ("maintail a b", "Error: too many arguments\nmaintail -f", 1),
        (
            "version x",
            "Error: version accepts no arguments\nversion\t",
            1,
        ),
        ("avail x", "Error: avail accepts no arguments\navail\t", 1),
        (
            "reread x",
            "Error: reread accepts no arguments\nreread\t",
            1,
        ),
        (
            "shutdown x",
            "Error: shutdown accepts no arguments\nshutdown \t",
            1,
        ),
        (
            "reload x",
            "Error: reload accepts no arguments\nreload \t",
            1,
        ),
    ] {
        let got = server.run(line);
        assert!(got.text.starts_with(first), "{line}: {}", got.text);
        assert_eq!(got.status, status, "{line}");
    }
    assert_eq!(server.calls(), Vec::<String>::new());
}

#[test]
fn version_is_the_servers() {
    let server = Fake::new().on("getSupervisorVersion", Value::text("4.3.0"));
    assert_eq!(server.run("version"), said("4.3.0\n", 0));
}

#[test]
fn open_turns_to_another_server_and_shows_it() {
    let first = Fake::new();
    let second = Fake::new().on("getAllProcessInfo", several());
    let mut trial = first.session(false, "");
    let text = format!("{CAT}{A}{B}{YOUNG}");
    assert_eq!(trial.run(&format!("open {}", second.url)), said(&text, 0));
    assert_eq!(trial.run("status cat"), said(CAT, 0));
    let refused = said("ERROR: url must be http:// or unix://\n", 1);
    assert_eq!(first.run("open ftp://x"), refused);
    assert_eq!(first.run("open"), refused);
}

#[test]
fn help_lists_shows_and_knows_what_it_does_not_know() {
    let server = Fake::new();
    let list = server.run("help");
    assert!(
        list.text
            .starts_with("\ndefault commands (type help <topic>):\n=====")
    );
    assert!(list.text.contains("upgrade"), "{}", list.text);
    assert_eq!(server.run("?"), list);
    assert!(
        server
            .run("help start")
            .text
            .starts_with("start <name>\t\t")
    );
    assert!(server.run("? help").text.starts_with("help\t\t"));
    assert_eq!(server.run("help x y"), said("*** No help on x y\n", 0));
    assert_eq!(
        server.run("bogus x"),
        said("*** Unknown syntax: bogus x\n", 1)
    );
    assert_eq!(server.run("quit"), said("\n", 0));
    assert_eq!(server.run("exit"), said("\n", 0));
    assert_eq!(server.run(""), said("", 0));
}

#[test]
fn a_server_that_closes_after_each_answer_is_asked_again() {
    let body = provost_wire::xmlrpc::write_response(&Value::text("3.0"));
    let mut raw = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    raw.extend(body);
    let server = Fake::new().on("getSupervisorVersion", Value::text("4.3.0"));
    server
        .script
        .lock()
        .unwrap()
        .replies
        .insert("getVersion".into(), vec![Reply::Raw(raw)]);
    assert_eq!(server.run("version"), said("4.3.0\n", 0));
}
