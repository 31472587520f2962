//! Spools in the whole: orders to the edge, their answers, and the wait for the disk at the end.

use super::pool::Pool;
use crate::deadlines::Timer;
use crate::group::GroupId;
use crate::job::Purpose;
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{Effect, SpoolAnswer, SpoolOrder, SpoolProblem};
use provost_model::{Notice, SpoolId, Ticket};
use std::time::Duration;

/// How long the end of the daemon waits for disks to take what is left: as long as for the last lines of the log.
pub(crate) const SAVING_MAX: Duration = Duration::from_secs(5);

impl Core {
    /// A number for the spool of a new pool.
    pub(crate) fn new_spool_id(&mut self) -> SpoolId {
        self.last_spool = self.last_spool.saturating_add(1);
        SpoolId(self.last_spool)
    }

    /// Gives a pool's spool its next order, and keeps the pool's deadlines.
    pub(crate) fn tend(&mut self, turn: &mut Turn<'_>, home: GroupId) {
        let Some(pool) = self.pools.get_mut(&home) else {
            return;
        };
        let order = pool.spool_order(turn.now.mono);
        let (losses, spool) = (pool.losses_deadline(), pool.spool_deadline());
        self.deadlines.set(Timer::Overflow(home), losses);
        self.deadlines.set(Timer::Spool(home), spool);
        if let Some((spool, order)) = order {
            self.spools.insert(spool, home);
            self.order(turn, Purpose::Spool { spool }, |ticket| Effect::Spool {
                ticket,
                spool,
                order,
            });
        }
    }

    /// A spool's order was carried out, or not.
    pub(crate) fn spool_answered(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        answer: Result<SpoolAnswer, SpoolProblem>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::Spool { spool }) => {
                // A pool that has gone meanwhile has said what was to become of its events.
                if let Some(home) = self.spools.get(&spool).copied()
                    && let Some(pool) = self.pools.get_mut(&home)
                {
                    pool.spool_answered(turn, answer);
                    self.stirred.insert(home);
                }
            }
            Some(Purpose::SaveSpool { spool }) => {
                self.saving.remove(&spool);
            }
            Some(
                Purpose::Probe { .. }
                | Purpose::Fence { .. }
                | Purpose::Stdin { .. }
                | Purpose::Clear { .. }
                | Purpose::ClearMain { .. }
                | Purpose::Load { .. }
                | Purpose::LoadForRestart
                | Purpose::TrySocket { .. }
                | Purpose::Program { .. }
                | Purpose::Rehearse { .. }
                | Purpose::HandOver { .. },
            ) => turn.anomaly("a spool answers another order"),
            None => {}
        }
    }

    /// A pool goes out of service: what it has left goes to disk.
    pub(crate) fn pool_leaves(&mut self, turn: &mut Turn<'_>, home: GroupId, pool: &mut Pool) {
        self.deadlines.set(Timer::Overflow(home), None);
        self.deadlines.set(Timer::Spool(home), None);
        let Some((spool, order)) = pool.leave(turn, &mut self.bus.reserve) else {
            return;
        };
        self.spools.remove(&spool);
        self.save_spool(turn, spool, order);
    }

    fn save_spool(&mut self, turn: &mut Turn<'_>, spool: SpoolId, order: SpoolOrder) {
        self.saving.insert(spool);
        self.order(turn, Purpose::SaveSpool { spool }, |ticket| Effect::Spool {
            ticket,
            spool,
            order,
        });
    }

    /// The end of the daemon: all pools go. Tells whether a disk is to be waited for.
    pub(crate) fn all_pools_leave(&mut self, turn: &mut Turn<'_>) -> bool {
        for (home, mut pool) in std::mem::take(&mut self.pools) {
            self.pool_leaves(turn, home, &mut pool);
            if pool.has_spool() {
                self.bus.unsubscribe(home);
            } else {
                self.pools.insert(home, pool);
            }
        }
        !self.saving.is_empty()
    }

    /// A disk takes too long: the daemon ends without it.
    pub(crate) fn saving_overdue(&mut self, turn: &mut Turn<'_>) {
        let spools = self.saving.len();
        self.saving.clear();
        if spools > 0 {
            turn.notice(Notice::SpoolsNotSaved { spools });
        }
    }
}
