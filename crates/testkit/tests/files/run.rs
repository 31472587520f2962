//! One seed from beginning to end: children that write, pipes, the daemon that reads them, and what happens to it.

use crate::disk::{Disk, Rates};
use crate::plants::Plant;
use provost_capture::rotate::Rotation;
use provost_capture::sink::{Kind, Limits, Sink, SinkState};
use provost_model::spec::LogfileFull;
use provost_testkit::sim::rng::Rng;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a pipe holds.
const PIPE_BYTES: usize = 64 << 10;

/// As the daemon has it, but small, so that limits are reached soon.
const LIMITS: Limits = Limits {
    full: 8 << 10,
    low: 4 << 10,
    chunk: 4 << 10,
};

/// A child whose output goes to the log.
struct Child {
    /// Bytes it has written.
    written: u64,
    pipe: VecDeque<u8>,
    /// Bytes that were read.
    read: u64,
    full: LogfileFull,
    paused: bool,
}

/// How a seed went.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) violations: Vec<(&'static str, String)>,
    pub(crate) trace: Vec<String>,
    /// Bytes that were dropped, expired, and lost with the daemon.
    pub(crate) told: u64,
    pub(crate) markers: u64,
    pub(crate) expired: u64,
    pub(crate) lost: u64,
    pub(crate) written: u64,
}

struct Course {
    dice: Rng,
    disk: Disk,
    sink: Sink,
    rotation: Rotation,
    children: Vec<Child>,
    epoch: Instant,
    plant: Plant,
    limits: Limits,
    /// The machine has heard of the rotation since it began.
    knows_rotation: bool,
    kept_back: Option<Vec<u8>>,
    told: u64,
    chunk: Vec<u8>,
}

/// Byte number `at` of a child: no letter of a marker, and a newline now and then.
fn byte_of(child: usize, at: u64) -> u8 {
    let mut rng = Rng::new(at ^ ((child as u64 + 1) << 40));
    let drawn = rng.next_u64();
    if drawn.is_multiple_of(23) {
        b'\n'
    } else {
        0x80 | drawn.to_le_bytes()[7]
    }
}

/// Runs a seed of so many steps.
pub(crate) fn run(seed: u64, steps: usize, plant: Plant) -> Outcome {
    let mut course = Course::draw(seed, plant);
    for _ in 0..steps {
        course.step();
        if !course.disk.account.violations.is_empty() {
            break;
        }
    }
    if course.disk.account.violations.is_empty() {
        course.settle();
    }
    let account = course.disk.account;
    Outcome {
        seed,
        violations: account.violations,
        trace: course.disk.trace,
        told: course.told,
        markers: account.markers,
        expired: course.disk.expired,
        lost: account.lost,
        written: course.children.iter().map(|child| child.written).sum(),
    }
}

impl Course {
    fn draw(seed: u64, plant: Plant) -> Self {
        let mut rng = Rng::new(seed);
        let mut dice = rng.fork(1);
        let kind = if dice.chance(250) {
            Kind::Stream
        } else {
            Kind::Regular
        };
        let mut disk = Disk::new(rng.fork(2), plant, kind);
        let mut rate = |max| {
            if dice.chance(400) {
                0
            } else {
                u32::try_from(dice.below(max)).unwrap_or(0)
            }
        };
        disk.rates = Rates {
            eio: rate(100),
            short: rate(300),
            rename: rate(200),
            create: rate(200),
            open: rate(300),
        };
        disk.maxbytes = *dice.pick(&[0, 1, 500, 3_000, 10_000, 10_000, 50_000]);
        disk.backups = *dice.pick(&[-1, 0, 1, 2, 3, 5, 70]);
        if kind == Kind::Stream {
            disk.maxbytes = 0;
        }
        if dice.chance(700) {
            disk.capacity = dice.between(5_000, 100_000);
        }
        disk.open();
        let wishes = dice.below(3);
        let children = (0..dice.between(1, 3)).map(|number| Child {
            written: 0,
            pipe: VecDeque::new(),
            read: 0,
            full: if wishes == 0 || (wishes == 1 && number == 0) {
                LogfileFull::Block
            } else {
                LogfileFull::Drop
            },
            paused: false,
        });
        let children = children.collect();
        let change = |is: Plant, by: i64| if plant == is { by } else { 0 };
        let (maxbytes, backups) = (disk.maxbytes, disk.backups);
        let maxbytes = maxbytes + change(Plant::RotatesEarly, -1) + change(Plant::RotatesLate, 1);
        let backups = backups + change(Plant::KeepsOneMore, 1) + change(Plant::KeepsOneLess, -1);
        let full = match plant {
            Plant::HoldsTooMuch => LIMITS.full * 2,
            Plant::DropsTooEarly => LIMITS.full / 2,
            _ => LIMITS.full,
        };
        let limits = Limits { full, ..LIMITS };
        Self {
            dice,
            disk,
            sink: Sink::new(limits),
            rotation: Rotation::new(maxbytes, backups),
            children,
            epoch: Instant::now(),
            plant,
            limits,
            knows_rotation: false,
            kept_back: None,
            told: 0,
            chunk: Vec::new(),
        }
    }

    fn now(&self) -> Instant {
        self.epoch + self.disk.now
    }

    fn step(&mut self) {
        self.disk.begin();
        match self.dice.weighted(&[30, 40, 8, 4, 4, 3, 2, 2]) {
            0 => self.child_writes(),
            1 => {
                let child = self.dice.index(self.children.len());
                self.read(child);
            }
            2 => self.time_passes(),
            3 => self.weather(),
            4 => self.reader(),
            5 => self.others(),
            6 => self.upgrade(),
            _ => self.light_fuse(),
        }
        self.check();
    }

    fn child_writes(&mut self) {
        let number = self.dice.index(self.children.len());
        let most = *self.dice.pick(&[20, 300, 3_000, 20_000]);
        let count = self.dice.below(most);
        let child = &mut self.children[number];
        let room = PIPE_BYTES - child.pipe.len();
        for _ in 0..count.min(room as u64) {
            child.pipe.push_back(byte_of(number, child.written));
            child.written += 1;
        }
    }

    /// The daemon reads a pipe once, as its thread does.
    fn read(&mut self, number: usize) {
        let child = &mut self.children[number];
        if child.paused && !self.sink.has_room(child.full) {
            return;
        }
        child.paused = false;
        let full = if self.plant == Plant::DropsInPlaceOfBlocking {
            LogfileFull::Drop
        } else {
            child.full
        };
        if self.sink.is_full(full) {
            self.sink.tell_waiting(&mut self.disk);
            child.paused = true;
            return;
        }
        let count = child.pipe.len().min(LIMITS.chunk);
        if count == 0 {
            return;
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.clear();
        chunk.extend(child.pipe.drain(..count));
        child.read += count as u64;
        self.disk
            .trace
            .push(format!("reads {count} bytes of {number}"));
        self.disk.account.pending.extend(&chunk);
        self.append(&chunk);
        self.chunk = chunk;
    }

    fn append(&mut self, chunk: &[u8]) {
        self.knows_rotation = true;
        let now = self.now();
        let (waiting, dropped) = (self.sink.unwritten(), self.sink.figures().1.bytes);
        let give = |course: &mut Self, chunk: &[u8]| {
            course
                .sink
                .append(chunk, course.rotation, now, &mut course.disk);
        };
        match self.plant {
            Plant::SwapsChunks => match self.kept_back.take() {
                Some(kept) => {
                    give(self, chunk);
                    give(self, &kept);
                }
                None => self.kept_back = Some(chunk.to_vec()),
            },
            Plant::ForgetsToCount if self.sink.retry_at().is_some() && waiting > 0 => {
                give(self, chunk.get(1..).unwrap_or_default());
            }
            _ => give(self, chunk),
        }
        let new = self.sink.figures().1.bytes - dropped;
        let gone = new > 0 && self.disk.kind == Kind::Regular;
        if gone && waiting + chunk.len() <= LIMITS.max() {
            let what = format!("{new} bytes are dropped, {waiting} were waiting");
            self.disk.account.fail("I12", what);
        }
        let waits = self
            .children
            .iter()
            .all(|child| child.full == LogfileFull::Block);
        if gone && waits {
            let what = format!("{new} bytes are dropped of programs that wait");
            self.disk.account.fail("I12", what);
        }
    }

    fn flush_if_due(&mut self) {
        let now = self.now();
        let due = self.sink.retry_at().is_some_and(|at| at <= now);
        let writable = self.sink.wants_writable() && self.disk.unread < 60_000;
        if (due && self.plant != Plant::NeverTriesAgain) || writable {
            self.disk.trace.push("flushes".to_owned());
            self.sink.flush(now, &mut self.disk);
        }
    }

    fn time_passes(&mut self) {
        let most = *self.dice.pick(&[10, 300, 3_000, 70_000]);
        self.disk.now += Duration::from_millis(self.dice.below(most));
        self.flush_if_due();
    }

    /// The disk fills and frees.
    fn weather(&mut self) {
        let all = self.disk.capacity.min(200_000);
        self.disk.foreign = match self.dice.below(3) {
            0 => 0,
            1 => self.dice.below(all),
            _ => all,
        };
        self.disk
            .trace
            .push(format!("others have {} of {all} bytes", self.disk.foreign));
    }

    fn reader(&mut self) {
        match self.dice.below(4) {
            0 => self.disk.reader = !self.disk.reader,
            _ => self.disk.unread = self.dice.below(self.disk.unread + 1),
        }
        self.flush_if_due();
    }

    /// Others meddle with the file, and a client has it cleared.
    fn others(&mut self) {
        let now = self.now();
        let which = self.dice.below(5);
        self.disk.trace.push(format!("others do {which}"));
        if self.disk.kind != Kind::Regular {
            return;
        }
        match which {
            0 => self.disk.others_remove(),
            1 => self.disk.others_truncate(),
            2 => {
                self.disk.others_move();
                self.reopen(now);
            }
            3 => self.reopen(now),
            _ => {
                if self.disk.clear() {
                    self.sink.cleared();
                    self.disk.account.cleared();
                }
            }
        }
    }

    fn reopen(&mut self, now: Instant) {
        use provost_capture::sink::Device as _;
        if self.disk.make_anew().is_ok() {
            self.sink.reopened(now, &mut self.disk);
        }
    }

    /// Another program goes on with what waits.
    fn upgrade(&mut self) {
        let state = self
            .sink
            .state()
            .filter(|_| self.plant != Plant::ForgetsAtUpgrades);
        self.disk
            .trace
            .push(format!("upgrade, with state: {}", state.is_some()));
        let text = state.map(|state| serde_json::to_string(&state).expect("it can be written"));
        self.begin_life(text.is_some());
        if let Some(text) = text {
            let state: SinkState = serde_json::from_str(&text).expect("it can be read");
            let now = self.now();
            self.sink.resume(state, now);
            self.sink.flush(now, &mut self.disk);
        }
    }

    fn begin_life(&mut self, with_state: bool) {
        self.told += if with_state {
            0
        } else {
            self.disk.account.told
        };
        self.disk.account.begins_life(with_state);
        self.sink = Sink::new(self.limits);
        self.knows_rotation = false;
        self.disk.rotation_failed = false;
        self.disk.open();
    }

    /// The daemon is killed within the next operations.
    fn light_fuse(&mut self) {
        if self.disk.fuse.is_none() {
            let operations = u32::try_from(self.dice.below(12)).unwrap_or(0);
            self.disk.fuse = Some(operations);
        }
    }

    fn check(&mut self) {
        if self.disk.dead {
            return self.die();
        }
        let (unwritten, dropped) = (self.sink.unwritten(), self.sink.figures().1.bytes);
        if self.plant == Plant::SwapsChunks && self.kept_back.is_some() {
            return;
        }
        self.disk.account.compare(unwritten, dropped);
        self.disk.look();
        if unwritten > LIMITS.max() + 200 {
            self.disk
                .account
                .fail("I28", format!("{unwritten} bytes are held"));
        }
        let length = self.disk.length_of_log().unwrap_or(0);
        let may_rotate = self.disk.kind == Kind::Regular && self.disk.maxbytes > 0;
        let limit = u64::try_from(self.disk.maxbytes).unwrap_or(0);
        if may_rotate
            && self.disk.wrote
            && self.knows_rotation
            && !self.disk.rotation_failed
            && length >= limit
        {
            self.disk
                .account
                .fail("I13", format!("{length} bytes are not rotated"));
        }
    }

    /// The daemon is dead: what it held is lost, and no more than it may hold.
    fn die(&mut self) {
        let dropped = self.sink.figures().1.bytes;
        let untold = dropped.saturating_sub(self.disk.account.told);
        self.told += self.disk.account.told;
        let lost = self.disk.account.killed();
        self.disk
            .trace
            .push(format!("killed, {lost} bytes are lost"));
        if lost as u64 > LIMITS.max() as u64 + untold + LIMITS.chunk as u64 {
            self.disk
                .account
                .fail("I28", format!("{lost} bytes went with the daemon"));
        }
        self.disk.dead = false;
        self.disk.fuse = None;
        self.kept_back = None;
        self.told -= self.disk.account.told;
        self.begin_life(false);
    }

    /// Faults cease, children write their last, and everything comes to its place.
    fn settle(&mut self) {
        self.disk.trace.push("faults cease".to_owned());
        self.disk.rates = Rates::default();
        self.disk.capacity = u64::MAX;
        self.disk.reader = true;
        self.disk.fuse = None;
        for number in 0..self.children.len() {
            let written = self.children[number].written;
            if self.children[number].pipe.len() < PIPE_BYTES {
                self.children[number]
                    .pipe
                    .push_back(byte_of(number, written));
                self.children[number].written += 1;
            }
        }
        let is_busy = |course: &Self| course.children.iter().any(|child| !child.pipe.is_empty());
        for _ in 0..1_000 {
            if !is_busy(self) && self.sink.unwritten() == 0 {
                break;
            }
            self.disk.begin();
            self.disk.unread = 0;
            self.disk.now += Duration::from_secs(90);
            self.flush_if_due();
            for number in 0..self.children.len() {
                self.read(number);
            }
            self.check();
            if !self.disk.account.violations.is_empty() {
                return;
            }
        }
        let (unwritten, dropped) = (self.sink.unwritten(), self.sink.figures().1.bytes);
        self.disk.account.compare(unwritten, dropped);
        self.disk.account.is_settled();
        self.disk.sum();
        self.disk.look();
        self.told += self.disk.account.told;
        for (number, child) in self.children.iter().enumerate() {
            if child.read != child.written {
                let what = format!(
                    "child {number} wrote {}, {} were read",
                    child.written, child.read
                );
                self.disk.account.violations.push(("I11", what));
            }
        }
    }
}
