//! supervisord's own log, and standard output in the foreground.

use super::flood::Flood;
use super::logger::Forward;
use super::printer::Printer;
use super::sinks::{SinkKey, Sinks};
use super::stamp::Stamper;
use provost_capture::rotate::Rotation;
use provost_core::ClearProblem;
use provost_model::config::MainLog as Target;
use provost_model::{Errno, Level};
use provost_os::reactor::Reactor;
use provost_os::spot::Paths;
use provost_os::syslog::Syslog;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// What our lines bear in the system's log.
pub(super) const SYSLOG_IDENT: &str = "supervisord";

/// How long the last lines may take when a main log is dropped: its reader may be slow, but must not hold up an exit.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where and how the main log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainLogSettings {
    /// A file or the system's log.
    pub target: Target,
    /// Rotation limit in bytes; 0 or less means none.
    pub maxbytes: i64,
    /// Rotated files kept; 0 or less means truncation.
    pub backups: i64,
    /// Least severe level written.
    pub level: Level,
    /// Whether each line also goes to standard output, before the file.
    pub to_stdout: bool,
    /// How the paths of all logs are treated.
    pub paths: Paths,
}

/// The main log while supervisord boots: lines are written before `write` returns, unless their reader is slow.
///
/// Given to [`super::start`] once there are threads, and handed back when the logs thread stops.
pub struct MainLog {
    /// All open logs: the main log's own, and later those of children.
    pub(super) sinks: Sinks,
    pub(super) syslog: Syslog,
    level: Arc<AtomicU8>,
    to_syslog: bool,
    file: Option<(SinkKey, PathBuf)>,
    echo: Option<SinkKey>,
    printer: Printer,
    rotation: Rotation,
    stamper: Stamper,
    flood: Flood,
    /// The thread that has the main log, when this one has only logs of programs.
    forward: Option<Forward>,
    /// Whether it was waited for in vain that everything is written.
    gave_up: bool,
}

impl fmt::Debug for MainLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MainLog({:?})", self.file)
    }
}

impl MainLog {
    /// Opens the log; the error is that of opening the file.
    pub fn open(settings: MainLogSettings) -> io::Result<Self> {
        let mut sinks = Sinks::new(settings.paths);
        let (file, to_syslog) = match settings.target {
            Target::File(path) => {
                let key = sinks.open(&path).map_err(|error| {
                    // Why it was refused although it could be opened.
                    let told = sinks.take_notes().pop();
                    told.map_or(error, |(_, text)| io::Error::other(text))
                })?;
                (Some((key, path)), false)
            }
            Target::Syslog => (None, true),
        };
        // Started without a standard output, there is nobody to miss the lines.
        let echo = if settings.to_stdout {
            sinks.open(Path::new("/dev/stdout")).ok()
        } else {
            None
        };
        let level = Arc::new(AtomicU8::new(rank(settings.level)));
        let mut main = Self::bare(sinks, level);
        (main.file, main.echo, main.to_syslog) = (file, echo, to_syslog);
        main.rotation = Rotation::new(settings.maxbytes, settings.backups);
        Ok(main)
    }

    /// For a thread that has only logs of programs: lines go to the one that has the main log.
    pub(super) fn elsewhere(paths: Paths, level: Arc<AtomicU8>, forward: Forward) -> Self {
        let mut main = Self::bare(Sinks::new(paths), level);
        main.forward = Some(forward);
        main
    }

    fn bare(sinks: Sinks, level: Arc<AtomicU8>) -> Self {
        Self {
            sinks,
            syslog: Syslog::new(SYSLOG_IDENT),
            level,
            to_syslog: false,
            file: None,
            echo: None,
            printer: Printer::default(),
            rotation: Rotation::NEVER,
            stamper: Stamper::local(),
            flood: Flood::default(),
            forward: None,
            gave_up: false,
        }
    }

    /// The file, and whether anybody else is served with each line.
    pub(super) fn outlets(&self) -> (Option<&Path>, bool) {
        let file = self.file.as_ref().map(|(_, path)| &**path);
        (file, self.to_syslog || self.echo.is_some())
    }

    /// Whether lines of this level are written.
    pub fn enabled(&self, level: Level) -> bool {
        rank(level) >= self.level.load(Ordering::Relaxed)
    }

    /// Writes one line if its level is written at all.
    pub fn write(&mut self, level: Level, text: &str) {
        self.write_at(level, SystemTime::now(), text);
    }

    /// The limit that [`super::Logger`] shares.
    pub(super) fn level(&self) -> Arc<AtomicU8> {
        self.level.clone()
    }

    /// From now on this limit counts, which others share already.
    pub(super) fn share_level(&mut self, level: Arc<AtomicU8>) {
        level.store(self.level.load(Ordering::Relaxed), Ordering::Relaxed);
        self.level = level;
    }

    /// Writes a line of a given time, and what the logs have to say about their own troubles.
    pub(super) fn write_at(&mut self, level: Level, when: SystemTime, text: &str) {
        self.put_unless_flood(level, when, text);
        self.tell_notes();
    }

    /// One who asked for the details gets every line.
    fn put_unless_flood(&mut self, level: Level, when: SystemTime, text: &str) {
        if let Some(forward) = &self.forward {
            return forward.line(level, when, text);
        }
        let all = self.enabled(Level::Debug);
        if self.enabled(level) && (all || self.flood.admits(level, text, Instant::now())) {
            self.put(level, when, text);
        }
    }

    /// When [`MainLog::tell_floods`] has something to tell.
    pub(super) fn next_summary(&self) -> Option<Instant> {
        self.flood.next_due()
    }

    /// Tells what was held back because too much like it was written; with `all`, what is not due yet, too.
    pub(super) fn tell_floods(&mut self, all: bool) {
        for (level, text) in self.flood.summaries(Instant::now(), all) {
            self.put(level, SystemTime::now(), &text);
        }
    }

    /// Writes what the logs have to say. Each trouble is told once, so this comes to an end.
    pub(super) fn tell_notes(&mut self) {
        loop {
            let notes = self.sinks.take_notes();
            if notes.is_empty() {
                return;
            }
            for (level, text) in notes {
                self.put_unless_flood(level, SystemTime::now(), &text);
            }
        }
    }

    /// Writes what a listener made of an event to standard output, which is there in the background, too.
    pub(super) fn print(&mut self, text: &[u8]) {
        self.printer.print(&mut self.sinks, text);
        self.tell_notes();
    }

    fn put(&mut self, level: Level, when: SystemTime, text: &str) {
        let line = self.stamper.line(level, when, text);
        if let Some(echo) = self.echo {
            self.sinks.append(echo, line.as_bytes(), Rotation::NEVER);
        }
        if let Some((key, _)) = self.file {
            self.sinks.append(key, line.as_bytes(), self.rotation);
        }
        if self.to_syslog {
            for part in text.trim_end_matches('\n').split('\n') {
                let line = self.stamper.line(level, when, part);
                // A line that nobody takes has no other place to go.
                let _ = self.syslog.send(line.trim_end_matches('\n'));
            }
        }
    }

    /// Puts an empty file in the place of the log.
    pub(super) fn clear(&mut self) -> Result<(), ClearProblem> {
        let Some((_, path)) = self.file.clone() else {
            return Err(ClearProblem::NoFile(String::new()));
        };
        if !path.exists() {
            return Err(ClearProblem::NoFile(path.display().to_string()));
        }
        let cleared = self.sinks.clear(&path);
        cleared.map_err(|error| {
            ClearProblem::Failed(format!("{}: {}", path.display(), Errno::of(&error)))
        })?;
        if self.echo.is_some() {
            // Said before each of the two logs is opened anew: the file's own copy goes away with the old file.
            let line = self
                .stamper
                .line(Level::Info, SystemTime::now(), "reopening log file");
            if let (Some(echo), true) = (self.echo, self.enabled(Level::Info)) {
                self.sinks
                    .append(echo, line.repeat(2).as_bytes(), Rotation::NEVER);
            }
        }
        Ok(())
    }

    /// Another image writes what waits: nothing is waited for when this is dropped.
    pub(super) fn give_up(&mut self) {
        self.gave_up = true;
    }

    /// Writes what is held back, for at most this long; tells what could not be written.
    pub(super) fn finish(&mut self, deadline: Duration) -> Vec<(PathBuf, usize)> {
        let until = Instant::now() + deadline;
        let mut ready = Vec::new();
        while !self.sinks.unwritten().is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let Ok(reactor) = Reactor::new() else { break };
            let reactor = Arc::new(reactor);
            self.sinks.set_reactor(Some(reactor.clone()));
            let retry = self
                .sinks
                .next_retry()
                .map(|at| at.saturating_duration_since(Instant::now()));
            let waited = reactor.wait(
                Some(retry.map_or(left, |retry| retry.min(left))),
                &mut ready,
            );
            for key in ready
                .iter()
                .filter_map(|ready| SinkKey::of_token(ready.token))
            {
                self.sinks.flush(key);
            }
            self.sinks.retry_due();
            self.tell_notes();
            if waited.is_err() {
                break;
            }
        }
        self.sinks.set_reactor(None);
        let left = self.sinks.unwritten();
        self.gave_up = !left.is_empty();
        left
    }
}

impl Drop for MainLog {
    fn drop(&mut self) {
        if !self.gave_up {
            self.finish(LAST_WORDS);
        }
    }
}

/// The level as a number that threads can share and compare.
pub(super) fn rank(level: Level) -> u8 {
    level as u8
}
