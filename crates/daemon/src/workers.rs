//! Threads for jobs that may block: looking at files, users and the configuration.
//!
//! One or two are the rule: the second starts when a job finds the first one busy. When one hangs on a dead disk, another can be started in its place, so that it holds up its own job
//! only. A job's result goes back by the closure it was given; the pool itself knows nothing of jobs.

use crate::crash;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Threads as a rule: one may be busy with a long job while the other serves the short ones.
const WORKERS: usize = 2;

/// Threads at most. Each of those beyond the first two stands for one that hung; with so many, nothing more is to be had.
const WORKERS_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Where the threads find jobs.
#[derive(Debug)]
struct Queue {
    jobs: Mutex<Receiver<Job>>,
    /// Jobs that are not done.
    open: AtomicUsize,
}

/// The pool. Its threads sleep while there is no job, and end when it is dropped.
#[derive(Debug)]
pub(crate) struct Workers {
    jobs: Option<Sender<Job>>,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the first thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let mut workers = Self {
            jobs: Some(jobs),
            queue: Arc::new(Queue {
                jobs: Mutex::new(queue),
                open: AtomicUsize::new(0),
            }),
            threads: Vec::new(),
        };
        workers.add()?;
        Ok(workers)
    }

    /// Starts one more thread, because one seems to hang. Nothing is done once there are as many as there may be.
    pub(crate) fn relieve(&mut self) -> io::Result<()> {
        if self.threads.len() < WORKERS_MAX {
            self.add()
        } else {
            Ok(())
        }
    }

    fn add(&mut self) -> io::Result<()> {
        let queue = Arc::clone(&self.queue);
        let thread = Builder::new().name("worker".to_owned());
        self.threads.push(thread.spawn(move || work(&queue))?);
        Ok(())
    }

    /// Hands a job to the next idle thread.
    pub(crate) fn submit(&mut self, job: impl FnOnce() + Send + 'static) {
        let open = self.queue.open.fetch_add(1, Ordering::Relaxed) + 1;
        if open > self.threads.len() && self.threads.len() < WORKERS {
            // Without it, the job waits for the one before it.
            let _ = self.add();
        }
        if let Some(jobs) = &self.jobs {
            // The threads hold the receiver until the sender is gone, so this cannot fail while we live.
            let _ = jobs.send(Box::new(job));
        }
    }

    /// Lets the threads end; a job that hangs is left behind rather than waited for.
    pub(crate) fn stop(mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

fn work(queue: &Queue) {
    loop {
        let jobs = queue.jobs.lock();
        let job = jobs.unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => {
                crash::point("worker");
                job();
                queue.open.fetch_sub(1, Ordering::Relaxed);
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn when_all_threads_hang_a_relief_takes_the_next_job() {
        let mut workers = Workers::start().unwrap();
        let (releases, hung): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| channel::<()>()).unzip();
        for blocked in hung {
            workers.submit(move || {
                let _ = blocked.recv();
            });
        }
        let (done, result) = channel();
        workers.submit(move || done.send(7).unwrap());
        workers.relieve().unwrap();
        assert_eq!(result.recv_timeout(Duration::from_secs(5)), Ok(7));
        for _ in 0..2 * WORKERS_MAX {
            workers.relieve().unwrap();
        }
        assert_eq!(workers.threads.len(), WORKERS_MAX);
        drop(releases);
        workers.stop();
    }

    #[test]
    fn a_job_that_blocks_leaves_the_other_thread_free() {
        let mut workers = Workers::start().unwrap();
        let (release, blocked) = channel::<()>();
        workers.submit(move || {
            let _ = blocked.recv();
        });
        let (done, result) = channel();
        workers.submit(move || done.send(7).unwrap());
        assert_eq!(result.recv_timeout(Duration::from_secs(5)), Ok(7));
        release.send(()).unwrap();
        workers.stop();
    }
}
