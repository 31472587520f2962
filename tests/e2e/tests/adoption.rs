//! supervisord is killed, and the next one takes over what it left behind.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use provost_e2e::{
    Daemon, PATIENCE, Side, Start, Value, assert_contiguous, is_alive, mounting, run_inside,
    send_signal, wait_until,
};
use rustix::process::Signal;

/// Numbered lines, about two hundred in a second.
const COUNTING: &str = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done";

fn ours(config: &str) -> Start {
    Start::new(Side::Ours, config)
}

fn counter(name: &str, more: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sh -c '{COUNTING}'\nstartsecs=0\nstdout_logfile=%(here)s/{name}.log\n{more}"
    )
}

fn records(daemon: &Daemon) -> String {
    daemon.place().read("s.pid.runs")
}

/// Waits until a log has grown.
fn wait_growth(daemon: &Daemon, log: &str) {
    let before = daemon.place().read(log).len();
    wait_until(PATIENCE, &format!("{log} to grow"), || {
        daemon.place().read(log).len() > before
    });
}

/// Asserts that nothing is missing in a log of numbered lines, twice there or out of order but at the kills: there what had
/// been read and not yet written is lost, which is no more than is read at once.
fn assert_gaps_at_kills(daemon: &Daemon, log: &str, kills: usize) {
    const AT_ONCE: u64 = 64 * 1024;
    let text = daemon.place().read(log);
    let numbers: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let before = std::iter::once(0).chain(numbers.iter().copied());
    let mut gaps = Vec::new();
    for (before, &number) in before.zip(&numbers) {
        assert!(before < number, "{log} has {number} after {before}");
        let missing = before + 1..number;
        let bytes: u64 = missing
            .clone()
            .map(|line| 2 + u64::from(line.ilog10()))
            .sum();
        if bytes > 0 {
            assert!(bytes <= AT_ONCE, "{log} lacks {missing:?}");
            gaps.push(missing);
        }
    }
    assert!(
        gaps.len() <= kills,
        "{log} lacks {gaps:?} after {kills} kills"
    );
}

/// A daemon that was killed while this ran, and what it ran: the pids of `names`.
fn killed(config: &str, names: &[&str]) -> (Daemon, Vec<u32>) {
    let mut daemon = ours(config).start();
    for name in names {
        daemon.wait_state(name, "RUNNING");
    }
    let pids = names.iter().map(|name| daemon.rpc().pid(name)).collect();
    daemon.kill_alone();
    (daemon, pids)
}

#[test]
fn f03_the_next_daemon_goes_on_with_pids_uptimes_and_logs() {
    let config = [
        counter("n", ""),
        counter(
            "pool",
            "process_name=%(program_name)s_%(process_num)d\nnumprocs=2\nstdout_logfile=%(here)s/pool_%(process_num)d.log\n",
        )
        .replacen("stdout_logfile=%(here)s/pool.log\n", "", 1),
        "[program:both]\ncommand=/bin/sh -c 'exec 1>&2; i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done'\n\
         startsecs=0\nredirect_stderr=true\nstdout_logfile=%(here)s/both.log\n"
            .to_owned(),
        "[program:auto]\ncommand=/bin/sh -c 'echo first; read line; exec sleep 86400'\nstartsecs=0\n".to_owned(),
    ]
    .concat();
    let names = ["n", "pool:pool_0", "pool:pool_1", "both", "auto"];
    let (mut daemon, pids) = killed(&config, &names);
    daemon.start_again(&ours(&config));
    for (name, pid) in names.iter().zip(&pids) {
        let info = daemon.wait_state(name, "RUNNING");
        assert_eq!(daemon.rpc().pid(name), *pid, "{name}: {info:?}");
    }
    for name in names {
        let short = name.rsplit(':').next().unwrap_or(name);
        daemon.wait_log(&format!("adopted: '{short}' with pid "));
    }
    assert_eq!(daemon.main_log().matches("spawned: ").count(), names.len());
    for log in ["n.log", "pool_0.log", "pool_1.log", "both.log"] {
        wait_growth(&daemon, log);
        assert_gaps_at_kills(&daemon, log, 1);
    }
    let autos = daemon.place().list(".");
    let autos = autos.iter().filter(|name| name.starts_with("auto-stdout"));
    let autos: Vec<_> = autos.collect();
    assert_eq!(autos.len(), 1, "{autos:?}");
    daemon.wait_file(autos[0], "first\n");
    assert_eq!(daemon.place().read(autos[0]), "first\n");
}

#[test]
fn an_adopted_process_is_stopped_and_its_exit_is_known() {
    let config = "[program:obeys]\ncommand=/bin/sh -c 'trap \"exit 7\" TERM; echo >obeying; while :; do sleep 0.01; done'\n\
                  startsecs=0\nexitcodes=7\nautorestart=false\ndirectory=%(here)s\n\
                  [program:ends]\ncommand=/bin/sh -c 'while [ ! -e go ]; do sleep 0.01; done; exit 9'\n\
                  startsecs=0\nautorestart=false\nexitcodes=9\ndirectory=%(here)s\n\
                  [program:group]\ncommand=/bin/sh -c 'sleep 86400 & echo $! >inner; wait'\nstartsecs=0\n\
                  stopasgroup=true\ndirectory=%(here)s\n";
    let (mut daemon, _) = killed(config, &["obeys", "ends", "group"]);
    // They have begun by now, which does not say that they have come that far.
    daemon.wait_file("obeying", "\n");
    daemon.wait_file("inner", "\n");
    let inner: u32 = daemon.place().read("inner").trim().parse().unwrap();
    daemon.start_again(&ours(config));
    daemon.wait_state("ends", "RUNNING");
    daemon.place().write("go", "");
    let info = daemon.wait_state("ends", "EXITED");
    assert_eq!(info.get("exitstatus").unwrap().int(), 9, "{info:?}");
    daemon.wait_log("exited: ends (exit status 9; expected)");
    let stopped = daemon.ctl(Side::Ours, &["stop", "obeys", "group"]);
    assert_eq!(stopped.stdout, "obeys: stopped\ngroup: stopped\n");
    daemon.wait_log("stopped: obeys (exit status 7)");
    wait_until(PATIENCE, "the whole group to end", || !is_alive(inner));
    assert!(daemon.rpc().pid("obeys") == 0);
    let started = daemon.ctl(Side::Ours, &["start", "obeys"]);
    assert_eq!(started.stdout, "obeys: started\n");
}

/// What a program writes while no daemon lives waits in its pipe; it gets no signal and no error.
#[test]
fn output_without_a_daemon_is_neither_an_error_nor_lost() {
    let config = "[program:n]\ncommand=/bin/sh -c 'while [ ! -e go ]; do sleep 0.01; done; seq 1 20000; echo end >>said'\n\
                  startsecs=0\nautorestart=false\nstdout_logfile=%(here)s/n.log\ndirectory=%(here)s\n";
    let (mut daemon, pids) = killed(config, &["n"]);
    daemon.place().write("go", "");
    // More than a pipe holds: it waits.
    std::thread::yield_now();
    assert!(is_alive(pids[0]));
    daemon.start_again(&ours(config));
    daemon.wait_state("n", "EXITED");
    daemon.wait_file("n.log", "\n20000\n");
    assert_eq!(assert_contiguous(&daemon.place().read("n.log"), 1), 20_000);
    assert_eq!(daemon.place().read("said"), "end\n");
}

#[test]
fn orphans_kill_stops_them_before_anything_is_started() {
    let config = "orphans=kill\n[program:soft]\ncommand=/bin/sh -c 'trap \"echo stopped >>order; exit\" USR1; echo started >>order; \
                  while :; do sleep 0.01; done'\nstopsignal=USR1\nstartsecs=0\ndirectory=%(here)s\n\
                  [program:hard]\ncommand=/bin/sh -c 'trap \"\" TERM; echo >deaf; while :; do sleep 0.01; done'\nstopwaitsecs=1\nstartsecs=0\n\
                  directory=%(here)s\n";
    let (mut daemon, pids) = killed(config, &["soft", "hard"]);
    daemon.wait_file("order", "started");
    daemon.wait_file("deaf", "\n");
    daemon.start_again(&ours(config));
    daemon.wait_state("soft", "RUNNING");
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    wait_until(PATIENCE, "the second start", || {
        daemon.place().read("order") == "started\nstopped\nstarted\n"
    });
    daemon.wait_log(&format!("killing 'hard' ({}) with SIGKILL", pids[1]));
    assert!(!daemon.main_log().contains("adopted"));
}

#[test]
fn orphans_refuse_names_them_and_touches_nothing() {
    let config = format!("orphans=refuse\n{}", counter("n", ""));
    let (mut daemon, pids) = killed(&config, &["n"]);
    let before = records(&daemon);
    daemon.launch_again(&ours(&config));
    assert_eq!(daemon.wait_end(), Some(2));
    let said = daemon.place().read("daemon.err");
    assert!(said.contains("orphans=refuse"), "{said}");
    assert!(said.contains(&format!("\nn pid {}\n", pids[0])), "{said}");
    assert!(is_alive(pids[0]));
    assert_eq!(records(&daemon), before);
    // With another word the same records serve.
    daemon.start_again(&ours(&counter("n", "")));
    assert_eq!(daemon.rpc().pid("n"), pids[0]);
}

#[test]
fn a_program_that_is_not_configured_any_more_is_stopped() {
    let (mut daemon, pids) = killed(&(counter("n", "") + &counter("gone", "")), &["n", "gone"]);
    daemon.start_again(&ours(&counter("n", "")));
    assert_eq!(daemon.rpc().pid("n"), pids[0]);
    assert!(!is_alive(pids[1]));
    daemon.wait_log("which an earlier supervisord started: it is not configured any more");
}

#[test]
fn a_changed_configuration_is_told_and_the_program_runs_on() {
    let (mut daemon, pids) = killed(&counter("n", ""), &["n"]);
    daemon.start_again(&ours(&counter("n", "stopwaitsecs=3\n")));
    assert_eq!(daemon.rpc().pid("n"), pids[0]);
    daemon.wait_log("its configuration has changed since it was started, restart it to apply that");
}

#[test]
fn listeners_begin_anew() {
    let config = "[eventlistener:ear]\ncommand=/bin/sh -c 'echo READY; read line; exec sleep 86400'\nevents=PROCESS_STATE\nstartsecs=0\n";
    let (mut daemon, pids) = killed(config, &["ear"]);
    daemon.start_again(&ours(config));
    daemon.wait_state("ear", "RUNNING");
    assert_ne!(daemon.rpc().pid("ear"), pids[0]);
    wait_until(PATIENCE, "the old listener to be gone", || {
        !is_alive(pids[0])
    });
    assert!(!daemon.main_log().contains("adopted"));
}

/// A record that is not wholly true names nobody: the process it names is left alone, and the program starts.
#[test]
fn f10_forged_records_touch_nobody() {
    let config = counter("n", "");
    for word in [1, 2, 4, 5] {
        let (mut daemon, pids) = killed(&config, &["n"]);
        let text = records(&daemon);
        let (line, _) = text.trim_end().rsplit_once(' ').unwrap();
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if words[word] == "-" {
            continue;
        }
        let last = words[word].pop().unwrap();
        words[word].push(if last == '1' { '2' } else { '1' });
        let line = words.join(" ");
        let forged = format!("{line} {:08x}\n", crc32(line.as_bytes()));
        daemon.place().write("s.pid.runs", forged);
        daemon.start_again(&ours(&config));
        daemon.wait_state("n", "RUNNING");
        assert_ne!(daemon.rpc().pid("n"), pids[0], "word {word}");
        assert!(is_alive(pids[0]), "word {word}");
        daemon.ends_otherwise();
    }
}

/// CRC-32 as gzip has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[test]
fn damaged_lines_cost_only_what_they_told_of() {
    let config = counter("a", "") + &counter("b", "");
    let (mut daemon, pids) = killed(&config, &["a", "b"]);
    let text = records(&daemon);
    // Before the processes stands the number of the next event.
    let (number, runs) = text.split_at(text.find("run1 ").unwrap());
    let (first, rest) = runs.split_at(runs.find('\n').unwrap() + 1);
    let (named, other) = if first.contains("=a =a") {
        (0, 1)
    } else {
        (1, 0)
    };
    let damaged = format!(
        "\0\u{fffd}nonsense\n{number}{}\n{rest}run1 =torn",
        &first[..first.len() - 2]
    );
    daemon.place().write("s.pid.runs", damaged);
    daemon.start_again(&ours(&config));
    let names = ["a", "b"];
    daemon.wait_state(names[named], "RUNNING");
    assert_eq!(daemon.rpc().pid(names[other]), pids[other]);
    assert_ne!(daemon.rpc().pid(names[named]), pids[named]);
    daemon.wait_log("3 lines of the run records");
    // The one whose line is damaged is nobody's.
    daemon.ends_otherwise();
}

/// What somebody does to the records of a daemon that was killed.
type Spoil<'a> = &'a dyn Fn(&Daemon);

#[test]
fn s21_records_that_others_could_have_written_are_not_believed() {
    let config = counter("n", "");
    let runs = |daemon: &Daemon| daemon.place().join("s.pid.runs");
    let spoil: [(&str, Spoil<'_>); 3] = [
        ("not a regular file", &|daemon| {
            let other = daemon.place().join("other");
            fs::rename(runs(daemon), &other).unwrap();
            symlink(other, runs(daemon)).unwrap();
        }),
        ("not a regular file", &|daemon| {
            fs::hard_link(runs(daemon), daemon.place().join("other")).unwrap();
        }),
        ("others may read or write it", &|daemon| {
            fs::set_permissions(runs(daemon), fs::Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    for (reason, spoil) in spoil {
        let (mut daemon, pids) = killed(&config, &["n"]);
        let text = records(&daemon);
        spoil(&daemon);
        daemon.start_again(&ours(&config));
        daemon.wait_state("n", "RUNNING");
        assert_ne!(daemon.rpc().pid("n"), pids[0]);
        daemon.wait_log(reason);
        // What the link led to is as it was, and the new records are believed.
        let other = daemon.place().read("other");
        assert!(other.is_empty() || other == text, "{other}");
        let mode = fs::symlink_metadata(runs(&daemon)).unwrap().permissions();
        assert_eq!(mode.mode(), 0o100_600);
        send_signal(pids[0], Signal::KILL);
    }
}

#[test]
fn records_go_with_an_orderly_end_and_hold_only_who_lives() {
    let config = format!(
        "{}[program:short]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n",
        counter("n", "")
    );
    let mut daemon = ours(&config).start();
    daemon.wait_state("short", "EXITED");
    daemon.wait_state("n", "RUNNING");
    let pid = daemon.rpc().pid("n");
    wait_until(PATIENCE, "the end of `short` in the records", || {
        records(&daemon)
            .lines()
            .filter(|line| line.starts_with("end1"))
            .count()
            == 1
    });
    let mode = fs::metadata(daemon.place().join("s.pid.runs"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(!daemon.place().join("s.pid.runs").exists());
    assert!(!is_alive(pid));
}

/// A name is kept as it is, whatever it holds.
#[test]
fn names_and_paths_of_any_kind_are_taken_over() {
    let config = "[program:a=Ä\"b]\ncommand=/bin/sh -c 'sleep 86400'\nstartsecs=0\n";
    let (mut daemon, pids) = killed(config, &["a=Ä\"b"]);
    daemon.start_again(&ours(config));
    assert_eq!(daemon.rpc().pid("a=Ä\"b"), pids[0]);
}

/// What was appended by hand to the records does no harm to what follows.
#[test]
fn a_torn_end_is_not_glued_to_the_next_record() {
    let config = counter("n", "");
    let (mut daemon, pids) = killed(&config, &["n"]);
    let runs = daemon.place().join("s.pid.runs");
    let mut file = OpenOptions::new().append(true).open(&runs).unwrap();
    file.write_all(b"run1 =half a li").unwrap();
    drop(file);
    for _ in 0..2 {
        daemon.start_again(&ours(&config));
        assert_eq!(daemon.rpc().pid("n"), pids[0]);
        daemon.kill_alone();
    }
    assert_gaps_at_kills(&daemon, "n.log", 3);
}

#[test]
fn status_offline_reads_the_records_when_nobody_answers() {
    let config = counter("n", "") + &counter("m", "");
    let mut daemon = ours(&config).start();
    for name in ["n", "m"] {
        daemon.wait_state(name, "RUNNING");
    }
    let asked = daemon.ctl(Side::Ours, &["status", "--offline"]);
    assert!(asked.stdout.contains("RUNNING"), "{}", asked.stdout);
    assert_eq!(asked.stderr, "");
    daemon.kill_alone();
    let pid = |line: &str| {
        line.split("pid ")
            .nth(1)?
            .split(',')
            .next()?
            .parse::<u32>()
            .ok()
    };
    let told = daemon.ctl(Side::Ours, &["status", "--offline"]);
    assert!(
        told.stderr.contains("no supervisord answers"),
        "{}",
        told.stderr
    );
    let lines: Vec<_> = told.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", told.stdout);
    assert!(
        lines[0].starts_with("m  ") && lines[0].contains(" ALIVE "),
        "{}",
        told.stdout
    );
    assert_eq!(told.code_text(), "0");
    let living = pid(lines[0]).unwrap();
    assert!(is_alive(living));
    send_signal(living, Signal::KILL);
    wait_until(PATIENCE, "it to be gone", || !is_alive(living));
    let told = daemon.ctl(Side::Ours, &["status", "--offline", "m"]);
    assert!(told.stdout.contains(" GONE "), "{}", told.stdout);
    assert_eq!(told.code_text(), "3");
}

/// A run that cannot be written down does not begin; what runs goes on, and with room again it begins.
#[test]
fn f16_without_room_for_the_record_nothing_new_starts() {
    let config = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n[supervisord]\n\
         logfile=%(here)s/main.log\npidfile=%(here)s/small/s.pid\nchildlogdir=%(here)s\n{}\
         [program:late]\ncommand=/bin/sh -c 'sleep 86400'\nautostart=false\nstartsecs=0\n",
        counter("n", "")
    );
    let daemon = Start::bare(Side::Ours, &config)
        .file("small/mount-point", "")
        .under(&mounting("mount -t tmpfs -o size=64k none small"))
        .start();
    daemon.wait_state("n", "RUNNING");
    run_inside(&daemon, "cat /dev/zero >small/filler 2>/dev/null || true");
    let ask = |method: &str| drop(daemon.rpc().call(method, &[Value::from("late")]));
    // The last page of the file has room for a few more lines.
    wait_until(PATIENCE, "a record without room", || {
        ask("supervisor.startProcess");
        ask("supervisor.stopProcess");
        let log = daemon.main_log();
        log.contains("spawnerr: could not record the run in ")
            && log.contains("small/s.pid.runs: No space left on device")
    });
    wait_growth(&daemon, "n.log");
    run_inside(&daemon, "rm small/filler");
    ask("supervisor.startProcess");
    daemon.wait_state("late", "RUNNING");
}
