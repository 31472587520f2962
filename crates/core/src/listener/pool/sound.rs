//! Whether a pool of a state that came from outside is one that can be.

use super::Pool;
use crate::saved::{Sound, ensure};
use provost_model::SpoolId;

impl Pool {
    /// Whether all parts fit together.
    pub(crate) fn check(&self) -> Sound {
        let name = &self.name;
        ensure(self.slots.len() == self.listeners.len(), || {
            format!("two listeners of {name} are one process")
        })?;
        // How many it holds is not looked at: what is refused goes back into a full buffer.
        ensure(self.buffer_size >= 1, || {
            format!("{name} can hold no event")
        })?;
        let records = self.buffer.iter().filter_map(|waiting| waiting.record);
        let held = self.listeners.iter().filter_map(|listener| listener.record);
        let records: Vec<u64> = records.chain(held).collect();
        match &self.spool {
            Some(spool) => {
                let is_sound = spool.is_sound(&records);
                ensure(is_sound, || format!("the spool of {name} is in disorder"))
            }
            None => ensure(records.is_empty(), || {
                format!("{name} has events of a spool, and no spool")
            }),
        }
    }

    /// The numbers of the events that wait in memory, and then the next number within the pool.
    pub(crate) fn serials(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let held = self
            .listeners
            .iter()
            .filter_map(|listener| listener.ack.event());
        let waiting = self.buffer.iter().map(|waiting| &waiting.envelope);
        let events = held.chain(waiting);
        let next = (0, self.serials.peek());
        events
            .map(|event| (event.serial, event.pool_serial))
            .chain([next])
    }

    /// Its spool, and whether an order for it is under way.
    pub(crate) fn spool_under_way(&self) -> Option<(SpoolId, bool)> {
        let spool = self.spool.as_ref()?;
        Some((spool.id, spool.is_busy()))
    }
}
