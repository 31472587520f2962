//! The overview: every process, its state, and what can be done with it.
//!
//! A script draws it and keeps it up to date. For browsers without scripts, and for programs that read pages, the same is
//! there as a table of upstream's words, whose buttons send forms.

use super::action::Action;
use super::assets;
use super::frame::{self, Live};
use crate::api::caller::Caller;
use crate::api::percent::encode;
use crate::api::respond::{self, Outgoing, escape, put};
use crate::api::rest::events::Snapshot;
use crate::api::{Context, clock};
use hyper::header::{HeaderName, HeaderValue, VARY};
use hyper::{HeaderMap, Response, StatusCode};
use provost_model::access::Verb;
use provost_model::info::ProcessInfo;
use provost_model::spec::namespec;
use provost_model::{ProcessState, Reply, Request};
use provost_wire::describe::description;
use std::fmt::Write as _;

/// Where a browser says what it asks for, and how.
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Upstream's title, by which monitors know the page.
const TITLE: &str = "Supervisor Status";

/// Processes up to which a browser that is likely to run scripts gets the table all the same. It has to read it, and shows
/// nothing of it.
const TABLE: usize = 50;

/// How the page is asked for.
pub(super) struct Asked<'a> {
    /// What an action has to say about itself.
    pub(super) message: Option<&'a str>,
    /// For its forms.
    pub(super) token: &'a str,
    /// Without a script.
    pub(super) plain: bool,
    /// By a browser that shows it to a person, as far as it tells.
    pub(super) is_shown: bool,
}

/// Whether a browser says that it goes to a page. None of those that do is without scripts, unless its owner wants it so.
pub(super) fn is_shown(headers: &HeaderMap) -> bool {
    let says = |name: &HeaderName, word: &[u8]| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value.as_bytes() == word) && values.next().is_none()
    };
    says(&DEST, b"document") && says(&MODE, b"navigate")
}

/// The page. While the daemon is stopping there is none.
pub(super) async fn page(
    context: &Context,
    caller: &Caller,
    asked: &Asked<'_>,
) -> Response<Outgoing> {
    let mut response = made(context, caller, asked).await;
    let vary = HeaderValue::from_static("Sec-Fetch-Dest, Sec-Fetch-Mode");
    put(&mut response, VARY, vary);
    response
}

async fn made(context: &Context, caller: &Caller, asked: &Asked<'_>) -> Response<Outgoing> {
    let mut first = None;
    if asked.is_shown && !asked.plain {
        first = Snapshot::new(context, caller).await;
    }
    let infos = match &mut first {
        Some(first) => {
            let views = std::mem::take(&mut first.views).into_iter();
            Ok(views.map(|view| view.info).collect())
        }
        None => match caller.ask(Request::GetAllProcessInfo).await {
            Ok(Reply::Infos(infos)) => Ok(infos),
            Ok(_) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        },
    };
    let mut infos: Vec<ProcessInfo> = match infos {
        Ok(infos) => infos,
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    };
    infos.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    let mut content = String::new();
    if let Some(message) = asked.message {
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(
            content,
            "<div class=\"status_msg\" role=\"status\">{}</div>",
            escape(message)
        );
    }
    if asked.plain {
        table(&mut content, caller, &infos, asked.token);
        return frame::page(StatusCode::OK, TITLE, &content);
    }
    content.push_str(
        "<div id=\"app\">\n<p class=\"waiting\">Loading. If this stays, <a href=\"./?plain=1\">show the page without \
         scripts</a>.</p>\n</div>\n<noscript>\n",
    );
    let mut head = String::new();
    if first.is_some() && infos.len() > TABLE {
        let address = plain_address(asked.message);
        head = format!(
            "<noscript><meta http-equiv=\"refresh\" content=\"0; url={address}\"></noscript>\n"
        );
        let _ = writeln!(
            content,
            "<p>Without scripts there is <a href=\"{address}\">a table of all programs</a>.</p>"
        );
    } else {
        table(&mut content, caller, &infos, asked.token);
    }
    content.push_str("</noscript>\n");
    if let Some(first) = first {
        data(&mut content, &first);
    }
    let live = Live {
        title: TITLE,
        here: "./",
        script: "overview.js",
        // Not what is loaded behind the first picture.
        parts: &["list.js", "rows.js", "spark.js", "view.js"],
        sheet: "overview.css",
        head: &head,
        content: &content,
    };
    live.page(caller)
}

/// The address of the page without scripts, seen from the one with them, for an attribute.
fn plain_address(message: Option<&str>) -> String {
    let message = message.map_or_else(String::new, |message| {
        format!("&amp;message={}", encode(message))
    });
    format!("?plain=1{message}")
}

/// What the script begins with, so that it need not ask before it shows something.
fn data(out: &mut String, first: &Snapshot) {
    // Nothing in it can end the element: such signs stand in texts only, where they may be written otherwise.
    let json = String::from_utf8_lossy(&first.json).replace('<', "\\u003c");
    let _ = writeln!(
        out,
        "<script type=\"application/json\" id=\"first\" data-id=\"{}\">{json}</script>",
        escape(&first.id)
    );
}

/// Whether an action is shown to somebody.
fn may(caller: &Caller, action: &str) -> bool {
    Action::of(action).is_some_and(|action| caller.may(action.verb()))
}

/// Everything that works without a script.
fn table(out: &mut String, caller: &Caller, infos: &[ProcessInfo], token: &str) {
    let _ = writeln!(
        out,
        "<link rel=\"stylesheet\" href=\"{}plain.css\">\n<div class=\"plain\">\n<form id=\"act\" action=\"index.html\" method=\"post\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n</form>\n<div class=\"bar\">\n<h1>{TITLE}</h1>\n\
         <ul id=\"buttons\">",
        assets::folder()
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
