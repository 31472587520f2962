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

/// How it ended; nothing for a status that is no end.
fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    if let Some(code) = status.exit_status() {
        return Some(ExitStatus::Code(code));
    }
    let signal = Signal::from_raw(status.terminating_signal()?);
    Some(ExitStatus::Signaled {
        signal,
        core_dumped: libc::WCOREDUMP(status.as_raw()),
    })
}
