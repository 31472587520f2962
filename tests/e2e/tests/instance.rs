//! A second start says who is there already, and changes nothing.

use std::process::{Command, Stdio};
use std::thread;

use provost_e2e::{Daemon, Finished, PATIENCE, Place, Side, Start, free_port, run, wait_until};

/// A program with AUTO logs, which a start that gets that far cleans away.
const PROGRAM: &str = "[program:p]\ncommand=/bin/sh -c 'echo first; exec cat'\n";

/// What one start must not change about another.
struct Before {
    files: Vec<String>,
    main_log: String,
    pid_file: String,
    program: u32,
}

impl Before {
    fn of(daemon: &Daemon) -> Self {
        Self {
            files: daemon.place().list("."),
            main_log: daemon.main_log(),
            pid_file: daemon.place().read("s.pid"),
            program: daemon.rpc().pid("p"),
        }
    }

    fn assert_unchanged(&self, daemon: &mut Daemon) {
        assert!(daemon.ended().is_none(), "the first one has ended");
        assert_eq!(daemon.place().list("."), self.files);
        assert_eq!(daemon.main_log(), self.main_log);
        assert_eq!(daemon.place().read("s.pid"), self.pid_file);
        assert_eq!(daemon.rpc().pid("p"), self.program);
        let autos = daemon.place().list(".");
        let auto = autos
            .iter()
            .find(|name| name.starts_with("p-stdout---supervisor-"));
        assert_eq!(
            daemon.place().read(auto.expect("the AUTO log is there")),
            "first\n"
        );
    }
}

/// The first one, with its program settled.
fn first(config: &str) -> Daemon {
    let daemon = Start::new(Side::Ours, &format!("{config}{PROGRAM}")).start();
    daemon.wait_state("p", "RUNNING");
    // The log is written a moment after clients are told.
    daemon.wait_log("success: p entered RUNNING state");
    wait_until(PATIENCE, "the program's line in its log", || {
        let files = daemon.place().list(".");
        files
            .iter()
            .any(|name| name.starts_with("p-stdout") && !daemon.place().read(name).is_empty())
    });
    daemon
}

/// A start in a directory of its own: its child logs would go to the first one's.
fn second(place: &Place, daemon: &Daemon, sections: &str) -> Finished {
    let here = daemon.place().text();
    let config = place.write(
        "second.conf",
        format!(
            "{sections}\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n{PROGRAM}"
        )
        .replace("@first@", here),
    );
    run(Command::new(Side::Ours.command("supervisord"))
        .args(["-n", "-c"])
        .arg(config)
        .current_dir(place.path()))
}

fn assert_refused(second: &Finished, daemon: &Daemon, place: &Place, files: &[&str]) {
    let holder = format!("pid {}", daemon.pid());
    assert_eq!(second.code, Some(2), "{}{}", second.stdout, second.stderr);
    assert!(second.stderr.starts_with("Error: "), "{}", second.stderr);
    assert!(
        second.stderr.contains(&holder),
        "no {holder:?} in: {}",
        second.stderr
    );
    assert_eq!(place.list("."), files, "the refused start left files");
}

#[test]
fn the_same_socket_and_another_pid_file() {
    let mut daemon = first("");
    let before = Before::of(&daemon);
    let place = Place::new();
    let refused = second(
        &place,
        &daemon,
        "[unix_http_server]\nfile=@first@/s.sock\n[supervisord]\nlogfile=%(here)s/other.log\n\
         pidfile=%(here)s/other.pid\nchildlogdir=@first@",
    );
    assert_refused(&refused, &daemon, &place, &["second.conf"]);
    assert!(refused.stderr.contains("s.sock"), "{}", refused.stderr);
    before.assert_unchanged(&mut daemon);
}

#[test]
fn f07_the_same_pid_file_and_another_socket() {
    let mut daemon = first("");
    let before = Before::of(&daemon);
    let place = Place::new();
    let refused = second(
        &place,
        &daemon,
        "[unix_http_server]\nfile=%(here)s/other.sock\n[supervisord]\nlogfile=%(here)s/other.log\n\
         pidfile=@first@/s.pid\nchildlogdir=@first@",
    );
    assert_refused(&refused, &daemon, &place, &["second.conf"]);
    assert!(refused.stderr.contains("s.pid"), "{}", refused.stderr);
    before.assert_unchanged(&mut daemon);
}

#[test]
fn the_same_log_file_is_not_written_by_a_refused_start() {
    let mut daemon = first("");
    let before = Before::of(&daemon);
    let place = Place::new();
    let refused = second(
        &place,
        &daemon,
        "[unix_http_server]\nfile=@first@/s.sock\n[supervisord]\nlogfile=@first@/main.log\n\
         pidfile=@first@/s.pid\nchildlogdir=@first@",
    );
    assert_refused(&refused, &daemon, &place, &["second.conf"]);
    before.assert_unchanged(&mut daemon);
}

#[test]
fn the_same_port_is_refused_and_the_unix_socket_opened_before_is_taken_away() {
    let port = free_port();
    let inet = format!("[inet_http_server]\nport=127.0.0.1:{port}\n");
    let mut daemon = first(&inet);
    let before = Before::of(&daemon);
    let place = Place::new();
    let refused = second(
        &place,
        &daemon,
        &format!(
            "{inet}[unix_http_server]\nfile=%(here)s/other.sock\n[supervisord]\nlogfile=%(here)s/other.log\n\
             pidfile=%(here)s/other.pid\nchildlogdir=@first@"
        ),
    );
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&port.to_string()),
        "{}",
        refused.stderr
    );
    assert_eq!(place.list("."), ["second.conf"]);
    before.assert_unchanged(&mut daemon);
}

#[test]
fn of_ten_starts_at_once_one_wins() {
    let place = Place::new();
    let config = place.write(
        "supervisord.conf",
        "[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
    );
    let program = Side::Ours.command("supervisord");
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let mut command = Command::new(&program);
            // In the background: the command of the winner returns, too.
            command.arg("-c").arg(&config).stdin(Stdio::null());
            thread::spawn(move || run(&mut command))
        })
        .collect();
    let ends: Vec<Finished> = starts
        .into_iter()
        .map(|start| start.join().expect("the thread does not panic"))
        .collect();
    let pid: u32 = place
        .read("s.pid")
        .trim()
        .parse()
        .expect("a pid in the pid file");
    let answer = run(Command::new(Side::Ours.command("supervisorctl")).args([
        "-s",
        &format!("unix://{}", place.join("s.sock").display()),
        "pid",
    ]));
    // The log is written a moment after clients are answered.
    wait_until(PATIENCE, "the line of the winner", || {
        place
            .read("main.log")
            .contains("supervisord started with pid")
    });
    provost_e2e::kill_tree(pid);
    let codes: Vec<_> = ends.iter().map(|end| end.code).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == Some(0)).count(),
        1,
        "{ends:#?}"
    );
    assert_eq!(
        codes.iter().filter(|code| **code == Some(2)).count(),
        9,
        "{ends:#?}"
    );
    assert_eq!(answer.stdout, format!("{pid}\n"));
    assert_eq!(
        place
            .read("main.log")
            .matches("supervisord started with pid")
            .count(),
        1
    );
}
