//! The module of Ansible for Supervisor, `community.general.supervisorctl`, with each daemon and its own client.

use provost_compat::ecosystem::{
    command, directory, running_pid, script, start, tool, wait_restarted, with_both,
};
use provost_e2e::{free_port, wait_for};
use std::process::Stdio;
use std::time::Duration;

/// How long all tasks may take: each starts Python several times, for both daemons at once.
const PLAYTIME: Duration = Duration::from_mins(5);

/// Every task of the playbook, and what becomes of it.
const OUTCOMES: &[(&str, &str)] = &[
    ("present", "changed"),
    ("present again", "ok"),
    ("started in check mode", "changed"),
    ("started", "changed"),
    ("started again", "ok"),
    ("signalled", "changed"),
    ("restarted", "changed"),
    ("stopped in check mode", "changed"),
    ("stopped", "changed"),
    ("stopped again", "ok"),
    ("group stopped", "changed"),
    ("group started", "changed"),
    ("over TCP with a password", "changed"),
    ("absent while it runs", "fatal"),
    ("absent", "changed"),
    ("absent again", "ok"),
    ("unknown", "fatal"),
];

/// Task and outcome of each task, as Ansible tells them.
fn outcomes(said: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut task = String::new();
    for line in said.lines() {
        if let Some(rest) = line.strip_prefix("TASK [") {
            let name = rest.split(']').next().unwrap_or(rest);
            name.clone_into(&mut task);
        } else if let Some((outcome, _)) = line.split_once(": [localhost]")
            && !task.is_empty()
        {
            found.push((std::mem::take(&mut task), outcome.to_owned()));
        }
    }
    found
}

#[test]
fn a_playbook_brings_programs_into_the_wanted_state() {
    with_both(|side| {
        let port = free_port();
        let config = format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=secret\n\
             [program:web]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [program:left]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [program:right]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [group:pair]\nprograms=left,right\n\
             [include]\nfiles=%(here)s/*.ini\n"
        );
        let daemon = start(side, &config);
        let place = daemon.place();
        place.write(
            "late.ini",
            "[program:late]\ncommand=/bin/sh %(here)s/late.sh\nautostart=false\nstartsecs=1\n\
             stdout_logfile=%(here)s/late.log\n",
        );
        place.write(
            "late.sh",
            "trap 'echo got USR1' USR1\necho ready\nwhile :; do sleep 0.1; done\n",
        );
        let web = running_pid(&daemon, "web");
        let pair = ["pair:left", "pair:right"].map(|name| (name, running_pid(&daemon, name)));

        let playbook = tool("ansible-playbook");
        let mut play = command(playbook, place);
        play.args(["-i", "localhost,", "-c", "local"])
            .arg("-e")
            .arg(format!("config={}", daemon.config().display()))
            .arg("-e")
            .arg(format!(
                "supervisorctl={}",
                side.command("supervisorctl").display()
            ))
            .args(["-e", &format!("port={port}")])
            .args([
                "-e",
                &format!("ansible_python_interpreter={}", tool("python")),
            ])
            .arg(script("site.yml"))
            .env("ANSIBLE_COLLECTIONS_PATH", directory().join("collections"))
            .env("ANSIBLE_HOME", place.join("ansible"))
            .env("ANSIBLE_PIPELINING", "1")
            .env("ANSIBLE_NOCOLOR", "1");
        let mut playing = play
            .stdin(Stdio::null())
            .stdout(place.create("play.out"))
            .stderr(place.create("play.err"))
            .spawn()
            .expect("Ansible starts");
        let status = wait_for(PLAYTIME, "the playbook to end", || {
            playing.try_wait().expect("it is our child")
        });
        let played = place.read("play.out");
        let told = format!("{played}{}", place.read("play.err"));
        let expected: Vec<(String, String)> = OUTCOMES
            .iter()
            .map(|(task, outcome)| ((*task).to_owned(), (*outcome).to_owned()))
            .collect();
        assert_eq!(outcomes(&played), expected, "{told}");
        assert_eq!(status.code(), Some(0), "{told}");
        assert!(
            told.contains("ERROR: process/group still running: late"),
            "{told}"
        );
        assert!(told.contains("ERROR (no such process)"), "{told}");

        daemon.wait_file("late.log", "ready\n");
        daemon.wait_file("late.log", "got USR1\n");
        wait_restarted(&daemon, "web", web);
        for (name, old) in pair {
            wait_restarted(&daemon, name, old);
        }
        let status = daemon.ctl(side, &["status"]).stdout;
        assert!(!status.contains("late"), "{status}");
    });
}
