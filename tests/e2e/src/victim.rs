//! A daemon that something bad is done to, and that must not notice.

use std::time::{Duration, Instant};

use crate::daemon::{Daemon, Start};
use crate::http::Target;
use crate::ports::free_port;
use crate::side::Side;
use crate::wait::{PATIENCE, wait_until};

/// `u:p` for the servers that ask.
pub const CREDENTIALS: &str = "Authorization: Basic dTpw\r\n";

/// What `status` may take while somebody attacks, on a busy machine.
const PROMPT: Duration = Duration::from_secs(5);

/// How often it is asked before it counts as held up.
const TIMES: usize = 3;

/// A daemon that must not notice anything, and the program it must not touch.
#[derive(Debug)]
pub struct Victim {
    daemon: Daemon,
    port: u16,
    headers: String,
    program: u32,
}

impl Victim {
    /// With a TCP server besides the unix socket, neither of which asks for a password.
    pub fn new(more: &str) -> Self {
        let port = free_port();
        let config = format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\n[program:p]\ncommand=/bin/cat\n{more}"
        );
        Self::of(Start::new(Side::Ours, &config).start(), port, "")
    }

    /// With a password on both servers.
    pub fn with_password() -> Self {
        let port = free_port();
        let config = format!(
            "[unix_http_server]\nfile=%(here)s/s.sock\nusername=u\npassword=p\n\
             [inet_http_server]\nport=127.0.0.1:{port}\nusername=u\n\
             password={{SHA}}516b9783fca517eecbd1d064da2d165310b19759\n\
             [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n\
             [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
             [program:p]\ncommand=/bin/cat\n"
        );
        Self::of(Start::bare(Side::Ours, &config).start(), port, CREDENTIALS)
    }

    /// Around a daemon with a program `p`. The header lines are what its servers want to see.
    pub fn of(daemon: Daemon, port: u16, headers: &str) -> Self {
        let mut victim = Self {
            daemon,
            port,
            headers: headers.to_owned(),
            program: 0,
        };
        victim.look_again();
        victim
    }

    /// Takes note of the program's pid again, after a test has ended it.
    pub fn look_again(&mut self) {
        let rpc = self.daemon.rpc().with_headers(&self.headers);
        wait_until(PATIENCE, "p to be RUNNING", || rpc.state("p") == "RUNNING");
        self.program = rpc.pid("p");
    }

    /// The daemon itself.
    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// The port of its TCP server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The pid of the program that must not be touched.
    pub fn program(&self) -> u32 {
        self.program
    }

    /// The TCP server.
    pub fn tcp(&self) -> Target {
        Target::Port(self.port)
    }

    /// `status` over the unix socket and over TCP, in good time, and the program still the same one.
    pub fn assert_well(&self, options: &[&str]) {
        let url = format!("http://127.0.0.1:{}", self.port);
        let unix: Vec<&str> = [options, &["status"]].concat();
        let tcp: Vec<&str> = [&["-s", &url], options, &["status"]].concat();
        for arguments in [unix, tcp] {
            let ask = || {
                let begun = Instant::now();
                let status = self.daemon.ctl(Side::Ours, &arguments);
                let wanted = format!("pid {},", self.program);
                assert!(
                    status.code == Some(0) && status.stdout.contains(&wanted),
                    "{arguments:?}: {} {}{}",
                    status.code_text(),
                    status.stdout,
                    status.stderr
                );
                begun.elapsed()
            };
            // Whoever is held up by the attack is held up each time.
            let times: Vec<Duration> = std::iter::repeat_with(ask)
                .take(TIMES)
                .take_while(|took| *took >= PROMPT)
                .collect();
            assert!(times.len() < TIMES, "{arguments:?} took {times:?}");
        }
    }
}
