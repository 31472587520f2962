//! nagios-check-supervisord: states of programs as exit codes for a monitoring system.

use provost_compat::ecosystem::{command, tool, with_both};
use provost_e2e::{Daemon, Start, free_port, run};

/// Runs the plugin and returns its exit code and what it says.
fn check(daemon: &Daemon, arguments: &str) -> (Option<i32>, String) {
    let plugin = tool("check_supervisord.py");
    let done = run(command(plugin, daemon.place()).args(arguments.split(' ')));
    assert_eq!(done.stderr, "", "check_supervisord.py {arguments}");
    (done.code, done.stdout)
}

#[test]
fn states_become_exit_codes() {
    with_both(|side| {
        let port = free_port();
        let config = format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=secret\n\
             [program:fine]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [program:stopped]\ncommand=/bin/sleep 1000\nautostart=false\n\
             [program:starting]\ncommand=/bin/sleep 1000\nstartsecs=1000\n\
             [program:ended]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n\
             [program:broken]\ncommand=/no/such/command\nstartretries=0\n"
        );
        let daemon = Start::new(side, &config).start();
        for (name, state) in [
            ("fine", "RUNNING"),
            ("starting", "STARTING"),
            ("ended", "EXITED"),
            ("broken", "FATAL"),
        ] {
            daemon.wait_state(name, state);
        }
        let all = "CRITICAL: problem with 'broken': (can't find command '/no/such/command'), \
                   something curiously with 'ended': (EXITED), something curiously with 'starting': (STARTING), \
                   'fine': OK, 'stopped': OK\n";
        let socket = daemon.socket().display().to_string();
        let tcp = format!("127.0.0.1 -p {port} -u u -S secret");
        for server in [&socket, &tcp] {
            let (code, said) = check(&daemon, &format!("-s {server}"));
            assert_eq!((code, said.as_str()), (Some(2), all), "over {server}");
        }
        let (code, said) = check(&daemon, &format!("-s {socket} -P fine,nobody"));
        assert_eq!(code, Some(2), "the code is that of all programs");
        assert_eq!(
            said,
            "CRITICAL: 'nobody' not found in server response, 'fine': OK\n"
        );

        for (name, code, word) in [
            ("broken", Some(1), "WARNING"),
            ("ended", Some(1), "WARNING"),
            ("starting", Some(0), "OK"),
        ] {
            let rpc = daemon.rpc();
            if name == "starting" {
                rpc.call("supervisor.stopProcess", &[name.into()]).value();
            }
            rpc.call("supervisor.removeProcessGroup", &[name.into()])
                .value();
            let (got, said) = check(&daemon, &format!("-s {socket}"));
            assert_eq!(got, code, "without {name}: {said}");
            assert!(said.starts_with(&format!("{word}: ")), "{said}");
        }

        let (code, said) = check(
            &daemon,
            &format!("-s 127.0.0.1 -p {port} -u u -S wrong --network-errors-exit-code critical"),
        );
        assert_eq!(code, Some(2));
        assert!(said.contains("401"), "{said}");
        let (code, _) = check(&daemon, &format!("-s 127.0.0.1 -p {}", free_port()));
        assert_eq!(code, Some(3), "nobody answers");
    });
}
