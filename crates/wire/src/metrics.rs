//! Figures as Prometheus reads them (text format 0.0.4), and histograms that are counted without a lock.
//!
//! Every family stands in one table, with its kind and what it means. Values are given when somebody asks; only
//! histograms and counts of what leaves no trace are kept, where the thing happens.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, and begins anew with the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Figures of one name.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
}

macro_rules! families {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $kind:ident, $help:literal;)*) => {
        $($(#[$doc])* pub const $constant: Family = Family {
            name: $name,
            kind: Kind::$kind,
            help: $help,
        };)*

        /// Every family, in the order of the table.
        pub const FAMILIES: &[Family] = &[$($constant,)*];
    };
}

families! {
    /// As `node_exporter` has it.
    UP = "node_supervisord_up", Gauge, "Whether the process is STARTING, RUNNING or STOPPING.";
    /// As `node_exporter` has it.
    STATE = "node_supervisord_state", Gauge, "State of the process as XML-RPC numbers it: 20 is RUNNING.";
    /// As `node_exporter` has it.
    EXIT_STATUS = "node_supervisord_exit_status", Gauge, "Last exit status of the process, -1 after a signal, 0 when there was none.";
    /// As `node_exporter` has it, but for the kind: it is no counter, and readers that go by kinds would give it another name.
    START_TIME = "node_supervisord_start_time_seconds", Gauge, "When the process was started, in seconds since 1970; only of one that is up.";
    /// Starts of a process.
    STARTS = "provost_process_starts_total", Counter, "Children of the process that were born.";
    /// Restarts of a process.
    RESTARTS = "provost_process_restarts_total", Counter, "Starts of the process that nobody asked for.";
    /// Failures of a process.
    SPAWN_FAILURES = "provost_process_spawn_failures_total", Counter, "Spawns of the process that came to nothing.";
    /// Changes of state.
    STATE_SINCE = "provost_process_state_change_time_seconds", Gauge, "When the process came into its state, in seconds since 1970.";
    /// Whether the last end was a good one.
    EXIT_EXPECTED = "provost_process_last_exit_expected", Gauge, "Whether the process ended as it should when it ended last.";
    /// What logs took.
    LOG_BYTES = "provost_log_written_bytes_total", Counter, "Bytes that all logs of programs have taken.";
    /// What each log took.
    LOG_OF_STREAM = "provost_log_bytes_total", Counter, "Bytes that a log of a process has taken since supervisord began.";
    /// What logs did not take.
    LOG_DROPPED_BYTES = "provost_log_dropped_bytes_total", Counter, "Bytes of output that a log could not take and that were dropped.";
    /// The same in lines.
    LOG_DROPPED_LINES = "provost_log_dropped_lines_total", Counter, "Lines of output that a log could not take and that were dropped.";
    /// Logs that take nothing.
    LOG_FAILING = "provost_log_failing", Gauge, "Whether a log takes no output at present.";
    /// Waiting events.
    QUEUE = "provost_event_queue_length", Gauge, "Events that wait in the buffer of a pool.";
    /// Room for them.
    QUEUE_SIZE = "provost_event_queue_capacity", Gauge, "Events that the buffer of a pool can hold.";
    /// Waiting events on disk.
    SPOOLED = "provost_event_spool_length", Gauge, "Events that wait in the spool of a pool.";
    /// Events done.
    DELIVERED = "provost_events_delivered_total", Counter, "Events that listeners of a pool have done.";
    /// Events refused.
    REJECTED = "provost_events_rejected_total", Counter, "Refusals by listeners of a pool; a refused event comes again.";
    /// Events lost.
    DROPPED = "provost_events_dropped_total", Counter, "Events for which a pool had no room and that were thrown away.";
    /// Calls.
    CALLS = "provost_request_duration_seconds", Histogram, "How long requests of clients took, from the whole request to its answer; what waits for a process waits as long as that.";
    /// Spawns.
    SPAWNS = "provost_spawn_duration_seconds", Histogram, "How long it took from the decision to start a process to its birth.";
    /// Respawns.
    RESPAWNS = "provost_respawn_duration_seconds", Histogram, "How long it took from the end of a process that is started again at once to the birth of the next.";
    /// Streams.
    STREAMS = "provost_event_streams", Gauge, "Clients that follow /api/v1/events.";
    /// State of supervisord.
    SUPERVISOR = "provost_supervisor_state", Gauge, "State of supervisord as XML-RPC numbers it: 1 is RUNNING.";
    /// Version.
    BUILD = "provost_build_info", Gauge, "Always 1; the labels tell the version.";
    /// Under the name that all programs use.
    CPU = "process_cpu_seconds_total", Counter, "Seconds of processors that supervisord has taken.";
    /// Under the name that all programs use.
    MEMORY = "process_resident_memory_bytes", Gauge, "Bytes of memory that supervisord has in use.";
    /// Under the name that all programs use.
    DESCRIPTORS = "process_open_fds", Gauge, "Descriptors that supervisord has open.";
    /// Under the name that all programs use.
    BEGUN = "process_start_time_seconds", Gauge, "When supervisord began, in seconds since 1970.";
}

/// Upper ends of the buckets in microseconds; behind the last there is one without end.
const BUCKETS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000, 10_000_000,
];

/// How often something took how long, counted by many threads.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; 15],
    sum_micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty one.
    pub const fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; 15],
            sum_micros: AtomicU64::new(0),
        }
    }

    /// It took that long.
    pub fn observe(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|end| *end < micros);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
            self.sum_micros.fetch_add(micros, Ordering::Relaxed);
        }
    }
}

/// The text on the way.
#[derive(Debug, Default)]
pub struct Metrics(String);

/// Labels of a sample, names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Metrics {
    /// Begins a family. All its samples follow before another begins.
    pub fn family(&mut self, family: Family) -> Samples<'_> {
        // Writing into a String cannot fail, here and below.
        let Family { name, kind, help } = family;
        let kind = kind.name();
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Samples {
            out: &mut self.0,
            name,
        }
    }

    /// A family of one sample without labels.
    pub fn one(&mut self, family: Family, value: f64) {
        self.family(family).add(&[], value);
    }

    /// The whole.
    pub fn text(self) -> String {
        self.0
    }
}

/// The samples of a family.
#[derive(Debug)]
pub struct Samples<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl Samples<'_> {
    /// Adds one.
    pub fn add(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, None, value);
    }

    /// Adds a histogram.
    pub fn histogram(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let mut total = 0_u64;
        for (place, count) in histogram.counts.iter().enumerate() {
            total = total.saturating_add(count.load(Ordering::Relaxed));
            let end = match BUCKETS.get(place) {
                Some(micros) => number(Duration::from_micros(*micros).as_secs_f64()),
                None => "+Inf".to_owned(),
            };
            self.line("_bucket", labels, Some(&end), from_count(total));
        }
        let sum = Duration::from_micros(histogram.sum_micros.load(Ordering::Relaxed));
        self.line("_sum", labels, None, sum.as_secs_f64());
        self.line("_count", labels, None, from_count(total));
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, end: Option<&str>, value: f64) {
        let (out, name) = (&mut *self.out, self.name);
        let _ = write!(out, "{name}{suffix}");
        let labels = labels.iter().copied();
        let mut is_open = false;
        for (label, value) in labels.chain(end.map(|end| ("le", end))) {
            out.push(if is_open { ',' } else { '{' });
            is_open = true;
            let _ = write!(out, "{label}=\"");
            for c in value.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '"' => out.push_str("\\\""),
                    '\n' => out.push_str("\\n"),
                    c => out.push(c),
                }
            }
            out.push('"');
        }
        if is_open {
            out.push('}');
        }
        let _ = writeln!(out, " {}", number(value));
    }
}

/// A count as a value. Beyond 2^53 the last digits are lost, which nobody will live to see.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn from_count(count: u64) -> f64 {
    count as f64
}

fn number(value: f64) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_say_kind_and_unit() {
        let names: BTreeSet<_> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for Family { name, kind, help } in FAMILIES {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
            let known = ["provost_", "process_", "node_supervisord_"];
            assert!(
                known.iter().any(|prefix| name.starts_with(prefix)),
                "{name}"
            );
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            if *kind == Kind::Histogram {
                assert!(name.ends_with("_seconds"), "{name}");
            }
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
        }
    }

    #[test]
    fn values_of_labels_are_escaped() {
        let mut metrics = Metrics::default();
        let mut samples = metrics.family(UP);
        samples.add(&[("name", "a\"b\\c\nd"), ("group", "g")], 1.0);
        samples.add(&[], 0.5);
        assert_eq!(
            metrics.text(),
            "# HELP node_supervisord_up Whether the process is STARTING, RUNNING or STOPPING.\n\
             # TYPE node_supervisord_up gauge\n\
             node_supervisord_up{name=\"a\\\"b\\\\c\\nd\",group=\"g\"} 1\n\
             node_supervisord_up 0.5\n"
        );
    }

    #[test]
    fn buckets_count_what_is_below_them() {
        let histogram = Histogram::new();
        for micros in [1, 250, 251, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut metrics = Metrics::default();
        metrics.family(SPAWNS).histogram(&[("a", "b")], &histogram);
        let text = metrics.text();
        let lines: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(lines.len(), 17);
        assert_eq!(
            lines[0],
            "provost_spawn_duration_seconds_bucket{a=\"b\",le=\"0.00025\"} 2"
        );
        assert_eq!(
            lines[1],
            "provost_spawn_duration_seconds_bucket{a=\"b\",le=\"0.0005\"} 3"
        );
        assert_eq!(
            lines[13],
            "provost_spawn_duration_seconds_bucket{a=\"b\",le=\"10\"} 3"
        );
        assert_eq!(
            lines[14],
            "provost_spawn_duration_seconds_bucket{a=\"b\",le=\"+Inf\"} 4"
        );
        assert_eq!(
            lines[15],
            "provost_spawn_duration_seconds_sum{a=\"b\"} 60.000502"
        );
        assert_eq!(lines[16], "provost_spawn_duration_seconds_count{a=\"b\"} 4");
    }
}
