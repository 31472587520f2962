//! Waiting for descriptors and for Ctrl-C at the same time.
//!
//! Ordinary one-shot commands do without: there Ctrl-C ends the process, as it does anywhere.

use provost_model::Signal;
use provost_os::reactor::{Interest, Reactor};
use provost_os::signals::SignalQueue;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The token of the signals; descriptors have their index.
const SIGNALS: u64 = u64::MAX;

/// What ended a wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Ctrl-C, or whatever else sent SIGINT.
    Interrupted,
    /// Some descriptors are readable or have ended, by index and in ascending order.
    Readable(Vec<usize>),
}

/// Keeps SIGINT from ending the process, and tells of it.
#[derive(Debug)]
pub(crate) struct Watch {
    reactor: Reactor,
    signals: SignalQueue,
}

impl Watch {
    /// From now on SIGINT does nothing but wake [`Watch::wait`].
    pub(crate) fn open() -> io::Result<Self> {
        let signals = SignalQueue::open(&[Signal::INT])?;
        let reactor = Reactor::new()?;
        reactor.add(signals.as_fd(), SIGNALS, Interest::Read)?;
        Ok(Self { reactor, signals })
    }

    /// Waits until a descriptor is readable or Ctrl-C is pressed. A regular file is always readable.
    pub(crate) fn wait(&self, descriptors: &[BorrowedFd<'_>]) -> io::Result<Woken> {
        let mut readable = Vec::new();
        let mut watched = Vec::new();
        for (index, descriptor) in descriptors.iter().enumerate() {
            match self.reactor.add(*descriptor, index as u64, Interest::Read) {
                Ok(()) => watched.push(*descriptor),
                // The kernel does not watch regular files: they never keep a reader waiting.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    readable.push(index);
                }
                Err(error) => return self.leave(&watched, Err(error)),
            }
        }
        let woken = self.wait_added(readable);
        self.leave(&watched, woken)
    }

    fn wait_added(&self, mut readable: Vec<usize>) -> io::Result<Woken> {
        let mut ready = Vec::new();
        loop {
            let limit = (!readable.is_empty()).then_some(std::time::Duration::ZERO);
            self.reactor.wait(limit, &mut ready)?;
            for event in &ready {
                if event.token == SIGNALS {
                    self.signals.read()?;
                    return Ok(Woken::Interrupted);
                }
                readable.extend(usize::try_from(event.token));
            }
            if !readable.is_empty() {
                readable.sort_unstable();
                return Ok(Woken::Readable(readable));
            }
        }
    }

    fn leave(&self, watched: &[BorrowedFd<'_>], outcome: io::Result<Woken>) -> io::Result<Woken> {
        for descriptor in watched {
            self.reactor.remove(*descriptor)?;
        }
        outcome
    }
}
