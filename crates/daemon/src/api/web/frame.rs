//! What all pages have in common, and the two pages that stand between a sender and an action.

use super::assets;
use crate::api::caller::Caller;
use crate::api::respond::{self, Outgoing, escape, put};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, EXPIRES, HeaderValue, PRAGMA};
use hyper::{Response, StatusCode};
use provost_model::access::Verb;
use std::fmt::Write as _;

/// What a page with a script may do: load from its own server, and never make markup out of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The way from each page to the others: address, words.
const WAYS: &[(&str, &str)] = &[("./", "Programs"), ("daemon.html", "Daemon")];

/// Scripts that every page with one needs; a browser loads them beside the page's own instead of after it.
const SHARED: &[&str] = &["api.js", "dom.js", "events.js", "format.js"];

/// A page that a script keeps up to date.
pub(super) struct Live<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The address among [`WAYS`] that leads here, if one does.
    pub(super) here: &'static str,
    /// Its own script, below `assets/js/`.
    pub(super) script: &'static str,
    /// What that one loads beside what all do; a browser that knows it at once waits less.
    pub(super) parts: &'static [&'static str],
    /// Its own style sheet, below `assets/`.
    pub(super) sheet: &'static str,
    /// What else is in its head, as HTML.
    pub(super) head: &'a str,
    /// What is in `main`, as HTML. What only people without scripts need belongs into `noscript`.
    pub(super) content: &'a str,
}

impl Live<'_> {
    /// The page, for this reader.
    pub(super) fn page(&self, caller: &Caller) -> Response<Outgoing> {
        let folder = assets::folder();
        let mut head = format!(
            "{}<link rel=\"stylesheet\" href=\"{folder}{}\">\n",
            self.head, self.sheet
        );
        for name in SHARED.iter().chain(self.parts) {
            // Writing into a String cannot fail, here and below.
            let _ = writeln!(
                head,
                "<link rel=\"modulepreload\" href=\"{folder}js/{name}\">"
            );
        }
        // A picture before the script has drawn would only be painted over.
        let _ = writeln!(
            head,
            "<script type=\"module\" blocking=\"render\" src=\"{folder}js/{}\"></script>",
            self.script
        );
        let rights = Verb::ALL.iter().filter(|verb| caller.may(**verb));
        let rights: Vec<&str> = rights.map(|verb| verb.name()).collect();
        let body = format!(" data-rights=\"{}\"", rights.join(" "));
        let text = whole(self.title, &head, &body, self.here, self.content);
        let mut response = respond::with(StatusCode::OK, KIND, text);
        never_keep(&mut response);
        let policy = HeaderValue::from_static(POLICY);
        put(&mut response, CONTENT_SECURITY_POLICY, policy);
        response
    }
}

const KIND: &str = "text/html;charset=utf-8";

/// A page without a script. `content` is HTML.
pub(super) fn page(status: StatusCode, title: &str, content: &str) -> Response<Outgoing> {
    let mut response = respond::with(status, KIND, whole(title, "", "", "", content));
    never_keep(&mut response);
    response
}

/// All of a page. `head`, `body` and `content` are HTML.
fn whole(title: &str, head: &str, body: &str, here: &str, content: &str) -> String {
    let mut ways = String::new();
    for (address, words) in WAYS {
        let current = if *address == here {
            " aria-current=\"page\""
        } else {
            ""
        };
        let _ = write!(ways, "<a href=\"{address}\"{current}>{words}</a>");
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"{folder}icon.svg\">\n<link rel=\"stylesheet\" href=\"{folder}app.css\">\n\
         <link rel=\"stylesheet\" href=\"{folder}parts.css\">\n{head}\
         </head>\n<body{body}>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header class=\"top\">\n<a class=\"brand\" href=\"./\">Provost</a>\n\
         <nav aria-label=\"Pages\">{ways}</nav>\n<div id=\"link\" class=\"link\" role=\"status\"></div>\n</header>\n\
         <main id=\"main\" tabindex=\"-1\">\n{content}</main>\n\
         <footer id=\"footer\">Provost <span>{}</span>, compatible with Supervisor <span>{}</span></footer>\n\
         </body>\n</html>\n",
        escape(title),
        env!("CARGO_PKG_VERSION"),
        provost_wire::methods::SUPERVISOR_VERSION,
        folder = assets::folder(),
    )
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
            let _ = writeln!(
                fields,
                "<input type=\"hidden\" name=\"{field}\" value=\"{}\">",
                escape(value)
            );
        }
    }
    let content = format!(
        "<section class=\"text\">\n<h1>Is this meant?</h1>\n<p>Your browser asks to <strong>{}</strong> and does not tell \
         which page made it ask. If it was you, press the button. Nothing has been done yet.</p>\n\
         <form action=\"index.html\" method=\"post\">\n{fields}\
         <p class=\"choice\"><button class=\"main\" type=\"submit\">Yes, do it</button> <a href=\"index.html\">No, show the status</a></p>\n\
         </form>\n</section>\n",
        wish(action, name),
    );
    page(StatusCode::FORBIDDEN, "Confirm", &content)
}

/// The page for what the page of another site asked for.
pub(super) fn refused(action: &str, name: Option<&str>) -> Response<Outgoing> {
    let content = format!(
        "<section class=\"text\">\n<h1>Refused</h1>\n<p>The page of another site made your browser ask to \
         <strong>{}</strong>. Nothing has been done.</p>\n<p>If it was you, do it on the <a href=\"index.html\">status \
         page</a>. If a reverse proxy or a page of yours sends this, name its host in <code>allowed_hosts</code> of the \
         server's section; <code>web_csrf=off</code> there lets every page act.</p>\n</section>\n",
        wish(action, name),
    );
    page(StatusCode::FORBIDDEN, "Forbidden", &content)
}

/// The page for a form that is not taken, on the page of supervisord.
pub(super) fn not_taken(why: &str) -> Response<Outgoing> {
    let content = format!(
        "<section class=\"text\">\n<h1>Refused</h1>\n<p>{}</p>\n\
         <p><a href=\"daemon.html?plain=1\">Back to supervisord</a></p>\n</section>\n",
        escape(why)
    );
    page(StatusCode::FORBIDDEN, "Refused", &content)
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
