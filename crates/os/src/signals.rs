//! Signals as data: blocked, and read from a descriptor.

use provost_model::Signal;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Bytes of one record of the signal descriptor.
const RECORD: usize = size_of::<libc::signalfd_siginfo>();

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// Who sent it; 0 is the system or a process outside our namespace.
    pub pid: i32,
    /// The real user who sent it.
    pub uid: u32,
}

/// Signals that wait to be read instead of interrupting.
#[derive(Debug)]
pub struct SignalQueue {
    fd: OwnedFd,
}

impl SignalQueue {
    /// Blocks the signals in this thread, and in the threads and processes it starts from now on, and queues them.
    ///
    /// Call it before other threads start: a thread that does not block a signal takes it away from the queue. A
    /// forked child may go on reading the queue, but has to put it into a reactor of its own.
    pub fn open(signals: &[Signal]) -> io::Result<Self> {
        let set = set_of(signals)?;
        change_mask(libc::SIG_BLOCK, &set)?;
        // SAFETY: `set` is an initialised signal set; -1 asks for a new descriptor.
        let fd =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above just made `fd`, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd })
    }

    /// Everything that has arrived, oldest first; empty when there is nothing.
    ///
    /// The system queues a pending signal once, however often it was sent.
    pub fn read(&self) -> io::Result<Vec<Received>> {
        let mut received = Vec::new();
        loop {
            let mut record = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
            // SAFETY: `record` has place for the RECORD bytes that are asked for.
            let count =
                unsafe { libc::read(self.fd.as_raw_fd(), record.as_mut_ptr().cast(), RECORD) };
            if count < 0 {
                let error = io::Error::last_os_error();
                match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(received),
                    io::ErrorKind::Interrupted => continue,
                    _ => return Err(error),
                }
            }
            // SAFETY: the record was zeroed and then filled by the system; any bytes are a valid value of it.
            let record = unsafe { record.assume_init() };
            received.push(Received {
                signal: Signal::from_raw(record.ssi_signo.cast_signed()),
                pid: record.ssi_pid.cast_signed(),
                uid: record.ssi_uid,
            });
        }
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Ignores a signal in this process, and by inheritance in its children unless they undo it.
pub fn ignore(signal: Signal) -> io::Result<()> {
    ignore_number(signal.number())
}

/// Blocks nothing in this thread: signals that wait are delivered at once.
pub fn unblock_all() -> io::Result<()> {
    change_mask(libc::SIG_SETMASK, &empty_set())
}

/// Has the command begin with no signal blocked, whatever the thread that starts it blocks.
pub fn unblocked(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec this makes one system call, which is async-signal-safe, and neither allocates nor
    // locks.
    unsafe { command.pre_exec(unblock_all) }
}

/// Ignores a signal.
fn ignore_number(number: i32) -> io::Result<()> {
    let action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zero bytes are a valid action: the default one, with an empty mask and no flags.
    let mut action = unsafe { action.assume_init() };
    action.sa_sigaction = libc::SIG_IGN;
    // SAFETY: `action` is whole, and its handler is a constant that is no address. The old action is not asked for.
    let result = unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Blocks signals until it is dropped, then restores the mask that was there before.
#[derive(Debug)]
pub(crate) struct MaskGuard {
    before: libc::sigset_t,
}

impl MaskGuard {
    /// Remembers this thread's mask.
    pub(crate) fn new() -> io::Result<Self> {
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: a null set changes nothing; `before` is writable memory of that type.
        let result = unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), before.as_mut_ptr())
        };
        if result != 0 {
            return Err(io::Error::from_raw_os_error(result));
        }
        // SAFETY: the call succeeded and filled it.
        let before = unsafe { before.assume_init() };
        Ok(Self { before })
    }
}

impl Drop for MaskGuard {
    fn drop(&mut self) {
        let _a_known_set_is_taken = change_mask(libc::SIG_SETMASK, &self.before);
    }
}

/// Blocks all signals of this thread until what this returns is dropped.
pub(crate) fn block_all() -> io::Result<MaskGuard> {
    let guard = MaskGuard::new()?;
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `all` is writable memory of that type.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: zero bytes are a set, too, and now it is the full one.
    let all = unsafe { all.assume_init() };
    change_mask(libc::SIG_SETMASK, &all)?;
    Ok(guard)
}

/// Changes this thread's mask. Safe between fork and exec.
pub(crate) fn change_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is an initialised signal set; the old one is not asked for.
    let result = unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(result))
    }
}

/// The set without signals.
pub(crate) fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `set` is writable memory of that type.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: it was zeroed and then initialised.
    unsafe { set.assume_init() }
}

fn set_of(signals: &[Signal]) -> io::Result<libc::sigset_t> {
    let mut set = empty_set();
    for signal in signals {
        // SAFETY: `set` is initialised; a number that is no signal is refused.
        let result = unsafe { libc::sigaddset(&raw mut set, signal.number()) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(set)
}
