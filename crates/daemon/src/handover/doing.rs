//! The order at hand: what becomes of it when doing it panics.
//!
//! How far it was done is not known. The core hears of a failure, where one can be told and mended; what can be done twice
//! is put back; what has a deadline in the core is left to that.

use provost_core::{Effect, Input, SpoolProblem, StdinProblem};
use provost_model::spawn::SpawnProblem;
use provost_model::{Envelope, Errno, RequestId, Run, Ticket};

/// `EINTR`.
const INTERRUPTED: Errno = Errno(4);

/// What is kept of an order while it is done.
#[derive(Debug, Default)]
pub(crate) enum Doing {
    /// Nothing, or something that need not be known.
    #[default]
    Nothing,
    Spawn(Run),
    Deliver(Run, Envelope),
    CallHelper(Run, u64),
    Fence(Ticket),
    WriteStdin(Ticket),
    Spool(Ticket),
    Reply(RequestId),
    /// A signal, until the system has it.
    Signal(Run, Box<Effect>),
    /// It is done again.
    Again(Box<Effect>),
}

/// What follows from an order that was broken off.
#[derive(Debug)]
pub(super) enum Broken {
    Nothing,
    /// The core is told this.
    Told(Input),
    /// This request gets a fault.
    Unanswered(RequestId),
    /// It is still to be done.
    Again(Effect),
    /// It is still to be done, unless what is to be written waits for the listener already.
    Deliver(Run, Envelope),
    /// It is still to be done, unless the process has ended. Those of a tree who have had it may get it twice.
    Signal(Run, Effect),
}

impl Doing {
    /// What there is to know of an order. Next to nothing is copied of those that come often.
    pub(crate) fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Spawn { run, .. } => Self::Spawn(*run),
            Effect::Deliver { run, envelope } => Self::Deliver(*run, envelope.clone()),
            Effect::CallHelper { run, call, .. } => Self::CallHelper(*run, *call),
            Effect::Fence { ticket } => Self::Fence(*ticket),
            Effect::WriteStdin { ticket, .. } => Self::WriteStdin(*ticket),
            Effect::Spool { ticket, .. } => Self::Spool(*ticket),
            Effect::Reply { id, .. } => Self::Reply(*id),
            Effect::Kill { run, .. } | Effect::KillTree { run, .. } => {
                Self::Signal(*run, Box::new(effect.clone()))
            }
            Effect::ProcessAdded { .. }
            | Effect::ProcessRemoved { .. }
            | Effect::OpenSocket { .. }
            | Effect::CloseSocket { .. }
            | Effect::Exit { .. } => Self::Again(Box::new(effect.clone())),
            _ => Self::Nothing,
        }
    }

    /// It was broken off.
    pub(super) fn broken(self) -> Broken {
        Broken::Told(match self {
            Self::Nothing => return Broken::Nothing,
            Self::Again(effect) => return Broken::Again(*effect),
            Self::Signal(run, effect) => return Broken::Signal(run, *effect),
            Self::Reply(id) => return Broken::Unanswered(id),
            Self::Spawn(run) => Input::SpawnFailed {
                run,
                problem: interrupted(),
            },
            Self::Deliver(run, envelope) => return Broken::Deliver(run, envelope),
            Self::CallHelper(run, call) => Input::CallNotSent {
                run,
                call,
                problem: StdinProblem::Closed,
            },
            Self::Fence(ticket) => Input::Fenced { ticket },
            Self::WriteStdin(ticket) => Input::StdinWritten {
                ticket,
                result: Err(StdinProblem::Closed),
            },
            Self::Spool(ticket) => Input::SpoolAnswered {
                ticket,
                answer: Err(SpoolProblem),
            },
        })
    }
}

/// Why a process could not be started that was just being started.
pub(super) fn interrupted() -> SpawnProblem {
    SpawnProblem::Fork { errno: INTERRUPTED }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::Signal;

    #[test]
    fn a_signal_that_was_broken_off_is_still_to_be_sent() {
        let (run, signal) = (Run(7), Signal::TERM);
        let kill = Effect::Kill {
            run,
            signal,
            whole_group: true,
        };
        for effect in [kill, Effect::KillTree { run, signal }] {
            let broken = Doing::of(&effect).broken();
            assert!(
                matches!(&broken, Broken::Signal(of, same) if *of == run && *same == effect),
                "{broken:?}"
            );
        }
        assert!(matches!(Doing::Nothing.broken(), Broken::Nothing));
    }
}
