//! Requests that the core has while everything is handed over.

use super::*;
use provost_model::access::{AuditSpec, Rights, Scope, UserSpec};
use provost_model::info::ProcessResult;
use provost_model::{Fault, FaultCode};
use provost_wire::base64;
use provost_wire::xmlrpc::{self, Value};
use std::net::Shutdown;

fn start_call(name: &str) -> Vec<u8> {
    post(&xmlrpc::write_call(
        "supervisor.startProcess",
        &[Value::text(name)],
    ))
}

fn value(stream: &mut impl Read) -> Value {
    let response = read_response(stream).unwrap();
    assert_eq!(response.status, 200, "{response:?}");
    xmlrpc::read_response(&response.body).unwrap().unwrap()
}

fn patient_relay() -> Relay {
    Relay::new(Setup {
        script: patient,
        ..Setup::default()
    })
}

#[test]
fn a_waiting_call_is_asked_once_and_answered_once() {
    let mut relay = patient_relay();
    let (mut late, mut early, mut between) = (relay.tcp(), relay.unix(), relay.tcp());
    late.write_all(&start_call("late")).unwrap();
    early.write_all(&start_call("early")).unwrap();
    between.write_all(&start_call("between")).unwrap();
    let late_id = relay.asked(&start_request("late"));
    let early_id = relay.asked(&start_request("early"));
    let between_id = relay.asked(&start_request("between"));
    relay.answer(early_id, Ok(Reply::Done));
    relay.hand_over();
    assert_eq!(value(&mut early), Value::Bool(true));
    relay.hand_over_and(|core| {
        core.answer(
            between_id,
            Err(Fault::about(FaultCode::AlreadyStarted, "between")),
        );
    });
    let response = read_response(&mut between).unwrap();
    assert!(response.text().contains("ALREADY_STARTED: between"));
    relay.hand_over();
    relay.answer(late_id, Ok(Reply::Done));
    assert_eq!(value(&mut late), Value::Bool(true));
    assert!(is_silent(&late) && is_silent(&between));
    let core = relay.core();
    assert_eq!(core.asked.len(), 3);
    assert!(core.gone.is_empty() && core.early.is_empty() && core.waiting.is_empty());
}

#[test]
fn what_the_control_thread_has_not_looked_at_is_asked_anew() {
    let mut relay = patient_relay();
    let mut streams: Vec<TcpStream> = (0..30).map(|_| relay.tcp()).collect();
    // The core hears nothing while it is held.
    let core = Arc::clone(&relay.core);
    let held = core.lock().unwrap();
    for (number, stream) in streams.iter_mut().enumerate() {
        stream
            .write_all(&start_call(&format!("p{number}")))
            .unwrap();
    }
    Relay::settle();
    drop(held);
    relay.hand_over();
    for (number, stream) in streams.iter_mut().enumerate() {
        let id = relay.asked(&start_request(&format!("p{number}")));
        relay.answer(id, Ok(Reply::Done));
        assert_eq!(value(stream), Value::Bool(true));
    }
    assert_eq!(relay.core().asked.len(), 30);
}

#[test]
fn a_multicall_goes_on_at_the_call_it_was_at() {
    let mut relay = patient_relay();
    let one = |method: &str, params: Vec<Value>| {
        Value::Struct(vec![
            ("methodName".to_owned(), Value::text(method)),
            ("params".to_owned(), Value::Array(params)),
        ])
    };
    let calls = Value::Array(vec![
        one("supervisor.startProcess", vec![Value::text("a")]),
        one("supervisor.getIdentification", vec![]),
        one("supervisor.nope", vec![]),
        one("supervisor.stopProcess", vec![Value::text("a")]),
        one("supervisor.startProcess", vec![Value::text("b")]),
    ]);
    let mut stream = relay.tcp();
    stream
        .write_all(&post(&xmlrpc::write_call("system.multicall", &[calls])))
        .unwrap();
    for request in [start_request("a"), stop_request("a"), start_request("b")] {
        let id = relay.asked(&request);
        relay.hand_over();
        relay.hand_over();
        relay.answer(id, Ok(Reply::Done));
    }
    let Value::Array(results) = value(&mut stream) else {
        panic!("no array");
    };
    assert_eq!(results.len(), 5);
    assert_eq!(results[0], Value::Bool(true));
    assert_eq!(results[1], Value::text("supervisor"));
    assert_eq!(
        results[2].member("faultString"),
        Some(&Value::text("UNKNOWN_METHOD"))
    );
    assert_eq!(results[4], Value::Bool(true));
    assert_eq!(relay.core().asked.len(), 4);
}

#[test]
fn requests_behind_a_waiting_one_keep_their_order() {
    let mut relay = patient_relay();
    let mut stream = relay.tcp();
    let get = b"GET /ok.html HTTP/1.1\r\n\r\n".to_vec();
    stream
        .write_all(&[get.clone(), start_call("a"), start_call("b"), get].concat())
        .unwrap();
    for name in ["a", "b"] {
        let id = relay.asked(&start_request(name));
        relay.hand_over();
        relay.answer(id, Ok(Reply::Done));
    }
    assert_eq!(read_response(&mut stream).unwrap().text(), "OK");
    assert_eq!(value(&mut stream), Value::Bool(true));
    assert_eq!(value(&mut stream), Value::Bool(true));
    assert_eq!(read_response(&mut stream).unwrap().text(), "OK");
    assert!(is_silent(&stream));
}

#[test]
fn who_leaves_withdraws_his_request_whenever_he_leaves() {
    let mut relay = patient_relay();
    let (before, after, half) = (relay.tcp(), relay.tcp(), relay.tcp());
    for (mut stream, name) in [(&before, "before"), (&after, "after"), (&half, "half")] {
        stream.write_all(&start_call(name)).unwrap();
    }
    let ids = ["before", "after", "half"].map(|name| relay.asked(&start_request(name)));
    relay.hand_over_and(|_| drop(before));
    wait_until("the first is gone", || relay.core().gone == [ids[0]]);
    drop(after);
    wait_until("the second is gone", || relay.core().gone == ids[..2]);
    // As without a hand-over, half a connection is none.
    half.shutdown(Shutdown::Write).unwrap();
    relay.hand_over();
    wait_until("the third is gone", || relay.core().gone == ids);
}

fn user(directory: &std::path::Path) -> UserSpec {
    let file = directory.join("password");
    std::fs::write(&file, "secret\n").unwrap();
    UserSpec {
        name: "me".to_owned(),
        rights: Rights::all(),
        scope: Scope::of(&["a".to_owned()]),
        unix_user: None,
        unix_group: None,
        password: None,
        password_file: Some(file),
        token_file: None,
        tls_subject: None,
        tls_san: None,
    }
}

#[test]
fn a_login_is_looked_at_once_for_a_request() {
    let directory =
        std::env::temp_dir().join(format!("provost-carry-login-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let me = user(&directory);
    let mut relay = Relay::new(Setup {
        script: |_| None,
        access: AccessSpec {
            users: vec![me],
            audit: None,
        },
        ..Setup::default()
    });
    let mut stream = relay.tcp();
    let request = String::from_utf8(start_call("a")).unwrap();
    let proof = base64::encode(b"me:secret");
    let request = request.replace(
        "HTTP/1.1\r\n",
        &format!("HTTP/1.1\r\nAuthorization: Basic {proof}\r\n"),
    );
    stream.write_all(request.as_bytes()).unwrap();
    wait_until("it is asked", || relay.core().asked.len() == 1);
    let (id, asked) = relay.core().asked.pop().unwrap();
    assert!(matches!(asked, Request::Within { .. }));
    // The proof would not hold a second time.
    std::fs::remove_dir_all(&directory).unwrap();
    relay.hand_over();
    relay.answer(id, Ok(Reply::Done));
    assert_eq!(value(&mut stream), Value::Bool(true));
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(read_response(&mut stream).unwrap().status, 401);
}

#[test]
fn every_line_of_the_audit_log_is_written_once() {
    let file = std::env::temp_dir().join(format!("provost-carry-audit-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let spec = AuditSpec {
        file: file.clone(),
        reads: true,
        refuse: true,
    };
    let (audit, _) = Audit::start(&spec, Logger::nowhere()).unwrap();
    let mut relay = Relay::new(Setup {
        script: patient,
        audit: Some(audit),
        ..Setup::default()
    });
    let mut stream = relay.tcp();
    let action = b"GET /?action=stop&processname=x HTTP/1.1\r\n\r\n";
    // Before the first byte: the time that is recorded may begin as soon as it is there.
    let begin = Instant::now();
    stream
        .write_all(&[start_call("a"), action.to_vec()].concat())
        .unwrap();
    let id = relay.asked(&start_request("a"));
    relay.hand_over();
    std::thread::sleep(Duration::from_millis(300));
    relay.hand_over();
    relay.answer(id, Ok(Reply::Done));
    assert_eq!(value(&mut stream), Value::Bool(true));
    let most = begin.elapsed().as_millis();
    let id = relay.asked(&stop_request("x"));
    relay.hand_over();
    relay.answer(id, Ok(Reply::Done));
    assert_eq!(read_response(&mut stream).unwrap().status, 301);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |method: &str| {
        let found: Vec<_> = lines
            .iter()
            .filter(|line| line["method"] == method)
            .collect();
        assert_eq!(found.len(), 2, "{text}");
        found[1].clone()
    };
    let ended = of("supervisor.startProcess");
    let ms = u128::from(ended["ms"].as_u64().unwrap());
    assert!((300..=most).contains(&ms), "{ms} of {most}");
    of("web:stop");
    of("web:/");
    assert_eq!(lines.len(), 6, "{text}");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_restart_by_its_page_goes_on_at_its_half() {
    let mut relay = patient_relay();
    let mut stream = relay.tcp();
    stream
        .write_all(b"GET /?action=restart&processname=a HTTP/1.1\r\n\r\n")
        .unwrap();
    let stop = relay.asked(&stop_request("a"));
    relay.hand_over();
    relay.answer(stop, Ok(Reply::Done));
    let start = relay.asked(&start_request("a"));
    relay.hand_over();
    relay.hand_over();
    relay.answer(start, Ok(Reply::Done));
    let response = read_response(&mut stream).unwrap();
    assert_eq!(response.status, 301);
    assert!(response.head.contains("?message=Process%20a%20restarted"));
    assert!(relay.core().gone.is_empty());
}

#[test]
fn a_restart_whose_client_has_left_is_brought_to_its_end() {
    let mut relay = patient_relay();
    let all = Request::StopAllProcesses { wait: true };
    for leaves_first in [true, false] {
        let mut stream = relay.tcp();
        stream
            .write_all(b"GET /?action=restartall HTTP/1.1\r\n\r\n")
            .unwrap();
        let stop = relay.asked(&all);
        if leaves_first {
            drop(stream);
            Relay::settle();
            relay.hand_over();
            relay.hand_over();
        } else {
            relay.hand_over_and(|_| drop(stream));
            Relay::settle();
            relay.hand_over();
        }
        let results = vec![ProcessResult {
            group: "g".into(),
            name: "n".into(),
            status: FaultCode::Failed,
            description: "no".to_owned(),
        }];
        relay.answer(stop, Ok(Reply::Results(results)));
        let start = relay.asked(&Request::StartAllProcesses { wait: true });
        relay.hand_over();
        relay.answer(start, Ok(Reply::Results(Vec::new())));
        Relay::settle();
        let mut core = relay.core();
        assert!(core.gone.is_empty() && core.waiting.is_empty());
        core.asked.clear();
    }
    // Nothing is left of it.
    relay.forgets_all();
}

#[test]
fn what_a_page_has_confirmed_stays_confirmed() {
    let mut relay = Relay::new(Setup {
        script: patient,
        strict: true,
        ..Setup::default()
    });
    let mut stream = relay.tcp();
    stream
        .write_all(
            b"GET /?action=start&processname=a HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n\r\n",
        )
        .unwrap();
    let page = read_response(&mut stream).unwrap().text();
    let (_, token) = page.split_once("name=\"token\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let form = format!("action=start&processname=a&token={token}");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let id = relay.asked(&start_request("a"));
    relay.hand_over();
    relay.answer(id, Ok(Reply::Done));
    assert_eq!(read_response(&mut stream).unwrap().status, 301);
    assert_eq!(relay.core().gone, []);
}
