//! The plain form: what is left when supervisord fails again and again. It collects processes that end, writes their
//! logs and obeys an order to stop; it decides nothing, so that nothing is left in it that could fail the same way.
//!
//! Processes live on. `kill -9` of this process and a new start bring back supervision without restarting any of them.

use crate::api::{self, ApiSettings};
use crate::control::{ClientMessage, ControlHandle};
use crate::handover::{SavedChild, SavedRun, SavedState};
use crate::logs::{self, ChildLogSettings, Logger, Logs, Order, Stopped};
use crate::supervise::{api_settings, tell_lost};
use crate::{crash, life, output, servers};
use provost_core::Core;
use provost_model::fault::{Fault, FaultCode};
use provost_model::spec::namespec;
use provost_model::{
    Answer, ExitStatus, Level, Mono, Pid, ProcessSpec, Reply, Request, Run, Signal,
};
use provost_os::pidfd::{Ended, PidFd};
use provost_os::pidfile::PidFile;
use provost_os::reactor::{Interest, Reactor, Waker};
use provost_os::signals::SignalQueue;
use provost_os::{clock, kill, reap};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The signals that it obeys.
const SIGNALS: &[Signal] = &[
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::CHLD,
];

/// How long the last lines may take.
const FLUSH_MAX: Duration = Duration::from_secs(5);

const WAKE: u64 = u64::MAX;
const SIGNAL: u64 = u64::MAX - 1;

/// A process that lives.
struct Living {
    run: Run,
    spec: Arc<ProcessSpec>,
    /// None for our own children, whose end SIGCHLD tells.
    process: Option<PidFd>,
    /// When it is killed.
    kill_at: Option<Mono>,
}

/// Everything there is.
struct Plain {
    living: BTreeMap<Pid, Living>,
    logs: Logs,
    logger: Logger,
    clients: Receiver<ClientMessage>,
    stopping: bool,
}

/// Lives plainly until it is told to stop, or until an error; the exit status is returned.
pub(crate) fn live(state: SavedState) -> i32 {
    match supervise(state) {
        Ok(()) => crate::boot::EXIT_OK,
        Err(reason) => {
            output::err(&format!(
                "supervisord: the plain form failed, too: {reason}\n"
            ));
            crate::boot::EXIT_FAILED
        }
    }
}

fn supervise(state: SavedState) -> Result<(), String> {
    let failed = |what: &'static str| move |error: io::Error| format!("could not {what}: {error}");
    let config = state.life.into_config();
    let daemon = &config.supervisord;
    let mut main_log = match state.stuck.main_log() {
        Some(main_log) => main_log,
        None => life::open_main_log(daemon)?,
    };
    for cause in state.causes {
        main_log.write(Level::Critical, &cause);
    }
    let text = format!(
        "supervisord has failed {} times within a minute and goes on in its plain form: it starts nothing, writes logs, and \
         stops everything on SIGTERM. To have it whole again without restarting a program: kill -9 {}, then start it",
        state.panics.len(),
        std::process::id()
    );
    main_log.write(Level::Critical, &text);
    let open =
        servers::resume(state.servers, state.socket_files).map_err(failed("keep the sockets"))?;
    let pidfile = state.pidfile.and_then(|file| file.take().ok());
    let pidfile = pidfile.map(|file| PidFile::resume(&daemon.pidfile, file));
    let signals = SignalQueue::open(SIGNALS).map_err(failed("receive signals"))?;
    let waker = Waker::new().map_err(failed("be woken"))?;
    let reactor = Reactor::new().map_err(failed("wait"))?;
    let watched = reactor
        .add(waker.as_fd(), WAKE, Interest::Read)
        .and_then(|()| reactor.add(signals.as_fd(), SIGNAL, Interest::Read));
    watched.map_err(failed("wait"))?;
    let settings = ChildLogSettings {
        strip_ansi: daemon.strip_ansi,
    };
    // Nobody decides about events any more.
    let logs = logs::start_beside(state.stuck, main_log, settings, Box::new(drop))
        .map_err(failed("write logs"))?;
    let (sender, clients) = channel();
    let client_waker = waker.clone();
    let control = ControlHandle::new(sender, Arc::new(move || client_waker.wake()));
    let connections = state.connections.into_iter();
    let connections = connections.filter_map(|one| one.into_carried().ok());
    let api = api::start(ApiSettings {
        control: control.numbered_from(state.next_request),
        ..api_settings(&config, open.servers, connections.collect(), &logs)
    });
    let api = api.map_err(failed("serve clients"))?;
    let logger = logs.logger();
    crash::tell(logger.clone(), waker.clone());
    let mut plain = Plain {
        living: BTreeMap::new(),
        logs,
        logger,
        clients,
        stopping: false,
    };
    plain.take_up(&reactor, &state.core, state.children, state.outputs);
    for held in state.held {
        plain.logs.order(Order::ResumeLog(Box::new(held)));
    }
    plain
        .run(&reactor, &signals, &waker)
        .map_err(failed("wait"))?;
    api.stop();
    if let Stopped::Stuck { left } = plain.logs.stop(FLUSH_MAX) {
        tell_lost(&left);
    }
    // What cannot be removed names only processes that have ended.
    let _ = std::fs::remove_file(provost_wire::runs::path_beside(&daemon.pidfile));
    drop(open.files);
    if let Some(pidfile) = pidfile {
        // What cannot be removed stays behind unlocked, and the next start takes it over.
        let _ = pidfile.remove();
    }
    Ok(())
}

impl Plain {
    fn take_up(
        &mut self,
        reactor: &Reactor,
        core: &Core,
        children: Vec<SavedChild>,
        outputs: Vec<SavedRun>,
    ) {
        for output in outputs {
            let known = core.spec(output.proc);
            if let Ok(Some(carried)) = output.into_carried(known) {
                self.logs.order(Order::Resume(Box::new(carried)));
            }
        }
        for child in children {
            let Some(spec) = core.spec(child.proc) else {
                continue;
            };
            let process = child.adopted.and_then(|process| process.take().ok());
            let process = process.map(|process| PidFd::from_parts(child.pid, process));
            if let Some(process) = &process {
                let token = u64::from(child.pid.0.unsigned_abs());
                // One that cannot be watched is asked for at the end.
                let _ = reactor.add(process.as_fd(), token, Interest::Read);
            }
            // Its standard input is not taken up, so that it stays open for as long as we live: many a program ends
            // without it.
            let living = Living {
                run: child.run,
                spec: Arc::clone(spec),
                process,
                kill_at: None,
            };
            self.living.insert(child.pid, living);
        }
    }

    fn run(&mut self, reactor: &Reactor, signals: &SignalQueue, waker: &Waker) -> io::Result<()> {
        let mut ready = Vec::new();
        self.reap();
        while !(self.stopping && self.living.is_empty()) {
            reactor.wait(self.patience(), &mut ready)?;
            waker.drain();
            for received in signals.read()? {
                match received.signal {
                    Signal::TERM | Signal::INT | Signal::QUIT => self.stop(),
                    Signal::USR2 => self.logs.order(Order::Reopen),
                    _ => {}
                }
            }
            self.reap();
            self.look_at_adopted(reactor);
            self.hear_clients();
            self.kill_due();
        }
        Ok(())
    }

    fn patience(&self) -> Option<Duration> {
        let next = self
            .living
            .values()
            .filter_map(|living| living.kill_at)
            .min()?;
        Some(next.since(clock::mono()))
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = reap::reap_one() {
            self.ended(pid, status);
        }
    }

    fn look_at_adopted(&mut self, reactor: &Reactor) {
        let ended = self.living.iter().filter_map(|(&pid, living)| {
            let process = living
                .process
                .as_ref()
                .filter(|process| process.has_ended())?;
            // It was added when it was taken up.
            let _ = reactor.remove(process.as_fd());
            Some(match process.end() {
                Ended::As(status) => (pid, status),
                Ended::NotYet | Ended::Untold => (pid, ExitStatus::Unknown),
            })
        });
        for (pid, status) in ended.collect::<Vec<_>>() {
            self.ended(pid, status);
        }
    }

    fn ended(&mut self, pid: Pid, status: ExitStatus) {
        if let Some(living) = self.living.remove(&pid) {
            self.logs.order(Order::Drain { run: living.run });
            let name = namespec(&living.spec.group, &living.spec.name);
            self.logger.log(
                Level::Warn,
                format!("{name} (pid {pid}) has ended: {status}"),
            );
        }
    }

    /// Stops everything at once: priorities were the business of the whole form.
    fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        let now = clock::mono();
        for (&pid, living) in &mut self.living {
            let wait = u64::try_from(living.spec.stopwaitsecs).unwrap_or(0);
            living.kill_at = Some(now.plus(Duration::from_secs(wait)));
            // One that is gone already is heard of.
            let _ = send(pid, living, living.spec.stopsignal, living.spec.stopasgroup);
        }
    }

    fn kill_due(&mut self) {
        /// Between one SIGKILL and the next, for a process that hangs in the kernel.
        const AGAIN: Duration = Duration::from_secs(10);
        let now = clock::mono();
        for (&pid, living) in &mut self.living {
            if living.kill_at.is_some_and(|at| at <= now) {
                living.kill_at = Some(now.plus(AGAIN));
                // As above.
                let _ = send(pid, living, Signal::KILL, living.spec.killasgroup);
            }
        }
    }

    fn hear_clients(&mut self) {
        while let Ok(message) = self.clients.try_recv() {
            let (answer, told) = match message {
                ClientMessage::Ask {
                    request, answer, ..
                } => (answer, self.answer(&request)),
                ClientMessage::Attach { answer, .. } => (answer, Err(refusal())),
                ClientMessage::Gone { .. } => continue,
            };
            // A client that left needs no answer.
            let _ = answer.send(told);
        }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        match request {
            Request::Shutdown => {
                self.stop();
                Ok(Reply::Done)
            }
            _ => Err(refusal()),
        }
    }
}

fn send(
    pid: Pid,
    living: &Living,
    signal: Signal,
    whole_group: bool,
) -> Result<(), provost_model::Errno> {
    match &living.process {
        Some(process) => process.signal(signal, whole_group),
        None => kill::kill(pid, signal, whole_group),
    }
}

/// What every other request is answered.
fn refusal() -> Fault {
    Fault::about(
        FaultCode::Failed,
        "supervisord has failed again and again and goes on in its plain form: only shutdown is obeyed; its main log tells \
         what to do",
    )
}
