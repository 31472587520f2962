//! State events on their way to a listener.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::rpc::{call, request, text};
use super::{Bench, Figures, Turn, ratio};
use crate::listener::{self, Heard};
use crate::peers::{Contestant, Reference};
use crate::plan::{Capture, Plan};
use crate::run::{Run, fresh};
use crate::stamps::wait_until;

/// Frames that the reference delivers.
const FRAMES: u64 = 20_000;

pub(super) fn fits(contestant: &dyn Contestant) -> bool {
    contestant.as_supervisor().is_some() || contestant.name() == "reference"
}

/// Events wait in a buffer that holds all of them; then the listener takes one after the other, as the protocol wants it.
pub(super) fn rate(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let heard = if contestant.as_supervisor().is_some() {
        let run = start(
            bench,
            contestant,
            turn,
            "buffer_size=1000000\nautostart=false\n",
        )?;
        let socket = run.place.join("sock");
        move_all(&run, &socket)?;
        request(&socket, &end())?;
        request(&socket, &call("supervisor.startProcess", &text("l")))?;
        heard(&run.place)?
    } else {
        pump(bench, contestant)?
    };
    Ok(vec![("events.rate", ratio(heard.events) / heard.secs)])
}

/// A listener that is quick meets a burst, with the buffer that it has if nobody says otherwise.
pub(super) fn burst(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let run = start(bench, contestant, turn, "")?;
    let socket = run.place.join("sock");
    wait_until(
        || run.place.join("ready").exists(),
        || "the listener is not ready".to_owned(),
    )?;
    move_all(&run, &socket)?;
    // The end of it must not be lost itself.
    std::thread::sleep(std::time::Duration::from_secs(2));
    request(&socket, &end())?;
    let heard = heard(&run.place)?;
    let lost = heard.sent.saturating_sub(heard.events);
    // Sums of what is told often come at the end, too.
    run.end()?;
    let log = run.place.join("main.log");
    let log = fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let unannounced = lost.saturating_sub(announced(&log));
    Ok(vec![
        (
            "events.lost",
            ratio(lost) * 100.0 / ratio(heard.sent.max(1)),
        ),
        ("events.unannounced", ratio(unannounced)),
    ])
}

fn start<'a>(
    bench: &'a Bench,
    contestant: &'a dyn Contestant,
    turn: Turn,
    buffer: &str,
) -> Result<Run<'a>, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let run = Run::start(bench, contestant, |children| {
        let (exe, here) = (exe.display(), children.place.display());
        let mut plan = Plan::of(children.idle(turn.programs, Capture::No));
        plan.waiting = true;
        plan.more = format!(
            "[eventlistener:l]\ncommand={exe} listener {here}/heard {here}/ready\n\
             events=PROCESS_STATE,REMOTE_COMMUNICATION\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n{buffer}"
        );
        plan
    })?;
    let socket = run.place.join("sock");
    wait_until(
        || request(&socket, &call("supervisor.getState", "")).is_ok(),
        || "it does not answer".to_owned(),
    )?;
    Ok(run)
}

/// Two events of each program on the way up, two on the way down.
fn move_all(run: &Run<'_>, socket: &Path) -> Result<(), String> {
    let group = text("idle");
    request(socket, &call("supervisor.startProcessGroup", &group))?;
    run.starts(run.plan.programs())?;
    request(socket, &call("supervisor.stopProcessGroup", &group))?;
    Ok(())
}

fn end() -> String {
    let params = text("x") + &text("end");
    call("supervisor.sendRemoteCommEvent", &params)
}

fn heard(place: &Path) -> Result<Heard, String> {
    let file = place.join("heard");
    wait_until(
        || listener::read(&file).is_some(),
        || "the listener did not see the end".to_owned(),
    )?;
    listener::read(&file).ok_or_else(|| "the listener did not see the end".to_owned())
}

fn pump(bench: &Bench, contestant: &dyn Contestant) -> Result<Heard, String> {
    let place = fresh(bench, contestant)?;
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let pump = &Reference::new(&bench.tools).pump;
    let status = Command::new(pump)
        .arg(FRAMES.to_string())
        .arg(exe)
        .arg("listener")
        .args([place.join("heard"), place.join("ready")])
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start {}: {error}", pump.display()))?;
    if status.success() {
        heard(&place)
    } else {
        Err(format!("the pump ended with {status}"))
    }
}

/// How many events the main log says it has dropped: each, or the first and a sum; and so many lines like one of these.
fn announced(log: &str) -> u64 {
    log.lines()
        .filter_map(|line| line.split_once("event buffer overflowed, "))
        .map(|(before, said)| {
            let told = said
                .strip_prefix("discarded ")
                .and_then(|rest| rest.split(' ').next()?.parse().ok())
                .unwrap_or(1);
            told * alike(before)
        })
        .sum()
}

/// For how many lines one stands: `N more lines like this in 10 seconds: …`.
fn alike(before: &str) -> u64 {
    let marks = [" more lines like this in ", " more line like this in "];
    let number = marks.iter().find_map(|mark| {
        let (before, _) = before.split_once(mark)?;
        before.rsplit(' ').next()?.parse().ok()
    });
    number.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_summed_however_they_are_told() {
        let log = "ERRO pool l event buffer overflowed, discarding event 117\nINFO spawned: 'x'\n\
                   ERRO pool l event buffer overflowed, discarded 41 more events (event 158 was the last)\n";
        assert_eq!(announced(log), 42);
        let log = "2026-01-01 10:00:00,000 ERRO 7 more lines like this in 10 seconds: pool l event buffer overflowed, \
                   discarding event 9\nERRO 3 more lines like this in 10 seconds: pool l event buffer overflowed, \
                   discarded 2 more events (event 158 was the last)\nERRO 1 more line like this in 10 seconds: pool l \
                   event buffer overflowed, discarding event 160\n";
        assert_eq!(announced(log), 14);
    }
}
