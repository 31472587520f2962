//! The api thread: sockets, HTTP and XML-RPC, for any number of clients side by side.
//!
//! It turns bytes into requests for the core and answers into bytes, and knows no more. It never waits for one client:
//! each connection is a task of its own on the one thread, files are read by helper threads ([`readers`]), and
//! every phase in which a client could hold something has a limit. With nothing to do it sleeps without a timer.

mod about;
mod accept;
mod auth;
mod body;
mod caller;
pub mod carry;
mod clerk;
mod clock;
mod connection;
mod crowd;
mod files;
mod follow;
mod followed;
mod guesses;
mod helper;
mod hosts;
mod identify;
pub mod outside;
mod percent;
mod readers;
mod record;
mod renewal;
mod reports;
mod reserve;
mod respond;
mod rest;
mod route;
mod rpc;
mod sender;
mod shares;
mod spare;
mod stream;
mod tls;
mod watch;
mod web;

use crate::audit::Audit;
use crate::control::ControlHandle;
use crate::logs::{Board, Logger};
use crate::pulse::Pulse;
use crate::shell::Loader;
pub use about::About;
use accept::Acceptor;
use carry::tape::Carry;
pub use carry::{Carried, CarriedConnection, ConnectionState};
use clerk::Clerk;
use crowd::Crowd;
use guesses::Guesses;
use identify::Strangers;
use provost_model::Level;
use provost_model::access::AccessSpec;
use provost_model::config::{Interface, ServerSpec};
use provost_os::spot::Paths;
use provost_wire::methods::Methods;
use readers::Readers;
use reports::Reports;
use reserve::Reserve;
use shares::Shares;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch as signal;
use tokio::task::LocalSet;

/// How long a reader stays without work: for good.
const READER_STAYS: Duration = Duration::from_hours(24 * 365 * 10);

/// How long answers under way may take to leave once the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a hand-over waits for what is neither the core's nor a client's to give: a line of the audit log, a piece of a
/// log, a look at a password. What takes longer is done anew by the next image.
const HAND_OVER: Duration = Duration::from_millis(80);

/// And how long for what nothing should hold up. Only a bug takes so long.
const HAND_OVER_MAX: Duration = Duration::from_secs(1);

/// TCP connections at once, unless descriptors are scarce.
const TCP_CONNECTIONS: usize = 512;

/// Unix socket connections at once, unless descriptors are scarce. A number of their own: whoever fills the TCP side
/// leaves the operator's way in. A user who is neither root nor our own gets half of them.
const UNIX_CONNECTIONS: usize = 64;

/// TCP connections of one address at once, unless descriptors are scarce: nobody takes all places.
const ADDRESS_CONNECTIONS: usize = 64;

/// Streams of events at once, unless descriptors are scarce. They last for hours and cost little, so that they take no places
/// of connections: pages that are open all over a house leave room for requests.
const STREAMS: usize = 512;

/// Calls that one user has open with helpers, who may not do everything: half of what one helper takes.
const USER_CALLS: usize = 32;

/// Restarts from the pages that one user has under way, who may not do everything: half of all.
const USER_RESTARTS: usize = 32;

/// Proofs of one address or user that wait to be looked at: half of all.
const ORIGIN_LOGINS: usize = 32;

/// Bytes of headers of requests under way of one user who may not do everything: 32 of the longest.
const USER_HEADERS: usize = 512 * 1024;

/// Bytes of bodies that such a user has under way, or one of any size that is taken.
const USER_BODIES: usize = 16 * 1024 * 1024;

/// Bytes of answers to such a user that are made or not read yet, or one of any size. Short ones do not count.
const USER_ANSWERS: usize = 64 * 1024 * 1024;

/// Bytes of an answer that is short: all that a user can have of those is less than two large ones.
const SHORT_ANSWER: usize = 64 * 1024;

/// A socket that listens.
#[derive(Debug)]
pub enum Listener {
    /// `[inet_http_server]`.
    Tcp(std::net::TcpListener),
    /// `[unix_http_server]`.
    Unix(std::os::unix::net::UnixListener),
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        match listener {
            Listener::Tcp(listener) => listener.into(),
            Listener::Unix(listener) => listener.into(),
        }
    }
}

/// A server with its open socket.
#[derive(Debug)]
pub struct OpenServer {
    /// Its configuration.
    pub spec: ServerSpec,
    /// Its socket.
    pub listener: Listener,
}

impl OpenServer {
    /// The same socket once more; none where the system has no descriptors left.
    pub(crate) fn copy(&self) -> Option<Self> {
        let listener = match &self.listener {
            Listener::Tcp(listener) => listener.try_clone().map(Listener::Tcp),
            Listener::Unix(listener) => listener.try_clone().map(Listener::Unix),
        };
        Some(Self {
            spec: self.spec.clone(),
            listener: listener.ok()?,
        })
    }
}

/// What the api thread needs.
pub struct ApiSettings {
    /// Where to listen.
    pub servers: Vec<OpenServer>,
    /// Answers requests.
    pub control: ControlHandle,
    /// supervisord's own log, when it is a file.
    pub main_log: Option<PathBuf>,
    /// How the paths of logs are treated.
    pub paths: Paths,
    /// Takes lines for the main log.
    pub logger: Logger,
    /// Tells when a log that a client follows has grown.
    pub board: Board,
    /// Namespaces and their interfaces, from the `[rpcinterface:x]` sections.
    pub namespaces: Vec<(String, Interface)>,
    /// For how long it is kept what processes take.
    pub history: Duration,
    /// Descriptors that this process may have open; connections take at most three eighths of them,
    /// streams a quarter.
    pub descriptors: usize,
    /// Who may do what.
    pub access: AccessSpec,
    /// Tells of what happens to processes.
    pub pulse: Pulse,
    /// What there is to tell of the configuration.
    pub about: About,
    /// Reads the configuration again.
    pub(crate) loader: Option<Loader>,
    /// Takes records of calls.
    pub(crate) audit: Option<Audit>,
    /// Connections of an earlier image of the daemon.
    pub carried: Vec<CarriedConnection>,
}

/// The running api thread.
#[derive(Debug)]
pub struct Api {
    stop: signal::Sender<bool>,
    hand_over: signal::Sender<bool>,
    thread: JoinHandle<Option<Carried>>,
}

/// What all connections share.
struct Context {
    control: ControlHandle,
    methods: Methods,
    main_log: Option<PathBuf>,
    paths: Paths,
    logger: Logger,
    board: Board,
    readers: Readers,
    stopping: signal::Receiver<bool>,
    /// Everything goes to another image.
    handing: signal::Receiver<bool>,
    /// How far that has come.
    carry: Rc<Cell<Carry>>,
    /// What is ready to go.
    carried: RefCell<Vec<CarriedConnection>>,
    access: Arc<AccessSpec>,
    clerk: Clerk,
    audit: Option<Audit>,
    strangers: RefCell<Strangers>,
    /// Tells of limits that clients reach.
    reports: Rc<Reports>,
    /// The last descriptors.
    reserve: Reserve,
    /// The connections over TCP and over unix sockets.
    tcp: Rc<Crowd>,
    unix: Rc<Crowd>,
    /// What one user may have of what there is little of.
    user_calls: Shares<String>,
    user_restarts: Shares<String>,
    user_headers: Shares<String>,
    user_bodies: Shares<String>,
    user_answers: Shares<String>,
    origin_logins: Shares<crowd::Origin>,
    /// Failed logins.
    guesses: Guesses,
    /// For the longest answers.
    spare: Rc<spare::Spare>,
    /// The name of the machine.
    machine: String,
    web: web::Web,
    works: web::Works,
    pulse: Pulse,
    about: About,
    loader: Option<Loader>,
    /// Clients that follow what happens, how many there may be, and the shares of users.
    streams: Cell<usize>,
    streams_max: usize,
    user_streams: Shares<String>,
    usage: rest::Usage,
    vigil: rest::Vigil,
}

impl Context {
    /// Logs at the level of upstream's lines about single requests, which is rarely on.
    fn trace(&self, line: impl FnOnce() -> String) {
        if self.logger.enabled(Level::Trace) {
            self.logger.log(Level::Trace, line());
        }
    }
}

/// Starts the thread. Fails when the thread or its event queue cannot be made, a socket cannot be watched,
/// or the system has no random bytes.
pub fn start(settings: ApiSettings) -> io::Result<Api> {
    let ApiSettings {
        servers,
        control,
        main_log,
        paths,
        logger,
        board,
        namespaces,
        descriptors,
        history,
        access,
        pulse,
        about,
        loader,
        audit,
        carried,
    } = settings;
    let web = web::Web::new()?;
    let access = Arc::new(access);
    let clerk = Clerk::start(Arc::clone(&access))?;
    let (stop, stopping) = signal::channel(false);
    let (hand_over, handing) = signal::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(readers::READERS_MAX)
        .thread_name("api-reader")
        .thread_keep_alive(READER_STAYS)
        .build()?;
    // The first reader is there before anybody asks: without one, a system that has no thread left ends the call that
    // wants a log in a panic. With one, others wait for it.
    drop(runtime.spawn_blocking(|| ()));
    let entered = runtime.enter();
    let listeners = servers
        .into_iter()
        .map(|server| accept::watch(server, &logger))
        .collect::<io::Result<Vec<_>>>()?;
    drop(entered);
    let thread = std::thread::Builder::new()
        .name("api".to_owned())
        .spawn(move || {
            let unix = UNIX_CONNECTIONS.min(descriptors / 8).max(1);
            let streams_max = STREAMS.min(descriptors / 4).max(1);
            let context = Context {
                reports: Reports::new(logger.clone()),
                reserve: Reserve::default(),
                tcp: Rc::new(Crowd::new(
                    TCP_CONNECTIONS.min(descriptors / 4).max(1),
                    ADDRESS_CONNECTIONS,
                )),
                unix: Rc::new(Crowd::new(unix, (unix / 2).max(1))),
                user_calls: Shares::new(USER_CALLS),
                user_restarts: Shares::new(USER_RESTARTS),
                user_headers: Shares::new(USER_HEADERS),
                user_bodies: Shares::new(USER_BODIES),
                user_answers: Shares::new(USER_ANSWERS),
                origin_logins: Shares::new(ORIGIN_LOGINS),
                guesses: Guesses::default(),
                spare: Rc::default(),
                control,
                methods: Methods::new(namespaces),
                main_log,
                paths,
                logger,
                board,
                readers: Readers::default(),
                stopping,
                handing,
                carry: Rc::default(),
                carried: RefCell::default(),
                access,
                clerk,
                audit,
                strangers: RefCell::default(),
                machine: provost_os::stdio::hostname(),
                web,
                works: web::Works::default(),
                pulse,
                about,
                loader,
                streams: Cell::new(0),
                streams_max,
                // An eighth is left to others.
                user_streams: Shares::new(streams_max - streams_max.div_ceil(8)),
                usage: rest::Usage::new(history),
                vigil: rest::Vigil::default(),
            };
            let context = Rc::new(context);
            let served = serve(context, listeners, carried);
            let carried = LocalSet::new().block_on(&runtime, served);
            // A reader that hangs on its disk must not keep the daemon.
            runtime.shutdown_background();
            carried
        })?;
    Ok(Api {
        stop,
        hand_over,
        thread,
    })
}

impl Api {
    /// Closes the listening sockets, lets answers under way out for up to a second, and ends the thread.
    pub fn stop(self) {
        // The thread can only be gone already if it panicked, and then there is nothing left to stop.
        let _ = self.stop.send(true);
        let _ = self.thread.join();
    }

    /// Ends the thread without closing anything, and gives out all it holds for the next one to go on with.
    ///
    /// The control thread calls it, and answers nothing from then on: an answer that comes while this runs may find nobody.
    /// What it has not looked at yet goes through [`Carried::take_back`].
    ///
    /// It takes some milliseconds; at most a tenth of a second where a disk is slow.
    pub fn hand_over(self) -> Carried {
        // As above: a thread that panicked has nothing left.
        let _ = self.hand_over.send(true);
        self.thread.join().ok().flatten().unwrap_or_default()
    }
}

async fn serve(
    context: Rc<Context>,
    listeners: Vec<accept::Watched>,
    carried: Vec<CarriedConnection>,
) -> Option<Carried> {
    let (tcp, unix) = (Rc::clone(&context.tcp), Rc::clone(&context.unix));
    let (mut stopping, mut handing) = (context.stopping.clone(), context.handing.clone());
    context.usage.begin(&context);
    tokio::task::spawn_local(context.pulse.clone().pass_on());
    let acceptors: Vec<Acceptor> = listeners
        .into_iter()
        .map(|listener| {
            let (own, other) = if listener.is_unix() {
                (&unix, &tcp)
            } else {
                (&tcp, &unix)
            };
            Acceptor::new(
                Rc::clone(&context),
                listener,
                Rc::clone(own),
                Rc::clone(other),
            )
        })
        .collect();
    let servers: Vec<_> = acceptors.iter().map(Acceptor::server).collect();
    for connection in carried {
        accept::resume(&context, &servers, connection);
    }
    let acceptors: Vec<_> = acceptors
        .into_iter()
        .map(|acceptor| tokio::task::spawn_local(acceptor.run()))
        .collect();
    tokio::select! {
        Ok(_) = handing.wait_for(|is| *is) => {
            return Some(give_away(&context, acceptors, &tcp, &unix).await);
        }
        // An error means that the sender is gone, which is a stop as well.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    for acceptor in &acceptors {
        acceptor.abort();
    }
    let farewell = async {
        tcp.disperse().await;
        unix.disperse().await;
    };
    // Whoever has not read its answer by then does without.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    None
}

/// Collects everything for another image.
async fn give_away(
    context: &Rc<Context>,
    acceptors: Vec<tokio::task::JoinHandle<io::Result<OpenServer>>>,
    tcp: &Crowd,
    unix: &Crowd,
) -> Carried {
    context.carry.set(Carry::Wanted);
    let rest = async {
        tcp.empty().await;
        unix.empty().await;
        while !context.works.are_at_rest() {
            tokio::task::yield_now().await;
        }
    };
    // Those that wait are waited for together: whoever is woken does its part while others are waited for.
    let is_calm = tokio::time::timeout(HAND_OVER, rest).await.is_ok();
    let mut servers = Vec::new();
    for acceptor in acceptors {
        match acceptor.await {
            Ok(Ok(server)) => servers.push(server),
            Ok(Err(error)) => {
                let text = format!("a server could not be handed over: {error}");
                context.logger.log(Level::Error, text);
            }
            // It panicked, and its socket is closed.
            Err(_) => {}
        }
    }
    if !is_calm {
        context.carry.set(Carry::Forced);
    }
    // Also for those that were accepted a moment ago.
    let rest = async {
        tcp.empty().await;
        unix.empty().await;
    };
    let _ = tokio::time::timeout(HAND_OVER_MAX, rest).await;
    for work in context.works.left_behind() {
        let (state, log) = (work.take_work(), None);
        if let Ok(socket) = stream::nobody() {
            let connection = CarriedConnection { socket, log, state };
            context.carried.borrow_mut().push(connection);
        }
    }
    Carried {
        servers,
        connections: context.carried.take(),
        next_request: context.control.next_number(),
    }
}

#[cfg(test)]
mod tests;
