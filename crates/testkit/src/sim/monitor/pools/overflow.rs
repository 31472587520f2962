//! Events that a pool could not hold: which of them may be lost, and what is to be said of it (I14, I28).

use super::{Pool, Report};

impl Pool {
    /// The core says that the oldest event was thrown away.
    pub(in super::super) fn overflowed(
        &mut self,
        serial: u64,
        first: bool,
        report: &mut Report<'_>,
    ) {
        let goes_on = self.unsaid.is_some();
        report.check(first != goes_on || first, "I28", || {
            format!("pool {} lost event {serial} without a word", self.name)
        });
        self.unsaid = Some(if first {
            0
        } else {
            self.unsaid.unwrap_or(0) + 1
        });
        let is_old = self.is_old(serial);
        if let Some(spool) = &mut self.spool {
            let reason = spool.may_lose();
            report.check(reason, "I14", || {
                format!(
                    "pool {} lost event {serial} although its spool has room",
                    self.name
                )
            });
            if is_old {
                spool.lose_old(serial);
                self.refused.retain(|event| *event != super::OLD + serial);
                return;
            }
            spool.give_up(serial);
            self.lost += 1;
            let known = |event: &u64| self.serials.get(event) == Some(&serial);
            match self.refused.iter().position(known) {
                Some(place) => {
                    self.refused.remove(place);
                }
                None => self.unplaced += 1,
            }
            return;
        }
        let full = self.waiting() > self.size;
        report.check(full, "I14", || {
            format!("pool {} lost event {serial} with room left", self.name)
        });
        self.lost += 1;
        let known = self
            .refused
            .iter()
            .position(|event| self.serials.get(event) == Some(&serial));
        if let Some(place) = known {
            self.refused.remove(place);
        } else {
            let front = self.front;
            if let Some(batch) = self.batch_of(front) {
                batch.holed = true;
                let fits = batch.serials.0 <= serial && serial < batch.serials.1;
                report.check(fits, "I14", || {
                    format!(
                        "event {serial} was lost before older ones: {:?}",
                        batch.serials
                    )
                });
            }
            self.front += 1;
        }
    }

    /// The core says how many were thrown away besides the first.
    pub(in super::super) fn summed_up(&mut self, more: u64, report: &mut Report<'_>) {
        let lost = self.unsaid.take();
        report.check(lost == Some(more) && more > 0, "I28", || {
            format!(
                "pool {} says {more} were lost besides the first, it was {lost:?}",
                self.name
            )
        });
    }
}
