//! What other threads and the system hand in to the control thread.

use crate::control::ClientMessage;
use crate::done::{Done, Errand};
use crate::logs::Order;
use crate::shell::{FACTS_PER_TURN, Shell};
use provost_core::Input;
use provost_model::{Level, Pid, Signal};
use provost_os::clock;

impl Shell {
    pub(crate) fn take_signals(&mut self) {
        let received = match self.signals.read() {
            Ok(received) => received,
            Err(error) => {
                return self.log(
                    Level::Critical,
                    format!("could not read pending signals: {error}"),
                );
            }
        };
        let mut ended = None;
        for one in received {
            if one.signal != Signal::CHLD && one.pid > 0 && self.logger.enabled(Level::Debug) {
                self.log(
                    Level::Debug,
                    format!(
                        "{} was sent by pid {} of uid {}",
                        one.signal, one.pid, one.uid
                    ),
                );
            }
            match one.signal {
                Signal::CHLD => ended = Some(Pid(one.pid)),
                Signal::USR1 if self.daemon.sigusr1_upgrades => self.tell(Input::UpgradeAsked),
                signal => self.tell(Input::Signal(signal)),
            }
        }
        if let Some(named) = ended {
            self.child_quit = true;
            self.reap_named(named);
            if self.children.next_deadline().is_none() {
                self.tell_child_quit();
            }
        }
    }

    pub(crate) fn take_done(&mut self) {
        let before = clock::mono();
        for _ in 0..FACTS_PER_TURN {
            match self.done.try_recv() {
                Ok(Done::Prepared { run, result }) => self.worker_prepared(run, result),
                Ok(Done::Recorded { run, result }) => {
                    let waits = matches!(result, Ok(at) if self.births.waits(run, at));
                    if !waits {
                        self.recorded(run, result);
                    }
                }
                Ok(Done::Opened { attempt, result }) => self.socket_opened(attempt, result),
                Ok(Done::Errand(errand)) => {
                    self.errands = self.errands.saturating_sub(1);
                    self.errand_done(errand);
                }
                Ok(Done::Examined { ticket, result }) => self.examined(ticket, result),
                Ok(Done::Rehearsed { ticket, result }) => self.rehearsal_ended(ticket, result),
                Err(_) => {
                    if let Some((run, at)) = self.births.heard_until(before) {
                        self.recorded(run, Ok(at));
                    }
                    return self.take_prepared();
                }
            }
        }
        self.take_prepared();
        self.waker.wake();
    }

    fn errand_done(&mut self, errand: Errand) {
        match errand {
            Errand::Probed { ticket, result } => self.tell(Input::Probed { ticket, result }),
            Errand::Located {
                ticket,
                paths,
                places,
            } => {
                self.errands += 1;
                self.logs.order_at(Order::Clear { ticket, paths }, places);
            }
            Errand::Spooled { ticket, answer } => {
                self.spools.answered(ticket);
                self.tell(Input::SpoolAnswered { ticket, answer });
            }
            Errand::Loaded {
                ticket,
                for_restart,
                result,
            } => self.loaded(ticket, for_restart, *result),
            Errand::ProgramRead { ticket, result } => self.program_read(ticket, result),
        }
    }

    pub(crate) fn take_clients(&mut self) {
        for _ in 0..FACTS_PER_TURN {
            match self.clients.try_recv() {
                Ok(message) => self.hear_client(message),
                Err(_) => return,
            }
        }
        self.waker.wake();
    }

    /// Tells the core what a client wants.
    pub(crate) fn hear_client(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Ask {
                id,
                request,
                answer,
            } => {
                self.answers.ask(id, answer);
                self.tell(Input::Requested { id, request });
            }
            ClientMessage::Attach { id, answer } => self.answers.attach(id, answer),
            ClientMessage::Gone { id } => {
                if self.answers.gone(id) {
                    self.tell(Input::RequesterGone { id });
                }
            }
        }
    }
}
