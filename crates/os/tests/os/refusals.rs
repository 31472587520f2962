//! Children that cannot start, and what they and we say then.

use crate::children::{c, plan, run, shell};
use crate::common::{TempDir, in_own_process, is_root};
use provost_model::Errno;
use provost_model::spawn::SpawnProblem;
use provost_os::spawn::{Credentials, Refusal, Report, Stage, locate};
use provost_os::users::{self, PrivilegeProblem};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

#[test]
fn what_cannot_be_executed_is_reported_and_said_in_upstreams_words() {
    // A child that another thread forks meanwhile would hold the new files open for writing.
    in_own_process(
        "refusals::what_cannot_be_executed_is_reported_and_said_in_upstreams_words",
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
    let big = format!("BIG={}", "x".repeat(4 << 20));
    plan.envp.push(c(&big).into());
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
        "refusals::a_file_that_others_may_execute_but_not_we_is_no_permission",
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
