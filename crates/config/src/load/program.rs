//! Processes from a `[program:x]`, `[eventlistener:x]` or `[fcgi-program:x]` section, in upstream's order of looking.
//!
//! What differs from process to process is read in [`super::process`].

use super::additions::Additions;
use super::process::{Instance, Own, Written};
use super::reader::{Got, Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::environment::{self, Pairs};
use crate::options::program::{self as keys, ChannelOptions};
use crate::sections::Value;
use provost_model::Signal;
use provost_model::spec::{AutoRestart, OutputSpec, ProcessSpec};
use std::sync::Arc;

/// The most processes that one section may ask for. Upstream would try any number until memory ends.
const MAX_NUMPROCS: i64 = 100_000;

/// What to do about a name with a character that has a meaning of its own.
const NAME_ADVICE: &str = "use letters, digits, `-`, `_` and `.`";

/// A section that processes are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The whole section name.
    pub(crate) section: &'a str,
    /// What stands behind the colon.
    pub(crate) name: &'a str,
    /// The group that the processes belong to.
    pub(crate) group: &'a str,
}

/// What all processes of a section have in common.
struct Common {
    priority: i64,
    autostart: bool,
    autorestart: AutoRestart,
    startsecs: i64,
    startretries: i64,
    stopsignal: Signal,
    stopwaitsecs: i64,
    stopasgroup: bool,
    killasgroup: bool,
    additions: Additions,
    exitcodes: Vec<i32>,
    redirect_stderr: bool,
    numprocs: i64,
    numprocs_start: i64,
    stdout: Events,
    stderr: Events,
    serverurl: Option<String>,
    uid: Option<u32>,
    umask: Option<u32>,
    process_name: Got,
}

/// What all processes of a section have in common about one channel.
#[derive(Clone, Copy)]
struct Events {
    capture_maxbytes: i64,
    events_enabled: bool,
}

impl Reader<'_> {
    /// All processes of a section, by (priority, name). `base` is the environment of `[supervisord]`.
    pub(crate) fn processes(
        &mut self,
        origin: Origin<'_>,
        base: &Pairs,
    ) -> Result<Vec<Arc<ProcessSpec>>, Told> {
        let mut scope = self
            .scope(origin.section)
            .name("host_node_name", Arc::clone(&self.node));
        scope.names_its_file = true;
        let program = self.name(&scope, origin.name)?;
        let scope = scope
            .name("program_name", program.as_str())
            .name("group_name", origin.group);
        let common = match self.common(&scope) {
            Ok(common) => common,
            Err(told) => {
                // Nothing will come of this section, but the rest of it is looked at, so that all is told at once.
                let expression = self.raw(origin.section, &keys::PROCESS_NAME).ok_or(Told)?;
                let _ = self.own(&scope, Instance { number: 0, of: 1 }, false, &expression);
                return Err(told);
            }
        };
        let mut processes = Vec::new();
        for number in common.numprocs_start..common.numprocs_start.saturating_add(common.numprocs) {
            let instance = Instance {
                number,
                of: common.numprocs,
            };
            let own = self.own(
                &scope,
                instance,
                common.redirect_stderr,
                &common.process_name,
            )?;
            processes.push(Arc::new(complete(origin, &program, &common, own, base)));
        }
        processes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Ok(processes)
    }

    /// A name from a section header.
    pub(crate) fn name(&mut self, scope: &Scope, text: &str) -> Result<String, Told> {
        kinds::name(text).map_err(|bad| {
            let help = Some(NAME_ADVICE.to_owned());
            self.wrong(scope, Code::BadName, &bad.upstream, None, help)
        })
    }

    fn common(&mut self, scope: &Scope) -> Result<Common, Told> {
        let host = self.host;
        let priority = self.value(scope, &keys::PRIORITY, kinds::integer);
        let autostart = self.value(scope, &keys::AUTOSTART, kinds::boolean);
        let autorestart = self.value(scope, &keys::AUTORESTART, kinds::autorestart);
        let startsecs = self.value(scope, &keys::STARTSECS, kinds::integer);
        let startretries = self.value(scope, &keys::STARTRETRIES, kinds::integer);
        let stopsignal = self.value(scope, &keys::STOPSIGNAL, kinds::signal);
        let stopwaitsecs = self.value(scope, &keys::STOPWAITSECS, kinds::integer);
        let stopasgroup = self.value(scope, &keys::STOPASGROUP, kinds::boolean);
        let killasgroup = self.optional(scope, &keys::KILLASGROUP, kinds::boolean);
        let additions = self.additions(scope);
        let exitcodes = self.value(scope, &keys::EXITCODES, kinds::exit_codes);
        let redirect_stderr = self.value(scope, &keys::REDIRECT_STDERR, kinds::boolean);
        let numprocs = self.value(scope, &keys::NUMPROCS, kinds::integer);
        let numprocs_start = self.value(scope, &keys::NUMPROCS_START, kinds::integer);
        let stdout = self.channel(scope, &keys::STDOUT);
        let stderr = self.channel(scope, &keys::STDERR);
        let serverurl = self.text(scope, &keys::SERVERURL);
        let user = self.optional(scope, &keys::USER, |text| kinds::user(text, host));
        let umask = self.optional(scope, &keys::UMASK, kinds::octal);
        let process_name = self.process_name(scope);
        if let (Ok(numprocs), Ok(process_name)) = (&numprocs, &process_name) {
            self.check_numprocs(scope, *numprocs, process_name)?;
        }
        let stopasgroup = stopasgroup?;
        let killasgroup = killasgroup?.unwrap_or(stopasgroup);
        if stopasgroup && !killasgroup {
            let place = self
                .sections
                .get(&scope.section, keys::KILLASGROUP.name)
                .map(Value::place);
            let help = Some("remove `killasgroup=false`, or set `stopasgroup=false`".to_owned());
            let sentence = "Cannot set stopasgroup=true and killasgroup=false";
            return Err(self.wrong(scope, Code::Contradiction, sentence, place, help));
        }
        let stopsignal = stopsignal?;
        if stopsignal.number() == 0 {
            let place = self
                .sections
                .get(&scope.section, keys::STOPSIGNAL.name)
                .map(Value::place);
            let message =
                "signal 0 asks nothing of the program; a stop waits for SIGKILL".to_owned();
            let help = Some("write a signal that ends the program, such as `TERM`".to_owned());
            self.report.warn(Code::NoEffect, message, place, help);
        }
        let automatic = |url: &Got| crate::python::strip(&url.text).eq_ignore_ascii_case("AUTO");
        Ok(Common {
            priority: priority?,
            autostart: autostart?,
            autorestart: autorestart?,
            startsecs: startsecs?,
            startretries: startretries?,
            stopsignal,
            stopwaitsecs: stopwaitsecs?,
            stopasgroup,
            killasgroup,
            additions: additions?,
            exitcodes: exitcodes?,
            redirect_stderr: redirect_stderr?,
            numprocs: numprocs?,
            numprocs_start: numprocs_start?,
            stdout: stdout?,
            stderr: stderr?,
            serverurl: serverurl?
                .filter(|url| !automatic(url))
                .map(|url| url.text.into_owned()),
            uid: user?.map(|user| user.uid),
            umask: umask?,
            process_name: process_name?,
        })
    }

    fn channel(&mut self, scope: &Scope, options: &ChannelOptions) -> Result<Events, Told> {
        let capture_maxbytes = self.value(scope, options.capture_maxbytes, kinds::byte_size);
        let events_enabled = self.value(scope, options.events_enabled, kinds::boolean);
        Ok(Events {
            capture_maxbytes: capture_maxbytes?,
            events_enabled: events_enabled?,
        })
    }

    /// The expression of `process_name`, checked as written.
    fn process_name(&mut self, scope: &Scope) -> Result<Got, Told> {
        let got = self.raw(&scope.section, &keys::PROCESS_NAME).ok_or(Told)?;
        match kinds::name(&got.text) {
            Ok(text) => Ok(Got {
                text: text.into(),
                ..got
            }),
            Err(bad) => {
                let help = Some(NAME_ADVICE.to_owned());
                Err(self.wrong(scope, Code::BadName, &bad.upstream, got.place(), help))
            }
        }
    }

    fn check_numprocs(
        &mut self,
        scope: &Scope,
        numprocs: i64,
        process_name: &Got,
    ) -> Result<(), Told> {
        if numprocs > 1 && !process_name.text.contains("%(process_num)") {
            let sentence = "%(process_num) must be present within process_name when numprocs > 1";
            let place = process_name.place().or_else(|| {
                self.sections
                    .get(&scope.section, keys::NUMPROCS.name)
                    .map(Value::place)
            });
            let help = Some("write `process_name=%(program_name)s_%(process_num)02d`".to_owned());
            return Err(self.wrong(scope, Code::Contradiction, sentence, place, help));
        }
        if numprocs > MAX_NUMPROCS {
            let place = self
                .sections
                .get(&scope.section, keys::NUMPROCS.name)
                .map(Value::place);
            let sentence = format!("numprocs is above the limit of {MAX_NUMPROCS}");
            let help = Some(format!("write a number up to {MAX_NUMPROCS}"));
            return Err(self.wrong(scope, Code::Limit, &sentence, place, help));
        }
        Ok(())
    }
}

/// Puts a process together.
fn complete(
    origin: Origin<'_>,
    program: &str,
    common: &Common,
    own: Own,
    base: &Pairs,
) -> ProcessSpec {
    let mut environment = Vec::with_capacity(base.len() + own.environment.len());
    environment.extend_from_slice(base);
    for (key, value) in own.environment {
        environment::set(&mut environment, key, value);
    }
    ProcessSpec {
        name: own.name,
        group: origin.group.to_owned(),
        program: program.to_owned(),
        command: own.command,
        directory: own.directory,
        umask: common.umask,
        priority: common.priority,
        autostart: common.autostart,
        autorestart: common.autorestart,
        startsecs: common.startsecs,
        startretries: common.startretries,
        uid: common.uid,
        stdout: output(own.stdout, common.stdout),
        stderr: output(own.stderr, common.stderr),
        redirect_stderr: common.redirect_stderr,
        stopsignal: common.stopsignal,
        stopwaitsecs: common.stopwaitsecs,
        stopasgroup: common.stopasgroup,
        killasgroup: common.killasgroup,
        stop_cont: common.additions.stop_cont,
        stop_tree: common.additions.stop_tree,
        sigpipe_default: common.additions.sigpipe_default,
        logfile_full: common.additions.logfile_full,
        confinement: common.additions.confinement,
        exitcodes: common.exitcodes.clone(),
        environment,
        serverurl: common.serverurl.clone(),
        socket: None,
    }
}

fn output(written: Written, events: Events) -> OutputSpec {
    OutputSpec {
        logfile: written.logfile,
        maxbytes: written.maxbytes,
        backups: written.backups,
        capture_maxbytes: events.capture_maxbytes,
        events_enabled: events.events_enabled,
        syslog: written.syslog,
    }
}
