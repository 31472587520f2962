//! The child's descriptors while parent and child have one table of them.
//!
//! A supervisor of thousands has tens of thousands of descriptors. A table of that size takes a millisecond to copy and to
//! close, in each child. So parent and child share one at first, and the child copies the lower part of it; what the child
//! needs is put there. Until it has its copies the parent waits: some ten microseconds.

use super::plan::Stdio;
use provost_model::Errno;
use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, dup3, fcntl_dupfd_cloexec};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use rustix::thread::futex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A table up to here is copied as quickly as the low descriptors could be put into it.
const LOW: i32 = 64;

/// How often the parent looks whether the child that it waits for is still there.
const LOOK: futex::Timespec = futex::Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// The child's ends of its channels, and of the line to its parent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    pub(super) stdin: BorrowedFd<'a>,
    pub(super) stdout: BorrowedFd<'a>,
    pub(super) stderr: BorrowedFd<'a>,
    pub(super) report: BorrowedFd<'a>,
}

impl<'a> Ends<'a> {
    pub(super) fn new(stdio: &'a Stdio, report: BorrowedFd<'a>) -> Self {
        Self {
            stdin: stdio.stdin.as_fd(),
            stdout: stdio.stdout.as_fd(),
            stderr: stdio.stderr.as_ref().unwrap_or(&stdio.stdout).as_fd(),
            report,
        }
    }

    fn all(&self) -> [BorrowedFd<'a>; 4] {
        [self.stdin, self.stdout, self.stderr, self.report]
    }

    /// The lowest number above all of them, and above the standard channels.
    pub(super) fn above(&self) -> i32 {
        let numbers = self.all().map(|fd| fd.as_raw_fd());
        numbers.into_iter().fold(2, i32::max).saturating_add(1)
    }
}

/// Descriptors with low numbers that are kept for children.
#[derive(Debug, Default)]
pub(super) struct Low(Option<Kept>);

#[derive(Debug)]
struct Kept {
    /// What they are between two children: `/dev/null`.
    nothing: OwnedFd,
    places: [OwnedFd; 4],
}

impl Kept {
    fn new() -> rustix::io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let nothing = rustix::fs::open("/dev/null", flags, Mode::empty())?;
        let place = || fcntl_dupfd_cloexec(&nothing, 3);
        let places = [place()?, place()?, place()?, place()?];
        Ok(Self { nothing, places })
    }

    fn above(&self) -> i32 {
        let numbers = self.places.iter().map(AsRawFd::as_raw_fd);
        numbers.fold(2, i32::max)
    }
}

impl Low {
    /// Copies of `ends` with low numbers, until what is returned is dropped. None when they are low enough, or when there
    /// are no descriptors for it: it is only quicker.
    pub(super) fn lower(&mut self, ends: &Ends<'_>) -> Option<Lowered<'_>> {
        if ends.above() <= LOW {
            return None;
        }
        if self.0.is_none() {
            self.0 = Kept::new().ok();
        }
        let kept = self.0.as_mut().filter(|kept| kept.above() < ends.above())?;
        let lowered = Lowered(kept);
        for (place, end) in lowered.0.places.iter_mut().zip(ends.all()) {
            dup3(end, place, DupFlags::CLOEXEC).ok()?;
        }
        Some(lowered)
    }
}

/// The child's ends in low places. Dropped, they are closed.
#[derive(Debug)]
pub(super) struct Lowered<'a>(&'a mut Kept);

impl Lowered<'_> {
    pub(super) fn ends(&self) -> Ends<'_> {
        let [stdin, stdout, stderr, report] = &self.0.places;
        Ends {
            stdin: stdin.as_fd(),
            stdout: stdout.as_fd(),
            stderr: stderr.as_fd(),
            report: report.as_fd(),
        }
    }
}

impl Drop for Lowered<'_> {
    fn drop(&mut self) {
        let Kept { nothing, places } = &mut *self.0;
        for place in places {
            // No descriptor is needed for it, and none of the numbers is wrong.
            let _closed = dup3(&*nothing, place, DupFlags::CLOEXEC);
        }
    }
}

/// A number in memory that parent and child both have, whether the child has the rest of it or a copy.
#[derive(Clone, Debug)]
pub(super) struct Word(Arc<Page>);

#[derive(Debug)]
struct Page(NonNull<AtomicU32>);

// SAFETY: it is memory that only this has, with an atomic number in it.
unsafe impl Send for Page {}
// SAFETY: the number is atomic.
unsafe impl Sync for Page {}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and the last one who had it is gone.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<AtomicU32>()) };
    }
}

impl Word {
    pub(super) fn new() -> Result<Self, Errno> {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let length = size_of::<AtomicU32>();
        // SAFETY: new memory wherever the kernel finds room; nothing that exists is touched.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(crate::last_errno());
        }
        let word = NonNull::new(memory.cast()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Self(Arc::new(Page(word))))
    }

    fn number(&self) -> &AtomicU32 {
        // SAFETY: a page that lives as long as this, zeroed, is a number of this kind and aligned as one.
        unsafe { self.0.0.as_ref() }
    }

    /// For the next child.
    pub(super) fn again(&self) -> Self {
        self.number().store(0, Ordering::Relaxed);
        self.clone()
    }

    /// In the child: it uses its parent's descriptors no more. Allocates nothing and leaves `errno` alone.
    pub(super) fn say(&self) {
        self.number().store(1, Ordering::Release);
        let _nobody_waits = futex::wake(self.number(), futex::Flags::empty(), 1);
    }

    /// In the parent: waits until the child has said so, or has ended.
    pub(super) fn wait(&self, child: Pid) {
        while self.number().load(Ordering::Acquire) == 0 {
            let waited = futex::wait(self.number(), futex::Flags::empty(), 0, Some(&LOOK));
            if waited != Err(rustix::io::Errno::TIMEDOUT) {
                continue;
            }
            let looks = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            if !matches!(waitid(WaitId::Pid(child), looks), Ok(None)) {
                return;
            }
            // Somebody may have halted it, and we must not stand still with it.
            let _gone = kill_process(child, Signal::CONT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdio_from(number: i32) -> Stdio {
        let null = std::fs::File::open("/dev/null").unwrap();
        let end = || fcntl_dupfd_cloexec(&null, number).unwrap();
        Stdio {
            stdin: end(),
            stdout: end(),
            stderr: None,
        }
    }

    #[test]
    fn low_descriptors_stay_where_they_are() {
        let stdio = stdio_from(3);
        let ends = Ends::new(&stdio, stdio.stdin.as_fd());
        assert!(ends.above() > 3 && ends.above() <= LOW);
        let mut low = Low::default();
        assert!(low.lower(&ends).is_none() && low.0.is_none());
    }

    #[test]
    fn high_descriptors_are_lowered_and_closed_again() {
        let stdio = stdio_from(500);
        let (theirs, ours) = crate::pipe::pipe().unwrap();
        let report = fcntl_dupfd_cloexec(&ours, 500).unwrap();
        drop(ours);
        let ends = Ends::new(&stdio, report.as_fd());
        let mut low = Low::default();
        let lowered = low.lower(&ends).unwrap();
        assert!(lowered.ends().above() < 500);
        drop(report);
        rustix::io::write(lowered.ends().report, b"x").unwrap();
        drop(lowered);
        let mut bytes = [0; 4];
        assert_eq!(rustix::io::read(&theirs, &mut bytes), Ok(1));
        assert_eq!(rustix::io::read(&theirs, &mut bytes), Ok(0), "it is closed");
    }

    #[test]
    fn a_child_that_ends_without_a_word_is_not_waited_for() {
        let word = Word::new().unwrap();
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        word.wait(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap());
        assert!(child.wait().unwrap().success());
        word.again().say();
        word.wait(Pid::INIT);
    }
}
