//! Waiting for a log file to grow without looking at it again and again.

use super::counts::Counts;
use super::logger::Outbox;
use super::place::Place;
use provost_capture::held::Gap;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Which logs are followed. The logs thread tells of every change; that costs one atomic load while nobody follows.
#[derive(Clone, Default)]
pub struct Board(Arc<Inner>);

#[derive(Default)]
struct Inner {
    followers: AtomicUsize,
    logs: Mutex<HashMap<PathBuf, watch::Sender<()>>>,
    /// Logs that take no output, or have lost some.
    losses: Mutex<HashMap<PathBuf, Loss>>,
    counts: Counts,
    /// Who writes the logs of each device.
    writers: Mutex<Vec<(Place, Outbox)>>,
}

/// What is wrong with a log, or was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Why it takes no output at present, if it does not.
    pub failing: Option<String>,
    /// What was dropped.
    pub dropped: Gap,
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Board({} followers)",
            self.0.followers.load(Ordering::Relaxed)
        )
    }
}

impl Inner {
    fn losses(&self) -> MutexGuard<'_, HashMap<PathBuf, Loss>> {
        // As below.
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writers(&self) -> MutexGuard<'_, Vec<(Place, Outbox)>> {
        // As below.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<PathBuf, watch::Sender<()>>> {
        // Nothing can panic while the map is locked; a poisoned one is whole.
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which thread writes a log.
pub struct Writer(Option<Outbox>);

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({})", self.0.is_some())
    }
}

impl Writer {
    /// Waits until what was ordered before and what children have in their pipes stands in the log. For as long as its
    /// disk hangs.
    pub async fn caught_up(self) {
        if let Some(writer) = self.0 {
            // A thread that has ended has nothing left to write.
            let _ = writer.catch_up().await;
        }
    }
}

impl Board {
    /// The thread that has all logs; none when there are several, and it must be asked where a log lies.
    pub fn only_writer(&self) -> Option<Writer> {
        let writers = self.0.writers();
        match writers.as_slice() {
            [] => Some(Writer(None)),
            [(_, one)] => Some(Writer(Some(one.clone()))),
            _ => None,
        }
    }

    /// The thread that has the logs of a place.
    pub fn writer(&self, place: Place) -> Writer {
        let writers = self.0.writers();
        let found = writers.iter().find(|(known, _)| *known == place);
        Writer(found.map(|(_, writer)| writer.clone()))
    }

    pub(super) fn add_writer(&self, place: Place, writer: Outbox) {
        self.0.writers().push((place, writer));
    }

    pub(super) fn forget_writers(&self) {
        self.0.writers().clear();
    }

    /// Follows the log at `path`, written as the configuration or the AUTO name has it.
    pub fn follow(&self, path: &Path) -> Follower {
        let mut logs = self.0.logs();
        self.0.followers.fetch_add(1, Ordering::AcqRel);
        let changes = logs
            .entry(path.to_path_buf())
            .or_insert_with(|| watch::Sender::new(()))
            .subscribe();
        Follower {
            board: self.0.clone(),
            path: path.to_path_buf(),
            changes,
        }
    }

    /// How the log at `path` stands, and what was dropped since the last time.
    pub(super) fn count(&self, path: &Path, failing: Option<&str>, dropped: Gap) {
        let mut losses = self.0.losses();
        if let Some(loss) = losses.get_mut(path) {
            if loss.failing.as_deref() != failing {
                loss.failing = failing.map(str::to_owned);
            }
            loss.dropped.bytes = loss.dropped.bytes.saturating_add(dropped.bytes);
            loss.dropped.lines = loss.dropped.lines.saturating_add(dropped.lines);
        } else if failing.is_some() || !dropped.is_none() {
            let failing = failing.map(str::to_owned);
            losses.insert(path.to_path_buf(), Loss { failing, dropped });
        }
    }

    /// What was written to each log.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// What is wrong with the log at `path`, or was.
    pub fn loss(&self, path: &Path) -> Loss {
        self.0.losses().get(path).cloned().unwrap_or_default()
    }

    /// Whether anybody follows any log.
    pub(super) fn is_followed(&self) -> bool {
        self.0.followers.load(Ordering::Acquire) > 0
    }

    /// The log at `path` was written, rotated or cleared.
    pub fn touched(&self, path: &Path) {
        if !self.is_followed() {
            return;
        }
        if let Some(sender) = self.0.logs().get(path) {
            sender.send_replace(());
        }
    }
}

/// Someone who waits for a log to change.
pub struct Follower {
    board: Arc<Inner>,
    path: PathBuf,
    changes: watch::Receiver<()>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Follower({})", self.path.display())
    }
}

impl Follower {
    /// Waits for a change since the last call, or since following began. Changes in between count as one: read until
    /// the end of the file after each.
    pub async fn changed(&mut self) {
        // The board keeps the sender as long as this follower exists.
        let _ = self.changes.changed().await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut logs = self.board.logs();
        self.board.followers.fetch_sub(1, Ordering::AcqRel);
        // This follower's own receiver is still counted.
        if logs
            .get(&self.path)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            logs.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn is_changed(follower: &mut Follower) -> bool {
        tokio::time::timeout(Duration::from_millis(20), follower.changed())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn a_change_between_two_looks_is_not_missed() {
        let board = Board::default();
        let mut follower = board.follow(Path::new("/log/a"));
        assert!(!is_changed(&mut follower).await);
        board.touched(Path::new("/log/b"));
        assert!(!is_changed(&mut follower).await);
        board.touched(Path::new("/log/a"));
        board.touched(Path::new("/log/a"));
        assert!(is_changed(&mut follower).await);
        assert!(!is_changed(&mut follower).await);
    }

    #[tokio::test]
    async fn a_log_is_forgotten_with_its_last_follower() {
        let board = Board::default();
        let first = board.follow(Path::new("/log/a"));
        let mut second = board.follow(Path::new("/log/a"));
        drop(first);
        board.touched(Path::new("/log/a"));
        assert!(is_changed(&mut second).await);
        drop(second);
        assert!(board.0.logs().is_empty());
        assert_eq!(format!("{board:?}"), "Board(0 followers)");
    }
}
