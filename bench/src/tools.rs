//! What the harness measures with: the child, the reference, and the places of everybody's commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;

/// Without a library, and with pages that a thousand of them can share.
const CHILD: &[&str] = &[
    "-Os",
    "-nostdlib",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-pie",
    "-no-pie",
    "-Wl,--build-id=none",
    "-Wl,-z,noseparate-code",
];

const REFERENCE: &[&str] = &["-O2"];

/// Where everything lies.
pub(crate) struct Tools {
    pub(crate) child: PathBuf,
    pub(crate) reference: PathBuf,
    pub(crate) pump: PathBuf,
    /// The directory of Provost's commands.
    pub(crate) provost: PathBuf,
    /// The directory of upstream's commands.
    pub(crate) upstream: PathBuf,
    /// The directories of packages that were unpacked and built for the bench.
    pub(crate) peers: PathBuf,
    pub(crate) horust: PathBuf,
    /// Where runs have their files.
    pub(crate) place: PathBuf,
}

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

impl Tools {
    /// Builds what is written in C, and remembers where the rest is said to be.
    pub(crate) fn new(args: &Args) -> Result<Self, String> {
        let root = root();
        let target = root.join("target/bench");
        let built = target.join("bin");
        fs::create_dir_all(&built).map_err(|error| format!("{}: {error}", built.display()))?;
        let sources = root.join("bench");
        let compile = |source: &str, flags: &[&str]| {
            let source = sources.join(source);
            let name = source.file_stem().unwrap_or_default();
            compile(&source, &built.join(name), flags)
        };
        let place = args.place.clone().unwrap_or_else(default_place);
        Ok(Self {
            child: compile("child/child.c", CHILD)?,
            reference: compile("reference/reference.c", REFERENCE)?,
            pump: compile("reference/pump.c", REFERENCE)?,
            provost: args
                .daemon
                .clone()
                .unwrap_or_else(|| root.join("target/release")),
            upstream: std::env::var_os("PROVOST_ORACLE")
                .map_or_else(|| root.join("target/oracle"), PathBuf::from)
                .join("bin"),
            peers: target.join("peers/root"),
            horust: target.join("horust/bin/horust"),
            place: place.join(format!("provost-bench-{}", std::process::id())),
        })
    }
}

/// In memory where that is possible: a disk would be measured instead of the supervisors.
fn default_place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_path_buf()
    } else {
        std::env::temp_dir()
    }
}

/// Compiles one file into a program without dynamic libraries. Always: that takes a tenth of a second.
fn compile(source: &Path, into: &Path, flags: &[&str]) -> Result<PathBuf, String> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-static", "-s", "-Wall", "-Wextra", "-Werror"])
        .args(flags)
        .arg("-o")
        .arg(into)
        .arg(source)
        .status()
        .map_err(|error| format!("cannot start {}: {error}", compiler.display()))?;
    if status.success() {
        Ok(into.to_path_buf())
    } else {
        Err(format!("{} does not compile", source.display()))
    }
}
