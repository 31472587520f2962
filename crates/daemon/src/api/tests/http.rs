//! Requests and answers of HTTP: form, credentials, versions, refusals.

use super::*;
use provost_wire::base64;

#[test]
fn an_answer_has_the_headers_of_upstream_in_order() {
    let rig = Rig::new(Plan::default());
    let response = rig.ask(call("supervisor.getState"));
    let names: Vec<&str> = response
        .head
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .map(|line| line.0)
        .collect();
    assert!(
        response
            .head
            .starts_with("HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: "),
        "{}",
        response.head
    );
    assert_eq!(names, ["Server", "Date", "Content-Type", "Content-Length"]);
    assert!(response.header("Date").unwrap().ends_with(" GMT"));
    assert_eq!(response.header("Content-Type"), Some("text/xml"));
    assert_eq!(response.header("Content-Length"), Some("279"));
    assert!(response.text().starts_with(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n"
    ));
}

#[test]
fn a_connection_is_kept_for_more_requests_and_for_pipelined_ones() {
    let rig = Rig::new(Plan::default());
    for mut stream in [
        Box::new(rig.tcp()) as Box<dyn ReadWrite>,
        Box::new(rig.unix()),
    ] {
        for _ in 0..3 {
            stream.write_all(&call("supervisor.getState")).unwrap();
            assert_eq!(read_response(&mut stream).unwrap().status, 200);
        }
        let two = [
            call("supervisor.getState"),
            call("supervisor.getIdentification"),
        ]
        .concat();
        stream.write_all(&two).unwrap();
        assert!(
            read_response(&mut stream)
                .unwrap()
                .text()
                .contains("RUNNING")
        );
        assert!(
            read_response(&mut stream)
                .unwrap()
                .text()
                .contains("<string>supervisor</string>")
        );
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

#[test]
fn version_1_0_closes_unless_asked_not_to() {
    let rig = Rig::new(Plan::default());
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /ok.html HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .unwrap();
    let kept = read_response(&mut stream).unwrap();
    assert!(kept.head.starts_with("HTTP/1.0 200 OK"), "{}", kept.head);
    assert_eq!(
        kept.header("Connection").map(str::to_lowercase).as_deref(),
        Some("keep-alive")
    );
    stream.write_all(b"GET /ok.html HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(read_response(&mut stream).unwrap().text(), "OK");
    assert!(is_closed(&mut stream));
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /ok.html HTTP/1.1\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(&mut stream).unwrap().text(), "OK");
    assert!(is_closed(&mut stream));
}

#[test]
fn no_path_is_reached_without_credentials() {
    let rig = Rig::new(Plan {
        credentials: Some(("user", "pass:word")),
        ..Plan::default()
    });
    let wrong = base64::encode(b"user:pass");
    let mut requests = Vec::new();
    for path in [
        "/",
        "/RPC2",
        "/logtail/a",
        "/mainlogtail",
        "/ok.html",
        "/nowhere",
        "/%52PC2",
        "//RPC2",
    ] {
        for method in ["GET", "POST", "HEAD", "PUT"] {
            for header in [
                String::new(),
                format!("Authorization: Basic {wrong}\r\n"),
                "Authorization: x\r\n".to_owned(),
            ] {
                requests.push(format!(
                    "{method} {path} HTTP/1.1\r\n{header}Content-Length: 0\r\n\r\n"
                ));
            }
        }
    }
    // Who guesses that often waits for each answer: many wait at the same time, fewer than one address may have places.
    for some in requests.chunks(32) {
        let mut streams: Vec<TcpStream> = some.iter().map(|_| rig.tcp()).collect();
        for (stream, request) in streams.iter_mut().zip(some) {
            stream.write_all(request.as_bytes()).unwrap();
        }
        for (stream, request) in streams.iter_mut().zip(some) {
            let head = read_head(stream).unwrap();
            assert!(
                head.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
                "{request}: {head}"
            );
            assert!(
                head.to_lowercase()
                    .contains("\r\nwww-authenticate: basic realm=\"default\"\r\n"),
                "{head}"
            );
            assert!(is_closed(stream), "{request}");
        }
    }
    let right = base64::encode(b"user:pass:word");
    let request = format!("GET /ok.html HTTP/1.1\r\nAuthorization: Basic {right}\r\n\r\n");
    assert_eq!(rig.ask(request).status, 200);
}

#[test]
fn a_hashed_password_is_compared_by_its_hash() {
    let hash = "{SHA}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
    let rig = Rig::new(Plan {
        credentials: Some(("user", hash)),
        ..Plan::default()
    });
    let ask = |password: &str| {
        let cookie = base64::encode(format!("user:{password}").as_bytes());
        rig.ask(format!(
            "GET /ok.html HTTP/1.1\r\nAuthorization: basic {cookie}\r\n\r\n"
        ))
        .status
    };
    assert_eq!(ask("test"), 200);
    assert_eq!(ask(hash), 401);
}

#[test]
fn refusals_have_their_status() {
    let rig = Rig::new(Plan::default());
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\n\r\n", 404),
        ("GET /RPC2 HTTP/1.1\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\n\r\n", 400),
        ("POST /RPC2 HTTP/1.1\r\n\r\n", 411),
        (
            "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            411,
        ),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: 3\r\n\r\n<a>", 400),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            400,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 4194305\r\n\r\n",
            413,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://b\r\nContent-Length: 1\r\n\r\nx",
            403,
        ),
        ("GET / HTTP/1.1\r\nA\0: b\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET /logtail HTTP/1.1\r\n\r\n", 404),
        ("GET /logtail/a/b/c HTTP/1.1\r\n\r\n", 404),
    ] {
        let response = rig.ask(request);
        assert_eq!(response.status, status, "{request:?}: {response:?}");
    }
    let page = rig.get("/nowhere").text();
    assert!(
        page.contains("Error code 404.\r\n") && page.contains("Message: Not Found.\r\n"),
        "{page}"
    );
}

#[test]
fn a_length_and_chunks_together_end_the_connection() {
    let rig = Rig::new(Plan::default());
    let mut stream = rig.tcp();
    stream
        .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(&mut stream).unwrap().status, 411);
    assert!(is_closed(&mut stream));
}

#[test]
fn header_bytes_that_are_no_text_are_taken() {
    let rig = Rig::new(Plan::default());
    assert_eq!(
        rig.ask(b"GET /ok.html HTTP/1.1\r\nX-Name: \xff\xfe\r\n\r\n")
            .status,
        200
    );
}
