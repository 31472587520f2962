//! superslacker and supervisor-alert: listeners that tell people of changes of state.

use provost_compat::ecosystem::http::Web;
use provost_compat::ecosystem::{start, tool, with_both};
use provost_e2e::Start;

#[test]
fn superslacker_posts_changes_of_state_to_a_chat() {
    with_both(|side| {
        let chat = Web::answering(&[200]);
        let config = format!(
            "[program:broken]\ncommand=/bin/sh -c 'exit 1'\nstartsecs=60\nstartretries=0\n\
             [program:fine]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [eventlistener:superslacker]\n\
             command={} -w http://127.0.0.1:{}/hook -c ops -u box -n host1 -e FATAL,EXITED\n  \
             --eventname TICK_5 --interval 5\n\
             events=PROCESS_STATE,TICK_5\nbuffer_size=100\n",
            tool("superslacker"),
            chat.port()
        );
        let daemon = start(side, &config);
        daemon.wait_state("broken", "FATAL");
        let request = chat.wait_body("*broken* @host1: *FATAL* from BACKOFF");
        assert_eq!(request.line, "POST /hook");
        for part in [
            "\"channel\": \"ops\"",
            "\"username\": \"box\"",
            "\"type\": \"mrkdwn\"",
        ] {
            assert!(request.body.contains(part), "{part} in {}", request.body);
        }
        let others = chat.requests().len();
        assert_eq!(others, 1, "what was not asked for is not told");
    });
}

#[test]
fn supervisor_alert_runs_its_command_for_each_change_of_state() {
    with_both(|side| {
        // The command succeeds but for one message, which it refuses once: that event comes again.
        let alert = "cd \"$(dirname \"$0\")\"\n\
                     echo \"$*\" >> alerts\n\
                     case \"$*\" in *exited*) mkdir refused-once 2>/dev/null && exit 1;; esac\n\
                     exit 0\n";
        // Upstream answers the start of what has ended by then with a fault; so it lives for a moment.
        let config = format!(
            "[program:short]\ncommand=/bin/sh -c 'sleep 0.3; exit 0'\nautostart=false\nstartsecs=0\nautorestart=false\n\
             [eventlistener:alert]\n\
             command={} -c '/bin/sh %(here)s/alert.sh to-all'\n\
             events=PROCESS_STATE_RUNNING,PROCESS_STATE_EXITED,PROCESS_STATE_FATAL\nstdout_logfile=NONE\n",
            tool("supervisor-alert")
        );
        let daemon = Start::new(side, &config).file("alert.sh", alert).start();
        daemon.wait_file("alerts", "to-all alert has entered state running\n");
        daemon
            .rpc()
            .call("supervisor.startProcess", &["short".into()])
            .value();
        let expected = "to-all alert has entered state running\n\
                        to-all short has entered state running\n\
                        to-all short has entered state exited\n\
                        to-all short has entered state exited\n";
        daemon.wait_file("alerts", expected);
        assert_eq!(daemon.place().read("alerts"), expected);
        daemon.wait_log("WARN alert: event was rejected");
    });
}
