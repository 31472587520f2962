//! `cargo xtask bench`: installs whom Provost is measured beside, builds it, and hands over to `bench/`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{oracle, suites};

/// The release of Horust that is built.
const HORUST: &str = "horust@0.1.14";

/// Passes the words of the command line on. Answers whether everything measured keeps its limit.
pub(crate) fn run() -> bool {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let counts = words.first().is_some_and(|word| word == "count");
    let talks = words
        .iter()
        .any(|word| word == "--help" || word == "--from-kept");
    if counts {
        return count(words.iter().skip(1).map(String::as_str));
    }
    if !talks {
        if !oracle::run() {
            return false;
        }
        peers();
        let builds = !words.iter().any(|word| word == "--daemon");
        if builds
            && !cargo(&[
                "build",
                "--quiet",
                "--release",
                "--package",
                "provost",
                "--bins",
            ])
        {
            return false;
        }
    }
    let mut arguments = vec![
        "run",
        "--quiet",
        "--release",
        "--package",
        "provost-bench",
        "--",
    ];
    arguments.extend(words.iter().map(String::as_str));
    cargo(&arguments)
}

/// Counts instructions, with a profile of its own.
pub(crate) fn count<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut arguments = vec![
        "run",
        "--quiet",
        "--profile",
        "count",
        "--package",
        "provost-bench-count",
        "--",
    ];
    arguments.extend(words);
    cargo(&arguments)
}

fn cargo(arguments: &[&str]) -> bool {
    suites::cargo(arguments)
        .current_dir(oracle::root())
        .status()
        .is_ok_and(|status| status.success())
}

/// Fetches the peers. Who cannot be had is left out of the tables, and it is said why.
fn peers() {
    let place = oracle::root().join("target/bench");
    let tries = [
        ("runit", runit(&place.join("peers"))),
        ("s6", s6()),
        ("horust", horust(&place)),
    ];
    for (name, tried) in tries {
        if let Err(why) = tried {
            eprintln!("bench: {name} cannot be installed: {why}");
        }
    }
}

/// Unpacked beside the build, since its package would start services.
fn runit(place: &Path) -> Result<(), String> {
    if place.join("root/usr/bin/runsvdir").is_file() {
        return Ok(());
    }
    let downloads = place.join("deb");
    fs::create_dir_all(&downloads).map_err(|error| error.to_string())?;
    oracle::command(
        Command::new("apt-get")
            .args(["download", "runit"])
            .current_dir(&downloads),
    )?;
    let found = fs::read_dir(&downloads).map_err(|error| error.to_string())?;
    let package = found
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains("/runit_"))
        .ok_or("nothing was downloaded")?;
    oracle::command(
        Command::new("dpkg")
            .arg("-x")
            .arg(package)
            .arg(place.join("root")),
    )
}

/// Its commands look for each other where the package has them. It starts nothing.
fn s6() -> Result<(), String> {
    if Path::new("/usr/bin/s6-svscan").is_file() {
        return Ok(());
    }
    let mut command = Command::new("apt-get");
    command
        .args(["install", "-y", "-qq", "s6"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    oracle::command(&mut command)
}

fn horust(place: &Path) -> Result<(), String> {
    let root = place.join("horust");
    if root.join("bin/horust").is_file() {
        return Ok(());
    }
    let mut command = suites::cargo(&["install", "--quiet", HORUST, "--root"]);
    command
        .arg(root)
        .arg("--target-dir")
        .arg(place.join("horust-build"));
    oracle::command(&mut command)
}
