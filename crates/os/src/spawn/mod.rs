//! Making a child: everything it needs is laid out before the fork; the child itself makes raw system calls only.

mod child;
mod confine;
mod ends;
mod lend;
mod locate;
mod plan;
mod raw;
mod report;

pub use lend::Line;
pub use locate::locate;
pub use plan::{Credentials, Plan, Refusal, Stdio};
pub use report::{Report, Stage, read_report};

use crate::{errno, pipe};
use child::Prepared;
use ends::{Ends, Low, Lowered, Word};
use lend::Stacks;
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, Pid};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// A child that was forked and may not have executed its program yet.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid, and that of the process group it leads.
    pub pid: Pid,
    /// Ends when the program runs, or tells what failed; see [`read_report`]. Does not block.
    ///
    /// The child waits until [`go`] is called with it. Dropped before that, or lost with this process, it makes the
    /// child end without having been anything.
    pub report: Line,
}

/// Lets a child go on that waits at the other end of its report. `EPIPE` when it has been killed meanwhile.
pub fn go(report: BorrowedFd<'_>) -> Result<(), Errno> {
    let send = || rustix::net::send(report, b"g", SendFlags::NOSIGNAL);
    rustix::io::retry_on_intr(send).map(drop).map_err(errno)
}

/// Makes a child end that waits at the other end of its report, whoever else holds it.
pub fn give_up(report: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::net::shutdown(report, rustix::net::Shutdown::Write).map_err(errno)
}

/// Makes children, one at a time.
#[derive(Debug)]
pub struct Spawner {
    word: Word,
    low: Low,
    stacks: Stacks,
    /// What this process has made of signals before its first child. Later changes do not reach children: handlers are gone
    /// with the execution of their programs, and nothing is ignored later.
    unusual_signals: Option<Arc<[i32]>>,
}

impl Spawner {
    /// An error is the system's: there is no memory.
    pub fn new() -> Result<Self, Errno> {
        Ok(Self {
            word: Word::new()?,
            low: Low::default(),
            stacks: Stacks::default(),
            unusual_signals: None,
        })
    }

    /// Gives back the memory that is kept for the next children.
    pub fn settle(&self) {
        self.stacks.clear();
    }

    /// Makes a child. Does not wait for it to execute its program: a file on a hung disk delays only itself.
    ///
    /// Without another user's rights to take it shares this process' memory until then, so that nothing is copied.
    ///
    /// The child, in this order: takes copies of its descriptors; leads a process group of its own; takes `stdio` as 0, 1
    /// and 2; closes all other descriptors; waits for [`go`]; blocks no signal and has all at their defaults, but SIGPIPE
    /// and SIGXFSZ ignored (upstream's children inherit that, and some rely on it) unless the plan says otherwise; takes
    /// groups, gid, uid; gives up capabilities and the way to more rights where the plan says so; changes directory; sets
    /// its umask; executes. What fails is written to its descriptor 2 in upstream's words and sent as a report; then it
    /// ends with 127.
    pub fn spawn(&mut self, plan: Plan, stdio: Stdio) -> Result<Spawned, Errno> {
        let (stream, flags) = (SocketType::STREAM, SocketFlags::CLOEXEC);
        let (report, childs) =
            rustix::net::socketpair(AddressFamily::UNIX, stream, flags, None).map_err(errno)?;
        pipe::set_nonblocking(report.as_fd(), true).map_err(|error| Errno::of(&error))?;
        let ends = Ends::new(&stdio, childs.as_fd());
        let lowered = self.low.lower(&ends);
        let ends = lowered.as_ref().map_or(ends, Lowered::ends);
        let signals = self
            .unusual_signals
            .get_or_insert_with(child::unusual_signals);
        let signals = Arc::clone(signals);
        let prepared = Prepared::new(plan, &ends, report.as_fd(), self.word.again(), signals);
        let (pid, lent) = lend::start(prepared, &self.stacks)?;
        self.word.wait(pid);
        // The child has copies.
        drop(stdio);
        // The child does the same. Whoever comes second changes nothing; but a signal to the group finds it from now on.
        let _already_done_or_gone = rustix::process::setpgid(Some(pid), Some(pid)).map_err(errno);
        Ok(Spawned {
            pid: Pid(pid.as_raw_pid()),
            report: Line::new(report, lent),
        })
    }
}

/// What a failed [`Spawner::spawn`] or a failed pipe before it means to an operator.
pub fn problem(errno: Errno) -> SpawnProblem {
    match errno.0 {
        libc::EMFILE => SpawnProblem::TooManyFiles,
        libc::EAGAIN => SpawnProblem::TooManyProcesses,
        _ => SpawnProblem::Fork { errno },
    }
}
