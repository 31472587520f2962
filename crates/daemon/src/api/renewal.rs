//! Certificates, keys and lists of revoked certificates that change while the server runs.
//!
//! A thread for each server with TLS looks at its files when a client has connected, once a second at most. A disk that
//! hangs holds up nobody but that thread: clients are spoken to with what was read last.

use super::tls;
use crate::logs::Logger;
use provost_model::Level;
use provost_model::tls::{TlsFiles, TlsSpec};
use rustls::ServerConfig;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How long a look is good for.
const GOOD: Duration = Duration::from_secs(1);

/// How long clients wait for a look, so that whoever comes after a renewal sees it. A disk that works takes no time.
const WAIT: Duration = Duration::from_millis(100);

/// How long a certificate and a key that do not fit may be two that are just being replaced.
const REPLACED: Duration = Duration::from_secs(1);

/// Bytes of a file that are read: lists of revoked certificates can be long.
const FILE: u64 = 64 << 20;

/// What a server speaks with at present.
struct State {
    /// Looks that have been taken.
    looks: u64,
    spec: TlsSpec,
    config: Arc<ServerConfig>,
}

/// What a server speaks with, kept up to date.
pub(super) struct Renewal {
    state: watch::Receiver<State>,
    /// None where nobody knows the files.
    look: Option<SyncSender<()>>,
    /// Looks that were asked for, and when the last one was.
    asked: Cell<(u64, Option<Instant>)>,
}

impl Renewal {
    /// For the server of this section.
    pub(super) fn start(spec: &TlsSpec, section: &str, logger: &Logger) -> io::Result<Self> {
        let config = tls::config(spec).map_err(|trouble| io::Error::other(trouble.1))?;
        let (sender, state) = watch::channel(State {
            looks: 0,
            spec: spec.clone(),
            config,
        });
        let look = spec.files.clone().map(|files| {
            let (look, looks) = sync_channel(1);
            let keeper = Keeper {
                files,
                section: section.to_owned(),
                logger: logger.clone(),
                state: sender,
                known: None,
            };
            std::thread::Builder::new()
                .name("tls".to_owned())
                .spawn(move || keeper.run(&looks))?;
            Ok::<_, io::Error>(look)
        });
        Ok(Self {
            state,
            look: look.transpose()?,
            asked: Cell::new((0, None)),
        })
    }

    /// What a client that has just connected is spoken to with.
    pub(super) async fn config(&self) -> Arc<ServerConfig> {
        let now = Instant::now();
        let mut state = self.state.clone();
        let (mut asked, mut since) = self.asked.get();
        let is_idle = state.borrow().looks >= asked;
        let is_due = since.is_none_or(|since| now.duration_since(since) >= GOOD);
        if let Some(look) = self.look.as_ref().filter(|_| is_idle && is_due)
            && look.try_send(()).is_ok()
        {
            (asked, since) = (asked.saturating_add(1), Some(now));
            self.asked.set((asked, since));
        }
        if let Some(since) = since {
            // Who comes later does not wait for a disk that hangs.
            let looked = state.wait_for(|state| state.looks >= asked);
            let _ = timeout_at(since + WAIT, looked).await;
        }
        Arc::clone(&state.borrow().config)
    }

    /// What was read last, for another image.
    pub(super) fn spec(&self) -> TlsSpec {
        self.state.borrow().spec.clone()
    }
}

impl std::fmt::Debug for Renewal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewal")
    }
}

/// The thread that looks.
struct Keeper {
    files: TlsFiles,
    section: String,
    logger: Logger,
    state: watch::Sender<State>,
    /// The files as they were when all had been read, or failed and that was told.
    known: Option<Vec<Stamp>>,
}

/// By what a file is known to be another one: device, number, length and time of its last change; none of one that cannot
/// be looked at.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
    ))
}

impl Keeper {
    fn run(mut self, looks: &Receiver<()>) {
        for () in looks {
            let stamps = self.stamps();
            let failed = if self.known.as_ref() == Some(&stamps) {
                None
            } else {
                self.read(&stamps).err()
            };
            self.state.send_modify(|state| {
                state.looks = state.looks.saturating_add(1);
            });
            let Some((path, why)) = failed else { continue };
            std::thread::sleep(REPLACED);
            if self.stamps() == stamps {
                self.logger.log(
                    Level::Error,
                    format!(
                        "[{}] goes on with the certificates that it has, as the new ones cannot be used: {}: {why}",
                        self.section,
                        path.display()
                    ),
                );
                self.known = Some(stamps);
            }
        }
    }

    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let needed = [&self.files.certificate, &self.files.key];
        let more = [&self.files.authorities, &self.files.revoked];
        needed.into_iter().chain(more.into_iter().flatten())
    }

    fn stamps(&self) -> Vec<Stamp> {
        self.paths().map(|path| stamp(path)).collect()
    }

    /// Reads all files. An error is the file and what is wrong with it.
    fn read(&mut self, stamps: &[Stamp]) -> Result<(), tls::Trouble> {
        let mut spec = self.state.borrow().spec.clone();
        spec.certificate = text(&self.files.certificate)?;
        spec.key.0 = text(&self.files.key)?;
        if let Some(clients) = &mut spec.clients {
            if let Some(path) = &self.files.authorities {
                clients.authorities = text(path)?;
            }
            if let Some(path) = &self.files.revoked {
                clients.revoked = Some(text(path)?);
            }
        }
        if spec != self.state.borrow().spec {
            let config = tls::config(&spec)?;
            self.state
                .send_modify(|state| (state.spec, state.config) = (spec, config));
            let paths: Vec<_> = self
                .paths()
                .map(|path| path.display().to_string())
                .collect();
            self.logger.log(
                Level::Info,
                format!("[{}] has read anew {}", self.section, paths.join(", ")),
            );
        }
        self.known = Some(stamps.to_vec());
        Ok(())
    }
}

fn text(path: &Path) -> Result<String, tls::Trouble> {
    let mut text = String::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(FILE).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err((path.to_owned(), error.to_string())),
    }
}
