//! Sockets that processes share: served by a real `FastCGI` application, and what becomes of them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, clean, descriptors, free_port, run, wait_for, wait_until,
};

/// The `FastCGI` application: it executes the script that the client names, for which the environment is enough.
const SERVER: &str = "/usr/sbin/fcgiwrap";

/// What the application executes.
const SCRIPT: &str = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n\
                      echo \"served by $PPID for $QUERY_STRING in $SUPERVISOR_GROUP_NAME\"\n";

/// A `FastCGI` program of two processes at this socket.
fn two(socket: &str, keys: &str) -> String {
    format!(
        "[fcgi-program:f]\ncommand={SERVER}\nsocket={socket}\nnumprocs=2\n\
         process_name=%(program_name)s_%(process_num)d\nstopsignal=QUIT\n{keys}\n"
    )
}

/// A daemon with this configuration, and a script for `FastCGI` applications beside it.
fn start(config: &str) -> Daemon {
    let daemon = Start::new(Side::Ours, config).start();
    daemon.place().script("hello.cgi", SCRIPT);
    daemon
}

/// Asks a `FastCGI` application: what stands in its answer.
fn request(daemon: &Daemon, connect: &str, query: &str) -> String {
    let mut command = Command::new("cgi-fcgi");
    clean(&mut command, daemon.place());
    command
        .args(["-bind", "-connect", connect])
        .env("REQUEST_METHOD", "GET")
        .env("QUERY_STRING", query)
        .env("SCRIPT_FILENAME", daemon.place().join("hello.cgi"));
    let finished = run(&mut command);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

/// Asks, and tells which process answered.
fn server_of(daemon: &Daemon, connect: &str) -> u32 {
    let answer = request(daemon, connect, "who");
    let pid = answer
        .split_once("served by ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|pid| pid.parse().ok());
    pid.unwrap_or_else(|| panic!("nobody served: {answer}"))
}

fn stop(daemon: &Daemon, name: &str) {
    let stopped = daemon.rpc().call("supervisor.stopProcess", &[name.into()]);
    stopped.value();
}

fn start_process(daemon: &Daemon, name: &str) {
    let started = daemon.rpc().call("supervisor.startProcess", &[name.into()]);
    started.value();
}

/// The kernel's number of the socket that a process has as descriptor 0, once it has one: a new child has ours first.
fn input_of(pid: u32) -> String {
    wait_for(PATIENCE, "a socket as descriptor 0", || {
        Some(input_of_any(pid)).filter(|input| input.starts_with("socket:["))
    })
}

/// Both processes serve, and one does while the other does not run.
fn assert_shared(daemon: &Daemon, connect: &str) {
    for name in ["f:f_0", "f:f_1"] {
        daemon.wait_state(name, "RUNNING");
    }
    let rpc = daemon.rpc();
    let answer = request(daemon, connect, "a=b");
    assert!(answer.contains(" for a=b in f\n"), "{answer}");
    let socket = input_of(rpc.pid("f:f_0"));
    for (stopped, other) in [("f:f_0", "f:f_1"), ("f:f_1", "f:f_0")] {
        stop(daemon, stopped);
        assert_eq!(input_of(rpc.pid(other)), socket, "it stays open");
        assert_eq!(server_of(daemon, connect), rpc.pid(other));
        start_process(daemon, stopped);
    }
    assert_eq!(input_of(rpc.pid("f:f_1")), socket, "it was never closed");
}

#[test]
fn two_processes_serve_one_unix_socket() {
    let daemon = start(&two("unix://%(here)s/f.sock", ""));
    let path = daemon.place().join("f.sock");
    assert_shared(&daemon, path.to_str().unwrap());
}

#[test]
fn two_processes_serve_one_tcp_socket() {
    let port = free_port();
    let daemon = start(&two(&format!("tcp://localhost:{port}"), ""));
    assert_shared(&daemon, &format!("localhost:{port}"));
}

#[test]
fn a_socket_has_its_mode_and_owner_and_keeps_its_file_when_it_is_closed() {
    let keys = "socket_mode=0620\nsocket_owner=daemon:bin\nsocket_backlog=7";
    let daemon = start(&two("unix://%(here)s/f.sock", keys));
    for name in ["f:f_0", "f:f_1"] {
        daemon.wait_state(name, "RUNNING");
    }
    let path = daemon.place().join("f.sock");
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o620);
    assert_eq!((metadata.uid(), metadata.gid()), (1, 2));
    stop(&daemon, "f:f_0");
    UnixStream::connect(&path).unwrap();
    assert!(!daemon.main_log()[started(&daemon)..].contains("Closing"));
    stop(&daemon, "f:f_1");
    daemon.wait_log_times("Closing socket unix://", 2);
    assert!(path.exists(), "web servers keep the path");
    UnixStream::connect(&path).unwrap_err();
    start_process(&daemon, "f:f_1");
    UnixStream::connect(&path).unwrap();
}

/// Where the log of the time after the start begins.
fn started(daemon: &Daemon) -> usize {
    daemon
        .main_log()
        .find("supervisord started")
        .expect("it has started")
}

#[test]
fn the_processes_of_a_user_may_use_the_socket_that_root_makes() {
    let daemon = start(&two("unix://%(here)s/f.sock", "user=daemon"));
    let path = daemon.place().join("f.sock");
    daemon.wait_state("f:f_0", "RUNNING");
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (1, 0o700));
    assert!(request(&daemon, path.to_str().unwrap(), "x").contains(" for x in f\n"));
}

#[test]
fn no_descriptor_is_left_over_after_many_restarts_and_children_have_three() {
    let config = "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(here)s/f.sock\nstartsecs=0\n\
                  [fcgi-program:t]\ncommand=/bin/sleep 1000\nsocket=tcp://localhost:0\nstartsecs=0\n\
                  [program:p]\ncommand=/bin/cat\nstartsecs=0\n";
    let config = config.replace(":0\n", &format!(":{}\n", free_port()));
    let daemon = Start::new(Side::Ours, &config).start();
    for name in ["f", "t", "p"] {
        daemon.wait_state(name, "RUNNING");
    }
    let settled = || {
        wait_for(PATIENCE, "the same number of descriptors twice", || {
            let before = descriptors(daemon.pid());
            std::thread::yield_now();
            (before == descriptors(daemon.pid())).then_some(before)
        })
    };
    for name in ["f", "t"] {
        stop(&daemon, name);
        start_process(&daemon, name);
    }
    let before = settled();
    for _ in 0..20 {
        for name in ["f", "t"] {
            stop(&daemon, name);
            start_process(&daemon, name);
        }
    }
    wait_until(PATIENCE, "no more descriptors than before", || {
        descriptors(daemon.pid()) <= before
    });
    for name in ["f", "t", "p"] {
        let pid = daemon.rpc().pid(name);
        wait_until(PATIENCE, "three descriptors in a child", || {
            descriptors(pid) == 3
        });
    }
    let without = daemon.rpc().pid("p");
    assert!(input_of_any(without).starts_with("pipe:["));
}

fn input_of_any(pid: u32) -> String {
    let target = fs::read_link(format!("/proc/{pid}/fd/0")).expect("the process lives");
    target.to_string_lossy().into_owned()
}

#[test]
fn the_only_process_gets_a_new_socket_when_it_restarts() {
    let config = "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(here)s/f.sock\nstartsecs=0\n\
                  autorestart=true\n";
    let daemon = Start::new(Side::Ours, config).start();
    daemon.wait_state("f", "RUNNING");
    let pid = daemon.rpc().pid("f");
    let before = input_of(pid);
    let log = daemon.main_log().len();
    provost_e2e::send_signal(pid, rustix::process::Signal::KILL);
    let next = wait_for(PATIENCE, "the next process", || {
        Some(daemon.rpc().pid("f")).filter(|next| *next != 0 && *next != pid)
    });
    assert_ne!(input_of(next), before);
    wait_until(PATIENCE, "the line of the next process", || {
        daemon.main_log()[log..].contains("spawned: 'f'")
    });
    let told = daemon.main_log()[log..].to_owned();
    let place = |text: &str| {
        told.find(text)
            .unwrap_or_else(|| panic!("no {text}: {told}"))
    };
    let order = [
        "exited: f",
        "Closing socket",
        "Creating socket",
        "spawned: 'f'",
    ]
    .map(place);
    assert!(order.is_sorted(), "{told}");
}

#[test]
fn fastcgi_programs_in_a_group_have_their_sockets_too() {
    let config = format!(
        "{}[fcgi-program:h]\ncommand={SERVER}\nsocket=unix://%(here)s/h.sock\n\
         [program:p]\ncommand=/bin/cat\n[group:g]\nprograms=f,p,h\n",
        two("unix://%(here)s/f.sock", "")
    );
    let daemon = start(&config);
    for name in ["g:f_0", "g:f_1", "g:h", "g:p"] {
        daemon.wait_state(name, "RUNNING");
    }
    let rpc = daemon.rpc();
    let shared = input_of(rpc.pid("g:f_0"));
    assert_eq!(input_of(rpc.pid("g:f_1")), shared);
    assert_ne!(input_of(rpc.pid("g:h")), shared);
    assert!(input_of_any(rpc.pid("g:p")).starts_with("pipe:["));
    let at = |name: &str| daemon.place().join(name).to_string_lossy().into_owned();
    assert_eq!(server_of(&daemon, &at("h.sock")), rpc.pid("g:h"));
    assert!(request(&daemon, &at("f.sock"), "x").contains(" for x in g\n"));
}

#[test]
fn update_follows_a_change_of_the_mode() {
    let config = two("unix://%(here)s/f.sock", "socket_mode=0700");
    let daemon = start(&config);
    daemon.wait_state("f:f_1", "RUNNING");
    let file = daemon.place().read("supervisord.conf");
    daemon
        .place()
        .write("supervisord.conf", file.replace("=0700", "=0770"));
    let update = daemon.ctl(Side::Ours, &["update"]);
    assert_eq!(update.stdout, "f: stopped\nf: updated process group\n");
    daemon.wait_state("f:f_1", "RUNNING");
    assert_eq!(mode(&daemon.place().join("f.sock")), 0o770);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_restart_of_the_daemon_has_its_sockets_again() {
    let daemon = start(&two("unix://%(here)s/f.sock", ""));
    daemon.wait_state("f:f_0", "RUNNING");
    let path = daemon.place().join("f.sock");
    let before = input_of(daemon.rpc().pid("f:f_0"));
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_log_times("supervisord started", 2);
    daemon.wait_state("f:f_0", "RUNNING");
    assert_ne!(input_of(daemon.rpc().pid("f:f_0")), before);
    assert!(request(&daemon, path.to_str().unwrap(), "x").contains(" for x in f\n"));
}
