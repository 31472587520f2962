//! Our supervisorctl and upstream's, each against an upstream supervisord of its own, through the same script: what
//! they print and how they exit must be the same.
//!
//! Needs Supervisor 4.3.0 in the directory that `PROVOST_ORACLE` names (`$PROVOST_ORACLE/bin/supervisord`); says so
//! and does nothing without. Called with `PROVOST_ACT_AS=supervisorctl` this program is our supervisorctl.

#![expect(
    clippy::print_stdout,
    reason = "a test without a harness tells its outcome itself"
)]

mod script;

use script::{CHANGED, Compare, PROGRAMS, Step, first_part, last_part, second_part, step};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung.
const DEADLINE: Duration = Duration::from_mins(1);

struct Client {
    program: PathBuf,
    act_as: bool,
    directory: PathBuf,
    closed_port: u16,
    guarded_port: u16,
}

/// What one step left behind.
struct Outcome {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

impl Client {
    fn run(&self, step: &Step) -> Outcome {
        // Whoever was started in the background of a shell ignores Ctrl-C, and so would the client.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(&self.program);
        if self.act_as {
            command.env("PROVOST_ACT_AS", "supervisorctl");
        }
        let (closed, guarded) = (self.closed_port.to_string(), self.guarded_port.to_string());
        let fill = |arg: &String| arg.replace("CLOSED", &closed).replace("GUARDED", &guarded);
        command
            .arg("-c")
            .arg(self.directory.join("x.conf"))
            .args(step.args.iter().map(fill))
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        // A client that ends without reading has its say in what it prints.
        let _ = stdin.write_all(step.stdin.as_bytes());
        if step.interrupt_after.is_none() {
            drop(stdin);
        }
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let pid = child.id();
        let waiting_for = step.interrupt_after;
        let printed = std::thread::spawn(move || read_all(stdout, waiting_for, pid));
        let complained = std::thread::spawn(move || read_all(stderr, None, pid));
        let status = wait(&mut child, step);
        Outcome {
            stdout: self.normalise(&printed.join().expect("stdout is read")),
            stderr: self.normalise(&complained.join().expect("stderr is read")),
            status,
        }
    }

    /// The text without what differs from run to run.
    fn normalise(&self, text: &str) -> String {
        let text = text
            .replace(&*self.directory.to_string_lossy(), "DIR")
            .replace(&self.closed_port.to_string(), "CLOSED")
            .replace(&self.guarded_port.to_string(), "GUARDED");
        let mut plain = String::new();
        for line in text.lines() {
            let line = match line.split_once("pid ") {
                Some((before, after)) if after.contains("uptime") => {
                    format!("{before}pid N, uptime T")
                }
                _ => line.to_owned(),
            };
            let is_pid = line.len() > 1 && line.bytes().all(|byte| byte.is_ascii_digit());
            // Nothing else has a time of day.
            let is_stop = line.ends_with(" AM") || line.ends_with(" PM");
            match (is_pid, is_stop) {
                (true, _) => plain.push('N'),
                (_, true) => plain.push_str(line.get(..43).unwrap_or(&line)),
                _ => plain.push_str(&line),
            }
            plain.push('\n');
        }
        if !text.ends_with('\n') {
            plain.pop();
        }
        plain
    }
}

/// Reads to the end. Once the text has come, presses Ctrl-C.
fn read_all(mut from: impl Read, interrupt_after: Option<&str>, pid: u32) -> String {
    let mut bytes = Vec::new();
    let mut pressed = false;
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if !pressed && interrupt_after.is_some_and(|wanted| text.contains(wanted)) {
            pressed = true;
            signal("INT", pid);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "kill -{name} {pid}"
    );
}

fn wait(child: &mut Child, step: &Step) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the client can be waited for") {
            return status.code();
        }
        if begun.elapsed() > DEADLINE {
            child.kill().expect("the client can be ended");
            println!("hung: {:?}", step.args);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A supervisord of upstream's.
struct Daemon {
    child: Child,
}

impl Daemon {
    fn start(oracle: &Path, directory: &Path) -> Self {
        let child = Command::new(oracle.join("bin/supervisord"))
            .args(["-n", "-c"])
            .arg(directory.join("x.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        Self { child }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("TERM", self.child.id());
            let begun = Instant::now();
            while begun.elapsed() < DEADLINE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn configure(client: &Client, programs: &str) {
    let (at, port) = (client.directory.display(), client.guarded_port);
    let text = format!(
        "[unix_http_server]\nfile={at}/x.sock\n[inet_http_server]\nport=127.0.0.1:{port}\nusername=me\n\
         password=secret\n[supervisord]\nlogfile={at}/x.log\npidfile={at}/x.pid\n\
         childlogdir={at}\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://{at}/x.sock\nprompt=sup\n{programs}"
    );
    fs::write(client.directory.join("x.conf"), text).expect("the configuration is written");
}

/// Asks until the states have settled.
fn settle(client: &Client, is_settled: impl Fn(&Outcome) -> bool) {
    let begun = Instant::now();
    while !is_settled(&client.run(&step("status"))) {
        assert!(begun.elapsed() < DEADLINE, "the programs settle");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_up(outcome: &Outcome) -> bool {
    outcome.status == Some(3)
        && !outcome.stdout.contains("STARTING")
        && outcome.stdout.contains("cat ")
}

/// Goes through the whole script.
fn transcript(oracle: &Path, client: &Client) -> Vec<Outcome> {
    configure(client, PROGRAMS);
    let mut daemon = Daemon::start(oracle, &client.directory);
    settle(client, is_up);
    let mut outcomes: Vec<Outcome> = first_part().iter().map(|step| client.run(step)).collect();
    configure(client, CHANGED);
    outcomes.extend(second_part().iter().map(|step| client.run(step)));
    settle(client, is_up);
    let last = last_part();
    outcomes.extend(last.iter().take(1).map(|step| client.run(step)));
    daemon.child.wait().expect("the daemon ends");
    outcomes.extend(last.iter().skip(1).map(|step| client.run(step)));
    outcomes
}

/// Forms of arguments that upstream does not have; `docs/differences.md` names them.
const ADDED_FORMS: &[&str] = &["status -v [<name>]", "status --offline [<name>]"];

/// What of a text counts.
fn reduce(text: &str, compare: Compare) -> String {
    match compare {
        Compare::All | Compare::Stdout => text.to_owned(),
        Compare::Interrupted => text.trim_end().to_owned(),
        Compare::Sorted => {
            let is_steady = |line: &&str| !line.starts_with("fails:");
            let mut lines: Vec<&str> = text.lines().filter(is_steady).collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        Compare::FirstLine => text.lines().next().unwrap_or_default().to_owned(),
        Compare::Forms => {
            let mut forms: Vec<&str> = text
                .lines()
                .filter_map(|line| line.split_once('\t'))
                .map(|(form, _)| form.trim())
                .filter(|form| !ADDED_FORMS.contains(form))
                .collect();
            forms.sort_unstable();
            forms.join("\n")
        }
        Compare::Errors => {
            let cut = |line: &str| match line.split_once("error: ") {
                Some((before, _)) => format!("{before}error: "),
                None => line.to_owned(),
            };
            text.lines().map(cut).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What of an exit status counts.
fn reduce_status(status: Option<i32>, compare: Compare) -> String {
    match (status, compare) {
        (Some(1..), Compare::Sorted) => "of a failure".to_owned(),
        _ => format!("{status:?}"),
    }
}

/// The block in which `help` lists the commands that upstream does not have.
const ADDED: &str =
    "\nprovost commands (type help <topic>):\n=====================================\nupgrade\n\n";

fn differences(theirs: &[Outcome], ours: &[Outcome]) -> String {
    let steps = first_part()
        .into_iter()
        .chain(second_part())
        .chain(last_part());
    let mut report = String::new();
    for (step, (theirs, ours)) in steps.zip(theirs.iter().zip(ours)) {
        let shown = |outcome: &Outcome| {
            format!(
                "exit {}\n{}\n2>{}",
                reduce_status(outcome.status, step.compare),
                reduce(&outcome.stdout.replace(ADDED, ""), step.compare),
                if matches!(step.compare, Compare::Stdout | Compare::Interrupted) {
                    ""
                } else {
                    &outcome.stderr
                }
            )
        };
        let unparted = step.compare == Compare::Interrupted && !ours.stdout.ends_with("\n\n");
        if unparted || shown(theirs) != shown(ours) {
            _ = writeln!(
                report,
                "=== {} {:?}\n--- upstream: {}\n--- ours: {}",
                step.args.join(" "),
                step.stdin,
                shown(theirs),
                shown(ours)
            );
        }
    }
    report
}

/// A port nobody listens at.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn compare(oracle: &Path) -> ExitCode {
    let base = std::env::temp_dir().join(format!("provost-ctl-{}", std::process::id()));
    let client = |name: &str, program: PathBuf, act_as| {
        let directory = base.join(name);
        fs::create_dir_all(&directory).expect("a directory");
        Client {
            program,
            act_as,
            directory,
            closed_port: free_port(),
            guarded_port: free_port(),
        }
    };
    let theirs = client("theirs", oracle.join("bin/supervisorctl"), false);
    let ours = client("ours", std::env::current_exe().expect("our own path"), true);
    let report = std::thread::scope(|scope| {
        let upstream = scope.spawn(|| transcript(oracle, &theirs));
        let provost = transcript(oracle, &ours);
        let upstream = upstream.join().expect("upstream's script runs");
        println!("running 1 test\n{} commands compared", provost.len());
        differences(&upstream, &provost)
    });
    fs::remove_dir_all(&base).expect("the directories go");
    if report.is_empty() {
        println!("test result: ok. 1 passed; 0 failed; 0 ignored");
        return ExitCode::SUCCESS;
    }
    println!("{report}\ntest result: FAILED. 0 passed; 1 failed; 0 ignored");
    ExitCode::FAILURE
}

fn main() -> ExitCode {
    if std::env::var_os("PROVOST_ACT_AS").is_some() {
        let args: Vec<OsString> = std::env::args_os().collect();
        return ExitCode::from(u8::try_from(provost_ctl::main(&args)).unwrap_or(1));
    }
    if let Some(oracle) = std::env::var_os("PROVOST_ORACLE") {
        return compare(Path::new(&oracle));
    }
    println!(
        "SKIPPED: PROVOST_ORACLE names no directory with Supervisor 4.3.0 (bin/supervisord) in it"
    );
    ExitCode::SUCCESS
}
