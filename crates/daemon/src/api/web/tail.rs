//! The page with the end of a process's output.

use super::{action, frame};
use crate::api::caller::Caller;
use crate::api::percent::encode;
use crate::api::respond::{Outgoing, escape};
use crate::api::{Context, files, rpc};
use hyper::{Response, StatusCode};
use provost_model::{Channel, Fault, FaultCode, Request};
use provost_wire::methods::Range;

/// Bytes shown unless more are asked for, and the least that is shown.
const LEAST: u64 = 1024;

/// Bytes shown at most: what a browser shows at once without trouble. Whole logs are read by XML-RPC.
const MOST: u64 = 1024 * 1024;

/// The page. A limit that is no number counts as none.
pub(super) async fn page(
    context: &Context,
    caller: &Caller,
    name: Option<&str>,
    limit: Option<&str>,
) -> Response<Outgoing> {
    let limit = limit.map_or(LEAST, bytes);
    let text = match name {
        None => "No process name found".to_owned(),
        Some(name) => match end_of_log(context, caller, name, limit).await {
            Ok(text) => text,
            Err(fault) if fault.code == FaultCode::NoFile => format!("No file for {name}"),
            Err(fault) => format!("ERROR: {}", action::unexpected(&fault)),
        },
    };
    let refresh = name.map_or_else(String::new, |name| {
        format!(
            "<li class=\"action-button\"><a href=\"tail.html?processname={}&amp;limit={limit}\">Refresh</a></li>\n",
            encode(name)
        )
    });
    let shown = name.unwrap_or("None");
    // A browser drops a line end that follows the tag at once, so one is put there for it.
    let content = format!(
        "<div class=\"bar\">\n<h1>{}</h1>\n<ul id=\"buttons\">\n{refresh}\
         <li class=\"action-button\"><a href=\"index.html\">Status</a></li>\n</ul>\n</div>\n\
         <pre>{}{}</pre>\n",
        escape(shown),
        if text.starts_with('\n') { "\n" } else { "" },
        escape(&text),
    );
    let title = format!("Supervisor tail of process {shown}");
    frame::page(StatusCode::OK, &title, &content)
}

pub(super) async fn end_of_log(
    context: &Context,
    caller: &Caller,
    name: &str,
    limit: u64,
) -> Result<String, Fault> {
    let request = Request::LogPath {
        name: name.to_owned(),
        channel: Channel::Stdout,
    };
    let path = rpc::log_path(caller, request).await?;
    files::read(context, path, last(limit)).await
}

/// The same of supervisord's own log.
pub(super) async fn end_of_main(context: &Context, limit: u64) -> Result<String, Fault> {
    files::read(context, context.main_log.clone(), last(limit)).await
}

fn last(limit: u64) -> Range {
    Range {
        offset: i64::try_from(limit).map_or(i64::MIN, |limit| -limit),
        length: 0,
    }
}

pub(in crate::api) fn bytes(limit: &str) -> u64 {
    if limit.is_empty() || !limit.bytes().all(|byte| byte.is_ascii_digit()) {
        return LEAST;
    }
    // Digits that are too many for a number are more than there may be.
    limit.parse().unwrap_or(MOST).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn limits_have_limits() {
        for (text, expected) in [
            ("0", 1024),
            ("5", 1024),
            ("1025", 1025),
            ("99999999", 1_048_576),
            ("99999999999999999999999", 1_048_576),
            ("-2000", 1024),
            ("2e3", 1024),
            ("", 1024),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
