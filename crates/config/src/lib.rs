//! Text to a complete [`Config`], or to diagnostics.
//!
//! The INI dialect of `supervisord.conf`, its `%(name)s` expansions and includes, the table of all options, the command
//! lines of supervisord and supervisorctl, and the words of a command. Everything a user sees of these is decided here:
//! meaning, defaults, the sentences of errors, the sample file and the reference pages.
//!
//! This room does no I/O: the outside comes through [`Host`].
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod certificate;
pub mod cli;
pub mod config;
mod datatypes;
mod decode;
pub mod diagnostic;
pub mod document;
mod environment;
mod glob;
mod hints;
pub mod host;
mod load;
pub mod options;
mod paths;
mod percent;
mod piece;
mod python;
#[cfg(test)]
mod python_rules_tests;
pub mod reference;
mod render;
mod sample;
mod sections;
mod shlex;
#[cfg(test)]
mod testing;
mod value;
mod vars;
pub mod words;

pub use config::{AddedProgram, Config, CtlConfig, CtlTls, Overrides, Plugin, PluginSpec};
pub use diagnostic::{Code, Diagnostic, Failure, Severity, Sources};
pub use glob::fnmatch;
pub use host::{Host, Rights, User};
pub use load::{
    LooseProgram, Written, load, load_pidfile, load_program, load_supervisorctl, origins,
};
pub use render::{render, to_json};
pub use sample::sample;
