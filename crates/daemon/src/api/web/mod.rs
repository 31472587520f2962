//! The pages for people, with the addresses, fields and words that scripts know from upstream.
//!
//! Actions may come by a plain link, so each one that changes something is done only for a sender that may: see
//! [`super::sender`]. Every text in a page is escaped, and scripts are files of their own.

mod action;
mod assets;
mod daemon;
mod deeds;
mod detail;
mod frame;
mod seal;
mod status;
pub(super) mod tail;

use super::caller::Caller;
use super::respond::{self, Outgoing, put};
use super::route::{self, Server};
use super::sender::{self, Sender};
use super::watch::Watch;
use super::{Context, body, hosts, percent, record};
use action::Action;
pub(super) use action::{Works, lasting};
use assets::Asset;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use provost_model::FaultCode;
use provost_model::access::Verb;
use seal::Seal;
use std::io;
use std::rc::Rc;
use std::time::SystemTime;

/// Bytes of the body of a form. All that the pages send themselves is a name and an action.
const FORM: usize = 64 * 1024;

/// Bytes of a message in the address of a redirect: half of what a request line may have. Longer ones are cut off.
const MESSAGE: usize = 4 * 1024;

/// The action of tokens that are good for all forms of a page.
const FORMS: &str = "forms";

/// That of tokens for the forms of the page of supervisord.
const DAEMON: &str = "daemon";

/// What the pages keep between requests.
pub(super) struct Web {
    seal: Seal,
    /// Since when the stylesheet is what it is, for all that a browser can know.
    started: SystemTime,
}

impl Web {
    /// Fails when the system has no random bytes.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            seal: Seal::new()?,
            started: SystemTime::now(),
        })
    }
}

#[derive(Clone, Copy)]
enum Page {
    Status,
    Program,
    Log,
    Daemon,
    Tail,
    Well,
    Style,
    /// What a page loads, and whether it stays as it is.
    Asset(&'static Asset, bool),
}

impl Page {
    /// The one at a path without its first slash.
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "" | "index.html" => Self::Status,
            "program.html" => Self::Program,
            "log.html" => Self::Log,
            "daemon.html" => Self::Daemon,
            "tail.html" => Self::Tail,
            "ok.html" => Self::Well,
            "stylesheets/supervisor.css" => Self::Style,
            _ => {
                let (asset, stays) = assets::at(path)?;
                Self::Asset(asset, stays)
            }
        })
    }

    /// Whether forms are sent to it.
    fn takes_forms(self) -> bool {
        matches!(self, Self::Status | Self::Daemon | Self::Tail | Self::Well)
    }

    /// The right that its reader needs; that to act on it comes on top.
    fn verb(self) -> Verb {
        match self {
            Self::Status | Self::Program | Self::Daemon => Verb::Status,
            Self::Tail | Self::Log => Verb::Logs,
            Self::Well | Self::Style | Self::Asset(..) => Verb::Login,
        }
    }
}

/// The fields of a request.
struct Form {
    query: Vec<(String, String)>,
    body: Vec<(String, String)>,
}

impl Form {
    /// The last one of that name in the body, else the first one in the query.
    fn get(&self, name: &str) -> Option<&str> {
        let is_it = |field: &&(String, String)| field.0 == name;
        let body = self.body.iter().rev().find(is_it);
        let found = body.or_else(|| self.query.iter().find(is_it));
        found.map(|(_, value)| value.as_str())
    }

    /// The same of the body alone: what no link has.
    fn sent(&self, name: &str) -> Option<&str> {
        let mut fields = self.body.iter().rev();
        let (_, value) = fields.find(|field| field.0 == name)?;
        Some(value)
    }
}

/// Answers whatever is neither XML-RPC nor a log that is followed.
pub(super) async fn answer(
    context: &Rc<Context>,
    server: &Server,
    (caller, watch): (&Rc<Caller>, &Watch),
    path: &str,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let page = Page::at(path.trim_start_matches('/'));
    let method = request.method().clone();
    let is_read = method == Method::GET || method == Method::HEAD;
    let Some(page) = page.filter(|page| is_read || method == Method::POST && page.takes_forms())
    else {
        if is_read {
            watch.answering();
            return respond::error(StatusCode::NOT_FOUND, "");
        }
        return respond::error_and_close(
            StatusCode::BAD_REQUEST,
            "Pages and logs are read with GET; POST is for /RPC2 and for actions.",
        );
    };
    let headers = request.headers().clone();
    let mut form = Form {
        query: percent::fields(request.uri().query().unwrap_or_default()),
        body: Vec::new(),
    };
    if method == Method::POST {
        match body::read(context, caller, request, FORM).await {
            Ok((body, _)) => form.body = percent::fields(&String::from_utf8_lossy(&body)),
            Err(refusal) => return *refusal,
        }
    }
    watch.answering();
    let is_main = matches!(page, Page::Log) && form.get("main").is_some();
    let verb = if is_main { Verb::MainLog } else { page.verb() };
    if let Err(refusal) = route::read(context, caller, verb, path).await {
        return *refusal;
    }
    match page {
        Page::Well => respond::with(StatusCode::OK, "text/plain", "OK"),
        Page::Style => assets::sheet(context.web.started, &headers),
        Page::Asset(asset, stays) => assets::answer(asset, stays, &headers),
        Page::Tail => tail::page(context, caller, form.get("processname"), form.get("limit")).await,
        Page::Program => {
            let token = context.web.seal.token(FORMS, None);
            detail::program(caller, form.get("processname"), &token).await
        }
        Page::Log => detail::log(context, caller, form.get("processname"), is_main).await,
        Page::Daemon if method == Method::POST => {
            deeds::answer(context, server, caller, (&headers, &form)).await
        }
        Page::Daemon => {
            let token = context.web.seal.token(DAEMON, None);
            if form.get("plain").is_some() {
                daemon::plain(context, caller, &token, None).await
            } else {
                daemon::page(context, caller, &token).await
            }
        }
        Page::Status => match form.get("action") {
            None => {
                let token = context.web.seal.token(FORMS, None);
                let asked = status::Asked {
                    message: form.get("message"),
                    token: &token,
                    plain: form.get("plain").is_some(),
                    is_shown: status::is_shown(&headers),
                };
                status::page(context, caller, &asked).await
            }
            Some(_) if method == Method::HEAD => respond::error(
                StatusCode::BAD_REQUEST,
                "Actions are taken by GET and POST.",
            ),
            Some(action) => act(context, server, caller, &headers, &method, &form, action).await,
        },
    }
}

/// Does what is asked, if the sender may ask it, and tells on the status page how it went.
async fn act(
    context: &Rc<Context>,
    server: &Server,
    caller: &Rc<Caller>,
    headers: &HeaderMap,
    method: &Method,
    form: &Form,
    wanted: &str,
) -> Response<Outgoing> {
    let action = Action::of(wanted);
    let name = form.get("processname");
    let method_name = format!("web:{wanted}");
    let verb = action.map_or(Verb::Login, Action::verb);
    let deed = || record::Deed {
        verb,
        method: &method_name,
        target: name,
        args: Vec::new(),
    };
    if let Err(fault) = caller.permit(verb, name) {
        record::denied(context, caller, deed(), &fault).await;
        return route::forbidden(&fault);
    }
    let changes = action.is_some_and(|action| action != Action::Refresh);
    let was_trusted = caller.tape().progress().trusted;
    if changes && server.spec().web_csrf && !was_trusted {
        let seal = &context.web.seal;
        let confirmed = || {
            let token = form.get("token").filter(|_| *method == Method::POST);
            token.is_some_and(|token| {
                seal.fits(token, wanted, name) || seal.fits(token, FORMS, None)
            })
        };
        match sender::judge(headers, server.hosts(), server.spec().strict) {
            Sender::Trusted => {}
            Sender::Foreign => return frame::refused(wanted, name),
            Sender::Unclear if confirmed() => {}
            Sender::Unclear => return frame::confirm(wanted, name, &seal.token(wanted, name)),
        }
    }
    // The token of a page is good for the image that made it.
    caller.tape().progress().trusted = true;
    let entry = match record::begin(context, caller, deed()).await {
        Ok(entry) => entry,
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    };
    let note = || caller.tape().progress().message.take();
    let done = match note() {
        Some(message) => Ok(message),
        None => action::run(context, caller, action, name).await,
    };
    let message = match done {
        Ok(message) => message,
        Err(mistake) => {
            entry.end(Some(FaultCode::BadArguments.code())).await;
            return respond::error(StatusCode::BAD_REQUEST, mistake);
        }
    };
    // The message tells a failure in words; the line has the common code for one.
    let failed = message.starts_with("ERROR:") || message.starts_with("unexpected rpc fault");
    caller.tape().progress().message = Some(message);
    entry.end(failed.then(|| FaultCode::Failed.code())).await;
    let message = note().unwrap_or_default();
    let mut response = respond::error(StatusCode::MOVED_PERMANENTLY, "");
    frame::never_keep(&mut response);
    let location = format!(
        "{}{}/?message={}",
        server.hosts().url(headers),
        hosts::prefix(headers),
        percent::encode_up_to(&message, MESSAGE)
    );
    // Neither part can hold what a header may not.
    if let Ok(location) = HeaderValue::try_from(location) {
        put(&mut response, LOCATION, location);
    }
    response
}
