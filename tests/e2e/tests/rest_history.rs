//! What became of a process: changes of state, ends with the last words before them, and how much its logs have taken.

use provost_e2e::{Daemon, Outcome, PATIENCE, Side, Start, Target, WEB, free_port, wait_until};
use serde_json::Value as Json;

const PROGRAMS: &str = "\
[program:job]
command=/bin/sh -c 'for n in $(seq 30); do echo $n; done; echo oh >&2; exit 7'
autostart=false
autorestart=false
startsecs=0

[program:mute]
command=/bin/sh -c 'exit 7'
autostart=false
autorestart=false
startsecs=0
stderr_logfile=NONE

[program:cat]
command=/bin/cat
startsecs=0
";

fn daemon() -> Daemon {
    let daemon = Start::new(Side::Ours, PROGRAMS).start();
    daemon.wait_state("cat", "RUNNING");
    daemon
}

fn get(daemon: &Daemon, path: &str) -> Json {
    let answer = Target::of(daemon).get(path, "");
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.json()
}

fn history(daemon: &Daemon, name: &str) -> Json {
    get(daemon, &format!("/api/v1/processes/{name}/{name}/history"))
}

/// Starts a program that ends by itself, and waits until it has.
fn run(daemon: &Daemon, name: &str) {
    let path = format!("/api/v1/processes/{name}/{name}/start");
    let answer = Target::of(daemon).act(&path, "", "");
    assert!(matches!(answer.status(), 200 | 422), "{}", answer.text());
    daemon.wait_state(name, "EXITED");
}

fn act(daemon: &Daemon, path: &str) {
    let answer = Target::of(daemon).act(path, "", "");
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
}

/// The numbers on lines of their own from `first` to 30.
fn lines_from(first: u32) -> String {
    let numbers: Vec<String> = (first..=30).map(|number| number.to_string()).collect();
    numbers.join("\n") + "\n"
}

#[test]
fn ends_are_told_with_what_was_said_before() {
    let daemon = daemon();
    let empty = history(&daemon, "job");
    assert_eq!(empty["exits"].as_array().map(Vec::len), Some(0));
    assert_eq!(empty["changes"].as_array().map(Vec::len), Some(0));
    let span = empty["now"].as_u64().unwrap() - empty["since"].as_u64().unwrap();
    assert_eq!(span / 1000, 24 * 60 * 60);
    run(&daemon, "job");
    run(&daemon, "job");
    let told = history(&daemon, "job");
    let exits = told["exits"].as_array().unwrap();
    assert_eq!(exits.len(), 2);
    let size = u64::try_from(lines_from(1).len()).unwrap();
    for (index, exit) in (0_u64..).zip(exits) {
        assert_eq!(
            (&exit["code"], &exit["expected"]),
            (&7.into(), &false.into())
        );
        assert_eq!(exit["stdout"]["text"], lines_from(11));
        let begin = index * size + size - u64::try_from(lines_from(11).len()).unwrap();
        assert_eq!(exit["stdout"]["offset"], begin);
        assert_eq!(exit["stderr"]["text"], "oh\n");
    }
    let states: Vec<_> = told["changes"].as_array().unwrap().iter().collect();
    let states: Vec<_> = states.iter().map(|change| &change["state"]).collect();
    assert_eq!(states.len(), 6);
    assert_eq!(states[2], "EXITED");
    // What was said by others is not its own.
    run(&daemon, "mute");
    let mute = history(&daemon, "mute");
    assert_eq!(mute["exits"][0]["stderr"], Json::Null, "there is no log");
    daemon.upgrade();
    let again = history(&daemon, "job");
    assert_eq!(
        (&again["exits"], &again["changes"]),
        (&told["exits"], &told["changes"])
    );
    // The log is another one.
    act(&daemon, "/api/v1/processes/job/job/clearlog");
    run(&daemon, "job");
    let exits = history(&daemon, "job")["exits"].clone();
    assert_eq!(exits[1]["stdout"], Json::Null);
    assert_eq!(exits[2]["stdout"]["text"], lines_from(11));
}

#[test]
fn what_fails_again_and_again_is_told_in_short() {
    let daemon = daemon();
    for _ in 0..20 {
        run(&daemon, "mute");
    }
    let told = history(&daemon, "mute");
    assert_eq!(told["exits"].as_array().unwrap().len(), 8);
    let changes = told["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 16 + 3, "{changes:#?}");
    let counts = changes
        .iter()
        .map(|change| change["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 60);
    assert!(changes[0]["until"].as_u64() > changes[2]["at"].as_u64());
    let detail = get(&daemon, "/api/v1/processes/mute/mute");
    assert_eq!(detail["changes"].as_array().unwrap().len(), 16);
}

#[test]
fn last_words_are_for_those_who_may_read_logs() {
    const VIEWER: &str = "Authorization: Basic dmlld2VyOnY=\r\n";
    let port = free_port();
    let users = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n[user:root]\nrole=admin\nunix_user=root\n\
         [user:viewer]\nrole=viewer\nprograms=once,web:*\npassword=v\n{WEB}{PROGRAMS}"
    );
    let daemon = Start::new(Side::Ours, &users).start();
    daemon.wait_state("once", "EXITED");
    assert_eq!(
        history(&daemon, "once")["exits"][0]["stdout"]["text"],
        "out\n"
    );
    let target = Target::Port(port);
    let told = target
        .get("/api/v1/processes/once/once/history", VIEWER)
        .json();
    assert_eq!(told["exits"][0]["code"], 3);
    assert_eq!(told["exits"][0]["stdout"], Json::Null);
    let other = target.get("/api/v1/processes/job/job/history", VIEWER);
    assert_eq!(other.status(), 404);
}

#[test]
fn bytes_of_logs_are_counted() {
    let daemon = daemon();
    let taken = || get(&daemon, "/api/v1/processes/cat/cat")["process"]["log_bytes"].clone();
    assert_eq!(taken(), serde_json::json!({"stdout": 0, "stderr": 0}));
    let say = |text: &str| {
        let call = ["cat".into(), text.into()];
        let told = daemon.rpc().call("supervisor.sendProcessStdin", &call);
        assert!(matches!(told, Outcome::Value(_)), "{told:?}");
    };
    let wait = |bytes: u64| {
        wait_until(PATIENCE, "the bytes", || taken()["stdout"] == bytes);
    };
    say("0123456789");
    wait(10);
    act(&daemon, "/api/v1/processes/cat/cat/clearlog");
    say("01234");
    wait(15);
    daemon.upgrade();
    wait(15);
    say("0");
    wait(16);
    let metrics = Target::of(&daemon).get("/metrics", "").text();
    let line = "provost_log_bytes_total{name=\"cat\",group=\"cat\",stream=\"stdout\"} 16\n";
    assert!(metrics.contains(line), "{metrics}");
    run(&daemon, "job");
    let list = get(&daemon, "/api/v1/processes");
    let job = provost_e2e::one_of(&list, "job", "job").unwrap();
    assert_eq!(job["log_bytes"]["stderr"], 3);
}
