//! Connections that outlive the image of the daemon that accepted them.
//!
//! The api thread stops without closing anything ([`super::Api::hand_over`]): what it holds goes, as descriptors and plain
//! data, to the next image, which is started with it (`ApiSettings::carried`). A request that is not answered is carried
//! as the bytes that came; the next image reads them once more, and finds noted ([`progress`]) what must not be done twice.
//! An answer that is begun is carried as the bytes that are left of it.

pub(super) mod framing;
pub(super) mod progress;
pub(super) mod tape;

use super::OpenServer;
use super::caller::PeerProcess;
use crate::control::ClientMessage;
use progress::Progress;
use provost_model::RequestId;
use provost_model::config::{ServerAddress, ServerSpec};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Receiver;

/// All that an api thread held.
#[derive(Debug, Default)]
pub struct Carried {
    /// Its servers. Clients that nobody has accepted yet wait in their sockets.
    pub servers: Vec<OpenServer>,
    /// Its clients.
    pub connections: Vec<CarriedConnection>,
    /// The number of the next request to the core.
    pub next_request: u64,
}

impl Carried {
    /// Takes what the control thread has not looked at yet, and gives back what the core is still to be told.
    ///
    /// Requests whose clients are carried are not among that: they are asked anew, by whoever goes on with their clients.
    /// What the core is told may make it answer requests that are carried (a helper that spoke wrongly is stopped, say), so
    /// the control thread expects those first, and carries answers that came early.
    pub fn take_back(&mut self, messages: &Receiver<ClientMessage>) -> Vec<ClientMessage> {
        let mut told: Vec<_> = messages.try_iter().collect();
        told.retain(|message| match message {
            ClientMessage::Ask { id, .. } | ClientMessage::Attach { id, .. } => {
                let is_new = matches!(message, ClientMessage::Ask { .. });
                let mut asks = self.connections.iter_mut().map(|connection| {
                    // One that was carried here before stays the core's.
                    &mut connection.state.progress.ask
                });
                match asks.find(|ask| **ask == Some(id.0)) {
                    Some(ask) if is_new => {
                        *ask = None;
                        false
                    }
                    Some(_) => false,
                    None => true,
                }
            }
            ClientMessage::Gone { .. } => true,
        });
        told
    }

    /// The requests whose answers are awaited.
    pub fn requests(&self) -> impl Iterator<Item = RequestId> {
        self.connections
            .iter()
            .filter_map(|connection| connection.state.request())
    }
}

/// A client, or work that goes on though its client has left.
#[derive(Debug)]
pub struct CarriedConnection {
    /// The connected socket; anything for work without a client.
    pub socket: OwnedFd,
    /// The log that the client follows.
    pub log: Option<OwnedFd>,
    /// Everything else.
    pub state: ConnectionState,
}

/// What is known of a connection, without its descriptors.
///
/// Fields are only ever added; those that are missing have their default, and unknown ones are passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionState {
    /// The server that accepted it, by its address.
    pub(super) server: String,
    /// The client's address, on TCP.
    pub(super) address: Option<SocketAddr>,
    /// The client's process when it connected, on a unix socket.
    #[serde(with = "progress::process")]
    pub(super) process: Option<PeerProcess>,
    /// What came, from the first request on that is not answered.
    #[serde(with = "progress::bytes")]
    pub(super) heard: Vec<u8>,
    /// What is to be written before anything else.
    #[serde(with = "progress::bytes")]
    pub(super) rest: Vec<u8>,
    /// Something has been asked on it.
    pub(super) is_used: bool,
    /// It ends when the rest is written.
    pub(super) is_closing: bool,
    /// The client may still be sending then, and is heard out.
    pub(super) lingers: bool,
    /// Its client has left.
    pub(super) is_detached: bool,
    /// What has been done for the request under way.
    pub(super) progress: Progress,
    /// The log that is followed.
    pub(super) follow: Option<FollowState>,
}

impl ConnectionState {
    /// The request whose answer is awaited.
    pub fn request(&self) -> Option<RequestId> {
        self.progress.ask.map(RequestId)
    }
}

/// A log that is followed, and how far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct FollowState {
    /// The bytes of its path.
    #[serde(with = "progress::bytes")]
    pub(super) path: Vec<u8>,
    pub(super) inode: (u64, u64),
    pub(super) position: u64,
}

/// The name of a server in a state.
pub(super) fn address(spec: &ServerSpec) -> String {
    match &spec.address {
        ServerAddress::Inet { host, port } => format!("tcp {host} {port}"),
        ServerAddress::Unix { path, .. } => format!("unix {}", path.display()),
    }
}
