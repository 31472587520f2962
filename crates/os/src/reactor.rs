//! Waiting for descriptors and time, level-triggered.
//!
//! The reactor tells which descriptors are ready; it never reads or writes, and calls nobody back.

use rustix::event::epoll;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Descriptors reported by one wait: enough for a busy turn, and 12 KiB of stack. The others come next turn.
const READY_MAX: usize = 1024;

/// Longest single sleep in seconds: the largest that fits every kernel's idea of a timeout, about 68 years.
const SLEEP_SECS_MAX: u64 = i32::MAX as u64;

/// A place for what the kernel reports.
type Slot = MaybeUninit<libc::epoll_event>;

/// What to wait for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// Either.
    Both,
    /// Neither. The system still reports a hang-up or an error, again and again: to rest from a descriptor
    /// that may hang up, [remove](Reactor::remove) it.
    None,
}

impl Interest {
    fn flags(self) -> epoll::EventFlags {
        match self {
            Self::Read => epoll::EventFlags::IN,
            Self::Write => epoll::EventFlags::OUT,
            Self::Both => epoll::EventFlags::IN | epoll::EventFlags::OUT,
            Self::None => epoll::EventFlags::empty(),
        }
    }
}

/// A descriptor that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number given when it was added.
    pub token: u64,
    /// A read will not block: there is data, the end, or an error.
    pub readable: bool,
    /// A write will not block: there is room, or an error.
    pub writable: bool,
    /// The other side is gone or the descriptor is in error. Data may still be there to read.
    pub hangup: bool,
}

/// A descriptor in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Its number.
    pub number: i32,
    /// The number given when it was added.
    pub token: u64,
}

/// A set of descriptors and the wait for them.
#[derive(Debug)]
pub struct Reactor {
    epoll: OwnedFd,
    /// Whether the kernel refused the wait in nanoseconds (Linux before 5.11, or a filter).
    coarse: AtomicBool,
}

impl Reactor {
    /// An empty set. A reactor does not survive a fork: make it after daemonising.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            coarse: AtomicBool::new(false),
        })
    }

    /// Adds a descriptor; it must be removed before it is closed. A regular file is refused with `EPERM`.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            fd,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    /// Changes what is waited for, and the token.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            fd,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    /// Takes a descriptor out.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// The descriptors in the set, as the system lists them. For a look from another thread while this one's owner hangs.
    pub fn watched(&self) -> io::Result<Vec<Watched>> {
        let text =
            std::fs::read_to_string(format!("/proc/self/fdinfo/{}", self.epoll.as_raw_fd()))?;
        Ok(text.lines().filter_map(watched_of).collect())
    }

    /// Waits until something is ready or the timeout has passed, never shorter; no timeout waits for ever.
    ///
    /// `ready` is emptied first. A signal handler that interrupts the wait makes it return with nothing ready.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        // Not filled first: that would cost as much as the wait itself when there is something at once.
        let mut events = [const { MaybeUninit::uninit() }; READY_MAX];
        let count = match self.wait_raw(timeout, &mut events) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        ready.extend(events.iter().take(count).map(|event| {
            // SAFETY: the kernel has filled the first `count` entries.
            ready_of(unsafe { event.assume_init() })
        }));
        Ok(())
    }

    fn wait_raw(&self, timeout: Option<Duration>, events: &mut [Slot]) -> io::Result<usize> {
        if self.coarse.load(Ordering::Relaxed) {
            return wait_millis(&self.epoll, timeout, events);
        }
        match wait_nanos(&self.epoll, timeout, events) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                self.coarse.store(true, Ordering::Relaxed);
                wait_millis(&self.epoll, timeout, events)
            }
            other => other,
        }
    }
}

/// The kernel's idea of a time span, 64 bits on every machine.
#[repr(C)]
struct KernelTimespec {
    secs: i64,
    nanos: i64,
}

fn wait_nanos(
    epoll: &OwnedFd,
    timeout: Option<Duration>,
    events: &mut [Slot],
) -> io::Result<usize> {
    let span = timeout.map(|timeout| KernelTimespec {
        secs: timeout.as_secs().min(SLEEP_SECS_MAX).cast_signed(),
        nanos: i64::from(timeout.subsec_nanos()),
    });
    let span_ptr = span.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: `events` has place for `room` entries; `span_ptr` is null or points to `span`, which lives through the
    // call; the mask is null, so its size is not looked at.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.as_raw_fd(),
            events.as_mut_ptr(),
            room,
            span_ptr,
            std::ptr::null::<libc::sigset_t>(),
            0usize,
        )
    };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

fn wait_millis(
    epoll: &OwnedFd,
    timeout: Option<Duration>,
    events: &mut [Slot],
) -> io::Result<usize> {
    let millis = timeout.map_or(-1, millis_rounded_up);
    let room = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: `events` has place for `room` entries and lives through the call.
    let count =
        unsafe { libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr().cast(), room, millis) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Milliseconds that are not shorter than the span; at most 24 days, after which the caller finds nothing due.
fn millis_rounded_up(span: Duration) -> libc::c_int {
    libc::c_int::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
}

/// One line of the system's list: `tfd: 5 events: 19 data: 1f pos:…`, with the token in hexadecimal digits.
fn watched_of(line: &str) -> Option<Watched> {
    let mut words = line.split_whitespace();
    let mut after = |word: &str| words.by_ref().skip_while(|found| *found != word).nth(1);
    Some(Watched {
        number: after("tfd:")?.parse().ok()?,
        token: u64::from_str_radix(after("data:")?, 16).ok()?,
    })
}

fn ready_of(event: libc::epoll_event) -> Ready {
    let flags = epoll::EventFlags::from_bits_retain(event.events);
    let hangup = flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR);
    Ready {
        token: event.u64,
        readable: hangup || flags.contains(epoll::EventFlags::IN),
        writable: hangup || flags.contains(epoll::EventFlags::OUT),
        hangup,
    }
}

/// Wakes a reactor from any thread. Clones wake the same reactor.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    eventfd: OwnedFd,
    /// It has been rung since the last drain: to ring again changes nothing, and takes a system call.
    rings: AtomicBool,
}

impl Waker {
    /// A waker that nobody waits for yet: add it to a reactor with [`Interest::Read`].
    pub fn new() -> io::Result<Self> {
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Bell {
            eventfd,
            rings: AtomicBool::new(false),
        })))
    }

    /// Makes the descriptor readable until it is drained. Never blocks, and cannot fail in a way that loses a wake:
    /// a counter that is full is already readable.
    pub fn wake(&self) {
        if !self.0.rings.swap(true, Ordering::AcqRel) {
            let _full_means_awake = crate::pipe::write(self.as_fd(), &1u64.to_ne_bytes());
        }
    }

    /// Waits for a wake, at most this long. An interruption ends it early.
    pub fn wait(&self, longest: Duration) {
        let span = Timespec {
            tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: longest.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        // Whoever waits looks afterwards at what there is.
        let _woken_or_not = poll(&mut fds, Some(&span));
    }

    /// Takes all wakes so far. Drain first, then look at what was posted: the other order can sleep over a message.
    pub fn drain(&self) {
        let mut count = [0; 8];
        let _empty_means_drained = crate::pipe::read(self.as_fd(), &mut count);
        // In this order: who finds it ringing has posted before this, and is seen now; who does not rings again.
        self.0.rings.swap(false, Ordering::AcqRel);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.eventfd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_waker_wakes_until_it_is_drained() {
        let reactor = Reactor::new().unwrap();
        let waker = Waker::new().unwrap();
        reactor.add(waker.as_fd(), 7, Interest::Read).unwrap();
        let mut ready = Vec::new();
        reactor.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert_eq!(ready, []);

        let other = waker.clone();
        std::thread::spawn(move || other.wake()).join().unwrap();
        for _ in 0..2 {
            reactor.wait(None, &mut ready).unwrap();
            assert_eq!(
                ready,
                [Ready {
                    token: 7,
                    readable: true,
                    writable: false,
                    hangup: false
                }]
            );
        }
        waker.drain();
        reactor.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert_eq!(ready, []);
    }

    #[test]
    fn a_wait_is_never_shorter_than_asked_in_either_way() {
        for coarse in [false, true] {
            let reactor = Reactor::new().unwrap();
            reactor.coarse.store(coarse, Ordering::Relaxed);
            for micros in [1, 900, 1_100, 5_500] {
                let asked = Duration::from_micros(micros);
                let start = Instant::now();
                reactor.wait(Some(asked), &mut Vec::new()).unwrap();
                assert!(
                    start.elapsed() >= asked,
                    "coarse: {coarse}, asked {asked:?}, slept {:?}",
                    start.elapsed()
                );
            }
        }
    }

    #[test]
    fn spans_are_rounded_up_to_milliseconds() {
        assert_eq!(millis_rounded_up(Duration::ZERO), 0);
        assert_eq!(millis_rounded_up(Duration::from_nanos(1)), 1);
        assert_eq!(millis_rounded_up(Duration::from_millis(5)), 5);
        assert_eq!(millis_rounded_up(Duration::MAX), libc::c_int::MAX);
    }

    #[test]
    fn the_end_of_a_pipe_is_readable() {
        let (read, write) = crate::pipe::pipe().unwrap();
        let reactor = Reactor::new().unwrap();
        reactor.add(read.as_fd(), 1, Interest::Read).unwrap();
        drop(write);
        let mut ready = Vec::new();
        reactor.wait(None, &mut ready).unwrap();
        assert_eq!(
            ready,
            [Ready {
                token: 1,
                readable: true,
                writable: true,
                hangup: true
            }]
        );
        reactor.remove(read.as_fd()).unwrap();
        reactor.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert_eq!(ready, []);
    }

    #[test]
    fn the_system_lists_what_is_watched() {
        let (read, write) = crate::pipe::pipe().unwrap();
        let reactor = Reactor::new().unwrap();
        assert_eq!(reactor.watched().unwrap(), []);
        reactor.add(read.as_fd(), 0xabc, Interest::Read).unwrap();
        let (number, token) = (read.as_raw_fd(), 0xabc);
        assert_eq!(reactor.watched().unwrap(), [Watched { number, token }]);
        crate::pipe::write(write.as_fd(), b"seven..").unwrap();
        assert_eq!(crate::pipe::waiting(&read).unwrap(), 7);
    }

    #[test]
    fn interest_can_change() {
        let (_read, write) = crate::pipe::pipe().unwrap();
        let reactor = Reactor::new().unwrap();
        reactor.add(write.as_fd(), 1, Interest::None).unwrap();
        let mut ready = Vec::new();
        reactor.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert_eq!(ready, []);
        reactor.modify(write.as_fd(), 2, Interest::Write).unwrap();
        reactor.wait(Some(Duration::MAX), &mut ready).unwrap();
        assert_eq!(
            ready,
            [Ready {
                token: 2,
                readable: false,
                writable: true,
                hangup: false
            }]
        );
    }
}
