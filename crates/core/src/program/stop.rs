//! The way down: stop requests, SIGKILL, signals of clients, and signals that could not be sent.

use super::machine::{Child, Process, State};
use super::restart;
use crate::Effect;
use crate::turn::Act;
use provost_model::{Errno, Notice, Run, Signal};
use std::time::Duration;

/// `ESRCH`: the process is gone already, and its exit is about to be told.
const NO_SUCH_PROCESS: Errno = Errno(3);

/// Shortest time between two SIGKILLs to one process.
///
/// Upstream repeats it each `stopwaitsecs`, and with 0 as fast as it can; a process that outlives a SIGKILL hangs in
/// the kernel, and more of them do not help.
const KILL_PERIOD_MIN: Duration = Duration::from_secs(1);

impl Process {
    /// Somebody wants it stopped.
    pub(crate) fn stop(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Awaited { run, .. } => self.state = State::Awaited { run, stop: true },
            State::Starting { child, .. } | State::Running { child } => {
                self.ask_to_end(act, child);
            }
            State::Backoff { .. } => {
                act.turn.notice(Notice::KillInBackoff {
                    name: self.name.clone(),
                });
                self.change(act, State::Stopped);
            }
            State::Stopping { .. } => {}
            State::Stopped | State::Exited { .. } | State::Fatal | State::Unknown { .. } => {
                let signal = self.spec.stopsignal;
                act.turn.notice(Notice::KillNotRunning {
                    name: self.name.clone(),
                    signal,
                });
            }
        }
    }

    /// STOPPING, and the stop signal.
    fn ask_to_end(&mut self, act: &mut Act<'_, '_>, child: Child) {
        let signal = self.spec.stopsignal;
        let whole_group = self.spec.stopasgroup;
        let wait = restart::seconds(self.spec.stopwaitsecs);
        let kill_at = act.turn.now.mono.plus(wait);
        self.tell_killing(act, child, signal, whole_group);
        self.change(act, State::Stopping { child, kill_at });
        self.order_signal(act, child.run, signal, whole_group);
        if self.spec.stop_cont {
            // After the stop signal: what was halted finds that one first when it wakes up.
            self.order_signal(act, child.run, Signal::CONT, whole_group);
        }
    }

    /// The daemon stops: as `stop`, but BACKOFF becomes FATAL and what has ended stays as it is.
    ///
    /// A child that could not be signalled is tried once more, so that it does not live on beside the next daemon's
    /// copy of it. If that fails, too, nobody waits for it.
    pub(crate) fn stop_for_shutdown(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Awaited { .. } | State::Starting { .. } | State::Running { .. } => {
                self.stop(act);
            }
            State::Backoff { .. } => self.give_up(act),
            State::Exited { .. } => self.state = State::Exited { again_at: None },
            State::Unknown { child, .. } => self.ask_to_end(act, child),
            State::Stopped | State::Stopping { .. } | State::Fatal => {}
        }
    }

    /// `stopwaitsecs` have passed since the stop signal or the last SIGKILL.
    pub(super) fn kill_hard(&mut self, act: &mut Act<'_, '_>, child: Child) {
        let whole_group = self.spec.killasgroup;
        act.turn.notice(Notice::KillingHard {
            name: self.name.clone(),
            pid: child.pid,
        });
        self.tell_killing(act, child, Signal::KILL, whole_group);
        let period = restart::seconds(self.spec.stopwaitsecs).max(KILL_PERIOD_MIN);
        self.state = State::Stopping {
            child,
            kill_at: act.turn.now.mono.plus(period),
        };
        self.order_signal(act, child.run, Signal::KILL, whole_group);
    }

    /// A signal of a stop.
    fn order_signal(&self, act: &mut Act<'_, '_>, run: Run, signal: Signal, whole_group: bool) {
        if self.spec.stop_tree {
            // First: the end of the child would cut the others off from it.
            act.turn.out.push(Effect::KillTree { run, signal });
        }
        act.turn.out.push(Effect::Kill {
            run,
            signal,
            whole_group,
        });
    }

    /// It can be of no use any more: SIGKILL at once, and its end counts as one that came by itself.
    pub(crate) fn cut_off(&mut self, act: &mut Act<'_, '_>) {
        match self.state {
            State::Starting { child, .. } | State::Running { child } => {
                let whole_group = self.spec.killasgroup;
                self.tell_killing(act, child, Signal::KILL, whole_group);
                act.turn.out.push(Effect::Kill {
                    run: child.run,
                    signal: Signal::KILL,
                    whole_group,
                });
            }
            // It has been asked to end, and SIGKILL follows by itself; or it cannot be sent a signal.
            State::Stopping { .. } | State::Unknown { .. } => {}
            State::Stopped
            | State::Awaited { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Fatal => self.unexpected(act, "a helper spoke"),
        }
    }

    fn tell_killing(&self, act: &mut Act<'_, '_>, child: Child, signal: Signal, whole_group: bool) {
        let name = self.name.clone();
        act.turn.notice(Notice::Killing {
            name,
            pid: child.pid,
            signal,
            whole_group,
        });
    }

    /// A client's signal, not meant as a stop. Tells the run it goes to; none when there is no child to take it.
    pub(crate) fn signal(&mut self, act: &mut Act<'_, '_>, signal: Signal) -> Option<Run> {
        match self.state {
            State::Starting { child, .. }
            | State::Running { child }
            | State::Stopping { child, .. } => {
                let name = self.name.clone();
                act.turn.notice(Notice::Signalling {
                    name,
                    pid: child.pid,
                    signal,
                });
                act.turn.out.push(Effect::Kill {
                    run: child.run,
                    signal,
                    whole_group: false,
                });
                Some(child.run)
            }
            State::Stopped
            | State::Awaited { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Fatal
            | State::Unknown { .. } => None,
        }
    }

    /// A signal could not be sent. Tells the refusal for a client who waits for it; none when the process has only
    /// ended already, which is as good.
    pub(crate) fn kill_failed(
        &mut self,
        act: &mut Act<'_, '_>,
        run: Run,
        errno: Errno,
        by_client: bool,
    ) -> Option<String> {
        let child = self.child().filter(|child| child.run == run)?;
        let (name, pid) = (self.name.clone(), child.pid);
        if errno == NO_SUCH_PROCESS {
            act.turn.notice(Notice::SignalTooLate {
                name,
                pid,
                by_client,
            });
            return None;
        }
        let deed = if by_client { "sending sig" } else { "killing" };
        let text = format!("unknown problem {deed} {name} ({pid}): {errno}");
        act.turn.notice(Notice::SignalFailed {
            name,
            pid,
            errno,
            by_client,
        });
        match self.state {
            State::Starting { .. } | State::Running { .. } => {
                self.change(
                    act,
                    State::Unknown {
                        child,
                        stop_wished: false,
                    },
                );
            }
            State::Stopping { .. } => {
                self.change(
                    act,
                    State::Unknown {
                        child,
                        stop_wished: true,
                    },
                );
            }
            State::Unknown { .. } => {}
            State::Stopped
            | State::Awaited { .. }
            | State::Backoff { .. }
            | State::Exited { .. }
            | State::Fatal => self.unexpected(act, "a signal failed"),
        }
        Some(text)
    }
}
