//! What children do and say: last words, pipes.

use crate::children::{Child, Phase};
use crate::logs::{Fact, Order};
use crate::shell::{BIRTH_MAX, DRAIN_MAX, FACTS_PER_TURN, Shell, token};
use crate::{explain, fcgi};
use provost_core::Input;
use provost_model::spawn::SpawnProblem;
use provost_model::spec::LogFile;
use provost_model::{Errno, Level, Mono, Run};
use provost_os::clock;
use provost_os::reactor::{Interest, Ready};
use provost_os::spawn::{self, Line, Report, Stage};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// How often a listener that broke the protocol is read: a buffer of 64 KiB each time, so that one that writes without
/// end costs next to nothing.
const DISTRUSTED: Duration = Duration::from_secs(1);

/// How long a listener's output may gather before it is read, at log level debug.
const TOGETHER: Duration = Duration::from_millis(20);

/// How long the answer of a listener that was just sent an event is looked for without sleep. A quick listener answers
/// within it, and to be woken costs more.
const ANSWER_SOON: Duration = Duration::from_micros(30);

/// How long listeners that answer so quickly are served in one turn before others get theirs.
const ATTENTION: Duration = Duration::from_millis(1);

/// `ETIMEDOUT`.
const TIMED_OUT: i32 = 110;

/// A deadline that is missed by so much was missed because we were halted, and not because there was much to do.
const HALTED: Duration = Duration::from_secs(1);

impl Shell {
    /// When the core is to be told of the time.
    pub(crate) fn core_deadline(&self) -> Option<Mono> {
        match self.late_since {
            Some(since) => Some(since.plus(DRAIN_MAX)),
            None => self.core.next_deadline(),
        }
    }

    /// Whether a deadline was missed because we were halted, and children have ended since: their exits are told first,
    /// as they came first, once what they wrote is read.
    pub(crate) fn hears_exits_first(&mut self, due: Mono, now: Mono) -> bool {
        let was_halted = self.late_since.is_some() || now.since(due) >= HALTED;
        if was_halted {
            // The clock may have woken us before the signals of what ended meanwhile were seen.
            self.reap();
        }
        if was_halted && self.children.any_draining() {
            let since = *self.late_since.get_or_insert(now);
            if now.since(since) < DRAIN_MAX {
                return true;
            }
        }
        self.late_since = None;
        false
    }

    fn close_report(&self, report: &Line) {
        // See `release`; the owner drops it next.
        let _ = self.reactor.remove(report.as_fd());
    }

    /// What a child wrote is read, or is not waited for any more.
    pub(crate) fn drained(&mut self, run: Run) {
        if !self.waits_for_tree(run) {
            self.finish(run);
        }
    }

    /// Publishes an exit.
    pub(crate) fn finish(&mut self, run: Run) {
        let Some((at, status, child)) = self.children.finish(run) else {
            return;
        };
        let proc = child.proc;
        self.just_ended = Some((proc, at));
        let why = child.why.clone().map(str::into_string);
        self.release(*child);
        let logged = self.logged(proc);
        self.tell(Input::Exited { run, status, why });
        self.note_exit(proc, logged);
        self.just_ended = None;
        self.tell_child_quit();
    }

    /// Closes what we hold of a child.
    ///
    /// Closing alone would not do: a child that was forked since and has not yet executed its program holds the same
    /// pipes, and the reactor would go on telling of them.
    fn release(&self, child: Child) {
        let stdin = child.stdin.as_ref().filter(|stdin| stdin.watched);
        let watched = [
            stdin.map(AsFd::as_fd),
            child.listener.as_ref().map(AsFd::as_fd),
            child.report.as_ref().map(AsFd::as_fd),
        ];
        for fd in watched.into_iter().flatten() {
            // It was added when it was made, so it can be taken out.
            let _ = self.reactor.remove(fd);
        }
        drop(child);
    }

    /// Ends the wait for a birth or for last words that do not come: a disk or a user database hangs.
    pub(crate) fn give_up_waiting(&mut self, run: Run) {
        match self.children.runs.get(&run).map(|child| &child.phase) {
            Some(Phase::Draining { .. }) => self.drained(run),
            Some(Phase::Recording(_)) => {
                let problem = self.runs.overdue();
                self.not_recorded(run, problem);
            }
            Some(Phase::Preparing(_) | Phase::Opening(_) | Phase::Reopening(_)) => {
                self.logs.order(Order::Abandon { run });
                let errno = Errno(TIMED_OUT);
                let socket = self.children.runs.get(&run).and_then(|child| child.socket);
                let url = socket.and_then(|socket| self.sockets.opening(socket));
                let problem = match url {
                    Some(url) => fcgi::overdue(url, BIRTH_MAX.as_secs()),
                    None => SpawnProblem::Dispatchers { errno },
                };
                self.spawn_failed(run, problem);
            }
            Some(Phase::Alive) | None => {}
        }
    }

    /// True if more may be waiting.
    pub(crate) fn take_facts(&mut self) -> bool {
        for _ in 0..FACTS_PER_TURN {
            match self.facts.try_recv() {
                Ok(fact) => self.take_fact(fact),
                Err(_) => return false,
            }
        }
        self.waker.wake();
        true
    }

    /// The same, however many there are.
    pub(crate) fn take_facts_to_the_last(&mut self) {
        while self.take_facts() {}
    }

    fn take_fact(&mut self, fact: Fact) {
        let Some(fact) = self.logs.hear(fact) else {
            return;
        };
        match fact {
            Fact::Opened { run, result } => self.opened(run, result),
            Fact::Drained { run } => self.drained(run),
            Fact::Captured {
                run,
                channel,
                data,
                charge: _charge,
            } => self.tell(Input::Captured { run, channel, data }),
            Fact::Logged {
                run,
                channel,
                data,
                charge: _charge,
            } => self.tell(Input::Logged { run, channel, data }),
            Fact::LogState {
                run,
                channel,
                path,
                state,
            } => {
                let path = path.display().to_string();
                self.tell(Input::LogState {
                    run,
                    channel,
                    path,
                    state,
                });
            }
            Fact::Closed { run, channel } => self.children.closed(run, channel),
            Fact::Cleared { ticket, result } => {
                self.errands = self.errands.saturating_sub(1);
                self.tell(Input::LogsCleared { ticket, result });
            }
        }
    }

    pub(crate) fn take_pipe(&mut self, event: &Ready) {
        let (kind, run) = token::split(event.token);
        match kind {
            token::STDIN if run.0 > 0 => {
                self.flush_stdin(run);
            }
            token::LISTENER if self.is_helper(run) => self.read_helper(run, 1),
            token::LISTENER => self.hear_listener(run),
            token::REPORT => self.read_report(run),
            token::ADOPTED => self.adopted_ended(run),
            _ => {}
        }
    }

    /// Stays with listeners that answer at once what they were sent: however long a turn is because much else happens, as
    /// many events go out as can.
    pub(crate) fn attend_listeners(&mut self) {
        let until = clock::mono().plus(ATTENTION);
        let mut ready = Vec::new();
        while std::mem::take(&mut self.event_sent) && clock::mono() < until {
            let soon = clock::mono().plus(ANSWER_SOON);
            let mut answered = false;
            while !answered && clock::mono() < soon {
                // What else is ready, and a failure, is met again by the wait of the next turn.
                if self.reactor.wait(Some(Duration::ZERO), &mut ready).is_err() {
                    return;
                }
                for event in &ready {
                    if token::split(event.token).0 == token::LISTENER {
                        answered = true;
                        self.take_pipe(event);
                    }
                }
            }
        }
    }

    /// A listener wrote: reads it, a moment later when it is copied to the main log, so that what was written in quick
    /// succession stands there together, as under upstream. One whose words mean nothing any more is read now and then,
    /// and waits in its pipe.
    fn hear_listener(&mut self, run: Run) {
        let child = self.children.runs.get(&run);
        let listener = child.and_then(|child| child.listener.as_ref());
        let pause = if self.core.is_distrusted(run) {
            Some(DISTRUSTED)
        } else {
            self.logger.enabled(Level::Debug).then_some(TOGETHER)
        };
        let rests =
            pause.filter(|_| listener.is_some_and(|fd| self.reactor.remove(fd.as_fd()).is_ok()));
        if let Some(pause) = rests {
            self.later.insert((clock::mono().plus(pause), run));
        } else {
            self.read_listener(run, 1);
        }
    }

    /// Reads from the listeners whose moment has passed.
    pub(crate) fn read_postponed(&mut self, now: Mono) {
        while let Some(&(due, run)) = self.later.first() {
            if due > now {
                return;
            }
            self.later.pop_first();
            self.read_listener(run, 1);
            let child = self.children.runs.get(&run);
            if let Some(fd) = child.and_then(|child| child.listener.as_ref()) {
                let token = token::of(run, token::LISTENER);
                if let Err(error) = self.reactor.add(fd.as_fd(), token, Interest::Read) {
                    let text = format!("could not watch the output of a listener: {error}");
                    self.log(Level::Critical, text);
                }
            }
        }
    }

    /// Whether what a listener says goes anywhere but to the core: each of its answers would wake the logs thread.
    fn is_written_down(&self, run: Run) -> bool {
        let entry = self.children.entry_of(run);
        let has_log = entry.is_none_or(|entry| entry.spec.stdout.logfile != LogFile::None);
        has_log || self.logger.enabled(Level::Debug)
    }

    /// Reads what a listener wrote, at most `turns` buffers of it.
    pub(crate) fn read_listener(&mut self, run: Run, turns: usize) {
        for _ in 0..turns {
            let Some(fd) = self
                .children
                .runs
                .get(&run)
                .filter(|child| child.frames.is_none())
                .and_then(|child| child.listener.as_ref())
            else {
                return;
            };
            match self.buffer.read(fd.as_fd()) {
                Ok([]) => {
                    let _ = self.reactor.remove(fd.as_fd());
                    if let Some(child) = self.children.runs.get_mut(&run) {
                        child.listener = None;
                    }
                    return;
                }
                Ok(data) => {
                    let data = data.to_vec();
                    if self.is_written_down(run) {
                        self.logs.order(Order::ListenerOutput {
                            run,
                            data: data.clone(),
                        });
                    }
                    self.tell(Input::ListenerSaid { run, data });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// The child executed, which closed the pipe, or says why it could not.
    pub(crate) fn read_report(&mut self, run: Run) {
        let Some(report) = self
            .children
            .runs
            .get_mut(&run)
            .and_then(|child| child.report.take())
        else {
            return;
        };
        match spawn::read_report(report.as_fd()) {
            Report::Pending => {
                if let Some(child) = self.children.runs.get_mut(&run) {
                    child.report = Some(report);
                }
            }
            Report::Executed => self.close_report(&report),
            Report::Failed { stage, errno } => {
                self.close_report(&report);
                self.not_executed(run, stage, errno);
            }
        }
    }

    fn not_executed(&mut self, run: Run, stage: Stage, errno: Errno) {
        let Some(entry) = self.children.entry_of(run) else {
            return;
        };
        let text = explain::not_executed(&entry.spec, stage, errno);
        self.log(Level::Info, text.clone());
        if let Some(child) = self.children.runs.get_mut(&run) {
            child.why = Some(text.into_boxed_str());
        }
    }

    /// A child has gone on: waits for its report, unless it is there already.
    pub(crate) fn await_report(&mut self, run: Run) {
        let Some(child) = self.children.runs.get_mut(&run) else {
            return;
        };
        let Some(report) = child.report.take() else {
            return;
        };
        match spawn::read_report(report.as_fd()) {
            Report::Executed => {}
            Report::Failed { stage, errno } => self.not_executed(run, stage, errno),
            Report::Pending => {
                let token = token::of(run, token::REPORT);
                let watch = self.reactor.add(report.as_fd(), token, Interest::Read);
                child.report = Some(report);
                if let Err(error) = watch {
                    let text = format!("could not watch a new child: {error}");
                    self.log(Level::Critical, text);
                }
            }
        }
    }
}
