//! Who hears of which kind of event, and the numbers of events.

use super::reserve::Reserve;
use crate::group::GroupId;
use provost_model::EventKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers that grow by one and begin again at 0 after the largest that upstream's listeners can have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serials {
    next: u64,
}

/// The largest serial: Python's `sys.maxsize` on 64-bit machines.
pub(super) const SERIAL_MAX: u64 = i64::MAX as u64;

impl Serials {
    /// Numbers that begin with this one.
    pub(crate) fn from(next: u64) -> Self {
        Self { next }
    }

    /// The next number, which is not taken.
    pub(crate) fn peek(self) -> u64 {
        self.next
    }

    /// The next number.
    pub(crate) fn take(&mut self) -> u64 {
        let serial = self.next;
        self.next = if serial >= SERIAL_MAX {
            0
        } else {
            serial.saturating_add(1)
        };
        serial
    }
}

/// Pools by what they subscribe to.
///
/// A pool stands once under each concrete kind, however many of its subscriptions cover that kind: it hears of each
/// event once (upstream delivers once for each).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bus {
    /// Follows from the pools.
    #[serde(skip)]
    pools: BTreeMap<EventKind, Vec<GroupId>>,
    pub(crate) serials: Serials,
    #[serde(default)]
    pub(crate) reserve: Reserve,
}

impl Bus {
    /// Adds a pool behind those that subscribed before it.
    pub(crate) fn subscribe(&mut self, pool: GroupId, events: &[EventKind]) {
        for &kind in EventKind::ALL {
            if events.iter().any(|subscribed| subscribed.covers(kind)) {
                self.pools.entry(kind).or_default().push(pool);
            }
        }
    }

    /// Takes a pool away.
    pub(crate) fn unsubscribe(&mut self, pool: GroupId) {
        for pools in self.pools.values_mut() {
            pools.retain(|&other| other != pool);
        }
        self.pools.retain(|_, pools| !pools.is_empty());
    }

    /// The pools that hear of this kind, in the order of their subscription.
    pub(crate) fn hearers(&self, kind: EventKind) -> &[GroupId] {
        self.pools.get(&kind).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_subscriptions_count_once() {
        let mut bus = Bus::default();
        bus.subscribe(
            GroupId(1),
            &[EventKind::Tick, EventKind::Tick5, EventKind::Event],
        );
        bus.subscribe(GroupId(2), &[EventKind::Tick]);
        assert_eq!(bus.hearers(EventKind::Tick5), [GroupId(1), GroupId(2)]);
        assert_eq!(bus.hearers(EventKind::RemoteCommunication), [GroupId(1)]);
        bus.unsubscribe(GroupId(1));
        assert_eq!(bus.hearers(EventKind::Tick5), [GroupId(2)]);
        assert_eq!(bus.hearers(EventKind::RemoteCommunication), []);
    }

    #[test]
    fn f15_kinds_of_our_own_reach_those_only_who_name_them() {
        let mut bus = Bus::default();
        bus.subscribe(GroupId(1), &[EventKind::Event, EventKind::ProcessLog]);
        bus.subscribe(GroupId(2), &[EventKind::LogfileState]);
        bus.subscribe(GroupId(3), &[EventKind::LogfileStateWorking]);
        assert_eq!(bus.hearers(EventKind::LogfileStateFailing), [GroupId(2)]);
        assert_eq!(
            bus.hearers(EventKind::LogfileStateWorking),
            [GroupId(2), GroupId(3)]
        );
    }

    #[test]
    fn serials_wrap_after_the_largest() {
        let mut serials = Serials { next: SERIAL_MAX };
        assert_eq!(
            (serials.take(), serials.take(), serials.take()),
            (SERIAL_MAX, 0, 1)
        );
    }
}
