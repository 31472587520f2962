//! `pidproxy` under the daemon: a program that puts itself into the background is stopped and signalled all the same.

use std::process::Command;

use provost_e2e::{Daemon, PATIENCE, Place, Side, Start, is_alive, run, wait_for, wait_until};

/// Writes its pid and what signals it gets. The command that is started waits for it, as pidproxy wants.
const SERVICE: &str = "#!/bin/sh\n\
    ( trap 'echo got HUP >>notes' HUP\n\
    trap 'echo got TERM >>notes; rm -f service.pid; exit 0' TERM\n\
    sh -c 'echo $PPID' >service.tmp\n\
    mv service.tmp service.pid\n\
    while :; do sleep 0.05; done ) &\n\
    wait\n";

fn start() -> Daemon {
    let place = Place::new();
    place.script("service", SERVICE);
    let pidproxy = Side::Ours.command("pidproxy");
    let config = format!(
        "[program:p]\ncommand={} %(here)s/service.pid %(here)s/service\ndirectory=%(here)s\nstartsecs=0\n",
        pidproxy.display()
    );
    let mut daemon = Start::new(Side::Ours, &config).launch_in(place);
    daemon.wait_ready();
    daemon
}

fn service_pid(daemon: &Daemon) -> u32 {
    wait_for(PATIENCE, "the service to write its pid", || {
        daemon.place().read("service.pid").trim().parse().ok()
    })
}

#[test]
fn signals_and_stops_reach_the_process_of_the_pid_file() {
    let daemon = start();
    let service = service_pid(&daemon);
    assert_ne!(daemon.rpc().pid("p"), service);
    assert_eq!(
        daemon.ctl(Side::Ours, &["signal", "HUP", "p"]).stdout,
        "p: signalled\n"
    );
    daemon.wait_file("notes", "got HUP");
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "p"]).stdout,
        "p: stopped\n"
    );
    wait_until(PATIENCE, "the service to end", || !is_alive(service));
    assert_eq!(daemon.place().read("notes"), "got HUP\ngot TERM\n");
}

#[test]
fn without_a_command_it_tells_how_it_is_used() {
    for arguments in [&[][..], &["only.pid"]] {
        let end = run(Command::new(Side::Ours.command("pidproxy")).args(arguments));
        assert_eq!(end.code, Some(1));
        assert!(
            end.stdout
                .contains("<pidfile name> <command> [<cmdarg1> ...]"),
            "{}",
            end.stdout
        );
    }
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let end = run(Command::new(Side::Ours.command("pidproxy")).args(["x.pid", "/no/such/command"]));
    assert!(
        end.stderr
            .contains("cannot start /no/such/command: No such file or directory"),
        "{}",
        end.stderr
    );
}
