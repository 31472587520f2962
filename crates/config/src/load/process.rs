//! What differs from one process of a section to the next: the keys that may use `process_num`.

use super::reader::{Got, Reader, Scope};
use super::report::Told;
use crate::datatypes::{self as kinds, ChildLog};
use crate::diagnostic::Code;
use crate::environment::Pairs;
use crate::options::program::{self as keys, ChannelOptions};
use crate::sections::Value;
use crate::vars::Var;
use crate::words::{self, WordsError};
use provost_model::spec::LogFile;
use std::path::PathBuf;

/// Which process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    /// `process_num`
    pub(crate) number: i64,
    /// `numprocs`
    pub(crate) of: i64,
}

/// The keys of one process.
pub(crate) struct Own {
    pub(crate) name: String,
    pub(crate) command: String,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) environment: Pairs,
    pub(crate) stdout: Written,
    pub(crate) stderr: Written,
}

/// How one channel is written.
pub(crate) struct Written {
    pub(crate) logfile: LogFile,
    pub(crate) maxbytes: i64,
    pub(crate) backups: i64,
    pub(crate) syslog: bool,
}

impl Reader<'_> {
    /// Reads them. `expression` is `process_name`.
    pub(crate) fn own(
        &mut self,
        scope: &Scope,
        instance: Instance,
        redirect_stderr: bool,
        expression: &Got,
    ) -> Result<Own, Told> {
        // A scope of its own, so that the variables of one process are not known to the next, as with upstream.
        let mut scope = scope.clone();
        scope.set("process_num", Var::Int(instance.number));
        scope.set("numprocs", Var::Int(instance.of));
        let environment = self.pairs(&scope, &keys::ENVIRONMENT)?;
        for (name, value) in &environment {
            scope.set(format!("ENV_{name}"), Var::Text(value.as_str().into()));
        }
        let directory = self.text(&scope, &keys::DIRECTORY);
        let stdout = self.written(&scope, &keys::STDOUT);
        let stderr = self.written(&scope, &keys::STDERR);
        let stderr = match stderr {
            Ok(stderr) if redirect_stderr => Ok(self.redirected(&scope, &stderr)),
            stderr => stderr,
        };
        let command = match self.text(&scope, &keys::COMMAND) {
            Ok(Some(command)) => {
                self.doubt_command(&command);
                Ok(command.text.into_owned())
            }
            Ok(None) => {
                let sentence = format!(
                    "program section {} does not specify a command",
                    scope.section
                );
                Err(self.missing(&scope, &keys::COMMAND, &sentence))
            }
            Err(told) => Err(told),
        };
        let name = self.expanded_name(&scope, expression);
        Ok(Own {
            name: name?,
            command: command?,
            directory: directory?.map(|directory| PathBuf::from(directory.text.into_owned())),
            environment,
            stdout: stdout?,
            stderr: stderr?,
        })
    }

    /// Upstream takes any text and fails at each start, so it is no error of the file.
    fn doubt_command(&mut self, command: &Got) {
        if let Err(error) = words::split(&command.text) {
            let message = format!("`command` cannot be cut into words: {error}");
            let help = match error {
                WordsError::NoClosingQuotation => {
                    "close the quote; outside of quotes, one that stands for itself is written `\\'`"
                }
                WordsError::NoEscapedCharacter => {
                    "take the backslash at the end away, or double it"
                }
            };
            self.report.warn(
                Code::Command,
                message,
                command.place(),
                Some(help.to_owned()),
            );
        }
    }

    /// The name of one process. Unlike upstream, what came out of the expansion is checked, too: a blank, a colon or a
    /// slash in it would make the process unreachable for clients and listeners.
    fn expanded_name(&mut self, scope: &Scope, expression: &Got) -> Result<String, Told> {
        let got = self.expand(scope, keys::PROCESS_NAME.name, expression.clone())?;
        kinds::name(&got.text).map_err(|bad| {
            self.wrong(
                scope,
                Code::BadName,
                &bad.upstream,
                expression.place(),
                None,
            )
        })
    }

    fn written(&mut self, scope: &Scope, options: &ChannelOptions) -> Result<Written, Told> {
        let host = self.host;
        // Expanded twice, as upstream does; files are written with `%%%%` for that.
        let logfile = match self.text(scope, options.logfile) {
            Ok(Some(once)) => match self.expand(scope, options.logfile.name, once) {
                Ok(twice) => self.convert(scope, options.logfile, &twice, |text| {
                    kinds::logfile(text, host)
                }),
                Err(told) => Err(told),
            },
            Ok(None) => Err(Told),
            Err(told) => Err(told),
        };
        let backups = self.value(scope, options.backups, kinds::integer);
        let maxbytes = self.value(scope, options.maxbytes, kinds::byte_size);
        let syslog = self.value(scope, options.syslog, kinds::boolean);
        let (logfile, backups, maxbytes, mut syslog) = (logfile?, backups?, maxbytes?, syslog?);
        let place = self
            .sections
            .get(&scope.section, options.logfile.name)
            .map(Value::place);
        let logfile = match logfile {
            ChildLog::File(file) => file,
            ChildLog::Syslog => {
                syslog = true;
                let line = format!(
                    "For [{}], {}=syslog but this is deprecated and will be removed.  Use {}=true to enable syslog \
                     instead.",
                    scope.section, options.logfile.name, options.syslog.name
                );
                let help = Some(format!(
                    "write `{}=true` and `{}=NONE`",
                    options.syslog.name, options.logfile.name
                ));
                let message = format!("`{}=syslog` is deprecated", options.logfile.name);
                self.report
                    .warn(Code::Deprecated, message, place.clone(), help);
                self.report.log_warning(line);
                LogFile::None
            }
        };
        if logfile == LogFile::Auto && maxbytes == 0 {
            let line = format!(
                "For [{}], AUTO logging used for {} without rollover, set maxbytes > 0 to avoid filling up filesystem \
                 unintentionally",
                scope.section, options.logfile.name
            );
            let at = self
                .sections
                .get(&scope.section, options.maxbytes.name)
                .map(Value::place);
            let message = format!(
                "an AUTO log without `{}` can fill the file system",
                options.maxbytes.name
            );
            self.report
                .warn(Code::NoEffect, message, at.or(place), None);
            self.report.log_warning(line);
        }
        Ok(Written {
            logfile,
            maxbytes,
            backups,
            syslog,
        })
    }

    /// The channel of standard error when it goes to standard output.
    fn redirected(&mut self, scope: &Scope, stderr: &Written) -> Written {
        if matches!(stderr.logfile, LogFile::Path(_)) {
            let line = format!(
                "For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has \
                 been ignored",
                scope.section
            );
            let place = self
                .sections
                .get(&scope.section, keys::STDERR.logfile.name)
                .map(Value::place);
            let message = "`stderr_logfile` has no effect with `redirect_stderr=true`".to_owned();
            let help = Some("take one of the two lines away".to_owned());
            self.report.warn(Code::NoEffect, message, place, help);
            self.report.log_warning(line);
        }
        Written {
            logfile: LogFile::None,
            ..*stderr
        }
    }
}
