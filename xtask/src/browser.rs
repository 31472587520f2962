//! What the tests of the pages need beside Chromium, and pictures of the pages.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::{oracle, suites};

/// The accessibility checker that runs in the pages.
const CHECKER: &str = "axe-core@4.14.1";

/// Where it is: `PROVOST_WEB`, else `target/web` of this checkout.
pub(crate) fn directory() -> PathBuf {
    let given = env::var_os("PROVOST_WEB").map(PathBuf::from);
    given.unwrap_or_else(|| oracle::root().join("target/web"))
}

/// Puts it there. Answers whether it is there.
pub(crate) fn run() -> bool {
    let directory = directory();
    let stamp = directory.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == CHECKER) {
        return true;
    }
    println!("setup: installing {CHECKER} into {}", directory.display());
    match install(&directory)
        .and_then(|()| fs::write(&stamp, CHECKER).map_err(|error| error.to_string()))
    {
        Ok(()) => true,
        Err(why) => {
            eprintln!(
                "error: cannot install {CHECKER} into {}: {why}",
                directory.display()
            );
            eprintln!(
                "  help: it comes from the index of Node.js's packages, which npm must reach"
            );
            false
        }
    }
}

fn install(directory: &PathBuf) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let status = Command::new("npm")
        .args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(directory)
        .arg(CHECKER)
        .current_dir(directory)
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("npm: {status}"))
    }
}

/// Writes pictures of all pages into the documentation. Answers whether that worked.
pub(crate) fn screenshots() -> bool {
    let built = suites::cargo(&["build", "--quiet"]).status();
    let mut command = suites::cargo(&[
        "test",
        "--quiet",
        "--package",
        "provost-web-tests",
        "--test",
        "screenshots",
        "--",
        "--ignored",
    ]);
    command.env("PROVOST_SCREENSHOTS", oracle::root().join("docs/images"));
    built.is_ok_and(|status| status.success())
        && command.status().is_ok_and(|status| status.success())
}
