//! Stopping what an earlier supervisord left behind and nobody takes over: before anything is started, all at once.

use super::orphans::{Found, Held, rule_of};
use provost_config::Config;
use provost_core::adopt::obstacle;
use provost_model::{Level, Mono, Signal};
use provost_os::clock;
use provost_os::pidfd::{PidFd, wait_for_any};
use provost_wire::runs::StopRule;
use std::time::Duration;

/// How long a process may take to end after SIGKILL. One that takes longer hangs in the kernel.
const DEATH_MAX: Duration = Duration::from_secs(5);

/// One that is being stopped.
struct Stopping {
    held: Held,
    rule: StopRule,
    /// When SIGKILL is due, or, after it, when nobody waits any more.
    until: Mono,
    killed: bool,
}

/// What takes the lines for the main log.
pub(crate) type Tell<'a> = dyn FnMut(Level, &str) + 'a;

/// Stops them. What cannot be stopped is taken over if it can be; the others are told of, and given back.
pub(crate) fn stop(found: &mut Found, config: &Config, log: &mut Tell<'_>) -> Vec<Held> {
    let mut all: Vec<Stopping> = Vec::new();
    for (held, reason) in found.stop.drain(..) {
        let rule = rule_of(config, &held.record);
        let (name, pid) = (held.namespec(), held.process.pid());
        let text = format!(
            "stopping '{name}' with pid {pid}, which an earlier supervisord started: {reason}"
        );
        log(Level::Info, &text);
        signal(&held, rule.signal, rule.stop_group, log);
        let wait = Duration::from_secs(u64::try_from(rule.wait_secs).unwrap_or(0));
        all.push(Stopping {
            held,
            rule,
            until: clock::mono().plus(wait),
            killed: false,
        });
    }
    let mut left = Vec::new();
    while !all.is_empty() {
        let now = clock::mono();
        let (ended, living): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|one| one.held.process.has_ended());
        for one in ended {
            log(Level::Info, &format!("stopped: '{}'", one.held.namespec()));
        }
        all = living;
        for one in all.iter_mut().filter(|one| one.until <= now && !one.killed) {
            let (name, pid) = (one.held.namespec(), one.held.process.pid());
            log(
                Level::Warn,
                &format!("killing '{name}' ({pid}) with SIGKILL"),
            );
            signal(&one.held, Signal::KILL, one.rule.kill_group, log);
            one.killed = true;
            one.until = now.plus(DEATH_MAX);
        }
        let (late, waiting): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.until <= now);
        left.extend(late.into_iter().map(|one| one.held));
        all = waiting;
        wait(&all, now);
    }
    left.into_iter()
        .filter_map(|held| keep(held, found, config, log))
        .collect()
}

fn signal(held: &Held, signal: Signal, whole_group: bool, log: &mut Tell<'_>) {
    let Err(errno) = held.process.signal(signal, whole_group) else {
        return;
    };
    // A process that has just ended cannot be told, and one that leads no group is told alone.
    if errno.name() == "ESRCH" && (!whole_group || held.process.signal(signal, false).is_ok()) {
        return;
    }
    let (name, pid) = (held.namespec(), held.process.pid());
    let text = format!("could not send {signal} to '{name}' ({pid}): {errno}");
    log(Level::Critical, &text);
}

/// Waits until one ends or something is due.
fn wait(all: &[Stopping], now: Mono) {
    let Some(next) = all.iter().map(|one| one.until).min() else {
        return;
    };
    let processes: Vec<&PidFd> = all.iter().map(|one| &one.held.process).collect();
    if wait_for_any(&processes, next.since(now)).is_err() {
        // The system is short of something: look again a little later.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that does not end: a second copy must not be started beside it, so it is taken over where that can be.
fn keep(held: Held, found: &mut Found, config: &Config, log: &mut Tell<'_>) -> Option<Held> {
    let (name, pid) = (held.namespec(), held.process.pid());
    let can_be = obstacle(&config.groups, &held.record.group, &held.record.name).is_none();
    let what = if can_be {
        "it is taken over"
    } else {
        "it is left to itself"
    };
    log(
        Level::Critical,
        &format!("'{name}' ({pid}) does not end; {what}"),
    );
    if can_be {
        found.adopt.push(held);
        return None;
    }
    Some(held)
}
