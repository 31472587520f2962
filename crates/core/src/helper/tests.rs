//! Conversations with a helper called `sums` that has the method `add`.

use super::line::CALLS_MAX;
use crate::driver::{Driver, process, single};
use crate::{Input, StdinProblem};
use provost_model::helper::{HelperAnswerKind, HelperMethod, HelperSpec, HelperWord};
use provost_model::spec::AutoRestart;
use provost_model::{GroupKind, GroupSpec, Notice, ProcessSpec, Request, RequestId, Signal};
use std::sync::Arc;

fn helper(change: impl FnOnce(&mut ProcessSpec)) -> Arc<GroupSpec> {
    let mut spec = process("sums", "sums");
    change(&mut spec);
    Arc::new(GroupSpec {
        name: "sums".to_owned(),
        priority: -1,
        kind: GroupKind::Helper(HelperSpec {
            call_timeout_secs: 30,
        }),
        processes: vec![Arc::new(spec)],
    })
}

/// A helper whose process was ordered.
fn started() -> Driver {
    let mut driver = Driver::start(vec![helper(|_| ()), single("other", |_| ())]);
    driver.orders();
    driver
}

/// A helper that takes calls.
fn serving() -> Driver {
    let mut driver = started();
    driver.spawned("sums");
    say(&mut driver, hello());
    driver.orders();
    driver.notices();
    driver
}

fn hello() -> HelperWord {
    let method = |name: &str| HelperMethod {
        name: name.to_owned(),
        signature: Vec::new(),
        help: String::new(),
    };
    HelperWord::Hello(vec![method("sub"), method("add")])
}

fn result(call: u64) -> HelperWord {
    HelperWord::Answer {
        call,
        kind: HelperAnswerKind::Result,
        body: b"3".to_vec(),
    }
}

fn say(driver: &mut Driver, word: HelperWord) {
    let run = driver.run("sums");
    driver.give(Input::HelperSaid { run, word });
}

fn request(namespace: &str, method: &str) -> Request {
    Request::CallHelper {
        namespace: namespace.to_owned(),
        method: method.to_owned(),
        body: b"{}".to_vec(),
    }
}

fn add(driver: &mut Driver) -> RequestId {
    driver.ask(request("sums", "add"))
}

/// Whether a client has its result.
fn has_result(driver: &mut Driver, id: RequestId) -> bool {
    let answer = driver.answer(id);
    answer.is_some_and(|text| text.starts_with("Helper(HelperAnswer"))
}

fn broke(notices: &[Notice]) -> Option<&str> {
    notices.iter().find_map(|notice| match notice {
        Notice::HelperBroke { what, .. } => Some(what.as_str()),
        _ => None,
    })
}

#[test]
fn calls_wait_for_the_handshake_and_are_then_sent_in_order() {
    let mut driver = started();
    let first = add(&mut driver);
    driver.spawned("sums");
    let second = add(&mut driver);
    let unknown = driver.ask(request("sums", "nothing"));
    assert_eq!(driver.orders(), [""; 0]);
    say(&mut driver, hello());
    assert_eq!(driver.orders(), ["call sums 1 {}", "call sums 2 {}"]);
    assert_eq!(driver.answer(unknown).as_deref(), Some("UNKNOWN_METHOD"));
    say(&mut driver, result(2));
    assert!(has_result(&mut driver, second));
    say(&mut driver, result(1));
    assert!(has_result(&mut driver, first));
}

#[test]
fn what_does_not_exist_is_unknown_and_what_is_stopped_says_so() {
    let mut driver = serving();
    for (namespace, method) in [("sums", "nothing"), ("other", "add"), ("nobody", "add")] {
        assert_eq!(driver.asked(request(namespace, method)), "UNKNOWN_METHOD");
    }
    let stop = driver.ask(Request::StopProcess {
        name: "sums".to_owned(),
        wait: true,
    });
    let text = "FAILED: sums is STOPPING and serves no calls; `supervisorctl start sums` starts it";
    assert_eq!(driver.asked(request("sums", "add")), text);
    driver.exited("sums", 0);
    driver.answer(stop);
    let text = "FAILED: sums is STOPPED and serves no calls; `supervisorctl start sums` starts it";
    assert_eq!(driver.asked(request("sums", "add")), text);
}

#[test]
fn a_call_ends_with_its_time_limit_and_the_late_answer_is_dropped() {
    let mut driver = serving();
    let id = add(&mut driver);
    driver.secs(29);
    assert_eq!(driver.answer(id), None);
    driver.secs(1);
    let text = "FAILED: sums.add did not answer within 30 seconds";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    driver.notices();
    say(&mut driver, result(1));
    assert_eq!(driver.notices(), []);
    let next = add(&mut driver);
    say(&mut driver, result(2));
    assert!(has_result(&mut driver, next));
}

#[test]
fn a_call_waits_no_longer_for_a_helper_that_does_not_come_up() {
    let mut driver = started();
    let id = add(&mut driver);
    driver.secs(30);
    let text = "FAILED: sums runs, but did not say which methods it has within 30 seconds";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let mut driver = serving();
    let sent = add(&mut driver);
    driver.give(Input::RequesterGone { id: sent });
    assert_eq!(
        driver
            .core
            .next_deadline()
            .map(|at| at.since(driver.now.mono).as_secs()),
        Some(1)
    );
    say(&mut driver, result(1));
    assert_eq!(broke(&driver.notices()), None);
    driver.killed("sums", Signal::KILL);
    let waits = add(&mut driver);
    driver.give(Input::RequesterGone { id: waits });
    driver.secs(1);
    driver.orders();
    driver.spawned("sums");
    say(&mut driver, hello());
    assert_eq!(driver.orders(), [""; 0]);
}

#[test]
fn a_helper_that_ends_answers_with_a_fault_and_what_waits_goes_to_the_next_run() {
    let mut driver = serving();
    driver.secs(2);
    let lost = add(&mut driver);
    driver.exited("sums", 1);
    let text = "FAILED: sums ended before sums.add answered";
    assert_eq!(driver.answer(lost).as_deref(), Some(text));
    assert_eq!(driver.orders(), ["call sums 1 {}", "spawn sums"]);
    let waits = add(&mut driver);
    driver.spawned("sums");
    say(&mut driver, hello());
    assert_eq!(driver.orders(), ["call sums 2 {}"]);
    say(&mut driver, result(2));
    assert!(has_result(&mut driver, waits));
}

#[test]
fn what_waits_gets_a_fault_when_the_helper_is_given_up() {
    let mut driver = Driver::start(vec![helper(|spec| spec.startretries = 0)]);
    let id = add(&mut driver);
    driver.spawned("sums");
    driver.exited("sums", 1);
    let text = "FAILED: sums is FATAL and serves no calls; `supervisorctl start sums` starts it";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
}

#[test]
fn a_breach_kills_the_helper_and_fails_what_is_open() {
    for (word, what) in [
        (result(7), "it answered call 7, which is not open"),
        (hello(), "it said hello twice"),
        (HelperWord::Nonsense("it wrote x".to_owned()), "it wrote x"),
    ] {
        let mut driver = serving();
        let open = add(&mut driver);
        driver.orders();
        say(&mut driver, word);
        assert_eq!(broke(&driver.notices()), Some(what));
        assert_eq!(driver.orders(), ["hang up sums", "kill sums SIGKILL"]);
        let text =
            "FAILED: sums broke its protocol before it answered; the log of supervisord says how";
        assert_eq!(driver.answer(open).as_deref(), Some(text));
        // What it says until it ends is not heard; who calls waits for the next run.
        say(&mut driver, result(1));
        say(&mut driver, hello());
        let waits = add(&mut driver);
        assert_eq!((driver.orders(), broke(&driver.notices())), (vec![], None));
        driver.killed("sums", Signal::KILL);
        assert_eq!(driver.info("sums").state.name(), "BACKOFF");
        driver.secs(1);
        driver.spawned("sums");
        say(&mut driver, hello());
        assert_eq!(driver.orders(), ["spawn sums", "call sums 2 {}"]);
        say(&mut driver, result(2));
        assert!(has_result(&mut driver, waits));
    }
}

#[test]
fn nothing_comes_before_hello_and_an_answer_comes_once() {
    let mut driver = started();
    driver.spawned("sums");
    say(&mut driver, result(1));
    assert_eq!(
        broke(&driver.notices()),
        Some("it answered before it said hello")
    );

    let mut driver = serving();
    let id = add(&mut driver);
    say(&mut driver, result(1));
    say(&mut driver, result(1));
    assert!(has_result(&mut driver, id));
    let what = "it answered call 1, which is not open";
    assert_eq!(broke(&driver.notices()), Some(what));
}

#[test]
fn a_breach_found_by_the_asker_counts_for_its_run_only() {
    let mut driver = serving();
    let (run, what) = (driver.run("sums"), "bad".to_owned());
    driver.ask(Request::HelperMisspoke {
        run,
        what: what.clone(),
    });
    assert_eq!(broke(&driver.notices()), Some("bad"));
    driver.killed("sums", Signal::KILL);
    driver.secs(1);
    driver.spawned("sums");
    say(&mut driver, hello());
    driver.notices();
    driver.ask(Request::HelperMisspoke { run, what });
    assert_eq!(broke(&driver.notices()), None);
}

#[test]
fn a_closed_pipe_is_a_breach_only_when_the_helper_lives_on() {
    let mut driver = serving();
    let run = driver.run("sums");
    driver.give(Input::HelperHungUp { run });
    let waits = add(&mut driver);
    driver.exited("sums", 1);
    driver.notices();
    driver.secs(1);
    assert_eq!(broke(&driver.notices()), None);
    assert_eq!(driver.answer(waits), None);

    let mut driver = serving();
    let id = add(&mut driver);
    let (run, problem) = (driver.run("sums"), StdinProblem::Closed);
    driver.give(Input::CallNotSent {
        run,
        call: 1,
        problem,
    });
    let text = "FAILED: sums closed its standard input, or is ending";
    assert_eq!(driver.answer(id).as_deref(), Some(text));
    driver.secs(1);
    let what = "it closed its standard input or output, and lives on";
    assert_eq!(broke(&driver.notices()), Some(what));
}

#[test]
fn a_helper_that_never_says_hello_is_killed_after_the_time_of_a_call() {
    let mut driver = started();
    // Nothing counts against it before it is born.
    driver.secs(31);
    driver.spawned("sums");
    let id = add(&mut driver);
    driver.secs(29);
    let what = "it did not say hello within 30 seconds";
    assert_eq!(broke(&driver.notices()), Some(what));
    driver.secs(1);
    let text = driver.answer(id).unwrap_or_default();
    assert!(text.starts_with("FAILED: sums was not ready"), "{text}");
    driver.killed("sums", Signal::KILL);

    let mut driver = serving();
    driver.secs(60);
    assert_eq!(broke(&driver.notices()), None);
}

#[test]
fn a_helper_that_hangs_is_not_given_ever_more_calls() {
    let mut driver = serving();
    for _ in 0..CALLS_MAX {
        add(&mut driver);
    }
    driver.secs(60);
    let refused = driver.asked(request("sums", "add"));
    assert!(
        refused.starts_with("FAILED: sums has 64 calls"),
        "{refused}"
    );
    say(&mut driver, result(5));
    let id = add(&mut driver);
    assert_eq!(driver.answer(id), None);
    let (run, problem) = (driver.run("sums"), StdinProblem::Full);
    driver.give(Input::CallNotSent {
        run,
        call: 65,
        problem,
    });
    let text = driver.answer(id).unwrap_or_default();
    assert!(
        text.starts_with("FAILED: sums does not read its calls"),
        "{text}"
    );
}

#[test]
fn removal_fails_what_waits_for_a_respawn_and_a_stopping_daemon_takes_no_calls() {
    let mut driver = Driver::start(vec![helper(|spec| {
        spec.startsecs = 0;
        spec.autorestart = AutoRestart::Always;
    })]);
    driver.spawned("sums");
    driver.exited("sums", 0);
    let waits = add(&mut driver);
    let name = "sums".to_owned();
    driver.ask(Request::RemoveProcessGroup { name });
    let text = driver.answer(waits).unwrap_or_default();
    assert!(text.starts_with("FAILED: sums is EXITED"), "{text}");
    assert_eq!(driver.asked(request("sums", "add")), "UNKNOWN_METHOD");

    let mut driver = serving();
    let open = add(&mut driver);
    driver.ask(Request::Shutdown);
    assert_eq!(driver.asked(request("sums", "add")), "SHUTDOWN_STATE");
    assert_eq!(driver.asked(request("nobody", "add")), "UNKNOWN_METHOD");
    // What it works on may still be answered.
    say(&mut driver, result(1));
    assert!(has_result(&mut driver, open));
}

#[test]
fn who_waits_for_a_helper_whose_process_is_taken_out_of_its_group_waits_in_vain() {
    let mut driver = Driver::start(vec![helper(|spec| {
        spec.startsecs = 0;
        spec.autorestart = AutoRestart::Always;
    })]);
    driver.spawned("sums");
    driver.exited("sums", 0);
    let waits = add(&mut driver);
    driver.ask(Request::RemoveProcessFromGroup {
        group: "sums".to_owned(),
        process: "sums".to_owned(),
    });
    let text = driver.answer(waits).unwrap_or_default();
    assert!(text.starts_with("FAILED: sums is EXITED"), "{text}");
    let later = driver.asked(request("sums", "add"));
    assert!(later.starts_with("FAILED: sums is STOPPED"), "{later}");
}

#[test]
fn methods_are_shown_also_while_the_helper_is_down_and_its_input_is_not_for_clients() {
    let mut driver = serving();
    driver.killed("sums", Signal::KILL);
    let shown = driver.asked(Request::HelperMethods);
    assert!(
        shown.contains("\"sums\"") && shown.contains("\"add\""),
        "{shown}"
    );
    let (name, chars) = ("sums".to_owned(), "x".to_owned());
    let refused = driver.asked(Request::SendProcessStdin { name, chars });
    assert_eq!(
        refused,
        "FAILED: standard input of sums carries the calls to a helper"
    );
}

#[test]
fn a_hello_at_the_very_end_of_a_callers_time_sends_nothing() {
    let mut driver = started();
    let id = add(&mut driver);
    driver.spawned("sums");
    driver.jump(std::time::Duration::from_secs(30));
    say(&mut driver, hello());
    assert_eq!(driver.orders(), [""; 0]);
    assert!(
        driver
            .answer(id)
            .is_some_and(|text| text.starts_with("FAILED: "))
    );
}

#[test]
fn closing_the_second_pipe_wins_no_time() {
    let mut driver = serving();
    let run = driver.run("sums");
    driver.give(Input::HelperHungUp { run });
    driver.millis(500);
    driver.give(Input::HelperHungUp { run });
    driver.millis(499);
    assert_eq!(broke(&driver.notices()), None);
    driver.millis(1);
    let what = "it closed its standard input or output, and lives on";
    assert_eq!(broke(&driver.notices()), Some(what));
}

#[test]
fn the_end_of_a_callers_time_is_told_by_the_wall_clock() {
    let wall = provost_model::Wall { secs: 5, nanos: 7 };
    let later = super::later(wall, 30);
    assert_eq!((later.secs, later.nanos), (35, 7));
}

#[test]
fn bytes_that_wait_are_counted_again_in_a_state_that_was_read() {
    let mut driver = started();
    add(&mut driver);
    let text = serde_json::to_string(&driver.core).unwrap();
    let core: crate::Core = serde_json::from_str(&text).unwrap();
    let helper = core.helpers.all.values().next().unwrap();
    assert!(
        helper
            .is_full(&vec![0; super::line::WAITING_BYTES_MAX])
            .is_some()
    );
}
