//! What is measured, and which limit each figure has to keep.

/// What a figure of Provost's is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// It is told and not judged.
    None,
    /// At most so many times the reference's.
    TimesReference(f64),
    /// At most that of a peer.
    AtMostPeer(&'static str),
    /// At least so much of the best that anybody else has.
    OfBest(f64),
    /// At least so much of the reference's.
    OfReference(f64),
    AtMost(f64),
    AtLeast(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// `{}` stands for the number of programs.
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) limit: Limit,
}

const fn row(id: &'static str, title: &'static str, unit: &'static str, limit: Limit) -> Row {
    Row {
        id,
        title,
        unit,
        limit,
    }
}

use Limit::{AtLeast, AtMost, AtMostPeer, None, OfBest, OfReference, TimesReference};

/// All rows, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row(
        "start1",
        "start of 1 program to its first instruction",
        "ms",
        TimesReference(3.0),
    ),
    row(
        "start",
        "start of {} programs, both streams captured, to the last first instruction",
        "ms",
        TimesReference(2.0),
    ),
    row(
        "memory1",
        "memory with 1 program (PSS of all its processes)",
        "kB",
        None,
    ),
    row(
        "memory",
        "memory with {} programs captured (PSS)",
        "kB",
        AtMost(6_000.0),
    ),
    row(
        "memory.each",
        "memory for each program more",
        "kB",
        AtMost(3.5),
    ),
    row(
        "idle.cpu",
        "idle with {} programs, CPU a minute",
        "ms",
        None,
    ),
    row(
        "idle.wakeups",
        "idle with {} programs, wake-ups a minute",
        "",
        AtMost(0.0),
    ),
    row(
        "idle.calls",
        "idle with {} programs, system calls a minute",
        "",
        AtMost(0.0),
    ),
    row(
        "respawn",
        "respawn of a crasher, exit to first instruction, alone",
        "ms",
        TimesReference(2.0),
    ),
    row(
        "respawn.beside",
        "respawn of a crasher, one of {} programs",
        "ms",
        TimesReference(2.0),
    ),
    row(
        "watched.without",
        "the same, while nobody watches",
        "ms",
        None,
    ),
    row(
        "watched.with",
        "the same, with 20 pages open that show what {} programs take",
        "ms",
        None,
    ),
    row(
        "watched.times",
        "respawn with these pages, to that without",
        "×",
        AtMost(1.1),
    ),
    row("bulk1.rate", "bulk log, 1 child", "MB/s", OfBest(0.95)),
    row(
        "bulk1.cpu",
        "bulk log, 1 child, CPU a GiB",
        "s",
        TimesReference(1.1),
    ),
    row(
        "bulk1.calls",
        "bulk log, 1 child, system calls a MiB",
        "",
        None,
    ),
    row(
        "bulk1.switches",
        "bulk log, 1 child, context switches a MiB",
        "",
        None,
    ),
    row("bulk8.rate", "bulk log, 8 children", "MB/s", OfBest(0.95)),
    row(
        "bulk8.cpu",
        "bulk log, 8 children, CPU a GiB",
        "s",
        TimesReference(1.1),
    ),
    row(
        "bulk8.calls",
        "bulk log, 8 children, system calls a MiB",
        "",
        None,
    ),
    row(
        "bulk8.switches",
        "bulk log, 8 children, context switches a MiB",
        "",
        None,
    ),
    row(
        "lines.cpu",
        "one write a line of 100 bytes, CPU a GiB",
        "s",
        TimesReference(1.2),
    ),
    row("lines.rate", "one write a line of 100 bytes", "MB/s", None),
    row(
        "lines.calls",
        "one write a line, system calls a thousand lines",
        "",
        None,
    ),
    row(
        "lines.switches",
        "one write a line, context switches a thousand lines",
        "",
        None,
    ),
    row(
        "ticks.cpu",
        "100 children, 10,000 lines/s in all, CPU a line",
        "µs",
        TimesReference(1.5),
    ),
    row(
        "ticks.calls",
        "100 children, 10,000 lines/s in all, system calls a line",
        "",
        None,
    ),
    row(
        "ticks.switches",
        "100 children, 10,000 lines/s in all, context switches a line",
        "",
        None,
    ),
    row(
        "beside.rate",
        "bulk log of 1 child beside {} idle programs",
        "MB/s",
        OfReference(0.9),
    ),
    row(
        "beside.cpu",
        "bulk log of 1 child beside {} idle programs, CPU a GiB",
        "s",
        None,
    ),
    row(
        "state.cpu",
        "getState with {} programs, CPU a request",
        "µs",
        TimesReference(5.0),
    ),
    row(
        "state.time",
        "getState with {} programs, time of a request",
        "µs",
        None,
    ),
    row(
        "infos.cpu",
        "getAllProcessInfo with {} programs, CPU a request",
        "µs",
        TimesReference(5.0),
    ),
    row(
        "infos.time",
        "getAllProcessInfo with {} programs, time of a request",
        "µs",
        None,
    ),
    row(
        "infos.size",
        "getAllProcessInfo with {} programs, answer",
        "kB",
        None,
    ),
    row(
        "status",
        "supervisorctl status (sv status) with {} programs",
        "ms",
        AtMostPeer("runit"),
    ),
    row(
        "restart",
        "restart all of {} programs, to the last first instruction",
        "ms",
        AtMostPeer("runit"),
    ),
    row("stop", "stop all of {} programs", "ms", AtMostPeer("runit")),
    row(
        "shutdown",
        "shutdown with {} obedient programs, to the last process gone",
        "ms",
        TimesReference(1.5),
    ),
    row(
        "events.rate",
        "state events of {} programs to a listener",
        "1/s",
        AtLeast(20_000.0),
    ),
    row(
        "events.unannounced",
        "state events lost unannounced, burst at the default buffer",
        "",
        AtMost(0.0),
    ),
    row(
        "events.lost",
        "state events lost of a burst at the default buffer",
        "%",
        None,
    ),
    row(
        "config",
        "configuration of {} programs parsed and checked",
        "ms",
        None,
    ),
    row(
        "config10000",
        "configuration of 10,000 programs parsed and checked",
        "ms",
        AtMost(150.0),
    ),
];

/// The row of an id that the code gives.
pub(crate) fn find(id: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.id == id)
}

/// Whether a row counts system calls, which is done in the warm-up.
pub(crate) fn is_count(id: &str) -> bool {
    id.rsplit('.').next() == Some("calls")
}

impl Row {
    /// Its title for so many programs.
    pub(crate) fn title(&self, programs: usize) -> String {
        self.title.replace("{}", &grouped(programs))
    }
}

/// With commas between thousands.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [7, 999, 1_000, 12_345_678].map(grouped),
            ["7", "999", "1,000", "12,345,678"]
        );
    }

    #[test]
    fn each_row_has_an_id_of_its_own() {
        let mut ids: Vec<_> = ROWS.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ROWS.len());
    }
}
