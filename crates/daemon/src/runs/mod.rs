//! Run records: every child is written down before it may run, so that the next supervisord knows of it, however this
//! one ends.
//!
//! A thread of its own does the writing: the file is beside the pid file, and a disk that hangs holds up new children
//! only. The child waits meanwhile, and goes on as soon as it is written down.

mod file;
mod orphans;
mod stop;

pub(crate) use orphans::{Found, Held, find};
pub(crate) use stop::stop;

use crate::crash;
use crate::done::{Done, Post};
use crate::gate::Gate;
use crate::logs::Logger;
use crate::queue::{Next, Queue};
use file::RunsFile;
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, Level, Mono, Pid, ProcessSpec, Run};
use provost_os::pidfd::PidFd;
use provost_os::{clock, proc};
use provost_wire::runs::{Identity, RunRecord, StopRule};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

/// How long the end of a life waits for the file to be removed. Only a hung disk takes so long.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Time after which a reservation of numbers that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// `ETIMEDOUT`.
const TIMED_OUT: Errno = Errno(110);

/// Where processes of this machine and this daemon live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    pub(crate) boot: String,
    pub(crate) namespace: Option<u64>,
}

impl Here {
    /// Asks the system.
    pub(crate) fn ask() -> Self {
        Self {
            boot: proc::boot_id().unwrap_or_default(),
            namespace: proc::pid_namespace(),
        }
    }

    /// What tells this process from all others.
    pub(crate) fn identity(&self, pid: Pid) -> Identity {
        Identity {
            boot: self.boot.clone(),
            namespace: self.namespace,
            pid,
            ticks: proc::start_ticks(pid),
            pidfd: PidFd::open(pid).ok().and_then(|held| held.number()),
        }
    }
}

/// A new child, as the control thread knows it.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) run: Run,
    pub(crate) pid: Pid,
    /// The user that it is started as.
    pub(crate) uid: u32,
    pub(crate) spec: Arc<ProcessSpec>,
    /// [`digest`] of that.
    pub(crate) digest: u64,
    /// The numbers of its pipes.
    pub(crate) pipes: [Option<u64>; 3],
    /// Its logs with made-up names.
    pub(crate) auto_logs: [Option<PathBuf>; 2],
    /// Where it waits.
    pub(crate) gate: Arc<Gate>,
    /// The control thread looks at the answer after this time by itself, and need not be woken before.
    pub(crate) is_heard_after: Option<Mono>,
}

impl Birth {
    fn record(self, here: &Here) -> RunRecord {
        let spec = &self.spec;
        RunRecord {
            identity: here.identity(self.pid),
            run: self.run.0,
            group: spec.group.clone(),
            name: spec.name.clone(),
            started_secs: clock::wall().secs,
            uid: self.uid,
            digest: self.digest,
            pipes: self.pipes,
            auto_logs: self.auto_logs,
            stop: stop_rule(spec),
        }
    }
}

/// How a process with this configuration is stopped.
pub(crate) fn stop_rule(spec: &ProcessSpec) -> StopRule {
    StopRule {
        signal: spec.stopsignal,
        wait_secs: spec.stopwaitsecs,
        stop_group: spec.stopasgroup,
        kill_group: spec.killasgroup,
    }
}

/// A number over a configuration (FNV-1a), for telling that it has changed.
pub(crate) fn digest(spec: &ProcessSpec) -> u64 {
    struct Sum(u64);
    impl std::fmt::Write for Sum {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for byte in text.bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
            Ok(())
        }
    }
    let mut sum = Sum(0xCBF2_9CE4_8422_2325);
    // It never fails.
    let _ = write!(sum, "{spec:?}");
    sum.0
}

enum Job {
    /// This one begins, and those have ended before it.
    Begin(Box<Birth>, Vec<Run>),
    Adopted(Run, Box<RunRecord>),
    End(Run),
    Reserve(u64),
    /// A reservation that failed is tried once more.
    Again,
    Close {
        keeps_serials: bool,
        done: Sender<()>,
    },
    HandOver(Sender<Vec<(Run, String)>>),
}

/// One end of the queue of jobs, which is closed when either end goes.
#[derive(Debug)]
struct Jobs(Queue<Job>);

impl Drop for Jobs {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The handle of the control thread.
#[derive(Debug)]
pub(crate) struct Runs {
    /// None when no records are kept.
    jobs: Option<Jobs>,
    path: PathBuf,
    /// Those that have ended, until the thread is woken anyway or nothing else is to be done.
    ended: Vec<Run>,
}

impl Runs {
    /// Keeps no records.
    pub(crate) fn none() -> Self {
        Self {
            jobs: None,
            path: PathBuf::new(),
            ended: Vec::new(),
        }
    }

    /// Starts the thread, which hands in there what it did.
    pub(crate) fn start(open: OpenRuns, logger: Logger, post: Post) -> io::Result<Self> {
        let jobs = Queue::default();
        let thread = Jobs(jobs.clone());
        let path = open.file.path().to_path_buf();
        Builder::new().name("records".to_owned()).spawn(move || {
            work(open, &thread.0, &logger, &post);
        })?;
        Ok(Self {
            jobs: Some(Jobs(jobs)),
            path,
            ended: Vec::new(),
        })
    }

    /// Has a new child written down; `Done::Recorded` answers. False when no records are kept.
    pub(crate) fn begin(&mut self, birth: Birth) -> bool {
        let job = Job::Begin(Box::new(birth), std::mem::take(&mut self.ended));
        let jobs = self.jobs.as_ref();
        jobs.is_some_and(|jobs| jobs.0.push(job))
    }

    /// A process is taken over whose record is in the file already.
    pub(crate) fn adopted(&self, run: Run, record: RunRecord) {
        if let Some(jobs) = &self.jobs {
            // The thread lives as long as this.
            let _ = jobs.0.push(Job::Adopted(run, Box::new(record)));
        }
    }

    /// A child has ended, or will never run. It is written down with the next child, or by [`Self::tell_ends`]: a process that
    /// comes back is not held up by the record of its end.
    pub(crate) fn ended(&mut self, run: Run) {
        self.ended.push(run);
    }

    /// Whether ends wait to be written down.
    pub(crate) fn has_ends(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Has the ends written down that wait.
    pub(crate) fn tell_ends(&mut self) {
        for run in self.ended.drain(..) {
            if let Some(jobs) = &self.jobs {
                // The thread lives as long as this.
                let _ = jobs.0.push(Job::End(run));
            }
        }
    }

    /// Events may get numbers below this one.
    pub(crate) fn reserve(&self, until: u64) {
        if let Some(jobs) = &self.jobs {
            // The thread lives as long as this.
            let _ = jobs.0.push(Job::Reserve(until));
        }
    }

    /// Why a child cannot run whose record takes too long.
    pub(crate) fn overdue(&self) -> SpawnProblem {
        problem(&self.path, TIMED_OUT)
    }

    /// Another image goes on: the records of what lives, as they stand in the file, which stays. None when a disk holds
    /// that up.
    pub(crate) fn hand_over(mut self) -> Option<Vec<(Run, String)>> {
        self.tell_ends();
        let Some(jobs) = self.jobs else {
            return Some(Vec::new());
        };
        let (told, known) = channel();
        if !jobs.0.push(Job::HandOver(told)) {
            return None;
        }
        known.recv_timeout(CLOSE_MAX).ok()
    }

    /// The life ends: the file goes, unless it names processes that live on, or numbers that must not be given again.
    pub(crate) fn close(mut self, keeps_serials: bool) {
        self.tell_ends();
        if let Some(jobs) = self.jobs {
            let (done, closed) = channel();
            let job = Job::Close {
                keeps_serials,
                done,
            };
            if jobs.0.push(job) {
                // What cannot be removed now names nobody who lives.
                let _ = closed.recv_timeout(CLOSE_MAX);
            }
        }
    }
}

/// The file of records, ready for this life.
#[derive(Debug)]
pub(crate) struct OpenRuns {
    file: RunsFile,
    here: Here,
}

impl OpenRuns {
    /// Makes the file anew with the records that still count.
    pub(crate) fn open<'a>(
        path: &Path,
        here: Here,
        kept: impl Iterator<Item = &'a RunRecord>,
        serials: u64,
    ) -> io::Result<Self> {
        let file = RunsFile::open(path, kept, serials)?;
        Ok(Self { file, here })
    }
}

fn work(open: OpenRuns, jobs: &Queue<Job>, logger: &Logger, post: &Post) {
    let OpenRuns { mut file, here } = open;
    let mut end = Ending::default();
    let mut told_of_serials = false;
    while let Some(job) = next_job(jobs, file.owes_serials()) {
        crash::point("records");
        match job {
            Job::Begin(birth, ended) => {
                begin(&mut file, *birth, &here, post);
                for run in ended {
                    end.write(&mut file, run, logger);
                }
            }
            Job::Adopted(run, record) => file.know(run, &record),
            Job::End(run) => end.write(&mut file, run, logger),
            Job::Reserve(until) => {
                let reserved = file.reserve(until);
                tell_of_serials(&file, &reserved, &mut told_of_serials, logger);
            }
            Job::Again => {
                let reserved = file.write_serials();
                tell_of_serials(&file, &reserved, &mut told_of_serials, logger);
            }
            Job::HandOver(told) => {
                // Nobody may be waiting any more.
                let _ = told.send(file.into_lines());
                return;
            }
            Job::Close {
                keeps_serials,
                done,
            } => {
                file.close(keeps_serials);
                // Nobody may be waiting any more.
                let _ = done.send(());
                return;
            }
        }
    }
}

/// Writes a new child down and lets it go on. It is to have the processor to itself then, so the control thread is woken only
/// where it does not look by itself soon.
fn begin(file: &mut RunsFile, birth: Birth, here: &Here, post: &Post) {
    let (run, gate, heard) = (birth.run, Arc::clone(&birth.gate), birth.is_heard_after);
    let written = file.begin(run, &birth.record(here));
    let result = match written {
        Ok(()) => Ok(clock::mono()),
        Err(error) => Err(problem(file.path(), Errno::of(&error))),
    };
    let is_written = result.is_ok();
    post.leave(Done::Recorded { run, result });
    if is_written {
        gate.open();
    }
    // The time is taken after the answer was left: who looks later than this finds it.
    if !is_written || heard.is_none_or(|heard| clock::mono() >= heard) {
        post.wake();
    }
}

/// Writes ends down, and tells once that it cannot.
#[derive(Default)]
struct Ending {
    is_told: bool,
}

impl Ending {
    fn write(&mut self, file: &mut RunsFile, run: Run, logger: &Logger) {
        let Err(error) = file.end(run) else {
            self.is_told = false;
            return;
        };
        if !std::mem::replace(&mut self.is_told, true) {
            let text = format!(
                "could not write to the run records {}: {error}; what has ended is found out at the next start",
                file.path().display()
            );
            logger.log(Level::Warn, text);
        }
    }
}

/// The next job; without one, after a while, the one that failed.
fn next_job(jobs: &Queue<Job>, owes: bool) -> Option<Job> {
    if !owes {
        return jobs.next();
    }
    match jobs.next_within(RETRY) {
        Next::Job(job) => Some(job),
        Next::None => Some(Job::Again),
        Next::End => None,
    }
}

/// Says once that numbers of events could not be reserved.
fn tell_of_serials(file: &RunsFile, reserved: &io::Result<()>, told: &mut bool, logger: &Logger) {
    let Err(error) = reserved else {
        *told = false;
        return;
    };
    if !std::mem::replace(told, true) {
        let text = format!(
            "could not write to the run records {}: {error}; it is tried again, and if supervisord is killed before, \
             events may get serials that others had",
            file.path().display()
        );
        logger.log(Level::Warn, text);
    }
}

fn problem(path: &Path, errno: Errno) -> SpawnProblem {
    SpawnProblem::Record {
        path: path.display().to_string(),
        errno,
    }
}
