//! What a logs thread has in its hands, for others to see: when its disk hangs, it cannot say so itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by the thread and those who tell of it.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Work>>);

#[derive(Default)]
struct Work {
    /// The log that is being written or opened, with what is not in it yet. The path is kept between two, so that none is
    /// made anew for each write.
    path: PathBuf,
    bytes: usize,
    is_busy: bool,
    /// What waits for logs that do not take it.
    waiting: BTreeMap<PathBuf, usize>,
}

impl Ledger {
    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing can panic while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on something is done with this log that may hang.
    pub(super) fn begin(&self, path: &Path, bytes: usize) {
        let mut work = self.work();
        if work.path.as_os_str() != path.as_os_str() {
            work.path.clear();
            work.path.push(path);
        }
        work.bytes = bytes;
        work.is_busy = true;
        #[cfg(test)]
        drop(work);
        #[cfg(test)]
        hang::here(path);
    }

    /// It is done.
    pub(super) fn end(&self) {
        self.work().is_busy = false;
    }

    /// So much waits for this log.
    pub(super) fn waits(&self, path: &Path, bytes: usize) {
        let mut work = self.work();
        if bytes == 0 {
            work.waiting.remove(path);
        } else if let Some(waiting) = work.waiting.get_mut(path) {
            *waiting = bytes;
        } else {
            work.waiting.insert(path.to_path_buf(), bytes);
        }
    }

    /// The log that holds the thread up, if one does.
    pub(super) fn at_work(&self) -> Option<PathBuf> {
        let work = self.work();
        work.is_busy.then(|| work.path.clone())
    }

    /// All logs with bytes that are not in them, and how many; the one that is at work in any case.
    pub(super) fn unwritten(&self) -> Vec<(PathBuf, usize)> {
        let work = self.work();
        let mut all = work.waiting.clone();
        if work.is_busy {
            all.insert(work.path.clone(), work.bytes);
        }
        all.into_iter().collect()
    }
}

/// For tests: disks that hang.
#[cfg(test)]
pub(super) mod hang {
    use std::path::{Path, PathBuf};
    use std::sync::{Condvar, Mutex, PoisonError};

    static HUNG: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    static CHANGED: Condvar = Condvar::new();

    /// A directory that hangs until this is dropped.
    pub(in crate::logs) struct Hang(PathBuf);

    impl Hang {
        pub(in crate::logs) fn new(directory: &Path) -> Self {
            let mut hung = HUNG.lock().unwrap_or_else(PoisonError::into_inner);
            hung.push(directory.to_path_buf());
            Self(directory.to_path_buf())
        }
    }

    impl Drop for Hang {
        fn drop(&mut self) {
            let mut hung = HUNG.lock().unwrap_or_else(PoisonError::into_inner);
            hung.retain(|one| *one != self.0);
            CHANGED.notify_all();
        }
    }

    pub(super) fn here(path: &Path) {
        let mut hung = HUNG.lock().unwrap_or_else(PoisonError::into_inner);
        while hung.iter().any(|one| path.starts_with(one)) {
            hung = CHANGED.wait(hung).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f24_what_is_in_its_hands_shows_while_it_is() {
        let ledger = Ledger::default();
        let path = |name: &str| PathBuf::from(name);
        assert_eq!(ledger.unwritten(), []);
        ledger.waits(&path("/a"), 5);
        ledger.begin(&path("/b"), 3);
        assert_eq!(ledger.at_work(), Some(path("/b")));
        assert_eq!(ledger.unwritten(), [(path("/a"), 5), (path("/b"), 3)]);
        ledger.begin(&path("/a"), 9);
        assert_eq!(ledger.unwritten(), [(path("/a"), 9)]);
        ledger.end();
        ledger.waits(&path("/a"), 0);
        assert_eq!((ledger.at_work(), ledger.unwritten()), (None, vec![]));
    }
}
