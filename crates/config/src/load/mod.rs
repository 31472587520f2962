//! From a file to a configuration.
//!
//! Everything is looked at in upstream's order, and nothing stops at the first error: the first one gives upstream's
//! sentence, and all of them are reported with their places.

mod access;
mod additions;
mod ctl;
mod daemon;
mod fcgi;
mod files;
mod groups;
mod helper;
mod loose;
mod origins;
mod plugins;
mod process;
mod program;
mod reader;
mod report;
mod safety;
mod servers;
mod spool;
#[cfg(test)]
mod tests;
mod tls;
mod unknown;

pub use ctl::{load_pidfile, load_supervisorctl};
pub use loose::{LooseProgram, load_program};
pub use origins::{Written, origins};

use crate::config::{Config, Overrides};
use crate::diagnostic::Failure;
use crate::host::Host;
use crate::paths;
use provost_model::config::DaemonSpec;
use reader::Reader;
use report::Told;
use std::path::Path;

/// Reads and checks the configuration of supervisord.
///
/// `path` is as the user named it, because messages show it so; `%(here)s` is its directory, links not followed.
/// For a `reread`, call it again with the same arguments.
pub fn load(path: &Path, overrides: &Overrides, host: &dyn Host) -> Result<Config, Failure> {
    let mut reader = reader_for(path, host);
    let made = read(&mut reader, path, overrides);
    let ((supervisord, rest), finished) = reader.report.finish(made)?;
    Ok(Config {
        supervisord,
        environment: rest.environment,
        groups: rest.groups,
        servers: rest.servers,
        access: rest.access,
        rpcinterfaces: rest.rpcinterfaces,
        startup_messages: finished.startup_messages,
        diagnostics: finished.diagnostics,
        sources: finished.sources,
    })
}

struct Rest {
    environment: Vec<(String, String)>,
    groups: Vec<std::sync::Arc<provost_model::GroupSpec>>,
    servers: Vec<provost_model::config::ServerSpec>,
    access: provost_model::access::AccessSpec,
    rpcinterfaces: Vec<provost_model::config::RpcInterfaceSpec>,
}

fn read(
    reader: &mut Reader<'_>,
    path: &Path,
    overrides: &Overrides,
) -> Result<(DaemonSpec, Rest), Told> {
    reader.read_main(path)?;
    reader.read_included();
    let (section, base) = reader.daemon();
    let rpcinterfaces = reader.rpcinterfaces();
    let groups = reader.groups(&base);
    let roles = reader.roles();
    let mut servers = reader.servers(&roles);
    let access = reader.access(&roles);
    let supervisord = reader.effective(section, overrides);
    reader.refuse_interface_settings(&rpcinterfaces, &servers);
    if let Ok(daemon) = &supervisord {
        reader.look_for_dangers(daemon, &mut servers);
    }
    reader.warn_of_unknown();
    reader.warn_of_repeated();
    Ok((
        supervisord?,
        Rest {
            environment: base,
            groups,
            servers,
            access,
            rpcinterfaces,
        },
    ))
}

fn reader_for<'h>(path: &Path, host: &'h dyn Host) -> Reader<'h> {
    let shown = path.to_string_lossy().into_owned();
    let here = paths::absolute(paths::dirname(&shown), host);
    Reader::new(host, shown, here.into())
}
