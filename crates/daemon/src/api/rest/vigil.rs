//! Whether the control thread answers, looked at only while somebody follows what happens.
//!
//! The api thread lives on while that one hangs, and its streams would go on saying that all is well. One task asks for all
//! of them; it ends with the last, and then there is no timer.

use super::look::now_ms;
use super::stream::{SILENCE, event};
use crate::api::Context;
use crate::control::ControlHandle;
use provost_model::Request;
use provost_wire::rest::shapes::{Stall, to_json};
use std::cell::RefCell;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// From an answer to the next question.
const PERIOD: Duration = SILENCE;

/// How long an answer may take. With the period it is the silence after which pages take a whole supervisord for hung.
const PATIENCE: Duration = Duration::from_secs(5);

/// A wait that takes so much longer than it should was one of this thread, too: the whole process was halted.
const HALTED: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub(in crate::api) struct Vigil(RefCell<Weak<Keeper>>);

/// Ends with the last watcher.
struct Keeper {
    /// Since when the control thread owes an answer, in milliseconds since 1970; none while it does not.
    owed: watch::Receiver<Option<u64>>,
    task: AbortHandle,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Somebody who wants to know.
pub(super) struct Watcher {
    owed: watch::Receiver<Option<u64>>,
    /// What this one was told of.
    told: Option<u64>,
    _keeper: Rc<Keeper>,
}

impl Vigil {
    /// Has the control thread asked until this one is dropped, too.
    pub(super) fn watch(&self, context: &Context) -> Watcher {
        let mut place = self.0.borrow_mut();
        let keeper = place.upgrade().unwrap_or_else(|| {
            let (tell, owed) = watch::channel(None);
            let task = tokio::task::spawn_local(keep(context.control.clone(), tell));
            let task = task.abort_handle();
            Rc::new(Keeper { owed, task })
        });
        *place = Rc::downgrade(&keeper);
        let mut owed = keeper.owed.clone();
        // What is known already is news to this one.
        owed.mark_changed();
        Watcher {
            owed,
            told: None,
            _keeper: keeper,
        }
    }
}

impl Watcher {
    /// The next event about it.
    pub(super) async fn next(&mut self) -> String {
        loop {
            if self.owed.changed().await.is_err() {
                // Nobody asks any more, since the thread ends.
                std::future::pending::<()>().await;
            }
            let (before, now) = (self.told, *self.owed.borrow_and_update());
            self.told = now;
            match (before, now) {
                (before, Some(since)) if before != now => return told("stalled", since),
                (Some(since), None) => return told("recovered", since),
                _ => {}
            }
        }
    }
}

fn told(name: &str, since: u64) -> String {
    event(name, None, &to_json(&Stall { since }))
}

/// Asks again and again. While an answer is owed there is no other question, and no timer.
async fn keep(control: ControlHandle, owed: watch::Sender<Option<u64>>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        let since = now_ms();
        // Any answer is a sign of life.
        let mut answer = pin!(control.ask(Request::Check));
        loop {
            let begun = Instant::now();
            if timeout(PATIENCE, answer.as_mut()).await.is_ok() {
                break;
            }
            if begun.elapsed() < PATIENCE + HALTED {
                owed.send_replace(Some(since));
                let _ = answer.as_mut().await;
                owed.send_replace(None);
                break;
            }
        }
    }
}
