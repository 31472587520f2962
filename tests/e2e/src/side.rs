//! The two implementations, and where their commands are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One of the two implementations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Supervisor 4.3.0, installed by `cargo xtask setup`.
    Upstream,
    /// Provost.
    Ours,
}

impl Side {
    /// Both, upstream first.
    pub const BOTH: [Self; 2] = [Self::Upstream, Self::Ours];

    /// The path of a command: `supervisord`, `supervisorctl`, `echo_supervisord_conf` or `pidproxy`.
    ///
    /// # Panics
    /// When it is not there; the message names the command that puts it in place.
    pub fn command(self, name: &str) -> PathBuf {
        let path = match self {
            Self::Upstream => oracle().join("bin").join(name),
            Self::Ours => own_directory().join(name),
        };
        assert!(path.exists(), "{} is missing", path.display());
        path
    }

    /// How the side is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Ours => "ours",
        }
    }
}

/// The top of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Python environment with upstream in it: `PROVOST_ORACLE`, else `target/oracle`.
///
/// # Panics
/// When it has not been set up.
pub fn oracle() -> PathBuf {
    let directory = std::env::var_os("PROVOST_ORACLE")
        .map_or_else(|| root().join("target/oracle"), PathBuf::from);
    assert!(
        directory.join("bin/supervisord").exists(),
        "upstream Supervisor is not set up in {}: run `cargo xtask setup`",
        directory.display()
    );
    directory
}

/// The supervisord of the older release that Debian has.
///
/// # Panics
/// When it has not been set up.
pub fn older() -> PathBuf {
    let mut directory = oracle().into_os_string();
    directory.push("-4.2.5");
    let path = Path::new(&directory).join("bin/supervisord");
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask setup`",
        path.display()
    );
    path
}

/// Schemathesis, installed by `cargo xtask setup`: `PROVOST_SCHEMATHESIS`, else `target/schemathesis`.
///
/// # Panics
/// When it has not been set up.
pub fn schemathesis() -> PathBuf {
    let directory = std::env::var_os("PROVOST_SCHEMATHESIS")
        .map_or_else(|| root().join("target/schemathesis"), PathBuf::from);
    let path = directory.join("bin/schemathesis");
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask setup`",
        path.display()
    );
    path
}

/// A Python interpreter: the oracle's own, so that every script has the same one.
pub fn python() -> PathBuf {
    oracle().join("bin/python")
}

/// The directory with the small programs that tests let the daemons run.
pub fn scripts() -> PathBuf {
    root()
        .join("tests/e2e/scripts")
        .canonicalize()
        .expect("the checkout is whole")
}

/// The directory with whole configurations.
pub fn fixtures() -> PathBuf {
    root()
        .join("fixtures")
        .canonicalize()
        .expect("the checkout is whole")
}

/// Where our commands are: `PROVOST_BIN_DIR`, else the target directory that this test was built into, after the
/// binaries there have been brought up to date (cargo does not build another package's binaries for a test).
fn own_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        if let Some(directory) = std::env::var_os("PROVOST_BIN_DIR") {
            return PathBuf::from(directory);
        }
        let test = std::env::current_exe().expect("a test knows its own path");
        let directory = test
            .ancestors()
            .nth(2)
            .expect("a test lies in the `deps` directory of its profile")
            .to_path_buf();
        build(directory.ends_with("release"));
        directory
    })
}

fn build(release: bool) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--package", "provost", "--bins"])
        .current_dir(root());
    if release {
        command.arg("--release");
    }
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "the binaries under test do not build");
}
