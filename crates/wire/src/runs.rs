//! Run records: a line for each process that supervisord has started, from before it runs until its end. Besides, a line
//! with the first number that no event has got.
//!
//! A line of text with a checksum, words between spaces. Names and paths are escaped, so that whatever they hold a line
//! stays a line. A second line tells that the process has ended. Lines that are damaged are counted and left out; what
//! stands before and behind them counts.

use crate::checksum::crc32;
use provost_model::{Pid, Signal};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// Bytes of the longest line: two paths and two names of any length that the system takes, escaped.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// The first word of a line about a process that was started.
const STARTED: &str = "run1";
/// The first word of a line about one that has ended.
const ENDED: &str = "end1";
/// The first word of a line about numbers of events.
const NUMBERED: &str = "num1";
/// What stands for a value that is not known.
const NONE: &str = "-";

/// What tells one process from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The boot of the machine; empty when the system does not tell it.
    pub boot: String,
    /// The namespace of pids.
    pub namespace: Option<u64>,
    /// Its number there.
    pub pid: Pid,
    /// When it started, in ticks since the boot.
    pub ticks: Option<u64>,
    /// A number that no other process of the boot has.
    pub pidfd: Option<u64>,
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRule {
    /// The first signal.
    pub signal: Signal,
    /// Seconds until SIGKILL.
    pub wait_secs: i64,
    /// Whether the first signal goes to the process group.
    pub stop_group: bool,
    /// Whether SIGKILL does.
    pub kill_group: bool,
}

/// A process that was started, and all that is needed to take it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Which process.
    pub identity: Identity,
    /// Number of the run in the daemon that started it.
    pub run: u64,
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// When it was started: wall seconds.
    pub started_secs: i64,
    /// The user that it was started as.
    pub uid: u32,
    /// A number over its configuration.
    pub digest: u64,
    /// The numbers of the pipes at its descriptors 0, 1 and 2; none for what is no pipe, or the same as at 1.
    pub pipes: [Option<u64>; 3],
    /// The files with made-up names that its output goes to.
    pub auto_logs: [Option<PathBuf>; 2],
    /// How it is stopped when nothing else is known of it.
    pub stop: StopRule,
}

/// What a file of records holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Processes of which no end is known, oldest first.
    pub running: Vec<RunRecord>,
    /// Events of the next life get numbers from here on; 0 when nothing is known of the numbers before.
    pub serials: u64,
    /// Lines that could not be read.
    pub damaged: usize,
}

/// Where a daemon with this pid file keeps its run records.
pub fn path_beside(pidfile: &Path) -> PathBuf {
    let mut path = pidfile.as_os_str().to_owned();
    path.push(".runs");
    PathBuf::from(path)
}

/// The line about a process that was started, with its end of line. None when it would be too long.
pub fn started(record: &RunRecord) -> Option<String> {
    let mut line = identity_words(STARTED, &record.identity);
    let stop = &record.stop;
    let flags = u8::from(stop.stop_group) | u8::from(stop.kill_group) << 1;
    let _ = write!(
        line,
        " {} {} {} {:016x} {} {} {flags}",
        record.run,
        record.started_secs,
        record.uid,
        record.digest,
        stop.signal.number(),
        stop.wait_secs,
    );
    for pipe in record.pipes {
        number_word(&mut line, pipe);
    }
    text_word(&mut line, Some(record.group.as_bytes()));
    text_word(&mut line, Some(record.name.as_bytes()));
    for path in &record.auto_logs {
        text_word(
            &mut line,
            path.as_ref().map(|path| path.as_os_str().as_bytes()),
        );
    }
    seal(&mut line);
    (line.len() <= LINE_BYTES_MAX).then_some(line)
}

/// The line that voids the one of a process.
pub fn ended(identity: &Identity) -> String {
    let mut line = identity_words(ENDED, identity);
    seal(&mut line);
    line
}

/// The line that tells from where on numbers of events are free. 0 tells that they may begin anew.
pub fn serials(until: u64) -> String {
    let mut line = format!("{NUMBERED} {until}");
    seal(&mut line);
    line
}

/// Reads a file of records. Of several lines about one process, or about numbers, the last counts.
pub fn read(bytes: &[u8]) -> Reading {
    let (mut damaged, mut serials) = (0, 0);
    // Places are looked up and holes are left, so that it takes no longer for each line the more there are.
    let (mut running, mut places) = (Vec::new(), HashMap::new());
    for line in bytes.split(|&byte| byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        match read_line(line) {
            Some(Line::Started(record)) => {
                let before = places.insert(record.identity.clone(), running.len());
                forget(&mut running, before);
                running.push(Some(record));
            }
            Some(Line::Ended(identity)) => forget(&mut running, places.remove(&identity)),
            Some(Line::Numbered(until)) => serials = until,
            None => damaged += 1,
        }
    }
    Reading {
        running: running
            .into_iter()
            .flatten()
            .map(|record| *record)
            .collect(),
        serials,
        damaged,
    }
}

/// Takes a record out of its place.
fn forget(records: &mut [Option<Box<RunRecord>>], place: Option<usize>) {
    if let Some(record) = place.and_then(|place| records.get_mut(place)) {
        *record = None;
    }
}

enum Line {
    Started(Box<RunRecord>),
    Ended(Identity),
    Numbered(u64),
}

/// What the lines begin with of all processes that were started in the same boot and the same namespace.
pub fn shared_part(identity: &Identity) -> String {
    place_words(STARTED, identity)
}

fn place_words(first: &str, identity: &Identity) -> String {
    let mut line = first.to_owned();
    text_word(&mut line, Some(identity.boot.as_bytes()));
    number_word(&mut line, identity.namespace);
    line
}

fn identity_words(first: &str, identity: &Identity) -> String {
    let mut line = place_words(first, identity);
    let _ = write!(line, " {}", identity.pid.0);
    number_word(&mut line, identity.ticks);
    number_word(&mut line, identity.pidfd);
    line
}

fn number_word(line: &mut String, number: Option<u64>) {
    let _ = match number {
        Some(number) => write!(line, " {number}"),
        None => write!(line, " {NONE}"),
    };
}

/// A text begins with `=`, so that an empty one is a word, too.
fn text_word(line: &mut String, text: Option<&[u8]>) {
    let Some(text) = text else {
        return number_word(line, None);
    };
    line.push_str(" =");
    for &byte in text {
        if byte.is_ascii_graphic() && byte != b'%' {
            line.push(char::from(byte));
        } else {
            let _ = write!(line, "%{byte:02x}");
        }
    }
}

fn seal(line: &mut String) {
    let sum = crc32(line.as_bytes());
    let _ = writeln!(line, " {sum:08x}");
}

fn read_line(line: &[u8]) -> Option<Line> {
    if line.len() > LINE_BYTES_MAX {
        return None;
    }
    let (text, sum) = std::str::from_utf8(line).ok()?.rsplit_once(' ')?;
    if sum.len() != 8 || u32::from_str_radix(sum, 16) != Ok(crc32(text.as_bytes())) {
        return None;
    }
    let mut words = Words(text.split(' '));
    let first = words.next()?;
    if first == NUMBERED {
        let until = words.plain()?;
        return words.next().is_none().then_some(Line::Numbered(until));
    }
    let identity = Identity {
        boot: words.text()??,
        namespace: words.number()?,
        pid: Pid(words.plain()?),
        ticks: words.number()?,
        pidfd: words.number()?,
    };
    match first {
        STARTED => read_started(&mut words, identity).map(Line::Started),
        ENDED => words.next().is_none().then_some(Line::Ended(identity)),
        _ => None,
    }
}

fn read_started(words: &mut Words<'_>, identity: Identity) -> Option<Box<RunRecord>> {
    let run = words.plain()?;
    let started_secs = words.plain()?;
    let uid = words.plain()?;
    let digest = u64::from_str_radix(words.next()?, 16).ok()?;
    let signal = Signal::from_raw(words.plain()?);
    let wait_secs = words.plain()?;
    let flags: u8 = words.plain()?;
    let pipes = [words.number()?, words.number()?, words.number()?];
    let (group, name) = (words.text()??, words.text()??);
    let auto_logs = [words.path()?, words.path()?];
    if words.0.next().is_some() {
        return None;
    }
    Some(Box::new(RunRecord {
        identity,
        run,
        group,
        name,
        started_secs,
        uid,
        digest,
        pipes,
        auto_logs,
        stop: StopRule {
            signal,
            wait_secs,
            stop_group: flags & 1 != 0,
            kill_group: flags & 2 != 0,
        },
    }))
}

/// The words of a line, one after the other. The outer `None` means that the line is damaged.
struct Words<'a>(std::str::Split<'a, char>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn plain<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.next()?.parse().ok()
    }

    #[expect(clippy::option_option, reason = "damaged, not known, known")]
    fn number(&mut self) -> Option<Option<u64>> {
        match self.next()? {
            NONE => Some(None),
            word => word.parse().ok().map(Some),
        }
    }

    #[expect(clippy::option_option, reason = "damaged, not known, known")]
    fn bytes(&mut self) -> Option<Option<Vec<u8>>> {
        let word = self.next()?;
        if word == NONE {
            return Some(None);
        }
        let mut rest = word.strip_prefix('=')?.bytes();
        let mut bytes = Vec::new();
        while let Some(byte) = rest.next() {
            bytes.push(if byte == b'%' {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            } else {
                byte
            });
        }
        Some(Some(bytes))
    }

    #[expect(clippy::option_option, reason = "damaged, not known, known")]
    fn text(&mut self) -> Option<Option<String>> {
        match self.bytes()? {
            Some(bytes) => String::from_utf8(bytes).ok().map(Some),
            None => Some(None),
        }
    }

    #[expect(clippy::option_option, reason = "damaged, not known, known")]
    fn path(&mut self) -> Option<Option<PathBuf>> {
        let bytes = self.bytes()?;
        Some(bytes.map(|bytes| PathBuf::from(OsString::from_vec(bytes))))
    }
}
