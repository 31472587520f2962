//! Listener pools, through the whole core.

use crate::driver::{Driver, pool, process, single};
use crate::{Effect, Input};
use provost_model::{Channel, EventKind, GroupSpec, Notice, Request, Signal};
use std::sync::Arc;

const REMOTE: &[EventKind] = &[EventKind::RemoteCommunication];

fn listeners(buffer_size: usize, events: &[EventKind], names: &[&str]) -> Arc<GroupSpec> {
    let members = names.iter().map(|name| process("mail", name)).collect();
    pool("mail", buffer_size, events, members)
}

/// A core whose listeners are up and have said nothing.
fn up(buffer_size: usize, events: &[EventKind], names: &[&str]) -> Driver {
    let mut driver = Driver::start(vec![listeners(buffer_size, events, names)]);
    for name in names {
        driver.spawned(name);
    }
    driver.secs(1);
    driver.orders();
    driver.notices();
    driver
}

fn send(driver: &mut Driver, data: &str) {
    let request = Request::SendRemoteCommEvent {
        kind: "t".to_owned(),
        data: data.to_owned(),
    };
    assert_eq!(driver.asked(request), "Done");
}

#[test]
fn events_wait_until_a_listener_is_running_and_ready() {
    let mut driver = Driver::start(vec![listeners(10, REMOTE, &["l"])]);
    driver.orders();
    driver.spawned("l");
    send(&mut driver, "1");
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), [""; 0], "ready, but STARTING");
    driver.secs(1);
    assert_eq!(driver.orders(), ["deliver l REMOTE t 1"]);
    send(&mut driver, "2");
    assert_eq!(driver.orders(), [""; 0], "busy");
    driver.says("l", "RESULT 2\nOK");
    assert_eq!(driver.orders(), [""; 0], "acknowledged, not ready");
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 2"]);
}

#[test]
fn the_first_ready_listener_of_the_pool_gets_the_oldest_event() {
    let mut driver = up(10, REMOTE, &["l", "m"]);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    driver.says("m", "READY\n");
    driver.says("l", "READY\n");
    assert_eq!(
        driver.orders(),
        ["deliver m REMOTE t 1", "deliver l REMOTE t 2"]
    );
}

#[test]
fn a_refused_event_comes_again_first_and_only_in_its_pool() {
    let mut driver = up(10, REMOTE, &["l"]);
    driver.says("l", "READY\n");
    send(&mut driver, "1");
    send(&mut driver, "2");
    driver.events();
    driver.notices();
    driver.says("l", "RESULT 4\nFAILREADY\n");
    assert_eq!(
        driver.orders(),
        ["deliver l REMOTE t 1", "deliver l REMOTE t 1"]
    );
    assert_eq!(driver.events(), [""; 0]);
    let expected = [
        Notice::EventRejected { name: "l".into() },
        Notice::ListenerState {
            name: "l".into(),
            from: "BUSY",
            to: "ACKNOWLEDGED",
        },
        Notice::PoolRebuffered {
            pool: "mail".into(),
            serial: 4,
            size: 1,
            max: 10,
        },
        Notice::ListenerState {
            name: "l".into(),
            from: "ACKNOWLEDGED",
            to: "READY",
        },
    ];
    let notices = driver.notices();
    for notice in expected {
        assert!(notices.contains(&notice), "{notice:?} in {notices:?}");
    }
}

#[test]
fn a_full_buffer_loses_its_oldest_event() {
    let mut driver = up(2, REMOTE, &["l"]);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    let notices = driver.notices();
    assert!(
        matches!(notices.as_slice(), [Notice::PoolOverflow { .. }]),
        "{notices:?}"
    );
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 2"]);
}

#[test]
fn the_event_of_a_listener_that_dies_comes_again() {
    let mut driver = up(10, REMOTE, &["l"]);
    driver.says("l", "READY\n");
    send(&mut driver, "1");
    send(&mut driver, "2");
    driver.orders();
    driver.killed("l", Signal::KILL);
    assert_eq!(driver.orders(), ["spawn l"]);
    driver.spawned("l");
    driver.secs(1);
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 1"]);
}

#[test]
fn a_listener_that_is_deaf_is_passed_over() {
    let mut driver = up(10, REMOTE, &["l", "m"]);
    driver.says("l", "READY\n");
    driver.says("m", "READY\n");
    send(&mut driver, "1");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 1"]);
    let serial = driver.core.bus.serials.take() - 1;
    let run = driver.run("l");
    driver.notices();
    driver.give(Input::ListenerDeaf { run, serial });
    assert_eq!(driver.orders(), ["deliver m REMOTE t 1"]);
    let broken = Notice::EventPipeBroken {
        name: "l".into(),
        serial,
    };
    assert_eq!(driver.notices().first(), Some(&broken));
    driver.says("m", "RESULT 2\nOKREADY\n");
    send(&mut driver, "2");
    assert_eq!(driver.orders(), ["deliver m REMOTE t 2"]);
}

#[test]
fn who_breaks_the_protocol_gets_no_more_events() {
    let mut driver = up(10, REMOTE, &["l"]);
    driver.says("l", "READY\n");
    driver.says("l", "oops");
    let unknown = Notice::ListenerUnknown { name: "l".into() };
    assert_eq!(driver.notices().last(), Some(&unknown));
    send(&mut driver, "1");
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), [""; 0]);
}

#[test]
fn serials_count_over_all_pools_and_within_each() {
    let mut driver = Driver::start(vec![listeners(100, &[EventKind::Event], &["l"])]);
    driver.events();
    send(&mut driver, "1");
    let serials = |driver: &mut Driver, pool: &str| {
        let (id, _) = driver.core.groups.named(pool).unwrap();
        let envelopes = driver.core.pools.get_mut(&id).unwrap().drain();
        envelopes
            .iter()
            .map(|e| (e.serial, e.pool_serial))
            .collect::<Vec<_>>()
    };
    assert_eq!(serials(&mut driver, "spy"), [(4, 3)]);
    let mail = serials(&mut driver, "mail");
    assert_eq!(mail, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]);
}

#[test]
fn a_pool_hears_of_itself_and_of_the_groups_after_it() {
    let events = &[EventKind::ProcessGroup, EventKind::SupervisorStateChange];
    let mut driver = Driver::start(vec![
        listeners(10, events, &["l"]),
        single("b", |_| {}),
        single("a", |_| {}),
    ]);
    let (id, _) = driver.core.groups.named("mail").unwrap();
    let heard: Vec<String> = driver
        .core
        .pools
        .get_mut(&id)
        .unwrap()
        .drain()
        .iter()
        .map(|envelope| crate::driver::show_event(&envelope.event))
        .collect();
    let expected = ["ADDED mail", "ADDED spy", "ADDED a", "ADDED b"];
    assert_eq!(heard[..4], expected);
    assert_eq!(heard[4], "SUPERVISOR_STATE_CHANGE_RUNNING");
}

#[test]
fn ticks_come_while_somebody_subscribes() {
    let mut driver = Driver::start(vec![listeners(100, &[EventKind::Tick], &["l"])]);
    driver.spawned("l");
    driver.secs(1);
    driver.says("l", "READY\n");
    driver.orders();
    driver.secs(2);
    assert_eq!(driver.orders(), ["deliver l TICK_5 1000005"]);
    driver.says("l", "RESULT 2\nOKREADY\n");
    driver.secs(14);
    driver.orders();
    driver.ask(Request::StopProcess {
        name: "mail:l".to_owned(),
        wait: false,
    });
    driver.killed("l", Signal::TERM);
    driver.fenced();
    assert!(driver.core.next_deadline().is_some());
    let request = Request::RemoveProcessGroup {
        name: "mail".to_owned(),
    };
    assert_eq!(driver.asked(request), "Done");
    assert_eq!(
        driver.core.next_deadline(),
        None,
        "nothing wakes a daemon that has nothing to do"
    );
}

#[test]
fn what_children_write_becomes_events() {
    let mut driver = Driver::start(vec![single("a", |_| {})]);
    driver.spawned("a");
    driver.events();
    driver.notices();
    let run = driver.run("a");
    let channel = Channel::Stderr;
    driver.give(Input::Captured {
        run,
        channel,
        data: b"hi".to_vec(),
    });
    driver.give(Input::Logged {
        run,
        channel,
        data: b"ho".to_vec(),
    });
    let events = [
        "PROCESS_COMMUNICATION_STDERR a hi",
        "PROCESS_LOG_STDERR a ho",
    ];
    assert_eq!(driver.events(), events);
    assert_eq!(
        driver.notices(),
        [Notice::CommEmitted {
            name: "a".into(),
            channel
        }]
    );
}

#[test]
fn one_that_closed_its_stdin_hears_again_after_its_next_start() {
    let mut driver = up(10, REMOTE, &["l"]);
    driver.says("l", "READY\n");
    send(&mut driver, "1");
    let run = driver.run("l");
    let Some(serial) = held(&mut driver) else {
        panic!("it has an event")
    };
    driver.give(Input::ListenerDeaf {
        run,
        serial: serial + 1,
    });
    assert_eq!(
        held(&mut driver),
        Some(serial),
        "an event that it does not have"
    );
    driver.give(Input::ListenerDeaf { run, serial });
    assert_eq!(held(&mut driver), None);
    driver.orders();
    driver.exited("l", 1);
    driver.spawned("l");
    driver.secs(1);
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["spawn l", "deliver l REMOTE t 1"]);
}

/// The number of the event that the listener works on.
fn held(driver: &mut Driver) -> Option<u64> {
    let id = driver.ask(Request::GetEventPools);
    let Some(Ok(provost_model::Reply::Pools(pools))) = driver.raw_answer(id) else {
        panic!("no pools")
    };
    let mail = pools.iter().find(|pool| &*pool.name == "mail")?;
    mail.listeners[0].event.map(|(serial, _)| serial)
}

/// The numbers of all events that were sent to the listener, which does each at once.
fn numbers_of(driver: &mut Driver, name: &str, effects: &[Effect]) -> Vec<(u64, u64)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Deliver { envelope, .. } => Some((envelope.serial, envelope.pool_serial)),
        _ => None,
    });
    let sent: Vec<_> = sent.collect();
    assert!(sent.len() <= 1, "{name}: {sent:?}");
    if !sent.is_empty() {
        driver.says(name, "RESULT 2\nOKREADY\n");
    }
    sent
}

#[test]
fn i15_numbers_go_on_where_they_were_reserved_and_are_reserved_in_time() {
    let first = 700;
    let mut driver = Driver::new(vec![listeners(10, REMOTE, &["l"])]);
    driver.give(Input::SerialsFrom { first, block: 10 });
    driver.give(Input::Started);
    driver.spawned("l");
    driver.secs(1);
    driver.says("l", "READY\n");
    driver.orders();
    let mut seen = Vec::new();
    for id in 0..20 {
        let request = Request::SendRemoteCommEvent {
            kind: "t".to_owned(),
            data: id.to_string(),
        };
        let id = provost_model::RequestId(1_000 + id);
        let mut effects = Vec::new();
        let reserved = driver.core.serials_reserved();
        let now = driver.now;
        let input = Input::Requested { id, request };
        driver.core.handle(now, input, &mut effects);
        let sent = numbers_of(&mut driver, "l", &effects);
        assert!(sent.iter().all(|(serial, _)| *serial < reserved));
        let ordered = effects.iter().find_map(|effect| match effect {
            Effect::ReserveSerials { until } => Some(*until),
            _ => None,
        });
        assert_eq!(ordered.unwrap_or(reserved), driver.core.serials_reserved());
        seen.extend(sent);
    }
    assert!(seen.is_sorted_by(|one, next| one.0 < next.0), "{seen:?}");
    let in_pool: Vec<_> = seen.iter().map(|(_, number)| *number).collect();
    assert_eq!(in_pool, (first..first + 20).collect::<Vec<_>>());
    assert!(!driver.core.serials_outlive());
    driver.give(Input::SerialsFrom { first: 0, block: 1 });
    assert!(matches!(driver.notices()[..], [.., Notice::Anomaly { .. }]));
}
