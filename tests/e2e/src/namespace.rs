//! Mounts that only one daemon sees, so that a test that is killed leaves nothing mounted.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::Daemon;
use crate::run::run;

/// A wrapper that runs a script in a mount namespace of its own and then becomes the daemon, with the same pid. The
/// working directory is the daemon's place.
///
/// # Panics
/// When this user may not do that: these tests are for root.
pub fn mounting(script: &str) -> Vec<String> {
    let tried = run(Command::new("unshare").args(["-m", "--propagation", "private", "true"]));
    assert_eq!(
        tried.code,
        Some(0),
        "this test mounts file systems and NEEDS ROOT: run it as root (`unshare -m` says: {})",
        tried.stderr.trim()
    );
    let words = ["unshare", "-m", "--propagation", "private", "sh", "-ec"];
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.push(format!("{script}\nexec \"$@\""));
    words.push("sh".to_owned());
    words
}

/// Runs a script among the mounts of a daemon, in its place.
pub fn run_inside(daemon: &Daemon, script: &str) {
    let pid = daemon.pid().to_string();
    let script = format!("cd {} && {script}", daemon.place().text());
    let done = run(Command::new("nsenter").args(["-m", "-t", &pid, "sh", "-ec", &script]));
    assert_eq!(done.code, Some(0), "{script}: {}", done.stderr);
}

/// The path by which a test sees a file of the daemon's place as the daemon sees it.
pub fn inside(daemon: &Daemon, name: &str) -> PathBuf {
    let path = daemon.place().join(name);
    let path = path.strip_prefix("/").unwrap_or(&path);
    Path::new("/proc")
        .join(daemon.pid().to_string())
        .join("root")
        .join(path)
}
