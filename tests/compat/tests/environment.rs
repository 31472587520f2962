//! What `environment=` comes to: programs that print it, one for each way to write a value.

use provost_compat::compare::compare;
use provost_compat::rig::Scenario;
use provost_e2e::{Daemon, PATIENCE, Side, wait_until};

/// Values that both sides take.
const VALUES: &[&str] = &[
    "A=1",
    "A=1,B=2",
    "A=1,",
    "A = 1 , B = 2",
    "A=\"1\",B='2'",
    "A=\"a b\",B=\"c,d\"",
    "A=\"\",B=''",
    "A=\"it's\"",
    "A='say \"x\"'",
    "A=a b",
    "A=a/b.c+d-e(f):g_h",
    "A=*",
    "A=~",
    "A=$HOME",
    "A=http://x/y?z=1",
    "A=a#b",
    "A=\"%(program_name)s\"",
    "A=\"100%%\"",
    "A=\"%(ENV_OUTER)s/x\"",
    "A=\"a\"\n ,B=\"b\"",
    "A=\"größe\"",
    "A=\"one\ntwo\"",
    "a=1,A=2",
    "A=1,A=2",
    "A=\"a\\\"b\"",
    "A=\"a\\\\b\"",
    "A=\"a\\nb\"",
    "A=\"1\"x",
    "A=x\"1\"",
    "A=\"a\"\"b\"",
    "\"A\"=1",
    "A=\"1\";B=2",
    "PATH=\"/nowhere\"",
    "SUPERVISOR_ENABLED=\"mine\"",
    "SUPERVISOR_PROCESS_NAME=\"mine\"",
];

fn config() -> String {
    let programs: Vec<String> = VALUES
        .iter()
        .enumerate()
        .map(|(number, value)| {
            let value = value.replace('\n', "\n  ");
            format!(
                "[program:p{number}]\ncommand=/usr/bin/env -0\nautorestart=false\nstartsecs=0\nenvironment={value}\n\
                 stdout_logfile=%(here)s/{number}.log\nstderr_logfile=NONE\n"
            )
        })
        .collect();
    programs.concat()
}

/// The variables of one program, without those that every program has.
fn seen(daemon: &Daemon, number: usize) -> String {
    let text = daemon.place().read(&format!("{number}.log"));
    let always = [
        "LANG=",
        "TZ=",
        "HOME=",
        "OUTER=",
        "PATH=/usr/local",
        "SUPERVISOR_SERVER_URL=",
    ];
    let mut variables: Vec<&str> = text
        .split('\0')
        .filter(|variable| !always.iter().any(|start| variable.starts_with(start)))
        .collect();
    variables.sort_unstable();
    variables.join("\n")
}

#[test]
fn values_reach_the_program() {
    let scenario = Scenario::new("environment", &config()).environment("OUTER", "from outside");
    let all = Side::BOTH.map(|side| {
        let daemon = scenario.start(side);
        (0..VALUES.len())
            .map(|number| {
                let log = format!("{number}.log");
                wait_until(PATIENCE, "the program's output", || {
                    daemon.place().read(&log).contains("SUPERVISOR_GROUP_NAME=")
                        && daemon.rpc().state(&format!("p{number}")) == "EXITED"
                });
                seen(&daemon, number)
            })
            .collect::<Vec<_>>()
    });
    let complaints: Vec<String> = VALUES
        .iter()
        .enumerate()
        .filter_map(|(number, value)| {
            compare(
                &format!("environment {value}"),
                &all[0][number],
                &all[1][number],
            )
            .err()
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

/// The member that 4.3.0 lacks, which the other tests leave out.
#[test]
fn the_configuration_tells_autorestart() {
    let config = "[program:a]\ncommand=/bin/cat\nautostart=false\n\
        [program:b]\ncommand=/bin/cat\nautostart=false\nautorestart=true\n\
        [program:c]\ncommand=/bin/cat\nautostart=false\nautorestart=false\n";
    let daemon = Scenario::new("autorestart", config).start(Side::Ours);
    let list = daemon
        .rpc()
        .call("supervisor.getAllConfigInfo", &[])
        .value();
    let found: Vec<String> = list
        .items()
        .iter()
        .map(|info| {
            info.get("autorestart")
                .map_or_else(String::new, ToString::to_string)
        })
        .collect();
    assert_eq!(found, ["\"unexpected\"", "true", "false"]);
}
