//! The thread itself: it waits for messages, pipes and logs, and deals with each in turn.

mod channels;
mod handover;
mod pace;
mod pipes;
mod width;

use crate::crash;
use crate::logs::auto;
use crate::logs::logger::{Inbox, Message};
use crate::logs::order::{Fact, Order};
use crate::logs::output::{Desk, Output};
use crate::logs::sinks::SinkKey;
use crate::logs::thread::Outcome;
use channels::Channels;
use pace::Pace;
use pipes::{Read, of_token};
use provost_core::ClearProblem;
use provost_model::{Channel, Errno, Level, ProcId, ProcessSpec, Run, Ticket};
use provost_os::pipe::{Buffer, WIDE_BYTES};
use provost_os::reactor::{Interest, Reactor, Ready, Waker};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use width::Width;

/// Messages dealt with before the pipes get their turn: enough for any burst, and a few milliseconds at most.
const MESSAGES_A_TURN: usize = 1024;

/// Pipes of earlier runs of a process that are still read because somebody holds them open.
const REMNANTS_MAX: usize = 8;

/// The reactor's token for messages. Runs are numbered from 1 and never come near it.
const WAKER_TOKEN: u64 = (1 << 63) - 1;

/// The channels of a run that this thread has, but for one that has its logs on two devices.
const BOTH: [Channel; 2] = [Channel::Stdout, Channel::Stderr];

/// One channel of a run.
struct Line {
    output: Output,
    pipe: Option<Pipe>,
}

/// The read end of a child's output.
struct Pipe {
    fd: OwnedFd,
    /// Whether the reactor waits for it; not while its log takes nothing.
    watched: bool,
    width: Width,
}

/// The logs of one run.
struct RunLog {
    proc: ProcId,
    lines: Channels<Line>,
}

/// Whether a token of the reactor stands for a pipe of a child.
pub(super) fn is_pipe(token: u64) -> bool {
    token != WAKER_TOKEN && SinkKey::of_token(token).is_none()
}

/// How the thread is to end.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// With everything written, as far as that is possible within this time.
    Stop { within: Duration },
    /// With everything left to another image.
    HandOver,
}

/// Everything the thread owns.
pub(super) struct Room {
    pub(super) reactor: Arc<Reactor>,
    pub(super) waker: Waker,
    pub(super) inbox: Inbox,
    pub(super) desk: Desk,
    runs: HashMap<Run, RunLog>,
    /// Runs whose child is gone while a pipe is still held open, oldest first.
    remnants: HashMap<ProcId, VecDeque<Run>>,
    /// Pipes that are left unread.
    paused: BTreeSet<(Run, Channel)>,
    /// No pipe is read: another image is about to go on.
    rests: bool,
    buffer: Buffer,
    /// For wide pipes.
    wide: Buffer,
    pace: Pace,
    more_messages: bool,
    /// To be told at the end of this turn.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Room {
    /// A room without runs.
    pub(super) fn new(
        reactor: Arc<Reactor>,
        waker: Waker,
        inbox: Inbox,
        mut desk: Desk,
    ) -> io::Result<Self> {
        reactor.add(waker.as_fd(), WAKER_TOKEN, Interest::Read)?;
        desk.main.sinks.set_reactor(Some(reactor.clone()));
        Ok(Self {
            reactor,
            waker,
            inbox,
            desk,
            runs: HashMap::new(),
            remnants: HashMap::new(),
            paused: BTreeSet::new(),
            rests: false,
            buffer: Buffer::default(),
            wide: Buffer::of(WIDE_BYTES),
            pace: Pace::default(),
            more_messages: true,
            waiting: Vec::new(),
        })
    }

    /// Works until told how to end.
    pub(super) fn serve(&mut self) -> End {
        let mut ready = Vec::new();
        loop {
            self.wait(&mut ready);
            let is_called = ready.iter().any(|event| event.token == WAKER_TOKEN);
            if (is_called || self.more_messages)
                && let Some(end) = self.messages()
            {
                return end;
            }
            let begun = Instant::now();
            for &event in &ready {
                self.ready(event);
            }
            let at_once = self.desk.main.sinks.is_followed();
            self.pace.looked(begun, Instant::now(), at_once);
            crash::point("logs");
            if !self.rests {
                self.desk.main.sinks.retry_due();
            }
            self.resume();
            self.tell_changes();
            self.desk.main.tell_floods(false);
            self.desk.main.tell_notes();
            for done in self.waiting.drain(..) {
                // Who has gone does not wait.
                let _ = done.send(());
            }
        }
    }

    /// After a panic: nothing is touched any more, but whoever ends the thread is heard.
    pub(super) fn await_end(&self) -> End {
        loop {
            match self.inbox.wait() {
                Some(Message::Rest { done }) => {
                    // Whoever asked may have lost patience.
                    let _ = done.send(());
                }
                Some(Message::Stop { within }) => return End::Stop { within },
                Some(Message::HandOver) | None => return End::HandOver,
                Some(_) => {}
            }
        }
    }

    /// Ends as it is said.
    pub(super) fn end_with(self, end: End) -> Outcome {
        match end {
            End::Stop { within } => self.stop(within),
            End::HandOver => Outcome::Carried(self.hand_over()),
        }
    }

    /// Waits for something to do. Where output comes faster than it is worth to be read, some of it may gather first;
    /// a message is heard at once.
    fn wait(&mut self, ready: &mut Vec<Ready>) {
        let mut patience = self.patience();
        if let Some(pause) = self.pace.pause() {
            self.waker
                .wait(patience.map_or(pause, |patience| pause.min(patience)));
            patience = Some(Duration::ZERO);
        }
        if let Err(error) = self.reactor.wait(patience, ready) {
            self.anomaly(&format!("waiting for output failed: {}", Errno::of(&error)));
        }
    }

    fn patience(&self) -> Option<Duration> {
        if self.more_messages {
            return Some(Duration::ZERO);
        }
        let main = &self.desk.main;
        let retry = main.sinks.next_retry().filter(|_| !self.rests);
        let deadlines = [retry, main.next_summary()];
        let next = deadlines.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Deals with what was sent; says when it is time to stop.
    fn messages(&mut self) -> Option<End> {
        self.waker.drain();
        self.inbox.about_to_read();
        self.more_messages = true;
        for _ in 0..MESSAGES_A_TURN {
            match self.inbox.next() {
                Some(Message::Line { level, when, text }) => {
                    self.desk.main.write_at(level, when, &text);
                }
                Some(Message::Order(order)) => self.perform(order, &BOTH),
                Some(Message::OrderFor(channel, order)) => self.perform(order, &[channel]),
                Some(Message::CatchUp { done }) => self.waiting.push(done),
                Some(Message::Rest { done }) => self.rest(&done),
                Some(Message::GoOn) => self.go_on(),
                Some(Message::HandOver) => return Some(End::HandOver),
                Some(Message::Stop { within }) => return Some(End::Stop { within }),
                None => {
                    self.more_messages = false;
                    break;
                }
            }
        }
        let dropped = self.inbox.take_dropped();
        if dropped > 0 {
            let text = format!(
                "{dropped} messages for logs were dropped because they came faster than they could be written"
            );
            self.desk.main.sinks.note(Level::Warn, text);
        }
        None
    }

    fn ready(&mut self, event: Ready) {
        if event.token == WAKER_TOKEN {
            return;
        }
        if let Some(key) = SinkKey::of_token(event.token) {
            self.desk.main.sinks.flush(key);
            return;
        }
        let (run, channel) = of_token(event.token);
        if matches!(self.read(run, channel, false), Read::End) {
            self.close(run, channel);
        }
    }

    /// Carries an order out, for these channels of its run.
    fn perform(&mut self, order: Order, channels: &[Channel]) {
        match order {
            Order::CreateAuto { path } => self.create_auto(&path),
            Order::Open {
                run,
                proc,
                spec,
                stdout,
                stderr,
                listener,
            } => {
                let result = self.open(run, proc, &spec, [stdout, stderr], listener, channels);
                self.desk.tell(Fact::Opened {
                    run,
                    result: result.map_err(|(path, error)| (path, Errno::of(&error))),
                });
            }
            Order::Adopt {
                run,
                proc,
                spec,
                paths,
                pipes,
            } => {
                self.open_for_adopted(run, proc, &spec, paths, false, channels);
                for (channel, fd) in pipes {
                    self.attach(run, channel, fd);
                }
            }
            Order::Resume(carried) => self.take_up(*carried),
            Order::ResumeLog(held) => self.take_up_log(*held),
            Order::Attach { run, channel, fd } => self.attach(run, channel, fd),
            Order::ListenerOutput { run, data } => {
                let line = self
                    .runs
                    .get_mut(&run)
                    .and_then(|log| log.lines.get_mut(Channel::Stdout));
                if let Some(line) = line {
                    line.output.take(&data, &mut self.desk);
                }
            }
            Order::Print { text } => self.desk.main.print(&text),
            Order::Drain { run } => self.drain(run),
            Order::Abandon { run } => self.end(run),
            Order::Clear { ticket, paths } => self.clear(ticket, &paths),
            Order::ClearMain { ticket } => {
                let result = self.desk.main.clear();
                self.desk.tell(Fact::Cleared { ticket, result });
            }
            Order::Reopen => self.desk.main.sinks.reopen_all(),
            Order::Forget { proc } => self.forget(proc),
            Order::StripAnsi(on) => self.desk.strip_ansi = on,
        }
    }

    /// Tells of logs that take no output any more, or do again: once for each channel that is written there now.
    fn tell_changes(&mut self) {
        for (key, state) in self.desk.main.sinks.take_changes() {
            let Some(path) = self.desk.main.sinks.path(key) else {
                continue;
            };
            for (&run, log) in &self.runs {
                for (channel, line) in log.lines.iter() {
                    if line.output.sink() == Some(key) {
                        self.desk.tell(Fact::LogState {
                            run,
                            channel,
                            path: path.to_path_buf(),
                            state: state.clone(),
                        });
                    }
                }
            }
        }
    }

    fn create_auto(&mut self, path: &Path) {
        let ledger = self.desk.main.sinks.ledger();
        ledger.begin(path, 0);
        let created = auto::create(path, self.desk.main.sinks.paths());
        ledger.end();
        if let Err(error) = created {
            let text = format!("could not create AUTO log {}: {error}", path.display());
            self.desk.main.sinks.note(Level::Error, text);
        }
    }

    fn open(
        &mut self,
        run: Run,
        proc: ProcId,
        spec: &Arc<ProcessSpec>,
        paths: [Option<PathBuf>; 2],
        listener: bool,
        wanted: &[Channel],
    ) -> Result<(), (PathBuf, io::Error)> {
        let mut lines = Channels::default();
        for (channel, path) in BOTH.into_iter().zip(paths) {
            if channel == Channel::Stderr && spec.redirect_stderr || !wanted.contains(&channel) {
                continue;
            }
            match Output::open(
                run,
                channel,
                spec.clone(),
                path.as_deref(),
                listener,
                &mut self.desk.main,
            ) {
                Ok(output) => {
                    lines.insert(channel, Line { output, pipe: None });
                }
                Err(error) => {
                    self.finish(lines);
                    return Err((path.unwrap_or_default(), error));
                }
            }
        }
        self.runs.insert(run, RunLog { proc, lines });
        Ok(())
    }

    fn open_for_adopted(
        &mut self,
        run: Run,
        proc: ProcId,
        spec: &Arc<ProcessSpec>,
        paths: [Option<PathBuf>; 2],
        protocol: bool,
        wanted: &[Channel],
    ) {
        let Err((path, error)) = self.open(run, proc, spec, paths, protocol, wanted) else {
            return;
        };
        let text = format!(
            "could not open the log {} of '{}': {}; its output is read and dropped until it is restarted",
            path.display(),
            spec.namespec(),
            Errno::of(&error)
        );
        self.desk.main.sinks.note(Level::Error, text);
        if let Err((_, error)) = self.open(run, proc, spec, [None, None], protocol, wanted) {
            self.anomaly(&format!("nor can it be read: {}", Errno::of(&error)));
        }
    }

    fn drain(&mut self, run: Run) {
        for channel in BOTH {
            self.empty(run, channel);
        }
        self.desk.tell(Fact::Drained { run });
        let Some(log) = self.runs.get_mut(&run) else {
            return;
        };
        let proc = log.proc;
        // A listener's stdout has no pipe here: with the child gone, nothing more comes.
        let (piped, ended) = std::mem::take(&mut log.lines)
            .into_each()
            .partition(|(_, line)| line.pipe.is_some());
        log.lines = piped;
        let is_over = log.lines.is_empty();
        self.finish(ended);
        if is_over {
            self.runs.remove(&run);
            return;
        }
        let remnants = self.remnants.entry(proc).or_default();
        remnants.push_back(run);
        if remnants.len() > REMNANTS_MAX
            && let Some(oldest) = remnants.pop_front()
        {
            let text = format!(
                "more than {REMNANTS_MAX} earlier runs of a process are still held open by somebody; the oldest is closed"
            );
            self.desk.main.sinks.note(Level::Warn, text);
            self.end(oldest);
        }
    }

    /// Ends a run, with what is in its pipes.
    fn end(&mut self, run: Run) {
        for channel in BOTH {
            self.empty(run, channel);
            self.close(run, channel);
        }
        self.runs.remove(&run);
    }

    fn forget(&mut self, proc: ProcId) {
        for run in self.remnants.remove(&proc).unwrap_or_default() {
            self.end(run);
        }
    }

    fn finish(&mut self, lines: Channels<Line>) {
        for (_, line) in lines.into_each() {
            line.output.finish(&mut self.desk);
        }
    }

    fn clear(&mut self, ticket: Ticket, paths: &[PathBuf]) {
        let mut result = Ok(());
        for path in paths {
            if let Err(error) = self.desk.main.sinks.clear(path) {
                let problem =
                    ClearProblem::Failed(format!("{}: {}", path.display(), Errno::of(&error)));
                result = result.and(Err(problem));
            }
        }
        self.desk.tell(Fact::Cleared { ticket, result });
    }

    fn stop(mut self, within: Duration) -> Outcome {
        let until = Instant::now() + within;
        let runs: Vec<Run> = self.runs.keys().copied().collect();
        for run in runs {
            self.end(run);
        }
        let Desk { mut main, .. } = self.desk;
        main.tell_floods(true);
        main.tell_notes();
        let left = main.finish(until.saturating_duration_since(Instant::now()));
        for (path, bytes) in &left {
            main.write(
                Level::Warn,
                &format!(
                    "{bytes} bytes for log {} could not be written before the end",
                    path.display()
                ),
            );
        }
        Outcome::Stopped(Box::new(main), left)
    }

    fn anomaly(&mut self, what: &str) {
        self.desk.main.sinks.note(Level::Critical, what.to_owned());
    }
}
