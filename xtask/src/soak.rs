//! `cargo xtask soak [--hours N]`: the soak test for as long as that, on a release build.

use crate::suites::cargo;
use std::process::ExitStatus;

/// What an hour has.
const SECONDS_AN_HOUR: f64 = 3600.0;

/// Builds and runs it. Answers whether it passed.
pub(crate) fn run() -> bool {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let hours = match arguments.as_slice() {
        [] => 1.0,
        [option, hours] if option == "--hours" => match hours.parse::<f64>() {
            Ok(hours) if hours > 0.0 => hours,
            Ok(_) | Err(_) => return refuse(),
        },
        _ => return refuse(),
    };
    let passed = |status: std::io::Result<ExitStatus>| status.is_ok_and(|status| status.success());
    if !passed(cargo(&["build", "--release", "--bins"]).status()) {
        return false;
    }
    let root = crate::oracle::root();
    let test = [
        "test",
        "-p",
        "provost-e2e",
        "--test",
        "soak",
        "--",
        "--nocapture",
    ];
    let status = cargo(&test)
        .env("PROVOST_BIN_DIR", root.join("target/release"))
        .env(
            "PROVOST_SOAK_SECONDS",
            format!("{:.0}", hours * SECONDS_AN_HOUR),
        )
        .status();
    passed(status)
}

fn refuse() -> bool {
    eprintln!("usage: cargo xtask soak [--hours N]");
    false
}
