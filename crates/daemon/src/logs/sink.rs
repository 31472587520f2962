//! One open log: the file or stream, and the machine that decides what is done with it (`provost_capture::sink`).

use super::CHUNK_BYTES;
use super::counts::{Count, Counts};
use super::notes::Notes;
use super::rotation::{self, replace};
use super::stamp::Stamper;
use super::target::{Kind, Target};
use crate::meters;
pub(super) use provost_capture::sink::SinkState;
use std::sync::atomic::Ordering;

use provost_capture::held::Gap;
use provost_capture::rotate::Rotation;
use provost_capture::sink::{self, Device, Limits, Said, Standing};
use provost_model::spec::LogfileFull;
use provost_model::{Level, LogState};
use provost_os::files::own_descriptor;
use provost_os::pipe;
use provost_os::spot::{Paths, Refusal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Bytes held back at which the pipes that feed a log without a reader are left unread.
const HELD_BYTES_FULL: usize = 1 << 20;

/// How much is held back.
const LIMITS: Limits = Limits {
    full: HELD_BYTES_FULL,
    low: HELD_BYTES_FULL / 2,
    chunk: CHUNK_BYTES,
};

/// One open log and what waits for it.
pub(super) struct Sink {
    path: Arc<Path>,
    paths: Paths,
    target: Target,
    /// None until something is written: many programs never write anything.
    machine: Option<Box<sink::Sink>>,
    /// The same.
    count: Option<Arc<Count>>,
}

impl Sink {
    /// Opens a log by its path.
    pub(super) fn open(path: Arc<Path>, paths: Paths) -> Result<Self, Refusal> {
        Ok(Self {
            target: Target::open(&path, paths)?,
            path,
            paths,
            machine: None,
            count: None,
        })
    }

    /// What is written is counted from now on.
    pub(super) fn count(&mut self, counts: &Counts) {
        if self.count.is_none() {
            let count = counts.begin(&self.path);
            count.begin_file(self.target.length());
            self.count = Some(count);
        }
    }

    /// Whether it is a plain file.
    pub(super) fn is_regular(&self) -> bool {
        self.target.kind == Kind::Regular
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For waiting until it is writable.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.target.file.as_fd()
    }

    /// The machine, and what it acts by.
    fn parts<'a>(&'a mut self, notes: &'a mut Notes) -> (&'a mut sink::Sink, Door<'a>) {
        let door = Door {
            path: &self.path,
            paths: self.paths,
            target: &mut self.target,
            count: self.count.as_deref(),
            notes,
        };
        (fresh(&mut self.machine), door)
    }

    /// Whether the pipes that feed it must be left unread.
    pub(super) fn is_full(&self, full: LogfileFull) -> bool {
        self.machine
            .as_ref()
            .is_some_and(|machine| machine.is_full(full))
    }

    /// Whether pipes left unread may be read again.
    pub(super) fn has_room(&self, full: LogfileFull) -> bool {
        self.machine
            .as_ref()
            .is_none_or(|machine| machine.has_room(full))
    }

    /// A program is held up because this log fails: told once until it works again.
    pub(super) fn tell_waiting(&mut self, notes: &mut Notes) {
        let (machine, mut door) = self.parts(notes);
        machine.tell_waiting(&mut door);
    }

    /// Bytes not yet written.
    pub(super) fn unwritten(&self) -> usize {
        self.machine
            .as_ref()
            .map_or(0, |machine| machine.unwritten())
    }

    /// Whether it waits until it is writable.
    pub(super) fn wants_writable(&self) -> bool {
        self.machine
            .as_ref()
            .is_some_and(|machine| machine.wants_writable())
    }

    /// When to try again after a failure.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.machine.as_ref()?.retry_at()
    }

    /// The system cannot tell when it is writable: try by the clock.
    pub(super) fn wait_by_clock(&mut self, now: Instant) {
        fresh(&mut self.machine).wait_by_clock(now);
    }

    /// Writes a chunk, or holds it back.
    pub(super) fn append(
        &mut self,
        chunk: &[u8],
        rotation: Rotation,
        now: Instant,
        notes: &mut Notes,
    ) {
        let (machine, mut door) = self.parts(notes);
        machine.append(chunk, rotation, now, &mut door);
    }

    /// Writes what was held back, as far as the log takes it.
    pub(super) fn flush(&mut self, now: Instant, notes: &mut Notes) {
        let (machine, mut door) = self.parts(notes);
        machine.flush(now, &mut door);
    }

    /// Opens the log anew by its name. If that fails, what was open stays in use.
    pub(super) fn reopen(&mut self, now: Instant, notes: &mut Notes) {
        if own_descriptor(&self.path).is_some() {
            return;
        }
        let (machine, mut door) = self.parts(notes);
        match door.make_anew() {
            Ok(()) => machine.reopened(now, &mut door),
            Err(error) => {
                let path = self.path.display();
                notes.add(
                    Level::Error,
                    format!("could not reopen log {path}: {error}; output goes on to the file that was open"),
                );
            }
        }
    }

    /// Puts an empty file in the place of the log and forgets what waits for it. Where there is no regular file of
    /// that name to replace, nothing is kept that could be cleared.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.target.kind == Kind::Regular {
            self.target.file = replace(&self.path, self.paths, &self.target.file)?;
            if let Some(count) = &self.count {
                count.begin_file(0);
            }
            if let Some(machine) = &mut self.machine {
                machine.cleared();
            }
        }
        Ok(())
    }

    /// What listeners are to hear, once for each change.
    pub(super) fn take_change(&mut self) -> Option<LogState> {
        self.machine.as_mut()?.take_change()
    }

    /// Why it takes no output, if it does not, and what was dropped since it was opened.
    pub(super) fn figures(&self) -> (Option<&str>, Gap) {
        match &self.machine {
            Some(machine) => machine.figures(),
            None => (None, Gap::default()),
        }
    }

    /// What waits, if anything does.
    pub(super) fn state(&self) -> Option<SinkState> {
        self.machine.as_ref()?.state()
    }

    /// Goes on with what waited; it is tried at once.
    pub(super) fn resume(&mut self, state: SinkState, now: Instant) {
        fresh(&mut self.machine).resume(state, now);
    }
}

fn fresh(machine: &mut Option<Box<sink::Sink>>) -> &mut sink::Sink {
    machine.get_or_insert_with(|| Box::new(sink::Sink::new(LIMITS)))
}

/// What the machine acts by.
struct Door<'a> {
    path: &'a Path,
    paths: Paths,
    target: &'a mut Target,
    count: Option<&'a Count>,
    notes: &'a mut Notes,
}

impl Device for Door<'_> {
    type Error = Refusal;

    fn kind(&self) -> Kind {
        self.target.kind
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = pipe::write(self.target.file.as_fd(), bytes)?;
        meters::LOG_BYTES.fetch_add(u64::try_from(written).unwrap_or(0), Ordering::Relaxed);
        if let Some(count) = self.count {
            count.add(written);
        }
        Ok(written)
    }

    fn standing(&mut self) -> Option<Standing> {
        let metadata = self.target.file.metadata().ok()?;
        Some(Standing {
            length: metadata.len(),
            has_name: metadata.nlink() > 0,
        })
    }

    fn make_anew(&mut self) -> Result<(), Refusal> {
        *self.target = Target::open(self.path, self.paths)?;
        if let Some(count) = self.count {
            count.begin_file(self.target.length());
        }
        Ok(())
    }

    fn rotate(&mut self, rotation: Rotation) -> Result<(), Refusal> {
        let successor = rotation::rotate(rotation, self.path, self.paths, &self.target.file)?;
        if let Some(file) = successor {
            self.target.file = file;
        }
        if let Some(count) = self.count {
            count.begin_file(0);
        }
        Ok(())
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn stamp(&mut self, when: SystemTime) -> String {
        Stamper::local().second(when).to_owned()
    }

    fn say(&mut self, said: Said<'_>) {
        let path = self.path.display();
        let (level, text) = match said {
            Said::Waits { reason } => (
                Level::Warn,
                format!("log {path} takes no output ({reason}); whoever logs there waits"),
            ),
            Said::ReaderIsSlow => (
                Level::Warn,
                format!(
                    "log {path} takes no output, its reader does not keep up; whoever logs there waits"
                ),
            ),
            Said::ReaderLeft => (
                Level::Error,
                format!("log {path} has no reader any more; what is written there is dropped"),
            ),
            Said::Fails { errno, limit } => (
                Level::Error,
                format!(
                    "could not write to log {path}: {errno}; up to {} MiB is held back until it works again",
                    limit >> 20
                ),
            ),
            Said::Works { lost } if lost.is_none() => {
                (Level::Info, format!("log {path} takes output again"))
            }
            Said::Works {
                lost: Gap { bytes, lines },
            } => (
                Level::Info,
                format!("log {path} takes output again; {bytes} bytes, {lines} lines were dropped"),
            ),
            Said::MadeAnew => (
                Level::Warn,
                format!("log {path} was removed; it is made anew"),
            ),
            Said::Orphaned { error } => (
                Level::Error,
                format!(
                    "log {path} was removed and cannot be made anew: {error}; output goes to the removed file"
                ),
            ),
            Said::NotRotated { error } => (
                Level::Error,
                format!(
                    "could not rotate log {path}: {error}; it grows beyond its limit until that works"
                ),
            ),
        };
        self.notes.add(level, text);
    }
}
