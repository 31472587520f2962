//! The overview: every process, its state, and what can be done with it.
//!
//! A script draws it and keeps it up to date. For browsers without scripts, and for programs that read pages, the same is
//! there as a table of upstream's words, whose buttons send forms.

use super::action::Action;
use super::assets::FOLDER;
use super::frame::{self, Live};
use crate::api::caller::Caller;
use crate::api::clock;
use crate::api::percent::encode;
use crate::api::respond::{self, Outgoing, escape};
use hyper::{Response, StatusCode};
use provost_model::access::Verb;
use provost_model::info::ProcessInfo;
use provost_model::spec::namespec;
use provost_model::{ProcessState, Reply, Request};
use provost_wire::describe::description;
use std::fmt::Write as _;

/// Upstream's title, by which monitors know the page.
const TITLE: &str = "Supervisor Status";

/// The page, with what an action has to say about itself. While the daemon is stopping there is none.
///
/// `token` is for its forms. With `plain` it has no script.
pub(super) async fn page(
    caller: &Caller,
    message: Option<&str>,
    token: &str,
    plain: bool,
) -> Response<Outgoing> {
    let mut infos = match caller.ask(Request::GetAllProcessInfo).await {
        Ok(Reply::Infos(infos)) => infos,
        Ok(_) => Vec::new(),
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    };
    infos.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    let mut content = String::new();
    if let Some(message) = message {
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(
            content,
            "<div class=\"status_msg\" role=\"status\">{}</div>",
            escape(message)
        );
    }
    if plain {
        table(&mut content, caller, &infos, token);
        return frame::page(StatusCode::OK, TITLE, &content);
    }
    content.push_str(
        "<div id=\"app\">\n<p class=\"waiting\">Loading. If this stays, <a href=\"./?plain=1\">show the page without \
         scripts</a>.</p>\n</div>\n<noscript>\n",
    );
    table(&mut content, caller, &infos, token);
    content.push_str("</noscript>\n");
    let live = Live {
        title: TITLE,
        here: "./",
        script: "overview.js",
        parts: &[
            "actions.js",
            "keys.js",
            "list.js",
            "rows.js",
            "spark.js",
            "view.js",
        ],
        sheet: "overview.css",
        content: &content,
    };
    live.page(caller)
}

/// Whether an action is shown to somebody.
fn may(caller: &Caller, action: &str) -> bool {
    Action::of(action).is_some_and(|action| caller.may(action.verb()))
}

/// Everything that works without a script.
fn table(out: &mut String, caller: &Caller, infos: &[ProcessInfo], token: &str) {
    let _ = writeln!(
        out,
        "<link rel=\"stylesheet\" href=\"{FOLDER}plain.css\">\n<div class=\"plain\">\n<form id=\"act\" action=\"index.html\" method=\"post\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n</form>\n<div class=\"bar\">\n<h1>{TITLE}</h1>\n\
         <ul id=\"buttons\">"
    );
    for (action, label) in [
        ("refresh", "Refresh"),
        ("restartall", "Restart All"),
        ("stopall", "Stop All"),
    ] {
        if may(caller, action) {
            let _ = writeln!(
                out,
                "<li class=\"action-button\"><button form=\"act\" formaction=\"index.html?action={action}\">{label}</button></li>"
            );
        }
    }
    out.push_str("</ul>\n</div>\n");
    if infos.is_empty() {
        out.push_str("<p>No programs to manage</p>\n</div>\n");
        return;
    }
    out.push_str(
        "<table>\n<thead>\n<tr><th class=\"state\">State</th><th class=\"desc\">Description</th>\
         <th class=\"name\">Name</th><th class=\"action\">Action</th></tr>\n</thead>\n<tbody>\n",
    );
    for (index, info) in infos.iter().enumerate() {
        row(out, caller, info, index % 2 == 1);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn row(out: &mut String, caller: &Caller, info: &ProcessInfo, shaded: bool) {
    let name = namespec(&info.group, &info.name);
    let quoted = encode(&name);
    let reads_logs = caller.may(Verb::Logs);
    let shown = if reads_logs {
        format!(
            "<a href=\"tail.html?processname={quoted}\" target=\"_blank\">{}</a>",
            escape(&name)
        )
    } else {
        escape(&name)
    };
    let _ = writeln!(
        out,
        "<tr{}>\n<td class=\"status\"><span class=\"{}\">{}</span></td>\n<td><span>{}</span></td>\n\
         <td>{shown}</td>\n<td class=\"action\"><ul>",
        if shaded { " class=\"shade\"" } else { "" },
        class(info.state),
        info.state.name().to_lowercase(),
        escape(&description(info, &clock::short_local)),
    );
    let actions: &[(&str, &str)] = match info.state {
        ProcessState::Running => &[("restart", "Restart"), ("stop", "Stop")],
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => &[("start", "Start")],
        ProcessState::Starting
        | ProcessState::Backoff
        | ProcessState::Stopping
        | ProcessState::Unknown => &[],
    };
    for (action, label) in actions.iter().chain(&[("clearlog", "Clear Log")]) {
        if !may(caller, action) {
            continue;
        }
        let _ = writeln!(
            out,
            "<li><button form=\"act\" formaction=\"index.html?processname={quoted}&amp;action={action}\" \
             name=\"{label}\">{label}</button></li>"
        );
    }
    let logs = [("", "Tail -f Stdout"), ("/stderr", "Tail -f Stderr")];
    for (channel, label) in logs.into_iter().filter(|_| reads_logs) {
        let _ = writeln!(
            out,
            "<li><a href=\"logtail/{quoted}{channel}\" name=\"{label}\" target=\"_blank\">{label}</a></li>"
        );
    }
    out.push_str("</ul></td>\n</tr>\n");
}

fn class(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Running => "statusrunning",
        ProcessState::Fatal | ProcessState::Backoff => "statuserror",
        ProcessState::Stopped
        | ProcessState::Starting
        | ProcessState::Stopping
        | ProcessState::Exited
        | ProcessState::Unknown => "statusnominal",
    }
}
