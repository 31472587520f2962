//! To which thread an order goes.
//!
//! A stream is served by the thread of the device on which its log lies, from its opening to its end; what has no file is
//! served by the first. All orders of a stream go the same way, so they are carried out in the order given. An order
//! about a run whose streams are on two threads goes to both, and the two answers become one.

use super::logger::Message;
use super::main_log::MainLog;
use super::order::{Fact, Order};
use super::place::{LANES, Place};
use super::thread::Handle;
use super::{Logs, THREADS_FOR_MORE, THREADS_MAX};
use provost_core::ClearProblem;
use provost_model::{Channel, Errno, Level, Run, Ticket};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;

/// So many processes may keep more than one thread busy.
const MANY: usize = 8;

/// The threads of a run's channels: stdout, stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    threads: [Option<u8>; 2],
    /// Answers to an opening that are still to come.
    opens: u8,
    /// Answers to a draining that are still to come.
    drains: u8,
}

impl Home {
    fn new(threads: [Option<usize>; 2]) -> Self {
        let threads = threads.map(|thread| thread.and_then(|number| u8::try_from(number).ok()));
        Self {
            threads,
            opens: 0,
            drains: 0,
        }
    }

    /// The threads, each once.
    fn threads(self) -> Vec<usize> {
        let mut all: Vec<usize> = self
            .threads
            .iter()
            .flatten()
            .map(|&one| one.into())
            .collect();
        all.dedup();
        all
    }

    fn thread(self, channel: Channel) -> usize {
        self.threads
            .get(index(channel))
            .copied()
            .flatten()
            .map_or(0, usize::from)
    }

    /// Leaves out threads; false when none is left.
    pub(super) fn retain(&mut self, is_there: impl Fn(&usize) -> bool) -> bool {
        for thread in &mut self.threads {
            *thread = thread.filter(|&number| is_there(&number.into()));
        }
        self.opens = 0;
        self.drains = 0;
        self.threads.iter().any(Option::is_some)
    }

    fn is_first_only(self) -> bool {
        self.threads.iter().flatten().all(|&number| number == 0)
    }
}

/// Logs of several threads that are being cleared for one client.
pub(super) struct Clearing {
    /// Answers that are still to come.
    waits: usize,
    result: Result<(), ClearProblem>,
}

fn index(channel: Channel) -> usize {
    usize::from(channel == Channel::Stderr)
}

impl Logs {
    /// Gives an order. Where its logs lie is asked of a scout, for which it waits a moment at most. After the threads have
    /// ended orders are dropped.
    pub fn order(&mut self, order: Order) {
        let [stdout, stderr] = match &order {
            Order::CreateAuto { path } => [Some(self.scout.place_of_new(path)), None],
            Order::Open { stdout, stderr, .. } => self.ask_for([stdout.clone(), stderr.clone()]),
            Order::Adopt { paths, .. } => self.ask_for(paths.clone()),
            Order::Resume(carried) => {
                let path = |wanted| {
                    let mut channels = carried.channels.iter();
                    let one = channels.find(|one| one.channel == wanted);
                    one.and_then(|one| one.path.clone())
                };
                self.ask_for([path(Channel::Stdout), path(Channel::Stderr)])
            }
            Order::ResumeLog(held) => self.ask_for([Some(held.path.clone()), None]),
            Order::Clear { paths, .. } => {
                let mut paths = paths.iter().cloned();
                self.ask_for([paths.next(), paths.next()])
            }
            _ => [None, None],
        };
        let places = [stdout, stderr].map(Option::unwrap_or_default);
        self.order_at(order, places);
    }

    /// Orders for these logs are about to come.
    pub fn look_ahead(&mut self, paths: Vec<PathBuf>) {
        self.scout.look_ahead(paths);
    }

    /// They have come.
    pub fn forget_ahead(&mut self) {
        self.scout.forget_ahead();
    }

    fn ask_for(&mut self, paths: [Option<PathBuf>; 2]) -> [Option<Place>; 2] {
        paths.map(|path| path.map(|path| self.scout.place(&path)))
    }

    /// Gives an order whose logs lie there; never blocks. Each place belongs to the log of that number in the order.
    pub fn order_at(&mut self, order: Order, places: [Place; 2]) {
        match order {
            Order::CreateAuto { .. } | Order::ResumeLog(_) => {
                let [place, _] = places;
                let thread = self.thread_of(place);
                self.send(thread, Message::Order(order));
            }
            Order::Open {
                run,
                ref spec,
                ref stdout,
                ref stderr,
                ..
            } => {
                let stderr = stderr.as_ref().filter(|_| !spec.redirect_stderr);
                let [first, second] = places;
                let first = self.scout.agreed(stdout.as_deref(), first);
                let second = self.scout.agreed(stderr.map(|path| &**path), second);
                let first = self.thread_of(first);
                let second = (!spec.redirect_stderr).then(|| self.thread_of(second));
                let mut home = Home::new([Some(first), second]);
                let parts = self.split(order, home);
                home.opens = u8::try_from(parts).unwrap_or(1);
                self.settle_run(run, home);
            }
            Order::Adopt { run, ref spec, .. } => {
                let [first, second] = places;
                let first = self.thread_of(first);
                let second = (!spec.redirect_stderr).then(|| self.thread_of(second));
                let home = Home::new([Some(first), second]);
                self.split(order, home);
                self.settle_run(run, home);
            }
            Order::Resume(ref carried) => {
                let run = carried.run;
                let mut threads = [None, None];
                for channel in carried.channels.iter().map(|one| one.channel) {
                    let place = places.get(index(channel)).copied().unwrap_or_default();
                    if let Some(thread) = threads.get_mut(index(channel)) {
                        *thread = Some(self.thread_of(place));
                    }
                }
                let mut home = Home::new(threads);
                self.split(order, home);
                // The other channel may be on a thread that hangs since the life before.
                if let Some(before) = self.homes.get(&run) {
                    let [stdout, stderr] = before.threads;
                    let [first, second] = home.threads;
                    home.threads = [first.or(stdout), second.or(stderr)];
                }
                self.settle_run(run, home);
            }
            Order::Attach { run, channel, .. } => {
                let home = self.homes.get(&run);
                let thread = home.map_or(0, |home| home.thread(channel));
                self.send(thread, Message::Order(order));
            }
            Order::ListenerOutput { run, .. } => {
                let home = self.homes.get(&run);
                let thread = home.map_or(0, |home| home.thread(Channel::Stdout));
                self.send(thread, Message::Order(order));
            }
            Order::Drain { run } => match self.homes.get_mut(&run) {
                None => self.send(0, Message::Order(order)),
                Some(home) => {
                    let threads = home.threads();
                    home.drains = u8::try_from(threads.len()).unwrap_or(1);
                    for thread in threads {
                        self.send(thread, Message::Order(Order::Drain { run }));
                    }
                }
            },
            Order::Abandon { run } => match self.homes.remove(&run) {
                None => self.send(0, Message::Order(order)),
                Some(home) => {
                    for thread in home.threads() {
                        self.send(thread, Message::Order(Order::Abandon { run }));
                    }
                }
            },
            Order::Clear { ticket, paths } => self.clear(ticket, paths, places),
            Order::Print { .. } | Order::ClearMain { .. } => self.send(0, Message::Order(order)),
            Order::Reopen => self.send_all(|| Order::Reopen),
            Order::Forget { proc } => self.send_all(|| Order::Forget { proc }),
            Order::StripAnsi(on) => {
                self.settings.strip_ansi = on;
                self.send_all(|| Order::StripAnsi(on));
            }
        }
    }

    /// What a thread told, as it concerns others; none when the other half of it is still to come.
    pub fn hear(&mut self, fact: Fact) -> Option<Fact> {
        match fact {
            Fact::Opened { run, result } => self.heard_opened(run, result),
            Fact::Drained { run } => {
                if let Some(home) = self.homes.get_mut(&run) {
                    home.drains = home.drains.saturating_sub(1);
                    if home.drains > 0 {
                        return None;
                    }
                    self.homes.remove(&run);
                }
                Some(Fact::Drained { run })
            }
            Fact::Cleared { ticket, result } => {
                let Some(clearing) = self.clears.get_mut(&ticket) else {
                    return Some(Fact::Cleared { ticket, result });
                };
                clearing.waits = clearing.waits.saturating_sub(1);
                if clearing.result.is_ok() {
                    clearing.result = result;
                }
                if clearing.waits > 0 {
                    return None;
                }
                let result = self.clears.remove(&ticket)?.result;
                Some(Fact::Cleared { ticket, result })
            }
            other => Some(other),
        }
    }

    fn heard_opened(&mut self, run: Run, result: Result<(), (PathBuf, Errno)>) -> Option<Fact> {
        if let Some(home) = self.homes.get_mut(&run) {
            home.opens = home.opens.saturating_sub(1);
            if result.is_err() {
                // Whatever the other thread opens is closed again; what it says of it is heard as something late.
                self.order_at(Order::Abandon { run }, [Place::Anywhere; 2]);
            } else if home.opens > 0 {
                return None;
            }
        }
        Some(Fact::Opened { run, result })
    }

    /// Gives a run's order to its threads, to each for its channels; how many that are.
    fn split(&mut self, order: Order, home: Home) -> usize {
        let threads = home.threads();
        let &[first, second] = threads.as_slice() else {
            let thread = threads.first().copied().unwrap_or(0);
            self.send(thread, Message::Order(order));
            return 1;
        };
        match parted(order) {
            Ok((stdout, stderr)) => {
                self.send(first, Message::OrderFor(Channel::Stdout, stdout));
                self.send(second, Message::OrderFor(Channel::Stderr, stderr));
                2
            }
            Err(whole) => {
                self.send(first, Message::Order(whole));
                1
            }
        }
    }

    /// Remembers a run, unless it is as most are.
    fn settle_run(&mut self, run: Run, home: Home) {
        if home.is_first_only() {
            self.homes.remove(&run);
        } else {
            self.homes.insert(run, home);
        }
    }

    fn clear(&mut self, ticket: Ticket, paths: Vec<PathBuf>, places: [Place; 2]) {
        let mut parts: Vec<(usize, Vec<PathBuf>)> = Vec::new();
        let all = paths.len();
        for (number, path) in paths.into_iter().enumerate() {
            let place = places.get(number).copied().unwrap_or_default();
            let place = self.scout.agreed(Some(&path), place);
            let thread = self.thread_of(place);
            match parts.iter_mut().find(|(other, _)| *other == thread) {
                Some((_, paths)) => paths.push(path),
                None => parts.push((thread, vec![path])),
            }
        }
        if all == 0 {
            parts.push((0, Vec::new()));
        }
        if parts.len() > 1 {
            let (waits, result) = (parts.len(), Ok(()));
            self.clears.insert(ticket, Clearing { waits, result });
        }
        for (thread, paths) in parts {
            self.send(thread, Message::Order(Order::Clear { ticket, paths }));
        }
    }

    /// The thread that has this place. Starts one for a new device.
    fn thread_of(&mut self, place: Place) -> usize {
        if place == Place::Anywhere {
            return 0;
        }
        if let Some((_, number)) = self.places.iter().find(|(known, _)| *known == place) {
            return *number;
        }
        let number = match place {
            Place::On { device, .. } => self.thread_for(device),
            Place::Anywhere | Place::Unknown => self.another_thread(),
        };
        self.settle(place, number);
        number
    }

    /// The thread for one more lane of a device: a new one, as long as it may have more, and none of those that other devices
    /// are to find.
    fn thread_for(&mut self, device: u64) -> usize {
        let is_there =
            |place: &Place| matches!(place, Place::On { device: known, .. } if *known == device);
        let lanes = self.places.iter().filter(|(place, _)| is_there(place));
        let mut uses = BTreeMap::<usize, usize>::new();
        for (_, number) in lanes {
            *uses.entry(*number).or_default() += 1;
        }
        let least = uses
            .iter()
            .min_by_key(|(_, uses)| **uses)
            .map(|(number, _)| *number);
        let may_have_more =
            uses.len() < self.lanes.unwrap_or(1) && self.threads.len() < THREADS_FOR_MORE;
        match least {
            Some(number) if !may_have_more => number,
            None if std::mem::take(&mut self.first_is_free) => 0,
            Some(_) | None => self.another_thread(),
        }
    }

    /// How many processes there are: with a few there is too little to write for more than one thread a device.
    pub fn expect(&mut self, processes: usize) {
        if processes >= MANY {
            self.lanes.get_or_insert_with(|| {
                let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
                processors.min(LANES.into())
            });
        }
    }

    /// A new thread, one that has other devices already, or the first if there is none and none can be had.
    fn another_thread(&mut self) -> usize {
        let free = self.threads.iter().position(Option::is_none);
        let number = free.unwrap_or(self.threads.len());
        if number < THREADS_MAX {
            match self.start_another(number) {
                Ok(handle) if number < self.threads.len() => {
                    if let Some(slot) = self.threads.get_mut(number) {
                        *slot = Some(handle);
                    }
                    return number;
                }
                Ok(handle) => {
                    self.threads.push(Some(handle));
                    return number;
                }
                Err(error) => {
                    let text = format!(
                        "could not start another thread for logs: {error}; they share one with others"
                    );
                    self.logger().log(Level::Warn, text);
                }
            }
        }
        // The one with the fewest devices; the main log stays alone as long as that can be.
        let devices = |number: usize| self.places.iter().filter(|(_, one)| *one == number).count();
        let others = (1..self.threads.len()).filter(|&one| {
            let slot = self.threads.get(one);
            slot.is_some_and(Option::is_some)
        });
        others.min_by_key(|&number| devices(number)).unwrap_or(0)
    }

    fn start_another(&self, number: usize) -> std::io::Result<Handle> {
        let main = MainLog::elsewhere(self.paths, self.level.clone(), self.forward.clone());
        let facts = self.teller.clone();
        Handle::start(number, main, self.settings, facts, &self.board)
    }

    /// From now on this thread has this device.
    pub(super) fn settle(&mut self, place: Place, number: usize) {
        self.places.push((place, number));
        if let Some(handle) = self.threads.get(number).and_then(Option::as_ref) {
            self.board.add_writer(place, handle.outbox().clone());
        }
    }

    fn send(&self, number: usize, message: Message) {
        if let Some(handle) = self.threads.get(number).and_then(Option::as_ref) {
            handle.send(message);
        }
    }

    fn send_all(&self, order: impl Fn() -> Order) {
        for handle in self.threads.iter().flatten() {
            handle.send(Message::Order(order()));
        }
    }
}

/// The order once for stdout and once for stderr: what each needs. An order that is not of that kind comes back.
fn parted(order: Order) -> Result<(Order, Order), Order> {
    Ok(match order {
        Order::Open {
            run,
            proc,
            spec,
            stdout,
            stderr,
            listener,
        } => {
            let open = |stdout, stderr| Order::Open {
                run,
                proc,
                spec: spec.clone(),
                stdout,
                stderr,
                listener,
            };
            (open(stdout, None), open(None, stderr))
        }
        Order::Adopt {
            run,
            proc,
            spec,
            paths: [stdout, stderr],
            pipes,
        } => {
            let (out, err) = pipes
                .into_iter()
                .partition(|(channel, _)| *channel == Channel::Stdout);
            let adopt = |paths, pipes| Order::Adopt {
                run,
                proc,
                spec: spec.clone(),
                paths,
                pipes,
            };
            (adopt([stdout, None], out), adopt([None, stderr], err))
        }
        Order::Resume(carried) => {
            let (out, err) = carried.parted();
            (Order::Resume(Box::new(out)), Order::Resume(Box::new(err)))
        }
        other => return Err(other),
    })
}
