//! All open logs: one for each path, however many channels write there, so that rotation moves it once for all.

use super::carried::HeldLog;
use super::follow::Board;
use super::ledger::Ledger;
use super::notes::Notes;
use super::rotation::replace_closed;
use super::sink::Sink;
use super::target::{canonical, is_replaceable};
use provost_capture::held::Gap;
use provost_capture::rotate::Rotation;
use provost_model::spec::LogfileFull;
use provost_model::{Level, LogState};
use provost_os::reactor::{Interest, Reactor};
use provost_os::spot::{Paths, Refusal};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Names an open log. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SinkKey(u64);

impl SinkKey {
    /// The bit that tells logs from pipes among the reactor's tokens.
    const BIT: u64 = 1 << 63;

    fn token(self) -> u64 {
        self.0 | Self::BIT
    }

    /// The log that a token stands for.
    pub(super) fn of_token(token: u64) -> Option<Self> {
        (token & Self::BIT != 0).then_some(Self(token & !Self::BIT))
    }
}

struct Entry {
    sink: Sink,
    name: Arc<Path>,
    users: u32,
    /// What was dropped and others were told of.
    counted: Gap,
    /// Whether others were told that it takes no output.
    fails: bool,
    /// Whether the reactor waits until it is writable.
    watched: bool,
    /// Whether the ledger knows of something that waits.
    noted: bool,
}

/// The open logs.
#[derive(Default)]
pub(super) struct Sinks {
    /// Boxed: a map has places for as many again as it holds.
    entries: BTreeMap<SinkKey, Box<Entry>>,
    by_name: HashMap<Arc<Path>, SinkKey>,
    /// Logs to try again by the clock.
    failing: BTreeSet<SinkKey>,
    last_key: u64,
    reactor: Option<Arc<Reactor>>,
    board: Board,
    notes: Notes,
    /// What listeners are to hear of logs.
    changes: Vec<(SinkKey, LogState)>,
    paths: Paths,
    ledger: Ledger,
}

impl Sinks {
    /// No logs yet; their paths will be treated like this.
    pub(super) fn new(paths: Paths) -> Self {
        Self {
            paths,
            ..Self::default()
        }
    }

    /// How paths are treated.
    pub(super) fn paths(&self) -> Paths {
        self.paths
    }

    /// Where it shows what is being done.
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// From now on changes are told to this board.
    pub(super) fn set_board(&mut self, board: Board) {
        self.board = board;
    }

    /// From now on the reactor waits for logs that do not take output. None: nobody waits.
    pub(super) fn set_reactor(&mut self, reactor: Option<Arc<Reactor>>) {
        let now = Instant::now();
        let keys: Vec<SinkKey> = self.entries.keys().copied().collect();
        for &key in &keys {
            self.unwatch(key);
        }
        self.reactor = reactor;
        for key in keys {
            self.settle(key, now);
        }
    }

    /// Opens a log, or takes the one that is open already; to be released as often as it was opened.
    pub(super) fn open(&mut self, path: &Path) -> io::Result<SinkKey> {
        self.open_shared(&path.into())
    }

    /// The same with a path that others hold, too.
    pub(super) fn open_shared(&mut self, path: &Arc<Path>) -> io::Result<SinkKey> {
        let canonical = canonical(path);
        // Nearly always the two are one.
        let name: Arc<Path> = if canonical == **path {
            Arc::clone(path)
        } else {
            canonical.into()
        };
        if let Some(&key) = self.by_name.get(&name)
            && let Some(entry) = self.entries.get_mut(&key)
        {
            entry.users += 1;
            return Ok(key);
        }
        self.ledger.begin(path, 0);
        let opened = Sink::open(Arc::clone(path), self.paths);
        self.ledger.end();
        let sink = opened.inspect_err(|refusal| {
            if refusal.is_for_safety() {
                self.notes.add(Level::Error, unsafe_path(path, refusal));
            }
        })?;
        self.last_key += 1;
        let key = SinkKey(self.last_key);
        self.entries.insert(
            key,
            Box::new(Entry {
                sink,
                name: Arc::clone(&name),
                users: 1,
                counted: Gap::default(),
                fails: false,
                watched: false,
                noted: false,
            }),
        );
        self.by_name.insert(name, key);
        Ok(key)
    }

    /// One user less. A log without users is closed as soon as everything is written.
    pub(super) fn release(&mut self, key: SinkKey) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.users = entry.users.saturating_sub(1);
        }
        self.settle(key, Instant::now());
    }

    /// Whether somebody waits for one of our logs to grow.
    pub(super) fn is_followed(&self) -> bool {
        self.board.is_followed()
    }

    /// Whether a log is a plain file.
    pub(super) fn is_regular(&self, key: SinkKey) -> bool {
        let entry = self.entries.get(&key);
        entry.is_some_and(|entry| entry.sink.is_regular())
    }

    /// Writes a chunk, or holds it back.
    pub(super) fn append(&mut self, key: SinkKey, chunk: &[u8], rotation: Rotation) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let now = Instant::now();
        let bytes = entry.sink.unwritten() + chunk.len();
        self.ledger.begin(entry.sink.path(), bytes);
        entry.sink.count(self.board.counts());
        entry.sink.append(chunk, rotation, now, &mut self.notes);
        self.ledger.end();
        self.board.touched(entry.sink.path());
        self.settle(key, now);
    }

    /// Tries to write what is held back.
    pub(super) fn flush(&mut self, key: SinkKey) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let now = Instant::now();
        self.ledger.begin(entry.sink.path(), entry.sink.unwritten());
        entry.sink.flush(now, &mut self.notes);
        self.ledger.end();
        self.board.touched(entry.sink.path());
        self.settle(key, now);
    }

    /// Tries every log whose time has come.
    pub(super) fn retry_due(&mut self) {
        let now = Instant::now();
        let due = |key: &SinkKey| {
            self.entries
                .get(key)
                .and_then(|e| e.sink.retry_at())
                .is_none_or(|at| at <= now)
        };
        let keys: Vec<SinkKey> = self.failing.iter().copied().filter(due).collect();
        for key in keys {
            self.flush(key);
        }
    }

    /// When [`Sinks::retry_due`] has something to do.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.failing
            .iter()
            .filter_map(|key| self.entries.get(key)?.sink.retry_at())
            .min()
    }

    /// Whether a pipe of a program with this wish that feeds this log must be left unread; told if the log fails.
    pub(super) fn is_full(&mut self, key: SinkKey, full: LogfileFull) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else {
            return false;
        };
        let is_full = entry.sink.is_full(full);
        if is_full {
            entry.sink.tell_waiting(&mut self.notes);
        }
        is_full
    }

    /// Whether pipes left unread for this log may be read again.
    pub(super) fn has_room(&self, key: SinkKey, full: LogfileFull) -> bool {
        self.entries
            .get(&key)
            .is_none_or(|entry| entry.sink.has_room(full))
    }

    /// Opens all logs anew by their names, in the order in which they were opened first: the main log before others.
    pub(super) fn reopen_all(&mut self) {
        let now = Instant::now();
        let keys: Vec<SinkKey> = self.entries.keys().copied().collect();
        for key in keys {
            // The descriptor changes.
            self.unwatch(key);
            if let Some(entry) = self.entries.get_mut(&key) {
                self.ledger.begin(entry.sink.path(), entry.sink.unwritten());
                entry.sink.reopen(now, &mut self.notes);
                self.ledger.end();
                self.board.touched(entry.sink.path());
            }
            self.settle(key, now);
        }
    }

    /// Puts an empty file in the place of a log, whether it is open or not.
    ///
    /// A log that does not exist is empty enough, and so is one that is no file and keeps nothing.
    pub(super) fn clear(&mut self, path: &Path) -> io::Result<()> {
        self.ledger.begin(path, 0);
        let cleared = self.clear_now(path);
        self.ledger.end();
        cleared?;
        self.board.touched(path);
        Ok(())
    }

    fn clear_now(&mut self, path: &Path) -> io::Result<()> {
        if let Some(&key) = self.by_name.get(&*canonical(path))
            && let Some(entry) = self.entries.get_mut(&key)
        {
            entry.sink.clear()?;
            self.settle(key, Instant::now());
        } else if is_replaceable(path) {
            replace_closed(path, self.paths).map_err(io::Error::from)?;
        }
        Ok(())
    }

    /// What waits for each log.
    pub(super) fn states(&self) -> Vec<HeldLog> {
        let waiting = self.entries.values().filter_map(|entry| {
            Some(HeldLog {
                path: entry.sink.path().to_path_buf(),
                state: entry.sink.state()?,
            })
        });
        waiting.collect()
    }

    /// Goes on with what waited for a log.
    pub(super) fn resume(&mut self, held: HeldLog) -> io::Result<()> {
        let key = self.open(&held.path)?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.sink.count(self.board.counts());
            entry.sink.resume(held.state, Instant::now());
        }
        self.flush(key);
        self.release(key);
        Ok(())
    }

    /// Where a log is.
    pub(super) fn path(&self, key: SinkKey) -> Option<&Path> {
        self.entries.get(&key).map(|entry| entry.sink.path())
    }

    /// Logs with bytes that are not written yet.
    pub(super) fn unwritten(&self) -> Vec<(PathBuf, usize)> {
        let waiting = self
            .entries
            .values()
            .filter(|entry| entry.sink.unwritten() > 0);
        waiting
            .map(|entry| (entry.sink.path().to_path_buf(), entry.sink.unwritten()))
            .collect()
    }

    /// Logs that take no output any more, or do again.
    pub(super) fn take_changes(&mut self) -> Vec<(SinkKey, LogState)> {
        std::mem::take(&mut self.changes)
    }

    /// Something worth a line in the main log.
    pub(super) fn note(&mut self, level: Level, text: String) {
        self.notes.add(level, text);
    }

    /// What there is to say, once.
    pub(super) fn take_notes(&mut self) -> Vec<(Level, String)> {
        if self.notes.is_empty() {
            Vec::new()
        } else {
            self.notes.take()
        }
    }

    /// Brings the reactor and the clock in line with what a log waits for, and closes one that nobody uses.
    fn settle(&mut self, key: SinkKey, now: Instant) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if entry.sink.wants_writable()
            && !entry.watched
            && let Some(reactor) = &self.reactor
        {
            match reactor.add(entry.sink.fd(), key.token(), Interest::Write) {
                Ok(()) => entry.watched = true,
                Err(_) => entry.sink.wait_by_clock(now),
            }
        }
        if let Some(change) = entry.sink.take_change() {
            self.changes.push((key, change));
        }
        let (reason, dropped) = entry.sink.figures();
        let new = dropped.since(std::mem::replace(&mut entry.counted, dropped));
        let was_failing = std::mem::replace(&mut entry.fails, reason.is_some());
        // Almost always there is nothing to tell.
        if was_failing || entry.fails || !new.is_none() {
            self.board.count(entry.sink.path(), reason, new);
        }
        let (wants, failing) = (entry.sink.wants_writable(), entry.sink.retry_at().is_some());
        let unwritten = entry.sink.unwritten();
        let unused = entry.users == 0 && unwritten == 0;
        if std::mem::replace(&mut entry.noted, unwritten > 0) || unwritten > 0 {
            self.ledger.waits(entry.sink.path(), unwritten);
        }
        if !wants || unused {
            self.unwatch(key);
        }
        if failing && !unused {
            self.failing.insert(key);
        } else {
            self.failing.remove(&key);
        }
        if unused && let Some(entry) = self.entries.remove(&key) {
            self.by_name.remove(&entry.name);
        }
    }

    fn unwatch(&mut self, key: SinkKey) {
        if let Some(entry) = self.entries.get_mut(&key)
            && std::mem::take(&mut entry.watched)
            && let Some(reactor) = &self.reactor
        {
            // It can only fail for a descriptor that is not waited for, which is what is wanted.
            let _ = reactor.remove(entry.sink.fd());
        }
    }
}

/// Why a log is not opened although it could be, and what to do.
fn unsafe_path(path: &Path, refusal: &Refusal) -> String {
    format!(
        "log {} is not opened: {refusal}; move it to a directory of its own, or set unsafe_log_paths=allow in \
         [supervisord]",
        path.display()
    )
}
