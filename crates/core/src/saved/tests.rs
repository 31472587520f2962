//! A busy core, written down and read again, now and by each later version.

use crate::driver::{Driver, group, pool, process, single};
use crate::{Core, Input};
use provost_model::helper::{HelperMethod, HelperSpec, HelperWord};
use provost_model::spec::{AutoRestart, FcgiAddress, FcgiSpec, LogFile, SpoolSpec};
use provost_model::{
    CacheDeed, Channel, EventKind, GroupKind, GroupSpec, ProcessState, Request, RequestId, Run,
    Signal,
};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

/// States of released versions.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/snapshots");

/// The state of the first version.
const STATE_0_1_0: &str = include_str!("../../../../fixtures/snapshots/core-0.1.0.json");

/// The digest of `core-0.1.0.json`, as that version made it.
const DIGEST_0_1_0: u64 = 0x2263_e12c_7165_c725;

/// A request of each kind that waits, for looking at what becomes of it.
pub(super) struct Busy {
    pub(super) driver: Driver,
    start: RequestId,
    stop: RequestId,
    call: RequestId,
    upgrade: RequestId,
}

fn fcgi() -> Arc<GroupSpec> {
    let socket = Arc::new(FcgiSpec {
        program: "php".to_owned(),
        url: "unix:///run/php.sock".to_owned(),
        address: FcgiAddress::Unix {
            path: "/run/php.sock".into(),
            owner: Some((33, None)),
            mode: 0o700,
        },
        backlog: None,
    });
    let mut processes = vec![process("php", "php_0"), process("php", "php_1")];
    for process in &mut processes {
        process.socket = Some(Arc::clone(&socket));
    }
    let mut group = GroupSpec::clone(&group("php", 20, processes));
    group.kind = GroupKind::Fcgi(socket);
    Arc::new(group)
}

pub(super) fn mail() -> Arc<GroupSpec> {
    let kinds = [
        EventKind::RemoteCommunication,
        EventKind::ProcessCommunication,
    ];
    let listeners = vec![process("mail", "mail_0"), process("mail", "mail_1")];
    let mut group = GroupSpec::clone(&pool("mail", 3, &kinds, listeners));
    if let GroupKind::Pool(pool) = &mut group.kind {
        pool.spool = Some(SpoolSpec {
            path: "/var/spool/mail".into(),
            maxbytes: 1 << 20,
        });
    }
    Arc::new(group)
}

pub(super) fn sums() -> Arc<GroupSpec> {
    let kind = GroupKind::Helper(HelperSpec {
        call_timeout_secs: 30,
    });
    let mut group = GroupSpec::clone(&group("sums", -1, vec![process("sums", "sums")]));
    group.kind = kind;
    Arc::new(group)
}

fn odd_path() -> PathBuf {
    OsString::from_vec(b"/var/log/caf\xe9.log".to_vec()).into()
}

/// Programs in every state, a pool with events in memory and on disk, a helper with a call, a store, an upgrade.
pub(super) fn busy() -> Busy {
    let names = [
        "up", "new", "again", "given_up", "done", "stopping", "lost", "idle",
    ];
    let programs = names.map(|name| {
        let mut spec = process("web", name);
        spec.autorestart = AutoRestart::Never;
        spec.autostart = name != "idle";
        spec.startretries = if name == "given_up" { 0 } else { 3 };
        spec.stdout.logfile = LogFile::Path(odd_path().into());
        spec.environment = vec![("KEY".to_owned(), "a \"value\"\n".to_owned())];
        spec
    });
    let web = group("web", 10, programs.into());
    let mut driver = Driver::start(vec![web, fcgi(), mail(), sums(), single("solo", |_| {})]);
    for name in names
        .iter()
        .filter(|name| !matches!(**name, "idle" | "new"))
    {
        driver.spawned(name);
    }
    for name in ["php_0", "php_1", "mail_0", "mail_1", "sums", "solo"] {
        driver.spawned(name);
    }
    driver.exited("again", 1);
    driver.exited("given_up", 1);
    driver.secs(1);
    driver.spawned("again");
    driver.exited("again", 3);
    driver.exited("done", 0);
    driver.kill_failed("lost", 1, Signal::TERM);
    let proc = driver
        .core
        .groups
        .named("solo")
        .map(|(_, group)| group.procs[0]);
    driver.give(Input::AutoLogNamed {
        proc: proc.unwrap(),
        channel: Channel::Stdout,
        path: "/tmp/solo-stdout.log".into(),
    });
    listen(&mut driver);
    let call = call(&mut driver);
    for (key, value) in [("text", &b"kept"[..]), ("bytes", b"\x00\xff")] {
        let deed = CacheDeed::Store {
            key: key.to_owned(),
            value: Arc::from(value),
        };
        let namespace = "cache".to_owned();
        driver.ask(Request::Cache { namespace, deed });
    }
    let (name, wait) = ("web:idle".to_owned(), true);
    let start = driver.ask(Request::StartProcess { name, wait });
    let name = "web:stopping".to_owned();
    let stop = driver.ask(Request::StopProcess { name, wait });
    let (name, signal) = ("solo".to_owned(), "HUP".to_owned());
    driver.ask(Request::SignalProcess { name, signal });
    driver.ask(Request::ReloadConfig);
    let upgrade = driver.ask(Request::Upgrade { binary: None });
    let ticket = driver.loads.pop().unwrap();
    let result = Ok("0.1.0".to_owned());
    driver.give(Input::Rehearsed { ticket, result });
    Busy {
        driver,
        start,
        stop,
        call,
        upgrade,
    }
}

/// One listener works on an event and the other has said half a word; events wait in memory and on disk.
fn listen(driver: &mut Driver) {
    driver.says("mail_0", "READY\n");
    driver.says("mail_1", "REA");
    driver.opens_empty_spool();
    let run = driver.run("up");
    for number in 0..7_u8 {
        let data = vec![b'a', number, 0xff];
        let channel = Channel::Stderr;
        driver.give(Input::Captured { run, channel, data });
    }
    driver.says("mail_0", "RESULT 2");
}

/// One call is sent, and its client has left; another one waits for its answer.
fn call(driver: &mut Driver) -> RequestId {
    let run = driver.run("sums");
    let add = HelperMethod {
        name: "add".to_owned(),
        signature: vec!["int".to_owned()],
        help: String::new(),
    };
    let word = HelperWord::Hello(vec![add]);
    driver.give(Input::HelperSaid { run, word });
    let call = || Request::CallHelper {
        namespace: "sums".to_owned(),
        method: "add".to_owned(),
        body: b"[1,2]".to_vec(),
    };
    let id = driver.ask(call());
    driver.give(Input::RequesterGone { id });
    driver.ask(call())
}

fn save(core: &Core) -> String {
    serde_json::to_string(core).unwrap()
}

fn load(text: &str) -> Result<Core, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// A core that was read from a text that was changed.
pub(super) fn load_with(
    core: &Core,
    change: impl FnOnce(&mut serde_json::Value),
) -> Result<Core, String> {
    let mut value = serde_json::to_value(core).unwrap();
    change(&mut value);
    load(&value.to_string())
}

#[test]
fn a_busy_core_is_the_same_when_it_was_written_and_read() {
    let core = busy().driver.core;
    assert_eq!(core.check(), Ok(()));
    let text = save(&core);
    let loaded = load(&text).unwrap();
    assert_eq!(save(&loaded), text);
    assert_eq!(format!("{loaded:#?}"), format!("{core:#?}"));
    assert_eq!(loaded.digest(), core.digest());
}

#[test]
fn specifications_are_written_once_and_shared_again() {
    let core = busy().driver.core;
    let text = save(&core);
    assert_eq!(
        text.matches(r#""command":"/bin/cat""#).count(),
        core.procs.len()
    );
    let loaded = load(&text).unwrap();
    for process in loaded.procs.values() {
        let (_, group) = loaded.groups.named(&process.group).unwrap();
        let is_shared = |spec| Arc::ptr_eq(spec, &process.spec);
        assert!(group.spec.processes.iter().any(is_shared));
        assert!(
            loaded
                .latest
                .iter()
                .any(|latest| Arc::ptr_eq(latest, &group.spec))
        );
    }
}

#[test]
fn who_waited_is_answered_by_the_core_that_was_read() {
    let Busy {
        mut driver,
        start,
        stop,
        call,
        upgrade,
    } = busy();
    driver.core = load(&save(&driver.core)).unwrap();
    driver.probed("idle");
    driver.spawned("idle");
    driver.secs(1);
    assert_eq!(driver.answer(start).as_deref(), Some("Done"));
    driver.killed("stopping", Signal::TERM);
    assert_eq!(driver.answer(stop).as_deref(), Some("Done"));
    driver.says("mail_0", "\nOKREADY\n");
    let serials: Vec<String> = driver.orders();
    assert!(
        serials
            .iter()
            .any(|order| order.starts_with("deliver mail_0"))
    );
    driver.secs(30);
    let overdue = "FAILED: sums.add did not answer within 30 seconds";
    assert_eq!(driver.answer(call).as_deref(), Some(overdue));
    driver.secs(30);
    assert!(driver.answer(upgrade).is_some());
    let fetched = driver.ask(Request::Cache {
        namespace: "cache".to_owned(),
        deed: CacheDeed::Fetch {
            key: "bytes".to_owned(),
        },
    });
    assert_eq!(driver.answer(fetched).as_deref(), Some("Stored([0, 255])"));
}

#[test]
fn what_is_not_known_is_ignored_and_a_later_format_refused() {
    let core = busy().driver.core;
    let with_more = load_with(&core, |value| {
        value["later"] = "thing".into();
        value["core"]["later"] = 7.into();
        value["core"]["procs"]["1"]["later"] = serde_json::Value::Null;
    });
    assert_eq!(save(&with_more.unwrap()), save(&core));
    let later = load_with(&core, |value| value["format"] = 2.into());
    let told = later.unwrap_err();
    let expected = "the state has format 2, and this program reads 1 and before";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_does_not_fit_together_is_told_in_a_sentence() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 8] = [
        (
            |value| value["core"]["last_proc"] = 1.into(),
            "process 15 was numbered after the last number, 1",
        ),
        (
            |value| value["core"]["runs"]["last"] = 2.into(),
            "was numbered after the last number, 2",
        ),
        (
            |value| value["core"]["deadlines"] = serde_json::json!([]),
            "has another deadline than its state",
        ),
        (
            |value| value["core"]["tickets"]["purposes"] = serde_json::json!({}),
            "nobody's",
        ),
        (
            |value| value["core"]["procs"]["3"]["home"] = 1.into(),
            "has no process 3",
        ),
        (
            |value| value["core"]["sockets"]["all"] = serde_json::json!({}),
            "runs without its socket",
        ),
        (
            |value| value["core"]["pools"] = serde_json::json!({}),
            "is only half in service",
        ),
        (
            |value| value["tables"]["specs"] = serde_json::json!([]),
            "a specification is missing",
        ),
    ];
    let core = busy().driver.core;
    for (change, sentence) in cases {
        let told = load_with(&core, change).unwrap_err();
        assert!(told.contains(sentence), "{told}, not {sentence}");
    }
}

/// The file of this version, for its release: `cargo test -p provost-core write_the_snapshot -- --ignored`. That of an
/// earlier version must never be written again.
#[test]
#[ignore = "writes into the source tree"]
#[expect(
    clippy::disallowed_methods,
    reason = "not the core writes it, but who makes a release"
)]
#[expect(
    clippy::print_stdout,
    reason = "the digest is put into this file by hand"
)]
fn write_the_snapshot() {
    let core = busy().driver.core;
    let text = serde_json::to_string_pretty(&core).unwrap();
    let path = format!("{FOLDER}/core-{}.json", env!("CARGO_PKG_VERSION"));
    std::fs::create_dir_all(FOLDER).unwrap();
    std::fs::write(&path, text + "\n").unwrap();
    println!("{path}: digest {:#018x}", core.digest());
}

#[test]
fn the_state_of_0_1_0_is_still_read() {
    let core = load(STATE_0_1_0).unwrap();
    assert_eq!(core.digest(), DIGEST_0_1_0, "{:#018x}", core.digest());
    let states: Vec<String> = core
        .procs
        .values()
        .filter(|process| &*process.group == "web")
        .map(|process| format!("{} {}", process.name, process.published()))
        .collect();
    let expected = [
        "up RUNNING",
        "new STARTING",
        "again BACKOFF",
        "given_up FATAL",
        "done EXITED",
        "stopping STOPPING",
        "lost UNKNOWN",
        "idle STOPPED",
    ];
    assert_eq!(states, expected);
    let process = core.procs.values().find(|process| &*process.name == "up");
    let process = process.unwrap();
    assert_eq!(process.run(), Some(Run(4)));
    assert_eq!(
        process.spec.stdout.logfile,
        LogFile::Path(odd_path().into())
    );
    let pools = core.pools.values().map(|pool| pool.serials().count());
    assert_eq!(pools.collect::<Vec<_>>(), [5, 45]);
    let stores: Vec<_> = core.stores.counts().collect();
    assert_eq!(stores, [("cache", 2)]);
    assert!(core.next_deadline().is_some());
    assert_eq!(process.published(), ProcessState::Running);
    assert_eq!(core.jobs.unanswered().count(), 6);
}
