//! supervisor-checks: listeners that look after programs in many ways and restart those that fail.

use provost_compat::ecosystem::http::Web;
use provost_compat::ecosystem::{running_pid, start, tool, wait_restarted, with_both};
use provost_e2e::free_port;

/// A program that sleeps, and a listener that looks after it.
fn watched(name: &str, listener: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sleep 1000\nstartsecs=0\n{}",
        watcher(name, listener)
    )
}

fn watcher(name: &str, listener: &str) -> String {
    format!(
        "[eventlistener:{name}_check]\ncommand={listener} -n {name}_check\nevents=TICK_5\n\
         stderr_logfile=%(here)s/{name}.err\n"
    )
}

/// The check by XML-RPC, of the daemon itself. The package's own command for it refuses all options; as a part of a
/// complex check it works.
fn asking(group: &str, method: &str) -> String {
    format!(
        "{} -g {group} -c \
         '{{\"xmlrpc\":{{\"sock_path\":\"%(here)s/s.sock\",\"method\":\"{method}\",\"num_retries\":0}}}}'",
        tool("supervisor_complex_check")
    )
}

#[test]
fn programs_that_fail_their_check_are_restarted_and_no_others() {
    with_both(|side| {
        let web = Web::answering(&[503, 200]);
        let programs = [
            watched(
                "http",
                &format!(
                    "{} -g http -u /ping -t 5 -r 0 -p {}",
                    tool("supervisor_http_check"),
                    web.port()
                ),
            ),
            watched(
                "closed",
                &format!(
                    "{} -g closed -t 5 -r 0 -p {}",
                    tool("supervisor_tcp_check"),
                    free_port()
                ),
            ),
            watched(
                "open",
                &format!(
                    "{} -N open:open -t 5 -r 0 -p {}",
                    tool("supervisor_tcp_check"),
                    web.port()
                ),
            ),
            watched("refused", &asking("refused", "no.such.method")),
            watched("served", &asking("served", "supervisor.getState")),
        ];
        let daemon = start(side, &programs.concat());
        let pids = ["http", "closed", "open", "refused", "served"]
            .map(|name| (name, running_pid(&daemon, name)));
        for (name, old) in pids {
            if ["open", "served"].contains(&name) {
                let well = format!("check succeeded for process {name}");
                daemon.wait_file(&format!("{name}.err"), &well);
                assert_eq!(daemon.rpc().pid(name), old, "{name} was well");
            } else {
                wait_restarted(&daemon, name, old);
                let again = format!("Starting process {name}");
                daemon.wait_file(&format!("{name}.err"), &again);
            }
        }
        assert_eq!(web.requests()[0].line, "GET /ping");
    });
}

#[test]
fn a_complex_check_looks_at_memory_processor_and_port() {
    with_both(|side| {
        let web = Web::answering(&[200]);
        let checks = |max_rss: u32, max_cpu: u32| {
            format!(
                "{} -g @ -c '{{\"memory\":{{\"cumulative\":true,\"max_rss\":{max_rss}}},\
                 \"http\":{{\"timeout\":5,\"port\":{},\"url\":\"/ping\",\"num_retries\":0,\"method\":\"GET\"}},\
                 \"cpu\":{{\"max_cpu\":{max_cpu},\"interval\":0}}}}'",
                tool("supervisor_complex_check"),
                web.port()
            )
        };
        let listener = |name: &str, max_rss, max_cpu| {
            watcher(name, &checks(max_rss, max_cpu).replace('@', name))
        };
        let spins = format!(
            "[program:spins]\ncommand={} -c 'while True: pass'\nstartsecs=0\n",
            tool("python")
        );
        let large = format!(
            "[program:large]\ncommand={} -c 'import time; kept = b\"x\" * (60 << 20); time.sleep(1000)'\nstartsecs=0\n",
            tool("python")
        );
        let small = "[program:small]\ncommand=/bin/sleep 1000\nstartsecs=0\n".to_owned();
        let config = [
            spins,
            listener("spins", 1_000_000, 3),
            large,
            listener("large", 40_000, 90),
            small,
            listener("small", 40_000, 90),
        ];
        let daemon = start(side, &config.concat());
        let pids = ["spins", "large", "small"].map(|name| running_pid(&daemon, name));
        wait_restarted(&daemon, "large", pids[1]);
        daemon.wait_file(
            "large.err",
            "Memory usage for process large is above the configured threshold",
        );
        // Seen once above the limit, it is given until the next look.
        wait_restarted(&daemon, "spins", pids[0]);
        daemon.wait_file("spins.err", "`cpu` check failed for process spins");
        daemon.wait_file("small.err", "`cpu` check succeeded for process small");
        assert_eq!(
            daemon.rpc().pid("small"),
            pids[2],
            "nothing is wrong with it"
        );
    });
}
