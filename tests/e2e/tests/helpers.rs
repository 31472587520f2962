//! Helpers: processes that serve a namespace, good ones and bad ones.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, Outcome, PATIENCE, Rpc, Side, Start, Value, encode_call, free_port, is_alive, python,
    run, scripts, wait_until,
};

/// A test's own time limit for calls, in seconds: long enough for a busy machine, short enough to wait for.
const TIMEOUT_SECS: u64 = 4;

/// What others may take while a helper misbehaves: far below the time limit of its calls.
const QUICK: Duration = Duration::from_secs(2);

/// The section of a helper `h` that runs the script for tests, with more keys.
fn section(keys: &str) -> String {
    let module = scripts().join("../../../contrib/python");
    format!(
        "[rpcinterface:h]\ncommand={} {}\nenvironment=PYTHONPATH=\"{}\",HELPER_THREADS=\"%(ENV_THREADS)s\"\n{keys}\n",
        python().display(),
        scripts().join("helper.py").display(),
        module.display(),
    )
}

/// A daemon with that helper and a program beside it.
fn start(threads: usize, keys: &str) -> Daemon {
    let config = format!("{}[program:p]\ncommand=sleep 1000\n", section(keys));
    let daemon = Start::new(Side::Ours, &config)
        .environment("THREADS", &threads.to_string())
        .start();
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn limited(threads: usize) -> Daemon {
    start(threads, &format!("call_timeout={TIMEOUT_SECS}"))
}

/// The text of a fault with the code `FAILED`.
fn failure(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Fault(30, text) => text,
        other => panic!("expected a fault 30, got {other}"),
    }
}

/// Everybody else is served at once, and the program beside runs as before.
fn assert_others_well(daemon: &Daemon, pid: u32) {
    let (rpc, began) = (daemon.rpc(), Instant::now());
    assert_eq!(rpc.pid("p"), pid);
    rpc.call("supervisor.getAllProcessInfo", &[]).value();
    let took = began.elapsed();
    assert!(took < QUICK, "others were served after {took:?}");
}

/// Waits until a call gets through again, and tells the helper's pid.
fn recovered(rpc: &Rpc) -> i64 {
    let mut pid = 0;
    wait_until(PATIENCE, "the helper to answer again", || {
        if let Outcome::Value(value) = rpc.call("h.pid", &[]) {
            pid = value.int();
        }
        pid > 0
    });
    pid
}

#[test]
fn every_type_comes_back_and_the_methods_are_known() {
    let port = free_port();
    let config = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{}", section(""));
    let _daemon = Start::new(Side::Ours, &config)
        .environment("THREADS", "1")
        .start();
    let script = scripts().join("helper_types.py");
    let url = format!("http://127.0.0.1:{port}/RPC2");
    let finished = run(Command::new(python()).arg(script).arg(url));
    assert_eq!(finished.stdout, "good\n", "{}", finished.stderr);
}

#[test]
fn faults_are_the_helpers_own() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let call = |method: &str, params: &[Value]| rpc.call(method, params);
    assert_eq!(
        call("h.refuse", &[404.into(), "no such <thing>".into()]),
        Outcome::Fault(404, "no such <thing>".to_owned())
    );
    let unknown = Outcome::Fault(1, "UNKNOWN_METHOD".to_owned());
    assert_eq!(call("h.nothing", &[]), unknown);
    assert_eq!(call("x.nothing", &[]), unknown);
    assert_eq!(
        failure(&call("h.stumble", &[])),
        "FAILED: ValueError: about a stone"
    );
    assert!(failure(&call("h.large", &[])).contains("1099511627776"));
    daemon.ctl(Side::Ours, &["stop", "h"]);
    assert_eq!(
        failure(&call("h.pid", &[])),
        "FAILED: h is STOPPED and serves no calls; `supervisorctl start h` starts it"
    );
}

#[test]
fn it_is_a_process_like_any_other_for_operators() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let first = recovered(&rpc);
    daemon.wait_state("h", "RUNNING");
    let status = daemon.ctl(Side::Ours, &["status", "h"]);
    assert!(
        status.stdout.contains(&format!("RUNNING   pid {first}")),
        "{}",
        status.stdout
    );
    rpc.call("h.talk", &["good day".into()]).value();
    wait_until(PATIENCE, "what it printed in its log", || {
        let tail = daemon.ctl(Side::Ours, &["tail", "h", "stderr"]).stdout;
        tail.contains("good day\n") && tail.contains("a child says good day\n")
    });
    let stdout = daemon.ctl(Side::Ours, &["tail", "h", "stdout"]);
    assert!(stdout.stdout.contains("no log file"), "{}", stdout.stdout);
    let restart = daemon.ctl(Side::Ours, &["restart", "h"]);
    assert_eq!(restart.stdout, "h: stopped\nh: started\n");
    assert_ne!(recovered(&rpc), first);
    daemon.wait_log("helper h is ready and serves 13 methods");
    let sent = rpc.call("supervisor.sendProcessStdin", &["h".into(), "x".into()]);
    assert!(failure(&sent).contains("carries the calls to a helper"));
}

#[test]
fn many_calls_are_answered_side_by_side() {
    let daemon = start(8, "");
    thread::scope(|scope| {
        for _ in 0..8 {
            let rpc = daemon.rpc();
            scope.spawn(move || rpc.call("h.meet", &[]).value());
        }
    });
}

#[test]
fn a_call_has_a_time_limit_and_nobody_else_waits() {
    let daemon = limited(1);
    let rpc = daemon.rpc();
    let (first, pid) = (recovered(&rpc), rpc.pid("p"));
    let hangs = thread::spawn({
        let rpc = daemon.rpc();
        move || (Instant::now(), rpc.call("h.sleep", &[3600.into()]))
    });
    for _ in 0..20 {
        assert_others_well(&daemon, pid);
    }
    let (began, outcome) = hangs.join().expect("the call ends");
    assert!(began.elapsed() >= Duration::from_secs(TIMEOUT_SECS));
    let text = format!("FAILED: h.sleep did not answer within {TIMEOUT_SECS} seconds");
    assert_eq!(failure(&outcome), text);
    daemon.wait_log("helper h did not answer h.sleep within 4 seconds");
    // It hangs still, and an operator knows what to do.
    daemon.ctl(Side::Ours, &["restart", "h"]);
    assert_ne!(recovered(&rpc), first);
    assert_others_well(&daemon, pid);
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let daemon = limited(2);
    let rpc = daemon.rpc();
    recovered(&rpc);
    let call = encode_call("h.sleep", &[3600.into()]);
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{call}",
        call.len()
    );
    let mut stream = UnixStream::connect(daemon.socket()).expect("the daemon listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    // This one is asked later and has the same time limit, so that it ends last.
    let stays = thread::spawn({
        let rpc = daemon.rpc();
        move || rpc.call("h.sleep", &[3600.into()])
    });
    drop(stream);
    failure(&stays.join().expect("the call ends"));
    daemon.wait_log("helper h did not answer h.sleep within 4 seconds");
    assert_eq!(daemon.main_log().matches("did not answer").count(), 1);
}

#[test]
fn late_answers_are_dropped() {
    let daemon = limited(2);
    let rpc = daemon.rpc();
    let first = recovered(&rpc);
    let seconds = i64::try_from(TIMEOUT_SECS).unwrap_or(0) + 1;
    failure(&rpc.call("h.sleep", &[seconds.into()]));
    // By the time that this one is answered, the late answer has come.
    rpc.call("h.sleep", &[2.into()]).value();
    assert_eq!(recovered(&rpc), first);
    assert!(!daemon.main_log().contains("broke its protocol"));
}

#[test]
fn a_helper_that_dies_in_a_call_is_started_again() {
    let daemon = start(2, "");
    let rpc = daemon.rpc();
    let (first, pid) = (recovered(&rpc), rpc.pid("p"));
    let waits = thread::spawn({
        let rpc = daemon.rpc();
        move || rpc.call("h.sleep", &[3600.into()])
    });
    daemon.wait_state("h", "RUNNING");
    daemon.wait_file("asleep", "asleep\n");
    assert_eq!(
        failure(&rpc.call("h.die", &[])),
        "FAILED: h ended before h.die answered"
    );
    let other = waits.join().expect("the call ends");
    assert!(
        failure(&other).starts_with("FAILED: h ended before"),
        "{other}"
    );
    // The next call waits for the next run.
    let second = rpc.call("h.pid", &[]).value().int();
    assert_ne!(second, first);
    assert_others_well(&daemon, pid);
}

#[test]
fn a_helper_that_breaks_the_protocol_is_killed_and_started_again() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let pid = rpc.pid("p");
    for (text, why) in [
        ("hello\n", "it wrote 'hello' as a header line"),
        (
            "ver:1 type:result id:4711 len:4\nnull",
            "it answered call 4711, which is not open",
        ),
        ("ver:1 type:hello len:0\n", "its hello cannot be used"),
        (
            "ver:1 type:hello len:14\n{\"methods\":{}}",
            "it said hello twice",
        ),
        (
            "ver:1 type:result id:1 len:99999999\n",
            "it announced a frame of 99999999 bytes",
        ),
    ] {
        let before = recovered(&rpc);
        daemon.wait_state("h", "RUNNING");
        let open = rpc.call("h.say", &[text.into()]);
        assert_eq!(
            failure(&open),
            "FAILED: h broke its protocol before it answered; the log of supervisord says how"
        );
        daemon.wait_log(&format!("helper h broke its protocol and is killed: {why}"));
        assert_ne!(recovered(&rpc), before);
        assert_others_well(&daemon, pid);
    }
}

#[test]
fn an_answer_that_is_no_json_is_a_breach_too() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let before = recovered(&rpc);
    // The number of the call that says it: one after the one before.
    let text = "ver:1 type:result id:2 len:3\n{x}";
    let outcome = rpc.call("h.say", &[text.into()]);
    assert!(
        failure(&outcome)
            .starts_with("FAILED: h.say gave an answer that cannot be used: it is no JSON"),
        "{outcome}"
    );
    daemon.wait_log(
        "helper h broke its protocol and is killed: it answered say wrongly: it is no JSON",
    );
    assert_ne!(recovered(&rpc), before);
}

#[test]
fn a_helper_that_floods_harms_itself_only() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let (before, pid) = (recovered(&rpc), rpc.pid("p"));
    failure(&rpc.call("h.flood", &[]));
    assert_others_well(&daemon, pid);
    daemon.wait_log("it wrote no header line within 1024 bytes");
    assert_ne!(recovered(&rpc), before);
    wait_until(PATIENCE, "the one that flooded to be gone", || {
        !is_alive(u32::try_from(before).unwrap_or(0))
    });
}

#[test]
fn a_helper_that_does_not_read_harms_itself_only() {
    let daemon = limited(1);
    let rpc = daemon.rpc();
    let pid = rpc.pid("p");
    recovered(&rpc);
    let text = "x".repeat(2 << 20);
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let hangs = daemon.rpc();
        scope.spawn(move || hangs.call("h.sleep", &[3600.into()]));
        // Until then it would read and answer the others.
        daemon.wait_file("asleep", "asleep\n");
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let (rpc, text) = (daemon.rpc(), text.as_str());
                scope.spawn(move || rpc.call("h.echo", &[text.into()]))
            })
            .collect();
        let calls = calls.into_iter();
        calls
            .map(|call| call.join().expect("the call ends"))
            .collect()
    });
    // All clients are gone; what they sent still waits for a helper that does not read it.
    for _ in 0..10 {
        assert_others_well(&daemon, pid);
    }
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Fault(30, text) if text.contains("does not read its calls")));
    assert!(refused.count() >= 1, "nobody was refused");
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Fault(30, _)))
    );
    daemon.ctl(Side::Ours, &["restart", "h"]);
    recovered(&rpc);
}

#[test]
fn a_helper_that_closes_its_pipes_and_lives_on_is_killed() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let before = recovered(&rpc);
    failure(&rpc.call("h.deaf", &[]));
    daemon.wait_log("it closed its standard input or output, and lives on");
    assert_ne!(recovered(&rpc), before);
}

#[test]
fn calls_wait_for_a_helper_that_starts_slowly_and_not_for_one_that_never_says_hello() {
    let slow = section("").replace("helper.py", "helper.py late");
    let mute = format!("[rpcinterface:m]\ncommand=sleep 1000\ncall_timeout={TIMEOUT_SECS}\n");
    let daemon = Start::new(Side::Ours, &format!("{slow}{mute}"))
        .environment("THREADS", "1")
        .start();
    let rpc = daemon.rpc();
    assert!(rpc.call("h.pid", &[]).value().int() > 0);
    let text = format!(
        "FAILED: m runs, but did not say which methods it has within {TIMEOUT_SECS} seconds"
    );
    assert_eq!(failure(&rpc.call("m.x", &[])), text);
}

#[test]
fn update_adds_changes_and_removes_helpers() {
    let daemon = start(1, "");
    let rpc = daemon.rpc();
    let first = recovered(&rpc);
    let config = daemon.place().read("supervisord.conf");
    let write = |text: &str| daemon.place().write("supervisord.conf", text);
    let update = || daemon.ctl(Side::Ours, &["update"]).stdout;

    write(&config.replace("[rpcinterface:h]", "[rpcinterface:h]\ncall_timeout=7"));
    assert_eq!(daemon.ctl(Side::Ours, &["reread"]).stdout, "h: changed\n");
    assert_eq!(update(), "h: stopped\nh: updated process group\n");
    let second = recovered(&rpc);
    assert_ne!(second, first);

    write(&config.replace("[rpcinterface:h]", "[rpcinterface:k]"));
    assert_eq!(
        update(),
        "h: stopped\nh: removed process group\nk: added process group\n"
    );
    assert_eq!(
        rpc.call("h.pid", &[]),
        Outcome::Fault(1, "UNKNOWN_METHOD".to_owned())
    );
    assert!(rpc.call("k.pid", &[]).value().int() > 0);
    let listed = rpc.call("system.listMethods", &[]).value();
    let names: Vec<&str> = listed.items().iter().map(Value::text).collect();
    assert!(
        names.contains(&"k.echo") && !names.contains(&"h.echo"),
        "{names:?}"
    );

    write(&format!("{config}[program:h]\ncommand=cat\n"));
    let refused = daemon.ctl(Side::Ours, &["reread"]).stdout;
    let both = "[rpcinterface:h] and [program:h] both make a group h";
    assert!(refused.contains(both), "{refused}");
}

#[test]
fn the_example_of_the_documentation_works() {
    let page = include_str!("../../../docs/helpers.md");
    let example = page
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the page has an example in Python");
    let config = format!(
        "[rpcinterface:sums]\ncommand={} %(here)s/sums.py\n",
        python().display()
    );
    let daemon = Start::new(Side::Ours, &config)
        .file("sums.py", example)
        .start();
    let rpc = daemon.rpc();
    let sum = rpc.call("sums.add", &[1.into(), 2.into()]).value();
    assert_eq!(sum, Value::Int(3));
    let refused = rpc.call("sums.add", &[1.into(), "x".into()]);
    assert!(matches!(refused, Outcome::Fault(100, _)), "{refused}");
}
