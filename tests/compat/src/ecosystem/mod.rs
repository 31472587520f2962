//! Software that others wrote for Supervisor, unmodified, and what stands around it: a web server, a mail server.
//!
//! `cargo xtask setup` installs it into `target/ecosystem`, or where `PROVOST_ECOSYSTEM` names. Each scenario states
//! what must come of it and is held to that with upstream's daemon, too, so that an expectation that fails with ours
//! alone is known to be our fault.

pub mod http;
pub mod mail;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use provost_e2e::{Daemon, PATIENCE, Place, Side, Start, clean, wait_until};

/// Where the software is.
///
/// # Panics
/// When it has not been set up.
pub fn directory() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory = std::env::var_os("PROVOST_ECOSYSTEM")
        .map_or_else(|| root.join("target/ecosystem"), PathBuf::from);
    assert!(
        directory.join("stamp").exists(),
        "software written for Supervisor is not set up in {}: run `cargo xtask setup`",
        directory.display()
    );
    std::path::absolute(directory).expect("the current directory exists")
}

/// A command of the Python environment, `python` itself among them.
///
/// # Panics
/// When it is not there.
pub fn tool(name: &str) -> String {
    let path = directory().join("python/bin").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path.display().to_string()
}

/// A script of ours that uses a library of the ecosystem.
pub fn script(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// A command with the small, known environment of the daemons.
pub fn command(program: impl AsRef<Path>, place: &Place) -> Command {
    let mut command = Command::new(program.as_ref());
    clean(&mut command, place);
    command.current_dir(place.path());
    command
}

/// Plays a scenario with both daemons at the same time.
///
/// # Panics
/// When it fails with either; the message says with which.
pub fn with_both(scenario: impl Fn(Side) + Sync) {
    thread::scope(|scope| {
        let played = Side::BOTH.map(|side| {
            let scenario = &scenario;
            (side, scope.spawn(move || scenario(side)))
        });
        let failed: Vec<&str> = played
            .into_iter()
            .filter_map(|(side, thread)| thread.join().is_err().then_some(side.name()))
            .collect();
        assert!(
            failed.is_empty(),
            "the scenario failed with {}",
            failed.join(" and ")
        );
    });
}

/// Starts a daemon with a configuration.
pub fn start(side: Side, config: &str) -> Daemon {
    Start::new(side, config).start()
}

/// Waits until another process runs in the place of `old`.
pub fn wait_restarted(daemon: &Daemon, name: &str, old: u32) {
    let rpc = daemon.rpc();
    wait_until(PATIENCE, &format!("a new process of {name}"), || {
        ![0, old].contains(&rpc.pid(name)) && rpc.state(name) == "RUNNING"
    });
}

/// The pid of a process that is RUNNING, after waiting for it.
pub fn running_pid(daemon: &Daemon, name: &str) -> u32 {
    daemon.wait_state(name, "RUNNING");
    daemon.rpc().pid(name)
}

/// Asserts that texts stand in another one, in this order.
///
/// # Panics
/// When one of them does not follow the one before it.
pub fn assert_in_order(whole: &str, parts: &[&str]) {
    let mut rest = whole;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` does not stand where it should in:\n{whole}");
        };
        rest = after;
    }
}
