//! `%` expansion.

use crate::config_case::Case;

const KEYS: &[(&str, &str)] = &[
    ("here", "directory=%(here)s"),
    ("program_name", "directory=/%(program_name)s"),
    ("group_name", "directory=/%(group_name)s"),
    ("host_node_name padded", "directory=/%(host_node_name).0sx"),
    ("outer environment", "directory=/%(ENV_CASE)s"),
    ("outer environment unknown", "directory=/%(ENV_NOPE)s"),
    (
        "own environment",
        "environment=A=\"deep\"\ndirectory=/%(ENV_A)s",
    ),
    (
        "own environment in startsecs",
        "environment=A=\"5\"\nstartsecs=%(ENV_A)s",
    ),
    ("process_num", "directory=/%(process_num)d"),
    ("process_num width", "directory=/%(process_num)05d"),
    ("process_num float", "directory=/%(process_num)05.2f"),
    ("process_num hex", "directory=/%(process_num)#x"),
    ("process_num plus", "directory=/%(process_num)+d"),
    ("process_num string", "directory=/%(process_num)s"),
    ("process_num repr", "directory=/%(program_name)r"),
    ("process_num char", "directory=/%(numprocs)c"),
    ("process_num exponent", "directory=/%(numprocs)e"),
    ("process_num octal", "directory=/%(numprocs)#o"),
    ("name padded left", "directory=/%(program_name)-5s|"),
    ("name padded right", "directory=/%(program_name)5s|"),
    ("name as number", "directory=/%(program_name)d"),
    ("process_num elsewhere", "startsecs=%(process_num)d"),
    ("numprocs elsewhere", "priority=%(numprocs)d"),
    ("priority with program_name", "priority=%(program_name)s"),
    ("unknown name", "directory=/%(nothing)s"),
    ("unknown name in command", "command=/bin/echo %(nothing)s"),
    ("unknown name in process_name", "process_name=%(nothing)s"),
    ("unknown name in log", "stdout_logfile=%(here)s/%(nothing)s"),
    ("percent", "directory=/100%%"),
    ("lone percent", "directory=/100%"),
    ("percent at end of name", "directory=/%(here)"),
    ("name not closed", "directory=/%(here"),
    ("bad conversion", "directory=/%(here)Y"),
    ("no name", "directory=/%d"),
    ("no name string", "startsecs=%d"),
    ("empty name", "directory=/%()s"),
    ("case of names", "directory=%(HERE)s"),
    ("log expanded twice", "stdout_logfile=%(here)s/a%%%%b.log"),
    ("log percent once", "stdout_logfile=%(here)s/a%%b.log"),
    (
        "log number",
        "stdout_logfile=%(here)s/a%(process_num)02d.log",
    ),
    ("star width", "directory=/%(process_num)*d"),
    ("precision of text", "directory=/%(program_name).0s"),
    ("blank flag", "directory=/%(process_num) d"),
    ("percent in command", "command=/bin/date +%%H"),
];

const WHOLE: &[(&str, &str)] = &[
    (
        "daemon environment in a program",
        "environment=DEEP=\"well\"\n[program:x]\ncommand=/bin/cat\nautostart=false\ndirectory=/%(ENV_DEEP)s\n",
    ),
    (
        "daemon environment not in daemon keys",
        "environment=DEEP=\"well\"\nidentifier=%(ENV_DEEP)s\n",
    ),
    (
        "environment leaks to next process",
        "[program:x]\ncommand=/bin/cat\nautostart=false\nnumprocs=2\nprocess_name=%(process_num)d\nenvironment=N%(process_num)d=\"v\"\ndirectory=/%(ENV_N0)s\n",
    ),
    (
        "program_name in a group",
        "[program:x]\ncommand=/bin/cat\nautostart=false\ndirectory=/%(group_name)s/%(program_name)s\n[group:g]\nprograms=x\n",
    ),
    ("here in socket", "[inet_http_server]\nport=%(here)s\n"),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let keys = KEYS
        .iter()
        .map(|(name, keys)| Case::program(&format!("expansion {name}"), keys));
    let whole = WHOLE
        .iter()
        .map(|(name, text)| Case::new(&format!("expansion {name}"), text));
    keys.chain(whole).collect()
}
