//! The pages for people: what they hold, and what goes with every answer.

use super::*;
use provost_model::info::{Description, ProcessInfo};
use provost_model::{Fault, FaultCode, ProcessState};

/// Every address of the pages, with what it must answer.
const PAGES: &[(&str, u16)] = &[
    ("/", 200),
    ("/index.html", 200),
    ("/?message=x", 200),
    ("/tail.html", 200),
    ("/tail.html?processname=a", 200),
    ("/ok.html", 200),
    ("/stylesheets/supervisor.css", 200),
    ("/stylesheets", 404),
    ("/images/icon.png", 404),
    ("/status.html", 404),
    ("/index.html?action=refresh", 301),
    ("/index.html?action=bogus", 400),
    ("/index.html?action=start", 400),
];

fn info(group: &str, name: &str, state: ProcessState, spawnerr: &str) -> ProcessInfo {
    ProcessInfo {
        name: name.into(),
        group: group.into(),
        start: 0,
        stop: 0,
        now: 0,
        state,
        spawnerr: spawnerr.to_owned(),
        exitstatus: 0,
        stdout_logfile: None,
        stderr_logfile: None,
        pid: 0,
        description: Description::Trouble,
    }
}

/// Where an answer sends its client.
pub(super) fn location(response: &Response) -> &str {
    assert_eq!(response.status, 301, "{response:?}");
    response.header("Location").unwrap()
}

/// What the stand-in was asked to change.
pub(super) fn changes(rig: &Rig) -> Vec<Request> {
    let asked = rig.heard.try_iter().filter_map(|heard| match heard {
        Heard::Asked(Request::GetProcessInfo { .. }) | Heard::Gone => None,
        Heard::Asked(request) => Some(request),
    });
    asked.collect()
}

pub(super) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{headers}\r\n")
}

pub(super) fn form(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn s07_every_answer_is_guarded_and_pages_are_not_kept() {
    let rig = Rig::new(Plan::default());
    std::fs::write(rig.directory.join("main.log"), "x").unwrap();
    let logs = [("/logtail/a", 404), ("/nowhere", 404), ("/RPC2", 400)];
    for (path, status) in PAGES.iter().chain(&logs) {
        let response = rig.get(path);
        assert_eq!(response.status, *status, "{path}");
        let policy = response.header("Content-Security-Policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; ")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        // Only a page that has a script may run one, and that makes no markup.
        let has_script = response.text().contains("<script");
        assert_eq!(
            policy.contains("script-src 'self';"),
            has_script,
            "{path}: {policy}"
        );
        assert_eq!(
            policy.contains("require-trusted-types-for 'script'"),
            has_script,
            "{path}: {policy}"
        );
        assert_eq!(
            response.header("X-Content-Type-Options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            response.header("Referrer-Policy"),
            Some("same-origin"),
            "{path}"
        );
        if response.header("Content-Type") == Some("text/html;charset=utf-8") || *status == 301 {
            assert_eq!(response.header("Cache-Control"), Some("no-cache"), "{path}");
            assert_eq!(response.header("Pragma"), Some("no-cache"), "{path}");
            assert_eq!(
                response.header("Expires"),
                Some("Thu, 01 Jan 1970 00:00:00 GMT"),
                "{path}"
            );
        }
    }
    let mut stream = rig.tcp();
    stream
        .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
        .unwrap();
    let head = read_head(&mut stream).unwrap();
    for line in [
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'",
    ] {
        assert!(head.contains(line), "{head}");
    }
}

/// A log that is full of what could be taken for markup.
fn log_of_markup() -> PathBuf {
    std::env::temp_dir().join(format!("provost-web-{}.log", std::process::id()))
}

#[test]
fn s07_no_text_becomes_markup() {
    fn script(request: &Request) -> Option<Answer> {
        match request {
            Request::GetAllProcessInfo => Some(Ok(Reply::Infos(vec![
                info(
                    "g\"",
                    "<b>",
                    ProcessState::Fatal,
                    "can't <script>alert(1)</script>",
                ),
                info("a&", "'x'", ProcessState::Running, ""),
            ]))),
            Request::LogPath { .. } => Some(Ok(Reply::Log(Some(log_of_markup())))),
            _ => calm(request),
        }
    }
    std::fs::write(log_of_markup(), b"</pre><script>\xff\"'&").unwrap();
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    let status = rig.get("/?message=%3Cscript%3E%22%27%26%ff%00").text();
    let tail = rig
        .get("/tail.html?processname=%3C/title%3E%3Cscript%3E%22&limit=2000")
        .text();
    std::fs::remove_file(log_of_markup()).unwrap();
    for page in [&status, &tail] {
        for raw in ["<script>", "<b>", "</pre><", "'x'", "can't"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
    }
    for text in [
        "<div class=\"status_msg\" role=\"status\">&lt;script&gt;&quot;&#39;&amp;\u{fffd}\0</div>",
        "<td><span>can&#39;t &lt;script&gt;alert(1)&lt;/script&gt;</span></td>",
        "<a href=\"tail.html?processname=g%22%3A%3Cb%3E\" target=\"_blank\">g&quot;:&lt;b&gt;</a>",
        "formaction=\"index.html?processname=a%26%3A%27x%27&amp;action=stop\" name=\"Stop\">Stop</button>",
    ] {
        assert!(status.contains(text), "{text}: {status}");
    }
    for text in [
        "<title>Supervisor tail of process &lt;/title&gt;&lt;script&gt;&quot;</title>",
        "<pre>&lt;/pre&gt;&lt;script&gt;\u{fffd}&quot;&#39;&amp;</pre>",
        "<a href=\"tail.html?processname=%3C/title%3E%3Cscript%3E%22&amp;limit=2000\">Refresh</a>",
    ] {
        assert!(tail.contains(text), "{text}: {tail}");
    }
}

#[test]
fn s07_names_in_what_is_confirmed_and_refused_are_escaped() {
    let rig = Rig::new(Plan::default());
    for header in ["Accept-Language: en\r\n", "Origin: http://evil\r\n"] {
        let page = rig.ask(get("/?processname=%22%3E%3Cscript%3E&action=stop", header));
        assert_eq!(page.status, 403);
        assert!(!page.text().contains("<script"), "{page:?}");
        assert!(
            page.text()
                .contains("stop &quot;&gt;&lt;script&gt;</strong>"),
            "{page:?}"
        );
    }
}

#[test]
fn each_state_offers_what_can_be_done() {
    fn script(request: &Request) -> Option<Answer> {
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
        let states = [
            Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown,
        ];
        match request {
            Request::GetAllProcessInfo => Some(Ok(Reply::Infos(
                states
                    .map(|state| info(state.name(), state.name(), state, ""))
                    .to_vec(),
            ))),
            _ => calm(request),
        }
    }
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    let page = rig.get("/").text();
    for (name, class, actions) in [
        ("BACKOFF", "statuserror", &[] as &[_]),
        ("EXITED", "statusnominal", &["start"]),
        ("FATAL", "statuserror", &["start"]),
        ("RUNNING", "statusrunning", &["restart", "stop"]),
        ("STARTING", "statusnominal", &[]),
        ("STOPPED", "statusnominal", &["start"]),
        ("STOPPING", "statusnominal", &[]),
        ("UNKNOWN", "statusnominal", &[]),
    ] {
        let row = page
            .split("<tr")
            .find(|row| row.contains(&format!(">{name}</a>")))
            .unwrap();
        assert!(
            row.contains(&format!(
                "<span class=\"{class}\">{}</span>",
                name.to_lowercase()
            )),
            "{row}"
        );
        for action in ["start", "stop", "restart", "clearlog"] {
            let link = format!("\"index.html?processname={name}&amp;action={action}\"");
            let expected = action == "clearlog" || actions.contains(&action);
            assert_eq!(row.contains(&link), expected, "{action}: {row}");
        }
        assert!(
            row.contains(&format!("\"logtail/{name}\""))
                && row.contains(&format!("\"logtail/{name}/stderr\""))
        );
    }
    let shaded: Vec<bool> = page
        .split("<tr")
        .skip(2)
        .map(|row| row.starts_with(" class=\"shade\""))
        .collect();
    assert_eq!(shaded, [false, true, false, true, false, true, false, true]);
    assert!(
        Rig::new(Plan::default())
            .get("/")
            .text()
            .contains("No programs to manage")
    );
}

#[test]
fn a_thousand_rows_take_no_time() {
    fn script(request: &Request) -> Option<Answer> {
        let one = |number| {
            info(
                "group",
                &format!("process_{number:04}"),
                ProcessState::Running,
                "",
            )
        };
        match request {
            Request::GetAllProcessInfo => Some(Ok(Reply::Infos((0..1000).map(one).collect()))),
            _ => calm(request),
        }
    }
    let rig = Rig::new(Plan {
        script,
        ..Plan::default()
    });
    // Some hundredths of a second, on a machine that does nothing else: one of three is not held up for seconds.
    let times = [(); 3].map(|()| {
        let begun = Instant::now();
        let page = rig.get("/").text();
        assert_eq!(page.matches("class=\"statusrunning\"").count(), 1000);
        begun.elapsed()
    });
    assert!(
        times.iter().min() < Some(&Duration::from_secs(5)),
        "{times:?}"
    );
}

#[test]
fn a_stopping_daemon_has_no_status_page() {
    let rig = Rig::new(Plan {
        script: |_| Some(Err(Fault::bare(FaultCode::ShutdownState))),
        ..Plan::default()
    });
    let response = rig.get("/");
    assert_eq!(response.status, 503);
    assert!(response.text().contains("SHUTDOWN_STATE"), "{response:?}");
    assert_eq!(rig.get("/ok.html").text(), "OK");
}

#[test]
fn other_methods_do_nothing() {
    let rig = Rig::new(Plan::default());
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
        let request = format!("{method} /?action=stopall HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(rig.ask(request).status, 400, "{method}");
    }
    for path in [
        "/stylesheets/supervisor.css",
        "/nowhere",
        "/images/icon.png",
    ] {
        assert_eq!(rig.ask(form(path, "", "")).status, 400, "{path}");
    }
    for (path, status) in PAGES {
        let mut stream = rig.tcp();
        stream
            .write_all(format!("HEAD {path} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes())
            .unwrap();
        let head = read_head(&mut stream).unwrap();
        let expected = if path.contains("action") {
            400
        } else {
            *status
        };
        assert!(
            head.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{path}: {head}"
        );
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "{path}");
    }
    assert_eq!(
        changes(&rig)
            .iter()
            .filter(|request| matches!(request, Request::StopAllProcesses { .. }))
            .count(),
        0
    );
}

#[test]
fn the_stylesheet_is_sent_once() {
    let rig = Rig::new(Plan::default());
    let path = "/stylesheets/supervisor.css";
    let sheet = rig.get(path);
    assert_eq!(sheet.header("Content-Type"), Some("text/css"));
    let changed = sheet.header("Last-Modified").unwrap();
    for (since, status) in [
        (changed, 304),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 304),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("yesterday", 200),
    ] {
        assert_eq!(
            rig.ask(get(path, &format!("If-Modified-Since: {since}\r\n")))
                .status,
            status,
            "{since}"
        );
    }
    // Nothing is fetched from elsewhere.
    assert!(!sheet.text().contains("url(") && !sheet.text().contains("@import"));
}
