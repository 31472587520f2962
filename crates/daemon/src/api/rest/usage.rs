//! What running processes take, measured only while somebody wants to know, or where the configuration asks for it.
//!
//! One task measures for all streams. It begins with the first of them and ends with the last; then there is neither a
//! timer nor a look at any process. With `history` in `[supervisord]` it goes on for ever, in longer steps.

use super::look::now_ms;
use super::series::{Series, percent};
use super::stream::event;
use crate::api::Context;
use crate::api::caller::Caller;
use provost_model::{Pid, Reply, Request};
use provost_os::proc;
use provost_wire::rest::shapes::{Usage as Row, UsageHistory, UsageSample, to_json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// From one sample to the next while somebody watches, at least.
const PERIOD: Duration = Duration::from_secs(2);

/// From one sample to the next, at most.
const LONGEST: Duration = Duration::from_secs(30);

/// A sample of many processes takes its time: this many times that passes before the next one, so that looking takes no
/// more than a part of a processor that nobody notices.
const REST: u32 = 500;

/// From one sample to the next that is kept because the configuration asks for it.
const STEP: Duration = Duration::from_secs(10);

/// For how long samples are kept otherwise, while somebody watches.
const WATCHED: Duration = Duration::from_mins(5);

/// A process that runs.
type Running = (Arc<str>, Arc<str>, i32);

/// When a process was looked at last, and what it had taken by then.
pub(super) type Looks = HashMap<i32, (Instant, Duration)>;

/// See the module.
pub(in crate::api) struct Usage {
    history: Duration,
    measuring: RefCell<Option<Measuring>>,
}

struct Measuring {
    watchers: usize,
    /// The first watcher came.
    hurry: Rc<Notify>,
    latest: watch::Sender<Option<Rc<Sample>>>,
    series: Series,
    task: AbortHandle,
}

/// What was measured.
pub(super) struct Sample {
    all: UsageSample,
    /// It in words, for those who see everything. Not made while nobody watches.
    text: Option<String>,
}

impl Sample {
    /// It in words, as far as it exists for the caller.
    pub(super) fn told(&self, caller: &Caller) -> String {
        if caller.sees_all() {
            return self.text.clone().unwrap_or_else(|| told(&self.all));
        }
        let mut seen = self.all.clone();
        seen.processes
            .retain(|row| caller.sees(&row.group, &row.name));
        told(&seen)
    }
}

fn told(sample: &UsageSample) -> String {
    event("usage", None, &to_json(sample))
}

/// Somebody who wants to know.
pub(super) struct Watcher {
    context: Rc<Context>,
    latest: watch::Receiver<Option<Rc<Sample>>>,
}

impl Usage {
    /// Samples of this time are kept, whether anybody watches or not.
    pub(in crate::api) fn new(history: Duration) -> Self {
        Self {
            history,
            measuring: RefCell::default(),
        }
    }

    /// Begins to measure, if the configuration asks for it.
    pub(in crate::api) fn begin(&self, context: &Rc<Context>) {
        if !self.history.is_zero() {
            *self.measuring.borrow_mut() = Some(self.measuring(context));
        }
    }

    /// Samples that are kept: from one to the next, and for how long.
    fn kept(&self) -> (Duration, Duration) {
        if self.history.is_zero() {
            (PERIOD, WATCHED)
        } else {
            (STEP, self.history)
        }
    }

    fn measuring(&self, context: &Rc<Context>) -> Measuring {
        let (step, span) = self.kept();
        let latest = watch::Sender::new(None);
        let hurry = Rc::new(Notify::new());
        let work = measure(Rc::clone(context), latest.clone(), Rc::clone(&hurry));
        Measuring {
            watchers: 0,
            hurry,
            latest,
            series: Series::new(step, span),
            task: tokio::task::spawn_local(work).abort_handle(),
        }
    }

    /// Has what runs measured until this one is dropped, too.
    pub(super) fn watch(&self, context: &Rc<Context>) -> Watcher {
        let mut measuring = self.measuring.borrow_mut();
        let measuring = measuring.get_or_insert_with(|| self.measuring(context));
        measuring.watchers += 1;
        if measuring.watchers == 1 {
            measuring.hurry.notify_one();
        }
        let mut latest = measuring.latest.subscribe();
        // What was measured a moment ago is news to this one.
        latest.mark_changed();
        Watcher {
            context: Rc::clone(context),
            latest,
        }
    }

    /// The samples that are kept, as far as they exist for the caller.
    pub(super) fn history(
        &self,
        caller: &Caller,
        group: Option<&str>,
        name: Option<&str>,
    ) -> UsageHistory {
        let is_wanted = |of_group: &str, its_name: &str| {
            group.is_none_or(|group| group == of_group)
                && name.is_none_or(|name| name == its_name)
                && caller.sees(of_group, its_name)
        };
        match &*self.measuring.borrow() {
            Some(measuring) => measuring.series.told(is_wanted),
            None => Series::new(PERIOD, WATCHED).told(is_wanted),
        }
    }

    /// From the last sample, which took so long, to the next.
    fn period(&self, took: Duration) -> Duration {
        let measuring = self.measuring.borrow();
        let is_watched = measuring.as_ref().is_some_and(|it| it.watchers > 0);
        let rest = pause(took);
        if is_watched { rest } else { rest.max(STEP) }
    }

    fn keep(&self, sample: &Sample, looks: &Looks) {
        if let Some(measuring) = &mut *self.measuring.borrow_mut() {
            let UsageSample { now, processes } = &sample.all;
            measuring
                .series
                .push((Instant::now(), *now), processes, looks);
        }
    }
}

impl Watcher {
    /// The next sample.
    pub(super) async fn next(&mut self) -> Rc<Sample> {
        loop {
            if self.latest.changed().await.is_err() {
                // Nobody measures any more, since the thread ends.
                std::future::pending::<()>().await;
            }
            let sample = self.latest.borrow_and_update().clone();
            if let Some(sample) = sample {
                return sample;
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let usage = &self.context.usage;
        let mut place = usage.measuring.borrow_mut();
        if let Some(measuring) = &mut *place {
            measuring.watchers = measuring.watchers.saturating_sub(1);
            if measuring.watchers == 0 && usage.history.is_zero() {
                measuring.task.abort();
                *place = None;
            }
        }
    }
}

async fn measure(
    context: Rc<Context>,
    latest: watch::Sender<Option<Rc<Sample>>>,
    hurry: Rc<Notify>,
) {
    let follower = context.pulse.follow_from_afar();
    let (mut running, mut at, mut looks) = (Vec::new(), None, Looks::new());
    let (mut last, mut took) = (None, Duration::ZERO);
    loop {
        if let Some(last) = last {
            tokio::select! {
                () = tokio::time::sleep_until(last + context.usage.period(took)) => {}
                () = hurry.notified() => continue,
            }
        }
        last = Some(Instant::now());
        // Who runs is asked for only when something has happened.
        let position = follower.position();
        if at != Some(position) {
            let Ok(Reply::Views { views, .. }) = context.control.ask(Request::GetAllViews).await
            else {
                // Nobody answers at present.
                continue;
            };
            let views = views.into_iter().filter(|view| view.info.pid > 0);
            running = views
                .map(|view| (view.info.group, view.info.name, view.info.pid))
                .collect();
            at = Some(position);
        }
        let (now, before) = (running.clone(), std::mem::take(&mut looks));
        let is_watched = latest.receiver_count() > 0;
        let looked = tokio::task::spawn_blocking(move || sample(now, &before, is_watched)).await;
        let Ok(looked) = looked else {
            continue;
        };
        let sample;
        (sample, looks, took) = looked;
        context.usage.keep(&sample, &looks);
        latest.send_replace(Some(Rc::new(sample)));
    }
}

/// How long nobody looks after a look that took so long.
fn pause(took: Duration) -> Duration {
    took.saturating_mul(REST).clamp(PERIOD, LONGEST)
}

/// A sample, what the next one needs, and how long that took.
fn sample(running: Vec<Running>, before: &Looks, is_watched: bool) -> (Sample, Looks, Duration) {
    let begun = Instant::now();
    let (processes, looks) = look(running, before);
    let now = now_ms();
    let all = UsageSample { now, processes };
    let text = is_watched.then(|| told(&all));
    (Sample { all, text }, looks, begun.elapsed())
}

fn look(running: Vec<Running>, before: &Looks) -> (Vec<Row>, Looks) {
    let (mut rows, mut looks) = (Vec::new(), Looks::new());
    for (group, name, pid) in running {
        let Some(usage) = proc::usage_of(Pid(pid)) else {
            continue;
        };
        looks.insert(pid, (Instant::now(), usage.cpu));
        rows.push(Row {
            group,
            name,
            pid,
            cpu_percent: percent(before, &looks, pid),
            rss_bytes: usage.rss_bytes,
            open_fds: proc::descriptors_of(Pid(pid)),
        });
    }
    (rows, looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_processes_are_looked_at_more_rarely() {
        for (took, expected) in [
            (0, 2_000),
            (1, 2_000),
            (10, 5_000),
            (60, 30_000),
            (500, 30_000),
        ] {
            let took = Duration::from_millis(took);
            assert_eq!(pause(took), Duration::from_millis(expected), "{took:?}");
        }
    }
}
