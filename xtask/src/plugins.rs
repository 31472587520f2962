//! The packages of third parties whose factories are built in, installed beside upstream to be compared with.
//!
//! They are old: some cannot be built in isolation, some were written for Python 2. What they need is put in place
//! before they are installed, and nothing of their own code is changed.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The packages, each in the release that is compared with.
pub(crate) const PACKAGES: &[&str] = &[
    "supervisor_twiddler==1.0.0",
    "supervisor_cache==1.1.0",
    "supervisor-quick==0.1.4",
    "mr.laforge==0.9",
    "supervisor-wildcards==0.1.3",
    "supervisor-serialrestart==0.1.1",
];

/// What `supervisor-quick` calls `xmlrpc.client`, by its name in Python 2.
const SHIM: &str = "import sys, xmlrpc.client\nsys.modules[__name__] = xmlrpc.client\n";

/// Installs them into an environment that has upstream, `setuptools` and `wheel`.
pub(crate) fn install(environment: &Path) -> Result<(), String> {
    let python = environment.join("bin/python");
    let found = Command::new(&python)
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))",
        ])
        .output()
        .map_err(|error| format!("{}: {error}", python.display()))?;
    let packages = String::from_utf8_lossy(&found.stdout);
    let shim = Path::new(packages.trim()).join("xmlrpclib.py");
    fs::write(&shim, SHIM).map_err(|error| format!("{}: {error}", shim.display()))?;
    // One installation builds them all from what is there already: none asks for a newer `setuptools` of its own.
    super::oracle::command(
        Command::new(environment.join("bin/pip"))
            .args(["install", "--quiet", "--no-deps", "--no-build-isolation"])
            .args(PACKAGES),
    )
}
