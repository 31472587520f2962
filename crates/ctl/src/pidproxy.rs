//! `pidproxy`: runs a command that puts itself into the background, and passes signals on to the pid in its pidfile.
//!
//! It starts one process and waits for that one; it watches over nothing else and starts nothing again.

use crate::exit;
use crate::trouble::system_text;
use provost_model::{Errno, Pid, Signal};
use provost_os::reactor::{Interest, Reactor};
use provost_os::signals::{SignalQueue, unblocked};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The signals that are passed on.
const PASSED_ON: [Signal; 6] = [
    Signal::TERM,
    Signal::HUP,
    Signal::INT,
    Signal::USR1,
    Signal::USR2,
    Signal::QUIT,
];

/// The signals after which pidproxy itself is done.
const LAST: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::QUIT];

/// How much of a pidfile is read. A pid has ten digits at most.
const PIDFILE_LIMIT: u64 = 64;

/// What goes wrong for pidproxy itself.
#[derive(Debug)]
struct Problem {
    doing: String,
    cause: io::Error,
}

/// Runs pidproxy with all of its arguments, its own name first, and answers the exit status: 0 when the command has
/// ended, however it did, and after a signal that ends.
pub fn main(args: &[OsString]) -> i32 {
    let [_, pidfile, command, ..] = args else {
        let name = args
            .first()
            .map_or("pidproxy".into(), |name| name.to_string_lossy());
        // Without an output there is nobody to tell how to use this.
        _ = write!(io::stdout(), "{}", usage(&name));
        return exit::GENERIC;
    };
    let argv = args.get(2..).unwrap_or_default();
    match run(Path::new(pidfile), Path::new(command), argv) {
        Ok(status) => status,
        Err(problem) => {
            complain(&format!(
                "{}: {}",
                problem.doing,
                system_text(&problem.cause)
            ));
            exit::GENERIC
        }
    }
}

fn usage(name: &str) -> String {
    format!(
        "pidproxy: run a command and pass signals on to the process whose pid is in a file.

Usage: {name} <pidfile name> <command> [<cmdarg1> ...]

TERM, HUP, INT, USR1, USR2 and QUIT go to the pid that the file holds at that moment. After TERM, INT and QUIT, and
when the command itself has ended, pidproxy ends.
"
    )
}

fn run(pidfile: &Path, command: &Path, argv: &[OsString]) -> Result<i32, Problem> {
    let problem = |doing: &str| {
        let doing = doing.to_owned();
        move |cause| Problem { doing, cause }
    };
    let mut watched = PASSED_ON.to_vec();
    watched.push(Signal::CHLD);
    let signals = SignalQueue::open(&watched).map_err(problem("cannot take over signals"))?;
    let reactor = Reactor::new().map_err(problem("cannot wait for signals"))?;
    reactor
        .add(signals.as_fd(), 0, Interest::Read)
        .map_err(problem("cannot wait for signals"))?;
    let mut child = match start(command, argv) {
        Ok(child) => child,
        Err(cause) => {
            complain(&format!(
                "cannot start {}: {}",
                command.display(),
                system_text(&cause)
            ));
            // Upstream's status in this case, too.
            return Ok(exit::SUCCESS);
        }
    };
    let mut ready = Vec::new();
    loop {
        if has_ended(&mut child).map_err(problem("cannot wait for the command"))? {
            return Ok(exit::SUCCESS);
        }
        reactor
            .wait(None, &mut ready)
            .map_err(problem("cannot wait for signals"))?;
        for received in signals.read().map_err(problem("cannot read signals"))? {
            if received.signal == Signal::CHLD {
                continue;
            }
            if let Some(status) = pass_on(pidfile, received.signal) {
                return Ok(status);
            }
        }
    }
}

/// Starts the command; a relative path counts from the working directory and `PATH` is not searched.
fn start(command: &Path, argv: &[OsString]) -> io::Result<Child> {
    let path: PathBuf = std::path::absolute(command)?;
    let mut starting = Command::new(path);
    starting.arg0(command).args(argv.iter().skip(1));
    unblocked(&mut starting).spawn()
}

fn has_ended(child: &mut Child) -> io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

/// Sends the signal to the pid in the file. Answers the status to end with, if pidproxy is done.
fn pass_on(pidfile: &Path, signal: Signal) -> Option<i32> {
    let Some(pid) = read_pid(pidfile) else {
        // Upstream's line, on its standard output; without an output nobody can be told.
        _ = writeln!(
            io::stdout(),
            "Can't read child pidfile {}!",
            pidfile.display()
        );
        return None;
    };
    let sent = provost_os::kill::kill(Pid(pid), signal, false);
    if let Err(errno) = sent {
        tell_unsent(pidfile, pid, signal, errno);
    }
    LAST.contains(&signal).then_some(if sent.is_ok() {
        exit::SUCCESS
    } else {
        exit::GENERIC
    })
}

fn tell_unsent(pidfile: &Path, pid: i32, signal: Signal, errno: Errno) {
    complain(&format!(
        "cannot send {signal} to process {pid} of {}: {}",
        pidfile.display(),
        errno.text()
    ));
}

/// The pid in the file; none for what cannot be read and for 0, 1 and negative numbers, which are not one child.
fn read_pid(pidfile: &Path) -> Option<i32> {
    let mut text = String::new();
    let file = File::open(pidfile).ok()?;
    file.take(PIDFILE_LIMIT).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().filter(|&pid| pid > 1)
}

fn complain(text: &str) {
    // Without a standard error there is nobody to tell.
    _ = writeln!(io::stderr(), "pidproxy: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_living_child_can_be_meant() {
        let directory =
            std::env::temp_dir().join(format!("provost-pidproxy-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("pid");
        for (text, pid) in [
            ("123\n", Some(123)),
            (" 7 ", Some(7)),
            ("1", None),
            ("0", None),
            ("-5", None),
            ("x", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_pid(&file), pid, "{text:?}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(read_pid(&file), None);
    }
}
