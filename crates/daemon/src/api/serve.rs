//! What the api thread does from its start to its end.

use super::accept::{self, Acceptor};
use super::carry::tape::Carry;
use super::crowd::Crowd;
use super::{Carried, CarriedConnection, Context, OpenServer, stream};
use provost_model::Level;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// How long answers under way may take to leave once the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a hand-over waits for what is neither the core's nor a client's to give: a line of the audit log, a piece of a
/// log, a look at a password. What takes longer is done anew by the next image.
const HAND_OVER: Duration = Duration::from_millis(80);

/// And how long for what nothing should hold up. Only a bug takes so long.
const HAND_OVER_MAX: Duration = Duration::from_secs(1);

/// Serves until the daemon stops, or gives away what there is.
pub(super) async fn serve(
    context: Rc<Context>,
    listeners: Vec<accept::Watched>,
    carried: Vec<CarriedConnection>,
) -> Option<Carried> {
    let (tcp, unix) = (Rc::clone(&context.tcp), Rc::clone(&context.unix));
    let (mut stopping, mut handing) = (context.stopping.clone(), context.handing.clone());
    context.usage.begin(&context);
    let acceptors: Vec<Acceptor> = listeners
        .into_iter()
        .map(|listener| {
            let (own, other) = if listener.is_unix() {
                (&unix, &tcp)
            } else {
                (&tcp, &unix)
            };
            Acceptor::new(
                Rc::clone(&context),
                listener,
                Rc::clone(own),
                Rc::clone(other),
            )
        })
        .collect();
    let servers: Vec<_> = acceptors.iter().map(Acceptor::server).collect();
    for connection in carried {
        accept::resume(&context, &servers, connection);
    }
    let acceptors: Vec<_> = acceptors
        .into_iter()
        .map(|acceptor| tokio::task::spawn_local(acceptor.run()))
        .collect();
    tokio::select! {
        Ok(_) = handing.wait_for(|is| *is) => {
            return Some(give_away(&context, acceptors, &tcp, &unix).await);
        }
        // An error means that the sender is gone, which is a stop as well.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    for acceptor in &acceptors {
        acceptor.abort();
    }
    let farewell = async {
        tcp.disperse().await;
        unix.disperse().await;
    };
    // Whoever has not read its answer by then does without.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    None
}

/// Collects everything for another image.
async fn give_away(
    context: &Rc<Context>,
    acceptors: Vec<tokio::task::JoinHandle<io::Result<OpenServer>>>,
    tcp: &Crowd,
    unix: &Crowd,
) -> Carried {
    context.carry.set(Carry::Wanted);
    let rest = async {
        tcp.empty().await;
        unix.empty().await;
        while !context.works.are_at_rest() {
            tokio::task::yield_now().await;
        }
    };
    // Those that wait are waited for together: whoever is woken does its part while others are waited for.
    let is_calm = tokio::time::timeout(HAND_OVER, rest).await.is_ok();
    let mut servers = Vec::new();
    for acceptor in acceptors {
        match acceptor.await {
            Ok(Ok(server)) => servers.push(server),
            Ok(Err(error)) => {
                let text = format!("a server could not be handed over: {error}");
                context.logger.log(Level::Error, text);
            }
            // It panicked, and its socket is closed.
            Err(_) => {}
        }
    }
    if !is_calm {
        context.carry.set(Carry::Forced);
    }
    // Also for those that were accepted a moment ago.
    let rest = async {
        tcp.empty().await;
        unix.empty().await;
    };
    let _ = tokio::time::timeout(HAND_OVER_MAX, rest).await;
    for work in context.works.left_behind() {
        let (state, log) = (work.take_work(), None);
        if let Ok(socket) = stream::nobody() {
            let connection = CarriedConnection { socket, log, state };
            context.carried.borrow_mut().push(connection);
        }
    }
    Carried {
        servers,
        connections: context.carried.take(),
        next_request: context.control.next_number(),
    }
}
