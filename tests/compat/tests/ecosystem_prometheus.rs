//! Prometheus' own library for Python: what it makes of our page of figures.

use provost_compat::ecosystem::{command, script, tool};
use provost_e2e::{Side, Start, Target, run_with_input};

#[test]
fn figures_are_understood_and_mean_what_node_exporters_do() {
    let config = "[program:web]\ncommand=/bin/cat\nprocess_name=a\"b\\c\nstartsecs=0\n\
                  [eventlistener:ear]\ncommand=/bin/cat\nevents=PROCESS_STATE\nstartsecs=0\n";
    let daemon = Start::new(Side::Ours, config).start();
    daemon.wait_state("ear", "RUNNING");
    daemon.wait_log("entered RUNNING state");
    let page = Target::Unix(daemon.socket()).get("/metrics", "").text();
    let done = run_with_input(
        command(tool("python"), daemon.place()).arg(script("metrics.py")),
        page.as_bytes(),
    );
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let said: Vec<&str> = done.stdout.lines().collect();
    for line in [
        "family node_supervisord_up gauge 2",
        "family node_supervisord_state gauge 2",
        "family node_supervisord_exit_status gauge 2",
        "family node_supervisord_start_time_seconds gauge 2",
        "family provost_process_restarts counter 2",
        "family provost_event_queue_length gauge 1",
        "family provost_request_duration_seconds histogram 34",
        "family provost_spawn_duration_seconds histogram 17",
        "family process_cpu_seconds counter 1",
        "sample node_supervisord_up group=web,name=a\"b\\c 1",
        "sample node_supervisord_state group=ear,name=ear 20",
    ] {
        assert!(said.contains(&line), "{line} is missing in {said:#?}");
    }
    let families = said.iter().filter(|line| line.starts_with("family "));
    let without: Vec<_> = families
        .filter(|line| line.contains(" untyped ") || line.contains(" unknown "))
        .collect();
    assert!(without.is_empty(), "{without:?}");
}
