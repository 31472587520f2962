//! What clients are answered.

use crate::Input;
use crate::driver::{Driver, group, process, single};
use provost_model::spawn::SpawnProblem;
use provost_model::{Notice, ProcessSpec, Request, RequestId, Signal};

pub(super) fn manual(
    group: &str,
    name: &str,
    change: impl FnOnce(&mut ProcessSpec),
) -> ProcessSpec {
    let mut spec = process(group, name);
    spec.autostart = false;
    change(&mut spec);
    spec
}

/// A core with `a`, not started.
pub(super) fn one() -> Driver {
    let mut driver = Driver::start(vec![single("a", |spec| spec.autostart = false)]);
    driver.orders();
    driver.events();
    driver
}

/// A core with group `g` of three, not started; `y` comes before `x`, and `z` is the last.
pub(super) fn three() -> Driver {
    let spec = |name: &str, priority| manual("g", name, |spec| spec.priority = priority);
    let members = vec![spec("x", 20), spec("y", 10), spec("z", 30)];
    let mut driver = Driver::start(vec![group("g", 5, members)]);
    driver.orders();
    driver.events();
    driver
}

fn start(driver: &mut Driver, name: &str, wait: bool) -> RequestId {
    driver.ask(Request::StartProcess {
        name: name.to_owned(),
        wait,
    })
}

pub(super) fn stop(driver: &mut Driver, name: &str, wait: bool) -> RequestId {
    driver.ask(Request::StopProcess {
        name: name.to_owned(),
        wait,
    })
}

pub(super) fn bring_up(driver: &mut Driver, name: &str) {
    start(driver, name, false);
    let process = name.rsplit(':').next().unwrap_or(name).to_owned();
    driver.probed(&process);
    driver.bring_up(&process);
}

#[test]
fn a_start_is_answered_when_it_runs() {
    let mut driver = one();
    let id = start(&mut driver, "a", true);
    driver.probed("a");
    driver.spawned("a");
    driver.millis(999);
    assert_eq!(driver.answer(id), None);
    driver.millis(1);
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
}

#[test]
fn a_start_without_waiting_is_answered_after_the_spawn() {
    let mut driver = one();
    let id = start(&mut driver, "a", false);
    driver.probed("a");
    assert_eq!(driver.answer(id), None);
    driver.spawned("a");
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
}

#[test]
fn a_start_that_fails_says_how() {
    for wait in [true, false] {
        let mut driver = one();
        let id = start(&mut driver, "a", wait);
        driver.probed("a");
        let run = driver.run("a");
        driver.give(Input::SpawnFailed {
            run,
            problem: SpawnProblem::TooManyFiles,
        });
        assert_eq!(driver.answer(id).as_deref(), Some("SPAWN_ERROR: a"));
    }
    let mut driver = one();
    let id = start(&mut driver, "a", true);
    driver.probed("a");
    driver.spawned("a");
    driver.exited("a", 0);
    assert_eq!(driver.answer(id).as_deref(), Some("SPAWN_ERROR: a"));
    let mut driver = one();
    let id = start(&mut driver, "a", true);
    driver.probed("a");
    driver.spawned("a");
    stop(&mut driver, "a", false);
    assert_eq!(
        driver.answer(id).as_deref(),
        Some("ABNORMAL_TERMINATION: a")
    );
}

#[test]
fn the_command_is_looked_at_before_the_state() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    let id = start(&mut driver, "a", true);
    driver.probed_with(
        "a",
        Err(SpawnProblem::NotFound {
            file: "/x".to_owned(),
        }),
    );
    assert_eq!(
        driver.answer(id).as_deref(),
        Some("NO_FILE: can't find command '/x'")
    );
    let id = start(&mut driver, "a", true);
    driver.probed_with(
        "a",
        Err(SpawnProblem::IsDirectory {
            file: "/x".to_owned(),
        }),
    );
    let text = "NOT_EXECUTABLE: command at '/x' is a directory";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    let id = start(&mut driver, "a", true);
    driver.probed("a");
    assert_eq!(driver.answer(id).as_deref(), Some("ALREADY_STARTED: a"));
}

#[test]
fn names_that_are_not_there_are_bad() {
    let mut driver = three();
    for name in ["nobody", "g", "g:nobody", "nobody:*"] {
        let name = name.to_owned();
        let id = driver.ask(Request::StartProcess {
            name: name.clone(),
            wait: true,
        });
        assert_eq!(driver.answer(id), Some(format!("BAD_NAME: {name}")));
        let request = Request::SendProcessStdin {
            name: name.clone(),
            chars: String::new(),
        };
        assert_eq!(driver.asked(request), format!("BAD_NAME: {name}"));
    }
    let request = Request::GetProcessInfo {
        name: "g:*".to_owned(),
    };
    assert_eq!(driver.asked(request), "BAD_NAME: g:*");
    let request = Request::StopProcessGroup {
        name: "h".to_owned(),
        wait: true,
    };
    assert_eq!(driver.asked(request), "BAD_NAME: h");
}

#[test]
fn a_start_while_it_stops_starts_nothing() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    stop(&mut driver, "a", false);
    driver.orders();
    for (wait, answer) in [(true, "ABNORMAL_TERMINATION: a"), (false, "Done")] {
        let id = start(&mut driver, "a", wait);
        driver.notices();
        driver.probed("a");
        assert_eq!(driver.answer(id).as_deref(), Some(answer));
        assert_eq!(
            driver.notices(),
            [Notice::AlreadyRunning { name: "a".into() }]
        );
    }
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders(), [""; 0]);
}

#[test]
fn a_group_starts_in_ascending_priority_however_the_looks_come_in() {
    let mut driver = three();
    let id = start(&mut driver, "g:*", true);
    driver.probed("z");
    driver.probed("x");
    assert_eq!(driver.orders(), [""; 0]);
    driver.probed("y");
    assert_eq!(driver.orders(), ["spawn y", "spawn x", "spawn z"]);
    for name in ["z", "x", "y"] {
        driver.spawned(name);
    }
    driver.exited("x", 1);
    assert_eq!(driver.answer(id), None);
    driver.secs(1);
    let results = "g:x=SPAWN_ERROR: g:x g:y=OK g:z=OK";
    assert_eq!(driver.answer(id).as_deref(), Some(results));
}

#[test]
fn what_is_known_at_once_stands_first_and_in_order() {
    let spec = |name: &str, priority, startsecs| {
        manual("g", name, |spec| {
            spec.priority = priority;
            spec.startsecs = startsecs;
        })
    };
    let members = vec![spec("x", 10, 5), spec("y", 20, 0), spec("z", 30, 0)];
    let mut driver = Driver::start(vec![group("g", 5, members)]);
    let id = driver.ask(Request::StartAllProcesses { wait: true });
    driver.probed("spy");
    driver.probed("x");
    driver.probed_with("y", Err(SpawnProblem::EmptyCommand));
    driver.probed("z");
    for name in ["z", "x", "spy"] {
        driver.spawned(name);
    }
    driver.secs(5);
    let results = "g:y=NOT_EXECUTABLE: command is empty g:z=OK spy:spy=OK g:x=OK";
    assert_eq!(driver.answer(id).as_deref(), Some(results));
}

#[test]
fn a_look_that_never_comes_back_holds_nobody_up_for_long() {
    let mut driver = three();
    start(&mut driver, "g:*", true);
    driver.probed("x");
    driver.probed("z");
    driver.millis(4_999);
    assert_eq!(driver.orders(), [""; 0]);
    driver.millis(1);
    assert_eq!(driver.orders(), ["spawn y", "spawn x", "spawn z"]);
    driver.probed("y");
    assert_eq!(driver.orders(), [""; 0]);
}

#[test]
fn a_stop_overtakes_a_start_that_still_looks_at_its_command() {
    for all in [true, false] {
        let mut driver = one();
        let id = start(&mut driver, "a", all);
        if all {
            driver.ask(Request::StopAllProcesses { wait: true });
        } else {
            stop(&mut driver, "a", true);
        }
        driver.probed("a");
        let refused = driver.answer(id);
        assert_eq!(refused.as_deref(), Some("ABNORMAL_TERMINATION: a"));
        assert_eq!(driver.orders(), [""; 0]);
        let id = start(&mut driver, "a", false);
        driver.probed("a");
        driver.spawned("a");
        assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    }
}

#[test]
fn a_group_stops_in_ascending_priority_and_tells_as_they_end() {
    let mut driver = three();
    for name in ["g:x", "g:y", "g:z"] {
        bring_up(&mut driver, name);
    }
    let id = driver.ask(Request::StopProcessGroup {
        name: "g".to_owned(),
        wait: true,
    });
    assert_eq!(
        driver.orders(),
        ["kill y SIGTERM", "kill x SIGTERM", "kill z SIGTERM"]
    );
    for name in ["z", "y", "x"] {
        driver.killed(name, Signal::TERM);
    }
    assert_eq!(driver.answer(id).as_deref(), Some("g:z=OK g:y=OK g:x=OK"));
    let id = driver.ask(Request::StopAllProcesses { wait: true });
    assert_eq!(
        driver.answer(id).as_deref(),
        Some(""),
        "nothing to stop is an empty array"
    );
}

#[test]
fn a_stop_of_what_does_not_run_is_refused() {
    let mut driver = one();
    let id = stop(&mut driver, "a", true);
    assert_eq!(driver.answer(id).as_deref(), Some("NOT_RUNNING: a"));
    bring_up(&mut driver, "a");
    stop(&mut driver, "a", false);
    let id = stop(&mut driver, "a", false);
    assert_eq!(
        driver.answer(id).as_deref(),
        Some("NOT_RUNNING: a"),
        "STOPPING is not running"
    );
}

#[test]
fn who_waits_for_a_stop_is_reported_every_two_seconds() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    let id = stop(&mut driver, "a", true);
    let count = |driver: &mut Driver| {
        let notices = driver.notices();
        notices
            .iter()
            .filter(|n| matches!(n, Notice::WaitingToStop { .. }))
            .count()
    };
    assert_eq!(count(&mut driver), 1);
    driver.millis(1_999);
    assert_eq!(count(&mut driver), 0);
    driver.millis(2_001);
    assert_eq!(count(&mut driver), 2);
    driver.give(Input::RequesterGone { id });
    driver.secs(4);
    assert_eq!(count(&mut driver), 0);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.answer(id), None);
    bring_up(&mut driver, "a");
    stop(&mut driver, "a", true);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.core.next_deadline(), None, "no report is due");
}

#[test]
fn a_client_who_leaves_early_still_gets_its_start() {
    let mut driver = three();
    let id = start(&mut driver, "g:*", true);
    driver.probed("y");
    driver.give(Input::RequesterGone { id });
    driver.probed("x");
    driver.probed("z");
    assert_eq!(driver.orders(), ["spawn y", "spawn x", "spawn z"]);
    for name in ["x", "y", "z"] {
        driver.spawned(name);
    }
    driver.secs(2);
    assert_eq!(driver.answer(id), None);
}

#[test]
fn signals_are_answered_when_they_were_sent() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    let signal = |text: &str| Request::SignalProcess {
        name: "a".to_owned(),
        signal: text.to_owned(),
    };
    for text in ["hup", "SIGHUP", "1", " 1 "] {
        let id = driver.ask(signal(text));
        assert_eq!(driver.orders(), ["kill a SIGHUP"]);
        assert_eq!(driver.answer(id), None);
        driver.fenced();
        assert_eq!(driver.answer(id).as_deref(), Some("Done"), "{text}");
    }
    assert_eq!(driver.asked(signal("NOPE")), "BAD_SIGNAL: NOPE");
    let id = driver.ask(signal("USR1"));
    driver.kill_failed("a", 1, Signal::USR1);
    driver.fenced();
    let text = "FAILED: unknown problem sending sig a (101): Operation not permitted (EPERM)";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    assert_eq!(driver.asked(signal("HUP")), "NOT_RUNNING: a");
    driver.exited("a", 0);
    assert_eq!(
        driver.events().last().map(String::as_str),
        Some("a UNKNOWN>EXITED expected:1 pid:101")
    );
}

#[test]
fn signals_to_a_group_reach_those_that_live() {
    let mut driver = three();
    bring_up(&mut driver, "g:x");
    let request = Request::SignalProcessGroup {
        name: "g".to_owned(),
        signal: "HUP".to_owned(),
    };
    let id = driver.ask(request);
    driver.fenced();
    assert_eq!(driver.answer(id).as_deref(), Some("g:x=OK"));
    let request = Request::SignalAllProcesses {
        signal: "NOPE".to_owned(),
    };
    assert_eq!(driver.asked(request), "g:x=BAD_SIGNAL: NOPE");
}

#[test]
fn a_stop_without_waiting_tells_of_a_signal_that_cannot_be_sent() {
    let mut driver = one();
    bring_up(&mut driver, "a");
    let id = stop(&mut driver, "a", false);
    assert_eq!(driver.answer(id), None);
    driver.fenced();
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    driver.killed("a", Signal::TERM);
    bring_up(&mut driver, "a");
    let id = stop(&mut driver, "a", false);
    driver.kill_failed("a", 1, Signal::TERM);
    driver.fenced();
    assert!(
        driver
            .answer(id)
            .unwrap()
            .starts_with("FAILED: unknown problem killing a (")
    );
}
