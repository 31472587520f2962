//! The spool of a pool: events that its buffer cannot hold lie on disk until there is room.
//!
//! In the order in which events came there are, behind the buffer: events *ahead*, read from the disk and not yet in the
//! buffer; *unread* ones on disk; those being *appended*; and the *tail*, which waits for the disk. One order is under way
//! at a time. What the disk holds it keeps until listeners have done it, so that it is not lost when the daemon is.
//!
//! | state | events | leaves it by |
//! |---|---|---|
//! | opening | wait in the tail | `Opened`, or an error |
//! | open | go the way above | an error ends nothing: the order is given again after a while |
//! | out of service | are the buffer's business alone | being opened when the next event is lost |
//!
//! It refuses to know what a file is: sizes, checksums and what is damaged are the edge's.

use super::twice::{Key, Twice, key};
use crate::{SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::info::SpoolInfo;
use provost_model::spec::SpoolSpec;
use provost_model::{Envelope, Event, Mono, SpoolId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Events that may wait in memory for the disk: some seconds of a machine that does nothing but start and stop programs.
const TAIL_EVENTS_MAX: usize = 65_536;
/// Bytes that they may take: a hung disk must not cost the memory of the machine.
const TAIL_BYTES_MAX: usize = 16 << 20;
/// Bytes of one order to write, so that it is done in some milliseconds.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Events that are read ahead: enough that a quick listener does not wait for the disk each time.
const AHEAD_MAX: usize = 1_024;
/// Time after which an order that failed is given again.
const RETRY: Duration = Duration::from_secs(5);

/// An event that waits in memory; `record` is its number on disk, if it is there too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) envelope: Envelope,
    pub(crate) record: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Opening,
    Open,
    OutOfService { wanted: bool },
}

/// What kind of order is under way, and what it tells to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum UnderWay {
    Open,
    Append { done: u64 },
    Read { done: u64 },
    Mark { done: u64 },
}

/// What an answer leaves for the pool to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Aftermath {
    /// Events from an earlier time, at the opening.
    pub(crate) found: u64,
    /// Events for which there is no room.
    pub(crate) lost: Vec<Envelope>,
    /// Events that are the buffer's business again.
    pub(crate) returned: Vec<Envelope>,
    /// The file is opened anew: what is in memory and on disk is in memory only from now on.
    pub(crate) is_lost: bool,
    /// The answer fits no order that is under way.
    pub(crate) is_odd: bool,
}

/// The spool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spool {
    pub(crate) id: SpoolId,
    pool: Arc<str>,
    spec: SpoolSpec,
    state: State,
    under_way: Option<UnderWay>,
    retry_at: Option<Mono>,
    ahead: VecDeque<(u64, Envelope)>,
    unread: u64,
    appending: Vec<Envelope>,
    tail: VecDeque<Envelope>,
    /// Follows from the tail.
    #[serde(skip)]
    tail_bytes: usize,
    /// Records that are in the buffer or with listeners.
    out: BTreeSet<u64>,
    /// The number behind that of the record read last.
    next: u64,
    /// The disk knows that all before are done.
    marked: u64,
    bytes: u64,
    spooled: u64,
    /// Reading and writing take turns.
    wrote_last: bool,
    /// The events of records that were given or left out, as far as the disk does not know that they are done.
    #[serde(default)]
    given: BTreeMap<u64, Key>,
    /// What must not come twice from a file that was opened anew.
    #[serde(default)]
    twice: Twice,
}

impl Spool {
    /// A spool that is not open yet.
    pub(crate) fn new(id: SpoolId, pool: Arc<str>, spec: SpoolSpec) -> Self {
        Self {
            id,
            pool,
            spec,
            state: State::Opening,
            under_way: None,
            retry_at: None,
            ahead: VecDeque::new(),
            unread: 0,
            appending: Vec::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            out: BTreeSet::new(),
            next: 0,
            marked: 0,
            bytes: 0,
            spooled: 0,
            wrote_last: true,
            given: BTreeMap::new(),
            twice: Twice::default(),
        }
    }

    /// Puts in place what is not saved, and what an earlier version did not save: `given` is in the buffer or with
    /// listeners.
    pub(crate) fn restore<'a>(&mut self, given: impl Iterator<Item = (u64, &'a Envelope)>) {
        for (record, envelope) in given {
            self.given.entry(record).or_insert_with(|| key(envelope));
        }
        self.tail_bytes = self.tail.iter().map(weight).fold(0, usize::saturating_add);
    }

    /// Whether an order is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether all parts fit together, these records being in the buffer or with listeners.
    pub(crate) fn is_sound(&self, records: &[u64]) -> bool {
        let ahead = || self.ahead.iter().map(|(number, _)| *number);
        let is_appending = matches!(self.under_way, Some(UnderWay::Append { .. }));
        let out: BTreeSet<u64> = records.iter().copied().collect();
        out == self.out
            && ahead().is_sorted()
            && ahead().chain(out).all(|number| number < self.next)
            && self.appending.is_empty() != is_appending
    }

    /// Whether a new event must wait here for older ones.
    pub(crate) fn holds_any(&self) -> bool {
        self.state == State::Opening || self.waiting() > 0
    }

    /// Whether it could not be opened.
    pub(crate) fn is_out_of_service(&self) -> bool {
        matches!(self.state, State::OutOfService { .. })
    }

    /// An event was lost that it could have taken if it were in service.
    pub(crate) fn missed(&mut self) {
        if let State::OutOfService { wanted } = &mut self.state {
            *wanted = true;
        }
    }

    /// Whether nothing is in its file, or on its way there, that no listener has seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.state == State::Open && self.waiting() == 0
    }

    fn waiting(&self) -> u64 {
        let in_memory = self.ahead.len() + self.appending.len() + self.tail.len();
        self.unread.saturating_add(in_memory as u64)
    }

    /// Takes an event behind all others; gives it back when too much waits for the disk.
    pub(crate) fn push(&mut self, envelope: Envelope) -> Result<(), Envelope> {
        let bytes = self.tail_bytes.saturating_add(weight(&envelope));
        if self.tail.len() >= TAIL_EVENTS_MAX || bytes > TAIL_BYTES_MAX {
            return Err(envelope);
        }
        self.tail_bytes = bytes;
        self.tail.push_back(envelope);
        Ok(())
    }

    /// The next event for the buffer, if it is in memory.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        if let Some((number, envelope)) = self.ahead.pop_front() {
            self.out.insert(number);
            self.given.insert(number, key(&envelope));
            let record = Some(number);
            return Some(Waiting { envelope, record });
        }
        if self.state == State::Opening || self.unread > 0 || !self.appending.is_empty() {
            return None;
        }
        loop {
            let envelope = self.tail.pop_front()?;
            self.tail_bytes = self.tail_bytes.saturating_sub(weight(&envelope));
            if self.twice.is_only(&envelope) {
                let record = None;
                return Some(Waiting { envelope, record });
            }
        }
    }

    /// A listener has done the event of this record, or it was thrown away.
    pub(crate) fn done(&mut self, record: Option<u64>) {
        if let Some(number) = record {
            self.out.remove(&number);
        }
    }

    /// All records before this one are done.
    fn done_before(&self) -> u64 {
        let ahead = self.ahead.front().map(|(number, _)| *number);
        self.out.first().copied().or(ahead).unwrap_or(self.next)
    }

    fn wants_to_read(&self) -> bool {
        self.unread > 0 && self.ahead.len() <= AHEAD_MAX / 2
    }

    /// When to look again although nothing happens: only after an order failed on which events wait.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let waits = self.wants_to_read() || !self.tail.is_empty();
        let idle = self.state == State::Open && self.under_way.is_none();
        self.retry_at.filter(|_| idle && waits)
    }

    /// What is to be done next, if anything can be done now.
    pub(crate) fn next_order(&mut self, now: Mono) -> Option<SpoolOrder> {
        if self.under_way.is_some() || self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        match self.state {
            State::OutOfService { wanted: false } => return None,
            State::Opening | State::OutOfService { wanted: true } => {
                self.under_way = Some(UnderWay::Open);
                return Some(SpoolOrder::Open {
                    pool: self.pool.clone(),
                    path: self.spec.path.clone(),
                    maxbytes: self.spec.maxbytes,
                });
            }
            State::Open => {}
        }
        let done = self.done_before();
        if self.wants_to_read() && (self.wrote_last || self.tail.is_empty()) {
            self.wrote_last = false;
            self.under_way = Some(UnderWay::Read { done });
            let max = AHEAD_MAX - self.ahead.len();
            return Some(SpoolOrder::Read { done, max });
        }
        if !self.tail.is_empty() {
            self.wrote_last = true;
            self.under_way = Some(UnderWay::Append { done });
            self.appending = self.take_batch();
            let events = self.appending.clone();
            return Some(SpoolOrder::Append { done, events });
        }
        if done > self.marked {
            self.under_way = Some(UnderWay::Mark { done });
            return Some(SpoolOrder::Mark { done });
        }
        None
    }

    /// The first events of the tail, at least one.
    fn take_batch(&mut self) -> Vec<Envelope> {
        let mut batch = Vec::new();
        let mut bytes = 0_usize;
        while let Some(first) = self.tail.front() {
            let more = weight(first);
            if !batch.is_empty() && bytes.saturating_add(more) > BATCH_BYTES_MAX {
                break;
            }
            bytes = bytes.saturating_add(more);
            batch.extend(self.tail.pop_front());
        }
        self.tail_bytes = self.tail_bytes.saturating_sub(bytes);
        batch
    }

    /// The order under way was carried out, or not.
    pub(crate) fn answered(
        &mut self,
        now: Mono,
        answer: Result<SpoolAnswer, SpoolProblem>,
    ) -> Aftermath {
        let mut aftermath = Aftermath::default();
        let under_way = self.under_way.take();
        self.retry_at = None;
        match (under_way, answer) {
            (Some(under_way), Err(SpoolProblem)) => {
                self.retry_at = Some(now.plus(RETRY));
                self.failed(under_way, &mut aftermath);
            }
            (Some(_), Ok(SpoolAnswer::Lost)) => {
                self.lose();
                aftermath.is_lost = true;
            }
            (Some(UnderWay::Open), Ok(SpoolAnswer::Opened { events, bytes })) => {
                self.state = State::Open;
                (self.unread, self.bytes) = (events, bytes);
                (self.next, self.marked) = (0, 0);
                self.twice.opened(events);
                aftermath.found = events;
            }
            (Some(UnderWay::Append { done }), Ok(SpoolAnswer::Appended { taken, bytes })) => {
                (self.marked, self.bytes) = (done, bytes);
                let taken = taken.min(self.appending.len());
                aftermath.lost = self.appending.split_off(taken);
                self.twice.give(&mut aftermath.lost);
                self.appending.clear();
                self.spooled = self.spooled.saturating_add(taken as u64);
                self.unread = self.unread.saturating_add(taken as u64);
            }
            (
                Some(UnderWay::Read { done }),
                Ok(SpoolAnswer::Read {
                    events,
                    left,
                    bytes,
                }),
            ) => {
                (self.marked, self.unread, self.bytes) = (done, left, bytes);
                if let Some((last, _)) = events.last() {
                    self.next = last.saturating_add(1);
                }
                for (number, event) in events {
                    if self.twice.is_first(number, &event) {
                        self.ahead.push_back((number, event));
                    } else {
                        self.given.insert(number, key(&event));
                    }
                }
                let all_before = if left == 0 { u64::MAX } else { self.next };
                self.twice.reached(all_before);
            }
            (Some(UnderWay::Mark { done }), Ok(SpoolAnswer::Marked { bytes })) => {
                (self.marked, self.bytes) = (done, bytes);
            }
            (under_way, Ok(_)) => {
                self.under_way = under_way;
                aftermath.is_odd = true;
            }
            (None, Err(SpoolProblem)) => aftermath.is_odd = true,
        }
        self.given = self.given.split_off(&self.marked);
        aftermath
    }

    /// The file is to be opened anew. What was read and not given to anybody is read again; how much the disk took of
    /// what was being appended shows when it is read.
    fn lose(&mut self) {
        let ahead = self.ahead.iter().map(|(_, event)| key(event)).collect();
        let known = std::mem::take(&mut self.given);
        self.twice.lose(&ahead, known, &self.appending);
        self.put_back_appending();
        self.ahead.clear();
        self.out.clear();
        self.unread = 0;
        (self.next, self.marked) = (0, 0);
        self.state = State::Opening;
    }

    fn put_back_appending(&mut self) {
        for envelope in self.appending.drain(..).rev() {
            self.tail_bytes = self.tail_bytes.saturating_add(weight(&envelope));
            self.tail.push_front(envelope);
        }
    }

    fn failed(&mut self, under_way: UnderWay, aftermath: &mut Aftermath) {
        match under_way {
            UnderWay::Open => {
                self.state = State::OutOfService { wanted: false };
                self.tail_bytes = 0;
                aftermath.returned = self.tail.drain(..).collect();
                self.twice.give(&mut aftermath.returned);
            }
            UnderWay::Append { .. } => self.put_back_appending(),
            UnderWay::Read { .. } | UnderWay::Mark { .. } => {}
        }
    }

    /// What is to be left on disk when the pool goes. `buffer` is what is in memory before all that is here, the events
    /// that listeners had not finished among it.
    pub(crate) fn save(&mut self, buffer: Vec<Waiting>) -> SpoolOrder {
        let ahead = self.ahead.front().map(|(number, _)| *number);
        let (first, from) = if buffer.iter().any(|waiting| waiting.record.is_none()) {
            let first = buffer.into_iter().map(|waiting| waiting.envelope);
            (first.collect(), ahead.unwrap_or(self.next))
        } else {
            // The disk holds all of them already.
            (Vec::new(), self.done_before())
        };
        let twice = &mut self.twice;
        let last = self.tail.drain(..).filter(|event| twice.is_only(event));
        SpoolOrder::Save {
            first,
            from,
            unsure: std::mem::take(&mut self.appending),
            last: last.collect(),
        }
    }

    /// For clients.
    pub(crate) fn info(&self) -> SpoolInfo {
        SpoolInfo {
            path: self.spec.path.clone(),
            maxbytes: self.spec.maxbytes,
            bytes: self.bytes,
            events: self.waiting(),
            spooled: self.spooled,
            works: self.state == State::Open && self.retry_at.is_none(),
        }
    }
}

/// About as many bytes as an event takes in memory.
fn weight(envelope: &Envelope) -> usize {
    /// The envelope, the event around its text, and names.
    const FIXED: usize = 256;
    let text = match &*envelope.event {
        Event::ProcessCommunication { data, .. } | Event::ProcessLog { data, .. } => data.len(),
        Event::RemoteCommunication { kind, data } => kind.len().saturating_add(data.len()),
        Event::ProcessState { .. }
        | Event::SupervisorRunning
        | Event::SupervisorStopping
        | Event::Tick { .. }
        | Event::GroupAdded { .. }
        | Event::GroupRemoved { .. }
        | Event::Logfile { .. } => 0,
    };
    FIXED.saturating_add(text)
}

#[cfg(test)]
#[path = "spool_tail_tests.rs"]
mod tests;
