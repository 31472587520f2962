//! `fg`: a program's output, and lines for its input.

use super::{Command, Completes, Flow, Outcome, words};
use crate::exit;
use crate::follow::{Stream, percent_encoded};
use crate::input::Line;
use crate::render;
use crate::session::Session;
use crate::trouble::Trouble;
use provost_model::{FaultCode, ProcessState};
use provost_wire::xmlrpc::{Value, WireFault};
use std::os::fd::AsFd;

pub(super) const COMMAND: Command = Command {
    name: "fg",
    help: "fg <process>\tShow what a process writes, and send it what is typed
\t\tCtrl-C ends this",
    completes: Completes::Processes,
    run,
};

/// Why a foreground session ends while the person still types.
#[derive(PartialEq)]
enum Step {
    GoOn,
    Leave,
}

fn run(session: &mut Session, arg: &str) -> Outcome {
    if !session.up_check()? {
        return Ok(Flow::Stay);
    }
    let names = words(arg);
    let [name] = names.as_slice() else {
        if names.is_empty() {
            COMMAND.refuse(session, "ERROR: no process name supplied");
        } else {
            session.say("ERROR: too many process names supplied");
            session.set_status(exit::GENERIC);
        }
        return Ok(Flow::Stay);
    };
    if is_running(session, name)? {
        session.say("==> Press Ctrl-C to exit <==");
        match attend(session, name) {
            Ok(()) | Err(Trouble::Interrupted) => session.say("Exiting foreground"),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(Flow::Stay)
}

/// Whether the process runs. Says why it cannot be attended if not.
fn is_running(session: &mut Session, name: &str) -> Result<bool, Trouble> {
    match session.process(name) {
        Ok(row) if row.state == i64::from(ProcessState::Running.code()) => return Ok(true),
        Ok(_) => session.say("ERROR: process not running"),
        Err(Trouble::Fault(fault)) if fault.code == FaultCode::BadName.code() => {
            session.say("ERROR: bad process name supplied");
        }
        Err(Trouble::Fault(fault)) => {
            // Upstream leaves the status alone here.
            say_fault(session, &fault);
            return Ok(false);
        }
        Err(trouble) => return Err(trouble),
    }
    session.set_status(exit::GENERIC);
    Ok(false)
}

/// Passes output and input on until the input ends or the process does.
fn attend(session: &mut Session, name: &str) -> Result<(), Trouble> {
    session.watch_interrupts()?;
    let mut streams = Vec::new();
    for channel in ["stdout", "stderr"] {
        let path = format!("/logtail/{}/{channel}", percent_encoded(name));
        streams.extend(Stream::open(
            session,
            &path,
            &format!("/logtail/{name}/{channel}"),
        ));
    }
    loop {
        session.flush()?;
        let descriptors: Vec<_> = streams.iter().map(Stream::as_fd).collect();
        let ready = session.wait(&descriptors, true)?;
        let has_input = ready.contains(&streams.len());
        let mut index = 0;
        streams.retain_mut(|stream| {
            let is_ready = ready.contains(&index);
            index += 1;
            !is_ready || stream.pass_on(session)
        });
        if has_input && take_input(session, name)? == Step::Leave {
            return Ok(());
        }
    }
}

/// Reads what was typed and sends whole lines.
fn take_input(session: &mut Session, name: &str) -> Result<Step, Trouble> {
    session.input().fill().map_err(Trouble::Input)?;
    loop {
        match session.input().take_line() {
            Line::Unfinished => return Ok(Step::GoOn),
            Line::End => return Ok(Step::Leave),
            Line::Whole(line) => {
                if send(session, name, &line)? == Step::Leave {
                    return Ok(Step::Leave);
                }
            }
        }
    }
}

/// Sends one line and looks whether the process still runs.
fn send(session: &mut Session, name: &str, line: &str) -> Result<Step, Trouble> {
    let params = [Value::text(name), Value::text(format!("{line}\n"))];
    match session.call("sendProcessStdin", &params) {
        Ok(_) => {}
        Err(Trouble::Fault(fault)) => {
            if fault.code == FaultCode::NotRunning.code() {
                session.say("Process got killed");
            } else {
                say_fault(session, &fault);
            }
            return Ok(Step::Leave);
        }
        Err(trouble) => return Err(trouble),
    }
    if session.process(name)?.state == i64::from(ProcessState::Running.code()) {
        return Ok(Step::GoOn);
    }
    session.say("Process got killed");
    Ok(Step::Leave)
}

/// Upstream's form of a fault.
fn say_fault(session: &mut Session, fault: &WireFault) {
    session.say(format!(
        "ERROR: <Fault {}: {}>",
        fault.code,
        render::quoted(&fault.text)
    ));
}
