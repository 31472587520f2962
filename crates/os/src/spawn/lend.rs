//! A child that shares its parent's descriptors until it has copied those it needs, and its parent's memory until it
//! executes its program, and runs beside its parent.
//!
//! To copy the tables of a large memory takes a fork a millisecond and more, for nothing: the child needs a few hundred bytes
//! of it. It gets a stack of its own, blocks all signals at first, and makes system calls that do not touch `errno`. What
//! it uses stays where it is until its end of the report is closed: the kernel lets go of a process' memory, at exec and at
//! its end, before it closes the descriptors.
//!
//! A child that takes another user's rights does not share memory with one that has more. It has a copy, as after a fork.

use super::child::Prepared;
use crate::signals::block_all;
use provost_model::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::Shutdown;
use std::ffi::c_void;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of the child's stack.
const STACK: usize = 64 << 10;

/// Bytes below it that may not be touched.
const GUARD: usize = 4 << 10;

/// How long the last moments of a child are waited for that has said why it failed or that is not wanted. If it is halted
/// then, its stack is left to it.
const LAST_MOMENTS: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Stacks that are kept for the next children. When thousands are started each that is done makes room for one, so that a few
/// serve nearly all; what is touched of one are a few pages.
const SPARE_STACKS: usize = 8;

/// Stacks that no child uses any more. To map one, and to touch its pages for the first time, takes longer than most of what
/// a child does on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stacks(Arc<Mutex<Vec<Stack>>>);

impl Stacks {
    fn spare(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Stack, Errno> {
        let spare = self.spare().pop();
        spare.map_or_else(Stack::new, Ok)
    }

    /// Takes back one that nobody runs on.
    fn give_back(&self, stack: Stack) {
        let mut spare = self.spare();
        if spare.len() < SPARE_STACKS {
            spare.push(stack);
        }
    }

    /// Unmaps those that are kept.
    pub(super) fn clear(&self) {
        *self.spare() = Vec::new();
    }
}

/// Memory for a stack.
#[derive(Debug)]
struct Stack(NonNull<c_void>);

// SAFETY: it is memory that nobody else knows of; whoever has this may unmap it from any thread.
unsafe impl Send for Stack {}

impl Stack {
    fn new() -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: new memory wherever the kernel finds room; nothing that exists is touched.
        let memory =
            unsafe { libc::mmap(std::ptr::null_mut(), GUARD + STACK, access, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(crate::last_errno());
        }
        let stack = Self(NonNull::new(memory).ok_or(Errno(libc::ENOMEM))?);
        // SAFETY: the first page of the memory that was mapped above, which nobody uses yet.
        let guarded = unsafe { libc::mprotect(memory, GUARD, libc::PROT_NONE) };
        if guarded == 0 {
            Ok(stack)
        } else {
            Err(crate::last_errno())
        }
    }

    /// Where it begins: at its upper end.
    fn top(&self) -> *mut c_void {
        self.0.as_ptr().wrapping_byte_add(GUARD + STACK)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and whoever ran on it does no more: see `Line`.
        unsafe { libc::munmap(self.0.as_ptr(), GUARD + STACK) };
    }
}

/// What a child uses of its parent's memory.
#[derive(Debug)]
pub(super) struct Lent {
    stack: Stack,
    prepared: Box<Prepared>,
    /// Where the stack goes.
    stacks: Stacks,
}

/// Starts a child. What is returned with it the caller keeps until the child is out of it.
///
/// The caller closes none of the child's descriptors before the child has said that it has copies.
pub(super) fn start(
    prepared: Prepared,
    stacks: &Stacks,
) -> Result<(rustix::process::Pid, Option<Lent>), Errno> {
    let lent = Lent {
        stack: stacks.take()?,
        prepared: Box::new(prepared),
        stacks: stacks.clone(),
    };
    let shares = lent.prepared.may_share_memory();
    let blocked = block_all().map_err(|error| Errno::of(&error))?;
    let argument = std::ptr::from_ref::<Prepared>(&lent.prepared).cast_mut();
    let memory = if shares { libc::CLONE_VM } else { 0 };
    let flags = memory | libc::CLONE_FILES | libc::SIGCHLD;
    // SAFETY: `enter` runs on a stack of its own and reads `argument`; both live as long as the child uses them, as `Line`
    // keeps them, or it has a copy. It makes system calls only, never unwinds or returns, and leaves `errno` alone. All
    // signals are blocked, so no handler of ours runs in it. It closes no descriptor before it has a table of its own.
    let pid = unsafe { libc::clone(enter, lent.stack.top(), flags, argument.cast()) };
    let failure = crate::last_errno();
    drop(blocked);
    let pid = rustix::process::Pid::from_raw(pid.max(0)).ok_or(failure)?;
    if shares {
        return Ok((pid, Some(lent)));
    }
    stacks.give_back(lent.stack);
    Ok((pid, None))
}

extern "C" fn enter(prepared: *mut c_void) -> libc::c_int {
    // SAFETY: `start` gave a pointer to this, which outlives this process' use of it.
    let prepared = unsafe { &*prepared.cast::<Prepared>() };
    prepared.run()
}

/// The parent's end of the line to a child, and what the child uses of its memory.
#[derive(Debug)]
pub struct Line {
    fd: Arc<OwnedFd>,
    lent: Option<Lent>,
}

impl Line {
    pub(super) fn new(fd: OwnedFd, lent: Option<Lent>) -> Self {
        Self {
            fd: Arc::new(fd),
            lent,
        }
    }

    /// The line itself, for another thread that lets the child go on or gives it up.
    pub fn shared(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd)
    }

    /// Whether the child has closed its end, waiting for a moment.
    fn has_ended(&self) -> bool {
        let mut bytes = [0; super::report::REPORT_BYTES];
        loop {
            match rustix::io::read(&self.fd, &mut bytes) {
                Ok(0) | Err(rustix::io::Errno::CONNRESET) => return true,
                Ok(_) | Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => {}
                Err(_) => return false,
            }
            let mut ready = [PollFd::new(&self.fd, PollFlags::IN)];
            match poll(&mut ready, Some(&LAST_MOMENTS)) {
                Ok(0) => return false,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else {
            return;
        };
        // One that waits ends at this; one that has executed does not notice.
        let _gone = rustix::net::shutdown(&self.fd, Shutdown::Write);
        if self.has_ended() {
            lent.stacks.give_back(lent.stack);
        } else {
            // Better lost than used by two.
            std::mem::forget(lent);
        }
    }
}
