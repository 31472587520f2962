//! The endpoints.

use super::parts::{
    EVENTS, FOLLOWED, FOLLOWED_FROM, LENGTH, LOG_EVENTS, OFFSET, START, STOP, STREAM, WAIT, WHOLE,
};
use super::shapes::{
    Daemon, Done, History, LogPiece, Outcomes, Plan, ProcessDetail, Processes, SignalBody, Updated,
    UsageHistory,
};
use super::{Content, Endpoint, Kind, Method, Operation, Param, Whom, json, shape};
use provost_model::FaultCode as Fault;
use provost_model::access::Verb;

/// What reads.
const fn get(
    path: &'static str,
    id: &'static str,
    operation: Operation,
    verb: Verb,
    summary: &'static str,
    answer: Content,
) -> Endpoint {
    Endpoint {
        method: Method::Get,
        path,
        id,
        operation,
        verb,
        summary,
        text: "",
        params: &[],
        body: None,
        answer,
        faults: &[],
    }
}

/// What changes something.
const fn post(
    path: &'static str,
    id: &'static str,
    operation: Operation,
    verb: Verb,
    summary: &'static str,
    faults: &'static [Fault],
) -> Endpoint {
    Endpoint {
        method: Method::Post,
        path,
        id,
        operation,
        verb,
        summary,
        text: "",
        params: &[],
        body: None,
        answer: json::<Done>("Done"),
        faults,
    }
}

/// What waits, on one process.
const fn waits(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        params: &[WAIT],
        ..endpoint
    }
}

/// What waits, on many.
const fn many(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        params: &[WAIT],
        answer: json::<Outcomes>("Outcomes"),
        text: "The answer names each process with what became of it; its status tells only that the call was done.",
        ..endpoint
    }
}

/// Every endpoint, in the order of the reference.
pub const ENDPOINTS: &[Endpoint] = &[
    get(
        "/api/v1/daemon",
        "getDaemon",
        Operation::Daemon,
        Verb::Status,
        "supervisord itself: version, state, what it takes, pools of event listeners.",
        json::<Daemon>("Daemon"),
    ),
    get(
        "/api/v1/processes",
        "listProcesses",
        Operation::Processes,
        Verb::Status,
        "All processes that the caller may see.",
        json::<Processes>("Processes"),
    ),
    Endpoint {
        faults: &[Fault::BadName],
        ..get(
            "/api/v1/processes/{group}/{name}",
            "getProcess",
            Operation::Process,
            Verb::Status,
            "One process: what it was started with and what became of it.",
            json::<ProcessDetail>("ProcessDetail"),
        )
    },
    Endpoint {
        faults: &[Fault::BadName],
        text: "Texts of logs are there for callers with the right `logs`.",
        ..get(
            "/api/v1/processes/{group}/{name}/history",
            "getHistory",
            Operation::History,
            Verb::Status,
            "What became of one process in the past day, and what it said last before its last ends.",
            json::<History>("History"),
        )
    },
    Endpoint {
        params: &[STREAM, OFFSET, LENGTH],
        faults: &[Fault::BadName, Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/processes/{group}/{name}/log",
            "readLog",
            Operation::Log,
            Verb::Logs,
            "A piece of a log, and where the next one begins.",
            json::<LogPiece>("LogPiece"),
        )
    },
    Endpoint {
        params: &[STREAM],
        text: WHOLE,
        faults: &[Fault::BadName, Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/processes/{group}/{name}/log/file",
            "downloadLog",
            Operation::LogFile,
            Verb::Logs,
            "All of a log, to be kept as a file.",
            Content::File,
        )
    },
    Endpoint {
        params: &[STREAM, FOLLOWED_FROM],
        text: FOLLOWED,
        faults: &[Fault::BadName, Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/processes/{group}/{name}/log/events",
            "followLog",
            Operation::LogEvents,
            Verb::Logs,
            "A log, as it grows.",
            Content::Events(LOG_EVENTS),
        )
    },
    Endpoint {
        params: &[OFFSET, LENGTH],
        faults: &[Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/log",
            "readMainLog",
            Operation::MainLog,
            Verb::MainLog,
            "A piece of supervisord's own log, and where the next one begins.",
            json::<LogPiece>("LogPiece"),
        )
    },
    Endpoint {
        text: WHOLE,
        faults: &[Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/log/file",
            "downloadMainLog",
            Operation::MainLogFile,
            Verb::MainLog,
            "All of supervisord's own log, to be kept as a file.",
            Content::File,
        )
    },
    Endpoint {
        params: &[FOLLOWED_FROM],
        text: FOLLOWED,
        faults: &[Fault::NoFile, Fault::Failed],
        ..get(
            "/api/v1/log/events",
            "followMainLog",
            Operation::MainLogEvents,
            Verb::MainLog,
            "supervisord's own log, as it grows.",
            Content::Events(LOG_EVENTS),
        )
    },
    Endpoint {
        params: &[
            Param {
                name: "group",
                kind: Kind::Text,
                default: None,
                text: "Only processes of this group.",
            },
            Param {
                name: "name",
                kind: Kind::Text,
                default: None,
                text: "Only processes of this name.",
            },
        ],
        text: "Samples of the last minutes: with `history` in `[supervisord]` those of that time, one every ten seconds; \
               otherwise those that streams with `usage=1` have been told of, up to five minutes, as long as there is such a \
               stream. Nothing is measured for this answer.",
        ..get(
            "/api/v1/usage",
            "getUsage",
            Operation::Usage,
            Verb::Status,
            "What running processes took in the last minutes.",
            json::<UsageHistory>("UsageHistory"),
        )
    },
    Endpoint {
        params: &[Param {
            name: "usage",
            kind: Kind::Flag,
            default: Some("false"),
            text: "Send what running processes take, too. Nothing is measured while nobody asks for it.",
        }],
        text: "Server-sent events. Each has an `id`; who comes back with it in `Last-Event-ID`, as browsers do, gets what it \
               missed as long as that is kept, and a new snapshot otherwise. A client that is slow misses nothing but gets a new \
               snapshot in the place of what it would have to wait for. There may be 512 streams of all kinds, or as many as a quarter of the descriptors that supervisord may have, and seven \
               eighths of them for one user who may not do everything.",
        ..get(
            "/api/v1/events",
            "streamEvents",
            Operation::Events,
            Verb::Status,
            "What happens to processes, as it happens.",
            Content::Events(EVENTS),
        )
    },
    Endpoint {
        text: "It compares with the files as they were read last, which `reread` does.",
        ..get(
            "/api/v1/plan",
            "getPlan",
            Operation::Plan,
            Verb::Config,
            "What an update would add, remove and restart, and why.",
            json::<Plan>("Plan"),
        )
    },
    get(
        "/api/v1/openapi.json",
        "getOpenApi",
        Operation::OpenApi,
        Verb::Login,
        "This interface in the form of OpenAPI 3.1.",
        Content::Text("application/json"),
    ),
    waits(post(
        "/api/v1/processes/{group}/{name}/start",
        "startProcess",
        Operation::Start(Whom::Process),
        Verb::Start,
        "Starts a process.",
        START,
    )),
    waits(post(
        "/api/v1/processes/{group}/{name}/stop",
        "stopProcess",
        Operation::Stop(Whom::Process),
        Verb::Stop,
        "Stops a process.",
        STOP,
    )),
    waits(post(
        "/api/v1/processes/{group}/{name}/restart",
        "restartProcess",
        Operation::Restart(Whom::Process),
        Verb::Restart,
        "Stops a process if it runs, and starts it. Once begun it goes on if the client leaves.",
        START,
    )),
    Endpoint {
        body: Some(shape::<SignalBody>("SignalBody")),
        ..post(
            "/api/v1/processes/{group}/{name}/signal",
            "signalProcess",
            Operation::Signal,
            Verb::Signal,
            "Sends a signal to a process.",
            &[
                Fault::BadName,
                Fault::BadSignal,
                Fault::NotRunning,
                Fault::Failed,
            ],
        )
    },
    post(
        "/api/v1/processes/{group}/{name}/clearlog",
        "clearProcessLogs",
        Operation::ClearLog,
        Verb::ClearLog,
        "Empties the logs of a process.",
        &[Fault::BadName, Fault::Failed],
    ),
    many(post(
        "/api/v1/groups/{group}/start",
        "startGroup",
        Operation::Start(Whom::Group),
        Verb::Start,
        "Starts all processes of a group.",
        &[Fault::BadName],
    )),
    many(post(
        "/api/v1/groups/{group}/stop",
        "stopGroup",
        Operation::Stop(Whom::Group),
        Verb::Stop,
        "Stops all processes of a group.",
        &[Fault::BadName],
    )),
    many(post(
        "/api/v1/groups/{group}/restart",
        "restartGroup",
        Operation::Restart(Whom::Group),
        Verb::Restart,
        "Stops all processes of a group that run, and starts all of them.",
        &[Fault::BadName],
    )),
    many(post(
        "/api/v1/all/start",
        "startAll",
        Operation::Start(Whom::All),
        Verb::Start,
        "Starts all processes.",
        &[],
    )),
    many(post(
        "/api/v1/all/stop",
        "stopAll",
        Operation::Stop(Whom::All),
        Verb::Stop,
        "Stops all processes.",
        &[],
    )),
    many(post(
        "/api/v1/all/restart",
        "restartAll",
        Operation::Restart(Whom::All),
        Verb::Restart,
        "Stops all processes that run, and starts all of them.",
        &[],
    )),
    Endpoint {
        answer: json::<Plan>("Plan"),
        text: "As `supervisorctl reread` does it; nothing that runs is touched.",
        ..post(
            "/api/v1/reread",
            "reread",
            Operation::Reread,
            Verb::Config,
            "Reads the configuration again, and tells what an update would add, remove and restart, and why.",
            &[Fault::CantReread],
        )
    },
    Endpoint {
        answer: json::<Updated>("Updated"),
        text: "As `supervisorctl update` does it. Once begun it goes on if the client leaves.",
        ..post(
            "/api/v1/update",
            "update",
            Operation::Update,
            Verb::Update,
            "Reads the configuration again and does what differs.",
            &[Fault::CantReread, Fault::Failed],
        )
    },
    post(
        "/api/v1/shutdown",
        "shutdown",
        Operation::Shutdown,
        Verb::Shutdown,
        "Stops everything and ends supervisord.",
        &[],
    ),
    post(
        "/api/v1/restart",
        "restart",
        Operation::Reload,
        Verb::Reload,
        "Stops everything and starts supervisord anew.",
        &[Fault::CantReread],
    ),
    Endpoint {
        text: "200 and `ok`, else 503.",
        ..get(
            "/healthz",
            "getHealth",
            Operation::Health,
            Verb::Login,
            "Whether supervisord is at work: its control loop answers within two seconds.",
            Content::Text("text/plain"),
        )
    },
    Endpoint {
        faults: &[Fault::BadName],
        params: &[Param {
            name: "program",
            kind: Kind::Text,
            default: None,
            text: "A group, a process, or `group:name`; without it, all that start with supervisord.",
        }],
        text: "200 and `ready`, else 503 and a line for each process that is not ready, with its state and why. A process is \
               ready that is RUNNING, or EXITED with one of its `exitcodes`. A name that does not exist is 404.",
        ..get(
            "/readyz",
            "getReadiness",
            Operation::Ready,
            Verb::Status,
            "Whether what should run does.",
            Content::Text("text/plain"),
        )
    },
    get(
        "/metrics",
        "getMetrics",
        Operation::Metrics,
        Verb::Status,
        "Figures for Prometheus, of all processes that the caller may see.",
        Content::Text("text/plain"),
    ),
];
