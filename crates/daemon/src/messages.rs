//! Every sentence about supervision that an operator reads in the main log, one below the other.
//!
//! The words are upstream's wherever upstream has a line: people's tools match them.

use provost_model::quote;
use provost_model::{Errno, Level, Notice};

/// Whether it comes with each event that is delivered. Such lines are of level debug, and not worth their words where
/// that is not written.
pub(crate) fn is_routine(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::EventSent { .. } | Notice::ListenerState { .. } | Notice::EventProcessed { .. }
    )
}

/// The severity of a notice and its line in the main log.
pub(crate) fn render(notice: &Notice) -> (Level, String) {
    match notice {
        Notice::Spawned { name, pid } => (Level::Info, format!("spawned: '{name}' with pid {pid}")),
        Notice::SpawnFailed { name: _, text } => (Level::Info, format!("spawnerr: {text}")),
        Notice::AlreadyRunning { name } => {
            (Level::Warn, format!("process '{name}' already running"))
        }
        Notice::EnteredRunning { name, startsecs } => {
            let why = format!("process has stayed up for > than {startsecs} seconds (startsecs)");
            (
                Level::Info,
                format!("success: {name} entered RUNNING state, {why}"),
            )
        }
        Notice::Adopted {
            name,
            pid,
            changed: false,
        } => (Level::Info, format!("adopted: '{name}' with pid {pid}")),
        Notice::Adopted { name, pid, .. } => {
            let text = format!(
                "adopted: '{name}' with pid {pid}; its configuration has changed since it was started, restart it to \
                 apply that"
            );
            (Level::Warn, text)
        }
        Notice::Respawning { name, pause_ms } => {
            let text = format!(
                "{name} ends as soon as it runs; it is started again, at most once every {pause_ms} ms"
            );
            (Level::Warn, text)
        }
        Notice::RespawnsLimited { name, a_second } => {
            let text = format!(
                "{name} ends again and again; from now on it is started {a_second} times a second at most"
            );
            (Level::Warn, text)
        }
        Notice::CreatingSocket { url } => (Level::Info, format!("Creating socket {url}")),
        Notice::ClosingSocket { url } => (Level::Info, format!("Closing socket {url}")),
        Notice::GaveUp { name } => {
            let why = "too many start retries too quickly";
            (
                Level::Info,
                format!("gave up: {name} entered FATAL state, {why}"),
            )
        }
        Notice::Stopped {
            name,
            status,
            expected,
        } => (
            level_of_exit(*expected),
            format!("stopped: {name} ({status})"),
        ),
        Notice::Exited {
            name,
            status,
            expected,
        } => {
            let verdict = if *expected {
                "expected"
            } else {
                "not expected"
            };
            (
                level_of_exit(*expected),
                format!("exited: {name} ({status}; {verdict})"),
            )
        }
        Notice::Killing {
            name,
            pid,
            signal,
            whole_group,
        } => {
            let target = if *whole_group { "process group " } else { "" };
            (
                Level::Debug,
                format!("killing {name} (pid {pid}) {target}with signal {signal}"),
            )
        }
        Notice::KillingHard { name, pid } => (
            Level::Warn,
            format!("killing '{name}' ({pid}) with SIGKILL"),
        ),
        Notice::Signalling { name, pid, signal } => (
            Level::Debug,
            format!("sending {name} (pid {pid}) sig {signal}"),
        ),
        Notice::SignalTooLate {
            name,
            pid,
            by_client,
        } => {
            let just = if *by_client { "just now" } else { "just" };
            let gone = oserror(NO_SUCH_PROCESS);
            let why = format!("it probably {just} exited on its own: {gone}");
            (
                Level::Debug,
                format!("unable to signal {name} (pid {pid}), {why}"),
            )
        }
        Notice::SignalFailed {
            name,
            pid,
            errno,
            by_client,
        } => {
            let deed = if *by_client { "sending sig" } else { "killing" };
            let why = oserror(*errno);
            (
                Level::Critical,
                format!("unknown problem {deed} {name} ({pid}):{why}"),
            )
        }
        Notice::KillNotRunning { name, signal } => {
            let text = format!("attempted to kill {name} with sig {signal} but it wasn't running");
            (Level::Debug, text)
        }
        Notice::KillInBackoff { name } => (
            Level::Debug,
            format!("Attempted to kill {name}, which is in BACKOFF state."),
        ),
        Notice::WaitingToStop { name } => (Level::Info, format!("waiting for {name} to stop")),
        Notice::WaitingToDie { names } => (
            Level::Info,
            format!("waiting for {} to die", names.join(", ")),
        ),
        Notice::WaitingState { name, state } => (Level::Blather, format!("{name} state: {state}")),
        Notice::ExitRequested { signal } => (
            Level::Warn,
            format!("received {signal} indicating exit request"),
        ),
        Notice::RestartRequested => (
            Level::Warn,
            "received SIGHUP indicating restart request".to_owned(),
        ),
        Notice::RestartIgnored => {
            let why = "(shutdown in progress)";
            (
                Level::Warn,
                format!("ignored SIGHUP indicating restart request {why}"),
            )
        }
        Notice::RestartRefused { reason } => {
            let advice = "mend the configuration and ask again";
            let reason = reason.replace('\n', " | ");
            let text = format!("restart refused, nothing was touched: {reason}; {advice}");
            (Level::Error, text)
        }
        Notice::UpgradeRequested => (
            Level::Info,
            "received SIGUSR1 indicating upgrade request".to_owned(),
        ),
        Notice::Upgraded { version } => {
            let version = readable(version.as_bytes());
            let text = format!("supervisord was upgraded in place to {version}");
            (Level::Info, text)
        }
        Notice::UpgradeFailed { reason } => {
            let reason = readable(reason.as_bytes());
            let text = format!("not upgraded, everything goes on as before: {reason}");
            (Level::Error, text)
        }
        Notice::ReopenRequested => (
            Level::Info,
            "received SIGUSR2 indicating log reopen request".to_owned(),
        ),
        Notice::Reopening => (Level::Info, "supervisord logreopen".to_owned()),
        Notice::SignalIgnored { signal } => {
            (Level::Info, format!("received {signal} indicating nothing"))
        }
        Notice::ChildQuit => (
            Level::Debug,
            "received SIGCHLD indicating a child quit".to_owned(),
        ),
        Notice::GroupAdded { name } => (Level::Debug, format!("added process group '{name}'")),
        Notice::GroupRemoved { name } => (Level::Debug, format!("removed process group '{name}'")),
        Notice::ProcessAdded { name, group } => (
            Level::Debug,
            format!("added process '{name}' to group '{group}'"),
        ),
        Notice::ProcessRemoved { name, group } => (
            Level::Debug,
            format!("removed process '{name}' from group '{group}'"),
        ),
        Notice::Said { level, text } => (*level, readable(text.as_bytes())),
        Notice::PoolOverflow { pool, serial } => {
            let text = format!("pool {pool} event buffer overflowed, discarding event {serial}");
            (Level::Error, text)
        }
        Notice::PoolOverflowGoesOn { pool, serial } => {
            let text = format!("pool {pool} event buffer overflowed, discarding event {serial}");
            (Level::Debug, text)
        }
        Notice::PoolOverflowOver { pool, more, last } => {
            let events = if *more == 1 { "event" } else { "events" };
            let text = format!(
                "pool {pool} event buffer overflowed, discarded {more} more {events} (event {last} was the last)"
            );
            (Level::Error, text)
        }
        Notice::SpoolFound { pool, events } => {
            let noun = if *events == 1 {
                "event waits"
            } else {
                "events wait"
            };
            let text = format!("pool {pool}: {events} {noun} in its spool from an earlier time");
            (Level::Info, text)
        }
        Notice::SpoolsNotSaved { spools } => {
            let noun = if *spools == 1 { "spool" } else { "spools" };
            let why = "the disk took too long; events that waited in memory are lost";
            (
                Level::Error,
                format!("{spools} event {noun} not saved: {why}"),
            )
        }
        Notice::PoolRebuffered {
            pool,
            serial,
            size,
            max,
        } => {
            let room = format!("(buf size={size}, max={max})");
            (
                Level::Debug,
                format!("rebuffering event {serial} for pool {pool} {room}"),
            )
        }
        Notice::EventSent { name, serial } => (
            Level::Debug,
            format!("event {serial} sent to listener {name}"),
        ),
        Notice::EventPipeBroken { name, serial } => {
            let what = format!("epipe occurred while sending event {serial} to listener {name}");
            (Level::Debug, format!("{what}, listener state unchanged"))
        }
        Notice::ListenerState { name, from, to } => {
            (Level::Debug, format!("{name}: {from} -> {to}"))
        }
        Notice::EventProcessed { name } => (Level::Debug, format!("{name}: event was processed")),
        Notice::EventRejected { name } => (Level::Warn, format!("{name}: event was rejected")),
        Notice::EventFailed { name } => (Level::Warn, format!("{name}: event caused an error")),
        Notice::ListenerUnknown { name } => {
            let what = "has entered the UNKNOWN state and will no longer receive events";
            let why = "this usually indicates the process violated the eventlistener protocol";
            (Level::Warn, format!("{name}: {what}, {why}"))
        }
        Notice::BadResultLine { name, line } => (
            Level::Warn,
            format!("{name}: bad result line: '{}'", readable(line)),
        ),
        Notice::HelperReady { name, methods } => (
            Level::Info,
            format!("helper {name} is ready and serves {methods} methods"),
        ),
        Notice::HelperBroke { name, what } => {
            let what = readable(what.as_bytes());
            let text = format!("helper {name} broke its protocol and is killed: {what}");
            (Level::Error, text)
        }
        Notice::HelperOverdue { name, method, secs } => (
            Level::Warn,
            format!("helper {name} did not answer {name}.{method} within {secs} seconds"),
        ),
        Notice::CommEmitted { name, channel } => (
            Level::Debug,
            format!("{} {channel} emitted a comm event", quote::repr(name)),
        ),
        Notice::Anomaly { what } => {
            let advice = "supervision goes on; please report this";
            (
                Level::Error,
                format!("something happened that should not: {what} ({advice})"),
            )
        }
    }
}

/// `ESRCH`.
const NO_SUCH_PROCESS: Errno = Errno(3);

/// An OS error the way upstream's lines show it.
fn oserror(errno: Errno) -> String {
    format!("[Errno {}] {}", errno.0, errno.text())
}

/// An end that was expected is news, any other a warning.
fn level_of_exit(expected: bool) -> Level {
    if expected { Level::Info } else { Level::Warn }
}

/// What a listener wrote, fit for one line: UTF-8 with control characters escaped, else as Python shows bytes.
///
/// The bytes may have been cut inside a character; that part is left out.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return format!("Undecodable: {}", quote::bytes_repr(bytes)),
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
