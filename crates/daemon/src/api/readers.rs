//! Threads that read logs for clients, under a time limit, so that a disk that hangs costs its readers a fault and nobody
//! else anything.
//!
//! Two are the rule. One that takes long is given up: another may be started in its place, but no more than two are lost
//! to one directory, and further clients who want something there wait without a thread.

use super::Context;
use crate::logs::locate;
use provost_model::{Fault, FaultCode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a client waits for its piece.
pub(super) const TIME: Duration = Duration::from_secs(2);

/// Readers that are not suspected of anything, and those in one directory.
const READERS: usize = 2;

/// Readers at most: each beyond the first two stands for one that hung. With so many, nothing more is to be had.
pub(super) const READERS_MAX: usize = 64;

/// How long a reader may take before it is suspected to hang. A log that is in memory takes some tens of milliseconds,
/// however large it is.
const SUSPECT: Duration = Duration::from_millis(200);

/// Directories remembered before those without readers are forgotten.
const REMEMBERED: usize = 64;

/// Bytes that all readers may hold at once: four of the largest pieces.
const BYTES: u64 = 256 << 20;

/// The threads, seen from the api thread.
#[derive(Debug)]
pub(super) struct Readers {
    /// Places of readers that are not suspected.
    trusted: Semaphore,
    directories: RefCell<HashMap<PathBuf, Weak<Semaphore>>>,
    held: Arc<AtomicU64>,
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            trusted: Semaphore::new(READERS),
            directories: RefCell::default(),
            held: Arc::default(),
        }
    }
}

/// What a reader may hold in memory.
#[derive(Debug)]
pub(super) struct Budget(Arc<AtomicU64>);

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<AtomicU64>,
    bytes: u64,
}

impl Budget {
    /// Takes so many bytes, if there are as many.
    pub(super) fn take(&self, bytes: u64) -> Option<Share> {
        let before = self.0.fetch_add(bytes, Ordering::AcqRel);
        let share = Share {
            of: Arc::clone(&self.0),
            bytes,
        };
        (before.saturating_add(bytes) <= BYTES).then_some(share)
    }

    #[cfg(test)]
    pub(super) fn whole() -> Self {
        Self(Arc::default())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// A job that need not be begun any more once nobody waits for it.
struct Job<T>(JoinHandle<T>);

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a client hears whose log could not be read in time.
fn late() -> Fault {
    Fault::about(
        FaultCode::Failed,
        format!("the log could not be read within {} s", TIME.as_secs()),
    )
}

impl Readers {
    /// Runs `job`, which looks at a file, on a thread of its own; one that takes too long is left behind.
    pub(super) async fn in_time<T: Send + 'static>(
        &self,
        path: &Path,
        until: Instant,
        job: impl FnOnce(&Budget) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let here = self.directory(path);
        let budget = Budget(Arc::clone(&self.held));
        let run = async {
            // Neither is ever closed.
            let place = here.acquire_owned().await.map_err(|_| late())?;
            let trust = self.trusted.acquire().await.map_err(|_| late())?;
            let mut job = Job(tokio::task::spawn_blocking(move || {
                let result = job(&budget);
                drop(place);
                result
            }));
            if let Ok(done) = timeout(SUSPECT, &mut job.0).await {
                return done.map_err(|_| late())?;
            }
            drop(trust);
            (&mut job.0).await.map_err(|_| late())?
        };
        timeout_at(until, run).await.map_err(|_| late())?
    }

    fn directory(&self, path: &Path) -> Arc<Semaphore> {
        let directory = path.parent().unwrap_or(path);
        let mut all = self.directories.borrow_mut();
        if let Some(known) = all.get(directory).and_then(Weak::upgrade) {
            return known;
        }
        if all.len() >= REMEMBERED {
            all.retain(|_, known| known.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(READERS));
        all.insert(directory.to_path_buf(), Arc::downgrade(&new));
        new
    }
}

/// Waits until what the log's program has written by now is in it. A fault when its disk does not take it in time.
pub(super) async fn caught_up(context: &Context, path: &Path, until: Instant) -> Result<(), Fault> {
    let writer = if let Some(writer) = context.board.only_writer() {
        writer
    } else {
        let log = path.to_path_buf();
        let located = context
            .readers
            .in_time(path, until, move |_| Ok(locate(&log)));
        context.board.writer(located.await?)
    };
    timeout_at(until, writer.caught_up())
        .await
        .map_err(|_| late())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn until() -> Instant {
        Instant::now() + Duration::from_millis(600)
    }

    async fn read(readers: &Readers, path: &str) -> Result<u8, Fault> {
        readers.in_time(Path::new(path), until(), |_| Ok(7)).await
    }

    async fn hang(readers: &Readers, path: &str, on: Receiver<()>) -> Result<u8, Fault> {
        let job = move |_: &Budget| {
            let _ = on.recv();
            Ok(0)
        };
        readers.in_time(Path::new(path), until(), job).await
    }

    #[tokio::test]
    async fn f24_readers_of_a_hung_directory_are_given_up_and_others_read_on() {
        let readers = Readers::default();
        let (keep, ons): (Vec<_>, Vec<_>) = (0..6).map(|_| channel::<()>()).unzip();
        let hung = ons.into_iter().map(|on| hang(&readers, "/hung/a.log", on));
        let others = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            for _ in 0..20 {
                assert_eq!(read(&readers, "/well/a.log").await, Ok(7));
            }
            // None of those that wait for the same directory has cost another thread.
            assert_eq!(readers.trusted.available_permits(), READERS);
        };
        let mut hung: Vec<_> = hung.map(Box::pin).collect();
        let all = async {
            for one in &mut hung {
                let fault = one.await.unwrap_err();
                assert_eq!(fault.code, FaultCode::Failed);
            }
        };
        tokio::join!(all, others);
        drop(keep);
        let begun = Instant::now();
        while read(&readers, "/hung/a.log").await != Ok(7) {
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn readers_hold_no_more_than_they_may() {
        let budget = Budget::whole();
        let most = budget.take(BYTES).unwrap();
        assert!(budget.take(1).is_none());
        drop(most);
        assert!(budget.take(BYTES).is_some());
        assert!(budget.take(BYTES).is_some());
    }
}
