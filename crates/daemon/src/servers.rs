//! Opening the sockets that clients use, before anything else is touched, and taking them away at the end.

use crate::api::{Listener, OpenServer};
use crate::handover::{SavedFile, SavedServer};
use crate::logs::MainLog;
use crate::output;
use provost_model::Level;
use provost_model::access::AuthMode;
use provost_model::config::{RpcInterfaceSpec, ServerAddress, ServerSpec};
use provost_os::sockets::{self, BindProblem};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files of unix sockets; removed when the daemon ends or a later socket cannot be opened.
#[derive(Debug, Default)]
pub(crate) struct SocketFiles(Vec<(PathBuf, Option<Identity>)>);

/// Device and number of a file: what tells it from another one of the same name.
type Identity = (u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

impl SocketFiles {
    /// The files of these servers are ours from now on.
    pub(crate) fn own(&mut self, specs: &[ServerSpec]) {
        for spec in specs {
            if let ServerAddress::Unix { path, .. } = &spec.address
                && !self.0.iter().any(|(known, _)| known == path)
            {
                self.0.push((path.clone(), identity(path)));
            }
        }
    }
}

impl Drop for SocketFiles {
    fn drop(&mut self) {
        for (path, made) in &self.0 {
            // Once nobody listens, a successor may have taken the name already; its socket is not ours to remove.
            if identity(path) == *made {
                // Somebody else may have removed it; it is gone either way.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl SocketFiles {
    /// For another image; they stay where they are.
    pub(crate) fn into_saved(mut self) -> Vec<SavedFile> {
        let files = std::mem::take(&mut self.0).into_iter();
        files
            .map(|(path, identity)| SavedFile { path, identity })
            .collect()
    }
}

/// Goes on with what an earlier image opened.
pub(crate) fn resume(servers: Vec<SavedServer>, files: Vec<SavedFile>) -> io::Result<Open> {
    let files = files.into_iter().map(|file| (file.path, file.identity));
    let files = SocketFiles(files.collect());
    let servers = servers.into_iter().map(|server| {
        let socket = server.socket.take()?;
        let listener = match &server.spec.address {
            ServerAddress::Inet { .. } => Listener::Tcp(socket.into()),
            ServerAddress::Unix { .. } => Listener::Unix(socket.into()),
        };
        Ok(OpenServer {
            spec: server.spec,
            listener,
        })
    });
    let servers = servers.collect::<io::Result<_>>()?;
    Ok(Open { servers, files })
}

/// All servers, listening.
#[derive(Debug)]
pub(crate) struct Open {
    /// For the api thread.
    pub(crate) servers: Vec<OpenServer>,
    /// Their files.
    pub(crate) files: SocketFiles,
}

impl Open {
    /// Sockets that somebody else has opened. Their files are not ours yet: [`SocketFiles::own`].
    pub(crate) fn taken(servers: Vec<OpenServer>) -> Self {
        Self {
            servers,
            files: SocketFiles::default(),
        }
    }

    /// Gives a socket out that was opened before for this address, with its file.
    fn take(&mut self, spec: &ServerSpec, files: &mut SocketFiles) -> Option<OpenServer> {
        let index = self
            .servers
            .iter()
            .position(|server| server.spec.address == spec.address)?;
        let mut server = self.servers.swap_remove(index);
        server.spec = spec.clone();
        if let ServerAddress::Unix { path, .. } = &spec.address
            && let Some(at) = self.files.0.iter().position(|(known, _)| known == path)
        {
            files.0.push(self.files.0.swap_remove(at));
        }
        Some(server)
    }
}

/// Sockets for a reload, opened while the old ones still serve: a configuration whose servers cannot be opened is
/// refused, and nobody is locked out.
#[derive(Default)]
pub(crate) struct Reserve {
    in_force: Vec<ServerAddress>,
    open: Option<Open>,
}

impl Reserve {
    /// Opens what a configuration needs and nobody has open now; an earlier reserve is dropped.
    pub(crate) fn prepare(&mut self, specs: &[ServerSpec]) -> Result<(), String> {
        self.open = None;
        let new = specs
            .iter()
            .filter(|spec| !self.in_force.iter().any(|old| meet(old, &spec.address)));
        let new: Vec<ServerSpec> = new.cloned().collect();
        self.open = Some(open(&new, None)?);
        Ok(())
    }

    /// These are in force from now on. What is left in reserve is closed.
    pub(crate) fn settle(&mut self, specs: &[ServerSpec]) {
        self.in_force = specs.iter().map(|spec| spec.address.clone()).collect();
        self.open = None;
    }

    /// What was prepared.
    pub(crate) fn take(&mut self) -> Option<Open> {
        self.open.take()
    }
}

/// Whether two addresses cannot be open at the same time: then the new one has to wait until the old one is closed.
fn meet(old: &ServerAddress, new: &ServerAddress) -> bool {
    match (old, new) {
        (ServerAddress::Inet { port: old, .. }, ServerAddress::Inet { port: new, .. }) => {
            old == new
        }
        (ServerAddress::Unix { path: old, .. }, ServerAddress::Unix { path: new, .. }) => {
            old == new
        }
        _ => false,
    }
}

/// Opens them all or none, except for those that are in reserve.
pub(crate) fn open(specs: &[ServerSpec], mut reserve: Option<Open>) -> Result<Open, String> {
    let mut open = Open {
        servers: Vec::new(),
        files: SocketFiles::default(),
    };
    for spec in specs {
        let reserved = reserve
            .as_mut()
            .and_then(|reserve| reserve.take(spec, &mut open.files));
        if let Some(server) = reserved {
            open.servers.push(server);
            continue;
        }
        let listener = match &spec.address {
            ServerAddress::Inet { host, port } => {
                Listener::Tcp(sockets::bind_tcp(host, *port).map_err(|problem| explain(&problem))?)
            }
            ServerAddress::Unix { path, mode, owner } => {
                let bound =
                    sockets::bind_unix(path, *mode, *owner).map_err(|problem| explain(&problem))?;
                if bound.removed_stale {
                    output::err(&format!("Unlinking stale socket {}\n", path.display()));
                }
                open.files.0.push((path.clone(), identity(path)));
                Listener::Unix(bound.listener)
            }
        };
        open.servers.push(OpenServer {
            spec: spec.clone(),
            listener,
        });
    }
    Ok(open)
}

/// Makes this process the one that the system names as the holder of the sockets. After daemonising it would still name
/// the process in the foreground, which is gone.
pub(crate) fn claim(open: &Open) -> Result<(), String> {
    for server in &open.servers {
        if let Listener::Unix(listener) = &server.listener {
            sockets::listen_again(listener.as_fd())
                .map_err(|error| format!("could not listen as a daemon: {error}"))?;
        }
    }
    Ok(())
}

/// Upstream's sentence, and who is in the way where that is known.
fn explain(problem: &BindProblem) -> String {
    match problem.detail() {
        Some(detail) => format!("{problem}\n{detail}"),
        None => problem.to_string(),
    }
}

/// The lines upstream logs for each server.
pub(crate) fn announce(
    open: &Open,
    interfaces: &[RpcInterfaceSpec],
    has_users: bool,
    log: &mut MainLog,
) {
    for server in &open.servers {
        for interface in interfaces {
            log.write(
                Level::Info,
                &format!("RPC interface '{}' initialized", interface.namespace),
            );
        }
        if (server.spec.credentials.is_some() || has_users) && is_exposed(&server.spec.address) {
            let text = format!(
                "Server '{}' takes passwords over a network in clear: let it listen on 127.0.0.1 behind a proxy with \
                 TLS, or in a network of your own",
                server.spec.section
            );
            log.write(Level::Warn, &text);
        }
        let is_open = server.spec.access.mode == AuthMode::Password && !has_users;
        if server.spec.credentials.is_none() && is_open {
            let text = format!(
                "Server '{}' running without any HTTP authentication checking",
                server.spec.section
            );
            log.write(Level::Critical, &text);
        }
    }
}

/// Whether others than this machine's own processes reach an address.
fn is_exposed(address: &ServerAddress) -> bool {
    match address {
        ServerAddress::Unix { .. } => false,
        ServerAddress::Inet { host, .. } => match host.parse::<IpAddr>() {
            Ok(address) => !address.is_loopback(),
            Err(_) => host != "localhost",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s08_a_password_in_clear_is_told_where_others_could_hear_it() {
        for (host, expected) in [
            ("", true),
            ("0.0.0.0", true),
            ("::", true),
            ("10.0.0.1", true),
            ("box.example.org", true),
            ("127.0.0.1", false),
            ("127.1.2.3", false),
            ("::1", false),
            ("localhost", false),
        ] {
            let host = host.to_owned();
            let address = ServerAddress::Inet { host, port: 1 };
            assert_eq!(is_exposed(&address), expected, "{address:?}");
        }
    }

    #[test]
    fn the_socket_of_a_successor_stays() {
        let directory =
            std::env::temp_dir().join(format!("provost-servers-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (ours, theirs) = (directory.join("a.sock"), directory.join("b.sock"));
        std::fs::write(&ours, "").unwrap();
        std::fs::write(&theirs, "").unwrap();
        let files = SocketFiles(vec![
            (ours.clone(), identity(&ours)),
            (theirs.clone(), identity(&theirs)),
        ]);
        // The successor's file is there before the old one goes, so that it cannot be given the same number.
        std::fs::write(directory.join("new"), "").unwrap();
        std::fs::rename(directory.join("new"), &theirs).unwrap();
        drop(files);
        assert_eq!((ours.exists(), theirs.exists()), (false, true));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
