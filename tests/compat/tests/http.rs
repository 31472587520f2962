//! Requests as bytes: methods, versions, lengths, credentials, tails of logs, and everything a client may send that is
//! no request.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use provost_compat::differences::is_added_header;
use provost_compat::rig::Scenario;
use provost_compat::talk::{Talk, compare_talks};
use provost_e2e::{PATIENCE, Target, encode_call, read_answer};

const PROGRAM: &str = "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/p.log\nstderr_logfile=NONE\n\
    [program:nolog]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=NONE\n";

fn request(line: &str, headers: &str, body: &str) -> String {
    format!("{line}\r\nHost: localhost\r\n{headers}\r\n{body}")
}

#[test]
fn requests_and_what_is_none() {
    let state = encode_call("supervisor.getState", &[]);
    let length = format!("Content-Length: {}\r\n", state.len());
    compare_talks("http", &Scenario::new("http", PROGRAM), |talk| {
        let mut send = |name: &str, line: &str, headers: &str, body: &str| {
            talk.send(name, &request(line, headers, body));
        };
        send("post", "POST /RPC2 HTTP/1.1", &length, &state);
        send("post 1.0", "POST /RPC2 HTTP/1.0", &length, &state);
        send(
            "post 1.0 keep-alive",
            "POST /RPC2 HTTP/1.0",
            &format!("{length}Connection: keep-alive\r\n"),
            &state,
        );
        send(
            "post close",
            "POST /RPC2 HTTP/1.1",
            &format!("{length}Connection: close\r\n"),
            &state,
        );
        send(
            "post longer path",
            "POST /RPC2/more HTTP/1.1",
            &length,
            &state,
        );
        send("post prefix", "POST /RPC2more HTTP/1.1", &length, &state);
        send("post query", "POST /RPC2?x=1 HTTP/1.1", &length, &state);
        send(
            "post encoded path",
            "POST /%52PC2 HTTP/1.1",
            &length,
            &state,
        );
        send("get rpc", "GET /RPC2 HTTP/1.1", "", "");
        send("no length", "POST /RPC2 HTTP/1.1", "", "");
        send(
            "small header names",
            "POST /RPC2 HTTP/1.1",
            &length.to_lowercase(),
            &state,
        );
        send("unknown page", "GET /no/such/page HTTP/1.1", "", "");
        send("ok page", "GET /ok.html HTTP/1.1", "", "");
        send("tail of unknown", "GET /logtail/nobody HTTP/1.1", "", "");
        send(
            "tail of unknown channel",
            "GET /logtail/p/stdsomething HTTP/1.1",
            "",
            "",
        );
        send("tail without log", "GET /logtail/nolog HTTP/1.1", "", "");
        send("tail of group", "GET /logtail/p:* HTTP/1.1", "", "");
        send(
            "tail without log on stderr",
            "GET /logtail/p/stderr HTTP/1.1",
            "",
            "",
        );
        send(
            "post to tail",
            "POST /logtail/p HTTP/1.1",
            "Content-Length: 0\r\n",
            "",
        );
        talk.post("no xml", "hello", "");
        talk.post(
            "open tag",
            "<methodCall><methodName>supervisor.getState",
            "",
        );
        talk.post("wrong root", "<x/>", "");
        talk.post("no name", "<methodCall><params/></methodCall>", "");
        talk.post(
            "empty name",
            "<methodCall><methodName></methodName></methodCall>",
            "",
        );
        talk.post(
            "no params",
            "<methodCall><methodName>supervisor.getState</methodName></methodCall>",
            "",
        );
        talk.post("blank around", "\n <?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName></methodCall>", "");
        talk.post(
            "response as request",
            "<methodResponse><params/></methodResponse>",
            "",
        );
        talk.post(
            "empty int",
            "<methodCall><methodName>supervisor.readLog</methodName><params><param><value><int></int></value></param></params></methodCall>",
            "",
        );
        for (name, value) in [
            ("untyped", "<value>p</value>"),
            ("string", "<value><string>p</string></value>"),
            ("base64", "<value><base64>cA==</base64></value>"),
            ("cdata", "<value><string><![CDATA[p]]></string></value>"),
            ("entity", "<value><string>&#112;</string></value>"),
            ("i4", "<value><i4>5</i4></value>"),
        ] {
            let body = format!(
                "<methodCall><methodName>supervisor.stopProcess</methodName><params><param><value>nobody</value></param>\
                 <param>{value}</param></params></methodCall>"
            );
            talk.post(&format!("second argument {name}"), &body, "");
        }
    });
}

#[test]
fn connections_stay_open() {
    let state = encode_call("supervisor.getState", &[]);
    let text = request(
        "POST /RPC2 HTTP/1.1",
        &format!("Content-Length: {}\r\n", state.len()),
        &state,
    );
    compare_talks("http connection", &Scenario::new("http", PROGRAM), |talk| {
        let mut stream = Target::Unix(talk.daemon().socket())
            .connect()
            .expect("it listens");
        for round in 0..3 {
            stream.write_all(text.as_bytes()).expect("it reads");
            let answer = read_answer(&mut *stream).expect("it answers");
            talk.note(&format!("round {round}"), &answer.text());
        }
        // Two requests at once.
        stream
            .write_all(format!("{text}{text}").as_bytes())
            .expect("it reads");
        let mut bytes = Vec::new();
        let begun = Instant::now();
        while String::from_utf8_lossy(&bytes)
            .matches("</methodResponse>")
            .count()
            < 2
        {
            assert!(begun.elapsed() < PATIENCE, "no second answer");
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).expect("it answers");
            assert!(count > 0, "closed");
            bytes.extend_from_slice(&chunk[..count]);
        }
        talk.note("pipelined", "two answers");
    });
}

const GUARDED: &str = "\
[unix_http_server:plain]
file=%(here)s/plain.sock
username=user
password=pass
[unix_http_server:hashed]
file=%(here)s/hashed.sock
username=user
password={SHA}9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684
";

#[test]
fn credentials() {
    let state = encode_call("supervisor.getState", &[]);
    compare_talks(
        "http credentials",
        &Scenario::new("http", GUARDED),
        |talk| {
            for socket in ["plain.sock", "hashed.sock"] {
                let path = talk.daemon().place().join(socket);
                talk.turn_to(Target::Unix(path));
                for (name, header) in [
                    ("none", ""),
                    ("right", "Authorization: Basic dXNlcjpwYXNz\r\n"),
                    (
                        "scheme in small letters",
                        "Authorization: basic dXNlcjpwYXNz\r\n",
                    ),
                    (
                        "wrong password",
                        "Authorization: Basic dXNlcjp3cm9uZw==\r\n",
                    ),
                    ("wrong user", "Authorization: Basic b3RoZXI6cGFzcw==\r\n"),
                    ("other scheme", "Authorization: Digest dXNlcjpwYXNz\r\n"),
                ] {
                    talk.post(&format!("{socket} {name}"), &state, header);
                }
                for path in [
                    "/",
                    "/logtail/p",
                    "/mainlogtail",
                    "/RPC2",
                    "/ok.html",
                    "/nothing",
                ] {
                    talk.send(
                        &format!("{socket} get {path}"),
                        &request(&format!("GET {path} HTTP/1.1"), "", ""),
                    );
                }
            }
        },
    );
}

/// Reads from a tail until the text has come, and notes head and text (chunk sizes taken out).
fn follow(talk: &mut Talk, name: &str, path: &str, last: &str, mut after_head: impl FnMut(&Talk)) {
    let target = Target::Unix(talk.daemon().socket());
    let mut stream = target
        .connect_with_timeout(Duration::from_millis(200))
        .expect("it listens");
    stream
        .write_all(request(&format!("GET {path} HTTP/1.1"), "", "").as_bytes())
        .expect("it reads");
    let (mut bytes, begun, mut told) = (Vec::new(), Instant::now(), false);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !told && text.contains("\r\n\r\n") {
            told = true;
            after_head(talk);
        }
        if text.contains(last) {
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            let head: Vec<&str> = head
                .lines()
                .filter(|line| {
                    let varies = line.starts_with("Date: ") || line.starts_with("Last-Modified: ");
                    !varies && !is_added_header(line)
                })
                .collect();
            // Chunk sizes stand on lines of their own; how the text is cut is up to the server.
            let body: Vec<&str> = body
                .split("\r\n")
                .filter(|line| u64::from_str_radix(line, 16).is_err())
                .collect();
            talk.note(name, &format!("{}\n\n{}", head.join("\n"), body.concat()));
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "`{last}` did not come, only `{text}`"
        );
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) => panic!("closed after `{text}`"),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(_) => {}
        }
    }
}

#[test]
fn tails_of_logs() {
    let lines: Vec<String> = (0..200)
        .map(|number| format!("line {number:04}\n"))
        .collect();
    let long = lines.concat();
    compare_talks(
        "http tail",
        &Scenario::new("http", PROGRAM).file("p.log", &long),
        |talk| {
            talk.daemon().wait_state("p", "RUNNING");
            let say = |text: &'static str| {
                move |talk: &Talk| {
                    talk.daemon()
                        .rpc()
                        .call("supervisor.sendProcessStdin", &["p".into(), text.into()]);
                }
            };
            follow(talk, "the last kilobyte", "/logtail/p", "line 0199", |_| {});
            follow(
                talk,
                "growth",
                "/logtail/p/stdout",
                "grown\n",
                say("grown\n"),
            );
            follow(
                talk,
                "encoded name",
                "/logtail/p%3Ap",
                "more\n",
                say("more\n"),
            );
            follow(talk, "unicode", "/logtail/p", "größe\n", say("größe\n"));
            follow(talk, "cleared", "/logtail/p", "anew\n", |talk: &Talk| {
                talk.daemon()
                    .rpc()
                    .call("supervisor.clearProcessLogs", &["p".into()]);
                say("anew\n")(talk);
            });
            follow(talk, "main log", "/mainlogtail", "entered RUNNING", |_| {});
        },
    );
}
