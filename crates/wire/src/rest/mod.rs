//! The table of the JSON interface: what there is under which address, who may use it, what it takes and what it answers.
//!
//! From it follow the routes, the description in the form of `OpenAPI` (`openapi.rs`) and the reference page
//! (`reference.rs`). Shapes of answers describe themselves (`schema.rs`, `shapes/`).

mod openapi;
mod parts;
mod reference;
pub mod schema;
pub mod shapes;
mod table;
#[cfg(test)]
mod tests;

pub use openapi::openapi;
pub use reference::reference;
pub use table::ENDPOINTS;

use provost_model::FaultCode;
use provost_model::access::Verb;
use schema::{Definitions, Schema};
use serde_json::Value;

/// What all addresses of the interface begin with; those of probes and of metrics do not.
pub const ROOT: &str = "/api/v1/";

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads; HEAD does the same.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// As HTTP has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What is started, stopped or restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// `{group}/{name}`.
    Process,
    /// `{group}`.
    Group,
    /// All.
    All,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Whether the control loop answers.
    Health,
    /// Whether all that should run runs.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// The description of the interface.
    OpenApi,
    /// supervisord itself.
    Daemon,
    /// All processes.
    Processes,
    /// One process.
    Process,
    /// What became of one process.
    History,
    /// A piece of a log.
    Log,
    /// A piece of supervisord's own log.
    MainLog,
    /// All of a log, as it lies in its file.
    LogFile,
    /// All of supervisord's own log.
    MainLogFile,
    /// A log, as it grows.
    LogEvents,
    /// supervisord's own log, as it grows.
    MainLogEvents,
    /// What processes take, and took.
    Usage,
    /// What happens, as it happens.
    Events,
    /// What an update would change.
    Plan,
    /// Read the configuration again.
    Reread,
    /// Start.
    Start(Whom),
    /// Stop.
    Stop(Whom),
    /// Stop and start.
    Restart(Whom),
    /// Send a signal.
    Signal,
    /// Empty logs.
    ClearLog,
    /// Read the configuration again and do what differs.
    Update,
    /// End supervisord.
    Shutdown,
    /// Restart supervisord.
    Reload,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text but none.
    Text,
    /// A whole number.
    Int,
    /// A whole number, not less than 0.
    Natural,
    /// `true` or `false`, also as `1` and `0`.
    Flag,
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// The largest whole number, and with a minus the smallest: what every client can write exactly.
pub const LARGEST: i64 = (1 << 53) - 1;

impl Kind {
    /// Whether a value is one of these.
    pub fn has(self, value: &str) -> bool {
        let is_between = |least| {
            let number = value.parse::<i64>();
            number.is_ok_and(|number| (least..=LARGEST).contains(&number))
        };
        match self {
            Self::Text => !value.is_empty(),
            Self::Int => is_between(-LARGEST),
            Self::Natural => is_between(0),
            Self::Flag => matches!(value, "true" | "false" | "1" | "0"),
            Self::OneOf(words) => words.contains(&value),
        }
    }
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when it is left out.
    pub default: Option<&'static str>,
    /// What it means.
    pub text: &'static str,
}

/// What an answer holds.
#[derive(Clone, Copy)]
pub enum Content {
    /// JSON of this shape.
    Json(Shape),
    /// Text of this type.
    Text(&'static str),
    /// A file as it is.
    File,
    /// Server-sent events, each with its name, its meaning and the shape of its data.
    Events(&'static [EventKind]),
}

/// A kind of server-sent event.
#[derive(Clone, Copy)]
pub struct EventKind {
    /// Its name.
    pub name: &'static str,
    /// When it comes.
    pub text: &'static str,
    /// The shape of its data.
    pub shape: Shape,
}

/// A shape by its name.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// Describes it.
    pub schema: fn(&mut Definitions) -> Value,
}

/// The shape `T`.
const fn shape<T: Schema>(name: &'static str) -> Shape {
    let schema = T::schema;
    Shape { name, schema }
}

/// JSON of the shape `T`.
const fn json<T: Schema>(name: &'static str) -> Content {
    Content::Json(shape::<T>(name))
}

/// An endpoint.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// How it is asked.
    pub method: Method,
    /// Where, with `{names}` for what may stand there.
    pub path: &'static str,
    /// Its name.
    pub id: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The right that it needs.
    pub verb: Verb,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// What else there is to know; may be empty.
    pub text: &'static str,
    /// Parameters of the query.
    pub params: &'static [Param],
    /// The shape of the body that it takes.
    pub body: Option<Shape>,
    /// What a good answer holds.
    pub answer: Content,
    /// Faults that it may answer besides those that all may.
    pub faults: &'static [FaultCode],
}

impl Endpoint {
    /// Whether its answer comes in pieces, for as long as that takes.
    pub fn streams(&self) -> bool {
        matches!(self.answer, Content::File | Content::Events(_))
    }
}

/// What a path leads to.
#[derive(Clone, Copy)]
pub enum Found<'a> {
    /// This endpoint, with what stands for its names.
    Here(&'static Endpoint, [&'a str; 2]),
    /// The address is taken, but not by this method; these are.
    Otherwise(&'static str),
    /// Nothing.
    Nowhere,
}

/// Looks for the endpoint of a path as it came, with its percent signs; no method is one that no endpoint has. None: the
/// path is none of this interface.
pub fn find(method: Option<Method>, path: &str) -> Option<Found<'_>> {
    let is_ours = |endpoint: &&Endpoint| endpoint.path == path;
    if !path.starts_with(ROOT) && !ENDPOINTS.iter().any(|endpoint| is_ours(&endpoint)) {
        return None;
    }
    let mut others = None;
    for endpoint in ENDPOINTS {
        let Some(names) = fit(endpoint.path, path) else {
            continue;
        };
        if Some(endpoint.method) == method {
            return Some(Found::Here(endpoint, names));
        }
        others = Some(endpoint.method.name());
    }
    Some(others.map_or(Found::Nowhere, Found::Otherwise))
}

/// What stands for the names of a pattern, if a path fits it.
fn fit<'a>(pattern: &str, path: &'a str) -> Option<[&'a str; 2]> {
    let (mut names, mut next) = (["", ""], 0);
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(names),
            (Some(expected), Some(found)) if expected.starts_with('{') && !found.is_empty() => {
                *names.get_mut(next)? = found;
                next += 1;
            }
            (Some(expected), Some(found)) if expected == found => {}
            _ => return None,
        }
    }
}

/// The type of a file of which nothing is known but its bytes.
pub const BYTES: &str = "application/octet-stream";

/// The status of HTTP that says what a fault says.
pub fn status(code: FaultCode) -> u16 {
    match code {
        FaultCode::Success => 200,
        FaultCode::IncorrectParameters
        | FaultCode::BadArguments
        | FaultCode::BadSignal
        | FaultCode::SignatureUnsupported => 400,
        FaultCode::NotPermitted | FaultCode::NotInWhitelist => 403,
        FaultCode::UnknownMethod | FaultCode::BadName | FaultCode::NoFile => 404,
        FaultCode::AlreadyStarted
        | FaultCode::NotRunning
        | FaultCode::AlreadyAdded
        | FaultCode::StillRunning => 409,
        FaultCode::NotExecutable
        | FaultCode::AbnormalTermination
        | FaultCode::SpawnError
        | FaultCode::CantReread => 422,
        FaultCode::Failed => 500,
        FaultCode::ShutdownState => 503,
    }
}
