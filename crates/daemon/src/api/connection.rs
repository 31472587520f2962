//! One connection from accept to close.

use super::Context;
use super::caller::Peer;
use super::carry::CarriedConnection;
use super::carry::tape::Tape;
use super::crowd::Place;
use super::reports::Limit;
use super::respond;
use super::route::{self, Server};
use super::stream::{Socket, Watched};
use super::tls::{self, Shaken};
use super::watch::{Stage, Verdict, Watch, Worth};
use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Bytes of a request header, also the size of the buffers of a connection.
const HEADER: usize = 16 * 1024;

/// Header lines of a request.
const HEADER_LINES: usize = 100;

/// How long a client may be silent that has been answered and was still sending. A socket closed with unread bytes in it
/// is reset, and many a client then never reads what it was told.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How long such a client is heard out, however steadily it sends.
const LINGER_MAX: Duration = Duration::from_secs(10);

/// How much of what such a client sends is read and forgotten.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// How a connection ends here.
enum End {
    /// By itself, or by a verdict.
    Over(Option<Verdict>),
    /// Another image goes on with it.
    Taken,
}

/// How a connection begins here.
pub(super) struct Beginning {
    /// What it has asked.
    pub(super) tape: Rc<Tape>,
    /// All that is left is the rest of an answer; and whether the client is heard out after it.
    pub(super) closing: Option<bool>,
}

/// Serves `socket` until either side has had enough. `place` is held for as long as that.
pub(super) async fn serve(
    context: Rc<Context>,
    server: Rc<Server>,
    socket: Socket,
    place: Place,
    beginning: Beginning,
) {
    let Beginning { tape, closing } = beginning;
    let watch = place.watch();
    let Some(socket) = begin(&context, &server, socket, &watch, &tape).await else {
        return;
    };
    let socket = Rc::new(socket);
    let (end, lingers) = match closing {
        Some(lingers) => (see_off(&socket, &watch, &tape).await, lingers),
        None => (
            converse(Rc::clone(&context), server, &socket, &watch, &tape).await,
            false,
        ),
    };
    let verdict = match end {
        End::Taken => return hand_in(&context, socket, &tape, closing),
        End::Over(verdict) => verdict,
    };
    if let Some(limit) = verdict.and_then(Verdict::limit) {
        let peer = Peer::new(&tape);
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
    // Nothing may be said in the middle of an answer.
    if let Some(status) = words.filter(|_| !tape.has_rest()) {
        socket.say(&respond::last_words(status)).await;
    }
    let rejected = matches!(
        verdict,
        Some(Verdict::LineTooLong | Verdict::HeaderTooLong | Verdict::NoHttp)
    );
    let lingers = lingers || (rejected || watch.is_unread()) && verdict != Some(Verdict::Displaced);
    // What was taken from a connection that ended while all were to be handed over.
    if tape.is_wanted() && tape.has_rest() && verdict != Some(Verdict::Unread) {
        return hand_in(&context, socket, &tape, Some(lingers));
    }
    socket.part();
    if tape.is_wanted() && tape.is_bound() {
        return;
    }
    if lingers && let Some(mut socket) = Rc::into_inner(socket) {
        let is_left = tokio::select! {
            _ = timeout(LINGER_MAX, socket.linger(LINGER_BYTES)) => true,
            () = wanted(&watch, &tape) => false,
        };
        if !is_left && !tape.is_bound() {
            hand_in(&context, Rc::new(socket), &tape, Some(true));
        }
    }
}

/// Agrees with the client on how to speak in secret, where the server asks for that; none when nothing comes of it.
async fn begin(
    context: &Context,
    server: &Server,
    socket: Socket,
    watch: &Watch,
    tape: &Tape,
) -> Option<Socket> {
    let (config, stream, address) = match (server.tls(), socket) {
        (Some(config), Socket::Tcp(stream, address)) => (config, stream, address),
        (_, socket) => return Some(socket),
    };
    tape.bind();
    let config = config.config().await;
    match tls::shake_hands(&config, stream, watch, tape).await {
        Shaken::Done(stream) => return Some(tls::socket(stream, address, tape)),
        Shaken::Plain(stream) => tls::refuse_plain(Socket::Tcp(stream, address)).await,
        Shaken::Failed(error) => {
            let sentence = || format!("{address} {}: {error}", Limit::Handshake.sentence());
            context.reports.reached(Limit::Handshake, sentence);
        }
        Shaken::Over(verdict) => {
            if let Some(limit) = verdict.and_then(Verdict::limit) {
                let sentence = || format!("{address} {}", limit.sentence());
                context.reports.reached(limit, sentence);
            }
        }
    }
    None
}

/// Gives a connection to whoever goes on with it.
fn hand_in(context: &Context, socket: Rc<Socket>, tape: &Tape, closing: Option<bool>) {
    if closing.is_some() {
        tape.abandon();
    }
    // What the socket has room for need not be carried. A client that is gone is found gone by the next image, too.
    let _ = tape.write_rest(|bytes| socket.try_write(bytes));
    let (mut state, log) = tape.take();
    state.is_closing = closing.is_some();
    state.lingers = closing == Some(true);
    state.is_detached = matches!(*socket, Socket::Nobody);
    // Nobody else has it: whatever shared it has ended.
    let socket = Rc::into_inner(socket).map(Socket::into_descriptor);
    if let Some(Ok(socket)) = socket {
        let log = log.map(OwnedFd::from);
        let connection = CarriedConnection { socket, log, state };
        context.carried.borrow_mut().push(connection);
    }
}

/// Waits until all connections are to be handed over.
async fn wanted(watch: &Watch, tape: &Tape) {
    poll_fn(|cx| {
        watch.wake_with(cx.waker());
        if tape.is_wanted() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Writes the rest of an answer, after which the connection ends.
async fn see_off(socket: &Rc<Socket>, watch: &Rc<Watch>, tape: &Rc<Tape>) -> End {
    let stream = Watched {
        socket: Rc::clone(socket),
        watch: Rc::clone(watch),
        tape: Rc::clone(tape),
    };
    let mut timer = Timer::default();
    poll_fn(|cx| {
        watch.wake_with(cx.waker());
        if tape.is_wanted() {
            return Poll::Ready(End::Taken);
        }
        if stream.poll_rest(cx).is_ready() {
            return Poll::Ready(End::Over(None));
        }
        if timer.passed(watch.stuck_until(), cx) {
            return Poll::Ready(End::Over(Some(Verdict::Unread)));
        }
        Poll::Pending
    })
    .await
}

/// Serves requests until the connection ends by itself (none) or by a verdict, or is handed over.
async fn converse(
    context: Rc<Context>,
    server: Rc<Server>,
    socket: &Rc<Socket>,
    watch: &Rc<Watch>,
    tape: &Rc<Tape>,
) -> End {
    let stream = |tape: &Rc<Tape>| Watched {
        socket: Rc::clone(socket),
        watch: Rc::clone(watch),
        tape: Rc::clone(tape),
    };
    let peer = Rc::new(Peer::new(tape));
    let service = service_fn(|request| {
        let (context, server) = (Rc::clone(&context), Rc::clone(&server));
        let (watch, peer) = (Rc::clone(watch), Rc::clone(&peer));
        watch.asked();
        tape.begin();
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
            .serve_connection(TokioIo::new(stream(tape)), service)
    );
    let first = stream(tape);
    let mut timer = Timer::default();
    let is_work = matches!(**socket, Socket::Nobody);
    let mut draining = false;
    poll_fn(|cx| {
        watch.wake_with(cx.waker());
        if tape.has_rest() && !tape.is_wanted() {
            match first.poll_rest(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(End::Over(None)),
                Poll::Pending if watch.verdict().is_some() => {
                    return Poll::Ready(End::Over(watch.verdict()));
                }
                Poll::Pending if timer.passed(watch.stuck_until(), cx) => {
                    return Poll::Ready(End::Over(Some(Verdict::Unread)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        let leaves = tape.is_wanted() && tape.is_bound();
        if (watch.is_last() || leaves) && !draining {
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
            return Poll::Ready(End::Over(verdict));
        }
        if let Some(verdict) = watch.verdict() {
            return Poll::Ready(End::Over(Some(verdict)));
        }
        if leaves {
            // What waits for the core or the client waits in vain here; the core is told as of any client that leaves.
            let is_unheard = matches!(watch.worth(), Some((Worth::Unheard, _)));
            if is_unheard || tape.is_at_rest() {
                return Poll::Ready(End::Over(None));
            }
        } else if tape.is_wanted() && (watch.stage() == Stage::Between || tape.is_at_rest()) {
            // All that was handed over for writing has been taken, and nothing more will come of itself.
            tape.settle();
            return Poll::Ready(End::Taken);
        }
        if is_work && watch.stage() == Stage::Between {
            // It is done.
            return Poll::Ready(End::Over(None));
        }
        if timer.passed(watch.deadline(), cx) {
            Poll::Ready(End::Over(Some(watch.lateness())))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// A timer that exists only while there is a deadline.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<std::pin::Pin<Box<Sleep>>>,
}

impl Timer {
    pub(super) fn passed(
        &mut self,
        deadline: Option<Instant>,
        cx: &mut std::task::Context<'_>,
    ) -> bool {
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
