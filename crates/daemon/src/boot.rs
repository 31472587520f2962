//! From the command line to the first life of the daemon, and from one life to the next.

use crate::demo::Demo;
use crate::handover::{self, Arrival, REHEARSE, SavedState};
use crate::host::SystemHost;
use crate::life::{self, Launch};
use crate::shell::{Ending, Loader};
use crate::source::Source;
use crate::takeover::{self, TakeOver};
use crate::{audit, check, crash, output, plain};
use provost_config::cli::{self, Supervisord, SupervisordRun, UsageError};
use provost_config::{Config, Failure, Host, Overrides};
use provost_core::Core;
use provost_os::{clock, threads};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Panics within a minute after which supervisord goes on in its plain form.
const PANICS_MAX: usize = 3;

/// A thread that waits for a disk for so long hangs.
const HANGS: Duration = Duration::from_secs(1);

/// Everything went as asked.
pub const EXIT_OK: i32 = 0;
/// The command line, the configuration or the system did not allow a start.
pub const EXIT_REFUSED: i32 = 2;

/// An internal error that nothing could be done about.
pub const EXIT_FAILED: i32 = 70;

/// The version that compatible tools compare.
pub const COMPATIBLE_VERSION: &str = "4.3.0";

/// `supervisord`: its whole run; the result is the exit status.
pub fn main(args: &[OsString]) -> i32 {
    if args.get(1).is_some_and(|argument| argument == REHEARSE) {
        return handover::show();
    }
    // Passwords are in our memory as long as we live. Without the rights of root those who look after us could not see our
    // descriptors any more, which root always can.
    if provost_os::users::current_euid() == 0 {
        let _still_dumped = provost_os::dumps::leave_none();
    }
    provost_os::memory::give_back_early();
    crash::watch();
    match handover::arrive(args) {
        None => {}
        Some(Ok(arrival)) => return go_on(arrival),
        Some(Err(reason)) => return hold_out(&reason),
    }
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

/// Reads the configuration and begins the first life.
fn supervise(name: &str, path: PathBuf, run: SupervisordRun) -> i32 {
    let SupervisordRun {
        overrides,
        take_over_from,
        dry_run,
        ..
    } = run;
    let host = SystemHost::from_here();
    let loader: Loader = Arc::new(Source::new(path, overrides, host));
    let config = match loader.load_first() {
        Ok(config) => Box::new(config),
        Err(failure) => return refuse_config(name, &failure),
    };
    let next = match take_over_from {
        None => Next::Begin(config, None),
        Some(from) => match takeover::begin(&from, dry_run, &config) {
            Ok(None) => return EXIT_OK,
            Ok(Some(begun)) => Next::TakeOver(config, Box::new(begun)),
            Err(message) => return refuse_start(name, &message),
        },
    };
    live(name, &loader, next, &None)
}

/// Goes on for an earlier image of this process.
fn go_on(arrival: Arrival) -> i32 {
    let Arrival {
        state,
        arguments,
        refused,
        before,
    } = arrival;
    let host = SystemHost::from(state.source.start.clone());
    let overrides = match cli::parse_supervisord(&arguments, &host) {
        Ok(Supervisord::Run(run) | Supervisord::Demo(run)) => run.overrides,
        // The image before was started with them. If they mean nothing any more (a directory is gone), the file alone
        // counts at the next reread.
        Ok(_) | Err(_) => Overrides::default(),
    };
    let path = state.source.path.clone();
    let loader: Loader = Arc::new(Source::new(path, overrides, host).known(&state.source));
    let probation = before.zip(state.probation_until);
    let next = Next::GoOn(Box::new(state), refused);
    live("supervisord", &loader, next, &probation)
}

/// What the next life begins with.
enum Next {
    /// A configuration, and the core of the life before.
    Begin(Box<Config>, Option<Box<Core>>),
    /// A configuration, and the supervisord in whose place it goes on.
    TakeOver(Box<Config>, Box<TakeOver>),
    /// The state of an image whose life goes on, and why the program that was to take our place did not.
    GoOn(Box<SavedState>, Option<String>),
}

/// The program before us, and until when (in monotonic nanoseconds) it takes our place if we fail.
type Probation = Option<(OwnedFd, u64)>;

/// Lives one life after another until one ends for good.
fn live(name: &str, loader: &Loader, mut next: Next, probation: &Probation) -> i32 {
    loop {
        let (daemon, deed, ending) = match next {
            Next::Begin(config, previous) => {
                let (daemon, is_first) = (config.supervisord.clone(), previous.is_none());
                let launch = Launch {
                    config: *config,
                    previous: previous.map(|core| *core),
                    loader: Arc::clone(loader),
                    take_over: None,
                };
                let deed = (!is_first).then_some("start again");
                (daemon, deed, life::live(launch))
            }
            Next::TakeOver(config, take_over) => {
                let daemon = config.supervisord.clone();
                let launch = Launch {
                    config: *config,
                    previous: None,
                    loader: Arc::clone(loader),
                    take_over: Some(*take_over),
                };
                // Who takes over has left the terminal by the time at which it could still fail.
                (daemon, Some("take over"), life::live(launch))
            }
            Next::GoOn(state, refused) => {
                let daemon = state.life.daemon.clone();
                let ending = life::go_on(*state, Arc::clone(loader), refused);
                (daemon, Some("go on"), ending)
            }
        };
        next = match ending {
            Ok(Ending::Shutdown) => return EXIT_OK,
            Ok(Ending::Restart(config, core)) => Next::Begin(config, Some(core)),
            Ok(Ending::HandOver(state, rehearsed)) => {
                let held_up = held_up(&state);
                let reason = held_up.unwrap_or_else(|| handover::depart(&state, &rehearsed));
                Next::GoOn(state, Some(reason))
            }
            Ok(Ending::Failed(state)) => {
                let now = clock::mono().0;
                let on_probation = probation.as_ref().filter(|(_, until)| now < *until);
                if on_probation.is_none() && state.panics.len() >= PANICS_MAX {
                    return plain::live(*state);
                }
                let reason = match (on_probation, held_up(&state)) {
                    (_, Some(held_up)) => held_up,
                    (Some((before, _)), None) => {
                        let why = "the new program failed on probation";
                        handover::go_back_to(before, &state, why)
                    }
                    (None, None) => handover::begin_anew(&state),
                };
                Next::GoOn(state, Some(reason))
            }
            Err(message) => {
                if let Some(deed) = deed {
                    life::last_words(&daemon, deed, &message);
                }
                return refuse_start(name, &message);
            }
        };
    }
}

/// Why no other image can take our place now: a thread hangs. The system waits for each, and no other image can have what a
/// logs thread has.
fn held_up(state: &SavedState) -> Option<String> {
    let hung = || {
        let name = threads::hung(HANGS)?;
        Some(format!(
            "the thread '{name}' has waited for a disk for more than a second; see what the disk is doing"
        ))
    };
    state.stuck.reason().or_else(hung)
}

/// Neither this program nor the one before can go on.
fn hold_out(reason: &str) -> i32 {
    output::err(&format!(
        "supervisord: an upgrade failed, and neither program can go on: {reason}. Programs live on; end this process and \
         start supervisord again: it takes them over.\n"
    ));
    handover::hold_out();
    EXIT_REFUSED
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
