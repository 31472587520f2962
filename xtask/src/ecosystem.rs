//! `cargo xtask setup`: software written for Supervisor, unmodified, in private environments of its own.
//!
//! `tests/compat/tests/ecosystem_*.rs` let it work with our commands. Three directories below `target/ecosystem`: a
//! Python environment, Ansible's collection, and packages of Node.js. A stamp names what was installed, so that a second
//! run is instant and a change of version starts afresh. Nothing outside of that directory is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::oracle::{command, make_venv, pip, root};
use crate::stamp::Installed;

/// What must be there before the tools: one of them imports Supervisor while its metadata is made, and all are built
/// with these.
const FIRST: &[&str] = &["supervisor==4.3.0", "setuptools<81", "wheel"];

/// The tools, and of what they import the versions that they work with.
const TOOLS: &[&str] = &[
    "superlance==2.0.0",
    "supervisord-dependent-startup==1.4.0",
    "toposort==1.10",
    "supervisor-stdout==0.1.1",
    "supervisor-checks==0.8.1",
    "psutil==7.2.2",
    "superslacker==0.9.1",
    "slackclient==2.9.4",
    "supervisor-alert==0.6.2",
    "nagios-check-supervisord==2.2.1",
    "ansible-core==2.19.14",
    "prometheus-client==0.26.0",
];

/// The release of Ansible that has the collection for Supervisor's clients. It is large, and only this part is kept.
const ANSIBLE: &str = "ansible==12.3.0";

/// The one collection of it that is kept.
const COLLECTION: &str = "ansible_collections/community/general/";

/// Packages of Node.js, with what they ask for in any version.
const NODE: &[&str] = &["supervisord@0.1.0", "xmlrpc@1.3.2", "structr@0.3.2"];

/// Rises when the layout of the directory changes without a change of version.
const LAYOUT: &str = "layout 1";

/// Where it lives: `PROVOST_ECOSYSTEM`, else `target/ecosystem` of this checkout.
pub(crate) fn directory() -> PathBuf {
    std::env::var_os("PROVOST_ECOSYSTEM")
        .map_or_else(|| root().join("target/ecosystem"), PathBuf::from)
}

/// Installs what is missing. Answers whether all is in place.
pub(crate) fn run() -> bool {
    let wanted = [FIRST, TOOLS, &[ANSIBLE], NODE, &[LAYOUT]]
        .concat()
        .join("\n");
    let installed = Installed {
        name: "software written for Supervisor",
        wanted: &wanted,
        directory: &directory(),
        help: &[
            "it comes from the indexes of Python's and of Node.js's packages: both must be reached by pip and npm",
            "the tests need Python 3.11 or newer and Node.js; another interpreter: PROVOST_PYTHON=/path/to/python3",
        ],
    };
    installed.ensure(install)
}

/// The three parts have nothing to do with each other: they are fetched at the same time.
fn install(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| format!("making it: {error}"))?;
    let venv = directory.join("python");
    make_venv(&venv)?;
    thread::scope(|scope| {
        let node = scope.spawn(|| npm(&directory.join("node"), NODE));
        let collection = scope.spawn(|| collection(&venv, &directory.join("collections")));
        let tools = tools(&venv);
        let ended = |part: thread::ScopedJoinHandle<'_, Result<(), String>>| {
            part.join()
                .unwrap_or_else(|_| Err("an installer panicked".to_owned()))
        };
        tools.and(ended(collection)).and(ended(node))
    })
}

/// Byte code is made when a module is first used: most never are.
fn tools(venv: &Path) -> Result<(), String> {
    for (packages, options) in [(FIRST, &[][..]), (TOOLS, &["--no-build-isolation"])] {
        command(
            pip(venv)
                .args(["install", "--quiet", "--no-compile"])
                .args(options)
                .args(packages),
        )?;
    }
    Ok(())
}

fn collection(venv: &Path, into: &Path) -> Result<(), String> {
    command(
        pip(venv)
            .args(["download", "--quiet", "--no-deps", ANSIBLE, "-d"])
            .arg(into),
    )?;
    command(
        Command::new(venv.join("bin/python"))
            .args(["-c", UNPACK])
            .arg(into)
            .arg(COLLECTION),
    )
}

/// Takes one collection out of the one wheel of a directory, and removes the wheel.
const UNPACK: &str = "
import glob, os, sys, zipfile
where, collection = sys.argv[1:]
wheel, = glob.glob(os.path.join(where, '*.whl'))
with zipfile.ZipFile(wheel) as opened:
    opened.extractall(where, [name for name in opened.namelist() if name.startswith(collection)])
os.remove(wheel)
";

/// Installs packages of Node.js into a directory of their own.
pub(crate) fn npm(into: &Path, packages: &[&str]) -> Result<(), String> {
    fs::create_dir_all(into).map_err(|error| format!("{}: {error}", into.display()))?;
    let quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    command(
        Command::new("npm")
            .arg("install")
            .args(quiet)
            .arg("--prefix")
            .arg(into)
            .args(packages)
            .current_dir(into),
    )
}
