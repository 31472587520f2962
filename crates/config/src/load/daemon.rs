//! `[supervisord]`: its keys in upstream's order, then the command line over them.

use super::reader::{Reader, Scope};
use super::report::{Problem, Told};
use crate::config::Overrides;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::environment::{self, Pairs};
use crate::options::OptionSpec;
use crate::options::supervisord as keys;
use crate::paths;
use provost_model::config::{DaemonSpec, MainLog};
use provost_model::{Level, Orphans};
use std::path::PathBuf;

/// The section as the file has it.
pub(crate) struct Section {
    minfds: i64,
    minprocs: i64,
    directory: Option<String>,
    umask: u32,
    logfile: String,
    logfile_maxbytes: i64,
    logfile_backups: i64,
    loglevel: Level,
    pidfile: String,
    identifier: String,
    nodaemon: bool,
    silent: bool,
    childlogdir: String,
    nocleanup: bool,
    strip_ansi: bool,
    unsafe_log_paths: bool,
    strict_security: bool,
    orphans: Orphans,
    sigusr1_upgrades: bool,
}

impl Reader<'_> {
    /// Reads the section and, apart from it, the base environment of all programs.
    pub(crate) fn daemon(&mut self) -> (Result<Section, Told>, Pairs) {
        if self.sections.section(keys::SECTION.header).is_none() {
            let sentence = ".ini file does not include supervisord section".to_owned();
            let told = self.report.error(Problem {
                code: Code::MissingSection,
                upstream: sentence,
                message: "there is no [supervisord] section".to_owned(),
                place: None,
                help: Some("add a line `[supervisord]`; it may stay empty".to_owned()),
            });
            return (Err(told), Pairs::new());
        }
        let scope = self.scope(keys::SECTION.header);
        let host = self.host;
        let minfds = self.value(&scope, &keys::MINFDS, kinds::integer);
        let minprocs = self.value(&scope, &keys::MINPROCS, kinds::integer);
        let directory = self.optional(&scope, &keys::DIRECTORY, |text| {
            kinds::existing_directory(text, host)
        });
        let umask = self.value(&scope, &keys::UMASK, kinds::octal);
        let logfile = self.value(&scope, &keys::LOGFILE, |text| {
            kinds::path_in_directory(text, host)
        });
        let logfile_maxbytes = self.value(&scope, &keys::LOGFILE_MAXBYTES, kinds::byte_size);
        let logfile_backups = self.value(&scope, &keys::LOGFILE_BACKUPS, kinds::integer);
        let loglevel = self.value(&scope, &keys::LOGLEVEL, kinds::level);
        let pidfile = self.value(&scope, &keys::PIDFILE, |text| {
            kinds::path_in_directory(text, host)
        });
        let identifier = self.value(&scope, &keys::IDENTIFIER, |text| Ok(text.to_owned()));
        let nodaemon = self.value(&scope, &keys::NODAEMON, kinds::boolean);
        let silent = self.value(&scope, &keys::SILENT, kinds::boolean);
        let childlogdir = self.childlogdir(&scope);
        let nocleanup = self.value(&scope, &keys::NOCLEANUP, kinds::boolean);
        let strip_ansi = self.value(&scope, &keys::STRIP_ANSI, kinds::boolean);
        let unsafe_log_paths = self.value(&scope, &keys::UNSAFE_LOG_PATHS, kinds::permission);
        let strict_security = self.value(&scope, &keys::STRICT_SECURITY, kinds::boolean);
        let orphans = self.value(&scope, &keys::ORPHANS, kinds::orphans);
        let sigusr1 = self.value(&scope, &keys::SIGUSR1, kinds::sigusr1);
        let environment = self.base_environment();
        let section = || {
            Ok(Section {
                minfds: minfds?,
                minprocs: minprocs?,
                directory: directory?,
                umask: umask?,
                logfile: logfile?,
                logfile_maxbytes: logfile_maxbytes?,
                logfile_backups: logfile_backups?,
                loglevel: loglevel?,
                pidfile: pidfile?,
                identifier: identifier?,
                nodaemon: nodaemon?,
                silent: silent?,
                childlogdir: childlogdir?,
                nocleanup: nocleanup?,
                strip_ansi: strip_ansi?,
                unsafe_log_paths: unsafe_log_paths?,
                strict_security: strict_security?,
                orphans: orphans?,
                sigusr1_upgrades: sigusr1?,
            })
        };
        (section(), environment)
    }

    fn childlogdir(&mut self, scope: &Scope) -> Result<String, Told> {
        let host = self.host;
        match self.optional(scope, &keys::CHILDLOGDIR, |text| {
            kinds::existing_directory(text, host)
        })? {
            Some(directory) => Ok(directory),
            None => Ok(host.temp_dir()),
        }
    }

    /// `environment`. It is expanded once, with `host_node_name`, as Supervisor after 4.3.0 does: 4.3.0 expands it twice,
    /// so that `%%` breaks, and does not know `host_node_name`.
    fn base_environment(&mut self) -> Pairs {
        let scope = self
            .scope(keys::SECTION.header)
            .name("host_node_name", self.host.hostname());
        let pairs = self.pairs(&scope, &keys::ENVIRONMENT);
        self.env_incomplete = pairs.is_err();
        let pairs = pairs.unwrap_or_default();
        self.learn_environment(&pairs);
        pairs
    }

    /// An `environment` key.
    pub(crate) fn pairs(&mut self, scope: &Scope, spec: &OptionSpec) -> Result<Pairs, Told> {
        let Some(raw) = self.raw(&scope.section, spec) else {
            return Ok(Pairs::new());
        };
        let got = self.expand(scope, spec.name, raw)?;
        match environment::parse(&got.text) {
            Ok(parsed) => {
                if parsed.ambiguous {
                    let message =
                        "releases of Supervisor read this `environment` differently".to_owned();
                    let shown: Vec<_> = parsed
                        .pairs
                        .iter()
                        .map(|(key, value)| format!("{key} is `{value}`"))
                        .collect();
                    let help = format!(
                        "here, {}; put values into double quotes, without backslashes",
                        shown.join(", ")
                    );
                    self.report
                        .warn(Code::ReadDifferently, message, got.place(), Some(help));
                }
                Ok(parsed.pairs)
            }
            Err(sentence) => {
                let help = environment::advice(&got.text);
                Err(self.wrong(scope, Code::Environment, &sentence, got.place(), Some(help)))
            }
        }
    }

    /// The section with the command line over it. Upstream looks up the user at the very end, and so is this called.
    pub(crate) fn effective(
        &mut self,
        section: Result<Section, Told>,
        over: &Overrides,
    ) -> Result<DaemonSpec, Told> {
        let uid = self.daemon_user(over);
        if over.profile_options {
            self.report.log_warning(
                "--profile_options has no effect: there is no profiler inside".to_owned(),
            );
        }
        let section = section?;
        let given = |path: &Option<String>, or: String| {
            path.clone().filter(|path| !path.is_empty()).unwrap_or(or)
        };
        let logfile = given(&over.logfile, section.logfile);
        let logfile = if logfile == "syslog" {
            MainLog::Syslog
        } else {
            MainLog::File(paths::normalize(&logfile, self.host))
        };
        Ok(DaemonSpec {
            minfds: over.minfds.unwrap_or(section.minfds),
            minprocs: over.minprocs.unwrap_or(section.minprocs),
            directory: over
                .directory
                .clone()
                .or(section.directory)
                .map(PathBuf::from),
            uid: uid?,
            umask: over.umask.unwrap_or(section.umask),
            logfile,
            logfile_maxbytes: over.logfile_maxbytes.unwrap_or(section.logfile_maxbytes),
            logfile_backups: over.logfile_backups.unwrap_or(section.logfile_backups),
            loglevel: over.loglevel.unwrap_or(section.loglevel),
            pidfile: paths::normalize(&given(&over.pidfile, section.pidfile), self.host),
            identifier: over.identifier.clone().unwrap_or(section.identifier),
            nodaemon: over.nodaemon || section.nodaemon,
            silent: over.silent || section.silent,
            childlogdir: PathBuf::from(over.childlogdir.clone().unwrap_or(section.childlogdir)),
            nocleanup: over.nocleanup || section.nocleanup,
            strip_ansi: over.strip_ansi || section.strip_ansi,
            unsafe_log_paths: section.unsafe_log_paths,
            strict_security: section.strict_security,
            orphans: section.orphans,
            sigusr1_upgrades: section.sigusr1_upgrades,
        })
    }

    fn daemon_user(&mut self, over: &Overrides) -> Result<Option<u32>, Told> {
        let host = self.host;
        if let Some(user) = &over.user {
            return match kinds::user(user, host) {
                Ok(user) => Ok(Some(user.uid)),
                Err(bad) => Err(self.report.error(Problem {
                    code: Code::CommandLine,
                    upstream: bad.upstream,
                    message: format!("-u expects {}, found `{user}`", bad.wants),
                    place: None,
                    help: Some("name a user that `getent passwd` lists".to_owned()),
                })),
            };
        }
        if self.sections.section(keys::SECTION.header).is_none() {
            return Ok(None);
        }
        let scope = self.scope(keys::SECTION.header);
        let user = self.optional(&scope, &keys::USER, |text| kinds::user(text, host))?;
        Ok(user.map(|user| user.uid))
    }
}
