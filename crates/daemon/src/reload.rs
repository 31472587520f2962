//! A configuration that was read while programs run: what is live at once, and what the core is told.

use crate::done::{Done, Errand};
use crate::logs::Order;
use crate::shell::Shell;
use provost_config::{AddedProgram, Code, Config, Diagnostic, Failure};
use provost_core::{Input, LoadedConfig};
use provost_model::{Level, Ticket};
use std::sync::Arc;

impl Shell {
    /// The configuration was read.
    pub(crate) fn loaded(
        &mut self,
        ticket: Ticket,
        for_restart: bool,
        result: Result<Config, Failure>,
    ) {
        let told = match result {
            Ok(config) => {
                let told = loaded_config(&config);
                if for_restart {
                    self.next_config = Some(Box::new(config));
                } else {
                    self.adopt(&config);
                }
                Ok(told)
            }
            Err(failure) if for_restart => Err(with_place(&failure)),
            Err(failure) => Err(without_environment(&failure.upstream_message)),
        };
        self.tell(Input::ConfigLoaded {
            ticket,
            result: told,
        });
    }

    /// Lets a worker look at a program that a client gave: it may ask for users and directories.
    pub(crate) fn read_program(
        &mut self,
        ticket: Ticket,
        group: String,
        program: String,
        options: Vec<(String, String)>,
    ) {
        let (readings, report) = (Arc::clone(&self.readings), self.reporter());
        let environment = Arc::clone(&self.environment);
        self.errands += 1;
        self.workers.submit(move || {
            let result = readings.program(environment, group, program, options);
            report(Done::Errand(Errand::ProgramRead { ticket, result }));
        });
    }

    /// The program was looked at.
    pub(crate) fn program_read(&mut self, ticket: Ticket, result: Result<AddedProgram, Failure>) {
        let result = match result {
            Ok(program) => {
                for (level, text) in program.messages {
                    self.log(level, text);
                }
                for (level, text) in mistyped(&program.diagnostics) {
                    self.log(level, text);
                }
                Ok(program.processes)
            }
            Err(failure) => Err(without_environment(&failure.upstream_message)),
        };
        self.tell(Input::ProgramRead { ticket, result });
    }

    /// The few keys of `[supervisord]` that a reread changes at once.
    fn adopt(&mut self, config: &Config) {
        // Which files were read is told at the start; what was left out is worth a line each time.
        let left_out = config.startup_messages.iter();
        for (level, text) in left_out.filter(|(level, _)| *level == Level::Warn) {
            self.log(*level, text.clone());
        }
        for (level, text) in mistyped(&config.diagnostics) {
            self.log(level, text);
        }
        self.environment = config.environment.clone().into();
        let new = &config.supervisord;
        self.daemon.identifier.clone_from(&new.identifier);
        self.daemon.childlogdir.clone_from(&new.childlogdir);
        self.daemon.strip_ansi = new.strip_ansi;
        self.logs.order(Order::StripAnsi(new.strip_ansi));
    }
}

/// The part of a configuration that the core works with.
pub(crate) fn loaded_config(config: &Config) -> LoadedConfig {
    LoadedConfig {
        identifier: config.supervisord.identifier.as_str().into(),
        groups: config.groups.clone(),
    }
}

/// A line for each key and section that nobody knows or that stands twice: most are mistakes, and without a word the
/// operator would look for their effect in vain. And one for each danger that the file brings.
pub(crate) fn mistyped(diagnostics: &[Diagnostic]) -> impl Iterator<Item = (Level, String)> {
    let told = |diagnostic: &&Diagnostic| {
        matches!(
            diagnostic.code,
            Code::UnknownKey
                | Code::UnknownSection
                | Code::DuplicateSection
                | Code::Security
                | Code::OpenToAll
        )
    };
    diagnostics.iter().filter(told).map(|diagnostic| {
        let help = diagnostic.help.as_ref();
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        let text = format!("{}{}{help}", place(diagnostic), diagnostic.message);
        let level = if diagnostic.code == Code::OpenToAll {
            Level::Critical
        } else {
            Level::Warn
        };
        (level, text)
    })
}

/// Upstream's message for clients, and where the error is that it speaks of.
fn with_place(failure: &Failure) -> String {
    let message = without_environment(&failure.upstream_message);
    match failure.first.as_deref().map(place) {
        Some(place) if !place.is_empty() => {
            format!("{message} ({})", place.trim_end_matches(": "))
        }
        _ => message,
    }
}

/// The message without the names of variables of the environment that upstream lists in it: whoever may ask for a reread
/// need not know them. At a start the list stays, on the terminal of who starts supervisord.
fn without_environment(message: &str) -> String {
    const LIST: &str = "Available names: ";
    let Some((before, list)) = message.split_once(LIST) else {
        return message.to_owned();
    };
    let (names, rest) = match list.find(" in section ") {
        Some(at) => list.split_at(at),
        None => (list, ""),
    };
    let known = names.split(", ").filter(|name| !name.starts_with("ENV_"));
    let mut shown: Vec<&str> = known.filter(|name| !name.is_empty()).collect();
    shown.push("ENV_* for variables of the environment");
    format!("{before}{LIST}{}{rest}", shown.join(", "))
}

/// `file:line:column: `, as far as it is known.
pub(crate) fn place(diagnostic: &Diagnostic) -> String {
    match &diagnostic.file {
        Some(file) if diagnostic.line > 0 => {
            let (line, column) = (diagnostic.line, diagnostic.column);
            format!("{}:{line}:{column}: ", file.display())
        }
        Some(file) => format!("{}: ", file.display()),
        None => String::new(),
    }
}
