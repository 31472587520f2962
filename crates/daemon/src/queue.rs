//! Jobs that wait for a thread.
//!
//! A channel would do, but it wakes while it holds its lock: where the woken thread is run at once, it meets that lock at its
//! next job and sleeps again. And where several threads wait, each job would wake two of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Jobs, taken in their order. Clones are the same queue; it is closed when it is said so, and by none of them that goes.
pub(crate) struct Queue<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    jobs: VecDeque<T>,
    is_closed: bool,
}

/// What came of waiting for a job.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// This one.
    Job(T),
    /// None in time.
    None,
    /// There will be none any more.
    End,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State {
            jobs: VecDeque::new(),
            is_closed: false,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl<T> Queue<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, when there is one; none at the end.
    pub(crate) fn next(&self) -> Option<T> {
        let is_idle = |state: &mut State<T>| state.jobs.is_empty() && !state.is_closed;
        let waited = self.0.changed.wait_while(self.state(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.jobs.pop_front()
    }

    /// The same, but waits no longer than this.
    pub(crate) fn next_within(&self, time: Duration) -> Next<T> {
        let is_idle = |state: &mut State<T>| state.jobs.is_empty() && !state.is_closed;
        let changed = &self.0.changed;
        let waited = changed.wait_timeout_while(self.state(), time, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.jobs.pop_front() {
            Some(job) => Next::Job(job),
            None if state.is_closed => Next::End,
            None => Next::None,
        }
    }

    /// Adds a job, and wakes one who waits. False when the queue is closed, and nothing is done any more.
    pub(crate) fn push(&self, job: T) -> bool {
        let mut state = self.state();
        if state.is_closed {
            return false;
        }
        state.jobs.push_back(job);
        drop(state);
        self.0.changed.notify_one();
        true
    }

    /// Nothing is added any more. What waits is still taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_come_in_their_order_and_those_that_wait_come_before_the_end() {
        let queue = Queue::default();
        assert!(queue.push(1) && queue.push(2));
        queue.close();
        assert!(!queue.push(3));
        assert_eq!(queue.next(), Some(1));
        assert_eq!(queue.next_within(Duration::ZERO), Next::Job(2));
        assert_eq!(queue.next(), None);
        assert_eq!(queue.next_within(Duration::ZERO), Next::End);
    }

    #[test]
    fn whoever_waits_is_woken_by_a_job_by_its_time_and_by_the_end() {
        let queue = Queue::<u8>::default();
        assert_eq!(queue.next_within(Duration::from_millis(1)), Next::None);
        let other = queue.clone();
        let waiting = std::thread::spawn(move || (other.next(), other.next()));
        assert!(queue.push(7));
        queue.close();
        assert_eq!(waiting.join().unwrap(), (Some(7), None));
    }
}
