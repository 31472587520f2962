//! `supervisord --demo`: a private directory, an embedded configuration, and the line to try next.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The demonstration's directory; removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Demo {
    directory: PathBuf,
    port: u16,
}

impl Demo {
    /// Makes the directory, readable by nobody else, and writes the configuration into it.
    pub(crate) fn prepare() -> io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("provost-demo-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let demo = Self {
            directory,
            port: free_port()?,
        };
        fs::write(demo.config(), configuration(&demo.directory, demo.port))?;
        Ok(demo)
    }

    /// Where the configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        self.directory.join("supervisord.conf")
    }

    /// What to tell the user before the log begins.
    pub(crate) fn greeting(&self) -> String {
        let config = self.config();
        let status = format!("{} -c {} status", client(), config.display());
        format!(
            "Three small programs are starting under {}.\n\
             Try this in another terminal:\n\n    {status}\n\n\
             then the same with `tail -f clock`, `stop greeter:*` or `restart all` in place of `status`,\n\
             or with nothing there for a shell. There is a page, too: http://127.0.0.1:{}/\n\
             Ctrl-C here ends the demonstration.\n\n",
            config.display(),
            self.port
        )
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Nobody can act on a left-over directory in the system's temporary place.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The client beside this binary, or the way to build and run it from a checkout.
fn client() -> String {
    let beside = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("supervisorctl"));
    match beside {
        Some(path) if path.exists() => path.display().to_string(),
        _ => "cargo run --release --bin supervisorctl --".to_owned(),
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn configuration(directory: &Path, port: u16) -> String {
    // A percent sign begins an expansion, so one in the path is doubled.
    let here = directory.display().to_string().replace('%', "%%");
    format!(
        "\
[unix_http_server]
file={here}/supervisor.sock

[inet_http_server]
port=127.0.0.1:{port}

[supervisord]
nodaemon=true
logfile={here}/supervisord.log
pidfile={here}/supervisord.pid
childlogdir={here}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{here}/supervisor.sock
prompt=demo

; Writes the time once a second. A signal goes to the shell and to what it runs.
[program:clock]
command=/bin/sh -c 'while :; do date; sleep 1; done'
stdout_logfile={here}/clock.log
stopasgroup=true

; Two processes of one program.
[program:greeter]
command=/bin/sh -c 'echo \"hello from number %(process_num)d\"; exec sleep 86400'
process_name=greeter_%(process_num)d
numprocs=2
stdout_logfile={here}/%(program_name)s_%(process_num)d.log

; Ends every ten seconds with an error and is started again.
[program:flaky]
command=/bin/sh -c 'sleep 10; echo \"something went wrong\" >&2; exit 1'
stdout_logfile={here}/flaky.log
redirect_stderr=true
stopasgroup=true
"
    )
}
