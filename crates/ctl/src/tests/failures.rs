//! Servers that are away, refuse, or answer nonsense.

use super::{Fake, Reply, Trial, process, said};
use provost_wire::xmlrpc::Value;
use std::net::TcpListener;

/// A URL nobody listens at.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

#[test]
fn a_server_that_is_away_gets_its_own_line_and_status() {
    let missing = "unix:///nonexistent/x.sock";
    let closed = closed_port();
    for (url, words, status) in [
        (missing, "no such file", 7),
        (&closed, "refused connection", 4),
    ] {
        let run = |line: &str| Trial::new(url, false, "").run(line);
        let line = format!("{url} {words}\n");
        for command in [
            "pid",
            "version",
            "start x",
            "stop x",
            "restart x",
            "signal HUP x",
            "clear x",
            "tail x",
            "maintail",
            "fg x",
        ] {
            assert_eq!(run(command), said(&line, status), "{command}");
        }
        assert_eq!(run("status"), said(&line, 4));
        let down = format!("ERROR: {url} {words} (already shut down?)\n");
        assert_eq!(run("shutdown"), said(&down, 1));
        for command in ["avail", "reread", "update", "reload", "add x", "remove x"] {
            let got = run(command);
            assert!(
                got.text
                    .starts_with(&format!("error: cannot connect to {url}: ")),
                "{}",
                got.text
            );
            assert_eq!(got.status, 1);
        }
    }
}

#[test]
fn a_server_of_another_kind_is_named() {
    let server = Fake::new();
    server.script.lock().unwrap().replies.clear();
    let got = server.run("pid");
    assert!(
        got.text.starts_with(
            "Sorry, supervisord responded but did not recognize the supervisor namespace commands"
        ),
        "{}",
        got.text
    );
    assert_eq!(got.status, 3);
    assert_eq!(server.run("status").status, 4);
    let server = server.on("getVersion", Value::text("9.0"));
    let line = "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, but the \
                remote version is 9.0.\n";
    assert_eq!(server.run("pid"), said(line, 5));
    assert_eq!(server.run("status"), said(line, 4));
}

#[test]
fn unknown_urls_are_refused() {
    let got = Trial::new("ftp://x", false, "").run("status");
    assert!(
        got.text
            .starts_with("error: Unknown protocol for serverurl ftp://x"),
        "{}",
        got.text
    );
    assert_eq!(got.status, 1);
}

#[test]
fn nonsense_from_the_server_is_told_with_what_was_asked() {
    let server = Fake::new().on("getPID", Value::text("x"));
    let expected = "error: the answer to getPID lacks `a number`; is this a supervisord?\n";
    assert_eq!(server.run("pid"), said(expected, 1));
    for (reply, expected) in [
        (
            raw("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
            "URL answered supervisor.getPID with HTTP status 500 Internal Server Error",
        ),
        (
            raw("SSH-2.0-x\r\n\r\n"),
            "URL answered supervisor.getPID with something that is not HTTP: invalid HTTP version",
        ),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            "URL answered supervisor.getPID with something that is not HTTP: it ends in the middle",
        ),
        (
            raw(""),
            "lost the connection to URL during supervisor.getPID: it closed without an answer; whether it was \
             carried out is not known",
        ),
    ] {
        let server = Fake::new().reply("getPID", reply);
        let expected = format!("error: {}\n", expected.replace("URL", &server.url));
        assert_eq!(server.run("pid"), said(&expected, 1));
    }
    let server = Fake::new().reply(
        "getPID",
        raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n<x"),
    );
    let got = server.run("pid");
    assert!(
        got.text
            .starts_with("error: the answer to supervisor.getPID is not an XML-RPC message"),
        "{}",
        got.text
    );
}

#[test]
fn a_broken_row_does_not_bring_the_shell_down() {
    let server = Fake::new().on("getAllProcessInfo", Value::Array(vec![Value::Int(1)]));
    let expected = "error: the answer to getAllProcessInfo lacks `group`; is this a supervisord?\n";
    assert_eq!(server.run("status"), said(expected, 1));
}

#[test]
fn credentials_are_sent_and_missing_ones_told() {
    let all = Value::Array(vec![process("cat", "cat", 20, "RUNNING", 1, "pid 1")]);
    let server = Fake::new();
    server.script.lock().unwrap().replies.clear();
    let guarded = |value| Reply::Guarded(Box::new(Reply::Value(value)));
    let server = server
        .reply("getVersion", guarded(Value::text("3.0")))
        .reply("getAllProcessInfo", guarded(all));
    assert_eq!(
        server.run("status"),
        said("Server requires authentication\n", 1)
    );
    let mut trial = server.session(false, "").with_credentials();
    assert_eq!(
        trial.run("status"),
        said("cat                              RUNNING   pid 1\n", 0)
    );
}

#[test]
fn a_question_at_the_end_of_the_input_is_answered_with_no() {
    let (reader, _) = std::io::pipe().unwrap();
    let server = Fake::new().ok("shutdown");
    let mut trial = server.session(true, "");
    *trial.session.input() =
        crate::input::Input::new(std::fs::File::from(std::os::fd::OwnedFd::from(reader)));
    let got = trial.run("shutdown");
    assert!(got.text.ends_with(
        "y/N? error: the input ended where an answer was asked for; nothing was done\n"
    ));
    assert_eq!((got.status, server.calls().len()), (1, 0));
}
