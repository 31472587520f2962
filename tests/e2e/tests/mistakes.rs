//! Mistakes in files, requests and command lines: each gets an answer that says what and where, and what runs does not
//! notice.

use std::process::{Command, Stdio};

use provost_e2e::{
    Finished, Outcome, PATIENCE, Side, Target, Value, Victim, clean, free_port, run, wait_until,
};
use rustix::process::Signal;

/// Every kind of mistake in the file: nothing is touched, and the place is told to the log and to whoever asked.
#[test]
fn f58_f60_a_broken_file_is_refused_at_hup_reload_reread_and_update() {
    let victim = Victim::new("[program:q]\ncommand=/bin/cat\n");
    let daemon = victim.daemon();
    daemon.wait_state("q", "RUNNING");
    let q = daemon.rpc().pid("q");
    let good = daemon.place().read("supervisord.conf");
    let file = daemon.config().display().to_string();
    let line_of = |text: &str, key: &str| 1 + text.lines().take_while(|line| *line != key).count();
    let broken = [
        (
            good.replace("[program:q]", "[program:q]\nautorestart=maybe"),
            "autorestart=maybe",
            13,
        ),
        (
            good.replace("[program:q]", "[program:q]\nnonsense"),
            "nonsense",
            1,
        ),
        (
            good.replace("[program:q]", "[program:q]\nstartsecs=1s"),
            "startsecs=1s",
            11,
        ),
        (
            good.replace("[program:q]\ncommand=/bin/cat", "[program:q]\nuser=nobody"),
            "[program:q]",
            2,
        ),
        (
            good.replace("[program:q]", "[program:q]\nuser=no_such_user"),
            "user=no_such_user",
            6,
        ),
        (
            good.replace("[supervisord]", "[supervisord]\nminfds=many"),
            "minfds=many",
            8,
        ),
    ];
    for (number, (text, key, column)) in broken.iter().enumerate() {
        daemon.place().write("supervisord.conf", text);
        let place = format!("({file}:{}:{column})", line_of(text, key));
        // The client reads its own section of the same file; it gets the good one from elsewhere.
        let client = |arguments: &[&str]| {
            let url = format!("unix://{}", daemon.socket().display());
            let mut command = Command::new(Side::Ours.command("supervisorctl"));
            clean(&mut command, daemon.place());
            run(command.args(["-s", &url]).args(arguments))
        };
        daemon.signal(Signal::HUP);
        daemon.wait_log_times("restart refused, nothing was touched: ", 2 * number + 1);
        let reload = client(&["reload"]);
        assert_eq!(reload.code, Some(1), "{key}: {}", reload.stdout);
        assert!(
            reload.stdout.contains(&place),
            "no {place} in {}",
            reload.stdout
        );
        daemon.wait_log_times("restart refused, nothing was touched: ", 2 * number + 2);
        assert_eq!(
            daemon.main_log().matches(&place).count(),
            2,
            "no {place}:\n{}",
            daemon.main_log()
        );
        for command in ["reread", "update"] {
            let refused = client(&[command]);
            assert!(
                refused.stdout.starts_with("ERROR: CANT_REREAD: "),
                "{}",
                refused.stdout
            );
            assert_eq!(refused.code, Some(1));
        }
        assert_eq!(
            (daemon.rpc().pid("p"), daemon.rpc().pid("q")),
            (victim.program(), q)
        );
    }
    std::fs::remove_file(daemon.config()).expect("it is ours");
    daemon.signal(Signal::HUP);
    daemon.wait_log(&format!("could not find config file {file}"));
    assert_eq!(
        (daemon.rpc().pid("p"), daemon.rpc().pid("q")),
        (victim.program(), q)
    );

    daemon.place().write("supervisord.conf", &good);
    victim.assert_well(&[]);
    daemon.signal(Signal::HUP);
    wait_until(PATIENCE, "the mended file to be taken", || {
        let pid = daemon.rpc().pid("q");
        pid != 0 && pid != q
    });
}

/// Requests that are no requests: each gets a status that says what is wrong, most a text that says where.
#[test]
fn f53_bad_http_is_answered_with_what_is_wrong() {
    let victim = Victim::new("");
    let post = |length: &str, more: &str, body: &str| {
        format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n{body}")
    };
    let long = "a".repeat(9_000);
    let table: Vec<(String, u16, &str)> = vec![
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {long}{long}{long}\r\n\r\n"),
            431,
            "",
        ),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "X-A: b\r\n".repeat(500)),
            431,
            "",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
            414,
            "Error code 414.",
        ),
        (
            post("5000000", "", "x"),
            413,
            "A request of this kind may have 4194304 bytes.",
        ),
        (post("99999999999999999999", "", ""), 400, ""),
        (post("-1", "", ""), 400, ""),
        (post("1", "Content-Length: 2\r\n", ""), 400, ""),
        (
            "POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            411,
            "A request needs a Content-Length",
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            411,
            "chunked ones are not taken",
        ),
        (
            "DELETE /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            400,
            "XML-RPC calls are made with POST.",
        ),
        (
            "BREW / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            400,
            "are read with GET",
        ),
        ("\0\u{1}garbage\r\n\r\n".to_owned(), 400, ""),
        (
            "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            404,
            "Error code 404.",
        ),
        (
            "GET /logtail/nope HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            404,
            "Error code 404.",
        ),
    ];
    for target in [victim.tcp(), Target::Unix(victim.daemon().socket())] {
        for (request, status, text) in &table {
            let shown: String = request.chars().take(60).collect();
            let answer = target
                .exchange(request.as_bytes())
                .unwrap_or_else(|error| panic!("{shown:?} has no answer: {error}"));
            assert_eq!(answer.status(), *status, "{shown:?}: {answer:?}");
            assert!(answer.text().contains(text), "{shown:?}: {}", answer.text());
        }
    }
    victim.assert_well(&[]);
}

/// XML that is none, and calls that cannot be: the byte or the fault is named.
#[test]
fn f54_s01_bad_calls_are_answered_with_what_is_wrong() {
    let victim = Victim::new("");
    let deep = format!(
        "<methodCall><methodName>a.b</methodName><params><param>{}",
        "<value><array><data>".repeat(100_000)
    );
    let xml = [
        ("hello", "at byte 5: text outside the message"),
        (
            "<methodCall><methodName>a.b</methodName>",
            "at byte 40: an end tag is missing",
        ),
        (
            "<methodCall><methodName>a.b</nethodName></methodCall>",
            "at byte ",
        ),
        (
            "<!DOCTYPE a [<!ENTITY x 'y'>]><methodCall><methodName>&x;</methodName></methodCall>",
            "a document type declaration is not accepted",
        ),
        (deep.as_str(), "elements nest more than 64 deep"),
        (
            "<methodCall><methodName>a.b</methodName><params><param><value><int>x</int></value></param></params>\
             </methodCall>",
            "&quot;x&quot; is no int",
        ),
        ("", "not an XML-RPC message"),
        ("\u{0}\u{1}", "not an XML-RPC message"),
    ];
    for (body, text) in xml {
        let shown: String = body.chars().take(60).collect();
        let answer = victim.tcp().post(body, "").expect("an answer");
        assert_eq!(answer.status(), 400, "{shown:?}: {answer:?}");
        assert!(answer.text().contains(text), "{shown:?}: {}", answer.text());
    }
    let rpc = victim.daemon().rpc();
    let calls: [(&str, &[Value], i64, &str); 9] = [
        ("supervisor.nope", &[], 1, "UNKNOWN_METHOD"),
        ("supervisor._update", &["x".into()], 1, "UNKNOWN_METHOD"),
        ("supervisor.supervisord.options", &[], 1, "UNKNOWN_METHOD"),
        ("supervisor.stopProcess", &[], 2, "INCORRECT_PARAMETERS"),
        (
            "supervisor.stopProcess",
            &[7.into()],
            2,
            "INCORRECT_PARAMETERS",
        ),
        (
            "supervisor.stopProcess",
            &["nope".into()],
            10,
            "BAD_NAME: nope",
        ),
        (
            "supervisor.signalProcess",
            &["p".into(), "FOO".into()],
            11,
            "BAD_SIGNAL: FOO",
        ),
        (
            "supervisor.readLog",
            &[(-5).into(), 5.into()],
            3,
            "BAD_ARGUMENTS",
        ),
        (
            "supervisor.startProcess",
            &["p".into()],
            60,
            "ALREADY_STARTED: p",
        ),
    ];
    for (method, params, code, text) in calls {
        let Outcome::Fault(got, why) = rpc.call(method, params) else {
            panic!("{method} {params:?} is no fault");
        };
        assert!(
            got == code && why.starts_with(text),
            "{method} {params:?}: {got} {why}"
        );
    }
    victim.assert_well(&[]);
}

/// What is wrong with a command line stands on standard error, what is wrong with a command on standard output, as
/// tools expect it.
#[test]
fn bad_command_lines_are_answered_with_what_is_wrong() {
    let victim = Victim::new("");
    let ctl = |arguments: &[&str]| victim.daemon().ctl(Side::Ours, arguments);
    let expect = |end: &Finished, code: i32, stdout: &str, stderr: &str| {
        assert_eq!(end.code, Some(code), "{end:?}");
        assert!(
            end.stdout.contains(stdout) && end.stderr.contains(stderr),
            "{end:?}"
        );
    };
    expect(
        &ctl(&["--nope"]),
        2,
        "",
        "Error: option --nope not recognized",
    );
    expect(&ctl(&["-s"]), 2, "", "Error: option -s requires argument");
    expect(
        &ctl(&["-s", "ftp://x", "status"]),
        1,
        "Unknown protocol for serverurl ftp://x",
        "",
    );
    expect(
        &ctl(&["-c", "x.conf", "status"]),
        2,
        "",
        "Error: conflicting command line option '-c'",
    );
    expect(
        &ctl(&["frobnicate"]),
        1,
        "*** Unknown syntax: frobnicate",
        "",
    );
    expect(
        &ctl(&["start"]),
        2,
        "Error: start requires a process name",
        "",
    );
    expect(
        &ctl(&["start", "nope"]),
        1,
        "nope: ERROR (no such process)",
        "",
    );
    expect(
        &ctl(&["stop", "nope:*"]),
        1,
        "nope: ERROR (no such group)",
        "",
    );
    expect(
        &ctl(&["signal", "FOO", "p"]),
        1,
        "p: ERROR (bad signal name)",
        "",
    );
    expect(
        &ctl(&["tail", "-f"]),
        1,
        "Error: tail requires process name",
        "",
    );
    expect(
        &ctl(&["fg", "nope"]),
        1,
        "ERROR: bad process name supplied",
        "",
    );
    expect(
        &ctl(&["remove", "p"]),
        1,
        "ERROR: process/group still running: p",
        "",
    );
    let dead = free_port();
    let url = format!("http://127.0.0.1:{dead}");
    expect(
        &ctl(&["-s", &url, "status"]),
        4,
        &format!("{url} refused connection"),
        "",
    );
    expect(
        &ctl(&["-s", "unix:///nope/s.sock", "status"]),
        4,
        "unix:///nope/s.sock no such file",
        "",
    );

    let daemon = |arguments: &[&str]| {
        let mut command = Command::new(Side::Ours.command("supervisord"));
        clean(&mut command, victim.daemon().place());
        run(command
            .args(arguments)
            .current_dir(victim.daemon().place().path())
            .stdin(Stdio::null()))
    };
    expect(
        &daemon(&["--nope"]),
        2,
        "",
        "Error: option --nope not recognized",
    );
    expect(
        &daemon(&["-n", "-c", "nope.conf"]),
        2,
        "",
        "Error: could not find config file nope.conf",
    );
    expect(
        &daemon(&["-n", "-c", "."]),
        2,
        "",
        "Error: could not read config file .",
    );
    expect(
        &daemon(&["-n", "surplus"]),
        2,
        "",
        "Error: positional arguments are not supported: ['surplus']",
    );
    expect(&daemon(&["-n", "-e", "loud"]), 2, "", "loud");
    expect(
        &daemon(&["-n", "-u", "no_such_user"]),
        2,
        "",
        "no_such_user",
    );

    victim
        .daemon()
        .place()
        .write("bad.conf", "[supervisord]\nminfds=many\n[program:x]\n");
    let refused = daemon(&["-n", "-c", "bad.conf"]);
    expect(
        &refused,
        2,
        "",
        "Error: invalid literal for int() with base 10: 'many'",
    );
    for place in ["bad.conf:2:8", "bad.conf:3:2"] {
        assert!(
            refused.stderr.contains(place),
            "no {place} in {}",
            refused.stderr
        );
    }
    victim.assert_well(&[]);
}
