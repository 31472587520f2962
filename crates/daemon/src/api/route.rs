//! From a request to what answers it. Everything passes through [`answer`]: credentials are asked for before any path is
//! looked at, and there is no other way in.

use super::caller::{Caller, Peer};
use super::follow::Mark;
use super::hosts::Hosts;
use super::identify::identify;
use super::renewal::Renewal;
use super::reports::Limit;
use super::respond::{self, Outgoing, put};
use super::rpc::{self, printable};
use super::sender::{self, Sender};
use super::shares::Spent;
use super::watch::{REQUEST_LINE, Watch};
use super::{Context, SHORT_ANSWER, clock, follow, percent, record, rest, web};
use crate::crash;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LAST_MODIFIED,
    REFERRER_POLICY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use provost_model::access::Verb;
use provost_model::config::ServerSpec;
use provost_model::{Channel, Fault, FaultCode};
use provost_wire::rest as endpoints;
use std::path::PathBuf;
use std::rc::Rc;

/// Tells reverse proxies to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What a browser may do with an answer that says nothing else: show it, with our stylesheet, and send its forms to us.
/// There are no scripts, and no page of others may put ours into its own.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A server as its connections see it.
#[derive(Debug)]
pub(super) struct Server {
    spec: ServerSpec,
    hosts: Hosts,
    tls: Option<Renewal>,
}

impl Server {
    /// `machine` is the name of the machine.
    pub(super) fn new(spec: ServerSpec, tls: Option<Renewal>, machine: &str) -> Self {
        let hosts = Hosts::new(&spec, machine);
        Self { spec, hosts, tls }
    }

    /// What handshakes need; none where nothing is encrypted.
    pub(super) fn tls(&self) -> Option<&Renewal> {
        self.tls.as_ref()
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(super) fn spec(&self) -> &ServerSpec {
        &self.spec
    }
}

/// Answers a request of the client at `peer`.
pub(super) async fn answer(
    context: &Rc<Context>,
    server: &Server,
    peer: &Rc<Peer>,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    crash::point("api");
    let line = format!(
        "{} {} {:?}",
        request.method(),
        request.uri(),
        request.version()
    );
    let is_ours = rest::is_ours(request.uri().path());
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = admit(context, server, (peer, watch), request, line.len()).await;
    if is_ours {
        response = rest::in_json(response);
    }
    if is_chunked {
        // Where such a request ends is known to nobody but its decoder.
        put(&mut response, CONNECTION, HeaderValue::from_static("close"));
    }
    let limit = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Some(Limit::Body),
        StatusCode::URI_TOO_LONG => Some(Limit::RequestLine),
        _ => None,
    };
    if let Some(limit) = limit {
        let sentence = || format!("{} {}", peer.shown, limit.sentence());
        context.reports.reached(limit, sentence);
    }
    guard(&mut response);
    context.trace(|| {
        let bytes = response.body().len().unwrap_or(0);
        let (now, line) = (clock::access_local(), printable(&line));
        format!(
            "{} - - [{now}] \"{line}\" {} {bytes}",
            peer.shown,
            response.status().as_u16()
        )
    });
    response.map(|body| body.watched(Rc::clone(watch), Rc::clone(&peer.tape)))
}

/// What must hold before a request gets anywhere.
async fn admit(
    context: &Rc<Context>,
    server: &Server,
    (peer, watch): (&Rc<Peer>, &Rc<Watch>),
    request: Request<Incoming>,
    line: usize,
) -> Response<Outgoing> {
    if line > REQUEST_LINE {
        return respond::error_and_close(StatusCode::URI_TOO_LONG, "");
    }
    let caller = match identify(context, server, peer, request.headers()).await {
        Ok(caller) => caller,
        Err(refusal) => return *refusal,
    };
    let crowd = match peer.address {
        Some(_) => &context.tcp,
        None => &context.unix,
    };
    if !crowd.lets_work(&caller, watch) {
        let limit = Limit::RequestsOfUser;
        let sentence = || format!("user {} {}", caller.name, limit.sentence());
        context.reports.reached(limit, sentence);
        return respond::error_and_close(
            StatusCode::SERVICE_UNAVAILABLE,
            "You have as many requests under way as you may have. Try again when one of them is done.",
        );
    }
    let bytes = line.saturating_add(length(request.headers()));
    match context.user_headers.of_bytes(&caller, bytes) {
        Ok(share) => watch.hold(share),
        Err(Spent) => return spent(context, &caller),
    }
    if !server.hosts.permit(request.headers()) {
        return respond::error_and_close(StatusCode::MISDIRECTED_REQUEST, &unknown_host(server));
    }
    let response = route(context, server, &caller, watch, request).await;
    let bytes = response.body().len().unwrap_or_default();
    if bytes > SHORT_ANSWER {
        match context.user_answers.of_bytes(&caller, bytes) {
            Ok(share) => watch.hold(share),
            Err(Spent) => return spent(context, &caller),
        }
    }
    response
}

/// Bytes of the lines of a header.
fn length(headers: &HeaderMap) -> usize {
    // A colon, a blank and the end of the line.
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    headers.iter().map(line).sum()
}

/// Says in the log that a client has as many bytes under way as it may have.
pub(super) fn report_spent(context: &Context, caller: &Caller) {
    let limit = Limit::BytesOfUser;
    let sentence = || format!("user {} {}", caller.name, limit.sentence());
    context.reports.reached(limit, sentence);
}

/// Refuses what would take more bytes than a client may have under way.
pub(super) fn spent(context: &Context, caller: &Caller) -> Response<Outgoing> {
    report_spent(context, caller);
    respond::error_and_close(
        StatusCode::SERVICE_UNAVAILABLE,
        "Your requests and answers under way have as many bytes as they may have. Try again when one of them is done.",
    )
}

fn unknown_host(server: &Server) -> String {
    format!(
        "This server is not known by the name it was asked under. If that name is right, add it to allowed_hosts in \
         [{}] of the configuration.",
        server.spec.section
    )
}

/// Tells browsers to take an answer for what it says it is. Answers of XML-RPC are for programs, and stay as upstream's.
fn guard(response: &mut Response<Outgoing>) {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes() == b"text/xml") {
        return;
    }
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Our own pages are told from foreign ones by it, where a browser says nothing better.
        (REFERRER_POLICY, "same-origin"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
}

/// Whether a call is refused because of who sent it. A page of another site cannot send XML as XML without asking first,
/// which nobody answers here.
pub(super) fn is_foreign(server: &Server, headers: &HeaderMap) -> bool {
    server.spec.web_csrf
        && match sender::judge(headers, &server.hosts, server.spec.strict) {
            Sender::Trusted => false,
            Sender::Foreign => true,
            Sender::Unclear => sender::is_form(headers),
        }
}

async fn route(
    context: &Rc<Context>,
    server: &Server,
    caller: &Rc<Caller>,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let method = match *request.method() {
        Method::GET | Method::HEAD => Some(endpoints::Method::Get),
        Method::POST => Some(endpoints::Method::Post),
        _ => None,
    };
    let raw = request.uri().path().to_owned();
    if let Some(found) = endpoints::find(method, &raw) {
        return rest::answer(context, server, (caller, watch), found, request).await;
    }
    let path = percent::decode(&raw);
    if path.starts_with("/RPC2") {
        if request.method() != Method::POST {
            return respond::error_and_close(
                StatusCode::BAD_REQUEST,
                "XML-RPC calls are made with POST.",
            );
        }
        if is_foreign(server, request.headers()) {
            return respond::error_and_close(
                StatusCode::FORBIDDEN,
                "The page of another site may have sent this call. Calls are taken with Content-Type text/xml, and from \
                 pages of the hosts in allowed_hosts.",
            );
        }
        return rpc::answer(
            context,
            caller,
            watch,
            request,
            server.spec.max_request_body,
        )
        .await;
    }
    let is_main = path.starts_with("/mainlogtail");
    if !is_main && !path.starts_with("/logtail") {
        return web::answer(context, server, (caller, watch), &path, request).await;
    }
    if request.method() != Method::GET {
        return respond::error_and_close(StatusCode::BAD_REQUEST, "Logs are read with GET.");
    }
    watch.answering();
    if let Some(mark) = caller.tape().followed() {
        return tail_again(context, mark).await;
    }
    let verb = if is_main { Verb::MainLog } else { Verb::Logs };
    if let Err(refusal) = read(context, caller, verb, &path).await {
        return *refusal;
    }
    if is_main {
        tail(context, caller, context.main_log.clone()).await
    } else {
        process_tail(context, caller, &path).await
    }
}

/// Lets a known client read a page that needs this right, and records that, or refuses it.
pub(super) async fn read(
    context: &Context,
    caller: &Caller,
    verb: Verb,
    path: &str,
) -> Result<(), Box<Response<Outgoing>>> {
    if caller.tape().progress().read {
        return Ok(());
    }
    let method = format!("web:{path}");
    let deed = || record::Deed {
        verb,
        method: &method,
        target: None,
        args: Vec::new(),
    };
    if let Err(fault) = caller.permit(verb, None) {
        record::denied(context, caller, deed(), &fault).await;
        return Err(Box::new(forbidden(&fault)));
    }
    match record::begin(context, caller, deed()).await {
        Ok(entry) => {
            entry.end(None).await;
            let mut progress = caller.tape().progress();
            progress.next_call();
            progress.read = true;
            Ok(())
        }
        Err(fault) => Err(Box::new(respond::error(
            StatusCode::SERVICE_UNAVAILABLE,
            &fault.to_string(),
        ))),
    }
}

/// The answer to a known client that has no right to what it asked for.
pub(super) fn forbidden(fault: &Fault) -> Response<Outgoing> {
    respond::error(StatusCode::FORBIDDEN, &fault.to_string())
}

/// `/logtail/⟨name⟩[/⟨channel⟩]`.
async fn process_tail(context: &Rc<Context>, caller: &Caller, path: &str) -> Response<Outgoing> {
    let not_found = || respond::error(StatusCode::NOT_FOUND, "");
    let Some((_, rest)) = path.trim_start_matches('/').split_once('/') else {
        return not_found();
    };
    let (name, channel) = match rest.split_once('/') {
        None => (rest, Channel::Stdout),
        Some((name, "stdout")) => (name, Channel::Stdout),
        Some((name, "stderr")) => (name, Channel::Stderr),
        Some(_) => return not_found(),
    };
    let request = provost_model::Request::FollowPath {
        name: name.to_owned(),
        channel,
    };
    let Ok(log) = rpc::log_path(caller, request).await else {
        return not_found();
    };
    let mut response = tail(context, caller, log).await;
    if response.status() == StatusCode::OK {
        put(
            &mut response,
            X_ACCEL_BUFFERING,
            HeaderValue::from_static("no"),
        );
    }
    response
}

/// Goes on with an answer whose header has been written.
async fn tail_again(context: &Rc<Context>, mark: Mark) -> Response<Outgoing> {
    match follow::resume(context, mark).await {
        Some(body) => respond::bare(StatusCode::OK, body),
        None => respond::bare(StatusCode::OK, Outgoing::ended()),
    }
}

async fn tail(context: &Rc<Context>, caller: &Caller, log: Option<PathBuf>) -> Response<Outgoing> {
    let followed = match log {
        Some(log) => follow::follow(context, caller.tape(), log).await,
        None => Err(Fault::bare(FaultCode::NoFile)),
    };
    let (changed, body) = match followed {
        Ok(followed) => followed,
        Err(fault) if fault.code == FaultCode::NoFile => {
            return respond::error(StatusCode::NOT_FOUND, "");
        }
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    };
    let mut response = respond::bare(StatusCode::OK, body);
    if let Ok(changed) = HeaderValue::try_from(clock::http_date(changed)) {
        put(&mut response, LAST_MODIFIED, changed);
    }
    put(
        &mut response,
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain;charset=utf-8"),
    );
    response
}
