//! Threads for jobs that may block: looking at files, users and the configuration.
//!
//! Two are the rule. When one hangs on a dead disk, another can be started in its place, so that it holds up its own job
//! only. A job's result goes back by the closure it was given; the pool itself knows nothing of jobs.

use crate::crash;
use crate::queue::Queue;
use std::io;
use std::thread::{Builder, JoinHandle};

/// Threads at the start: one may be busy with a long job while the other serves the short ones.
const WORKERS: usize = 2;

/// Threads at most. Each of those beyond the first two stands for one that hung; with so many, nothing more is to be had.
const WORKERS_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// The pool. Its threads sleep while there is no job, and end when it is dropped.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: Queue<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    pub(crate) fn start() -> io::Result<Self> {
        let mut workers = Self {
            queue: Queue::default(),
            threads: Vec::new(),
        };
        for _ in 0..WORKERS {
            workers.add()?;
        }
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
        let queue = self.queue.clone();
        let thread = Builder::new().name("worker".to_owned());
        self.threads.push(thread.spawn(move || work(&queue))?);
        Ok(())
    }

    /// Hands a job to the next idle thread.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        // It is closed when nobody submits any more.
        let _ = self.queue.push(Box::new(job));
    }

    /// Lets the threads end; a job that hangs is left behind rather than waited for.
    pub(crate) fn stop(mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn work(queue: &Queue<Job>) {
    while let Some(job) = queue.next() {
        crash::point("worker");
        job();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
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
        let workers = Workers::start().unwrap();
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
