//! What the description of the JSON interface allows is answered as it says, and what it does not allow is refused:
//! Schemathesis asks.

use std::process::Command;

use provost_e2e::{Place, Side, Start, WEB, free_port, run, schemathesis};

/// Questions of its own making for each address. They are the same each time.
const QUESTIONS: &str = "60";

/// A process that is not ready is told of by a status of servers that fail. Requests to end or to restart supervisord are
/// not made, and streams would never end.
const SETTINGS: &str = "\
[[operations]]
include-path-regex = \"^/(readyz|healthz)$\"
checks.not_a_server_error.enabled = false

# Which names signals have is the system's to say.
[[operations]]
include-path-regex = \"/signal$\"
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = \"(/events|/api/v1/shutdown|/api/v1/restart)$\"
enabled = false
";

#[test]
fn the_interface_is_what_its_description_says() {
    let port = free_port();
    let config = format!("history=1m\n[inet_http_server]\nport=127.0.0.1:{port}\n{WEB}");
    let daemon = Start::new(Side::Ours, &config).start();
    daemon.wait_state("once", "EXITED");
    let place = Place::new();
    place.write("schemathesis.toml", SETTINGS);
    let url = format!("http://127.0.0.1:{port}/api/v1/openapi.json");
    let mut command = Command::new(schemathesis());
    command.current_dir(place.path()).args([
        "run",
        &url,
        "--phases=coverage,fuzzing",
        "--generation-deterministic",
        "--max-examples",
        QUESTIONS,
        // What waits for a process waits for it.
        "--request-timeout=30",
        "--continue-on-failure",
        "--suppress-health-check=all",
        "--warnings=off",
        "--no-color",
    ]);
    let done = run(&mut command);
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("Tested: 2"), "{}", done.stdout);
}
