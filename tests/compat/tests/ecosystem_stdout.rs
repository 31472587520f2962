//! supervisor-stdout: output of all programs, with their names before it, on supervisord's own standard output.
//!
//! The package is code for Python 2: under Python 3 its module cannot be imported, and upstream ends when a configuration
//! names its result handler. That handler is built into our daemon. The listener, which only sends the payload of
//! each event back, stands here in a few lines of Python 3.

use provost_compat::ecosystem::{command, running_pid, script, start, tool};
use provost_e2e::{Place, Side, Start, run};

const HANDLER: &str = "result_handler=supervisor_stdout:event_handler";

#[test]
fn upstream_cannot_load_the_published_handler_under_python_3() {
    let place = Place::new();
    let imported = run(command(tool("python"), &place).args(["-c", "import supervisor_stdout"]));
    assert!(
        imported.stderr.contains("SyntaxError"),
        "{}",
        imported.stderr
    );

    let config = format!(
        "[supervisord]\n[eventlistener:stdout]\ncommand={}\nevents=PROCESS_LOG\n{HANDLER}\n",
        tool("supervisor_stdout")
    );
    let config = place.write("supervisord.conf", config);
    let refused = run(command(tool("supervisord"), &place).arg("-nc").arg(&config));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let reason = "SyntaxError: Missing parentheses in call to 'print'";
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
}

#[test]
fn output_of_programs_comes_out_with_their_names() {
    let config = format!(
        "[eventlistener:stdout]\ncommand={} {}\nbuffer_size=100\nevents=PROCESS_LOG\n{HANDLER}\n\
         [program:talker]\ncommand=/bin/sh %(here)s/talker.sh\nautorestart=false\n\
         stdout_events_enabled=true\nstderr_events_enabled=true\n\
         [program:silent]\ncommand=/bin/sh -c 'echo nobody hears this; exec sleep 1000'\nstartsecs=0\n",
        tool("python"),
        script("relay.py").display(),
    );
    // Each line waits until the one before it has come out: what is read at once is one event.
    let talker = "wait_for() { until grep -q \"$1\" daemon.out; do sleep 0.02; done; }\n\
                  echo 'first one'; wait_for 'talker stdout | first one'\n\
                  echo 'oops' >&2; wait_for 'talker stderr | oops'\n\
                  printf 'two\\nlines\\n'; wait_for '^lines$'\n\
                  printf 'half'; wait_for 'talker stdout | half'\n\
                  printf 'Gr\\303\\266\\303\\237e\\n'\n\
                  exec sleep 1000\n";
    let daemon = Start::new(Side::Ours, &config)
        .file("talker.sh", talker)
        .start();
    let listener = running_pid(&daemon, "stdout");
    let expected = "talker stdout | first one\n\
                    talker stderr | oops\n\
                    talker stdout | two\nlines\n\
                    talker stdout | half talker stdout | Größe\n";
    daemon.wait_file("daemon.out", "Größe\n");
    let printed: String = daemon
        .place()
        .read("daemon.out")
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("20"))
        .collect();
    assert_eq!(printed, expected);
    assert_eq!(running_pid(&daemon, "stdout"), listener);
    assert!(!daemon.main_log().contains("event caused an error"));
}

#[test]
fn an_answer_that_is_no_output_ends_the_trust_in_the_listener() {
    let config = format!(
        "loglevel=debug\n\
         [eventlistener:stdout]\ncommand={} @\nevents=REMOTE_COMMUNICATION\n{HANDLER}\n",
        tool("python")
    );
    let script = provost_e2e::scripts().join("listener.py");
    let script = format!("{} %(here)s/events.log OK", script.display());
    let daemon = start(Side::Ours, &config.replace('@', &script));
    daemon.wait_log("stdout: ACKNOWLEDGED -> READY");
    let event = ["a".into(), "b".into()];
    daemon
        .rpc()
        .call("supervisor.sendRemoteCommEvent", &event)
        .value();
    daemon.wait_log("WARN stdout: event caused an error");
    daemon.wait_log("WARN stdout: has entered the UNKNOWN state");
    daemon.wait_log("rebuffering event");
}
