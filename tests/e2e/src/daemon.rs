//! A daemon of either side, running in a test's place.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use crate::again::LeftBehind;
use crate::http::Target;
use crate::numbers::with_backups;
use crate::order::{children_left, files_held};
use crate::place::{Place, last_lines};
use crate::process::{is_alive, kill_tree, send_signal};
use crate::rpc::{Outcome, Rpc};
use crate::run::{Finished, run};
use crate::side::Side;
use crate::value::Value;
use crate::wait::{PATIENCE, wait_for, wait_until};
use rustix::process::Signal;

/// What stands at the top of a test's configuration unless it brings its own.
const PRELUDE: &str = "\
[unix_http_server]
file=%(here)s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock

[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/s.pid
childlogdir=%(here)s
";

/// A whole configuration directory with a `supervisord.conf` in it, and where that file puts things.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The directory to copy.
    pub directory: PathBuf,
    /// The unix socket, relative to the directory.
    pub socket: String,
    /// The main log, relative to the directory; `daemon.out` when it goes to the standard output.
    pub log: String,
    /// Header lines (each with its line end) that the server wants, for a password.
    pub headers: String,
}

/// How a daemon is to be started.
#[derive(Clone, Debug)]
pub struct Start {
    side: Side,
    fixture: Option<Fixture>,
    config: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    files: Vec<(String, String)>,
    wrapper: Vec<String>,
    program: Option<PathBuf>,
}

impl Start {
    /// A daemon of `side` with the usual sections followed by `config`. The end of the usual sections is
    /// `[supervisord]`, so that `config` may begin with more keys of it.
    pub fn new(side: Side, config: &str) -> Self {
        Self::bare(side, &format!("{PRELUDE}{config}"))
    }

    /// A daemon of `side` with exactly this configuration.
    pub fn bare(side: Side, config: &str) -> Self {
        Self {
            side,
            fixture: None,
            config: config.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            files: Vec::new(),
            wrapper: Vec::new(),
            program: None,
        }
    }

    /// A daemon of `side` in a copy of a whole directory, with pipes for output, as a container has them.
    pub fn of_fixture(side: Side, fixture: &Fixture) -> Self {
        Self {
            fixture: Some(fixture.clone()),
            ..Self::bare(side, "")
        }
    }

    /// Further arguments on the command line.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// A variable of the daemon's environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file beside the configuration.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// A command that runs it, such as `unshare -m`: the daemon's own command line follows these words.
    #[must_use]
    pub fn under<Word: AsRef<str>>(mut self, wrapper: &[Word]) -> Self {
        let words = wrapper.iter().map(|word| word.as_ref().to_owned());
        self.wrapper = words.collect();
        self
    }

    /// Another supervisord than the side's own.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// Starts it in the foreground and waits until it answers.
    pub fn start(self) -> Daemon {
        let mut daemon = self.launch();
        daemon.wait_ready();
        daemon
    }

    /// Starts it in the foreground and waits for nothing.
    pub fn launch(self) -> Daemon {
        self.launch_in(Place::new())
    }

    /// The same, in a place that was made before.
    pub fn launch_in(self, place: Place) -> Daemon {
        let mut command = self.prepare(&place, &["-n"]);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        self.into_daemon(place, child.id(), Some(child))
    }

    /// Starts it in the background. The pid file of the usual sections must be there when the command returns.
    pub fn daemonise(self) -> Daemon {
        let place = Place::new();
        let mut command = self.prepare(&place, &[]);
        let status = command
            .status()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let pid = place.read("s.pid").trim().parse().unwrap_or_else(|_| {
            panic!(
                "{status}, and no pid in the pid file: {}",
                place.read("daemon.err")
            )
        });
        self.into_daemon(place, pid, None)
    }

    /// Writes the files, and makes the command line.
    fn prepare(&self, place: &Place, options: &[&str]) -> Command {
        for (name, content) in &self.files {
            place.write(name, content);
        }
        let config = match &self.fixture {
            Some(fixture) => place.copy_of(&fixture.directory).join("supervisord.conf"),
            None => place.write("supervisord.conf", &self.config),
        };
        let own = || self.side.command("supervisord");
        let program = self.program.clone().unwrap_or_else(own);
        let mut command = match self.wrapper.split_first() {
            None => Command::new(program),
            Some((wrapper, words)) => {
                let mut command = Command::new(wrapper);
                command.args(words).arg(program);
                command
            }
        };
        clean(&mut command, place);
        command
            .args(options)
            .arg("-c")
            .arg(&config)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(self.output(place, "daemon.out"))
            .stderr(self.output(place, "daemon.err"));
        command
    }

    fn into_daemon(self, place: Place, pid: u32, child: Option<Child>) -> Daemon {
        let (socket, log, headers) = match self.fixture {
            Some(fixture) => (fixture.socket, fixture.log, fixture.headers),
            None => ("s.sock".to_owned(), "main.log".to_owned(), String::new()),
        };
        Daemon {
            side: self.side,
            pid,
            child,
            place,
            socket,
            log,
            headers,
            ended: None,
            left_behind: LeftBehind::default(),
            ends_otherwise: false,
        }
    }

    /// Where one of the daemon's outputs goes: a file of the place, for a fixture through a pipe.
    fn output(&self, place: &Place, name: &str) -> Stdio {
        let mut file = File::create(place.join(name)).expect("the place is writable");
        if self.fixture.is_none() {
            return file.into();
        }
        let (mut reader, writer) = io::pipe().expect("a pipe can be made");
        thread::spawn(move || io::copy(&mut reader, &mut file));
        writer.into()
    }
}

/// Gives a command a small, known environment: the same on every machine and for both sides.
pub fn clean(command: &mut Command, place: &Place) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("HOME", place.path());
}

/// A running daemon. Dropping it ends it and all that it started.
#[derive(Debug)]
pub struct Daemon {
    side: Side,
    pid: u32,
    /// None when it runs in the background: then it is no child of ours.
    child: Option<Child>,
    place: Place,
    socket: String,
    log: String,
    headers: String,
    ended: Option<ExitStatus>,
    left_behind: LeftBehind,
    ends_otherwise: bool,
}

impl Daemon {
    /// Which implementation it is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Its directory.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its process id; that of the wrapper, if there is one that starts it as a child.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.place.join("supervisord.conf")
    }

    /// Its unix socket, when it runs with the usual sections or as a fixture.
    pub fn socket(&self) -> PathBuf {
        self.place.join(&self.socket)
    }

    /// A client of its unix socket.
    pub fn rpc(&self) -> Rpc {
        Rpc::new(Target::Unix(self.socket())).with_headers(&self.headers)
    }

    /// Waits until it answers over its unix socket.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn wait_ready(&mut self) {
        let rpc = self.rpc();
        wait_until(PATIENCE, "the daemon to answer", || {
            if let Some(status) = self.ended() {
                panic!("the daemon of {} ended: {status}", self.side.name());
            }
            matches!(
                rpc.call("supervisor.getState", &[]),
                Outcome::Value(_) | Outcome::Fault(..) | Outcome::Http(401)
            )
        });
    }

    /// Waits until a process is in one of the named states (`|` between them), and returns its info.
    pub fn wait_state(&self, name: &str, states: &str) -> Value {
        let rpc = self.rpc();
        wait_for(PATIENCE, &format!("{name} to be {states}"), || {
            let info = rpc.info(name)?;
            let state = info.get("statename")?.text().to_owned();
            states
                .split('|')
                .any(|wanted| wanted == state)
                .then_some(info)
        })
    }

    /// The main log with all that has happened until now.
    ///
    /// Who reads it by XML-RPC is answered when it is complete, and then so is the file. A daemon that has ended, or has no
    /// server, does not answer; the first has written everything.
    pub fn main_log(&self) -> String {
        let _ = self.rpc().call("supervisor.readLog", &[0.into(), 1.into()]);
        self.place.read(&self.log)
    }

    /// The main log with what was rotated, the oldest first.
    pub fn main_log_with_backups(&self) -> String {
        with_backups(&self.place, ".", &self.log)
    }

    /// Waits until the main log has a line that contains `text`.
    pub fn wait_log(&self, text: &str) {
        self.wait_log_times(text, 1);
    }

    /// Waits until `text` stands in the main log that many times.
    pub fn wait_log_times(&self, text: &str, times: usize) {
        wait_until(
            PATIENCE,
            &format!("`{text}` in the main log, {times} times"),
            || self.place.read(&self.log).matches(text).count() >= times,
        );
    }

    /// Waits until a file of the place contains `text`.
    pub fn wait_file(&self, name: &str, text: &str) {
        wait_until(PATIENCE, &format!("`{text}` in {name}"), || {
            self.place.read(name).contains(text)
        });
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// Whether its end is told to us.
    pub(crate) fn is_child(&self) -> bool {
        self.child.is_some()
    }

    /// Processes of daemons that were killed alone here.
    pub(crate) fn left_behind(&mut self) -> &mut LeftBehind {
        &mut self.left_behind
    }

    /// Starts a daemon in the place of the one that has ended, and waits for nothing.
    pub fn launch_again(&mut self, start: &Start) {
        let mut command = start.prepare(&self.place, &["-n"]);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        (self.pid, self.child, self.ended) = (child.id(), Some(child), None);
    }

    /// The daemon of this place is the one whose pid stands in the pid file, and no child of ours.
    pub(crate) fn now_in_background(&mut self) {
        let pid = self.place.read("s.pid").trim().parse();
        (self.pid, self.child, self.ended) = (pid.expect("a pid file"), None, None);
    }

    /// A command that starts another daemon in the same place, in the background: for one that is to fail.
    pub fn rival(&self, start: &Start) -> Command {
        start.prepare(&self.place, &[])
    }

    /// How it has ended; `None` while it runs. One in the background ends without a status: it counts as 0.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = match &mut self.child {
                Some(child) => child.try_wait().expect("the daemon is our child"),
                // Nobody but its parent learns the real status.
                None => (!is_alive(self.pid)).then(ExitStatus::default),
            };
        }
        self.ended
    }

    /// Waits for its end, and returns the exit code (`None`: by a signal).
    pub fn wait_end(&mut self) -> Option<i32> {
        wait_for(PATIENCE, "the daemon to end", || self.ended()).code()
    }

    /// Runs a side's `supervisorctl` against it.
    pub fn ctl(&self, side: Side, arguments: &[&str]) -> Finished {
        run(self.ctl_command(side).args(arguments))
    }

    /// A side's `supervisorctl` with the configuration of this daemon, for a caller that adds the rest.
    pub fn ctl_command(&self, side: Side) -> Command {
        let mut command = Command::new(side.command("supervisorctl"));
        clean(&mut command, &self.place);
        command
            .arg("-c")
            .arg(self.config())
            .current_dir(self.place.path());
        command
    }
}

impl Daemon {
    /// This test leaves its daemon in a state in which it cannot end in order, or in which what it leaves is the test's
    /// matter: it is killed in the end, and nothing is asserted then.
    pub fn ends_otherwise(&mut self) {
        self.ends_otherwise = true;
    }

    /// Has a daemon that still runs end, as an operator would.
    fn end_in_order(&mut self) {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        // One below a wrapper hears no signal of ours.
        let can = self.side == Side::Ours && self.is_child() && name == "supervisord\n";
        if !can || self.ends_otherwise || self.ended().is_some() {
            return;
        }
        self.signal(Signal::TERM);
        wait_until(PATIENCE, "I25: the daemon to end in order", || {
            self.ended().is_some()
        });
        let status = self.ended();
        // Only a test sends that, and its effect may be seen a moment later.
        let by_test = status.and_then(|status| status.signal()) == Some(Signal::KILL.as_raw());
        let code = status.and_then(|status| status.code());
        assert!(
            by_test || code == Some(0),
            "I25: the daemon ended: {status:?}"
        );
    }

    /// I25: who has ended in order has ended its children, and taken away what told others of it.
    fn assert_order(&self) {
        let is_ours = self.side == Side::Ours && self.is_child();
        if !is_ours || self.ended.and_then(|status| status.code()) != Some(0) {
            return;
        }
        let place = self.place.path();
        let children = children_left(place);
        assert!(children.is_empty(), "I25: children live on: {children:?}");
        // What outlives it has none of its descriptors.
        let held = files_held(place, &["s.pid", "s.pid.runs", self.log.as_str()]);
        assert!(held.is_empty(), "I25: {held:?}");
        for name in [self.socket.as_str(), "s.pid"] {
            // A link was not made by it, nor is it followed.
            let kind = fs::symlink_metadata(place.join(name)).map(|file| file.file_type());
            let is_left = kind.is_ok_and(|kind| !kind.is_symlink());
            assert!(!is_left, "I25: {name} is still there");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end_in_order();
        }
        if self.ended().is_none() {
            kill_tree(self.pid());
            if let Some(child) = &mut self.child {
                child.wait().ok();
            }
        } else if !std::thread::panicking() {
            self.assert_order();
        }
        if std::thread::panicking() {
            eprintln!(
                "---- main log of {} ----\n{}",
                self.side.name(),
                last_lines(&self.place.read(&self.log))
            );
            let errors = self.place.read("daemon.err");
            eprintln!("---- its stderr ----\n{}", last_lines(&errors));
        }
    }
}
