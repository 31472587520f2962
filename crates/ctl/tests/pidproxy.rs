//! pidproxy with real processes. Called with `PROVOST_ACT_AS=pidproxy` this program is pidproxy itself.

#![expect(
    clippy::print_stdout,
    reason = "a test without a harness tells its outcome itself"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung.
const DEADLINE: Duration = Duration::from_mins(1);

/// Tells its pid, then writes down what signals it gets; TERM ends it.
const DAEMON: &str = "
for name in HUP USR1 USR2; do trap \"echo $name >> $1/got\" $name; done
trap 'echo TERM >> $1/got; exit 0' TERM
echo $$ > $1/new; mv $1/new $1/pid
while :; do sleep 0.02; done
";

fn pidproxy(pidfile: &Path, command: &[&str]) -> Command {
    let mut proxy = Command::new(std::env::current_exe().expect("our own path"));
    proxy
        .env("PROVOST_ACT_AS", "pidproxy")
        .arg(pidfile)
        .args(command)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    proxy
}

fn run(pidfile: &Path, command: &[&str]) -> (Output, String) {
    let output = pidproxy(pidfile, command).output().expect("pidproxy runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(name: &str, child: &Child) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
}

fn signals_reach_the_process_of_the_pidfile(directory: &Path) {
    let pidfile = directory.join("pid");
    let place = directory.to_string_lossy();
    // A shell cannot trap what was ignored before it began, as HUP is under `nohup`.
    let defaults = ["/usr/bin/env", "--default-signal"];
    let daemon = ["/bin/sh", "-c", DAEMON, "daemon", &place];
    let command = [&defaults[..], &daemon[..]].concat();
    let mut proxy = pidproxy(&pidfile, &command)
        .spawn()
        .expect("pidproxy starts");
    wait_until("the pidfile is written", || pidfile.exists());
    let mut expected = String::new();
    for name in ["HUP", "USR1", "USR2"] {
        signal(name, &proxy);
        expected.push_str(name);
        expected.push('\n');
        wait_until(name, || {
            fs::read_to_string(directory.join("got")).is_ok_and(|got| got == expected)
        });
    }
    signal("TERM", &proxy);
    assert_eq!(proxy.wait().expect("pidproxy ends").code(), Some(0));
    expected.push_str("TERM\n");
    wait_until("TERM", || {
        fs::read_to_string(directory.join("got")).is_ok_and(|got| got == expected)
    });
}

fn a_missing_pidfile_is_told_and_survived(directory: &Path) {
    let pidfile = directory.join("none");
    let ready = directory.join("ready");
    let script = format!("touch {}; read line", ready.display());
    let mut proxy = pidproxy(&pidfile, &["/bin/sh", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("pidproxy starts");
    wait_until("the command runs", || ready.exists());
    signal("TERM", &proxy);
    signal("USR1", &proxy);
    // The end of its input ends the command, and that ends pidproxy.
    drop(proxy.stdin.take());
    let output = proxy.wait_with_output().expect("pidproxy ends");
    let line = format!("Can't read child pidfile {}!\n", pidfile.display());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text == line.repeat(2) || text == line, "{text}");
    assert_eq!(output.status.code(), Some(0));
}

fn the_end_of_the_command_is_noticed_at_once(directory: &Path) {
    // Whoever naps does so each time; a busy machine does not.
    let times = [(); 3].map(|()| {
        let begun = Instant::now();
        let (output, _) = run(&directory.join("none"), &["/bin/sh", "-c", "exit 3"]);
        assert_eq!(output.status.code(), Some(0));
        begun.elapsed()
    });
    let quickest = times.iter().min();
    assert!(quickest < Some(&Duration::from_secs(4)), "it naps");
}

fn the_command_begins_with_no_signal_blocked(directory: &Path) {
    let (_, text) = run(&directory.join("none"), &["/bin/cat", "/proc/self/status"]);
    let mask = text.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    assert_eq!(mask.map(str::trim), Some("0000000000000000"));
}

fn what_cannot_be_started_is_told(directory: &Path) {
    let (output, _) = run(&directory.join("none"), &["/nonexistent/x"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "pidproxy: cannot start /nonexistent/x: No such file or directory\n"
    );
    let (output, text) = run(&directory.join("none"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("<pidfile name> <command> [<cmdarg1> ...]"),
        "{text}"
    );
}

/// A check, which has a directory of its own.
type Check = fn(&Path);

/// A directory of its own for each check.
fn directory(base: &Path, name: &str) -> PathBuf {
    let directory = base.join(name);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn main() -> ExitCode {
    if std::env::var_os("PROVOST_ACT_AS").is_some() {
        let args: Vec<OsString> = std::env::args_os().collect();
        return ExitCode::from(u8::try_from(provost_ctl::pidproxy::main(&args)).unwrap_or(1));
    }
    let base = std::env::temp_dir().join(format!("provost-pidproxy-{}", std::process::id()));
    let checks: [(&str, Check); 5] = [
        ("signals", signals_reach_the_process_of_the_pidfile),
        ("missing", a_missing_pidfile_is_told_and_survived),
        ("end", the_end_of_the_command_is_noticed_at_once),
        ("mask", the_command_begins_with_no_signal_blocked),
        ("start", what_cannot_be_started_is_told),
    ];
    println!("running {} tests", checks.len());
    for (name, check) in checks {
        println!("check {name}");
        check(&directory(&base, name));
    }
    fs::remove_dir_all(&base).expect("the directories go");
    println!(
        "test result: ok. {} passed; 0 failed; 0 ignored",
        checks.len()
    );
    ExitCode::SUCCESS
}
