//! The interfaces of packages: their names, types and refusals.

use super::*;
use provost_model::{CacheDeed, Level};

fn methods(whitelist: &[&str]) -> Methods {
    let whitelist = whitelist.iter().map(ToString::to_string).collect();
    Methods::new(vec![
        ("twiddler".to_owned(), Interface::Twiddler { whitelist }),
        ("cache".to_owned(), Interface::Cache),
        ("store".to_owned(), Interface::Cache),
        ("laforge".to_owned(), Interface::Laforge),
    ])
}

fn decode(method: &str, params: Vec<Value>) -> Result<Invocation, Fault> {
    methods(&[]).decode(&Call {
        method: method.to_owned(),
        params,
    })
}

/// What the packages answer to `system.methodSignature`.
const SIGNATURES: &[&str] = &[
    "cache.clear boolean",
    "cache.delete boolean string",
    "cache.fetch string string",
    "cache.getAPIVersion string",
    "cache.getCount integer",
    "cache.getKeys array",
    "cache.store boolean string string",
    "laforge.getAPIVersion string",
    "laforge.getMrLaForgeVersion string",
    "laforge.killProcess boolean string string",
    "laforge.killProcessGroup struct string string",
    "twiddler.addProgramToGroup boolean string string struct",
    "twiddler.getAPIVersion int",
    "twiddler.getGroupNames array",
    "twiddler.log boolean string string|int",
    "twiddler.removeProcessFromGroup boolean string string",
];

#[test]
fn names_and_signatures_are_those_of_the_packages() {
    let methods = methods(&[]);
    let mut listed: Vec<String> = Vec::new();
    for name in methods.list() {
        let system = ["system.", "provost.", "store."];
        if !system.iter().any(|start| name.starts_with(start)) {
            let signature = methods.find(&name).unwrap().signature().join(" ");
            listed.push(format!("{name} {signature}"));
        }
    }
    assert_eq!(listed, SIGNATURES);
}

#[test]
fn a_whitelist_refuses_what_it_does_not_name() {
    let methods = methods(&["log", "getAPIVersion"]);
    let of = |method: &str| {
        let method = method.to_owned();
        let params = Vec::new();
        methods.decode(&Call { method, params })
    };
    assert_eq!(of("twiddler.getAPIVersion"), Ok(Invocation::Tell("1.0")));
    let Ok(Invocation::Refuse(fault)) = of("twiddler.getGroupNames") else {
        panic!("not refused");
    };
    assert_eq!(
        (fault.code.code(), fault.to_string()),
        (230, "UNKNOWN: getGroupNames".to_owned())
    );
    // It holds for its own interface only, and a wrong number of parameters comes first.
    assert!(of("cache.getKeys").is_ok_and(|got| matches!(got, Invocation::Core(_))));
    assert!(of("twiddler.removeProcessFromGroup").is_err());
}

#[test]
fn options_come_as_a_struct_or_as_pairs() {
    let expected = |options: &[(&str, &str)]| {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Ok(Invocation::Core(Request::AddProgramToGroup {
            group: "g".to_owned(),
            program: "7".to_owned(),
            options: options.iter().map(owned).collect(),
        }))
    };
    let of = |options: Value| {
        let params = vec![Value::text("g"), Value::Int(7), options];
        decode("twiddler.addProgramToGroup", params)
    };
    let members = vec![
        ("COMMAND".to_owned(), Value::text("/bin/cat ; x")),
        ("autostart".to_owned(), Value::Bool(false)),
        ("numprocs".to_owned(), Value::Int(2)),
        ("user".to_owned(), Value::Nil),
    ];
    assert_eq!(
        of(Value::Struct(members)),
        expected(&[
            ("command", "/bin/cat ; x"),
            ("autostart", "False"),
            ("numprocs", "2")
        ])
    );
    let pair = Value::Array(vec![Value::text("command"), Value::text("x")]);
    assert_eq!(
        of(Value::Array(vec![pair.clone()])),
        expected(&[("command", "x")])
    );
    let refused = [
        Value::text("xx"),
        Value::Int(5),
        Value::Array(vec![pair, Value::Array(vec![Value::text("command")])]),
        Value::Struct(vec![("command".to_owned(), Value::Array(vec![]))]),
    ];
    for bad in refused {
        let fault = Fault::bare(FaultCode::IncorrectParameters);
        assert_eq!(of(bad), Ok(Invocation::Refuse(fault)));
    }
}

#[test]
fn a_level_is_a_name_or_a_number_that_exists() {
    let of = |level: Option<Value>| {
        let mut params = vec![Value::text("hi")];
        params.extend(level);
        match decode("twiddler.log", params) {
            Ok(Invocation::Core(Request::LogMessage { level, .. })) => Some(level),
            Ok(Invocation::Refuse(_)) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of(None), Some(Level::Info));
    for (value, level) in [
        (Value::text("warn"), Level::Warn),
        (Value::text("CRIT"), Level::Critical),
        (Value::Int(3), Level::Blather),
        (Value::Double(10.0), Level::Debug),
    ] {
        assert_eq!(of(Some(value)), Some(level));
    }
    for bad in [
        Value::text("warning"),
        Value::Int(17),
        Value::Bool(true),
        Value::Nil,
        Value::Array(vec![]),
    ] {
        assert_eq!(of(Some(bad)), None);
    }
}

#[test]
fn a_value_of_any_type_comes_back_as_it_went() {
    let values = [
        Value::text("it's <b>"),
        Value::Bool(true),
        Value::Double(2.5),
        Value::Bytes(vec![0, 255]),
        Value::Nil,
        Value::Array(vec![Value::Struct(vec![("a".to_owned(), Value::Int(1))])]),
    ];
    for sent in values {
        let call = decode("cache.store", vec![Value::text("k"), sent.clone()]);
        let Ok(Invocation::Core(Request::Cache {
            namespace,
            deed: CacheDeed::Store { key, value },
        })) = call
        else {
            panic!("{call:?}");
        };
        assert_eq!((namespace.as_str(), key.as_str()), ("cache", "k"));
        let stored = provost_model::Reply::Stored(value);
        assert_eq!(
            crate::answer::reply(&stored, &|_| String::new(), String::new),
            sent
        );
    }
}

#[test]
fn a_key_is_a_string_that_is_not_empty() {
    for key in [Value::text(""), Value::Int(3), Value::Nil] {
        let Ok(Invocation::Refuse(fault)) = decode("store.fetch", vec![key]) else {
            panic!("taken");
        };
        assert_eq!(
            fault.to_string(),
            "BAD_NAME: Cache key must be a non-empty string"
        );
    }
}
