//! The rules of one process, as listeners and clients see them.

use crate::Input;
use crate::driver::{Driver, single};
use provost_model::info::Description;
use provost_model::spawn::SpawnProblem;
use provost_model::spec::AutoRestart;
use provost_model::{ExitStatus, Notice, ProcessState, Request, Signal};
use std::time::Duration;

/// A core whose process `a` has been ordered to start.
fn starting(change: impl FnOnce(&mut provost_model::ProcessSpec)) -> Driver {
    let mut driver = Driver::start(vec![single("a", change)]);
    assert_eq!(driver.orders().last().map(String::as_str), Some("spawn a"));
    driver.events();
    driver
}

/// A core whose process `a` is up.
fn running(change: impl FnOnce(&mut provost_model::ProcessSpec)) -> Driver {
    let mut driver = starting(change);
    driver.bring_up("a");
    driver
}

fn stop(driver: &mut Driver) -> provost_model::RequestId {
    driver.ask(Request::StopProcess {
        name: "a".to_owned(),
        wait: true,
    })
}

fn fail(driver: &mut Driver, problem: SpawnProblem) {
    let run = driver.run("a");
    driver.give(Input::SpawnFailed { run, problem });
}

#[test]
fn it_is_running_when_it_stayed_up_for_startsecs() {
    let mut driver = starting(|spec| spec.startsecs = 2);
    driver.spawned("a");
    driver.millis(1_999);
    assert_eq!(driver.info("a").state, ProcessState::Starting);
    driver.millis(1);
    assert_eq!(driver.events(), ["a STARTING>RUNNING pid:101"]);
    assert!(driver.notices().contains(&Notice::EnteredRunning {
        name: "a".into(),
        startsecs: 2
    }));
    assert_eq!(driver.core.next_deadline(), None);
}

#[test]
fn startsecs_of_nothing_counts_at_once() {
    let mut driver = starting(|spec| spec.startsecs = 0);
    driver.spawned("a");
    assert_eq!(driver.events(), ["a STARTING>RUNNING pid:101"]);
    let notices = driver.notices();
    let spawned = Notice::Spawned {
        name: "a".into(),
        pid: driver.pid("a"),
    };
    assert!(notices.ends_with(&[
        spawned,
        Notice::EnteredRunning {
            name: "a".into(),
            startsecs: 0
        }
    ]));
}

#[test]
fn an_exit_exactly_at_the_boundary_counts_as_up() {
    let mut driver = starting(|spec| spec.autorestart = AutoRestart::Never);
    driver.spawned("a");
    driver.jump(Duration::from_secs(1));
    driver.notices();
    driver.exited("a", 0);
    let events = [
        "a STARTING>RUNNING pid:101",
        "a RUNNING>EXITED expected:1 pid:101",
    ];
    assert_eq!(driver.events(), events);
    let status = ExitStatus::Code(0);
    assert_eq!(
        driver.notices(),
        [Notice::Exited {
            name: "a".into(),
            status,
            expected: true
        }]
    );
}

#[test]
fn early_exits_back_off_and_then_it_is_given_up() {
    let mut driver = starting(|spec| {
        spec.startretries = 1;
        spec.exitcodes = vec![3];
    });
    driver.notices();
    driver.spawned("a");
    driver.exited("a", 3);
    assert_eq!(driver.events(), ["a STARTING>BACKOFF tries:1"]);
    assert_eq!(
        driver.info("a").spawnerr,
        "Exited too quickly (process log may have details)"
    );
    assert_eq!(driver.info("a").exitstatus, 0);
    driver.millis(999);
    assert_eq!(driver.orders(), [""; 0]);
    driver.millis(1);
    assert_eq!(driver.orders(), ["spawn a"]);
    driver.spawned("a");
    driver.exited("a", 3);
    let events = [
        "a BACKOFF>STARTING tries:1",
        "a STARTING>BACKOFF tries:2",
        "a BACKOFF>FATAL",
    ];
    assert_eq!(driver.events(), events);
    assert_eq!(
        driver.notices().last(),
        Some(&Notice::GaveUp { name: "a".into() })
    );
    driver.secs(100);
    assert_eq!(driver.orders(), [""; 0]);
    assert_eq!(driver.info("a").description, Description::Trouble);
}

#[test]
fn no_retries_mean_one_attempt() {
    let mut driver = starting(|spec| spec.startretries = 0);
    fail(&mut driver, SpawnProblem::EmptyCommand);
    assert_eq!(
        driver.events(),
        ["a STARTING>BACKOFF tries:1", "a BACKOFF>FATAL"]
    );
    assert_eq!(driver.info("a").spawnerr, "command is empty");
}

#[test]
fn waits_between_attempts_grow_by_a_second() {
    let mut driver = starting(|spec| spec.startretries = 3);
    for wait in 1..=3 {
        driver.spawned("a");
        driver.exited("a", 0);
        driver.millis(wait * 1000 - 1);
        assert_eq!(driver.orders(), [""; 0]);
        driver.millis(1);
        assert_eq!(driver.orders(), ["spawn a"]);
    }
}

#[test]
fn a_shortage_does_not_use_up_retries_and_ends_by_itself() {
    let mut driver = starting(|spec| spec.startretries = 0);
    let mut waits = Vec::new();
    for _ in 0..8 {
        fail(&mut driver, SpawnProblem::TooManyProcesses);
        let before = driver.now.mono;
        while driver.orders().is_empty() {
            driver.millis(1_000);
        }
        waits.push(driver.now.mono.since(before).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert!(driver.events().iter().all(|event| !event.contains("FATAL")));
    let text = "Too many processes in process table to spawn 'a'";
    assert!(driver.notices().contains(&Notice::SpawnFailed {
        name: "a".into(),
        text: text.to_owned()
    }));
    driver.spawned("a");
    driver.exited("a", 0);
    assert_eq!(
        driver.events().last().map(String::as_str),
        Some("a BACKOFF>FATAL")
    );
}

#[test]
fn an_unexpected_exit_starts_it_again_at_once() {
    let mut driver = running(|_| {});
    driver.exited("a", 1);
    assert_eq!(driver.orders(), ["spawn a"]);
    let events = [
        "a RUNNING>EXITED expected:0 pid:101",
        "a EXITED>STARTING tries:0",
    ];
    assert_eq!(driver.events(), events);
}

#[test]
fn autorestart_decides_about_expected_exits() {
    for (autorestart, code, again) in [
        (AutoRestart::Unexpected, 0, false),
        (AutoRestart::Unexpected, 1, true),
        (AutoRestart::Always, 0, true),
        (AutoRestart::Never, 1, false),
    ] {
        let mut driver = running(|spec| spec.autorestart = autorestart);
        driver.exited("a", code);
        assert_eq!(
            !driver.orders().is_empty(),
            again,
            "{autorestart:?} after {code}"
        );
    }
}

#[test]
fn a_death_by_signal_is_unexpected() {
    let mut driver = running(|_| {});
    driver.killed("a", Signal::KILL);
    assert_eq!(driver.orders(), ["spawn a"]);
    driver.spawned("a");
    assert_eq!(driver.info("a").exitstatus, 0, "cleared by the start");
    let mut driver = running(|spec| spec.autorestart = AutoRestart::Never);
    driver.killed("a", Signal::KILL);
    let info = driver.info("a");
    assert_eq!(
        (info.exitstatus, info.spawnerr.as_str()),
        (-1, "Bad exit code -1")
    );
}

#[test]
fn a_program_that_ends_at_once_does_not_spin() {
    let mut driver = starting(|spec| {
        spec.startsecs = 0;
        spec.autorestart = AutoRestart::Always;
    });
    driver.spawned("a");
    driver.exited("a", 0);
    assert_eq!(driver.orders(), [""; 0]);
    driver.millis(10);
    assert_eq!(driver.orders(), ["spawn a"]);
    driver.spawned("a");
    driver.exited("a", 0);
    let told = driver.notices();
    let told = told
        .iter()
        .filter(|notice| matches!(notice, Notice::Respawning { .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn f32_what_is_halted_is_woken_after_the_stop_signal() {
    let mut driver = running(|spec| spec.stop_cont = true);
    stop(&mut driver);
    assert_eq!(driver.orders(), ["kill a SIGTERM", "kill a SIGCONT"]);
    driver.secs(10);
    assert_eq!(driver.orders(), ["kill a SIGKILL"]);
}

#[test]
fn f33_a_stop_of_the_tree_reaches_the_others_first() {
    let mut driver = running(|spec| spec.stop_tree = true);
    stop(&mut driver);
    assert_eq!(driver.orders(), ["kill tree a SIGTERM", "kill a SIGTERM"]);
    driver.secs(10);
    assert_eq!(driver.orders(), ["kill tree a SIGKILL", "kill a SIGKILL"]);
}

#[test]
fn a_stop_signals_waits_and_kills() {
    let mut driver = running(|spec| {
        spec.stopwaitsecs = 2;
        spec.stopsignal = Signal::INT;
        spec.stopasgroup = true;
        spec.killasgroup = true;
    });
    let id = stop(&mut driver);
    assert_eq!(driver.orders(), ["kill a group SIGINT"]);
    assert_eq!(driver.events(), ["a RUNNING>STOPPING pid:101"]);
    driver.millis(1_999);
    assert_eq!(driver.orders(), [""; 0]);
    driver.millis(1);
    assert_eq!(driver.orders(), ["kill a group SIGKILL"]);
    driver.secs(2);
    assert_eq!(driver.orders(), ["kill a group SIGKILL"]);
    assert_eq!(driver.events(), [""; 0], "still STOPPING");
    assert_eq!(driver.answer(id), None);
    driver.notices();
    driver.killed("a", Signal::KILL);
    assert_eq!(driver.events(), ["a STOPPING>STOPPED pid:101"]);
    let status = ExitStatus::Signaled {
        signal: Signal::KILL,
        core_dumped: false,
    };
    assert_eq!(
        driver.notices(),
        [Notice::Stopped {
            name: "a".into(),
            status,
            expected: false
        }]
    );
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    driver.secs(60);
    assert_eq!(driver.orders(), [""; 0], "what was stopped stays so");
}

#[test]
fn no_patience_kills_at_once_and_then_once_a_second() {
    let mut driver = running(|spec| spec.stopwaitsecs = 0);
    stop(&mut driver);
    assert_eq!(driver.orders(), ["kill a SIGTERM", "kill a SIGKILL"]);
    driver.millis(3_500);
    assert_eq!(driver.orders().len(), 3);
}

#[test]
fn a_stop_before_the_child_exists_is_carried_out_when_it_does() {
    let mut driver = starting(|spec| spec.startsecs = 0);
    let id = stop(&mut driver);
    assert_eq!((driver.orders(), driver.answer(id)), (Vec::new(), None));
    driver.spawned("a");
    assert_eq!(driver.orders(), ["kill a SIGTERM"]);
    assert_eq!(driver.events(), ["a STARTING>STOPPING pid:101"]);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
}

#[test]
fn a_stop_before_a_spawn_that_fails_leaves_it_stopped() {
    let mut driver = starting(|_| {});
    let id = stop(&mut driver);
    fail(&mut driver, SpawnProblem::EmptyCommand);
    assert_eq!(
        driver.events(),
        ["a STARTING>BACKOFF tries:1", "a BACKOFF>STOPPED pid:0"]
    );
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    driver.secs(10);
    assert_eq!(driver.orders(), [""; 0]);
    assert_eq!(driver.info("a").description, Description::NotStarted);
}

#[test]
fn a_stop_in_backoff_ends_the_retries_and_a_start_has_them_all_again() {
    let mut driver = starting(|spec| spec.startretries = 1);
    driver.spawned("a");
    driver.exited("a", 1);
    let id = stop(&mut driver);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    assert_eq!(
        driver.events(),
        ["a STARTING>BACKOFF tries:1", "a BACKOFF>STOPPED pid:0"]
    );
    driver.secs(10);
    assert_eq!(driver.orders(), [""; 0]);
    driver.ask(Request::StartProcess {
        name: "a".to_owned(),
        wait: false,
    });
    driver.probed("a");
    assert_eq!(driver.events(), ["a STOPPED>STARTING tries:0"]);
}

#[test]
fn a_signal_that_cannot_be_sent_makes_it_unknown_and_its_end_is_survived() {
    let mut driver = running(|_| {});
    let id = stop(&mut driver);
    driver.kill_failed("a", 1, Signal::TERM);
    let text = "FAILED: unknown problem killing a (101): Operation not permitted (EPERM)";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    assert_eq!(
        driver.events(),
        ["a RUNNING>STOPPING pid:101", "a STOPPING>UNKNOWN"]
    );
    driver.secs(60);
    assert_eq!(driver.orders(), ["kill a SIGTERM"], "no SIGKILL either");
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.events(), ["a UNKNOWN>STOPPED pid:101"]);
}

#[test]
fn a_stop_that_meets_an_exit_ends_stopped() {
    let mut driver = running(|_| {});
    let id = stop(&mut driver);
    driver.kill_failed("a", 3, Signal::TERM);
    assert!(driver.notices().contains(&Notice::SignalTooLate {
        name: "a".into(),
        pid: driver.pid("a"),
        by_client: false
    }));
    driver.exited("a", 1);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    assert_eq!(driver.info("a").state, ProcessState::Stopped);
    assert_eq!(driver.orders(), ["kill a SIGTERM"]);
}

#[test]
fn a_wall_clock_that_is_set_changes_no_interval_and_no_age() {
    let mut driver = running(|_| {});
    driver.now.wall.secs -= 86_400;
    driver.secs(9);
    let info = driver.info("a");
    assert_eq!(info.description, Description::Up { uptime_secs: 10 });
    assert_eq!(info.now - info.start, 10);
    driver.now.wall.secs += 10 * 86_400;
    stop(&mut driver);
    driver.orders();
    driver.millis(9_999);
    assert_eq!(driver.orders(), [""; 0]);
    driver.millis(1);
    assert_eq!(driver.orders(), ["kill a SIGKILL"]);
}

#[test]
fn facts_that_come_late_or_twice_change_nothing() {
    let mut driver = running(|_| {});
    let old = driver.run("a");
    driver.exited("a", 1);
    driver.spawned("a");
    driver.events();
    driver.notices();
    driver.give(Input::Exited {
        run: old,
        status: ExitStatus::Code(0),
        why: None,
    });
    driver.give(Input::KillFailed {
        run: old,
        errno: provost_model::Errno(1),
        signal: Signal::TERM,
    });
    assert_eq!(
        (driver.events(), driver.notices()),
        (Vec::new(), Vec::new())
    );
    let run = provost_model::Run(4711);
    driver.give(Input::Exited {
        run,
        status: ExitStatus::Code(0),
        why: None,
    });
    assert!(matches!(
        driver.notices().as_slice(),
        [Notice::Anomaly { .. }]
    ));
    driver.spawned("a");
    assert!(matches!(
        driver.notices().as_slice(),
        [Notice::Anomaly { .. }]
    ));
    assert_eq!(driver.info("a").state, ProcessState::Starting);
}

#[test]
fn what_does_not_start_by_itself_waits() {
    let mut driver = Driver::start(vec![single("a", |spec| spec.autostart = false)]);
    driver.secs(10);
    assert_eq!(driver.orders(), ["added spy", "added a"]);
    assert_eq!(driver.info("a").description, Description::NotStarted);
}
