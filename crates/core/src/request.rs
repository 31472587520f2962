//! Requests of clients: who answers what.

use crate::deadlines::Timer;
use crate::group::Target;
use crate::job::{Deed, Manner};
use crate::lifecycle::{Goal, Phase};
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{Effect, job::Purpose};
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, Event, Notice, Reply, Request, RequestId};

impl Core {
    /// A client asks.
    pub(crate) fn requested(&mut self, turn: &mut Turn<'_>, id: RequestId, request: Request) {
        self.jobs.open(id);
        let request = if let Request::Within { scope, request } = request {
            self.reach = Some(scope);
            *request
        } else {
            request
        };
        self.answer(turn, id, request);
        self.reach = None;
    }

    /// Answers a request within [`Core::reach`], or begins what it asks for.
    fn answer(&mut self, turn: &mut Turn<'_>, id: RequestId, request: Request) {
        if self.is_refused(&request) {
            self.reply(turn, id, Err(Fault::bare(FaultCode::ShutdownState)));
            return;
        }
        match request {
            Request::Check => self.reply(turn, id, Ok(Reply::Done)),
            // Nobody puts one into another.
            Request::Within { .. } => {
                self.reply(turn, id, Err(Fault::bare(FaultCode::IncorrectParameters)));
            }
            Request::GetState => {
                let state = self.phase.published();
                self.reply(turn, id, Ok(Reply::State(state)));
            }
            Request::GetIdentification => {
                let text = self.identifier.to_string();
                self.reply(turn, id, Ok(Reply::Text(text)));
            }
            Request::GetProcessInfo { name } => {
                let answer = self.process_info(turn.now, &name);
                self.reply(turn, id, answer);
            }
            Request::GetAllProcessInfo => {
                let infos = self.all_process_info(turn.now);
                self.reply(turn, id, Ok(Reply::Infos(infos)));
            }
            Request::GetProcessDetail { name } => {
                let answer = self.process_detail(turn.now, &name);
                self.reply(turn, id, answer);
            }
            Request::GetProcessHistory { name } => {
                let answer = self.process_history(turn.now, &name);
                self.reply(turn, id, answer);
            }
            Request::GetAllViews => {
                let (views, position) = (self.all_views(turn.now), None);
                self.reply(turn, id, Ok(Reply::Views { views, position }));
            }
            Request::GetDifferences => {
                let differences = self.differences();
                self.reply(turn, id, Ok(Reply::Differences(differences)));
            }
            Request::GetAllConfigInfo => {
                let configs = self.all_config_info();
                self.reply(turn, id, Ok(Reply::Configs(configs)));
            }
            Request::GetEventPools => {
                let pools = self.all_pool_info();
                self.reply(turn, id, Ok(Reply::Pools(pools)));
            }
            Request::StartProcess { name, wait } => {
                self.on_named(turn, id, &name, Deed::Start { wait });
            }
            Request::StartProcessGroup { name, wait } => {
                self.on_group(turn, id, &name, &name, Deed::Start { wait });
            }
            Request::StartAllProcesses { wait } => self.on_all(turn, id, Deed::Start { wait }),
            Request::StopProcess { name, wait } => {
                self.on_named(turn, id, &name, Deed::Stop { wait });
            }
            Request::StopProcessGroup { name, wait } => {
                self.on_group(turn, id, &name, &name, Deed::Stop { wait });
            }
            Request::StopAllProcesses { wait } => self.on_all(turn, id, Deed::Stop { wait }),
            Request::SignalProcess { name, signal } => {
                self.on_named(turn, id, &name, sent(signal, Manner::Signal));
            }
            Request::SignalProcessGroup { name, signal } => {
                self.on_group(turn, id, &name, &name, sent(signal, Manner::Signal));
            }
            Request::SignalAllProcesses { signal } => {
                self.on_all(turn, id, sent(signal, Manner::Signal));
            }
            Request::KillProcess { name, signal } => {
                self.on_named(turn, id, &name, sent(signal, Manner::Kill));
            }
            Request::KillProcessGroup { name, signal } => {
                self.on_group(turn, id, &name, &name, sent(signal, Manner::Kill));
            }
            Request::ClearProcessLogs { name } => self.on_named(turn, id, &name, Deed::Clear),
            Request::ClearAllProcessLogs => self.on_all(turn, id, Deed::Clear),
            Request::SendProcessStdin { name, chars } => self.send_stdin(turn, id, name, chars),
            Request::SendRemoteCommEvent { kind, data } => {
                self.publish(turn, Event::RemoteCommunication { kind, data });
                self.reply(turn, id, Ok(Reply::Done));
            }
            Request::ReloadConfig => {
                self.order(turn, Purpose::Load { request: id }, |ticket| {
                    Effect::LoadConfig {
                        ticket,
                        for_restart: false,
                    }
                });
            }
            Request::AddProcessGroup { name } => {
                self.add_group_named(turn, id, &name);
            }
            Request::RemoveProcessGroup { name } => {
                let answer = self.remove_group_named(turn, &name);
                self.reply(turn, id, answer);
            }
            Request::Shutdown => {
                self.reply(turn, id, Ok(Reply::Done));
                self.stop_everything(turn, Goal::Shutdown);
            }
            Request::Restart => self.load_for_restart(turn, Some(id)),
            Request::Upgrade { binary } => self.upgrade(turn, Some(id), binary),
            Request::LogPath { name, channel } | Request::FollowPath { name, channel } => {
                let answer = self.log_path(&name, channel);
                self.reply(turn, id, answer);
            }
            Request::CallHelper {
                namespace,
                method,
                body,
            } => self.call_helper(turn, id, (&namespace, method), body),
            Request::HelperMethods => {
                let methods = self.helper_methods();
                self.reply(turn, id, Ok(methods));
            }
            Request::HelperMisspoke { run, what } => {
                self.reply(turn, id, Ok(Reply::Done));
                self.helper_misspoke(turn, run, what);
            }
            Request::GetGroupNames => {
                let names = self.group_names();
                self.reply(turn, id, Ok(Reply::Names(names)));
            }
            Request::LogMessage { level, text } => {
                turn.notice(Notice::Said { level, text });
                self.reply(turn, id, Ok(Reply::Done));
            }
            Request::AddProgramToGroup {
                group,
                program,
                options,
            } => self.ask_for_program(turn, id, group, program, options),
            Request::RemoveProcessFromGroup { group, process } => {
                let answer = self.remove_from_group(turn, &group, &process);
                self.reply(turn, id, answer);
            }
            Request::Cache { namespace, deed } => {
                let answer = self.stores.act(namespace, deed);
                self.reply(turn, id, answer);
            }
            Request::ClearMainLog => {
                self.order(turn, Purpose::ClearMain { request: id }, |ticket| {
                    Effect::ClearMainLog { ticket }
                });
            }
        }
    }

    /// Whether the daemon is stopping and this request minds.
    fn is_refused(&self, request: &Request) -> bool {
        let (is_over, is_saving) = match self.phase {
            Phase::Waiting | Phase::Serving => (false, false),
            Phase::Stopping(_) => (true, false),
            Phase::Saving(_) => (true, true),
            Phase::Ended(_) => return true,
        };
        // What waits for listeners has gone to the disk by then, and the logs are about to close.
        let minds_the_end = matches!(
            request,
            Request::SendRemoteCommEvent { .. } | Request::FollowPath { .. }
        );
        let never_minds = matches!(
            request,
            Request::CallHelper { .. } | Request::HelperMethods | Request::HelperMisspoke { .. }
        );
        let minds = if minds_the_end {
            is_saving
        } else {
            !never_minds
        };
        is_over && minds
    }

    /// A client left: nobody waits for the answer any more. What it has asked for and is not yet begun is still done.
    pub(crate) fn requester_gone(&mut self, id: RequestId) {
        self.leave_call(id);
        for proc in self.jobs.leave(id) {
            self.deadlines.set(Timer::StopReport(proc), None);
        }
    }

    /// Answers a client, once, if it is still there.
    pub(crate) fn reply(&mut self, turn: &mut Turn<'_>, id: RequestId, answer: Answer) {
        if self.jobs.close(id) {
            turn.out.push(Effect::Reply { id, answer });
        }
    }

    /// A request about one process, or about a group when the name says so.
    fn on_named(&mut self, turn: &mut Turn<'_>, id: RequestId, name: &str, deed: Deed) {
        match Target::parse(name) {
            Target::Whole { group } => self.on_group(turn, id, group, name, deed),
            Target::One { group, process } => match self.find_in_reach(group, process) {
                Some(proc) => {
                    if matches!(deed, Deed::Stop { .. }) {
                        self.supersede_starts(&[proc]);
                    }
                    self.begin_job(turn, id, vec![(proc, name.to_owned())], false, deed);
                }
                None => self.reply(turn, id, Err(Fault::about(FaultCode::BadName, name))),
            },
        }
    }

    /// A request about a group; `asked` is the name as the client gave it.
    fn on_group(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        group: &str,
        asked: &str,
        deed: Deed,
    ) {
        let known = self.groups.named(group);
        let reach = self.reach.as_ref();
        let Some((_, group)) =
            known.filter(|(_, group)| reach.is_none_or(|reach| reach.touches(&group.name)))
        else {
            self.reply(turn, id, Err(Fault::about(FaultCode::BadName, asked)));
            return;
        };
        let all = group.by_priority.iter().copied();
        let members: Vec<_> = all.filter(|proc| self.is_in_reach(*proc)).collect();
        if members.is_empty() && reach.is_some() {
            self.reply(turn, id, Err(Fault::about(FaultCode::BadName, asked)));
            return;
        }
        self.on_many(turn, id, members, deed);
    }

    /// A request about everything.
    fn on_all(&mut self, turn: &mut Turn<'_>, id: RequestId, deed: Deed) {
        let groups = self.groups.by_priority();
        let members = groups
            .into_iter()
            .flat_map(|(_, group)| group.by_priority.iter().copied())
            .filter(|proc| self.is_in_reach(*proc))
            .collect();
        self.on_many(turn, id, members, deed);
    }
}

fn sent(signal: String, manner: Manner) -> Deed {
    Deed::Signal { signal, manner }
}
