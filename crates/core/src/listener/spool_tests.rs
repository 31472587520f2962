//! Pools with a spool, through the whole core.

use crate::driver::{Driver, pool, process, single};
use crate::{Input, SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::spec::SpoolSpec;
use provost_model::{
    Envelope, Event, EventKind, ExitStatus, GroupKind, GroupSpec, Notice, Reply, Request, Signal,
};
use std::sync::Arc;

/// A pool of one listener with room for two events and a spool.
fn spooled() -> Arc<GroupSpec> {
    let listener = process("mail", "l");
    let mut group = (*pool("mail", 2, &[EventKind::RemoteCommunication], vec![listener])).clone();
    if let GroupKind::Pool(pool) = &mut group.kind {
        pool.spool = Some(SpoolSpec {
            path: "/var/spool/mail".into(),
            maxbytes: 1 << 20,
        });
    }
    Arc::new(group)
}

/// A core whose listener is up and has said nothing, and whose spool is being opened.
fn up() -> Driver {
    let mut driver = Driver::start(vec![spooled()]);
    driver.spawned("l");
    driver.secs(1);
    driver.orders();
    driver.notices();
    driver
}

/// The same with a spool in which so many events wait.
fn open(events: u64) -> Driver {
    let mut driver = up();
    assert!(matches!(order(&mut driver), SpoolOrder::Open { .. }));
    answer(&mut driver, Ok(SpoolAnswer::Opened { events, bytes: 0 }));
    driver
}

fn send(driver: &mut Driver, data: &str) {
    let request = Request::SendRemoteCommEvent {
        kind: "t".to_owned(),
        data: data.to_owned(),
    };
    assert_eq!(driver.asked(request), "Done");
}

/// The order for the spool that is under way.
fn order(driver: &mut Driver) -> SpoolOrder {
    assert_eq!(driver.spools.len(), 1, "{:?}", driver.spools);
    driver.spools[0].1.clone()
}

fn answer(driver: &mut Driver, answer: Result<SpoolAnswer, SpoolProblem>) {
    let (ticket, _) = driver.spools.remove(0);
    driver.give(Input::SpoolAnswered { ticket, answer });
}

fn appended(driver: &mut Driver, taken: usize) {
    let bytes = 0;
    answer(driver, Ok(SpoolAnswer::Appended { taken, bytes }));
}

fn read(driver: &mut Driver, events: Vec<(u64, Envelope)>, left: u64) {
    let bytes = 0;
    answer(
        driver,
        Ok(SpoolAnswer::Read {
            events,
            left,
            bytes,
        }),
    );
}

fn texts(events: &[Envelope]) -> Vec<&str> {
    events
        .iter()
        .map(|envelope| match &*envelope.event {
            Event::RemoteCommunication { data, .. } => data.as_str(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn numbered(events: &[Envelope], first: u64) -> Vec<(u64, Envelope)> {
    (first..).zip(events.iter().cloned()).collect()
}

/// Lets the listener do the event that it has, and be ready again.
fn done(driver: &mut Driver) {
    driver.says("l", "RESULT 2\nOKREADY\n");
}

fn losses(driver: &mut Driver) -> usize {
    let of_loss = |notice: &Notice| {
        matches!(
            notice,
            Notice::PoolOverflow { .. } | Notice::PoolOverflowGoesOn { .. }
        )
    };
    driver
        .notices()
        .iter()
        .filter(|notice| of_loss(notice))
        .count()
}

#[test]
fn what_the_buffer_cannot_hold_goes_to_disk_and_comes_back_in_order() {
    let mut driver = open(0);
    for data in ["1", "2"] {
        send(&mut driver, data);
    }
    assert!(driver.spools.is_empty(), "there is room in the buffer");
    send(&mut driver, "3");
    let SpoolOrder::Append { done: 0, events } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    assert_eq!(texts(&events), ["3"]);
    send(&mut driver, "4");
    appended(&mut driver, 1);
    // Reading takes its turn after writing.
    let SpoolOrder::Read { .. } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    read(&mut driver, numbered(&events, 0), 0);
    let SpoolOrder::Append { events: fourth, .. } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 1"]);
    done(&mut driver);
    done(&mut driver);
    assert_eq!(
        driver.orders(),
        ["deliver l REMOTE t 2", "deliver l REMOTE t 3"]
    );
    done(&mut driver);
    assert_eq!(
        driver.orders(),
        [""; 0],
        "the fourth is on its way to the disk"
    );
    appended(&mut driver, 1);
    let SpoolOrder::Read { done: 1, .. } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    read(&mut driver, numbered(&fourth, 1), 0);
    assert_eq!(driver.orders(), ["deliver l REMOTE t 4"]);
    assert!(
        driver.spools.is_empty(),
        "nothing more is done: {:?}",
        driver.spools
    );
    done(&mut driver);
    let SpoolOrder::Mark { done: 2 } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    assert_eq!(losses(&mut driver), 0);
}

#[test]
fn nothing_overtakes_what_waits_from_an_earlier_time() {
    let mut driver = up();
    driver.says("l", "READY\n");
    send(&mut driver, "new");
    assert_eq!(driver.orders(), [""; 0], "the spool is not open yet");
    let old = {
        let mut other = open(0);
        for data in ["1", "2", "old"] {
            send(&mut other, data);
        }
        let SpoolOrder::Append { events, .. } = order(&mut other) else {
            panic!()
        };
        events
    };
    answer(
        &mut driver,
        Ok(SpoolAnswer::Opened {
            events: 1,
            bytes: 90,
        }),
    );
    assert!(
        driver
            .notices()
            .iter()
            .any(|notice| { matches!(notice, Notice::SpoolFound { events: 1, .. }) })
    );
    let SpoolOrder::Read { .. } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    read(&mut driver, numbered(&old, 0), 0);
    assert_eq!(driver.orders(), ["deliver l REMOTE t old"]);
    done(&mut driver);
    assert_eq!(driver.orders(), ["deliver l REMOTE t new"]);
}

#[test]
fn an_order_that_fails_is_given_again_and_loses_nothing() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    answer(&mut driver, Err(SpoolProblem));
    send(&mut driver, "4");
    assert!(driver.spools.is_empty(), "not at once");
    driver.secs(5);
    let SpoolOrder::Append { events, .. } = order(&mut driver) else {
        panic!("{:?}", driver.spools)
    };
    assert_eq!(texts(&events), ["3", "4"]);
    appended(&mut driver, 2);
    answer(&mut driver, Err(SpoolProblem));
    driver.secs(5);
    assert!(matches!(order(&mut driver), SpoolOrder::Read { .. }));
    assert_eq!(losses(&mut driver), 0);
}

#[test]
fn a_full_spool_loses_the_newest_and_says_how_many() {
    let mut driver = open(0);
    for data in ["1", "2", "3", "4", "5"] {
        send(&mut driver, data);
    }
    appended(&mut driver, 1);
    answer(&mut driver, Err(SpoolProblem));
    driver.secs(5);
    answer(&mut driver, Err(SpoolProblem));
    driver.secs(5);
    let _ = driver.notices();
    // The order behind the failed reading.
    while !matches!(order(&mut driver), SpoolOrder::Append { .. }) {
        read(&mut driver, Vec::new(), 0);
    }
    appended(&mut driver, 0);
    assert_eq!(losses(&mut driver), 2);
    driver.secs(10);
    let more: Vec<_> = driver
        .notices()
        .into_iter()
        .filter(|notice| matches!(notice, Notice::PoolOverflowOver { more: 1, .. }))
        .collect();
    assert_eq!(more.len(), 1);
}

#[test]
fn a_spool_that_cannot_be_opened_leaves_the_pool_as_it_is_without() {
    let mut driver = up();
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    answer(&mut driver, Err(SpoolProblem));
    assert_eq!(losses(&mut driver), 1);
    driver.secs(60);
    assert!(driver.spools.is_empty(), "no try for its own sake");
    send(&mut driver, "4");
    assert!(matches!(order(&mut driver), SpoolOrder::Open { .. }));
    answer(
        &mut driver,
        Ok(SpoolAnswer::Opened {
            events: 0,
            bytes: 0,
        }),
    );
    send(&mut driver, "5");
    assert!(matches!(order(&mut driver), SpoolOrder::Append { .. }));
    driver.says("l", "READY\n");
    assert_eq!(driver.orders(), ["deliver l REMOTE t 3"]);
}

#[test]
fn the_end_waits_until_the_disk_has_all() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    let SpoolOrder::Append { events: third, .. } = order(&mut driver) else {
        panic!()
    };
    driver.says("l", "READY\n");
    send(&mut driver, "4");
    driver.give(Input::Signal(Signal::TERM));
    driver.killed("l", Signal::TERM);
    assert!(!driver.orders().contains(&"exit".to_owned()));
    let (_, save) = driver.spools.pop().expect("an order to save");
    let SpoolOrder::Save {
        first,
        from: 0,
        unsure,
        last,
    } = save
    else {
        panic!("{save:?}")
    };
    assert_eq!(texts(&first), ["1", "2"]);
    assert_eq!(unsure, third);
    assert_eq!(texts(&last), ["4"]);
}

#[test]
fn a_disk_that_hangs_does_not_keep_the_daemon() {
    let mut driver = open(0);
    driver.give(Input::Signal(Signal::TERM));
    driver.killed("l", Signal::TERM);
    assert!(matches!(order(&mut driver), SpoolOrder::Save { .. }));
    assert!(!driver.orders().contains(&"exit".to_owned()));
    let id = driver.ask(Request::GetEventPools);
    assert_eq!(driver.answer(id).as_deref(), Some("SHUTDOWN_STATE"));
    driver.secs(5);
    assert_eq!(driver.orders(), ["exit"]);
    let late = driver
        .notices()
        .iter()
        .any(|notice| matches!(notice, Notice::SpoolsNotSaved { spools: 1 }));
    assert!(late);
}

#[test]
fn what_happens_while_disks_are_waited_for_is_no_event_any_more() {
    let mut driver = Driver::start(vec![spooled(), single("a", |_| {})]);
    driver.spawned("l");
    driver.bring_up("a");
    answer(
        &mut driver,
        Ok(SpoolAnswer::Opened {
            events: 0,
            bytes: 0,
        }),
    );
    driver.give(Input::Signal(Signal::TERM));
    driver.kill_failed("a", 1, Signal::TERM);
    driver.killed("l", Signal::TERM);
    assert!(matches!(order(&mut driver), SpoolOrder::Save { .. }));
    driver.events();
    driver.exited("a", 0);
    let stopped = Notice::Stopped {
        name: "a".into(),
        status: ExitStatus::Code(0),
        expected: true,
    };
    assert!(driver.notices().contains(&stopped));
    assert_eq!(driver.events(), Vec::<String>::new());
}

#[test]
fn a_pool_that_goes_leaves_its_events_to_the_next() {
    let mut driver = open(0);
    send(&mut driver, "1");
    let stop = driver.ask(Request::StopProcess {
        name: "mail:l".to_owned(),
        wait: true,
    });
    driver.killed("l", Signal::TERM);
    assert_eq!(driver.answer(stop).as_deref(), Some("Done"));
    let name = || "mail".to_owned();
    assert_eq!(
        driver.asked(Request::RemoveProcessGroup { name: name() }),
        "Done"
    );
    assert_eq!(
        driver.asked(Request::AddProcessGroup { name: name() }),
        "Done"
    );
    let kinds: Vec<bool> = driver
        .spools
        .iter()
        .map(|(_, order)| matches!(order, SpoolOrder::Save { .. }))
        .collect();
    assert_eq!(
        kinds,
        [true, false],
        "first the old one is saved, then the new one opened"
    );
}

#[test]
fn clients_see_counts() {
    let mut driver = open(0);
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    driver.says("l", "READY\n");
    driver.says("l", "RESULT 4\nFAILREADY\n");
    let id = driver.ask(Request::GetEventPools);
    let Some(Ok(Reply::Pools(pools))) = driver.raw_answer(id) else {
        panic!()
    };
    let mail = pools
        .iter()
        .find(|pool| &*pool.name == "mail")
        .expect("it is there");
    assert_eq!(
        (mail.queued, mail.rejected, mail.delivered, mail.dropped),
        (1, 1, 0, 0)
    );
    assert_eq!(mail.listeners[0].listener_state, "BUSY");
    let event = mail.listeners[0].event.expect("the refused one, again");
    assert_eq!(event.1, EventKind::RemoteCommunication);
    let spool = mail.spool.as_ref().expect("a spool");
    assert_eq!((spool.events, spool.works), (1, true));
}

#[test]
fn an_empty_spool_is_not_worth_a_line_and_a_troubled_one_does_not_work() {
    let mut driver = open(0);
    let found = |notice: &Notice| matches!(notice, Notice::SpoolFound { .. });
    assert!(!driver.notices().iter().any(found));
    assert_eq!(info(&mut driver), (0, true));
    for data in ["1", "2", "3"] {
        send(&mut driver, data);
    }
    answer(&mut driver, Err(SpoolProblem));
    assert_eq!(info(&mut driver), (1, false));
}

/// Events in the spool, and whether it works.
fn info(driver: &mut Driver) -> (u64, bool) {
    let id = driver.ask(Request::GetEventPools);
    let Some(Ok(Reply::Pools(pools))) = driver.raw_answer(id) else {
        panic!("no pools")
    };
    let mail = pools.iter().find(|pool| &*pool.name == "mail");
    let spool = mail.and_then(|mail| mail.spool.as_ref());
    spool.map_or((99, false), |spool| (spool.events, spool.works))
}

#[test]
fn a_term_while_disks_are_waited_for_makes_a_restart_a_shutdown() {
    let mut driver = open(0);
    driver.ask(Request::Restart);
    let ticket = driver.loads.pop().expect("it is read");
    let result = Ok(crate::driver::config(Vec::new()));
    driver.give(Input::ConfigLoaded { ticket, result });
    driver.killed("l", Signal::TERM);
    assert_eq!(driver.core.pools.len(), 1, "the spy is left");
    driver.orders();
    driver.give(Input::Signal(Signal::TERM));
    answer(&mut driver, Ok(SpoolAnswer::Saved));
    assert_eq!(driver.orders(), ["exit"]);
}

#[test]
fn what_the_buffer_has_room_for_is_not_measured_by_what_may_wait_for_the_disk() {
    let mut driver = open(0);
    driver.notices();
    send(&mut driver, &"x".repeat(16 << 20));
    assert_eq!(losses(&mut driver), 0);
}

#[path = "spool_lost_tests.rs"]
mod lost;
