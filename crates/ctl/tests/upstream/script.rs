//! The script: what both clients are asked to do.

/// How the two may differ.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Compare {
    /// Not at all.
    All,
    /// Help is written in own words; the first line counts.
    FirstLine,
    /// Lines of help that show a form: what stands before the first tab counts.
    Forms,
    /// Generic errors are worded otherwise behind `error: `.
    Errors,
    /// Only standard output, and not the line ends at its end: where Ctrl-C finds upstream's threads is a matter of
    /// luck. Ours has to end with an empty line.
    Interrupted,
    /// Only standard output.
    Stdout,
    /// Lines come in the order in which processes get there, and the last failure makes the exit status. A program
    /// that ends at once is left aside: whether it is found in BACKOFF or in FATAL is a matter of luck.
    Sorted,
}

/// One call of the client.
pub(crate) struct Step {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: &'static str,
    /// Ctrl-C is pressed when this has been printed.
    pub(crate) interrupt_after: Option<&'static str>,
    pub(crate) compare: Compare,
}

pub(crate) fn step(line: &str) -> Step {
    let args = line.split_whitespace().map(ToOwned::to_owned).collect();
    Step {
        args,
        stdin: "",
        interrupt_after: None,
        compare: Compare::All,
    }
}

impl Step {
    fn words(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    pub(crate) fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    pub(crate) fn typed(mut self, stdin: &'static str) -> Self {
        self.stdin = stdin;
        self
    }

    pub(crate) fn interrupted_after(mut self, text: &'static str) -> Self {
        self.interrupt_after = Some(text);
        self
    }
}

pub(crate) const PROGRAMS: &str = "
[program:cat]
command=/bin/cat
[program:chatty]
command=/bin/sh -c 'echo grüße; echo bad >&2; exec sleep 1000'
startsecs=0
[program:gone]
command=/nonexistent/x
autostart=false
[program:fails]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
[program:silent]
command=/bin/sleep 1000
stdout_logfile=NONE
stderr_logfile=NONE
[program:many]
command=/bin/sleep 1000
numprocs=2
process_name=%(program_name)s_%(process_num)02d
autostart=false
priority=5
";

pub(crate) const CHANGED: &str = "
[program:cat]
command=/bin/cat
[program:chatty]
command=/bin/sh -c 'echo grüße; echo bad >&2; exec sleep 1001'
startsecs=0
[program:fails]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
[program:silent]
command=/bin/sleep 1000
stdout_logfile=NONE
stderr_logfile=NONE
[program:many]
command=/bin/sleep 1000
numprocs=2
process_name=%(program_name)s_%(process_num)02d
autostart=false
priority=5
[program:new]
command=/bin/sleep 1000
startsecs=0
[program:newer]
command=/bin/sleep 1000
autostart=false
";

/// Splits a list of command lines.
fn steps(lines: &'static str, compare: Compare) -> impl Iterator<Item = Step> {
    lines
        .lines()
        .filter(|line| !line.is_empty())
        .map(move |line| step(line).compare(compare))
}

/// Commands while the first configuration is in force.
const COMMANDS: &str = "
status
status cat
status many:*
status many: cat
status nope
status nope:*
status cat nope:x
status gone nope
status all
pid
pid all
pid cat
pid gone
pid nope
pid cat many:many_00 nope
start cat
start gone
start fails
start nope
start nope:*
start many:*
start many:many_00 cat
stop many:many_01
stop many:many_01
stop many:*
stop many:*
stop nope
stop nope:*
restart many:*
restart cat
restart nope:*
restart fails
signal HUP nope
signal nosuch cat
signal CONT cat gone
signal CONT many:*
signal CONT nope:*
signal 0 all
signal nosuch many:*
tail chatty
tail chatty stderr
tail chatty STDERR
tail -0 chatty
tail --2 chatty
tail silent
tail nope
tail chatty x'y
tail -f
tail -x chatty
tail -f nope
tail -f silent
tail -f chatty bad
maintail -x
maintail x
maintail -1
clear chatty
clear nope
clear silent
clear cat nope
clear all
avail
version
reread
update
update nope
update all
add cat
add nope
add
remove cat
remove nope
remove
help
?
help nope
help EOF
bogus
!x
EOF
quit
exit
open ftp://x
open
fg gone
fg nope
fg cat cat
stop all
stop all
start all
restart all
-i version
";

/// Commands that show their help because of their arguments.
const MISUSED: &str = "
fg
start
stop
restart
clear
signal
signal HUP
tail
tail a b c d
maintail a b
version x
avail x
reread x
shutdown x
reload x
";

/// Commands whose help shows forms of arguments.
const HELP: &str = "
add
avail
exit
fg
help
maintail
open
quit
reload
remove
reread
shutdown
signal
start
status
stop
update
version
";

/// Commands after the file has changed.
const AFTER_CHANGE: &str = "
reread
avail
add newer
add newer
update new nope
update
update
status
remove newer
remove newer
reread
reload
";

/// Commands that tell in their own words that the server is gone.
const AWAY: &str = "
status
pid
start x
shutdown
tail x
version
fg x
restart x
clear x
signal HUP x
-s http://127.0.0.1:CLOSED status
-s http://127.0.0.1:CLOSED pid
-s http://127.0.0.1:CLOSED shutdown
";

/// Commands that have no words of their own for it.
const GENERIC: &str = "
avail
reread
update
add x
remove x
reload
-s ftp://x status
";

/// Commands while the first configuration is in force.
pub(crate) fn first_part() -> Vec<Step> {
    let mut script: Vec<Step> = steps(COMMANDS, Compare::All).collect();
    for step in &mut script {
        if let [verb, "all" | "many:*"] = step.words().as_slice()
            && ["start", "stop", "restart"].contains(verb)
        {
            step.compare = Compare::Sorted;
        }
    }
    script.extend(steps(MISUSED, Compare::FirstLine));
    script.extend(steps(HELP, Compare::Forms).map(|mut step| {
        step.args.insert(0, "help".to_owned());
        step
    }));
    script.extend([
        step("-i shutdown").typed("n\n"),
        step("-i reload").typed("\n"),
        step("-i shutdown").compare(Compare::Errors),
        step("tail -f chatty")
            .interrupted_after("grüße")
            .compare(Compare::Interrupted),
        step("tail -f chatty stderr")
            .interrupted_after("bad")
            .compare(Compare::Interrupted),
        step("maintail -f")
            .interrupted_after("Ctrl-C")
            .compare(Compare::FirstLine),
        step("fg cat")
            .typed("one\n")
            .interrupted_after("one")
            .compare(Compare::Stdout),
        // The log begins in the middle of a character, which upstream's server cannot answer.
        step("tail -3 chatty").compare(Compare::Errors),
        step("-s http://127.0.0.1:GUARDED status").compare(Compare::FirstLine),
        step("-s http://127.0.0.1:GUARDED -u me -p wrong avail").compare(Compare::FirstLine),
        step("-s http://127.0.0.1:GUARDED -u me -p secret status cat"),
        step("-s http://localhost:GUARDED -u me -p secret tail chatty"),
        step("-s http://127.0.0.1:GUARDED -u me -p secret tail -f chatty")
            .interrupted_after("grüße")
            .compare(Compare::Interrupted),
        step("-s http://127.0.0.1:GUARDED -u me -p secret -i open http://127.0.0.1:GUARDED/"),
        step("").typed("version\n\n  \nbogus\nhelp nope\nstatus cat\nopen x\nquit\nversion\n"),
        step("").typed("pid gone"),
        step("").typed("shutdown\nn\nEOF\n"),
    ]);
    script
}

/// Commands after the file has changed, up to the restart of the server.
pub(crate) fn second_part() -> Vec<Step> {
    steps(AFTER_CHANGE, Compare::All).collect()
}

/// Commands around the end of the server.
pub(crate) fn last_part() -> Vec<Step> {
    let mut script = vec![step("shutdown")];
    script.extend(steps(AWAY, Compare::All));
    script.extend(steps(GENERIC, Compare::Errors));
    script
}
