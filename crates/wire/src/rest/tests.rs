use super::shapes::{Around, Process, SignalBody};
use super::*;
use provost_model::ProcessState;
use provost_model::info::{Description, ProcessInfo, ProcessView};
use std::collections::BTreeSet;
use std::path::Path;

fn found(method: Method, path: &str) -> Option<(&'static str, [&str; 2])> {
    match find(Some(method), path) {
        Some(Found::Here(endpoint, names)) => Some((endpoint.id, names)),
        _ => None,
    }
}

#[test]
fn paths_lead_to_their_endpoints() {
    assert_eq!(
        found(Method::Get, "/api/v1/processes"),
        Some(("listProcesses", ["", ""]))
    );
    assert_eq!(
        found(Method::Get, "/api/v1/processes/web/web%5F00"),
        Some(("getProcess", ["web", "web%5F00"]))
    );
    assert_eq!(
        found(Method::Post, "/api/v1/groups/all/stop"),
        Some(("stopGroup", ["all", ""]))
    );
    assert_eq!(
        found(Method::Get, "/healthz"),
        Some(("getHealth", ["", ""]))
    );
    assert!(matches!(
        find(Some(Method::Post), "/api/v1/daemon"),
        Some(Found::Otherwise("GET"))
    ));
    assert!(matches!(
        find(Some(Method::Get), "/api/v1/update"),
        Some(Found::Otherwise("POST"))
    ));
    for path in [
        "/api/v1/",
        "/api/v1/processes/",
        "/api/v1/processes/a",
        "/api/v1/processes//b",
    ] {
        assert!(
            matches!(find(Some(Method::Get), path), Some(Found::Nowhere)),
            "{path}"
        );
    }
    assert!(matches!(
        find(None, "/api/v1/processes"),
        Some(Found::Otherwise("GET"))
    ));
    for path in ["/", "/healthz/", "/api", "/api/v2/daemon", "/RPC2"] {
        assert!(find(Some(Method::Get), path).is_none(), "{path}");
    }
}

#[test]
fn names_and_addresses_are_there_once() {
    let ids: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.id).collect();
    assert_eq!(ids.len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{group}", "g").replace("{name}", "n");
        let (id, _) = found(endpoint.method, &path).unwrap();
        assert_eq!(id, endpoint.id);
    }
}

#[test]
fn what_changes_something_is_posted() {
    let is_read = |endpoint: &&Endpoint| endpoint.method == Method::Get;
    for endpoint in ENDPOINTS.iter().filter(is_read) {
        assert!(endpoint.verb.only_reads(), "{}", endpoint.id);
    }
    let posted = ENDPOINTS.iter().filter(|endpoint| !is_read(endpoint));
    let harmless: Vec<&str> = posted
        .filter(|endpoint| endpoint.verb.only_reads())
        .map(|endpoint| endpoint.id)
        .collect();
    // It needs no more than the right to read the configuration, but makes the daemon read files.
    assert_eq!(harmless, ["reread"]);
}

#[test]
fn the_description_is_whole() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let text = document.to_string();
    for endpoint in ENDPOINTS {
        let method = endpoint.method.name().to_lowercase();
        let operation = &document["paths"][endpoint.path][method];
        assert_eq!(operation["operationId"], endpoint.id);
        assert_eq!(operation["x-right"], endpoint.verb.name());
    }
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["type"], "object", "{name}");
    }
}

struct Nowhere;

impl Around for Nowhere {
    fn local(&self, _: i64) -> String {
        String::new()
    }

    fn log_bytes(&self, _: &Path) -> u64 {
        0
    }
}

#[test]
fn shapes_are_what_they_say() {
    let view = ProcessView {
        info: ProcessInfo {
            name: "a".into(),
            group: "g".into(),
            start: 1,
            stop: 0,
            now: 50,
            state: ProcessState::Running,
            spawnerr: String::new(),
            exitstatus: 0,
            stdout_logfile: None,
            stderr_logfile: None,
            pid: 7,
            description: Description::Up { uptime_secs: 5 },
        },
        since_ms: Some(3),
        starts: 1,
        restarts: 0,
        spawn_failures: 0,
        last_exit: None,
        autostart: true,
    };
    let process = serde_json::to_value(Process::new(&view, &Nowhere)).unwrap();
    let mut definitions = Definitions::new();
    Process::schema(&mut definitions);
    SignalBody::schema(&mut definitions);
    let members = definitions["Process"]["properties"].as_object().unwrap();
    let written: BTreeSet<_> = process.as_object().unwrap().keys().collect();
    assert_eq!(written, members.keys().collect());
    assert_eq!(process["state"], "RUNNING");
    assert_eq!(process["pid"], 7);
    assert_eq!(process["stop"], Value::Null);
    assert_eq!(process["description"], "pid 7, uptime 0:00:05");
}
