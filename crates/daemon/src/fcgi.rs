//! Sockets that processes share, as the edge has them: opened by a worker, handed to each child as its descriptor 0.
//!
//! When one is opened and closed is the core's decision. Workers open them, because a path may lie on a hung disk and a
//! host may have to be asked for; two attempts at one address never overlap, so that a late one cannot take the address
//! away from its successor.

mod carried;

use crate::done::Done;
use crate::messages;
use crate::shell::Shell;
use crate::spawn_order::Prepared;
use provost_core::Input;
use provost_model::spawn::{SocketProblem, SpawnProblem};
use provost_model::spec::FcgiAddress;
use provost_model::{Errno, FcgiSpec, GroupSpec, Level, Mono, Notice, Run, SocketId, Ticket};
use provost_os::clock;
use provost_os::sockets::{self, BindProblem};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// `EBADF`.
const NOT_OPEN: i32 = 9;

/// `EADDRINUSE`.
const IN_USE: Errno = Errno(98);

/// How long an address that we have closed may be taken still: a child that was forked before and has not executed its
/// program has a copy of the socket until then. That is a matter of milliseconds, on a busy machine of some more.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// How long to wait within that time before such an address is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// What an attempt to open a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To have it.
    Keep(SocketId),
    /// To see whether it can be had.
    Try(Ticket),
}

/// An attempt to open a socket.
#[derive(Debug)]
pub(crate) struct Attempt {
    spec: Arc<FcgiSpec>,
    aim: Aim,
}

/// How far a shared socket has come.
#[derive(Debug)]
enum State {
    /// A worker is at it, or will be. These spawns are prepared and wait for it.
    Opening(Vec<(Run, Prepared)>),
    /// Our copy; children get copies of it.
    Open(OwnedFd),
    /// It could not be opened.
    Failed(SocketProblem),
}

/// A shared socket from the order to open it to the order to close it.
#[derive(Debug)]
struct Shared {
    spec: Arc<FcgiSpec>,
    state: State,
    /// Another worker was started in place of the one that is at it.
    is_relieved: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    all: BTreeMap<SocketId, Shared>,
    /// URLs that a worker is at.
    busy: HashSet<String>,
    /// Attempts that wait until the one before at the same URL is over.
    queue: VecDeque<Attempt>,
    /// Attempts that are made again, and when.
    parked: Vec<(Mono, Attempt)>,
    /// When we closed a socket, by its URL.
    closed: BTreeMap<String, Mono>,
}

impl Sockets {
    /// A descriptor for a child that uses this socket.
    pub(crate) fn copy(&self, socket: SocketId) -> io::Result<OwnedFd> {
        match self.all.get(&socket).map(|shared| &shared.state) {
            Some(State::Open(fd)) => fd.try_clone(),
            Some(State::Opening(_) | State::Failed(_)) | None => {
                Err(io::Error::from_raw_os_error(NOT_OPEN))
            }
        }
    }

    /// The URL of a socket that is being opened.
    pub(crate) fn opening(&self, socket: SocketId) -> Option<&str> {
        let shared = self.all.get(&socket)?;
        match shared.state {
            State::Opening(_) => Some(&shared.spec.url),
            State::Open(_) | State::Failed(_) => None,
        }
    }

    /// Keeps a prepared spawn until its socket is open; gives it back if it need not wait.
    fn hold(&mut self, socket: SocketId, run: Run, prepared: Prepared) -> Option<Prepared> {
        match self.all.get_mut(&socket).map(|shared| &mut shared.state) {
            Some(State::Opening(waiting)) => {
                waiting.push((run, prepared));
                None
            }
            Some(State::Failed(problem)) => Some(Err(SpawnProblem::Socket(problem.clone()))),
            Some(State::Open(_)) | None => Some(prepared),
        }
    }

    /// A worker is done with a socket that is to be kept. Tells the spawns that waited for it.
    fn opened(
        &mut self,
        socket: SocketId,
        result: Result<OwnedFd, SocketProblem>,
    ) -> Vec<(Run, Prepared)> {
        // One that was given up meanwhile is closed by being dropped.
        let Some(shared) = self.all.get_mut(&socket) else {
            return Vec::new();
        };
        let state = match &result {
            Ok(_) => None,
            Err(problem) => Some(SpawnProblem::Socket(problem.clone())),
        };
        let next = result.map_or_else(State::Failed, State::Open);
        let State::Opening(waiting) = std::mem::replace(&mut shared.state, next) else {
            return Vec::new();
        };
        let told = waiting.into_iter().map(|(run, prepared)| match &state {
            None => (run, prepared),
            Some(problem) => (run, Err(problem.clone())),
        });
        told.collect()
    }

    /// Whether another worker is to be started, because the one that opens this socket seems to hang.
    pub(crate) fn relieve(&mut self, socket: SocketId) -> bool {
        let shared = self.all.get_mut(&socket);
        shared.is_some_and(|shared| !std::mem::replace(&mut shared.is_relieved, true))
    }

    /// The program whose processes have this address already.
    fn holder(&self, url: &str) -> Option<&str> {
        let holds =
            |shared: &&Shared| shared.spec.url == url && matches!(shared.state, State::Open(_));
        let holder = self.all.values().find(holds)?;
        Some(&holder.spec.program)
    }

    /// Our own socket at this address was closed.
    fn note_closed(&mut self, url: &str, now: Mono) {
        self.closed
            .retain(|_, closed| now.since(*closed) < LINGER_MAX);
        self.closed.insert(url.to_owned(), now);
    }

    /// Whether an address may be taken only by what is left of our own socket.
    fn lingers(&self, url: &str, now: Mono) -> bool {
        let closed = self.closed.get(url);
        closed.is_some_and(|closed| now.since(*closed) < LINGER_MAX)
    }

    /// Whether nothing is being opened.
    pub(crate) fn is_quiet(&self) -> bool {
        let is_opening = |shared: &Shared| matches!(shared.state, State::Opening(_));
        let is_idle = self.busy.is_empty() && self.queue.is_empty() && self.parked.is_empty();
        is_idle && !self.all.values().any(is_opening)
    }

    /// When the next attempt is made again.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.parked.iter().map(|(at, _)| *at).min()
    }

    /// Takes an attempt that can be made now out of the queue.
    fn next(&mut self) -> Option<Attempt> {
        let is_free = |attempt: &Attempt| !self.busy.contains(&attempt.spec.url);
        let place = self.queue.iter().position(is_free)?;
        self.queue.remove(place)
    }
}

impl Shell {
    /// The core ordered a socket.
    pub(crate) fn open_socket(&mut self, socket: SocketId, spec: Arc<FcgiSpec>) {
        let taken = self.adopted.shared(&spec.url);
        let is_open = taken.is_some();
        let shared = Shared {
            spec: Arc::clone(&spec),
            state: taken.map_or(State::Opening(Vec::new()), State::Open),
            is_relieved: false,
        };
        self.sockets.all.insert(socket, shared);
        if is_open {
            return;
        }
        let aim = Aim::Keep(socket);
        self.sockets.queue.push_back(Attempt { spec, aim });
        self.make_attempts();
    }

    /// The core wants to know whether a socket can be opened.
    pub(crate) fn try_socket(&mut self, ticket: Ticket, spec: Arc<FcgiSpec>) {
        let aim = Aim::Try(ticket);
        self.sockets.queue.push_back(Attempt { spec, aim });
        self.make_attempts();
    }

    /// Nobody uses a socket any more.
    pub(crate) fn close_socket(&mut self, socket: SocketId) {
        let closed = self.sockets.all.remove(&socket);
        if let Some(shared) = closed.filter(|shared| matches!(shared.state, State::Open(_))) {
            self.sockets.note_closed(&shared.spec.url, clock::mono());
        }
    }

    fn make_attempts(&mut self) {
        while let Some(attempt) = self.sockets.next() {
            if let Aim::Keep(socket) = attempt.aim
                && !self.sockets.all.contains_key(&socket)
            {
                continue;
            }
            let url = &attempt.spec.url;
            if let Some(program) = self.sockets.holder(url) {
                let reason = format!("EADDRINUSE, it is the socket of [fcgi-program:{program}]");
                let problem = SocketProblem {
                    url: url.clone(),
                    reason,
                    errno: None,
                };
                self.attempted(attempt.aim, Err(problem));
                continue;
            }
            self.sockets.busy.insert(url.clone());
            let report = self.reporter();
            self.workers.submit(move || {
                let result = open(&attempt.spec);
                report(Done::Opened { attempt, result });
            });
        }
    }

    /// A worker is done with an attempt.
    pub(crate) fn socket_opened(
        &mut self,
        attempt: Attempt,
        result: Result<OwnedFd, SocketProblem>,
    ) {
        self.sockets.busy.remove(&attempt.spec.url);
        let now = clock::mono();
        let in_use = |problem: &SocketProblem| problem.errno == Some(IN_USE);
        if result.as_ref().is_err_and(in_use) && self.sockets.lingers(&attempt.spec.url, now) {
            let at = now.plus(RETRY_PAUSE);
            self.sockets.parked.push((at, attempt));
        } else {
            if result.is_ok() && matches!(attempt.aim, Aim::Try(_)) {
                self.sockets.note_closed(&attempt.spec.url, now);
            }
            self.attempted(attempt.aim, result);
        }
        self.make_attempts();
    }

    /// Makes the attempts again whose pause is over.
    pub(crate) fn retry_sockets(&mut self, now: Mono) {
        let sockets = &mut self.sockets;
        let is_due = |(at, _): &mut (Mono, Attempt)| *at <= now;
        let due = sockets.parked.extract_if(.., is_due);
        sockets.queue.extend(due.map(|(_, attempt)| attempt));
        self.make_attempts();
    }

    fn attempted(&mut self, aim: Aim, result: Result<OwnedFd, SocketProblem>) {
        match aim {
            Aim::Try(ticket) => {
                // It is closed before others are told that it can be had.
                let result = result.map(drop);
                self.tell(Input::SocketTried { ticket, result });
            }
            Aim::Keep(socket) => {
                for (run, prepared) in self.sockets.opened(socket, result) {
                    self.spawn_prepared(run, prepared);
                }
            }
        }
    }

    /// A worker has prepared a spawn, which may have to wait for its socket.
    pub(crate) fn worker_prepared(&mut self, run: Run, prepared: Prepared) {
        let socket = self.children.runs.get(&run).and_then(|child| child.socket);
        let prepared = match socket {
            Some(socket) => self.sockets.hold(socket, run, prepared),
            None => Some(prepared),
        };
        if let Some(prepared) = prepared {
            self.spawn_prepared(run, prepared);
        }
    }
}

/// Opens it; may block.
fn open(spec: &FcgiSpec) -> Result<OwnedFd, SocketProblem> {
    let opened = match &spec.address {
        FcgiAddress::Unix { path, owner, mode } => {
            sockets::listen_unix(path, *mode, *owner, spec.backlog)
        }
        FcgiAddress::Tcp { host, port } => sockets::listen_tcp(host, *port, spec.backlog),
    };
    opened.map_err(|problem: BindProblem| SocketProblem {
        url: spec.url.clone(),
        reason: problem.reason(),
        errno: problem.errno(),
    })
}

/// Opens and closes each socket of these groups once, as upstream does, so that a mistake shows at the start. Stops at
/// the first that cannot be opened.
pub(crate) fn try_all(
    groups: &[Arc<GroupSpec>],
    mut log: impl FnMut(Level, &str),
) -> Result<(), String> {
    let mut tried: Vec<Arc<FcgiSpec>> = Vec::new();
    for spec in groups.iter().flat_map(|group| group.sockets()) {
        if tried.contains(&spec) {
            continue;
        }
        let url: Arc<str> = Arc::from(spec.url.as_str());
        let (level, text) = messages::render(&Notice::CreatingSocket { url: url.clone() });
        log(level, &text);
        let opened = open(&spec).map_err(|problem| {
            let program = &spec.program;
            let advice = "mend what is in the way, or write another address";
            format!("{problem}\nIt is the `socket` of [fcgi-program:{program}]; {advice}.")
        })?;
        let (level, text) = messages::render(&Notice::ClosingSocket { url });
        log(level, &text);
        drop(opened);
        if let Some(other) = tried.iter().find(|other| other.url == spec.url) {
            let (one, two) = (&other.program, &spec.program);
            let text = format!(
                "[fcgi-program:{one}] and [fcgi-program:{two}] have the same socket {}; only one of them can run at a \
                 time",
                spec.url
            );
            log(Level::Warn, &text);
        }
        tried.push(spec);
    }
    Ok(())
}

/// Why a socket that is still being opened is not waited for any longer.
pub(crate) fn overdue(url: &str, seconds: u64) -> SpawnProblem {
    /// `ETIMEDOUT`.
    const TIMED_OUT: Errno = Errno(110);
    SpawnProblem::Socket(SocketProblem {
        url: url.to_owned(),
        reason: format!(
            "{}, it took longer than {seconds} seconds",
            TIMED_OUT.name()
        ),
        errno: Some(TIMED_OUT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_os::sockets::listen_tcp;

    fn spec(program: &str, port: u16) -> Arc<FcgiSpec> {
        Arc::new(FcgiSpec {
            program: program.to_owned(),
            url: format!("tcp://localhost:{port}"),
            address: FcgiAddress::Tcp {
                host: "localhost".to_owned(),
                port,
            },
            backlog: None,
        })
    }

    fn ordered(sockets: &mut Sockets, number: u64, spec: &Arc<FcgiSpec>) -> SocketId {
        let socket = SocketId(number);
        let shared = Shared {
            spec: Arc::clone(spec),
            state: State::Opening(Vec::new()),
            is_relieved: false,
        };
        sockets.all.insert(socket, shared);
        socket
    }

    fn prepared() -> Prepared {
        Err(SpawnProblem::EmptyCommand)
    }

    fn problem(spec: &FcgiSpec) -> SocketProblem {
        SocketProblem {
            url: spec.url.clone(),
            reason: "EADDRINUSE".to_owned(),
            errno: None,
        }
    }

    #[test]
    fn spawns_wait_until_their_socket_is_open() {
        let (mut sockets, spec) = (Sockets::default(), spec("f", 1));
        let socket = ordered(&mut sockets, 1, &spec);
        assert!(sockets.hold(socket, Run(1), prepared()).is_none());
        assert!(sockets.hold(socket, Run(2), prepared()).is_none());
        assert_eq!(sockets.opening(socket), Some("tcp://localhost:1"));
        assert!(sockets.copy(socket).is_err());
        let opened = listen_tcp("127.0.0.1", 0, None).unwrap();
        let runs: Vec<Run> = sockets
            .opened(socket, Ok(opened))
            .into_iter()
            .map(|(run, _)| run)
            .collect();
        assert_eq!(runs, [Run(1), Run(2)]);
        assert!(sockets.hold(socket, Run(3), prepared()).is_some());
        assert_eq!(sockets.holder(&spec.url), Some("f"));
        assert!(sockets.copy(socket).is_ok());
        assert_eq!(sockets.opening(socket), None);
    }

    #[test]
    fn spawns_are_told_why_their_socket_is_not_open() {
        let (mut sockets, spec) = (Sockets::default(), spec("f", 1));
        let socket = ordered(&mut sockets, 1, &spec);
        assert!(sockets.hold(socket, Run(1), prepared()).is_none());
        let told = sockets.opened(socket, Err(problem(&spec)));
        let expected = SpawnProblem::Socket(problem(&spec));
        assert_eq!(told, [(Run(1), Err(expected.clone()))]);
        // One that is prepared later hears the same.
        let late = sockets.hold(socket, Run(2), prepared());
        assert_eq!(late, Some(Err(expected)));
        assert_eq!(sockets.holder(&spec.url), None);
    }

    #[test]
    fn what_comes_for_a_socket_that_was_given_up_is_dropped() {
        let (mut sockets, spec) = (Sockets::default(), spec("f", 1));
        let socket = ordered(&mut sockets, 1, &spec);
        assert!(sockets.hold(socket, Run(1), prepared()).is_none());
        sockets.all.remove(&socket);
        let opened = listen_tcp("127.0.0.1", 0, None).unwrap();
        assert!(sockets.opened(socket, Ok(opened)).is_empty());
        assert!(sockets.all.is_empty());
    }

    #[test]
    fn attempts_at_one_address_follow_each_other_and_others_pass() {
        let mut sockets = Sockets::default();
        let (one, two) = (spec("f", 1), spec("g", 2));
        for (number, spec) in [(1, &one), (2, &one), (3, &two)] {
            let (spec, aim) = (Arc::clone(spec), Aim::Try(Ticket(number)));
            sockets.queue.push_back(Attempt { spec, aim });
        }
        let next = |sockets: &mut Sockets| sockets.next().map(|attempt| attempt.aim);
        assert_eq!(next(&mut sockets), Some(Aim::Try(Ticket(1))));
        sockets.busy.insert(one.url.clone());
        assert_eq!(next(&mut sockets), Some(Aim::Try(Ticket(3))));
        assert_eq!(next(&mut sockets), None);
        sockets.busy.clear();
        assert_eq!(next(&mut sockets), Some(Aim::Try(Ticket(2))));
    }

    #[test]
    fn an_address_lingers_for_a_moment_after_we_closed_it() {
        let mut sockets = Sockets::default();
        let (then, now) = (Mono(0), Mono(0).plus(LINGER_MAX));
        sockets.note_closed("a", then);
        assert!(sockets.lingers("a", then) && !sockets.lingers("b", then));
        assert!(!sockets.lingers("a", now));
        sockets.note_closed("b", now);
        assert_eq!(sockets.closed.len(), 1, "nothing is kept for ever");
    }

    #[test]
    fn another_worker_is_started_once_for_a_socket() {
        let (mut sockets, spec) = (Sockets::default(), spec("f", 1));
        let socket = ordered(&mut sockets, 1, &spec);
        assert!(sockets.relieve(socket));
        assert!(!sockets.relieve(socket));
        assert!(!sockets.relieve(SocketId(7)));
    }
}
