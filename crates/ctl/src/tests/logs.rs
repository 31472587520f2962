//! tail, maintail, fg.

use super::{Fake, Reply, Said, process, said};
use provost_wire::xmlrpc::Value;

#[test]
fn tail_shows_the_end_of_a_log() {
    let server = Fake::new()
        .on("readProcessStdoutLog", Value::text("one\ntwo\t"))
        .on("readProcessStderrLog", Value::text("bad\n"));
    assert_eq!(server.run("tail cat"), said("one\ntwo\t\n", 0));
    assert_eq!(server.run("tail -100 g:cat STDERR"), said("bad\n\n", 0));
    assert_eq!(server.run("tail -5 cat stdout").status, 0);
    assert_eq!(
        server.calls(),
        [
            "readProcessStdoutLog(\"cat\", -1600, 0)",
            "readProcessStderrLog(\"g:cat\", -100, 0)",
            "readProcessStdoutLog(\"cat\", -5, 0)",
        ]
    );
}

#[test]
fn tail_says_why_there_is_nothing() {
    let server = Fake::new()
        .fault("readProcessStdoutLog", 20, "NO_FILE")
        .fault("readProcessStdoutLog", 30, "FAILED")
        .fault("readProcessStdoutLog", 10, "BAD_NAME: x");
    assert_eq!(server.run("tail x"), said("x: ERROR (no log file)\n", 1));
    assert_eq!(
        server.run("tail x"),
        said("x: ERROR (unknown error reading log)\n", 1)
    );
    assert_eq!(
        server.run("tail x"),
        said("x: ERROR (no such process name)\n", 1)
    );
    assert_eq!(
        server.run("tail x Std'"),
        said("Error: bad channel \"std'\"\n", 1)
    );
    assert_eq!(
        server.run("tail -f"),
        said("Error: tail requires process name\n", 1)
    );
    assert_eq!(server.run("tail -x y"), said("Error: bad argument -x\n", 1));
    assert_eq!(server.run("tail - y"), said("Error: bad argument -\n", 1));
    assert_eq!(
        server.run("tail -99999999999 y"),
        said(
            "error: 99999999999 bytes cannot be asked for, at most 2147483647 can\n",
            1
        )
    );
}

#[test]
fn maintail_shows_the_main_log() {
    let server = Fake::new()
        .on("readLog", Value::text("INFO x\n"))
        .on("readLog", Value::text("x\n"))
        .fault("readLog", 20, "NO_FILE: /x")
        .fault("readLog", 30, "FAILED: /x");
    assert_eq!(server.run("maintail"), said("INFO x\n\n", 0));
    assert_eq!(server.run("maintail -10"), said("x\n\n", 0));
    assert_eq!(
        server.run("maintail"),
        said("supervisord: ERROR (no log file)\n", 1)
    );
    assert_eq!(
        server.run("maintail"),
        said("supervisord: ERROR (unknown error reading log)\n", 1)
    );
    assert_eq!(server.run("maintail x"), said("Error: bad argument x\n", 1));
    assert_eq!(
        server.run("maintail -x"),
        said("Error: bad argument -x\n", 1)
    );
    assert_eq!(
        server.calls()[..2],
        ["readLog(-1600, 0)", "readLog(-10, 0)"]
    );
}

fn stream(body: &[u8]) -> Reply {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    Reply::Raw([head, body].concat())
}

const PRESS: &str = "==> Press Ctrl-C to exit <==\n";

#[test]
fn a_stream_is_shown_as_it_comes_until_it_ends() {
    let server = Fake::new().reply("/mainlogtail", stream(b"2\r\nx\n\r\n0\r\n\r\n"));
    assert_eq!(server.run("maintail -f"), said(&format!("{PRESS}x\n"), 0));
    assert_eq!(server.calls(), ["GET /mainlogtail HTTP/1.1"]);
    // A character may be cut by a piece's end, and the server goes away in the middle when it is shut down.
    let body = b"4\r\non\n\xc3\r\n2\r\n\xa9\n\r\n";
    let server = Fake::new().reply("/logtail/cat/stderr", stream(body));
    assert_eq!(
        server.run("tail -f cat stderr"),
        said(&format!("{PRESS}on\n\u{e9}\n"), 0)
    );
}

#[test]
fn a_stream_that_cannot_be_had_is_told_on_standard_error() {
    let server = Fake::new().reply(
        "/logtail/x/stdout",
        Reply::Raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n".to_vec()),
    );
    let talk = format!(
        "{}/logtail/x/stdout Cannot read, status code 404\n",
        server.url
    );
    assert_eq!(
        server.run("tail -f x"),
        Said {
            text: PRESS.to_owned(),
            talk,
            status: 0
        }
    );
}

#[test]
fn fg_passes_lines_on_until_the_process_is_gone() {
    let running = || process("cat", "cat", 20, "RUNNING", 7, "");
    let server = Fake::new()
        .on("getProcessInfo", running())
        .on("getProcessInfo", running())
        .on(
            "getProcessInfo",
            process("cat", "cat", 100, "EXITED", 0, ""),
        )
        .ok("sendProcessStdin")
        .reply("/logtail/cat/stdout", stream(b"0\r\n\r\n"))
        .reply("/logtail/cat/stderr", stream(b"0\r\n\r\n"));
    let got = server.session(false, "one\ntwo\nthree\n").run("fg cat");
    assert_eq!(
        got,
        said(
            &format!("{PRESS}Process got killed\nExiting foreground\n"),
            0
        )
    );
    let sent: Vec<String> = server
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("sendProcessStdin"))
        .collect();
    assert_eq!(
        sent,
        [
            "sendProcessStdin(\"cat\", \"one\\n\")",
            "sendProcessStdin(\"cat\", \"two\\n\")"
        ]
    );
}

#[test]
fn fg_tells_why_a_line_was_not_taken() {
    let server = Fake::new()
        .on(
            "getProcessInfo",
            process("cat", "cat", 20, "RUNNING", 7, ""),
        )
        .fault("sendProcessStdin", 70, "NOT_RUNNING: cat")
        .fault("sendProcessStdin", 20, "NO_FILE: cat")
        .reply("/logtail/cat/stdout", stream(b"0\r\n\r\n"))
        .reply("/logtail/cat/stderr", stream(b"0\r\n\r\n"));
    let run = || server.session(false, "x\n").run("fg cat").text;
    assert_eq!(
        run(),
        format!("{PRESS}Process got killed\nExiting foreground\n")
    );
    assert_eq!(
        run(),
        format!("{PRESS}ERROR: <Fault 20: 'NO_FILE: cat'>\nExiting foreground\n")
    );
}

#[test]
fn fg_wants_one_running_process() {
    let server = Fake::new()
        .on("getProcessInfo", process("cat", "cat", 0, "STOPPED", 0, ""))
        .fault("getProcessInfo", 10, "BAD_NAME: x")
        .fault("getProcessInfo", 6, "SHUTDOWN_STATE");
    assert_eq!(
        server.run("fg cat"),
        said("ERROR: process not running\n", 1)
    );
    assert_eq!(
        server.run("fg x"),
        said("ERROR: bad process name supplied\n", 1)
    );
    assert_eq!(
        server.run("fg x"),
        said("ERROR: <Fault 6: 'SHUTDOWN_STATE'>\n", 0)
    );
    assert_eq!(
        server.run("fg x y"),
        said("ERROR: too many process names supplied\n", 1)
    );
}
