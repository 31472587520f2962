//! The file of run records: appended to, and written anew when most of it is about processes that have ended.

use provost_model::Run;
use provost_os::private;
use provost_wire::runs::{self, RunRecord};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file smaller than this is not worth writing anew.
const SMALL_BYTES: u64 = 64 << 10;

/// It is written anew when it is so many times as large as what counts in it.
const DEAD_RATIO: u64 = 4;

/// `ENAMETOOLONG`.
const TOO_LONG: i32 = 36;

/// The open file.
#[derive(Debug)]
pub(super) struct RunsFile {
    path: PathBuf,
    file: File,
    /// Bytes in it up to the end of the last whole line.
    size: u64,
    /// Writing anew is tried again at this size.
    rewrite_at: u64,
    /// Something may stand behind the last whole line.
    torn: bool,
    /// The lines of processes that were started and are not known to have ended.
    known: HashMap<Run, Line>,
    /// What the lines of all begin with that were started in this life.
    prefix: String,
    /// Numbers of events below this one may be used up.
    serials: u64,
    /// The file does not say so yet.
    serials_due: bool,
}

impl RunsFile {
    /// Makes the file anew, with the records that still count, and the numbers that are reserved for events. One that
    /// cannot be made anew is gone on with, if it is ours.
    pub(super) fn open<'a>(
        path: &Path,
        kept: impl IntoIterator<Item = &'a RunRecord>,
        serials: u64,
    ) -> io::Result<Self> {
        let lines: String = kept.into_iter().filter_map(runs::started).collect();
        let whole = runs::serials(serials) + &lines;
        // On a full disk the file that is there has a number, if a smaller one, and a new one has at least room for nothing.
        let (file, wanted, has_number) = match write_anew(path, &whole) {
            Ok(file) => (file, whole.len(), true),
            Err(error) => {
                let file = match private::open_append(path) {
                    Ok(Some(file)) => Ok(file),
                    Ok(None) | Err(_) => write_anew(path, &lines),
                };
                (file.map_err(|_| error)?, lines.len(), false)
            }
        };
        let size = file.metadata()?.len();
        let mut this = Self {
            path: path.to_path_buf(),
            file,
            size,
            rewrite_at: SMALL_BYTES,
            // What an earlier daemon wrote last may have been cut off.
            torn: size != wanted as u64,
            known: HashMap::new(),
            prefix: String::new(),
            serials,
            serials_due: !has_number,
        };
        // What cannot be written now is tried again.
        let _ = this.write_serials();
        Ok(this)
    }

    /// More numbers are reserved. Tells whether the file says so. Nothing is forced to the disk: what a killed supervisord
    /// wrote is in the system's cache, and a loss of power ends those, too, who could hear a number twice.
    pub(super) fn reserve(&mut self, serials: u64) -> io::Result<()> {
        self.serials = serials;
        self.serials_due = true;
        self.write_serials()
    }

    /// Whether a reservation is to be tried again.
    pub(super) fn owes_serials(&self) -> bool {
        self.serials_due
    }

    /// Writes a reservation that could not be written before.
    pub(super) fn write_serials(&mut self) -> io::Result<()> {
        if self.serials_due {
            self.append(&runs::serials(self.serials))?;
            self.serials_due = false;
        }
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A process was started.
    pub(super) fn begin(&mut self, run: Run, record: &RunRecord) -> io::Result<()> {
        let line = runs::started(record).ok_or_else(|| io::Error::from_raw_os_error(TOO_LONG))?;
        self.append(&line)?;
        if self.prefix.is_empty() {
            self.prefix = runs::shared_part(&record.identity);
        }
        self.known.insert(run, Line::new(line, &self.prefix));
        Ok(())
    }

    /// A process is known whose record is in the file already.
    pub(super) fn know(&mut self, run: Run, record: &RunRecord) {
        if let Some(line) = runs::started(record) {
            self.known.insert(run, Line::new(line, &self.prefix));
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, run: Run) -> io::Result<()> {
        let Some(line) = self.known.remove(&run) else {
            return Ok(());
        };
        let line = line.whole(&self.prefix);
        let record = runs::read(line.as_bytes()).running.pop();
        let appended = record.map_or(Ok(()), |record| self.append(&runs::ended(&record.identity)));
        if self.size >= self.rewrite_at {
            self.shrink();
        }
        appended
    }

    /// The lines about those that live.
    pub(super) fn into_lines(self) -> Vec<(Run, String)> {
        let known = self.known.into_iter();
        known
            .map(|(run, line)| (run, line.whole(&self.prefix)))
            .collect()
    }

    /// Removes the file if it names nobody who may live, and the numbers of events may begin anew.
    pub(super) fn close(mut self, keeps_serials: bool) {
        if keeps_serials {
            // It has a number that is smaller, but not by much.
            let _ = self.write_serials();
        } else if self.known.is_empty() {
            // What cannot be removed names only processes that have ended.
            let _ = fs::remove_file(&self.path);
        } else {
            // Numbers that go on although they need not harm nobody.
            let _ = self.reserve(0);
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let text = if self.torn {
            format!("\n{line}")
        } else {
            line.to_owned()
        };
        match self.file.write_all(text.as_bytes()) {
            Ok(()) => {
                self.size += text.len() as u64;
                self.torn = false;
                Ok(())
            }
            Err(error) => {
                // A part may have been written; no later line may be glued to it.
                self.torn = self.file.set_len(self.size).is_err();
                Err(error)
            }
        }
    }

    fn shrink(&mut self) {
        let mut lines = runs::serials(self.serials);
        let known = self.known.values();
        lines.extend(known.map(|line| line.whole(&self.prefix)));
        let counts = lines.len() as u64;
        self.rewrite_at = SMALL_BYTES.max(counts.saturating_mul(DEAD_RATIO));
        if self.size < self.rewrite_at {
            return;
        }
        match write_anew(&self.path, &lines) {
            Ok(file) => {
                self.file = file;
                self.size = counts;
                self.torn = false;
                self.serials_due = false;
            }
            // It does as it is, and a full disk is not asked again at once.
            Err(_) => self.rewrite_at = self.size.saturating_mul(2),
        }
    }
}

/// A line, without what it begins with as all others do: there is one for each process.
#[derive(Debug)]
enum Line {
    Whole(Box<str>),
    Rest(Box<str>),
}

impl Line {
    fn new(line: String, prefix: &str) -> Self {
        match line.strip_prefix(prefix) {
            Some(rest) if !prefix.is_empty() => Self::Rest(rest.into()),
            Some(_) | None => Self::Whole(line.into_boxed_str()),
        }
    }

    fn whole(&self, prefix: &str) -> String {
        match self {
            Self::Whole(line) => line.to_string(),
            Self::Rest(rest) => format!("{prefix}{rest}"),
        }
    }
}

/// Puts a new file with this text in the place of what is there, whatever it is: a link is not followed.
fn write_anew(path: &Path, text: &str) -> io::Result<File> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private::create(&new)?;
    let placed = file
        .write_all(text.as_bytes())
        .and_then(|()| fs::rename(&new, path));
    if let Err(error) = placed {
        // Nobody reads it.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    Ok(file)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
