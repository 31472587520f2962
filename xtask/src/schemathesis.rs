//! `cargo xtask setup`: Schemathesis, which asks for whatever a description in the form of `OpenAPI` allows, and for what it
//! does not allow. `tests/e2e/tests/rest_described.rs` lets it loose on a daemon.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::oracle::{command, make_venv, root};

/// The release that the test was written for.
const RELEASE: &str = "schemathesis==4.32.5";

/// Where it lives: `PROVOST_SCHEMATHESIS`, else `target/schemathesis` of this checkout.
fn directory() -> PathBuf {
    std::env::var_os("PROVOST_SCHEMATHESIS")
        .map_or_else(|| root().join("target/schemathesis"), PathBuf::from)
}

/// Installs it if it is missing. Says what went wrong, and answers whether it is in place.
pub(crate) fn run() -> bool {
    let directory = directory();
    let stamp = directory.join("stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == RELEASE) {
        println!("setup: {RELEASE} is in {}", directory.display());
        return true;
    }
    let installed = install(&directory).and_then(|()| {
        fs::write(&stamp, RELEASE).map_err(|error| format!("{}: {error}", stamp.display()))
    });
    match installed {
        Ok(()) => {
            println!("setup: installed {RELEASE} into {}", directory.display());
            true
        }
        Err(why) => {
            let directory = directory.display();
            eprintln!("error: cannot set up {RELEASE} in {directory}: {why}");
            eprintln!(
                "  help: it comes from the index of Python's packages, which must be reached by pip; another interpreter: \
                 PROVOST_PYTHON=/path/to/python3"
            );
            false
        }
    }
}

fn install(directory: &Path) -> Result<(), String> {
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(|error| format!("removing the old one: {error}"))?;
    }
    make_venv(directory)?;
    command(Command::new(directory.join("bin/pip")).args([
        "install",
        "--quiet",
        "--no-compile",
        RELEASE,
    ]))
}
