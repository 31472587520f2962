//! What is left out when a file of events is opened anew after whoever had it open broke down.
//!
//! The disk then has events that are in memory, too: those that wait in the buffer or are with listeners, and perhaps some
//! of those that were just being written, which are written once more. Each is given once, however often the file is lost.
//! Events are known by both of their numbers.

use provost_model::Envelope;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of events that may be met a second time. Nearly always empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Twice {
    /// They have been given out: whatever comes of them is left out.
    there: BTreeSet<Key>,
    /// They wait for the disk, which may have them already, or they may be there twice.
    unsure: BTreeSet<Key>,
    /// They have come from the disk, and wait for it all the same: the next one is left out.
    #[serde(default)]
    expected: BTreeSet<Key>,
    /// Records from here on were written after the file was opened anew; none when all before have been read.
    #[serde(default)]
    new_from: Option<u64>,
}

/// Both numbers of an event.
pub(super) type Key = (u64, u64);

pub(super) fn key(envelope: &Envelope) -> Key {
    (envelope.serial, envelope.pool_serial)
}

impl Twice {
    /// The file is lost. `ahead` has been read and not given out, `known` are records that were given or left out and of
    /// which the disk may not know that they are done, `appending` may be there.
    pub(super) fn lose(
        &mut self,
        ahead: &BTreeSet<Key>,
        known: BTreeMap<u64, Key>,
        appending: &[Envelope],
    ) {
        for key in known.into_values() {
            if ahead.contains(&key) {
                // It was left out because of the one that is read again.
                self.unsure.insert(key);
            } else {
                self.there.insert(key);
            }
        }
        for key in std::mem::take(&mut self.expected) {
            self.unsure.insert(key);
            if !ahead.contains(&key) {
                self.there.insert(key);
            }
        }
        self.unsure.extend(appending.iter().map(key));
    }

    /// The file is open again, with so many records.
    pub(super) fn opened(&mut self, records: u64) {
        self.new_from = Some(records);
        self.reached(0);
    }

    /// These are given out without the disk, which cannot be opened, or are lost, as it has no room for them. Leaves out those
    /// that have come from it before.
    pub(super) fn give(&mut self, envelopes: &mut Vec<Envelope>) {
        envelopes.retain(|envelope| self.is_only(envelope));
        for key in envelopes.iter().map(key) {
            if self.unsure.remove(&key) {
                self.there.insert(key);
            }
        }
    }

    /// Whether an event that comes from the disk has not come before.
    pub(super) fn is_first(&mut self, record: u64, envelope: &Envelope) -> bool {
        self.reached(record);
        if self.new_from.is_none() && self.expected.is_empty() {
            return true;
        }
        let key = key(envelope);
        if self.there.contains(&key) || self.expected.remove(&key) {
            return false;
        }
        if self.unsure.remove(&key) {
            self.expected.insert(key);
        }
        true
    }

    /// All records before this one have been read.
    pub(super) fn reached(&mut self, record: u64) {
        if self.new_from.is_some_and(|from| from <= record) {
            self.new_from = None;
            let (there, unsure) = (
                std::mem::take(&mut self.there),
                std::mem::take(&mut self.unsure),
            );
            // What the disk had of the others has come: what waits for it is all that there is.
            let again = unsure.into_iter().filter(|key| there.contains(key));
            self.expected.extend(again);
        }
    }

    /// Whether an event that waits for the disk has not come from there.
    pub(super) fn is_only(&mut self, envelope: &Envelope) -> bool {
        let key = key(envelope);
        !self.expected.remove(&key) && !self.there.contains(&key)
    }
}
