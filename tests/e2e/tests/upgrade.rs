//! Another supervisord takes the place of the one that runs, and nobody notices.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, Finished, Outcome, PATIENCE, Side, Start, assert_contiguous, children, encode_call,
    numbered, python, read_answer, scripts, wait_all_running, wait_until, with_backups,
};
use rustix::process::Signal;

/// Rounds of the test under load; `PROVOST_UPGRADE_ROUNDS` asks for more.
const ROUNDS: u64 = 12;

/// How long an answer may take during an upgrade.
const PAUSE_MAX: Duration = Duration::from_millis(250);

fn ours(config: &str) -> Start {
    Start::new(Side::Ours, config)
}

fn upgrade(daemon: &Daemon, arguments: &[&str]) -> Finished {
    let words = [&["upgrade"], arguments].concat();
    daemon.ctl(Side::Ours, &words)
}

fn assert_upgraded(finished: &Finished) {
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!("Upgraded supervisord to Provost {version}\n");
    assert_eq!(finished.stdout, expected, "{}", finished.stderr);
    assert_eq!(finished.code_text(), "0");
}

/// The path of the real program.
fn binary() -> String {
    Side::Ours.command("supervisord").display().to_string()
}

/// A copy of the real program in the daemon's place.
fn next(daemon: &Daemon) -> PathBuf {
    let program = Side::Ours.command("supervisord");
    daemon.place().program("supervisord-next", &program)
}

fn writer(name: &str, pause: &str, more: &str) -> String {
    numbered(name, pause, &format!("stdout_logfile_maxbytes=1MB\n{more}"))
}

/// All that a program has written.
fn written(daemon: &Daemon, name: &str) -> String {
    with_backups(daemon.place(), ".", &format!("{name}.log"))
}

#[test]
fn pid_children_and_states_stay_and_the_answer_comes_from_the_new_one() {
    let config = "[program:up]\ncommand=/bin/cat\nstartsecs=0\n\
                  [program:down]\ncommand=/bin/cat\nautostart=false\n\
                  [program:gone]\ncommand=/bin/sh -c 'exit 7'\nstartsecs=0\nautorestart=false\nexitcodes=0\n\
                  [program:hopeless]\ncommand=/no/such/file\nstartretries=0\n";
    let daemon = ours(config).start();
    daemon.wait_state("up", "RUNNING");
    daemon.wait_state("gone", "EXITED");
    daemon.wait_state("hopeless", "FATAL");
    let before = daemon.ctl(Side::Ours, &["status"]).stdout;
    let (pid, child) = (daemon.pid(), daemon.rpc().pid("up"));
    for _ in 0..3 {
        assert_upgraded(&upgrade(&daemon, &[]));
    }
    let after = daemon.ctl(Side::Ours, &["status"]).stdout;
    let without_time = |text: &str| {
        let cut = |line: &str| line.split(", uptime").next().unwrap_or_default().to_owned();
        text.lines().map(cut).collect::<Vec<_>>()
    };
    assert_eq!(without_time(&before), without_time(&after));
    assert_eq!(daemon.place().read("s.pid"), format!("{pid}\n"));
    assert_eq!(daemon.rpc().pid("up"), child);
    assert_eq!(daemon.main_log().matches("spawned: 'up'").count(), 1);
    // It obeys as before, and knows its children's ends.
    let said = daemon.ctl(Side::Ours, &["stop", "up"]).stdout;
    assert_eq!(said, "up: stopped\n");
    daemon.wait_log("stopped: up (terminated by SIGTERM)");
    let said = daemon.ctl(Side::Ours, &["start", "up"]).stdout;
    assert_eq!(said, "up: started\n");
}

#[test]
fn another_binary_is_named_by_its_path() {
    let daemon = ours("[program:up]\ncommand=/bin/cat\nstartsecs=0\n").start();
    let child = {
        daemon.wait_state("up", "RUNNING");
        daemon.rpc().pid("up")
    };
    let copy = next(&daemon);
    let path = copy.display().to_string();
    assert_upgraded(&upgrade(&daemon, &[&path]));
    let exe = format!("/proc/{}/exe", daemon.pid());
    assert_eq!(std::fs::read_link(&exe).unwrap(), copy);
    let name = std::fs::read_to_string(format!("/proc/{}/comm", daemon.pid())).unwrap();
    assert_eq!(name, "supervisord\n");
    // A package puts a new file in the place of the old one: that is what runs next.
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(next(&daemon), copy);
    assert_upgraded(&upgrade(&daemon, &[]));
    assert_eq!(std::fs::read_link(&exe).unwrap(), copy);
    assert_eq!(daemon.rpc().pid("up"), child);
}

#[test]
fn the_command_line_stays_what_it_was() {
    let config = "[program:up]\ncommand=/bin/cat\nstartsecs=0\n\
                  [program:later]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n";
    let daemon = ours(config)
        .arguments(&["--loglevel=debug", "--identifier", "--handover=9,9"])
        .start();
    daemon.wait_state("up", "RUNNING");
    let child = daemon.rpc().pid("up");
    let line = || std::fs::read(format!("/proc/{}/cmdline", daemon.pid())).expect("it lives");
    let before = line();
    for _ in 0..2 {
        assert_upgraded(&upgrade(&daemon, &[]));
        assert_eq!(line(), before);
    }
    // Whom it starts hears nothing of all that.
    assert_eq!(
        daemon.ctl(Side::Ours, &["start", "later"]).stdout,
        "later: started\n"
    );
    let started = format!("/proc/{}/environ", daemon.rpc().pid("later"));
    let environment = std::fs::read(&started).expect("it lives");
    let environment = String::from_utf8_lossy(&environment);
    assert!(
        environment.contains("PATH=") && !environment.contains("HANDOVER"),
        "{environment}"
    );
    // The first versions told the next one by an argument.
    let script = format!(
        "#!/bin/sh\nif [ -n \"$PROVOST_HANDOVER\" ]; then\nset -- \"$PROVOST_HANDOVER\" \"$@\"\nunset PROVOST_HANDOVER\nfi\n\
         exec {} \"$@\"\n",
        binary()
    );
    let path = daemon.place().write("first", script);
    let may_run = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, may_run).expect("it is ours");
    assert_upgraded(&upgrade(&daemon, &[&path.display().to_string()]));
    let told = String::from_utf8_lossy(&line())
        .matches("--handover=")
        .count();
    assert_eq!(told, 2, "it was not told by an argument");
    assert_upgraded(&upgrade(&daemon, &[&binary()]));
    assert_eq!(line(), before);
    assert_eq!(daemon.rpc().pid("up"), child);
    let identity = daemon.rpc().call("supervisor.getIdentification", &[]);
    assert_eq!(identity.value().text(), "--handover=9,9");
}

#[test]
fn sigusr1_upgrades_where_the_option_says_so() {
    let daemon = ours("sigusr1=upgrade\n[program:up]\ncommand=/bin/cat\n").start();
    daemon.signal(Signal::USR1);
    daemon.wait_log("received SIGUSR1 indicating upgrade request");
    daemon.wait_log("supervisord was upgraded in place to ");
    let other = ours("[program:up]\ncommand=/bin/cat\n").start();
    other.signal(Signal::USR1);
    other.rpc().call("supervisor.getState", &[]).value();
    assert!(!other.main_log().contains("upgrad"));
}

#[test]
fn a_daemon_in_the_background_is_upgraded_too() {
    let daemon = ours("[program:up]\ncommand=/bin/cat\nstartsecs=0\n").daemonise();
    daemon.wait_state("up", "RUNNING");
    let (pid, child) = (daemon.pid(), daemon.rpc().pid("up"));
    assert_upgraded(&upgrade(&daemon, &[]));
    assert_eq!(daemon.place().read("s.pid"), format!("{pid}\n"));
    assert_eq!(daemon.rpc().pid("up"), child);
    // A relative configuration file and what it names are found as before.
    let said = daemon.ctl(Side::Ours, &["reread"]);
    assert_eq!(
        said.stdout, "No config updates to processes\n",
        "{}",
        said.stderr
    );
}

/// What cannot take over is refused, with a reason, and nothing has changed.
#[test]
fn unfit_programs_are_refused_and_nothing_changes() {
    let daemon = ours("[program:up]\ncommand=/bin/cat\nstartsecs=0\n").start();
    daemon.wait_state("up", "RUNNING");
    let child = daemon.rpc().pid("up");
    let exe = format!("/proc/{}/exe", daemon.pid());
    let before = std::fs::read_link(&exe).unwrap();
    let place = daemon.place();
    let script = |name: &str, text: &str| place.script(name, text).display().to_string();
    let plain = place.write("plain", "no program").display().to_string();
    let open = script("open", "#!/bin/sh\n");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let digest = "#!/bin/sh\ncat >/dev/null\necho provost-rehearsal 9.9.9 0000000000000000\n";
    for (path, reason) in [
        ("/no/such/file".to_owned(), "No such file or directory"),
        ("relative".to_owned(), "is not an absolute path"),
        (plain, "is not executable"),
        (open, "can be changed by others"),
        (
            "/bin/false".to_owned(),
            "it is no supervisord that can take over",
        ),
        (
            script("old", "#!/bin/sh\necho I know no such option\nexit 2\n"),
            "it cannot take over: I know no such option",
        ),
        (
            script("lies", digest),
            "version 9.9.9 understands the state differently",
        ),
        (
            script("hangs", "#!/bin/sh\nexec sleep 1000\n"),
            "it did not answer within 5 seconds",
        ),
        (
            script("kills", "#!/bin/sh\nkill -9 $$\n"),
            "it said nothing",
        ),
    ] {
        let said = upgrade(&daemon, &[&path]);
        assert!(
            said.stdout.contains(reason),
            "{path}: {}{}",
            said.stdout,
            said.stderr
        );
        assert_eq!(said.code_text(), "1", "{path}");
        assert_eq!(std::fs::read_link(&exe).unwrap(), before, "{path}");
    }
    assert_eq!(daemon.rpc().pid("up"), child);
    assert!(!daemon.main_log().contains("reaped unknown"));
    assert_upgraded(&upgrade(&daemon, &[]));
}

/// All is packed already, and then it turns out that the program cannot be executed: this one goes on with its own state.
#[test]
fn a_file_that_is_changed_after_the_rehearsal_is_not_executed() {
    let daemon = ours(&writer("a", "0.002", "")).start();
    daemon.wait_state("a", "RUNNING");
    daemon.wait_file("a.log", "\n");
    let (pid, child) = (daemon.pid(), daemon.rpc().pid("a"));
    let text = format!("#!/bin/sh\n{} \"$@\"\necho >>\"$0\"\n", binary());
    let path = daemon
        .place()
        .script("changes", &text)
        .display()
        .to_string();
    for _ in 0..3 {
        let said = upgrade(&daemon, &[&path]);
        let reason = "was changed after it was tried";
        assert!(
            said.stdout.contains(reason),
            "{}{}",
            said.stdout,
            said.stderr
        );
    }
    assert_eq!(daemon.rpc().pid("a"), child);
    assert_eq!(daemon.place().read("s.pid"), format!("{pid}\n"));
    let said = daemon.ctl(Side::Ours, &["stop", "a"]);
    assert_eq!(said.stdout, "a: stopped\n", "{}", said.stderr);
    assert_contiguous(&written(&daemon, "a"), 0);
    assert_upgraded(&upgrade(&daemon, &[]));
}

/// One that passes the rehearsal and fails when it counts: the program before goes on with the same state.
#[test]
fn a_program_that_fails_to_load_gives_everything_back() {
    let daemon = ours("[program:up]\ncommand=/bin/cat\nstartsecs=0\n")
        .environment("PROVOST_PANIC", "load:1:new")
        .start();
    daemon.wait_state("up", "RUNNING");
    let (pid, child) = (daemon.pid(), daemon.rpc().pid("up"));
    let copy = next(&daemon);
    let said = upgrade(&daemon, &[&copy.display().to_string()]);
    assert!(
        said.stdout
            .contains("not upgraded, nothing has changed: reading the state failed"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert_ne!(exe, copy);
    assert_eq!(daemon.rpc().pid("up"), child);
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(name, "supervisord\n");
    daemon.wait_log("not upgraded, everything goes on as before: reading the state failed");
}

#[test]
fn a_program_that_fails_on_probation_gives_way_to_the_one_before() {
    let config = "[program:up]\ncommand=/bin/cat\nstartsecs=0\n\
                  [program:busy]\ncommand=/bin/sh -c 'sleep 0.05'\nstartsecs=0\nautorestart=true\n";
    let daemon = ours(config)
        .environment("PROVOST_PANIC", "effect:30:new")
        .start();
    daemon.wait_state("up", "RUNNING");
    let (pid, child) = (daemon.pid(), daemon.rpc().pid("up"));
    let copy = next(&daemon);
    assert_upgraded(&upgrade(&daemon, &[&copy.display().to_string()]));
    daemon.wait_log("began anew after an internal error (the new program failed on probation)");
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert_ne!(exe, copy);
    assert_eq!(daemon.rpc().pid("up"), child);
}

/// Everything at once, again and again: writers at full speed, crashers, a listener in the middle of events, clients that
/// ask without pause on connections that stay and on new ones, a client that follows a log, and one that waits for a
/// start. Nothing is lost, refused or restarted.
#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for whoever asks for more rounds"
)]
fn under_load_nothing_is_lost_and_nobody_is_refused() {
    let rounds = std::env::var("PROVOST_UPGRADE_ROUNDS");
    let rounds: u64 = rounds.map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let writers = ["a", "b", "c"];
    let mut config: String = writers
        .iter()
        .map(|name| writer(name, "0.002", ""))
        .collect();
    // As fast as it can.
    config += &writer("fast", "", "");
    config += &writer("both", "0.01", "redirect_stderr=true\n");
    config += "[program:brief]\ncommand=/bin/sh -c 'sleep 0.05; exit 3'\nstartsecs=0\nautorestart=true\n\
               numprocs=3\nprocess_name=%(program_name)s%(process_num)d\n\
               [program:slow]\ncommand=/bin/cat\nstartsecs=2\nautostart=false\n";
    let listener = format!(
        "[eventlistener:ear]\ncommand={} -u {}/recorder.py %(here)s/ear.rec OK\nevents=PROCESS_STATE\nbuffer_size=5000\n",
        python().display(),
        scripts().display()
    );
    config += &listener;
    let mut daemon = ours(&config).start();
    let pids: Vec<u32> = writers
        .iter()
        .map(|name| {
            daemon.wait_state(name, "RUNNING");
            daemon.rpc().pid(name)
        })
        .collect();
    let over = AtomicBool::new(false);
    let (asked, slowest) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut pauses = Vec::new();
    thread::scope(|scope| {
        for keeps in [true, true, false] {
            let (daemon, over, asked, slowest) = (&daemon, &over, &asked, &slowest);
            scope.spawn(move || ask(daemon, keeps, over, asked, slowest));
        }
        let starter = scope.spawn(|| {
            let mut done = 0;
            while !over.load(Ordering::Relaxed) {
                let started = daemon.ctl(Side::Ours, &["start", "slow"]);
                assert_eq!(started.stdout, "slow: started\n", "{}", started.stderr);
                let stopped = daemon.ctl(Side::Ours, &["stop", "slow"]);
                assert_eq!(stopped.stdout, "slow: stopped\n", "{}", stopped.stderr);
                done += 1;
            }
            done
        });
        for _ in 0..rounds {
            slowest.store(0, Ordering::Relaxed);
            assert_upgraded(&upgrade(&daemon, &[]));
            pauses.push(Duration::from_micros(slowest.load(Ordering::Relaxed)));
        }
        over.store(true, Ordering::Relaxed);
        assert!(starter.join().expect("the starter was answered") > 0);
    });
    for (name, pid) in writers.iter().zip(&pids) {
        assert_eq!(daemon.rpc().pid(name), *pid, "{name}");
    }
    pauses.sort_unstable();
    let typical = pauses[pauses.len() / 2];
    let asked = asked.load(Ordering::Relaxed);
    println!("{rounds} upgrades, {asked} requests, the slowest during each took {pauses:?}");
    assert!(asked > rounds, "{asked} requests");
    let stopped = daemon.ctl(Side::Ours, &["stop", "a", "b", "c", "both", "fast"]);
    assert_eq!(
        stopped.stdout.matches(": stopped").count(),
        5,
        "{}",
        stopped.stdout
    );
    // By then all is written and rotated, and the listener has heard what it will hear.
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    for name in ["a", "b", "c", "both", "fast"] {
        let count = assert_contiguous(&written(&daemon, name), 0);
        assert!(count > rounds * 10, "{name} wrote {count} lines");
    }
    let record = daemon.place().read("ear.rec");
    let serials: Vec<u64> = record
        .lines()
        .filter_map(|line| {
            line.split("poolserial:")
                .nth(1)?
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert!(
        serials.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "events were lost, doubled or out of order"
    );
    // A debug build on a busy machine is what this runs on, which may be busy with others during any one of them; the figures
    // above are for the reader.
    assert!(typical < PAUSE_MAX * 8, "{pauses:?}");
}

/// Asks for the state until it is over. Every answer must be right.
fn ask(daemon: &Daemon, keeps: bool, over: &AtomicBool, asked: &AtomicU64, slowest: &AtomicU64) {
    let body = encode_call("supervisor.getState", &[]);
    let more = if keeps { "" } else { "Connection: close\r\n" };
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let rpc = daemon.rpc();
    let mut stream = None;
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let open =
            stream.get_or_insert_with(|| rpc.target().connect().expect("no connection is refused"));
        open.write_all(request.as_bytes())
            .expect("no connection is reset");
        let answer = read_answer(&mut **open).expect("every request is answered");
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        slowest.fetch_max(took, Ordering::Relaxed);
        assert_eq!(answer.status(), 200);
        assert!(answer.text().contains("RUNNING"), "{}", answer.text());
        asked.fetch_add(1, Ordering::Relaxed);
        if !keeps {
            stream = None;
        }
    }
}

/// The queue of a pool and an event that is with its listener go along.
#[test]
fn events_that_wait_go_along() {
    let config = format!(
        "[eventlistener:ear]\ncommand={} -u {}/recorder.py %(here)s/ear.rec OK\nevents=REMOTE_COMMUNICATION\n\
         autostart=false\nbuffer_size=100\n",
        python().display(),
        scripts().display()
    );
    let daemon = ours(&config).start();
    let send = |data: &str| {
        let params = ["kind".into(), data.into()];
        daemon
            .rpc()
            .call("supervisor.sendRemoteCommEvent", &params)
            .value();
    };
    for data in ["one", "two"] {
        send(data);
    }
    assert_upgraded(&upgrade(&daemon, &[]));
    send("three");
    daemon
        .rpc()
        .call("supervisor.startProcess", &["ear".into()])
        .value();
    daemon.wait_file("ear.rec", "three");
    let record = daemon.place().read("ear.rec");
    for (number, data) in ["one", "two", "three"].iter().enumerate() {
        assert!(
            record.contains(&format!("poolserial:{number} ")),
            "{record}"
        );
        assert!(record.contains(data), "{record}");
    }
}

/// A client that waits for a stop is answered by the program that did not take its request.
#[test]
fn a_client_that_waits_is_answered_by_the_next_one() {
    let config = "[program:lazy]\ncommand=/bin/sh -c 'trap \"while [ ! -e go ]; do sleep 0.01; done; exit\" TERM; touch up; \
                  while :; do sleep 0.01; done'\nstartsecs=0\nstopwaitsecs=60\ndirectory=%(here)s\n";
    let daemon = ours(config).start();
    wait_until(PATIENCE, "the trap to be set", || {
        daemon.place().join("up").exists()
    });
    thread::scope(|scope| {
        let stopping = scope.spawn(|| daemon.ctl(Side::Ours, &["stop", "lazy"]));
        daemon.wait_state("lazy", "STOPPING");
        assert_upgraded(&upgrade(&daemon, &[]));
        assert_upgraded(&upgrade(&daemon, &[]));
        assert!(!stopping.is_finished());
        daemon.place().write("go", "");
        let said = stopping.join().unwrap();
        assert_eq!(said.stdout, "lazy: stopped\n", "{}", said.stderr);
    });
}

#[test]
fn a_followed_log_goes_on_with_the_next_byte() {
    let daemon = ours(&writer("a", "0.001", "")).start();
    daemon.wait_state("a", "RUNNING");
    let target = daemon.rpc().target().clone();
    let mut stream = target.connect_with_timeout(PATIENCE).unwrap();
    stream
        .write_all(b"GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut heard = Vec::new();
    let mut read_more = |heard: &mut Vec<u8>| {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).expect("the log is followed");
        assert!(count > 0, "the stream ended");
        heard.extend_from_slice(&buffer[..count]);
    };
    read_more(&mut heard);
    for _ in 0..3 {
        assert_upgraded(&upgrade(&daemon, &[]));
        let before = heard.len();
        while heard.len() < before + 50_000 {
            read_more(&mut heard);
        }
    }
    let text = String::from_utf8(heard).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{head}");
    // Lines of the body, without the sizes of chunks, in order and without a gap.
    let mut plain = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
            panic!("no size of a chunk: {size:?}");
        };
        if size == 0 || after.len() < size + 2 {
            break;
        }
        plain.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    let whole = plain.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut numbers = whole
        .lines()
        .skip(1)
        .map(|line| line.parse::<u64>().expect("a number"));
    let mut last = numbers.next().expect("lines");
    for number in numbers {
        assert_eq!(number, last + 1);
        last = number;
    }
}

/// Of many that are started at once some wait until others live. They begin under whoever goes on.
#[test]
fn starts_that_wait_for_their_turn_go_along() {
    const MANY: usize = 200;
    let config = format!(
        "[program:many]\ncommand=/bin/cat\nnumprocs={MANY}\nprocess_name=%(program_name)s%(process_num)d\nstartsecs=0\n\
         autostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
    );
    let daemon = ours(&config).start();
    let started = daemon.rpc().call(
        "supervisor.startProcessGroup",
        &["many".into(), false.into()],
    );
    started.value();
    assert_upgraded(&upgrade(&daemon, &[]));
    wait_all_running(&daemon.rpc(), MANY);
    assert_eq!(children(daemon.pid()).len(), MANY);
    let log = daemon.main_log();
    for name in ["spawnerr", "exited", "FATAL"] {
        assert!(!log.contains(name), "{log}");
    }
}

/// Who may not, cannot: the program would run with all rights of supervisord.
#[test]
fn only_who_has_the_right_may_upgrade() {
    let config = "[program:up]\ncommand=/bin/cat\n[user:root]\nunix_user=root\nrole=admin\n\
                  [user:op]\npassword=secret\nrole=operator\n";
    let daemon = ours(config).start();
    // `op:secret`
    let rpc = daemon
        .rpc()
        .with_headers("Authorization: Basic b3A6c2VjcmV0\r\n");
    let outcome = rpc.call("provost.upgrade", &[]);
    assert!(!matches!(outcome, Outcome::Value(_)), "{outcome:?}");
    assert!(!daemon.main_log().contains("upgraded"));
    assert_upgraded(&upgrade(&daemon, &[]));
}
