//! Output and logs. The names of the tests are rows of `docs/faults.md`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use provost_e2e::means::{Frozen, LOOP_MOUNT, assert_calm, can_freeze, has_command};
use provost_e2e::{
    Daemon, PATIENCE, Place, Side, Start, assert_contiguous, clean, is_alive, mounting, run,
    send_signal, wait_for, wait_until, with_backups,
};
use rustix::process::Signal;

/// Numbered lines, about two hundred in a second.
const COUNTER: &str =
    "command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done'\nstartsecs=0\n";

fn start(config: &str) -> Daemon {
    Start::new(Side::Ours, config).start()
}

/// `status` answers, soon.
fn assert_answers(daemon: &Daemon, text: &str) {
    let begun = Instant::now();
    let status = daemon.ctl(Side::Ours, &["status"]);
    assert!(
        status.stdout.contains(text),
        "{}{}",
        status.stdout,
        status.stderr
    );
    // Many times what it takes on a busy machine; what is held up by a disk or a reader never comes.
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

/// A container whose output nobody reads: supervision goes on, and the end comes in time.
#[test]
fn f23_an_unread_standard_output_holds_up_nobody() {
    let place = Place::new();
    let config = place.write(
        "supervisord.conf",
        "[unix_http_server]\nfile=%(here)s/s.sock\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
         [supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n\
         [program:loud]\ncommand=/bin/sh -c 'exec yes'\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstartsecs=0\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    let mut command = Command::new(Side::Ours.command("supervisord"));
    clean(&mut command, &place);
    command.args(["-n", "-c"]).arg(&config).stdin(Stdio::null());
    let mut daemon = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon can be started");
    let ctl = |words: &[&str]| {
        let mut command = Command::new(Side::Ours.command("supervisorctl"));
        clean(&mut command, &place);
        run(command.arg("-c").arg(&config).args(words))
    };
    wait_until(PATIENCE, "both to run", || {
        ctl(&["status"]).stdout.matches("RUNNING").count() == 2
    });
    assert_calm(daemon.id(), 5);
    assert_eq!(
        ctl(&["restart", "other"]).stdout,
        "other: stopped\nother: started\n"
    );
    let begun = Instant::now();
    send_signal(daemon.id(), Signal::TERM);
    let code = wait_for(PATIENCE, "the end", || {
        daemon.try_wait().expect("it is ours")
    });
    assert!(
        code.success() && begun.elapsed() < Duration::from_secs(20),
        "{code} {:?}",
        begun.elapsed()
    );
}

/// While a file system hangs, everything but its logs goes on; afterwards nothing is missing.
#[test]
fn f24_a_hung_file_system_holds_up_its_logs_only() {
    if !can_freeze() {
        return;
    }
    let config = format!(
        "[program:n]\n{COUNTER}stdout_logfile=%(here)s/small/n.log\nstdout_logfile_maxbytes=0\n\
         [program:m]\n{COUNTER}stdout_logfile=NONE\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n"
    );
    let start = Start::new(Side::Ours, &config).file("small/mount-point", "");
    let daemon = start.under(&mounting(LOOP_MOUNT)).start();
    let log = provost_e2e::inside(&daemon, "small/n.log");
    wait_until(PATIENCE, "lines", || {
        fs::metadata(&log).is_ok_and(|log| log.len() > 0)
    });
    let frozen = Frozen::new(&daemon);
    assert_answers(&daemon, "RUNNING");
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "m"]).stdout,
        "m: stopped\n"
    );
    let old = daemon.rpc().pid("other");
    send_signal(old, Signal::KILL);
    wait_until(PATIENCE, "the exit to be seen", || {
        daemon.rpc().pid("other") != old
    });
    assert_eq!(
        daemon.ctl(Side::Ours, &["stop", "n"]).stdout,
        "n: stopped\n"
    );
    frozen.thaw();
    wait_until(PATIENCE, "the last lines", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.ends_with('\n') && assert_contiguous(&text, 1) > 1
    });
}

/// Four programs that write as fast as they can cost the others nothing that shows.
#[test]
fn f25_floods_do_not_hold_up_answers() {
    let daemon = start(
        "[program:yes]\ncommand=/bin/sh -c 'exec yes'\nnumprocs=4\nprocess_name=%(program_name)s%(process_num)d\nstartsecs=0\n\
         stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n",
    );
    daemon.wait_state("other", "RUNNING");
    wait_until(PATIENCE, "a flood", || {
        daemon
            .place()
            .list(".")
            .iter()
            .any(|name| name.ends_with(".log.1"))
    });
    let rpc = daemon.rpc();
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(rpc.state("other"), "RUNNING");
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    assert!(times[25] < Duration::from_millis(500), "{times:?}");
    assert_eq!(
        daemon.ctl(Side::Ours, &["restart", "other"]).stdout,
        "other: stopped\nother: started\n"
    );
}

/// A line without end goes through without being kept.
#[test]
fn f26_a_line_of_300_megabytes_costs_no_memory() {
    const BYTES: u64 = 300 << 20;
    let daemon = start(&format!(
        "[program:p]\ncommand=/bin/sh -c 'head -c {BYTES} /dev/zero | tr \"\\\\0\" x; echo; echo done >done; exec cat'\n\
         startsecs=0\nstdout_logfile=%(here)s/long.log\nstdout_logfile_maxbytes=10MB\nstdout_logfile_backups=1\n",
    ));
    wait_until(PATIENCE * 3, "the end of the line", || {
        daemon.place().read("done").contains("done")
    });
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("the kernel tells");
    let kib: u64 = peak
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    assert!(kib < 64 << 10, "{kib} KiB");
    wait_until(PATIENCE, "the line end in the log", || {
        daemon.place().read("long.log").ends_with('\n')
    });
}

/// A program that closes its output runs on, and nothing spins.
#[test]
fn f27_closed_output_does_not_end_or_spin() {
    let daemon = start(
        "[program:p]\ncommand=/bin/sh -c 'echo last; exec 1>&- 2>&-; exec sleep 86404'\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n",
    );
    daemon.wait_file("p.log", "last");
    daemon.wait_state("p", "RUNNING");
    assert_calm(daemon.pid(), 3);
    assert_eq!(daemon.rpc().state("p"), "RUNNING");
}

/// What a child's child writes after the child's end is in the log, also when the program has started again; and the
/// end itself is told at once.
#[test]
fn f28_output_after_the_end_is_in_the_log() {
    let daemon = start(
        "[program:p]\nstartsecs=0\nautorestart=false\nstdout_logfile=%(here)s/p.log\n\
         directory=%(here)s\n\
         command=/bin/sh -c '(for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.02; done; \
         while [ ! -e go ]; do sleep 0.02; done; echo 10; echo end >end) & exit 0'\n",
    );
    daemon.wait_state("p", "EXITED");
    assert_eq!(
        daemon.place().read("end"),
        "",
        "the exit waited for the output"
    );
    daemon.ctl(Side::Ours, &["start", "p"]);
    daemon.place().write("go", "");
    wait_until(PATIENCE, "all lines of both runs", || {
        let text = daemon.place().read("p.log");
        let mut numbers: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        numbers.sort_unstable();
        let expected: Vec<u32> = (1..=10).flat_map(|number| [number, number]).collect();
        numbers == expected
    });
}

/// Bytes that are no text are in the log as they came.
#[test]
fn f29_bytes_that_are_no_text_stay_as_they_are() {
    let daemon = start(
        "[program:p]\ncommand=/bin/sh -c 'printf \"a\\\\000b\\\\377\\\\033[31mred\\\\033[0m\\\\n\"; exec cat'\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstdout_events_enabled=true\n",
    );
    let wanted = b"a\0b\xff\x1b[31mred\x1b[0m\n";
    wait_until(PATIENCE, "the bytes", || {
        fs::read(daemon.place().join("p.log")).is_ok_and(|bytes| bytes == wanted)
    });
    let tail = daemon.ctl(Side::Ours, &["tail", "p"]);
    assert!(
        tail.stdout.contains("red") && tail.code == Some(0),
        "{tail:?}"
    );
}

/// Tools that move or cut logs under a running daemon: no line is lost by ours, and the size is the file's.
#[test]
fn f30_logs_that_others_move_or_cut_go_on() {
    let daemon = start(&format!(
        "[program:moved]\n{COUNTER}stdout_logfile=%(here)s/moved.log\nstdout_logfile_maxbytes=0\n\
         [program:cut]\n{COUNTER}stdout_logfile=%(here)s/cut.log\nstdout_logfile_maxbytes=1MB\n"
    ));
    let length = |name: &str| fs::metadata(daemon.place().join(name)).map_or(0, |file| file.len());
    wait_until(PATIENCE, "lines", || {
        length("moved.log") > 100 && length("cut.log") > 100
    });
    fs::rename(
        daemon.place().join("moved.log"),
        daemon.place().join("moved.log.1"),
    )
    .expect("it is ours");
    let before = length("moved.log.1");
    wait_until(PATIENCE, "lines in the moved file", || {
        length("moved.log.1") > before
    });
    daemon.signal(Signal::USR2);
    wait_until(PATIENCE, "lines in the new file", || {
        length("moved.log") > 0
    });
    daemon.ctl(Side::Ours, &["stop", "moved"]);
    assert_contiguous(&with_backups(daemon.place(), ".", "moved.log"), 1);

    let cut = fs::File::options()
        .write(true)
        .open(daemon.place().join("cut.log"))
        .expect("it is ours");
    cut.set_len(0).expect("it is ours");
    wait_until(PATIENCE, "lines after the cut", || length("cut.log") > 100);
    daemon.ctl(Side::Ours, &["stop", "cut"]);
    let text = daemon.place().read("cut.log");
    let first: u64 = text
        .lines()
        .next()
        .and_then(|line| line.parse().ok())
        .expect("no hole of zeros at the beginning");
    assert!(first > 1, "it was cut");
    assert_contiguous(&text, first);
}

/// The tool that does it everywhere, in both of its ways.
#[test]
fn f30_logrotate_in_both_ways() {
    if !has_command("logrotate") {
        return;
    }
    let daemon = start(&format!(
        "[program:p]\n{COUNTER}stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n"
    ));
    for way in ["copytruncate", "create"] {
        wait_until(PATIENCE, "lines", || {
            daemon.place().read("p.log").len() > 100
        });
        let text = format!(
            "{}/p.log {{\n su root root\n rotate 9\n {way}\n}}\n",
            daemon.place().text()
        );
        let config = daemon.place().write("logrotate.conf", text);
        let state = daemon.place().join("logrotate.state");
        let done = run(Command::new("logrotate")
            .args(["-f", "-s"])
            .arg(state)
            .arg(config));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        daemon.signal(Signal::USR2);
    }
    wait_until(PATIENCE, "lines again", || {
        daemon.place().read("p.log").len() > 10
    });
    assert!(is_alive(daemon.rpc().pid("p")));
}

/// The same sentence again and again: ten lines, then one each ten seconds. No request is ever written down.
#[test]
fn f31_repeated_sentences_are_counted_instead() {
    let daemon = start("[program:p]\ncommand=/bin/true\nstartsecs=0\nautorestart=true\n");
    daemon.wait_log(" more lines like this in 10 seconds: ");
    let log = daemon.main_log();
    let written = log
        .lines()
        .filter(|line| line.contains("INFO spawned: 'p'"))
        .count();
    assert_eq!(written, 10, "{log}");
    let body = "<methodCall>secret";
    for _ in 0..30 {
        let mut stream = UnixStream::connect(daemon.socket()).expect("it listens");
        let head = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
    }
    wait_until(PATIENCE, "complaints", || {
        daemon.main_log().contains("XML-RPC request data")
    });
    let log = daemon.main_log();
    assert!(log.matches("is invalid").count() <= 11, "{log}");
    assert!(!log.contains("secret"), "{log}");
}
