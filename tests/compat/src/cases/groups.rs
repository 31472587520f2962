//! `[group:x]`.

use crate::config_case::Case;

/// Three programs to make groups of.
const MEMBERS: &str = "\
[program:a]
command=/bin/cat
autostart=false
priority=30
[program:b]
command=/bin/cat
autostart=false
numprocs=2
process_name=%(program_name)s_%(process_num)d
[program:c]
command=/bin/cat
autostart=false
";

const WHOLE: &[(&str, &str)] = &[
    ("group", "[group:g]\nprograms=a,b\n"),
    ("group blanks", "[group:g]\nprograms = a , b\n"),
    ("group priority", "[group:g]\nprograms=a\npriority=5\n"),
    ("group priority bad", "[group:g]\nprograms=a\npriority=x\n"),
    ("group order", "[group:g]\nprograms=c,a\n"),
    ("group unknown program", "[group:g]\nprograms=z\n"),
    ("group unknown second", "[group:g]\nprograms=a,z\n"),
    ("group empty", "[group:g]\nprograms=\n"),
    ("group without programs", "[group:g]\npriority=4\n"),
    ("group trailing comma", "[group:g]\nprograms=a,\n"),
    (
        "program in two groups",
        "[group:g]\nprograms=a\n[group:h]\nprograms=a,c\n",
    ),
    ("group same program twice", "[group:g]\nprograms=a,a\n"),
    (
        "group named like a program outside",
        "[group:c]\nprograms=a\n",
    ),
    ("group named like its member", "[group:a]\nprograms=a\n"),
    ("group name blank", "[group:g h]\nprograms=a\n"),
    ("group name colon", "[group:g:h]\nprograms=a\n"),
    ("group name slash", "[group:g/h]\nprograms=a\n"),
    (
        "group of listener",
        "[eventlistener:l]\ncommand=/bin/cat\nautostart=false\nevents=TICK\n[group:g]\nprograms=l\n",
    ),
    (
        "group ambiguous",
        "[fcgi-program:a]\ncommand=/bin/cat\nsocket=tcp://localhost:8002\n[group:g]\nprograms=a\n",
    ),
    ("group expansion", "[group:g]\nprograms=%(here)s\n"),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    WHOLE
        .iter()
        .map(|(name, text)| Case::new(name, &format!("{MEMBERS}{text}")))
        .collect()
}
