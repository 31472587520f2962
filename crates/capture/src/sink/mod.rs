//! What becomes of bytes on their way into a log: written, held back, dropped and told, and when the log is rotated.
//!
//! Writing never waits for a reader. What a log does not take just now is held back, up to a limit; beyond it the
//! oldest lines are dropped, and the log tells how much is missing once it works again. The log itself is a [`Device`],
//! which does what it is told and decides nothing.

mod device;
mod state;

pub use device::{Device, Kind, Said, Standing};
pub use state::SinkState;

use crate::held::{Gap, Held};
use crate::rotate::Rotation;
use provost_model::Errno;
use provost_model::spec::LogfileFull;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

/// Bytes that a descriptor takes without blocking once it is writable, though it may block for more.
const POLITE_BYTES: usize = 4096;

/// Shortest and longest pause after a write that failed: space may return at any time, and a try costs little.
const WRITE_PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Shortest and longest pause after a rotation that failed.
const ROTATE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What a device that takes no bytes and gives no reason is said to suffer from.
const EIO: i32 = 5;

/// How much is held back, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// With so much the pipes that feed a log without a reader are left unread.
    pub full: usize,
    /// With no more than this they are read again; well below, so that they are not switched at every write.
    pub low: usize,
    /// The longest chunk that is appended, and written.
    pub chunk: usize,
}

impl Limits {
    /// Held back at most: a chunk more than full, for the one that was read before anybody noticed.
    pub fn max(self) -> usize {
        self.full.saturating_add(self.chunk)
    }
}

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
    fn after(now: Instant, pause: Duration) -> Self {
        Self {
            at: now.checked_add(pause).unwrap_or(now),
            pause,
        }
    }

    fn first(now: Instant, (shortest, _): (Duration, Duration)) -> Self {
        Self::after(now, shortest)
    }

    fn later(self, now: Instant, (_, longest): (Duration, Duration)) -> Self {
        Self::after(now, self.pause.saturating_mul(2).min(longest))
    }
}

/// One open log and what waits for it.
#[derive(Debug)]
pub struct Sink {
    limits: Limits,
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
    /// A log that has just been opened.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rotation: Rotation::NEVER,
            held: Held::new(limits.max()),
            marker: Vec::new(),
            flow: Flow::Open,
            reason: Cow::Borrowed(""),
            gap_since: None,
            at_line_start: true,
            rotate_again: None,
            orphaned: false,
            told_waiting: false,
            failing_since: None,
        }
    }

    /// Whether the pipes that feed it must be left unread. A file on a full disk is never full: it drops instead, but for
    /// programs of which nothing may be dropped.
    pub fn is_full(&self, full: LogfileFull) -> bool {
        self.holds_up(full) && self.held.len() >= self.limits.full
    }

    /// Whether pipes left unread may be read again.
    pub fn has_room(&self, full: LogfileFull) -> bool {
        !self.holds_up(full) || self.held.len() <= self.limits.low
    }

    fn holds_up(&self, full: LogfileFull) -> bool {
        self.wants_writable()
            || (full == LogfileFull::Block && matches!(self.flow, Flow::Failing(_)))
    }

    /// A program is held up because this log fails: told once until it works again.
    pub fn tell_waiting(&mut self, device: &mut impl Device) {
        if matches!(self.flow, Flow::Failing(_)) && !std::mem::replace(&mut self.told_waiting, true)
        {
            let reason = &self.reason;
            device.say(Said::Waits { reason });
        }
    }

    /// Bytes not yet written.
    pub fn unwritten(&self) -> usize {
        self.held.len().saturating_add(self.marker.len())
    }

    /// Whether there is something to write, be it that something is missing.
    fn has_waiting(&self) -> bool {
        self.unwritten() > 0 || !self.held.gap().is_none()
    }

    /// Whether it waits until it is writable.
    pub fn wants_writable(&self) -> bool {
        matches!(self.flow, Flow::Blocked { .. })
    }

    /// When to try again after a failure.
    pub fn retry_at(&self) -> Option<Instant> {
        match self.flow {
            Flow::Failing(retry) => Some(retry.at),
            Flow::Open | Flow::Blocked { .. } | Flow::Broken => None,
        }
    }

    /// The system cannot tell when it is writable: try by the clock.
    pub fn wait_by_clock(&mut self, now: Instant) {
        self.flow = Flow::Failing(Retry::first(now, WRITE_PAUSE));
    }

    /// Writes a chunk, or holds it back.
    pub fn append(
        &mut self,
        chunk: &[u8],
        rotation: Rotation,
        now: Instant,
        device: &mut impl Device,
    ) {
        self.rotation = rotation;
        match self.flow {
            Flow::Open if device.kind() == Kind::Shared => {
                self.hold(chunk, device);
                self.flow = Flow::Blocked { told: false };
            }
            Flow::Open => self.write_chunk(chunk, now, device),
            Flow::Broken => {
                self.hold(chunk, device);
                self.flush(now, device);
            }
            Flow::Blocked { told } => {
                self.hold(chunk, device);
                if !told && self.is_full(LogfileFull::Drop) {
                    self.flow = Flow::Blocked { told: true };
                    device.say(Said::ReaderIsSlow);
                }
            }
            Flow::Failing(_) => self.hold(chunk, device),
        }
    }

    fn write_chunk(&mut self, chunk: &[u8], now: Instant, device: &mut impl Device) {
        let length = self.length(device);
        let mut rest = chunk;
        let result = loop {
            match write_some(device, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => break Err(error),
            }
            if rest.is_empty() {
                break Ok(());
            }
        };
        let written = chunk.len().saturating_sub(rest.len());
        self.note_last(chunk.get(..written).unwrap_or_default());
        self.rotate_if_due(length.saturating_add(written as u64), now, device);
        if let Err(error) = result {
            self.hold(rest, device);
            self.stumble(&error, now, device);
        }
    }

    /// Writes what was held back, as far as the log takes it.
    pub fn flush(&mut self, now: Instant, device: &mut impl Device) {
        while self.has_waiting() {
            let length = self.length(device);
            match self.write_held(device) {
                Ok(count) => self.rotate_if_due(length.saturating_add(count as u64), now, device),
                Err(error) => return self.stumble(&error, now, device),
            }
            if device.kind() == Kind::Shared && self.has_waiting() {
                // Whether it takes more without blocking, the next wait tells.
                return;
            }
        }
        let lost = self.held.take_told();
        if matches!(self.flow, Flow::Failing(_) | Flow::Broken) {
            device.say(Said::Works { lost });
        }
        self.flow = Flow::Open;
        self.told_waiting = false;
    }

    /// Writes one stretch of what waits: first the rest of a marker, then a marker if there is a gap, then output.
    fn write_held(&mut self, device: &mut impl Device) -> io::Result<usize> {
        let rest_first = !self.held.before_gap().is_empty();
        if self.marker.is_empty() && !rest_first && !self.held.gap().is_none() {
            let marker = self.marker_text(device);
            let count = write_some(device, &marker)?;
            // From here on this marker is in the log; what is dropped later is told by another one.
            self.marker = marker;
            self.held.gap_told();
            self.gap_since = None;
            return Ok(self.marker_written(count));
        }
        if !self.marker.is_empty() {
            let count = write_some(device, &self.marker)?;
            return Ok(self.marker_written(count));
        }
        let longest = if device.kind() == Kind::Shared {
            POLITE_BYTES
        } else {
            self.limits.chunk
        };
        let front = self.held.front();
        let front = front.get(..longest).unwrap_or(front);
        let count = write_some(device, front)?;
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
    fn marker_text(&self, device: &mut impl Device) -> Vec<u8> {
        let gap = self.held.gap();
        let from = self.gap_since.map(|when| device.stamp(when));
        let from = from.unwrap_or_default();
        let to = device.wall();
        let to = device.stamp(to);
        let mut text = String::new();
        if !self.at_line_start {
            text.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "supervisord: dropped {} bytes, {} lines, {from}..{to} ({})",
            gap.bytes, gap.lines, self.reason
        );
        text.into_bytes()
    }

    fn hold(&mut self, chunk: &[u8], device: &mut impl Device) {
        self.held.goes_on_within_line(!self.at_line_start);
        self.held.push(chunk);
        if !self.held.gap().is_none() {
            self.gap_since.get_or_insert_with(|| device.wall());
        }
    }

    /// A write failed.
    fn stumble(&mut self, error: &io::Error, now: Instant, device: &mut impl Device) {
        match error.kind() {
            ErrorKind::WouldBlock => {
                if !self.wants_writable() {
                    self.flow = Flow::Blocked { told: false };
                }
                self.reason = "its reader did not keep up".into();
            }
            ErrorKind::BrokenPipe => {
                if self.flow != Flow::Broken {
                    device.say(Said::ReaderLeft);
                }
                self.flow = Flow::Broken;
                self.reason = "it had no reader".into();
                self.marker.clear();
                self.held.drop_all();
                self.gap_since.get_or_insert_with(|| device.wall());
            }
            _ => {
                let errno = Errno::of(error);
                self.reason = errno.text().into();
                self.flow = Flow::Failing(match self.flow {
                    Flow::Failing(retry) => retry.later(now, WRITE_PAUSE),
                    Flow::Open | Flow::Blocked { .. } | Flow::Broken => {
                        let limit = self.limits.full;
                        device.say(Said::Fails { errno, limit });
                        Retry::first(now, WRITE_PAUSE)
                    }
                });
            }
        }
    }

    /// Length of the file before a write. A file that lost its last name is made anew first.
    fn length(&mut self, device: &mut impl Device) -> u64 {
        if device.kind() != Kind::Regular {
            return 0;
        }
        let Some(Standing { length, has_name }) = device.standing() else {
            return 0;
        };
        if has_name {
            return length;
        }
        match device.make_anew() {
            Ok(()) => {
                device.say(Said::MadeAnew);
                self.orphaned = false;
                return 0;
            }
            Err(error) if !self.orphaned => {
                self.orphaned = true;
                device.say(Said::Orphaned { error: &error });
            }
            Err(_) => (),
        }
        length
    }

    fn rotate_if_due(&mut self, length: u64, now: Instant, device: &mut impl Device) {
        let resting = self.rotate_again.is_some_and(|retry| now < retry.at);
        if device.kind() != Kind::Regular || !self.rotation.is_due(length) || resting {
            return;
        }
        match device.rotate(self.rotation) {
            Ok(()) => self.rotate_again = None,
            Err(error) => {
                if self.rotate_again.is_none() {
                    device.say(Said::NotRotated { error: &error });
                }
                let first = Retry::first(now, ROTATE_PAUSE);
                let again = self.rotate_again;
                self.rotate_again =
                    Some(again.map_or(first, |retry| retry.later(now, ROTATE_PAUSE)));
            }
        }
    }

    /// The device was opened anew by the log's name.
    pub fn reopened(&mut self, now: Instant, device: &mut impl Device) {
        self.orphaned = false;
        self.rotate_again = None;
        if self.flow != Flow::Open {
            self.flush(now, device);
        }
    }

    /// An empty file was put in the place of the log: what waits for it is forgotten.
    pub fn cleared(&mut self) {
        self.held.clear();
        self.marker.clear();
        self.gap_since = None;
        self.at_line_start = true;
        self.flow = Flow::Open;
    }

    fn note_last(&mut self, written: &[u8]) {
        if let Some(&last) = written.last() {
            self.at_line_start = last == b'\n';
        }
    }
}

/// Writes what the log takes; that it takes nothing is an error.
fn write_some(device: &mut impl Device, bytes: &[u8]) -> io::Result<usize> {
    match device.write(bytes) {
        Ok(0) if !bytes.is_empty() => Err(io::Error::from_raw_os_error(EIO)),
        other => other,
    }
}
