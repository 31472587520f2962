//! What others could do to us through the configuration: warned of, or refused where `strict_security` asks for it.

use super::reader::Reader;
use super::report::Problem;
use crate::diagnostic::{Code, Place};
use crate::host::Rights;
use crate::options::{inet, supervisorctl, unix};
use crate::sections::Value;
use provost_model::config::{DaemonSpec, ServerAddress, ServerSpec};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The permission bits of others: to read, to write; of the group to write; and the one that protects files in
/// directories of all.
pub(crate) const ALL_READ: u32 = 0o004;
const ALL_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const STICKY: u32 = 0o1000;

/// The key that holds a secret, in every section that has one.
const PASSWORD: &str = "password";

impl Reader<'_> {
    /// Looks at everything, and makes servers strict where the daemon is.
    pub(crate) fn look_for_dangers(&mut self, daemon: &DaemonSpec, servers: &mut [ServerSpec]) {
        let strict = daemon.strict_security;
        self.writable_files(strict);
        self.readable_passwords();
        self.relative_path();
        for server in servers {
            server.strict = strict;
            self.open_server(server, strict);
            self.exposed_socket(server);
        }
    }

    /// A danger: an error where we are strict.
    fn danger(
        &mut self,
        strict: bool,
        code: Code,
        message: String,
        place: Option<Place>,
        help: &str,
    ) {
        if strict {
            self.report.error(Problem {
                code,
                upstream: format!("{message}, and strict_security is set"),
                message,
                place,
                help: Some(help.to_owned()),
            });
        } else {
            self.report
                .warn(code, message, place, Some(help.to_owned()));
        }
    }

    /// Whoever can write a file that root reads, or replace it, decides what root runs.
    fn writable_files(&mut self, strict: bool) {
        if self.host.uid() != 0 {
            return;
        }
        let files: BTreeSet<PathBuf> = self
            .report
            .sources
            .iter()
            .map(|source| source.path.clone())
            .collect();
        let mut directories = BTreeSet::new();
        for file in &files {
            directories.insert(file.parent().map_or_else(PathBuf::new, Path::to_path_buf));
            self.writable(strict, file, 0);
        }
        for directory in directories {
            let shown = if directory.as_os_str().is_empty() {
                Path::new(".")
            } else {
                &directory
            };
            self.writable(strict, shown, STICKY);
        }
    }

    /// `protects` is the bit with which everybody may write and yet harm nobody.
    fn writable(&mut self, strict: bool, path: &Path, protects: u32) {
        let Some(rights) = self.host.rights(path) else {
            return;
        };
        let shown = path.display();
        let protected = rights.mode & protects != 0;
        if rights.mode & ALL_WRITE != 0 && !protected {
            let message = format!("everybody can write to {shown}, and so decide what root runs");
            let help = "take the right away with `chmod o-w`";
            return self.danger(strict, Code::OpenToAll, message, None, help);
        }
        if rights.uid != 0 {
            let message = format!(
                "{shown} belongs to uid {}, who can decide what root runs",
                rights.uid
            );
            let help = "give it to root with `chown root`";
            return self.danger(strict, Code::Security, message, None, help);
        }
        if rights.mode & GROUP_WRITES != 0 && rights.gid != 0 && !protected {
            let message = format!(
                "gid {} can write to {shown}, and so decide what root runs",
                rights.gid
            );
            let help = "take the right away with `chmod g-w`";
            self.danger(strict, Code::Security, message, None, help);
        }
    }

    /// Passwords in files that everybody can read.
    fn readable_passwords(&mut self) {
        let names = self.sections.iter().map(|section| section.name.clone());
        let servers = [
            inet::SECTION.header,
            unix::SECTION.header,
            supervisorctl::SECTION.header,
        ];
        let sections: Vec<String> = names
            .filter(|name| servers.iter().any(|header| name.starts_with(header)))
            .collect();
        let mut told = BTreeSet::new();
        for section in sections {
            let Some(value) = self.sections.get(&section, PASSWORD) else {
                continue;
            };
            let (place, empty) = (value.key(), value.text.is_empty());
            let source = self.report.sources.get(place.source);
            let path = source.map(|source| source.path.clone()).unwrap_or_default();
            let readable = |rights: Rights| rights.mode & ALL_READ != 0;
            if empty || !self.host.rights(&path).is_some_and(readable) || !told.insert(path.clone())
            {
                continue;
            }
            let message = format!(
                "{} holds a password, and everybody can read it",
                path.display()
            );
            let help = "take the right away with `chmod o-r`".to_owned();
            self.report
                .warn(Code::Security, message, Some(place), Some(help));
        }
    }

    /// Root would run what stands in the directory that it happens to be in.
    fn relative_path(&mut self) {
        if self.host.uid() != 0 {
            return;
        }
        let env = self.host.env();
        let Some((_, path)) = env.iter().find(|(name, _)| name == "PATH") else {
            return;
        };
        if path.split(':').any(|part| !part.starts_with('/')) {
            self.report.log_warning(
                "PATH has parts that are relative or empty: commands without a path are looked up in the current \
                 directory, too; give supervisord a PATH of absolute directories"
                    .to_owned(),
            );
        }
    }

    /// A server that asks for no password, or asks for one where others listen.
    fn open_server(&mut self, server: &ServerSpec, strict: bool) {
        let section = &server.section;
        match (&server.address, &server.credentials) {
            (ServerAddress::Inet { .. }, None) if strict && !asks_certificates(server) => {
                let message = format!("[{section}] asks for no password");
                let help = "set `username` and `password`, or use a unix socket";
                self.danger(true, Code::Security, message, None, help);
            }
            (ServerAddress::Unix { mode, .. }, None) if strict && mode & ALL_WRITE != 0 => {
                let message = format!("[{section}] lets everybody in without a password");
                let help = "set `username` and `password`, or `chmod=0700`";
                self.danger(true, Code::Security, message, None, help);
            }
            (ServerAddress::Inet { host, .. }, Some(_))
                if server.tls.is_none() && !is_loopback(host) =>
            {
                let message =
                    format!("[{section}] sends and takes passwords unencrypted over the network");
                let help = "set `tls_cert` and `tls_key`, or listen at 127.0.0.1 behind a proxy that encrypts"
                    .to_owned();
                let place = self.sections.get(section, inet::PORT.name).map(Value::key);
                self.report.warn(Code::Security, message, place, Some(help));
            }
            _ => {}
        }
    }

    /// A socket whose place anybody can take before we do: supervisorctl looks who listens, other clients may not.
    fn exposed_socket(&mut self, server: &ServerSpec) {
        let ServerAddress::Unix { path, .. } = &server.address else {
            return;
        };
        let directory = path.parent().unwrap_or(Path::new("/"));
        let open = |rights: Rights| rights.mode & ALL_WRITE != 0;
        if self.host.rights(directory).is_some_and(open) {
            self.report.log_warning(format!(
                "everybody can make files in {}, where the socket of [{}] is: another program may listen there before \
                 supervisord does; a directory of its own is safer",
                directory.display(),
                server.section
            ));
        }
    }
}

/// Whether nobody gets in without a certificate.
fn asks_certificates(server: &ServerSpec) -> bool {
    let clients = server.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    clients.is_some_and(|clients| clients.required)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
