//! TLS to a server: whom to believe, and words for what goes wrong.

use provost_config::certificate::Certificate;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, InvalidMessage, RootCertStore, SignatureScheme, StreamOwned,
};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long the server may be silent during the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What `[supervisorctl]` says of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The file of authorities that vouch for the server.
    pub(crate) authorities: Option<PathBuf>,
    /// The SHA-256 of the server's certificate.
    pub(crate) fingerprint: Option<[u8; 32]>,
    /// The files of our own certificate and key.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

/// A connection in secret.
pub(super) type Secret = StreamOwned<ClientConnection, TcpStream>;

/// Agrees with the server on how to speak in secret.
pub(super) fn shake_hands(host: &str, stream: TcpStream, trust: &Trust) -> io::Result<Secret> {
    let config = config(trust)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| io::Error::other(format!("{host} can be the name of no server")))?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let mut stream = stream;
    stream.set_read_timeout(Some(HANDSHAKE_LIMIT))?;
    while connection.is_handshaking() {
        match connection.complete_io(&mut stream) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::other(format!(
                    "it said nothing for {} seconds; does it speak TLS?",
                    HANDSHAKE_LIMIT.as_secs()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other(
                    "it closed the connection in the TLS handshake; does it speak TLS?",
                ));
            }
            Err(error) => return Err(explained(error, host)),
        }
    }
    stream.set_read_timeout(None)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Reads what the socket has; none when it was of concern to TLS only.
pub(super) fn read(secret: &mut Secret, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    // What is left from before comes first: the socket may have nothing more.
    if let Some(count) = decrypted(secret, buffer)? {
        return Ok(Some(count));
    }
    let count = secret.conn.read_tls(&mut secret.sock)?;
    if let Err(error) = secret.conn.process_new_packets() {
        // The server learns why, if it still listens.
        let _ = secret.conn.write_tls(&mut secret.sock);
        return Err(explained(io::Error::other(error), "the server"));
    }
    while secret.conn.wants_write() {
        secret.conn.write_tls(&mut secret.sock)?;
    }
    match decrypted(secret, buffer)? {
        None if count == 0 => Ok(Some(0)),
        other => Ok(other),
    }
}

fn decrypted(secret: &mut Secret, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match secret.conn.reader().read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        // Many a server leaves without a word. HTTP knows what is complete without it.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Some(0)),
        Err(error) => Err(error),
    }
}

/// Writes all of it.
pub(super) fn write(secret: &mut Secret, bytes: &[u8]) -> io::Result<()> {
    secret.write_all(bytes)?;
    secret.flush()
}

fn config(trust: &Trust) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let chain = match &trust.authorities {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for der in certificates(path, "tls_ca")? {
                roots
                    .add(der)
                    .map_err(|error| unusable(path, "tls_ca", &error.to_string()))?;
            }
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let built = builder.build();
            Some(built.map_err(|error| unusable(path, "tls_ca", &error.to_string()))?)
        }
        None if trust.fingerprint.is_some() => None,
        None => {
            return Err(io::Error::other(
                "nothing says which certificate to trust; set `tls_ca` in [supervisorctl] to the PEM file of the \
                 authority that vouches for the server, or `tls_fingerprint` to the SHA-256 of its certificate",
            ));
        }
    };
    let judge = Judge {
        chain,
        fingerprint: trust.fingerprint,
        provider: Arc::clone(&provider),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge));
    let mut config = match &trust.own {
        Some((certificate, key)) => {
            let own = certificates(certificate, "tls_cert")?;
            let private = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unusable(key, "tls_key", &error.to_string()))?;
            let made = builder.with_client_auth_cert(own, private);
            made.map_err(|error| unusable(key, "tls_key", &error.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path, key: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| unusable(path, key, &error.to_string()))?;
    if found.is_empty() {
        return Err(unusable(path, key, "there is no certificate in it"));
    }
    Ok(found)
}

fn unusable(path: &Path, key: &str, why: &str) -> io::Error {
    io::Error::other(format!("cannot use `{key}`, {}: {why}", path.display()))
}

/// Decides whether a server is the one that is meant.
#[derive(Debug)]
struct Judge {
    chain: Option<Arc<WebPkiServerVerifier>>,
    fingerprint: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(wanted) = self.fingerprint {
            let found: [u8; 32] = Sha256::digest(certificate).into();
            if wanted != found {
                return Err(Error::General(format!(
                    "it has another certificate than `tls_fingerprint` says: sha256:{}; if it was renewed, write that",
                    hex(&found)
                )));
            }
        }
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        chain
            .verify_server_cert(certificate, between, name, status, now)
            .map_err(|error| described(error, certificate))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Adds to an error what only the certificate tells.
fn described(error: Error, der: &CertificateDer<'_>) -> Error {
    let is_name = matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    );
    if !is_name {
        return error;
    }
    let names = Certificate::read(der).unwrap_or_default().names;
    let names = if names.is_empty() {
        "no name (a common name alone does not count)".to_owned()
    } else {
        names.join(", ")
    };
    Error::General(format!(
        "its certificate is for another name: it is for {names}; use such a name in serverurl, or a certificate for \
         this one"
    ))
}

/// Says in words of people what the library says, and what to do.
fn explained(error: io::Error, host: &str) -> io::Error {
    let Some(cause) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return error;
    };
    let text = match cause {
        Error::General(text) => text.clone(),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS; is it a server without `tls_cert`? Then write http:// in serverurl".to_owned()
        }
        Error::InvalidCertificate(problem) => match problem {
            CertificateError::UnknownIssuer => {
                "its certificate comes from nobody whom `tls_ca` names; name the authority that signed it".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; have it renewed, and see that the clock here is right".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; see that the clock here is right".to_owned()
            }
            other => format!(
                "its certificate cannot be trusted: {other}; one that no authority signed can be named by \
                 `tls_fingerprint`"
            ),
        },
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it asks for a certificate of ours; set `tls_cert` and `tls_key` in [supervisorctl]".to_owned()
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked,
        ) => "it does not accept our certificate; see `tls_cert` in [supervisorctl] and the log of supervisord"
            .to_owned(),
        Error::AlertReceived(alert) => format!("{host} ended the TLS handshake: {alert:?}"),
        other => format!("TLS failed: {other}"),
    };
    io::Error::other(text)
}

/// Digits of bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}
