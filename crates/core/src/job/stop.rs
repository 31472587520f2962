//! Stop and signal requests.
//!
//! A signal that cannot be sent is told by a fact, and its client must hear of it: an answer that waits for nothing else
//! waits for a fence behind the signal.

use super::batch::{Watch, Wish};
use super::{Deed, Manner, Purpose, Sent};
use crate::Effect;
use crate::deadlines::Timer;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Errno, Notice, ProcId, ProcessState, RequestId, Run, Signal, Ticket};
use std::time::Duration;

/// Shortest time between two lines that say that a client waits for a stop (upstream).
const STOP_REPORT_PERIOD: Duration = Duration::from_secs(2);

impl Core {
    pub(super) fn stop_all(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        procs: &[ProcId],
        wait: bool,
    ) {
        let mut runs = Vec::new();
        let mut is_fenced = false;
        for (index, &proc) in procs.iter().enumerate() {
            let state = self.procs.get(proc).map(Process::published);
            if !state.is_some_and(ProcessState::is_running) {
                let asked = self
                    .jobs
                    .asked(request, index)
                    .unwrap_or_default()
                    .to_owned();
                let fault = Fault::about(FaultCode::NotRunning, asked);
                self.finish(turn, (request, index), Err(fault), true);
                continue;
            }
            self.with_process(turn, proc, Process::stop);
            self.settle(turn, true);
            let Some(process) = self.procs.get(proc) else {
                continue;
            };
            let signal = process.spec.stopsignal;
            if process.published().is_stopped() {
                self.finish(turn, (request, index), Ok(()), true);
            } else if wait {
                self.jobs.watch(
                    proc,
                    Watch {
                        request,
                        index,
                        wish: Wish::Ended,
                    },
                );
                self.report_stop(turn, proc);
            } else {
                is_fenced = true;
                if let Some(child) = process.child() {
                    self.sent(
                        child.run,
                        Sent {
                            request,
                            index,
                            signal,
                        },
                    );
                    runs.push(child.run);
                }
            }
        }
        if is_fenced {
            self.fence(turn, request, runs);
        }
    }

    pub(super) fn signal_all(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        procs: &[ProcId],
        signal: &str,
        manner: Manner,
    ) {
        let parsed = parse_signal(signal);
        let mut runs = Vec::new();
        for (index, &proc) in procs.iter().enumerate() {
            let state = self.procs.get(proc).map(Process::published);
            let counts = manner == Manner::Signal || state.is_some_and(ProcessState::is_running);
            let run = match parsed {
                Some(_) if !counts => Err(FaultCode::NotRunning),
                Some(parsed) => self
                    .with_process(turn, proc, |process, act| process.signal(act, parsed))
                    .flatten()
                    .map(|run| (run, parsed))
                    .ok_or(FaultCode::NotRunning),
                None => Err(FaultCode::BadSignal),
            };
            match run {
                Ok((run, signal)) => {
                    self.sent(
                        run,
                        Sent {
                            request,
                            index,
                            signal,
                        },
                    );
                    runs.push(run);
                }
                Err(code) => {
                    let asked = self
                        .jobs
                        .asked(request, index)
                        .unwrap_or_default()
                        .to_owned();
                    let fault = match (code, manner) {
                        (FaultCode::BadSignal, Manner::Signal) => Fault::about(code, signal),
                        (FaultCode::BadSignal, Manner::Kill) => {
                            Fault::about(FaultCode::BadArguments, signal)
                        }
                        (_, Manner::Signal) => Fault::about(code, asked),
                        (_, Manner::Kill) => Fault::bare(code),
                    };
                    self.finish(turn, (request, index), Err(fault), true);
                }
            }
        }
        if !runs.is_empty() {
            self.fence(turn, request, runs);
        }
    }

    fn sent(&mut self, run: Run, sent: Sent) {
        self.jobs.sent.entry(run).or_default().push(sent);
    }

    fn fence(&mut self, turn: &mut Turn<'_>, request: RequestId, runs: Vec<Run>) {
        self.order(turn, Purpose::Fence { request, runs }, |ticket| {
            Effect::Fence { ticket }
        });
    }

    /// All signals before the fence have been sent, or their failure has been told.
    pub(crate) fn fenced(&mut self, turn: &mut Turn<'_>, ticket: Ticket) {
        let Some(Purpose::Fence { request, runs }) = self.redeem(ticket) else {
            return;
        };
        for run in runs {
            if let Some(sent) = self.jobs.sent.get_mut(&run) {
                sent.retain(|sent| sent.request != request);
                if sent.is_empty() {
                    self.jobs.sent.remove(&run);
                }
            }
        }
        let count = self
            .jobs
            .batches
            .get(&request)
            .map_or(0, |batch| batch.items.len());
        for index in 0..count {
            self.finish(turn, (request, index), Ok(()), true);
        }
    }

    /// A signal could not be sent.
    pub(crate) fn kill_failed(
        &mut self,
        turn: &mut Turn<'_>,
        run: Run,
        errno: Errno,
        signal: Signal,
    ) {
        let Some(proc) = self.process_of(run) else {
            return;
        };
        let meant: Vec<Sent> = self
            .jobs
            .sent
            .get(&run)
            .map(|sent| {
                sent.iter()
                    .copied()
                    .filter(|sent| sent.signal == signal)
                    .collect()
            })
            .unwrap_or_default();
        let by_client = meant.iter().any(|sent| {
            let batch = self.jobs.batches.get(&sent.request);
            batch.is_none_or(|batch| matches!(batch.deed, Deed::Signal { .. }))
        });
        let told = self.with_process(turn, proc, |process, act| {
            process.kill_failed(act, run, errno, by_client)
        });
        if let Some(text) = told.flatten() {
            let fault = Fault::about(FaultCode::Failed, text);
            for sent in meant {
                self.finish(turn, (sent.request, sent.index), Err(fault.clone()), true);
            }
            let fired = self.jobs.fired(proc, |wish| match wish {
                Wish::Ended => Some(Err(fault.clone())),
                Wish::Born | Wish::Up => None,
            });
            for (watch, outcome) in fired {
                self.finish(turn, (watch.request, watch.index), outcome, true);
            }
        }
        self.settle(turn, false);
    }

    /// Says that a client waits for this process to stop, and when to say it next.
    pub(crate) fn report_stop(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        let timer = Timer::StopReport(proc);
        let watches = self.jobs.watches.get(&proc);
        let is_awaited =
            watches.is_some_and(|watches| watches.iter().any(|watch| watch.wish == Wish::Ended));
        let process = self.procs.get(proc);
        let stopping = process.filter(|process| process.published() == ProcessState::Stopping);
        match stopping {
            Some(process) if is_awaited => {
                turn.notice(Notice::WaitingToStop {
                    name: process.name.clone(),
                });
                let next = turn.now.mono.plus(STOP_REPORT_PERIOD);
                self.deadlines.set(timer, Some(next));
            }
            Some(_) | None => self.deadlines.set(timer, None),
        }
    }
}

/// A signal as clients write it: a number, or a name with or without `SIG`.
fn parse_signal(text: &str) -> Option<Signal> {
    match text.trim().parse::<i64>() {
        Ok(number) => Signal::from_number(number),
        Err(_) => Signal::from_name(text),
    }
}
