//! `echo_supervisord_conf`: the sample loads without a word, starts, and names no key that upstream refuses.

use std::process::Command;

use provost_e2e::{PATIENCE, Place, Side, clean, run, send_signal, wait_for, wait_until};
use rustix::process::Signal;

fn sample() -> String {
    let sample = run(&mut Command::new(
        Side::Ours.command("echo_supervisord_conf"),
    ));
    assert_eq!((sample.code, sample.stderr.as_str()), (Some(0), ""));
    sample.stdout
}

/// With files in the place instead of `/tmp`, as a user would change them first.
fn write_sample(place: &Place, sample: &str) {
    let text = sample.replace("/tmp/", &format!("{}/", place.text()));
    place.write("supervisord.conf", text);
}

#[test]
fn the_sample_is_accepted_without_warnings() {
    let place = Place::new();
    place.write("supervisord.conf", sample());
    let mut command = Command::new(Side::Ours.command("supervisord"));
    let check = run(command
        .arg("--check")
        .arg("-c")
        .arg(place.join("supervisord.conf")));
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);
    assert!(
        !check.stdout.contains("warning") && !check.stderr.contains("warning"),
        "{check:?}"
    );
}

#[test]
fn the_sample_starts() {
    starts(Side::Ours);
}

/// Whoever goes back to Supervisor can keep the file.
#[test]
fn the_sample_starts_in_upstream() {
    starts(Side::Upstream);
}

fn starts(side: Side) {
    let place = Place::new();
    write_sample(&place, &sample());
    let mut daemon = Command::new(side.command("supervisord"));
    clean(&mut daemon, &place);
    daemon.arg("-c").arg(place.join("supervisord.conf"));
    let started = run(daemon.current_dir(place.path()));
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let pid: u32 = wait_for(PATIENCE, "a pid file", || {
        place.read("supervisord.pid").trim().parse().ok()
    });
    let mut ctl = Command::new(Side::Ours.command("supervisorctl"));
    clean(&mut ctl, &place);
    ctl.arg("-c")
        .arg(place.join("supervisord.conf"))
        .arg("version");
    wait_until(PATIENCE, "its answer", || run(&mut ctl).stdout == "4.3.0\n");
    send_signal(pid, Signal::TERM);
    wait_until(PATIENCE, "its end", || {
        !place.join("supervisord.pid").exists()
    });
}

#[test]
fn every_line_of_the_sample_is_a_comment_a_section_or_a_pair() {
    for line in sample().lines() {
        let is_pair = line.split_once('=').is_some_and(|(key, _)| {
            !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.')
        });
        assert!(
            line.is_empty() || line.starts_with(';') || line.starts_with('[') || is_pair,
            "{line:?}"
        );
    }
}
