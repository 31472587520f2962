//! What the forms of the page of supervisord do, and what it says about it.
//!
//! Scripts have the JSON interface for that, so whoever comes here shows a token of the page.

use super::{DAEMON, Form, action, daemon, frame};
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing};
use crate::api::rest::{act, findings};
use crate::api::route::{self, Server};
use crate::api::sender::{self, Sender};
use crate::api::{Context, record};
use hyper::{HeaderMap, Response, StatusCode};
use provost_model::access::Verb;
use provost_model::{Fault, FaultCode, Reply, Request};
use provost_wire::rest::shapes::{Change, Plan, Updated};
use std::rc::Rc;

/// Something that is done to supervisord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Reads the configuration again and tells what differs.
    Reread,
    /// Does what differs.
    Update,
    /// Stops everything and starts anew.
    Restart,
    /// Stops everything and ends.
    Shutdown,
}

impl Deed {
    /// In the order in which the page shows them.
    pub(super) const ALL: &[Self] = &[Self::Reread, Self::Update, Self::Restart, Self::Shutdown];

    /// Its name in forms.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reread => "reread",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Shutdown => "shutdown",
        }
    }

    /// What stands on its button.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Reread => "Read the configuration again",
            Self::Update => "Update",
            Self::Restart => "Restart supervisord",
            Self::Shutdown => "Shut down supervisord",
        }
    }

    /// The right that it needs.
    pub(super) fn verb(self) -> Verb {
        match self {
            Self::Reread => Verb::Config,
            Self::Update => Verb::Update,
            Self::Restart => Verb::Reload,
            Self::Shutdown => Verb::Shutdown,
        }
    }

    /// Whether the identifier is to be typed.
    pub(super) fn needs_word(self) -> bool {
        matches!(self, Self::Restart | Self::Shutdown)
    }
}

/// Does what a form asks for, and shows the page with what came of it.
pub(super) async fn answer(
    context: &Rc<Context>,
    server: &Server,
    caller: &Rc<Caller>,
    (headers, form): (&HeaderMap, &Form),
) -> Response<Outgoing> {
    let wanted = form.sent("action").unwrap_or_default();
    let Some(deed) = Deed::ALL.iter().copied().find(|deed| deed.name() == wanted) else {
        return respond::error(StatusCode::BAD_REQUEST, "There is no such action.");
    };
    let method = format!("web:{}", deed.name());
    let record = || record::Deed {
        verb: deed.verb(),
        method: &method,
        target: None,
        args: Vec::new(),
    };
    if let Err(fault) = caller.permit(deed.verb(), None) {
        record::denied(context, caller, record(), &fault).await;
        return route::forbidden(&fault);
    }
    let was_trusted = caller.tape().progress().trusted;
    if !was_trusted
        && let Some(refusal) = refusal(context, server, caller, (headers, form), deed).await
    {
        return refusal;
    }
    // The token of a page is good for the image that made it.
    caller.tape().progress().trusted = true;
    let entry = match record::begin(context, caller, record()).await {
        Ok(entry) => entry,
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    };
    let noted = caller.tape().progress().message.take();
    let told = match noted {
        Some(told) => told,
        None => run(context, caller, deed).await,
    };
    let failed = told.starts_with("ERROR:");
    caller.tape().progress().message = Some(told.clone());
    entry.end(failed.then(|| FaultCode::Failed.code())).await;
    caller.tape().progress().message.take();
    let token = context.web.seal.token(DAEMON, None);
    daemon::plain(context, caller, &token, Some(&told)).await
}

/// Why a form is not taken.
async fn refusal(
    context: &Context,
    server: &Server,
    caller: &Caller,
    (headers, form): (&HeaderMap, &Form),
    deed: Deed,
) -> Option<Response<Outgoing>> {
    let sender = sender::judge(headers, server.hosts(), server.spec().strict);
    if server.spec().web_csrf && sender == Sender::Foreign {
        return Some(frame::refused(deed.name(), None));
    }
    let token = form.sent("token");
    if !token.is_some_and(|token| context.web.seal.fits(token, DAEMON, None)) {
        let why = "The form is too old, or of another page. Nothing has been done.";
        return Some(frame::not_taken(why));
    }
    if !deed.needs_word() {
        return None;
    }
    let identifier = match caller
        .look(&context.control, Request::GetIdentification)
        .await
    {
        Ok(Reply::Text(identifier)) => identifier,
        _ => String::new(),
    };
    if !identifier.is_empty() && form.sent("word") == Some(identifier.as_str()) {
        return None;
    }
    let why = "What was typed is not the identifier of this supervisord. Nothing has been done.";
    Some(frame::not_taken(why))
}

/// Does it. What is told are lines; a failure begins with `ERROR:`.
async fn run(context: &Rc<Context>, caller: &Rc<Caller>, deed: Deed) -> String {
    match deed {
        Deed::Reread => match act::reread(context, caller).await {
            Ok(plan) => planned(&plan),
            Err(fault) => unread(context, caller, &fault).await,
        },
        Deed::Update => {
            let here = Rc::clone(context);
            let work = |caller: Rc<Caller>| async move {
                match act::update(&caller).await {
                    Ok(done) => updated(&done),
                    Err(fault) => unread(&here, &caller, &fault).await,
                }
            };
            let done = action::lasting(context, caller, work).await;
            done.unwrap_or_else(|why| format!("ERROR: not updated: {why}"))
        }
        Deed::Restart => match caller.ask(Request::Restart).await {
            Ok(_) => "supervisord stops all programs and starts anew.".to_owned(),
            Err(fault) => unread(context, caller, &fault).await,
        },
        Deed::Shutdown => match caller.ask(Request::Shutdown).await {
            Ok(_) => "supervisord stops all programs and ends.".to_owned(),
            Err(fault) => format!("ERROR: {fault}"),
        },
    }
}

fn planned(plan: &Plan) -> String {
    if plan.changes.is_empty() {
        return "The configuration was read. Nothing differs.".to_owned();
    }
    let line = |change: &Change| {
        let mut line = format!("{} {}: {}", change.action, change.group, change.reason);
        for (word, names) in [("stops", &change.stops), ("starts", &change.starts)] {
            if !names.is_empty() {
                line = format!("{line}; {word} {}", names.join(", "));
            }
        }
        line
    };
    let lines: Vec<String> = plan.changes.iter().map(line).collect();
    format!(
        "The configuration was read. Nothing is changed before you press Update, which will:\n{}",
        lines.join("\n")
    )
}

fn updated(done: &Updated) -> String {
    let parts = [
        ("added", &done.added),
        ("removed", &done.removed),
        ("restarted", &done.restarted),
    ];
    let parts = parts.iter().filter(|(_, groups)| !groups.is_empty());
    let lines: Vec<String> = parts
        .map(|(word, groups)| format!("{word}: {}", groups.join(", ")))
        .collect();
    if lines.is_empty() {
        "Updated. Nothing differed.".to_owned()
    } else {
        format!("Updated.\n{}", lines.join("\n"))
    }
}

/// Why it was not done, with what is to be mended in the configuration.
async fn unread(context: &Context, caller: &Caller, fault: &Fault) -> String {
    if fault.code != FaultCode::CantReread {
        return format!("ERROR: {fault}");
    }
    let found = findings::of(context, caller).await;
    let mut told =
        "ERROR: the configuration was refused. Nothing that runs was touched.".to_owned();
    if !found.iter().any(|one| one.severity == "error") {
        told = format!("{told}\n{fault}");
    }
    for one in found {
        let place = one.place();
        let gap = if place.is_empty() { "" } else { ": " };
        told = format!(
            "{told}\n{place}{gap}{} {}: {}",
            one.severity, one.code, one.message
        );
        if let Some(help) = one.help {
            told = format!("{told}\n    {help}");
        }
    }
    told
}
