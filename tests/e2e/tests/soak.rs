//! A long run of everything at once: crash loops, floods with rotation, reloads, restarts, listeners, clients that come
//! and go. At the end memory and descriptors are what they were.
//!
//! `cargo xtask soak --hours N` runs it longer, on a release build.

#![expect(clippy::print_stdout, reason = "the figures are part of the result")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, Target, children, descriptors, own_bytes, python, scripts,
    wait_until,
};
use rustix::process::Signal;

/// How long the ordinary run takes; `PROVOST_SOAK_SECONDS` is another time.
const SECONDS: u64 = 180;

/// Looks at the daemon, evenly over the run, each with everything at rest that can rest.
const LOOKS: usize = 12;

/// Looks before the first that counts: caches fill, and the heap finds its size.
const WARM_UP: usize = 4;

/// How much more memory of its own the daemon may have in the second half of the looks that count than in the first:
/// what the heap keeps differs from moment to moment by as much.
const GROWTH_MAX: u64 = 768 * 1024;

/// The pause between two rounds of an operator.
const ROUND: Duration = Duration::from_millis(200);

/// Programs that do nothing.
const SLEEPERS: usize = 20;

/// Few processes of the programs: it is the daemon that is to have work, and other tests run beside.
fn config() -> String {
    let writer = format!(
        "{} {}/numbered_lines.py",
        python().display(),
        scripts().display()
    );
    format!(
        "[program:crash]\ncommand=/bin/sh -c 'echo once; sleep 0.1; exit 3'\nnumprocs=2\n\
         process_name=%(program_name)s_%(process_num)d\nstartsecs=0\nautorestart=true\n\
         [program:brief]\ncommand=/bin/sleep 0.2\nstartsecs=0\nautorestart=true\nexitcodes=1\n\
         [program:flood]\ncommand={writer} 0.002\nstdout_logfile=%(here)s/flood.log\n\
         stdout_logfile_maxbytes=256KB\nstdout_logfile_backups=2\nstartsecs=0\n\
         [program:lines]\ncommand={writer} 0.05\nstdout_logfile=%(here)s/lines.log\n\
         stdout_logfile_maxbytes=64KB\nstdout_logfile_backups=1\nstdout_events_enabled=true\nstartsecs=0\n\
         [program:sleeper]\ncommand=/bin/sleep 86400\nnumprocs={SLEEPERS}\n\
         process_name=%(program_name)s_%(process_num)02d\nstartsecs=0\n\
         [eventlistener:ear]\ncommand={} {}/listener.py /dev/null\nevents=PROCESS_STATE,TICK_5\nbuffer_size=100\n\
         [include]\nfiles=%(here)s/more.conf\n",
        python().display(),
        scripts().display()
    )
}

/// What a look at the daemon finds.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Bytes that are its own, with nothing of its program's file.
    memory: u64,
    descriptors: usize,
    children: usize,
}

#[test]
fn memory_and_descriptors_stay_while_everything_goes_on() {
    let seconds = std::env::var("PROVOST_SOAK_SECONDS").map_or(SECONDS, |text| {
        text.parse().expect("PROVOST_SOAK_SECONDS is a number")
    });
    let mut daemon = Start::new(Side::Ours, &config()).start();
    daemon.wait_state("ear", "RUNNING");
    let begun = Instant::now();
    let mut looks = Vec::new();
    let mut rounds = 0;
    for number in 1..=LOOKS {
        let until = Duration::from_secs(seconds) * u32::try_from(number).expect("a few")
            / u32::try_from(LOOKS).expect("a few");
        rounds += disturb(&daemon, begun + until);
        let look = look(&daemon);
        println!("after {:>6.0} s: {look:?}", begun.elapsed().as_secs_f64());
        looks.push(look);
    }
    println!("{rounds} rounds of clients, restarts and reloads");
    assert_flat(&looks[WARM_UP..]);
    let spawned = daemon
        .main_log_with_backups()
        .matches("spawned: 'crash_")
        .count();
    assert!(spawned > 10, "the crash loop ran {spawned} times");
    assert_eq!(daemon.ctl(Side::Ours, &["shutdown"]).stdout, "Shut down\n");
    assert_eq!(daemon.wait_end(), Some(0));
}

fn assert_flat(looks: &[Look]) {
    let (first, second) = looks.split_at(looks.len() / 2);
    let least = |looks: &[Look]| looks.iter().map(|look| look.memory).min().unwrap_or(0);
    assert!(
        least(second) < least(first) + GROWTH_MAX,
        "memory grows: {looks:?}"
    );
    let wanted = looks.first().expect("there are some").descriptors;
    for look in looks {
        assert_eq!(look.descriptors, wanted, "descriptors are left: {looks:?}");
    }
}

/// Clients, restarts and reloads until then. Answers how many rounds there were.
fn disturb(daemon: &Daemon, until: Instant) -> usize {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = scope.spawn(|| read_logs(daemon, &is_over));
        let strangers = scope.spawn(|| leave_early(daemon, &is_over));
        let mut rounds = 0;
        while Instant::now() < until {
            reload(daemon, rounds);
            rounds += 1;
            thread::sleep(ROUND);
        }
        is_over.store(true, Ordering::Relaxed);
        readers.join().expect("it does not panic");
        strangers.join().expect("it does not panic");
        rounds
    })
}

/// One round of an operator: a program comes or goes with the configuration, some are restarted, logs are reopened.
fn reload(daemon: &Daemon, round: usize) {
    let more = if round.is_multiple_of(2) {
        "[program:guest]\ncommand=/bin/cat\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)d\nstartsecs=0\n"
    } else {
        ""
    };
    daemon.place().write("more.conf", more);
    let updated = daemon.ctl(Side::Ours, &["update"]);
    let expected = if more.is_empty() {
        "guest: stopped\nguest: removed process group\n"
    } else {
        "guest: added process group\n"
    };
    assert_eq!(updated.stdout, expected);
    let status = daemon.ctl(Side::Ours, &["status", "sleeper:*"]);
    assert_eq!(status.stdout.matches(" RUNNING ").count(), SLEEPERS);
    let restarted = daemon.ctl(Side::Ours, &["restart", "sleeper:*", "lines"]);
    assert_eq!(
        restarted.stdout.matches(": started\n").count(),
        SLEEPERS + 1
    );
    daemon.ctl(Side::Ours, &["clear", "flood"]);
    daemon.signal(Signal::USR2);
}

/// Clients that read logs.
fn read_logs(daemon: &Daemon, is_over: &AtomicBool) {
    let rpc = daemon.rpc();
    while !is_over.load(Ordering::Relaxed) {
        for name in ["flood", "lines"] {
            let tail = [name.into(), 0.into(), 100_000.into()];
            rpc.call("supervisor.tailProcessStdoutLog", &tail);
        }
        rpc.call("supervisor.readLog", &[(-5000).into(), 0.into()]);
        rpc.call("supervisor.getAllProcessInfo", &[]).value();
        rpc.call("supervisor.getAllConfigInfo", &[]).value();
        thread::sleep(Duration::from_millis(20));
    }
}

/// Clients that follow a log for a moment, or leave in the middle of what they say.
fn leave_early(daemon: &Daemon, is_over: &AtomicBool) {
    let target = Target::Unix(daemon.socket());
    let mut count = 0u64;
    while !is_over.load(Ordering::Relaxed) {
        count += 1;
        if let Ok(mut stream) = target.connect() {
            let said: &[u8] = if count.is_multiple_of(2) {
                b"GET /logtail/lines HTTP/1.1\r\nHost: localhost\r\n\r\n"
            } else {
                b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n<?xml"
            };
            // It may have as many connections as it takes.
            let _ = stream.write_all(said);
            thread::sleep(Duration::from_millis(30));
        }
    }
}

/// A look while no client is there and nothing comes or goes but what does so by itself.
fn look(daemon: &Daemon) -> Look {
    daemon.place().write("more.conf", "");
    daemon.ctl(Side::Ours, &["update"]);
    // Those that come and go are stopped for the time of the look: what they have open differs.
    // One that has just ended cannot be stopped, and is started again.
    let comers = ["crash:crash_0", "crash:crash_1", "brief", "flood", "lines"];
    for name in comers {
        wait_until(PATIENCE, "it to be stopped", || {
            daemon.ctl(Side::Ours, &["stop", name]);
            daemon.rpc().state(name) == "STOPPED"
        });
    }
    let mut last = usize::MAX;
    wait_until(PATIENCE, "the number of descriptors to stay", || {
        let now = descriptors(daemon.pid());
        thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut last, now) == now && now == descriptors(daemon.pid())
    });
    let look = Look {
        memory: own_bytes(daemon.pid()),
        descriptors: descriptors(daemon.pid()),
        children: children(daemon.pid()).len(),
    };
    assert_eq!(look.children, SLEEPERS + 1, "the sleepers and the listener");
    for name in comers {
        daemon.ctl(Side::Ours, &["start", name]);
    }
    look
}
