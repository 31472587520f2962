//! The threads of a life: started, lived with, and ended or handed over.

use crate::adopt::Adopted;
use crate::api::{self, About, Api, ApiSettings, Carried, CarriedConnection, OpenServer};
use crate::audit::Audit;
use crate::control::ControlHandle;
use crate::handover::{Life, Paused};
use crate::logs::{self, ChildLogSettings, Fact, Logs, MainLog, Stopped, Stuck};
use crate::output;
use crate::prepare::Surroundings;
use crate::pulse::Pulse;
use crate::runs::{Held, OpenRuns};
use crate::shell::{Ending, Left, Loader, Parts, Shell};
use crate::takeover::TakeOver;
use provost_config::Config;
use provost_core::Core;
use provost_model::Signal;
use provost_model::config::{DaemonSpec, MainLog as MainLogTarget};
use provost_os::daemonize::Readiness;
use provost_os::limits::{self, Resource};
use provost_os::reactor::Waker;
use provost_os::signals::SignalQueue;
use provost_os::spot::Paths;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long the end of a life waits for a slow disk to take the last log lines.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// How long the logs thread may take to come to rest after a panic.
const REST_MAX: Duration = Duration::from_secs(1);

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

/// How the paths of logs are treated, by the thread that writes them and those that read them.
pub(crate) fn log_paths(daemon: &DaemonSpec) -> Paths {
    if daemon.unsafe_log_paths {
        Paths::AsGiven
    } else {
        Paths::Guarded
    }
}

/// What the threads of a life are given.
pub(crate) struct Services {
    pub(crate) loader: Loader,
    pub(crate) servers: Vec<OpenServer>,
    /// Clients of an earlier image.
    pub(crate) connections: Vec<CarriedConnection>,
    pub(crate) signals: SignalQueue,
    /// The number of the next request.
    pub(crate) next_request: u64,
    pub(crate) runs: Option<OpenRuns>,
    /// The first number of an event, where numbers begin.
    pub(crate) first_serial: Option<u64>,
    /// Processes that are taken over.
    pub(crate) found: Vec<Held>,
    /// The supervisord in whose place this life goes on.
    pub(crate) take_over: Option<TakeOver>,
    /// Who waits for this to be ready.
    pub(crate) parent: Option<Readiness>,
    /// What there is to tell of the configuration.
    pub(crate) about: About,
    /// Logs threads of the life before that hang.
    pub(crate) stuck: Stuck,
}

/// From now on signals are acted on by the control thread, as soon as it is there.
pub(crate) fn signals() -> Result<SignalQueue, String> {
    SignalQueue::open(SIGNALS).map_err(|error| format!("could not receive signals: {error}"))
}

/// Starts the threads and is the control thread until the end.
pub(crate) fn supervise(
    config: &Config,
    core: Core,
    paused: Option<Paused>,
    services: Services,
    main_log: MainLog,
) -> Result<Ending, String> {
    let daemon = config.supervisord.clone();
    let failed =
        |what: &'static str| move |error: std::io::Error| format!("could not {what}: {error}");
    let waker = Waker::new().map_err(failed("wake the control thread"))?;
    let (fact_sender, facts) = channel();
    let fact_waker = waker.clone();
    let settings = ChildLogSettings {
        strip_ansi: daemon.strip_ansi,
    };
    let post = move |fact| {
        // The end of a pipe means nothing before that of its process, which wakes by itself.
        let wakes = !matches!(fact, Fact::Closed { .. });
        if fact_sender.send(fact).is_ok() && wakes {
            fact_waker.wake();
        }
    };
    let logs = logs::start_beside(services.stuck, main_log, settings, Box::new(post))
        .map_err(failed("start the logs thread"))?;
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
    let spare = services
        .servers
        .iter()
        .filter_map(OpenServer::copy)
        .collect();
    let pulse = Pulse::default();
    let api = api::start(ApiSettings {
        pulse: pulse.clone(),
        about: services.about.clone(),
        loader: Some(Arc::clone(&services.loader)),
        control: control.numbered_from(services.next_request),
        audit,
        ..api_settings(config, services.servers, services.connections, &logs)
    })
    .map_err(failed("start the api thread"))?;
    let logger = logs.logger();
    let mut shell = Shell::new(Parts {
        core,
        signals: services.signals,
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
        life: Life::of(config, services.about),
        pulse,
    })
    .map_err(failed("start the control thread"))?;
    if let Some(take_over) = services.take_over {
        let committed = take_over.commit(&mut shell.adopted)?;
        committed.finish(config, &logger);
    }
    if let Some(parent) = services.parent {
        parent.ready();
    }
    let begin: Box<dyn FnOnce(&mut Shell)> = match paused {
        None => Box::new(|shell| shell.begin(services.first_serial)),
        Some(paused) => {
            shell.go_on(paused);
            Box::new(|_| {})
        }
    };
    let left = shell.run(begin).map_err(failed("wait for events"))?;
    let (ending, logs) = match left {
        Left::Ended(ending, logs) => (ending, logs),
        Left::Paused(mut shell) => {
            let mut carried = hand_over(api, spare);
            shell.take_last_words(&mut carried);
            if let Some(last_line) = last_line {
                last_line.wait();
            }
            return shell.into_ending(carried);
        }
        Left::Failed(mut shell) => {
            let mut carried = hand_over(api, spare);
            // Whoever panicked may do so again; what is left unsaid then is lost.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                shell.take_last_words(&mut carried);
            }));
            shell.logs.rest_if_possible(REST_MAX);
            return Ok(shell.into_failure(carried));
        }
    };
    api.stop();
    if let Some(last_line) = last_line {
        last_line.wait();
    }
    if let Stopped::Stuck { left } = logs.stop(FLUSH_MAX) {
        tell_lost(&left);
    }
    Ok(ending)
}

/// Says where somebody may see it that the main log could not be written to the end, and which logs neither.
pub(crate) fn tell_lost(left: &[(PathBuf, usize)]) {
    output::err("supervisord: a log did not take its last lines within 5 seconds; they are lost\n");
    for (path, bytes) in left {
        output::err(&format!(
            "supervisord: {bytes} bytes for log {} could not be written\n",
            path.display()
        ));
    }
}

/// The settings of the api thread, but for whom it asks and where calls are recorded.
pub(crate) fn api_settings(
    config: &Config,
    servers: Vec<OpenServer>,
    carried: Vec<CarriedConnection>,
    logs: &Logs,
) -> ApiSettings {
    let daemon = &config.supervisord;
    let interfaces = config.rpcinterfaces.iter();
    ApiSettings {
        servers,
        carried,
        control: ControlHandle::nowhere(),
        main_log: match &daemon.logfile {
            MainLogTarget::File(path) => Some(path.clone()),
            MainLogTarget::Syslog => None,
        },
        paths: log_paths(daemon),
        logger: logs.logger(),
        board: logs.board(),
        access: config.access.clone(),
        pulse: Pulse::default(),
        about: About::default(),
        loader: None,
        audit: None,
        history: Duration::from_secs(daemon.history_secs.into()),
        descriptors: limits::get(Resource::Files)
            .0
            .and_then(|soft| usize::try_from(soft).ok())
            .unwrap_or(usize::MAX),
        namespaces: interfaces
            .map(|spec| (spec.namespace.clone(), spec.interface.clone()))
            .collect(),
    }
}

/// All that the api thread holds. What it lost in a panic is found in `spare`.
fn hand_over(api: Api, spare: Vec<OpenServer>) -> Carried {
    let mut carried = api.hand_over();
    for server in spare {
        let is_there = |other: &OpenServer| other.spec.address == server.spec.address;
        if !carried.servers.iter().any(is_there) {
            carried.servers.push(server);
        }
    }
    carried
}
