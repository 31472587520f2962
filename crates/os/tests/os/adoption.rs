//! Children that wait for a word, and processes that are held by a descriptor.

use crate::children::{exit_code, finish, plan, shell};
use crate::common::{TempDir, in_own_process, wait_until};
use provost_model::{Errno, ExitStatus, Pid, Signal};
use provost_os::pidfd::{Ended, PidFd};
use provost_os::private::{self, PrivateProblem};
use provost_os::proc::{self, End};
use provost_os::spawn::{Spawner, Stdio, go};
use provost_os::{pipe, reap};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

#[test]
fn a_child_that_is_not_told_to_go_runs_nothing() {
    let temp = TempDir::new();
    let mark = temp.join("mark");
    let (stdin, _feed) = pipe::pipe().unwrap();
    let (_out, stdout) = pipe::pipe().unwrap();
    let stdio = Stdio {
        stdin,
        stdout,
        stderr: None,
    };
    let spawned = Spawner::new()
        .unwrap()
        .spawn(plan("/bin/touch", &[mark.to_str().unwrap()]), stdio)
        .unwrap();
    let pid = spawned.pid;
    drop(spawned);
    assert_eq!(exit_code(pid), 126);
    assert!(!mark.exists());
}

#[test]
fn a_child_told_to_go_runs_although_a_later_one_waits() {
    let start = || {
        let (stdin, _) = pipe::pipe().unwrap();
        let (out, stdout) = pipe::pipe().unwrap();
        let (err, stderr) = pipe::lasting().unwrap();
        let stderr = Some(stderr);
        let stdio = Stdio {
            stdin,
            stdout,
            stderr,
        };
        (
            Spawner::new()
                .unwrap()
                .spawn(shell("echo ran"), stdio)
                .unwrap(),
            out,
            err,
        )
    };
    let ((first, out, err), (second, ..)) = (start(), start());
    go(first.report.as_fd()).unwrap();
    assert_eq!(finish(&first, out, err).out, "ran\n");
    let pid = second.pid;
    drop(second);
    assert_eq!(exit_code(pid), 126);
}

#[test]
fn a_process_is_known_by_when_it_started_and_its_number() {
    // What reaps whoever has ended would take the children of other tests.
    in_own_process(
        "adoption::a_process_is_known_by_when_it_started_and_its_number",
        is_known_until_it_is_collected,
    );
}

fn is_known_until_it_is_collected() {
    let mut child = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    let pid = Pid(i32::try_from(child.id()).unwrap());
    let held = PidFd::open(pid).unwrap();
    let ticks = proc::start_ticks(pid).unwrap();
    assert_eq!(proc::start_ticks(pid), Some(ticks));
    assert!(proc::age_of(ticks).as_secs() < 600);
    assert_eq!(held.number(), PidFd::open(pid).unwrap().number());
    assert!(proc::has_user(pid, provost_os::users::current_euid()));
    assert!(!held.has_ended());
    held.signal(Signal::KILL, false).unwrap();
    wait_until("it has ended", || held.has_ended().then_some(()));
    let killed = ExitStatus::Signaled {
        signal: Signal::KILL,
        core_dumped: false,
    };
    assert_eq!(held.end(), Ended::As(killed), "of a zombie");
    child.wait().unwrap();
    assert_eq!(held.signal(Signal::TERM, false), Err(Errno(3)));
    match held.end() {
        Ended::As(status) => assert_eq!(status, killed),
        // A kernel before 6.15.
        Ended::Untold => {}
        Ended::NotYet => panic!("it was collected"),
    }
    assert!(reap::reap_one().is_ok());
}

#[test]
fn pids_that_mean_nobody_are_refused() {
    for pid in [i32::MIN, -1, 0, 1] {
        assert_eq!(PidFd::open(Pid(pid)).unwrap_err(), Errno(22));
    }
}

#[test]
fn the_pipe_of_a_process_is_found_by_its_number_wherever_it_is() {
    let (read, write) = pipe::lasting().unwrap();
    let number = pipe::number(read.as_fd()).unwrap();
    File::from(write.try_clone().unwrap())
        .write_all(b"kept")
        .unwrap();
    drop(read);
    let own = Pid(i32::try_from(std::process::id()).unwrap());
    let usual = write.as_raw_fd();
    for place in [usual, i32::MAX] {
        let again = proc::open_pipe_of(own, place, number, End::Reading).unwrap();
        assert_eq!(pipe::number(again.as_fd()), Some(number));
    }
    let other = number.wrapping_add(1 << 40);
    assert!(proc::open_pipe_of(own, usual, other, End::Reading).is_none());
}

#[test]
fn s21_only_a_file_that_is_ours_alone_is_believed() {
    let temp = TempDir::new();
    let path = temp.join("file");
    assert!(private::read(&path, 100, false).unwrap().is_none());
    private::create(&path).unwrap().write_all(b"text").unwrap();
    assert!(private::create(&path).is_err());
    assert_eq!(
        private::read(&path, 100, false).unwrap(),
        Some(b"text".to_vec())
    );
    let read = |path| private::read(path, 100, false).unwrap_err();
    let link = temp.join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(read(&link), PrivateProblem::Shape));
    fs::remove_file(&link).unwrap();
    assert!(matches!(read(temp.path()), PrivateProblem::Shape));
    fs::hard_link(&path, &link).unwrap();
    assert!(matches!(read(&path), PrivateProblem::Shape));
    fs::remove_file(&link).unwrap();
    assert!(matches!(
        private::read(&path, 3, false),
        Err(PrivateProblem::Size(4))
    ));
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(read(&path), PrivateProblem::Mode(0o640)));
}
