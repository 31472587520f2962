//! The numbers in the tree, and the compiler that they are of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

/// Instructions by case.
pub(crate) type Numbers = BTreeMap<String, u64>;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.json")
}

/// The numbers, if they are of this compiler.
pub(crate) fn read() -> Result<Option<Numbers>, String> {
    let text =
        std::fs::read_to_string(file()).map_err(|error| format!("no numbers are kept: {error}"))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("counts.json: {error}"))?;
    if value["compiler"].as_str() != Some(compiler()?.as_str()) {
        return Ok(None);
    }
    let numbers = value["instructions"].as_object().into_iter().flatten();
    Ok(Some(
        numbers
            .filter_map(|(name, number)| Some((name.clone(), number.as_u64()?)))
            .collect(),
    ))
}

/// Keeps them.
pub(crate) fn write(numbers: &Numbers) -> Result<(), String> {
    let value = json!({ "compiler": compiler()?, "instructions": numbers });
    std::fs::write(file(), format!("{value:#}\n")).map_err(|error| format!("counts.json: {error}"))
}

/// Which compiler, for which machine it compiles, and what else the instructions are of: the C library's, which has some of
/// its functions in several forms for several processors.
fn compiler() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(|error| format!("cannot ask rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or("unknown")
            .trim()
    };
    Ok(format!(
        "{} {}, {}{}",
        field("release:"),
        field("host:"),
        library(),
        if wide() { ", AVX2" } else { "" }
    ))
}

/// The C library and its version, as far as the system tells.
fn library() -> String {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "another C library".to_owned())
}

/// The largest difference between processors that valgrind shows to what it runs.
fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
