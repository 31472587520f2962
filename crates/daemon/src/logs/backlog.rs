//! Bytes told to the control thread that it has not taken yet, so that a flood of events waits in the child's pipe.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Undelivered bytes beyond which channels with events are left unread: a few dozen chunks.
pub(super) const BACKLOG_BYTES_MAX: usize = 4 << 20;

/// The account of undelivered bytes.
#[derive(Clone)]
pub(super) struct Backlog(Arc<Inner>);

struct Inner {
    bytes: AtomicUsize,
    /// Called when the account falls back under the limit.
    relieved: Box<dyn Fn() + Send + Sync>,
}

impl Backlog {
    pub(super) fn new(relieved: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            bytes: AtomicUsize::new(0),
            relieved: Box::new(relieved),
        }))
    }

    /// Puts `bytes` on the account until the charge is dropped.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        self.0.bytes.fetch_add(bytes, Ordering::AcqRel);
        Charge {
            bytes,
            account: self.0.clone(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.bytes.load(Ordering::Acquire) > BACKLOG_BYTES_MAX
    }
}

/// A fact's share of the bytes that wait for the control thread; dropping it says that the fact was dealt with.
pub struct Charge {
    bytes: usize,
    account: Arc<Inner>,
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Charge({})", self.bytes)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let before = self.account.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        if before > BACKLOG_BYTES_MAX && before - self.bytes <= BACKLOG_BYTES_MAX {
            (self.account.relieved)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relief_is_told_once_when_the_account_falls_under_the_limit() {
        let told = Arc::new(AtomicUsize::new(0));
        let counter = told.clone();
        let backlog = Backlog::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let small = backlog.charge(10);
        assert!(!backlog.is_full());
        let large = backlog.charge(BACKLOG_BYTES_MAX);
        assert!(backlog.is_full());
        drop(large);
        assert!(!backlog.is_full());
        drop(small);
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }
}
