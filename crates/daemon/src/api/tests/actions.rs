//! Actions of the status page: what they ask of the core, what they say of it, and from whom they are taken.

use super::super::percent;
use super::web::{changes, form, get, location};
use super::*;
use provost_model::info::ProcessResult;
use provost_model::{Fault, FaultCode};

const ACTIONS: &[&str] = &[
    "processname=a&action=start",
    "processname=a&action=stop",
    "processname=a&action=restart",
    "processname=a&action=clearlog",
    "action=stopall",
    "action=restartall",
];

#[test]
fn the_body_of_a_form_counts_before_the_query() {
    let rig = Rig::new(Plan::default());
    for (path, body, expected) in [
        ("/index.html?action=stop&processname=q", "", "q"),
        ("/?action=stop&processname=q&processname=r", "", "q"),
        (
            "/?action=stop&processname=q",
            "processname=a&processname=b",
            "b",
        ),
        ("/", "processname=a%3A+b%26&action=stop", "a: b&"),
        (
            "//index.html?processname=q",
            "action=stop&processname=",
            "q",
        ),
    ] {
        let response = rig.ask(form(path, "", body));
        assert!(location(&response).starts_with("http://"), "{path} {body}");
        let (name, wait) = (expected.to_owned(), true);
        assert_eq!(
            changes(&rig),
            [Request::StopProcess { name, wait }],
            "{path} {body}"
        );
    }
    assert_eq!(rig.ask("POST / HTTP/1.1\r\n\r\n").status, 411);
    assert_eq!(
        rig.ask("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n")
            .status,
        413
    );
    assert!(
        rig.ask(form("/", "", "message=from+a+form"))
            .text()
            .contains(">from a form</div>")
    );
}

#[test]
fn failures_are_told() {
    fn result(name: &str, status: FaultCode, description: &str) -> ProcessResult {
        ProcessResult {
            name: name.to_owned(),
            group: "g".to_owned(),
            status,
            description: description.to_owned(),
        }
    }
    fn script(request: &Request) -> Option<Answer> {
        let fault = |code| Some(Err(Fault::about(code, "a".to_owned())));
        match request {
            Request::GetProcessInfo { name } if name == "nobody" => fault(FaultCode::BadName),
            Request::StartProcess { name, .. } if name == "spawn" => fault(FaultCode::SpawnError),
            Request::StartProcess { name, .. } if name == "file" => fault(FaultCode::NoFile),
            Request::StopProcess { name, .. } if name == "stuck" => fault(FaultCode::Failed),
            Request::StopProcess { .. } => fault(FaultCode::NotRunning),
            Request::ClearProcessLogs { .. } => fault(FaultCode::Failed),
            Request::StopAllProcesses { .. } => Some(Ok(Reply::Results(vec![
                result("fine", FaultCode::Success, "OK"),
                result("over", FaultCode::NotRunning, "NOT_RUNNING: g:over"),
                result("stuck", FaultCode::Failed, "FAILED: g:stuck"),
            ]))),
            Request::StartAllProcesses { .. } => Some(Ok(Reply::Results(
                (0..12)
                    .map(|n| result(&n.to_string(), FaultCode::SpawnError, "SPAWN_ERROR"))
                    .collect(),
            ))),
            _ => calm(request),
        }
    }
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    for (query, expected) in [
        ("processname=a&action=restart", "Process a restarted"),
        (
            "processname=spawn&action=restart",
            "ERROR: Process spawn: spawn error",
        ),
        (
            "processname=file&action=restart",
            "ERROR: Process file: no such file",
        ),
        (
            "processname=stuck&action=restart",
            "ERROR: Process stuck: unexpected rpc fault [30] FAILED: a",
        ),
        (
            "processname=a&action=stop",
            "unexpected rpc fault [70] NOT_RUNNING: a",
        ),
        (
            "processname=a&action=clearlog",
            "unexpected rpc fault [30] FAILED: a",
        ),
        (
            "processname=nobody&action=start",
            "No such process named nobody",
        ),
        (
            "processname=nobody&action=bogus",
            "No such process named nobody",
        ),
    ] {
        let response = rig.get(&format!("/?{query}"));
        let message = percent::decode(location(&response));
        assert!(
            message.ends_with(&format!("/?message={expected}")),
            "{query}: {message}"
        );
    }
    // What was not stopped is not started.
    let asked = changes(&rig);
    assert!(
        !asked.iter().any(
            |request| matches!(request, Request::StartProcess { name, .. } if name == "stuck")
        )
    );
    let all = percent::decode(location(&rig.get("/?action=stopall")));
    assert!(
        all.contains("ERROR: not all stopped at ") && all.ends_with(": g:stuck (FAILED: g:stuck)"),
        "{all}"
    );
    let all = percent::decode(location(&rig.get("/?action=restartall")));
    assert!(
        all.contains("ERROR: not all restarted at ")
            && all.contains("g:stuck (FAILED: g:stuck), g:0 (SPAWN_ERROR)")
            && all.ends_with("g:8 (SPAWN_ERROR) and 3 more"),
        "{all}"
    );
}

#[test]
fn a_restart_goes_on_without_its_client() {
    let rig = Rig::new(Plan {
        script: |request| match request {
            Request::StopProcess { .. } => None,
            _ => calm(request),
        },
        ..Plan::default()
    });
    let (name, wait) = ("a".to_owned(), true);
    let mut stream = rig.tcp();
    stream
        .write_all(get("/?processname=a&action=restart", "").as_bytes())
        .unwrap();
    rig.hears(&Heard::Asked(Request::StopProcess {
        name: name.clone(),
        wait,
    }));
    drop(stream);
    // Others are answered while it waits.
    assert_eq!(rig.get("/").status, 200);
    let stopped = rig.kept.lock().unwrap().pop().unwrap();
    stopped.send(Ok(Reply::Done)).unwrap();
    rig.hears(&Heard::Asked(Request::StartProcess { name, wait }));
}

#[test]
fn a_stop_is_withdrawn_with_its_client() {
    let rig = Rig::new(Plan {
        script: |request| match request {
            Request::StopProcess { .. } => None,
            _ => calm(request),
        },
        ..Plan::default()
    });
    let mut stream = rig.tcp();
    stream
        .write_all(get("/?processname=a&action=stop", "").as_bytes())
        .unwrap();
    let (name, wait) = ("a".to_owned(), true);
    rig.hears(&Heard::Asked(Request::StopProcess { name, wait }));
    drop(stream);
    rig.hears(&Heard::Gone);
}

#[test]
fn s04_programs_and_own_pages_act_and_foreign_ones_do_not() {
    let rig = Rig::new(Plan::default());
    let host = format!("Host: {}\r\n", rig.address);
    let own = format!("http://{}", rig.address);
    for (headers, status) in [
        (String::new(), 301),
        ("User-Agent: curl/8.5.0\r\nAccept: */*\r\n".to_owned(), 301),
        (
            "User-Agent: Wget/1.21.3\r\nAccept: */*\r\nAccept-Encoding: identity\r\n".to_owned(),
            301,
        ),
        (
            "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: none\r\n".to_owned(),
            301,
        ),
        (
            "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: same-origin\r\n".to_owned(),
            301,
        ),
        (format!("Accept-Language: en\r\nReferer: {own}/\r\n"), 301),
        (format!("Accept-Language: en\r\nOrigin: {own}\r\n"), 301),
        ("Origin: null\r\n".to_owned(), 403),
        ("Origin: http://evil.example\r\n".to_owned(), 403),
        (
            "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: cross-site\r\n".to_owned(),
            403,
        ),
        (
            "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: same-site\r\n".to_owned(),
            403,
        ),
        ("Referer: http://evil.example/\r\n".to_owned(), 403),
        ("User-Agent: Mozilla/5.0\r\n".to_owned(), 403),
        ("Cookie: a=b\r\n".to_owned(), 403),
    ] {
        for action in ACTIONS {
            let headers = format!("{host}{headers}");
            for request in [
                get(&format!("/index.html?{action}"), &headers),
                form("/index.html", &headers, action),
                form(&format!("/?{action}"), &headers, ""),
            ] {
                let response = rig.ask(&request);
                assert_eq!(response.status, status, "{request}: {response:?}");
                assert_eq!(changes(&rig).is_empty(), status == 403, "{request}");
            }
        }
        // What changes nothing is for everybody.
        assert_eq!(
            rig.ask(get("/?action=refresh", &format!("{host}{headers}")))
                .status,
            301
        );
        assert_eq!(rig.ask(get("/", &format!("{host}{headers}"))).status, 200);
        drop(changes(&rig));
    }
}

#[test]
fn s04_a_call_is_taken_from_programs_and_own_pages() {
    let rig = Rig::new(Plan::default());
    let call = String::from_utf8(xmlrpc::write_call("supervisor.getState", &[])).unwrap();
    let own = format!("Origin: http://{}\r\n", rig.address);
    for (headers, status) in [
        ("", 200),
        (
            "Content-Type: text/xml\r\nUser-Agent: Mozilla/5.0\r\nAccept-Language: en\r\n",
            200,
        ),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        (own.as_str(), 200),
        ("Content-Type: text/plain\r\nAccept-Language: en\r\n", 403),
        ("Accept-Language: en\r\n", 403),
        ("Content-Type: text/xml\r\nOrigin: null\r\n", 403),
        ("Content-Type: text/xml\r\nOrigin: http://evil\r\n", 403),
        (
            "Content-Type: text/xml\r\nSec-Fetch-Site: cross-site\r\n",
            403,
        ),
        ("Content-Type: text/xml\r\nReferer: http://evil/\r\n", 403),
    ] {
        let headers = format!("Host: {}\r\n{headers}", rig.address);
        assert_eq!(
            rig.ask(form("/RPC2", &headers, &call)).status,
            status,
            "{headers}"
        );
    }
}

#[test]
fn s04_a_browser_that_tells_nothing_is_asked() {
    let rig = Rig::new(Plan::default());
    let mark = "Accept-Language: en\r\n";
    let page = rig.ask(get("/?processname=a&action=stop", mark));
    assert_eq!((page.status, changes(&rig)), (403, vec![]));
    let text = page.text();
    let (_, rest) = text.split_once("name=\"token\" value=\"").unwrap();
    let (token, _) = rest.split_once('"').unwrap();
    for body in [
        "processname=a&action=stop".to_owned(),
        "processname=a&action=stop&token=1-0".to_owned(),
        format!("processname=b&action=stop&token={token}"),
        format!("processname=a&action=restart&token={token}"),
        format!("action=stopall&token={token}"),
    ] {
        assert_eq!(
            rig.ask(form("/index.html", mark, &body)).status,
            403,
            "{body}"
        );
    }
    let link = format!("/?processname=a&action=stop&token={token}");
    assert_eq!(
        rig.ask(get(&link, mark)).status,
        403,
        "a token is for the button"
    );
    let body = format!("processname=a&action=stop&token={token}");
    assert_eq!(
        rig.ask(form("/index.html", "Origin: http://evil\r\n", &body))
            .status,
        403
    );
    assert_eq!(changes(&rig), []);
    assert_eq!(rig.ask(form("/index.html", mark, &body)).status, 301);
    let (name, wait) = ("a".to_owned(), true);
    assert_eq!(changes(&rig), [Request::StopProcess { name, wait }]);
}

#[test]
fn s04_can_be_switched_off() {
    let rig = Rig::new(Plan {
        web_csrf: false,
        ..Plan::default()
    });
    for headers in [
        "Origin: http://evil\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Accept-Language: en\r\n",
    ] {
        let headers = format!("Host: {}\r\n{headers}", rig.address);
        assert_eq!(
            rig.ask(get("/?processname=a&action=stop", &headers)).status,
            301,
            "{headers}"
        );
        let call = String::from_utf8(xmlrpc::write_call("supervisor.getState", &[])).unwrap();
        assert_eq!(
            rig.ask(form("/RPC2", &headers, &call)).status,
            200,
            "{headers}"
        );
    }
}

#[test]
fn s05_a_foreign_name_reaches_nothing_on_an_open_server() {
    let rig = Rig::new(Plan::default());
    let browser =
        "Host: evil.example\r\nUser-Agent: Mozilla/5.0\r\nSec-Fetch-Site: same-origin\r\n";
    for path in [
        "/",
        "/?action=stopall",
        "/ok.html",
        "/logtail/a",
        "/mainlogtail",
        "/nowhere",
        "/stylesheets/supervisor.css",
    ] {
        let response = rig.ask(get(path, browser));
        assert_eq!(response.status, 421, "{path}");
        assert!(
            response.text().contains("allowed_hosts in [server]"),
            "{response:?}"
        );
    }
    assert_eq!(rig.ask(form("/RPC2", browser, "")).status, 421);
    assert_eq!(changes(&rig), []);
    let mut unix = rig.unix();
    unix.write_all(get("/", browser).as_bytes()).unwrap();
    assert_eq!(read_response(&mut unix).unwrap().status, 200);
    assert_eq!(rig.ask(get("/", "Host: evil.example\r\n")).status, 200);
    let listed = Rig::new(Plan {
        allowed_hosts: &["sup.example.org"],
        ..Plan::default()
    });
    assert_eq!(
        listed
            .ask(get("/", "Host: sup.example.org\r\nCookie: a=b\r\n"))
            .status,
        200
    );
    assert_eq!(listed.ask(get("/", "Host: app\r\n")).status, 421);
    let proxied = "Host: 127.0.0.1\r\nOrigin: https://sup.example.org\r\n";
    assert_eq!(
        listed
            .ask(get("/?processname=a&action=stop", proxied))
            .status,
        301
    );
}

#[test]
fn s06_a_redirect_holds_nothing_but_a_host_and_a_message() {
    let rig = Rig::new(Plan::default());
    let machine = provost_os::stdio::hostname();
    let listening = format!("http://{machine}:{}/", rig.address.port());
    for (host, begin) in [
        ("Host: sup.example.org:80\r\n", "http://sup.example.org/"),
        ("Host: app:9001\r\n", "http://app:9001/"),
        ("Host: evil/x\r\n", &listening),
        ("Host: a\r\nHost: b\r\n", &listening),
        (
            "X-Forwarded-Host: evil\r\nForwarded: host=evil\r\n",
            &listening,
        ),
        ("", &listening),
    ] {
        let response = rig.ask(get(
            "/?processname=%0D%0ASet-Cookie:+a%3Db&action=stop",
            host,
        ));
        let end = "?message=Process%20%0D%0ASet-Cookie%3A%20a%3Db%20stopped";
        assert_eq!(location(&response), format!("{begin}{end}"), "{host}");
        assert!(response.header("Set-Cookie").is_none());
    }
    let mut unix = rig.unix();
    unix.write_all(get("/?action=refresh", "").as_bytes())
        .unwrap();
    let response = read_response(&mut unix).unwrap();
    assert!(location(&response).starts_with("http://localhost/?message=Page%20refreshed%20at%20"));
}

#[test]
fn a_redirect_can_be_followed_whatever_was_asked() {
    let rig = Rig::new(Plan {
        script: |request| match request {
            Request::GetProcessInfo { .. } => Some(Err(Fault::bare(FaultCode::BadName))),
            _ => calm(request),
        },
        ..Plan::default()
    });
    let body = format!("action=stop&processname={}", "\u{e9}".repeat(30_000));
    let response = rig.ask(form("/", "", &body));
    let (_, path) = location(&response).split_once("/?").unwrap();
    assert!(path.len() < 5_000, "{}", path.len());
    assert_eq!(rig.get(&format!("/?{path}")).status, 200);
}
