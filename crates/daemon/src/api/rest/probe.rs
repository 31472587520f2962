//! Probes: whether supervisord is at work, and whether what should run does.

use super::look::text;
use super::{Asked, refused};
use crate::api::caller::Caller;
use crate::api::respond::Outgoing;
use hyper::{Response, StatusCode};
use provost_model::info::ProcessView;
use provost_model::spec::namespec;
use provost_model::{Fault, FaultCode, ProcessState, Reply, Request};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::timeout;

/// How long the control loop may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the control loop answers; what does not matter.
pub(super) async fn health(caller: &Caller) -> Response<Outgoing> {
    let answered = timeout(PATIENCE, caller.ask(Request::Check)).await;
    if answered.is_ok() {
        text(StatusCode::OK, "ok\n")
    } else {
        let why = "the control loop does not answer\n";
        text(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

/// Whether what should run does.
pub(super) async fn readiness(caller: &Caller, asked: &Asked) -> Response<Outgoing> {
    let views = match caller.ask(Request::GetAllViews).await {
        Ok(Reply::Views { views, .. }) => views,
        Ok(_) => Vec::new(),
        Err(fault) => {
            let why = format!("supervisord does not serve: {fault}\n");
            return text(StatusCode::SERVICE_UNAVAILABLE, why);
        }
    };
    let wanted = asked.param("program");
    let is_meant = |view: &&ProcessView| match wanted {
        None => view.autostart,
        Some(wanted) => {
            let (group, name) = (&*view.info.group, &*view.info.name);
            let full = wanted.split_once(':');
            wanted == group || wanted == name || full == Some((group, name))
        }
    };
    let mut meant = views.iter().filter(is_meant).peekable();
    if let (Some(wanted), None) = (wanted, meant.peek()) {
        return refused(&Fault::about(FaultCode::BadName, wanted));
    }
    let mut why = String::new();
    for view in meant.filter(|view| !is_ready(view)) {
        let info = &view.info;
        let name = namespec(&info.group, &info.name);
        // Writing into a String cannot fail.
        let _ = writeln!(why, "{name} {} {}", info.state, reason(view));
    }
    if why.is_empty() {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

fn is_ready(view: &ProcessView) -> bool {
    match view.info.state {
        ProcessState::Running => true,
        ProcessState::Exited => view.last_exit.is_some_and(|exit| exit.expected),
        _ => false,
    }
}

fn reason(view: &ProcessView) -> String {
    let exit = view.last_exit.map(|exit| exit.status.to_string());
    match view.info.state {
        _ if !view.info.spawnerr.is_empty() => view.info.spawnerr.clone(),
        ProcessState::Exited | ProcessState::Stopped | ProcessState::Fatal => {
            exit.unwrap_or_else(|| "not started".to_owned())
        }
        _ => "not there yet".to_owned(),
    }
}
