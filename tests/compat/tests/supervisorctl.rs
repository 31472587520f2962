//! Every command of supervisorctl: what it prints and how it exits. Both clients against both servers.

use std::path::PathBuf;
use std::process::Command;

use provost_compat::compare::compare;
use provost_compat::desk::{Desk, compare_desks, without_prose};
use provost_compat::rig::Scenario;
use provost_e2e::{Normal, PATIENCE, Place, Side, clean, run, wait_until};

const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
stdout_logfile=%(here)s/cat.log
[program:ended]
command=/bin/sh -c 'sleep 1.6; exit 0'
[program:fatal]
command=/no/such/file
startretries=0
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
[program:exec]
command=%(here)s/supervisord.conf
autostart=false
[program:brief]
command=/bin/sh -c 'exit 1'
autostart=false
startsecs=5
startretries=0
[program:nolog]
command=/bin/cat
autostart=false
stdout_logfile=NONE
[program:member]
command=/bin/cat
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
[group:g]
programs=member
priority=5
";

/// Waits until every program is in the state that it keeps.
fn settle(desk: &Desk) {
    for (name, state) in [
        ("cat", "RUNNING"),
        ("ended", "EXITED"),
        ("fatal", "FATAL"),
        ("g:member_0", "RUNNING"),
        ("g:member_1", "RUNNING"),
    ] {
        desk.daemon().wait_state(name, state);
    }
}

fn scenario() -> Scenario {
    Scenario::new("ctl", PROGRAMS).file("cat.log", "first line\nsecond line\n")
}

#[test]
fn asking() {
    compare_desks("ctl", &scenario(), |desk| {
        settle(desk);
        for line in [
            "status",
            "status all",
            "status cat",
            "status idle",
            "status fatal",
            "status ended",
            "status g:*",
            "status g:",
            "status g:member_1 cat",
            "status nobody",
            "status nobody cat",
            "status nobody:*",
            "status cat cat",
            "version",
            "version now",
            "avail",
            "avail now",
            "tail cat",
            "tail -5 cat",
            "tail cat stdout",
            "tail cat stderr",
            "tail cat STDERR",
            "tail cat nonsense",
            "tail nolog",
            "tail nobody",
            "tail",
            "tail -5",
            "tail -x cat",
            "tail a b c d",
            "tail g:*",
            "maintail -20",
            "maintail -x",
            "maintail a b",
            "nonsense",
            "nonsense a b",
            "!status",
            "fg",
            "fg a b",
            "fg nobody",
            "fg idle",
            "open",
            "open nonsense",
            "quit",
            "exit",
            "help nonsense",
            "help",
            "?",
        ] {
            desk.run(line);
        }
        for line in [
            "pid",
            "pid cat",
            "pid cat idle",
            "pid all",
            "pid nobody",
            "pid g:member_0",
        ] {
            desk.run_for_numbers(line);
        }
    });
}

#[test]
fn starting_and_stopping() {
    compare_desks("ctl", &scenario(), |desk| {
        settle(desk);
        for line in [
            "start",
            "start idle",
            "start idle",
            "start cat",
            "start fatal",
            "start exec",
            "start brief",
            "start nobody",
            "start nobody:*",
            "start idle fatal nobody",
            "stop",
            "stop idle",
            "stop idle",
            "stop fatal",
            "stop nobody",
            "stop nobody:*",
            "restart",
            "restart idle",
            "restart cat",
            "restart nobody",
            "signal",
            "signal HUP",
            "signal CONT cat",
            "signal sigcont cat",
            "signal 18 cat",
            "signal NOSUCH cat",
            "signal CONT nobody",
            "signal CONT fatal",
            "signal CONT nobody:*",
            "signal CONT cat fatal nobody",
            "clear",
            "clear cat",
            "clear nobody",
            "clear cat nobody",
        ] {
            desk.run(line);
        }
        for line in [
            "signal CONT g:*",
            "stop g:*",
            "stop g:*",
            "start g:*",
            "start g:*",
            "restart g:*",
        ] {
            desk.run_sorted(line);
        }
        for line in ["signal CONT all", "clear all", "stop all", "stop all"] {
            desk.run_sorted(line);
        }
        desk.run("status g:* cat idle");
    });
}

#[test]
fn groups_come_and_go() {
    compare_desks("ctl", &scenario(), |desk| {
        settle(desk);
        for line in [
            "reread",
            "reread now",
            "update",
            "add",
            "add cat",
            "add nobody",
            "remove",
            "remove cat",
            "remove nobody",
            "remove idle",
            "status idle",
            "avail",
            "add idle",
            "update idle",
            "update nobody",
            "remove idle nobody cat",
        ] {
            desk.run(line);
        }
        let change = |desk: &Desk, from: &str, to: &str| {
            let text = desk.daemon().place().read("supervisord.conf");
            assert!(text.contains(from));
            desk.daemon()
                .place()
                .write("supervisord.conf", text.replace(from, to));
        };
        change(desk, "[program:ended]", "[program:born]\nautorestart=false");
        change(desk, "[program:cat]", "[program:cat]\nstopwaitsecs=3");
        for line in ["reread", "avail", "update nobody", "update", "update"] {
            desk.run(line);
        }
        desk.daemon().wait_state("cat", "RUNNING");
        desk.run("status cat");
        change(desk, "stopwaitsecs=3", "stopwaitsecs=x");
        for line in ["reread", "update", "avail"] {
            desk.run(line);
        }
        change(desk, "stopwaitsecs=x", "stopwaitsecs=4");
        desk.run("update g");
        desk.run("update cat");
        desk.run("update all");
    });
}

#[test]
fn the_shell_without_a_terminal() {
    compare_desks("ctl shell", &scenario(), |desk| {
        settle(desk);
        desk.shell("end of input", &[], "\n");
        desk.shell(
            "some commands",
            &[],
            "status cat\nversion\n\n?\nnonsense\nstart nobody\nquit\n",
        );
        desk.shell("interactive flag", &["-i"], "avail\nexit\n");
        desk.shell("no newline at the end", &[], "version");
        desk.shell("no shutdown", &[], "shutdown\nn\nreload\nno\nversion\n");
        desk.shell("help of nothing", &[], "help nothing\n? nothing\nhelp\n");
        desk.shell("flag with command", &["-i", "version"], "");
        desk.shell("shutdown confirmed", &[], "shutdown\ny\n");
    });
}

#[test]
fn logs_as_they_grow() {
    compare_desks("ctl follow", &scenario(), |desk| {
        settle(desk);
        desk.run_until("tail -f cat", "", "second line\n");
        desk.run_until("fg cat", "grüße\n", "second line\ngrüße\n");
        desk.run_until("tail -f cat stdout", "", "grüße\n");
        desk.daemon().rpc().call("supervisor.clearLog", &[]).value();
        desk.run("start idle");
        desk.run_until("maintail -f", "", "success: idle entered RUNNING");
    });
}

#[test]
fn the_end() {
    compare_desks("ctl", &scenario(), |desk| {
        settle(desk);
        desk.run("reload");
        desk.daemon()
            .wait_log_times("success: cat entered RUNNING", 2);
        desk.run("reload now");
        desk.run("shutdown now");
        desk.run("shutdown");
        wait_until(PATIENCE, "the socket to be gone", || {
            !desk.daemon().socket().exists()
        });
        for line in [
            "status",
            "status cat",
            "version",
            "start cat",
            "stop cat",
            "restart cat",
            "pid",
            "tail cat",
            "avail",
            "reread",
            "update",
            "add cat",
            "remove cat",
            "clear cat",
            "signal HUP cat",
            "reload",
            "shutdown",
            "maintail",
            "fg cat",
            "tail -f cat",
        ] {
            desk.run(line);
        }
    });
}

/// What a client says when nobody listens, when it has no configuration, and when it may not.
#[test]
fn without_a_server() {
    let place = Place::new();
    let guarded = place.write(
        "guarded.conf",
        "[unix_http_server]\nfile=%(here)s/g.sock\nusername=user\npassword=pass\n[supervisord]\n\
         logfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/g.sock\n[program:p]\ncommand=/bin/cat\n",
    );
    place.write("no-section.conf", "[supervisord]\n");
    place.write("bad.conf", "nonsense\n");
    place.write("bad-value.conf", "[supervisorctl]\nserverurl=%(nothing)s\n");
    let sock = format!("unix://{}/g.sock", place.text());
    let missing = format!("unix://{}/none.sock", place.text());
    let mut daemon = Command::new(Side::Upstream.command("supervisord"))
        .arg("-nc")
        .arg(&guarded)
        .current_dir(place.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    wait_until(PATIENCE, "the program", || {
        place.read("main.log").contains("success: p")
    });
    let guarded_text = guarded.to_str().expect("a plain path").to_owned();
    let cases: Vec<(&str, Vec<&str>)> = vec![
        ("refused", vec!["-s", "http://localhost:1", "status"]),
        (
            "refused version",
            vec!["-s", "http://127.0.0.1:1", "version"],
        ),
        ("refused avail", vec!["-s", "http://127.0.0.1:1", "avail"]),
        ("missing socket", vec!["-s", &missing, "status"]),
        ("missing socket pid", vec!["-s", &missing, "pid"]),
        ("missing socket shutdown", vec!["-s", &missing, "shutdown"]),
        ("unknown scheme", vec!["-s", "ftp://localhost/", "status"]),
        ("no credentials", vec!["-s", &sock, "status"]),
        ("no credentials stop", vec!["-s", &sock, "stop", "p"]),
        (
            "right credentials",
            vec!["-s", &sock, "-u", "user", "-p", "pass", "status"],
        ),
        (
            "right credentials in a file",
            vec![
                "-c",
                &guarded_text,
                "-u",
                "user",
                "-p",
                "pass",
                "pid",
                "nobody",
            ],
        ),
        (
            "wrong credentials",
            vec!["-s", &sock, "-u", "user", "-p", "wrong", "status"],
        ),
        ("username only", vec!["-s", &sock, "-u", "user", "status"]),
        ("no section", vec!["-c", "no-section.conf", "status"]),
        ("bad file", vec!["-c", "bad.conf", "status"]),
        ("bad value", vec!["-c", "bad-value.conf", "status"]),
    ];
    let mut complaints = Vec::new();
    for (name, arguments) in &cases {
        let [upstream, ours] = Side::BOTH.map(|side| {
            let path: PathBuf = side.command("supervisorctl");
            let mut command = Command::new(&path);
            clean(&mut command, &place);
            let finished = run(command.args(arguments).current_dir(place.path()));
            let text = format!(
                "{}exit {}\n{}",
                finished.stdout,
                finished.code_text(),
                finished.stderr
            );
            let normal = Normal::new()
                .with(place.text(), "⟨dir⟩")
                .with(path.to_str().unwrap_or_default(), "⟨supervisorctl⟩");
            without_prose(&normal.apply(&text))
        });
        // Provost explains at length after upstream's lines.
        let lines: Vec<&str> = ours.lines().take(upstream.lines().count()).collect();
        let ours = lines.join("\n");
        complaints.extend(compare(&format!("ctl {name}"), &upstream, &ours).err());
    }
    provost_e2e::kill_tree(daemon.id());
    daemon.wait().ok();
    assert!(
        complaints.is_empty(),
        "{} commands differ:\n\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
}
