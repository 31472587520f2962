//! Accepting clients, and deciding who stays when there are too many.
//!
//! When all places are taken, the longest idle connection makes room, or else the one that has been silent for longest
//! since it was accepted; so whoever opens connections and says nothing displaces only his own kind. When everybody is
//! at work the newcomer is refused. The last descriptors are not for clients: see [`super::reserve`].

use super::carry::tape::{Origin, Tape};
use super::carry::{self, CarriedConnection};
use super::connection::Beginning;
use super::crowd::{Crowd, Origin as From, Place};
use super::renewal::Renewal;
use super::reports::Limit;
use super::reserve::{self, Reserved};
use super::route::Server;
use super::stream::Socket;
use super::watch::Watch;
use super::{Context, Listener, OpenServer, connection, respond};
use crate::logs::Logger;
use hyper::StatusCode;
use provost_model::Level;
use provost_model::config::ServerSpec;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// How long accepting rests when it fails for lack of something.
const REST: Duration = Duration::from_millis(100);

/// `EMFILE` and `ENFILE`: this process, or the system, has no descriptors left.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// A server whose socket the event queue watches.
pub(super) struct Watched {
    spec: ServerSpec,
    socket: Listening,
    tls: Option<Renewal>,
}

enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Puts a server's socket under the eyes of the runtime that was entered.
pub(super) fn watch(server: OpenServer, logger: &Logger) -> io::Result<Watched> {
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
    let section = &server.spec.section;
    let start = |spec| Renewal::start(spec, section, logger);
    let tls = server.spec.tls.as_ref().map(start).transpose()?;
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
            Self::Tcp(socket) => socket.accept().await.map(|(stream, address)| {
                // What happens is told at once, in small pieces. Without it they are only later.
                let _ = stream.set_nodelay(true);
                Socket::Tcp(stream, address)
            }),
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
            // An operator may have got the last one.
            self.spare = self.spare.take().or_else(spare);
            let accepted = tokio::select! {
                biased;
                Ok(_) = handing.wait_for(|is| *is) => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok(socket) => self.receive(socket).await,
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
        let mut spec = self.server.spec().clone();
        spec.tls = self.server.tls().map(Renewal::spec);
        Ok(OpenServer {
            spec,
            listener: self.listener.into_listener()?,
        })
    }

    /// Lets a client in that costs none of the last descriptors, or for whom there is room among them.
    async fn receive(&self, socket: Socket) {
        if !reserve::is_reserved(&socket) {
            return self.welcome(socket, None).await;
        }
        let mut socket = socket;
        if self.make_way().await {
            match reserve::lower(socket) {
                Ok(lower) => socket = lower,
                // It is closed, for want of everything.
                Err(error) => return self.complain(&error),
            }
            if !reserve::is_reserved(&socket) {
                return self.welcome(socket, None).await;
            }
        }
        if let Some(reserved) = self.context.reserve.admit(&socket) {
            return self.welcome(socket, Some(reserved)).await;
        }
        self.complain(&reserve::exhausted());
        self.turn_away(&socket).await;
        drop(socket);
        tokio::time::sleep(REST).await;
    }

    async fn welcome(&self, socket: Socket, reserved: Option<Reserved>) {
        let (place, reached) = Crowd::admit(&self.own, From::of(&socket));
        if let Some(limit) = reached {
            self.context
                .reports
                .reached(limit, || self.crowded(limit, &socket, place.is_some()));
        }
        match place {
            Some(own) => self.serve(socket, own, reserved),
            None => self.turn_away(&socket).await,
        }
    }

    fn serve(&self, socket: Socket, place: Place, reserved: Option<Reserved>) {
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
        tokio::task::spawn_local(async move {
            connection::serve(context, server, socket, place, beginning).await;
            drop(reserved);
        });
    }

    /// What the log says when there are too many.
    fn crowded(&self, limit: Limit, socket: &Socket, admitted: bool) -> String {
        let section = &self.server.spec().section;
        let many = self.own.places_of_origin;
        let who = match (limit, From::of(socket)) {
            (Limit::ConnectionsOfOrigin, From::Address(address)) => {
                format!("{address} has {many} connections")
            }
            (Limit::ConnectionsOfOrigin, From::User(uid)) => {
                format!("the user with uid {uid} has {many} connections")
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

    /// Ends a connection that can be spared, here or on servers of the other kind; false when there is none.
    async fn make_way(&self) -> bool {
        let is_made = self.own.displace() || self.other.displace();
        if is_made {
            // The displaced connection's task runs before this one does again, and closes its socket.
            tokio::task::yield_now().await;
        }
        is_made
    }

    /// Gets a descriptor from a connection that can be spared. Where none can, the spare one is for an operator, or for
    /// turning the next client away.
    async fn make_room(&mut self, error: &io::Error) {
        if self.make_way().await {
            return;
        }
        self.complain(error);
        self.spare = None;
        if let Ok(Ok(socket)) = tokio::time::timeout(REST, self.listener.accept()).await {
            match self.context.reserve.admit(&socket) {
                Some(reserved) => return self.welcome(socket, Some(reserved)).await,
                None => self.turn_away(&socket).await,
            }
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
    let place = Crowd::take_in(crowd, From::of(&socket), Watch::carried(is_used));
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
