//! Command lines of supervisord and supervisorctl: what they ask for, or upstream's sentence about what is wrong.
//!
//! Nothing is printed here and nothing exits. Of the machine only what options name is looked at, as upstream does
//! while it reads them: directories of paths, and the default places of the configuration file.

mod getopt;
mod supervisorctl;
mod supervisord;
mod supervisord_help;

pub use crate::config::Overrides;
pub use supervisorctl::{Supervisorctl, SupervisorctlRun, parse_supervisorctl, supervisorctl_help};
pub use supervisord::{Supervisord, SupervisordRun, parse_supervisord};
pub use supervisord_help::supervisord_help;

use crate::host::Host;
use crate::paths;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A command line that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// What follows `Error: ` on stderr.
    pub message: String,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UsageError {}

/// What upstream warns of when root starts supervisord without `-c`.
pub const ROOT_SEARCH_WARNING: &str = "UserWarning: Supervisord is running as root and it is searching for its \
     configuration file in default locations (including its current working directory); name the file with -c and an \
     absolute path, so that nobody else's file can be taken.";

/// Where the configuration file is looked for when no `-c` names one, in order.
pub fn search_paths(argv0: &str) -> Vec<String> {
    let prefix = paths::dirname(paths::dirname(argv0));
    vec![
        paths::join(prefix, "etc/supervisord.conf"),
        paths::join(prefix, "supervisord.conf"),
        "supervisord.conf".to_owned(),
        "etc/supervisord.conf".to_owned(),
        "/etc/supervisord.conf".to_owned(),
        "/etc/supervisor/supervisord.conf".to_owned(),
    ]
}

/// The first default place where something is; a directory counts, too.
pub fn find_config(argv0: &str, host: &dyn Host) -> Option<PathBuf> {
    search_paths(argv0)
        .into_iter()
        .map(PathBuf::from)
        .find(|path| host.exists(path))
}

/// The configuration file of supervisord when no `-c` names one, or upstream's sentence that there is none.
pub fn default_config(argv0: &str, host: &dyn Host) -> Result<PathBuf, String> {
    find_config(argv0, host).ok_or_else(|| {
        format!(
            "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
            search_paths(argv0).join(", ")
        )
    })
}

/// The file that `-c` names, if it is there.
pub fn named_config(path: &Path, host: &dyn Host) -> Result<PathBuf, String> {
    if host.exists(path) {
        Ok(path.to_owned())
    } else {
        Err(format!("could not find config file {}", path.display()))
    }
}

/// The command's own name and its arguments as text.
fn texts(argv: &[OsString]) -> Result<(String, Vec<String>), UsageError> {
    let mut args = argv.iter();
    let argv0 = args
        .next()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = |arg: &OsString| {
        arg.to_str().map(str::to_owned).ok_or_else(|| UsageError {
            message: format!(
                "argument {} is not UTF-8",
                crate::python::repr(&arg.to_string_lossy())
            ),
        })
    };
    Ok((argv0, args.map(text).collect::<Result<_, _>>()?))
}

/// Options and their explanations, in the form of upstream's help: `-l/--logfile FILENAME -- use FILENAME as …`.
fn columns(rows: &[(String, &str)]) -> String {
    /// How far lines after the first are indented.
    const INDENT: usize = 4;
    /// How wide a line may be.
    const WIDTH: usize = 79;
    let mut out = String::new();
    for (left, right) in rows {
        out.push_str(left);
        out.push_str(" --");
        let mut column = left.len() + 3;
        for word in right.split_whitespace() {
            if column + 1 + word.len() > WIDTH {
                out.push('\n');
                out.push_str(&" ".repeat(INDENT));
                column = INDENT;
            } else {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += word.len();
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn default_places_depend_on_the_path_of_the_command() {
        assert_eq!(
            search_paths("/opt/sv/bin/supervisord")[0],
            "/opt/sv/etc/supervisord.conf"
        );
        assert_eq!(
            search_paths("supervisord")[..2],
            ["etc/supervisord.conf", "supervisord.conf"]
        );
        assert_eq!(search_paths("bin/supervisord")[1], "supervisord.conf");
        let world = World::new()
            .file("/etc/supervisord.conf", "")
            .dir("/opt/etc/supervisord.conf");
        assert_eq!(
            find_config("x", &world),
            Some(PathBuf::from("/etc/supervisord.conf"))
        );
        assert_eq!(
            find_config("/opt/bin/x", &world),
            Some(PathBuf::from("/opt/etc/supervisord.conf"))
        );
        let error = default_config("x", &World::new()).unwrap_err();
        assert_eq!(
            error,
            "No config file found at default paths (etc/supervisord.conf, supervisord.conf, supervisord.conf, \
             etc/supervisord.conf, /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to \
             specify a config file at a different path"
        );
    }
}
