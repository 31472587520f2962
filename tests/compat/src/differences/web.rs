//! Those of the web interface.

use super::{Difference, entry};

/// Key, case, what ours contains, reason.
pub(super) const LIST: &[Difference] = &[
    entry(
        "`restart`, `stopall` and `restartall` on the status page",
        "web GET /index.html?processname=nofile&action=restart",
        "ERROR: Process nofile: no such file",
        "a failure is told",
    ),
    entry(
        "`restart`, `stopall` and `restartall` on the status page",
        "web GET /index.html?processname=early&action=restart",
        "ERROR: Process early: spawn error",
        "the same",
    ),
    entry(
        "`restart`, `stopall` and `restartall` on the status page",
        "web all but some GET /index.html?action=restartall",
        "ERROR: not all restarted at",
        "the same",
    ),
    entry(
        "an action that does not exist, or lacks its process",
        "web GET /index.html?processname=cat&action=bogus",
        "HTTP/1.1 400",
        "a client's mistake is no failure of the server",
    ),
    entry(
        "an action that does not exist, or lacks its process",
        "web GET /index.html?action=bogus",
        "HTTP/1.1 400",
        "the same",
    ),
    entry(
        "an action that does not exist, or lacks its process",
        "web GET /index.html?action=start",
        "HTTP/1.1 400",
        "the same",
    ),
    entry(
        "an action that does not exist, or lacks its process",
        "web GET /index.html?action=restart&processname=",
        "HTTP/1.1 400",
        "the same",
    ),
    entry(
        "actions and calls that the page of another site makes a browser send",
        "web sender foreign *",
        "HTTP/1.1 403",
        "any page on the network could stop programs",
    ),
    entry(
        "actions and calls that the page of another site makes a browser send",
        "web sender silent browser",
        "HTTP/1.1 403",
        "a person is asked first",
    ),
    entry(
        "redirects of the status page",
        "web redirect Host: evil.example/path?",
        "location: http://localhost/?message=",
        "what is no host is not repeated",
    ),
    entry(
        "redirects of the status page",
        "web redirect ",
        "location: http://localhost/?message=",
        "a socket's path is no address",
    ),
    entry(
        "pictures, templates and directories of the web interface",
        "web GET /stylesheets",
        "HTTP/1.1 404",
        "our pages need none",
    ),
    entry(
        "pictures, templates and directories of the web interface",
        "web GET /images",
        "HTTP/1.1 404",
        "the same",
    ),
    entry(
        "pictures, templates and directories of the web interface",
        "web GET /images/icon.png",
        "HTTP/1.1 404",
        "the same",
    ),
    entry(
        "pictures, templates and directories of the web interface",
        "web GET /status.html",
        "HTTP/1.1 404",
        "the same",
    ),
    entry(
        "HEAD",
        "web HEAD /",
        "HTTP/1.1 200",
        "what GET finds is there",
    ),
    entry("HEAD", "web HEAD /ok.html", "HTTP/1.1 200", "the same"),
];
