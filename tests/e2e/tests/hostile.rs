//! Clients and readers that mean harm: nobody else waits for them, and what runs does not notice.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use provost_e2e::{
    Answer, CREDENTIALS, PATIENCE, Place, Rpc, Side, Start, Target, Value, Victim, descriptors,
    encode_call, free_port, run, send_signal, wait_until,
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

/// Clients that are at work, each with a log of its own open, take what they can get. The last descriptors are not theirs:
/// children start, logs rotate and an operator is heard.
#[test]
fn f13_the_last_descriptors_are_for_spawns_rotations_and_an_operator() {
    const LIMIT: usize = 128;
    let port = free_port();
    let config = format!(
        "minfds={LIMIT}\n[inet_http_server]\nport=127.0.0.1:{port}\n\
         [program:p]\ncommand=/bin/cat\nnumprocs=6\nprocess_name=p%(process_num)d\nstartsecs=0\n\
         [program:n]\ncommand=/bin/sh -c 'while read x; do echo $x; done'\nstartsecs=0\n\
         stdout_logfile=%(here)s/n.log\nstdout_logfile_maxbytes=100\nstdout_logfile_backups=2\n"
    );
    let limit = format!("--nofile={LIMIT}:{LIMIT}");
    let daemon = Start::new(Side::Ours, &config)
        .under(&["prlimit", &limit])
        .start();
    daemon.wait_state("n", "RUNNING");
    let request = b"GET /logtail/n HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (mut tcp, mut unix) = (Vec::new(), Vec::new());
    let scarce = "Too many open files";
    for _ in 0..LIMIT {
        if daemon.main_log().contains(scarce) {
            break;
        }
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        client.write_all(request).ok();
        tcp.push(client);
        // Some are not told before they ask.
        if tcp.len() % 3 == 0 {
            let mut client = UnixStream::connect(daemon.socket()).expect("a connection");
            client.write_all(request).ok();
            unix.push(client);
        }
    }
    daemon.wait_log(scarce);
    // Those who are just being turned away are gone in a moment.
    wait_until(PATIENCE, "the last descriptors to be free", || {
        (LIMIT - 32..=LIMIT - 23).contains(&descriptors(daemon.pid()))
    });

    let old = daemon.rpc().pid("p:p0");
    send_signal(old, Signal::KILL);
    wait_until(PATIENCE, "the killed program to be started again", || {
        let now = daemon.rpc().pid("p:p0");
        now != old && now != 0
    });
    let line = "x".repeat(70);
    for _ in 0..4 {
        let sent = daemon.ctl(Side::Ours, &["status", "n"]);
        assert!(sent.stdout.contains("RUNNING"), "{sent:?}");
        let sent = [Value::from("n"), Value::from(format!("{line}\n").as_str())];
        daemon
            .rpc()
            .call("supervisor.sendProcessStdin", &sent)
            .value();
    }
    daemon.wait_file("n.log.1", &line);
    let restarted = daemon.ctl(Side::Ours, &["restart", "p:p1"]);
    assert_eq!(restarted.stdout, "p:p1: stopped\np:p1: started\n");
    assert!(!daemon.main_log().contains("could not rotate"));
    drop((tcp, unix));
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
