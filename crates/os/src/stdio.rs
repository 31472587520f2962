//! What this process was started with: its three channels, its name, its machine.

use rustix::fs::{Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

/// Makes 0, 1 and 2 lead to `/dev/null`.
pub fn redirect_to_null() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(rustix::stdio::dup2_stderr(&null)?)
}

/// The words of the command line, in place of the first one the path that was executed.
///
/// A shell that finds a command in `PATH` passes the bare name. Upstream's commands are scripts, whose interpreter is
/// given the path: they look for `../etc/supervisord.conf` beside it, and name it in their messages.
pub fn arguments() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let executed = OsStr::from_bytes(rustix::param::linux_execfn().to_bytes());
    match words.first_mut() {
        Some(name) if !executed.is_empty() => executed.clone_into(name),
        Some(_) | None => {}
    }
    words
}

/// The machine's name as it knows itself.
pub fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
