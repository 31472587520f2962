//! What processes take.

use crate::rest::schema::shapes;
use std::sync::Arc;

shapes! {
    /// What a running process takes.
    Usage {
        /// Its group.
        group: Arc<str>,
        /// Its name in the group.
        name: Arc<str>,
        /// Which process.
        pid: i32,
        /// Percent of one processor since the sample before; null in the first one.
        cpu_percent: Option<f64>,
        /// Bytes of memory in use (resident set).
        rss_bytes: u64,
        /// Descriptors that are open; null where the system cannot tell it quickly (Linux before 6.2).
        open_fds: Option<u64>,
    }

    /// What running processes take.
    UsageSample {
        /// When, in milliseconds since 1970.
        now: u64,
        /// Those that run. Children of processes are not counted in.
        processes: Vec<Usage>,
    }

    /// What a process took in the last minutes: one value for each sample. The last is of the time of the answer, each before it
    /// a step earlier. A process that came later has fewer.
    UsageSeries {
        /// Its group.
        group: Arc<str>,
        /// Its name in the group.
        name: Arc<str>,
        /// Which process runs; null when none does. Samples of earlier ones are told, too.
        pid: Option<i32>,
        /// Percent of one processor since the sample before; null where that is not known.
        cpu: Vec<Option<f64>>,
        /// Bytes of memory in use; 0 where none ran.
        rss: Vec<u64>,
        /// Descriptors that were open; null where that is not known.
        fds: Vec<Option<u64>>,
    }

    /// What processes took in the last minutes.
    UsageHistory {
        /// From one sample to the next, in milliseconds, as it was between the last two.
        step_ms: u64,
        /// When the last one was taken, in milliseconds since 1970; the time of the answer when there is none.
        now: u64,
        /// All of which there are samples.
        processes: Vec<UsageSeries>,
    }
}
