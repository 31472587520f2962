//! From a request to what answers it. Everything passes through [`answer`]: credentials are asked for before any path is
//! looked at, and there is no other way in.

use super::respond::{self, Outgoing, put};
use super::rpc::{self, printable};
use super::watch::{REQUEST_LINE, Watch};
use super::{Context, auth, clock, follow, origin, page};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};
use provost_model::Channel;
use provost_model::config::ServerSpec;
use std::path::PathBuf;
use std::rc::Rc;

/// Tells reverse proxies to pass on what comes as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A server as its connections see it.
#[derive(Debug)]
pub(super) struct Server {
    spec: ServerSpec,
}

impl Server {
    pub(super) fn new(spec: ServerSpec) -> Self {
        Self { spec }
    }

    pub(super) fn spec(&self) -> &ServerSpec {
        &self.spec
    }
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
    let response = admit(context, server, watch, request, line.len()).await;
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
    server: &Server,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
    line: usize,
) -> Response<Outgoing> {
    if line > REQUEST_LINE {
        return respond::error_and_close(StatusCode::URI_TOO_LONG, "");
    }
    if !auth::permits(server.spec.credentials.as_ref(), request.headers()) {
        return respond::unauthorized();
    }
    route(context, watch, request).await
}

async fn route(
    context: &Rc<Context>,
    watch: &Rc<Watch>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let path = decode(request.uri().path());
    if path.starts_with("/RPC2") {
        if request.method() != Method::POST {
            return respond::error_and_close(
                StatusCode::BAD_REQUEST,
                "XML-RPC calls are made with POST.",
            );
        }
        if origin::is_foreign(request.headers()) {
            return respond::error_and_close(
                StatusCode::FORBIDDEN,
                "This call was sent by the page of another site.",
            );
        }
        return rpc::answer(context, watch, request).await;
    }
    if request.method() != Method::GET {
        return respond::error_and_close(
            StatusCode::BAD_REQUEST,
            "Pages and logs are read with GET; POST is for /RPC2.",
        );
    }
    watch.answering();
    if path.starts_with("/logtail") {
        return process_tail(context, &path).await;
    }
    if path.starts_with("/mainlogtail") {
        return tail(context, context.main_log.clone()).await;
    }
    match path.trim_start_matches('/') {
        "" | "index.html" => page::status(context).await,
        "ok.html" => respond::with(StatusCode::OK, "text/plain", "OK"),
        _ => respond::error(StatusCode::NOT_FOUND, ""),
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
    put(
        &mut response,
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A path without percent signs. One that is followed by no two digits stands for itself.
fn decode(path: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn percent_signs_are_resolved_where_they_mean_something() {
        assert_eq!(decode("/logtail/a%3Ab/stderr"), "/logtail/a:b/stderr");
        assert_eq!(decode("/%52PC2"), "/RPC2");
        assert_eq!(decode("/100%/%zz%4"), "/100%/%zz%4");
        assert_eq!(decode("/%ff%C3%A9"), "/\u{fffd}\u{e9}");
    }
}
