//! One connection from accept to close.

use super::Context;
use super::accept::Place;
use super::respond;
use super::route::{self, Server};
use super::stream::{Socket, Watched};
use super::watch::{Verdict, Watch};
use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Bytes of a request header, also the size of the buffers of a connection.
const HEADER: usize = 16 * 1024;

/// Header lines of a request.
const HEADER_LINES: usize = 100;

/// How long a client that is still sending may take to notice its answer. A socket closed with unread bytes in it is
/// reset, and many a client then never reads what it was told.
const LINGER: Duration = Duration::from_secs(1);

/// How much of what such a client sends is read and forgotten.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// Serves `socket` until either side has had enough. `place` is held for as long as that.
pub(super) async fn serve(context: Rc<Context>, server: Rc<Server>, socket: Socket, place: Place) {
    let watch = place.watch();
    let socket = Rc::new(socket);
    let verdict = converse(Rc::clone(&context), server, &socket, &watch).await;
    if let Some(limit) = verdict.and_then(Verdict::limit) {
        let peer = socket.peer();
        context
            .reports
            .reached(limit, || format!("{} {}", peer.shown, limit.sentence()));
    }
    let words = match verdict {
        Some(Verdict::TooSlow) => Some(StatusCode::REQUEST_TIMEOUT),
        Some(Verdict::LineTooLong) => Some(StatusCode::URI_TOO_LONG),
        Some(Verdict::Displaced) => Some(StatusCode::SERVICE_UNAVAILABLE),
        Some(Verdict::NoHttp | Verdict::HeaderTooLong | Verdict::Silent | Verdict::Unread)
        | None => None,
    };
    if let Some(status) = words {
        socket.say(&respond::last_words(status)).await;
    }
    let rejected = matches!(
        verdict,
        Some(Verdict::LineTooLong | Verdict::HeaderTooLong | Verdict::NoHttp)
    );
    if (rejected || watch.is_unread())
        && verdict != Some(Verdict::Displaced)
        && let Some(socket) = Rc::into_inner(socket)
    {
        let _ = timeout(LINGER, socket.linger(LINGER_BYTES)).await;
    }
}

/// Serves requests until the connection ends by itself (none) or by a verdict.
async fn converse(
    context: Rc<Context>,
    server: Rc<Server>,
    socket: &Rc<Socket>,
    watch: &Rc<Watch>,
) -> Option<Verdict> {
    let stream = Watched {
        socket: Rc::clone(socket),
        watch: Rc::clone(watch),
    };
    let peer = Rc::new(socket.peer());
    let service = service_fn(|request| {
        let (context, server) = (Rc::clone(&context), Rc::clone(&server));
        let (watch, peer) = (Rc::clone(watch), Rc::clone(&peer));
        watch.asked();
        async move {
            Ok::<_, Infallible>(route::answer(&context, &server, &peer, &watch, request).await)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .max_buf_size(HEADER)
            .max_header_size(HEADER)
            .max_headers(HEADER_LINES)
            .title_case_headers(true)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut timer = Timer::default();
    let mut draining = false;
    poll_fn(|cx| {
        watch.wake_with(cx.waker());
        if watch.is_last() && !draining {
            draining = true;
            connection.as_mut().graceful_shutdown();
        }
        // Errors are the client's: it went away, or spoke no HTTP.
        if let Poll::Ready(result) = connection.as_mut().poll(cx) {
            let verdict = result.err().and_then(|error| {
                if error.is_parse_too_large() {
                    return Some(Verdict::HeaderTooLong);
                }
                error.is_parse().then_some(Verdict::NoHttp)
            });
            return Poll::Ready(verdict);
        }
        if let Some(verdict) = watch.verdict() {
            return Poll::Ready(Some(verdict));
        }
        if timer.passed(watch.deadline(), cx) {
            Poll::Ready(Some(watch.lateness()))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// A timer that exists only while there is a deadline.
#[derive(Default)]
struct Timer {
    sleep: Option<std::pin::Pin<Box<Sleep>>>,
}

impl Timer {
    fn passed(&mut self, deadline: Option<Instant>, cx: &mut std::task::Context<'_>) -> bool {
        let Some(deadline) = deadline else {
            self.sleep = None;
            return false;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }
}
