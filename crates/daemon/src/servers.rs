//! Opening the sockets that clients use, before anything else is touched, and taking them away at the end.

use crate::api::{Listener, OpenServer};
use crate::logs::MainLog;
use crate::output;
use provost_model::Level;
use provost_model::config::{RpcInterfaceSpec, ServerAddress, ServerSpec};
use provost_os::sockets::{self, BindProblem};
use std::os::fd::AsFd;
use std::path::PathBuf;

/// Files of unix sockets; removed when the daemon ends or a later socket cannot be opened.
#[derive(Debug, Default)]
pub(crate) struct SocketFiles(Vec<PathBuf>);

impl Drop for SocketFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            // Somebody else may have removed it; it is gone either way.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// All servers, listening.
pub(crate) struct Open {
    /// For the api thread.
    pub(crate) servers: Vec<OpenServer>,
    /// Their files.
    pub(crate) files: SocketFiles,
}

/// Opens them all or none.
pub(crate) fn open(specs: &[ServerSpec]) -> Result<Open, String> {
    let mut open = Open {
        servers: Vec::new(),
        files: SocketFiles::default(),
    };
    for spec in specs {
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
                open.files.0.push(path.clone());
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
pub(crate) fn announce(open: &Open, interfaces: &[RpcInterfaceSpec], log: &mut MainLog) {
    for server in &open.servers {
        for interface in interfaces {
            log.write(
                Level::Info,
                &format!("RPC interface '{}' initialized", interface.namespace),
            );
        }
        if server.spec.credentials.is_none() {
            let text = format!(
                "Server '{}' running without any HTTP authentication checking",
                server.spec.section
            );
            log.write(Level::Critical, &text);
        }
    }
}
