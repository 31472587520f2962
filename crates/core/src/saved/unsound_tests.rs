//! What is wrong with a state is found, and nothing is found wrong with one that can be.

use super::tests::{busy, load_with, mail, sums};
use crate::driver::{Driver, config, pool, process, single};
use crate::{Core, Input};
use provost_model::{EventKind, Request, Signal};
use serde_json::{Value, json};

type Change = fn(&mut Value);

/// All of these changes make a state that is refused with this sentence.
fn refused(core: &Core, cases: &[(Change, &str)]) {
    for (change, sentence) in cases {
        match load_with(core, change) {
            Ok(_) => panic!("it was taken, and not refused: {sentence}"),
            Err(told) => assert!(told.contains(sentence), "{told}, not {sentence}"),
        }
    }
}

/// It is taken, changed like that.
fn taken(core: &Core, change: Change) {
    load_with(core, change).expect("it can be");
}

fn add(list: &mut Value, what: Value) {
    list.as_array_mut().expect("a list").push(what);
}

#[test]
fn helpers_and_their_calls() {
    let core = busy().driver.core;
    refused(
        &core,
        &[
            (
                |value| value["core"]["helpers"]["calls"]["99"] = json!([3, null]),
                "no helper has call 99",
            ),
            (
                |value| value["core"]["helpers"]["all"]["3"]["last_call"] = 0.into(),
                "a call to sums was numbered after the last number, 0",
            ),
            (
                |value| value["core"]["helpers"]["all"]["3"]["proc"] = 1.into(),
                "helper 3 is not that of its group",
            ),
            (
                |value| add(&mut value["core"]["deadlines"], json!([{"Call": 99}, 5])),
                "has a deadline, and is nobody's",
            ),
            (
                |value| {
                    let methods = &mut value["core"]["helpers"]["all"]["3"]["methods"];
                    add(methods, json!({"name": "aaa", "signature": [], "help": ""}));
                },
                "the methods of sums are in disorder",
            ),
        ],
    );
    taken(&core, |value| {
        let methods = &mut value["core"]["helpers"]["all"]["3"]["methods"];
        add(methods, json!({"name": "sub", "signature": [], "help": ""}));
    });
}

#[test]
fn a_call_that_waits_for_its_helper_has_its_own_deadline() {
    let mut driver = Driver::start(vec![sums()]);
    driver.ask(Request::CallHelper {
        namespace: "sums".to_owned(),
        method: "add".to_owned(),
        body: Vec::new(),
    });
    taken(&driver.core, |_| ());
    let later: Change = |value| {
        let deadlines = value["core"]["deadlines"].as_array_mut();
        for deadline in deadlines.expect("a list") {
            if deadline[0].get("Call").is_some() {
                deadline[1] = json!(77_000_000_000_u64);
            }
        }
    };
    refused(&driver.core, &[(later, "is waited for without end")]);
}

#[test]
fn watches_and_signals() {
    let core = busy().driver.core;
    refused(
        &core,
        &[
            (
                |value| {
                    let watches = value["core"]["jobs"]["watches"]["10"].clone();
                    value["core"]["jobs"]["watches"]["11"] = watches;
                },
                "process 11 is watched for nobody",
            ),
            (
                |value| value["core"]["jobs"]["watches"] = json!({}),
                "request 6 waits for nothing",
            ),
            (
                |value| value["core"]["jobs"]["batches"]["5"]["next"] = 1.into(),
                "request 5 waits for nothing",
            ),
            (
                |value| {
                    let jobs = &mut value["core"]["jobs"];
                    jobs["batches"]["6"]["items"][0]["proc"] = 99.into();
                    jobs["watches"] = json!({"99": jobs["watches"]["10"]});
                },
                "process 99 is waited for, and is not there",
            ),
            (
                |value| value["core"]["jobs"]["sent"]["999"] = json!([]),
                "run 999 was signalled before it began",
            ),
        ],
    );
}

#[test]
fn a_deed_that_is_not_whole() {
    let core = busy().driver.core;
    refused(
        &core,
        &[
            (
                |value| value["core"]["jobs"]["batches"]["6"]["open"] = 2.into(),
                "request 6 is in disorder",
            ),
            (
                |value| value["core"]["jobs"]["batches"]["6"]["next"] = 5.into(),
                "request 6 is in disorder",
            ),
            (
                |value| value["core"]["jobs"]["batches"]["6"]["early"] = json!({"1": {"Ok": null}}),
                "request 6 is in disorder",
            ),
            (
                |value| value["core"]["jobs"]["batches"]["6"]["late"] = json!([[1, {"Ok": null}]]),
                "request 6 is in disorder",
            ),
            (
                |value| {
                    let jobs = &mut value["core"]["jobs"];
                    jobs["batches"]["6"]["items"][0]["is_done"] = true.into();
                    jobs["batches"]["6"]["open"] = 0.into();
                    jobs["watches"] = json!({});
                },
                "request 6 is in disorder",
            ),
        ],
    );
    taken(&core, |value| {
        let batch = &mut value["core"]["jobs"]["batches"]["6"];
        let mut done = batch["items"][0].clone();
        done["is_done"] = true.into();
        add(&mut batch["items"], done);
        batch["early"] = json!({"1": {"Ok": null}});
    });
}

#[test]
fn processes_pools_and_sockets() {
    let core = busy().driver.core;
    let orphan = json!({
        "group": "web", "name": "up", "pid": 700, "started": [0, {"secs": 0, "nanos": 0}],
        "changed": false, "ended": null, "has_socket": false,
    });
    let with_orphan = load_with(&core, |value| add(&mut value["core"]["orphans"], orphan));
    let told = with_orphan.map(|_| ()).unwrap_err();
    assert!(told.contains("orphans wait after the start"), "{told}");
    refused(
        &core,
        &[
            (
                |value| {
                    let state = &mut value["core"]["procs"]["5"]["state"];
                    state["Running"]["child"]["pid"] = 1.into();
                },
                "up has pid 1",
            ),
            (
                |value| value["core"]["pools"]["1"]["name"] = "other".into(),
                "pool 1 is not that of its group",
            ),
            (
                |value| add(&mut value["core"]["sockets"]["all"]["1"]["users"], 4.into()),
                "run 4 uses a socket, and has none",
            ),
            (
                |value| value["core"]["sockets"]["last"] = 0.into(),
                "socket 1 was numbered after the last number, 0",
            ),
            (
                |value| {
                    value["core"]["saving"] = json!([77]);
                    value["core"]["last_spool"] = 77.into();
                },
                "spool 77 is never saved",
            ),
        ],
    );
    let next = Core::after(&core, config(Vec::new()));
    assert_eq!(next.sockets.last(), (1, None));
}

#[test]
fn a_spool_and_its_records() {
    let ahead: fn(&mut Value, u64) = |value, next| {
        let spool = &mut value["core"]["pools"]["1"]["spool"];
        let envelope = spool["appending"][0].clone();
        spool["ahead"] = json!([[0, envelope]]);
        spool["next"] = next.into();
    };
    let core = busy().driver.core;
    load_with(&core, |value| ahead(value, 2)).expect("it can be");
    let told = load_with(&core, |value| ahead(value, 0)).map(|_| ());
    let told = told.unwrap_err();
    assert!(told.contains("the spool of mail is in disorder"), "{told}");
    refused(
        &core,
        &[(
            |value| value["core"]["pools"]["1"]["spool"]["out"] = json!([5]),
            "the spool of mail is in disorder",
        )],
    );
}

#[test]
fn a_spool_with_nothing_to_do_waits_for_nothing() {
    let mut driver = Driver::start(vec![mail()]);
    driver.opens_empty_spool();
    driver.ask(Request::ReloadConfig);
    taken(&driver.core, |_| ());
    let busy: Change = |value| value["core"]["pools"]["1"]["spool"]["under_way"] = "Open".into();
    refused(
        &driver.core,
        &[(busy, "waits for nothing, or nobody for it")],
    );
}

#[test]
fn an_ordered_stop() {
    let low = single("low", |spec| spec.priority = 1);
    let high = single("high", |spec| spec.priority = 9);
    let mut driver = Driver::start(vec![low, high]);
    driver.spawned("low");
    driver.spawned("high");
    driver.give(Input::Signal(Signal::TERM));
    taken(&driver.core, |_| ());
    let (spy, _) = driver.core.groups.named("spy").expect("it is there");
    let waited_for = load_with(&driver.core, |value| {
        value["core"]["phase"]["Stopping"]["stage"] = json!([spy.0]);
    });
    let told = waited_for.map(|_| ()).unwrap_err();
    assert!(told.contains("is waited for, and has stopped"), "{told}");
    refused(
        &driver.core,
        &[(
            |value| value["core"]["phase"]["Stopping"]["later"] = json!([[99]]),
            "group 99 is to stop, and is not there",
        )],
    );
}

#[test]
fn ticks_and_a_restart_that_is_prepared() {
    let listener = process("clock", "clock");
    let clock = pool("clock", 10, &[EventKind::Tick5], vec![listener]);
    let mut driver = Driver::start(vec![clock]);
    driver.ask(Request::Restart);
    taken(&driver.core, |_| ());
    refused(
        &driver.core,
        &[
            (
                |value| add(&mut value["core"]["deadlines"], json!([{"Tick": 7}, 5])),
                "has a deadline, and is nobody's",
            ),
            (
                |value| {
                    let deadlines = value["core"]["deadlines"].as_array_mut();
                    let deadlines = deadlines.expect("a list");
                    deadlines.retain(|deadline| deadline[0].get("Tick").is_none());
                },
                "ticks of 5 seconds never come",
            ),
        ],
    );
}
