//! What the tests of this room share.
#![allow(
    dead_code,
    reason = "each test binary uses its own part of this module"
)]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Names the case in the process that was started for it.
const CASE: &str = "PROVOST_OS_CASE";

/// A directory of its own for a test.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = prefix(std::process::id());
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("{prefix}{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Of an earlier process with our number, which may not even be ours to remove.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// What the names of a process's directories begin with.
fn prefix(pid: u32) -> String {
    format!("provost-os-{pid}-")
}

/// Removes what a process could not remove after it had given up its rights.
fn remove_directories_of(pid: u32) {
    let prefix = prefix(pid);
    for entry in std::fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _left_for_the_system = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _left_for_the_system = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether this process was started for the case of that name.
pub(crate) fn is_case(name: &str) -> bool {
    std::env::var(CASE).is_ok_and(|case| case == name)
}

/// A process that runs one test of this binary as its case, in its main thread.
pub(crate) fn case_command(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CASE, name);
    command
}

/// Runs the body in a process of its own, because it changes what belongs to the whole process.
pub(crate) fn in_own_process(name: &str, body: impl FnOnce()) {
    if is_case(name) {
        body();
        return;
    }
    let mut command = case_command(name);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    remove_directories_of(pid);
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    assert!(
        stdout.contains("1 passed"),
        "the case did not run:\n{stdout}\n{stderr}"
    );
}

/// Asks again until there is something, and says what was missed if there never is.
pub(crate) fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < end, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the tests may become other users.
pub(crate) fn is_root() -> bool {
    provost_os::users::current_uid() == 0
}
