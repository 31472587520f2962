//! Whole configurations as people write them (`fixtures/`), taken through the same day by both sides: start, look,
//! stop, restart, a killed process, a changed file, SIGHUP, shutdown.

use provost_compat::differences::names_a_mistake;
use provost_compat::rig::{Rig, Scenario};
use provost_e2e::{Fixture, fixtures, send_signal};
use rustix::process::{Signal, getuid};

fn fixture(name: &str, log: &str) -> Fixture {
    Fixture {
        directory: fixtures().join(name),
        socket: "run/supervisor.sock".to_owned(),
        log: log.to_owned(),
        headers: String::new(),
    }
}

/// Waits until each process is in its state, then asks for the whole status.
fn settle(rig: &mut Rig, states: &[(&str, &str)]) {
    for (name, state) in states {
        rig.daemon().wait_state(name, state);
    }
    rig.ctl(&["status"]);
}

/// A command about many processes. Its lines come in the order in which the processes are done.
fn ctl_sorted(rig: &mut Rig, arguments: &[&str]) {
    let finished = rig.daemon().ctl(rig.daemon().side(), arguments);
    let mut lines: Vec<&str> = finished.stdout.lines().collect();
    lines.sort_unstable();
    rig.note(&format!(
        "$ supervisorctl {} (sorted)\n{}\n{}exit {}",
        arguments.join(" "),
        lines.join("\n"),
        finished.stderr,
        finished.code_text()
    ));
}

/// Kills a process behind the daemon's back and waits until a new one runs in its place.
fn kill(rig: &mut Rig, name: &str) {
    let old = rig.daemon().rpc().pid(name);
    assert_ne!(old, 0, "{name} runs");
    send_signal(old, Signal::KILL);
    rig.wait(&format!("a new process of {name}"), |daemon| {
        let rpc = daemon.rpc();
        ![0, old].contains(&rpc.pid(name)) && rpc.state(name) == "RUNNING"
    });
    rig.ctl(&["status", name]);
}

/// Restarts the daemon by signal.
fn hup(rig: &mut Rig) {
    rig.daemon().signal(Signal::HUP);
    rig.daemon()
        .wait_log_times("INFO supervisord started with pid", 2);
}

/// Changes a file of the directory.
fn edit(rig: &Rig, name: &str, from: &str, to: &str) {
    let text = rig.daemon().place().read(name);
    assert!(text.contains(from), "`{from}` stands in {name}");
    rig.daemon().place().write(name, text.replace(from, to));
}

/// What the main log tells of each process, in order, and then whatever speaks of none. The order between processes
/// depends on who is faster, and so does how often a wait is told.
fn main_log(rig: &mut Rig, processes: &[&str]) {
    let log = rig.daemon().main_log();
    // A container's log has the programs' lines between its own.
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("20") && !line.contains(" INFO waiting for "))
        .filter(|line| !names_a_mistake(line))
        .collect();
    let about = |line: &str, name: &str| {
        [": NAME ", "'NAME'"]
            .iter()
            .any(|shape| line.contains(&shape.replace("NAME", name)))
    };
    for name in processes {
        rig.note(&format!("log of {name}"));
        for line in lines.iter().filter(|line| about(line, name)) {
            rig.note(line);
        }
    }
    rig.note("log of the daemon");
    for line in &lines {
        let spawning = line.contains(" spawnerr: ");
        if !spawning && !processes.iter().any(|name| about(line, name)) {
            rig.note(line);
        }
    }
}

/// The content of a log over all its rotated files: where it was cut depends on how much was read at once.
fn rotated(rig: &mut Rig, name: &str) {
    let place = rig.daemon().place();
    let mut whole = String::new();
    for number in (1..=10).rev() {
        whole.push_str(&place.read(&format!("{name}.{number}")));
    }
    whole.push_str(&place.read(name));
    assert!(
        place.join(&format!("{name}.1")).exists(),
        "{name} is rotated"
    );
    rig.note(&format!("--- {name} and its backups\n{whole}---"));
}

/// The names and the content of automatic logs, but for the listener's: how many events it is given before it is stopped,
/// and in the middle of what, depends on who is faster.
fn automatic_logs(rig: &mut Rig, directory: &str) {
    for name in rig.daemon().place().list(directory) {
        if name.contains("---") && !name.starts_with("audit-") {
            rig.file(&format!("{directory}/{name}"));
        }
    }
}

#[test]
fn a_web_application() {
    let up = [
        ("migrate", "EXITED"),
        ("nginx", "RUNNING"),
        ("shop:gunicorn", "RUNNING"),
        ("shop:celery_beat", "RUNNING"),
        ("shop:celery_worker", "RUNNING"),
    ];
    Scenario::of_fixture(
        "web application",
        fixture("web-application", "log/supervisord.log"),
    )
    .environment("SHOP_PORT", "8000")
    .environment("SHOP_DB_PASSWORD", "100%-s3cr;et")
    .run(|rig| {
        settle(rig, &up);
        rig.ctl(&["avail"]);
        rig.ctl(&["tail", "shop:gunicorn"]);
        rig.ctl(&["tail", "-30", "shop:celery_worker", "stderr"]);
        rig.ctl(&["tail", "shop:celery_beat", "stderr"]);
        rig.ctl(&["tail", "gunicorn"]);
        rig.ctl(&["signal", "HUP", "shop:gunicorn"]);
        rig.wait_file("log/gunicorn.log", "signal: hup");
        ctl_sorted(rig, &["stop", "shop:*"]);
        rig.ctl(&["status", "shop:*"]);
        ctl_sorted(rig, &["start", "shop:*"]);
        rig.ctl(&["restart", "shop:celery_worker"]);
        rig.ctl(&["stop", "nginx", "shop:celery_beat"]);
        rig.ctl(&["start", "shop:celery_beat"]);
        ctl_sorted(rig, &["start", "all"]);
        kill(rig, "shop:gunicorn");
        settle(rig, &up);

        edit(rig, "conf.d/30-celery.conf", "INFO -n", "DEBUG -n");
        let mailer = "[program:mailer]\ncommand=%(here)s/../bin/celery -A mail worker\n\
            stdout_logfile=%(here)s/../log/mailer.log\n";
        rig.daemon().place().write("conf.d/50-mailer.conf", mailer);
        rig.ctl(&["reread"]);
        rig.ctl(&["avail"]);
        rig.ctl(&["update"]);
        rig.daemon().wait_state("mailer", "RUNNING");
        settle(rig, &up);
        rig.ctl(&["reread"]);

        hup(rig);
        rig.daemon().wait_state("mailer", "RUNNING");
        settle(rig, &up);
        rig.ctl(&["shutdown"]);
        rig.end();
        rig.ctl(&["status"]);

        for name in [
            "migrate",
            "gunicorn",
            "celery-worker",
            "celery-beat",
            "mailer",
        ] {
            rig.file(&format!("log/{name}.log"));
        }
        rig.file("log/celery-worker.err");
        rig.file("log/error.log");
        rotated(rig, "log/access.log");
        automatic_logs(rig, "log");
        rig.list("");
        main_log(
            rig,
            &[
                "migrate",
                "gunicorn",
                "celery_worker",
                "celery_beat",
                "nginx",
                "mailer",
            ],
        );
    });
}

#[test]
fn a_container() {
    let up = [
        ("api", "RUNNING"),
        ("cron", "RUNNING"),
        ("helper", "RUNNING"),
        ("exit-on-fatal", "RUNNING"),
    ];
    let mut container = fixture("container", "daemon.out");
    // admin:inside-only
    container.headers = "Authorization: Basic YWRtaW46aW5zaWRlLW9ubHk=\r\n".to_owned();
    Scenario::of_fixture("container", container).run(|rig| {
        rig.wait_file("run/attempts", "attempt\nattempt\nattempt\n");
        settle(rig, &up);
        rig.ctl(&["restart", "cron"]);
        rig.ctl(&["stop", "helper"]);
        rig.ctl(&["status"]);
        rig.ctl(&["start", "helper"]);
        kill(rig, "api");
        edit(rig, "supervisord.conf", "startretries=1", "startretries=2");
        rig.ctl(&["reread"]);
        rig.ctl(&["update"]);
        settle(rig, &up);
        hup(rig);
        settle(rig, &up);

        rig.daemon().place().write("run/broken-settings", "");
        send_signal(rig.daemon().rpc().pid("api"), Signal::KILL);
        rig.end();

        let out = rig.daemon().place().read("daemon.out");
        let err = rig.daemon().place().read("daemon.err");
        for name in ["api: ", "cron: ", "helper: ", "exit-on-fatal: "] {
            for (stream, text) in [("output", &out), ("errors", &err)] {
                rig.note(&format!("{name}{stream}"));
                for line in text.lines().filter(|line| line.starts_with(name)) {
                    rig.note(line);
                }
            }
        }
        main_log(rig, &["api", "cron", "helper", "exit-on-fatal"]);
    });
}

#[test]
fn a_data_service() {
    let up = [
        ("store", "RUNNING"),
        ("pipeline:consumer_01", "RUNNING"),
        ("pipeline:consumer_02", "RUNNING"),
        ("pipeline:consumer_03", "RUNNING"),
        ("pipeline:ingest", "RUNNING"),
        ("archiver", "RUNNING"),
        ("audit", "RUNNING"),
    ];
    let user = if getuid().is_root() {
        "nobody".to_owned()
    } else {
        getuid().as_raw().to_string()
    };
    Scenario::of_fixture(
        "data service",
        fixture("data-service", "log/supervisord.log"),
    )
    .environment("DATA_USER", &user)
    .run(|rig| {
        rig.daemon().wait_state("exporter", "FATAL");
        settle(rig, &up);
        rig.ctl(&["status", "pipeline:*"]);
        rig.ctl(&["tail", "pipeline:consumer_02"]);
        rig.ctl(&["tail", "pipeline:ingest"]);
        rig.ctl(&["tail", "pipeline:ingest", "stderr"]);
        rig.ctl(&["start", "compact"]);
        rig.daemon().wait_state("compact", "EXITED");
        rig.ctl(&["status", "compact"]);
        rig.ctl(&["start", "exporter"]);
        rig.ctl(&["stop", "archiver"]);
        rig.ctl(&["start", "archiver"]);
        ctl_sorted(rig, &["restart", "pipeline:*"]);
        kill(rig, "pipeline:consumer_02");
        rig.ctl(&["restart", "store"]);
        settle(rig, &up);

        edit(rig, "supervisord.conf", "numprocs=3", "numprocs=4");
        edit(
            rig,
            "supervisord.conf",
            "[program:exporter]",
            "[program:shipper]",
        );
        rig.ctl(&["reread"]);
        rig.ctl(&["update"]);
        rig.daemon().wait_state("pipeline:consumer_04", "RUNNING");
        rig.daemon().wait_state("shipper", "FATAL");
        settle(rig, &up);
        rig.wait_file("log/audit.log", "FATAL processname:shipper");
        rig.wait_file("log/audit.log", "RUNNING processname:consumer_04");
        // It started with the daemon, was restarted with its group, and once more by the update.
        rig.wait("the listener to have heard everything", |daemon| {
            let heard = daemon.place().read("log/audit.log");
            heard.matches("RUNNING processname:ingest").count() >= 3
        });
        audit(rig);

        hup(rig);
        rig.daemon().wait_state("pipeline:consumer_04", "RUNNING");
        rig.daemon().wait_state("shipper", "FATAL");
        settle(rig, &up);
        rig.ctl(&["shutdown"]);
        rig.end();
        rig.file("log/ingest.log");
        rig.file("log/ingest.err");
        automatic_logs(rig, "log");
        let consumers = ["consumer_01", "consumer_02", "consumer_03", "consumer_04"];
        let others = [
            "store", "ingest", "archiver", "exporter", "shipper", "compact", "audit",
        ];
        main_log(rig, &[&consumers[..], &others].concat());
    });
}

/// What the listener wrote down, by process and kind: the order between them depends on who is faster.
fn audit(rig: &mut Rig) {
    let text = rig.daemon().place().read("log/audit.log");
    let mut lines: Vec<&str> = text.lines().collect();
    let key = |line: &str| {
        let name = line.split(' ').nth(1).unwrap_or("").to_owned();
        let kind: Vec<&str> = line.split('_').take(2).collect();
        (name, kind.join("_"))
    };
    lines.sort_by_key(|line| key(line));
    for line in lines {
        rig.note(line);
    }
}
