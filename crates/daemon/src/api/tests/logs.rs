//! Following logs over HTTP, and the lines that requests leave in the main log.

use super::*;
use crate::logs::{ChildLogSettings, MainLog, MainLogSettings};
use provost_model::config::MainLog as Target;
use provost_model::{Channel, Fault, FaultCode, Level};
use provost_os::spot::Paths;
use std::fs::File;

fn append(path: &std::path::Path, text: &str) {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

/// Reads chunks until they end with `expected`.
fn chunks_until(stream: &mut impl Read, expected: &str) -> String {
    let mut all = String::new();
    while !all.ends_with(expected) {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            line.push(char::from(byte[0]));
        }
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).unwrap();
        all.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        assert!(length > 0, "the answer ended with {all:?}");
    }
    all
}

#[test]
fn the_main_log_is_followed_through_growth_and_truncation_until_the_stop() {
    let mut rig = Rig::new(Plan::default());
    assert_eq!(rig.get("/mainlogtail").status, 404);
    let path = rig.directory.join("main.log");
    append(&path, &format!("{}last\n", "x".repeat(3000)));
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
        .unwrap();
    let head = read_head(&mut stream).unwrap();
    for line in [
        "Content-Type: text/plain;charset=utf-8",
        "Transfer-Encoding: chunked",
        "Last-Modified: ",
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{head}");
    }
    assert_eq!(chunks_until(&mut stream, "last\n").len(), 1024);
    append(&path, "more\n");
    rig.board.touched(&path);
    assert_eq!(chunks_until(&mut stream, "more\n"), "more\n");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    append(&path, "new\n");
    rig.board.touched(&path);
    assert_eq!(
        chunks_until(&mut stream, "new\n"),
        "==> File truncated <==\nnew\n"
    );
    rig.stop();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "0\r\n\r\n");
}

#[test]
fn logs_of_processes_are_found_by_name_and_channel() {
    fn script(request: &Request) -> Option<Answer> {
        let Request::FollowPath { name, channel } = request else {
            return calm(request);
        };
        match (name.as_str(), channel) {
            ("a:b", Channel::Stderr) => Some(Ok(Reply::Log(Some("/proc/self/cmdline".into())))),
            ("a:b", Channel::Stdout) => Some(Ok(Reply::Log(None))),
            ("pipe", _) => Some(Ok(Reply::Log(Some("/dev/null".into())))),
            _ => Some(Err(Fault::about(FaultCode::BadName, name))),
        }
    }
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    for path in [
        "/logtail/a:b",
        "/logtail/a:b/stdout",
        "/logtail/nope",
        "/logtail/a:b/stdin",
        "/logtail/pipe",
    ] {
        assert_eq!(rig.get(path).status, 404, "{path}");
    }
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /logtail/a%3Ab/stderr HTTP/1.0\r\n\r\n")
        .unwrap();
    let head = read_head(&mut stream).unwrap();
    assert!(
        head.starts_with("HTTP/1.0 200 OK\r\n") && head.contains("\r\nX-Accel-Buffering: no"),
        "{head}"
    );
}

#[test]
fn requests_leave_their_lines_at_trace() {
    let path = std::env::temp_dir().join(format!("provost-api-trace-{}.log", std::process::id()));
    let settings = MainLogSettings {
        target: Target::File(path.clone()),
        maxbytes: 0,
        backups: 0,
        level: Level::Trace,
        to_stdout: false,
        paths: Paths::Guarded,
    };
    let main = MainLog::open(settings).unwrap();
    let logs = crate::logs::start(main, ChildLogSettings::default(), Box::new(|_| ())).unwrap();
    let rig = Rig::new(Plan {
        logger: logs.logger(),
        ..Plan::default()
    });
    assert!(rig.call("supervisor.getState", &[]).is_ok());
    assert!(rig.call("supervisor.no\nforged", &[]).is_err());
    assert_eq!(rig.ask(post(b"<methodCall/>")).status, 400);
    assert_eq!(rig.ask(post(b"<a\n>")).status, 400);
    let lines = [
        "TRAC XML-RPC method called: supervisor.getState()",
        "TRAC XML-RPC method supervisor.getState() returned successfully",
        "TRAC localhost:0 - - [",
        "] \"POST /RPC2 HTTP/1.1\" 200 279",
        "TRAC XML-RPC method called: supervisor.no\\nforged()",
        "TRAC XML-RPC method supervisor.no\\nforged() returned fault: [1] UNKNOWN_METHOD",
        "ERRO XML-RPC request data of 13 bytes is invalid: no method name",
        "ERRO XML-RPC request data of 4 bytes is invalid: unmarshallable (",
    ];
    wait_until("every line is in the log", || {
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        lines.iter().all(|line| log.contains(line))
    });
    drop(rig);
    logs.stop(DEADLINE);
    std::fs::remove_file(&path).unwrap();
}
