//! Real children: what they are given, and what they inherit.

use crate::children::{c, exit_code, finish, plan, run, shell, start};
use crate::common::{TempDir, in_own_process, is_root};
use provost_model::Signal;
use provost_os::spawn::{Credentials, Report, Spawner, Stdio, go, read_report};
use provost_os::{kill, pipe, signals, users};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;

#[test]
fn a_child_runs_with_its_channels_arguments_and_environment() {
    let outcome = run(&shell("echo out $CANARY $HOME; echo err >&2; cat; exit 7"));
    assert_eq!(
        (outcome.out.as_str(), outcome.err.as_str(), outcome.code),
        ("out yes\n", "err\n", 7)
    );
    assert_eq!(outcome.report, Report::Executed);
}

#[test]
fn stderr_can_go_where_stdout_goes() {
    let (stdin, _open) = pipe::pipe().unwrap();
    let (out, stdout) = pipe::pipe().unwrap();
    let spawned = Spawner::new()
        .unwrap()
        .spawn(
            shell("echo out; echo err >&2"),
            Stdio {
                stdin,
                stdout,
                stderr: None,
            },
        )
        .unwrap();
    go(spawned.report.as_fd()).unwrap();
    let mut text = String::new();
    File::from(out).read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), exit_code(spawned.pid)), ("out\nerr\n", 0));
}

#[test]
fn a_child_leads_a_group_of_its_own_in_our_session() {
    let (spawned, out, err) = start(&plan("/bin/cat", &["/proc/self/stat"]));
    let pid = spawned.pid;
    let outcome = finish(&spawned, out, err);
    let ours = fs::read_to_string("/proc/self/stat").unwrap();
    // Not asked by `getsid`: where the leader lives outside of our namespace of processes, the session is 0.
    let (_, session) = group_and_session(&ours);
    assert_eq!(
        group_and_session(&outcome.out),
        (pid.to_string().as_str(), session),
        "{outcome:?}"
    );
}

/// From the text of a `/proc/PID/stat`: the fields behind the command's name are state, parent, group, session.
fn group_and_session(stat: &str) -> (&str, &str) {
    let mut fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(2);
    (fields.next().unwrap(), fields.next().unwrap())
}

#[test]
fn a_signal_to_the_group_finds_it_as_soon_as_spawn_has_returned() {
    for _ in 0..50 {
        let (spawned, out, err) = start(&shell("sleep 1000"));
        kill::kill(spawned.pid, Signal::KILL, true).unwrap();
        assert_eq!(finish(&spawned, out, err).code, -9);
    }
}

#[test]
fn directory_and_umask_are_taken() {
    let temp = TempDir::new();
    let directory = fs::canonicalize(temp.path()).unwrap();
    let mut plan = shell("pwd; umask");
    plan.directory = Some(c(directory.to_str().unwrap()));
    plan.umask = Some(0o027);
    let outcome = run(&plan);
    assert_eq!(
        outcome.out,
        format!("{}\n0027\n", directory.display()),
        "{outcome:?}"
    );
}

#[test]
fn nothing_but_the_three_channels_is_inherited() {
    let null = File::open("/dev/null").unwrap();
    let leak = rustix::io::fcntl_dupfd_cloexec(&null, 57).unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    assert!(leak.as_raw_fd() >= 57);
    // The fourth is the directory that ls itself reads.
    let outcome = run(&plan("/bin/ls", &["/proc/self/fd"]));
    assert_eq!(
        outcome.out.split_whitespace().collect::<Vec<_>>(),
        ["0", "1", "2", "3"],
        "{outcome:?}"
    );
}

#[test]
fn signals_are_at_their_defaults_but_pipe_and_xfsz_and_none_is_blocked() {
    in_own_process(
        "spawn::signals_are_at_their_defaults_but_pipe_and_xfsz_and_none_is_blocked",
        || {
            let _queue =
                signals::SignalQueue::open(&[Signal::TERM, Signal::HUP, Signal::CHLD]).unwrap();
            for signal in [Signal::HUP, Signal::INT, Signal::USR1] {
                signals::ignore(signal).unwrap();
            }
            let outcome = run(&plan("/bin/cat", &["/proc/self/status"]));
            let line = |name: &str| {
                outcome
                    .out
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap()
                    .trim()
                    .to_owned()
            };
            assert_eq!(line("SigBlk:"), "0000000000000000");
            assert_eq!(line("SigIgn:"), "0000000001001000");
            assert_eq!(line("SigCgt:"), "0000000000000000");
        },
    );
}

#[test]
fn channels_may_be_any_of_the_first_three_descriptors_in_any_order() {
    in_own_process(
        "spawn::channels_may_be_any_of_the_first_three_descriptors_in_any_order",
        || {
            let (own_in, own_out, own_err) = (0, 1, 2);
            let saved = [own_in, own_out, own_err]
                .map(|number| provost_os::files::reopen_own_fd(number).unwrap().file);
            let (stdin, mut feed) = pipe::pipe()
                .map(|(read, write)| (read, File::from(write)))
                .unwrap();
            let (out, stdout) = pipe::pipe().unwrap();
            let (err, stderr) = pipe::pipe().unwrap();
            feed.write_all(b"fed").unwrap();
            drop(feed);
            // The wrong way round: each has to move out of the way of another.
            rustix::stdio::dup2_stdin(&stdout).unwrap();
            rustix::stdio::dup2_stdout(&stderr).unwrap();
            rustix::stdio::dup2_stderr(&stdin).unwrap();
            drop((stdin, stdout, stderr));
            let [stdout, stderr, stdin] = [0, 1, 2].map(low_descriptor);
            let spawned = Spawner::new()
                .unwrap()
                .spawn(
                    shell("cat; echo err >&2"),
                    Stdio {
                        stdin,
                        stdout,
                        stderr: Some(stderr),
                    },
                )
                .unwrap();
            go(spawned.report.as_fd()).unwrap();
            rustix::stdio::dup2_stdin(&saved[0]).unwrap();
            rustix::stdio::dup2_stdout(&saved[1]).unwrap();
            rustix::stdio::dup2_stderr(&saved[2]).unwrap();
            let outcome = finish(&spawned, out, err);
            assert_eq!(
                (outcome.out.as_str(), outcome.err.as_str()),
                ("fed", "err\n"),
                "{outcome:?}"
            );
        },
    );
}

#[expect(
    unsafe_code,
    reason = "only this way can a descriptor below 3 be owned"
)]
fn low_descriptor(number: i32) -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: the test has just put the descriptor there, and opens the number again before anybody else needs it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

#[test]
fn a_relative_program_is_executed_from_its_directory() {
    let temp = TempDir::new();
    symlink("/bin/echo", temp.join("tool")).unwrap();
    let mut plan = plan("./tool", &["here"]);
    plan.directory = Some(c(temp.path().to_str().unwrap()));
    assert_eq!(run(&plan).out, "here\n");
}

#[test]
fn a_child_gets_the_user_the_group_and_all_groups() {
    if !is_root() {
        return;
    }
    let mut plan =
        shell("id -u; id -g; id -G; grep -E '^(Uid|Gid):' /proc/self/status | tr '\\t' ' '");
    plan.credentials = Some(Credentials {
        uid: 1234,
        gid: 2345,
        groups: vec![2345, 7, 9],
    });
    let outcome = run(&plan);
    assert_eq!(
        outcome.out, "1234\n2345\n2345 7 9\nUid: 1234 1234 1234 1234\nGid: 2345 2345 2345 2345\n",
        "{outcome:?}"
    );
}

#[test]
fn the_groups_of_every_user_are_those_that_id_shows() {
    if !is_root() {
        return;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    for name in passwd.lines().filter_map(|line| line.split(':').next()) {
        let user = users::by_name(name).unwrap().unwrap();
        let Some(credentials) = users::credentials(user.uid).unwrap() else {
            continue;
        };
        let shown = run(&plan("/usr/bin/id", &["-G", name])).out;
        let shown: Vec<u32> = shown
            .split_whitespace()
            .map(|gid| gid.parse().unwrap())
            .collect();
        assert_eq!(credentials.groups, shown, "{name}");
        let mut plan = plan("/usr/bin/id", &["-G"]);
        plan.run_as(user.uid);
        let taken = run(&plan).out;
        let taken: Vec<u32> = taken
            .split_whitespace()
            .map(|gid| gid.parse().unwrap())
            .collect();
        assert_eq!(taken, shown, "{name}");
    }
}

#[test]
fn a_report_is_pending_until_the_program_runs() {
    let (report, _write) = pipe::pipe().unwrap();
    pipe::set_nonblocking(report.as_fd(), true).unwrap();
    assert_eq!(read_report(report.as_fd()), Report::Pending);
}

#[test]
fn a_spawn_leaves_no_descriptor_behind() {
    in_own_process("spawn::a_spawn_leaves_no_descriptor_behind", || {
        let count = || fs::read_dir("/proc/self/fd").unwrap().count();
        run(&shell("true"));
        let before = count();
        for _ in 0..20 {
            run(&shell("true"));
            run(&plan("/no/such/program", &[]));
        }
        assert_eq!(count(), before);
    });
}
