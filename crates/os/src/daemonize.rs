//! Leaving the terminal.

use crate::{last_errno, pipe, signals, stdio};
use rustix::fs::Mode;
use rustix::process::{Pid, WaitOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// What the child says when it is ready.
const READY: &[u8] = b"1";

/// Exit code of the waiting parent when the child ends by a signal before it is ready.
const KILLED: i32 = 1;

/// Held by the background process while somebody in the foreground waits for it.
#[derive(Debug)]
#[must_use = "the foreground process waits until this says ready or is gone"]
pub struct Readiness {
    pipe: OwnedFd,
}

impl Readiness {
    /// Lets the foreground process end with 0. If this process ends without it, the other ends with the same code.
    pub fn ready(self) {
        let _foreground_is_gone = pipe::write(self.pipe.as_fd(), READY);
    }
}

/// Goes on in a child of this process, and returns there only.
///
/// The process that called stays in the foreground until the child is ready, so that whoever started it finds a
/// written pid file. To be called while there is one thread: no other one goes along. Reactors do not go along either;
/// signal queues, locks and sockets do.
pub fn daemonize() -> io::Result<Readiness> {
    let (read, write) = pipe::pipe()?;
    // SAFETY: this process has one thread, which the caller guarantees and which `daemonize` documents; so the child is
    // a whole copy and may do anything. With more threads it could wait for a lock that nobody holds: no memory is at risk.
    let pid = unsafe { libc::fork() };
    match Pid::from_raw(pid.max(0)) {
        Some(child) => {
            drop(write);
            wait_in_foreground(read.as_fd(), child)
        }
        None if pid == 0 => Ok(Readiness { pipe: write }),
        None => Err(io::Error::from_raw_os_error(last_errno().0)),
    }
}

/// Becomes the leader of a new session without a terminal, with `/dev/null` on the three channels.
pub fn detach() -> io::Result<()> {
    stdio::redirect_to_null()?;
    rustix::process::setsid()?;
    Ok(())
}

/// Sets the file mode mask of this process, and returns the one before.
pub fn umask(mask: u32) -> u32 {
    rustix::process::umask(Mode::from_raw_mode(mask)).as_raw_mode()
}

/// Changes the current directory of this process.
pub fn chdir(directory: &Path) -> io::Result<()> {
    Ok(rustix::process::chdir(directory)?)
}

fn wait_in_foreground(pipe: BorrowedFd<'_>, child: Pid) -> ! {
    // An interrupt from the terminal has to end this process, even if the child is to read it from a queue.
    let _a_valid_mask_is_taken = signals::unblock_all();
    let mut word = [0; READY.len()];
    let code = match pipe::read(pipe, &mut word) {
        Ok(1..) => 0,
        Ok(0) | Err(_) => exit_code(child),
    };
    // SAFETY: ends the process at once. Buffers and exit handlers belong to the child now and must not run twice.
    unsafe { libc::_exit(code) }
}

fn exit_code(child: Pid) -> i32 {
    let status =
        rustix::io::retry_on_intr(|| rustix::process::waitpid(Some(child), WaitOptions::empty()));
    status
        .ok()
        .flatten()
        .and_then(|(_, status)| status.exit_status())
        .unwrap_or(KILLED)
}
