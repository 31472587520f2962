//! The JSON interface: who may use it, and what pages of other sites may not.

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, Target, WEB, free_port, one_of, start_web, wait_until,
};
use serde_json::{Value as Json, json};

/// `user:password` of Basic in base 64.
const ADMIN: &str = "Authorization: Basic YWRtaW46YQ==\r\n";
const VIEWER: &str = "Authorization: Basic dmlld2VyOnY=\r\n";
const WEBOP: &str = "Authorization: Basic d2Vib3A6dw==\r\n";

fn guarded() -> (Daemon, Target) {
    let port = free_port();
    let users = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n\
         [user:admin]\nrole=admin\npassword=a\nunix_user=root\n\
         [user:viewer]\nrole=viewer\npassword=v\n\
         [user:webop]\nrole=operator\nprograms=web:*\npassword=w\n{WEB}"
    );
    let daemon = Start::new(Side::Ours, &users).start();
    let target = Target::Port(port);
    wait_until(PATIENCE, "everything to run", || {
        let list = target.get("/api/v1/processes", ADMIN).json();
        one_of(&list, "web", "w1").is_some_and(|web| web["state"] == "RUNNING")
    });
    (daemon, target)
}

#[test]
fn s03_nothing_is_told_without_a_login() {
    let (_daemon, target) = guarded();
    let described = target.get("/api/v1/openapi.json", ADMIN).json();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = path.replace("{group}", "web").replace("{name}", "w0");
        for method in methods.as_object().unwrap().keys() {
            let answer = target.call(&method.to_uppercase(), &path, "", "");
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(answer.json()["error"]["code"], "UNAUTHORIZED");
            assert!(answer.header("www-authenticate").is_some());
        }
    }
    let answer = target.get("/api/v1/nothing", "");
    assert_eq!(answer.status(), 401, "what there is, is nobody's business");
}

#[test]
fn i33_rights_and_scopes_hold() {
    let (_daemon, target) = guarded();
    let list = target.get("/api/v1/processes", WEBOP).json();
    assert_eq!(list["processes"].as_array().unwrap().len(), 2);
    assert_eq!(
        target.get("/api/v1/processes/once/once", WEBOP).status(),
        404
    );
    assert_eq!(
        target
            .get("/api/v1/processes/once/once/log", WEBOP)
            .status(),
        404
    );
    assert_eq!(
        target
            .act("/api/v1/processes/once/once/start", WEBOP, "")
            .status(),
        404
    );
    assert_eq!(
        target.act("/api/v1/groups/once/start", WEBOP, "").status(),
        404
    );
    let detail = target.get("/api/v1/processes/web/w0", WEBOP).json();
    assert_eq!(
        detail["command"],
        Json::Null,
        "an operator has no right to the configuration"
    );
    assert_eq!(detail["origins"], Json::Null);
    assert_eq!(
        target
            .act("/api/v1/processes/web/w0/restart", WEBOP, "")
            .status(),
        200
    );
    let results = target.act("/api/v1/all/restart", WEBOP, "").json();
    assert_eq!(results["results"].as_array().unwrap().len(), 2);
    for (path, headers) in [
        ("/api/v1/shutdown", WEBOP),
        ("/api/v1/update", WEBOP),
        ("/api/v1/reread", VIEWER),
        ("/api/v1/processes/web/w0/stop", VIEWER),
        ("/api/v1/all/restart", VIEWER),
    ] {
        let answer = target.act(path, headers, "");
        assert_eq!(answer.status(), 403, "{path}");
        assert_eq!(answer.json()["error"]["code"], "NOT_PERMITTED");
    }
    for (path, status) in [
        ("/api/v1/log", 403),
        ("/api/v1/processes/web/w0/log", 403),
        ("/api/v1/plan", 403),
        ("/api/v1/daemon", 200),
        ("/api/v1/processes", 200),
    ] {
        assert_eq!(target.get(path, VIEWER).status(), status, "{path}");
    }
    let told = target.get("/api/v1/daemon", WEBOP).json();
    assert_eq!(told["config_files"], json!([]));
}

#[test]
fn s04_pages_of_other_sites_change_nothing() {
    let daemon = start_web();
    let path = "/api/v1/processes/web/w0/stop";
    for headers in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Referer: http://evil.example/\r\nUser-Agent: Mozilla/5.0\r\n",
        // A form that a browser sends without saying where from.
        "User-Agent: Mozilla/5.0\r\nContent-Type: text/plain\r\n",
        "User-Agent: Mozilla/5.0\r\n",
    ] {
        let answer = Target::of(&daemon).act(path, headers, "");
        assert_eq!(answer.status(), 403, "{headers}");
        assert_eq!(answer.json()["error"]["code"], "FOREIGN_PAGE");
    }
    let events = Target::of(&daemon).get("/api/v1/events", "Origin: http://evil.example\r\n");
    assert_eq!(events.status(), 403);
    let told = Target::of(&daemon)
        .get("/api/v1/processes/web/w0", "")
        .json();
    assert_eq!(told["process"]["state"], "RUNNING");
    for headers in [
        "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n",
        "",
    ] {
        let answer = Target::of(&daemon).act(path, headers, "");
        assert!(matches!(answer.status(), 200 | 409), "{}", answer.text());
    }
}
