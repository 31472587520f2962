//! `[include]`.

use crate::config_case::Case;

const PROGRAM: &str = "[program:inc]\ncommand=/bin/cat\nautostart=false\n";

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let include = |name: &str, files: &str| {
        Case::new(
            &format!("include {name}"),
            &format!("[include]\nfiles={files}\n"),
        )
    };
    let program = |name: &str| PROGRAM.replace("inc", name);
    vec![
        Case::new("include without files", "[include]\nx=1\n"),
        include("empty", ""),
        include("no match", "conf.d/*.conf"),
        include("missing file", "one.conf"),
        include("file", "one.conf").file("one.conf", PROGRAM),
        include("absolute", "%(here)s/one.conf").file("one.conf", PROGRAM),
        include("glob in order", "conf.d/*.conf")
            .file("conf.d/b.conf", &program("b"))
            .file("conf.d/a.conf", &program("a"))
            .file("conf.d/B.conf", &program("B")),
        include("glob skips hidden", "conf.d/*")
            .file("conf.d/.h.conf", &program("h"))
            .file("conf.d/a.conf", &program("a")),
        include("glob class", "conf.d/[ab].conf")
            .file("conf.d/a.conf", &program("a"))
            .file("conf.d/b.conf", &program("b"))
            .file("conf.d/c.conf", &program("c")),
        include("glob question mark", "conf.d/?.conf")
            .file("conf.d/a.conf", &program("a"))
            .file("conf.d/ab.conf", &program("ab")),
        include("glob double star", "conf.d/**/*.conf")
            .file("conf.d/x/a.conf", &program("a"))
            .file("conf.d/x/y/b.conf", &program("b")),
        include("several patterns", "b.conf a.conf")
            .file("a.conf", &program("a"))
            .file("b.conf", &program("b")),
        include("patterns on lines", "a.conf\n  b.conf")
            .file("a.conf", &program("a"))
            .file("b.conf", &program("b")),
        include("same file twice", "a.conf a.conf").file("a.conf", &program("a")),
        include("later file wins", "a.conf b.conf")
            .file("a.conf", "[program:x]\ncommand=/bin/cat\nautostart=false\npriority=1\n")
            .file("b.conf", "[program:x]\npriority=2\n"),
        include("here of included file", "conf.d/a.conf").file(
            "conf.d/a.conf",
            "[program:x]\ncommand=/bin/cat\nautostart=false\ndirectory=%(here)s\n",
        ),
        include("nested is ignored", "a.conf")
            .file("a.conf", "[include]\nfiles=b.conf\n")
            .file("b.conf", PROGRAM),
        include("directory", "conf.d").file("conf.d/a.conf", PROGRAM),
        include("parse error", "a.conf").file("a.conf", "[program:x]\nnonsense\n"),
        include("no header", "a.conf").file("a.conf", "x=1\n"),
        include("bad value", "a.conf")
            .file("a.conf", "[program:x]\ncommand=/bin/cat\nstartsecs=x\n"),
        include("bad expansion", "%(nothing)s"),
        include("expansion of environment", "%(ENV_NOPE)s.conf"),
        include("group over files", "a.conf b.conf")
            .file("a.conf", "[group:g]\nprograms=x\n")
            .file("b.conf", "[program:x]\ncommand=/bin/cat\nautostart=false\n"),
        Case::new(
            "include main program with here",
            "[program:m]\ncommand=/bin/cat\nautostart=false\ndirectory=%(here)s/m\n[include]\nfiles=a.conf\n",
        )
        .file("a.conf", PROGRAM),
    ]
}
