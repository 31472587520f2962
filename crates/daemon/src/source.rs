//! Where the configuration comes from, for the first reading and all later ones.

use crate::host::SystemHost;
use provost_config::{AddedProgram, Config, Failure, LooseProgram, Overrides};
use std::path::PathBuf;

/// The file and the command line. Reading may block.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    overrides: Overrides,
    host: SystemHost,
}

impl Source {
    /// This file, under these values of the command line.
    pub(crate) fn new(path: PathBuf, overrides: Overrides, host: SystemHost) -> Self {
        Self {
            path,
            overrides,
            host,
        }
    }

    /// Reads and checks the whole.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        provost_config::load(&self.path, &self.overrides, &self.host)
    }

    /// Makes the processes of a program that a client gives. `environment` is that of `[supervisord]`.
    pub(crate) fn program(
        &self,
        environment: &[(String, String)],
        loose: LooseProgram<'_>,
    ) -> Result<AddedProgram, Failure> {
        provost_config::load_program(&self.path, environment, loose, &self.host)
    }
}
