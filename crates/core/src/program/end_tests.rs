//! Ends at odd moments, and what is said about them.

use crate::driver::{Driver, single};
use provost_model::spec::AutoRestart;
use provost_model::{Notice, Request, Signal};

fn restless() -> Driver {
    let spec = single("a", |spec| {
        spec.startsecs = 0;
        spec.autorestart = AutoRestart::Always;
    });
    let mut driver = Driver::start(vec![spec]);
    driver.orders();
    driver
}

fn respawning(driver: &mut Driver) -> usize {
    let told = driver.notices();
    let is_it = |notice: &&Notice| matches!(notice, Notice::Respawning { .. });
    told.iter().filter(is_it).count()
}

#[test]
fn the_first_quick_end_is_told_and_no_other() {
    let mut driver = restless();
    for told in [1, 0, 0] {
        driver.spawned("a");
        driver.exited("a", 0);
        assert_eq!(respawning(&mut driver), told);
        driver.millis(10);
    }
}

#[test]
fn an_end_exactly_at_the_floor_is_not_quick() {
    let mut driver = restless();
    driver.spawned("a");
    driver.millis(10);
    driver.exited("a", 0);
    assert_eq!(driver.orders(), ["spawn a"]);
    assert_eq!(respawning(&mut driver), 0);
}

#[test]
fn an_end_before_the_birth_is_odd_and_counts_as_too_quick() {
    let mut driver = Driver::start(vec![single("a", |_| ())]);
    driver.events();
    driver.notices();
    driver.exited("a", 1);
    assert_eq!(driver.events(), ["a STARTING>BACKOFF tries:1"]);
    let odd = |notice: &Notice| matches!(notice, Notice::Anomaly { .. });
    assert!(driver.notices().iter().any(odd));
    driver.secs(1);
    assert_eq!(driver.orders().last().map(String::as_str), Some("spawn a"));
}

#[test]
fn each_signal_of_a_stop_is_told() {
    let mut driver = Driver::start(vec![single("a", |spec| spec.stopwaitsecs = 2)]);
    driver.bring_up("a");
    let pid = driver.pid("a");
    let (name, wait) = ("a".to_owned(), false);
    driver.ask(Request::StopProcess { name, wait });
    let killing = |signal| Notice::Killing {
        name: "a".into(),
        pid,
        signal,
        whole_group: false,
    };
    assert!(driver.notices().contains(&killing(Signal::TERM)));
    driver.secs(2);
    assert!(driver.notices().contains(&killing(Signal::KILL)));
}
