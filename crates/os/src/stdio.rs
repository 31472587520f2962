//! What this process was started with: its three channels, its name, its machine.

use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::io;

/// Makes 0, 1 and 2 lead to `/dev/null`.
pub fn redirect_to_null() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(rustix::stdio::dup2_stderr(&null)?)
}

/// The name this process was called by; empty when it was started without one.
pub fn argv0() -> OsString {
    std::env::args_os().next().unwrap_or_default()
}

/// The machine's name as it knows itself.
pub fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
