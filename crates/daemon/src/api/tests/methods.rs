//! Methods through the whole thread: answers, faults, clients that wait and clients that leave.

use super::*;
use provost_model::{Channel, Fault, FaultCode};

fn text(text: &str) -> Value {
    Value::text(text)
}

fn call_entry(method: &str, params: Vec<Value>) -> Value {
    Value::Struct(vec![
        ("methodName".to_owned(), text(method)),
        ("params".to_owned(), Value::Array(params)),
    ])
}

/// Keeps whoever starts something waiting.
fn busy(request: &Request) -> Option<Answer> {
    match request {
        Request::StartProcess { .. } => None,
        Request::GetProcessInfo { name } => Some(Err(Fault::about(FaultCode::BadName, name))),
        _ => calm(request),
    }
}

#[test]
fn calls_reach_the_core_and_answers_come_back() {
    let rig = Rig::new(Plan {
        script: busy,
        ..Plan::default()
    });
    assert_eq!(
        rig.call("supervisor.getIdentification", &[]),
        Ok(text("supervisor"))
    );
    assert_eq!(
        rig.call("supervisor.stopProcess", &[text("a"), Value::Bool(false)]),
        Ok(Value::Bool(true))
    );
    rig.hears(&Heard::Asked(Request::StopProcess {
        name: "a".to_owned(),
        wait: false,
    }));
    let fault = rig
        .call("supervisor.getProcessInfo", &[text("x")])
        .unwrap_err();
    assert_eq!((fault.code, fault.text.as_str()), (10, "BAD_NAME: x"));
    let fault = rig.call("supervisor.nope", &[]).unwrap_err();
    assert_eq!((fault.code, fault.text.as_str()), (1, "UNKNOWN_METHOD"));
}

#[test]
fn what_the_edge_knows_is_answered_there_unless_the_daemon_stops() {
    let rig = Rig::new(Plan::default());
    assert_eq!(rig.call("supervisor.getAPIVersion", &[]), Ok(text("3.0")));
    assert_eq!(
        rig.call("supervisor.getSupervisorVersion", &[]),
        Ok(text("4.3.0"))
    );
    assert_eq!(
        rig.call("supervisor.getPID", &[]),
        Ok(Value::Int(std::process::id().into()))
    );
    assert_eq!(
        rig.call("provost.getVersion", &[]),
        Ok(text(env!("CARGO_PKG_VERSION")))
    );
    let list = rig.call("system.listMethods", &[]).unwrap();
    assert!(list.as_array().unwrap().contains(&text("system.multicall")));
    let signature = rig
        .call("system.methodSignature", &[text("supervisor.startProcess")])
        .unwrap();
    assert_eq!(
        signature.as_array().unwrap(),
        [text("boolean"), text("string"), text("boolean")]
    );
    let stopping = Rig::new(Plan {
        script: |_| Some(Err(Fault::bare(FaultCode::ShutdownState))),
        ..Plan::default()
    });
    for method in [
        "getAPIVersion",
        "getSupervisorVersion",
        "getPID",
        "getState",
    ] {
        assert_eq!(
            stopping
                .call(&format!("supervisor.{method}"), &[])
                .unwrap_err()
                .code,
            6,
            "{method}"
        );
    }
    assert!(stopping.call("system.listMethods", &[]).is_ok());
}

#[test]
fn a_client_that_waits_holds_nobody_up_and_a_client_that_leaves_is_withdrawn() {
    let rig = Rig::new(Plan {
        script: busy,
        ..Plan::default()
    });
    let start = xmlrpc::write_call("supervisor.startProcess", &[text("slow")]);
    let mut waiting: Vec<TcpStream> = (0..3).map(|_| rig.tcp()).collect();
    for stream in &mut waiting {
        stream.write_all(&post(&start)).unwrap();
        rig.hears(&Heard::Asked(Request::StartProcess {
            name: "slow".to_owned(),
            wait: true,
        }));
    }
    assert!(rig.call("supervisor.getState", &[]).is_ok());
    drop(waiting.pop());
    rig.hears(&Heard::Gone);
    for answer in rig.kept.lock().unwrap().drain(..) {
        // One of the three left.
        let _ = answer.send(Ok(Reply::Done));
    }
    for stream in &mut waiting {
        let response = read_response(stream).unwrap();
        assert_eq!(
            xmlrpc::read_response(&response.body),
            Ok(Ok(Value::Bool(true)))
        );
    }
}

#[test]
fn a_multicall_answers_bare_results_in_order() {
    let rig = Rig::new(Plan {
        script: busy,
        ..Plan::default()
    });
    let calls = vec![
        call_entry("supervisor.getIdentification", vec![]),
        call_entry("supervisor.getProcessInfo", vec![text("x")]),
        call_entry("system.multicall", vec![Value::Array(vec![])]),
        call_entry("supervisor.getPID", vec![Value::Int(1)]),
        call_entry("provost.getVersion", vec![]),
    ];
    let results = rig
        .call("system.multicall", &[Value::Array(calls)])
        .unwrap();
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(results[0], text("supervisor"));
    let faults: Vec<_> = results[1..4]
        .iter()
        .map(|result| result.member("faultString").unwrap().as_str().unwrap())
        .collect();
    assert_eq!(
        faults,
        [
            "BAD_NAME: x",
            "INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
            "INCORRECT_PARAMETERS"
        ]
    );
    assert_eq!(results[4], text(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_long_multicall_lets_others_through() {
    let rig = Rig::new(Plan::default());
    let calls = vec![call_entry("supervisor.getState", vec![]); 10_000];
    let mut stream = rig.tcp();
    stream
        .write_all(&post(&xmlrpc::write_call(
            "system.multicall",
            &[Value::Array(calls)],
        )))
        .unwrap();
    rig.hears(&Heard::Asked(Request::GetState));
    assert!(rig.call("supervisor.getIdentification", &[]).is_ok());
    let response = read_response(&mut stream).unwrap();
    let results = xmlrpc::read_response(&response.body).unwrap().unwrap();
    assert_eq!(results.as_array().unwrap().len(), 10_000);
}

#[test]
fn logs_are_read_by_pieces() {
    fn script(request: &Request) -> Option<Answer> {
        let Request::LogPath { name, channel } = request else {
            return calm(request);
        };
        match (name.as_str(), channel) {
            ("none", _) => Some(Ok(Reply::Log(None))),
            (path, Channel::Stdout) => Some(Ok(Reply::Log(Some(path.into())))),
            (_, Channel::Stderr) => Some(Ok(Reply::Log(Some("/nowhere/err.log".into())))),
        }
    }
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    let path = rig.directory.join("out.log");
    // A control character and half a character at the end.
    std::fs::write(&path, b"0123456789\x1bh\xc3").unwrap();
    let name = text(path.to_str().unwrap());
    let read = |method: &str, name: &Value, offset, length| {
        rig.call(
            &format!("supervisor.{method}"),
            &[name.clone(), Value::Int(offset), Value::Int(length)],
        )
    };
    assert_eq!(read("readProcessStdoutLog", &name, 2, 3), Ok(text("234")));
    assert_eq!(
        read("readProcessLog", &name, 0, 0),
        Ok(text("0123456789\u{fffd}h\u{fffd}"))
    );
    assert_eq!(read("readProcessLog", &name, 100, 0), Ok(text("")));
    let fault = |result: Result<Value, WireFault>| result.unwrap_err().text;
    assert_eq!(
        fault(read("readProcessStdoutLog", &name, -1, 1)),
        "BAD_ARGUMENTS"
    );
    assert_eq!(
        fault(read("readProcessStderrLog", &name, 0, 0)),
        "NO_FILE: /nowhere/err.log"
    );
    assert_eq!(
        fault(read("readProcessStdoutLog", &text("none"), 0, 0)),
        "NO_FILE"
    );
    assert_eq!(
        fault(read("readProcessStdoutLog", &text("/dev/null"), 0, 0)),
        "FAILED"
    );
    let tail = |text: &str, offset, overflow| {
        Ok(Value::Array(vec![
            Value::text(text),
            Value::Int(offset),
            Value::Bool(overflow),
        ]))
    };
    assert_eq!(
        read("tailProcessStdoutLog", &name, 0, 3),
        tail("\u{fffd}h\u{fffd}", 13, true)
    );
    assert_eq!(
        read("tailProcessStdoutLog", &name, 13, 100),
        tail("", 13, false)
    );
    assert_eq!(
        read("tailProcessStderrLog", &name, 7, 100),
        tail("", 0, false)
    );
    assert_eq!(
        read("tailProcessStdoutLog", &text("none"), 7, 100),
        tail("", 0, false)
    );
    let main = |offset| rig.call("supervisor.readLog", &[Value::Int(offset), Value::Int(0)]);
    assert!(fault(main(0)).starts_with("NO_FILE: /"));
    std::fs::write(rig.directory.join("main.log"), "main\n").unwrap();
    assert_eq!(main(-3), Ok(text("in\n")));
}
