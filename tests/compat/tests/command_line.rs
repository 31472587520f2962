//! Commands that a shell finds in `PATH`, as everybody starts them.

use std::process::Command;

use provost_compat::compare::assert_same;
use provost_e2e::{Place, Side, clean, run};

/// What a command of a side says when only its name is given, its own directory shown as `⟨prefix⟩/bin`.
fn by_name(side: Side, line: &str) -> String {
    let place = Place::new();
    let path = side.command("supervisord");
    let directory = path.parent().expect("a command is in a directory");
    let prefix = directory.parent().expect("that is in another one");
    let mut command = Command::new("/bin/sh");
    clean(&mut command, &place);
    let finished = run(command
        .args(["-c", line])
        .env("PATH", directory)
        .current_dir(place.path()));
    let errors: Vec<String> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("Error: ") || line.starts_with("For help, "))
        .map(|line| {
            line.replace(&directory.display().to_string(), "⟨prefix⟩/bin")
                .replace(&prefix.display().to_string(), "⟨prefix⟩")
        })
        .collect();
    format!("{}\nexit {}", errors.join("\n"), finished.code_text())
}

#[test]
fn a_command_found_in_path_looks_for_its_configuration_beside_itself() {
    for line in [
        "supervisord",
        "supervisord --nosuch",
        "supervisorctl -c nosuch status",
    ] {
        let upstream = by_name(Side::Upstream, line);
        assert!(upstream.contains("⟨prefix⟩"), "{upstream}");
        assert_same(
            &format!("by name {line}"),
            &upstream,
            &by_name(Side::Ours, line),
        );
    }
}
