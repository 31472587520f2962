//! Making again what follows from the rest and is not saved.

use crate::supervisor::Core;

impl Core {
    /// Puts indices and sums in place, once specifications and groups are.
    pub(super) fn rebuild(&mut self) -> Result<(), String> {
        for process in self.procs.values() {
            let Some(run) = process.run() else { continue };
            if self.runs.go_on(run, process.id).is_some() {
                return Err(format!("two processes have run {}", run.0));
            }
        }
        self.sockets.restore()?;
        self.stores.restore();
        self.helpers.restore();
        self.bus.reserve.restore(self.bus.serials);
        for (&home, pool) in &mut self.pools {
            pool.restore();
            self.bus.subscribe(home, pool.events());
            if let Some(spool) = pool.spool_id()
                && self.spools.insert(spool, home).is_some()
            {
                return Err(format!("two pools have spool {}", spool.0));
            }
        }
        Ok(())
    }
}
