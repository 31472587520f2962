//! The daemon itself: order of starts and stops, signals, restart, reload of the configuration, its own files.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use provost_compat::compare::assert_same;
use provost_compat::rig::{Rig, Scenario};
use provost_e2e::{
    Normal, PATIENCE, Place, Side, is_alive, run, send_signal, wait_for, wait_until,
};
use rustix::process::Signal;

/// Three programs with priorities of their own, and a group.
const PRIORITIES: &str = "[program:late]\ncommand=/bin/cat\npriority=30\n\
    [program:early]\ncommand=/bin/cat\npriority=10\n\
    [program:middle]\ncommand=/bin/cat\npriority=20\n\
    [program:second]\ncommand=/bin/cat\npriority=2\n\
    [program:first]\ncommand=/bin/cat\npriority=1\n\
    [group:last]\nprograms=second,first\npriority=40\n";

fn all_running(rig: &mut Rig, names: &[&str]) {
    for name in names {
        rig.state(name, "RUNNING");
    }
}

#[test]
fn programs_start_in_the_order_of_priorities_and_stop_in_the_opposite_one() {
    let config = format!("loglevel=debug\n{PRIORITIES}");
    Scenario::new("priorities", &config).run(|rig| {
        all_running(
            rig,
            &["late", "early", "middle", "last:first", "last:second"],
        );
        rig.call("shutdown", &[]);
        rig.end();
        rig.log_of("spawned:");
        rig.log_of("killing");
    });
}

#[test]
fn groups_start_and_stop_by_request() {
    Scenario::new("group requests", PRIORITIES).run(|rig| {
        all_running(
            rig,
            &["late", "early", "middle", "last:first", "last:second"],
        );
        rig.call_sorted("stopProcessGroup", &["last".into()]);
        rig.call("stopProcess", &["last:*".into()]);
        rig.call_sorted("startProcessGroup", &["last".into()]);
        rig.call_sorted("stopAllProcesses", &[]);
        rig.call_sorted("startAllProcesses", &[]);
        rig.call_sorted("signalAllProcesses", &["HUP".into()]);
    });
}

#[test]
fn one_program_many_processes() {
    let config = "[program:w]\ncommand=/bin/sh -c 'echo $0 $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME; exec cat' \
        %(process_num)d\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=3\nnumprocs_start=1\n\
        stdout_logfile=%(here)s/%(process_num)d.log\n";
    Scenario::new("numprocs", config).run(|rig| {
        all_running(rig, &["w:w_01", "w:w_02", "w:w_03"]);
        for name in ["1.log", "2.log", "3.log"] {
            rig.file_with(name, "\n");
        }
        rig.call_sorted("stopProcessGroup", &["w".into()]);
        rig.log_of("spawned:");
    });
}

#[test]
fn shutdown_by_signal() {
    for (name, signal) in [
        ("shutdown by TERM", Signal::TERM),
        ("shutdown by INT", Signal::INT),
        ("shutdown by QUIT", Signal::QUIT),
    ] {
        let config = "@events:SUPERVISOR_STATE_CHANGE,PROCESS_STATE@\n[program:p]\n\
            command=/bin/sh -c 'trap \"sleep 1.5; exit 0\" TERM; echo up; while :; do sleep 0.05; done'\n\
            stdout_logfile=%(here)s/p.log\n";
        Scenario::new(name, config).run(|rig| {
            rig.wait_file("p.log", "up");
            rig.state("p", "RUNNING");
            rig.state("ev", "RUNNING");
            rig.wait_events("RUNNING processname", 2);
            rig.daemon().signal(signal);
            rig.end();
            // What comes later may find the listener stopping already.
            rig.events_of(
                "STATE_CHANGE_STOPPING",
                &["STATE_CHANGE", "STOPPING processname:p"],
            );
            rig.log();
            rig.list("s.");
        });
    }
}

#[test]
fn shutdown_waits_for_a_slow_program() {
    let config = "[program:p]\ncommand=/bin/sh -c 'trap \"sleep 1; exit 0\" TERM; echo up; while :; do sleep 0.05; done'\n\
        stdout_logfile=%(here)s/p.log\n";
    Scenario::new("slow shutdown", config).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.daemon().signal(Signal::TERM);
        rig.wait_log("waiting for p to die");
        for method in [
            "getState",
            "getAllProcessInfo",
            "getPID",
            "stopAllProcesses",
            "shutdown",
            "restart",
        ] {
            rig.call(method, &[]);
        }
        rig.call("startProcess", &["p".into()]);
        rig.daemon().signal(Signal::HUP);
        rig.wait_log("ignored SIGHUP");
        rig.end();
        rig.log();
    });
}

#[test]
fn a_restart_reads_the_configuration_anew() {
    let config = "[program:p]\ncommand=/bin/cat\n[program:q]\ncommand=/bin/cat\npriority=5\n";
    for (name, by_signal) in [("restart by HUP", true), ("restart by request", false)] {
        Scenario::new(name, config).run(|rig| {
            all_running(rig, &["p", "q"]);
            rig.reconfigure("[program:q]", "[program:r]");
            if by_signal {
                rig.daemon().signal(Signal::HUP);
            } else {
                rig.call("restart", &[]);
            }
            all_running(rig, &["r", "p"]);
            rig.call("getProcessInfo", &["q".into()]);
            rig.log();
        });
    }
}

#[test]
fn logs_are_reopened_at_usr2() {
    let config = "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("reopen", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("sendProcessStdin", &["p".into(), "before\n".into()]);
        rig.wait_file("out.log", "before\n");
        for name in ["out.log", "main.log"] {
            let place = rig.daemon().place();
            std::fs::rename(place.join(name), place.join(&format!("old-{name}")))
                .expect("it exists");
        }
        rig.daemon().signal(Signal::USR2);
        rig.wait_file("old-main.log", "supervisord logreopen");
        rig.wait("the new log", |daemon| {
            daemon.place().join("out.log").exists()
        });
        rig.call("sendProcessStdin", &["p".into(), "after\n".into()]);
        rig.file_with("out.log", "after\n");
        rig.file("old-out.log");
        rig.file("old-main.log");
        rig.file("main.log");
    });
}

#[test]
fn the_main_log_can_be_read_and_cleared() {
    let config = "[program:p]\ncommand=/bin/cat\nautostart=false\n";
    Scenario::new("clear main log", config).run(|rig| {
        rig.call("readLog", &[(-12).into(), 0.into()]);
        rig.call("readLog", &[0.into(), (-1).into()]);
        rig.call("clearLog", &[]);
        rig.wait("the empty log", |daemon| daemon.main_log().is_empty());
        rig.call("readLog", &[0.into(), 0.into()]);
        rig.call("startProcess", &["p".into()]);
        rig.wait_log("success");
        rig.file("main.log");
    });
}

#[test]
fn reread_and_update() {
    let config = "@events:PROCESS_GROUP@\n[program:same]\ncommand=/bin/cat\n[program:changes]\ncommand=/bin/cat\n\
        [program:goes]\ncommand=/bin/cat\n";
    Scenario::new("reread", config).run(|rig| {
        all_running(rig, &["same", "changes", "goes"]);
        rig.call("reloadConfig", &[]);
        rig.reconfigure(
            "[program:goes]\ncommand=/bin/cat",
            "[program:comes]\ncommand=/bin/cat\nautostart=false",
        );
        rig.reconfigure(
            "[program:changes]\ncommand=/bin/cat",
            "[program:changes]\ncommand=/bin/cat\nstopwaitsecs=3",
        );
        rig.call("reloadConfig", &[]);
        rig.call("addProcessGroup", &["same".into()]);
        rig.call("addProcessGroup", &["nothing".into()]);
        rig.call("addProcessGroup", &["comes".into()]);
        rig.call("removeProcessGroup", &["goes".into()]);
        rig.call("stopProcess", &["goes".into()]);
        rig.call("removeProcessGroup", &["goes".into()]);
        rig.call("removeProcessGroup", &["goes".into()]);
        rig.call("stopProcess", &["changes".into()]);
        rig.call("removeProcessGroup", &["changes".into()]);
        rig.call("addProcessGroup", &["changes".into()]);
        rig.state("changes", "RUNNING");
        rig.call("reloadConfig", &[]);
        rig.events("GROUP_ADDED groupname:changes|");
    });
}

#[test]
fn what_counts_as_a_change() {
    let config = "environment=G=\"1\"\n[program:a]\ncommand=/bin/cat\nautostart=false\n[program:b]\ncommand=/bin/cat\nautostart=false\n\
        numprocs=2\nprocess_name=%(process_num)d\n[group:g]\nprograms=b\n@events:TICK@\n";
    let steps: &[(&str, &str)] = &[
        ("[program:a]", "[program:a]\nstdout_logfile=%(here)s/a.log"),
        (
            "stdout_logfile=%(here)s/a.log",
            "stdout_logfile=%(here)s/a.log\numask=022",
        ),
        ("numprocs=2", "numprocs=3"),
        ("programs=b", "programs=b\npriority=7"),
        ("programs=b", "programs=b,a"),
        ("buffer_size=1000", "buffer_size=999"),
        ("events=TICK", "events=TICK_5"),
        ("command=/bin/cat", "command = /bin/cat"),
        ("environment=G=\"1\"", "environment=G=\"2\""),
        ("[program:a]", "[program:a]\nstartsecs=nonsense"),
        ("startsecs=nonsense", "startsecs=5\nunknown=1"),
    ];
    Scenario::new("changes", config).run(|rig| {
        for (from, to) in steps {
            rig.reconfigure(from, to);
            rig.note(&format!("{from:?} -> {to:?}"));
            rig.call("reloadConfig", &[]);
        }
    });
}

#[test]
fn remote_events_and_ticks() {
    let config = "@events:REMOTE_COMMUNICATION,TICK_5@\n";
    Scenario::new("remote events", config).run(|rig| {
        rig.state("ev", "RUNNING");
        rig.call(
            "sendRemoteCommEvent",
            &["kind".into(), "some\ndata & grüße".into()],
        );
        rig.wait_file("events.log", "REMOTE");
        rig.wait_file("events.log", "TICK_5 when:");
        rig.wait_file("events.log", "data & gr");
    });
}

#[test]
fn it_daemonises() {
    let transcripts = Side::BOTH.map(|side| {
        let place = Place::new();
        let config = place.write(
            "d.conf",
            "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/d.pid\ndirectory=%(here)s/sub\numask=077\n\
             childlogdir=%(here)s\n[program:p]\ncommand=/bin/sh -c 'pwd; umask; exec cat'\nstdout_logfile=%(here)s/p.log\n",
        );
        place.write("sub/keep", "");
        let finished = run(Command::new(side.command("supervisord"))
            .arg("-c")
            .arg(&config)
            .env("TZ", "UTC")
            .current_dir(place.path()));
        let pid: u32 = wait_for(PATIENCE, "the pid file", || place.read("d.pid").trim().parse().ok());
        let guard = EndOnDrop(pid);
        wait_until(PATIENCE, "the program", || place.read("p.log").ends_with("0077\n"));
        wait_until(PATIENCE, "the program to be up", || place.read("main.log").contains("success: p"));
        let fds: Vec<String> = (0..3)
            .map(|fd| {
                let target = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
                target.display().to_string()
            })
            .collect();
        let mode = std::fs::metadata(place.join("d.pid")).expect("it exists").permissions().mode();
        send_signal(pid, Signal::TERM);
        wait_until(PATIENCE, "the end", || !is_alive(pid));
        drop(guard);
        let text = format!(
            "exit {}\n{}{}\n{}\n{fds:?}\nmode {mode:o}\n{}\n{}",
            finished.code_text(),
            finished.stdout,
            finished.stderr,
            place.read("p.log"),
            place.read("main.log"),
            place.list("").join(" "),
        );
        Normal::new().with(place.text(), "⟨dir⟩").apply(&text)
    });
    assert_same("daemonise", &transcripts[0], &transcripts[1]);
}

/// Ends a daemon that has left the test's own tree.
struct EndOnDrop(u32);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if is_alive(self.0) {
            provost_e2e::kill_tree(self.0);
        }
    }
}

#[test]
fn a_second_daemon_on_the_same_socket_is_refused() {
    let config = "[program:p]\ncommand=/bin/cat\n";
    Scenario::new("second daemon", config).run(|rig| {
        rig.state("p", "RUNNING");
        let config = rig.daemon().config();
        let finished = run(Command::new(rig.daemon().side().command("supervisord"))
            .args(["-n", "-j", "other.pid", "-l", "other.log", "-c"])
            .arg(config)
            .current_dir(rig.daemon().place().path())
            .stdin(Stdio::null()));
        let first: String = finished.stderr.lines().take(1).collect();
        rig.note(&format!("{first}\nexit {}", finished.code_text()));
        rig.state("p", "RUNNING");
        rig.list("s.");
    });
}

#[test]
fn a_stale_socket_is_replaced() {
    let transcripts = Side::BOTH.map(|side| {
        let scenario = Scenario::new("stale socket", "");
        let first = scenario.start(side);
        let place = Place::new();
        // The socket file of a daemon that was killed stays behind.
        std::fs::rename(first.socket(), place.join("s.sock")).expect("it exists");
        drop(first);
        let config = place.write(
            "s.conf",
            "[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        );
        let mut child = Command::new(side.command("supervisord"))
            .arg("-nc")
            .arg(&config)
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(place.join("err")).expect("writable"))
            .spawn()
            .expect("it starts");
        wait_until(PATIENCE, "the start", || place.read("main.log").contains("started with pid"));
        send_signal(child.id(), Signal::TERM);
        let code = child.wait().expect("our child").code();
        let text = format!("{code:?}\n{}\n{}", place.read("err"), place.list("").join(" "));
        Normal::new().with(place.text(), "⟨dir⟩").apply(&text)
    });
    assert_same("stale socket", &transcripts[0], &transcripts[1]);
}

#[test]
fn help_and_version() {
    for (command, arguments) in [
        ("supervisord", &["--version"][..]),
        ("supervisord", &["-v"]),
        ("supervisord", &["-c", "/no/such/file", "-v"]),
        ("supervisord", &["-n", "-c", "/no/such/file"]),
        ("supervisord", &["-n", "-c", "/tmp"]),
        ("supervisorctl", &["-c", "/no/such/file", "status"]),
        ("supervisorctl", &["-x"]),
        ("supervisorctl", &["-s", "nonsense", "status"]),
        ("supervisorctl", &["-s"]),
        ("pidproxy", &[]),
        ("pidproxy", &["/tmp/x"]),
    ] {
        let transcripts = Side::BOTH.map(|side| {
            let path = side.command(command);
            let place = Place::new();
            let finished = run(Command::new(&path)
                .args(arguments)
                .current_dir(place.path()));
            // What pidproxy prints then is help for people, in words of its own.
            let stdout = if command == "pidproxy" {
                ""
            } else {
                &finished.stdout
            };
            let lines: Vec<&str> = finished.stderr.lines().take(2).collect();
            let text = format!(
                "{stdout}{}\nexit {}",
                lines.join("\n"),
                finished.code_text()
            );
            text.replace(path.to_str().unwrap_or_default(), "⟨command⟩")
        });
        assert_same(
            &format!("{command} {}", arguments.join(" ")),
            &transcripts[0],
            &transcripts[1],
        );
    }
}

#[test]
fn each_sample_configuration_is_taken_by_both_sides() {
    for of in Side::BOTH {
        let sample = run(&mut Command::new(of.command("echo_supervisord_conf")));
        assert_eq!(sample.code, Some(0));
        let transcripts = Side::BOTH.map(|side| {
            let place = Place::new();
            let text = sample
                .stdout
                .replace("/tmp/supervisor", &format!("{}/supervisor", place.text()));
            let config = place.write("s.conf", text);
            let mut child = Command::new(side.command("supervisord"))
                .args(["-n", "-u", "root", "-c"])
                .arg(&config)
                .current_dir(place.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(place.join("err")).expect("writable"))
                .spawn()
                .expect("it starts");
            wait_until(PATIENCE, "the start", || {
                let log = place.read("supervisord.log");
                log.contains("started with pid") || child.try_wait().is_ok_and(|end| end.is_some())
            });
            send_signal(child.id(), Signal::TERM);
            let code = child.wait().expect("our child").code();
            let log = place.read("supervisord.log");
            Normal::new()
                .with(place.text(), "⟨dir⟩")
                .apply(&format!("{code:?}\n{}{log}", place.read("err")))
        });
        assert_same(
            &format!("sample of {}", of.name()),
            &transcripts[0],
            &transcripts[1],
        );
    }
}
