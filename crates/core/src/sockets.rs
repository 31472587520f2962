//! Sockets that processes share: open from the first start of a user to the end of the last one.
//!
//! The edge opens and closes them as it is told; who uses which is known here. Before a group comes into service each of
//! its sockets is opened and closed once, so that a mistake is told to whoever asked, and not by the first start.

use crate::Effect;
use crate::job::Purpose;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::fault::{Fault, FaultCode};
use provost_model::spawn::SocketProblem;
use provost_model::{FcgiSpec, GroupSpec, Notice, RequestId, Run, SocketId, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A socket between the order to open it and the order to close it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shared {
    spec: Arc<FcgiSpec>,
    users: BTreeSet<Run>,
    /// It could not be opened. Those that count on it will be told; the next start opens another.
    has_failed: bool,
}

/// All of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sockets {
    last: u64,
    all: BTreeMap<SocketId, Shared>,
    /// Those that a start can use.
    /// Follows from all.
    #[serde(skip)]
    usable: BTreeMap<Arc<FcgiSpec>, SocketId>,
    /// Follows from all.
    #[serde(skip)]
    used_by: BTreeMap<Run, SocketId>,
}

impl Sockets {
    /// Puts in place what is not saved. Fails when a run has two sockets, or a socket that can be used is there twice.
    pub(crate) fn restore(&mut self) -> Result<(), String> {
        self.usable.clear();
        self.used_by.clear();
        for (&socket, shared) in &self.all {
            if !shared.has_failed {
                let before = self.usable.insert(Arc::clone(&shared.spec), socket);
                if before.is_some() {
                    return Err(format!("{} has two sockets in use", shared.spec.url));
                }
            }
            for &run in &shared.users {
                if self.used_by.insert(run, socket).is_some() {
                    return Err(format!("run {} has two sockets", run.0));
                }
            }
        }
        Ok(())
    }

    /// The number given last, and the largest in use.
    pub(crate) fn last(&self) -> (u64, Option<SocketId>) {
        (
            self.last,
            self.all.last_key_value().map(|(socket, _)| *socket),
        )
    }

    /// What the socket of a run is.
    pub(crate) fn spec_of(&self, run: Run) -> Option<&Arc<FcgiSpec>> {
        let shared = self.all.get(self.used_by.get(&run)?)?;
        Some(&shared.spec)
    }

    /// Runs that have one.
    pub(crate) fn users(&self) -> impl Iterator<Item = Run> + '_ {
        self.used_by.keys().copied()
    }

    /// A set without sockets whose numbers go on after those of `self`.
    pub(crate) fn successor(&self) -> Self {
        Self {
            last: self.last,
            ..Self::default()
        }
    }

    /// A run will use this socket, which is opened if it is not open.
    pub(crate) fn take(&mut self, turn: &mut Turn<'_>, spec: &Arc<FcgiSpec>, run: Run) -> SocketId {
        let socket = match self.usable.get(spec) {
            Some(socket) => *socket,
            None => self.open(turn, spec),
        };
        if let Some(shared) = self.all.get_mut(&socket) {
            shared.users.insert(run);
        }
        self.used_by.insert(run, socket);
        socket
    }

    fn open(&mut self, turn: &mut Turn<'_>, spec: &Arc<FcgiSpec>) -> SocketId {
        self.last = self.last.saturating_add(1);
        let socket = SocketId(self.last);
        let shared = Shared {
            spec: Arc::clone(spec),
            users: BTreeSet::new(),
            has_failed: false,
        };
        self.all.insert(socket, shared);
        self.usable.insert(Arc::clone(spec), socket);
        turn.notice(Notice::CreatingSocket {
            url: Arc::from(spec.url.as_str()),
        });
        turn.out.push(Effect::OpenSocket {
            socket,
            spec: Arc::clone(spec),
        });
        socket
    }

    /// The socket of this run could not be opened.
    pub(crate) fn failed(&mut self, run: Run) {
        let Some(socket) = self.used_by.get(&run) else {
            return;
        };
        let Some(shared) = self.all.get_mut(socket) else {
            return;
        };
        shared.has_failed = true;
        if self.usable.get(&shared.spec) == Some(socket) {
            self.usable.remove(&shared.spec);
        }
    }

    /// A run has ended, or will never be. The last user of a socket has it closed.
    pub(crate) fn leave(&mut self, turn: &mut Turn<'_>, run: Run) {
        let Some(socket) = self.used_by.remove(&run) else {
            return;
        };
        let Some(shared) = self.all.get_mut(&socket) else {
            return;
        };
        shared.users.remove(&run);
        if !shared.users.is_empty() {
            return;
        }
        if let Some(shared) = self.all.remove(&socket) {
            if !shared.has_failed {
                self.usable.remove(&shared.spec);
                turn.notice(Notice::ClosingSocket {
                    url: Arc::from(shared.spec.url.as_str()),
                });
            }
            turn.out.push(Effect::CloseSocket { socket });
        }
    }
}

impl Core {
    /// Tries the next of these sockets; once all could be opened, their group comes into service.
    pub(crate) fn try_sockets(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        group: Arc<GroupSpec>,
        mut sockets: Vec<Arc<FcgiSpec>>,
    ) {
        // What is open can be opened, and must not be opened twice.
        sockets.retain(|spec| !self.sockets.usable.contains_key(spec));
        let Some(spec) = sockets.pop() else {
            let answer = self.add_tried_group(turn, &group);
            return self.reply(turn, request, answer);
        };
        turn.notice(Notice::CreatingSocket {
            url: Arc::from(spec.url.as_str()),
        });
        let purpose = Purpose::TrySocket {
            request,
            group,
            spec: Arc::clone(&spec),
            rest: sockets,
        };
        self.order(turn, purpose, |ticket| Effect::TrySocket { ticket, spec });
    }

    /// A socket was opened and closed again, or could not be opened.
    pub(crate) fn socket_tried(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<(), SocketProblem>,
    ) {
        let Some(Purpose::TrySocket {
            request,
            group,
            spec,
            rest,
        }) = self.redeem(ticket)
        else {
            return;
        };
        match result {
            Ok(()) => {
                turn.notice(Notice::ClosingSocket {
                    url: Arc::from(spec.url.as_str()),
                });
                self.try_sockets(turn, request, group, rest);
            }
            Err(problem) => {
                let fault = Fault::about(FaultCode::Failed, problem.to_string());
                self.reply(turn, request, Err(fault));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Input;
    use crate::driver::{Driver, group, process};
    use provost_model::spawn::{SocketProblem, SpawnProblem};
    use provost_model::spec::{AutoRestart, FcgiAddress, FcgiSpec};
    use provost_model::{GroupSpec, Notice, ProcessSpec, Request};
    use std::sync::Arc;

    const URL: &str = "tcp://localhost:9000";

    fn user(name: &str) -> ProcessSpec {
        let address = FcgiAddress::Tcp {
            host: "localhost".to_owned(),
            port: 9000,
        };
        let socket = Some(Arc::new(FcgiSpec {
            program: "web".to_owned(),
            url: URL.to_owned(),
            address,
            backlog: None,
        }));
        ProcessSpec {
            socket,
            ..process("web", name)
        }
    }

    fn web(users: &[&str]) -> Arc<GroupSpec> {
        group("web", 999, users.iter().map(|name| user(name)).collect())
    }

    fn problem() -> SocketProblem {
        SocketProblem {
            url: URL.to_owned(),
            reason: "EADDRINUSE".to_owned(),
            errno: None,
        }
    }

    fn fail(driver: &mut Driver, name: &str) {
        let problem = SpawnProblem::Socket(problem());
        let run = driver.run(name);
        driver.give(Input::SpawnFailed { run, problem });
    }

    /// The lines about sockets and ends, shortened.
    fn lines(driver: &mut Driver) -> Vec<&'static str> {
        let notices = driver.notices();
        let lines = notices.iter().filter_map(|notice| match notice {
            Notice::CreatingSocket { url } if **url == *URL => Some("creating"),
            Notice::ClosingSocket { url } if **url == *URL => Some("closing"),
            Notice::Exited { .. } => Some("exited"),
            Notice::Stopped { .. } => Some("stopped"),
            Notice::SpawnFailed { .. } => Some("spawnerr"),
            Notice::GaveUp { .. } => Some("gave up"),
            _ => None,
        });
        lines.collect()
    }

    #[test]
    fn the_first_user_opens_it_and_the_last_one_closes_it() {
        let mut driver = Driver::start(vec![web(&["a", "b"])]);
        let orders = ["open tcp://localhost:9000", "spawn a", "spawn b"];
        assert_eq!(driver.orders()[3..], orders);
        driver.bring_up("a");
        driver.bring_up("b");
        driver.exited("a", 0);
        assert!(driver.orders().is_empty());
        driver.exited("b", 0);
        assert_eq!(driver.orders(), ["close"]);
        assert_eq!(lines(&mut driver), ["exited", "exited", "closing"]);
    }

    #[test]
    fn the_only_user_has_it_closed_and_opened_again_when_it_restarts() {
        let mut spec = user("a");
        spec.autorestart = AutoRestart::Always;
        let mut driver = Driver::start(vec![group("web", 999, vec![spec])]);
        driver.bring_up("a");
        driver.exited("a", 0);
        let orders = ["close", "open tcp://localhost:9000", "spawn a"];
        assert_eq!(driver.orders(), orders);
        assert_eq!(lines(&mut driver), ["exited", "closing", "creating"]);
    }

    #[test]
    fn it_is_closed_before_the_last_try_is_given_up() {
        let mut spec = user("a");
        spec.startretries = 0;
        let mut driver = Driver::start(vec![group("web", 999, vec![spec])]);
        driver.spawned("a");
        driver.exited("a", 1);
        let seen = ["creating", "exited", "closing", "gave up"];
        assert_eq!(lines(&mut driver), seen);
    }

    #[test]
    fn what_could_not_be_opened_is_opened_by_the_next_start_and_closed_in_silence() {
        let mut driver = Driver::start(vec![web(&["a", "b"])]);
        driver.orders();
        driver.notices();
        fail(&mut driver, "a");
        assert_eq!(lines(&mut driver), ["spawnerr"]);
        let text = "Could not create FastCGI socket tcp://localhost:9000: EADDRINUSE";
        assert_eq!(driver.info("web:a").spawnerr, text);
        driver.secs(1);
        assert_eq!(
            driver.orders(),
            ["open tcp://localhost:9000", "spawn a"],
            "although the other one has not been told yet"
        );
        fail(&mut driver, "b");
        assert_eq!(driver.orders(), ["close"]);
        driver.spawned("a");
        driver.secs(1);
        assert_eq!(driver.orders(), ["spawn b"], "which shares the new one");
    }

    #[test]
    fn a_group_comes_into_service_once_its_socket_could_be_opened() {
        let mut driver = Driver::start(Vec::new());
        driver.core.latest = vec![web(&["a"])];
        driver.orders();
        let add = || Request::AddProcessGroup {
            name: "web".to_owned(),
        };
        let refused = driver.ask(add());
        assert_eq!(driver.orders(), ["try tcp://localhost:9000"]);
        let ticket = driver.tries.remove(0);
        let result = Err(problem());
        driver.give(Input::SocketTried { ticket, result });
        let fault = "FAILED: Could not create FastCGI socket tcp://localhost:9000: EADDRINUSE";
        assert_eq!(driver.answer(refused).as_deref(), Some(fault));
        assert!(driver.orders().is_empty());
        let (first, second) = (driver.ask(add()), driver.ask(add()));
        for ticket in std::mem::take(&mut driver.tries) {
            let result = Ok(());
            driver.give(Input::SocketTried { ticket, result });
        }
        assert_eq!(driver.answer(first).as_deref(), Some("Done"));
        assert_eq!(driver.answer(second).as_deref(), Some("ALREADY_ADDED: web"));
        assert_eq!(
            driver.orders()[2..],
            ["added a", "open tcp://localhost:9000", "spawn a"]
        );
    }

    #[test]
    fn a_try_that_hangs_is_a_refusal() {
        let mut driver = Driver::start(Vec::new());
        driver.core.latest = vec![web(&["a"])];
        let add = driver.ask(Request::AddProcessGroup {
            name: "web".to_owned(),
        });
        driver.secs(10);
        let fault = "FAILED: Could not create FastCGI socket tcp://localhost:9000: it took longer than 10 seconds";
        assert_eq!(driver.answer(add).as_deref(), Some(fault));
    }
}
