//! What is on its way to the core: facts that arrive later, shuffled within what the kernel allows.

use provost_model::{Mono, Run};
use std::collections::BTreeMap;

/// Facts that may not overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Everything about one run: it is born, it speaks, it ends.
    Run(Run),
    /// Signals that failed, and the fences behind them.
    Signals,
    /// Everything about the file of a spool.
    Spool(u64),
}

/// Facts by the time of their arrival.
#[derive(Clone, Debug)]
pub(super) struct Agenda<T> {
    queue: BTreeMap<(Mono, u64), T>,
    lanes: BTreeMap<Lane, Mono>,
    last: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            queue: BTreeMap::new(),
            lanes: BTreeMap::new(),
            last: 0,
        }
    }
}

impl<T> Agenda<T> {
    /// Puts down something that arrives at `at` in no order with anything else. `dice` decides among equals.
    pub(super) fn add(&mut self, at: Mono, dice: u64, what: T) {
        self.last += 1;
        // The upper half decides by chance, the lower half keeps keys apart.
        let tie = (dice << 32) | (self.last & 0xFFFF_FFFF);
        self.queue.insert((at, tie), what);
    }

    /// Puts down something that arrives at `at`, or right after what went into the same lane before. Tells when.
    pub(super) fn add_in_lane(&mut self, lane: Lane, at: Mono, dice: u64, what: T) -> Mono {
        let at = match self.lanes.get(&lane) {
            Some(before) if *before >= at => Mono(before.0 + 1),
            Some(_) | None => at,
        };
        self.lanes.insert(lane, at);
        self.add(at, dice, what);
        at
    }

    /// Forgets everything but what `stays`; what comes later may overtake what was forgotten.
    pub(super) fn keep(&mut self, stays: impl Fn(&T) -> bool) {
        self.queue.retain(|_, what| stays(what));
        self.lanes.clear();
    }

    /// All that is on its way.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.queue.values()
    }

    /// Nothing more comes in this lane.
    pub(super) fn close(&mut self, lane: Lane) {
        self.lanes.remove(&lane);
    }

    /// When the next one arrives.
    pub(super) fn next(&self) -> Option<Mono> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next one that has arrived at `now`.
    pub(super) fn take(&mut self, now: Mono) -> Option<T> {
        let entry = self.queue.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_keeps_its_order_and_others_overtake() {
        let mut agenda = Agenda::default();
        agenda.add_in_lane(Lane::Run(Run(1)), Mono(100), 9, "born");
        agenda.add_in_lane(Lane::Run(Run(1)), Mono(50), 1, "ended");
        agenda.add(Mono(60), 5, "other");
        assert_eq!(agenda.take(Mono(59)), None);
        let mut order = Vec::new();
        while let Some(what) = agenda.take(Mono(1000)) {
            order.push(what);
        }
        assert_eq!(order, ["other", "born", "ended"]);
    }
}
