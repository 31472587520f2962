//! Row F22 of `docs/faults.md`: thousands of programs start in seconds, meanwhile clients are answered, and then nothing
//! is spent on them.

#![expect(clippy::print_stdout, reason = "the figures are part of the result")]

use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::{Daemon, PATIENCE, Side, Start, descriptors, own_bytes, sleeps, wait_quiet};

/// Programs in the ordinary run; `PROVOST_MANY` is another number.
const PROGRAMS: usize = 2_000;

/// Descriptors of the daemon for each program that has one captured stream: the ends of two pipes, and no more than that.
const DESCRIPTORS: usize = 2;

/// In what time all must have been spawned, however many they are.
const SPAWNED: Duration = Duration::from_secs(15);

/// How long a client waits for the state of one program meanwhile.
const ANSWER: Duration = Duration::from_secs(1);

/// How long `supervisorctl status` takes.
const STATUS: Duration = Duration::from_secs(1);

/// How long nothing may happen while they run.
const IDLE: Duration = Duration::from_secs(3);

/// Bytes of the daemon's memory for each.
const BYTES: u64 = 4 * 1024;

#[test]
fn f22_thousands_of_programs_start_while_clients_are_answered() {
    let programs = std::env::var("PROVOST_MANY").map_or(PROGRAMS, |text| {
        text.parse().expect("PROVOST_MANY is a number")
    });
    let alone = own_bytes(start(1).pid());

    let begun = Instant::now();
    let daemon = start(programs);
    let mut slowest = Duration::ZERO;
    let last = format!("many:many_{:05}", programs - 1);
    let rpc = daemon.rpc();
    loop {
        let asked = Instant::now();
        let info = rpc
            .call("supervisor.getProcessInfo", &[last.as_str().into()])
            .value();
        slowest = slowest.max(asked.elapsed());
        if info.get("statename").map(provost_e2e::Value::text) == Some("RUNNING") {
            break;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "the last one is not RUNNING: {info}"
        );
        thread::sleep(Duration::from_millis(5));
    }
    let spawned = begun.elapsed();
    provost_e2e::wait_all_running(&rpc, programs);

    let status = (0..3).map(|_| status(&daemon, programs)).min();
    let status = status.expect("it was asked three times");
    let idle_wakes = wakes_while_idle(&daemon);
    let each = own_bytes(daemon.pid()).saturating_sub(alone) / programs as u64;
    println!(
        "{programs} programs: spawned after {} ms, slowest answer {} ms, status {} ms, {idle_wakes} wake-ups in {} s, \
         {each} bytes each",
        spawned.as_millis(),
        slowest.as_millis(),
        status.as_millis(),
        IDLE.as_secs()
    );
    assert!(spawned < SPAWNED, "spawned after {spawned:?}");
    assert!(slowest < ANSWER, "an answer took {slowest:?}");
    assert!(status < STATUS, "status took {status:?}");
    assert_eq!(idle_wakes, 0);
    assert!(each < BYTES, "{each} bytes for each program");
    let open = descriptors(daemon.pid());
    assert!(
        open < programs * DESCRIPTORS + 64,
        "{open} descriptors are open"
    );
}

/// Starts that many sleepers with one captured stream each.
fn start(programs: usize) -> Daemon {
    let config = format!(
        "minfds={}\n[program:many]\ncommand=/bin/sleep 86400\nnumprocs={programs}\n\
         process_name=%(program_name)s_%(process_num)05d\nstartsecs=0\nredirect_stderr=true\n\
         stdout_logfile=/dev/null\nstdout_logfile_maxbytes=0\n",
        programs * DESCRIPTORS + 64
    );
    Start::new(Side::Ours, &config).start()
}

fn status(daemon: &Daemon, programs: usize) -> Duration {
    let begun = Instant::now();
    let status = daemon.ctl(Side::Ours, &["status"]);
    let took = begun.elapsed();
    assert_eq!(status.stdout.matches(" RUNNING ").count(), programs);
    took
}

/// How often a thread of the daemon wakes in a while that begins when all is quiet.
fn wakes_while_idle(daemon: &Daemon) -> u64 {
    wait_quiet(daemon.pid());
    let count = || sleeps(daemon.pid()).values().sum::<u64>();
    let before = count();
    // The one sleep that is the measurement itself.
    thread::sleep(IDLE);
    count() - before
}
