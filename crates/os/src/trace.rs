//! Following another process from one system call to the next, to halt it where it waits.
//!
//! A process that is always at work is hardly ever met at its wait by chance; like this it is met there for certain. The
//! kernel lets it go by itself if we end.

use crate::foreign::is_at_wait;
use crate::last_errno;
use crate::pidfd::PidFd;
use provost_model::{Errno, Pid};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// How long the bell is trusted to ring; in a process with more threads another one may hear it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long it may take to let it go. Only a process that hangs in the kernel takes longer.
const LETTING_GO_MAX: Duration = Duration::from_secs(1);

/// `SIGCHLD`, by which the kernel tells that the process stands, kept from this thread so that it can be waited for.
struct Bell {
    only: libc::sigset_t,
    before: libc::sigset_t,
}

impl Bell {
    fn new() -> Result<Self, Errno> {
        let mut only = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: the place is one for a set, which the call fills.
        unsafe { libc::sigemptyset(only.as_mut_ptr()) };
        // SAFETY: the set was made by the call before.
        unsafe { libc::sigaddset(only.as_mut_ptr(), libc::SIGCHLD) };
        // SAFETY: the first call has filled it.
        let only = unsafe { only.assume_init() };
        // SAFETY: both are places for a set; the second is filled when the call succeeds.
        let result =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const only, before.as_mut_ptr()) };
        if result != 0 {
            return Err(Errno(result));
        }
        // SAFETY: the call succeeded and has filled it.
        let before = unsafe { before.assume_init() };
        Ok(Self { only, before })
    }

    /// Waits until it rings, at most so long. It may ring for somebody else.
    fn wait(&self, limit: Duration) {
        let limit = libc::timespec {
            tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(limit.subsec_nanos().cast_signed()),
        };
        // SAFETY: the set and the time are read only, and nothing is to be told of the signal.
        unsafe {
            libc::sigtimedwait(&raw const self.only, null_mut(), &raw const limit);
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // SAFETY: the set is the one that this thread had before; nothing is to be told of the one that it has now.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, null_mut());
        }
    }
}

/// A process that is followed. Dropping it lets it go on.
struct Followed {
    pid: Pid,
    /// Whether it stands and waits for us.
    stands: bool,
    /// The signal that it is to get when it goes on; 0 for none.
    signal: i32,
    bell: Bell,
}

impl Followed {
    fn follow(pid: Pid) -> Result<Self, Errno> {
        let bell = Bell::new()?;
        request(libc::PTRACE_SEIZE, pid, libc::PTRACE_O_TRACESYSGOOD)?;
        let this = Self {
            pid,
            stands: false,
            signal: 0,
            bell,
        };
        request(libc::PTRACE_INTERRUPT, pid, 0)?;
        Ok(this)
    }

    /// Waits until it stands: at the beginning or the end of a system call, because we have asked it to, or because it is
    /// to get a signal.
    fn wait(&mut self, until: Instant) -> Result<(), Errno> {
        loop {
            let mut status = 0;
            // SAFETY: the call writes one number, to a place that is ours.
            let found =
                unsafe { libc::waitpid(self.pid.0, &raw mut status, libc::WNOHANG | libc::__WALL) };
            if found < 0 {
                return Err(last_errno());
            }
            if found == 0 {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(Errno(libc::ETIMEDOUT));
                }
                self.bell.wait(left.min(LOOK_AGAIN));
                continue;
            }
            if !libc::WIFSTOPPED(status) {
                return Err(Errno(libc::ESRCH));
            }
            self.stands = true;
            let signal = libc::WSTOPSIG(status);
            let is_ours = signal == libc::SIGTRAP | 0x80 || status >> 16 == libc::PTRACE_EVENT_STOP;
            self.signal = if is_ours { 0 } else { signal };
            return Ok(());
        }
    }

    /// Lets it go on to its next system call.
    fn go_on(&mut self) -> Result<(), Errno> {
        self.stands = false;
        request(libc::PTRACE_SYSCALL, self.pid, self.signal)
    }

    fn let_go(&mut self) -> Result<(), Errno> {
        self.stands = false;
        request(libc::PTRACE_DETACH, self.pid, self.signal)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if !self.stands {
            let until = Instant::now() + LETTING_GO_MAX;
            let asked = request(libc::PTRACE_INTERRUPT, self.pid, 0);
            if asked.is_err() || self.wait(until).is_err() {
                return;
            }
        }
        // It may have ended.
        let _ = self.let_go();
    }
}

/// One request that gives and takes a number at most.
fn request(what: libc::c_uint, pid: Pid, number: i32) -> Result<(), Errno> {
    let nothing = null_mut::<libc::c_void>();
    let number = libc::c_long::from(number);
    // SAFETY: none of the requests made here reads or writes memory of ours: they take numbers.
    let result = unsafe { libc::ptrace(what, pid.0, nothing, number) };
    if result == -1 {
        Err(last_errno())
    } else {
        Ok(())
    }
}

/// Halts a process where it waits for descriptors, when it comes there: as [`PidFd::halt`], it takes a moment until all of
/// its threads stand still. `ETIMEDOUT` when it does not come there in time; it goes on then.
pub fn halt_where_it_waits(process: &PidFd, limit: Duration) -> Result<(), Errno> {
    let until = Instant::now() + limit;
    let mut followed = Followed::follow(process.pid())?;
    loop {
        followed.wait(until)?;
        if followed.signal == 0 && is_at_wait(process.pid()) {
            // It is told before it is let go, so that it gets no further than to the end of this call.
            process.halt()?;
            return followed.let_go();
        }
        if Instant::now() > until {
            return Err(Errno(libc::ETIMEDOUT));
        }
        followed.go_on()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign;
    use std::process::Command;

    /// Never sleeps, and is at a wait once in a while.
    const BUSY: &str = "
import os, select
r, w = os.pipe()
os.write(w, b'x')
poll = select.poll()
poll.register(r, select.POLLIN)
print('busy', flush=True)
while True:
    poll.poll(1000)
    for i in range(200):
        os.getppid()
";

    #[test]
    fn one_that_is_always_at_work_is_met_at_its_wait() {
        let python = Command::new("python3")
            .args(["-c", BUSY])
            .stdout(std::process::Stdio::piped())
            .spawn();
        // A machine without Python has no such process.
        let Ok(mut child) = python else { return };
        let mut line = [0; 5];
        let mut stdout = child.stdout.take().unwrap();
        std::io::Read::read_exact(&mut stdout, &mut line).unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        let process = PidFd::open(pid).unwrap();
        for _ in 0..10 {
            halt_where_it_waits(&process, Duration::from_secs(10)).unwrap();
            let begun = Instant::now();
            while foreign::is_halted(pid) != Some(true) {
                assert!(begun.elapsed() < Duration::from_secs(10));
            }
            let polled = foreign::polled(pid).unwrap();
            assert_eq!(polled.map(|polled| polled.len()), Some(1));
            process.resume().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
