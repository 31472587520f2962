//! What is left out when a file of events is opened anew after whoever had it open broke down.
//!
//! The disk then has events that are in memory, too: those that wait in the buffer or are with listeners, and perhaps some
//! of those that were just being written. Each is given once. Events are known by both of their numbers.

use provost_model::Envelope;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of events that may be met a second time. Nearly always empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Twice {
    /// They have been given out, or are about to be: the next one of that number is left out.
    there: BTreeSet<Key>,
    /// They wait for the disk, which may have them already.
    unsure: BTreeSet<Key>,
}

/// Both numbers of an event.
pub(super) type Key = (u64, u64);

pub(super) fn key(envelope: &Envelope) -> Key {
    (envelope.serial, envelope.pool_serial)
}

impl Twice {
    /// This event is in memory and on disk.
    pub(super) fn is_there(&mut self, envelope: &Envelope) {
        self.there.insert(key(envelope));
    }

    /// These were given out, and the disk may not know that they are done.
    pub(super) fn were_given(&mut self, given: BTreeMap<u64, Key>) {
        self.there.extend(given.into_values());
    }

    /// These wait for the disk, and may be there.
    pub(super) fn may_come(&mut self, envelopes: &[Envelope]) {
        self.unsure.extend(envelopes.iter().map(key));
    }

    /// These have been given out without the disk.
    pub(super) fn are_known(&mut self, envelopes: &[Envelope]) {
        for key in envelopes.iter().map(key) {
            if self.unsure.remove(&key) {
                self.there.insert(key);
            }
        }
    }

    /// Whether an event that comes from the disk, or from those that wait for it, has not come before.
    pub(super) fn is_first(&mut self, envelope: &Envelope, is_from_disk: bool) -> bool {
        if self.there.is_empty() && self.unsure.is_empty() {
            return true;
        }
        let key = key(envelope);
        if self.there.remove(&key) {
            return false;
        }
        // From the disk it comes before the other one, which waits; without it there is no other one.
        if self.unsure.remove(&key) && is_from_disk {
            self.there.insert(key);
        }
        true
    }
}
