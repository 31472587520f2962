//! Real children: what they inherit, and what they say when they cannot start.

use crate::common::{TempDir, in_own_process, is_root, wait_until};
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, Pid, Signal};
use provost_os::spawn::{
    Credentials, Plan, Refusal, Report, Spawned, Stage, Stdio, locate, read_report, spawn,
};
use provost_os::users::{self, PrivilegeProblem};
use provost_os::{kill, pipe, signals};
use rustix::process::WaitOptions;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What a child did.
#[derive(Debug)]
struct Outcome {
    out: String,
    err: String,
    code: i32,
    report: Report,
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn plan(program: &str, arguments: &[&str]) -> Plan {
    let argv = std::iter::once(program)
        .chain(arguments.iter().copied())
        .map(c)
        .collect();
    Plan::new(
        c(program),
        argv,
        vec![c("PATH=/bin:/usr/bin"), c("CANARY=yes")],
    )
}

fn shell(script: &str) -> Plan {
    plan("/bin/sh", &["-c", script])
}

/// Starts a child and gives it an empty stdin.
fn start(plan: &Plan) -> (Spawned, OwnedFd, OwnedFd) {
    let (stdin, stdin_write) = pipe::pipe().unwrap();
    let (out, stdout) = pipe::pipe().unwrap();
    let (err, stderr) = pipe::pipe().unwrap();
    drop(stdin_write);
    let spawned = spawn(
        plan,
        Stdio {
            stdin,
            stdout,
            stderr: Some(stderr),
        },
    )
    .unwrap();
    (spawned, out, err)
}

fn finish(spawned: Spawned, out: OwnedFd, err: OwnedFd) -> Outcome {
    let text = |fd: OwnedFd| {
        let mut bytes = Vec::new();
        File::from(fd).read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (out, err) = (text(out), text(err));
    let code = exit_code(spawned.pid);
    let report = wait_until("the child reports", || {
        match read_report(spawned.report.as_fd()) {
            Report::Pending => None,
            report => Some(report),
        }
    });
    Outcome {
        out,
        err,
        code,
        report,
    }
}

fn exit_code(pid: Pid) -> i32 {
    let pid = rustix::process::Pid::from_raw(pid.0).unwrap();
    let (_, status) = rustix::process::waitpid(Some(pid), WaitOptions::empty())
        .unwrap()
        .unwrap();
    status
        .exit_status()
        .unwrap_or_else(|| -status.terminating_signal().unwrap())
}

fn run(plan: &Plan) -> Outcome {
    let (spawned, out, err) = start(plan);
    finish(spawned, out, err)
}

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
    let spawned = spawn(
        &shell("echo out; echo err >&2"),
        Stdio {
            stdin,
            stdout,
            stderr: None,
        },
    )
    .unwrap();
    let mut text = String::new();
    File::from(out).read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), exit_code(spawned.pid)), ("out\nerr\n", 0));
}

#[test]
fn a_child_leads_a_group_of_its_own_in_our_session() {
    let (spawned, out, err) = start(&plan("/bin/cat", &["/proc/self/stat"]));
    let pid = spawned.pid;
    let outcome = finish(spawned, out, err);
    let fields: Vec<&str> = outcome
        .out
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let session = rustix::process::getsid(None).unwrap().as_raw_pid();
    assert_eq!(
        (fields[2], fields[3]),
        (pid.to_string().as_str(), session.to_string().as_str()),
        "{outcome:?}"
    );
}

#[test]
fn a_signal_to_the_group_finds_it_as_soon_as_spawn_has_returned() {
    for _ in 0..50 {
        let (spawned, out, err) = start(&shell("sleep 1000"));
        kill::kill(spawned.pid, Signal::KILL, true).unwrap();
        assert_eq!(finish(spawned, out, err).code, -9);
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
            let spawned = spawn(
                &shell("cat; echo err >&2"),
                Stdio {
                    stdin,
                    stdout,
                    stderr: Some(stderr),
                },
            )
            .unwrap();
            rustix::stdio::dup2_stdin(&saved[0]).unwrap();
            rustix::stdio::dup2_stdout(&saved[1]).unwrap();
            rustix::stdio::dup2_stderr(&saved[2]).unwrap();
            let outcome = finish(spawned, out, err);
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
fn what_cannot_be_executed_is_reported_and_said_in_upstreams_words() {
    // A child that another thread forks meanwhile would hold the new files open for writing.
    in_own_process(
        "spawn::what_cannot_be_executed_is_reported_and_said_in_upstreams_words",
        every_exec_failure,
    );
}

fn every_exec_failure() {
    let temp = TempDir::new();
    let file = |name: &str, mode: u32, text: &str| -> PathBuf {
        let path = temp.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let plain = file("plain", 0o600, "#!/bin/sh\n");
    symlink(temp.join("loop"), temp.join("loop")).unwrap();
    let busy = file("busy", 0o700, "#!/bin/sh\n");
    let _writer = OpenOptions::new().write(true).open(&busy).unwrap();
    let cases: Vec<(PathBuf, &str)> = vec![
        (temp.join("missing"), "ENOENT"),
        (plain.clone(), "EACCES"),
        (temp.path().to_path_buf(), "EACCES"),
        (file("no-hash-bang", 0o700, "echo hello\n"), "ENOEXEC"),
        (file("empty", 0o700, ""), "ENOEXEC"),
        (
            file("broken-elf", 0o700, "\u{7f}ELF and nothing more"),
            "ENOEXEC",
        ),
        (
            file("bad-interpreter", 0o700, "#!/no/such/interpreter\n"),
            "ENOENT",
        ),
        (
            file(
                "plain-interpreter",
                0o700,
                &format!("#!{}\n", plain.display()),
            ),
            "EACCES",
        ),
        (plain.join("x"), "ENOTDIR"),
        (temp.join("loop"), "ELOOP"),
        (temp.join(&"x".repeat(300)), "ENAMETOOLONG"),
        (busy, "ETXTBSY"),
    ];
    for (path, name) in cases {
        let program = path.to_str().unwrap();
        let mut plan = plan(program, &["arg"]);
        plan.argv[0] = c("argv-zero");
        let outcome = run(&plan);
        assert_eq!(
            outcome.err,
            format!(
                "supervisor: couldn't exec argv-zero: {name}\nsupervisor: child process was not spawned\n"
            ),
            "{program}"
        );
        assert_eq!(outcome.code, 127, "{program}");
        let Report::Failed {
            stage: Stage::Exec,
            errno,
        } = outcome.report
        else {
            panic!("{program}: {outcome:?}")
        };
        assert_eq!(errno.name(), name, "{program}");
    }
}

#[test]
fn too_many_arguments_are_reported() {
    let mut plan = plan("/bin/true", &[]);
    plan.envp.push(c(&format!("BIG={}", "x".repeat(4 << 20))));
    let outcome = run(&plan);
    assert_eq!(
        outcome.report,
        Report::Failed {
            stage: Stage::Exec,
            errno: Errno(7)
        }
    );
    assert!(
        outcome
            .err
            .starts_with("supervisor: couldn't exec /bin/true: E2BIG\n"),
        "{}",
        outcome.err
    );
}

#[test]
fn a_directory_that_cannot_be_entered_is_reported_before_the_program() {
    let temp = TempDir::new();
    for (directory, name) in [
        (temp.join("missing"), "ENOENT"),
        (PathBuf::from("/etc/passwd"), "ENOTDIR"),
    ] {
        let mut plan = plan("/no/such/program", &[]);
        plan.directory = Some(c(directory.to_str().unwrap()));
        let outcome = run(&plan);
        assert_eq!(
            outcome.err,
            format!(
                "supervisor: couldn't chdir to {}: {name}\nsupervisor: child process was not spawned\n",
                directory.display()
            )
        );
        assert!(
            matches!(outcome.report, Report::Failed { stage: Stage::Directory, errno } if errno.name() == name)
        );
        assert_eq!(outcome.code, 127);
    }
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
fn a_user_that_cannot_be_taken_is_said_by_the_child() {
    let mut plan = shell("echo must not run");
    plan.refusal = Some(Refusal {
        uid: 12,
        problem: PrivilegeProblem::NotRoot,
    });
    let outcome = run(&plan);
    assert_eq!(
        outcome.err,
        "supervisor: couldn't setuid to 12: Can't drop privilege as nonroot user\n\
         supervisor: child process was not spawned\n"
    );
    assert_eq!((outcome.out.as_str(), outcome.code), ("", 127));
    assert_eq!(
        outcome.report,
        Report::Failed {
            stage: Stage::User,
            errno: Errno(1)
        }
    );
}

#[test]
fn a_user_without_entry_is_refused_by_number() {
    let mut plan = shell("echo must not run");
    plan.run_as(3_999_999_999);
    let outcome = run(&plan);
    assert!(
        outcome
            .err
            .starts_with("supervisor: couldn't setuid to 3999999999: Can't find uid 3999999999\n"),
        "{outcome:?}"
    );
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
fn the_number_that_means_no_change_never_leaves_a_child_as_root() {
    if !is_root() {
        return;
    }
    for (uid, gid) in [(u32::MAX, 1), (1, u32::MAX)] {
        let mut plan = shell("echo must not run");
        plan.credentials = Some(Credentials {
            uid,
            gid,
            groups: vec![1],
        });
        let outcome = run(&plan);
        assert_eq!(
            (outcome.out.as_str(), outcome.code),
            ("", 127),
            "{outcome:?}"
        );
        assert_eq!(
            outcome.report,
            Report::Failed {
                stage: Stage::User,
                errno: Errno(22)
            }
        );
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

#[test]
fn commands_are_found_and_refused_as_upstream_does() {
    let temp = TempDir::new();
    let make = |directory: &str, name: &str, mode: u32| {
        let directory = temp.join(directory);
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let first = make("one", "tool", 0o755);
    let second = make("two", "tool", 0o755);
    let plain = make("one", "plain", 0o644);
    make("two", "plain", 0o755);
    fs::create_dir(temp.join("one/sub")).unwrap();
    let path = format!(
        "{}/missing:{}/one:{}/two",
        temp.path().display(),
        temp.path().display(),
        temp.path().display()
    );
    let find = |word: &str| locate(word, Some(&path));
    let text = |path: &Path| path.to_str().unwrap().to_owned();

    assert_eq!(find("tool"), Ok(first));
    assert_eq!(find(&text(&second)), Ok(second.clone()));
    // The first entry decides, even if a later one could be executed.
    assert_eq!(
        find("plain"),
        Err(SpawnProblem::NotExecutable { file: text(&plain) })
    );
    assert_eq!(
        find("sub"),
        Err(SpawnProblem::IsDirectory {
            file: text(&temp.join("one/sub"))
        })
    );
    assert_eq!(
        find("nothing"),
        Err(SpawnProblem::NotFound {
            file: "nothing".to_owned()
        })
    );
    assert_eq!(
        find("/no/such"),
        Err(SpawnProblem::NotFound {
            file: "/no/such".to_owned()
        })
    );
    assert_eq!(
        find("nul\0"),
        Err(SpawnProblem::NotFound {
            file: "nul\0".to_owned()
        })
    );
    assert_eq!(
        locate("tool", Some("")),
        Err(SpawnProblem::NotFound {
            file: "tool".to_owned()
        })
    );
    assert!(locate("sh", None).is_ok());
}

#[test]
fn a_file_that_others_may_execute_but_not_we_is_no_permission() {
    if !is_root() {
        return;
    }
    in_own_process(
        "spawn::a_file_that_others_may_execute_but_not_we_is_no_permission",
        || {
            let temp = TempDir::new();
            let path = temp.join("tool");
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            users::drop_privileges(users::by_name("nobody").unwrap().unwrap().uid).unwrap();
            let file = path.to_str().unwrap().to_owned();
            assert_eq!(
                locate(&file, None),
                Err(SpawnProblem::NoPermission { file })
            );
        },
    );
}
