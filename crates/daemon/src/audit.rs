//! The audit log: one line a call, written by a thread that may wait for its disk.
//!
//! Whoever records waits for the line for a moment only. The file is opened anew when it was moved away, and a new file
//! goes on with the chain of the old one.

use crate::logs::Logger;
use jiff::Timestamp;
use provost_model::Level;
use provost_model::access::AuditSpec;
use provost_os::files;
use provost_wire::audit::{Chain, NONE_BEFORE, Record, digest};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Records that wait for the disk. What comes on top is told to the main log instead.
const WAITING: usize = 4096;

/// How long a call waits for its line.
const TIME: Duration = Duration::from_secs(2);

/// Bytes of the end of a file that are read back: more than any line has.
const LINE: u64 = 64 * 1024;

type Job = (Record, Option<oneshot::Sender<bool>>);

/// Takes records from any thread; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    sender: SyncSender<Job>,
    reads: bool,
    refuse: bool,
}

impl Audit {
    /// Starts the thread. A file that cannot be opened is an error, so that a wrong path is found at start.
    ///
    /// The second value is for the end of a life: no other may go on with the chain before.
    pub(crate) fn start(spec: &AuditSpec, logger: Logger) -> io::Result<(Self, LastLine)> {
        let mut book = Book {
            path: spec.file.clone(),
            open: None,
            seq: 0,
            prev: NONE_BEFORE.to_owned(),
            failing: false,
            logger,
        };
        book.open()?;
        let (sender, jobs) = sync_channel::<Job>(WAITING);
        let (at_end, last_line) = sync_channel(0);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let _dropped_at_the_end: SyncSender<()> = at_end;
                for (record, answer) in jobs {
                    let written = book.write(&record);
                    if let Some(answer) = answer {
                        // Whoever waited may have given up.
                        let _ = answer.send(written);
                    }
                }
            })?;
        let audit = Self {
            sender,
            reads: spec.reads,
            refuse: spec.refuse,
        };
        Ok((audit, LastLine(last_line)))
    }

    /// Whether calls that change nothing are recorded, too.
    pub(crate) fn records_reads(&self) -> bool {
        self.reads
    }

    /// Whether calls that cannot be recorded are refused.
    pub(crate) fn refuses(&self) -> bool {
        self.refuse
    }

    /// Writes a line; false when it is not written in time.
    pub(crate) async fn record(&self, record: Record) -> bool {
        let (answer, written) = oneshot::channel();
        if self.sender.try_send((record, Some(answer))).is_err() {
            return false;
        }
        matches!(tokio::time::timeout(TIME, written).await, Ok(Ok(true)))
    }

    /// Has a line written without waiting for it.
    pub(crate) fn post(&self, record: Record) {
        // Of a disk that hangs for so long the main log tells.
        let _ = self.sender.try_send((record, None));
    }
}

/// Knows when the thread has written its last line.
#[derive(Debug)]
pub(crate) struct LastLine(Receiver<()>);

impl LastLine {
    /// Waits for it, once nobody can record any more. Only a disk that hangs takes long, and that is not waited for.
    pub(crate) fn wait(&self) {
        // Nothing is ever sent: it ends with the thread.
        let _ = self.0.recv_timeout(TIME);
    }
}

/// The file and where its chain stands. It belongs to the thread.
struct Book {
    path: PathBuf,
    open: Option<File>,
    seq: u64,
    prev: String,
    /// The main log knows that nothing can be written.
    failing: bool,
    logger: Logger,
}

impl Book {
    /// Opens the file, and takes the chain up where its last line stands, if it has any.
    fn open(&mut self) -> io::Result<()> {
        let mut file = files::open_audit(&self.path)?;
        if file.metadata()?.len() > 0
            && let Some((line, is_whole)) = last_line(&self.path)?
        {
            if !is_whole {
                // What a crash cut short stays as it is; the next line names it.
                file.write_all(b"\n")?;
            }
            let mut chain = Chain::default();
            // A line that is none counts as one without a number.
            let _ = chain.step(&line);
            let seq = chain.last().map_or(0, |(seq, _)| seq);
            self.seq = self.seq.max(seq);
            self.prev = digest(&line);
        }
        self.open = Some(file);
        Ok(())
    }

    fn write(&mut self, record: &Record) -> bool {
        match self.try_write(record) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    let text = format!("audit log {} is written again", self.path.display());
                    self.logger.log(Level::Warn, text);
                }
                true
            }
            Err(error) => {
                self.open = None;
                if !std::mem::replace(&mut self.failing, true) {
                    let text = format!(
                        "could not write the audit log {}: {error}; calls go unrecorded, or are refused where \
                         on_failure=refuse",
                        self.path.display()
                    );
                    self.logger.log(Level::Critical, text);
                }
                false
            }
        }
    }

    fn try_write(&mut self, record: &Record) -> io::Result<()> {
        if !self.is_current() {
            self.open()?;
        }
        let file = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let seq = self.seq.saturating_add(1);
        let time = Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
            .to_string();
        let mut line = record.line(seq, &time, &self.prev);
        let own = digest(line.as_bytes());
        line.push('\n');
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(line.as_bytes()) {
            // Half a line would break the chain; a disk that is full lets it be cut off.
            let _ = file.set_len(before);
            return Err(error);
        }
        (self.seq, self.prev) = (seq, own);
        Ok(())
    }

    /// Whether the open file still has the name.
    fn is_current(&self) -> bool {
        let identity = |metadata: &std::fs::Metadata| (metadata.dev(), metadata.ino());
        let named = std::fs::symlink_metadata(&self.path).ok();
        let open = self.open.as_ref().and_then(|file| file.metadata().ok());
        match (named, open) {
            (Some(named), Some(open)) => identity(&named) == identity(&open),
            _ => false,
        }
    }
}

/// The last line of a file, and whether it has an end. Only the end of the file is read, however large it has become.
fn last_line(path: &Path) -> io::Result<Option<(Vec<u8>, bool)>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LINE)))?;
    let mut end = Vec::new();
    file.take(LINE).read_to_end(&mut end)?;
    let is_whole = end.last() == Some(&b'\n');
    if is_whole {
        end.pop();
    }
    let last = end.rsplit(|&byte| byte == b'\n').next();
    Ok(last
        .filter(|_| size > 0)
        .map(|line| (line.to_vec(), is_whole)))
}

/// Bytes of a line that are looked at, its end included. Ours are shorter by half: texts in them are cut off.
const LINE_MAX: u64 = 64 << 10;

/// `supervisord --verify-audit FILE`: what to print, and whether the chain holds.
pub(crate) fn verify(path: &Path) -> io::Result<(String, bool)> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut chain = Chain::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = reader.by_ref().take(LINE_MAX);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if bounded.limit() == 0 && line.last() != Some(&b'\n') {
            let text = format!(
                "{}:{}: it has more than {LINE_MAX} bytes, and supervisord writes no such line\n",
                path.display(),
                chain.lines().saturating_add(1)
            );
            return Ok((text, false));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if let Err(broken) = chain.step(&line) {
            let text = format!("{}:{}: {}\n", path.display(), broken.line, broken.why);
            return Ok((text, false));
        }
    }
    let text = match chain.last() {
        None => format!("{}: no lines\n", path.display()),
        Some((seq, digest)) => format!(
            "{}: {} lines fit; the last one has seq {seq} and SHA-256 {digest}\n",
            path.display(),
            chain.lines()
        ),
    };
    Ok((text, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_any_length_takes_no_memory() {
        let path = std::env::temp_dir().join(format!("provost-verify-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        // A hole of a terabyte, which reads as zeros without an end of a line.
        file.set_len(1 << 40).unwrap();
        let (text, fits) = verify(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!fits);
        assert!(text.contains(":1: it has more than 65536 bytes"), "{text}");
    }

    #[test]
    fn the_last_line_is_found_at_the_end_of_any_file() {
        let path = std::env::temp_dir().join(format!("provost-audit-{}", std::process::id()));
        let long = "x".repeat(200_000);
        for (text, expected) in [
            (String::new(), None),
            ("one".to_owned(), Some(("one", false))),
            ("one\ntwo\n".to_owned(), Some(("two", true))),
            (format!("{long}\ntwo\n"), Some(("two", true))),
            (format!("{long}\ntwo\nthr"), Some(("thr", false))),
        ] {
            std::fs::write(&path, &text).unwrap();
            let found = last_line(&path).unwrap();
            let found = found.map(|(line, whole)| (String::from_utf8(line).unwrap(), whole));
            let expected = expected.map(|(line, whole)| (line.to_owned(), whole));
            assert_eq!(found, expected);
        }
        std::fs::remove_file(&path).unwrap();
    }
}
