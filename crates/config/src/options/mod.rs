//! Every option of every section: one `const` entry each, and what follows from it.
//!
//! The loader takes defaults from here, the command line its flags, the sample file, the reference pages and the man
//! pages their text, and the check for unknown keys its names. The meaning of a value is in the loader.

pub mod access;
pub mod additions;
mod channels;
mod clients;
pub mod fcgi;
pub mod helper;
pub mod listener;
pub mod program;
mod servers;
pub mod supervisord;

pub use clients::{group, include, plugin, supervisorctl};
pub use servers::{inet, rpcinterface, unix};

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// `refuse` or `allow`.
    Permission,
    /// Permission bits in octal.
    Octal,
    /// Bytes, with `KB`, `MB` or `GB`.
    Bytes,
    /// Seconds, with `s`, `m` or `h`.
    Duration,
    /// Any text.
    Text,
    /// A path whose directory exists.
    Path,
    /// A directory that exists.
    Directory,
    /// A directory that is not looked at before the program starts.
    LooseDirectory,
    /// A level of the main log.
    Level,
    /// A signal.
    Signal,
    /// Exit codes.
    ExitCodes,
    /// When to restart.
    Restart,
    /// One of a few words, which stand here.
    OneOf(&'static str),
    /// A user.
    User,
    /// A user and a group.
    Owner,
    /// A log file of a program.
    LogFile,
    /// `KEY=value` pairs.
    Pairs,
    /// Items with commas between them.
    List,
    /// Event types with commas between them.
    Events,
    /// File patterns with blanks between them.
    Patterns,
    /// An address to listen at.
    Address,
    /// A URL.
    Url,
    /// A Python object, `module:attribute`.
    Object,
}

impl Kind {
    /// In a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Permission => "`refuse` or `allow`",
            Self::Octal => "octal mode",
            Self::Bytes => "bytes",
            Self::Duration => "seconds, also with `s`, `m` or `h`",
            Self::Text => "text",
            Self::Path => "path in an existing directory",
            Self::Directory => "existing directory",
            Self::LooseDirectory => "directory",
            Self::Level => "log level",
            Self::Signal => "signal",
            Self::ExitCodes => "list of exit codes",
            Self::Restart => "boolean or `unexpected`",
            Self::OneOf(words) => words,
            Self::User => "user name or id",
            Self::Owner => "user, or user:group",
            Self::LogFile => "path, `AUTO` or `NONE`",
            Self::Pairs => "list of KEY=\"value\" pairs",
            Self::List => "list of names",
            Self::Events => "list of event types",
            Self::Patterns => "list of file patterns",
            Self::Address => "port, or host:port",
            Self::Url => "URL",
            Self::Object => "module:attribute",
        }
    }
}

/// What is in force when the key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This text, as if it had been written.
    Text(&'static str),
    /// Nothing, or something that is found out; the words say what.
    Found(&'static str),
    /// The key must be there.
    Required,
}

/// Which `%(name)s` a value may hold, besides `%(ENV_X)s`, which every value may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// No more.
    EnvironmentOnly,
    /// `here`.
    Here,
    /// `here` and `host_node_name`.
    HereAndHost,
    /// `here`, `host_node_name`, `program_name` and `group_name`.
    Program,
    /// Those, and `process_num`, `numprocs` and the program's own `environment`.
    Process,
}

impl Names {
    /// The names, for the reference.
    pub fn describe(self) -> &'static str {
        match self {
            Self::EnvironmentOnly => "`ENV_X`",
            Self::Here => "`here`, `ENV_X`",
            Self::HereAndHost => "`here`, `host_node_name`, `ENV_X`",
            Self::Program => "`here`, `host_node_name`, `program_name`, `group_name`, `ENV_X`",
            Self::Process => {
                "`here`, `host_node_name`, `program_name`, `group_name`, `process_num`, `numprocs`, `ENV_X` (also of \
                 the program's own `environment`)"
            }
        }
    }
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// When supervisord is started again, or restarts itself (`reload`).
    Restart,
    /// At the next `reread`.
    Reread,
    /// At the next `update`, which restarts the group.
    Update,
    /// At the next run of supervisorctl.
    NextRun,
}

impl Change {
    /// For the reference.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Restart => "after a restart of supervisord (`reload`)",
            Self::Reread => "at the next `reread`",
            Self::Update => "at the next `update`, which restarts the group",
            Self::NextRun => "at the next run of supervisorctl",
        }
    }
}

/// How the key stands in the sample file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// In force, with this value.
    Active(&'static str),
    /// Commented out, with this value.
    Comment(&'static str),
}

/// An option of supervisord's command line that stands for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The letter.
    pub short: Option<char>,
    /// The name behind `--`.
    pub long: &'static str,
    /// What follows; none for a switch.
    pub value: Option<&'static str>,
}

/// One key of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// The key, lower case.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub default: Fallback,
    /// What may be expanded in it.
    pub names: Names,
    /// When a change takes effect.
    pub change: Change,
    /// The release of Supervisor that brought it, or `Provost` and our release.
    pub since: &'static str,
    /// How it stands in the sample file.
    pub sample: Sample,
    /// The same on the command line.
    pub flag: Option<Flag>,
    /// What it does, in full sentences. Backquotes mark names.
    pub doc: &'static str,
}

/// One kind of section.
#[derive(Clone, Copy, Debug)]
pub struct SectionSpec {
    /// The header: a whole name, or the part up to and with the colon.
    pub header: &'static str,
    /// What stands for the rest of the header in the sample and the reference; empty when there is none.
    pub label: &'static str,
    /// What it is for, in full sentences.
    pub doc: &'static str,
    /// Its keys, in the order of the reference.
    pub options: &'static [&'static OptionSpec],
    /// Whether it stands in the sample file uncommented.
    pub active: bool,
    /// Whether keys beyond the table are taken, too.
    pub open: bool,
}

impl SectionSpec {
    /// Whether a section with this name is of this kind. As upstream: by case, and server sections by their beginning.
    pub fn matches(&self, section: &str) -> bool {
        let by_beginning = self.header.ends_with(':') || self.header.ends_with("_http_server");
        if by_beginning {
            section.starts_with(self.header)
        } else {
            section == self.header
        }
    }

    /// The key with this name.
    pub fn option(&self, name: &str) -> Option<&'static OptionSpec> {
        self.options
            .iter()
            .copied()
            .find(|option| option.name == name)
    }

    /// The header as the reference shows it, without brackets.
    pub fn title(&self) -> String {
        format!("{}{}", self.header, self.label)
    }
}

/// Every kind of section, in the order of the sample file and the reference.
pub const SECTIONS: &[&SectionSpec] = &[
    &unix::SECTION,
    &inet::SECTION,
    &access::user::SECTION,
    &access::role::SECTION,
    &access::audit::SECTION,
    &supervisord::SECTION,
    &rpcinterface::SECTION,
    &helper::SECTION,
    &supervisorctl::SECTION,
    &program::SECTION,
    &listener::SECTION,
    &fcgi::SECTION,
    &group::SECTION,
    &include::SECTION,
    &plugin::SECTION,
];

/// The kind of the section with this name.
pub fn section(name: &str) -> Option<&'static SectionSpec> {
    SECTIONS
        .iter()
        .copied()
        .find(|section| section.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_once_in_its_section_and_has_a_whole_sentence() {
        for section in SECTIONS {
            let mut names: Vec<_> = section.options.iter().map(|option| option.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", section.header);
            for option in section.options {
                assert!(
                    option.doc.ends_with('.'),
                    "{}.{}",
                    section.header,
                    option.name
                );
                assert_eq!(option.name, option.name.to_lowercase());
            }
        }
    }

    #[test]
    fn sections_are_told_by_their_headers_as_upstream_does() {
        assert_eq!(
            section("program:web").map(SectionSpec::title),
            Some("program:x".to_owned())
        );
        assert_eq!(
            section("inet_http_server2").map(|s| s.header),
            Some("inet_http_server")
        );
        assert_eq!(
            section("supervisord").map(|s| s.header),
            Some("supervisord")
        );
        for unknown in [
            "supervisord2",
            "program",
            "Program:x",
            "unix_http",
            "DEFAULT",
        ] {
            assert!(section(unknown).is_none(), "{unknown}");
        }
    }
}
