//! Facts that no sound edge tells: twice, or about nothing. The core must keep its state and may say that it wonders.

use super::world::World;
use provost_core::Input;
use provost_model::spawn::SpawnProblem;
use provost_model::{Channel, Errno, ExitStatus, Pid, ProcId, RequestId, Run, Signal, Ticket};

/// A number that nothing gets in a life of a simulated daemon.
const NEVER: u64 = 1 << 40;

impl World {
    /// Something that cannot be.
    pub(super) fn impossible(&mut self) -> Input {
        let run = Run(NEVER);
        let ticket = Ticket(NEVER);
        let place = self.dice.index(self.told.len());
        let again = self.told.get(place).cloned();
        match self.dice.below(12) {
            0 => Input::Exited {
                run,
                status: ExitStatus::Code(0),
                why: None,
            },
            1 => Input::Spawned { run, pid: Pid(7) },
            2 => Input::SpawnFailed {
                run,
                problem: SpawnProblem::EmptyCommand,
            },
            3 => Input::KillFailed {
                run,
                errno: Errno(1),
                signal: Signal::TERM,
            },
            4 => Input::Probed {
                ticket,
                result: Ok(()),
            },
            5 => Input::ConfigLoaded {
                ticket,
                result: Ok(self.file.clone()),
            },
            6 if self.dice.chance(500) => Input::SocketTried {
                ticket,
                result: Ok(()),
            },
            6 => Input::Fenced { ticket },
            7 => Input::ListenerSaid {
                run,
                data: b"READY\n".to_vec(),
            },
            8 => Input::RequesterGone {
                id: RequestId(NEVER),
            },
            9 => Input::AutoLogNamed {
                proc: ProcId(u32::MAX),
                channel: Channel::Stdout,
                path: "/x".into(),
            },
            _ => again.unwrap_or(Input::Started),
        }
    }
}
