//! Processes that are not our children, held by a descriptor: whatever becomes of the pid, it means this one process.

use crate::{errno, last_errno, reap};
use provost_model::{Errno, ExitStatus, Pid, Signal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::PidfdFlags;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The kind of file system whose inode numbers tell processes apart for ever (Linux 6.9).
const PIDFS_MAGIC: rustix::fs::FsWord = 0x5049_4446;

/// Send a signal to the process group that the process leads (Linux 6.9).
const TO_PROCESS_GROUP: libc::c_uint = 1 << 2;

/// Tell how the process ended (Linux 6.15).
const INFO_EXIT: u64 = 1 << 3;

/// What the kernel tells of a process: the first form of its answer, which later ones begin with.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    /// Pid, thread group, parent, and four pairs of user and group.
    numbers: [u32; 11],
    exit_code: i32,
}

/// How a process ended, as far as somebody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// So.
    As(ExitStatus),
    /// It cannot be told yet: it lives, or its parent has not collected it.
    NotYet,
    /// This kernel does not tell it.
    Untold,
}

/// A process.
#[derive(Debug)]
pub struct PidFd {
    pid: Pid,
    fd: OwnedFd,
}

impl From<PidFd> for OwnedFd {
    fn from(process: PidFd) -> Self {
        process.fd
    }
}

impl PidFd {
    /// Takes hold of the process that has this pid now. Who means a certain one makes sure afterwards.
    ///
    /// Pids below 2 are refused with `EINVAL`: they mean no single process, or init.
    pub fn open(pid: Pid) -> Result<Self, Errno> {
        let number = rustix::process::Pid::from_raw(pid.0.max(0)).filter(|_| pid.0 > 1);
        let number = number.ok_or(Errno(libc::EINVAL))?;
        let fd = rustix::process::pidfd_open(number, PidfdFlags::empty()).map_err(errno)?;
        Ok(Self { pid, fd })
    }

    /// Takes hold of the process that has this pid if it is certainly the one that started at `ticks` with this `number`
    /// and has not ended. Where the system gives no numbers it must be one of `uid`'s.
    pub fn open_same(pid: Pid, ticks: Option<u64>, number: Option<u64>, uid: u32) -> Option<Self> {
        let process = Self::open(pid).ok()?;
        if ticks.is_some() && crate::proc::start_ticks(pid) != ticks {
            return None;
        }
        let is_same = match (number, process.number()) {
            (Some(known), Some(found)) => known == found,
            // A program may have changed its user; it is left alone then.
            _ => ticks.is_some() && crate::proc::has_user(pid, uid),
        };
        (is_same && !process.has_ended()).then_some(process)
    }

    /// Goes on with a process that an earlier image of this one took hold of.
    pub fn from_parts(pid: Pid, fd: OwnedFd) -> Self {
        Self { pid, fd }
    }

    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// A number that no other process of this boot has; none where the kernel does not give one.
    pub fn number(&self) -> Option<u64> {
        let kind = rustix::fs::fstatfs(&self.fd).ok()?.f_type;
        if kind != PIDFS_MAGIC {
            return None;
        }
        Some(rustix::fs::fstat(&self.fd).ok()?.st_ino)
    }

    /// Whether it has ended. The descriptor is readable from then on.
    pub fn has_ended(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let none = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&none)).is_ok_and(|ready| ready > 0)
    }

    /// Sends it a signal, or to the process group that it leads.
    ///
    /// A kernel that cannot send to a group by descriptor is asked to do it by number, while the process lives.
    pub fn signal(&self, signal: Signal, whole_group: bool) -> Result<(), Errno> {
        if !whole_group {
            return self.send(signal, 0);
        }
        match self.send(signal, TO_PROCESS_GROUP) {
            Err(Errno(libc::EINVAL)) => {}
            other => return other,
        }
        if self.has_ended() {
            return Err(Errno(libc::ESRCH));
        }
        crate::kill::kill(self.pid, signal, true)
    }

    fn send(&self, signal: Signal, flags: libc::c_uint) -> Result<(), Errno> {
        let (fd, nothing) = (self.fd.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
        // SAFETY: the call takes numbers and a null pointer, and touches no memory; the descriptor is open.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                fd,
                signal.number(),
                nothing,
                flags,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(last_errno())
        }
    }

    /// How it ended: as long as its parent has not collected it from `/proc`, and then from the kernel (Linux 6.15).
    pub fn end(&self) -> Ended {
        match self.end_told() {
            Ended::NotYet | Ended::Untold if self.has_ended() => {
                self.end_seen().map_or_else(|| self.end_told(), Ended::As)
            }
            told => told,
        }
    }

    /// What `/proc` shows of it while it is a zombie; none when it was collected meanwhile.
    fn end_seen(&self) -> Option<ExitStatus> {
        let raw = crate::proc::exit_code(self.pid)?;
        // A process that can still be sent a signal has kept its pid all the time.
        self.send(Signal::from_raw(0), 0).ok()?;
        reap::status_of(raw)
    }

    fn end_told(&self) -> Ended {
        const {
            assert!(
                size_of::<Info>() == 64,
                "the size that the kernel calls the first"
            );
        }
        let mut info = Info {
            mask: INFO_EXIT,
            ..Info::default()
        };
        let request = libc::_IOWR::<Info>(0xFF, 11);
        // SAFETY: the kernel writes at most the size that is part of the request, which is that of `info`.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request, &raw mut info) };
        if result < 0 {
            return match last_errno().0 {
                // It is gone and nothing was kept of it: kernels from 6.13 to 6.14.
                libc::ESRCH if self.has_ended() => Ended::Untold,
                libc::ESRCH => Ended::NotYet,
                _ => Ended::Untold,
            };
        }
        if info.mask & INFO_EXIT == 0 {
            return Ended::NotYet;
        }
        reap::status_of(info.exit_code).map_or(Ended::Untold, Ended::As)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Waits until one of these processes has ended, at most so long.
pub fn wait_for_any(processes: &[&PidFd], limit: std::time::Duration) -> io::Result<()> {
    let mut fds: Vec<PollFd<'_>> = processes
        .iter()
        .map(|process| PollFd::new(&process.fd, PollFlags::IN))
        .collect();
    let limit = rustix::time::Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    };
    match poll(&mut fds, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
