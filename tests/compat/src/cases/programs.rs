//! Keys of `[program:x]`.

use crate::config_case::Case;

const KEYS: &[(&str, &str)] = &[
    ("defaults of a program", ""),
    ("command empty", "command="),
    ("command words", "command=/bin/sh -c \"a b\" 'c'"),
    ("process_name", "process_name=y"),
    ("process_name blank", "process_name=a b"),
    ("process_name colon", "process_name=a:b"),
    ("process_name slash", "process_name=a/b"),
    (
        "process_name number",
        "process_name=%(program_name)s-%(process_num)03d",
    ),
    (
        "numprocs",
        "numprocs=3\nprocess_name=%(program_name)s_%(process_num)02d",
    ),
    ("numprocs without process_num", "numprocs=2"),
    (
        "numprocs other expansion",
        "numprocs=2\nprocess_name=%(group_name)s",
    ),
    ("numprocs zero", "numprocs=0"),
    ("numprocs negative", "numprocs=-1"),
    ("numprocs word", "numprocs=two"),
    (
        "numprocs_start",
        "numprocs=2\nnumprocs_start=5\nprocess_name=%(process_num)d",
    ),
    (
        "numprocs same names",
        "numprocs=2\nprocess_name=a%(process_num).0s",
    ),
    (
        "numprocs in command",
        "numprocs=2\nprocess_name=%(process_num)d\ncommand=/bin/echo %(process_num)d of %(numprocs)d",
    ),
    ("priority", "priority=1"),
    ("priority negative", "priority=-5"),
    ("priority bad", "priority=high"),
    ("priority plus", "priority=+5"),
    ("priority octal look", "priority=010"),
    ("autostart bad", "autostart=perhaps"),
    ("autorestart true", "autorestart=true"),
    ("autorestart false", "autorestart=false"),
    ("autorestart capitals", "autorestart=UNEXPECTED"),
    ("autorestart bad", "autorestart=Always"),
    ("startsecs", "startsecs=0"),
    ("startsecs negative", "startsecs=-1"),
    ("startsecs fraction", "startsecs=1.5"),
    ("startsecs unit", "startsecs=10s"),
    ("startretries", "startretries=0"),
    ("startretries negative", "startretries=-3"),
    ("startretries empty", "startretries="),
    ("stopsignal name", "stopsignal=QUIT"),
    ("stopsignal long name", "stopsignal=SIGUSR1"),
    ("stopsignal lower case", "stopsignal=int"),
    ("stopsignal number", "stopsignal=9"),
    ("stopsignal zero", "stopsignal=0"),
    ("stopsignal unknown name", "stopsignal=NOSUCH"),
    ("stopsignal unknown number", "stopsignal=77"),
    ("stopsignal negative", "stopsignal=-1"),
    ("stopsignal real time", "stopsignal=RTMIN"),
    ("stopsignal between real time", "stopsignal=40"),
    ("stopsignal constant", "stopsignal=_IGN"),
    ("stopsignal empty", "stopsignal="),
    ("stopwaitsecs", "stopwaitsecs=0"),
    ("stopwaitsecs bad", "stopwaitsecs=ten"),
    ("stopasgroup", "stopasgroup=true"),
    (
        "stopasgroup without killasgroup",
        "stopasgroup=true\nkillasgroup=false",
    ),
    ("killasgroup", "killasgroup=true"),
    ("killasgroup bad", "killasgroup=x"),
    ("exitcodes", "exitcodes=0,2, 255"),
    ("exitcodes empty", "exitcodes="),
    ("exitcodes too big", "exitcodes=256"),
    ("exitcodes negative", "exitcodes=-1"),
    ("exitcodes word", "exitcodes=zero"),
    ("exitcodes trailing comma", "exitcodes=0,"),
    ("redirect_stderr", "redirect_stderr=true"),
    (
        "redirect_stderr with file",
        "redirect_stderr=true\nstderr_logfile=%(here)s/err.log",
    ),
    (
        "redirect_stderr with none",
        "redirect_stderr=true\nstderr_logfile=NONE",
    ),
    (
        "redirect_stderr with auto",
        "redirect_stderr=true\nstderr_logfile=AUTO",
    ),
    ("redirect_stderr bad", "redirect_stderr=both"),
    ("umask of a program", "umask=002"),
    ("umask of a program bad", "umask=888"),
    ("user of a program", "user=root"),
    ("user of a program by id", "user=0"),
    ("user of a program unknown", "user=no-such-user"),
    ("user of a program unknown id", "user=87654"),
    ("directory of a program", "directory=/no/such/place"),
    ("serverurl", "serverurl=http://example.test:1"),
    ("serverurl auto", "serverurl=auto"),
    ("stdout_logfile", "stdout_logfile=%(here)s/out.log"),
    ("stdout_logfile none", "stdout_logfile=NONE"),
    ("stdout_logfile off", "stdout_logfile=Off"),
    ("stdout_logfile auto", "stdout_logfile=Auto"),
    ("stdout_logfile empty", "stdout_logfile="),
    ("stdout_logfile relative", "stdout_logfile=out.log"),
    ("stdout_logfile syslog", "stdout_logfile=syslog"),
    ("stderr_logfile syslog", "stderr_logfile=SYSLOG"),
    (
        "stdout_logfile directory missing",
        "stdout_logfile=/no/such/place/out.log",
    ),
    (
        "stderr_logfile directory missing",
        "stderr_logfile=/no/such/place/err.log",
    ),
    ("stdout_logfile home", "stdout_logfile=~/out.log"),
    ("stdout_logfile_maxbytes", "stdout_logfile_maxbytes=10MB"),
    (
        "stdout_logfile_maxbytes zero with auto",
        "stdout_logfile_maxbytes=0",
    ),
    (
        "both maxbytes zero with auto",
        "stdout_logfile_maxbytes=0\nstderr_logfile_maxbytes=0",
    ),
    (
        "stdout_logfile_maxbytes zero with file",
        "stdout_logfile=%(here)s/o\nstdout_logfile_maxbytes=0",
    ),
    (
        "stdout_logfile_maxbytes bad",
        "stdout_logfile_maxbytes=10 M",
    ),
    (
        "stdout_logfile_maxbytes negative",
        "stdout_logfile_maxbytes=-1KB",
    ),
    (
        "stdout_logfile_maxbytes three gigabytes",
        "stdout_logfile_maxbytes=3GB",
    ),
    ("stdout_logfile_backups", "stdout_logfile_backups=0"),
    ("stdout_logfile_backups bad", "stdout_logfile_backups=x"),
    (
        "stderr_logfile_backups per process",
        "stderr_logfile_backups=%(process_num)d",
    ),
    ("stdout_syslog", "stdout_syslog=true"),
    ("stderr_syslog bad", "stderr_syslog=perhaps"),
    ("stdout_capture_maxbytes", "stdout_capture_maxbytes=1KB"),
    ("stderr_capture_maxbytes bad", "stderr_capture_maxbytes=big"),
    ("stdout_events_enabled", "stdout_events_enabled=true"),
    ("stderr_events_enabled bad", "stderr_events_enabled=x"),
    (
        "two errors in a program",
        "startsecs=a\nstopsignal=zzz\nexitcodes=q",
    ),
    (
        "errors in order of evaluation",
        "stdout_logfile=/no/such/x\nexitcodes=q\nuser=no-such-user",
    ),
];

const WHOLE: &[(&str, &str)] = &[
    ("command missing", "[program:x]\nautostart=false\n"),
    (
        "two programs",
        "[program:b]\ncommand=/bin/cat\nautostart=false\n[program:a]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "programs by priority",
        "[program:a]\ncommand=/bin/cat\nautostart=false\npriority=10\n[program:b]\ncommand=/bin/cat\nautostart=false\npriority=5\n",
    ),
    ("program name blank", "[program:a b]\ncommand=/bin/cat\n"),
    ("program name colon", "[program:a:b]\ncommand=/bin/cat\n"),
    ("program name slash", "[program:a/b]\ncommand=/bin/cat\n"),
    (
        "program name empty",
        "[program:]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "program name padded",
        "[program: a ]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "program name unicode",
        "[program:größe]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "program name dots",
        "[program:a.b-c_d]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "first of two bad programs",
        "[program:b]\ncommand=/bin/cat\nstartsecs=x\n[program:a]\ncommand=/bin/cat\nstartsecs=y\n",
    ),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let keys = KEYS.iter().map(|(name, keys)| Case::program(name, keys));
    keys.chain(WHOLE.iter().map(|(name, text)| Case::new(name, text)))
        .collect()
}
