//! The INI dialect: comments, continuation, delimiters, headers, encodings.

use crate::config_case::Case;

/// Keys of one program.
const PROGRAM: &[(&str, &str)] = &[
    ("comment semicolon", "; a comment\npriority=5"),
    ("comment hash", "# a comment\npriority=5"),
    ("comment indented", "   ; a comment\npriority=5"),
    ("comment inline", "priority=5 ; why"),
    ("comment inline hash", "priority=5 # why"),
    ("comment inline tab", "priority=5\t; why"),
    ("comment needs a blank", "directory=/a;b"),
    ("comment in quotes", "directory=\"/a ;b\""),
    ("comment rounds", "directory=a;b;c ;real #later"),
    ("comment rounds other", "directory=a#b ;c#d #e"),
    ("comment whole value", "directory= ; nothing"),
    ("continuation", "exitcodes=0,\n  1,\n  2"),
    (
        "continuation with comment",
        "exitcodes=0,\n  ; between\n  1",
    ),
    ("continuation with blank line", "directory=/a\n\n  /b"),
    ("continuation swallows key", "directory=/a\n priority=3"),
    ("continuation swallows header", "directory=/a\n [program:z]"),
    ("colon delimiter", "priority:7"),
    ("delimiter first wins", "directory=a:b=c"),
    ("delimiter colon first", "directory:a=b"),
    ("blanks around delimiter", "priority   =   7"),
    ("key case", "PRIORITY=7"),
    ("key mixed case", "StopSignal=hup"),
    ("key twice", "priority=7\npriority=8"),
    ("key with blanks", "my key=1\npriority=3"),
    ("empty value", "directory="),
    ("unknown key", "priorty=3"),
    ("no delimiter", "priority"),
    ("no delimiter twice", "priority\nautostart"),
    ("empty key", "=5"),
    ("tab before value", "priority=\t5"),
    ("trailing blanks", "priority=5   "),
    ("unicode value", "directory=/tmp/größe"),
    ("form feed", "priority=5\x0c"),
    ("quotes stay", "directory='/a b'"),
];

/// Whole files after the usual sections.
const WHOLE: &[(&str, &str)] = &[
    (
        "section twice",
        "[program:a]\ncommand=/bin/cat\nautostart=false\n[program:b]\ncommand=/bin/cat\nautostart=false\n[program:a]\npriority=3\n",
    ),
    (
        "text after header",
        "[program:a]junk\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "comment after header",
        "[program:a] ; why\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "header greedy",
        "[program:a]b]\ncommand=/bin/cat\nautostart=false\n",
    ),
    ("header empty", "[]\nx=1\n"),
    ("header unclosed", "[program:a\ncommand=/bin/cat\n"),
    ("header blanks inside", "[ program:a ]\ncommand=/bin/cat\n"),
    (
        "header indented",
        "  [program:a]\ncommand=/bin/cat\nautostart=false\n",
    ),
    ("header case", "[Program:a]\ncommand=/bin/cat\n"),
    (
        "first key indented",
        "[program:a]\n  command=/bin/cat\n  autostart=false\n",
    ),
    (
        "defaults",
        "[DEFAULT]\nstartsecs=7\n[program:a]\ncommand=/bin/cat\nautostart=false\n",
    ),
    (
        "defaults overridden",
        "[DEFAULT]\nstartsecs=7\n[program:a]\ncommand=/bin/cat\nautostart=false\nstartsecs=8\n",
    ),
    ("section without colon", "[program]\ncommand=/bin/cat\n"),
    ("unknown section", "[gizmo:x]\na=b\n"),
    (
        "carriage returns",
        "[program:a]\r\ncommand=/bin/cat\r\nautostart=false\r\npriority=4\r\n",
    ),
    (
        "old mac line ends",
        "[program:a]\rcommand=/bin/cat\rautostart=false\r",
    ),
    (
        "no newline at the end",
        "[program:a]\ncommand=/bin/cat\nautostart=false\npriority=4",
    ),
    (
        "many bad lines",
        "one\ntwo\n[program:a]\ncommand=/bin/cat\nthree\nfour\nfive\n",
    ),
];

/// Whole files with nothing before them.
const BARE: &[(&str, &str)] = &[
    ("empty file", ""),
    ("only a comment", "; nothing here\n"),
    ("key before any section", "a=b\n[supervisord]\n"),
    (
        "byte order mark",
        "\u{feff}[supervisord]\nlogfile=%(here)s/main.log\n",
    ),
    ("no supervisord section", "[program:a]\ncommand=/bin/cat\n"),
    (
        "supervisord section in capitals",
        "[SUPERVISORD]\nnodaemon=true\n",
    ),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let program = PROGRAM.iter().map(|(name, keys)| Case::program(name, keys));
    let whole = WHOLE.iter().map(|(name, text)| Case::new(name, text));
    let bare = BARE.iter().map(|(name, text)| Case::bare(name, text));
    program.chain(whole).chain(bare).collect()
}
