//! What the edge looks up.

use crate::driver::{Driver, pool, process, single};
use crate::{Core, Input};
use provost_model::{Channel, EventKind, LogState, ProcId, Run};

fn with_listener() -> Driver {
    let events = [EventKind::LogfileState];
    let listeners = pool("mail", 10, &events, vec![process("mail", "l")]);
    let mut driver = Driver::start(vec![listeners, single("a", |_| ())]);
    driver.bring_up("l");
    driver.bring_up("a");
    driver
}

#[test]
fn runs_processes_and_specifications_are_found() {
    let driver = with_listener();
    let (l, a) = (driver.run("l"), driver.run("a"));
    let proc = driver.core.process_of(a).expect("it runs");
    assert_eq!(
        driver.core.spec(proc).map(|spec| spec.name.as_str()),
        Some("a")
    );
    let group = driver.core.group_spec(proc);
    assert_eq!(group.map(|group| group.name.as_str()), Some("a"));
    let nobody = ProcId(99);
    assert!(driver.core.spec(nobody).is_none() && driver.core.group_spec(nobody).is_none());
    assert!(driver.core.is_listener(l) && !driver.core.is_listener(a));
    assert!(!driver.core.is_listener(Run(99)));
}

#[test]
fn a_listener_is_distrusted_once_it_broke_the_protocol() {
    let mut driver = with_listener();
    let (l, a) = (driver.run("l"), driver.run("a"));
    assert!(!driver.core.is_distrusted(l));
    driver.says("l", "nonsense\n");
    assert!(driver.core.is_distrusted(l) && !driver.core.is_distrusted(a));
}

#[test]
fn a_log_that_takes_nothing_is_an_event_while_its_process_runs() {
    let mut driver = with_listener();
    driver.says("l", "READY\n");
    let give = |driver: &mut Driver, run| {
        driver.give(Input::LogState {
            run,
            channel: Channel::Stderr,
            path: "/var/log/a".to_owned(),
            state: LogState::Failing {
                reason: "No space left on device".to_owned(),
            },
        });
    };
    let run = driver.run("a");
    give(&mut driver, run);
    let delivered = "deliver l LOGFILE_STATE_FAILING a /var/log/a";
    assert_eq!(driver.orders(), [delivered]);
    driver.says("l", "RESULT 2\nOKREADY\n");
    give(&mut driver, Run(99));
    assert_eq!(driver.orders(), [""; 0]);
}

#[test]
fn numbers_of_sockets_and_orders_go_on_in_the_next_life() {
    let mut driver = with_listener();
    driver.ask(provost_model::Request::ReloadConfig);
    driver.ask(provost_model::Request::ReloadConfig);
    let config = crate::driver::config(Vec::new());
    let next = Core::after(&driver.core, config);
    assert!(driver.core.tickets.last() >= 2);
    assert_eq!(next.tickets.last(), driver.core.tickets.last());
    assert_eq!(next.tickets.open().count(), 0);
}
