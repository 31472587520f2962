//! A client that is known: what it may do, and what exists for it.
//!
//! Whatever asks the core for a client asks through [`Caller::ask`], so that no route can forget the client's scope.

use super::carry::tape::{Origin, Tape};
use crate::control::ControlHandle;
use provost_model::access::{Reach, Rights, Scope, Verb};
use provost_model::info::PoolInfo;
use provost_model::{Answer, Fault, FaultCode, Reply, Request};
use provost_os::users;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Where upstream's sentence about a broken configuration begins to list the environment.
const ENVIRONMENT: &str = " Available names: ";

/// A process at the other end of a unix socket, as the system told when it connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PeerProcess {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// For people only: it may be another process by now.
    pub(super) pid: i32,
    /// Supplementary groups.
    pub(super) groups: Vec<u32>,
}

impl PeerProcess {
    /// Whether it could do without us all that we can do for it.
    pub(super) fn is_operator(&self) -> bool {
        self.uid == 0 || self.uid == users::current_euid()
    }
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// As upstream shows it.
    pub(super) shown: String,
    /// Its address, on TCP.
    pub(super) address: Option<IpAddr>,
    /// Its process, on a unix socket.
    pub(super) process: Option<PeerProcess>,
    /// What it has asked that is not answered.
    pub(super) tape: Rc<Tape>,
}

impl Peer {
    pub(super) fn new(tape: &Rc<Tape>) -> Self {
        let Origin {
            address, process, ..
        } = tape.origin();
        Self {
            shown: address.map_or_else(
                || "localhost:0".to_owned(),
                |address| format!("{}:{}", address.ip(), address.port()),
            ),
            address: address.map(|address| address.ip()),
            process: process.clone(),
            tape: Rc::clone(tape),
        }
    }
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller {
    /// Its name, for the audit log.
    pub(super) name: String,
    /// What proved it.
    pub(super) how: String,
    pub(super) peer: Rc<Peer>,
    rights: Rights,
    /// None when everything is in it.
    scope: Option<Arc<Scope>>,
}

impl Caller {
    pub(super) fn new(
        name: impl Into<String>,
        how: impl Into<String>,
        peer: &Rc<Peer>,
        (rights, scope): (Rights, Scope),
    ) -> Self {
        Self {
            name: name.into(),
            how: how.into(),
            peer: Rc::clone(peer),
            rights,
            scope: (!scope.is_everything()).then(|| Arc::new(scope)),
        }
    }

    /// Somebody who may do everything.
    pub(super) fn admin(name: &str, how: &str, peer: &Rc<Peer>) -> Self {
        Self::new(name, how, peer, (Rights::all(), Scope::everything()))
    }

    /// Whether there is nothing that this caller may not do.
    pub(super) fn may_everything(&self) -> bool {
        self.scope.is_none() && Verb::ALL.iter().all(|verb| self.rights.hold(*verb))
    }

    /// Whether this caller may, for at least some program.
    pub(super) fn may(&self, verb: Verb) -> bool {
        self.rights.hold(verb) && (verb.reach() != Reach::Daemon || self.scope.is_none())
    }

    /// Refuses what this caller may not do. `object` is what it is to be done to.
    pub(super) fn permit(&self, verb: Verb, object: Option<&str>) -> Result<(), Fault> {
        if self.may(verb) {
            return Ok(());
        }
        Err(not_permitted(verb.name(), object))
    }

    /// Refuses a signal that this caller may not send.
    pub(super) fn permit_signal(&self, signal: &str, object: Option<&str>) -> Result<(), Fault> {
        if self.rights.hold_signal(signal) {
            return Ok(());
        }
        Err(not_permitted(&format!("signal:{signal}"), object))
    }

    /// What it has asked that is not answered.
    pub(super) fn tape(&self) -> &Tape {
        &self.peer.tape
    }

    /// Asks the core. For a caller that reaches some programs only, the others do not exist.
    ///
    /// What changes something and is followed by another question, or by anything else that may wait, leaves a note in the
    /// progress of the tape: see [`super::carry`].
    pub(super) async fn ask(&self, request: Request) -> Answer {
        self.within_reach(request, |request| self.tape().ask(request))
            .await
    }

    /// Asks the core beside the request under way, for an answer that takes several questions or has begun: nothing of it
    /// is carried to another image, which asks all of them again.
    pub(super) async fn look(&self, control: &ControlHandle, request: Request) -> Answer {
        self.within_reach(request, |request| control.ask(request))
            .await
    }

    async fn within_reach<F>(&self, request: Request, ask: impl FnOnce(Request) -> F) -> Answer
    where
        F: Future<Output = Answer>,
    {
        let Some(scope) = &self.scope else {
            return ask(request).await;
        };
        within(scope, &request)?;
        let shown = Shown::by(&request);
        let request = Request::Within {
            scope: Arc::clone(scope),
            request: Box::new(request),
        };
        match ask(request).await {
            Ok(reply) => Ok(narrow(scope, shown, reply)),
            Err(fault) => Err(discreet(fault)),
        }
    }

    /// Whether a process exists for this caller.
    pub(super) fn sees(&self, group: &str, name: &str) -> bool {
        self.scope
            .as_ref()
            .is_none_or(|scope| scope.has(group, name))
    }

    /// Whether everything exists for this caller.
    pub(super) fn sees_all(&self) -> bool {
        self.scope.is_none()
    }
}

fn not_permitted(verb: &str, object: Option<&str>) -> Fault {
    let text = match object {
        Some(object) => format!("{verb} on {object}"),
        None => verb.to_owned(),
    };
    Fault::about(FaultCode::NotPermitted, text)
}

/// What concerns a group as a whole is for those only who have all of it.
fn within(scope: &Scope, request: &Request) -> Result<(), Fault> {
    match request {
        Request::AddProcessGroup { name } | Request::RemoveProcessGroup { name } => {
            if !scope.touches(name) {
                return Err(Fault::about(FaultCode::BadName, name.as_str()));
            }
            if !scope.covers(name) {
                return Err(not_permitted(Verb::Update.name(), Some(name)));
            }
        }
        Request::CallHelper { namespace, .. } if !scope.touches(namespace) => {
            return Err(Fault::bare(FaultCode::UnknownMethod));
        }
        _ => {}
    }
    Ok(())
}

/// What the names in an answer are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Groups,
    Other,
}

impl Shown {
    fn by(request: &Request) -> Self {
        match request {
            Request::GetGroupNames => Self::Groups,
            _ => Self::Other,
        }
    }
}

/// An answer without what is out of scope.
fn narrow(scope: &Scope, shown: Shown, mut reply: Reply) -> Reply {
    let touched = |names: &mut Vec<String>| names.retain(|name| scope.touches(name));
    match &mut reply {
        Reply::Infos(infos) => infos.retain(|info| scope.has(&info.group, &info.name)),
        Reply::Views { views, .. } => {
            views.retain(|view| scope.has(&view.info.group, &view.info.name));
        }
        Reply::Differences(groups) => groups.retain(|group| scope.touches(&group.group)),
        Reply::Configs(configs) => configs.retain(|info| scope.has(&info.group, &info.name)),
        Reply::Pools(pools) => narrow_pools(scope, pools),
        Reply::Reload {
            added,
            changed,
            removed,
        } => [added, changed, removed].into_iter().for_each(touched),
        Reply::HelperMethods(methods) => methods.retain(|(namespace, _)| scope.touches(namespace)),
        Reply::Names(names) if shown == Shown::Groups => touched(names),
        Reply::Done
        | Reply::Text(_)
        | Reply::State(_)
        | Reply::Info(_)
        | Reply::Detail(_)
        | Reply::History(_)
        | Reply::Results(_)
        | Reply::Log(_)
        | Reply::Helper(_)
        | Reply::Names(_)
        | Reply::Count(_)
        | Reply::Stored(_) => {}
    }
    reply
}

fn narrow_pools(scope: &Scope, pools: &mut Vec<PoolInfo>) {
    pools.retain(|pool| scope.touches(&pool.name));
    for pool in pools {
        let name = Arc::clone(&pool.name);
        pool.listeners
            .retain(|listener| scope.has(&name, &listener.name));
    }
}

/// A fault without what is nobody's business who does not have everything: names from the environment, files and lines
/// of other programs.
fn discreet(fault: Fault) -> Fault {
    if fault.code != FaultCode::CantReread {
        return fault;
    }
    let extra = fault.extra.unwrap_or_default();
    let kept = extra.split(ENVIRONMENT).next().unwrap_or_default();
    Fault::about(FaultCode::CantReread, kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ControlHandle;

    fn caller(role: &str, programs: &str) -> Caller {
        let (sender, _) = std::sync::mpsc::channel();
        let control = ControlHandle::new(sender, Arc::new(|| ()));
        let tape = Rc::new(Tape::new(control, Rc::default(), Origin::default()));
        let peer = Rc::new(Peer::new(&tape));
        let rights = Rights::of_role(role).unwrap();
        Caller::new(
            "u",
            "test",
            &peer,
            (rights, Scope::of(&[programs.to_owned()])),
        )
    }

    #[test]
    fn what_concerns_all_needs_all_programs() {
        for verb in Verb::ALL {
            assert!(caller("admin", "*").may(*verb), "{verb:?}");
            let expected = verb.reach() != Reach::Daemon;
            assert_eq!(caller("admin", "web:*").may(*verb), expected, "{verb:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_verb_and_its_object() {
        let viewer = caller("viewer", "*");
        let fault = viewer.permit(Verb::Stop, Some("web:a")).unwrap_err();
        assert_eq!(fault.to_string(), "NOT_PERMITTED: stop on web:a");
        assert_eq!(fault.code.code(), 93);
        let fault = viewer.permit(Verb::Shutdown, None).unwrap_err();
        assert_eq!(fault.to_string(), "NOT_PERMITTED: shutdown");
    }

    #[test]
    fn groups_belong_to_those_who_have_all_of_them() {
        let scope = Scope::of(&["web:*".to_owned(), "db:a".to_owned()]);
        let add = |name: &str| {
            let name = name.to_owned();
            within(&scope, &Request::AddProcessGroup { name }).map_err(|fault| fault.code)
        };
        assert_eq!(add("web"), Ok(()));
        assert_eq!(add("db"), Err(FaultCode::NotPermitted));
        assert_eq!(add("mail"), Err(FaultCode::BadName));
    }

    #[test]
    fn names_of_the_environment_stay_here() {
        let fault = Fault::about(
            FaultCode::CantReread,
            "x cannot. Available names: ENV_SECRET",
        );
        assert_eq!(discreet(fault).to_string(), "CANT_REREAD: x cannot.");
    }
}
