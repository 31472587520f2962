//! Libraries that speak with the daemon: the package `supervisord` for Node.js, `xmlrpc.client` of Python, and the
//! client side of Supervisor's own package.
//!
//! Supervisor's own supervisorctl against our daemon: `supervisorctl.rs`.

use std::process::Command;
use std::sync::Mutex;

use provost_compat::compare::assert_same;
use provost_compat::ecosystem::{command, directory, running_pid, script, start, tool, with_both};
use provost_e2e::{Daemon, Normal, Side, free_port, run};

fn daemon_on(side: Side, port: u16) -> Daemon {
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=secret\n\
         [program:talker]\ncommand=/bin/sh -c 'echo hello; exec cat'\n\
         stdout_logfile=%(here)s/talker.log\nstderr_logfile=%(here)s/talker.err\nstartsecs=0\n\
         [program:one]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [program:two]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [program:late]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         [group:pair]\nprograms=one,two\n"
    );
    let daemon = start(side, &config);
    for name in ["talker", "pair:one", "pair:two"] {
        running_pid(&daemon, name);
    }
    daemon.wait_file("talker.log", "hello\n");
    daemon
}

/// Runs a client and returns what it says, the same wherever it runs.
fn said(daemon: &Daemon, port: u16, client: &mut Command) -> String {
    let done = run(client);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(done.stderr, "");
    Normal::new()
        .with(daemon.place().text(), "⟨dir⟩")
        .with(&port.to_string(), "⟨port⟩")
        .apply(&done.stdout)
}

/// Lets a client speak with both daemons, and compares what it says.
fn compare(case: &str, client: impl Fn(&Daemon, u16) -> String + Sync) -> String {
    let upstream = Mutex::new(String::new());
    let ours = Mutex::new(String::new());
    with_both(|side| {
        let port = free_port();
        let daemon = daemon_on(side, port);
        let text = client(&daemon, port);
        let kept = match side {
            Side::Upstream => &upstream,
            Side::Ours => &ours,
        };
        *kept.lock().expect("it is used once") = text;
    });
    let upstream = upstream.into_inner().expect("it was used once");
    let ours = ours.into_inner().expect("it was used once");
    assert_same(case, &upstream, &ours);
    ours
}

#[test]
fn the_package_of_node_can_do_the_same() {
    for transport in ["tcp", "unix"] {
        let said = compare(&format!("node {transport}"), |daemon, port| {
            let url = match transport {
                "tcp" => format!("http://u:secret@127.0.0.1:{port}"),
                _ => format!("unix://{}", daemon.socket().display()),
            };
            let mut client = command("node", daemon.place());
            client
                .arg("--no-deprecation")
                .arg(script("client.js"))
                .arg(url)
                .env("NODE_PATH", directory().join("node/node_modules"));
            said(daemon, port, &mut client)
        });
        for line in [
            "getState([]) {\"statecode\":1,\"statename\":\"RUNNING\"}",
            "getProcessInfo([\"nobody\"]) {\"fault\":10,\"text\":\"BAD_NAME: nobody\"}",
            "startProcess([\"talker\"]) true",
            "startProcess([\"talker\"]) {\"fault\":60,\"text\":\"ALREADY_STARTED: talker\"}",
            "readProcessStdoutLog([\"talker\",0,6]) \"hello\\n\"",
            "addProcessGroup([\"late\"]) true",
            "clearLog([]) true",
        ] {
            assert!(said.contains(line), "`{line}` in:\n{said}");
        }
    }
}

#[test]
fn the_clients_of_python_can_do_the_same() {
    for how in ["tcp", "unix", "childutils"] {
        let said = compare(&format!("python {how}"), |daemon, port| {
            let url = match how {
                "tcp" => format!("http://u:secret@127.0.0.1:{port}"),
                "unix" => format!("unix://{}", daemon.socket().display()),
                _ => format!("http://127.0.0.1:{port}"),
            };
            let mut client = command(tool("python"), daemon.place());
            client.arg(script("client.py")).arg(how).arg(url);
            let said = said(daemon, port, &mut client);
            daemon.wait_file("talker.log", "Größe <&>\n");
            said
        });
        for line in [
            "supervisor.getState() {'statecode': 1, 'statename': 'RUNNING'}",
            "supervisor.startProcess('nobody',) fault 10 BAD_NAME: nobody",
            "supervisor.stopProcess('talker',) True",
            "[{'statecode': 1, 'statename': 'RUNNING'}, {'faultCode': 1, 'faultString': 'UNKNOWN_METHOD'}]",
        ] {
            assert!(said.contains(line), "`{line}` in:\n{said}");
        }
    }
}
