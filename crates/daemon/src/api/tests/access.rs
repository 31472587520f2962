//! Every method and every page as every built-in role: what is refused never reaches the core.

use super::*;
use provost_model::FaultCode;
use provost_model::access::{Rights, Scope, Secret, UserSpec, Verb};
use provost_wire::base64;
use provost_wire::methods::Methods;

const ROLES: [&str; 4] = ["none", "viewer", "operator", "admin"];

fn namespaces() -> Vec<(String, Interface)> {
    let whitelist = Vec::new();
    [
        ("supervisor", Interface::Main),
        ("twiddler", Interface::Twiddler { whitelist }),
        ("cache", Interface::Cache),
        ("laforge", Interface::Laforge),
    ]
    .map(|(name, interface)| (name.to_owned(), interface))
    .into()
}

/// A user for each role, with every program and called as the role, and one with some programs only.
fn users() -> AccessSpec {
    let user = |name: &str, role: &str, programs: &str| UserSpec {
        name: name.to_owned(),
        rights: Rights::of_role(role).unwrap(),
        scope: Scope::of(&[programs.to_owned()]),
        unix_user: None,
        unix_group: None,
        password: Some(Secret("p".to_owned())),
        password_file: None,
        token_file: None,
        tls_subject: None,
        tls_san: None,
    };
    let mut users: Vec<UserSpec> = ROLES.iter().map(|role| user(role, role, "*")).collect();
    users.push(user("some", "admin", "web:*"));
    users.push(UserSpec {
        rights: Rights::of(&[Verb::MainLog]),
        ..user("reader", "none", "*")
    });
    let audit = None;
    AccessSpec { users, audit }
}

fn rig() -> Rig {
    Rig::new(Plan {
        access: users(),
        namespaces: namespaces(),
        ..Plan::default()
    })
}

fn header(user: &str) -> String {
    proof(&format!("{user}:p"))
}

fn proof(text: &str) -> String {
    let basic = base64::encode(text.as_bytes());
    format!("Authorization: Basic {basic}\r\n")
}

/// Parameters that every method takes as far as it takes any.
fn params(method: &str, methods: &Methods) -> Vec<Value> {
    let signature = methods.find(method).unwrap().signature();
    let of_kind = |kind: &&str| match *kind {
        "int" | "integer" => Value::Int(0),
        "boolean" => Value::Bool(false),
        "array" => Value::Array(Vec::new()),
        "struct" => Value::Struct(vec![("command".to_owned(), Value::text("x"))]),
        _ => Value::text("1"),
    };
    signature.iter().skip(1).map(of_kind).collect()
}

fn asks(user: &str, method: &str, params: &[Value]) -> Vec<u8> {
    let body = xmlrpc::write_call(method, params);
    let mut request = format!(
        "POST /RPC2 HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n",
        header(user),
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    request
}

/// The code of a call's fault; 0 for none.
fn fault_of(rig: &Rig, user: &str, method: &str, params: &[Value]) -> i32 {
    let response = rig.ask(asks(user, method, params));
    assert_eq!(response.status, 200, "{user} {method}");
    match xmlrpc::read_response(&response.body).unwrap() {
        Ok(_) => 0,
        Err(fault) => fault.code,
    }
}

/// What the stand-in has heard since the last time, but the look whether supervisord stops.
fn heard(rig: &Rig) -> Vec<Heard> {
    let not_check = |heard: &Heard| *heard != Heard::Asked(Request::Check);
    rig.heard.try_iter().filter(not_check).collect()
}

#[test]
fn i33_every_method_is_refused_to_the_roles_without_its_verb_and_to_no_other() {
    let (rig, methods) = (rig(), Methods::new(namespaces()));
    for method in methods.list() {
        let verb = methods.find(&method).unwrap().verb;
        for role in ROLES {
            let fault = fault_of(&rig, role, &method, &params(&method, &methods));
            let allowed = Rights::of_role(role).unwrap().hold(verb);
            let denied = fault == FaultCode::NotPermitted.code();
            assert_eq!(denied, !allowed, "{method} as {role}: {fault}");
            let told = heard(&rig);
            assert!(allowed || told.is_empty(), "{method} as {role}: {told:?}");
        }
    }
}

/// A rig with few places: a quarter of the descriptors is for connections over TCP.
fn small_rig(script: Script, descriptors: usize) -> Rig {
    Rig::new(Plan {
        script,
        descriptors,
        access: users(),
        namespaces: namespaces(),
        ..Plan::default()
    })
}

#[test]
fn s27_waiting_calls_of_a_low_role_leave_places_to_others() {
    let script: Script = |request| match request {
        Request::GetIdentification => None,
        _ => calm(request),
    };
    let rig = small_rig(script, 128);
    let waits = |user: &str| {
        let mut stream = rig.tcp();
        stream
            .write_all(&asks(user, "supervisor.getIdentification", &[]))
            .unwrap();
        stream
    };
    // Half of 32 places.
    let mut waiting: Vec<TcpStream> = (0..16)
        .map(|_| {
            let stream = waits("viewer");
            rig.hears(&Heard::Asked(Request::GetIdentification));
            stream
        })
        .collect();
    let refused = read_response(&mut waits("viewer")).unwrap();
    assert_eq!(refused.status, 503);
    assert!(
        refused.text().contains("as many requests under way"),
        "{}",
        refused.text()
    );
    // Another one has what is left, but for an eighth.
    for _ in 0..12 {
        waiting.push(waits("operator"));
        rig.hears(&Heard::Asked(Request::GetIdentification));
    }
    assert_eq!(read_response(&mut waits("operator")).unwrap().status, 503);
    // There is still room, and who may do everything has all of it.
    for _ in 0..3 {
        waiting.push(waits("admin"));
        rig.hears(&Heard::Asked(Request::GetIdentification));
    }
    let admin = rig.ask(asks("admin", "supervisor.getState", &[]));
    assert_eq!(admin.status, 200);
    // What is done makes room.
    rig.kept.lock().unwrap().clear();
    for stream in &mut waiting {
        read_response(stream).unwrap();
    }
    let viewer = rig.ask(asks("viewer", "supervisor.getState", &[]));
    assert_eq!(viewer.status, 200);
}

#[test]
fn s27_logs_that_a_low_role_follows_leave_places_to_others() {
    let rig = small_rig(calm, 64);
    std::fs::write(rig.directory.join("main.log"), "line\n").unwrap();
    let follows = || {
        let mut stream = rig.tcp();
        let headers = header("reader");
        write!(stream, "GET /mainlogtail HTTP/1.1\r\n{headers}\r\n").unwrap();
        let head = read_head(&mut stream).unwrap();
        (stream, head)
    };
    let mut followers = Vec::new();
    for _ in 0..8 {
        let (stream, head) = follows();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        followers.push(stream);
    }
    let (_, head) = follows();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let admin = rig.ask(asks("admin", "supervisor.getState", &[]));
    assert_eq!(admin.status, 200);
    // A follower that leaves makes room.
    followers.pop();
    wait_until("one may follow again", || {
        let (_stream, head) = follows();
        head.starts_with("HTTP/1.1 200")
    });
}

#[test]
fn s27_bodies_of_a_low_role_leave_memory_to_others() {
    let rig = rig();
    let begins = |user: &str, bytes: usize| {
        let mut stream = rig.tcp();
        let headers = header(user);
        // Whoever may send the body is told so.
        write!(
            stream,
            "POST /RPC2 HTTP/1.1\r\n{headers}Expect: 100-continue\r\nContent-Length: {bytes}\r\n\r\n"
        )
        .unwrap();
        let head = read_head(&mut stream).unwrap();
        (stream, head)
    };
    let mut under_way = Vec::new();
    for _ in 0..4 {
        let (stream, head) = begins("viewer", 4 << 20);
        assert!(head.starts_with("HTTP/1.1 100"), "{head}");
        under_way.push(stream);
    }
    let (_, head) = begins("viewer", 100);
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    for user in ["operator", "admin"] {
        let (_, head) = begins(user, 4 << 20);
        assert!(head.starts_with("HTTP/1.1 100"), "{user}: {head}");
    }
    // One that leaves makes room.
    under_way.pop();
    wait_until("there is room again", || {
        let (_stream, head) = begins("viewer", 4 << 20);
        head.starts_with("HTTP/1.1 100")
    });
}

#[test]
fn s27_headers_of_a_low_role_leave_memory_to_others() {
    let script: Script = |request| match request {
        Request::GetIdentification => None,
        _ => calm(request),
    };
    let rig = small_rig(script, 1024);
    let asks = |user: &str, method: &str| {
        let text = String::from_utf8(asks(user, method, &[])).unwrap();
        let long = "x".repeat(15 * 1024);
        let mut stream = rig.tcp();
        let with = text.replacen("\r\n", &format!("\r\nX-Long: {long}\r\n"), 1);
        stream.write_all(with.as_bytes()).unwrap();
        stream
    };
    // 512 KiB have room for 33 of these and a little.
    let mut waiting: Vec<TcpStream> = (0..33)
        .map(|_| {
            let stream = asks("viewer", "supervisor.getIdentification");
            rig.hears(&Heard::Asked(Request::GetIdentification));
            stream
        })
        .collect();
    let refused = read_response(&mut asks("viewer", "supervisor.getState")).unwrap();
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("bytes"), "{}", refused.text());
    for user in ["operator", "admin"] {
        let answer = read_response(&mut asks(user, "supervisor.getState")).unwrap();
        assert_eq!(answer.status, 200, "{user}");
    }
    rig.kept.lock().unwrap().clear();
    for stream in &mut waiting {
        read_response(stream).unwrap();
    }
    let answer = read_response(&mut asks("viewer", "supervisor.getState")).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn s27_answers_that_a_low_role_does_not_read_leave_memory_to_others() {
    let rig = rig();
    // Six of these are more than 64 MiB, and none goes into a socket.
    std::fs::write(rig.directory.join("main.log"), vec![b'x'; 12 << 20]).unwrap();
    let reads = |user: &str| {
        let mut stream = rig.tcp();
        let call = asks(user, "supervisor.readLog", &[Value::Int(0), Value::Int(0)]);
        stream.write_all(&call).unwrap();
        let head = read_head(&mut stream).unwrap();
        (stream, head)
    };
    let mut unread = Vec::new();
    for _ in 0..5 {
        let (stream, head) = reads("reader");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        unread.push(stream);
    }
    let (_, head) = reads("reader");
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let small = rig.ask(asks("reader", "supervisor.getState", &[]));
    assert_eq!(small.status, 200, "short answers are not refused");
    let (_, head) = reads("admin");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    // What is read makes room, also while its connection lives on.
    let mut first = unread.remove(0);
    let mut body = vec![0; 12 << 20];
    first.read_exact(&mut body).unwrap();
    let mut rest = Vec::new();
    while !rest.ends_with(b"</methodResponse>") {
        let mut byte = [0];
        first.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    wait_until("there is room again", || {
        let (_stream, head) = reads("reader");
        head.starts_with("HTTP/1.1 200")
    });
}

#[test]
fn i33_calls_inside_a_multicall_are_refused_one_by_one() {
    let rig = rig();
    let call = |method: &str| {
        let params = (
            "params".to_owned(),
            Value::Array(vec![Value::text("web:a")]),
        );
        Value::Struct(vec![("methodName".to_owned(), Value::text(method)), params])
    };
    let calls = ["supervisor.stopProcess", "supervisor.getProcessInfo"].map(call);
    let fault = fault_of(
        &rig,
        "viewer",
        "system.multicall",
        &[Value::Array(calls.into())],
    );
    assert_eq!(fault, 0);
    let name = "web:a".to_owned();
    assert_eq!(
        heard(&rig),
        [Heard::Asked(Request::GetProcessInfo { name })]
    );
}

#[test]
fn i33_every_page_and_action_is_refused_to_the_roles_without_its_verb() {
    let rig = rig();
    for (path, verb) in [
        ("/", Verb::Status),
        ("/index.html", Verb::Status),
        ("/ok.html", Verb::Login),
        ("/stylesheets/supervisor.css", Verb::Login),
        ("/tail.html?processname=a", Verb::Logs),
        ("/logtail/a", Verb::Logs),
        ("/mainlogtail", Verb::MainLog),
        ("/?action=refresh", Verb::Status),
        ("/?action=stopall", Verb::Stop),
        ("/?action=restartall", Verb::Restart),
        ("/?action=start&processname=a", Verb::Start),
        ("/?action=stop&processname=a", Verb::Stop),
        ("/?action=restart&processname=a", Verb::Restart),
        ("/?action=clearlog&processname=a", Verb::ClearLog),
    ] {
        for role in ROLES {
            let response = rig.ask(format!("GET {path} HTTP/1.1\r\n{}\r\n", header(role)));
            let rights = Rights::of_role(role).unwrap();
            // Whoever acts on the status page must be able to see it.
            let allowed = rights.hold(verb) && (!path.contains('?') || rights.hold(Verb::Status));
            assert_eq!(
                response.status == 403,
                !allowed,
                "{path} as {role}: {response:?}"
            );
            let told = heard(&rig);
            assert!(allowed || told.is_empty(), "{path} as {role}: {told:?}");
        }
    }
}

#[test]
fn s03_without_a_proof_no_route_answers() {
    let rig = rig();
    for path in [
        "/",
        "/nope",
        "/ok.html",
        "/stylesheets/supervisor.css",
        "/tail.html",
        "/logtail/a",
        "/mainlogtail",
        "/RPC2",
    ] {
        for headers in [String::new(), header("nobody"), proof("admin:q")] {
            let response = rig.ask(format!("GET {path} HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(response.status, 401, "{path} {headers}");
        }
    }
    assert_eq!(heard(&rig), []);
}

#[test]
fn i33_a_caller_with_some_programs_asks_within_them() {
    let rig = rig();
    assert_eq!(
        fault_of(&rig, "some", "supervisor.stopAllProcesses", &[]),
        0
    );
    let told = heard(&rig);
    let is_within = |heard: &Heard| {
        matches!(heard, Heard::Asked(Request::Within { scope, request })
            if !scope.is_everything() && **request == Request::StopAllProcesses { wait: true })
    };
    assert!(told.len() == 1 && told.iter().all(is_within), "{told:?}");
    for method in [
        "supervisor.shutdown",
        "supervisor.clearLog",
        "supervisor.restart",
    ] {
        assert_eq!(fault_of(&rig, "some", method, &[]), 93, "{method}");
    }
    assert_eq!(heard(&rig), []);
}
