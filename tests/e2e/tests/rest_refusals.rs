//! A configuration that is refused: the JSON interface says what is to be mended and where, and nothing that runs is touched.

use provost_e2e::{Daemon, PATIENCE, Side, Start, Target, free_port, wait_until};
use serde_json::{Value as Json, json};

/// `user:password` of Basic in base 64.
const ADMIN: &str = "Authorization: Basic YWRtaW46YQ==\r\n";
const UPDATER: &str = "Authorization: Basic dXBkYXRlcjp1\r\n";

const ONE: &str = "[program:one]\ncommand=/bin/cat\nstartsecs=0\n";

/// Two mistakes, each with its line, and something that is only odd.
const BROKEN: &str =
    "[program:bad]\ncommand=/bin/cat\nnumprocs=x\nautostart=perhaps\nstartsecz=1\n";

fn append(daemon: &Daemon, text: &str) -> u64 {
    let before = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(daemon.config(), format!("{before}\n{text}")).unwrap();
    u64::try_from(before.lines().count()).unwrap() + 1
}

fn refused(target: &Target, path: &str, headers: &str) -> Json {
    let answer = target.act(path, headers, "");
    assert_eq!(answer.status(), 422, "{path}: {}", answer.text());
    let body = answer.json();
    assert_eq!(body["error"]["code"], "CANT_REREAD", "{path}");
    body
}

#[test]
fn f58_every_finding_is_told_with_its_place() {
    let daemon = Start::new(Side::Ours, ONE).start();
    let before = daemon.wait_state("one", "RUNNING");
    let target = Target::of(&daemon);
    let first = append(&daemon, BROKEN);
    let check = daemon.config().to_string_lossy().into_owned();
    for path in ["/api/v1/reread", "/api/v1/update", "/api/v1/restart"] {
        let body = refused(&target, path, "");
        let found = body["findings"].as_array().unwrap();
        let place = |line: u64| {
            let mut all = found.iter();
            all.find(|one| one["line"].as_u64() == Some(line))
                .unwrap_or_else(|| panic!("{path}: nothing in line {line}: {body}"))
        };
        let number = place(first + 3);
        assert_eq!(number["severity"], "error", "{body}");
        assert_eq!(number["file"], json!(check), "{body}");
        assert_eq!(number["column"], 10, "{body}");
        assert_eq!(number["code"], "C009", "{body}");
        assert!(number["message"].as_str().unwrap().contains('x'), "{body}");
        assert_eq!(place(first + 4)["severity"], "error", "{body}");
        let odd = place(first + 5);
        assert_eq!(odd["severity"], "warning", "{body}");
        assert!(
            odd["help"].as_str().unwrap().contains("startsecs"),
            "{body}"
        );
        let severities: Vec<&str> = found
            .iter()
            .map(|one| one["severity"].as_str().unwrap())
            .collect();
        assert!(severities.is_sorted(), "errors come first: {body}");
    }
    let after = daemon.wait_state("one", "RUNNING");
    assert_eq!(
        before.get("pid").unwrap().int(),
        after.get("pid").unwrap().int()
    );
}

#[test]
fn i33_findings_are_for_those_who_may_read_the_configuration() {
    let port = free_port();
    let users = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n[user:admin]\nrole=admin\npassword=a\nunix_user=root\n\
         [role:updates]\nallow=status,update\n[user:updater]\nrole=updates\npassword=u\n{ONE}"
    );
    let daemon = Start::new(Side::Ours, &users).start();
    let target = Target::Port(port);
    wait_until(PATIENCE, "the server to listen", || {
        target.connect().is_ok()
    });
    append(&daemon, BROKEN);
    let body = refused(&target, "/api/v1/update", ADMIN);
    assert!(!body["findings"].as_array().unwrap().is_empty(), "{body}");
    let body = refused(&target, "/api/v1/update", UPDATER);
    assert_eq!(body["findings"], json!([]), "{body}");
}
