//! The commands of the system that tests call, installed where they are missing and that is possible.

use std::env;
use std::process::Command;

/// Commands, and the Debian package that each comes with.
const TOOLS: &[(&str, &str)] = &[
    ("strace", "strace"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
    ("prlimit", "util-linux"),
    ("mount", "mount"),
    ("cgi-fcgi", "libfcgi-bin"),
    ("fcgiwrap", "fcgiwrap"),
    ("ps", "procps"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("logrotate", "logrotate"),
    ("cc", "gcc"),
    ("valgrind", "valgrind"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("nginx", "nginx-light"),
];

/// Installs what is missing. Answers whether all is there.
pub(crate) fn run() -> bool {
    let mut packages: Vec<&str> = TOOLS
        .iter()
        .filter(|(tool, _)| !is_there(tool))
        .map(|&(_, package)| package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return true;
    }
    println!("setup: installing {}", packages.join(", "));
    let installed = apt_get(&["update", "-qq"])
        && apt_get(&[&["install", "-y", "-qq"], packages.as_slice()].concat());
    if !installed {
        eprintln!("error: the tests need {}", packages.join(", "));
        eprintln!(
            "  help: as root on Debian: apt-get install {}",
            packages.join(" ")
        );
    }
    installed
}

fn is_there(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Servers are where not every user looks.
    let servers = ["/usr/sbin".into()];
    env::split_paths(&path)
        .chain(servers)
        .any(|directory| directory.join(tool).is_file())
}

fn apt_get(arguments: &[&str]) -> bool {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    status.is_ok_and(|status| status.success())
}
