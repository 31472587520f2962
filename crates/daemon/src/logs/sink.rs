//! One open log.
//!
//! Writing never waits for a reader. What a log does not take just now is held back, up to a limit; beyond it the
//! oldest lines are dropped, and the log tells how much is missing once it works again.

mod state;

pub(in crate::logs) use state::SinkState;

use super::CHUNK_BYTES;
use super::notes::Notes;
use super::rotation::{Rotation, replace};
use super::stamp::Stamper;
use super::target::{Kind, Target};
use provost_capture::held::{Gap, Held};
use provost_model::spec::LogfileFull;
use provost_model::{Errno, Level};
use provost_os::files::own_descriptor;
use provost_os::pipe;
use provost_os::spot::{Paths, Refusal};
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Bytes held back at which the pipes that feed a log without a reader are left unread.
const HELD_BYTES_FULL: usize = 1 << 20;

/// Bytes held back at which they are read again; well below, so that they are not switched at every write.
const HELD_BYTES_LOW: usize = HELD_BYTES_FULL / 2;

/// Bytes held back at most: a chunk more than full, for the one that was read before anybody noticed.
const HELD_BYTES_MAX: usize = HELD_BYTES_FULL + CHUNK_BYTES;

/// Bytes that a descriptor takes without blocking once it is writable, though it may block for more.
const POLITE_BYTES: usize = 4096;

/// Shortest and longest pause after a write that failed: space may return at any time, and a try costs little.
const WRITE_PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Shortest and longest pause after a rotation that failed.
const ROTATE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Whether bytes flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Writes are done at once.
    Open,
    /// The reader does not keep up; goes on when the log is writable.
    Blocked { told: bool },
    /// Writes fail; tried again by the clock.
    Failing(Retry),
    /// There is no reader any more. Each write is tried; what fails is dropped.
    Broken,
}

/// A growing pause between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Retry {
    at: Instant,
    pause: Duration,
}

impl Retry {
    fn first(now: Instant, (shortest, _): (Duration, Duration)) -> Self {
        Self {
            at: now + shortest,
            pause: shortest,
        }
    }

    fn later(self, now: Instant, (_, longest): (Duration, Duration)) -> Self {
        let pause = (self.pause * 2).min(longest);
        Self {
            at: now + pause,
            pause,
        }
    }
}

/// One open log and what waits for it.
pub(super) struct Sink {
    path: PathBuf,
    paths: Paths,
    target: Target,
    rotation: Rotation,
    held: Held,
    /// What is left to write of a line that tells of a gap.
    marker: Vec<u8>,
    flow: Flow,
    /// Why bytes do not flow.
    reason: Cow<'static, str>,
    /// Since when bytes have been dropped that the log does not tell of yet.
    gap_since: Option<SystemTime>,
    /// Whether the last byte written ended a line.
    at_line_start: bool,
    rotate_again: Option<Retry>,
    /// The file has no name any more, and making a new one failed; told once.
    orphaned: bool,
    /// It was told that programs wait because writing fails.
    told_waiting: bool,
    /// What had been dropped when listeners were told that writing fails; none while it does not.
    failing_since: Option<Gap>,
}

impl Sink {
    /// Opens a log by its path.
    pub(super) fn open(path: &Path, paths: Paths) -> Result<Self, Refusal> {
        Ok(Self {
            path: path.to_path_buf(),
            paths,
            target: Target::open(path, paths)?,
            rotation: Rotation::NEVER,
            held: Held::new(HELD_BYTES_MAX),
            marker: Vec::new(),
            flow: Flow::Open,
            reason: Cow::Borrowed(""),
            gap_since: None,
            at_line_start: true,
            rotate_again: None,
            orphaned: false,
            told_waiting: false,
            failing_since: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For waiting until it is writable.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.target.file.as_fd()
    }

    /// Whether the pipes that feed it must be left unread. A file on a full disk is never full: it drops instead, but for
    /// programs of which nothing may be dropped.
    pub(super) fn is_full(&self, full: LogfileFull) -> bool {
        self.holds_up(full) && self.held.len() >= HELD_BYTES_FULL
    }

    /// Whether pipes left unread may be read again.
    pub(super) fn has_room(&self, full: LogfileFull) -> bool {
        !self.holds_up(full) || self.held.len() <= HELD_BYTES_LOW
    }

    fn holds_up(&self, full: LogfileFull) -> bool {
        self.wants_writable()
            || (full == LogfileFull::Block && matches!(self.flow, Flow::Failing(_)))
    }

    /// A program is held up because this log fails: told once until it works again.
    pub(super) fn tell_waiting(&mut self, notes: &mut Notes) {
        if matches!(self.flow, Flow::Failing(_)) && !std::mem::replace(&mut self.told_waiting, true)
        {
            let (path, reason) = (self.path.display(), &self.reason);
            let text = format!("log {path} takes no output ({reason}); whoever logs there waits");
            notes.add(Level::Warn, text);
        }
    }

    /// Bytes not yet written.
    pub(super) fn unwritten(&self) -> usize {
        self.held.len() + self.marker.len()
    }

    /// Whether there is something to write, be it that something is missing.
    fn has_waiting(&self) -> bool {
        self.unwritten() > 0 || !self.held.gap().is_none()
    }

    /// Whether it waits until it is writable.
    pub(super) fn wants_writable(&self) -> bool {
        matches!(self.flow, Flow::Blocked { .. })
    }

    /// When to try again after a failure.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        match self.flow {
            Flow::Failing(retry) => Some(retry.at),
            Flow::Open | Flow::Blocked { .. } | Flow::Broken => None,
        }
    }

    /// The system cannot tell when it is writable: try by the clock.
    pub(super) fn wait_by_clock(&mut self, now: Instant) {
        self.flow = Flow::Failing(Retry::first(now, WRITE_PAUSE));
    }

    /// Writes a chunk, or holds it back.
    pub(super) fn append(
        &mut self,
        chunk: &[u8],
        rotation: Rotation,
        now: Instant,
        notes: &mut Notes,
    ) {
        self.rotation = rotation;
        match self.flow {
            Flow::Open if self.target.kind == Kind::Shared => {
                self.hold(chunk);
                self.flow = Flow::Blocked { told: false };
            }
            Flow::Open => self.write_chunk(chunk, now, notes),
            Flow::Broken => {
                self.hold(chunk);
                self.flush(now, notes);
            }
            Flow::Blocked { told } => {
                self.hold(chunk);
                if !told && self.is_full(LogfileFull::Drop) {
                    self.flow = Flow::Blocked { told: true };
                    let path = self.path.display();
                    notes.add(Level::Warn, format!("log {path} takes no output, its reader does not keep up; whoever logs there waits"));
                }
            }
            Flow::Failing(_) => self.hold(chunk),
        }
    }

    fn write_chunk(&mut self, chunk: &[u8], now: Instant, notes: &mut Notes) {
        let length = self.length(notes);
        let mut rest = chunk;
        let result = loop {
            match write_some(&self.target, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => break Err(error),
            }
            if rest.is_empty() {
                break Ok(());
            }
        };
        let written = chunk.len() - rest.len();
        self.note_last(chunk.get(..written).unwrap_or_default());
        self.rotate_if_due(length.saturating_add(written as u64), now, notes);
        if let Err(error) = result {
            self.hold(rest);
            self.stumble(&error, now, notes);
        }
    }

    /// Writes what was held back, as far as the log takes it.
    pub(super) fn flush(&mut self, now: Instant, notes: &mut Notes) {
        while self.has_waiting() {
            let length = self.length(notes);
            match self.write_held() {
                Ok(count) => self.rotate_if_due(length.saturating_add(count as u64), now, notes),
                Err(error) => return self.stumble(&error, now, notes),
            }
            if self.target.kind == Kind::Shared && self.has_waiting() {
                // Whether it takes more without blocking, the next wait tells.
                return;
            }
        }
        let lost = self.held.take_told();
        if matches!(self.flow, Flow::Failing(_) | Flow::Broken) {
            let missing = if lost.is_none() {
                String::new()
            } else {
                format!("; {} bytes, {} lines were dropped", lost.bytes, lost.lines)
            };
            let text = format!("log {} takes output again{missing}", self.path.display());
            notes.add(Level::Info, text);
        }
        self.flow = Flow::Open;
        self.told_waiting = false;
    }

    /// Writes one stretch of what waits: first the rest of a marker, then a marker if there is a gap, then output.
    fn write_held(&mut self) -> io::Result<usize> {
        let rest_first = !self.held.before_gap().is_empty();
        if self.marker.is_empty() && !rest_first && !self.held.gap().is_none() {
            let marker = self.marker_text();
            let count = write_some(&self.target, &marker)?;
            // From here on this marker is in the log; what is dropped later is told by another one.
            self.marker = marker;
            self.held.gap_told();
            self.gap_since = None;
            return Ok(self.marker_written(count));
        }
        if !self.marker.is_empty() {
            let count = write_some(&self.target, &self.marker)?;
            return Ok(self.marker_written(count));
        }
        let longest = if self.target.kind == Kind::Shared {
            POLITE_BYTES
        } else {
            CHUNK_BYTES
        };
        let front = self.held.front();
        let front = front.get(..longest).unwrap_or(front);
        let count = write_some(&self.target, front)?;
        self.at_line_start = front.get(..count).and_then(<[u8]>::last) == Some(&b'\n');
        self.held.consume(count);
        Ok(count)
    }

    fn marker_written(&mut self, count: usize) -> usize {
        let written: Vec<u8> = self.marker.drain(..count.min(self.marker.len())).collect();
        self.note_last(&written);
        count
    }

    /// The line that tells of a gap. It stands on a line of its own even if the gap begins within one.
    fn marker_text(&self) -> Vec<u8> {
        let gap = self.held.gap();
        let mut stamper = Stamper::local();
        let from = self
            .gap_since
            .map(|when| stamper.second(when).to_owned())
            .unwrap_or_default();
        let to = stamper.second(SystemTime::now());
        let line_end = if self.at_line_start { "" } else { "\n" };
        let text = format!(
            "{line_end}supervisord: dropped {} bytes, {} lines, {from}..{to} ({})\n",
            gap.bytes, gap.lines, self.reason
        );
        text.into_bytes()
    }

    fn hold(&mut self, chunk: &[u8]) {
        self.held.goes_on_within_line(!self.at_line_start);
        self.held.push(chunk);
        if !self.held.gap().is_none() {
            self.gap_since.get_or_insert_with(SystemTime::now);
        }
    }

    /// A write failed.
    fn stumble(&mut self, error: &io::Error, now: Instant, notes: &mut Notes) {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::WouldBlock => {
                if !self.wants_writable() {
                    self.flow = Flow::Blocked { told: false };
                }
                self.reason = "its reader did not keep up".into();
            }
            ErrorKind::BrokenPipe => {
                if self.flow != Flow::Broken {
                    notes.add(
                        Level::Error,
                        format!(
                            "log {path} has no reader any more; what is written there is dropped"
                        ),
                    );
                }
                self.flow = Flow::Broken;
                self.reason = "it had no reader".into();
                self.marker.clear();
                self.held.drop_all();
                self.gap_since.get_or_insert_with(SystemTime::now);
            }
            _ => {
                let errno = Errno::of(error);
                self.reason = errno.text().into();
                self.flow = Flow::Failing(match self.flow {
                    Flow::Failing(retry) => retry.later(now, WRITE_PAUSE),
                    Flow::Open | Flow::Blocked { .. } | Flow::Broken => {
                        let limit = HELD_BYTES_FULL >> 20;
                        notes.add(
                            Level::Error,
                            format!("could not write to log {path}: {errno}; up to {limit} MiB is held back until it works again"),
                        );
                        Retry::first(now, WRITE_PAUSE)
                    }
                });
            }
        }
    }

    /// Length of the file before a write, from the system, since others may cut it. A file that lost its last name
    /// is made anew first: what goes into it could never be read.
    fn length(&mut self, notes: &mut Notes) -> u64 {
        if self.target.kind != Kind::Regular {
            return 0;
        }
        let Ok(metadata) = self.target.file.metadata() else {
            return 0;
        };
        if metadata.nlink() > 0 {
            return metadata.len();
        }
        let path = self.path.display();
        match Target::open(&self.path, self.paths) {
            Ok(target) => {
                notes.add(
                    Level::Warn,
                    format!("log {path} was removed; it is made anew"),
                );
                self.target = target;
                self.orphaned = false;
                return 0;
            }
            Err(error) if !self.orphaned => {
                self.orphaned = true;
                notes.add(Level::Error, format!("log {path} was removed and cannot be made anew: {error}; output goes to the removed file"));
            }
            Err(_) => (),
        }
        metadata.len()
    }

    fn rotate_if_due(&mut self, length: u64, now: Instant, notes: &mut Notes) {
        let resting = self.rotate_again.is_some_and(|retry| now < retry.at);
        if self.target.kind != Kind::Regular || !self.rotation.is_due(length) || resting {
            return;
        }
        match self
            .rotation
            .rotate(&self.path, self.paths, &self.target.file)
        {
            Ok(successor) => {
                if let Some(file) = successor {
                    self.target.file = file;
                }
                self.rotate_again = None;
            }
            Err(error) => {
                if self.rotate_again.is_none() {
                    let path = self.path.display();
                    notes.add(
                        Level::Error,
                        format!("could not rotate log {path}: {error}; it grows beyond its limit until that works"),
                    );
                }
                let first = Retry::first(now, ROTATE_PAUSE);
                self.rotate_again = Some(
                    self.rotate_again
                        .map_or(first, |retry| retry.later(now, ROTATE_PAUSE)),
                );
            }
        }
    }

    /// Opens the log anew by its name. If that fails, what was open stays in use.
    pub(super) fn reopen(&mut self, now: Instant, notes: &mut Notes) {
        if own_descriptor(&self.path).is_some() {
            return;
        }
        match Target::open(&self.path, self.paths) {
            Ok(target) => {
                self.target = target;
                self.orphaned = false;
                self.rotate_again = None;
                if self.flow != Flow::Open {
                    self.flush(now, notes);
                }
            }
            Err(error) => {
                notes.add(
                    Level::Error,
                    format!("could not reopen log {}: {error}; output goes on to the file that was open", self.path.display()),
                );
            }
        }
    }

    /// Puts an empty file in the place of the log and forgets what waits for it. Where there is no regular file of
    /// that name to replace, nothing is kept that could be cleared.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.target.kind == Kind::Regular {
            self.target.file = replace(&self.path, self.paths, &self.target.file)?;
            self.held.clear();
            self.marker.clear();
            self.gap_since = None;
            self.at_line_start = true;
            self.flow = Flow::Open;
        }
        Ok(())
    }

    fn note_last(&mut self, written: &[u8]) {
        if let Some(&last) = written.last() {
            self.at_line_start = last == b'\n';
        }
    }
}

/// Writes what the log takes; that it takes nothing is an error.
fn write_some(target: &Target, bytes: &[u8]) -> io::Result<usize> {
    match pipe::write(target.file.as_fd(), bytes) {
        Ok(0) if !bytes.is_empty() => Err(io::Error::from_raw_os_error(EIO)),
        other => other,
    }
}

/// What a device that takes no bytes and gives no reason is said to suffer from.
const EIO: i32 = 5;
