//! `FastCGI` programs: their sockets from the first process to the last, and what the processes see of them.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;

use provost_compat::compare::assert_same;
use provost_compat::rig::{Rig, Scenario, expand};
use provost_e2e::{Daemon, PATIENCE, Side, Start, free_port, wait_until};

const EVENTS: &str = "@events:PROCESS_STATE,PROCESS_GROUP@\n";

/// Two processes at a UNIX socket.
fn two(keys: &str) -> String {
    format!(
        "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(here)s/f.sock\n\
         numprocs=2\nprocess_name=f%(process_num)d\n{keys}\n"
    )
}

fn one(name: &str, keys: &str) -> Scenario {
    let program = format!("[fcgi-program:f]\nsocket=unix://%(here)s/f.sock\n{keys}\n");
    Scenario::new(name, &format!("{EVENTS}{program}"))
}

/// Writes down what stands at the path, and whether somebody listens.
fn look(rig: &mut Rig) {
    let path = rig.daemon().place().join("f.sock");
    let text = match fs::metadata(&path) {
        Ok(there) => format!(
            "f.sock: socket {}, mode {:o}, owner {}:{}, listens {}",
            there.file_type().is_socket(),
            there.mode() & 0o7777,
            there.uid(),
            there.gid(),
            UnixStream::connect(&path).is_ok()
        ),
        Err(error) => format!("f.sock: {}", error.kind()),
    };
    rig.note(&text);
}

/// The lines about sockets before the daemon says that it has started.
fn tried(rig: &mut Rig) {
    let log = rig.daemon().main_log();
    let before = log.split("supervisord started").next().unwrap_or_default();
    for line in before.lines().filter(|line| line.contains(" socket ")) {
        rig.note(line);
    }
}

#[test]
fn a_socket_lives_from_the_first_process_to_the_last() {
    Scenario::new("fcgi life", &format!("{EVENTS}{}", two(""))).run(|rig| {
        tried(rig);
        rig.state("f:f0", "RUNNING");
        rig.state("f:f1", "RUNNING");
        look(rig);
        rig.call("stopProcess", &["f:f0".into()]);
        look(rig);
        rig.call("stopProcess", &["f:f1".into()]);
        rig.wait_log("stopped: f1");
        rig.wait("the socket to be closed", |daemon| {
            UnixStream::connect(daemon.place().join("f.sock")).is_err()
        });
        look(rig);
        rig.call("startProcess", &["f:f1".into()]);
        look(rig);
        rig.call("startProcess", &["f:f0".into()]);
        rig.wait_events("RUNNING processname:f0", 2);
        rig.events_of("RUNNING processname:f0", &["f0", "f1", "GROUP"]);
        rig.daemon().wait_log_times("success: f0", 2);
        rig.log();
    });
}

#[test]
fn mode_and_owner_of_the_socket() {
    for (name, keys) in [
        ("fcgi plain", ""),
        ("fcgi mode", "socket_mode=0640"),
        ("fcgi owner", "socket_owner=daemon"),
        (
            "fcgi owner and group",
            "socket_owner=daemon:bin\nsocket_mode=0000",
        ),
        ("fcgi user", "user=nobody"),
        ("fcgi user and owner", "user=nobody\nsocket_owner=root:bin"),
    ] {
        let config = format!("umask=077\n{}", two(keys));
        Scenario::new(name, &config).run(|rig| {
            rig.state("f:f1", "RUNNING");
            look(rig);
            rig.call_sorted("stopProcessGroup", &["f".into()]);
            rig.call_sorted("startProcessGroup", &["f".into()]);
            look(rig);
        });
    }
}

#[test]
fn what_a_process_sees() {
    let keys = "command=/bin/sh -c 'ls /proc/self/fd; stat -Lc %%F /proc/self/fd/0; pwd; umask; env | sort | \
                grep -v ^PWD | grep -v ^_; echo done; exec sleep 1000'\nstdout_logfile=%(here)s/p.log\numask=027";
    one("fcgi child", keys)
        .environment("OUTER", "kept")
        .run(|rig| {
            rig.state("f", "RUNNING");
            rig.file_with("p.log", "done");
        });
}

#[test]
fn a_fastcgi_process_takes_no_input() {
    one("fcgi stdin", "command=/bin/sleep 1000").run(|rig| {
        rig.state("f", "RUNNING");
        rig.call("sendProcessStdin", &["f".into(), "x".into()]);
        rig.call("stopProcess", &["f".into()]);
        rig.call("sendProcessStdin", &["f".into(), "x".into()]);
    });
}

#[test]
fn a_process_that_restarts_alone_has_its_socket_closed_and_opened() {
    let command = "command=/bin/sh -c 'echo x >> runs; if [ `wc -l < runs` -lt 3 ]; then sleep 1.5; exit 3; fi; \
                   exec sleep 1000'\ndirectory=%(here)s\nstartsecs=0";
    one("fcgi restart", command).run(|rig| {
        rig.wait_file("runs", "x\nx\nx\n");
        rig.state("f", "RUNNING");
        rig.wait_events("RUNNING processname:f", 3);
        rig.events("RUNNING processname:f");
        rig.log();
    });
}

#[test]
fn a_process_that_backs_off_has_its_socket_closed_and_opened() {
    let keys = "command=/bin/sh -c 'exit 3'\nstartsecs=3\nstartretries=2";
    one("fcgi backoff", keys).run(|rig| {
        rig.state("f", "FATAL");
        rig.events("FATAL processname:f");
        rig.log();
        look(rig);
    });
}

#[test]
fn a_command_that_is_not_there_has_its_socket_opened_nevertheless() {
    let keys = "command=/bin/nothing-here\nstartretries=1";
    one("fcgi no command", keys).run(|rig| {
        rig.state("f", "FATAL");
        rig.events("FATAL processname:f");
        rig.log();
        rig.call("startProcess", &["f".into()]);
    });
}

#[test]
fn an_old_socket_at_the_path_is_replaced() {
    one("fcgi over a file", "command=/bin/sleep 1000")
        .file("f.sock", "")
        .run(|rig| {
            rig.state("f", "RUNNING");
            look(rig);
        });
}

#[test]
fn a_change_of_the_socket_is_seen_by_a_reread() {
    let scenario = Scenario::new("fcgi reread url", &two("autostart=false"));
    scenario.run(|rig| {
        rig.reconfigure("f.sock", "g.sock");
        rig.ctl(&["update"]);
        rig.ctl(&["start", "f:*"]);
        rig.list("g.sock");
        rig.log_of(" socket ");
    });
}

#[test]
fn a_change_of_mode_owner_and_backlog_is_seen_by_a_reread() {
    for (name, key) in [
        ("fcgi reread mode", "socket_mode=0777"),
        ("fcgi reread owner", "socket_owner=daemon"),
        ("fcgi reread backlog", "socket_backlog=5"),
    ] {
        Scenario::new(name, &two("autostart=false")).run(|rig| {
            rig.reconfigure("autostart=false", &format!("autostart=false\n{key}"));
            rig.ctl(&["reread"]);
        });
    }
}

#[test]
fn a_fastcgi_program_in_a_group() {
    let config = format!(
        "{}[program:p]\ncommand=/bin/cat\n[group:g]\nprograms=f,p\n",
        two("")
    );
    Scenario::new("fcgi in a group", &config).run(|rig| {
        for name in ["g:f0", "g:f1", "g:p"] {
            rig.state(name, "RUNNING");
        }
        look(rig);
    });
}

#[test]
fn a_socket_that_cannot_be_opened_when_its_group_is_added() {
    let config = "[program:p]\ncommand=/bin/cat\n";
    Scenario::new("fcgi add in vain", config).run(|rig| {
        rig.state("p", "RUNNING");
        let more = "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(here)s/no/f.sock\n";
        rig.reconfigure(config, &format!("{config}{more}"));
        rig.call("reloadConfig", &[]);
        rig.call("addProcessGroup", &["f".into()]);
        rig.state("p", "RUNNING");
        rig.log_of(" socket ");
    });
}

#[test]
fn a_tcp_socket() {
    let [upstream, ours] = Side::BOTH.map(tcp);
    assert_same("fcgi tcp", &upstream, &ours);
}

/// The life of a program at a port, which each side needs for itself.
fn tcp(side: Side) -> String {
    let port = free_port();
    let config = format!(
        "{EVENTS}[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=tcp://LocalHost:{port}\nsocket_backlog=9\n"
    );
    let daemon = Start::new(side, &expand(&config)).start();
    daemon.wait_state("f", "RUNNING");
    daemon.wait_file("events.log", "RUNNING processname:f");
    let mut seen = vec![listener(&daemon, port)];
    let stopped = daemon.rpc().call("supervisor.stopProcess", &["f".into()]);
    seen.push(stopped.to_string());
    wait_until(PATIENCE, "the port to be free", || {
        listener(&daemon, port) == "nobody"
    });
    daemon.wait_log_times("Closing socket", 2);
    let log = daemon.main_log();
    // Whether a wait is told depends on who is faster.
    let about = log.lines().filter(|line| {
        (line.contains(" socket ") || line.contains(" f ")) && !line.contains("waiting for")
    });
    // Behind the time.
    seen.extend(
        about
            .filter_map(|line| line.splitn(3, ' ').nth(2))
            .map(str::to_owned),
    );
    let seen = seen.join("\n").replace(&port.to_string(), "⟨port⟩");
    seen.replace(&format!(":{port:04X}"), ":⟨port⟩")
}

/// Who listens at a port, as the kernel tells: address and how many may wait.
fn listener(daemon: &Daemon, port: u16) -> String {
    let listens = |line: &&str| line.contains(&format!(":{port:04X} 00000000:0000 0A"));
    let path = format!("/proc/{}/net/tcp", daemon.pid());
    let table = fs::read_to_string(path).unwrap_or_default();
    let address = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    table
        .lines()
        .find(listens)
        .and_then(address)
        .unwrap_or_else(|| "nobody".to_owned())
}
