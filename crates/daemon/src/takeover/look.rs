//! Finding a moment at which the old daemon has nothing in its hands, and what it has open then.
//!
//! It is halted wherever it happens to be. Only where it waits for descriptors has it written all that it has read, and
//! answered all that it was asked; anywhere else it is let go on, and halted again a moment later.

use super::old::Old;
use super::seize::uncopied;
use provost_model::Pid;
use provost_os::family::children_of;
use provost_os::foreign::{self, Descriptor, Kind, SocketKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a client may be silent on its connection before it is held to want nothing.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// Bytes that the main log may grow by between two looks and still be read.
const GROWTH_MAX: u64 = 1 << 20;

/// What the old daemon has open, at a moment at which it has nothing in its hands.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Where it has the ends of pipes, by their numbers.
    pub(super) to_write: BTreeMap<u64, i32>,
    pub(super) to_read: BTreeMap<u64, i32>,
    /// Sockets at which it waits for clients.
    pub(super) listening: Vec<SocketKind>,
    /// Clients that are connected and silent.
    pub(super) silent_clients: usize,
}

/// Why this is not the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// It does something.
    AtWork,
    /// A program does not read what was sent to it.
    Writing,
    /// It has clients.
    Clients(usize),
    /// What it told of its processes does not hold any more.
    Changed(String),
    /// It has written a line that may tell of a change.
    Told(String),
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtWork => f.write_str("it was at work each time that it was looked at"),
            Self::Writing => f.write_str(
                "a program does not read what was sent to its standard input, and the old supervisord still holds it",
            ),
            Self::Clients(count) => write!(
                f,
                "{count} clients wait for an answer or send a call; let them end (a `supervisorctl tail -f`, say)"
            ),
            Self::Changed(what) | Self::Told(what) => write!(f, "its processes change all the time ({what})"),
        }
    }
}

/// What the old daemon told of its processes.
#[derive(Debug)]
pub(super) struct Told {
    /// The pids of its programs.
    pub(super) programs: Vec<Pid>,
    /// Whether one of them is STARTING: then a silent client may be one that waits for that. Of calls that wait for a stop
    /// nothing need be known, since nothing is taken over while something is STOPPING.
    pub(super) is_starting: bool,
}

/// What was seen before.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Clients by the number of their socket: since when they are silent.
    clients: BTreeMap<u64, Instant>,
    /// Children that are none of its programs.
    strangers: BTreeSet<Pid>,
}

impl Memory {
    /// Children of the old daemon that are none of its programs.
    pub(super) fn strangers(&self) -> usize {
        self.strangers.len()
    }
}

/// Looks at the old daemon, which is halted.
pub(super) fn look(
    old: &Old,
    told: &Told,
    main_log: Option<&Growth>,
    memory: &mut Memory,
) -> Result<Result<Sight, Busy>, String> {
    let unseen = |error| format!("could not look into the old supervisord: {error}");
    let Some(polled) = foreign::polled(old.pid).map_err(unseen)? else {
        return Ok(Err(Busy::AtWork));
    };
    let open = foreign::descriptors(old.pid).map_err(unseen)?;
    let mut sight = Sight::default();
    let mut waits_for_clients = false;
    let mut clients = BTreeMap::new();
    for Descriptor { number, kind } in open {
        let waited = polled.iter().find(|polled| polled.number == number);
        match kind {
            Kind::PipeToRead(pipe) => {
                sight.to_read.insert(pipe, number);
            }
            Kind::PipeToWrite(pipe) => {
                sight.to_write.insert(pipe, number);
                if waited.is_some_and(|polled| polled.to_write) {
                    return Ok(Err(Busy::Writing));
                }
            }
            Kind::Socket(socket) => match look_at(old, number)? {
                SocketKind::Connected(unread) => {
                    if let Some(polled) = waited {
                        let now = Instant::now();
                        let is_silent = unread == 0 && !polled.to_write;
                        let since = memory.clients.get(&socket).copied();
                        clients.insert(socket, since.filter(|_| is_silent).unwrap_or(now));
                    }
                }
                SocketKind::Other => {}
                listening => {
                    waits_for_clients |= waited.is_some();
                    sight.listening.push(listening);
                }
            },
            Kind::Other => {}
        }
    }
    // Other code of the process may wait for something of its own.
    if !waits_for_clients {
        return Ok(Err(Busy::AtWork));
    }
    let is_loud = |since: &&Instant| told.is_starting || since.elapsed() < SILENT_AFTER;
    let loud = clients.values().filter(is_loud).count();
    sight.silent_clients = clients.len();
    memory.clients = clients;
    if loud > 0 {
        return Ok(Err(Busy::Clients(loud)));
    }
    if let Some(what) = change(old.pid, &told.programs, memory) {
        return Ok(Err(Busy::Changed(what)));
    }
    if let Some(line) = main_log.and_then(Growth::line) {
        return Ok(Err(Busy::Told(line)));
    }
    Ok(Ok(sight))
}

fn look_at(old: &Old, number: i32) -> Result<SocketKind, String> {
    let copy = old.process.copy_of(number);
    let copy = copy.map_err(|errno| uncopied(number, errno))?;
    Ok(foreign::look_at_socket(copy))
}

/// What happened to its processes since it told of them.
fn change(old: Pid, programs: &[Pid], memory: &mut Memory) -> Option<String> {
    if let Some(ended) = programs
        .iter()
        .find(|pid| !foreign::is_living_child(**pid, old))
    {
        return Some(format!("pid {ended} has ended"));
    }
    let others = children_of(old).into_iter();
    let others: BTreeSet<Pid> = others
        .filter(|pid| !programs.contains(pid) && foreign::is_living_child(*pid, old))
        .collect();
    if let Some(new) = others.difference(&memory.strangers).next().copied() {
        // If it tells nothing of it a second time, it is none of its programs.
        memory.strangers = others;
        return Some(format!("pid {new} was started"));
    }
    memory.strangers = others;
    None
}

/// The main log of the old daemon, and how long it was when it told of its processes: each change of a state is a line there.
#[derive(Debug)]
pub(super) struct Growth {
    path: PathBuf,
    inode: u64,
    length: u64,
}

impl Growth {
    /// From now on. None when there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        Some(Self {
            path: path.to_owned(),
            inode: found.ino(),
            length: found.len(),
        })
    }

    /// A line since then that may tell of a change.
    fn line(&self) -> Option<String> {
        let file = File::open(&self.path).ok()?;
        let found = file.metadata().ok()?;
        let grown = found.len().checked_sub(self.length);
        let grown = grown.filter(|&grown| grown <= GROWTH_MAX && found.ino() == self.inode);
        let Some(grown) = grown else {
            return Some("its main log was begun anew".to_owned());
        };
        let mut bytes = vec![0; usize::try_from(grown).ok()?];
        file.read_exact_at(&mut bytes, self.length).ok()?;
        telling(&String::from_utf8_lossy(&bytes)).map(str::to_owned)
    }
}

/// The first of these lines of a main log that is not merely for debugging.
fn telling(lines: &str) -> Option<&str> {
    let levels = ["INFO", "WARN", "ERRO", "CRIT"];
    lines.lines().find(|line| {
        let level = line.split(' ').nth(2);
        level.is_some_and(|level| levels.contains(&level))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_debugging_tell_of_no_change() {
        let noise =
            "2030-01-01 00:00:00,1 DEBG 'a' stdout output:\nINFO\n2030-01-01 00:00:00,1 BLAT x\n";
        assert_eq!(telling(noise), None);
        let line = "2030-01-01 00:00:00,1 INFO stopped: a (terminated by SIGTERM)";
        assert_eq!(telling(&format!("{noise}{line}\n")), Some(line));
    }
}
