//! One life of the daemon: privileges, limits, sockets, log, threads, until shutdown or restart.

use crate::adopt::Adopted;
use crate::api::{self, ApiSettings, OpenServer};
use crate::audit::Audit;
use crate::control::ControlHandle;
use crate::fcgi;
use crate::logs::{self, ChildLogSettings, MainLog, MainLogSettings, Stopped};
use crate::output;
use crate::prepare::Surroundings;
use crate::reload::{loaded_config, mistyped};
use crate::runs::{self, Found, Held, Here, OpenRuns};
use crate::servers;
use crate::shell::{Ending, Loader, Parts, Shell};
use crate::takeover::TakeOver;
use provost_config::Config;
use provost_core::Core;
use provost_model::config::{DaemonSpec, MainLog as MainLogTarget};
use provost_model::{Level, Signal};
use provost_os::limits::{self, Resource};
use provost_os::pidfile::{PidFile, PidFileProblem};
use provost_os::reactor::Waker;
use provost_os::signals::{self, SignalQueue};
use provost_os::spot::Paths;
use provost_os::{daemonize, users};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long the end of a life waits for a slow disk to take the last log lines.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The signals that mean something to supervisord, and USR1, which must not end it.
const SIGNALS: &[Signal] = &[
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HUP,
    Signal::USR1,
    Signal::USR2,
    Signal::CHLD,
];

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
        config,
        previous,
        loader,
        mut take_over,
    } = launch;
    let first = previous.is_none();
    let daemon = config.supervisord.clone();
    let mut early: Early = config.startup_messages.clone();
    early.extend(mistyped(&config.diagnostics));
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
    let kept: Vec<_> = found.adopt.iter().chain(&left).collect();
    let runs = pidfile
        .is_ok()
        .then(|| open_runs(&daemon, here, &kept, &mut main_log));
    let is_taken_over = take_over.is_some();
    let services = Services {
        loader,
        servers: open.servers,
        runs: runs.flatten(),
        found: found.adopt,
        take_over,
        parent,
    };
    let ending = supervise(&config, previous.as_ref(), services, main_log)?;
    if is_taken_over {
        open.files.own(&config.servers);
    }
    drop(open.files);
    if let Ok(pidfile) = pidfile {
        // What cannot be removed stays behind unlocked, and the next start takes it over.
        let _ = pidfile.remove();
    }
    Ok(ending)
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

/// How the paths of logs are treated, by the thread that writes them and those that read them.
fn log_paths(daemon: &DaemonSpec) -> Paths {
    if daemon.unsafe_log_paths {
        Paths::AsGiven
    } else {
        Paths::Guarded
    }
}

fn open_main_log(daemon: &DaemonSpec) -> Result<MainLog, String> {
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
    kept: &[&Held],
    main_log: &mut MainLog,
) -> Option<OpenRuns> {
    let path = provost_wire::runs::path_beside(&daemon.pidfile);
    match OpenRuns::open(&path, here, kept.iter().map(|held| &held.record)) {
        Ok(open) => Some(open),
        Err(error) => {
            let text = format!(
                "could not make the run records {}: {error}; programs will not be taken over if supervisord is killed",
                path.display()
            );
            main_log.write(Level::Warn, &text);
            None
        }
    }
}

/// What the threads of a life are given.
struct Services {
    loader: Loader,
    servers: Vec<OpenServer>,
    runs: Option<OpenRuns>,
    /// Processes that are taken over.
    found: Vec<Held>,
    /// From whom, if that one still lives.
    take_over: Option<TakeOver>,
    /// Who waits in the foreground.
    parent: Option<daemonize::Readiness>,
}

/// Starts the threads and is the control thread until the end.
fn supervise(
    config: &Config,
    previous: Option<&Core>,
    services: Services,
    main_log: MainLog,
) -> Result<Ending, String> {
    let daemon = config.supervisord.clone();
    let core = match previous {
        Some(previous) => Core::after(previous, loaded_config(config)),
        None => Core::new(loaded_config(config)),
    };
    let failed =
        |what: &'static str| move |error: std::io::Error| format!("could not {what}: {error}");
    // Only one process of a tree of orphans needs to be us: without this they go to init, as under upstream.
    let signals = SignalQueue::open(SIGNALS).map_err(failed("receive signals"))?;
    let waker = Waker::new().map_err(failed("wake the control thread"))?;
    let (fact_sender, facts) = channel();
    let fact_waker = waker.clone();
    let settings = ChildLogSettings {
        strip_ansi: daemon.strip_ansi,
    };
    let post = move |fact| {
        if fact_sender.send(fact).is_ok() {
            fact_waker.wake();
        }
    };
    let logs =
        logs::start(main_log, settings, Box::new(post)).map_err(failed("start the logs thread"))?;
    let audit = config.access.audit.as_ref().map(|spec| {
        Audit::start(spec, logs.logger()).map_err(|error| {
            format!(
                "could not open the audit log {}: {error}",
                spec.file.display()
            )
        })
    });
    let (audit, last_line) = audit.transpose()?.unzip();
    let (client_sender, clients) = channel();
    let client_waker = waker.clone();
    let control = ControlHandle::new(client_sender, Arc::new(move || client_waker.wake()));
    let api = api::start(ApiSettings {
        servers: services.servers,
        control,
        main_log: match &daemon.logfile {
            MainLogTarget::File(path) => Some(path.clone()),
            MainLogTarget::Syslog => None,
        },
        paths: log_paths(&daemon),
        logger: logs.logger(),
        board: logs.board(),
        access: config.access.clone(),
        audit,
        descriptors: limits::get(Resource::Files)
            .0
            .and_then(|soft| usize::try_from(soft).ok())
            .unwrap_or(usize::MAX),
        namespaces: config
            .rpcinterfaces
            .iter()
            .map(|spec| (spec.namespace.clone(), spec.interface.clone()))
            .collect(),
    })
    .map_err(failed("start the api thread"))?;
    let logger = logs.logger();
    let mut shell = Shell::new(Parts {
        core,
        signals,
        waker,
        clients,
        facts,
        logger: logs.logger(),
        logs,
        surroundings: Surroundings::new(std::env::vars_os().collect(), &config.servers),
        loader: services.loader,
        runs: services.runs,
        adopted: Adopted::new(services.found),
        daemon,
        environment: config.environment.clone().into(),
    })
    .map_err(failed("start the control thread"))?;
    if let Some(take_over) = services.take_over {
        let committed = take_over.commit(&mut shell.adopted)?;
        committed.finish(config, &logger);
    }
    if let Some(parent) = services.parent {
        parent.ready();
    }
    let (ending, logs) = shell.run().map_err(failed("wait for events"))?;
    api.stop();
    if let Some(last_line) = last_line {
        last_line.wait();
    }
    if let Stopped::Stuck = logs.stop(FLUSH_MAX) {
        output::err(
            "supervisord: a log did not take its last lines within 5 seconds; they are lost\n",
        );
    }
    Ok(ending)
}
