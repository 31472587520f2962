//! Options of supervisord.

use crate::config_case::Case;

/// Arguments behind `-n -c ⟨file⟩`.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("unknown short", &["-x"]),
    ("unknown long", &["--nonsense"]),
    ("missing value", &["-l"]),
    ("missing long value", &["--logfile"]),
    ("value for a flag", &["--silent=yes"]),
    ("not unique", &["--log", "x"]),
    ("twice", &["-n"]),
    ("twice in both forms", &["--nodaemon"]),
    ("positional", &["start"]),
    ("two positional", &["start", "now"]),
    ("bad umask", &["-m", "9"]),
    ("bad loglevel", &["-e", "loud"]),
    ("bad minfds", &["-a", "many"]),
    ("bad minprocs", &["--minprocs=many"]),
    ("bad maxbytes", &["-y", "1.5MB"]),
    ("bad backups", &["-z", "x"]),
    ("bad directory", &["-d", "/no/such/place"]),
    ("bad childlogdir", &["-q", "/no/such/place"]),
    ("bad logfile", &["-l", "/no/such/place/x.log"]),
    ("bad pidfile", &["-j", "/no/such/place/x.pid"]),
    ("bad user", &["-u", "no-such-user"]),
    ("bad user id", &["--user=98765"]),
    ("identifier", &["-i", "mine"]),
    ("identifier long", &["--identifier=mine"]),
    ("identifier prefix", &["--ident", "mine"]),
    ("minfds wins", &["-a", "2000"]),
    ("cluster", &["-tk"]),
    ("cluster with value", &["-ti", "mine"]),
    ("value in the same word", &["-imine"]),
    ("logfile wins", &["-l", "other.log"]),
    ("loglevel", &["-e", "critical"]),
    ("level in capitals", &["-e", "WARN"]),
    ("end of options", &["--"]),
    ("help after error", &["-x", "-h"]),
    ("profile bad", &["--profile_options=nonsense"]),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    ARGUMENTS
        .iter()
        .map(|(name, arguments)| {
            Case::new(&format!("command line {name}"), "identifier=from file\n")
                .arguments(arguments)
        })
        .collect()
}
