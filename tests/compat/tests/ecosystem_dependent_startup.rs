//! supervisord-dependent-startup: a listener that starts programs when those that they need are where they should be.

use provost_compat::ecosystem::{assert_in_order, start, tool, with_both};

#[test]
fn programs_start_when_what_they_wait_for_has_happened() {
    with_both(|side| {
        // The package's own section, but for the interpreter, the place of the configuration and room for events. It
        // starts what has ended before it hears of the start once more: what it waits for ends a little later here.
        let config = format!(
            "[eventlistener:dependentstartup]\n\
             command={} -m supervisord_dependent_startup -c %(here)s/supervisord.conf\n\
             autostart=true\nautorestart=unexpected\nstartretries=0\nexitcodes=0,3\nevents=PROCESS_STATE\nbuffer_size=100\n\
             [program:web]\ncommand=/bin/sleep 1000\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n\
             autostart=false\nstartsecs=0\ndependent_startup=true\n\
             dependent_startup_wait_for=migrate:exited cache:running\n\
             [program:cache]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0\ndependent_startup=true\n\
             dependent_startup_wait_for=db\ndependent_startup_inherit_priority=true\n\
             [program:migrate]\ncommand=/bin/sleep 2\nautorestart=false\n\
             autostart=false\nstartsecs=0\ndependent_startup=true\ndependent_startup_wait_for=db:running\n\
             [program:db]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=1\ndependent_startup=true\npriority=5\n\
             [program:by_hand]\ncommand=/bin/sleep 1000\nautostart=false\n\
             [group:data]\nprograms=db\n",
            tool("python")
        );
        let daemon = start(side, &config);
        for name in ["data:db", "cache", "web:web_0", "web:web_1"] {
            daemon.wait_state(name, "RUNNING");
        }
        daemon.wait_state("migrate", "EXITED");
        assert_eq!(daemon.rpc().state("by_hand"), "STOPPED");
        let log = daemon.main_log();
        assert!(
            !log.contains("dependent_startup`; it is ignored"),
            "its keys are meant"
        );
        assert_in_order(
            &log,
            &["spawned: 'db'", "success: db", "spawned: 'migrate'"],
        );
        assert_in_order(&log, &["success: db", "spawned: 'cache'", "success: cache"]);
        for web in ["spawned: 'web_0'", "spawned: 'web_1'"] {
            assert_in_order(&log, &["exited: migrate (exit status 0; expected)", web]);
            assert_in_order(&log, &["success: cache", web]);
        }
        // Once all are started, the next event ends it.
        daemon
            .rpc()
            .call("supervisor.startProcess", &["by_hand".into()])
            .value();
        let info = daemon.wait_state("dependentstartup", "EXITED");
        let status = info.get("exitstatus").map(ToString::to_string);
        assert_eq!(status.as_deref(), Some("0"));
    });
}
