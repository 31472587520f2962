//! A directory with one log and its generations, on a disk that fills, fails and is touched by others.
//!
//! It remembers of each byte when it was written, not what it was: that is the account's part. What must not happen to a
//! file is told as a violation the moment it happens.

mod shelf;

use crate::account::Account;
use crate::plants::Plant;
use provost_capture::rotate::{Name, Rotation};
use provost_capture::sink::{Device, Kind, Said, Standing};
use provost_model::Errno;
use provost_testkit::sim::rng::Rng;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime};

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EAGAIN: i32 = 11;
const ENOENT: i32 = 2;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EPIPE: i32 = 32;

/// What a reader's pipe holds.
const PIPE_BYTES: u64 = 64 << 10;

/// How often things fail, in permille.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) eio: u32,
    pub(crate) short: u32,
    pub(crate) rename: u32,
    pub(crate) create: u32,
    pub(crate) open: u32,
}

/// A file: where in all that was ever written its bytes stand.
#[derive(Clone, Debug, Default)]
struct File {
    stretches: Vec<(u64, u64)>,
    has_name: bool,
    ends_line: bool,
}

impl File {
    fn len(&self) -> u64 {
        self.stretches.iter().map(|(from, to)| to - from).sum()
    }
}

/// The directory and its disk.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) dice: Rng,
    pub(crate) rates: Rates,
    pub(crate) plant: Plant,
    pub(crate) kind: Kind,
    /// Bytes the disk holds, and those of others on it.
    pub(crate) capacity: u64,
    pub(crate) foreign: u64,
    /// For a log with a reader: what waits for it, and whether it is there.
    pub(crate) unread: u64,
    pub(crate) reader: bool,
    /// Operations until the daemon is killed; none while it is not to be.
    pub(crate) fuse: Option<u32>,
    pub(crate) dead: bool,
    pub(crate) account: Account,
    pub(crate) now: Duration,
    pub(crate) trace: Vec<String>,
    pub(crate) maxbytes: i64,
    pub(crate) backups: i64,
    /// The last rotation failed; the next may rest for a while.
    pub(crate) rotation_failed: bool,
    /// Since the last step: something was written, and a file could not be made anew.
    pub(crate) wrote: bool,
    anew_failed: bool,
    /// Bytes of files that are gone, by rotation and by others.
    pub(crate) expired: u64,
    pub(crate) taken: u64,
    clearing: bool,
    files: Vec<File>,
    names: BTreeMap<Name, usize>,
    /// Files that others gave another name.
    away: Vec<usize>,
    open: usize,
    fresh: Option<usize>,
    /// All bytes that were ever written.
    written: u64,
}

impl Disk {
    pub(crate) fn new(dice: Rng, plant: Plant, kind: Kind) -> Self {
        Self {
            dice,
            rates: Rates::default(),
            plant,
            kind,
            capacity: u64::MAX,
            foreign: 0,
            unread: 0,
            reader: true,
            fuse: None,
            dead: false,
            account: Account::default(),
            now: Duration::ZERO,
            trace: Vec::new(),
            maxbytes: 0,
            backups: 0,
            rotation_failed: false,
            wrote: false,
            anew_failed: false,
            expired: 0,
            taken: 0,
            clearing: false,
            files: Vec::new(),
            names: BTreeMap::new(),
            away: Vec::new(),
            open: 0,
            fresh: None,
            written: 0,
        }
    }

    fn error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    /// Whether an operation is not done, because the daemon is dead by now or because it fails.
    fn refuses(&mut self, permille: u32, number: i32) -> Option<Errno> {
        if let Some(left) = &mut self.fuse {
            self.dead |= *left == 0;
            *left = left.saturating_sub(1);
        }
        if self.dead {
            return Some(Errno(EINTR));
        }
        self.dice.chance(permille).then_some(Errno(number))
    }

    fn used(&self) -> u64 {
        let named = self.names.values().chain(&self.away);
        let mut all: Vec<usize> = named.copied().chain([self.open]).collect();
        all.sort_unstable();
        all.dedup();
        let ours: u64 = all
            .iter()
            .filter_map(|at| Some(self.files.get(*at)?.len()))
            .sum();
        ours + self.foreign
    }

    fn make(&mut self) -> usize {
        self.files.push(File {
            has_name: true,
            ends_line: true,
            ..File::default()
        });
        self.files.len() - 1
    }

    fn file(&mut self, at: usize) -> &mut File {
        &mut self.files[at]
    }

    /// What is open gets the log's name, or the file of that name is opened.
    pub(crate) fn open(&mut self) {
        let named = self.names.get(&Name::Log).copied();
        let at = named.unwrap_or_else(|| {
            let at = self.make();
            self.names.insert(Name::Log, at);
            at
        });
        self.open = at;
    }

    /// A step begins.
    pub(crate) fn begin(&mut self) {
        self.wrote = false;
        self.anew_failed = false;
    }

    pub(crate) fn length_of_log(&self) -> Option<u64> {
        let at = self.names.get(&Name::Log)?;
        (*at == self.open).then(|| self.files[*at].len())
    }

    /// Somebody removes the log.
    pub(crate) fn others_remove(&mut self) {
        if let Some(at) = self.names.remove(&Name::Log) {
            self.taken += self.files[at].len();
            self.file(at).has_name = false;
        }
    }

    /// Somebody empties it.
    pub(crate) fn others_truncate(&mut self) {
        if let Some(at) = self.names.get(&Name::Log).copied() {
            self.taken += self.files[at].len();
            self.file(at).stretches.clear();
            self.file(at).ends_line = true;
        }
    }

    /// Somebody gives it another name, as rotation by others does.
    pub(crate) fn others_move(&mut self) {
        if let Some(at) = self.names.remove(&Name::Log) {
            self.away.push(at);
        }
    }

    /// A client has the log cleared; tells whether it was.
    pub(crate) fn clear(&mut self) -> bool {
        self.fresh = None;
        self.clearing = true;
        let done = provost_capture::rotate::replace(self).is_ok();
        self.clearing = false;
        if done && let Some(at) = self.fresh.take() {
            self.open = at;
        }
        done
    }

    /// Bytes reach the end of the file that is open.
    fn append(&mut self, whole: &[u8], count: usize) {
        let bytes = whole.get(..count).unwrap_or_default();
        let (from, to) = (self.written, self.written + bytes.len() as u64);
        self.written = to;
        let orphaned = self.kind == Kind::Regular && !self.files[self.open].has_name;
        if orphaned {
            self.taken += bytes.len() as u64;
            if !self.anew_failed {
                self.account
                    .fail("I11", "written to a file without a name".to_owned());
            }
        }
        let before = self.files[self.open].ends_line;
        let file = &mut self.files[self.open];
        match file.stretches.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => file.stretches.push((from, to)),
        }
        file.ends_line = bytes.last() == Some(&b'\n');
        self.wrote = true;
        self.account.appended(whole, count, before);
    }

    /// A file loses its place to another one.
    fn replaced(&mut self, at: usize, place: Name) {
        let len = self.files[at].len();
        self.file(at).has_name = false;
        if self.clearing {
            self.taken += len;
            return;
        }
        self.expired += len;
        let oldest = Name::Backup(u64::try_from(self.backups).unwrap_or(0));
        if place != oldest {
            self.account.fail(
                "I13",
                format!("{place:?} was lost, {oldest:?} is the oldest"),
            );
        }
        let last = self.files[at].stretches.last().map_or(0, |(_, to)| *to);
        let others = self.names.values().filter(|other| **other != at);
        let younger = |other: &usize| {
            let first = self.files[*other].stretches.first();
            first.is_none_or(|(from, _)| *from >= last)
        };
        if !others.copied().all(|other| younger(&other)) {
            self.account
                .fail("I13", format!("{place:?} was lost and is not the oldest"));
        }
    }

    /// I11, I13: the generations stand in the order in which they were written, and are no more than they may be.
    pub(crate) fn look(&mut self) {
        let mut last = u64::MAX;
        let mut found = Vec::new();
        for (name, at) in &self.names {
            match name {
                Name::Successor => continue,
                Name::Backup(number) if i64::try_from(*number).is_ok_and(|n| n > self.backups) => {
                    found.push(("I13", format!("there is a generation {number}")));
                }
                _ => {}
            }
            for (from, to) in self.files[*at].stretches.iter().rev() {
                if *to > last {
                    found.push((
                        "I11",
                        format!("{name:?} has what is younger than the one before"),
                    ));
                }
                last = *from;
            }
        }
        for (rule, what) in found {
            self.account.fail(rule, what);
        }
    }

    /// I11: what was written is in files, or was taken away by rotation or by others.
    pub(crate) fn sum(&mut self) {
        let named = self.names.values().chain(&self.away);
        let there: u64 = named.map(|at| self.files[*at].len()).sum();
        let known = there + self.expired + self.taken;
        if self.kind == Kind::Regular && known != self.written {
            let what = format!("{} were written, {known} are known", self.written);
            self.account.fail("I11", what);
        }
    }

    fn write_file(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.refuses(self.rates.eio, EIO) {
            return Err(Self::error(errno.0));
        }
        let free = self.capacity.saturating_sub(self.used());
        let mut fits = usize::try_from(free).unwrap_or(usize::MAX).min(bytes.len());
        if fits == 0 {
            return Err(Self::error(ENOSPC));
        }
        if self.dice.chance(self.rates.short) {
            fits = 1 + self.dice.index(fits);
        }
        self.append(bytes, fits);
        Ok(fits)
    }

    fn write_stream(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.refuses(0, 0) {
            return Err(Self::error(errno.0));
        }
        if !self.reader {
            return Err(Self::error(EPIPE));
        }
        let room = PIPE_BYTES.saturating_sub(self.unread);
        let fits = usize::try_from(room).unwrap_or(0).min(bytes.len());
        if fits == 0 {
            return Err(Self::error(EAGAIN));
        }
        self.unread += fits as u64;
        self.append(bytes, fits);
        Ok(fits)
    }
}

impl Device for Disk {
    type Error = Errno;

    fn kind(&self) -> Kind {
        self.kind
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_marker = bytes.trim_ascii_start().starts_with(b"supervisord");
        let changed;
        let bytes = match self.plant {
            Plant::SwallowsMarkers if is_marker => return Ok(bytes.len()),
            Plant::CountsWrongly if is_marker => {
                let digit = bytes.iter().rposition(u8::is_ascii_digit);
                let first = bytes.iter().position(u8::is_ascii_digit);
                changed = bytes
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| match byte {
                        b'0'..=b'8' if Some(at) == first && digit.is_some() => byte + 1,
                        byte => *byte,
                    })
                    .collect::<Vec<u8>>();
                &changed
            }
            _ => bytes,
        };
        let done = match self.kind {
            Kind::Regular => self.write_file(bytes),
            _ => self.write_stream(bytes),
        };
        match self.plant {
            Plant::TakesShortForWhole => done.map(|_| bytes.len()),
            Plant::HidesErrors => done.or(Ok(bytes.len())),
            _ => done,
        }
    }

    fn standing(&mut self) -> Option<Standing> {
        let file = &self.files[self.open];
        Some(Standing {
            length: file.len(),
            has_name: file.has_name || self.plant == Plant::MissesRemoval,
        })
    }

    fn make_anew(&mut self) -> Result<(), Errno> {
        if let Some(errno) = self.refuses(self.rates.open, ENOSPC) {
            self.anew_failed = true;
            return Err(errno);
        }
        Disk::open(self);
        Ok(())
    }

    fn rotate(&mut self, rotation: Rotation) -> Result<(), Errno> {
        self.fresh = None;
        let done = rotation.rotate(self);
        self.rotation_failed = done.is_err();
        if let (Ok(()), Some(at)) = (done, self.fresh.take()) {
            self.open = at;
        }
        done
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now
    }

    fn stamp(&mut self, when: SystemTime) -> String {
        let since = when.duration_since(SystemTime::UNIX_EPOCH);
        format!("{}", since.unwrap_or_default().as_secs())
    }

    fn say(&mut self, said: Said<'_>) {
        let text = match said {
            Said::Waits { reason } => format!("waits ({reason})"),
            Said::ReaderIsSlow => "its reader is slow".to_owned(),
            Said::ReaderLeft => {
                self.account.reader_left();
                "its reader has left".to_owned()
            }
            Said::Fails { errno, .. } => format!("fails: {errno}"),
            Said::Works { lost } => format!("works, {} bytes were lost", lost.bytes),
            Said::MadeAnew => "made anew".to_owned(),
            Said::Orphaned { error } => format!("not made anew: {error}"),
            Said::NotRotated { error } => format!("not rotated: {error}"),
        };
        self.trace.push(format!("   says: {text}"));
    }
}
