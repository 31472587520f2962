//! Every method of the XML-RPC interface, with good and with bad arguments, to the byte.

use provost_compat::rig::Scenario;
use provost_compat::talk::{Talk, compare_talks};
use provost_e2e::Value;

/// Programs in every state that lasts.
const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
stdout_logfile=%(here)s/cat.log
stderr_logfile=NONE
[program:ended]
command=/bin/sh -c 'sleep 1.6; exit 0'
exitcodes=0,2
[program:failed]
command=/bin/sh -c 'sleep 1.6; exit 7'
autorestart=false
[program:fatal]
command=/no/such/file
startretries=0
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
stopsignal=INT
redirect_stderr=true
[program:exec]
command=%(here)s/supervisord.conf
autostart=false
[program:member]
command=/bin/cat
numprocs=2
process_name=%(program_name)s_%(process_num)d
[group:g]
programs=member
priority=5
[program:größe]
command=/bin/cat
autostart=false
startsecs=0
";

fn scenario() -> Scenario {
    Scenario::new("rpc", PROGRAMS)
}

fn settle(talk: &Talk) {
    for (name, state) in [
        ("cat", "RUNNING"),
        ("ended", "EXITED"),
        ("failed", "EXITED"),
        ("fatal", "FATAL"),
        ("g:member_0", "RUNNING"),
        ("g:member_1", "RUNNING"),
    ] {
        talk.daemon().wait_state(name, state);
    }
}

/// All methods that upstream has.
const METHODS: &[&str] = &[
    "supervisor.addProcessGroup",
    "supervisor.clearAllProcessLogs",
    "supervisor.clearLog",
    "supervisor.clearProcessLog",
    "supervisor.clearProcessLogs",
    "supervisor.getAPIVersion",
    "supervisor.getAllConfigInfo",
    "supervisor.getAllProcessInfo",
    "supervisor.getIdentification",
    "supervisor.getPID",
    "supervisor.getProcessInfo",
    "supervisor.getState",
    "supervisor.getSupervisorVersion",
    "supervisor.getVersion",
    "supervisor.readLog",
    "supervisor.readMainLog",
    "supervisor.readProcessLog",
    "supervisor.readProcessStderrLog",
    "supervisor.readProcessStdoutLog",
    "supervisor.reloadConfig",
    "supervisor.removeProcessGroup",
    "supervisor.restart",
    "supervisor.sendProcessStdin",
    "supervisor.sendRemoteCommEvent",
    "supervisor.shutdown",
    "supervisor.signalAllProcesses",
    "supervisor.signalProcess",
    "supervisor.signalProcessGroup",
    "supervisor.startAllProcesses",
    "supervisor.startProcess",
    "supervisor.startProcessGroup",
    "supervisor.stopAllProcesses",
    "supervisor.stopProcess",
    "supervisor.stopProcessGroup",
    "supervisor.tailProcessLog",
    "supervisor.tailProcessStderrLog",
    "supervisor.tailProcessStdoutLog",
    "system.listMethods",
    "system.methodHelp",
    "system.methodSignature",
    "system.multicall",
];

#[test]
fn asking() {
    compare_talks("rpc", &scenario(), |talk| {
        settle(talk);
        for method in [
            "getAPIVersion",
            "getVersion",
            "getSupervisorVersion",
            "getIdentification",
            "getState",
            "getPID",
            "getAllProcessInfo",
            "getAllConfigInfo",
        ] {
            talk.call(&format!("supervisor.{method}"), &[]);
            talk.call(&format!("supervisor.{method}"), &["too many".into()]);
        }
        for name in [
            "cat",
            "cat:cat",
            "cat:*",
            "cat:",
            "g",
            "g:*",
            "g:member_0",
            "g:nobody",
            "nobody",
            "",
            ":",
            "größe",
            "a:b:c",
            "*",
        ] {
            talk.call("supervisor.getProcessInfo", &[name.into()]);
        }
        talk.call("supervisor.getProcessInfo", &[]);
        talk.call("system.listMethods", &[]);
        talk.call("system.listMethods", &[1.into()]);
        for method in METHODS.iter().chain(&["supervisor.nothing", "nothing", ""]) {
            talk.call("system.methodSignature", &[(*method).into()]);
        }
        talk.call("system.methodHelp", &["supervisor.nothing".into()]);
        talk.call("system.methodSignature", &[]);
        for method in [
            "supervisor.nothing",
            "supervisor._update",
            "supervisor",
            "nothing.at.all",
            "getState",
            "supervisor.getState.more",
            "other.getState",
        ] {
            talk.call(method, &[]);
        }
    });
}

/// Documentation is in words of our own, but names the same parameters and results.
#[test]
fn help_names_the_same_parameters() {
    compare_talks("rpc help", &scenario(), |talk| {
        for method in METHODS {
            let help = talk
                .daemon()
                .rpc()
                .call("system.methodHelp", &[(*method).into()])
                .value();
            let shape: Vec<String> = help
                .text()
                .lines()
                .filter_map(|line| {
                    // `@param type name`, `@return type`; what follows is prose.
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let length = if words.first() == Some(&"@param") {
                        3
                    } else {
                        2
                    };
                    words
                        .first()?
                        .starts_with('@')
                        .then(|| words[..length.min(words.len())].join(" "))
                })
                .collect();
            talk.note(method, &shape.join("\n"));
        }
    });
}

#[test]
fn starting_and_stopping() {
    compare_talks("rpc", &scenario(), |talk| {
        settle(talk);
        for method in [
            "startProcess",
            "stopProcess",
            "startProcessGroup",
            "stopProcessGroup",
        ] {
            let method = format!("supervisor.{method}");
            talk.call(&method, &[]);
            talk.call(&method, &["nobody".into()]);
            talk.call(&method, &["nobody:*".into()]);
            talk.call(&method, &["cat".into(), true.into(), true.into()]);
        }
        for name in ["cat", "fatal", "exec", "g:nobody", "g", "member_0"] {
            talk.call("supervisor.startProcess", &[name.into()]);
        }
        for name in ["idle", "größe"] {
            talk.call("supervisor.startProcess", &[name.into()]);
            talk.call("supervisor.stopProcess", &[name.into()]);
            talk.call("supervisor.stopProcess", &[name.into()]);
            talk.call("supervisor.startProcess", &[name.into(), false.into()]);
            talk.call("supervisor.stopProcess", &[name.into(), true.into()]);
        }
        for name in ["ended", "fatal", "g"] {
            talk.call("supervisor.stopProcess", &[name.into()]);
        }
        talk.call_sorted("supervisor.stopProcess", &["g:".into()]);
        talk.call_sorted("supervisor.startProcess", &["g:*".into()]);
        talk.call("supervisor.startProcess", &["idle".into(), 1.into()]);
        talk.call("supervisor.stopProcess", &["idle".into(), 0.into()]);
        talk.daemon().wait_state("idle", "STOPPED");
        talk.call("supervisor.startProcess", &["fatal".into(), false.into()]);
        talk.call("supervisor.startProcessGroup", &["fatal".into()]);
        talk.call("supervisor.startProcessGroup", &["idle".into()]);
        talk.call("supervisor.startProcessGroup", &["idle".into()]);
        talk.call("supervisor.stopProcessGroup", &["idle".into()]);
        talk.call(
            "supervisor.stopProcessGroup",
            &["idle".into(), false.into()],
        );
        talk.call("supervisor.startAllProcesses", &[1.into(), 2.into()]);
        talk.call("supervisor.stopAllProcesses", &[1.into(), 2.into()]);
    });
}

#[test]
fn signals() {
    compare_talks("rpc", &scenario(), |talk| {
        settle(talk);
        for method in ["signalProcess", "signalProcessGroup"] {
            let method = format!("supervisor.{method}");
            talk.call(&method, &[]);
            talk.call(&method, &["cat".into()]);
            talk.call(&method, &["nobody".into(), "HUP".into()]);
            talk.call(&method, &["nobody:*".into(), "HUP".into()]);
            talk.call(&method, &["idle".into(), "HUP".into()]);
            talk.call(&method, &["idle".into(), "NOSUCH".into()]);
            talk.call(&method, &["cat".into(), "NOSUCH".into()]);
            talk.call(&method, &["cat".into(), "".into()]);
            talk.call(&method, &["cat".into(), 99.into()]);
            talk.call(&method, &["cat".into(), "CONT".into()]);
            talk.call(&method, &["cat".into(), "sigcont".into()]);
            talk.call(&method, &["cat".into(), 18.into()]);
            talk.call(&method, &["cat".into(), "18".into()]);
            talk.call(&method, &["cat".into(), 0.into()]);
            talk.call(&method, &["g:*".into(), "CONT".into()]);
            talk.call(&method, &["g".into(), "CONT".into()]);
        }
        talk.call("supervisor.signalAllProcesses", &["CONT".into()]);
        talk.call("supervisor.signalAllProcesses", &["NOSUCH".into()]);
        talk.call("supervisor.signalAllProcesses", &[]);
    });
}

#[test]
fn logs() {
    compare_talks("rpc", &scenario().file("cat.log", "0123456789\n"), |talk| {
        settle(talk);
        for method in [
            "readProcessStdoutLog",
            "readProcessLog",
            "readProcessStderrLog",
        ] {
            let method = format!("supervisor.{method}");
            for (offset, length) in [(0, 0), (3, 4), (-4, 0), (50, 0), (0, -1), (-1, 1)] {
                talk.call(&method, &["cat".into(), offset.into(), length.into()]);
            }
            talk.call(&method, &["nobody".into(), 0.into(), 0.into()]);
            talk.call(&method, &["g:*".into(), 0.into(), 0.into()]);
            talk.call(&method, &["ended".into(), 0.into(), 0.into()]);
            talk.call(&method, &["cat".into()]);
            talk.call(&method, &["cat".into(), "3".into(), "2".into()]);
            talk.call(&method, &["cat".into(), true.into(), false.into()]);
        }
        for method in [
            "tailProcessStdoutLog",
            "tailProcessLog",
            "tailProcessStderrLog",
        ] {
            let method = format!("supervisor.{method}");
            for (offset, length) in [
                (0, 0),
                (0, 100),
                (0, 4),
                (3, 4),
                (11, 10),
                (50, 5),
                (0, -1),
                (-1, 1),
            ] {
                talk.call(&method, &["cat".into(), offset.into(), length.into()]);
            }
            talk.call(&method, &["nobody".into(), 0.into(), 0.into()]);
            talk.call(&method, &["g:*".into(), 0.into(), 0.into()]);
            talk.call(&method, &["cat".into()]);
        }
        for method in ["readLog", "readMainLog"] {
            let method = format!("supervisor.{method}");
            for (offset, length) in [(0, 10), (0, -1), (-1, 1), (100_000, 0)] {
                talk.call(&method, &[offset.into(), length.into()]);
            }
            talk.call(&method, &[]);
        }
        for method in ["clearProcessLogs", "clearProcessLog"] {
            let method = format!("supervisor.{method}");
            for name in ["cat", "nobody", "idle", "g:member_0", "g:*"] {
                talk.call(&method, &[name.into()]);
            }
            talk.call(&method, &[]);
        }
        talk.call("supervisor.clearAllProcessLogs", &[1.into()]);
        talk.call("supervisor.clearAllProcessLogs", &[]);
        talk.call("supervisor.clearLog", &[1.into()]);
        talk.call("supervisor.clearLog", &[]);
    });
}

#[test]
fn groups_and_the_rest() {
    compare_talks("rpc groups", &scenario(), |talk| {
        settle(talk);
        talk.call("supervisor.reloadConfig", &[]);
        talk.call("supervisor.reloadConfig", &[1.into()]);
        for name in ["cat", "nobody", "", "g"] {
            talk.call("supervisor.addProcessGroup", &[name.into()]);
            talk.call("supervisor.removeProcessGroup", &[name.into()]);
        }
        talk.call("supervisor.removeProcessGroup", &["idle".into()]);
        talk.call("supervisor.getProcessInfo", &["idle".into()]);
        talk.call("supervisor.getAllConfigInfo", &[]);
        talk.call("supervisor.addProcessGroup", &["idle".into()]);
        talk.call("supervisor.addProcessGroup", &[]);
        talk.call("supervisor.removeProcessGroup", &[]);
        for (name, text) in [
            ("cat", "x\n"),
            ("cat", ""),
            ("cat", "größe\n"),
            ("nobody", "x"),
            ("idle", "x"),
            ("g:*", "x"),
        ] {
            talk.call("supervisor.sendProcessStdin", &[name.into(), text.into()]);
        }
        talk.call("supervisor.sendProcessStdin", &["cat".into(), 5.into()]);
        talk.call("supervisor.sendProcessStdin", &["cat".into()]);
        talk.call(
            "supervisor.sendRemoteCommEvent",
            &["kind".into(), "data".into()],
        );
        talk.call("supervisor.sendRemoteCommEvent", &["kind".into()]);
        let config = talk.daemon().config();
        std::fs::write(&config, "[supervisord]\nminfds=x\n").expect("writable");
        talk.call("supervisor.reloadConfig", &[]);
        std::fs::write(&config, "nonsense\n").expect("writable");
        talk.call("supervisor.reloadConfig", &[]);
        talk.call("supervisor.shutdown", &[1.into()]);
        talk.call("supervisor.restart", &[1.into()]);
        talk.call("supervisor.shutdown", &[]);
    });
}

fn call(method: &str, params: &[Value]) -> Value {
    Value::Struct(vec![
        ("methodName".to_owned(), method.into()),
        ("params".to_owned(), Value::Array(params.to_vec())),
    ])
}

#[test]
fn many_calls_in_one() {
    compare_talks("rpc multicall", &scenario(), |talk| {
        settle(talk);
        let bare = Value::Struct(vec![(
            "methodName".to_owned(),
            "supervisor.getState".into(),
        )]);
        let nameless = Value::Struct(vec![("params".to_owned(), Value::Array(Vec::new()))]);
        let lists = [
            vec![],
            vec![
                call("supervisor.getState", &[]),
                call("supervisor.getAPIVersion", &[]),
            ],
            vec![bare],
            vec![nameless],
            vec![call("system.multicall", &[Value::Array(Vec::new())])],
            vec![
                call("supervisor.nothing", &[]),
                call("supervisor.getState", &[]),
            ],
            vec![call("supervisor.getState", &[1.into()])],
            vec![call("supervisor.getProcessInfo", &["nobody".into()])],
            vec![
                call("supervisor.startProcess", &["idle".into()]),
                call("supervisor.stopProcess", &["idle".into()]),
                call("supervisor.stopProcess", &["idle".into()]),
            ],
            vec![call(
                "system.methodSignature",
                &["supervisor.getState".into()],
            )],
        ];
        for list in lists {
            talk.call("system.multicall", &[Value::Array(list)]);
        }
        talk.call("system.multicall", &[]);
        talk.call("system.multicall", &["text".into()]);
        talk.call("system.multicall", &[5.into()]);
    });
}

#[test]
fn arguments_of_the_wrong_type() {
    let wrong: &[(&str, &[Value])] = &[
        ("supervisor.getProcessInfo", &[Value::Int(5)]),
        ("supervisor.getProcessInfo", &[Value::Bool(true)]),
        ("supervisor.getProcessInfo", &[Value::Array(Vec::new())]),
        ("supervisor.startProcess", &[Value::Int(5)]),
        ("supervisor.stopProcess", &[Value::Int(5)]),
        ("supervisor.signalProcess", &[Value::Int(5), Value::Int(5)]),
        (
            "supervisor.readLog",
            &[Value::Int(0), Value::Array(Vec::new())],
        ),
        ("supervisor.addProcessGroup", &[Value::Int(5)]),
        ("supervisor.removeProcessGroup", &[Value::Int(5)]),
        ("supervisor.clearProcessLogs", &[Value::Int(5)]),
        (
            "supervisor.sendProcessStdin",
            &[Value::Int(5), Value::Int(5)],
        ),
        (
            "supervisor.sendRemoteCommEvent",
            &[Value::Int(5), Value::Int(5)],
        ),
        ("system.methodHelp", &[Value::Int(5)]),
        ("system.methodSignature", &[Value::Int(5)]),
    ];
    compare_talks("rpc wrong type", &scenario(), |talk| {
        for (method, params) in wrong {
            talk.call(method, params);
        }
        talk.call("system.multicall", &[Value::Array(vec![5.into()])]);
        talk.call("supervisor.readLog", &["x".into(), 0.into()]);
        talk.call(
            "supervisor.readProcessStdoutLog",
            &["cat".into(), "x".into(), 0.into()],
        );
    });
}
