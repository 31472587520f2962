//! Names in the directory, as rotation moves them.

use super::{Disk, EIO, ENOENT, ENOSPC, EROFS};
use crate::plants::Plant;
use provost_capture::rotate::{Name, Shelf};
use provost_model::Errno;

impl Shelf for Disk {
    type Error = Errno;

    fn numbers(&mut self) -> Vec<u64> {
        let numbers = self.names.keys().filter_map(|name| match name {
            Name::Backup(number) => Some(*number),
            _ => None,
        });
        numbers.collect()
    }

    fn empty(&mut self) -> Result<(), Errno> {
        if let Some(errno) = self.refuses(self.rates.rename, EIO) {
            return Err(errno);
        }
        let len = self.files[self.open].len();
        if self.backups > 0 || i64::try_from(len).is_ok_and(|len| len < self.maxbytes) {
            self.account
                .fail("I13", format!("emptied with {len} bytes"));
        }
        let at = self.open;
        if self.files[at].has_name {
            self.expired += len;
        }
        self.file(at).stretches.clear();
        self.file(at).ends_line = true;
        Ok(())
    }

    fn make_successor(&mut self) -> Result<(), Errno> {
        if let Some(errno) = self.refuses(self.rates.create, ENOSPC) {
            return Err(errno);
        }
        self.remove_successor();
        let at = self.make();
        self.names.insert(Name::Successor, at);
        self.fresh = Some(at);
        Ok(())
    }

    fn rename(&mut self, from: Name, to: Name) -> Result<(), Errno> {
        if let Some(errno) = self.refuses(self.rates.rename, EROFS) {
            return Err(errno);
        }
        if self.plant == Plant::ShiftsNothing && matches!(from, Name::Backup(_)) {
            return Ok(());
        }
        if self.plant == Plant::ForgetsToMoveTheLog && from == Name::Log {
            return Ok(());
        }
        let at = self.names.remove(&from).ok_or(Errno(ENOENT))?;
        let len = self.files[at].len();
        if from == Name::Log && i64::try_from(len).is_ok_and(|len| len < self.maxbytes) {
            self.account
                .fail("I13", format!("rotated with {len} bytes"));
        }
        if let Some(there) = self.names.insert(to, at) {
            self.replaced(there, to);
        }
        self.trace
            .push(format!("   {from:?} of {len} bytes becomes {to:?}"));
        Ok(())
    }

    fn is_absence(error: &Errno) -> bool {
        error.0 == ENOENT
    }

    fn remove_successor(&mut self) {
        if !self.dead
            && let Some(at) = self.names.remove(&Name::Successor)
        {
            self.file(at).has_name = false;
        }
    }
}
