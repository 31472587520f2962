//! The file of one spool: opened whole or set aside, appended to, read on, and marked as far as events are done.
//!
//! Its format is in `provost_wire::spool`. What was written survives the end of the daemon, however it comes. It is locked
//! while it is open: two daemons cannot use one.

use super::beside;
use provost_model::{Envelope, Event, Level};
use provost_wire::spool::{self, FIRST_RECORD, HEADER_BYTES, Mark, Record};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are read in one go.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of events that one order reads at most; one event comes however large it is.
const READ_BYTES_MAX: u64 = 4 << 20;
/// A file that holds nothing is cut back to its header when it is larger than this.
const EMPTY_BYTES_MAX: u64 = 1 << 20;
/// A record that reaches beyond the end was torn by a crash, unless more than this is left of it: then its length is
/// damaged, and what stands behind may be worth a look.
const TORN_BYTES_MAX: u64 = 1 << 20;
/// Permission bits: events may hold what programs print.
const MODE: u32 = 0o600;

/// Where to tell the operator.
pub(super) type Tell = Box<dyn Fn(Level, String) + Send>;

/// An open spool.
pub(super) struct SpoolFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) maxbytes: u64,
    pub(super) tell: Tell,
    pub(super) mark: Mark,
    /// Where the next record is written. What stands behind it is the rest of a write that failed.
    pub(super) end: u64,
    /// The place of the next record to be read, and its number.
    pub(super) cursor: u64,
    pub(super) number: u64,
    pub(super) unread: u64,
    /// Records that were read and are not done: the number of each, and where it ends.
    pub(super) held: VecDeque<(u64, u64)>,
    /// The last `append` failed.
    pub(super) refused: bool,
}

/// What looking through a file found.
pub(super) struct Found {
    /// Whole records from the beginning on.
    pub(super) count: u64,
    /// Where the last of them ends.
    pub(super) end: u64,
    /// What stands there.
    pub(super) rest: Rest,
}

/// What stands behind the whole records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// The beginning of a record, as a crash leaves it.
    Torn,
    /// Something else, with more behind it.
    Damage,
}

impl SpoolFile {
    /// Opens the file or makes it. One that is damaged is set aside, and what can be read of it is kept.
    pub(super) fn open(path: &Path, maxbytes: u64, tell: Tell) -> io::Result<Self> {
        let file = open_locked(path)?;
        let mut spool = Self {
            file,
            path: path.to_path_buf(),
            maxbytes,
            tell,
            mark: Mark {
                generation: 1,
                place: FIRST_RECORD,
            },
            end: FIRST_RECORD,
            cursor: FIRST_RECORD,
            number: 0,
            unread: 0,
            held: VecDeque::new(),
            refused: false,
        };
        let length = spool.file.metadata()?.len();
        if length == 0 {
            spool.file.write_all_at(&spool::header(), 0)?;
            return Ok(spool);
        }
        let mut header = [0; HEADER_BYTES];
        let whole = spool.file.read_exact_at(&mut header, 0).is_ok();
        let read = if whole { &header[..] } else { &[] };
        let mark = match spool::read_header(read) {
            // It was cut back to its header, and the mark was not written any more.
            Ok(mark) if mark.place > length && length == FIRST_RECORD => Mark {
                place: FIRST_RECORD,
                ..mark
            },
            Ok(mark) if mark.place <= length => mark,
            Ok(_) => return spool.set_aside("its mark points beyond its end", FIRST_RECORD, 0),
            Err(problem) => return spool.set_aside(&problem.to_string(), FIRST_RECORD, 0),
        };
        spool.mark = mark;
        spool.cursor = mark.place;
        spool.end = mark.place;
        let found = look_through(&spool.file, mark.place, length)?;
        let path = spool.path.display().to_string();
        match found.rest {
            Rest::Nothing => {}
            Rest::Torn => {
                let torn = length - found.end;
                let text = format!(
                    "the last record in the event spool {path} is torn and left out ({torn} bytes)"
                );
                (spool.tell)(Level::Warn, text);
                spool.file.set_len(found.end)?;
            }
            Rest::Damage => {
                let why = format!("a record at byte {} is damaged", found.end);
                return spool.set_aside(&why, found.end, found.count);
            }
        }
        spool.end = found.end;
        spool.unread = found.count;
        Ok(spool)
    }

    /// Events that have not been read.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Bytes of events that are not done.
    pub(super) fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.mark.place)
    }

    /// Records before this number are not needed any more.
    pub(super) fn done(&mut self, number: u64) -> io::Result<()> {
        let mut place = self.mark.place;
        let done = self.held.iter().take_while(|(held, _)| *held < number);
        let mut count = 0;
        for (_, end) in done {
            place = *end;
            count += 1;
        }
        if place != self.mark.place {
            self.set_mark(place)?;
        }
        self.held.drain(..count);
        if self.unread == 0 && self.held.is_empty() && self.end > EMPTY_BYTES_MAX {
            self.file.set_len(FIRST_RECORD)?;
            (self.end, self.cursor) = (FIRST_RECORD, FIRST_RECORD);
            self.set_mark(FIRST_RECORD)?;
        }
        let passed = self.mark.place - FIRST_RECORD;
        if passed > EMPTY_BYTES_MAX.max(self.maxbytes / 2) {
            self.rewrite(&[], self.mark.place, &[])?;
        }
        Ok(())
    }

    fn set_mark(&mut self, place: u64) -> io::Result<()> {
        let generation = self.mark.generation.wrapping_add(1);
        let mark = Mark { generation, place };
        let (at, bytes) = spool::mark_bytes(mark);
        self.file.write_all_at(&bytes, at)?;
        self.mark = mark;
        Ok(())
    }

    /// Writes events behind all others, as far as there is room. Tells how many. Nothing is written if it fails.
    pub(super) fn append(&mut self, events: &[Envelope]) -> io::Result<usize> {
        let (bytes, taken) = self.encode(events, self.bytes());
        if let Err(error) = self.file.write_all_at(&bytes, self.end) {
            self.refused = true;
            // The next record is written over what stands there now; without it a crash would leave damage behind.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.refused = false;
        self.end += bytes.len() as u64;
        self.unread += taken as u64;
        Ok(taken)
    }

    /// The records of as many events as there is room for beside `used` bytes, and how many these are.
    pub(super) fn encode(&self, events: &[Envelope], used: u64) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        let mut taken = 0;
        for event in events {
            let before = bytes.len();
            if !spool::encode(event, &mut bytes) {
                let text = format!(
                    "event {} is too large for a spool and dropped",
                    event.serial
                );
                (self.tell)(Level::Error, text);
            }
            if used.saturating_add(bytes.len() as u64) > self.maxbytes {
                bytes.truncate(before);
                break;
            }
            taken += 1;
        }
        (bytes, taken)
    }

    /// The next events.
    pub(super) fn read(&mut self, pool: &Arc<str>, max: usize) -> io::Result<Vec<(u64, Envelope)>> {
        let mut events = Vec::new();
        let mut window = Window::new(&self.file, self.cursor, self.end);
        let (mut damage, mut unread) = (false, self.unread);
        while events.len() < max && unread > 0 {
            let read = window.at.saturating_sub(self.cursor);
            if !events.is_empty() && read >= READ_BYTES_MAX {
                break;
            }
            match window.next()? {
                Some(Record::Whole { event, .. }) => events.push((event, window.at)),
                Some(Record::Partial { .. } | Record::Damaged { .. }) | None => {
                    damage = true;
                    break;
                }
            }
            unread -= 1;
        }
        // Only now: a failing disk must leave everything as it was.
        self.unread = unread;
        self.cursor = window.at;
        let mut numbered = Vec::with_capacity(events.len());
        for (event, end) in events {
            numbered.push((self.number, envelope(pool, event)));
            self.held.push_back((self.number, end));
            self.number += 1;
        }
        if damage {
            self.give_up_the_rest();
        }
        Ok(numbered)
    }

    /// The rest of the file cannot be read although it could when it was opened: somebody else has written to it.
    fn give_up_the_rest(&mut self) {
        let bad = beside(&self.path, ".bad");
        let text = format!(
            "the event spool {} is damaged at byte {}; {} events are lost, {}",
            self.path.display(),
            self.cursor,
            self.unread,
            match fs::copy(&self.path, &bad) {
                Ok(_) => format!("a copy is in {}", bad.display()),
                Err(error) => format!("and it could not be copied to {}: {error}", bad.display()),
            }
        );
        (self.tell)(Level::Error, text);
        self.unread = 0;
        self.end = self.cursor;
        // The next record is written over what stands there; see `append`.
        let _ = self.file.set_len(self.end);
    }
}

/// Opens for reading and writing, locks, and makes sure that the path still leads to what was locked.
pub(super) fn open_locked(path: &Path) -> io::Result<File> {
    /// Another daemon may put a new file in its place at the same time, but not again and again.
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(path)?;
        let opened = file.metadata()?;
        if !opened.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another supervisord uses it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let there = fs::metadata(path);
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino())) {
            return Ok(file);
        }
    }
    Err(io::Error::other("it is replaced again and again"))
}

fn envelope(pool: &Arc<str>, (serial, pool_serial, event): (u64, u64, Arc<Event>)) -> Envelope {
    Envelope {
        serial,
        pool: pool.clone(),
        pool_serial,
        event,
    }
}

/// Counts the records from a place on.
pub(super) fn look_through(file: &File, from: u64, length: u64) -> io::Result<Found> {
    let mut window = Window::new(file, from, length);
    let mut count = 0;
    let claimed = loop {
        match window.next()? {
            None => break None,
            Some(Record::Whole { .. }) => count += 1,
            Some(Record::Partial { needed }) => break Some(needed),
            Some(Record::Damaged { length }) => break Some(length),
        }
    };
    let left = length.saturating_sub(window.at);
    let rest = match claimed {
        None => Rest::Nothing,
        Some(claimed) if claimed as u64 >= left && left <= TORN_BYTES_MAX => Rest::Torn,
        Some(_) => Rest::Damage,
    };
    Ok(Found {
        count,
        end: window.at,
        rest,
    })
}

/// Part of a file, read record by record.
struct Window<'a> {
    file: &'a File,
    /// The place of the next record.
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    used: usize,
}

impl<'a> Window<'a> {
    fn new(file: &'a File, at: u64, end: u64) -> Self {
        Self {
            file,
            at,
            end,
            bytes: Vec::new(),
            used: 0,
        }
    }

    /// The next record; none at the end.
    fn next(&mut self) -> io::Result<Option<Record>> {
        if self.at >= self.end {
            return Ok(None);
        }
        loop {
            let rest = self.bytes.get(self.used..).unwrap_or_default();
            let record = spool::decode(rest);
            match record {
                Record::Partial { needed } if self.fill(needed)? => {}
                Record::Partial { .. } | Record::Damaged { .. } => return Ok(Some(record)),
                Record::Whole { length, .. } => {
                    self.used += length;
                    self.at += length as u64;
                    return Ok(Some(record));
                }
            }
        }
    }

    /// Sees to it that there are so many bytes; false if the file has no more.
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        if needed > left {
            return Ok(false);
        }
        let length = needed.max(CHUNK_BYTES).min(left);
        self.bytes.resize(length, 0);
        self.used = 0;
        match self.file.read_exact_at(&mut self.bytes, self.at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
