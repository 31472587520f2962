//! The logs threads: they own the output pipes of children, their log files, rotation, and the main log.
//!
//! Only they open, write or rename a log, and each has the logs of one device, so a disk that hangs holds up its own logs
//! and nothing else. The first has the main log besides and what is on no device; others are started with the first log
//! that needs them ([`route`]).
//! They refuse to decide anything: what a captured text means is up to the core, which hears of it by a [`Fact`].

mod auto;
mod backlog;
mod carried;
mod counts;
mod ending;
mod flood;
mod follow;
mod ledger;
mod logger;
mod main_log;
mod notes;
mod order;
mod output;
mod place;
mod printer;
mod room;
mod rotation;
mod route;
mod sink;
mod sinks;
mod stamp;
mod target;
mod teller;
#[cfg(test)]
mod tests;
mod thread;

pub use auto::{auto_log_path, clean_auto_logs};
pub use backlog::Charge;
pub use carried::{CarriedChannel, CarriedLogs, CarriedRun, HeldLog};
pub(crate) use counts::SavedCount;
pub use counts::{Count, Counts};
pub use ending::{Stopped, Stuck};
pub use follow::{Board, Follower, Loss, Writer};
pub(crate) use logger::Gathering;
pub use logger::Logger;
pub use main_log::{MainLog, MainLogSettings};
pub use order::{Fact, Order};
pub use output::OutputState;
pub use place::{Place, locate};

use logger::Forward;
use place::Scout;
use provost_model::{Run, Ticket};
use provost_os::spot::{Paths, Refusal, Spot};
use route::{Clearing, Home};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use teller::Teller;
use thread::Handle;

/// Whether a log can be opened by this user. Makes it if it is not there.
pub(crate) fn can_open(path: &Path, paths: Paths) -> Result<(), Refusal> {
    target::Target::open(path, paths).map(drop)
}

/// The same without making anything: one that is not there is looked for only as far as its directory.
pub(crate) fn could_open(path: &Path, paths: Paths) -> Result<(), Refusal> {
    if path.exists() {
        can_open(path, paths)
    } else {
        Spot::find(path, paths).map(drop)
    }
}

/// Bytes read from one pipe in one turn at most, so that a flood of one child leaves room for the others.
const CHUNK_BYTES: usize = provost_os::pipe::WIDE_BYTES;

/// How children's output is treated, for all processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildLogSettings {
    /// Drop ANSI escape sequences.
    pub strip_ansi: bool,
}

/// Logs threads at most, the first included. Devices beyond share by turns.
const THREADS_MAX: usize = 16;

/// So many threads may there be before a device gets one more for itself: as many are left over for other devices.
const THREADS_FOR_MORE: usize = 8;

/// The running logs threads.
pub struct Logs {
    /// The first is there always. Where one is none, it was handed over while another one hung.
    threads: Vec<Option<Handle>>,
    /// Which thread has which lane of which device.
    places: Vec<(Place, usize)>,
    /// The first thread serves nobody who would miss it: it takes the first device there is.
    first_is_free: bool,
    /// Threads that a device may have; none is one.
    lanes: Option<usize>,
    /// It hung when the life before ended.
    first_hung: bool,
    /// Runs with a channel on another thread than the first.
    homes: HashMap<Run, Home>,
    /// Logs of several threads that are being cleared.
    clears: HashMap<Ticket, Clearing>,
    scout: Scout,
    teller: Teller,
    forward: Forward,
    level: Arc<AtomicU8>,
    paths: Paths,
    settings: ChildLogSettings,
    board: Board,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logs({:?})", self.board)
    }
}

/// Starts the first thread. `facts` is called on whichever thread there is for each fact; it must not block.
///
/// # Errors
///
/// When the system has no descriptors or threads left; the main log is lost with it.
pub fn start(
    main: MainLog,
    settings: ChildLogSettings,
    facts: Box<dyn Fn(Fact) + Send>,
) -> io::Result<Logs> {
    let (paths, level, board) = (main.sinks.paths(), main.level(), Board::default());
    let (file, has_others) = main.outlets();
    let place = file.map_or(Place::Anywhere, locate);
    let teller = Teller::new(facts);
    let first = Handle::start(0, main, settings, teller.clone(), &board)?;
    let mut logs = Logs {
        forward: Forward::to(first.logger()),
        threads: vec![Some(first)],
        places: Vec::new(),
        first_is_free: place == Place::Anywhere && !has_others,
        lanes: None,
        first_hung: false,
        homes: HashMap::new(),
        clears: HashMap::new(),
        scout: Scout::default(),
        teller,
        level,
        paths,
        settings,
        board,
    };
    if place != Place::Anywhere {
        logs.settle(place, 0);
    }
    Ok(logs)
}

/// The same beside threads of an earlier life that hang.
///
/// # Errors
///
/// As [`start`].
pub fn start_beside(
    stuck: Stuck,
    mut main: MainLog,
    settings: ChildLogSettings,
    facts: Box<dyn Fn(Fact) + Send>,
) -> io::Result<Logs> {
    let Some(mut logs) = stuck.into_logs() else {
        return start(main, settings, facts);
    };
    logs.first_hung = logs.threads.first().is_some_and(Option::is_some);
    if !logs.first_hung {
        main.share_level(logs.level.clone());
        let first = Handle::start(0, main, settings, logs.teller.clone(), &logs.board)?;
        logs.forward.lead(first.logger());
        if let Some(place) = logs.threads.first_mut() {
            *place = Some(first);
        }
    }
    logs.teller.open(facts);
    logs.go_on();
    Ok(logs)
}

impl Logs {
    /// A handle to the main log.
    pub fn logger(&self) -> Logger {
        let first = self.threads.first().and_then(Option::as_ref);
        first.map_or_else(Logger::nowhere, Handle::logger)
    }

    /// Where others learn that a log has grown. The main log is known by its path, too.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// What was written to each log.
    pub fn counts(&self) -> &Counts {
        self.board.counts()
    }
}
