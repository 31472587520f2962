//! The life of a process: states, events and log lines in their order.

use provost_compat::rig::Scenario;
use provost_e2e::{Side, Value};

/// A listener for everything that a process does.
const EVENTS: &str = "@events:PROCESS_STATE@\n";

/// One program beside the listener.
fn program(name: &str, keys: &str) -> Scenario {
    Scenario::new(name, &format!("{EVENTS}[program:p]\n{keys}\n"))
}

/// A program that ends with the given code when it is started for the first and the second time, then stays.
fn ends_twice(code: u8) -> String {
    format!(
        "command=/bin/sh -c 'echo x >> runs; if [ `wc -l < runs` -lt 3 ]; then sleep 2.5; exit {code}; fi; exec sleep 1000'\n\
         startsecs=0"
    )
}

#[test]
fn a_program_that_stays_up_becomes_running() {
    program("stays up", "command=/bin/cat").run(|rig| {
        rig.state("p", "RUNNING");
        rig.events("PROCESS_STATE_RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn startsecs_zero_is_running_at_once() {
    program("startsecs zero", "command=/bin/cat\nstartsecs=0").run(|rig| {
        rig.state("p", "RUNNING");
        rig.events("PROCESS_STATE_RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn an_expected_exit() {
    program(
        "expected exit",
        "command=/bin/sh -c 'sleep 2.5; exit 0'\nstartsecs=0",
    )
    .run(|rig| {
        rig.state("p", "EXITED");
        rig.events("EXITED processname:p");
        rig.log();
    });
}

#[test]
fn an_unexpected_exit_without_restart() {
    let keys = "command=/bin/sh -c 'sleep 2.5; exit 3'\nstartsecs=0\nautorestart=false";
    program("unexpected exit", keys).run(|rig| {
        rig.state("p", "EXITED");
        rig.events("EXITED processname:p");
        rig.log();
    });
}

#[test]
fn exitcodes_decide_what_is_expected() {
    let keys = "command=/bin/sh -c 'sleep 2.5; exit 3'\nstartsecs=0\nexitcodes=0,3";
    program("exitcodes", keys).run(|rig| {
        rig.state("p", "EXITED");
        rig.events("EXITED processname:p");
        rig.log();
    });
}

#[test]
fn an_unexpected_exit_restarts() {
    program("restart unexpected", &ends_twice(3)).run(|rig| {
        rig.wait_file("runs", "x\nx\nx\n");
        rig.state("p", "RUNNING");
        rig.wait_events("RUNNING processname:p", 3);
        rig.events("RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn autorestart_true_restarts_after_any_exit() {
    let keys = format!("{}\nautorestart=true", ends_twice(0));
    program("restart always", &keys).run(|rig| {
        rig.wait_file("runs", "x\nx\nx\n");
        rig.state("p", "RUNNING");
        rig.wait_events("RUNNING processname:p", 3);
        rig.events("RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn a_program_that_exits_too_quickly_backs_off_and_is_given_up() {
    let keys = "command=/bin/sh -c 'exit 3'\nstartsecs=3\nstartretries=2";
    program("too quick", keys).run(|rig| {
        rig.state("p", "FATAL");
        rig.events("FATAL processname:p");
        rig.log();
    });
}

#[test]
fn no_retries_means_one_attempt() {
    let keys = "command=/bin/sh -c 'exit 0'\nstartsecs=3\nstartretries=0";
    program("no retries", keys).run(|rig| {
        rig.state("p", "FATAL");
        rig.events("FATAL processname:p");
        rig.log();
    });
}

#[test]
fn a_program_ended_by_a_signal() {
    let keys = "command=/bin/sh -c 'sleep 2.5; kill -9 $$'\nstartsecs=0\nautorestart=false";
    program("killed by itself", keys).run(|rig| {
        rig.state("p", "EXITED");
        rig.events("EXITED processname:p");
        rig.log();
    });
}

#[test]
fn a_stop_by_request() {
    program("stop", "command=/bin/cat").run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into()]);
        rig.state("p", "STOPPED");
        rig.call("stopProcess", &["p".into()]);
        rig.events("STOPPED processname:p");
        rig.log();
    });
}

#[test]
fn a_stop_signal_with_a_handler_and_an_exit_code() {
    let keys = "command=/bin/sh -c 'trap \"exit 5\" USR1; echo up; while :; do sleep 0.05; done'\n\
                stopsignal=USR1\nstdout_logfile=%(here)s/p.log\nexitcodes=5";
    program("stop signal", keys).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into()]);
        rig.state("p", "STOPPED");
        rig.events("STOPPED processname:p");
        rig.log();
    });
}

#[test]
fn a_program_that_ignores_its_stop_signal_is_killed() {
    let keys = "command=/bin/sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done'\n\
                stopwaitsecs=2\nstdout_logfile=%(here)s/p.log";
    program("kill after stopwaitsecs", keys).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into(), false.into()]);
        rig.state("p", "STOPPING");
        rig.state("p", "STOPPED");
        rig.events("STOPPED processname:p");
        rig.log_of("killing");
        rig.log_of("stopped:");
    });
}

/// A shell that starts another one in its group; both say which signal they got. The inner one's process id is
/// written to a file, so that the test can see whether it lives.
const FAMILY: &str = "command=/bin/sh -c 'trap \"exit 0\" TERM; \
                      (trap \"echo inner got it; exit 0\" TERM; echo up; while :; do sleep 0.05; done) & \
                      echo $! > inner; while :; do sleep 0.05; done'\nstdout_logfile=%(here)s/p.log\n";

#[test]
fn stopasgroup_reaches_children() {
    program("stopasgroup", &format!("{FAMILY}stopasgroup=true")).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into()]);
        rig.state("p", "STOPPED");
        rig.wait("the inner shell to be gone", |daemon| {
            let pid = daemon.place().read("inner").trim().parse().unwrap_or(0);
            !provost_e2e::is_alive(pid)
        });
        rig.log();
    });
}

#[test]
fn killasgroup_reaches_children() {
    let keys = "command=/bin/sh -c 'trap \"\" TERM; \
                (trap \"\" TERM; while :; do sleep 0.05; done) & echo $! > inner; echo up; \
                while :; do sleep 0.05; done'\nstdout_logfile=%(here)s/p.log\nstopwaitsecs=4\nkillasgroup=true";
    // On a busy machine it may take a second until one that was killed has ended. Both sides kill it again, and say so, when
    // `stopwaitsecs` have passed once more.
    program("killasgroup", keys).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into()]);
        rig.state("p", "STOPPED");
        rig.wait("the inner shell to be gone", |daemon| {
            let pid = daemon.place().read("inner").trim().parse().unwrap_or(0);
            !provost_e2e::is_alive(pid)
        });
        rig.wait_log("with SIGKILL");
        rig.log_of("killing");
    });
}

#[test]
fn a_stop_during_backoff() {
    let keys = "command=/bin/sh -c 'exit 1'\nstartsecs=3\nstartretries=100";
    program("stop in backoff", keys).run(|rig| {
        rig.wait_log("(exit status 1; not expected)");
        rig.state("p", "BACKOFF");
        rig.call("stopProcess", &["p".into()]);
        rig.state("p", "STOPPED");
        rig.events("STOPPED processname:p");
    });
}

#[test]
fn a_start_after_fatal() {
    let keys =
        "command=/bin/sh -c 'test -e go && exec sleep 1000; exit 1'\nstartsecs=2\nstartretries=0";
    program("start after fatal", keys).run(|rig| {
        rig.state("p", "FATAL");
        rig.call("startProcess", &["p".into()]);
        rig.state("p", "FATAL");
        rig.daemon().place().write("go", "");
        rig.call("startProcess", &["p".into()]);
        rig.state("p", "RUNNING");
        rig.call("startProcess", &["p".into()]);
        rig.events("RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn a_start_without_waiting() {
    program("start without waiting", "command=/bin/cat\nautostart=false").run(|rig| {
        rig.state("p", "STOPPED");
        rig.call("startProcess", &["p".into(), false.into()]);
        rig.state("p", "RUNNING");
        rig.events("RUNNING processname:p");
        rig.log();
    });
}

#[test]
fn a_start_that_fails_while_somebody_waits() {
    let keys = "command=/bin/sh -c 'exit 1'\nautostart=false\nstartsecs=3\nstartretries=1";
    program("start fails", keys).run(|rig| {
        rig.call("startProcess", &["p".into()]);
        rig.state("p", "FATAL");
        rig.events("FATAL processname:p");
    });
}

#[test]
fn spawn_errors_say_what_is_wrong() {
    for (name, command) in [
        ("spawn no such file", "/no/such/file"),
        ("spawn not in path", "no-such-command-anywhere"),
        ("spawn directory", "/tmp"),
        ("spawn not executable", "%(here)s/supervisord.conf"),
        ("spawn open quote", "/bin/echo \"a"),
        ("spawn empty", ""),
        ("spawn trailing backslash", "/bin/echo a\\"),
    ] {
        let keys = format!("command={command}\nstartretries=1");
        program(name, &keys).run(|rig| {
            rig.state("p", "FATAL");
            rig.call("startProcess", &["p".into()]);
            rig.events("FATAL processname:p");
            rig.log();
        });
    }
}

#[test]
fn what_the_child_cannot_do_stands_in_its_log() {
    for (name, keys) in [
        (
            "child bad directory",
            "command=/bin/cat\ndirectory=/no/such/place",
        ),
        ("child bad format", "command=%(here)s/script"),
        ("child missing interpreter", "command=%(here)s/lost"),
    ] {
        let more = "autostart=false\nstartsecs=3\nstartretries=0\nredirect_stderr=true\n\
            stdout_logfile=%(here)s/p.log";
        let scenario = program(name, &format!("{keys}\n{more}"));
        scenario.run(|rig| {
            rig.daemon()
                .place()
                .script("script", "echo no interpreter named\n");
            rig.daemon()
                .place()
                .script("lost", "#!/no/such/interpreter\n");
            rig.call("startProcess", &["p".into()]);
            // Our status gives the reason, where upstream's says that the log may have it.
            let info = rig.daemon().wait_state("p", "FATAL");
            let told = info.get("spawnerr").map_or("", Value::text);
            let ours = rig.daemon().side() == Side::Ours;
            assert_eq!(told.starts_with("child of 'p' could not "), ours, "{told}");
            assert_eq!(told.starts_with("Exited too quickly"), !ours, "{told}");
            rig.file_with("p.log", "was not spawned");
        });
    }
}

#[test]
fn a_signal_by_request_is_no_stop() {
    let keys = "command=/bin/sh -c 'echo x >> runs; exec sleep 1000'";
    program("signal", keys).run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("signalProcess", &["p".into(), "KILL".into()]);
        rig.wait_file("runs", "x\nx\n");
        rig.state("p", "RUNNING");
        rig.wait_events("RUNNING processname:p", 2);
        rig.events("EXITED processname:p");
        rig.log();
    });
}

#[test]
fn a_start_during_stopping() {
    let keys = "command=/bin/sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done'\n\
                stopwaitsecs=4\nstdout_logfile=%(here)s/p.log";
    program("start during stopping", keys).run(|rig| {
        rig.wait_file("p.log", "up");
        rig.state("p", "RUNNING");
        rig.call("stopProcess", &["p".into(), false.into()]);
        rig.state("p", "STOPPING");
        rig.call("startProcess", &["p".into()]);
        rig.call("startProcess", &["p".into(), false.into()]);
        rig.call("stopProcess", &["p".into(), false.into()]);
        rig.state("p", "STOPPED");
        rig.log_of("already");
    });
}
