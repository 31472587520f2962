//! `cargo xtask setup`: upstream Supervisor in a private Python environment.
//!
//! The differential tests run every script against it. It is installed once, by `pip`, into `target/oracle`; a stamp
//! names what was installed, so that a second run is instant and a change of version starts afresh. Nothing outside
//! of that directory is touched.

use crate::plugins;
use crate::stamp::Installed;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release that Provost answers as, and is compared with.
const SUPERVISOR: &str = "supervisor==4.3.0";

/// The release that Debian has; take-overs from a running daemon are tried with both.
const OLDER: &str = "supervisor==4.2.5";

/// What upstream's own end-to-end tests import, and what building its source distribution's metadata needs.
const COMPANIONS: &[&str] = &["pexpect==4.9.0", "setuptools<81", "wheel"];

/// Rises when the layout of the directory changes without a change of version.
const LAYOUT: &str = "layout 1";

/// Where the environment lives: `PROVOST_ORACLE`, else `target/oracle` of this checkout.
pub(crate) fn directory() -> PathBuf {
    std::env::var_os("PROVOST_ORACLE").map_or_else(|| root().join("target/oracle"), PathBuf::from)
}

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Installs what is missing. Answers whether all is in place.
pub(crate) fn run() -> bool {
    let wanted = format!(
        "{SUPERVISOR}\n{}\n{}\n{LAYOUT}\n",
        COMPANIONS.join("\n"),
        plugins::PACKAGES.join("\n")
    );
    let directory = directory();
    let installed = Installed {
        name: SUPERVISOR,
        wanted: &wanted,
        directory: &directory,
        help: HELP,
    };
    installed.ensure(install) && run_older(&directory)
}

/// What the environments need.
const HELP: &[&str] = &[
    "the tests need Python 3.8 or newer with venv and pip, and a package index for Supervisor",
    "on Debian: apt-get install python3-venv; another interpreter: PROVOST_PYTHON=/path/to/python3",
];

/// Installs the older release into a directory of its own beside the other.
fn run_older(beside: &Path) -> bool {
    let mut directory = beside.as_os_str().to_owned();
    directory.push("-4.2.5");
    let installed = Installed {
        name: OLDER,
        wanted: OLDER,
        directory: Path::new(&directory),
        help: HELP,
    };
    installed.ensure(install_older)
}

fn install_older(directory: &Path) -> Result<(), String> {
    make_venv(directory)?;
    // Its console script needs what later releases of setuptools do not have any more.
    command(pip(directory).args(["install", "--quiet", OLDER, "setuptools<81"]))
}

fn install(directory: &Path) -> Result<(), String> {
    make_venv(directory)?;
    command(
        pip(directory)
            .args(["install", "--quiet", SUPERVISOR])
            .args(COMPANIONS),
    )?;
    plugins::install(directory)?;
    let sources = directory.join("sdist");
    // The source distribution holds upstream's end-to-end tests and their fixtures, whatever the wheel leaves out.
    command(
        pip(directory)
            .args([
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--no-build-isolation",
                SUPERVISOR,
                "-d",
            ])
            .arg(&sources),
    )?;
    command(
        Command::new(directory.join("bin/python"))
            .args(["-c", UNPACK])
            .arg(&sources),
    )
}

/// Makes a Python environment, of the interpreter that `PROVOST_PYTHON` names, else of `python3`.
pub(crate) fn make_venv(directory: &Path) -> Result<(), String> {
    let python = std::env::var("PROVOST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    command(Command::new(python).arg("-m").arg("venv").arg(directory))
}

/// The installer of an environment.
pub(crate) fn pip(environment: &Path) -> Command {
    let mut command = Command::new(environment.join("bin/pip"));
    command.arg("--disable-pip-version-check");
    command
}

/// Unpacks the one archive of a directory beside itself, under the fixed name `supervisor`.
const UNPACK: &str = "
import glob, os, sys, tarfile
where = sys.argv[1]
archive, = glob.glob(os.path.join(where, '*.tar.gz'))
with tarfile.open(archive) as opened:
    top = opened.getnames()[0].split('/')[0]
    opened.extractall(where)
os.rename(os.path.join(where, top), os.path.join(where, 'supervisor'))
";

/// Runs a command to its end; the error says which one failed and how.
pub(crate) fn command(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "{} failed with {status}",
        command.get_program().display()
    ))
}
