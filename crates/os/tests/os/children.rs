//! Starting a child and seeing what it did.

use crate::common::wait_until;
use provost_model::Pid;
use provost_os::pipe;
use provost_os::spawn::{Plan, Report, Spawned, Spawner, Stdio, go, read_report};
use rustix::process::WaitOptions;
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// What a child did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
    pub(crate) report: Report,
}

pub(crate) fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

pub(crate) fn plan(program: &str, arguments: &[&str]) -> Plan {
    let argv = std::iter::once(program)
        .chain(arguments.iter().copied())
        .map(c)
        .collect();
    Plan::new(
        c(program),
        argv,
        vec![c("PATH=/bin:/usr/bin").into(), c("CANARY=yes").into()],
    )
}

pub(crate) fn shell(script: &str) -> Plan {
    plan("/bin/sh", &["-c", script])
}

/// Starts a child and gives it an empty stdin.
pub(crate) fn start(plan: &Plan) -> (Spawned, OwnedFd, OwnedFd) {
    let (stdin, stdin_write) = pipe::pipe().unwrap();
    let (out, stdout) = pipe::pipe().unwrap();
    let (err, stderr) = pipe::pipe().unwrap();
    drop(stdin_write);
    let spawned = Spawner::new()
        .unwrap()
        .spawn(
            plan.clone(),
            Stdio {
                stdin,
                stdout,
                stderr: Some(stderr),
            },
        )
        .unwrap();
    go(spawned.report.as_fd()).unwrap();
    (spawned, out, err)
}

pub(crate) fn finish(spawned: &Spawned, out: OwnedFd, err: OwnedFd) -> Outcome {
    let text = |fd: OwnedFd| {
        let mut bytes = Vec::new();
        File::from(fd).read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (out, err) = (text(out), text(err));
    let code = exit_code(spawned.pid);
    let report = wait_until("the child reports", || {
        match read_report(spawned.report.as_fd()) {
            Report::Pending => None,
            report => Some(report),
        }
    });
    Outcome {
        out,
        err,
        code,
        report,
    }
}

pub(crate) fn exit_code(pid: Pid) -> i32 {
    let pid = rustix::process::Pid::from_raw(pid.0).unwrap();
    let (_, status) = rustix::process::waitpid(Some(pid), WaitOptions::empty())
        .unwrap()
        .unwrap();
    status
        .exit_status()
        .unwrap_or_else(|| -status.terminating_signal().unwrap())
}

pub(crate) fn run(plan: &Plan) -> Outcome {
    let (spawned, out, err) = start(plan);
    finish(&spawned, out, err)
}
