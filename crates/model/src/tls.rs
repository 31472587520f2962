//! Encryption of a TCP server.

use crate::access::Secret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a server with TLS needs. Texts are PEM as the files held them when they were read last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSpec {
    /// Its certificate, and those between it and the authority.
    pub certificate: String,
    /// Its private key.
    pub key: Secret,
    /// How clients prove who they are by certificates; none when they are not asked.
    pub clients: Option<TlsClients>,
    /// The least version that is spoken.
    #[serde(default)]
    pub min_version: TlsVersion,
    /// Where the texts are from; none where an earlier version did not say.
    #[serde(default)]
    pub files: Option<TlsFiles>,
}

/// Certificates of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsClients {
    /// The authorities that vouch for them.
    pub authorities: String,
    /// Whether a client without one is turned away.
    pub required: bool,
    /// Lists of those that the authorities have taken back.
    #[serde(default)]
    pub revoked: Option<String>,
}

/// The files of a server with TLS; absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFiles {
    /// `tls_cert`.
    #[serde(with = "crate::saved::path")]
    pub certificate: PathBuf,
    /// `tls_key`.
    #[serde(with = "crate::saved::path")]
    pub key: PathBuf,
    /// `tls_client_ca`.
    #[serde(default, with = "crate::saved::maybe_path")]
    pub authorities: Option<PathBuf>,
    /// `tls_client_crl`.
    #[serde(default, with = "crate::saved::maybe_path")]
    pub revoked: Option<PathBuf>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// 1.2.
    #[default]
    V12,
    /// 1.3.
    V13,
}
