//! A daemon whose pages are looked at.

use std::net::TcpStream;

use crate::browser::Browser;
use provost_e2e::{Daemon, PATIENCE, Side, Start, free_port, wait_until};

/// Programs in all kinds of states, with names and groups as people have them.
pub const EXAMPLE: &str = "\
[program:api]
command=/bin/sh -c 'n=0; while :; do n=$((n+1)); echo \"GET /orders/$n 200\"; sleep 0.2; done'
process_name=%(program_name)s_%(process_num)02d
numprocs=3
[program:scheduler]
command=/bin/sleep 100000
[program:mailer]
command=/no/such/binary
startretries=0
[program:report]
command=/bin/sh -c 'sleep 1.2; exit 0'
autorestart=false
[program:importer]
command=/bin/sh -c 'echo \"cannot reach the database at 10.0.0.7\" >&2; exit 3'
startsecs=1
startretries=1000
[program:legacy]
command=/bin/cat
autostart=false
[program:worker]
command=/bin/sleep 100000
process_name=%(program_name)s_%(process_num)02d
numprocs=8
[program:fetch]
command=/bin/sleep 100000
[program:parse]
command=/bin/sleep 100000
[group:pipeline]
programs=fetch,parse
";

/// One program that wrote its last words and ended, and one that goes on after colours, markup and bytes that are no UTF-8.
pub const SPEAKING: &str = "\
[program:crash]
command=/bin/sh -c 'echo \"going down <script>\" >&2; exit 3'
startsecs=0
autorestart=false
[program:talk]
command=/bin/sh -c 'printf \"\\033[31mred\\033[0m <script>x</script> \\377 end\\n\"; exec cat'
startsecs=0
";

/// A daemon with a server on a port of the loopback interface.
#[derive(Debug)]
pub struct Site {
    /// The daemon.
    pub daemon: Daemon,
    /// The port.
    pub port: u16,
}

impl Site {
    /// With these programs, and no password.
    pub fn new(programs: &str) -> Self {
        Self::with("", programs)
    }

    /// The same with more lines in `[inet_http_server]`; `programs` may begin with keys of `[supervisord]`.
    pub fn with(server: &str, programs: &str) -> Self {
        let port = free_port();
        let config = format!("{programs}\n[inet_http_server]\nport=127.0.0.1:{port}\n{server}\n");
        // Where there are users, nobody but them is answered by its socket.
        let daemon = Start::new(Side::Ours, &config).launch();
        wait_until(PATIENCE, "the server to listen", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { daemon, port }
    }

    /// A browser at a page that follows what happens.
    pub fn look(&self, page: &str) -> Browser {
        let browser = Browser::start();
        browser.go(&self.url(page));
        browser.wait("document.querySelector('.link').dataset.link === 'live'");
        browser
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}
