//! The status page: what runs, to read only.

use super::respond::{self, Outgoing, escape, put};
use super::{Context, clock};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, EXPIRES, HeaderValue, PRAGMA, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use provost_model::info::ProcessInfo;
use provost_model::spec::namespec;
use provost_model::{Reply, Request};
use provost_wire::describe::description;
use std::fmt::Write as _;

/// Nothing but the page itself is needed, so nothing but the page itself is allowed.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";

/// A table of all processes.
pub(super) async fn status(context: &Context) -> Response<Outgoing> {
    let content = match context.control.ask(Request::GetAllProcessInfo).await {
        Ok(Reply::Infos(infos)) if infos.is_empty() => "<p>No programs to manage</p>\n".to_owned(),
        Ok(Reply::Infos(infos)) => table(&infos),
        Ok(_) => String::new(),
        Err(fault) => format!("<p>{}</p>\n", escape(&fault.to_string())),
    };
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Supervisor Status</title>\n\
         </head>\n<body>\n<h1>Supervisor Status</h1>\n{content}<footer>Provost {}</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
    );
    let mut response = respond::with(StatusCode::OK, "text/html;charset=utf-8", page);
    for (name, value) in [
        (PRAGMA, "no-cache"),
        (CACHE_CONTROL, "no-cache"),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        put(&mut response, name, HeaderValue::from_static(value));
    }
    response
}

fn table(infos: &[ProcessInfo]) -> String {
    let mut out = "<table>\n<tr><th>State</th><th>Description</th><th>Name</th></tr>\n".to_owned();
    for info in infos {
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            info.state.name().to_lowercase(),
            escape(&description(info, &clock::short_local)),
            escape(&namespec(&info.group, &info.name)),
        );
    }
    out.push_str("</table>\n");
    out
}
