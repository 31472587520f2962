//! Shared sockets that cannot be opened: who is told what, and what goes on.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};

use provost_e2e::{
    Daemon, Outcome, PATIENCE, Place, Side, Start, children, free_port, kill_tree, mounting,
    wait_for, wait_until,
};
use rustix::process::Signal;

/// A `FastCGI` program at this socket.
fn program(name: &str, socket: &str, keys: &str) -> String {
    format!(
        "[fcgi-program:{name}]\ncommand=/bin/sleep 1000\nsocket={socket}\nstartsecs=0\n{keys}\n"
    )
}

const OTHER: &str = "[program:other]\ncommand=/bin/cat\nstartsecs=0\n";

fn spawnerr(daemon: &Daemon, name: &str) -> String {
    let info = daemon.rpc().info(name).expect("it answers");
    info.get("spawnerr").expect("a member").text().to_owned()
}

#[test]
fn a_start_is_refused_in_two_lines() {
    let mut daemon = Start::new(
        Side::Ours,
        &program("f", "unix://%(here)s/nowhere/f.sock", ""),
    )
    .launch();
    assert_eq!(daemon.wait_end(), Some(2));
    let told = daemon.place().read("daemon.err");
    let mut lines = told.lines();
    let first = format!(
        "Error: Could not create FastCGI socket unix://{}/nowhere/f.sock: bind failed: ENOENT (No such file or directory)",
        daemon.place().text()
    );
    assert_eq!(lines.next(), Some(first.as_str()));
    let second = lines.next().unwrap_or_default();
    assert!(second.starts_with("For help, use "), "{told}");
    assert!(told.contains("[fcgi-program:f]"), "{told}");
    assert!(!daemon.place().join("s.pid").exists() && !daemon.socket().exists());
}

#[test]
fn a_socket_that_cannot_be_opened_is_tried_again() {
    let keys = "autostart=false\nstartretries=100";
    let config = format!(
        "{}{OTHER}",
        program("f", "unix://%(here)s/run/f.sock", keys)
    );
    let place = Place::new();
    fs::create_dir(place.join("run")).unwrap();
    let mut daemon = Start::new(Side::Ours, &config).launch_in(place);
    daemon.wait_ready();
    fs::remove_dir_all(daemon.place().join("run")).unwrap();
    let started = daemon.rpc().call("supervisor.startProcess", &["f".into()]);
    assert_eq!(started, Outcome::Fault(50, "SPAWN_ERROR: f".to_owned()));
    let url = format!("unix://{}/run/f.sock", daemon.place().text());
    let problem = format!(
        "Could not create FastCGI socket {url}: bind failed: ENOENT (No such file or directory)"
    );
    assert_eq!(spawnerr(&daemon, "f"), problem);
    daemon.wait_log(&format!("spawnerr: {problem}"));
    let log = daemon.main_log();
    let since = log.find("supervisord started").unwrap();
    assert!(
        !log[since..].contains("Closing"),
        "it was never open: {log}"
    );
    daemon.wait_state("other", "RUNNING");
    fs::create_dir(daemon.place().join("run")).unwrap();
    daemon.wait_state("f", "RUNNING");
    UnixStream::connect(daemon.place().join("run/f.sock")).unwrap();
}

#[test]
fn a_group_whose_socket_cannot_be_opened_does_not_come_into_service() {
    let daemon = Start::new(Side::Ours, OTHER).start();
    daemon.wait_state("other", "RUNNING");
    let pid = daemon.rpc().pid("other");
    let file = daemon.place().read("supervisord.conf");
    let more = program("f", "unix://%(here)s/run/f.sock", "");
    daemon
        .place()
        .write("supervisord.conf", format!("{file}{more}"));
    let update = daemon.ctl(Side::Ours, &["update"]);
    let told = format!("{}{}", update.stdout, update.stderr);
    assert_eq!(update.code, Some(1), "{told}");
    let problem = format!(
        "FAILED: Could not create FastCGI socket unix://{}/run/f.sock: bind failed: ENOENT (No such file or directory)",
        daemon.place().text()
    );
    assert!(told.contains(&problem), "{told}");
    let add = || {
        daemon
            .rpc()
            .call("supervisor.addProcessGroup", &["f".into()])
    };
    assert_eq!(add(), Outcome::Fault(30, problem));
    assert_eq!(daemon.rpc().info("f"), None);
    assert_eq!(daemon.rpc().pid("other"), pid);
    fs::create_dir(daemon.place().join("run")).unwrap();
    assert_eq!(add(), Outcome::Value(true.into()));
    daemon.wait_state("f", "RUNNING");
}

#[test]
fn a_socket_that_another_process_listens_at_is_left_alone() {
    let place = Place::new();
    let path = place.join("f.sock");
    let theirs = UnixListener::bind(&path).unwrap();
    let mut daemon =
        Start::new(Side::Ours, &program("f", "unix://%(here)s/f.sock", "")).launch_in(place);
    assert_eq!(daemon.wait_end(), Some(2));
    let told = daemon.place().read("daemon.err");
    let who = format!(
        "EADDRINUSE, another process with pid {} listens there",
        std::process::id()
    );
    assert!(told.contains(&who), "{told}");
    UnixStream::connect(&path).unwrap();
    theirs.accept().unwrap();
}

#[test]
fn a_port_that_is_taken_is_told_with_its_number() {
    let theirs = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = theirs.local_addr().unwrap().port();
    let socket = format!("tcp://localhost:{port}");
    let mut daemon = Start::new(Side::Ours, &program("f", &socket, "")).launch();
    assert_eq!(daemon.wait_end(), Some(2));
    let told = daemon.place().read("daemon.err");
    let problem = format!("Could not create FastCGI socket {socket}: EADDRINUSE");
    assert!(told.contains(&problem), "{told}");
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let place = Place::new();
    let path = place.write("f.sock", "data");
    let mut daemon =
        Start::new(Side::Ours, &program("f", "unix://%(here)s/f.sock", "")).launch_in(place);
    assert_eq!(daemon.wait_end(), Some(2));
    assert!(daemon.place().read("daemon.err").contains("EEXIST"));
    assert_eq!(fs::read_to_string(path).unwrap(), "data");
}

#[test]
fn a_second_program_at_the_same_address_does_not_take_it_from_the_first() {
    let socket = "unix://%(here)s/f.sock";
    let config = format!(
        "{}{}",
        program("a", socket, "priority=1"),
        program("b", socket, "autostart=false\nstartretries=0")
    );
    let daemon = Start::new(Side::Ours, &config).start();
    daemon.wait_log("[fcgi-program:a] and [fcgi-program:b] have the same socket");
    daemon.wait_state("a", "RUNNING");
    let started = daemon.rpc().call("supervisor.startProcess", &["b".into()]);
    assert!(matches!(started, Outcome::Fault(50, _)), "{started}");
    let problem = "EADDRINUSE, it is the socket of [fcgi-program:a]";
    assert!(spawnerr(&daemon, "b").ends_with(problem));
    UnixStream::connect(daemon.place().join("f.sock")).unwrap();
    daemon
        .rpc()
        .call("supervisor.stopProcess", &["a".into()])
        .value();
    daemon
        .rpc()
        .call("supervisor.startProcess", &["b".into()])
        .value();
}

#[test]
fn what_a_killed_daemon_left_behind_is_replaced() {
    let config = program("f", "unix://%(here)s/f.sock", "");
    let mut daemon = Start::new(Side::Ours, &config).start();
    daemon.wait_state("f", "RUNNING");
    let orphans = children(daemon.pid());
    assert_eq!(orphans.len(), 1);
    daemon.signal(Signal::KILL);
    daemon.wait_end();
    let path = daemon.place().join("f.sock");
    // The child has inherited the socket, so that the path still leads to somebody.
    UnixStream::connect(&path).unwrap();
    let socket = format!("unix://{}", path.display());
    let next = Start::new(Side::Ours, &program("f", &socket, "")).start();
    next.wait_state("f", "RUNNING");
    let before = fs::read_link(format!("/proc/{}/fd/0", orphans[0])).unwrap();
    let after = fs::read_link(format!("/proc/{}/fd/0", next.rpc().pid("f"))).unwrap();
    assert_ne!(before, after);
    kill_tree(orphans[0]);
    UnixStream::connect(&path).unwrap();
}

/// A child of the program that outlives it keeps the socket; the path goes to the next run nevertheless.
#[test]
fn what_a_child_of_the_program_still_holds_is_replaced() {
    let config = "[fcgi-program:f]\ncommand=/bin/sh -c 'exec 3<&0; sleep 1000 & echo $! > left; exec sleep 1000'\n\
                  socket=unix://%(here)s/f.sock\ndirectory=%(here)s\nstartsecs=0\n";
    let daemon = Start::new(Side::Ours, config).start();
    daemon.wait_state("f", "RUNNING");
    let left: u32 = wait_for(PATIENCE, "the pid of the child", || {
        daemon.place().read("left").trim().parse().ok()
    });
    let rpc = daemon.rpc();
    rpc.call("supervisor.stopProcess", &["f".into()]).value();
    UnixStream::connect(daemon.place().join("f.sock")).unwrap();
    rpc.call("supervisor.startProcess", &["f".into()]).value();
    wait_until(PATIENCE, "another child", || {
        let next = daemon.place().read("left");
        !next.trim().is_empty() && next.trim() != left.to_string()
    });
    kill_tree(left);
    UnixStream::connect(daemon.place().join("f.sock")).unwrap();
}

#[test]
fn a_reload_goes_on_without_a_socket_that_cannot_be_opened_any_more() {
    let config = format!(
        "{}{OTHER}",
        program("f", "unix://%(here)s/run/f.sock", "startretries=100")
    );
    let place = Place::new();
    fs::create_dir(place.join("run")).unwrap();
    let mut daemon = Start::new(Side::Ours, &config).launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("f", "RUNNING");
    fs::remove_dir_all(daemon.place().join("run")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_log_times("supervisord started", 2);
    daemon.wait_state("other", "RUNNING");
    daemon.wait_log("CRIT Could not create FastCGI socket");
    daemon.wait_log("spawnerr: Could not create FastCGI socket");
    fs::create_dir(daemon.place().join("run")).unwrap();
    daemon.wait_state("f", "RUNNING");
    assert!(daemon.ended().is_none());
}

/// An address of the loopback interface that no other run of this test has.
fn own_address() -> Ipv4Addr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 9, high, low)
}

#[test]
fn a_host_that_is_asked_for_in_vain_holds_up_nobody() {
    let silent = UdpSocket::bind((own_address(), 53)).expect("port 53 can be bound by root");
    let address = silent.local_addr().unwrap().ip();
    let place = Place::new();
    place.write("hosts", "127.0.0.1 localhost fcgi-host\n");
    place.write(
        "resolv.conf",
        format!("nameserver {address}\noptions timeout:30 attempts:1\n"),
    );
    let mounts = "mount --bind hosts /etc/hosts; mount --bind resolv.conf /etc/resolv.conf";
    let config = format!(
        "{}{OTHER}",
        program(
            "f",
            &format!("tcp://fcgi-host:{}", free_port()),
            "autostart=false\nstartretries=0"
        )
    );
    let mut daemon = Start::new(Side::Ours, &config)
        .under(&mounting(mounts))
        .launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("other", "RUNNING");
    // From now on the name has to be asked for, and nobody answers.
    daemon.place().write("hosts", "127.0.0.1 localhost\n");
    let rpc = daemon.rpc();
    std::thread::scope(|scope| {
        let start = scope.spawn(|| rpc.call("supervisor.startProcess", &["f".into()]));
        daemon.wait_state("f", "STARTING");
        for _ in 0..5 {
            rpc.call("supervisor.stopProcess", &["other".into()])
                .value();
            rpc.call("supervisor.startProcess", &["other".into()])
                .value();
        }
        assert_eq!(rpc.state("f"), "STARTING", "the others did not wait for it");
        let failed = Outcome::Fault(50, "SPAWN_ERROR: f".to_owned());
        assert_eq!(start.join().unwrap(), failed);
    });
    let problem = "ETIMEDOUT, it took longer than 10 seconds";
    assert!(spawnerr(&daemon, "f").ends_with(problem));
    daemon.wait_state("f", "FATAL");
    drop(silent);
}
