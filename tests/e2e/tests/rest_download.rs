//! Whole logs as files: every byte as it is, however large, for whoever may read them, and little memory for it.

use std::io::Read as _;
use std::path::PathBuf;

use provost_e2e::{
    Daemon, Outcome, PATIENCE, Side, Start, Stream, Target, free_port, own_bytes, read_answer,
    wait_until,
};

const BIG: usize = 50_000_000;

const PROGRAMS: &str = "\
[program:big]
command=/bin/sh -c 'head -c 50000000 /dev/urandom; exec sleep 100000'
startsecs=0
stdout_logfile=%(here)s/big.log
stdout_logfile_maxbytes=0
[program:both]
command=/bin/sh -c 'printf \"\\377\\000\\r\\nout\"; printf \"err\\200\" >&2; exec sleep 100000'
startsecs=0
stdout_logfile=%(here)s/both.log
stderr_logfile=%(here)s/both.err
[program:never]
command=/bin/cat
autostart=false
stdout_logfile=%(here)s/never.log
";

fn daemon(more: &str) -> Daemon {
    let daemon = Start::new(Side::Ours, &format!("{PROGRAMS}{more}")).start();
    wait_until(PATIENCE, "all of the large log", || {
        std::fs::metadata(file(&daemon, "big.log"))
            .is_ok_and(|found| usize::try_from(found.len()) == Ok(BIG))
    });
    daemon
}

fn file(daemon: &Daemon, name: &str) -> PathBuf {
    daemon.config().with_file_name(name)
}

fn path(name: &str) -> String {
    format!("/api/v1/processes/{name}/{name}/log/file")
}

/// How many descriptors of a process are of a file of this name, which may be gone.
fn opened_by(pid: u32, name: &str) -> usize {
    let found = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let targets = found
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets
        .filter(|target| {
            let target = target.to_string_lossy();
            target.trim_end_matches(" (deleted)").ends_with(name)
        })
        .count()
}

/// A connection on which a log was asked for, of which nothing has been read.
fn ask(target: &Target, path: &str) -> Box<dyn Stream> {
    let mut stream = target.connect().expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it listens");
    stream
}

#[test]
fn a_log_comes_byte_by_byte_under_its_name() {
    let daemon = daemon("");
    let target = Target::of(&daemon);
    wait_until(PATIENCE, "both logs", || {
        target.get(&path("both"), "").body.len() == 7
            && target
                .get(&format!("{}?stream=stderr", path("both")), "")
                .body
                .len()
                == 4
    });
    let out = target.get(&path("both"), "");
    assert_eq!(out.body, b"\xff\0\r\nout");
    assert_eq!(out.header("content-type"), Some("application/octet-stream"));
    assert_eq!(out.header("content-length"), Some("7"));
    assert_eq!(out.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        out.header("content-disposition"),
        Some("attachment; filename=\"both-stdout.log\"; filename*=UTF-8''both-stdout.log")
    );
    let err = target.get(&format!("{}?stream=stderr", path("both")), "");
    assert_eq!(err.body, b"err\x80");
    let main = target.get("/api/v1/log/file", "");
    assert!(
        main.text().contains("supervisord started with pid"),
        "{main:?}"
    );
    let name = main.header("content-disposition").expect("a name");
    assert!(name.contains("supervisord.log"), "{name}");
    // Nothing but the head for who asks for no more, and no file is no answer.
    let head = target.call("HEAD", &path("big"), "Connection: close\r\n", "");
    assert_eq!(head.header("content-length"), Some("50000000"));
    assert!(head.body.is_empty());
    let none = target.get(&path("never"), "");
    assert_eq!(
        (none.status(), none.json()["error"]["code"].as_str()),
        (404, Some("NO_FILE"))
    );
}

#[test]
fn a_large_log_costs_little_and_holds_nobody_up() {
    let daemon = daemon("");
    let target = Target::of(&daemon);
    let mut slow: Vec<_> = (0..20).map(|_| ask(&target, &path("big"))).collect();
    let mut quick = ask(&target, &path("big"));
    let answer = read_answer(&mut *quick).expect("an answer");
    let kept = std::fs::read(file(&daemon, "big.log")).expect("the log");
    assert_eq!(answer.body.len(), BIG);
    assert!(answer.body == kept, "the bytes differ");
    assert!(own_bytes(daemon.pid()) < 24 << 20);
    let state = daemon.rpc().call("supervisor.getState", &[]);
    assert!(matches!(state, Outcome::Value(_)), "{state:?}");
    // Who is slow gets all of it, too.
    let last = read_answer(&mut *slow[0]).expect("an answer");
    assert!(last.body == kept, "the bytes differ");
    // The connection of the quick one goes on.
    quick
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("it is open");
    assert_eq!(read_answer(&mut *quick).expect("an answer").text(), "ok\n");
}

#[test]
fn clearing_a_log_takes_nothing_from_who_is_getting_it() {
    let daemon = daemon("");
    let target = Target::of(&daemon);
    let kept = std::fs::read(file(&daemon, "big.log")).expect("the log");
    let mut stream = ask(&target, &path("big"));
    wait_until(PATIENCE, "the log to be read", || {
        opened_by(daemon.pid(), "big.log") > 1
    });
    let cleared = target.act("/api/v1/processes/big/big/clearlog", "", "");
    assert_eq!(cleared.status(), 200);
    let answer = read_answer(&mut *stream).expect("an answer");
    assert!(answer.body == kept, "the bytes differ");
    // The file that is gone is let go of.
    wait_until(PATIENCE, "the old file to be closed", || {
        opened_by(daemon.pid(), "big.log") == 1
    });
}

#[test]
fn a_log_that_became_shorter_is_seen_to_be_cut_off() {
    let daemon = daemon("");
    let mut stream = ask(&Target::of(&daemon), &path("big"));
    let mut first = [0; 1024];
    stream.read_exact(&mut first).expect("it begins");
    let log = std::fs::File::options()
        .write(true)
        .open(file(&daemon, "big.log"));
    log.and_then(|log| log.set_len(0)).expect("it is there");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("it is closed");
    assert!(rest.len() < BIG / 2, "{} bytes came", rest.len());
    let state = daemon.rpc().call("supervisor.getState", &[]);
    assert!(matches!(state, Outcome::Value(_)), "{state:?}");
}

#[test]
fn an_upgrade_cuts_it_off_and_nothing_else() {
    let daemon = daemon("");
    let target = Target::of(&daemon);
    let mut stream = ask(&target, &path("big"));
    let mut first = [0; 1024];
    stream.read_exact(&mut first).expect("it begins");
    daemon.upgrade();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("it is closed");
    assert!(rest.len() < BIG / 2, "{} bytes came", rest.len());
    let again = read_answer(&mut *ask(&target, &path("big"))).expect("an answer");
    assert_eq!(again.body.len(), BIG);
}

#[test]
fn logs_are_kept_by_those_who_may_read_them() {
    const READER: &str = "Authorization: Basic cmVhZGVyOnI=\r\n";
    const VIEWER: &str = "Authorization: Basic dmlld2VyOnY=\r\n";
    let port = free_port();
    let users = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n[user:root]\nrole=admin\nunix_user=root\n\
         [role:reader]\nallow=status,logs\n[user:reader]\nrole=reader\nprograms=both\npassword=r\n\
         [user:viewer]\nrole=viewer\npassword=v\n"
    );
    let _daemon = daemon(&users);
    let target = Target::Port(port);
    let foreign = format!("{READER}Origin: http://evil.example\r\n");
    for (path, headers, status) in [
        (path("both"), "", 401),
        (path("both"), VIEWER, 403),
        (path("both"), foreign.as_str(), 403),
        (path("both"), READER, 200),
        (path("big"), READER, 404),
        ("/api/v1/log/file".to_owned(), READER, 403),
        ("/api/v1/log/file".to_owned(), VIEWER, 403),
    ] {
        let answer = target.get(&path, headers);
        assert_eq!(answer.status(), status, "{path} {headers}");
    }
}
