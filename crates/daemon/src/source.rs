//! Where the configuration comes from, for the first reading and all later ones.

use crate::handover::SavedSource;
use crate::host::{Looking, SystemHost};
use crate::servers::Reserve;
use provost_config::{
    AddedProgram, Config, Diagnostic, Failure, Host as _, LooseProgram, Overrides, Sources, Written,
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file and the command line. Reading may block.
pub(crate) struct Source {
    path: PathBuf,
    overrides: Overrides,
    host: SystemHost,
    reserve: Mutex<Reserve>,
    /// A digest of what was read last.
    read: AtomicU64,
}

impl Source {
    /// This file, under these values of the command line.
    pub(crate) fn new(path: PathBuf, overrides: Overrides, host: SystemHost) -> Self {
        Self {
            path,
            overrides,
            host,
            reserve: Mutex::default(),
            read: AtomicU64::new(0),
        }
    }

    /// This one, of which another image has read this last.
    pub(crate) fn known(self, saved: &SavedSource) -> Self {
        self.read.store(saved.read, Ordering::Relaxed);
        self
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the configuration is, for another image.
    pub(crate) fn saved(&self) -> SavedSource {
        SavedSource {
            path: self.path.clone(),
            start: self.host.cwd(),
            read: self.read.load(Ordering::Relaxed),
        }
    }

    /// The machine as a reading sees it, and what it looks at.
    pub(crate) fn watched_host(&self) -> (SystemHost, Looking) {
        self.host.watched()
    }

    /// Reads and checks the whole for the first time, however long it takes.
    pub(crate) fn load_first(&self) -> Result<Config, Failure> {
        self.load(&self.host.watched().0)
    }

    /// Reads and checks the whole.
    pub(crate) fn load(&self, host: &SystemHost) -> Result<Config, Failure> {
        let config = provost_config::load(&self.path, &self.overrides, host)?;
        self.read.store(digest(&config.sources), Ordering::Relaxed);
        Ok(config)
    }

    /// What a check finds in the files as they are now. May block.
    pub(crate) fn findings(&self) -> Vec<Diagnostic> {
        match provost_config::load(&self.path, &self.overrides, &self.host.watched().0) {
            Ok(config) => config.diagnostics,
            Err(failure) => failure.diagnostics,
        }
    }

    /// Where the options of a program stand, as long as the files are what was read last. May block.
    pub(crate) fn origins(&self, program: &str) -> Option<BTreeMap<String, Written>> {
        let (host, _) = self.host.watched();
        let (written, sources) = provost_config::origins(&self.path, program, &host)?;
        (digest(&sources) == self.read.load(Ordering::Relaxed)).then_some(written)
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

/// A number that changes with the files and what is in them.
fn digest(sources: &Sources) -> u64 {
    let mut hash = Sha256::new();
    for source in sources.iter() {
        for part in [source.path.as_os_str().as_bytes(), source.text.as_bytes()] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let first = bytes.first_chunk().copied();
    u64::from_le_bytes(first.unwrap_or_default())
}
