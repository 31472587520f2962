//! Where the configuration comes from, for the first reading and all later ones.

use crate::handover::SavedSource;
use crate::host::{Looking, SystemHost};
use crate::servers::Reserve;
use provost_config::{AddedProgram, Config, Failure, Host as _, LooseProgram, Overrides};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file and the command line. Reading may block.
pub(crate) struct Source {
    path: PathBuf,
    overrides: Overrides,
    host: SystemHost,
    reserve: Mutex<Reserve>,
}

impl Source {
    /// This file, under these values of the command line.
    pub(crate) fn new(path: PathBuf, overrides: Overrides, host: SystemHost) -> Self {
        Self {
            path,
            overrides,
            host,
            reserve: Mutex::default(),
        }
    }

    /// Where the configuration is, for another image.
    pub(crate) fn saved(&self) -> SavedSource {
        SavedSource {
            path: self.path.clone(),
            start: self.host.cwd(),
        }
    }

    /// The machine as a reading sees it, and what it looks at.
    pub(crate) fn watched_host(&self) -> (SystemHost, Looking) {
        self.host.watched()
    }

    /// Reads and checks the whole for the first time, however long it takes.
    pub(crate) fn load_first(&self) -> Result<Config, Failure> {
        self.load(&self.host)
    }

    /// Reads and checks the whole.
    pub(crate) fn load(&self, host: &SystemHost) -> Result<Config, Failure> {
        provost_config::load(&self.path, &self.overrides, host)
    }

    /// For a reload: what the servers of the configuration need is opened, so that they are sure to be there after it.
    pub(crate) fn reserve_for(&self, config: Config) -> Result<Config, Failure> {
        match self.reserve().prepare(&config.servers) {
            Ok(()) => Ok(config),
            Err(problem) => Err(Failure {
                upstream_message: problem.replace('\n', " "),
                first: None,
                diagnostics: Vec::new(),
                sources: config.sources,
            }),
        }
    }

    /// Sockets in reserve.
    pub(crate) fn reserve(&self) -> MutexGuard<'_, Reserve> {
        self.reserve.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the processes of a program that a client gives. `environment` is that of `[supervisord]`.
    pub(crate) fn program(
        &self,
        environment: &[(String, String)],
        loose: LooseProgram<'_>,
        host: &SystemHost,
    ) -> Result<AddedProgram, Failure> {
        provost_config::load_program(&self.path, environment, loose, host)
    }
}
