//! Upgrades in place, as far as the core decides about them.

use crate::driver::{Driver, single};
use crate::{Core, Input};
use provost_model::{Notice, Request, RequestId, Signal};

const UNDER_WAY: &str = "FAILED: an upgrade is under way";

fn started() -> Driver {
    let mut driver = Driver::start(vec![single("cat", |_| {})]);
    driver.bring_up("cat");
    driver
}

fn ask(driver: &mut Driver) -> RequestId {
    driver.ask(Request::Upgrade { binary: None })
}

fn rehearsed(driver: &mut Driver, result: Result<&str, &str>) {
    let ticket = driver.loads.pop().unwrap();
    let result = result.map(str::to_owned).map_err(str::to_owned);
    driver.give(Input::Rehearsed { ticket, result });
}

fn handed_over(driver: &mut Driver, result: Result<&str, &str>) {
    let ticket = driver.loads.pop().unwrap();
    let result = result.map(str::to_owned).map_err(str::to_owned);
    driver.give(Input::HandedOver { ticket, result });
}

fn failed(reason: &str) -> Notice {
    let reason = reason.to_owned();
    Notice::UpgradeFailed { reason }
}

fn upgraded() -> Notice {
    let version = "0.2.0".to_owned();
    Notice::Upgraded { version }
}

#[test]
fn it_is_rehearsed_handed_over_and_answered_with_the_version() {
    let mut driver = started();
    let binary = Some("/opt/supervisord".to_owned());
    let id = driver.ask(Request::Upgrade { binary });
    assert_eq!(driver.orders(), ["rehearse /opt/supervisord"]);
    rehearsed(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.orders(), ["hand over"]);
    assert_eq!(driver.answer(id), None);
    handed_over(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.answer(id).as_deref(), Some("0.2.0"));
    assert_eq!(driver.notices(), [upgraded()]);
    assert!(driver.orders().is_empty());
}

#[test]
fn what_is_handed_over_waits_for_the_answer() {
    let mut driver = started();
    let id = ask(&mut driver);
    rehearsed(&mut driver, Ok("0.2.0"));
    let text = serde_json::to_string(&driver.core).unwrap();
    driver.core = serde_json::from_str::<Core>(&text).unwrap();
    handed_over(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.answer(id).as_deref(), Some("0.2.0"));
}

#[test]
fn a_failed_step_is_told_and_another_may_be_tried() {
    let mut driver = started();
    let id = ask(&mut driver);
    rehearsed(&mut driver, Err("it exits at once"));
    let fault = "FAILED: it exits at once";
    assert_eq!(driver.answer(id).as_deref(), Some(fault));
    assert_eq!(driver.notices(), [failed("it exits at once")]);
    let id = ask(&mut driver);
    rehearsed(&mut driver, Ok("0.2.0"));
    handed_over(&mut driver, Err("it cannot read the state"));
    let fault = "FAILED: it cannot read the state";
    assert_eq!(driver.answer(id).as_deref(), Some(fault));
    assert_eq!(driver.notices(), [failed("it cannot read the state")]);
    let orders = ["rehearse ourselves", "rehearse ourselves", "hand over"];
    assert_eq!(driver.orders(), orders);
}

#[test]
fn there_is_one_at_a_time() {
    let mut driver = started();
    let first = ask(&mut driver);
    let refused = driver.asked(Request::Upgrade { binary: None });
    assert_eq!(refused, UNDER_WAY);
    driver.give(Input::UpgradeAsked);
    let asked = Notice::UpgradeRequested;
    assert_eq!(driver.notices(), [asked, failed("an upgrade is under way")]);
    rehearsed(&mut driver, Ok("0.2.0"));
    let refused = driver.asked(Request::Upgrade { binary: None });
    assert_eq!(refused, UNDER_WAY);
    handed_over(&mut driver, Ok("0.2.0"));
    assert!(driver.answer(first).is_some());
    assert_eq!(driver.orders(), ["rehearse ourselves", "hand over"]);
    ask(&mut driver);
    assert_eq!(driver.orders(), ["rehearse ourselves"]);
}

#[test]
fn a_signal_does_the_same_and_nobody_is_answered() {
    let mut driver = started();
    driver.give(Input::UpgradeAsked);
    assert_eq!(driver.orders(), ["rehearse ourselves"]);
    rehearsed(&mut driver, Ok("0.2.0"));
    handed_over(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.notices(), [Notice::UpgradeRequested, upgraded()]);
}

#[test]
fn a_client_that_leaves_does_not_stop_it() {
    let mut driver = started();
    let id = ask(&mut driver);
    driver.give(Input::RequesterGone { id });
    rehearsed(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.orders(), ["rehearse ourselves", "hand over"]);
    handed_over(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.answer(id), None);
    assert_eq!(driver.notices(), [upgraded()]);
}

#[test]
fn nothing_is_handed_over_once_everything_is_to_stop() {
    let asked = |request| Input::Requested {
        id: RequestId(99),
        request,
    };
    for end in [
        asked(Request::Shutdown),
        asked(Request::Restart),
        Input::Signal(Signal::TERM),
        Input::Signal(Signal::HUP),
    ] {
        let mut driver = started();
        let id = ask(&mut driver);
        let ticket = driver.loads.pop().unwrap();
        driver.give(end);
        let result = Ok("0.2.0".to_owned());
        driver.give(Input::Rehearsed { ticket, result });
        assert_eq!(driver.answer(id).as_deref(), Some("SHUTDOWN_STATE"));
        assert!(!driver.orders().contains(&"hand over".to_owned()));
        let notices = driver.notices();
        assert_eq!(notices.last(), Some(&failed("supervisord is stopping")));
    }
}

#[test]
fn it_is_refused_while_everything_stops() {
    let mut driver = started();
    driver.ask(Request::Shutdown);
    driver.notices();
    driver.orders();
    let refused = driver.asked(Request::Upgrade { binary: None });
    assert_eq!(refused, "SHUTDOWN_STATE");
    driver.give(Input::UpgradeAsked);
    let asked = Notice::UpgradeRequested;
    assert_eq!(driver.notices(), [asked, failed("supervisord is stopping")]);
    assert!(driver.orders().is_empty());
}

#[test]
fn a_stop_during_the_hand_over_goes_on_afterwards() {
    let mut driver = started();
    let id = ask(&mut driver);
    rehearsed(&mut driver, Ok("0.2.0"));
    driver.orders();
    driver.ask(Request::Shutdown);
    assert_eq!(driver.orders(), ["kill cat SIGTERM"]);
    handed_over(&mut driver, Ok("0.2.0"));
    assert_eq!(driver.answer(id).as_deref(), Some("0.2.0"));
    driver.killed("cat", Signal::TERM);
    assert_eq!(driver.orders(), ["exit"]);
}

#[test]
fn whoever_waits_when_the_daemon_leaves_is_told_so() {
    let mut driver = started();
    let id = ask(&mut driver);
    driver.ask(Request::Shutdown);
    driver.killed("cat", Signal::TERM);
    assert_eq!(driver.answer(id).as_deref(), Some("SHUTDOWN_STATE"));
}

#[test]
fn a_step_that_hangs_is_given_up_after_a_minute() {
    let reason = "the new program did not take over within 60 seconds";
    for is_rehearsed in [false, true] {
        let mut driver = started();
        let id = ask(&mut driver);
        if is_rehearsed {
            driver.secs(59);
            rehearsed(&mut driver, Ok("0.2.0"));
        }
        driver.secs(59);
        assert_eq!(driver.answer(id), None);
        driver.secs(1);
        let fault = format!("FAILED: {reason}");
        assert_eq!(driver.answer(id), Some(fault));
        assert_eq!(driver.notices(), [failed(reason)]);
        driver.orders();
        handed_over(&mut driver, Ok("0.2.0"));
        assert!(driver.notices().is_empty() && driver.orders().is_empty());
    }
}
