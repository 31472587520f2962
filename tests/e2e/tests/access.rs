//! Users, roles and scopes with real users of the system, passwords and tokens over TCP, and the record of all that.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::process::Command;

use provost_e2e::{
    Daemon, Finished, Outcome, PATIENCE, Place, Rpc, Side, Start, Target, clean, free_port, run,
    wait_until,
};

/// Two users that no system has.
const STRANGER: &str = "64001";
const USER: &str = "64003";

const PROGRAMS: &str = "\
[program:web]
command=/bin/cat
process_name=%(process_num)s
numprocs=2
autostart=true

[program:db]
command=/bin/cat
";

fn config(server: &str, rest: &str) -> String {
    format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\nchmod=0777\n{server}\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
         [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\n\
         {rest}\n{PROGRAMS}"
    )
}

/// Whether we may become others; a test that needs it says so when not.
fn may_become_others() -> bool {
    let tried = Command::new("setpriv")
        .args(["--reuid", USER, "--clear-groups", "true"])
        .status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        eprintln!("skipped: setpriv cannot change the user here (root is needed)");
    }
    may
}

/// A `supervisorctl` that everybody can run: the place of the build may be closed to others.
fn public_ctl(place: &Place) {
    let built = Side::Ours.command("supervisorctl");
    place.program("ctl", &built);
    place.write("ctl.conf", "[supervisorctl]\n");
}

/// Runs `supervisorctl` as another user.
fn ctl_as(daemon: &Daemon, uid: &str, groups: &[&str], arguments: &[&str]) -> Finished {
    let mut command = Command::new("setpriv");
    clean(&mut command, daemon.place());
    command.args(["--reuid", uid, "--regid", uid]);
    if groups.is_empty() {
        command.arg("--clear-groups");
    } else {
        command.args(["--groups", &groups.join(",")]);
    }
    let server = format!("unix://{}", daemon.socket().display());
    command
        .arg(daemon.place().join("ctl"))
        .arg("-c")
        .arg(daemon.place().join("ctl.conf"))
        .args(["-s", &server])
        .args(arguments);
    run(&mut command)
}

#[test]
fn i33_users_of_the_system_see_and_reach_their_programs_only() {
    if !may_become_others() {
        return;
    }
    let Some((nogroup, daemon_group)) = group_id("nogroup").zip(group_id("daemon")) else {
        eprintln!("skipped: this system lacks the groups nogroup and daemon");
        return;
    };
    let place = Place::new();
    public_ctl(&place);
    let users = "[user:root]\nunix_user=root\nrole=admin\n\
                 [user:deploy]\nunix_group=nogroup\nrole=operator\nprograms=web:*\n\
                 [user:ops]\nunix_group=daemon\nrole=viewer\n";
    let text = config("auth=peercred", users);
    let mut daemon = Start::bare(Side::Ours, &text).launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("db", "RUNNING");
    daemon.wait_state("web:0", "RUNNING");
    daemon.wait_state("web:1", "RUNNING");
    let deploy = |arguments: &[&str]| ctl_as(&daemon, USER, &[&nogroup], arguments);

    let shown = deploy(&["status"]).stdout;
    assert!(shown.contains("web:0") && !shown.contains("db"), "{shown}");
    let db = daemon.rpc().pid("db");
    assert!(deploy(&["stop", "db"]).stdout.contains("no such process"));
    assert!(deploy(&["stop", "all"]).stdout.contains("web:0: stopped"));
    assert_eq!(daemon.rpc().state("web:1"), "STOPPED");
    assert_eq!(
        daemon.rpc().pid("db"),
        db,
        "a program of others was touched"
    );
    let refused = deploy(&["shutdown"]);
    assert!(
        format!("{}{}", refused.stdout, refused.stderr).contains("NOT_PERMITTED"),
        "{refused:?}"
    );
    assert!(
        deploy(&["start", "web:*"])
            .stdout
            .contains("web:0: started")
    );

    let viewer = |arguments: &[&str]| ctl_as(&daemon, STRANGER, &[&daemon_group], arguments);
    assert!(viewer(&["status"]).stdout.contains("db"));
    let refused = viewer(&["stop", "db"]);
    assert!(
        format!("{}{}", refused.stdout, refused.stderr).contains("NOT_PERMITTED"),
        "{refused:?}"
    );
    let stranger = ctl_as(&daemon, STRANGER, &[], &["status"]);
    assert!(!stranger.stdout.contains("web"), "{stranger:?}");
    assert_eq!(daemon.rpc().pid("db"), db);
}

fn group_id(name: &str) -> Option<String> {
    let listed = fs::read_to_string("/etc/group").ok()?;
    let of_name = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1).map(str::to_owned))?
    };
    listed.lines().find_map(of_name)
}

#[test]
fn s09_passwords_and_tokens_name_users_over_tcp() {
    let port = free_port();
    let place = Place::new();
    // The SHA-256 of `abc`.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    place.write("tokens", format!("# ours\nci {digest}\n"));
    place.write("password", "from a file\n");
    let rest = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n\
         [user:root]\nunix_user=root\nrole=admin\n\
         [user:looker]\nrole=viewer\npassword_file=%(here)s/password\n\
         [user:robot]\nrole=operator\nprograms=web\ntoken_file=%(here)s/tokens\n"
    );
    let mut daemon = Start::bare(Side::Ours, &config("", &rest)).launch_in(place);
    daemon.wait_ready();
    let with = |header: &str| {
        let header = format!("Authorization: {header}\r\n");
        Rpc::new(Target::Port(port)).with_headers(&header)
    };
    // `looker:from a file`
    let looker = with("Basic bG9va2VyOmZyb20gYSBmaWxl");
    assert!(matches!(
        looker.call("supervisor.getState", &[]),
        Outcome::Value(_)
    ));
    assert!(matches!(
        looker.call("supervisor.stopProcess", &["db".into()]),
        Outcome::Fault(93, _)
    ));
    let robot = with("Bearer abc");
    assert!(robot.info("web:0").is_some() && robot.info("db").is_none());
    for wrong in ["Bearer abd", "Bearer ", "Basic bG9va2VyOng=", "Digest x"] {
        let answer = with(wrong).call("supervisor.getState", &[]);
        assert_eq!(answer, Outcome::Http(401), "{wrong}");
    }
    let none = Rpc::new(Target::Port(port)).call("supervisor.getState", &[]);
    assert_eq!(none, Outcome::Http(401));
    // A token that is taken out ends at once, one that has an end ends then.
    let place = daemon.place();
    place.write("tokens", format!("ci {digest} expires=2020-01-01\n"));
    assert_eq!(robot.call("supervisor.getState", &[]), Outcome::Http(401));
    place.write("tokens", format!("ci {digest} expires=2999-01-01\n"));
    assert!(robot.info("web:0").is_some());
    place.write("tokens", "");
    assert_eq!(robot.call("supervisor.getState", &[]), Outcome::Http(401));
}

#[test]
fn i34_every_change_has_a_line_before_its_answer_and_the_chain_verifies() {
    let rest = "[audit]\nfile=%(here)s/audit.log\n";
    let mut daemon = Start::bare(Side::Ours, &config("", rest)).start();
    daemon.wait_state("db", "RUNNING");
    let lines = |daemon: &Daemon| daemon.place().read("audit.log").lines().count();
    let before = lines(&daemon);
    assert_eq!(before, 0, "reads are not recorded unless asked for");
    let rpc = daemon.rpc();
    for (count, method) in ["stopProcess", "stopProcess", "startProcess"]
        .iter()
        .enumerate()
    {
        let _ = rpc.call(&format!("supervisor.{method}"), &["db".into()]);
        assert_eq!(lines(&daemon), count + 1, "the answer came before its line");
    }
    let secret = "hunter2";
    rpc.call("supervisor.sendProcessStdin", &["db".into(), secret.into()]);
    let text = daemon.place().read("audit.log");
    assert!(!text.contains(secret), "{text}");
    let all: Vec<&str> = text.lines().collect();
    assert!(all[0].contains("\"method\":\"supervisor.stopProcess\",\"target\":\"db\""));
    assert!(all[0].contains("\"outcome\":\"ok\"") && all[0].contains("\"uid\":"));
    assert!(
        all[1].contains("\"outcome\":\"fault\",\"fault\":70"),
        "{text}"
    );

    // What was moved away is gone on with.
    let path = daemon.place().join("audit.log");
    fs::rename(&path, daemon.place().join("old.log")).expect("ours");
    let _ = rpc.call("supervisor.stopProcess", &["db".into()]);
    let new = daemon.place().read("audit.log");
    assert!(new.contains("\"seq\":5"), "{new}");
    let joined = format!("{text}{new}");
    daemon.place().write("joined.log", &joined);
    assert_eq!(verify(daemon.place(), "joined.log").code, Some(0));

    // Another life of the daemon goes on with the chain, too.
    let _ = rpc.call("supervisor.restart", &[]);
    daemon.wait_log_times("supervisord started with pid", 2);
    wait_until(PATIENCE, "the next life to answer", || {
        matches!(
            daemon
                .rpc()
                .call("supervisor.stopProcess", &["web:0".into()]),
            Outcome::Value(_) | Outcome::Fault(70, _)
        )
    });
    let verified = verify(daemon.place(), "audit.log");
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let edited = joined.replacen("\"fault\":70", "\"fault\":71", 1);
    daemon.place().write("edited.log", edited);
    let refused = verify(daemon.place(), "edited.log");
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("edited.log:3:"), "{refused:?}");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.wait_end();
}

fn verify(place: &Place, name: &str) -> Finished {
    let mut command = Command::new(Side::Ours.command("supervisord"));
    clean(&mut command, place);
    command.arg("--verify-audit").arg(place.join(name));
    run(&mut command)
}

#[test]
fn what_cannot_be_recorded_is_refused_where_that_is_asked_for() {
    let place = Place::new();
    fs::create_dir(place.join("logs")).expect("ours");
    let rest = "[audit]\nfile=%(here)s/logs/audit.log\non_failure=refuse\n";
    let mut daemon = Start::bare(Side::Ours, &config("", rest)).launch_in(place);
    daemon.wait_ready();
    daemon.wait_state("db", "RUNNING");
    let logs = daemon.place().join("logs");
    // A directory in the way of the file holds root up as well.
    fs::remove_file(logs.join("audit.log")).expect("ours");
    fs::create_dir(logs.join("audit.log")).expect("ours");
    let rpc = daemon.rpc();
    let pid = rpc.pid("db");
    let refused = rpc.call("supervisor.stopProcess", &["db".into()]);
    assert!(matches!(refused, Outcome::Fault(30, _)), "{refused}");
    assert_eq!(rpc.pid("db"), pid);
    daemon.wait_log("could not write the audit log");
    fs::remove_dir(logs.join("audit.log")).expect("ours");
    rpc.call("supervisor.stopProcess", &["db".into()]).value();
    let text = daemon.place().read("logs/audit.log");
    assert!(text.contains("\"outcome\":\"begun\"") && text.contains("\"outcome\":\"ok\""));
}

#[test]
fn without_users_a_peer_has_the_default_role_and_upstreams_rule_is_admin() {
    let daemon = Start::bare(
        Side::Ours,
        &config("auth=peercred\npeer_default_role=viewer", ""),
    )
    .start();
    daemon.wait_state("db", "RUNNING");
    let refused = daemon.rpc().call("supervisor.shutdown", &[]);
    assert!(matches!(refused, Outcome::Fault(93, _)), "{refused}");
    let page = daemon
        .rpc()
        .target()
        .exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("an answer");
    assert_eq!(page.status(), 200);
    let text = page.text();
    assert!(
        text.contains("action=refresh") && !text.contains("action=stop"),
        "{text}"
    );
    assert!(!text.contains("logtail") && !text.contains("action=clearlog"));

    let open = Start::bare(Side::Ours, &config("auth=peercred", "")).start();
    open.wait_state("db", "RUNNING");
    open.rpc()
        .call("supervisor.stopProcess", &["db".into()])
        .value();
}
