//! The JSON interface: from an endpoint of the table to its answer.
//!
//! What is asked is looked at here, once for all endpoints: who sent it, parameters, the right, the audit log. Then `look`
//! reads, `act` changes something, `events` follows what happens, and `tail` a log; `download` hands over a whole one.

pub(super) mod act;
mod download;
pub(super) mod events;
mod figures;
pub(super) mod findings;
mod history;
pub(super) mod look;
mod probe;
mod series;
mod stream;
mod tail;
mod usage;
mod vigil;

pub(super) use usage::Usage;
pub(super) use vigil::Vigil;

use super::caller::Caller;
use super::respond::{self, Outgoing, put};
use super::route::{self, Server};
use super::watch::Watch;
use super::{Context, body, percent, record};
use crate::meters;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{Request, Response, StatusCode};
use provost_model::spec::namespec;
use provost_model::{Fault, FaultCode};
use provost_wire::rest::shapes::{Failure, to_json};
use provost_wire::rest::{self, Endpoint, Found, Method, Operation};
use std::rc::Rc;
use std::time::Instant;

/// Bytes of a body. All that is taken is a name.
const BODY: usize = 64 * 1024;

/// Where a browser says how far it came.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// A request, understood.
struct Asked {
    endpoint: &'static Endpoint,
    group: String,
    name: String,
    params: Vec<(&'static str, String)>,
    signal: String,
}

impl Asked {
    /// A parameter of the query, or its default.
    fn param(&self, name: &str) -> Option<&str> {
        let given = self.params.iter().find(|(known, _)| *known == name);
        if let Some((_, value)) = given {
            return Some(value);
        }
        let mut params = self.endpoint.params.iter();
        params.find(|param| param.name == name)?.default
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("true" | "1"))
    }

    fn int(&self, name: &str) -> i64 {
        // It was looked at before.
        self.param(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// The process as requests to the core name it.
    fn process(&self) -> String {
        format!("{}:{}", self.group, self.name)
    }

    /// What it is about, for faults and the audit log.
    fn object(&self) -> Option<String> {
        match (self.group.is_empty(), self.name.is_empty()) {
            (true, _) => None,
            (false, true) => Some(self.group.clone()),
            (false, false) => Some(namespec(&self.group, &self.name)),
        }
    }
}

/// Whether a path is one of this interface.
pub(super) fn is_ours(path: &str) -> bool {
    rest::find(None, path).is_some()
}

/// An answer that tells of a failure, in the form of this interface.
pub(super) fn in_json(response: Response<Outgoing>) -> Response<Outgoing> {
    let status = response.status();
    let Some(detail) = response.body().detail() else {
        return response;
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let code = reason.to_uppercase().replace([' ', '-'], "_");
    let message = if detail.is_empty() { reason } else { detail };
    let failure = respond::with(status, JSON, to_json(&Failure::new(code, message)));
    let mut headers = response.headers().clone();
    for name in [CONTENT_TYPE, CONTENT_LENGTH] {
        if let Some(value) = failure.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let mut response = failure;
    *response.headers_mut() = headers;
    response
}

const JSON: &str = "application/json";

/// An answer in JSON.
fn json(status: u16, text: impl Into<bytes::Bytes>) -> Response<Outgoing> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    unkept(respond::with(status, JSON, text))
}

/// Nobody is to keep an answer: the next one differs.
fn unkept(mut response: Response<Outgoing>) -> Response<Outgoing> {
    let never = HeaderValue::from_static("no-store");
    put(&mut response, CACHE_CONTROL, never);
    response
}

/// A good answer.
fn shown(shape: &impl serde::Serialize) -> Response<Outgoing> {
    json(200, to_json(shape))
}

/// A fault as an answer.
fn refused(fault: &Fault) -> Response<Outgoing> {
    json(rest::status(fault.code), to_json(&Failure::of_fault(fault)))
}

/// A failure that is no fault of XML-RPC.
fn failed(status: u16, code: &str, message: &str) -> Response<Outgoing> {
    json(status, to_json(&Failure::new(code, message)))
}

/// Answers what is asked of this interface.
pub(super) async fn answer(
    context: &Rc<Context>,
    server: &Server,
    (caller, watch): (&Rc<Caller>, &Watch),
    found: Found<'_>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let (endpoint, names) = match found {
        Found::Here(endpoint, names) => (endpoint, names),
        Found::Otherwise(method) => {
            let text = format!("This address is asked with {method}.");
            let mut response = failed(405, "METHOD_NOT_ALLOWED", &text);
            put(&mut response, ALLOW, HeaderValue::from_static(method));
            return response;
        }
        Found::Nowhere => return failed(404, "NOT_FOUND", "There is no such address."),
    };
    let headers = request.headers().clone();
    let streams = endpoint.streams();
    if (endpoint.method == Method::Post || streams) && route::is_foreign(server, &headers) {
        return failed(
            403,
            "FOREIGN_PAGE",
            "The page of another site may have sent this. Requests are taken from programs, and from pages of the hosts in \
             allowed_hosts.",
        );
    }
    let asked = match read(context, caller, endpoint, names, request).await {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    watch.answering();
    let begun = Instant::now();
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let response = permitted(context, caller, asked, last).await;
    if streams && response.status() == StatusCode::OK {
        watch.streaming();
    }
    meters::JSON_CALLS.observe(begun.elapsed());
    response
}

/// Answers whoever has the right to it.
async fn permitted(
    context: &Rc<Context>,
    caller: &Rc<Caller>,
    asked: Asked,
    last: Option<&str>,
) -> Response<Outgoing> {
    let endpoint = asked.endpoint;
    if let Some(fault) = permit(context, caller, &asked).await {
        return refused(&fault);
    }
    if endpoint.method == Method::Post {
        return act::answer(context, caller, asked).await;
    }
    if let Err(refusal) = route::read(context, caller, endpoint.verb, endpoint.path).await {
        return *refusal;
    }
    let streamed = match endpoint.operation {
        Operation::Events => return events::answer(context, caller, last, asked.flag("usage")),
        Operation::LogEvents => match look::log_path(caller, &asked).await {
            Ok(path) => tail::answer(context, caller, (&asked, last), path).await,
            Err(fault) => Err(fault),
        },
        Operation::LogFile => match look::log_path(caller, &asked).await {
            Ok(path) => download::answer(context, caller, &asked, path).await,
            Err(fault) => Err(fault),
        },
        Operation::MainLogFile => {
            let path = context.main_log.clone();
            download::answer(context, caller, &asked, path).await
        }
        Operation::MainLogEvents => {
            let path = context.main_log.clone();
            tail::answer(context, caller, (&asked, last), path).await
        }
        _ => return look::answer(context, caller, &asked).await,
    };
    streamed.unwrap_or_else(|fault| refused(&fault))
}

/// Reads names, parameters and body.
async fn read(
    context: &Context,
    caller: &Caller,
    endpoint: &'static Endpoint,
    [first, second]: [&str; 2],
    request: Request<Incoming>,
) -> Result<Asked, Box<Response<Outgoing>>> {
    let bad = |text: String| Box::new(failed(400, FaultCode::BadArguments.name(), &text));
    let mut asked = Asked {
        endpoint,
        group: percent::decode(first),
        name: percent::decode(second),
        params: Vec::new(),
        signal: String::new(),
    };
    // In requests to the core these would stand for something else.
    let is_name = |name: &str| name != "*" && !name.contains(':');
    if !is_name(&asked.group) || !is_name(&asked.name) {
        let object = asked.object().unwrap_or_default();
        return Err(Box::new(refused(&Fault::about(FaultCode::BadName, object))));
    }
    for (name, value) in percent::all_fields(request.uri().query().unwrap_or_default()) {
        let mut params = endpoint.params.iter();
        let Some(param) = params.find(|param| param.name == name) else {
            return Err(bad(format!("there is no parameter {name} here")));
        };
        if !param.kind.has(&value) {
            let value = if value.is_empty() { "empty" } else { &value };
            return Err(bad(format!("{name} cannot be {value}")));
        }
        asked.params.push((param.name, value));
    }
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH);
    let is_empty = length.is_none_or(|length| length.as_bytes() == b"0")
        && !headers.contains_key(TRANSFER_ENCODING);
    if endpoint.method == Method::Get || (is_empty && endpoint.body.is_none()) {
        return Ok(asked);
    }
    let (body, _share) = body::read(context, caller, request, BODY).await?;
    if endpoint.body.is_some() {
        let body: serde_json::Value =
            serde_json::from_slice(&body).map_err(|error| bad(format!("the body: {error}")))?;
        asked.signal = match body.get("signal") {
            Some(serde_json::Value::String(signal)) => signal.clone(),
            Some(serde_json::Value::Number(signal)) => signal.to_string(),
            _ => return Err(bad("the body needs a member signal".to_owned())),
        };
    }
    Ok(asked)
}

/// The fault of a caller that has no right to this.
async fn permit(context: &Context, caller: &Caller, asked: &Asked) -> Option<Fault> {
    let (verb, object) = (asked.endpoint.verb, asked.object());
    let mut permitted = caller.permit(verb, object.as_deref());
    if permitted.is_ok() && asked.endpoint.operation == Operation::Signal {
        permitted = caller.permit_signal(&asked.signal, object.as_deref());
    }
    let fault = permitted.err()?;
    let method = method(asked);
    let deed = deed(asked, &method, object.as_deref());
    record::denied(context, caller, deed, &fault).await;
    Some(fault)
}

/// Its name in the audit log.
fn method(asked: &Asked) -> String {
    format!("api:{}", asked.endpoint.id)
}

/// What the audit log says of it.
fn deed<'a>(asked: &Asked, method: &'a str, object: Option<&'a str>) -> record::Deed<'a> {
    let signal = Some(asked.signal.clone()).filter(|signal| !signal.is_empty());
    record::Deed {
        verb: asked.endpoint.verb,
        method,
        target: object,
        args: signal.into_iter().collect(),
    }
}
