//! Two threads for jobs that may block: looking at files, users and the configuration.
//!
//! A job's result goes back by the closure it was given; the pool itself knows nothing of jobs.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// How many jobs may block at once before others wait.
const WORKERS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// The pool. Its threads sleep while there is no job, and end when it is dropped.
#[derive(Debug)]
pub(crate) struct Workers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let threads = (0..WORKERS)
            .map(|_| {
                let queue = Arc::clone(&queue);
                Builder::new()
                    .name("worker".to_owned())
                    .spawn(move || work(&queue))
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self {
            jobs: Some(jobs),
            threads,
        })
    }

    /// Hands a job to the next idle thread.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) {
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

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
