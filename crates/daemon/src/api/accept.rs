//! Accepting clients, and deciding who stays when there are too many.
//!
//! When all places are taken, the longest idle connection makes room, or else the one that has been silent for longest
//! since it was accepted; so whoever opens connections and says nothing displaces only his own kind. When everybody is
//! at work the newcomer is refused.

use super::carry::tape::{Origin, Tape};
use super::carry::{self, CarriedConnection};
use super::connection::Beginning;
use super::reports::Limit;
use super::route::Server;
use super::stream::Socket;
use super::watch::{Verdict, Watch, Worth};
use super::{Context, Listener, OpenServer, connection, respond, tls};
use hyper::StatusCode;
use provost_model::Level;
use provost_model::config::ServerSpec;
use rustls::ServerConfig;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;

/// How long accepting rests when it fails for lack of something.
const REST: Duration = Duration::from_millis(100);

/// `EMFILE` and `ENFILE`: this process, or the system, has no descriptors left.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// A server whose socket the event queue watches.
pub(super) struct Watched {
    spec: ServerSpec,
    socket: Listening,
    tls: Option<Arc<ServerConfig>>,
}

enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Puts a server's socket under the eyes of the runtime that was entered.
pub(super) fn watch(server: OpenServer) -> io::Result<Watched> {
    let socket = match server.listener {
        Listener::Tcp(socket) => {
            socket.set_nonblocking(true)?;
            Listening::Tcp(TcpListener::from_std(socket)?)
        }
        Listener::Unix(socket) => {
            socket.set_nonblocking(true)?;
            Listening::Unix(UnixListener::from_std(socket)?)
        }
    };
    let tls = server.spec.tls.as_ref().map(tls::config).transpose()?;
    Ok(Watched {
        spec: server.spec,
        socket,
        tls,
    })
}

impl Watched {
    pub(super) fn is_unix(&self) -> bool {
        matches!(self.socket, Listening::Unix(_))
    }
}

impl Listening {
    fn into_listener(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(socket) => Listener::Tcp(socket.into_std()?),
            Self::Unix(socket) => Listener::Unix(socket.into_std()?),
        })
    }

    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(socket) => socket
                .accept()
                .await
                .map(|(stream, address)| Socket::Tcp(stream, address)),
            Self::Unix(socket) => socket
                .accept()
                .await
                .map(|(stream, _)| Socket::Unix(stream)),
        }
    }
}

/// Accepts the clients of one server.
pub(super) struct Acceptor {
    context: Rc<Context>,
    listener: Listening,
    server: Rc<Server>,
    own: Rc<Crowd>,
    other: Rc<Crowd>,
    /// A descriptor to give up when there are no others, so that whoever waits can be told.
    spare: Option<File>,
}

impl Acceptor {
    /// `own` is the crowd of its clients, `other` the one to displace from when descriptors run out.
    pub(super) fn new(
        context: Rc<Context>,
        watched: Watched,
        own: Rc<Crowd>,
        other: Rc<Crowd>,
    ) -> Self {
        let server = Rc::new(Server::new(watched.spec, watched.tls, &context.machine));
        Self {
            context,
            listener: watched.socket,
            server,
            own,
            other,
            spare: spare(),
        }
    }

    /// The server whose clients it accepts.
    pub(super) fn server(&self) -> (Rc<Server>, Rc<Crowd>) {
        (Rc::clone(&self.server), Rc::clone(&self.own))
    }

    /// Accepts until all is handed over, and gives its socket back then.
    pub(super) async fn run(mut self) -> io::Result<OpenServer> {
        let mut handing = self.context.handing.clone();
        loop {
            let accepted = tokio::select! {
                biased;
                Ok(_) = handing.wait_for(|is| *is) => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok(socket) => self.welcome(socket).await,
                Err(error)
                    if error
                        .raw_os_error()
                        .is_some_and(|number| NO_DESCRIPTORS.contains(&number)) =>
                {
                    self.make_room(&error).await;
                }
                // The client left before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.complain(&error);
                    tokio::time::sleep(REST).await;
                }
            }
        }
        Ok(OpenServer {
            spec: self.server.spec().clone(),
            listener: self.listener.into_listener()?,
        })
    }

    async fn welcome(&self, socket: Socket) {
        let (place, reached) = Crowd::admit(&self.own, socket.address());
        if let Some(limit) = reached {
            self.context
                .reports
                .reached(limit, || self.crowded(limit, &socket, place.is_some()));
        }
        match place {
            Some(own) => {
                let origin = Origin {
                    server: carry::address(self.server.spec()),
                    address: socket.socket_address(),
                    process: socket.process(),
                };
                let (control, carry) = (self.context.control.clone(), &self.context.carry);
                let beginning = Beginning {
                    tape: Rc::new(Tape::new(control, Rc::clone(carry), origin)),
                    closing: None,
                };
                let (context, server) = (Rc::clone(&self.context), Rc::clone(&self.server));
                tokio::task::spawn_local(connection::serve(
                    context, server, socket, own, beginning,
                ));
            }
            None => self.turn_away(&socket).await,
        }
    }

    /// What the log says when there are too many.
    fn crowded(&self, limit: Limit, socket: &Socket, admitted: bool) -> String {
        let section = &self.server.spec().section;
        let who = match (limit, socket.address()) {
            (Limit::ConnectionsOfAddress, Some(address)) => {
                format!("{address} has {} connections", self.own.places_of_address)
            }
            _ => format!("there are {} connections", self.own.places),
        };
        let what = if admitted {
            "one that asks nothing makes room for the next"
        } else {
            "all are at work, and the next is refused"
        };
        format!("{who} to [{section}], which is the limit: {what}")
    }

    /// Gets a descriptor from a connection that can be spared, or else turns the next client away with the spare one.
    async fn make_room(&mut self, error: &io::Error) {
        if self.own.displace() || self.other.displace() {
            // The displaced connection's task runs before this one does again, and closes its socket.
            tokio::task::yield_now().await;
            return;
        }
        self.complain(error);
        self.spare = None;
        if let Ok(Ok(socket)) = tokio::time::timeout(REST, self.listener.accept()).await {
            self.turn_away(&socket).await;
        }
        self.spare = spare();
        tokio::time::sleep(REST).await;
    }

    /// Tells a client that there is no place. Before a handshake there are no words for that.
    async fn turn_away(&self, socket: &Socket) {
        if self.server.tls().is_none() {
            let words = respond::last_words(StatusCode::SERVICE_UNAVAILABLE);
            socket.say(&words).await;
        }
    }

    fn complain(&self, error: &io::Error) {
        let section = &self.server.spec().section;
        self.context.logger.log(
            Level::Error,
            format!("cannot accept connections for [{section}] at present: {error}"),
        );
    }
}

/// Goes on with a connection of one of these servers. One whose server is no more ends here.
pub(super) fn resume(
    context: &Rc<Context>,
    servers: &[(Rc<Server>, Rc<Crowd>)],
    carried: CarriedConnection,
) {
    let CarriedConnection { socket, log, state } = carried;
    let (is_used, is_detached) = (state.is_used, state.is_detached);
    let closing = state.is_closing.then_some(state.lingers);
    let server = servers
        .iter()
        .find(|(server, _)| carry::address(server.spec()) == state.server);
    let (address, carry) = (state.address, Rc::clone(&context.carry));
    // Dropped without being served it withdraws what it asked.
    let tape = Tape::resume(context.control.clone(), carry, state, log.map(File::from));
    // A socket that cannot be watched cannot be served either.
    let Some(((server, crowd), socket)) =
        server.zip(Socket::carried(socket, address, is_detached).ok())
    else {
        return;
    };
    // The server speaks TLS now, and this client does not.
    if server.tls().is_some() && !is_detached {
        return;
    }
    let place = Crowd::take_in(crowd, socket.address(), Watch::carried(is_used));
    let beginning = Beginning {
        tape: Rc::new(tape),
        closing,
    };
    tokio::task::spawn_local(connection::serve(
        Rc::clone(context),
        Rc::clone(server),
        socket,
        place,
        beginning,
    ));
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// The connections that share a number of places.
pub(super) struct Crowd {
    places: usize,
    places_of_address: usize,
    next: Cell<u64>,
    members: RefCell<BTreeMap<u64, Member>>,
    left: Notify,
}

struct Member {
    watch: Rc<Watch>,
    address: Option<IpAddr>,
}

impl Crowd {
    pub(super) fn new(places: usize, places_of_address: usize) -> Self {
        Self {
            places,
            places_of_address,
            next: Cell::new(0),
            members: RefCell::new(BTreeMap::new()),
            left: Notify::new(),
        }
    }

    /// A place, if need be that of somebody who can be spared; and which limit was reached, if one was.
    ///
    /// Who has all places of an address makes room among his own connections.
    pub(super) fn admit(
        crowd: &Rc<Self>,
        address: Option<IpAddr>,
    ) -> (Option<Place>, Option<Limit>) {
        let of_address = || {
            let members = crowd.members.borrow();
            let same = members.values().filter(|member| member.address == address);
            same.count()
        };
        let (reached, made_room) = if address.is_some() && of_address() >= crowd.places_of_address {
            let own = crowd.displace_among(|member| member.address == address);
            (Some(Limit::ConnectionsOfAddress), own)
        } else if crowd.members.borrow().len() >= crowd.places {
            (Some(Limit::Connections), crowd.displace())
        } else {
            (None, true)
        };
        if !made_room {
            return (None, reached);
        }
        let place = Self::take_in(crowd, address, Watch::new());
        (Some(place), reached)
    }

    /// A place for whoever has one by right.
    fn take_in(crowd: &Rc<Self>, address: Option<IpAddr>, watch: Watch) -> Place {
        let number = crowd.next.get();
        crowd.next.set(number.wrapping_add(1));
        let watch = Rc::new(watch);
        let member = Member {
            watch: Rc::clone(&watch),
            address,
        };
        crowd.members.borrow_mut().insert(number, member);
        Place {
            crowd: Rc::clone(crowd),
            number,
            watch,
        }
    }

    /// Ends the connection that can best be spared; false when all are at work.
    pub(super) fn displace(&self) -> bool {
        self.displace_among(|_| true)
    }

    fn displace_among(&self, may: impl Fn(&Member) -> bool) -> bool {
        let mut members = self.members.borrow_mut();
        let spared = members
            .iter()
            .filter(|(_, member)| may(member))
            .filter_map(|(number, member)| Some((member.watch.worth()?, *number)))
            .min();
        let Some(((worth, _), number)) = spared else {
            return false;
        };
        if let Some(member) = members.remove(&number) {
            member.watch.end(match worth {
                Worth::Idle => Verdict::Silent,
                Worth::Unheard => Verdict::Displaced,
            });
        }
        true
    }

    /// Has all connections look around, and waits until there is none.
    pub(super) async fn empty(&self) {
        self.members
            .borrow()
            .values()
            .for_each(|member| member.watch.wake());
        while !self.members.borrow().is_empty() {
            self.left.notified().await;
        }
    }

    /// Ends all connections after the answer each has under way, and waits for that.
    pub(super) async fn disperse(&self) {
        self.members
            .borrow()
            .values()
            .for_each(|member| member.watch.finish());
        while !self.members.borrow().is_empty() {
            self.left.notified().await;
        }
    }
}

/// The place of a connection in its crowd, given back when dropped.
pub(super) struct Place {
    crowd: Rc<Crowd>,
    number: u64,
    watch: Rc<Watch>,
}

impl Place {
    /// What the connection is doing.
    pub(super) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members.borrow_mut().remove(&self.number);
        self.crowd.left.notify_one();
    }
}
