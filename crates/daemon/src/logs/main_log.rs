//! supervisord's own log.

use super::stamp::Stamper;
use provost_model::Level;
use provost_model::config::MainLog as Target;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::time::SystemTime;

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
}

/// The main log while supervisord boots: lines are written before `write` returns. Given to [`super::start`] later.
pub struct MainLog {
    pub(super) settings: MainLogSettings,
    file: Option<File>,
    stamper: Stamper,
}

impl MainLog {
    /// Opens the log; the error is that of opening the file.
    pub fn open(settings: MainLogSettings) -> io::Result<Self> {
        let file = match &settings.target {
            Target::File(path) => Some(OpenOptions::new().append(true).create(true).open(path)?),
            Target::Syslog => None,
        };
        Ok(Self {
            settings,
            file,
            stamper: Stamper::local(),
        })
    }

    /// Whether lines of this level are written.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.settings.level
    }

    /// Writes one line if its level is written at all.
    pub fn write(&mut self, level: Level, text: &str) {
        if self.enabled(level) {
            self.put(level, SystemTime::now(), text);
        }
    }

    pub(super) fn put(&mut self, level: Level, when: SystemTime, text: &str) {
        let line = self.stamper.line(level, when, text);
        if self.settings.to_stdout {
            let _ = io::stdout().write_all(line.as_bytes());
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line.as_bytes());
        }
    }
}
