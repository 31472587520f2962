//! The thread with real pipes and files.

mod bulk;
mod devices;
mod guarded;
mod main_log;
mod output;
mod trouble;

use super::*;
use crate::logs::order::Fact;
use provost_model::config::MainLog as Target;
use provost_model::spec::{AutoRestart, LogFile, OutputSpec};
use provost_model::{Channel, Errno, Level, ProcId, ProcessSpec, Run, Signal};
use provost_os::spot::Paths;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory of its own for one test, removed afterwards.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("provost-logs-{}-{number}", std::process::id()));
        // Of an earlier process with our number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings(dir: &Dir) -> MainLogSettings {
    MainLogSettings {
        target: Target::File(dir.path("main.log")),
        maxbytes: 0,
        backups: 0,
        level: Level::Info,
        to_stdout: false,
        paths: Paths::Guarded,
    }
}

/// A running thread and what it told.
struct World {
    dir: Dir,
    logs: Logs,
    facts: Receiver<Fact>,
    next_run: u64,
}

impl World {
    fn new() -> Self {
        Self::with(Dir::new(), |_| (), ChildLogSettings::default())
    }

    fn with(dir: Dir, change: impl FnOnce(&mut MainLogSettings), child: ChildLogSettings) -> Self {
        let mut settings = settings(&dir);
        change(&mut settings);
        Self::around(dir, MainLog::open(settings).unwrap(), child)
    }

    fn around(dir: Dir, main: MainLog, child: ChildLogSettings) -> Self {
        let (sender, facts) = channel();
        let logs = start(
            main,
            child,
            Box::new(move |fact| sender.send(fact).unwrap_or(())),
        )
        .unwrap();
        Self {
            dir,
            logs,
            facts,
            next_run: 1,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path(name)
    }

    fn fact(&self) -> Fact {
        self.facts
            .recv_timeout(PATIENCE)
            .expect("a fact within the time")
    }

    fn open(
        &mut self,
        spec: ProcessSpec,
        stdout: Option<&Path>,
        listener: bool,
    ) -> (Run, Result<(), (PathBuf, Errno)>) {
        let run = Run(self.next_run);
        self.next_run += 1;
        self.logs.order(Order::Open {
            run,
            proc: ProcId(1),
            spec: Arc::new(spec),
            stdout: stdout.map(Path::to_path_buf),
            stderr: None,
            listener,
        });
        match self.fact() {
            Fact::Opened { run: told, result } => {
                assert_eq!(told, run);
                (run, result)
            }
            other => panic!("expected Opened, got {other:?}"),
        }
    }

    /// Opens a run that logs to `path`; gives the writing end of its stdout.
    fn start(&mut self, spec: ProcessSpec, path: &Path) -> (Run, OwnedFd) {
        let (run, result) = self.open(spec, Some(path), false);
        result.unwrap();
        let (read, write) = provost_os::pipe::pipe().unwrap();
        self.logs.order(Order::Attach {
            run,
            channel: Channel::Stdout,
            fd: read,
        });
        (run, write)
    }

    /// Drains a run; gives what else was told meanwhile.
    fn drain(&mut self, run: Run) -> Vec<Fact> {
        self.logs.order(Order::Drain { run });
        let mut others = Vec::new();
        loop {
            match self.fact() {
                Fact::Drained { run: told } if told == run => return others,
                other => others.push(other),
            }
        }
    }

    fn main_text(&self) -> String {
        fs::read_to_string(self.path("main.log")).unwrap()
    }

    fn stop(self) -> (Dir, MainLog, Vec<(PathBuf, usize)>) {
        match self.logs.stop(PATIENCE) {
            Stopped::Finished { main, left } => (self.dir, *main, left),
            Stopped::Stuck { .. } => panic!("the thread did not stop"),
        }
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) {
    use std::os::fd::AsFd;
    while !bytes.is_empty() {
        let count = provost_os::pipe::write(fd.as_fd(), bytes).unwrap();
        bytes = &bytes[count..];
    }
}

fn output_spec() -> OutputSpec {
    OutputSpec {
        logfile: LogFile::Auto,
        maxbytes: 0,
        backups: 10,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
    }
}

fn spec() -> ProcessSpec {
    ProcessSpec {
        name: "cat".to_owned(),
        group: "pets".to_owned(),
        program: "cat".to_owned(),
        command: "/bin/cat".to_owned(),
        directory: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Never,
        startsecs: 1,
        startretries: 3,
        uid: None,
        stdout: output_spec(),
        stderr: output_spec(),
        redirect_stderr: false,
        stopsignal: Signal::TERM,
        stopwaitsecs: 10,
        stopasgroup: false,
        killasgroup: false,
        stop_cont: false,
        stop_tree: false,
        sigpipe_default: false,
        confinement: provost_model::spec::Confinement::default(),
        logfile_full: provost_model::spec::LogfileFull::Drop,
        exitcodes: vec![0],
        environment: Vec::new(),
        serverurl: None,
        socket: None,
    }
}

/// Contents of a log and its backups, oldest first.
fn generations(path: &Path) -> Vec<Vec<u8>> {
    let backup = |number: usize| PathBuf::from(format!("{}.{number}", path.display()));
    let count = (1..1_000_000)
        .take_while(|&number| backup(number).exists())
        .count();
    let mut all: Vec<Vec<u8>> = (1..=count)
        .rev()
        .map(|number| fs::read(backup(number)).unwrap())
        .collect();
    // For a moment of each rotation there is none.
    wait_until("the log itself is there", || path.exists());
    all.push(fs::read(path).unwrap());
    all
}
