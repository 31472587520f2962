//! Keys of `[supervisord]`.

use crate::config_case::Case;

const KEYS: &[(&str, &str)] = &[
    ("minfds", "minfds=2048"),
    ("minfds word", "minfds=many"),
    ("minfds underscore", "minfds=1_100"),
    ("minfds too many", "minfds=99999999999"),
    ("minprocs", "minprocs=100"),
    ("minprocs word", "minprocs=x"),
    ("umask", "umask=077"),
    ("umask prefix", "umask=0o77"),
    ("umask bad", "umask=9"),
    ("directory missing", "directory=/no/such/place"),
    ("directory", "directory=/tmp"),
    ("user name unknown", "user=no-such-user"),
    ("user id unknown", "user=98765"),
    ("user root", "user=root"),
    ("user zero", "user=0"),
    ("logfile directory missing", "logfile=/no/such/place/x.log"),
    ("logfile_maxbytes", "logfile_maxbytes=1KB"),
    ("logfile_maxbytes lower case", "logfile_maxbytes=2mb"),
    ("logfile_maxbytes fraction", "logfile_maxbytes=1.5MB"),
    ("logfile_maxbytes short suffix", "logfile_maxbytes=10K"),
    ("logfile_maxbytes blank", "logfile_maxbytes=10 KB"),
    ("logfile_maxbytes empty", "logfile_maxbytes="),
    ("logfile_backups", "logfile_backups=0"),
    ("logfile_backups word", "logfile_backups=few"),
    ("loglevel", "loglevel=WARN"),
    ("loglevel warning", "loglevel=warning"),
    ("loglevel unknown", "loglevel=Loud"),
    ("pidfile directory missing", "pidfile=/no/such/place/x.pid"),
    ("identifier", "identifier=the one"),
    ("identifier empty", "identifier="),
    ("nodaemon", "nodaemon=true"),
    ("nodaemon bad", "nodaemon=maybe"),
    ("nodaemon word", "nodaemon=ON"),
    ("silent", "silent=yes"),
    ("silent bad", "silent=2"),
    ("childlogdir missing", "childlogdir=/no/such/place"),
    ("nocleanup", "nocleanup=1"),
    ("nocleanup bad", "nocleanup="),
    ("strip_ansi", "strip_ansi=true"),
    ("strip_ansi bad", "strip_ansi=strip"),
    ("two errors", "minfds=a\numask=z"),
    (
        "errors in order of validation",
        "strip_ansi=q\nloglevel=q\numask=q",
    ),
    ("daemon environment bad", "environment=A"),
    ("daemon environment", "environment=A=\"1\",B=\"2\""),
    ("daemon environment expansion", "environment=A=\"%(here)s\""),
    ("daemon here", "directory=%(here)s"),
    ("daemon unknown name", "identifier=%(nothing)s"),
    ("daemon bad format", "identifier=%(here)"),
    ("daemon percent", "identifier=100%%"),
    ("daemon lone percent", "identifier=100%"),
    ("daemon outer environment", "identifier=%(ENV_CASE)s"),
    ("relative log", "logfile=other.log"),
    ("log to nowhere", "logfile=/dev/null\nlogfile_maxbytes=0"),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    KEYS.iter()
        .map(|(name, keys)| Case::new(name, &format!("{keys}\n")))
        .collect()
}
