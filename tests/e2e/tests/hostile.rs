//! Clients and readers that mean harm: nobody else waits for them, and what runs does not notice.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use provost_e2e::{
    Answer, CREDENTIALS, PATIENCE, Place, Rpc, Side, Start, Target, Victim, encode_call, free_port,
    run, send_signal, wait_until,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

#[test]
fn s03_wrong_credentials_get_nothing_from_any_route() {
    let victim = Victim::with_password();
    let targets = [victim.tcp(), Target::Unix(victim.daemon().socket())];
    let wrong = [
        "",
        "Authorization: Basic dTp4\r\n",
        "Authorization: Basic eDpw\r\n",
        "Authorization: Basic dTpwIA==\r\n",
        "Authorization: Basic dQ==\r\n",
        "Authorization: Basic ???\r\n",
        "Authorization: Bearer dTpw\r\n",
        "Authorization: \r\n",
    ];
    let routes = [
        "/",
        "/index.html",
        "/nope",
        "/RPC2",
        "/logtail/p",
        "/mainlogtail",
        "/ok.html",
    ];
    for target in &targets {
        for headers in wrong {
            let call = encode_call("supervisor.shutdown", &[]);
            let answer = target.post(&call, headers).expect("an answer");
            assert_unauthorized(&answer, headers);
        }
        for route in routes {
            // Without a password: who sends wrong ones again and again waits.
            let request = format!("GET {route} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let answer = target.exchange(request.as_bytes()).expect("an answer");
            assert_unauthorized(&answer, route);
        }
        let known = Rpc::new(target.clone()).with_headers(CREDENTIALS);
        assert_eq!(known.state("p"), "RUNNING");
    }
    for options in [&[][..], &["-u", "u", "-p", "x"], &["-u", "x", "-p", "p"]] {
        let refused = victim
            .daemon()
            .ctl(Side::Ours, &[options, &["stop", "p"]].concat());
        assert_eq!(refused.stdout, "Server requires authentication\n");
        assert_eq!(refused.code, Some(1));
    }
    victim.assert_well(&["-u", "u", "-p", "p"]);
}

fn assert_unauthorized(answer: &Answer, what: &str) {
    assert_eq!(answer.status(), 401, "{what}: {answer:?}");
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Basic realm=\"default\"")
    );
    assert!(
        answer.text().contains("Error code 401."),
        "{}",
        answer.text()
    );
}

/// Each says how it begins, and then nothing more. The daemon may have as many descriptors as most systems allow.
#[test]
fn f13_f49_f57_eleven_hundred_half_open_connections_hold_nobody_up() {
    const CONNECTIONS: usize = 1_100;
    let limit = Rlimit {
        current: Some(4096),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("4096 descriptors are allowed");
    let port = free_port();
    let config =
        format!("[inet_http_server]\nport=127.0.0.1:{port}\n[program:p]\ncommand=/bin/cat\n");
    let start = Start::new(Side::Ours, &config).under(&["prlimit", "--nofile=1024:1024"]);
    let mut victim = Victim::of(start.start(), port, "");

    let half_open: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            let beginning: &[u8] = match number % 3 {
                0 => b"",
                1 => b"POST /RPC2 HTTP/1.1\r\nHost: loc",
                _ => b"G",
            };
            // Whoever came early may have been sent away already.
            stream.write_all(beginning).ok();
            stream
        })
        .collect();
    let unix: Vec<UnixStream> = (0..100)
        .filter_map(|_| UnixStream::connect(victim.daemon().socket()).ok())
        .collect();
    victim.assert_well(&[]);

    let old = victim.program();
    send_signal(old, Signal::KILL);
    wait_until(PATIENCE, "the killed program to be started again", || {
        let rpc = victim.daemon().rpc();
        let now = rpc.pid("p");
        now != old && rpc.state("p") == "RUNNING"
    });
    victim.look_again();
    victim.assert_well(&[]);
    assert_eq!(half_open.len(), CONNECTIONS);
    drop((half_open, unix));
    victim.assert_well(&[]);
}

/// A log that nobody reads holds back only the program that writes there, and only until somebody does.
#[test]
fn f23_a_fifo_without_reader_holds_up_nobody() {
    let start = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/cat\n\
         [program:deaf]\ncommand=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo line $i; done'\n\
         stdout_logfile=%(here)s/fifo\nstdout_logfile_maxbytes=0\n\
         [program:quiet]\ncommand=/bin/sh -c 'echo to be read; exec cat'\n\
         stdout_logfile=%(here)s/second\nstdout_logfile_maxbytes=0\n",
    );
    let place = Place::new();
    for name in ["fifo", "second"] {
        make_fifo(&place, name);
    }
    let mut daemon = start.launch_in(place);
    daemon.wait_ready();
    for name in ["p", "deaf", "quiet"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon.wait_log("fifo takes no output, its reader does not keep up; whoever logs there waits");
    let status = daemon.ctl(Side::Ours, &["status"]);
    assert_eq!(
        status.stdout.matches("RUNNING").count(),
        3,
        "{}",
        status.stdout
    );
    let restart = daemon.ctl(Side::Ours, &["restart", "deaf", "p"]);
    assert_eq!(restart.code, Some(0), "{}", restart.stdout);

    let mut reader = Command::new("head");
    let read = run(reader.args(["-n", "1"]).arg(daemon.place().join("second")));
    assert_eq!(read.stdout, "to be read\n");

    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

fn make_fifo(place: &Place, name: &str) {
    let made = run(Command::new("mkfifo").arg(place.join(name)));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}
