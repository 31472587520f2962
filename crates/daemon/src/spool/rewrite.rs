//! A spool written anew beside itself: what is done is left out, what was damaged is set aside, and what the end of the
//! daemon leaves in memory goes before and behind what is there.

use super::beside;
use super::file::SpoolFile;
use provost_model::{Envelope, Level};
use provost_wire::spool::{self, FIRST_RECORD, Mark};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Bytes copied in one go.
const COPY_BYTES: usize = 256 << 10;

impl SpoolFile {
    /// Writes `first`, the own records from `from` to the end, and `last` to a new file, and puts it in the place of the
    /// old one. Whatever fails on the way leaves the old one as it is.
    pub(super) fn rewrite(&mut self, first: &[u8], from: u64, last: &[u8]) -> io::Result<()> {
        let new = beside(&self.path, ".new");
        let file = write_new(&new, &self.file, first, (from, self.end), last)?;
        fs::rename(&new, &self.path)?;
        let moved = |place: u64| {
            let after = place.max(from) - from;
            FIRST_RECORD + first.len() as u64 + after
        };
        self.cursor = moved(self.cursor);
        for (_, end) in &mut self.held {
            *end = moved(*end);
        }
        self.end = moved(self.end) + last.len() as u64;
        self.mark = Mark {
            generation: 1,
            place: FIRST_RECORD,
        };
        self.file = file;
        Ok(())
    }

    /// Leaves in the file, in this order: `first`, its own records from the number `from` on (all that are there when it
    /// is none), `unsure` if the last `append` failed, and `last`. A spool without events leaves no file.
    pub(super) fn save(
        mut self,
        first: &[Envelope],
        from: Option<u64>,
        unsure: Vec<Envelope>,
        last: Vec<Envelope>,
    ) -> io::Result<()> {
        if let Some(from) = from {
            self.done(from)?;
        }
        let mut behind = if self.refused { unsure } else { Vec::new() };
        behind.extend(last);
        let (before, _) = self.encode(first, 0);
        let used = self.bytes().saturating_add(before.len() as u64);
        let (after, taken) = self.encode(&behind, used);
        let lost = behind.len() - taken;
        if lost > 0 {
            let text = format!(
                "the event spool {} is full; {lost} events that waited in memory are lost",
                self.path.display()
            );
            (self.tell)(Level::Error, text);
        }
        if self.bytes() == 0 && before.is_empty() && after.is_empty() {
            return fs::remove_file(&self.path);
        }
        if before.is_empty() {
            self.file.write_all_at(&after, self.end)?;
            self.file.set_len(self.end + after.len() as u64)?;
            self.file.sync_data()
        } else {
            self.rewrite(&before, self.mark.place, &after)
        }
    }

    /// The file cannot be used from `end` on: it gets another name, and the `count` records before are kept.
    pub(super) fn set_aside(mut self, why: &str, end: u64, count: u64) -> io::Result<Self> {
        let bad = beside(&self.path, ".bad");
        let new = beside(&self.path, ".new");
        let file = write_new(&new, &self.file, &[], (self.mark.place, end), &[])?;
        fs::rename(&self.path, &bad)?;
        fs::rename(&new, &self.path)?;
        let text = format!(
            "the event spool {} cannot be read: {why}; it is set aside as {}, {count} events before the damage are kept",
            self.path.display(),
            bad.display()
        );
        (self.tell)(Level::Error, text);
        self.end = FIRST_RECORD + end.saturating_sub(self.mark.place);
        self.cursor = FIRST_RECORD;
        self.mark = Mark {
            generation: 1,
            place: FIRST_RECORD,
        };
        self.unread = count;
        self.file = file;
        Ok(self)
    }
}

/// A new spool: `first`, the bytes of `old` within `range`, and `last`. It is locked before anybody can find it.
fn write_new(
    path: &Path,
    old: &File,
    first: &[u8],
    range: (u64, u64),
    last: &[u8],
) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.try_lock()?;
    file.write_all(&spool::header())?;
    file.write_all(first)?;
    let (mut at, end) = range;
    let mut buffer = vec![0; COPY_BYTES];
    while at < end {
        let length = usize::try_from(end - at)
            .unwrap_or(COPY_BYTES)
            .min(COPY_BYTES);
        let piece = buffer.get_mut(..length).unwrap_or_default();
        old.read_exact_at(piece, at)?;
        file.write_all(piece)?;
        at += length as u64;
    }
    file.write_all(last)?;
    file.sync_data()?;
    Ok(file)
}
