//! What processes took in the last minutes: a few bytes for each sample.

use super::look::now_ms;
use super::usage::Looks;
use provost_wire::rest::shapes::{Usage as Row, UsageHistory, UsageSeries};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// By how many samples the room of a process grows.
const GROWTH: usize = 32;

/// Where a number of descriptors is not known.
const UNKNOWN: u32 = u32::MAX;

/// A sample of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    /// Percent of a processor; no number where that is not known.
    cpu: f32,
    rss_kib: u32,
    fds: u32,
}

/// Nothing ran.
const GAP: Point = Point {
    cpu: f32::NAN,
    rss_kib: 0,
    fds: UNKNOWN,
};

/// The samples of a process.
struct Track {
    pid: i32,
    /// How many samples there were when it ran last.
    seen: u64,
    points: VecDeque<Point>,
}

/// The samples of all.
pub(super) struct Series {
    /// From one sample to the next, at least.
    step: Duration,
    /// The same, as it was between the last two.
    lately: Duration,
    most: usize,
    /// How many there were.
    count: u64,
    /// When the last one was taken; the second is in milliseconds since 1970.
    last: Option<(Instant, u64)>,
    looks: Looks,
    tracks: BTreeMap<(Arc<str>, Arc<str>), Track>,
}

/// Percent of a processor between two looks at a process.
pub(super) fn percent(before: &Looks, after: &Looks, pid: i32) -> Option<f64> {
    let ((then, had), (now, has)) = (before.get(&pid)?, after.get(&pid)?);
    let span = now.duration_since(*then).as_secs_f64();
    // Another process may have the number by now.
    let taken = has.checked_sub(*had)?.as_secs_f64();
    (span > 0.0).then(|| (taken / span * 1000.0).round() / 10.0)
}

impl Series {
    /// Samples a step apart, of so long a time.
    pub(super) fn new(step: Duration, span: Duration) -> Self {
        let most = span.as_millis() / step.as_millis().max(1);
        Self {
            step,
            lately: step,
            most: usize::try_from(most).unwrap_or(usize::MAX).max(1),
            count: 0,
            last: None,
            looks: Looks::new(),
            tracks: BTreeMap::new(),
        }
    }

    /// A sample was taken; it is kept if it is time for one.
    pub(super) fn push(&mut self, (now, at_ms): (Instant, u64), rows: &[Row], looks: &Looks) {
        let is_early = |(last, _): (Instant, u64)| now.duration_since(last) < self.step * 9 / 10;
        if self.last.is_some_and(is_early) {
            return;
        }
        if let Some((last, _)) = self.last {
            self.lately = now.duration_since(last);
        }
        self.last = Some((now, at_ms));
        let before = std::mem::replace(&mut self.looks, looks.clone());
        for row in rows {
            let name = (Arc::clone(&row.group), Arc::clone(&row.name));
            let cpu = percent(&before, looks, row.pid);
            let point = Point {
                cpu: cpu.map_or(f32::NAN, narrow),
                rss_kib: u32::try_from(row.rss_bytes / 1024).unwrap_or(u32::MAX),
                fds: row
                    .open_fds
                    .map_or(UNKNOWN, |fds| u32::try_from(fds).unwrap_or(UNKNOWN - 1)),
            };
            let track = self.tracks.entry(name).or_insert_with(|| Track {
                pid: row.pid,
                seen: self.count,
                points: VecDeque::new(),
            });
            let missed = usize::try_from(self.count - track.seen).unwrap_or(self.most);
            track.add(GAP, missed);
            track.add(point, 1);
            (track.pid, track.seen) = (row.pid, self.count + 1);
        }
        self.count += 1;
        let (count, most) = (self.count, self.most);
        self.tracks.retain(|_, track| track.trim(count, most));
    }

    /// It in words.
    pub(super) fn told(&self, is_wanted: impl Fn(&str, &str) -> bool) -> UsageHistory {
        let wanted = self.tracks.iter();
        let wanted = wanted.filter(|((group, name), _)| is_wanted(group, name));
        let told = wanted.map(|((group, name), track)| {
            let missed = usize::try_from(self.count - track.seen).unwrap_or(0);
            let gaps = std::iter::repeat_n(&GAP, missed);
            let points: Vec<&Point> = track.points.iter().chain(gaps).collect();
            UsageSeries {
                group: Arc::clone(group),
                name: Arc::clone(name),
                pid: (missed == 0).then_some(track.pid),
                cpu: points.iter().map(|point| known(point.cpu)).collect(),
                rss: points
                    .iter()
                    .map(|point| u64::from(point.rss_kib) * 1024)
                    .collect(),
                fds: points
                    .iter()
                    .map(|point| (point.fds != UNKNOWN).then_some(point.fds.into()))
                    .collect(),
            }
        });
        UsageHistory {
            step_ms: u64::try_from(self.lately.as_millis()).unwrap_or(u64::MAX),
            now: self.last.map_or_else(now_ms, |(_, at)| at),
            processes: told.collect(),
        }
    }
}

impl Track {
    fn add(&mut self, point: Point, times: usize) {
        for _ in 0..times {
            if self.points.len() == self.points.capacity() {
                self.points.reserve_exact(GROWTH);
            }
            self.points.push_back(point);
        }
    }

    /// Forgets what is too old; false when nothing is left.
    fn trim(&mut self, count: u64, most: usize) -> bool {
        let missed = usize::try_from(count - self.seen).unwrap_or(usize::MAX);
        let room = most.saturating_sub(missed);
        while self.points.len() > room {
            self.points.pop_front();
        }
        !self.points.is_empty()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "percents have one digit behind the point"
)]
fn narrow(percent: f64) -> f32 {
    percent as f32
}

/// A percentage with the digit that it had.
fn known(cpu: f32) -> Option<f64> {
    (!cpu.is_nan()).then(|| (f64::from(cpu) * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, pid: i32, rss_bytes: u64) -> Row {
        Row {
            group: "g".into(),
            name: name.into(),
            pid,
            cpu_percent: None,
            rss_bytes,
            open_fds: Some(7),
        }
    }

    #[test]
    fn samples_are_a_step_apart_and_forgotten_in_time() {
        let mut series = Series::new(Duration::from_secs(10), Duration::from_secs(40));
        let begun = Instant::now();
        let at = |secs| (begun + Duration::from_secs(secs), secs * 1000);
        let mut secs = 0;
        let mut cpu = Duration::ZERO;
        for sample in 0..12 {
            let mut looks = Looks::new();
            looks.insert(1, (at(secs).0, cpu));
            let mut rows = vec![row("a", 1, 4096)];
            if sample < 5 {
                rows.push(row("b", 2, 1024));
            }
            series.push(at(secs), &rows, &looks);
            (secs, cpu) = (secs + 5, cpu + Duration::from_secs(1));
        }
        // Twelve were taken, and every second one is kept.
        let told = series.told(|_, _| true);
        assert_eq!((told.step_ms, told.now), (10_000, 50_000));
        let [a, b] = &told.processes[..] else {
            panic!("{told:?}");
        };
        assert_eq!((a.pid, b.pid), (Some(1), None));
        assert_eq!(a.cpu, [Some(20.0); 4]);
        assert_eq!(a.rss, [4096; 4]);
        assert_eq!(b.rss, [1024, 0, 0, 0]);
        assert_eq!(b.fds, [Some(7), None, None, None]);
        assert!(series.told(|_, name| name == "c").processes.is_empty());
        series.push(at(60), &[row("b", 3, 2048)], &Looks::new());
        let told = series.told(|_, name| name == "b");
        assert_eq!(told.processes[0].rss, [0, 0, 0, 2048]);
        assert_eq!(told.processes[0].pid, Some(3));
    }
}
