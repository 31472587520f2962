//! The life of the daemon: start, stop, restart, reload.

use crate::driver::{Driver, config, group, process, single};
use crate::{Core, Input};
use provost_model::spec::LogFile;
use provost_model::{Channel, GroupSpec, Notice, ProcessSpec, Request, Signal, SupervisorState};
use std::sync::Arc;

fn at(name: &str, priority: i64) -> Arc<GroupSpec> {
    single(name, |spec| spec.priority = priority)
}

fn all_up(groups: Vec<Arc<GroupSpec>>) -> Driver {
    let names: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.processes)
        .map(|spec| spec.name.clone())
        .collect();
    let mut driver = Driver::start(groups);
    for name in &names {
        driver.spawned(name);
    }
    driver.secs(1);
    driver.orders();
    driver.notices();
    driver.events();
    driver
}

fn term(driver: &mut Driver) {
    driver.give(Input::Signal(Signal::TERM));
}

fn loaded(driver: &mut Driver, result: Result<Vec<Arc<GroupSpec>>, &str>) {
    let ticket = driver.loads.pop().unwrap();
    let result = result.map(config).map_err(str::to_owned);
    driver.give(Input::ConfigLoaded { ticket, result });
}

#[test]
fn groups_come_into_service_and_start_in_ascending_priority() {
    let listed = |name: &str, priority| {
        let mut spec = process("m", name);
        spec.priority = priority;
        spec
    };
    let mixed = group("m", 5, vec![listed("late", 20), listed("early", 10)]);
    let mut driver = Driver::start(vec![at("z", 1), at("b", 9), at("a", 9), mixed]);
    let orders = driver.orders();
    assert_eq!(
        orders[..6],
        [
            "added spy",
            "added z",
            "added late",
            "added early",
            "added a",
            "added b"
        ]
    );
    assert_eq!(
        orders[6..],
        ["spawn z", "spawn late", "spawn early", "spawn a", "spawn b"]
    );
    let events = driver.events();
    assert_eq!(events[5], "SUPERVISOR_STATE_CHANGE_RUNNING");
    assert_eq!(events[6], "z STOPPED>STARTING tries:0");
}

#[test]
fn a_shutdown_goes_down_by_priority_and_equals_go_together() {
    let mut driver = all_up(vec![at("a", 1), at("b", 5), at("c", 5), at("d", 9)]);
    term(&mut driver);
    assert_eq!(driver.orders(), ["kill d SIGTERM"]);
    let notices = driver.notices();
    assert_eq!(
        notices.first(),
        Some(&Notice::ExitRequested {
            signal: Signal::TERM
        })
    );
    let names = ["a", "b", "c", "d"].map(Arc::from).to_vec();
    assert!(notices.contains(&Notice::WaitingToDie { names }));
    let events = [
        "SUPERVISOR_STATE_CHANGE_STOPPING",
        "d RUNNING>STOPPING pid:104",
    ];
    assert_eq!(driver.events(), events);
    driver.killed("d", Signal::TERM);
    assert_eq!(driver.orders(), ["kill c SIGTERM", "kill b SIGTERM"]);
    driver.killed("b", Signal::TERM);
    assert_eq!(driver.orders(), [""; 0]);
    driver.killed("c", Signal::TERM);
    assert_eq!(driver.orders(), ["kill a SIGTERM"]);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders(), ["exit"]);
    assert_eq!(driver.core.next_deadline(), None);
}

#[test]
fn within_a_group_the_highest_priority_is_told_first() {
    let members: Vec<ProcessSpec> = [("x", 1), ("y", 3), ("z", 2)]
        .map(|(name, priority)| {
            let mut spec = process("g", name);
            spec.priority = priority;
            spec
        })
        .to_vec();
    let mut driver = all_up(vec![group("g", 1, members)]);
    term(&mut driver);
    assert_eq!(
        driver.orders(),
        ["kill y SIGTERM", "kill z SIGTERM", "kill x SIGTERM"]
    );
}

#[test]
fn nothing_starts_while_everything_stops() {
    let mut driver = all_up(vec![at("a", 1), at("b", 5), at("c", 5)]);
    driver.exited("c", 0);
    let start = driver.ask(Request::StartProcess {
        name: "c".to_owned(),
        wait: true,
    });
    term(&mut driver);
    driver.orders();
    driver.probed("c");
    assert_eq!(driver.answer(start).as_deref(), Some("SHUTDOWN_STATE"));
    driver.exited("a", 1);
    driver.secs(5);
    assert_eq!(driver.orders(), [""; 0]);
    driver.killed("b", Signal::TERM);
    assert_eq!(driver.orders(), ["exit"], "a has ended by itself");
}

#[test]
fn backoff_becomes_fatal_when_its_turn_comes() {
    let mut driver = all_up(vec![at("a", 1), at("b", 5)]);
    driver.exited("a", 1);
    driver.spawned("a");
    driver.exited("a", 1);
    term(&mut driver);
    driver.orders();
    driver.secs(4);
    assert_eq!(driver.orders(), [""; 0], "no retry");
    driver.events();
    driver.killed("b", Signal::TERM);
    assert_eq!(
        driver.events().last().map(String::as_str),
        Some("a BACKOFF>FATAL")
    );
    assert_eq!(driver.orders(), ["exit"]);
}

#[test]
fn a_spawn_under_way_is_stopped_when_it_is_done() {
    let mut driver = Driver::start(vec![at("a", 1)]);
    driver.orders();
    term(&mut driver);
    assert_eq!(driver.orders(), [""; 0]);
    driver.spawned("a");
    assert_eq!(driver.orders(), ["kill a SIGTERM"]);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders(), ["exit"]);
}

#[test]
fn a_shutdown_tries_once_more_what_could_not_be_signalled() {
    for reachable in [true, false] {
        let mut driver = all_up(vec![at("a", 1)]);
        let (name, wait) = ("a".to_owned(), true);
        driver.ask(Request::StopProcess { name, wait });
        driver.kill_failed("a", 1, Signal::TERM);
        driver.orders();
        driver.events();
        term(&mut driver);
        assert_eq!(driver.orders(), ["kill a SIGTERM"]);
        let stopping = "a UNKNOWN>STOPPING pid:101".to_owned();
        assert!(driver.events().contains(&stopping));
        if reachable {
            driver.killed("a", Signal::TERM);
        } else {
            driver.kill_failed("a", 1, Signal::TERM);
        }
        assert_eq!(driver.orders(), ["exit"]);
    }
}

#[test]
fn who_takes_long_to_die_is_named_every_three_seconds() {
    let mut driver = all_up(vec![at("a", 1)]);
    term(&mut driver);
    let count = |driver: &mut Driver| {
        let notices = driver.notices();
        notices
            .iter()
            .filter(|n| matches!(n, Notice::WaitingToDie { .. }))
            .count()
    };
    assert_eq!(count(&mut driver), 1);
    driver.millis(2_999);
    assert_eq!(count(&mut driver), 0);
    driver.millis(3_001);
    assert_eq!(count(&mut driver), 2);
}

#[test]
fn a_second_term_is_logged_and_changes_nothing() {
    let mut driver = all_up(vec![at("a", 1)]);
    term(&mut driver);
    driver.orders();
    driver.notices();
    term(&mut driver);
    assert_eq!(
        driver.notices(),
        [Notice::ExitRequested {
            signal: Signal::TERM
        }]
    );
    driver.give(Input::Signal(Signal::HUP));
    assert_eq!(driver.notices(), [Notice::RestartIgnored]);
    assert_eq!((driver.orders(), driver.loads.len()), (Vec::new(), 0));
}

#[test]
fn with_nothing_to_stop_it_ends_at_once() {
    let mut driver = Driver::start(vec![]);
    driver.orders();
    assert_eq!(driver.asked(Request::Shutdown), "Done");
    assert_eq!(driver.orders(), ["exit"]);
    assert_eq!(driver.asked(Request::GetState), "SHUTDOWN_STATE");
}

#[test]
fn a_restart_reads_the_configuration_first() {
    let mut driver = all_up(vec![at("a", 1)]);
    let id = driver.ask(Request::Restart);
    assert_eq!(driver.orders(), ["load for restart"]);
    loaded(&mut driver, Err("bad"));
    assert_eq!(driver.answer(id).as_deref(), Some("CANT_REREAD: bad"));
    assert_eq!((driver.orders(), driver.events()), (Vec::new(), Vec::new()));
    assert_eq!(driver.core.state(), SupervisorState::Running);

    driver.give(Input::Signal(Signal::HUP));
    driver.notices();
    loaded(&mut driver, Err("bad"));
    assert_eq!(
        driver.notices(),
        [Notice::RestartRefused {
            reason: "bad".to_owned()
        }]
    );

    let id = driver.ask(Request::Restart);
    driver.give(Input::Signal(Signal::HUP));
    driver.orders();
    loaded(&mut driver, Ok(vec![]));
    assert_eq!(driver.answer(id).as_deref(), Some("Done"));
    assert_eq!(driver.orders(), ["kill a SIGTERM"]);
    assert_eq!(driver.core.state(), SupervisorState::Restarting);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders(), ["exit restart"]);
}

#[test]
fn a_term_during_a_restart_makes_it_a_shutdown() {
    let mut driver = all_up(vec![at("a", 1)]);
    driver.give(Input::Signal(Signal::HUP));
    loaded(&mut driver, Ok(vec![]));
    term(&mut driver);
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders().last().map(String::as_str), Some("exit"));

    let mut driver = all_up(vec![at("a", 1)]);
    let id = driver.ask(Request::Restart);
    term(&mut driver);
    loaded(&mut driver, Ok(vec![]));
    assert_eq!(driver.answer(id).as_deref(), Some("SHUTDOWN_STATE"));
    driver.killed("a", Signal::TERM);
    assert_eq!(driver.orders().last().map(String::as_str), Some("exit"));
}

#[test]
fn a_configuration_that_never_comes_is_refused() {
    let mut driver = all_up(vec![at("a", 1)]);
    let id = driver.ask(Request::Restart);
    driver.secs(60);
    let text = "CANT_REREAD: the configuration was not read within 60 seconds";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    loaded(&mut driver, Ok(vec![]));
    assert_eq!(driver.core.state(), SupervisorState::Running);
}

#[test]
fn requests_are_refused_while_it_stops_but_for_two() {
    let mut driver = all_up(vec![at("a", 1)]);
    let wait = driver.ask(Request::ReloadConfig);
    term(&mut driver);
    for request in [
        Request::Check,
        Request::GetState,
        Request::GetAllProcessInfo,
        Request::Shutdown,
        Request::SignalProcessGroup {
            name: "nobody".to_owned(),
            signal: "x".to_owned(),
        },
        Request::SignalAllProcesses {
            signal: "HUP".to_owned(),
        },
    ] {
        assert_eq!(driver.asked(request), "SHUTDOWN_STATE");
    }
    let (kind, data) = ("t".to_owned(), "d".to_owned());
    assert_eq!(
        driver.asked(Request::SendRemoteCommEvent { kind, data }),
        "Done"
    );
    driver.killed("a", Signal::TERM);
    assert_eq!(
        driver.answer(wait).as_deref(),
        Some("SHUTDOWN_STATE"),
        "told before the end"
    );
}

#[test]
fn a_reload_tells_what_differs_and_touches_nothing() {
    let mut driver = all_up(vec![at("a", 1), at("b", 2), at("c", 3)]);
    let id = driver.ask(Request::ReloadConfig);
    let changed = single("b", |spec| {
        spec.priority = 2;
        spec.stdout.logfile = provost_model::spec::LogFile::None;
    });
    let next = vec![at("z", 0), changed, at("a", 1)];
    loaded(&mut driver, Ok(next));
    let text = r#"added ["z"] changed ["b"] removed ["spy", "c"]"#;
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    assert_eq!(driver.events(), [""; 0]);
    assert_eq!(
        driver.asked(Request::GetAllProcessInfo),
        "a:a b:b c:c spy:spy"
    );
    assert_eq!(
        driver.asked(Request::GetAllConfigInfo),
        "a:a true b:b true z:z false"
    );

    let id = driver.ask(Request::ReloadConfig);
    loaded(&mut driver, Err("no"));
    assert_eq!(driver.answer(id).as_deref(), Some("CANT_REREAD: no"));
    assert_eq!(
        driver.asked(Request::GetAllConfigInfo),
        "a:a true b:b true z:z false"
    );
}

#[test]
fn the_latest_configuration_shows_auto_logs_that_are_not_in_use_as_such() {
    let logged = |logfile| single("a", |spec| spec.stdout.logfile = logfile);
    let mut driver = all_up(vec![logged(LogFile::Path(
        std::path::Path::new("/tmp/a.log").into(),
    ))]);
    driver.ask(Request::ReloadConfig);
    loaded(&mut driver, Ok(vec![logged(LogFile::Auto)]));
    let shown = driver.core.all_config_info();
    assert_eq!(shown[0].stdout.logfile, "auto");
    let proc = driver.core.find("a", "a").unwrap();
    let (channel, path) = (Channel::Stderr, "/tmp/a-stderr.log".into());
    driver.give(Input::AutoLogNamed {
        proc,
        channel,
        path,
    });
    assert_eq!(
        driver.core.all_config_info()[0].stderr.logfile,
        "/tmp/a-stderr.log"
    );
}

#[test]
fn groups_are_added_from_the_latest_configuration_and_removed_when_idle() {
    let mut driver = all_up(vec![at("a", 1)]);
    let add = |name: &str| Request::AddProcessGroup {
        name: name.to_owned(),
    };
    let remove = |name: &str| Request::RemoveProcessGroup {
        name: name.to_owned(),
    };
    assert_eq!(driver.asked(add("a")), "ALREADY_ADDED: a");
    assert_eq!(driver.asked(add("z")), "BAD_NAME: z");
    assert_eq!(driver.asked(remove("z")), "BAD_NAME: z");
    assert_eq!(driver.asked(remove("a")), "STILL_RUNNING: a");
    driver.ask(Request::ReloadConfig);
    driver.orders();
    loaded(&mut driver, Ok(vec![at("z", 1)]));
    assert_eq!(driver.asked(add("z")), "Done");
    assert_eq!(driver.orders(), ["added z", "spawn z"]);
    assert_eq!(driver.events(), ["ADDED z", "z STOPPED>STARTING tries:0"]);
    driver.ask(Request::StopProcess {
        name: "a".to_owned(),
        wait: true,
    });
    driver.killed("a", Signal::TERM);
    driver.orders();
    driver.events();
    assert_eq!(driver.asked(remove("a")), "Done");
    assert_eq!(driver.orders(), ["removed a"]);
    assert_eq!(driver.events(), ["REMOVED a"]);
    assert_eq!(
        driver.asked(add("a")),
        "BAD_NAME: a",
        "no longer configured"
    );
}

#[test]
fn a_group_is_not_removed_while_its_child_lives_unknown() {
    let mut driver = all_up(vec![at("a", 1)]);
    driver.ask(Request::StopProcess {
        name: "a".to_owned(),
        wait: true,
    });
    driver.kill_failed("a", 1, Signal::TERM);
    let remove = Request::RemoveProcessGroup {
        name: "a".to_owned(),
    };
    assert_eq!(driver.asked(remove.clone()), "STILL_RUNNING: a");
    driver.exited("a", 0);
    assert_eq!(driver.asked(remove), "Done");
}

#[test]
fn usr2_reopens_the_logs_and_others_are_only_told() {
    let mut driver = all_up(vec![]);
    driver.give(Input::Signal(Signal::USR2));
    assert_eq!(driver.orders(), ["reopen"]);
    driver.give(Input::Signal(Signal::CHLD));
    driver.give(Input::Signal(Signal::USR1));
    let notices = [
        Notice::ReopenRequested,
        Notice::Reopening,
        Notice::ChildQuit,
        Notice::SignalIgnored {
            signal: Signal::USR1,
        },
    ];
    assert_eq!(driver.notices(), notices);
}

#[test]
fn the_next_life_goes_on_counting() {
    let driver = all_up(vec![at("a", 1)]);
    let mut next = Core::after(&driver.core, config(vec![]));
    assert_eq!(next.bus.serials, driver.core.bus.serials);
    assert!(next.runs.was_begun(driver.run("a")));
    let mut out = Vec::new();
    let exited = Input::Exited {
        run: driver.run("a"),
        status: provost_model::ExitStatus::Code(0),
        why: None,
    };
    next.handle(driver.now, exited, &mut out);
    assert_eq!(out, []);
}
