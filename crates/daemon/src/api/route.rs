//! From a request to what answers it. Everything passes through [`answer`]: credentials are asked for before any path is
//! looked at, and there is no other way in.

use super::hosts::Hosts;
use super::reports::Limit;
use super::respond::{self, Outgoing, put};
use super::rpc::{self, printable};
use super::sender::{self, Sender};
use super::watch::{REQUEST_LINE, Watch};
use super::{Context, auth, clock, follow, percent, web};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LAST_MODIFIED,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use provost_model::Channel;
use provost_model::config::ServerSpec;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::time::Instant;

/// Tells reverse proxies to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What a browser may do with an answer: show it, with our stylesheet, and send its forms to us. There are no scripts,
/// and no page of others may put ours into its own.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A server as its connections see it.
#[derive(Debug)]
pub(super) struct Server {
    spec: ServerSpec,
    hosts: Hosts,
}

impl Server {
    /// `machine` is the name of the machine.
    pub(super) fn new(spec: ServerSpec, machine: &str) -> Self {
        let hosts = Hosts::new(&spec, machine);
        Self { spec, hosts }
    }

    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(super) fn spec(&self) -> &ServerSpec {
        &self.spec
    }
}

/// Who asks, and whom.
struct Client<'a> {
    server: &'a Server,
    peer: &'a str,
}

/// Answers a request of the client at `peer`.
pub(super) async fn answer(
    context: &Rc<Context>,
    server: &Server,
    peer: &str,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let line = format!(
        "{} {} {:?}",
        request.method(),
        request.uri(),
        request.version()
    );
    let client = Client { server, peer };
    let mut response = admit(context, &client, watch, request, line.len()).await;
    let limit = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Some(Limit::Body),
        StatusCode::URI_TOO_LONG => Some(Limit::RequestLine),
        _ => None,
    };
    if let Some(limit) = limit {
        let sentence = || format!("{peer} {}", limit.sentence());
        context.reports.reached(limit, sentence);
    }
    guard(&mut response);
    context.trace(|| {
        let bytes = response.body().len().unwrap_or(0);
        let (now, line) = (clock::access_local(), printable(&line));
        format!(
            "{peer} - - [{now}] \"{line}\" {} {bytes}",
            response.status().as_u16()
        )
    });
    response.map(|body| body.watched(Rc::clone(watch)))
}

/// What must hold before a request gets anywhere.
async fn admit(
    context: &Rc<Context>,
    client: &Client<'_>,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
    line: usize,
) -> Response<Outgoing> {
    let server = client.server;
    if line > REQUEST_LINE {
        return respond::error_and_close(StatusCode::URI_TOO_LONG, "");
    }
    if !auth::permits(server.spec.credentials.as_ref(), request.headers()) {
        if request.headers().contains_key(AUTHORIZATION) {
            penalise(context, client.peer).await;
        }
        return respond::unauthorized();
    }
    if !server.hosts.permit(request.headers()) {
        return respond::error_and_close(StatusCode::MISDIRECTED_REQUEST, &unknown_host(server));
    }
    route(context, server, watch, request).await
}

/// Who guesses waits. A request without a login is no guess: browsers begin with one.
async fn penalise(context: &Rc<Context>, peer: &str) {
    let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
    // A client of a unix socket has none.
    let address = host
        .parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical());
    let Some(penalty) = context.guesses.failed(address, Instant::now()) else {
        return;
    };
    if penalty.is_first {
        let who = address.map_or_else(
            || "a client of the unix socket".to_owned(),
            |address| address.to_string(),
        );
        let sentence = || format!("{who} {}", Limit::Logins.sentence());
        context.reports.reached(Limit::Logins, sentence);
    }
    tokio::time::sleep(penalty.delay).await;
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
        put(response, name, HeaderValue::from_static(value));
    }
}

/// Whether a call is refused because of who sent it. A page of another site cannot send XML as XML without asking first,
/// which nobody answers here.
fn is_foreign(server: &Server, headers: &HeaderMap) -> bool {
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
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let path = percent::decode(request.uri().path());
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
        return rpc::answer(context, watch, request, server.spec.max_request_body).await;
    }
    let is_main = path.starts_with("/mainlogtail");
    if !is_main && !path.starts_with("/logtail") {
        return web::answer(context, server, watch, &path, request).await;
    }
    if request.method() != Method::GET {
        return respond::error_and_close(StatusCode::BAD_REQUEST, "Logs are read with GET.");
    }
    watch.answering();
    if is_main {
        tail(context, context.main_log.clone()).await
    } else {
        process_tail(context, &path).await
    }
}

/// `/logtail/⟨name⟩[/⟨channel⟩]`.
async fn process_tail(context: &Rc<Context>, path: &str) -> Response<Outgoing> {
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
    let Ok(log) = rpc::log_path(context, request).await else {
        return not_found();
    };
    let mut response = tail(context, log).await;
    if response.status() == StatusCode::OK {
        put(
            &mut response,
            X_ACCEL_BUFFERING,
            HeaderValue::from_static("no"),
        );
    }
    response
}

async fn tail(context: &Rc<Context>, log: Option<PathBuf>) -> Response<Outgoing> {
    let followed = match log {
        Some(log) => follow::follow(context, log).await,
        None => None,
    };
    let Some((changed, body)) = followed else {
        return respond::error(StatusCode::NOT_FOUND, "");
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
