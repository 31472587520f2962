//! With nothing to do no thread wakes.

#![expect(clippy::print_stdout, reason = "the figures are part of the result")]

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provost_e2e::{
    Daemon, PATIENCE, Place, Side, kill_tree, send_signal, sleeps, start_many, wait_quiet,
    wait_until,
};
use rustix::process::Signal;

/// How long nothing may happen.
const WINDOW: Duration = Duration::from_secs(10);

/// A hundred programs run, clients have come and gone, and then for ten seconds: no system call in `strace`, and no
/// thread woken by the kernel's own count.
///
/// A call that sleeps when `strace` attaches is interrupted by that and called again, so the window begins after the
/// trace has become quiet.
#[test]
fn a_hundred_idle_programs_cost_no_system_call() {
    let daemon = start_many(100);
    assert_eq!(
        daemon.ctl(Side::Ours, &["status"]).stdout.lines().count(),
        100
    );
    wait_quiet(daemon.pid());

    let mut trace = Trace::attach(&daemon);
    wait_quiet(daemon.pid());
    let before = sleeps(daemon.pid());
    let begin = now();
    // The one sleep that is the measurement itself.
    thread::sleep(WINDOW);
    let end = now();
    let after = sleeps(daemon.pid());
    let calls = trace.detach(begin, end);

    println!(
        "{} threads, {} s: {} system calls, {} wakes",
        after.len(),
        WINDOW.as_secs(),
        calls.len(),
        after.values().sum::<u64>() - before.values().sum::<u64>()
    );
    assert!(calls.is_empty(), "somebody is awake:\n{}", calls.join("\n"));
    assert_eq!(before, after, "a thread was woken (by thread id)");
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970")
        .as_secs_f64()
}

/// `strace` on all threads of a daemon.
struct Trace {
    strace: Child,
    place: Place,
}

impl Trace {
    fn attach(daemon: &Daemon) -> Self {
        let place = Place::new();
        let err = File::create(place.join("err")).expect("the place is writable");
        let strace = Command::new("strace")
            .args(["-f", "-ttt", "-o"])
            .arg(place.join("trace"))
            .args(["-p", &daemon.pid().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err)
            .spawn()
            .expect("this test needs strace: install it (apt install strace)");
        let mut trace = Self { strace, place };
        wait_until(PATIENCE, "strace to attach to all threads", || {
            let said = trace.place.read("err");
            let ended = trace.strace.try_wait().expect("strace is our child");
            assert!(ended.is_none(), "strace cannot attach, but must: {said}");
            said.contains(" attached")
        });
        trace
    }

    /// Ends the trace, and returns the calls that were made or that returned in the window.
    fn detach(&mut self, begin: f64, end: f64) -> Vec<String> {
        send_signal(self.strace.id(), Signal::INT);
        wait_until(PATIENCE, "strace to detach", || {
            self.strace
                .try_wait()
                .expect("strace is our child")
                .is_some()
        });
        let text = self.place.read("trace");
        let is_inside = |line: &&str| {
            let stamp = line.split_whitespace().nth(1).unwrap_or_default();
            let stamp: f64 = stamp.parse().expect("a line begins with thread and time");
            (begin..end).contains(&stamp)
        };
        text.lines().filter(is_inside).map(str::to_owned).collect()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if self.strace.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill_tree(self.strace.id());
            self.strace.wait().ok();
        }
    }
}
