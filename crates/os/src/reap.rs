//! Collecting children that ended. There is one collector in a process: whoever calls this.

use provost_model::{ExitStatus, Pid, Signal};
use rustix::process::{WaitOptions, WaitStatus};
use std::io;

/// One child that ended, ours or inherited; nothing when all live or there is none. Does not wait.
pub fn reap_one() -> io::Result<Option<(Pid, ExitStatus)>> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
            Ok(Some((pid, status))) => {
                if let Some(status) = exit_status(status) {
                    return Ok(Some((Pid(pid.as_raw_pid()), status)));
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes orphans among the descendants children of this process instead of init's, so that they can be reaped.
pub fn become_subreaper() -> io::Result<()> {
    // The system only asks whether the number is not zero; our own pid says what is meant.
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// How a process ended whose wait status is this number; nothing for a status that is no end.
pub(crate) fn status_of(raw: i32) -> Option<ExitStatus> {
    if libc::WIFEXITED(raw) {
        return Some(ExitStatus::Code(libc::WEXITSTATUS(raw)));
    }
    libc::WIFSIGNALED(raw).then(|| ExitStatus::Signaled {
        signal: Signal::from_raw(libc::WTERMSIG(raw)),
        core_dumped: libc::WCOREDUMP(raw),
    })
}

/// How it ended; nothing for a status that is no end.
fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    status_of(status.as_raw())
}
