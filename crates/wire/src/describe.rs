//! The `description` of a process, as a sentence for people.

use provost_model::info::{Description, ProcessInfo};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Puts what upstream says about a process in its state behind `out`.
///
/// `local` turns seconds since 1970 into local time in the form `Nov 22 05:01 PM`; this room knows no time zones.
pub fn describe(out: &mut String, info: &ProcessInfo, local: &dyn Fn(i64) -> String) {
    match info.description {
        Description::Up { uptime_secs } => {
            out.push_str("pid ");
            number(out, info.pid);
            out.push_str(", uptime ");
            put_span(out, uptime_secs);
        }
        Description::Trouble if info.spawnerr.is_empty() => {
            out.push_str("unknown error (try \"tail ");
            out.push_str(&info.name);
            out.push_str("\")");
        }
        Description::Trouble => out.push_str(&info.spawnerr),
        Description::NotStarted => out.push_str("Not started"),
        Description::Ended => out.push_str(&local(info.stop)),
        Description::Empty => {}
    }
}

/// What upstream says about a process in its state; see [`describe`].
pub fn description(info: &ProcessInfo, local: &dyn Fn(i64) -> String) -> String {
    let mut out = String::new();
    describe(&mut out, info, local);
    out
}

/// Seconds as Python prints a `timedelta`: `0:00:05`, `1 day, 3:04:05`, `2 days, 0:00:01`.
pub fn span(secs: u64) -> String {
    let mut out = String::new();
    put_span(&mut out, secs);
    out
}

fn put_span(out: &mut String, secs: u64) {
    match secs / DAY {
        0 => {}
        1 => out.push_str("1 day, "),
        days => {
            number(out, days);
            out.push_str(" days, ");
        }
    }
    number(out, secs % DAY / HOUR);
    for part in [secs % HOUR / MINUTE, secs % MINUTE] {
        out.push_str(if part < 10 { ":0" } else { ":" });
        number(out, part);
    }
}

fn number(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::ProcessState;

    fn described(description: Description, spawnerr: &str) -> String {
        let info = ProcessInfo {
            name: "web_00".into(),
            group: "web".into(),
            start: 1,
            stop: 42,
            now: 50,
            state: ProcessState::Stopped,
            spawnerr: spawnerr.to_owned(),
            exitstatus: 0,
            stdout_logfile: None,
            stderr_logfile: None,
            pid: 7,
            description,
        };
        super::description(&info, &|secs| format!("at {secs}"))
    }

    #[test]
    fn each_state_has_upstreams_words() {
        assert_eq!(
            described(Description::Up { uptime_secs: 5 }, ""),
            "pid 7, uptime 0:00:05"
        );
        assert_eq!(
            described(Description::Trouble, ""),
            "unknown error (try \"tail web_00\")"
        );
        assert_eq!(
            described(Description::Trouble, "Exited too quickly"),
            "Exited too quickly"
        );
        assert_eq!(described(Description::NotStarted, ""), "Not started");
        assert_eq!(described(Description::Ended, ""), "at 42");
        assert_eq!(described(Description::Empty, "x"), "");
    }

    #[test]
    fn spans_are_written_as_python_writes_them() {
        assert_eq!(span(0), "0:00:00");
        assert_eq!(span(86_399), "23:59:59");
        assert_eq!(span(DAY + 3 * HOUR + 4 * MINUTE + 5), "1 day, 3:04:05");
        assert_eq!(span(2 * DAY + 1), "2 days, 0:00:01");
    }
}
