//! What the tests of the pages need beside Chromium, and pictures of the pages.

use std::env;
use std::path::PathBuf;

use crate::ecosystem::npm;
use crate::stamp::Installed;
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
    let installed = Installed {
        name: CHECKER,
        wanted: CHECKER,
        directory: &directory(),
        help: &["it comes from the index of Node.js's packages, which npm must reach"],
    };
    installed.ensure(|directory| npm(directory, &[CHECKER]))
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
