//! From a command line to an exit status.

use crate::commands::plugins::Plugins;
use crate::dispatch::{After, run_line};
use crate::exit;
use crate::host::Machine;
use crate::input::Input;
use crate::output::Output;
use crate::session::{Server, Session};
use crate::shell;
use crate::transport::{Credentials, Trust};
use provost_config::cli::{self, Supervisorctl, SupervisorctlRun};
use provost_config::{CtlConfig, Failure, load_supervisorctl, render};
use provost_model::access::wipe;
use provost_os::{arguments, dumps, tty};
use std::ffi::OsString;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

/// The variable that names a file with the password.
const PASSWORD_FILE: &str = "SUPERVISOR_PASSWORD_FILE";

/// Runs supervisorctl with all of its arguments, its own name first, and answers the exit status.
pub fn main(args: &[OsString]) -> i32 {
    // Passwords pass through here. A system that does not have this has no better way either.
    let _still_dumped = dumps::leave_none();
    let mut output = Output::standard();
    let argv0 = args
        .first()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match cli::parse_supervisorctl(args) {
        Err(error) => refuse(&mut output, &error.message, &argv0),
        Ok(Supervisorctl::Help(text)) => {
            output.put(text.as_bytes());
            // Help that nobody can read is no failure of anything.
            _ = output.flush();
            exit::SUCCESS
        }
        Ok(Supervisorctl::Run(run)) => match configuration(&run) {
            Ok(config) => match with_password(&run, config) {
                Ok(config) => serve(&run, config, output),
                Err(problem) => refuse(&mut output, &problem, &argv0),
            },
            Err(failure) => {
                let status = refuse(&mut output, &failure.upstream_message, &argv0);
                output.talk(render(&failure.diagnostics, &failure.sources).trim_end());
                status
            }
        },
    }
}

/// Upstream's two lines about what cannot be used.
fn refuse(output: &mut Output, problem: &str, argv0: &str) -> i32 {
    output.talk(&format!("Error: {problem}"));
    output.talk(&format!("For help, use {argv0} -h"));
    exit::USAGE
}

/// What the file says, or what holds without one, with the command line's values over it.
fn configuration(run: &SupervisorctlRun) -> Result<CtlConfig, Failure> {
    let file_config = match file_of(run) {
        Some(path) => load_supervisorctl(&path, &Machine)?,
        None => CtlConfig::default(),
    };
    Ok(CtlConfig {
        serverurl: run.serverurl.clone().unwrap_or(file_config.serverurl),
        username: run.username.clone().or(file_config.username),
        password: run.password.clone().or(file_config.password),
        password_file: file_config.password_file,
        daemon_uid: file_config.daemon_uid,
        prompt: file_config.prompt,
        history_file: run.history_file.clone().or(file_config.history_file),
        plugins: file_config.plugins,
        tls: file_config.tls,
    })
}

/// Takes the password from the file that the environment or the configuration names. The one of the command line counts
/// more; it is made unreadable there, as far as that helps so late.
fn with_password(run: &SupervisorctlRun, mut config: CtlConfig) -> Result<CtlConfig, String> {
    if let Some(password) = &run.password {
        arguments::hide(password);
        return Ok(config);
    }
    let named = std::env::var_os(PASSWORD_FILE).filter(|path| !path.is_empty());
    let file = match named {
        Some(path) => PathBuf::from(path),
        None => match &config.password_file {
            Some(path) if config.password.is_none() => path.clone(),
            _ => return Ok(config),
        },
    };
    let text = fs::read_to_string(&file).map_err(|error| {
        format!(
            "could not read the password file {}: {error}",
            file.display()
        )
    })?;
    config.password = Some(text.lines().next().unwrap_or_default().to_owned());
    wipe(&mut text.into_bytes());
    Ok(config)
}

/// The file that is read.
fn file_of(run: &SupervisorctlRun) -> Option<PathBuf> {
    let named = run.configuration.clone();
    named.or_else(|| cli::find_config(&run.argv0, &Machine))
}

fn serve(run: &SupervisorctlRun, config: CtlConfig, mut output: Output) -> i32 {
    let input = match Input::stdin() {
        Ok(input) => input,
        Err(error) => {
            output.talk(&format!("error: cannot use the standard input: {error}"));
            return exit::GENERIC;
        }
    };
    let credentials = match (config.username, config.password) {
        (Some(username), Some(password)) => Some(Credentials { username, password }),
        _ => None,
    };
    let server = Server {
        url: config.serverurl,
        credentials,
        daemon: config.daemon_uid,
        trust: Trust {
            authorities: config.tls.authorities,
            fingerprint: config.tls.fingerprint,
            own: config.tls.own,
        },
    };
    let interactive = run.interactive || run.words.is_empty();
    let mut session = Session::new(server, interactive, output, input);
    session.plugins = Plugins::new(config.plugins);
    session.careful = !run.raw && tty::is_terminal(std::io::stdout().as_fd());
    session.configuration = file_of(run);
    if run.words.is_empty() {
        let at_terminal = shell::is_at_terminal();
        return shell::run(
            &mut session,
            &config.prompt,
            config.history_file.as_deref(),
            at_terminal,
        );
    }
    match run_line(&mut session, &run.words.join(" ")) {
        After::Interrupted => exit::INTERRUPTED,
        After::Next | After::Leave | After::Unheard => session.status(),
    }
}
