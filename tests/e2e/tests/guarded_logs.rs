//! Logs in directories that other users can change: root writes and reads there with no more rights than those users.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::PathBuf;

use provost_e2e::{Daemon, Place, Side, Start, run};

/// `nobody`, under the number that Linux knows it by.
const NOBODY: u32 = 65_534;

/// What the victim's file holds.
const SECRET: &str = "root's own\n";

/// A place with a file of root's that nobody else may read, and a directory `home` of this user and mode.
struct Scene {
    place: Place,
    secret: PathBuf,
    home: PathBuf,
}

impl Scene {
    fn new(owner: u32, mode: u32) -> Self {
        let place = Place::new();
        let secret = place.write("secret", SECRET);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("it is ours");
        let home = place.join("home");
        fs::create_dir(&home).expect("the place is writable");
        fs::set_permissions(&home, fs::Permissions::from_mode(mode)).expect("it is ours");
        chown(&home, Some(owner), Some(owner)).expect("the test runs as root");
        Self {
            place,
            secret,
            home,
        }
    }

    /// A program of `nobody` that logs there, with more keys of `[supervisord]` before it.
    fn start(self, keys: &str) -> Daemon {
        let start = Start::new(
            Side::Ours,
            &format!(
                "{keys}[program:p]\ncommand=/bin/sh -c 'echo taken; exec cat'\nuser=nobody\n\
                 stdout_logfile=%(here)s/home/p.log\nstartretries=0\n\
                 [program:other]\ncommand=/bin/cat\n"
            ),
        );
        let mut daemon = start.launch_in(self.place);
        daemon.wait_ready();
        daemon.wait_state("other", "RUNNING");
        daemon
    }
}

fn assert_refused(daemon: &Daemon, secret: &PathBuf, reason: &str) {
    daemon.wait_state("p", "FATAL");
    daemon.wait_log("home/p.log is not opened: ");
    daemon.wait_log(reason);
    daemon.wait_log("unsafe_log_paths=allow");
    assert_eq!(fs::read_to_string(secret).expect("it is there"), SECRET);
    // Clients that read or clear it get no further.
    let rpc = daemon.rpc();
    for (method, rest) in [
        ("supervisor.readProcessStdoutLog", Some((0, 0))),
        ("supervisor.tailProcessStdoutLog", Some((0, 1000))),
        ("supervisor.clearProcessLogs", None),
    ] {
        let mut arguments = vec!["p".into()];
        if let Some((offset, length)) = rest {
            arguments.extend([i64::into(offset), i64::into(length)]);
        }
        let outcome = format!("{:?}", rpc.call(method, &arguments));
        assert!(!outcome.contains("root's own"), "{method}: {outcome}");
    }
    let tail = daemon.ctl(Side::Ours, &["tail", "p"]);
    assert!(!tail.stdout.contains("root's own"), "{}", tail.stdout);
    assert_eq!(fs::read_to_string(secret).expect("it is there"), SECRET);
    assert_eq!(
        fs::metadata(secret).expect("it is there").mode() & 0o777,
        0o600
    );
}

#[test]
fn s13_s14_a_symbolic_link_of_a_user_leads_root_nowhere() {
    let scene = Scene::new(NOBODY, 0o755);
    symlink(&scene.secret, scene.home.join("p.log")).expect("a link");
    let secret = scene.secret.clone();
    let daemon = scene.start("");
    assert_refused(
        &daemon,
        &secret,
        "it is a link in a directory that other users can change",
    );
}

#[test]
fn s13_s14_a_second_name_of_a_file_of_root_is_not_opened() {
    let scene = Scene::new(NOBODY, 0o755);
    fs::hard_link(&scene.secret, scene.home.join("p.log")).expect("a second name");
    let secret = scene.secret.clone();
    let daemon = scene.start("");
    assert_refused(&daemon, &secret, "");
}

#[test]
fn s13_a_link_in_a_directory_of_all_is_not_followed() {
    let scene = Scene::new(0, 0o1777);
    symlink(&scene.secret, scene.home.join("p.log")).expect("a link");
    let secret = scene.secret.clone();
    let daemon = scene.start("");
    assert_refused(
        &daemon,
        &secret,
        "it is a link in a directory that other users can change",
    );
}

#[test]
fn s13_a_file_of_somebody_else_in_a_directory_of_all_is_not_used() {
    let scene = Scene::new(0, 0o1777);
    let squatted = scene.home.join("p.log");
    fs::write(&squatted, "squatted\n").expect("it is ours");
    chown(&squatted, Some(NOBODY), Some(NOBODY)).expect("the test runs as root");
    let secret = scene.secret.clone();
    let daemon = scene.start("");
    assert_refused(
        &daemon,
        &secret,
        "it belongs to user nobody, in a directory that everybody can change",
    );
    assert_eq!(
        fs::read_to_string(squatted).expect("it is there"),
        "squatted\n"
    );
}

#[test]
fn s13_a_fifo_of_a_user_is_not_opened() {
    let scene = Scene::new(NOBODY, 0o755);
    let fifo = scene.home.join("p.log");
    let made = run(std::process::Command::new("mkfifo")
        .args(["-m", "666"])
        .arg(&fifo));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    chown(&fifo, Some(NOBODY), Some(NOBODY)).expect("the test runs as root");
    let daemon = scene.start("");
    daemon.wait_state("p", "FATAL");
    daemon.wait_log("home/p.log is not opened: ");
}

#[test]
fn s13_a_log_in_the_directory_of_a_user_belongs_to_that_user() {
    let scene = Scene::new(NOBODY, 0o755);
    let log = scene.home.join("p.log");
    let daemon = scene.start("");
    daemon.wait_state("p", "RUNNING");
    daemon.wait_file("home/p.log", "taken\n");
    let made = fs::metadata(&log).expect("it is there");
    assert_eq!((made.uid(), made.mode() & 0o777), (NOBODY, 0o644));
    let cleared = daemon.ctl(Side::Ours, &["clear", "p"]);
    assert_eq!(cleared.stdout, "p: cleared\n");
    assert_eq!(fs::metadata(&log).expect("it is there").uid(), NOBODY);
}

/// As an earlier supervisord has left it.
#[test]
fn s13_a_log_of_root_in_the_directory_of_a_user_is_used_further() {
    let scene = Scene::new(NOBODY, 0o755);
    let log = scene.home.join("p.log");
    fs::write(&log, "before\n").expect("it is ours");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let daemon = scene.start("");
    daemon.wait_state("p", "RUNNING");
    daemon.wait_file("home/p.log", "before\ntaken\n");
    let tail = daemon.ctl(Side::Ours, &["tail", "p"]);
    assert_eq!(tail.stdout, "before\ntaken\n\n");
}

/// The layout of many deployments: `current` points to a release, and `log` in it to a shared directory.
#[test]
fn s13_links_of_a_user_are_followed_with_the_rights_of_that_user() {
    let scene = Scene::new(NOBODY, 0o755);
    let shared = scene.home.join("shared");
    fs::create_dir(&shared).expect("it is ours");
    chown(&shared, Some(NOBODY), Some(NOBODY)).expect("the test runs as root");
    symlink("shared", scene.home.join("current")).expect("a link");
    // A directory of root's that the same kind of link leads to.
    let private = scene.place.join("private");
    fs::create_dir(&private).expect("the place is writable");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).expect("it is ours");
    symlink(&private, scene.home.join("aside")).expect("a link");
    let start = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/sh -c 'echo taken; exec cat'\n\
         stdout_logfile=%(here)s/home/current/p.log\n\
         [program:q]\ncommand=/bin/sh -c 'echo taken; exec cat'\nstartretries=0\n\
         stdout_logfile=%(here)s/home/aside/q.log\n",
    );
    let mut daemon = start.launch_in(scene.place);
    daemon.wait_ready();
    daemon.wait_file("home/shared/p.log", "taken\n");
    assert_eq!(
        fs::metadata(shared.join("p.log"))
            .expect("it is there")
            .uid(),
        NOBODY
    );
    daemon.wait_state("q", "FATAL");
    assert!(!private.join("q.log").exists());
}

#[test]
fn s13_unsafe_log_paths_brings_the_old_behaviour_back() {
    let scene = Scene::new(NOBODY, 0o755);
    symlink(&scene.secret, scene.home.join("p.log")).expect("a link");
    let daemon = scene.start("unsafe_log_paths=allow\n");
    daemon.wait_state("p", "RUNNING");
    daemon.wait_file("secret", &format!("{SECRET}taken\n"));
}

#[test]
fn s16_auto_logs_stay_private_over_rotations_and_are_cleaned_away() {
    let scene = Scene::new(NOBODY, 0o755);
    let config = "childlogdir=%(here)s/home\nidentifier=it\n\
         [program:p]\ncommand=/bin/sh -c 'echo taken; exec cat'\nstdout_logfile_maxbytes=1\n";
    let home = scene.home.clone();
    let left = [
        ("old-stdout---it-abcdefgh.log", NOBODY),
        ("old-stdout---it-abcdefgh.log.1", NOBODY),
        ("old-stdout---item-abcdefgh.log", NOBODY),
    ];
    for (name, owner) in left {
        fs::write(home.join(name), "").expect("it is ours");
        chown(home.join(name), Some(owner), None).expect("the test runs as root");
    }
    let trap = home.join("trap-stdout---it-abcdefgh.log");
    symlink(&scene.secret, &trap).expect("a link");
    let secret = scene.secret.clone();
    let mut daemon = Start::new(Side::Ours, config).launch_in(scene.place);
    daemon.wait_ready();
    daemon.wait_log("Failed to clean up ");
    assert!(secret.exists() && trap.symlink_metadata().is_ok());
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&home).expect("it is there");
        let names = entries.map(|entry| entry.expect("it is there").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(
        names()
            .iter()
            .filter(|name| name.starts_with("old-"))
            .count(),
        1,
        "{:?}",
        names()
    );
    let backup = || {
        names()
            .into_iter()
            .find(|name| name.starts_with("p-stdout") && name.ends_with(".log.1"))
    };
    provost_e2e::wait_until(provost_e2e::PATIENCE, "a rotated AUTO log", || {
        backup().is_some()
    });
    for name in names().iter().filter(|name| name.starts_with("p-stdout")) {
        let file = fs::metadata(home.join(name)).expect("it is there");
        assert_eq!((file.uid(), file.mode() & 0o777), (NOBODY, 0o600), "{name}");
    }
}
