//! TLS before HTTP: the handshake with a client, and who its certificate says that it is.
//!
//! A session cannot be moved to another image of the daemon: its keys are in the hands of the library. Such connections
//! end at a hand-over, see [`super::carry`].

use super::carry::tape::Tape;
use super::connection::Timer;
use super::stream::Socket;
use super::watch::{Verdict, Watch};
use provost_config::certificate::Certificate;
use provost_model::access::{AccessSpec, UserSpec};
use provost_model::tls::{TlsClients, TlsFiles, TlsSpec, TlsVersion};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, VerifierBuilderError, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, RootCertStore, ServerConfig};
use std::cell::RefCell;
use std::fmt::Display;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of whoever speaks TLS: a record of a handshake.
const HANDSHAKE: u8 = 22;

/// What a client is told that speaks HTTP where TLS is spoken.
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 63\r\n\r\nThis port speaks TLS. Write https:// in place of http:// here.\r\n";

/// A file, and what is wrong with it.
pub(super) type Trouble = (PathBuf, String);

/// Makes of the configuration what handshakes need.
pub(super) fn config(spec: &TlsSpec) -> Result<Arc<ServerConfig>, Trouble> {
    let files = spec.files.as_ref();
    let in_certificate =
        |error: &dyn Display| trouble(files.map(|files| &files.certificate), error);
    let in_key = |error: &dyn Display| trouble(files.map(|files| &files.key), error);
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match spec.min_version {
        TlsVersion::V12 => &[&TLS13, &TLS12],
        TlsVersion::V13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| in_certificate(&error))?;
    let builder = match &spec.clients {
        Some(clients) => builder.with_client_cert_verifier(verifier(clients, files, provider)?),
        None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
    };
    let key = PrivateKeyDer::from_pem_slice(spec.key.0.as_bytes())
        .map_err(|_| in_key(&"has no private key in it"))?;
    let chain = certificates(&spec.certificate).map_err(|error| in_certificate(&error))?;
    if chain.is_empty() {
        return Err(in_certificate(&"has no certificate in it"));
    }
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => in_key(&"is not the key of the certificate"),
            error => in_key(&error),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn trouble(file: Option<&PathBuf>, why: &dyn Display) -> Trouble {
    (file.cloned().unwrap_or_default(), why.to_string())
}

/// What looks at certificates of clients.
fn verifier(
    clients: &TlsClients,
    files: Option<&TlsFiles>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Trouble> {
    let in_authorities =
        |error: &dyn Display| trouble(files.and_then(|files| files.authorities.as_ref()), error);
    let in_list =
        |error: &dyn Display| trouble(files.and_then(|files| files.revoked.as_ref()), error);
    let mut roots = RootCertStore::empty();
    for der in certificates(&clients.authorities).map_err(|error| in_authorities(&error))? {
        roots.add(der).map_err(|error| in_authorities(&error))?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if let Some(text) = &clients.revoked {
        let lists: Result<Vec<_>, pem::Error> =
            CertificateRevocationListDer::pem_slice_iter(text.as_bytes()).collect();
        let lists = lists.map_err(|error| in_list(&error))?;
        if lists.is_empty() {
            return Err(in_list(&"has no list of revoked certificates in it"));
        }
        builder = builder.with_crls(lists);
    }
    if !clients.required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(error) => {
            in_list(&Error::InvalidCertRevocationList(error))
        }
        error => in_authorities(&error),
    })
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(text.as_bytes()).collect()
}

/// What came of a handshake.
pub(super) enum Shaken {
    /// The client is spoken to in secret from here on.
    Done(Box<TlsStream<TcpStream>>),
    /// It speaks something else.
    Plain(TcpStream),
    /// The two could not agree, or the client is gone.
    Failed(io::Error),
    /// It has to leave before that.
    Over(Option<Verdict>),
}

/// Agrees with a client on how to speak in secret, in the time that it has for its first request.
pub(super) async fn shake_hands(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
    watch: &Watch,
    tape: &Tape,
) -> Shaken {
    let mut shaking = pin!(async {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(0) => return Shaken::Over(None),
            Ok(_) if first != [HANDSHAKE] => return Shaken::Plain(stream),
            Ok(_) => {}
            Err(error) => return Shaken::Failed(error),
        }
        match TlsAcceptor::from(Arc::clone(config)).accept(stream).await {
            Ok(stream) => Shaken::Done(Box::new(stream)),
            Err(error) => Shaken::Failed(error),
        }
    });
    let mut timer = Timer::default();
    poll_fn(|cx| {
        watch.wake_with(cx.waker());
        if let Poll::Ready(shaken) = shaking.as_mut().poll(cx) {
            return Poll::Ready(shaken);
        }
        if watch.verdict().is_some() || tape.is_wanted() {
            return Poll::Ready(Shaken::Over(watch.verdict()));
        }
        if timer.passed(watch.deadline(), cx) {
            return Poll::Ready(Shaken::Over(Some(Verdict::TooSlow)));
        }
        Poll::Pending
    })
    .await
}

/// Tells a client that it has to speak TLS.
pub(super) async fn refuse_plain(mut socket: Socket) {
    socket.say(PLAIN).await;
    // It may still be sending, and would not read what it was told if the socket were closed on it.
    let _ = tokio::time::timeout(super::connection::LINGER, socket.linger(PLAIN_BYTES)).await;
}

/// How much of what such a client sends is read and forgotten.
const PLAIN_BYTES: usize = 64 * 1024;

/// The socket of a client after the handshake; what it proved goes to the tape.
pub(super) fn socket(
    stream: Box<TlsStream<TcpStream>>,
    address: std::net::SocketAddr,
    tape: &Tape,
) -> Socket {
    let presented = stream.get_ref().1.peer_certificates();
    let certificate = presented
        .and_then(|chain| chain.first())
        .and_then(|der| Certificate::read(der));
    tape.proven(certificate);
    Socket::Tls(RefCell::new(stream), address)
}

/// The user whom a certificate proves: the first in the file that asks for something of it and finds all of that.
pub(super) fn user<'a>(access: &'a AccessSpec, certificate: &Certificate) -> Option<&'a UserSpec> {
    access.users.iter().find(|user| {
        let (subject, name) = (&user.tls_subject, &user.tls_san);
        (subject.is_some() || name.is_some())
            && (subject.is_none() || *subject == certificate.subject)
            && name.as_ref().is_none_or(|name| {
                let known = certificate.names.iter();
                known
                    .into_iter()
                    .any(|known| known.eq_ignore_ascii_case(name))
            })
    })
}
