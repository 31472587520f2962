//! Encryption of a TCP server.

use crate::access::Secret;
use serde::{Deserialize, Serialize};

/// What a server with TLS needs. Texts are PEM as the files held them when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSpec {
    /// Its certificate, and those between it and the authority.
    pub certificate: String,
    /// Its private key.
    pub key: Secret,
    /// How clients prove who they are by certificates; none when they are not asked.
    pub clients: Option<TlsClients>,
}

/// Certificates of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsClients {
    /// The authorities that vouch for them.
    pub authorities: String,
    /// Whether a client without one is turned away.
    pub required: bool,
}
