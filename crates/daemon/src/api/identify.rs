//! Who asks: the one place where a request becomes somebody's, before any path is looked at.
//!
//! What is sent as a proof and is none is refused; nothing weaker is tried in its place.

use super::caller::{Caller, Peer};
use super::carry::progress::Login;
use super::clerk::{Claim, Known, Verdict};
use super::reports::Limit;
use super::respond::{self, Outgoing};
use super::route::Server;
use super::{Context, auth, crowd, record, tls};
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Response, StatusCode};
use provost_model::access::{AuthMode, Rights, Scope, UserSpec};
use provost_model::config::ServerSpec;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The name under which clients appear that nobody asks for one.
const ANYBODY: &str = "anybody";

/// What the audit log says of clients that proved by a certificate who they are.
const BY_CERTIFICATE: &str = "cert";

/// Finds out who sends a request with these headers, or answers it.
pub(super) async fn identify(
    context: &Context,
    server: &Server,
    peer: &Rc<Peer>,
    headers: &HeaderMap,
) -> Result<Rc<Caller>, Box<Response<Outgoing>>> {
    let refusal = match find(context, server, peer, headers).await {
        Ok(caller) => return Ok(caller),
        Err(refusal) => refusal,
    };
    let was_refused = peer.tape.progress().login == Some(Login::Refused);
    if refusal != Refusal::Busy && !was_refused {
        peer.tape.progress().login = Some(Login::Refused);
        turned_away(context, peer);
        // A request without a login is no guess: browsers begin with one.
        if headers.contains_key(AUTHORIZATION) {
            penalise(context, peer).await;
        }
    }
    Err(refuse(refusal))
}

/// Who guesses waits.
async fn penalise(context: &Context, peer: &Peer) {
    // A client of a unix socket has none.
    let address = peer.address.map(|address| address.to_canonical());
    let Some(penalty) = context.guesses.failed(address, tokio::time::Instant::now()) else {
        return;
    };
    if penalty.is_first {
        let who = address.map_or_else(
            || "a client of the unix socket".to_owned(),
            |address| address.to_string(),
        );
        let sentence = || format!("{who} {}", Limit::Logins.sentence());
        context.reports.reached(Limit::Logins, sentence);
    }
    tokio::time::sleep(penalty.delay).await;
}

/// Where whoever proved nothing is counted. The audit log has a line for the first of an address, then one a while.
fn turned_away(context: &Context, peer: &Peer) {
    let count = context.strangers.borrow_mut().count(peer, Instant::now());
    if let Some(count) = count {
        record::unknown(context, peer, count);
    }
}

async fn find(
    context: &Context,
    server: &Server,
    peer: &Rc<Peer>,
    headers: &HeaderMap,
) -> Result<Rc<Caller>, Refusal> {
    let spec = server.spec();
    // An earlier image saw the certificate of a client that has left work behind.
    let known = peer.tape.progress().login.clone();
    if let Some(Login::User { how, .. }) = &known
        && how == BY_CERTIFICATE
    {
        return by_note(context, peer, known.unwrap_or(Login::Refused));
    }
    // Strongest first. One that is nobody's has let its owner as far as this, and no further.
    if let Some(certificate) = peer.tape.certificate() {
        if let Some(user) = tls::user(&context.access, certificate) {
            let (name, how) = (user.name.clone(), BY_CERTIFICATE.to_owned());
            peer.tape.progress().login = Some(Login::User {
                name,
                how: how.clone(),
            });
            return Ok(Rc::new(caller(user, how, peer)));
        }
        if context.access.users.is_empty() && spec.credentials.is_none() {
            let name = certificate.subject.as_deref().unwrap_or(ANYBODY);
            return Ok(Rc::new(Caller::admin(name, BY_CERTIFICATE, peer)));
        }
    }
    if is_plain(context, spec) {
        return plain(spec, peer, headers).ok_or(Refusal::NoProof);
    }
    let by_process = matches!(spec.access.mode, AuthMode::PeerCredentials | AuthMode::Both)
        && peer.process.is_some();
    if headers.contains_key(AUTHORIZATION) {
        if spec.access.mode == AuthMode::PeerCredentials {
            return Err(Refusal::NoProof);
        }
        return by_header(context, spec, peer, headers).await;
    }
    if by_process {
        let caller = by_peer(&context.access.users, spec, peer);
        return caller.ok_or(Refusal::Stranger(spec.access.mode));
    }
    Err(Refusal::NoProof)
}

/// Whether upstream's rule holds and can be applied on the spot.
fn is_plain(context: &Context, spec: &ServerSpec) -> bool {
    let slow = |(_, password): &(String, String)| auth::is_slow(password);
    context.access.users.is_empty()
        && spec.access.mode == AuthMode::Password
        && !spec.credentials.as_ref().is_some_and(slow)
}

/// Upstream's rule: whoever knows the password of the server may do everything, or everybody may.
fn plain(spec: &ServerSpec, peer: &Rc<Peer>, headers: &HeaderMap) -> Option<Rc<Caller>> {
    let credentials = spec.credentials.as_ref();
    auth::permits(credentials, headers).then(|| {
        Rc::new(match credentials {
            Some((name, _)) => Caller::admin(name, "password", peer),
            None => Caller::admin(ANYBODY, "none", peer),
        })
    })
}

async fn by_header(
    context: &Context,
    spec: &ServerSpec,
    peer: &Rc<Peer>,
    headers: &HeaderMap,
) -> Result<Rc<Caller>, Refusal> {
    let known = peer.tape.progress().login.clone();
    if let Some(known) = known {
        return by_note(context, peer, known);
    }
    let claim = if let Some((name, password)) = auth::presented(headers) {
        Claim::Password {
            section: spec.credentials.clone(),
            name,
            password,
        }
    } else if let Some(token) = auth::bearer(headers) {
        Claim::Token(token)
    } else {
        return Err(Refusal::NoProof);
    };
    let origin = crowd::Origin::new(peer.address, peer.process.as_ref());
    let turn = context.origin_logins.take(origin);
    if turn.is_none() && origin != crowd::Origin::Ourselves {
        return Err(Refusal::Busy);
    }
    match context.clerk.ask(claim).await {
        Verdict::Known(Known::Section(name)) => {
            peer.tape.progress().login = Some(Login::Section(name.clone()));
            Ok(Rc::new(Caller::admin(&name, "password", peer)))
        }
        Verdict::Known(Known::User { index, how }) => {
            let user = context.access.users.get(index).ok_or(Refusal::NoProof)?;
            peer.tape.progress().login = Some(Login::User {
                name: user.name.clone(),
                how: how.clone(),
            });
            Ok(Rc::new(caller(user, how, peer)))
        }
        Verdict::Unknown => Err(Refusal::NoProof),
        Verdict::Busy => Err(Refusal::Busy),
    }
}

/// By what an earlier image found: a proof that costs is not looked at twice for one request.
fn by_note(context: &Context, peer: &Rc<Peer>, known: Login) -> Result<Rc<Caller>, Refusal> {
    match known {
        Login::Section(name) => Ok(Rc::new(Caller::admin(&name, "password", peer))),
        Login::User { name, how } => {
            let mut users = context.access.users.iter();
            let user = users.find(|user| user.name == name);
            Ok(Rc::new(caller(user.ok_or(Refusal::NoProof)?, how, peer)))
        }
        Login::Refused => Err(Refusal::NoProof),
    }
}

/// By the process: a section with its user before one with a group of it, the first in the file of each.
fn by_peer(users: &[UserSpec], spec: &ServerSpec, peer: &Rc<Peer>) -> Option<Rc<Caller>> {
    let process = peer.process.as_ref()?;
    let is_user = |user: &&UserSpec| user.unix_user == Some(process.uid);
    let is_member = |user: &&UserSpec| {
        user.unix_group
            .is_some_and(|gid| gid == process.gid || process.groups.contains(&gid))
    };
    let found = users
        .iter()
        .find(is_user)
        .or_else(|| users.iter().find(is_member));
    if let Some(user) = found {
        return Some(Rc::new(caller(user, "peercred".to_owned(), peer)));
    }
    let rights = spec.access.peer_default.clone().unwrap_or_default();
    (rights != Rights::default()).then(|| {
        let name = format!("uid {}", process.uid);
        let grant = (rights, Scope::everything());
        Rc::new(Caller::new(name, "peercred", peer, grant))
    })
}

fn caller(user: &UserSpec, how: String, peer: &Rc<Peer>) -> Caller {
    let grant = (user.rights.clone(), user.scope.clone());
    Caller::new(user.name.as_str(), how, peer, grant)
}

/// How long refused logins of an address are counted before they get another line.
const COUNTED: Duration = Duration::from_secs(10);

/// Addresses that are counted apart; all others together.
const ADDRESSES: usize = 1024;

/// Where a stranger comes from: an address, or a user of this machine.
type Origin = Result<IpAddr, Option<u32>>;

/// Refused logins since their last line, by where they came from.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    seen: HashMap<Origin, (Instant, u64)>,
}

impl Strangers {
    /// Counts one more. Tells how many there are when it is time for a line.
    fn count(&mut self, peer: &Peer, now: Instant) -> Option<u64> {
        let process = peer.process.as_ref();
        let mut origin: Origin = match peer.address {
            Some(address) => Ok(address),
            None => Err(process.map(|process| process.uid)),
        };
        if self.seen.len() >= ADDRESSES && !self.seen.contains_key(&origin) {
            self.seen
                .retain(|_, (since, _)| now.duration_since(*since) < COUNTED);
            if self.seen.len() >= ADDRESSES {
                origin = Err(None);
            }
        }
        let Some((since, count)) = self.seen.get_mut(&origin) else {
            self.seen.insert(origin, (now, 0));
            return Some(1);
        };
        *count = count.saturating_add(1);
        if now.duration_since(*since) < COUNTED {
            return None;
        }
        *since = now;
        Some(std::mem::take(count))
    }
}

/// Why nobody was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// No proof, or one that does not hold.
    NoProof,
    /// A process that is no user.
    Stranger(AuthMode),
    /// The proof could not be looked at.
    Busy,
}

fn refuse(refusal: Refusal) -> Box<Response<Outgoing>> {
    Box::new(match refusal {
        Refusal::NoProof | Refusal::Stranger(AuthMode::Both) => respond::unauthorized(),
        Refusal::Stranger(_) => respond::error_and_close(
            StatusCode::FORBIDDEN,
            "No [user:x] section names your user or one of your groups, and peer_default_role gives others nothing.",
        ),
        Refusal::Busy => respond::error_and_close(
            StatusCode::SERVICE_UNAVAILABLE,
            "Your password or token could not be checked in time. Try again.",
        ),
    })
}
