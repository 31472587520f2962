//! The pages about one program and one log.
//!
//! Scripts draw them. For browsers without one the main facts are there as plain HTML.

use super::action::Action;
use super::frame::{self, Live};
use super::tail;
use crate::api::caller::Caller;
use crate::api::percent::encode;
use crate::api::respond::{self, Outgoing, escape};
use crate::api::{Context, clock};
use hyper::{Response, StatusCode};
use provost_model::access::Verb;
use provost_model::spec::namespec;
use provost_model::{FaultCode, Reply, Request};
use provost_wire::describe::description;
use std::fmt::Write as _;

/// Bytes of a log that the page without a script shows.
const TAIL: u64 = 64 * 1024;

/// What a page shows until its script draws it.
pub(super) const WAITING: &str =
    "<div id=\"app\">\n<p class=\"faint\">Loading. This page needs its script.</p>\n</div>\n";

/// The page of a program. `token` is for its forms.
pub(super) async fn program(
    caller: &Caller,
    name: Option<&str>,
    token: &str,
) -> Response<Outgoing> {
    let Some(name) = name else {
        return missing("No process name found");
    };
    let known = Request::GetProcessInfo {
        name: name.to_owned(),
    };
    let info = match caller.ask(known).await {
        Ok(Reply::Info(info)) => info,
        Err(fault) if fault.code != FaultCode::BadName => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
        _ => return missing(&format!("No such process named {name}")),
    };
    let shown = namespec(&info.group, &info.name);
    let quoted = encode(&shown);
    let mut content = format!(
        "{WAITING}<noscript>\n<h1>{}</h1>\n<p>{} {}</p>\n\
         <form action=\"index.html\" method=\"post\">\n<input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <p class=\"choice\">",
        escape(&shown),
        info.state.name(),
        escape(&description(&info, &clock::short_local)),
    );
    for (action, label) in [
        ("start", "Start"),
        ("stop", "Stop"),
        ("restart", "Restart"),
        ("clearlog", "Clear Log"),
    ] {
        if Action::of(action).is_some_and(|action| caller.may(action.verb())) {
            // Writing into a String cannot fail, here and below.
            let _ = write!(
                content,
                "<button formaction=\"index.html?processname={quoted}&amp;action={action}\">{label}</button>"
            );
        }
    }
    content.push_str("</p>\n</form>\n");
    if caller.may(Verb::Logs) {
        let _ = writeln!(
            content,
            "<p><a href=\"tail.html?processname={quoted}\">The end of its log</a></p>"
        );
    }
    content.push_str("</noscript>\n");
    let live = Live {
        title: &shown,
        here: "program.html",
        script: "program.js",
        parts: &["actions.js", "frame.js", "spark.js", "timeline.js"],
        sheet: "detail.css",
        head: "",
        content: &content,
    };
    live.page(caller)
}

/// The page of a log: that of supervisord (`main`), or of a program.
pub(super) async fn log(
    context: &Context,
    caller: &Caller,
    name: Option<&str>,
    main: bool,
) -> Response<Outgoing> {
    let text = if main {
        tail::end_of_main(context, TAIL).await
    } else {
        let Some(name) = name else {
            return missing("No process name found");
        };
        tail::end_of_log(context, caller, name, TAIL).await
    };
    let text = text.unwrap_or_else(|fault| format!("ERROR: {fault}"));
    let shown = if main {
        "supervisord"
    } else {
        name.unwrap_or_default()
    };
    let waiting = WAITING.replacen(
        "<div",
        &format!("<div data-streams=\"{}\"", streams(caller, name).await),
        1,
    );
    let content = format!(
        "{waiting}<noscript>\n<h1>{}</h1>\n<pre>\n{}</pre>\n</noscript>\n",
        escape(shown),
        escape(&text)
    );
    let live = Live {
        title: &format!("Log of {shown}"),
        here: "log.html",
        script: "log.js",
        parts: &["ansi.js", "follow.js", "frame.js", "lines.js", "search.js"],
        sheet: "log.css",
        head: "",
        content: &content,
    };
    live.page(caller)
}

/// The logs that a program has; of one that is not known, those that programs have.
async fn streams(caller: &Caller, name: Option<&str>) -> &'static str {
    let name = name.unwrap_or_default().to_owned();
    match caller.ask(Request::GetProcessInfo { name }).await {
        Ok(Reply::Info(info)) => match (&info.stdout_logfile, &info.stderr_logfile) {
            (Some(_), None) => "stdout",
            (None, Some(_)) => "stderr",
            (None, None) => "",
            (Some(_), Some(_)) => "stdout stderr",
        },
        _ => "stdout stderr",
    }
}

fn missing(why: &str) -> Response<Outgoing> {
    let content = format!(
        "<section class=\"text\">\n<h1>Not found</h1>\n<p>{}</p>\n</section>\n",
        escape(why)
    );
    frame::page(StatusCode::NOT_FOUND, "Not found", &content)
}
