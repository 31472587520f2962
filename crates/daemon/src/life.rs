//! One life of the daemon: privileges, limits, sockets, log, threads, until shutdown or restart.

use crate::api::About;
use crate::fcgi;
use crate::handover::{Kept, Paused, SavedConnection, SavedState};
use crate::logs::{self, MainLog, MainLogSettings, Stuck};
use crate::reload::{loaded_config, mistyped};
use crate::runs::{self, Found, Here, OpenRuns};
use crate::seal;
use crate::servers::{self, SocketFiles};
use crate::shell::{Ending, Loader};
use crate::supervise::{self, Services, log_paths, supervise};
use crate::takeover::TakeOver;
use provost_config::Config;
use provost_core::{Core, SERIALS_BLOCK};
use provost_model::config::{DaemonSpec, MainLog as MainLogTarget};
use provost_model::{Level, Run, Signal};
use provost_os::limits::{self, Resource};
use provost_os::pidfile::{PidFile, PidFileProblem};
use provost_os::signals;
use provost_os::{daemonize, users};
use provost_wire::runs::RunRecord;

/// What a life begins with.
pub(crate) struct Launch {
    /// The configuration.
    pub(crate) config: Config,
    /// The core of the life before. The first life raises limits and daemonises; later ones find that done.
    pub(crate) previous: Option<Core>,
    /// Reads the configuration again.
    pub(crate) loader: Loader,
    /// The supervisord in whose place this life goes on.
    pub(crate) take_over: Option<TakeOver>,
}

/// Lines for the main log, from before it could be opened.
type Early = Vec<(Level, String)>;

/// Lives. An error is the reason why supervisord cannot start, for the operator's terminal.
pub(crate) fn live(launch: Launch) -> Result<Ending, String> {
    let Launch {
        mut config,
        previous,
        loader,
        mut take_over,
    } = launch;
    let first = previous.is_none();
    let daemon = config.supervisord.clone();
    let mut early: Early = config.startup_messages.clone();
    early.extend(mistyped(&config.diagnostics));
    let about = About::of(&config);
    seal::config(&mut config).map_err(|error| no_random(&error))?;
    become_user(&daemon, &mut early)?;
    if first {
        raise_limits(&daemon, &mut early)?;
        signals::ignore(Signal::from_raw(13))
            .and_then(|()| signals::ignore(Signal::from_raw(25)))
            .map_err(|error| format!("could not ignore SIGPIPE and SIGXFSZ: {error}"))?;
    }
    let mut pidfile = PidFile::lock(&daemon.pidfile);
    if let Err(problem @ PidFileProblem::Held { .. }) = &pidfile {
        return Err(format!(
            "{problem}; shut that one down first, or give this one a pid file of its own"
        ));
    }
    let here = Here::ask();
    let mut found = match (&pidfile, &mut take_over) {
        (Ok(_), Some(take_over)) => take_over.found(),
        (Err(problem), Some(_)) => return Err(problem.to_string()),
        (Ok(_), None) => runs::find(&config, &here)?,
        (Err(_), None) => Found::default(),
    };
    early.append(&mut found.lines);
    let taken = take_over.as_mut().and_then(TakeOver::sockets);
    let reserved = taken.or_else(|| loader.reserve().take());
    let mut open = servers::open(&config.servers, reserved)?;
    loader.reserve().settle(&config.servers);
    let mut main_log = open_main_log(&daemon)?;
    // Upstream writes what is critical first, then warnings, then the rest.
    early.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    for (level, text) in early {
        main_log.write(level, &text);
    }
    let left = runs::stop(&mut found, &config, &mut |level, text| {
        main_log.write(level, text);
    });
    if take_over.is_some() {
        // Old logs were cleaned away by who made these, and still has the sockets of FastCGI programs.
        TakeOver::rehearse_logs(&found, &config)?;
    } else {
        if !daemon.nocleanup {
            let (dir, identifier) = (&daemon.childlogdir, &daemon.identifier);
            logs::clean_auto_logs(dir, identifier, &found.auto_logs(), &mut main_log);
        }
        try_sockets(&config, first, &mut main_log)?;
    }
    let has_users = !config.access.users.is_empty();
    servers::announce(&open, &config.rpcinterfaces, has_users, &mut main_log);
    let parent = if first && !daemon.nodaemon {
        let parent = detach(&daemon, &mut main_log)?;
        servers::claim(&open)?;
        Some(parent)
    } else {
        None
    };
    // Whoever knows by now that we live, and under which pid, may order something.
    let signals = supervise::signals()?;
    let written = match &mut pidfile {
        Ok(pidfile) => pidfile
            .write(std::process::id())
            .map_err(|error| error.to_string()),
        Err(problem) => Err(problem.to_string()),
    };
    if let Err(reason) = written {
        let text = format!(
            "could not write pidfile {}: {reason}",
            daemon.pidfile.display()
        );
        main_log.write(Level::Critical, &text);
    }
    main_log.write(
        Level::Info,
        &format!("supervisord started with pid {}", std::process::id()),
    );
    let kept: Vec<_> = found
        .adopt
        .iter()
        .chain(&left)
        .map(|held| &held.record)
        .collect();
    let is_taken_over = take_over.is_some();
    let (core, first_serial) = match &previous {
        Some(previous) => (Core::after(previous, loaded_config(&config)), None),
        None => (Core::new(loaded_config(&config)), Some(found.serials)),
    };
    let reserved = first_serial.map_or_else(
        || core.serials_reserved(),
        |first| first.saturating_add(SERIALS_BLOCK),
    );
    let runs = pidfile
        .is_ok()
        .then(|| open_runs(&daemon, here, &kept, reserved, &mut main_log));
    let services = Services {
        loader,
        servers: open.servers,
        connections: Vec::new(),
        signals,
        next_request: 1,
        runs: runs.flatten(),
        first_serial,
        found: found.adopt,
        take_over,
        parent,
        about,
        stuck: Stuck::default(),
    };
    let ending = supervise(&config, core, None, services, main_log)?;
    if is_taken_over {
        open.files.own(&config.servers);
    }
    Ok(close(ending, open.files, pidfile.ok()))
}

/// Goes on with the life of an earlier image, whose state this is. `refused` says why it was not another image that did.
pub(crate) fn go_on(
    state: SavedState,
    loader: Loader,
    refused: Option<String>,
) -> Result<Ending, String> {
    let mut state = state;
    let about = state.life.about.clone();
    let mut config = state.life.clone().into_config();
    seal::config(&mut config).map_err(|error| no_random(&error))?;
    seal::servers(state.servers.iter_mut().map(|server| &mut server.spec))
        .map_err(|error| no_random(&error))?;
    let daemon = &config.supervisord;
    let mut main_log = match state.stuck.main_log() {
        Some(main_log) => main_log,
        None => open_main_log(daemon)?,
    };
    let lost =
        |what: &'static str| move |error: std::io::Error| format!("{what} was lost: {error}");
    let open = servers::resume(state.servers, state.socket_files)
        .map_err(lost("a socket that clients connect to"))?;
    loader.reserve().settle(&config.servers);
    let pidfile = state.pidfile.map(Kept::take).transpose();
    let pidfile = pidfile.map_err(lost("the pid file"))?;
    let pidfile = pidfile.map(|file| PidFile::resume(&daemon.pidfile, file));
    let lines: String = state.records.iter().map(|(_, line)| &**line).collect();
    let records = provost_wire::runs::read(lines.as_bytes()).running;
    let kept: Vec<_> = records.iter().collect();
    let runs = pidfile.as_ref().and_then(|_| {
        let reserved = state.core.serials_reserved();
        open_runs(daemon, Here::ask(), &kept, reserved, &mut main_log)
    });
    let connections = state.connections.into_iter();
    let connections = connections.map(SavedConnection::into_carried);
    let connections = connections.collect::<std::io::Result<Vec<_>>>();
    let connections = connections.map_err(lost("a client"))?;
    let requests = connections.iter().filter_map(|one| one.state.request());
    let requests = requests.collect();
    let services = Services {
        loader,
        servers: open.servers,
        connections,
        signals: supervise::signals()?,
        next_request: state.next_request,
        runs,
        first_serial: None,
        found: Vec::new(),
        take_over: None,
        parent: None,
        about,
        stuck: state.stuck,
    };
    let paused = Paused {
        ticket: state.ticket,
        panics: state.panics,
        causes: state.causes,
        inputs: state.inputs,
        refused,
        orders: state.orders,
        processes: state.processes,
        children: state.children,
        records: records
            .into_iter()
            .map(|record| (Run(record.run), record))
            .collect(),
        sockets: state.sockets,
        spools: state.spools,
        outputs: state.outputs,
        held: state.held,
        log_bytes: state.log_bytes,
        requests,
        answers: state.answers,
    };
    let ending = supervise(&config, state.core, Some(paused), services, main_log)?;
    Ok(close(ending, open.files, pidfile))
}

fn no_random(error: &std::io::Error) -> String {
    format!("could not get random bytes: {error}")
}

/// Takes away what told others of us, or leaves it to the image that goes on.
fn close(mut ending: Ending, files: SocketFiles, pidfile: Option<PidFile>) -> Ending {
    if let Ending::HandOver(state, _) | Ending::Failed(state) = &mut ending {
        state.socket_files = files.into_saved();
        let file = pidfile.and_then(|pidfile| pidfile.into_file().ok());
        state.pidfile = file.map(Kept::new);
    } else {
        drop(files);
        if let Some(pidfile) = pidfile {
            // What cannot be removed stays behind unlocked, and the next start takes it over.
            let _ = pidfile.remove();
        }
    }
    ending
}

/// Writes why a later life could not begin where somebody will look: a daemon's terminal is gone.
pub(crate) fn last_words(daemon: &DaemonSpec, what: &str, reason: &str) {
    if let Ok(mut main_log) = open_main_log(daemon) {
        main_log.write(
            Level::Critical,
            &format!(
                "supervisord could not {what}: {}",
                reason.replace('\n', "; ")
            ),
        );
    }
}

fn become_user(daemon: &DaemonSpec, early: &mut Early) -> Result<(), String> {
    if let Some(uid) = daemon.uid {
        users::drop_privileges(uid).map_err(|problem| problem.to_string())?;
        early.push((Level::Info, format!("Set uid to user {uid} succeeded")));
    } else if users::current_uid() == 0 {
        let text = "Supervisor is running as root.  Privileges were not dropped because no user is specified in the \
                    config file.  If you intend to run as root, you can set user=root in the config file to avoid \
                    this message.";
        early.push((Level::Critical, text.to_owned()));
    }
    Ok(())
}

fn raise_limits(daemon: &DaemonSpec, early: &mut Early) -> Result<(), String> {
    for (resource, minimum) in [
        (Resource::Files, daemon.minfds),
        (Resource::Processes, daemon.minprocs),
    ] {
        if let Some(value) =
            limits::raise_minimum(resource, minimum).map_err(|problem| problem.to_string())?
        {
            early.push((
                Level::Info,
                format!("Increased {} limit to {value}", resource.name()),
            ));
        }
    }
    Ok(())
}

/// Tries the shared sockets. At the first start somebody sees the error; later ones go on with everything else, and the
/// programs concerned try again by themselves.
fn try_sockets(config: &Config, first: bool, main_log: &mut MainLog) -> Result<(), String> {
    let tried = fcgi::try_all(&config.groups, |level, text| main_log.write(level, text));
    match tried {
        Err(problem) if !first => {
            let text = problem.replace('\n', " ");
            main_log.write(Level::Critical, &text);
            Ok(())
        }
        tried => tried,
    }
}

pub(crate) fn open_main_log(daemon: &DaemonSpec) -> Result<MainLog, String> {
    let settings = MainLogSettings {
        target: daemon.logfile.clone(),
        maxbytes: daemon.logfile_maxbytes,
        backups: daemon.logfile_backups,
        level: daemon.loglevel,
        to_stdout: daemon.nodaemon && !daemon.silent,
        paths: log_paths(daemon),
    };
    MainLog::open(settings).map_err(|error| match &daemon.logfile {
        MainLogTarget::File(path) => {
            format!("could not open the log file {}: {error}", path.display())
        }
        MainLogTarget::Syslog => format!("could not reach the system log: {error}"),
    })
}

/// Leaves the terminal. The parent waits until the child is ready, so that a script finds the pid file.
fn detach(daemon: &DaemonSpec, main_log: &mut MainLog) -> Result<daemonize::Readiness, String> {
    let parent =
        daemonize::daemonize().map_err(|error| format!("could not become a daemon: {error}"))?;
    main_log.write(Level::Info, "daemonizing the supervisord process");
    if let Some(directory) = &daemon.directory {
        match std::env::set_current_dir(directory) {
            Ok(()) => main_log.write(
                Level::Info,
                &format!("set current directory: '{}'", directory.display()),
            ),
            Err(error) => {
                main_log.write(
                    Level::Critical,
                    &format!("can't chdir into '{}': {error}", directory.display()),
                );
            }
        }
    }
    daemonize::umask(daemon.umask);
    daemonize::detach().map_err(|error| format!("could not leave the terminal: {error}"))?;
    Ok(parent)
}

/// Opens the run records. Where no file can be made, programs run without, as under upstream.
fn open_runs(
    daemon: &DaemonSpec,
    here: Here,
    kept: &[&RunRecord],
    serials: u64,
    main_log: &mut MainLog,
) -> Option<OpenRuns> {
    let path = provost_wire::runs::path_beside(&daemon.pidfile);
    match OpenRuns::open(&path, here, kept.iter().copied(), serials) {
        Ok(open) => Some(open),
        Err(error) => {
            let text = format!(
                "could not make the run records {}: {error}; if supervisord is killed, programs will not be taken over, and \
                 serials of events begin at 0 again",
                path.display()
            );
            main_log.write(Level::Warn, &text);
            None
        }
    }
}
