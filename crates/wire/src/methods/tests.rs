use super::*;

fn methods() -> Methods {
    with(&[("supervisor", Interface::Main)])
}

fn with(namespaces: &[(&str, Interface)]) -> Methods {
    let owned = |(name, interface): &(&str, Interface)| ((*name).to_owned(), interface.clone());
    Methods::new(namespaces.iter().map(owned).collect())
}

fn decode(method: &str, params: Vec<Value>) -> Result<Invocation, Fault> {
    methods().decode(&Call {
        method: method.to_owned(),
        params,
    })
}

fn fault_of(method: &str, params: Vec<Value>) -> String {
    decode(method, params).unwrap_err().to_string()
}

#[test]
fn nothing_exists_but_the_entries_of_the_table() {
    for name in [
        "",
        ".",
        "getState",
        "supervisor.",
        ".getState",
        "supervisor..getState",
        "supervisor.getState.",
        "supervisor.supervisord.options.warnings.linecache.os.system",
        "supervisor._update",
        "supervisor.__init__",
        "supervisor.getstate",
        "supervisor.getSt\u{e4}te",
        "Supervisor.getState",
        "system.getState",
        "provost.getState",
        "supervisor.listMethods",
        "other.getState",
    ] {
        assert_eq!(fault_of(name, vec![]), "UNKNOWN_METHOD", "{name}");
    }
}

#[test]
fn the_main_interface_is_under_the_configured_names_only() {
    let without = Methods::new(vec![]);
    assert!(without.find("supervisor.getState").is_none());
    assert!(without.find("system.listMethods").is_some());
    let other = with(&[("mine", Interface::Main)]);
    assert!(other.find("mine.getState").is_some());
    assert!(other.list().contains(&"mine.getState".to_owned()));
}

#[test]
fn names_of_other_namespaces_may_be_a_helpers() {
    let methods = methods();
    assert_eq!(methods.foreign("sums.add"), Some(("sums", "add")));
    assert_eq!(methods.foreign("sums.a.b"), Some(("sums", "a.b")));
    for ours in [
        "supervisor.nothing",
        "system.x",
        "provost.x",
        "getState",
        "",
    ] {
        assert_eq!(methods.foreign(ours), None, "{ours}");
    }
    assert!(
        Methods::new(vec![])
            .foreign("supervisor.getState")
            .is_some()
    );
}

/// Every name with its signature, sorted as they are listed: what Supervisor 4.3.0 answers, and one method more.
const SIGNATURES: &[&str] = &[
    "provost.getEventPools array",
    "provost.getLogs array",
    "provost.getVersion string",
    "provost.upgrade string string",
    "supervisor.addProcessGroup boolean string",
    "supervisor.clearAllProcessLogs array",
    "supervisor.clearLog boolean",
    "supervisor.clearProcessLog boolean string",
    "supervisor.clearProcessLogs boolean string",
    "supervisor.getAPIVersion string",
    "supervisor.getAllConfigInfo array",
    "supervisor.getAllProcessInfo array",
    "supervisor.getIdentification string",
    "supervisor.getPID int",
    "supervisor.getProcessInfo struct string",
    "supervisor.getState struct",
    "supervisor.getSupervisorVersion string",
    "supervisor.getVersion string",
    "supervisor.readLog string int int",
    "supervisor.readMainLog string int int",
    "supervisor.readProcessLog string string int int",
    "supervisor.readProcessStderrLog string string int int",
    "supervisor.readProcessStdoutLog string string int int",
    "supervisor.reloadConfig array",
    "supervisor.removeProcessGroup boolean string",
    "supervisor.restart boolean",
    "supervisor.sendProcessStdin boolean string string",
    "supervisor.sendRemoteCommEvent boolean string string",
    "supervisor.shutdown boolean",
    "supervisor.signalAllProcesses array string",
    "supervisor.signalProcess boolean string string",
    "supervisor.signalProcessGroup array string string",
    "supervisor.startAllProcesses array boolean",
    "supervisor.startProcess boolean string boolean",
    "supervisor.startProcessGroup array string boolean",
    "supervisor.stopAllProcesses array boolean",
    "supervisor.stopProcess boolean string boolean",
    "supervisor.stopProcessGroup array string boolean",
    "supervisor.tailProcessLog array string int int",
    "supervisor.tailProcessStderrLog array string int int",
    "supervisor.tailProcessStdoutLog array string int int",
    "system.listMethods array",
    "system.methodHelp string string",
    "system.methodSignature array string",
    "system.multicall array array",
];

#[test]
fn names_and_signatures_are_those_of_upstream_and_two_more() {
    let listed: Vec<String> = methods()
        .list()
        .into_iter()
        .map(|name| {
            let signature = methods().find(&name).unwrap().signature().join(" ");
            format!("{name} {signature}")
        })
        .collect();
    assert_eq!(listed, SIGNATURES);
}

#[test]
fn help_has_the_tags_that_tools_read() {
    let help = methods().find("supervisor.startProcess").unwrap().help();
    let tags: Vec<&str> = help.lines().filter(|line| line.starts_with('@')).collect();
    assert_eq!(tags.len(), 3);
    assert!(tags[0].starts_with("@param string name  "));
    assert!(tags[1].starts_with("@param boolean wait  "));
    assert!(tags[2].starts_with("@return boolean result  "));
    assert_eq!(
        methods().help("nope").unwrap_err().to_string(),
        "SIGNATURE_UNSUPPORTED"
    );
}

#[test]
fn every_entry_takes_what_it_says_it_takes() {
    for name in methods().list() {
        let method = methods().find(&name).unwrap();
        let sample = |param: &Param| match param.kind {
            Kind::Str | Kind::StrOrInt => Value::text("1"),
            Kind::Int | Kind::Integer => Value::Int(1),
            Kind::Bool => Value::Bool(true),
            Kind::Array => Value::Array(vec![]),
            Kind::Struct => Value::Struct(vec![]),
        };
        let mut params: Vec<Value> = method.params.iter().map(sample).collect();
        assert!(decode(&name, params.clone()).is_ok(), "{name}");
        params.push(Value::Int(1));
        assert_eq!(
            fault_of(&name, params),
            "INCORRECT_PARAMETERS",
            "{name} with one too many"
        );
        if method.params.iter().any(|param| param.default.is_none()) {
            assert_eq!(
                fault_of(&name, vec![]),
                "INCORRECT_PARAMETERS",
                "{name} with none"
            );
        }
    }
}

#[test]
fn numbers_and_truths_are_taken_in_every_form_upstream_takes() {
    let ranges = [
        (Value::Int(-5), Value::Bool(false)),
        (Value::text(" -5 "), Value::text("0")),
        (Value::Double(-5.9), Value::Double(0.0)),
    ];
    for (offset, length) in ranges {
        let expected = Invocation::ReadMainLog(Range {
            offset: -5,
            length: 0,
        });
        assert_eq!(
            decode("supervisor.readLog", vec![offset, length]),
            Ok(expected)
        );
    }
    for (value, wait) in [
        (Value::Int(0), false),
        (Value::text("no"), true),
        (Value::Nil, false),
    ] {
        let expected = Invocation::Core(Request::StartAllProcesses { wait });
        assert_eq!(
            decode("supervisor.startAllProcesses", vec![value]),
            Ok(expected)
        );
    }
}

#[test]
fn a_wrong_type_is_a_fault_that_names_the_parameter() {
    assert_eq!(
        fault_of("supervisor.getProcessInfo", vec![Value::Int(5)]),
        "INCORRECT_PARAMETERS: name must be a string, not int"
    );
    assert_eq!(
        fault_of("supervisor.readLog", vec![Value::text("x"), Value::Int(0)]),
        "INCORRECT_PARAMETERS: offset must be an int, not string"
    );
    for (chars, said) in [(Value::Int(42), "42"), (Value::Bool(true), "True")] {
        let fault = fault_of("supervisor.sendProcessStdin", vec![Value::text("a"), chars]);
        assert_eq!(fault, format!("INCORRECT_PARAMETERS: {said}"));
    }
}

#[test]
fn an_event_type_cannot_forge_fields() {
    let fault = fault_of(
        "supervisor.sendRemoteCommEvent",
        vec![Value::text("a\nb:c"), Value::text("x\ny")],
    );
    assert_eq!(
        fault,
        "BAD_ARGUMENTS: type must not hold control characters"
    );
    let expected = Request::SendRemoteCommEvent {
        kind: "5".to_owned(),
        data: "x\ny".to_owned(),
    };
    let call = decode(
        "supervisor.sendRemoteCommEvent",
        vec![Value::Int(5), Value::text("x\ny")],
    );
    assert_eq!(call, Ok(Invocation::Core(expected)));
}

fn entry(members: &[(&str, Value)]) -> Value {
    Value::Struct(
        members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    )
}

#[test]
fn a_multicall_keeps_its_order_and_its_bad_entries() {
    let calls = vec![
        entry(&[
            ("methodName", Value::text("a.b")),
            ("params", Value::Array(vec![Value::Int(1)])),
        ]),
        entry(&[]),
        entry(&[("methodName", Value::text("system.multicall"))]),
        entry(&[("methodName", Value::text("c.d"))]),
    ];
    let Ok(Invocation::Multicall(calls)) = decode("system.multicall", vec![Value::Array(calls)])
    else {
        panic!("not a multicall")
    };
    let said: Vec<String> = calls
        .into_iter()
        .map(|call| {
            call.map_or_else(
                |fault| fault.to_string(),
                |call| format!("{} {}", call.method, call.params.len()),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "a.b 1",
            "INCORRECT_PARAMETERS: No methodName",
            "INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
            "c.d 0"
        ]
    );
}

#[test]
fn a_multicall_of_anything_else_is_refused_whole() {
    assert!(
        fault_of("system.multicall", vec![Value::text("x")])
            .starts_with("INCORRECT_PARAMETERS: calls must be")
    );
    let numbers = Value::Array(vec![Value::Int(1)]);
    assert_eq!(
        fault_of("system.multicall", vec![numbers]),
        "INCORRECT_PARAMETERS: calls must be structs, not int"
    );
    let many = Value::Array(vec![entry(&[]); MAX_MULTICALL + 1]);
    assert!(fault_of("system.multicall", vec![many]).starts_with("BAD_ARGUMENTS: 10001 calls"));
}

#[test]
fn the_reference_page_names_every_method() {
    let page = reference();
    for name in methods().list() {
        assert!(page.contains(&name), "{name}");
    }
    assert!(page.contains("`supervisor.startProcess(string name, boolean wait=true)` → boolean"));
}
