//! Where a new child waits until its run is written down.
//!
//! Whoever writes it down lets the child go on, so that it need not wait for the control thread as well. The control thread
//! may give up first, because a disk hangs; one of the two is the first, and what it did counts.

use provost_os::spawn;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What lets a new child go on.
#[derive(Debug)]
pub(crate) struct Gate {
    line: Arc<OwnedFd>,
    is_decided: AtomicBool,
}

impl Gate {
    /// The child waits at the other end of this line.
    pub(crate) fn new(line: Arc<OwnedFd>) -> Self {
        Self {
            line,
            is_decided: AtomicBool::new(false),
        }
    }

    /// Lets the child go on, unless somebody gave it up. Nothing is done the second time.
    pub(crate) fn open(&self) {
        if !self.is_decided.swap(true, Ordering::AcqRel) {
            // One that was killed meanwhile cannot be told; its end is.
            let _ = spawn::go(self.line.as_fd());
        }
    }

    /// Gives the child up, which ends without having run anything; false when it goes on already.
    #[must_use]
    pub(crate) fn shut(&self) -> bool {
        let is_first = !self.is_decided.swap(true, Ordering::AcqRel);
        if is_first {
            // As above.
            let _ = spawn::give_up(self.line.as_fd());
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    fn gate() -> (Gate, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Gate::new(Arc::new(ours.into())), theirs)
    }

    /// What a child hears until nobody can tell it anything more.
    fn heard(gate: Gate, mut child: UnixStream) -> Vec<u8> {
        drop(gate);
        let mut heard = Vec::new();
        child.read_to_end(&mut heard).unwrap();
        heard
    }

    #[test]
    fn a_child_goes_on_once_and_cannot_be_given_up_then() {
        let (gate, child) = gate();
        gate.open();
        gate.open();
        assert!(!gate.shut());
        assert_eq!(heard(gate, child), b"g");
    }

    #[test]
    fn one_that_is_given_up_ends_at_once_and_never_goes_on() {
        let (gate, mut child) = gate();
        assert!(gate.shut());
        // Whoever holds the line still, the child reads its end.
        assert_eq!(child.read(&mut [0; 8]).unwrap(), 0);
        gate.open();
        assert_eq!(heard(gate, child), b"");
    }
}
