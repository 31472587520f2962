//! The daemon among other processes: in the background, under signals, as PID 1, under another user.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use provost_e2e::{
    Daemon, PATIENCE, Place, Side, Start, children, descendants, is_alive, mounting, send_signal,
    wait_for, wait_until,
};
use rustix::process::Signal;

/// A program whose output has a known place.
const PROGRAM: &str = "[program:p]\ncommand=/bin/sh -c 'echo up; exec cat'\nstdout_logfile=%(here)s/p.log\nstartsecs=0\n";

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}

/// A field of `/proc/PID/status`, its words.
fn status_field(pid: u32, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Whoever reads the pid file may send a signal at once.
#[test]
fn a_signal_that_comes_as_soon_as_the_pid_is_known_ends_it_in_order() {
    for _ in 0..10 {
        let mut daemon = Start::new(Side::Ours, PROGRAM).launch();
        let file = daemon.place().join("s.pid");
        let begun = Instant::now();
        // Without a pause: the moment between the pid file and the rest of the start is short.
        while fs::read(&file).map_or(true, |text| text.is_empty()) {
            assert!(begun.elapsed() < PATIENCE, "no pid file");
        }
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait_end(), Some(0), "{}", daemon.main_log());
        for name in ["s.pid", "s.sock"] {
            assert!(!daemon.place().join(name).exists(), "{name} is left");
        }
    }
}

/// When the command returns, the pid file is there (the harness looks) and the first `status` is answered.
#[test]
fn in_the_background_it_is_ready_when_the_command_returns() {
    let mut daemon = Start::new(
        Side::Ours,
        &format!(
            "directory=/usr\numask=027\n{PROGRAM}\
             [program:q]\ncommand=/bin/sh -c 'umask; touch %(here)s/q.made; exec cat'\n\
             stdout_logfile=%(here)s/q.log\numask=077\nstartsecs=0\n\
             [program:r]\ncommand=/bin/sh -c 'umask; pwd; touch %(here)s/r.made; exec cat'\n\
             stdout_logfile=%(here)s/r.log\nstartsecs=0\n"
        ),
    )
    .daemonise();
    let first = daemon.ctl(Side::Ours, &["pid"]);
    assert_eq!(
        first.stdout,
        format!("{}\n", daemon.pid()),
        "{}",
        first.stderr
    );
    for name in ["p", "q", "r"] {
        daemon.wait_state(name, "RUNNING");
    }
    let pid = daemon.pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    assert_eq!(fields[3], pid.to_string(), "it leads a session of its own");
    assert_eq!(fields[4], "0", "it has no terminal");
    for number in 0..3 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{number}")).expect("it is open");
        assert_eq!(target, Path::new("/dev/null"));
    }
    let directory = fs::read_link(format!("/proc/{pid}/cwd")).expect("it runs");
    assert_eq!(directory, Path::new("/usr"));

    daemon.wait_file("q.log", "0077\n");
    daemon.wait_file("r.log", "0027\n/usr\n");
    for (file, wanted) in [("s.pid", 0o640), ("q.made", 0o600), ("r.made", 0o640)] {
        let path = daemon.place().join(file);
        wait_until(PATIENCE, file, || path.exists());
        assert_eq!(mode(&path), wanted, "{file}");
    }
    assert_eq!(daemon.place().read("daemon.err"), "");

    assert_eq!(daemon.ctl(Side::Ours, &["shutdown"]).stdout, "Shut down\n");
    daemon.wait_end();
    wait_until(PATIENCE, "pid file and socket to be taken away", || {
        !daemon.socket().exists() && !daemon.place().join("s.pid").exists()
    });
}

#[test]
fn term_int_and_quit_end_it() {
    for (name, signal) in [
        ("SIGTERM", Signal::TERM),
        ("SIGINT", Signal::INT),
        ("SIGQUIT", Signal::QUIT),
    ] {
        let mut daemon = Start::new(Side::Ours, PROGRAM).start();
        daemon.wait_file("p.log", "up");
        let program = daemon.rpc().pid("p");
        daemon.signal(signal);
        assert_eq!(daemon.wait_end(), Some(0), "{name}");
        assert!(!is_alive(program), "{name}");
        assert!(
            daemon
                .main_log()
                .contains(&format!("received {name} indicating exit request"))
        );
        assert!(!daemon.socket().exists() && !daemon.place().join("s.pid").exists());
    }
}

#[test]
fn hup_restarts_with_the_new_file_under_the_same_pid() {
    let mut daemon = Start::new(Side::Ours, PROGRAM).start();
    daemon.wait_file("p.log", "up");
    let program = daemon.rpc().pid("p");
    let config = daemon.place().read("supervisord.conf");
    daemon.place().write(
        "supervisord.conf",
        format!("{config}[program:q]\ncommand=/bin/cat\n"),
    );
    daemon.signal(Signal::HUP);
    daemon.wait_log("received SIGHUP indicating restart request");
    daemon.wait_state("q", "RUNNING");
    assert!(!is_alive(program));
    assert_eq!(daemon.place().read("s.pid"), format!("{}\n", daemon.pid()));
    daemon.wait_log_times("supervisord started with pid", 2);

    // Two at once: nothing is lost, and the end wins.
    daemon.signal(Signal::HUP);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(descendants(daemon.pid()).is_empty());
}

#[test]
fn usr2_reopens_all_logs() {
    let daemon = Start::new(Side::Ours, PROGRAM).start();
    daemon.wait_file("p.log", "up");
    for name in ["main.log", "p.log"] {
        fs::rename(
            daemon.place().join(name),
            daemon.place().join(&format!("{name}.moved")),
        )
        .expect("it is there");
    }
    daemon.signal(Signal::USR2);
    daemon.wait_file(
        "main.log.moved",
        "received SIGUSR2 indicating log reopen request",
    );
    wait_until(PATIENCE, "the main log to be made anew", || {
        daemon.place().join("main.log").exists()
    });
    daemon.signal(Signal::USR1);
    daemon.wait_file("main.log", "received SIGUSR1 indicating nothing");
    daemon
        .rpc()
        .call(
            "supervisor.sendProcessStdin",
            &["p".into(), "after\n".into()],
        )
        .value();
    daemon.wait_file("p.log", "after\n");
    assert_eq!(daemon.place().read("p.log.moved"), "up\n");
}

#[test]
fn usr1_and_a_stray_chld_change_nothing() {
    let mut daemon = Start::new(Side::Ours, PROGRAM).start();
    daemon.wait_file("p.log", "up");
    let program = daemon.rpc().pid("p");
    daemon.signal(Signal::USR1);
    daemon.signal(Signal::CHILD);
    daemon.wait_log("received SIGUSR1 indicating nothing");
    assert!(daemon.ended().is_none());
    assert_eq!(daemon.rpc().pid("p"), program);
}

/// As the first process of a container: orphans come to it and are reaped, and its end is clean.
#[test]
fn as_pid_1_it_reaps_orphans_and_ends_with_0() {
    let mut daemon = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do (true & exec true); (sleep 86400 & exec true); \
         done; exec cat'\nstartsecs=0\n[program:pid]\ncommand=/bin/sh -c 'echo $PPID; exec cat'\n\
         stdout_logfile=%(here)s/pid.log\n",
    )
    .under(&pid_namespace())
    .start();
    daemon.wait_file("pid.log", "1\n");
    let inner = wait_for(PATIENCE, "the daemon in the namespace", || {
        children(daemon.pid()).first().copied()
    });
    // Two programs and ten orphans that sleep; the ten that ended are reaped.
    wait_until(PATIENCE, "the orphans to come to it", || {
        let all = children(inner);
        all.len() == 12 && all.iter().all(|pid| is_alive(*pid))
    });
    let orphans: Vec<u32> = children(inner);
    daemon.ctl(Side::Ours, &["stop", "p"]);
    assert_eq!(children(inner).len(), 11);
    let sleeper = orphans
        .iter()
        .copied()
        .find(|pid| status_field(*pid, "Name") == ["sleep"]);
    send_signal(sleeper.expect("one sleeps"), Signal::KILL);
    wait_until(PATIENCE, "a killed orphan to be reaped", || {
        children(inner).len() == 10
    });
    daemon.wait_state("pid", "RUNNING");

    send_signal(inner, Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(
        orphans.iter().all(|pid| !is_alive(*pid)),
        "the namespace is empty"
    );
}

/// What cannot start says so with its exit code, as PID 1 too.
#[test]
fn as_pid_1_a_refused_start_ends_with_2() {
    let start = Start::bare(Side::Ours, "[supervisord]\nminfds=many\n").under(&pid_namespace());
    let mut daemon = start.launch();
    assert_eq!(daemon.wait_end(), Some(2));
    assert!(
        daemon
            .place()
            .read("daemon.err")
            .contains("supervisord.conf:2:8")
    );
}

fn pid_namespace() -> [&'static str; 3] {
    ["unshare", "-pf", "--mount-proc"]
}

/// `nobody` is given one more group, in a group file that only this daemon sees.
fn with_extra_group(start: Start) -> Start {
    let groups = fs::read_to_string("/etc/group").expect("there are groups");
    start
        .file("group", &format!("{groups}provost-extra:x:4242:nobody\n"))
        .under(&mounting("mount --bind group /etc/group"))
}

fn nobody() -> (String, String) {
    let users = fs::read_to_string("/etc/passwd").expect("there are users");
    let line = users
        .lines()
        .find(|line| line.starts_with("nobody:"))
        .expect("nobody exists");
    let mut words = line.split(':').skip(2).map(str::to_owned);
    (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    )
}

#[test]
fn s18_a_program_under_another_user_has_all_of_its_groups_and_no_more() {
    let start = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/sh -c 'id -u; id -g; id -G; exec cat'\nuser=nobody\nstdout_logfile=%(here)s/p.log\n",
    );
    let daemon = with_extra_group(start).start();
    daemon.wait_state("p", "RUNNING");
    let (uid, gid) = nobody();
    daemon.wait_file("p.log", &format!("{uid}\n{gid}\n{gid} 4242\n"));
    let pid = daemon.rpc().pid("p");
    assert_eq!(
        status_field(pid, "Uid"),
        [uid.as_str(); 4],
        "real, effective, saved, of files"
    );
    assert_eq!(status_field(pid, "Gid"), [gid.as_str(); 4]);
    assert_eq!(status_field(pid, "CapEff"), ["0000000000000000"]);
}

#[test]
fn s18_the_daemon_under_another_user_has_given_root_up() {
    let place = Place::new();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    let start = Start::new(
        Side::Ours,
        "user=nobody\n[program:p]\ncommand=/bin/cat\n[program:root]\ncommand=/bin/cat\nuser=root\n",
    );
    let mut daemon = with_extra_group(start).launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("p", "RUNNING");
    let (uid, gid) = nobody();
    daemon.wait_log(&format!("Set uid to user {uid} succeeded"));
    for pid in [daemon.pid(), daemon.rpc().pid("p")] {
        assert_eq!(status_field(pid, "Uid"), [uid.as_str(); 4]);
        assert_eq!(status_field(pid, "Gid"), [gid.as_str(); 4]);
        let mut groups = status_field(pid, "Groups");
        groups.sort();
        assert_eq!(
            groups,
            ["4242".to_owned(), gid.clone()],
            "supplementary groups of {pid}"
        );
    }
    daemon.wait_log("child of 'root' could not become uid 0: Operation not permitted");
    daemon.wait_state("root", "BACKOFF|FATAL");
}

/// AUTO logs of an earlier life are cleaned away at the start, or kept if told so; other files are never touched.
#[test]
fn nocleanup_keeps_the_logs_of_an_earlier_life() {
    const OLD: &str = "p-stdout---supervisor-abcdefgh.log";
    const OTHERS: [&str; 3] = [
        "p-stdout---another-abcdefgh.log",
        "supervisor.log",
        "notes---supervisor.log",
    ];
    let start = |more: &str| -> Daemon {
        let mut start = Start::new(
            Side::Ours,
            &format!("{more}[program:p]\ncommand=/bin/cat\n"),
        )
        .file(OLD, "old");
        for name in OTHERS {
            start = start.file(name, "mine");
        }
        start.start()
    };
    for (more, kept) in [("", false), ("nocleanup=true\n", true)] {
        let daemon = start(more);
        daemon.wait_state("p", "RUNNING");
        assert_eq!(daemon.place().join(OLD).exists(), kept, "{more:?}");
        for name in OTHERS {
            assert_eq!(daemon.place().read(name), "mine", "{name}");
        }
    }
}
