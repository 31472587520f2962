//! How many bytes were written to each log since supervisord began.
//!
//! The logs threads count, others look. A log is known here from its first byte on, so that programs which say nothing cost
//! nothing.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<HashMap<Arc<Path>, Arc<Count>>>>);

/// The bytes of one log.
#[derive(Debug, Default)]
pub struct Count {
    written: AtomicU64,
    /// How many were written before the first byte of the file in use; less than none where the file was there before.
    base: AtomicI64,
}

/// The same on its way to another image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedCount {
    #[serde(with = "provost_model::saved::path")]
    path: PathBuf,
    written: u64,
    base: i64,
}

impl Count {
    /// So many bytes more.
    pub(super) fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(0);
        self.written.fetch_add(bytes, Ordering::Release);
    }

    /// What comes next goes behind so many bytes of a file.
    pub(super) fn begin_file(&self, length: u64) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let base = signed(self.written()).saturating_sub(length);
        self.base.store(base, Ordering::Release);
    }

    /// Bytes since supervisord began.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Where the file in use stood when so many bytes were written; none when it was another file.
    pub fn offset_at(&self, written: u64) -> Option<u64> {
        let base = self.base.load(Ordering::Acquire);
        u64::try_from(signed(written).saturating_sub(base)).ok()
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl Counts {
    fn all(&self) -> MutexGuard<'_, HashMap<Arc<Path>, Arc<Count>>> {
        // Nothing can panic while it is locked; a poisoned one is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The count of a log that is about to be written.
    pub(super) fn begin(&self, path: &Arc<Path>) -> Arc<Count> {
        let mut all = self.all();
        Arc::clone(all.entry(Arc::clone(path)).or_default())
    }

    /// The count of a log; none when nothing was written there.
    pub fn of(&self, path: &Path) -> Option<Arc<Count>> {
        self.all().get(path).cloned()
    }

    /// Bytes that were written to a log.
    pub fn written(&self, path: &Path) -> u64 {
        self.all().get(path).map_or(0, |count| count.written())
    }

    /// A log that is nobody's any more. One that is still open is that of another program.
    pub(crate) fn forget(&self, path: &Path) {
        let mut all = self.all();
        if all
            .get(path)
            .is_some_and(|count| Arc::strong_count(count) == 1)
        {
            all.remove(path);
        }
    }

    /// For another image.
    pub(crate) fn saved(&self) -> Vec<SavedCount> {
        let all = self.all();
        let saved = all.iter().map(|(path, count)| SavedCount {
            path: path.to_path_buf(),
            written: count.written(),
            base: count.base.load(Ordering::Acquire),
        });
        let mut saved: Vec<_> = saved.collect();
        saved.sort_by(|a, b| a.path.cmp(&b.path));
        saved
    }

    /// Goes on with those of another image.
    pub(crate) fn resume(&self, saved: Vec<SavedCount>) {
        let mut all = self.all();
        for saved in saved {
            let count = Arc::new(Count {
                written: saved.written.into(),
                base: saved.base.into(),
            });
            all.entry(saved.path.into()).or_insert(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_log_is_found_as_long_as_its_file_is_in_use() {
        let counts = Counts::default();
        let path: Arc<Path> = Path::new("/log/a").into();
        assert!(counts.of(&path).is_none());
        let count = counts.begin(&path);
        count.begin_file(100);
        count.add(20);
        let mark = counts.written(&path);
        assert_eq!((mark, count.offset_at(mark)), (20, Some(120)));
        count.add(5);
        assert_eq!(count.offset_at(mark), Some(120));
        let again = Counts::default();
        again.resume(counts.saved());
        assert_eq!(again.of(&path).unwrap().offset_at(mark), Some(120));
        count.begin_file(0);
        assert_eq!(count.offset_at(mark), None);
        assert_eq!(count.offset_at(counts.written(&path)), Some(0));
        counts.forget(&path);
        assert_eq!(counts.written(&path), 25, "somebody writes");
        drop(count);
        counts.forget(&path);
        assert_eq!(counts.written(&path), 0);
    }
}
