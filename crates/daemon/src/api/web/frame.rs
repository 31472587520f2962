//! What all pages have in common, and the two pages that stand between a sender and an action.

use crate::api::respond::{self, Outgoing, escape, put};
use hyper::header::{CACHE_CONTROL, EXPIRES, HeaderValue, PRAGMA};
use hyper::{Response, StatusCode};
use std::fmt::Write as _;

/// A page around `content`, which is HTML.
pub(super) fn page(status: StatusCode, title: &str, content: &str) -> Response<Outgoing> {
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"stylesheets/supervisor.css\">\n</head>\n<body>\n{content}\
         <footer id=\"footer\">Provost <span>{}</span>, compatible with Supervisor <span>{}</span></footer>\n\
         </body>\n</html>\n",
        escape(title),
        env!("CARGO_PKG_VERSION"),
        provost_wire::methods::SUPERVISOR_VERSION,
    );
    let mut response = respond::with(status, "text/html;charset=utf-8", page);
    never_keep(&mut response);
    response
}

/// Upstream's headers against caches.
pub(super) fn never_keep(response: &mut Response<Outgoing>) {
    for (name, value) in [
        (PRAGMA, "no-cache"),
        (CACHE_CONTROL, "no-cache"),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ] {
        put(response, name, HeaderValue::from_static(value));
    }
}

/// The page that asks a person whether a browser's request is meant.
pub(super) fn confirm(action: &str, name: Option<&str>, token: &str) -> Response<Outgoing> {
    let mut fields = String::new();
    for (field, value) in [
        ("processname", name),
        ("action", Some(action)),
        ("token", Some(token)),
    ] {
        if let Some(value) = value {
            // Writing into a String cannot fail.
            let _ = writeln!(
                fields,
                "<input type=\"hidden\" name=\"{field}\" value=\"{}\">",
                escape(value)
            );
        }
    }
    let content = format!(
        "<main>\n<h1>Is this meant?</h1>\n<p>Your browser asks to <strong>{}</strong> and does not tell which page \
         made it ask. If it was you, press the button. Nothing has been done yet.</p>\n\
         <form action=\"index.html\" method=\"post\">\n{fields}\
         <p><button type=\"submit\">Yes, do it</button> <a href=\"index.html\">No, show the status</a></p>\n</form>\n\
         </main>\n",
        wish(action, name),
    );
    page(StatusCode::FORBIDDEN, "Confirm", &content)
}

/// The page for what the page of another site asked for.
pub(super) fn refused(action: &str, name: Option<&str>) -> Response<Outgoing> {
    let content = format!(
        "<main>\n<h1>Refused</h1>\n<p>The page of another site made your browser ask to <strong>{}</strong>. Nothing \
         has been done.</p>\n<p>If it was you, do it on the <a href=\"index.html\">status page</a>. If a reverse proxy \
         or a page of yours sends this, name its host in <code>allowed_hosts</code> of the server's section; \
         <code>web_csrf=off</code> there lets every page act.</p>\n</main>\n",
        wish(action, name),
    );
    page(StatusCode::FORBIDDEN, "Forbidden", &content)
}

/// What is asked for, in words.
fn wish(action: &str, name: Option<&str>) -> String {
    let about = match (action, name) {
        ("stopall", _) => return "stop all processes".to_owned(),
        ("restartall", _) => return "restart all processes".to_owned(),
        ("clearlog", Some(name)) => return format!("clear the logs of {}", escape(name)),
        (_, Some(name)) => format!(" {}", escape(name)),
        (_, None) => String::new(),
    };
    format!("{}{about}", escape(action))
}
