//! `cargo xtask setup`: Schemathesis, which asks for whatever a description in the form of `OpenAPI` allows, and for what it
//! does not allow. `tests/e2e/tests/rest_described.rs` lets it loose on a daemon.

use std::path::PathBuf;

use crate::oracle::{command, make_venv, pip, root};
use crate::stamp::Installed;

/// The release that the test was written for.
const RELEASE: &str = "schemathesis==4.32.5";

/// Where it lives: `PROVOST_SCHEMATHESIS`, else `target/schemathesis` of this checkout.
fn directory() -> PathBuf {
    std::env::var_os("PROVOST_SCHEMATHESIS")
        .map_or_else(|| root().join("target/schemathesis"), PathBuf::from)
}

/// Installs it if it is missing. Answers whether it is in place.
pub(crate) fn run() -> bool {
    let installed = Installed {
        name: RELEASE,
        wanted: RELEASE,
        directory: &directory(),
        help: &[
            "it comes from the index of Python's packages, which must be reached by pip; another interpreter: \
             PROVOST_PYTHON=/path/to/python3",
        ],
    };
    installed.ensure(|directory| {
        make_venv(directory)?;
        command(pip(directory).args(["install", "--quiet", "--no-compile", RELEASE]))
    })
}
