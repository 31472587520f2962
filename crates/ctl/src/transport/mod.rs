//! Talking to a server over a unix socket, TCP or TLS: plain blocking HTTP/1.1 with a connection that stays open.
//!
//! It knows nothing of XML-RPC and retries nothing: whether a call that broke was carried out, only people can find
//! out.

mod address;
mod connection;
mod response;
mod tls;

pub(crate) use address::{Address, UnknownProtocol};
pub(crate) use connection::{Connection, Credentials};
pub(crate) use response::{HttpProblem, Response};
pub(crate) use tls::Trust;
