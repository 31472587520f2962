//! One configuration, given to both sides: is it taken, and what does it come to?

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use provost_e2e::{
    Daemon, Normal, Outcome, PATIENCE, Side, Start, Value, decode, wait_for, wait_until,
};

use crate::compare::compare;
use crate::differences::{is_added_file, names_a_mistake};

/// The sections that make a daemon answer; cases add to them.
const SERVER: &str = "\
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
";

const DAEMON: &str = "\
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
";

/// A configuration and how it is given.
#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    config: String,
    arguments: Vec<String>,
    files: Vec<(String, String)>,
}

impl Case {
    /// A case whose configuration is exactly `config`.
    pub fn bare(name: &str, config: &str) -> Self {
        Self {
            name: format!("config {name}"),
            config: config.to_owned(),
            arguments: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A case with a server and the `[supervisord]` section, followed by `config` (which may begin with more keys of
    /// that section).
    pub fn new(name: &str, config: &str) -> Self {
        Self::bare(name, &format!("{SERVER}{DAEMON}{config}"))
    }

    /// A case about keys of one program that is not started.
    pub fn program(name: &str, keys: &str) -> Self {
        Self::new(
            name,
            &format!("[program:x]\ncommand=/bin/cat\nautostart=false\n{keys}\n"),
        )
    }

    /// A file beside the configuration.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// Arguments on the command line.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Gives the case to both sides and compares.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self) -> Result<(), String> {
        let upstream = self.observe(Side::Upstream);
        let ours = self.observe(Side::Ours);
        let ours = match (&upstream, ours) {
            // Provost explains at length after upstream's lines; a tool sees the same lines first.
            (Seen::Refused { lines, .. }, Seen::Refused { code, lines: more }) => Seen::Refused {
                code,
                lines: more.into_iter().take(lines.len()).collect(),
            },
            (_, ours) => ours,
        };
        compare(&self.name, &upstream.transcript(), &ours.transcript())
    }

    fn observe(&self, side: Side) -> Seen {
        let mut start = Start::bare(side, &self.config).environment("CASE", "from outside");
        for (name, content) in &self.files {
            start = start.file(name, content);
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut daemon = start.arguments(&arguments).launch();
        let body = wait_for(PATIENCE, "the daemon to answer or to end", || {
            if daemon.ended().is_some() {
                return Some(None);
            }
            answered(&daemon).map(Some)
        });
        let normal = Normal::new().with(daemon.place().text(), "⟨dir⟩").with(
            side.command("supervisord").to_str().unwrap_or_default(),
            "⟨supervisord⟩",
        );
        match body {
            None => {
                let code = daemon.wait_end();
                let text = normal.apply(&daemon.place().read("daemon.err"));
                Seen::Refused {
                    code,
                    lines: text.lines().map(str::to_owned).collect(),
                }
            }
            Some(body) => Seen::Taken {
                text: normal.apply(&taken(&daemon, &body)),
            },
        }
    }
}

/// What one side did with a configuration.
enum Seen {
    Refused {
        code: Option<i32>,
        lines: Vec<String>,
    },
    Taken {
        text: String,
    },
}

impl Seen {
    fn transcript(&self) -> String {
        match self {
            Self::Refused { code, lines } => {
                format!("refused, exit {code:?}\n{}", lines.join("\n"))
            }
            Self::Taken { text } => format!("taken\n{text}"),
        }
    }
}

/// The configuration of all programs, once the daemon tells it; a text instead of it when the daemon has no server.
fn answered(daemon: &Daemon) -> Option<String> {
    if !fs::read_to_string(daemon.config())
        .unwrap_or_default()
        .contains("s.sock")
    {
        return daemon
            .place()
            .read("daemon.out")
            .contains("supervisord started")
            .then(String::new);
    }
    let answer = daemon.rpc().raw("supervisor.getAllConfigInfo", &[]).ok()?;
    Some(match decode(&answer.text()) {
        Some(Ok(value)) => {
            let lines: Vec<String> = value.items().iter().flat_map(members).collect();
            lines.concat()
        }
        Some(Err((code, text))) => format!("fault {code} {text}\n"),
        None => format!("HTTP {}\n", answer.status()),
    })
}

/// A struct, one member a line. The one that only Provost has is left out (see [`crate::differences`]).
fn members(info: &Value) -> Vec<String> {
    let Value::Struct(members) = info else {
        return vec![format!("{info}\n")];
    };
    members
        .iter()
        .filter(|(name, _)| name != "autorestart")
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

/// Everything about a daemon with this configuration that can be seen from outside.
fn taken(daemon: &Daemon, programs: &str) -> String {
    let rpc = daemon.rpc();
    let identifier = match rpc.call("supervisor.getIdentification", &[]) {
        Outcome::Lost(_) => "no server".to_owned(),
        outcome => outcome.to_string(),
    };
    let processes = match rpc.call("supervisor.getAllProcessInfo", &[]) {
        Outcome::Value(list) => list
            .items()
            .iter()
            .map(|info| {
                ["group", "name", "stdout_logfile", "stderr_logfile"]
                    .map(|key| info.get(key).map_or("", |value| value.text()).to_owned())
                    .join(" ")
                    + "\n"
            })
            .collect(),
        _ => String::new(),
    };
    wait_for_auto_logs(daemon, &processes);
    let proc_file = |name: &str| {
        fs::read_to_string(format!("/proc/{}/{name}", daemon.pid())).unwrap_or_default()
    };
    let line = |text: &str, start: &str| {
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
            .to_owned()
    };
    let directory = fs::read_link(format!("/proc/{}/cwd", daemon.pid())).unwrap_or_default();
    // Our log is written a moment after clients are answered, and with it what stands on the standard output.
    daemon.main_log();
    format!(
        "identifier {identifier}\n{programs}{processes}{}\n{}\ncwd {}\n{}{}",
        line(&proc_file("limits"), "Max open files"),
        line(&proc_file("status"), "Umask"),
        directory.display(),
        files(daemon),
        start_lines(daemon),
    )
}

/// AUTO logs are made by a thread of its own, a moment after the server answers.
fn wait_for_auto_logs(daemon: &Daemon, processes: &str) {
    let paths = processes
        .split_whitespace()
        .filter(|path| path.contains("---"));
    for path in paths {
        wait_until(PATIENCE, "an AUTO log", || {
            daemon.place().join(path).exists()
        });
    }
}

/// The files of the place with kind, mode and owner.
fn files(daemon: &Daemon) -> String {
    let mut lines = Vec::new();
    for name in daemon.place().list("") {
        if is_added_file(&name) {
            continue;
        }
        let Ok(about) = fs::symlink_metadata(daemon.place().join(&name)) else {
            continue;
        };
        let kind = if about.file_type().is_socket() {
            "socket"
        } else {
            "file"
        };
        lines.push(format!(
            "{kind} {:o} {}:{} {name}\n",
            about.mode() & 0o7777,
            about.uid(),
            about.gid()
        ));
    }
    lines.concat()
}

/// What the daemon wrote to its standard output and error until it was up.
fn start_lines(daemon: &Daemon) -> String {
    let out = daemon.place().read("daemon.out");
    let begin = out
        .split_inclusive('\n')
        .take_while(|line| !line.contains("supervisord started"))
        .filter(|line| !names_a_mistake(line));
    format!(
        "stdout:\n{}stderr:\n{}",
        begin.collect::<String>(),
        daemon.place().read("daemon.err")
    )
}
