//! `--take-over-from`: going on in the place of a supervisord of Python that runs, without a restart of its programs.
//!
//! 1. [`target`] finds it and makes sure that everything is allowed; [`plan`] rehearses the configuration.
//! 2. [`seize`] halts it at a moment at which it has nothing in its hands, and copies its pipes and sockets.
//! 3. The life that follows starts as always, with those in place of new ones.
//! 4. When nothing is left that could fail, [`TakeOver::commit`] ends the old daemon where it stands.
//!
//! Until then every error, and even the end of this process, lets the old daemon go on as if nothing had been.

mod look;
mod old;
pub mod outside;
mod pipes;
mod plan;
mod rpc;
mod seize;
mod service;
mod state;
mod surroundings;
mod target;
#[cfg(test)]
mod testing;

use crate::adopt::Adopted;
use crate::logs::{self, Logger};
use crate::output;
use crate::runs::{self, Found, Held};
use crate::servers::Open;
use crate::supervise::log_paths;
use old::Old;
use plan::{Plan, rehearse};
use provost_config::Config;
use provost_core::adopt::Reason;
use provost_model::config::MainLog;
use provost_model::spec::LogFile;
use provost_model::{ExitStatus, FcgiSpec, Level, Pid, Resting, SupervisorState};
use provost_os::pidfd::Ended;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

/// What of a process was taken out of the hands of the old daemon.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Our ends of its standard input, output and error output.
    pub(crate) pipes: [Option<OwnedFd>; 3],
    /// How it ended, if it did before the old daemon did.
    pub(crate) ended: Option<ExitStatus>,
    /// Whether the socket that it shares was taken, too.
    pub(crate) has_socket: bool,
    /// When a process of its name ended before it.
    pub(crate) last_end: Option<provost_model::Wall>,
}

/// A process that rests on, and the AUTO logs that it has.
pub(crate) type Rest = (Resting, [Option<PathBuf>; 2]);

/// A take-over under way. Dropping it lets the old daemon go on, unless it was committed.
#[derive(Debug)]
pub(crate) struct TakeOver {
    held: Vec<Held>,
    stop: Vec<(Held, Reason)>,
    rests: Vec<Rest>,
    sockets: Option<Open>,
    shared: HashMap<String, OwnedFd>,
    lines: Vec<(Level, String)>,
    summary: String,
    // Dropped last: everything is as it was before the old daemon goes on.
    restore: Restore,
}

/// What is put back if it comes to nothing.
#[derive(Debug)]
struct Restore {
    pidfile: PathBuf,
    content: Vec<u8>,
    /// Run records that were not there before.
    records: Option<PathBuf>,
    old: Old,
    committed: bool,
}

impl Drop for Restore {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        if fs::read(&self.pidfile).is_ok_and(|now| now != self.content) {
            // Where it cannot be written any more, the old daemon still runs.
            let _ = fs::write(&self.pidfile, &self.content);
        }
        if let Some(records) = &self.records {
            // They may not have been made.
            let _ = fs::remove_file(records);
        }
        // In the background nobody reads it; the log of the new daemon then has the reason.
        let pid = self.old.pid;
        output::err(&format!(
            "the supervisord with pid {pid} goes on as before\n"
        ));
    }
}

/// Takes everything over up to the point of no return. None for a rehearsal, which has told all there is to tell.
pub(crate) fn begin(
    from: &str,
    dry_run: bool,
    config: &Config,
) -> Result<Option<TakeOver>, String> {
    let mut old = target::find(from, config)?;
    let pidfile = config.supervisord.pidfile.clone();
    let mut plan = ask(&old, config)?;
    // Of what surrounds the processes; nothing of it changes.
    let mut around = Vec::new();
    let missing = check_sockets(&old, config, &mut around)?;
    plan.problems.extend(missing);
    match service::check(old.pid, &pidfile) {
        Ok(warning) => around.extend(warning),
        Err(problem) => plan.problems.push(problem),
    }
    plan.problems.extend(check_logs(&plan, config));
    let theirs = provost_os::foreign::environment(old.pid);
    around.extend(surroundings::difference(&theirs, &surroundings::ours()));
    plan.warnings.extend(around.iter().cloned());
    if dry_run {
        output::out(&describe(&old, config, &plan));
    }
    if !plan.problems.is_empty() {
        return Err(format!(
            "cannot take over from the supervisord with pid {}; it was not touched\n{}",
            old.pid,
            plan.problems.join("\n")
        ));
    }
    if dry_run {
        return Ok(None);
    }
    let records = provost_wire::runs::path_beside(&pidfile);
    let records = (!records.exists()).then_some(records);
    old.watch_over(&pidfile, records.as_deref())?;
    let content = fs::read(&pidfile)
        .map_err(|error| format!("could not read the pid file {}: {error}", pidfile.display()))?;
    let seized = seize::seize(&mut old, plan, config)?;
    let mut lines = seized.lines;
    around.extend(service::join(old.pid));
    lines.extend(around.into_iter().map(|line| (Level::Warn, line)));
    Ok(Some(TakeOver {
        restore: Restore {
            pidfile,
            content,
            records,
            old,
            committed: false,
        },
        held: seized.held,
        stop: seized.stop,
        rests: seized.rests,
        sockets: Some(seized.sockets),
        shared: seized.shared,
        lines,
        summary: seized.summary,
    }))
}

/// Asks the old daemon for the states, and rehearses.
fn ask(old: &Old, config: &Config) -> Result<Plan, String> {
    let state = old.client.call("supervisor.getState")?;
    let code = state
        .member("statecode")
        .and_then(provost_wire::xmlrpc::Value::as_int);
    if code != Some(SupervisorState::Running.code().into()) {
        return Err(format!(
            "the supervisord with pid {} is shutting down or starting again; wait for that to end",
            old.pid
        ));
    }
    let answer = old.client.call("supervisor.getAllProcessInfo")?;
    let states =
        state::read(&answer).ok_or("supervisor.getAllProcessInfo was answered with nonsense")?;
    let listening = seize::listening(old)?;
    let has = |spec: &FcgiSpec| {
        listening
            .iter()
            .any(|socket| target::shares(&spec.address, socket))
    };
    Ok(rehearse(&config.groups, states, &has))
}

/// Servers of the configuration that the old daemon does not have. Nothing is changed by looking.
fn check_sockets(
    old: &Old,
    config: &Config,
    warnings: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let listening = seize::listening(old)?;
    let missing = config.servers.iter().filter(|server| {
        let has = |socket| target::serves(&server.address, socket);
        !listening.iter().any(has)
    });
    let missing = missing.map(target::missing).collect();
    let others = listening.iter().filter(|socket| {
        let has =
            |server: &provost_model::config::ServerSpec| target::serves(&server.address, socket);
        let mut shared = config.groups.iter().flat_map(|group| group.sockets());
        !config.servers.iter().any(has) && !shared.any(|spec| target::shares(&spec.address, socket))
    });
    let others = others.count();
    if others > 0 {
        warnings.push(format!(
            "{others} sockets at which the old supervisord listens are not in the configuration; they end with it"
        ));
    }
    Ok(missing)
}

/// Logs of programs that run on and that cannot be written.
fn check_logs(plan: &Plan, config: &Config) -> Vec<String> {
    let paths = log_paths(&config.supervisord);
    let mut problems = Vec::new();
    for (name, log) in logs_of(plan, config) {
        if let Err(refusal) = logs::could_open(&log, paths) {
            problems.push(unwritable(&name, &log, &refusal));
        }
    }
    problems
}

fn unwritable(name: &str, log: &std::path::Path, refusal: &provost_os::spot::Refusal) -> String {
    format!(
        "the log {} of '{name}' cannot be written: {refusal}",
        log.display()
    )
}

fn logs_of(plan: &Plan, config: &Config) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for (state, fate) in &plan.rows {
        let spec = plan::spec_of(&config.groups, &state.group, &state.name);
        let (plan::Fate::Kept(_), Some(spec)) = (fate, spec) else {
            continue;
        };
        for (log, auto) in [&spec.stdout.logfile, &spec.stderr.logfile]
            .into_iter()
            .zip(state.auto_logs(spec))
        {
            let log = match log {
                LogFile::Path(path) => Some(path.to_path_buf()),
                LogFile::Auto => auto,
                LogFile::None => None,
            };
            found.extend(log.map(|log| (state.namespec(), log)));
        }
    }
    found
}

/// What a rehearsal prints.
fn describe(old: &Old, config: &Config, plan: &Plan) -> String {
    let mut text = format!(
        "take over from Supervisor {}, pid {}, pid file {}\n",
        old.version,
        old.pid,
        config.supervisord.pidfile.display()
    );
    for server in &config.servers {
        let place = rpc::place(&server.address);
        let _ = writeln!(text, "socket  {place}");
    }
    if let MainLog::File(path) = &config.supervisord.logfile {
        let _ = writeln!(text, "log     {}", path.display());
    }
    text.push_str(&plan.table());
    for warning in &plan.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(text, "{}; nothing was touched", plan.summary());
    text
}

impl TakeOver {
    /// What is taken over, in place of what run records tell of, with lines for the main log.
    pub(crate) fn found(&mut self) -> Found {
        let mut lines = std::mem::take(&mut self.lines);
        let text = format!(
            "taking over from Supervisor {} with pid {}: {}",
            self.restore.old.version, self.restore.old.pid, self.summary
        );
        lines.push((Level::Info, text));
        Found {
            adopt: std::mem::take(&mut self.held),
            lines,
            ..Found::default()
        }
    }

    /// The sockets.
    pub(crate) fn sockets(&mut self) -> Option<Open> {
        self.sockets.take()
    }

    /// Opens each log as the user that will write it, while somebody sees the error.
    pub(crate) fn rehearse_logs(found: &Found, config: &Config) -> Result<(), String> {
        let paths = log_paths(&config.supervisord);
        for held in &found.adopt {
            let spec = plan::spec_of(&config.groups, &held.record.group, &held.record.name);
            let Some(spec) = spec else { continue };
            let files = [&spec.stdout.logfile, &spec.stderr.logfile];
            for (file, auto) in files.into_iter().zip(&held.record.auto_logs) {
                let log = match file {
                    LogFile::Path(path) => Some(&**path),
                    LogFile::Auto => auto.as_deref(),
                    LogFile::None => None,
                };
                if let Some(log) = log
                    && let Err(refusal) = logs::can_open(log, paths)
                {
                    return Err(unwritable(&held.namespec(), log, &refusal));
                }
            }
        }
        Ok(())
    }

    /// Ends the old daemon. An error means that it goes on; after this there is nothing to go back to.
    pub(crate) fn commit(mut self, adopted: &mut Adopted) -> Result<Committed, String> {
        for held in adopted.awaited() {
            // A kernel that tells of an end only as long as nobody has collected it is asked now.
            if held.process.has_ended()
                && let Ended::As(status) = held.process.end()
                && let Some(taken) = &mut held.taken
            {
                taken.ended = Some(status);
            }
        }
        adopted.rest(std::mem::take(&mut self.rests));
        adopted.share(std::mem::take(&mut self.shared));
        let stood = self.restore.old.end()?;
        self.restore.committed = true;
        Ok(Committed {
            pid: self.restore.old.pid,
            stood,
            stop: std::mem::take(&mut self.stop),
        })
    }
}

/// What is left to be done once the old daemon is gone.
pub(crate) struct Committed {
    pid: Pid,
    /// How long nobody read what the programs wrote.
    stood: Duration,
    stop: Vec<(Held, Reason)>,
}

impl Committed {
    /// Stops what cannot run on, before anything is started.
    pub(crate) fn finish(self, config: &Config, logger: &Logger) {
        let text = format!(
            "the supervisord with pid {} is gone, after it stood still for {} ms; its programs run on",
            self.pid,
            self.stood.as_millis()
        );
        logger.log(Level::Info, text);
        let mut found = Found {
            stop: self.stop,
            ..Found::default()
        };
        runs::stop(&mut found, config, &mut |level, text| {
            logger.log(level, text);
        });
    }
}
