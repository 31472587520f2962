//! Bugs that are a wrong hearing: facts, requests and times reach the core changed or not at all.

use super::{Mutant, Plant, configs};
use provost_core::Input;
use provost_model::helper::HelperWord;
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, ExitStatus, Mono, Now, Request};
use std::time::Duration;

impl Mutant {
    /// What the core hears, if anything.
    pub(super) fn edit_input(&mut self, now: Now, input: Input) -> (Now, Option<Input>) {
        let now = self.edit_now(now, &input);
        (now, self.edit_fact(input))
    }

    fn edit_now(&self, now: Now, input: &Input) -> Now {
        let plant = self.plant;
        match plant {
            Plant::TrustsTheWallClock => Now {
                mono: self.by_the_wall(now),
                ..now
            },
            Plant::HurriesDeadlines if !matches!(input, Input::Tick | Input::Started) => Now {
                mono: now.mono.plus(Duration::from_millis(300)),
                ..now
            },
            _ => now,
        }
    }

    /// What a monotonic clock would show that follows the wall clock.
    pub(super) fn by_the_wall(&self, now: Now) -> Mono {
        let began = self.began.unwrap_or(now);
        let ns = |now: Now| i128::from(now.wall.secs) * 1_000_000_000 + i128::from(now.wall.nanos);
        let mono = i128::from(began.mono.0) + ns(now) - ns(began);
        Mono(u64::try_from(mono).unwrap_or(0))
    }

    fn edit_fact(&mut self, input: Input) -> Option<Input> {
        let plant = self.plant;
        match (plant, input) {
            (Plant::IgnoresDeparture, Input::RequesterGone { .. })
            | (Plant::ForgetsOrphans, Input::Orphan(_))
            | (Plant::ForgetsNumbers, Input::SerialsFrom { first: 1.., .. })
            | (Plant::MissesFailedKill, Input::KillFailed { .. })
            | (
                Plant::TrustsHelpers,
                Input::HelperSaid {
                    word: HelperWord::Nonsense(_),
                    ..
                },
            ) => None,
            (Plant::MissesExit, Input::Exited { .. }) if self.each(5) => None,
            (Plant::ForgetsStatus, Input::Exited { run, .. }) => Some(Input::Exited {
                run,
                status: ExitStatus::Code(0),
                why: None,
            }),
            (Plant::TrustsTheRehearsal, Input::Rehearsed { ticket, .. }) => {
                let result = Ok("0.2.0".to_owned());
                Some(Input::Rehearsed { ticket, result })
            }
            (Plant::BlamesTheProgram, Input::SpawnFailed { run, .. }) => Some(Input::SpawnFailed {
                run,
                problem: SpawnProblem::Fork { errno: Errno(1) },
            }),
            (Plant::TrustsListeners, Input::ListenerSaid { run, data }) => {
                // As if the word had been whole from the beginning.
                let data = if data.starts_with(b"R") && data.len() < 6 {
                    b"READY\n".to_vec()
                } else {
                    data
                };
                Some(Input::ListenerSaid { run, data })
            }
            (
                Plant::ExitsEarly,
                Input::Requested {
                    id,
                    request: Request::Shutdown,
                },
            ) => {
                self.chances = 1;
                Some(Input::Requested {
                    id,
                    request: Request::Shutdown,
                })
            }
            (Plant::AddsUntried, Input::SocketTried { ticket, .. }) => Some(Input::SocketTried {
                ticket,
                result: Ok(()),
            }),
            (Plant::ForgetsPrograms, Input::ProgramRead { ticket, .. }) => {
                let result = Ok(Vec::new());
                Some(Input::ProgramRead { ticket, result })
            }
            (Plant::TakesBrokenPrograms, Input::ProgramRead { ticket, result }) => {
                let result = Ok(result.unwrap_or_default());
                Some(Input::ProgramRead { ticket, result })
            }
            (plant, Input::ConfigLoaded { ticket, result }) => {
                let result = match (plant, result) {
                    (Plant::RestartsWithBrokenConfig, Err(_)) | (Plant::RereadsNothing, Ok(_)) => {
                        Ok(self.first.clone())
                    }
                    (_, Ok(config)) => {
                        let edited = configs::edit(plant, &config);
                        self.remember(&config, &edited);
                        Ok(edited)
                    }
                    (_, Err(reason)) => Err(reason),
                };
                Some(Input::ConfigLoaded { ticket, result })
            }
            (_, input) => Some(input),
        }
    }
}
