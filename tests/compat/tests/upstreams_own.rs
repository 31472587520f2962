//! Upstream's own end-to-end tests, unmodified, with our commands in place of its own.
//!
//! A private copy of upstream's package has four modules replaced by shims that execute our binaries; everything else
//! in it (the tests, their fixtures, the client side of XML-RPC, `childutils`) stays as it is.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use provost_e2e::{Place, Side, oracle, python};

/// Modules of upstream's package, and the command that each becomes.
const REPLACED: &[(&str, &str)] = &[
    ("supervisord", "supervisord"),
    ("supervisorctl", "supervisorctl"),
    ("confecho", "echo_supervisord_conf"),
    ("pidproxy", "pidproxy"),
];

/// How each replaced module begins. The copy is for the tests alone: programs that the daemon starts must not see it.
const SHIM: &str = "import os, sys\nos.environ.pop('PYTHONPATH', None)\n";

/// A fixture that one of the tests names and the source distribution leaves out: greets, line by line, in UTF-8.
const HELLO: &str = "n=0\nwhile sleep 1; do\n  n=$((n + 1))\n  \
                     echo \"The Øresund bridge ends in Malmö - $n\"\ndone\n";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the place is writable");
    for entry in fs::read_dir(from).expect("the source distribution is whole") {
        let entry = entry.expect("it can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the place is writable");
        }
    }
}

#[test]
fn upstreams_end_to_end_tests_pass_with_our_commands() {
    // The fixtures have fixed names in the directory for temporary files: one run of them at a time on a machine.
    let lock = File::create(std::env::temp_dir().join("provost-upstreams-own.lock"));
    let lock = lock.expect("the directory for temporary files is writable");
    lock.lock().expect("files can be locked");
    let place = Place::new();
    copy(
        &oracle().join("sdist/supervisor/supervisor"),
        &place.join("lib/supervisor"),
    );
    for (module, command) in REPLACED {
        let path = Side::Ours.command(command);
        place.write(
            &format!("lib/supervisor/{module}.py"),
            format!("{SHIM}os.execv({path:?}, [{path:?}] + sys.argv[1:])\n"),
        );
    }
    place.write("lib/supervisor/tests/fixtures/hello.sh", HELLO);
    let path = format!(
        "{}:{}",
        oracle().join("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new(python())
        .args(["-m", "unittest", "-v", "supervisor.tests.test_end_to_end"])
        .env("PYTHONPATH", place.join("lib"))
        .env("PATH", path)
        // Automatic logs go where no other daemon on this machine clears them away.
        .env("TMPDIR", place.path())
        .env("END_TO_END", "1")
        .env("LANG", "C.UTF-8")
        .current_dir(place.path())
        .output()
        .expect("python runs");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "upstream's tests fail:\n{report}");
    let passed = report.lines().filter(|line| line.ends_with("ok")).count();
    assert!(passed >= 25, "only {passed} tests ran:\n{report}");
}
