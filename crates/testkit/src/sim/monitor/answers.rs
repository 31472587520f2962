//! Whether an answer is true (I03, I17, I24, I39).

use super::Monitor;
use super::requests::{Asked, Target, read_signal};
use super::sockets::SOCKET_PATIENCE;
use provost_model::fault::{Fault, FaultCode};
use provost_model::info::{PoolInfo, ProcessInfo, ProcessResult};
use provost_model::{Answer, Mono, ProcId, ProcessState, Reply, Request, RequestId};
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest patience with a worker that reads a configuration; what it has read later counts for nothing.
pub(super) const LOAD_PATIENCE: Duration = Duration::from_mins(1);

impl Monitor {
    /// A client is answered.
    pub(super) fn answer(&mut self, id: RequestId, answer: &Answer) {
        let Some(asked) = self
            .requests
            .get(&id)
            .filter(|asked| asked.waits())
            .cloned()
        else {
            self.fail(
                "I17",
                format!("{id:?} was answered and does not wait: {answer:?}"),
            );
            return;
        };
        if let Some(asked) = self.requests.get_mut(&id) {
            asked.answered = Some(self.step);
        }
        if matches!(asked.request, Request::CallHelper { .. }) {
            return self.call_answered(id, &asked, answer);
        }
        match &asked.expect {
            Some(expected) if *expected != *answer => {
                let rule = if matches!(answer, Ok(Reply::Reload { .. })) {
                    "I24"
                } else {
                    "I17"
                };
                let request = &asked.request;
                self.fail(
                    rule,
                    format!("{request:?} got {answer:?} in place of {expected:?}"),
                );
            }
            Some(_) => {}
            None => {
                if let Err((rule, why)) = self.judge(&asked, answer) {
                    self.fail(rule, format!("{:?} got {answer:?}: {why}", asked.request));
                }
            }
        }
    }

    /// A request whose answer is known has it by the end of the step.
    pub(super) fn answers_given(&mut self) {
        let late = |asked: &&Asked| asked.waits() && asked.expect.is_some();
        let late: Vec<String> = self
            .requests
            .values()
            .filter(late)
            .map(|asked| format!("{:?}", asked.request))
            .collect();
        for request in late {
            self.fail(
                "I17",
                format!("not answered, although the answer is known: {request}"),
            );
        }
        let over: Vec<String> = self
            .requests
            .values()
            .filter(|asked| asked.waits() && self.is_wait_over(asked))
            .map(|asked| format!("{:?}", asked.request))
            .collect();
        for request in over {
            self.fail(
                "I17",
                format!("still waits for what has happened: {request}"),
            );
        }
    }

    /// Whether a client waits for a single process that has come to where it was to come.
    fn is_wait_over(&self, asked: &Asked) -> bool {
        let Target::One(id) = &asked.target else {
            return false;
        };
        let Some(proc) = self.procs.get(id) else {
            return false;
        };
        match &asked.request {
            Request::StartProcess { wait: true, .. } => {
                asked.started.contains(id) && proc.state != ProcessState::Starting
            }
            Request::StartProcess { wait: false, .. } => {
                asked.started.contains(id) && proc.pid.is_some()
            }
            Request::StopProcess { wait: true, .. } => proc.state.is_stopped(),
            _ => false,
        }
    }

    /// Counts of pools, as far as they can be known: an event on its way to or from a disk is here or there.
    fn judge_pools(&self, pools: &[PoolInfo]) -> Result<(), (&'static str, String)> {
        let sorted = pools.is_sorted_by_key(|pool| pool.name.clone());
        if !sorted || pools.len() != self.pools.by_group.len() {
            return Err(("I39", "not sorted or not complete".to_owned()));
        }
        for info in pools {
            let known = self.pools.by_group.get(&*info.name);
            let Some(counts) = known.map(super::pools::Pool::counts) else {
                return Err(("I39", format!("there is no pool {}", info.name)));
            };
            if counts.fits(info.queued as u64, info.delivered, info.dropped) {
                continue;
            }
            return Err(("I39", format!("{} has {counts:?}", info.name)));
        }
        Ok(())
    }

    fn judge(&self, asked: &Asked, answer: &Answer) -> Result<(), (&'static str, String)> {
        match (&asked.request, answer) {
            (Request::GetProcessInfo { .. }, Ok(Reply::Info(info))) => match &asked.target {
                Target::One(id) => self.judge_info(*id, info),
                Target::Many(_) | Target::Nobody => {
                    Err(("I39", "there is no such process".to_owned()))
                }
            },
            (Request::GetAllProcessInfo, Ok(Reply::Infos(infos))) => self.judge_infos(infos),
            (Request::GetEventPools, Ok(Reply::Pools(pools))) => self.judge_pools(pools),
            (Request::GetAllConfigInfo, Ok(Reply::Configs(configs))) => {
                let count: usize = self
                    .latest
                    .groups
                    .iter()
                    .map(|group| group.processes.len())
                    .sum();
                let sorted = configs.is_sorted_by_key(|config| config.name.clone());
                claim(
                    sorted && count == configs.len(),
                    "I39",
                    "not sorted or not complete",
                )
            }
            (_, Ok(Reply::Results(results))) => self.judge_results(asked, results),
            (_, Ok(Reply::Done)) => self.judge_done(asked),
            (Request::LogPath { .. } | Request::FollowPath { .. }, Ok(Reply::Log(_))) => claim(
                matches!(asked.target, Target::One(_)),
                "I39",
                "there is no such process",
            ),
            (_, Err(fault)) => self.judge_fault(asked, fault),
            (_, Ok(_)) => Err(("I17", "an answer of the wrong kind".to_owned())),
        }
    }

    fn judge_info(&self, id: ProcId, info: &ProcessInfo) -> Result<(), (&'static str, String)> {
        let Some(proc) = self.procs.get(&id) else {
            return Err(("I39", "it is gone".to_owned()));
        };
        let named = *proc.name == *info.name && *proc.group == *info.group;
        claim(named, "I39", "another process was expected here")?;
        let held = proc.was(self.step, info.state);
        claim(held, "I04", &format!("{} is {}", info.name, proc.state))?;
        if info.state != proc.state {
            return Ok(());
        }
        let pid = proc.pid.map_or(0, |pid| pid.0);
        claim(
            pid == info.pid,
            "I03",
            &format!("{} has pid {pid}", info.name),
        )?;
        let code = proc.exit.map_or(0, provost_model::ExitStatus::code);
        claim(
            code == info.exitstatus,
            "I10",
            &format!("{} ended with {code}", info.name),
        )?;
        claim(
            proc.spawnerr == info.spawnerr,
            "I10",
            &format!("{} has spawnerr {:?}", info.name, proc.spawnerr),
        )
    }

    /// I39: all processes by group and name.
    fn judge_infos(&self, infos: &[ProcessInfo]) -> Result<(), (&'static str, String)> {
        let mut expected: Vec<_> = self.procs.values().collect();
        expected.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
        claim(expected.len() == infos.len(), "I39", "not complete")?;
        expected
            .iter()
            .zip(infos)
            .try_for_each(|(proc, info)| self.judge_info(proc.id, info))
    }

    /// An array has one line for each process that it concerned.
    fn judge_results(
        &self,
        asked: &Asked,
        results: &[ProcessResult],
    ) -> Result<(), (&'static str, String)> {
        claim(
            matches!(asked.target, Target::Many(_)),
            "I17",
            "not an array was asked",
        )?;
        let find = |result: &ProcessResult| {
            let is_it = |id: &&ProcId| {
                let proc = self.procs.get(id);
                proc.is_some_and(|proc| *proc.name == *result.name && *proc.group == *result.group)
            };
            asked.concerned.iter().find(is_it)
        };
        let mut named = BTreeSet::new();
        for result in results {
            let Some(id) = find(result) else {
                // It may have gone out of service meanwhile; then nothing is known of it.
                continue;
            };
            claim(named.insert(*id), "I39", "a process stands there twice")?;
            match result.status {
                FaultCode::Success => self.judge_one(asked, *id)?,
                code => self.judge_refusal(asked, *id, code)?,
            }
        }
        let missing = asked
            .concerned
            .iter()
            .find(|id| self.procs.contains_key(id) && !named.contains(id));
        claim(
            missing.is_none(),
            "I39",
            &format!("a line for {missing:?} is missing"),
        )
    }

    fn judge_done(&self, asked: &Asked) -> Result<(), (&'static str, String)> {
        match (&asked.request, &asked.target) {
            (Request::Restart, _) => claim(self.mood.is_stopping(), "I17", "it does not restart"),
            (Request::ClearMainLog, _) => Ok(()),
            (_, Target::One(id)) => self.judge_one(asked, *id),
            (_, Target::Many(_) | Target::Nobody) => Err(("I17", "it is not done".to_owned())),
        }
    }

    /// Whether what was asked has happened to this process.
    fn judge_one(&self, asked: &Asked, id: ProcId) -> Result<(), (&'static str, String)> {
        let Some(proc) = self.procs.get(&id) else {
            return Ok(());
        };
        let step = self.step;
        let started = proc.by_hand_at.is_some_and(|at| at >= asked.at);
        match &asked.request {
            Request::StartProcess { wait: true, .. }
            | Request::StartProcessGroup { wait: true, .. }
            | Request::StartAllProcesses { wait: true } => {
                let is_many = !matches!(asked.target, Target::One(_));
                let up = started && (is_many || proc.was(step, ProcessState::Running));
                claim(up, "I17", "it does not run")
            }
            Request::StartProcess { .. }
            | Request::StartProcessGroup { .. }
            | Request::StartAllProcesses { .. } => {
                // Nothing is started while it stops, and those who do not wait are not told.
                let stops = proc.was(step, ProcessState::Stopping);
                let is_many = !matches!(asked.target, Target::One(_));
                claim(started || stops || is_many, "I17", "it was not started")
            }
            Request::StopProcess { wait, .. }
            | Request::StopProcessGroup { wait, .. }
            | Request::StopAllProcesses { wait } => {
                let is_many = !matches!(asked.target, Target::One(_));
                let ended = proc.was_any(step, ProcessState::is_stopped);
                claim(asked.concerned.contains(&id), "I17", "it did not run")?;
                claim(!wait || ended || is_many, "I17", "it has not ended")
            }
            Request::SignalProcess { signal, .. }
            | Request::SignalProcessGroup { signal, .. }
            | Request::SignalAllProcesses { signal }
            | Request::KillProcess { signal, .. }
            | Request::KillProcessGroup { signal, .. } => {
                let good = read_signal(signal).is_some() && asked.concerned.contains(&id);
                claim(good, "I09", "no signal was sent")
            }
            _ => Ok(()),
        }
    }

    /// Whether the configuration for a restart is not there after the longest wait. Whoever asks meanwhile waits for the
    /// same one, and no longer.
    pub(super) fn is_restart_load_overdue(&self) -> bool {
        let now = self.now.mono;
        let is_overdue = |(began, purpose): &(Mono, Option<RequestId>)| {
            purpose.is_none() && now.since(*began) >= LOAD_PATIENCE
        };
        self.loads.values().any(is_overdue)
    }

    fn judge_fault(&self, asked: &Asked, fault: &Fault) -> Result<(), (&'static str, String)> {
        match (fault.code, &asked.request) {
            (FaultCode::ShutdownState, _) => {
                claim(self.mood.is_stopping(), "I17", "it does not stop")
            }
            (FaultCode::CantReread, Request::Restart) => claim(
                self.restart_refused || self.is_restart_load_overdue(),
                "I17",
                "the configuration was read",
            ),
            (FaultCode::Failed, Request::AddProgramToGroup { .. }) => {
                let overdue = self.now.mono.since(asked.at) >= LOAD_PATIENCE;
                claim(overdue, "I17", "the program was looked at")
            }
            (FaultCode::CantReread, Request::ReloadConfig) => {
                let overdue = self.now.mono.since(asked.at) >= LOAD_PATIENCE;
                claim(overdue, "I17", "the configuration was read")
            }
            (FaultCode::Failed, Request::AddProcessGroup { .. }) => {
                let overdue = self.now.mono.since(asked.at) >= SOCKET_PATIENCE;
                claim(overdue, "I17", "its sockets could be opened")
            }
            (
                FaultCode::NoFile | FaultCode::Failed,
                Request::ClearMainLog | Request::SendProcessStdin { .. },
            ) => Ok(()),
            (FaultCode::BadName, request) => {
                let whole_is_bad = matches!(
                    request,
                    Request::GetProcessInfo { .. }
                        | Request::SendProcessStdin { .. }
                        | Request::LogPath { .. }
                        | Request::FollowPath { .. }
                );
                let bad = match &asked.target {
                    Target::Nobody => true,
                    Target::Many(_) => whole_is_bad,
                    Target::One(id) => !self.procs.contains_key(id),
                };
                claim(bad, "I17", "the name is right")
            }
            (code, _) => match &asked.target {
                Target::One(id) => self.judge_refusal(asked, *id, code),
                Target::Many(_) | Target::Nobody => {
                    Err(("I17", "that is no answer to this".to_owned()))
                }
            },
        }
    }

    /// Whether there was a reason to refuse it for this process.
    fn judge_refusal(
        &self,
        asked: &Asked,
        id: ProcId,
        code: FaultCode,
    ) -> Result<(), (&'static str, String)> {
        let Some(proc) = self.procs.get(&id) else {
            return Ok(());
        };
        let step = self.step;
        let is_many = !matches!(asked.target, Target::One(_));
        let concerned = asked.concerned.contains(&id);
        let holds = match (code, &asked.request) {
            (FaultCode::NoFile | FaultCode::NotExecutable, _) => {
                asked.bad.contains(&id) || matches!(asked.request, Request::SendProcessStdin { .. })
            }
            (FaultCode::AlreadyStarted, _) => {
                is_many || proc.was_any(step, ProcessState::is_running)
            }
            (FaultCode::SpawnError, _) => {
                proc.by_hand_at.is_some_and(|at| at >= asked.at)
                    && (is_many || proc.was(step, ProcessState::Backoff))
            }
            (FaultCode::AbnormalTermination, _) => {
                let left = |state| !matches!(state, ProcessState::Starting | ProcessState::Running);
                is_many || proc.was_any(step, left)
            }
            (FaultCode::NotRunning, Request::SendProcessStdin { .. }) => {
                proc.pid.is_none()
                    || proc.was_any(step, |state| {
                        !state.is_signallable() || state == ProcessState::Stopping
                    })
            }
            (FaultCode::NotRunning, _) => !concerned || asked.unborn.contains(&id),
            (FaultCode::ShutdownState, _) => is_many && self.mood.is_stopping(),
            (
                FaultCode::BadSignal,
                Request::SignalProcess { signal, .. }
                | Request::SignalProcessGroup { signal, .. }
                | Request::SignalAllProcesses { signal },
            )
            | (
                FaultCode::BadArguments,
                Request::KillProcess { signal, .. } | Request::KillProcessGroup { signal, .. },
            ) => read_signal(signal).is_none(),
            (
                FaultCode::Failed,
                Request::ClearProcessLogs { .. } | Request::ClearAllProcessLogs,
            ) => true,
            (FaultCode::Failed, _) => {
                asked.refused.contains(&id) || is_many || proc.was(step, ProcessState::Unknown)
            }
            _ => false,
        };
        claim(
            holds,
            "I17",
            &format!("{} is {}", proc.spec.namespec(), proc.state),
        )
    }
}

fn claim(holds: bool, rule: &'static str, why: &str) -> Result<(), (&'static str, String)> {
    if holds {
        Ok(())
    } else {
        Err((rule, why.to_owned()))
    }
}
