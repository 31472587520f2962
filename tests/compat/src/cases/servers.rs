//! HTTP servers and interfaces.

use crate::config_case::Case;

/// Keys added to the unix server; it comes last, so they are its own.
const UNIX: &[(&str, &str)] = &[
    ("chmod", "chmod=0770"),
    ("chmod bad", "chmod=rwx"),
    ("chown", "chown=root"),
    ("chown group", "chown=root:root"),
    ("chown ids", "chown=0:0"),
    ("chown unknown user", "chown=no-such-user"),
    ("chown unknown group", "chown=root:no-such-group"),
    ("chown three parts", "chown=a:b:c"),
    ("username alone", "username=u"),
    ("password alone", "password=p"),
    ("username empty", "username=\npassword="),
    ("here in username", "username=%(here)s\npassword=x"),
];

const WHOLE: &[(&str, &str)] = &[
    (
        "inet without port",
        "[inet_http_server]\nusername=u\npassword=p\n",
    ),
    ("inet port empty", "[inet_http_server]\nport=\n"),
    ("inet port word", "[inet_http_server]\nport=web\n"),
    ("inet port zero", "[inet_http_server]\nport=127.0.0.1:0\n"),
    (
        "inet port too big",
        "[inet_http_server]\nport=localhost:70000\n",
    ),
    (
        "inet port host word",
        "[inet_http_server]\nport=localhost:web\n",
    ),
    ("inet host only", "[inet_http_server]\nport=localhost:\n"),
    (
        "inet unresolvable",
        "[inet_http_server]\nport=no-such-host.invalid:9777\n",
    ),
    ("unix without file", "[unix_http_server:two]\nchmod=0700\n"),
    (
        "unix second",
        "[unix_http_server:two]\nfile=%(here)s/two.sock\n",
    ),
    (
        "unix in missing directory",
        "[unix_http_server:two]\nfile=/no/such/place/two.sock\n",
    ),
    (
        "unix name too long",
        "[unix_http_server:two]\nfile=%(here)s/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sock\n",
    ),
    ("interface without factory", "[rpcinterface:x]\na=b\n"),
    (
        "interface unknown factory",
        "[rpcinterface:x]\nsupervisor.rpcinterface_factory=nowhere:nothing\n",
    ),
    (
        "interface factory without colon",
        "[rpcinterface:x]\nsupervisor.rpcinterface_factory=nowhere\n",
    ),
    (
        "interface second name",
        "[rpcinterface:other]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
    ),
];

const BARE: &[(&str, &str)] = &[
    (
        "no server",
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/x.pid\n",
    ),
    (
        "server without interface",
        "[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/x.pid\n",
    ),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    let unix = UNIX.iter().map(|(name, keys)| {
        Case::new(
            &format!("unix server {name}"),
            &format!("[unix_http_server]\n{keys}\n"),
        )
    });
    let whole = WHOLE
        .iter()
        .map(|(name, text)| Case::new(&format!("server {name}"), text));
    let bare = BARE.iter().map(|(name, text)| Case::bare(name, text));
    unix.chain(whole).chain(bare).collect()
}
