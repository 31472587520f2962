//! What belongs to a whole process: each case has one of its own.

use crate::common::{TempDir, case_command, in_own_process, is_case, is_root, wait_until};
use provost_model::{ExitStatus, Pid, Signal};
use provost_os::users::{self, PrivilegeProblem};
use provost_os::{daemonize, kill, limits, reap, stdio};
use std::fs;
use std::process::{Command, Stdio};

fn own_pid() -> Pid {
    Pid(i32::try_from(std::process::id()).unwrap())
}

/// A child of this process that nobody else waits for.
#[expect(clippy::zombie_processes, reason = "the test reaps it")]
fn shell(script: &str) -> Pid {
    let child = Command::new("/bin/sh")
        .args(["-c", script])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    Pid(i32::try_from(child.id()).unwrap())
}

fn reap_next() -> (Pid, ExitStatus) {
    wait_until("a child has ended", || reap::reap_one().unwrap())
}

#[test]
fn children_are_reaped_with_what_ended_them() {
    in_own_process("process::children_are_reaped_with_what_ended_them", || {
        assert_eq!(
            reap::reap_one().unwrap(),
            None,
            "without children there is nothing to reap"
        );
        let child = shell("exit 3");
        assert_eq!(reap_next(), (child, ExitStatus::Code(3)));
        let child = shell("ulimit -c 0; kill -9 $$");
        assert_eq!(
            reap_next(),
            (
                child,
                ExitStatus::Signaled {
                    signal: Signal::KILL,
                    core_dumped: false
                }
            )
        );

        let child = shell("exec sleep 1000");
        assert_eq!(
            reap::reap_one().unwrap(),
            None,
            "a child that lives is not waited for"
        );
        kill::kill(child, Signal::from_raw(19), false).unwrap();
        kill::kill(child, Signal::TERM, false).unwrap();
        kill::kill(child, Signal::from_raw(18), false).unwrap();
        assert_eq!(
            reap_next().1,
            ExitStatus::Signaled {
                signal: Signal::TERM,
                core_dumped: false
            }
        );
    });
}

#[test]
fn a_subreaper_inherits_orphans() {
    in_own_process("process::a_subreaper_inherits_orphans", || {
        reap::become_subreaper().unwrap();
        let parent = shell("sleep 1000 & exit 4");
        assert_eq!(reap_next(), (parent, ExitStatus::Code(4)));
        let own = std::process::id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
        let orphan = Pid(children.trim().parse().unwrap());
        kill::kill(orphan, Signal::KILL, false).unwrap();
        assert_eq!(
            reap_next(),
            (
                orphan,
                ExitStatus::Signaled {
                    signal: Signal::KILL,
                    core_dumped: false
                }
            )
        );
        assert_eq!(reap::reap_one().unwrap(), None);
    });
}

#[test]
fn the_foreground_ends_when_the_background_is_ready() {
    const NAME: &str = "process::the_foreground_ends_when_the_background_is_ready";
    if is_case(NAME) {
        // A socket stands in for whatever is opened before.
        let ready = daemonize::daemonize().unwrap();
        daemonize::detach().unwrap();
        daemonize::chdir("/".as_ref()).unwrap();
        daemonize::umask(0o027);
        assert_eq!(daemonize::umask(0o077), 0o027);
        let link = |number| fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
        let session = rustix::process::getsid(None).unwrap().as_raw_pid();
        let told = format!(
            "{} {} {} {} {} {}",
            own_pid(),
            session,
            link(0).display(),
            link(1).display(),
            link(2).display(),
            std::env::current_dir().unwrap().display()
        );
        let out = std::env::var("TOLD").unwrap();
        fs::write(&out, told).unwrap();
        ready.ready();
        wait_until("the test has seen that we live on", || {
            fs::metadata(&out).is_err().then_some(())
        });
        return;
    }
    let temp = TempDir::new();
    let told = temp.join("told");
    let mut foreground = case_command(NAME)
        .env("TOLD", &told)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = foreground.wait().unwrap();
    assert!(status.success(), "{status}");
    let text =
        fs::read_to_string(&told).expect("the foreground ended before the background was ready");
    let pid: u32 = text.split(' ').next().unwrap().parse().unwrap();
    assert_ne!(pid, foreground.id());
    assert_eq!(text, format!("{pid} {pid} /dev/null /dev/null /dev/null /"));
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    fs::remove_file(&told).unwrap();
}

#[test]
fn the_foreground_ends_as_the_background_does_when_that_is_never_ready() {
    const NAME: &str =
        "process::the_foreground_ends_as_the_background_does_when_that_is_never_ready";
    if is_case(NAME) {
        let _never_ready = daemonize::daemonize().unwrap();
        if std::env::var("HOW").unwrap() == "exit" {
            #[expect(clippy::exit, reason = "the end of a daemon that could not start")]
            std::process::exit(2);
        }
        kill::kill(own_pid(), Signal::KILL, false).unwrap();
    }
    for (how, code) in [("exit", 2), ("signal", 1)] {
        let status = case_command(NAME)
            .env("HOW", how)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{how}");
    }
}

#[test]
fn dropped_privileges_are_gone() {
    if !is_root() {
        return;
    }
    in_own_process("process::dropped_privileges_are_gone", || {
        let nobody = users::by_name("nobody").unwrap().unwrap();
        users::drop_privileges(nobody.uid).unwrap();
        let script = "id -u; id -g; id -G; \
                      grep -E '^(Uid|Gid):' /proc/self/status | tr '\\t' ' '";
        let output = Command::new("/bin/sh")
            .args(["-c", script])
            .output()
            .unwrap();
        let ids = String::from_utf8(output.stdout).unwrap();
        let (u, g) = (nobody.uid, nobody.gid);
        let groups: Vec<String> = users::group_list(&nobody)
            .unwrap()
            .iter()
            .map(u32::to_string)
            .collect();
        assert_eq!(
            ids,
            format!(
                "{u}\n{g}\n{}\nUid: {u} {u} {u} {u}\nGid: {g} {g} {g} {g}\n",
                groups.join(" ")
            )
        );

        assert_eq!(
            users::drop_privileges(nobody.uid),
            Ok(()),
            "who is that user already need not do anything"
        );
        assert_eq!(users::drop_privileges(0), Err(PrivilegeProblem::NotRoot));
        assert_eq!(
            users::drop_privileges(4_000_000_000),
            Err(PrivilegeProblem::NoSuchUid(4_000_000_000))
        );
    });
}

#[test]
fn limits_are_raised_as_far_as_needed_and_refusals_name_the_real_limit() {
    in_own_process(
        "process::limits_are_raised_as_far_as_needed_and_refusals_name_the_real_limit",
        || {
            use rustix::process::{Resource, Rlimit, setrlimit};
            setrlimit(
                Resource::Nofile,
                Rlimit {
                    current: Some(64),
                    maximum: Some(256),
                },
            )
            .unwrap();
            assert_eq!(limits::raise_minimum(limits::Resource::Files, 64), Ok(None));
            assert_eq!(
                limits::raise_minimum(limits::Resource::Files, 128),
                Ok(Some(128))
            );
            assert_eq!(limits::get(limits::Resource::Files), (Some(128), Some(256)));
            if may_raise_hard_limits() {
                let raised = limits::raise_minimum(limits::Resource::Files, 512);
                assert_eq!(raised, Ok(Some(512)));
                assert_eq!(limits::get(limits::Resource::Files), (Some(512), Some(512)));
                let low = Rlimit {
                    current: Some(64),
                    maximum: Some(256),
                };
                setrlimit(Resource::Nofile, low).unwrap();
            }
            if is_root() {
                users::drop_privileges(users::by_name("nobody").unwrap().unwrap().uid).unwrap();
            }
            let problem = limits::raise_minimum(limits::Resource::Files, 1024).unwrap_err();
            assert_eq!((problem.hard, problem.errno.name()), (Some(256), "EPERM"));
            assert!(
                problem
                    .to_string()
                    .contains("is 1024 as per the \"minfds\""),
                "{problem}"
            );
        },
    );
}

fn may_raise_hard_limits() -> bool {
    /// Number of the capability `CAP_SYS_RESOURCE`.
    const SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() & (1 << SYS_RESOURCE) != 0
}

#[test]
fn a_process_knows_its_command_line_and_its_machine() {
    let words = stdio::arguments();
    assert!(std::path::Path::new(&words[0]).exists(), "{words:?}");
    assert!(words[1..].iter().cloned().eq(std::env::args_os().skip(1)));
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(stdio::hostname(), machine.trim());
}
