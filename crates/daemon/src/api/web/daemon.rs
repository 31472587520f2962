//! The page of supervisord. For browsers without scripts its facts are there as plain HTML, with forms for what can be done.

use super::assets;
use super::deeds::Deed;
use super::detail::WAITING;
use super::frame::{self, Live};
use super::tail;
use crate::api::Context;
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing, escape};
use crate::api::rest::look;
use hyper::{Response, StatusCode};
use provost_model::access::Verb;
use provost_wire::rest::shapes::Daemon;
use std::fmt::Write as _;

/// Bytes of its log that the page without a script shows.
const LOG: u64 = 8 * 1024;

const TITLE: &str = "supervisord";

/// The page, kept up to date by its script. `token` is for its forms.
pub(super) async fn page(context: &Context, caller: &Caller, token: &str) -> Response<Outgoing> {
    let mut content = format!("{WAITING}<noscript>\n");
    match look::daemon(context, caller).await {
        Ok(daemon) => facts(&mut content, context, caller, (&daemon, token)).await,
        Err(fault) => {
            // Writing into a String cannot fail, here and below.
            let _ = writeln!(content, "<p>{}</p>", escape(&fault.to_string()));
        }
    }
    content.push_str("</noscript>\n");
    let live = Live {
        title: TITLE,
        here: "daemon.html",
        script: "daemon.js",
        parts: &["frame.js", "mainlog.js"],
        sheet: "detail.css",
        head: "",
        content: &content,
    };
    live.page(caller)
}

/// The page without a script, with what an action told.
pub(super) async fn plain(
    context: &Context,
    caller: &Caller,
    token: &str,
    told: Option<&str>,
) -> Response<Outgoing> {
    let mut content = told.map_or_else(String::new, message);
    match look::daemon(context, caller).await {
        Ok(daemon) => facts(&mut content, context, caller, (&daemon, token)).await,
        // It ends as it was told to.
        Err(_) if told.is_some() => {}
        Err(fault) => {
            return respond::error(StatusCode::SERVICE_UNAVAILABLE, &fault.to_string());
        }
    }
    frame::page(StatusCode::OK, TITLE, &content)
}

/// What an action told, the first line for itself.
fn message(told: &str) -> String {
    let (first, rest) = told.split_once('\n').unwrap_or((told, ""));
    let mut out = format!(
        "<div class=\"status_msg\" role=\"status\">{}</div>\n",
        escape(first)
    );
    if !rest.is_empty() {
        let _ = writeln!(out, "<pre id=\"told\">\n{}</pre>", escape(rest));
    }
    out
}

async fn facts(
    out: &mut String,
    context: &Context,
    caller: &Caller,
    (daemon, token): (&Daemon, &str),
) {
    let _ = writeln!(
        out,
        "<link rel=\"stylesheet\" href=\"{}plain.css\">\n<div class=\"plain\">\n<div class=\"bar\">\n<h1>{TITLE}</h1>\n\
         <ul id=\"buttons\">\n<li class=\"action-button\"><a href=\"daemon.html?plain=1\">Refresh</a></li>\n</ul>\n</div>",
        assets::folder(),
    );
    let pools = daemon.pools.iter().map(|pool| {
        format!(
            "{}: {} listeners, {} of {} events wait, {} delivered, {} rejected, {} dropped",
            pool.name,
            pool.listeners.len(),
            pool.queued,
            pool.buffer_size,
            pool.delivered,
            pool.rejected,
            pool.dropped
        )
    });
    let one = |text: String| vec![text];
    let versions = format!(
        "{} (Supervisor {})",
        daemon.version, daemon.supervisor_version
    );
    let mut rows = vec![
        ("State", one(daemon.state.to_owned())),
        ("Identifier", one(daemon.identifier.clone())),
        ("Version", one(versions)),
        ("PID", one(daemon.pid.to_string())),
        ("Uptime", one(uptime(daemon.uptime_seconds))),
        ("Memory", one(format!("{} KiB", daemon.rss_bytes / 1024))),
        ("Open files", one(daemon.open_fds.to_string())),
        ("Event listeners", pools.collect()),
    ];
    if caller.may(Verb::Config) {
        rows.push(("Configuration", daemon.config_files.clone()));
        rows.push(("Warnings", daemon.warnings.clone()));
    }
    out.push_str("<table class=\"told\">\n<tbody>\n");
    for (word, lines) in rows {
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        let text = if lines.is_empty() {
            "None".to_owned()
        } else {
            lines.join("<br>")
        };
        let _ = writeln!(out, "<tr><th scope=\"row\">{word}</th><td>{text}</td></tr>");
    }
    out.push_str("</tbody>\n</table>\n");
    forms(out, caller, &daemon.identifier, token);
    if caller.may(Verb::MainLog)
        && let Ok(text) = tail::end_of_main(context, LOG).await
    {
        let _ = writeln!(
            out,
            "<h2>The end of its log</h2>\n<pre>\n{}</pre>\n<p><a href=\"log.html?main=1\">More of it</a></p>",
            escape(&text)
        );
    }
    out.push_str("</div>\n");
}

/// What can be done. What ends supervisord wants its identifier to be typed.
fn forms(out: &mut String, caller: &Caller, identifier: &str, token: &str) {
    let deeds = Deed::ALL.iter().filter(|deed| caller.may(deed.verb()));
    let (hard, soft): (Vec<&Deed>, Vec<&Deed>) = deeds.partition(|deed| deed.needs_word());
    let begin = format!(
        "<form class=\"deeds\" action=\"daemon.html\" method=\"post\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n"
    );
    if !soft.is_empty() {
        out.push_str("<h2>Configuration</h2>\n");
        out.push_str(&begin);
        buttons(out, &soft);
        out.push_str("</form>\n");
    }
    if !hard.is_empty() {
        out.push_str("<h2>Restart and shutdown</h2>\n");
        out.push_str(&begin);
        let _ = writeln!(
            out,
            "<p>All programs are stopped. <label for=\"word\">Type <strong>{}</strong> to go on:</label></p>\n\
             <p><input type=\"text\" id=\"word\" name=\"word\" autocomplete=\"off\" required></p>",
            escape(identifier)
        );
        buttons(out, &hard);
        out.push_str("</form>\n");
    }
}

fn buttons(out: &mut String, deeds: &[&Deed]) {
    out.push_str("<p class=\"choice\">");
    for deed in deeds {
        let _ = write!(
            out,
            "<button name=\"action\" value=\"{}\">{}</button>",
            deed.name(),
            deed.label()
        );
    }
    out.push_str("</p>\n");
}

/// A span as the pages with scripts write it.
fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours}h"),
    }
}
