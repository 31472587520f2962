//! Bugs that are wrong orders: given twice, too late, to the wrong one, or not at all.

use super::{Mutant, Plant};
use provost_core::{Effect, SpoolOrder};
use provost_model::{
    Envelope, Event, Notice, ProcessState, Reply, RequestId, Run, Signal, SocketId,
};
use std::sync::Arc;

impl Mutant {
    /// What leaves the buggy core in place of `effects`.
    pub(super) fn edit_orders(
        &mut self,
        effects: Vec<Effect>,
        out: &mut Vec<Effect>,
        started: bool,
        gone: Option<RequestId>,
        dead: Option<Run>,
    ) {
        let plant = self.plant;
        out.append(&mut self.held);
        for mut effect in effects {
            self.restore(&mut effect);
            self.edit_order(effect, out);
        }
        match plant {
            Plant::StartsBackwards if started => turn(out, is_spawn),
            Plant::StartsGroupsBackwards if !started => turn(out, is_spawn),
            Plant::SignalsBackwards => turn(out, is_kill),
            Plant::RepliesToGone => {
                if let Some(id) = gone {
                    out.push(Effect::Reply {
                        id,
                        answer: Ok(Reply::Done),
                    });
                }
            }
            Plant::SignalsTheDead => out.extend(dead.map(|run| Effect::Kill {
                run,
                signal: Signal::TERM,
                whole_group: false,
            })),
            Plant::WondersForNothing if self.each(50) => {
                out.push(Effect::Notice(Notice::Anomaly {
                    what: "a planted one".to_owned(),
                }));
            }
            Plant::ExitsEarly if self.chances == 1 => {
                self.chances = 2;
                out.push(Effect::Exit { restart: false });
            }
            _ => {}
        }
    }

    fn edit_order(&mut self, effect: Effect, out: &mut Vec<Effect>) {
        let plant = self.plant;
        match effect {
            Effect::Spawn { proc, run, socket } => {
                self.last_run = Some(run);
                self.last_proc = Some(proc);
                match plant {
                    Plant::DropsSpawn if self.each(7) => {}
                    Plant::SpawnsTwice if self.each(7) => {
                        out.push(Effect::Spawn { proc, run, socket });
                        out.push(Effect::Spawn {
                            proc,
                            run: Run(run.0 + (1 << 20)),
                            socket,
                        });
                    }
                    _ => out.push(Effect::Spawn { proc, run, socket }),
                }
            }
            Effect::Kill {
                run,
                signal,
                whole_group,
            } => self.edit_kill(run, signal, whole_group, out),
            Effect::ReserveSerials { .. } if plant == Plant::ForgetsToReserve => {}
            Effect::Reply { id, answer } => self.edit_reply(id, answer, out),
            Effect::Deliver { run, envelope } => self.edit_delivery(run, envelope, out),
            Effect::CallHelper { .. } if plant == Plant::DropsCall && self.each(5) => {}
            Effect::HangUp { .. } if plant == Plant::KeepsTalking => {}
            Effect::Notice(notice) => self.edit_notice(notice, out),
            Effect::Exit { restart } => match plant {
                Plant::DropsExit => {}
                Plant::ExitsWrongly => out.push(Effect::Exit { restart: !restart }),
                _ => out.push(Effect::Exit { restart }),
            },
            Effect::Spool {
                ticket,
                spool,
                order,
            } => {
                let order = self.edit_spool(order);
                out.push(Effect::Spool {
                    ticket,
                    spool,
                    order,
                });
            }
            Effect::ProcessRemoved { proc } => {
                if self.plant != Plant::KeepsRemoved {
                    out.push(Effect::ProcessRemoved { proc });
                }
            }
            Effect::OpenSocket { socket, spec } => {
                self.last_socket = Some(socket);
                if plant == Plant::OpensSocketTwice {
                    out.push(Effect::OpenSocket {
                        socket: SocketId(socket.0 + (1 << 20)),
                        spec: Arc::clone(&spec),
                    });
                }
                out.push(Effect::OpenSocket { socket, spec });
            }
            Effect::CloseSocket { .. } if plant == Plant::KeepsSocket => {}
            Effect::Print { .. } if plant == Plant::DropsPrint => {}
            Effect::HandOver { .. } if plant == Plant::DropsHandOver => {}
            Effect::KillTree { .. } if plant == Plant::SparesTrees => {}
            other => out.push(other),
        }
    }

    fn edit_spool(&mut self, order: SpoolOrder) -> SpoolOrder {
        let mut order = order;
        match (self.plant, &mut order) {
            (Plant::ForgetsForTheSpool, SpoolOrder::Append { events, .. }) if self.each(3) => {
                events.pop();
            }
            (
                Plant::CallsDoneTooEarly,
                SpoolOrder::Append { done, .. }
                | SpoolOrder::Read { done, .. }
                | SpoolOrder::Mark { done },
            ) => *done += 1,
            (
                Plant::SavesNothing,
                SpoolOrder::Save {
                    first,
                    unsure,
                    last,
                    ..
                },
            ) => {
                for events in [first, unsure, last] {
                    events.clear();
                }
            }
            _ => {}
        }
        order
    }

    fn edit_kill(&mut self, run: Run, signal: Signal, whole_group: bool, out: &mut Vec<Effect>) {
        let plant = self.plant;
        let kill = |whole_group| Effect::Kill {
            run,
            signal,
            whole_group,
        };
        let hard = signal == Signal::KILL;
        match plant {
            Plant::DropsStopSignal if !hard && self.each(5) => {}
            Plant::DropsHardKill if hard => {}
            Plant::MixesUpGroupSignals => out.push(kill(!whole_group)),
            Plant::KillsLate => self.held.push(kill(whole_group)),
            Plant::SignalsTwice if self.each(3) => {
                out.extend([kill(whole_group), kill(whole_group)]);
            }
            _ => out.push(kill(whole_group)),
        }
    }

    fn edit_reply(&mut self, id: RequestId, answer: provost_model::Answer, out: &mut Vec<Effect>) {
        let plant = self.plant;
        let mut answer = answer;
        match (plant, &mut answer) {
            (Plant::DropsReply, _) if self.each(10) => return,
            (Plant::RepliesTwice, _) if self.each(10) => {
                out.push(Effect::Reply {
                    id,
                    answer: answer.clone(),
                });
            }
            (Plant::LetsCallsHang, Err(fault)) if is_overdue(fault) => return,
            (Plant::MixesUpCalls, Ok(Reply::Helper(answer))) if self.each(5) => {
                answer.body = b"answer to another".to_vec();
            }
            (Plant::UnsortsAnswers, Ok(Reply::Configs(configs))) => configs.reverse(),
            (Plant::ShortensAnswers, Ok(Reply::Infos(infos))) => {
                infos.pop();
            }
            (Plant::UnsortsAnswers, Ok(Reply::Infos(infos))) => infos.reverse(),
            (Plant::HidesPid, Ok(Reply::Info(info))) => info.pid = 0,
            (Plant::ShowsWrongStatus, Ok(Reply::Info(info))) => info.exitstatus += 1,
            (Plant::ShowsWrongState, Ok(Reply::Info(info))) => {
                info.state = match info.state {
                    ProcessState::Starting => ProcessState::Running,
                    ProcessState::Stopped => ProcessState::Exited,
                    other => other,
                };
            }
            _ => {}
        }
        out.push(Effect::Reply { id, answer });
    }

    fn edit_delivery(&mut self, run: Run, envelope: Envelope, out: &mut Vec<Effect>) {
        let plant = self.plant;
        let mut envelope = envelope;
        match plant {
            Plant::DropsDelivery if self.each(5) => return,
            Plant::DeliversTwice if self.each(5) => {
                out.push(Effect::Deliver {
                    run,
                    envelope: envelope.clone(),
                });
            }
            Plant::SkipsSerial => envelope.serial += u64::from(envelope.serial > 3),
            Plant::SkipsPoolSerial => envelope.pool_serial += u64::from(envelope.pool_serial > 3),
            Plant::EventsNameWrongPid => {
                let mut event = (*envelope.event).clone();
                if let Event::ProcessState { pid, .. } = &mut event {
                    *pid += 1;
                }
                envelope.event = Arc::new(event);
            }
            _ => {}
        }
        out.push(Effect::Deliver { run, envelope });
    }

    fn edit_notice(&mut self, notice: Notice, out: &mut Vec<Effect>) {
        let plant = self.plant;
        let hidden = matches!(
            (plant, &notice),
            (Plant::HidesOverflow, Notice::PoolOverflow { .. })
                | (Plant::HidesTheSum, Notice::PoolOverflowOver { .. })
                | (Plant::HidesExit, Notice::Exited { .. })
                | (Plant::HidesClosing, Notice::ClosingSocket { .. })
                | (Plant::HidesGivingUp, Notice::GaveUp { .. })
        );
        if let (Plant::ClosesSocketInUse, Notice::Exited { .. }) = (plant, &notice) {
            out.extend(
                self.last_socket
                    .map(|socket| Effect::CloseSocket { socket }),
            );
        }
        if let (Plant::ReportsWaitOfNobody, Notice::Stopped { name, .. }) = (plant, &notice) {
            let name = name.clone();
            out.push(Effect::Notice(Notice::WaitingToStop { name }));
        }
        // The moment at which a careless core would start what has just ended.
        let again = match (plant, &notice) {
            (Plant::SpawnsWhileStopping, Notice::WaitingToDie { .. }) => self.last_proc,
            _ => None,
        };
        if !hidden {
            out.push(Effect::Notice(notice));
        }
        if let (Some(proc), Some(run)) = (again, self.last_run) {
            out.push(Effect::Spawn {
                proc,
                run: Run(run.0 + (1 << 20)),
                socket: None,
            });
        }
    }
}

/// Whether a call is ended by its time limit.
fn is_overdue(fault: &provost_model::Fault) -> bool {
    let text = fault.extra.as_deref().unwrap_or_default();
    text.contains("did not answer within")
}

fn is_spawn(effect: &Effect) -> bool {
    matches!(effect, Effect::Spawn { .. })
}

fn is_kill(effect: &Effect) -> bool {
    matches!(effect, Effect::Kill { .. })
}

/// Turns the order of some orders round.
fn turn(out: &mut [Effect], which: impl Fn(&Effect) -> bool) {
    let places: Vec<usize> = (0..out.len()).filter(|place| which(&out[*place])).collect();
    let pairs = places.iter().zip(places.iter().rev());
    for (first, last) in pairs.take(places.len() / 2) {
        out.swap(*first, *last);
    }
}
