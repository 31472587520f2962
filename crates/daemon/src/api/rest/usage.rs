//! What running processes take, measured only while somebody wants to know.
//!
//! One task measures for all streams. It begins with the first of them and ends with the last; then there is neither a
//! timer nor a look at any process.

use super::look::now_ms;
use super::stream::event;
use crate::api::Context;
use crate::api::caller::Caller;
use provost_model::{Pid, Reply, Request};
use provost_os::proc;
use provost_wire::rest::shapes::{Usage as Row, UsageSample, to_json};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// From one sample to the next.
const PERIOD: Duration = Duration::from_secs(2);

/// A process that runs.
type Running = (Arc<str>, Arc<str>, i32);

/// When a process was looked at last, and what it had taken by then.
type Looks = HashMap<i32, (Instant, Duration)>;

/// See the module.
#[derive(Default)]
pub(in crate::api) struct Usage(RefCell<Option<Measuring>>);

struct Measuring {
    watchers: usize,
    latest: watch::Sender<Option<Rc<Sample>>>,
    task: AbortHandle,
}

/// What was measured.
pub(super) struct Sample {
    all: UsageSample,
    /// For those who see everything.
    text: OnceCell<String>,
}

impl Sample {
    /// It in words, as far as it exists for the caller.
    pub(super) fn told(&self, caller: &Caller) -> String {
        if caller.sees_all() {
            let text = self.text.get_or_init(|| told(&self.all));
            return text.clone();
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
    /// Has what runs measured until this one is dropped, too.
    pub(super) fn watch(&self, context: &Rc<Context>) -> Watcher {
        let mut measuring = self.0.borrow_mut();
        let measuring = measuring.get_or_insert_with(|| {
            let latest = watch::Sender::new(None);
            let work = measure(Rc::clone(context), latest.clone());
            Measuring {
                watchers: 0,
                latest,
                task: tokio::task::spawn_local(work).abort_handle(),
            }
        });
        measuring.watchers += 1;
        let mut latest = measuring.latest.subscribe();
        // What was measured a moment ago is news to this one.
        latest.mark_changed();
        Watcher {
            context: Rc::clone(context),
            latest,
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
        let mut place = self.context.usage.0.borrow_mut();
        if let Some(measuring) = &mut *place {
            measuring.watchers = measuring.watchers.saturating_sub(1);
            if measuring.watchers == 0 {
                measuring.task.abort();
                *place = None;
            }
        }
    }
}

async fn measure(context: Rc<Context>, latest: watch::Sender<Option<Rc<Sample>>>) {
    let follower = context.pulse.follow();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut running, mut at, mut looks) = (Vec::new(), None, Looks::new());
    loop {
        ticks.tick().await;
        // Who runs is asked for only when something has happened.
        let position = follower.position();
        if at != Some(position) {
            let Ok(Reply::Views { views, .. }) = context.control.ask(Request::GetAllViews).await
            else {
                return;
            };
            let views = views.into_iter().filter(|view| view.info.pid > 0);
            running = views
                .map(|view| (view.info.group, view.info.name, view.info.pid))
                .collect();
            at = Some(position);
        }
        let (now, before) = (running.clone(), std::mem::take(&mut looks));
        let looked = tokio::task::spawn_blocking(move || look(now, &before)).await;
        let Ok((rows, again)) = looked else {
            return;
        };
        looks = again;
        let all = UsageSample {
            now: now_ms(),
            processes: rows,
        };
        let text = OnceCell::new();
        latest.send_replace(Some(Rc::new(Sample { all, text })));
    }
}

fn look(running: Vec<Running>, before: &Looks) -> (Vec<Row>, Looks) {
    let (mut rows, mut looks) = (Vec::new(), Looks::new());
    for (group, name, pid) in running {
        let Some(usage) = proc::usage_of(Pid(pid)) else {
            continue;
        };
        let now = Instant::now();
        let cpu_percent = before.get(&pid).and_then(|(then, cpu)| {
            let span = now.duration_since(*then).as_secs_f64();
            // Another process may have the number by now.
            let taken = usage.cpu.checked_sub(*cpu)?.as_secs_f64();
            (span > 0.0).then(|| (taken / span * 1000.0).round() / 10.0)
        });
        looks.insert(pid, (now, usage.cpu));
        rows.push(Row {
            group,
            name,
            pid,
            cpu_percent,
            rss_bytes: usage.rss_bytes,
        });
    }
    (rows, looks)
}
