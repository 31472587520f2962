//! Pid files, and who holds them.

use crate::common::{TempDir, case_command, in_own_process, is_case, wait_until};
use provost_os::daemonize;
use provost_os::pidfile::{PidFile, PidFileProblem};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Stdio;

#[test]
fn a_pid_is_written_in_place_and_the_file_removed() {
    let temp = TempDir::new();
    let path = temp.join("pid");
    fs::write(&path, "a much longer text that an earlier daemon left\n").unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let mut file = PidFile::lock(&path).unwrap();
    file.write(4711).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "4711\n");
    file.write(5).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "5\n");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    file.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn the_umask_at_the_time_of_writing_decides_the_mode() {
    in_own_process(
        "pidfile::the_umask_at_the_time_of_writing_decides_the_mode",
        || {
            let temp = TempDir::new();
            for (before, at_writing, mode) in [
                (0, 0o022, 0o644),
                (0o077, 0o002, 0o664),
                (0o022, 0o077, 0o600),
            ] {
                let path = temp.join("pid");
                daemonize::umask(before);
                let mut file = PidFile::lock(&path).unwrap();
                daemonize::umask(at_writing);
                file.write(1).unwrap();
                assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
                file.remove().unwrap();
            }
        },
    );
}

#[test]
fn a_second_daemon_is_refused_with_the_pid_of_the_first() {
    // A child that another thread forks meanwhile would keep what is closed here open for a moment.
    in_own_process(
        "pidfile::a_second_daemon_is_refused_with_the_pid_of_the_first",
        || {
            let temp = TempDir::new();
            let path = temp.join("pid");
            let mut first = PidFile::lock(&path).unwrap();
            let problem = PidFile::lock(&path).unwrap_err();
            assert_eq!(
                problem.to_string(),
                format!(
                    "pid file {} is locked by another supervisord",
                    path.display()
                )
            );
            first.write(4711).unwrap();
            let problem = PidFile::lock(&path).unwrap_err();
            assert!(
                matches!(
                    problem,
                    PidFileProblem::Held {
                        holder: Some(4711),
                        ..
                    }
                ),
                "{problem:?}"
            );
            assert_eq!(
                problem.to_string(),
                format!(
                    "pid file {} is locked by another supervisord (pid 4711)",
                    path.display()
                )
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), "4711\n");
            drop(first);
            PidFile::lock(&path).expect("who is gone holds nobody up");
        },
    );
}

#[test]
fn the_lock_goes_along_into_the_background() {
    const NAME: &str = "pidfile::the_lock_goes_along_into_the_background";
    if is_case(NAME) {
        let path = std::env::var("PIDFILE").unwrap();
        let mut file = PidFile::lock(path.as_ref()).unwrap();
        let ready = daemonize::daemonize().unwrap();
        daemonize::detach().unwrap();
        file.write(std::process::id()).unwrap();
        ready.ready();
        wait_until("the test is done with us", || {
            fs::metadata(format!("{path}.done")).ok()
        });
        return;
    }
    let temp = TempDir::new();
    let path = temp.join("pid");
    let status = case_command(NAME)
        .env("PIDFILE", &path)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let pid: i32 = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    let problem = PidFile::lock(&path).unwrap_err();
    assert!(
        matches!(problem, PidFileProblem::Held { holder: Some(holder), .. } if holder == pid),
        "{problem:?}"
    );
    fs::write(temp.join("pid.done"), "").unwrap();
    let _lock = wait_until("the daemon is gone", || PidFile::lock(&path).ok());
}

#[test]
fn a_file_that_took_the_place_of_ours_is_not_removed() {
    let temp = TempDir::new();
    let path = temp.join("pid");
    let file = PidFile::lock(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "of somebody else").unwrap();
    file.remove().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "of somebody else");
}

#[test]
fn a_start_that_fails_takes_away_only_the_file_it_made() {
    let temp = TempDir::new();
    let path = temp.join("pid");
    drop(PidFile::lock(&path).unwrap());
    assert!(!path.exists());
    fs::write(&path, "4711\n").unwrap();
    drop(PidFile::lock(&path).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "4711\n");
}

#[test]
fn links_devices_and_directories_are_refused_and_left_alone() {
    let temp = TempDir::new();
    let victim = temp.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, temp.join("symlink")).unwrap();
    fs::hard_link(&victim, temp.join("hard link")).unwrap();
    fs::create_dir(temp.join("directory")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        temp.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for name in ["symlink", "hard link", "directory", "fifo"] {
        let problem = PidFile::lock(&temp.join(name)).unwrap_err();
        assert!(
            matches!(problem, PidFileProblem::NotOurs { .. }),
            "{name}: {problem:?}"
        );
    }
    assert!(matches!(
        PidFile::lock("/dev/null".as_ref()),
        Err(PidFileProblem::NotOurs { .. })
    ));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_missing_directory_is_told_with_its_reason() {
    let temp = TempDir::new();
    let path = temp.join("missing/pid");
    let problem = PidFile::lock(&path).unwrap_err();
    assert_eq!(
        problem.to_string(),
        format!(
            "cannot open pid file {}: No such file or directory (ENOENT)",
            path.display()
        )
    );
}

#[test]
fn a_holder_that_wrote_nonsense_is_not_named() {
    let temp = TempDir::new();
    let path = temp.join("pid");
    let _first = PidFile::lock(&path).unwrap();
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&[0xff; 100])
        .unwrap();
    let problem = PidFile::lock(&path).unwrap_err();
    assert!(
        matches!(problem, PidFileProblem::Held { holder: None, .. }),
        "{problem:?}"
    );
}
