//! How long `status` takes while something else is wrong. The names in the table are rows of `docs/faults.md`.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use provost_e2e::means::{
    Cgroup, Frozen, LOOP_MOUNT, Limit, can_freeze, can_panic, failing_calls, make_fifo,
};
use provost_e2e::{
    Daemon, Outcome, PATIENCE, Side, Start, Target, encode_call, free_port, inside, mounting,
    python, run_inside, scripts, send_signal, wait_until,
};
use rustix::process::Signal;

/// Answers that are measured under each fault; `PROVOST_STATUS_SAMPLES` asks for more, and then it is the promise that is
/// asserted.
const SAMPLES: usize = 40;

/// The promise, of 99 answers in a hundred.
const PROMISE: Duration = Duration::from_millis(100);

/// What a debug build keeps on a machine that is busy with something else.
const AT_ALL: Duration = Duration::from_secs(2);

/// What is wrong, from the outside; it stays so for as long as this lives.
type Trouble<'a> = Box<dyn Keeps + 'a>;

/// Whatever keeps a fault up until it is dropped.
trait Keeps {}

impl<T> Keeps for T {}

/// What the daemon runs under.
enum Under {
    Nothing,
    /// A name space of its own, where this script has been run. There is a directory `small`.
    Mount(&'static str),
    /// These words before it.
    Words(&'static [&'static str]),
    /// System calls that fail, as `strace` takes them.
    Calls(&'static str),
    /// A panic at this place. It is measured until that has happened.
    Panic(&'static str),
}

/// A fault.
struct Fault {
    name: &'static str,
    config: &'static str,
    under: Under,
    /// Brings it about, and returns when it is there. None where this machine has no means to.
    begin: for<'a> fn(&'a Daemon, u16) -> Option<Trouble<'a>>,
}

/// A program that is started again and again.
const HOT: &str =
    "[program:hot]\ncommand=/bin/sh -c 'echo x; sleep 0.05'\nstartsecs=0\nautorestart=true\n";

/// A program whose log is rotated all the time.
const ROTATING: &str = "[program:says]\ncommand=/bin/sh -c 'while :; do echo x; sleep 0.01; done'\nstartsecs=0\n\
    stdout_logfile=%(here)s/small/says.log\nstdout_logfile_maxbytes=20\nstdout_logfile_backups=10000\n";

/// Writes a script that enters a group and becomes a program of Python.
fn limited(daemon: &Daemon, group: &Cgroup, words: &str) {
    let script = format!("{}\nexec {} {words}\n", group.enter(), python().display());
    daemon.place().write("limited.sh", script);
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "nothing is wrong",
        config: "",
        under: Under::Nothing,
        begin: |_, _| Some(Box::new(())),
    },
    Fault {
        name: "F05 panic, and a new beginning",
        config: "[program:says]\ncommand=/bin/sh -c 'while :; do echo x; sleep 0.01; done'\nstartsecs=0\n",
        under: Under::Panic("logs:700"),
        begin: |_, _| Some(Box::new(())),
    },
    Fault {
        name: "F11 no more processes",
        config: "[program:many]\ncommand=/bin/cat\nnumprocs=30\nprocess_name=%(program_name)s%(process_num)d\n\
                 startretries=1000\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            let group = Cgroup::new(Limit::Processes)?;
            group.take(daemon.pid());
            group.set("1");
            daemon.rpc().call("supervisor.stopAllProcesses", &[]);
            for number in 0..30 {
                let name = format!("many:many{number}");
                let params = [name.as_str().into(), false.into()];
                daemon.rpc().call("supervisor.startProcess", &params);
            }
            daemon.wait_log("Too many processes in process table");
            Some(Box::new(group))
        },
    },
    Fault {
        name: "F12 no descriptors for pipes",
        config: "[supervisord]\nminfds=40\n[program:many]\ncommand=/bin/cat\nnumprocs=10\nautostart=false\n\
                 process_name=%(program_name)s%(process_num)d\n",
        under: Under::Words(&["prlimit", "--nofile=40:4096"]),
        begin: |daemon, _| {
            for number in 0..10 {
                let name = format!("many:many{number}");
                let params = [name.as_str().into(), false.into()];
                daemon.rpc().call("supervisor.startProcess", &params);
            }
            daemon.wait_log("too many open files to spawn");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F13 half-open connections",
        config: "",
        under: Under::Nothing,
        begin: |daemon, port| {
            let tcp: Vec<_> = (0..600)
                .filter_map(|_| {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
                    stream.write_all(b"POST /RPC2 HT").ok();
                    Some(stream)
                })
                .collect();
            let unix: Vec<_> = (0..60)
                .filter_map(|_| UnixStream::connect(daemon.socket()).ok())
                .collect();
            Some(Box::new((tcp, unix)))
        },
    },
    Fault {
        name: "F14 single calls fail",
        config: HOT,
        under: Under::Calls("pipe2:error=ENFILE:when=40+5"),
        begin: |daemon, _| {
            daemon.wait_log("to spawn 'hot'");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F15 full disk, lines are dropped",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nstdout_logfile=%(here)s/small/yes.log\n\
                 stdout_logfile_maxbytes=0\n",
        under: Under::Mount("mount -t tmpfs -o size=256k none small"),
        begin: |daemon, _| {
            daemon.wait_log("small/yes.log: No space left on device");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F15 full disk, the program waits",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nstdout_logfile=%(here)s/small/yes.log\n\
                 stdout_logfile_maxbytes=0\nlogfile_full=block\n",
        under: Under::Mount("mount -t tmpfs -o size=256k none small"),
        begin: |daemon, _| {
            daemon.wait_log("small/yes.log: No space left on device");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F16 full disk under the main log",
        config: "[supervisord]\nlogfile=%(here)s/small/main.log\n[program:hot]\ncommand=/bin/true\nstartsecs=0\n\
                 autorestart=true\n",
        under: Under::Mount(
            "mount -t tmpfs -o size=64k none small\nhead -c 64k /dev/zero >small/filler || true",
        ),
        begin: |daemon, _| {
            wait_until(PATIENCE, "the main log, which takes nothing", || {
                std::fs::metadata(inside(daemon, "small/main.log"))
                    .is_ok_and(|file| file.len() == 0)
            });
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F17 rotation in a read-only directory",
        config: ROTATING,
        under: Under::Mount("true"),
        begin: |daemon, _| {
            wait_until(PATIENCE, "a rotation", || {
                daemon.place().list("small").len() > 3
            });
            run_inside(
                daemon,
                "mount --bind small small && mount -o remount,bind,ro small",
            );
            daemon.wait_log("could not rotate log");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F18 directory of a log removed",
        config: ROTATING,
        under: Under::Mount("true"),
        begin: |daemon, _| {
            daemon.wait_file("small/says.log", "x");
            let gone = || std::fs::remove_dir_all(daemon.place().join("small")).is_ok();
            wait_until(PATIENCE, "the directory to be gone", gone);
            daemon.wait_log("small/says.log");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F19 no inodes",
        config: ROTATING,
        under: Under::Mount("mount -t tmpfs -o nr_inodes=12 none small"),
        begin: |daemon, _| {
            daemon.wait_log("small/says.log: No space left on device");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F20 children without memory",
        config: "[program:big]\ncommand=/bin/sh %(here)s/limited.sh\nstartsecs=0\nautostart=false\nautorestart=true\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            let group = Cgroup::new(Limit::Memory)?;
            group.set("50M");
            let script = "x = [bytearray(1 << 20) for i in range(4000)]";
            limited(daemon, &group, &format!("-c '{script}'"));
            daemon
                .rpc()
                .call("supervisor.startProcess", &["big".into(), false.into()]);
            daemon.wait_log("exited: big (terminated by SIGKILL");
            Some(Box::new(group))
        },
    },
    Fault {
        name: "F21 fork bomb",
        config: "[program:bomb]\ncommand=/bin/sh %(here)s/limited.sh\nstartsecs=0\nautostart=false\nstopasgroup=true\n\
                 stopsignal=KILL\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            let group = Cgroup::new(Limit::Processes)?;
            group.set("60");
            let bomb = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)\n";
            let bomb = daemon.place().write("bomb.py", bomb);
            limited(daemon, &group, &bomb.display().to_string());
            daemon
                .rpc()
                .call("supervisor.startProcess", &["bomb".into(), false.into()]);
            wait_until(PATIENCE, "the bomb to go off", || group.members() > 40);
            Some(Box::new(group))
        },
    },
    Fault {
        name: "F23 log that nobody reads",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nautostart=false\n\
                 stdout_logfile=%(here)s/fifo\nstdout_logfile_maxbytes=0\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            make_fifo(&daemon.place().join("fifo"));
            daemon
                .rpc()
                .call("supervisor.startProcess", &["yes".into()]);
            daemon.wait_state("yes", "RUNNING");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F24 file system that hangs",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nstdout_logfile=%(here)s/small/yes.log\n\
                 stdout_logfile_maxbytes=1MB\n",
        under: Under::Mount(LOOP_MOUNT),
        begin: |daemon, _| {
            daemon.wait_state("yes", "RUNNING");
            can_freeze().then(|| Box::new(Frozen::new(daemon)) as Trouble<'_>)
        },
    },
    Fault {
        name: "F25 floods",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nnumprocs=4\n\
                 process_name=%(program_name)s%(process_num)d\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            daemon.wait_state("yes:yes3", "RUNNING");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F26 line without an end",
        config: "[program:zero]\ncommand=/bin/sh -c 'exec cat /dev/zero'\nstartsecs=0\nstdout_syslog=false\n\
                 stdout_events_enabled=true\nstdout_logfile=NONE\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            daemon.wait_state("zero", "RUNNING");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F32 halted program that is being stopped",
        config: "[program:halted]\ncommand=/bin/sh -c 'trap \"\" TERM; echo up; exec sleep 1000'\nstartsecs=0\n\
                 stopwaitsecs=600\nstdout_logfile=%(here)s/halted.log\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            daemon.wait_file("halted.log", "up");
            let halted = daemon.rpc().pid("halted");
            send_signal(halted, Signal::STOP);
            let params = ["halted".into(), false.into()];
            daemon.rpc().call("supervisor.stopProcess", &params);
            daemon.wait_state("halted", "STOPPING");
            Some(Box::new(KilledAtTheEnd(halted)))
        },
    },
    Fault {
        name: "F34 storm of orphans as process 1",
        config: "[program:storm]\ncommand=/bin/sh -c 'while :; do (/bin/true &); done'\nstartsecs=0\n",
        under: Under::Words(&["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]),
        begin: |daemon, _| {
            daemon.wait_log("reaped unknown pid");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F43 programs that end as soon as they run",
        config: "[program:hot]\ncommand=/bin/true\nstartsecs=0\nautorestart=true\nnumprocs=10\n\
                 process_name=%(program_name)s%(process_num)d\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            daemon.wait_log("exited: hot9");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F44 listener that hangs, and a burst of events",
        config: "[eventlistener:hung]\ncommand=/bin/sh -c 'echo READY; exec sleep 1000'\nevents=EVENT\nstartsecs=0\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            let params = ["kind".into(), "x".repeat(200_000).as_str().into()];
            wait_until(PATIENCE, "an overflow", || {
                daemon.rpc().call("supervisor.sendRemoteCommEvent", &params);
                daemon.main_log().contains("overflow")
            });
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F45 listener that spews",
        config: "[eventlistener:spew]\ncommand=/bin/sh -c 'echo READY; exec yes'\nevents=PROCESS_STATE\nstartsecs=0\n\
                 stdout_logfile=NONE\n",
        under: Under::Nothing,
        begin: |daemon, _| {
            daemon.wait_log("spew: has entered the UNKNOWN state");
            Some(Box::new(()))
        },
    },
    Fault {
        name: "F50 tails that nobody reads",
        config: "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nstartsecs=0\nstdout_logfile_maxbytes=1MB\n\
                 stdout_logfile_backups=1\n",
        under: Under::Nothing,
        begin: |daemon, port| {
            daemon.wait_state("yes", "RUNNING");
            let tails: Vec<_> = (0..20)
                .filter_map(|_| {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
                    let request = b"GET /logtail/yes HTTP/1.1\r\nHost: localhost\r\n\r\n";
                    stream.write_all(request).ok()?;
                    Some(stream)
                })
                .collect();
            Some(Box::new(tails))
        },
    },
    Fault {
        name: "F55 bombs of markup",
        config: "",
        under: Under::Nothing,
        begin: |_, port| {
            let bomb = "<methodCall>".repeat(300_000);
            Some(again_and_again(port, bomb))
        },
    },
    Fault {
        name: "F56 large multicalls",
        config: "",
        under: Under::Nothing,
        begin: |_, port| {
            let one = "<value><struct><member><name>methodName</name><value>supervisor.getState</value></member>\
                       <member><name>params</name><value><array><data/></array></value></member></struct></value>";
            let body = format!(
                "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{}</data></array>\
                 </value></param></params></methodCall>",
                one.repeat(10_000)
            );
            Some(again_and_again(port, body))
        },
    },
];

/// Posts a body again and again until it is dropped.
struct Poster {
    over: std::sync::Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Poster {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it posts");
        }
    }
}

fn again_and_again(port: u16, body: String) -> Trouble<'static> {
    let over = std::sync::Arc::new(AtomicBool::new(false));
    let stop = std::sync::Arc::clone(&over);
    let thread = std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let target = Target::Port(port);
            // What becomes of it is another test's.
            drop(target.post(&body, ""));
        }
    });
    Box::new(Poster {
        over,
        thread: Some(thread),
    })
}

/// A program that would keep its daemon from its end.
struct KilledAtTheEnd(u32);

impl Drop for KilledAtTheEnd {
    fn drop(&mut self) {
        send_signal(self.0, Signal::KILL);
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for whoever asks for more samples"
)]
fn status_is_answered_soon_under_each_fault() {
    let asked = std::env::var("PROVOST_STATUS_SAMPLES").ok();
    let samples = asked
        .as_ref()
        .map_or(SAMPLES, |text| text.parse().expect("a number of samples"));
    let limit = if asked.is_some() { PROMISE } else { AT_ALL };
    let mut slow = Vec::new();
    for fault in FAULTS {
        let Some((median, p99)) = measured(fault, samples) else {
            continue;
        };
        println!("{:48} median {median:9.2?}  p99 {p99:9.2?}", fault.name);
        if p99 >= limit {
            slow.push(fault.name);
        }
    }
    assert!(slow.is_empty(), "slow under {slow:?}");
}

/// Median and 99th percentile of the time that the whole `status` of a client takes under a fault.
fn measured(fault: &Fault, samples: usize) -> Option<(Duration, Duration)> {
    let port = free_port();
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n{}[program:up]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:n]\ncommand={} {}/numbered_lines.py 0.1\nstartsecs=0\nstdout_logfile_maxbytes=1MB\n",
        fault.config,
        python().display(),
        scripts().display(),
    );
    let mut start = Start::new(Side::Ours, &config);
    match fault.under {
        Under::Nothing => {}
        Under::Mount(mount) => {
            start = start.file("small/mount-point", "").under(&mounting(mount));
        }
        Under::Words(words) => start = start.under(words),
        Under::Calls(calls) => start = start.under(&failing_calls(calls, None)?),
        Under::Panic(_) if !can_panic() => return None,
        Under::Panic(place) => start = start.environment("PROVOST_PANIC", place),
    }
    let daemon = start.start();
    daemon.wait_state("up", "RUNNING");
    let trouble = (fault.begin)(&daemon, port)?;
    let call = encode_call("supervisor.getAllProcessInfo", &[]);
    let target = Target::Unix(daemon.socket());
    let ends = Instant::now() + PATIENCE;
    let is_over = || match fault.under {
        Under::Panic(_) => daemon.place().read("main.log").contains("began anew"),
        _ => true,
    };
    let mut times: Vec<Duration> = Vec::new();
    while times.len() < samples || !is_over() {
        let begin = Instant::now();
        let answer = target.post(&call, "").expect("an answer");
        let took = begin.elapsed();
        assert!(begin < ends, "{} never ends", fault.name);
        let text = answer.text();
        assert!(text.contains("<string>up</string>"), "{text}");
        times.push(took);
    }
    times.sort_unstable();
    let outcome = daemon.rpc().call("supervisor.getState", &[]);
    assert!(matches!(outcome, Outcome::Value(_)), "{outcome}");
    drop(trouble);
    let count = times.len();
    let p99 = times.get(count * 99 / 100).or(times.last())?;
    Some((times[count / 2], *p99))
}
