//! From the command line to the first life of the daemon, and from one life to the next.

use crate::demo::Demo;
use crate::host::SystemHost;
use crate::life::{self, Launch};
use crate::shell::{Ending, Loader};
use crate::source::Source;
use crate::takeover;
use crate::{audit, check, output};
use provost_config::cli::{self, Supervisord, SupervisordRun, UsageError};
use provost_config::{Failure, Host};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything went as asked.
pub const EXIT_OK: i32 = 0;
/// The command line, the configuration or the system did not allow a start.
pub const EXIT_REFUSED: i32 = 2;

/// The version that compatible tools compare.
pub const COMPATIBLE_VERSION: &str = "4.3.0";

/// `supervisord`: its whole run; the result is the exit status.
pub fn main(args: &[OsString]) -> i32 {
    let name = args.first().map_or_else(
        || "supervisord".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    match cli::parse_supervisord(args, &SystemHost::from_here()) {
        Ok(Supervisord::Help(text)) => {
            output::out(&text);
            EXIT_OK
        }
        Ok(Supervisord::Version) => {
            output::out(&format!("{COMPATIBLE_VERSION}\n"));
            EXIT_OK
        }
        Ok(Supervisord::About) => {
            output::out(&about());
            EXIT_OK
        }
        Ok(Supervisord::Check { run, json }) => match config_path(&run) {
            Ok(path) => check::run(&path, &run.overrides, json),
            Err(message) => refuse(&name, &message),
        },
        Ok(Supervisord::VerifyAudit(path)) => verify_audit(&name, &path),
        Ok(Supervisord::Demo(run)) => demo(&name, run),
        Ok(Supervisord::Run(run)) => match config_path(&run) {
            Ok(path) => supervise(&name, path, run),
            Err(message) => refuse(&name, &message),
        },
        Err(UsageError { message }) => refuse(&name, &message),
    }
}

/// What `--about` says: our own name and version beside the compatible one.
fn about() -> String {
    format!(
        "provost {}, a process control system; compatible with Supervisor {COMPATIBLE_VERSION}\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn verify_audit(name: &str, path: &Path) -> i32 {
    match audit::verify(path) {
        Ok((text, true)) => {
            output::out(&text);
            EXIT_OK
        }
        Ok((text, false)) => {
            output::err(&text);
            EXIT_REFUSED
        }
        Err(error) => refuse(name, &format!("could not read {}: {error}", path.display())),
    }
}

fn demo(name: &str, mut run: SupervisordRun) -> i32 {
    let demo = match Demo::prepare() {
        Ok(demo) => demo,
        Err(error) => {
            return refuse(
                name,
                &format!("could not prepare the demonstration: {error}"),
            );
        }
    };
    output::out(&demo.greeting());
    run.configuration = Some(demo.config());
    supervise(name, demo.config(), run)
}

/// The configuration file: the one named, or the first of upstream's places that exists.
fn config_path(run: &SupervisordRun) -> Result<PathBuf, String> {
    let host = SystemHost::from_here();
    if let Some(path) = &run.configuration {
        cli::named_config(path, &host)
    } else {
        if host.uid() == 0 {
            output::err(&format!("{}: {}\n", run.argv0, cli::ROOT_SEARCH_WARNING));
        }
        cli::default_config(&run.argv0, &host)
    }
}

/// Lives one life after another until one ends for good.
fn supervise(name: &str, path: PathBuf, run: SupervisordRun) -> i32 {
    let SupervisordRun {
        overrides,
        take_over_from,
        dry_run,
        ..
    } = run;
    let host = SystemHost::from_here();
    let loader: Loader = Arc::new(Source::new(path, overrides, host));
    let mut config = match loader.load() {
        Ok(config) => config,
        Err(failure) => return refuse_config(name, &failure),
    };
    let mut take_over = None;
    if let Some(from) = &take_over_from {
        match takeover::begin(from, dry_run, &config) {
            Ok(None) => return EXIT_OK,
            Ok(begun) => take_over = begun,
            Err(message) => return refuse_start(name, &message),
        }
    }
    let mut previous = None;
    loop {
        let daemon = config.supervisord.clone();
        // Who takes over has left the terminal by the time at which it could still fail.
        let deed = if take_over.is_some() {
            Some("take over")
        } else {
            previous.is_some().then_some("start again")
        };
        let launch = Launch {
            config,
            previous,
            loader: Arc::clone(&loader),
            take_over: take_over.take(),
        };
        match life::live(launch) {
            Ok(Ending::Shutdown) => return EXIT_OK,
            Ok(Ending::Restart(next, core)) => (config, previous) = (*next, Some(*core)),
            Err(message) => {
                if let Some(deed) = deed {
                    life::last_words(&daemon, deed, &message);
                }
                return refuse_start(name, &message);
            }
        }
    }
}

/// Upstream's two lines, then what more is known: the lines after the first.
fn refuse_start(name: &str, message: &str) -> i32 {
    let (sentence, detail) = message.split_once('\n').unwrap_or((message, ""));
    refuse(name, sentence);
    if !detail.is_empty() {
        output::err(&format!("{detail}\n"));
    }
    EXIT_REFUSED
}

/// Upstream's two lines, then every problem with its place.
fn refuse_config(name: &str, failure: &Failure) -> i32 {
    refuse(name, &failure.upstream_message);
    let details = provost_config::render(&failure.diagnostics, &failure.sources);
    if !details.is_empty() {
        output::err(&format!("\n{details}"));
    }
    EXIT_REFUSED
}

/// Upstream's two lines on stderr.
fn refuse(name: &str, message: &str) -> i32 {
    output::err(&format!("Error: {message}\nFor help, use {name} -h\n"));
    EXIT_REFUSED
}
