//! Many streams at once.

use provost_e2e::{Daemon, EventStream, PATIENCE, Side, Start, Target, Told, free_port, threads};

const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
startsecs=0
autostart=false
";

/// As many as pages in a large house.
const MANY: usize = 200;

fn is_running(told: &Told) -> bool {
    told.name == "process" && told.data["state"] == "RUNNING"
}

/// Streams that all hear of a change, while requests are answered as always.
fn all_hear(daemon: &Daemon, target: &Target, login: &str) {
    let open = || {
        let mut stream = EventStream::open(target, "/api/v1/events", login);
        assert_eq!(stream.next(PATIENCE).expect("an event").name, "snapshot");
        stream
    };
    let mut streams = vec![open()];
    let before = threads(daemon.pid()).len();
    streams.extend((1..MANY).map(|_| open()));
    for _ in 0..70 {
        assert_eq!(target.get("/api/v1/processes", login).status(), 200);
    }
    let started = Target::of(daemon).act("/api/v1/processes/cat/cat/start", "", "");
    assert_eq!(started.status(), 200, "{}", started.text());
    for stream in &mut streams {
        stream.until("RUNNING", is_running);
    }
    assert_eq!(
        threads(daemon.pid()).len(),
        before,
        "no thread for a stream"
    );
}

#[test]
fn two_hundred_streams_of_one_address_and_login_hear_of_a_change() {
    let port = free_port();
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n[user:root]\nrole=admin\nunix_user=root\n\
         [user:viewer]\nrole=viewer\npassword=v\n{PROGRAMS}"
    );
    let daemon = Start::new(Side::Ours, &config).start();
    let login = "Authorization: Basic dmlld2VyOnY=\r\n";
    all_hear(&daemon, &Target::Port(port), login);
}

#[test]
fn two_hundred_streams_over_the_unix_socket_hear_of_a_change() {
    let daemon = Start::new(Side::Ours, PROGRAMS).start();
    all_hear(&daemon, &Target::of(&daemon), "");
}
