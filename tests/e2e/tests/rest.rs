//! The JSON interface of the real daemon: every endpoint.

use provost_e2e::{Daemon, PATIENCE, Side, Start, Target, one_of, start_web, wait_for, wait_until};
use serde_json::{Value as Json, json};

fn get(daemon: &Daemon, path: &str) -> Json {
    let answer = Target::of(daemon).get(path, "");
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.json()
}

fn post(daemon: &Daemon, path: &str, body: &str) -> Json {
    let answer = Target::of(daemon).act(path, "", body);
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.json()
}

fn refusal(daemon: &Daemon, method: &str, path: &str, body: &str) -> (u16, String) {
    let length = format!("Content-Length: {}\r\n", body.len());
    let answer = Target::of(daemon).call(method, path, &length, body);
    let code = answer.json()["error"]["code"].clone();
    assert!(answer.json()["error"]["message"].is_string());
    (
        answer.status(),
        code.as_str().unwrap_or_default().to_owned(),
    )
}

/// The line of the configuration that has this text.
fn line_of(daemon: &Daemon, text: &str) -> Option<u64> {
    let config = std::fs::read_to_string(daemon.config()).unwrap();
    let index = config.lines().position(|line| line == text)?;
    u64::try_from(index + 1).ok()
}

#[test]
fn options_are_told_with_their_places_while_the_files_are_what_was_read() {
    let more = "[program:extra]\n; a comment\ncommand = /bin/cat\nautostart=false\n\
                environment=A=\"1\",\n  B=\"2\"\npriority:7\n";
    let included = "[include]\nfiles=more.conf\n[program:own]\ncommand=/bin/cat\nautostart=false\n";
    let daemon = Start::new(Side::Ours, included)
        .file("more.conf", more)
        .start();
    let origins =
        |name: &str| get(&daemon, &format!("/api/v1/processes/{name}/{name}"))["origins"].clone();
    let found = origins("extra");
    let lines: Vec<_> = found
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, origin)| (name.as_str(), origin["line"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("autostart", 4),
        ("command", 3),
        ("environment", 5),
        ("priority", 7),
    ];
    assert_eq!(lines, expected);
    let file = found["command"]["file"].as_str().unwrap();
    assert!(file.ends_with("more.conf"), "{file}");
    let own = origins("own");
    assert_eq!(
        own["command"]["line"].as_u64(),
        line_of(&daemon, "[program:own]").map(|line| line + 1)
    );
    // The lines lie elsewhere in what nobody has read.
    std::fs::write(daemon.place().join("more.conf"), format!("; new\n{more}")).unwrap();
    assert_eq!(origins("own"), Json::Null);
    post(&daemon, "/api/v1/reread", "");
    assert_eq!(origins("extra")["command"]["line"], 4);
    daemon.upgrade();
    assert_eq!(origins("extra")["command"]["line"], 4);
}

#[test]
fn processes_are_told_with_what_became_of_them() {
    let daemon = start_web();
    let list = get(&daemon, "/api/v1/processes");
    let names: Vec<_> = list["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|process| process["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["once", "rest", "w0", "w1"]);
    let web = one_of(&list, "web", "w0").unwrap();
    let info = daemon
        .rpc()
        .call("supervisor.getProcessInfo", &["web:w0".into()]);
    let info = format!("{info:?}");
    let pid = web["pid"].as_i64().unwrap();
    assert!(info.contains(&pid.to_string()), "{info}");
    assert_eq!(web["state"], "RUNNING");
    assert_eq!(web["starts"], 1);
    assert_eq!(web["restarts"], 0);
    assert_eq!(web["last_exit"], Json::Null);
    let now = list["now"].as_u64().unwrap();
    let since = web["since"].as_u64().unwrap();
    assert!(now.abs_diff(since) < 600_000, "{now} {since}");
    let once = one_of(&list, "once", "once").unwrap();
    assert_eq!(once["state"], "EXITED");
    assert_eq!(once["pid"], Json::Null);
    assert_eq!(once["last_exit"]["code"], 3);
    assert_eq!(once["last_exit"]["expected"], true);
    let rest = one_of(&list, "rest", "rest").unwrap();
    assert_eq!(rest["state"], "STOPPED");
    assert_eq!(rest["since"], Json::Null);
    assert_eq!(rest["description"], "Not started");

    let detail = get(&daemon, "/api/v1/processes/web/w0");
    assert_eq!(detail["process"]["name"], "w0");
    assert_eq!(detail["command"], "/bin/cat");
    assert_eq!(detail["config"]["autorestart"], "unexpected");
    assert_eq!(detail["config"]["environment"]["LANG"], "C");
    assert_eq!(detail["config"]["environment"]["API_TOKEN"], "********");
    assert_eq!(
        detail["origins"]["numprocs"]["line"].as_u64(),
        line_of(&daemon, "numprocs=2")
    );
    assert_eq!(detail["origins"]["autorestart"], Json::Null);
    let states: Vec<_> = detail["changes"].as_array().unwrap().iter().collect();
    assert_eq!(states.len(), 2);
    assert_eq!(states[0]["state"], "STARTING");
    assert_eq!(states[1]["state"], "RUNNING");
    assert_eq!(states[1]["at"], web["since"]);
}

#[test]
fn a_child_that_is_killed_leaves_its_signal_and_a_restart() {
    let daemon = start_web();
    let pid = get(&daemon, "/api/v1/processes/web/w0")["process"]["pid"].clone();
    post(
        &daemon,
        "/api/v1/processes/web/w0/signal",
        r#"{"signal":"KILL"}"#,
    );
    let after = wait_for(PATIENCE, "a second start", || {
        let list = get(&daemon, "/api/v1/processes");
        let web = one_of(&list, "web", "w0")?.clone();
        (web["state"] == "RUNNING" && web["starts"] == 2).then_some(web)
    });
    assert_ne!(after["pid"], pid);
    assert_eq!(after["restarts"], 1);
    assert_eq!(after["last_exit"]["signal"], "SIGKILL");
    assert_eq!(after["last_exit"]["code"], Json::Null);
    assert_eq!(after["last_exit"]["expected"], false);
}

#[test]
fn processes_groups_and_all_are_started_stopped_and_restarted() {
    let daemon = start_web();
    assert_eq!(
        post(&daemon, "/api/v1/processes/rest/rest/start", ""),
        json!({"result": "ok"})
    );
    let (status, code) = refusal(&daemon, "POST", "/api/v1/processes/rest/rest/start", "");
    assert_eq!((status, code.as_str()), (409, "ALREADY_STARTED"));
    let before = get(&daemon, "/api/v1/processes/rest/rest")["process"]["pid"].clone();
    post(&daemon, "/api/v1/processes/rest/rest/restart", "");
    let after = get(&daemon, "/api/v1/processes/rest/rest")["process"].clone();
    assert_eq!(after["state"], "RUNNING");
    assert_ne!(after["pid"], before);
    assert_eq!(after["restarts"], 0, "somebody asked for it");
    post(&daemon, "/api/v1/processes/rest/rest/stop", "");
    let (status, code) = refusal(&daemon, "POST", "/api/v1/processes/rest/rest/stop", "");
    assert_eq!((status, code.as_str()), (409, "NOT_RUNNING"));

    let results = post(&daemon, "/api/v1/groups/web/stop", "");
    assert_eq!(results["results"].as_array().unwrap().len(), 2);
    assert_eq!(results["results"][0]["code"], "SUCCESS");
    post(&daemon, "/api/v1/groups/web/start?wait=false", "");
    wait_until(PATIENCE, "the group to run", || {
        let list = get(&daemon, "/api/v1/processes");
        ["w0", "w1"]
            .iter()
            .all(|name| one_of(&list, "web", name).unwrap()["state"] == "RUNNING")
    });
    post(&daemon, "/api/v1/groups/web/restart", "");
    post(&daemon, "/api/v1/all/stop", "");
    let list = get(&daemon, "/api/v1/processes");
    for process in list["processes"].as_array().unwrap() {
        assert!(process["pid"].is_null(), "{process}");
    }
    let results = post(&daemon, "/api/v1/all/start", "");
    assert_eq!(results["results"].as_array().unwrap().len(), 4);
    post(&daemon, "/api/v1/all/restart", "");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let daemon = start_web();
    for (method, path, body, status, code) in [
        ("GET", "/api/v1/nothing", "", 404, "NOT_FOUND"),
        ("GET", "/api/v1/update", "", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v1/daemon", "", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/processes/web/none", "", 404, "BAD_NAME"),
        ("GET", "/api/v1/processes/web/*", "", 404, "BAD_NAME"),
        ("POST", "/api/v1/processes/web/*/stop", "", 404, "BAD_NAME"),
        (
            "POST",
            "/api/v1/processes/web/%2A/stop",
            "",
            404,
            "BAD_NAME",
        ),
        ("POST", "/api/v1/groups/none/stop", "", 404, "BAD_NAME"),
        ("POST", "/api/v1/groups/web%3Aw0/stop", "", 404, "BAD_NAME"),
        (
            "GET",
            "/api/v1/processes/web/w0/log?stream=both",
            "",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "GET",
            "/api/v1/processes/web/w0/log?length=many",
            "",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "GET",
            "/api/v1/processes/web/w0/log?length=-1",
            "",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "GET",
            "/api/v1/processes?sort=name",
            "",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "POST",
            "/api/v1/processes/web/w0/signal",
            "",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "POST",
            "/api/v1/processes/web/w0/signal",
            "{}",
            400,
            "BAD_ARGUMENTS",
        ),
        (
            "POST",
            "/api/v1/processes/web/w0/signal",
            r#"{"signal":"NONE"}"#,
            400,
            "BAD_SIGNAL",
        ),
        (
            "DELETE",
            "/api/v1/processes/web/w0",
            "",
            405,
            "METHOD_NOT_ALLOWED",
        ),
    ] {
        let answered = refusal(&daemon, method, path, body);
        assert_eq!(answered, (status, code.to_owned()), "{method} {path}");
    }
    let list = get(&daemon, "/api/v1/processes");
    assert_eq!(
        one_of(&list, "web", "w0").unwrap()["starts"],
        1,
        "nothing was done"
    );
}

#[test]
fn logs_are_read_piece_by_piece() {
    let daemon = start_web();
    let log = |query: &str| get(&daemon, &format!("/api/v1/processes/once/once/log{query}"));
    assert_eq!(
        log(""),
        json!({"text": "out\n", "offset": 0, "next_offset": 4, "size": 4})
    );
    assert_eq!(log("?stream=stderr")["text"], "err\n");
    let piece = log("?offset=1&length=2");
    assert_eq!(piece["text"], "ut");
    assert_eq!(piece["next_offset"], 3);
    assert_eq!(log("?offset=-2")["text"], "t\n");
    assert_eq!(log("?offset=99")["text"], "");
    post(&daemon, "/api/v1/processes/once/once/clearlog", "");
    assert_eq!(log("")["size"], 0);
    let main = get(&daemon, "/api/v1/log?offset=-1000000");
    assert!(
        main["text"]
            .as_str()
            .unwrap()
            .contains("supervisord started with pid")
    );
}

#[test]
fn the_daemon_tells_of_itself_and_of_its_interface() {
    let daemon = start_web();
    let told = get(&daemon, "/api/v1/daemon");
    assert_eq!(told["pid"], daemon.pid());
    assert_eq!(told["state"], "RUNNING");
    assert_eq!(told["identifier"], "supervisor");
    assert!(told["rss_bytes"].as_u64().unwrap() > 1_000_000);
    assert!(told["open_fds"].as_u64().unwrap() > 5);
    let files = told["config_files"].as_array().unwrap();
    assert!(files[0].as_str().unwrap().ends_with("supervisord.conf"));
    let described = get(&daemon, "/api/v1/openapi.json");
    assert_eq!(described["openapi"], "3.1.0");
    // What is described is there, and nothing that changes something is done by looking.
    for (path, methods) in described["paths"].as_object().unwrap() {
        if methods.get("get").is_some() && !path.ends_with("/events") {
            let path = path.replace("{group}", "web").replace("{name}", "w0");
            let answer = Target::of(&daemon).get(&path, "");
            assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
        }
    }
}

#[test]
fn an_update_does_what_its_plan_says() {
    let daemon = start_web();
    assert_eq!(get(&daemon, "/api/v1/plan"), json!({"changes": []}));
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    let text = text
        .replace("[program:rest]", "[program:new]")
        .replace("LANG=\"C\"", "LANG=\"D\"")
        .replace("numprocs=2", "numprocs=1");
    std::fs::write(daemon.config(), text).unwrap();
    assert_eq!(
        get(&daemon, "/api/v1/plan"),
        json!({"changes": []}),
        "who only looks has nothing read"
    );
    let plan = post(&daemon, "/api/v1/reread", "");
    assert_eq!(get(&daemon, "/api/v1/plan"), plan);
    assert_eq!(
        plan,
        json!({"changes": [
            {
                "group": "rest",
                "action": "remove",
                "reason": "it is not configured any more",
                "options": [],
                "stops": [],
                "starts": [],
            },
            {
                "group": "new",
                "action": "add",
                "reason": "it is configured and not in service",
                "options": [],
                "stops": [],
                "starts": [],
            },
            {
                "group": "web",
                "action": "restart",
                "reason": "differs: environment, processes",
                "options": ["environment", "processes"],
                "stops": ["web:w0", "web:w1"],
                "starts": ["web:w0"],
            },
        ]})
    );
    let list = get(&daemon, "/api/v1/processes");
    assert!(
        one_of(&list, "rest", "rest").is_some(),
        "a plan changes nothing"
    );
    assert_eq!(
        post(&daemon, "/api/v1/update", ""),
        json!({"added": ["new"], "restarted": ["web"], "removed": ["rest"]})
    );
    let list = get(&daemon, "/api/v1/processes");
    assert!(one_of(&list, "web", "w0").is_some() && one_of(&list, "web", "w1").is_none());
    assert!(one_of(&list, "rest", "rest").is_none() && one_of(&list, "new", "new").is_some());
    std::fs::write(daemon.config(), "[program:x]\n").unwrap();
    let (status, code) = refusal(&daemon, "POST", "/api/v1/update", "");
    assert_eq!((status, code.as_str()), (422, "CANT_REREAD"));
}

#[test]
fn supervisord_is_restarted_and_ended() {
    let mut daemon = start_web();
    let before = get(&daemon, "/api/v1/processes/web/w0")["process"]["pid"].clone();
    post(&daemon, "/api/v1/restart", "");
    wait_until(PATIENCE, "another life", || {
        let answer = Target::of(&daemon).connect().is_ok().then(|| {
            Target::of(&daemon)
                .exchange(b"GET /api/v1/processes/web/w0 HTTP/1.1\r\nHost: x\r\n\r\n")
        });
        answer.and_then(Result::ok).is_some_and(|answer| {
            let process = &answer.json()["process"];
            process["pid"] != before && process["state"] == "RUNNING"
        })
    });
    post(&daemon, "/api/v1/shutdown", "");
    assert_eq!(daemon.wait_end(), Some(0));
}

#[test]
fn a_restart_goes_on_over_an_upgrade_and_is_done_once() {
    let slow = "[program:slow]\nstartsecs=0\n\
                command=/bin/sh -c 'trap \"sleep 1; exit\" TERM; while :; do sleep 0.05; done'\n";
    let daemon = Start::new(Side::Ours, slow).start();
    daemon.wait_state("slow", "RUNNING");
    let target = Target::of(&daemon);
    let path = "/api/v1/processes/slow/slow";
    let asked = std::thread::spawn({
        let target = target.clone();
        move || target.act(&format!("{path}/restart"), "", "")
    });
    daemon.wait_state("slow", "STOPPING");
    daemon.upgrade();
    let answer = asked.join().expect("it was answered");
    assert_eq!(
        (answer.status(), answer.json()),
        (200, json!({"result": "ok"}))
    );
    let after = target.get(path, "").json();
    assert_eq!(after["process"]["state"], "RUNNING");
    assert_eq!(after["process"]["starts"], 2);
    let states: Vec<_> = after["changes"].as_array().unwrap().iter().collect();
    let states: Vec<_> = states
        .iter()
        .map(|change| change["state"].as_str().unwrap())
        .collect();
    let all = [
        "STARTING", "RUNNING", "STOPPING", "STOPPED", "STARTING", "RUNNING",
    ];
    assert_eq!(states, all, "what was before the upgrade is still known");
}
