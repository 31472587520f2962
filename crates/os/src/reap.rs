//! Collecting children that ended. There is one collector in a process: whoever calls this.

use provost_model::{ExitStatus, Pid, Signal};
use rustix::process::{WaitOptions, WaitStatus};
use std::io;

/// One child that ended, ours or inherited; nothing when all live or there is none. Does not wait.
///
/// The system looks at one child after the other until it finds one that ended.
pub fn reap_one() -> io::Result<Option<(Pid, ExitStatus)>> {
    reap(|| rustix::process::wait(WaitOptions::NOHANG))
}

/// The end of this child; nothing when it lives or is none of ours. Does not wait, and takes the same time however many
/// there are.
pub fn reap_this(pid: Pid) -> io::Result<Option<ExitStatus>> {
    let Some(pid) = rustix::process::Pid::from_raw(pid.0.max(0)) else {
        return Ok(None);
    };
    let ended = reap(|| rustix::process::waitpid(Some(pid), WaitOptions::NOHANG))?;
    Ok(ended.map(|(_, status)| status))
}

type Waited = rustix::io::Result<Option<(rustix::process::Pid, WaitStatus)>>;

fn reap(wait: impl Fn() -> Waited) -> io::Result<Option<(Pid, ExitStatus)>> {
    loop {
        match wait() {
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
