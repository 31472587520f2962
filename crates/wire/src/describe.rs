//! The `description` of a process, as a sentence for people.

use provost_model::info::{Description, ProcessInfo};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What upstream says about a process in its state.
///
/// `local` turns seconds since 1970 into local time in the form `Nov 22 05:01 PM`; this room knows no time zones.
pub fn description(info: &ProcessInfo, local: &dyn Fn(i64) -> String) -> String {
    match info.description {
        Description::Up { uptime_secs } => {
            format!("pid {}, uptime {}", info.pid, span(uptime_secs))
        }
        Description::Trouble if info.spawnerr.is_empty() => {
            format!("unknown error (try \"tail {}\")", info.name)
        }
        Description::Trouble => info.spawnerr.clone(),
        Description::NotStarted => "Not started".to_owned(),
        Description::Ended => local(info.stop),
        Description::Empty => String::new(),
    }
}

/// Seconds as Python prints a `timedelta`: `0:00:05`, `1 day, 3:04:05`, `2 days, 0:00:01`.
pub fn span(secs: u64) -> String {
    let clock = format!(
        "{}:{:02}:{:02}",
        secs % DAY / HOUR,
        secs % HOUR / MINUTE,
        secs % MINUTE
    );
    match secs / DAY {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::ProcessState;

    fn describe(description: Description, spawnerr: &str) -> String {
        let info = ProcessInfo {
            name: "web_00".into(),
            group: "web".into(),
            start: 1,
            stop: 42,
            now: 50,
            state: ProcessState::Stopped,
            spawnerr: spawnerr.to_owned(),
            exitstatus: 0,
            stdout_logfile: String::new(),
            stderr_logfile: String::new(),
            pid: 7,
            description,
        };
        super::description(&info, &|secs| format!("at {secs}"))
    }

    #[test]
    fn each_state_has_upstreams_words() {
        assert_eq!(
            describe(Description::Up { uptime_secs: 5 }, ""),
            "pid 7, uptime 0:00:05"
        );
        assert_eq!(
            describe(Description::Trouble, ""),
            "unknown error (try \"tail web_00\")"
        );
        assert_eq!(
            describe(Description::Trouble, "Exited too quickly"),
            "Exited too quickly"
        );
        assert_eq!(describe(Description::NotStarted, ""), "Not started");
        assert_eq!(describe(Description::Ended, ""), "at 42");
        assert_eq!(describe(Description::Empty, "x"), "");
    }

    #[test]
    fn spans_are_written_as_python_writes_them() {
        assert_eq!(span(0), "0:00:00");
        assert_eq!(span(86_399), "23:59:59");
        assert_eq!(span(DAY + 3 * HOUR + 4 * MINUTE + 5), "1 day, 3:04:05");
        assert_eq!(span(2 * DAY + 1), "2 days, 0:00:01");
    }
}
