//! Passwords and secrets: where they come from, whom they are sent to, and where they must not be seen. And what
//! programs write, on the terminal of a person.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use provost_e2e::means::skipped;
use provost_e2e::{
    CTRL_C, Daemon, Outcome, PATIENCE, Place, Side, Start, Terminal, clean, is_alive, run,
    send_signal, wait_until,
};
use rustix::process::Signal;

/// What must be seen nowhere.
const SECRET: &str = "canary-b7d2";

/// Sections of a daemon that asks for the secret, with these keys in `[supervisorctl]`.
fn guarded(keys: &str, programs: &str) -> String {
    format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\nusername=u\npassword={SECRET}\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://%(here)s/s.sock\nusername=u\n{keys}\
         [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\nloglevel=trace\n\
         {programs}"
    )
}

#[test]
fn s10_a_password_comes_from_a_file() {
    let daemon = Start::bare(Side::Ours, &guarded("password_file=%(here)s/pw\n", ""))
        .file("pw", &format!("{SECRET}\nnot this\n"))
        .file("wrong", "wrong\n")
        .start();
    let version = daemon.ctl(Side::Ours, &["version"]);
    assert_eq!(
        (version.stdout.as_str(), version.code),
        ("4.3.0\n", Some(0))
    );
    let with = |file: &str| {
        let mut command = daemon.ctl_command(Side::Ours);
        run(command.env("SUPERVISOR_PASSWORD_FILE", file).arg("version"))
    };
    assert_eq!(with("wrong").stdout, "Server requires authentication\n");
    assert_eq!(with("pw").stdout, "4.3.0\n");
    let missing = with("nowhere");
    assert_eq!(missing.code, Some(2));
    assert!(
        missing
            .stderr
            .starts_with("Error: could not read the password file nowhere: No such file"),
        "{}",
        missing.stderr
    );
}

struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _it_is_ours = self.0.wait();
    }
}

#[test]
fn s10_a_password_on_the_command_line_is_covered() {
    let daemon = Start::bare(
        Side::Ours,
        &guarded(
            "",
            "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/p.log\n",
        ),
    )
    .start();
    let mut command = daemon.ctl_command(Side::Ours);
    command
        .args(["-u", "u", "-p", SECRET, "tail", "-f", "p"])
        .stdout(Stdio::piped());
    let client = Client(command.spawn().expect("supervisorctl starts"));
    let path = format!("/proc/{}/cmdline", client.0.id());
    wait_until(PATIENCE, "the password to be covered", || {
        let line = fs::read_to_string(&path).unwrap_or_default();
        line.contains("tail") && !line.contains(SECRET) && line.contains("xxxxxxxxxxx")
    });
}

/// Where the system writes core files into the directory of what has crashed: supervisord leaves none, what it runs does.
#[test]
fn s10_a_crash_leaves_no_core_file_with_passwords() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.trim().contains(['/', '|', '%']) {
        return skipped("plain core files", &format!("they go to {pattern}"));
    }
    if fs::read_to_string("/proc/sys/kernel/core_uses_pid").is_ok_and(|text| text.trim() != "0") {
        return skipped("plain core files", "their names have pids");
    }
    let unlimited = ["sh", "-c", "ulimit -c unlimited; exec \"$@\"", "sh"];
    let config = guarded(
        "",
        "[program:p]\ncommand=/bin/sh -c 'mkdir -p own; cd own; exec sleep 1000'\nstartsecs=0\nautorestart=false\n",
    );
    let mut daemon = Start::bare(Side::Ours, &config).under(&unlimited).start();
    let rpc = daemon
        .rpc()
        .with_headers("Authorization: Basic dTpjYW5hcnktYjdkMg==\r\n");
    wait_until(PATIENCE, "the program to be what it is", || {
        let path = format!("/proc/{}/comm", rpc.pid("p"));
        fs::read_to_string(path).is_ok_and(|name| name == "sleep\n")
    });
    let (pid, core) = (rpc.pid("p"), pattern.trim().to_owned());
    send_signal(pid, Signal::ABORT);
    wait_until(PATIENCE, "the program to be gone", || !is_alive(pid));
    assert!(
        daemon.place().join("own").join(&core).exists(),
        "programs leave none either"
    );
    daemon.signal(Signal::ABORT);
    assert_eq!(daemon.wait_end(), None);
    let left = daemon.place().list(".");
    assert!(!left.contains(&core), "{left:?}");
}

/// Which of these texts stand in the memory of a process.
fn in_memory<'a>(pid: u32, texts: &[&'a str]) -> Vec<&'a str> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("it lives");
    let memory = fs::File::open(format!("/proc/{pid}/mem")).expect("root may look");
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let number = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = range.expect("a range");
        let (start, end) = (number(start), number(end));
        let mut bytes = vec![0; usize::try_from(end - start).expect("it fits")];
        // What was given back a moment ago is no memory any more.
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            let text = String::from_utf8_lossy(&bytes);
            found.extend(texts.iter().filter(|wanted| text.contains(**wanted)));
        }
    }
    found
}

/// The password of a server, of a user, one that only supervisorctl needs, and a line that only the file has.
#[test]
fn s10_passwords_are_in_no_memory_once_they_were_used() {
    if !rustix::process::geteuid().is_root() {
        return skipped("root", "memory of a process that leaves no core files");
    }
    let users = format!(
        "[user:guest]\nrole=admin\npassword={SECRET}-user\n\
         [program:p]\ncommand=/bin/cat\n; {SECRET}-comment\n"
    );
    let keys = format!("password={SECRET}\n;{SECRET}-ctl\n");
    let mut daemon = Start::bare(Side::Ours, &guarded(&keys, &users)).start();
    // As clients send them.
    let (as_server, as_user) = ("dTpjYW5hcnktYjdkMg", "Z3Vlc3Q6Y2FuYXJ5LWI3ZDItdXNlcg");
    let texts = [SECRET, as_server, as_user];
    let user = daemon
        .rpc()
        .with_headers(&format!("Authorization: Basic {as_user}==\r\n"));
    let use_them = |daemon: &Daemon| {
        wait_until(PATIENCE, "the program to run", || {
            daemon.ctl(Side::Ours, &["pid", "p"]).code == Some(0)
        });
        assert!(user.pid("p") > 1);
        let wrong = daemon.rpc().with_headers("Authorization: Basic eDp5\r\n");
        assert_eq!(wrong.call("supervisor.getState", &[]), Outcome::Http(401));
    };
    let gone = |daemon: &Daemon, when: &str| {
        wait_until(PATIENCE, &format!("no password in memory {when}"), || {
            in_memory(daemon.pid(), &texts).is_empty()
        });
    };
    use_them(&daemon);
    gone(&daemon, "after a use");
    assert!(
        in_memory(daemon.pid(), &["guest"]).contains(&"guest"),
        "what is kept is not found"
    );
    assert_eq!(daemon.ctl(Side::Ours, &["reread"]).code, Some(0));
    gone(&daemon, "after a reread");
    assert_eq!(daemon.ctl(Side::Ours, &["upgrade"]).code, Some(0));
    daemon.wait_ready();
    use_them(&daemon);
    gone(&daemon, "after an upgrade");
    assert_eq!(daemon.ctl(Side::Ours, &["reload"]).code, Some(0));
    daemon.wait_log_times("supervisord started with pid", 2);
    daemon.wait_ready();
    use_them(&daemon);
    gone(&daemon, "after a reload");
}

/// The secret is a password, a value of an environment, of supervisord's own environment, and stands in a broken file.
#[test]
fn s10_f60_a_secret_is_seen_in_no_output() {
    let programs = format!(
        "environment=BASE=\"{SECRET}\"\n\
         [program:p]\ncommand=/bin/cat\nenvironment=TOKEN=\"{SECRET}\"\nstdout_logfile=%(here)s/p.log\n\
         [program:gone]\ncommand=/no/such/%(ENV_INNOCENT)s\nstartretries=0\n\
         [eventlistener:l]\ncommand=/bin/cat\nevents=EVENT\n"
    );
    let daemon = Start::bare(
        Side::Ours,
        &guarded(&format!("password={SECRET}\n"), &programs),
    )
    .environment("HIDDEN_VARIABLE", SECRET)
    .environment("INNOCENT", "program")
    .start();
    let mut seen = String::new();
    let mut ask = |arguments: &[&str]| {
        let answer = daemon.ctl(Side::Ours, arguments);
        seen.push_str(&answer.stdout);
        seen.push_str(&answer.stderr);
    };
    for arguments in [
        &["status"][..],
        &["status", "-v"],
        &["avail"],
        &["start", "gone"],
        &["tail", "p"],
        &["maintail", "-100000"],
        &["-p", "wrong", "status"],
        &["signal", "nothing", "p"],
        &["add", "nobody"],
        &["reread"],
    ] {
        ask(arguments);
    }
    let rpc = daemon
        .rpc()
        .with_headers("Authorization: Basic dTpjYW5hcnktYjdkMg==\r\n");
    let mut methods = String::new();
    for method in [
        "supervisor.getAllConfigInfo",
        "supervisor.getAllProcessInfo",
    ] {
        write!(methods, "{:?}", rpc.call(method, &[])).expect("a String takes it");
    }
    assert!(
        methods.contains("TOKEN") || methods.contains("stdout_logfile"),
        "{methods}"
    );
    let config = daemon.place().read("supervisord.conf");
    for broken in [
        "command=%(ENV_NOPE)s",
        "command=%(nope)s",
        "priority=%(ENV_HIDDEN_VARIABLE)d",
    ] {
        daemon.place().write(
            "supervisord.conf",
            format!("{config}[program:b]\n{broken}\n"),
        );
        let answer = daemon.ctl(Side::Ours, &["reread"]);
        assert_ne!(answer.code, Some(0), "{broken}: {}", answer.stdout);
        seen.push_str(&answer.stdout);
        seen.push_str(&answer.stderr);
    }
    seen.push_str(&daemon.main_log());
    for secret in [SECRET, "HIDDEN_VARIABLE'", "ENV_INNOCENT"] {
        let at = seen.find(secret).or_else(|| methods.find(secret));
        assert!(at.is_none(), "{secret} is seen: {seen}");
    }
}

/// A program of `nobody` that listens in a directory of all, where supervisord's socket should be.
const SQUATTER: &str = "my $server = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die;
while (my $client = $server->accept) {
    $client->sysread(my $data, 65536);
    open(my $heard, '>>', $ARGV[1]);
    print $heard \"heard:$data\";
    close $heard;
    close $client;
}";

#[test]
fn s17_a_password_is_not_sent_to_a_squatter() {
    let place = Place::new();
    let open = place.join("open");
    fs::create_dir(&open).expect("the place is writable");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("it is ours");
    let (socket, heard) = (open.join("s.sock"), open.join("heard"));
    let squatter = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["perl", "-MIO::Socket::UNIX", "-e", SQUATTER])
        .args([&socket, &heard])
        .spawn();
    let _squatter = Client(squatter.expect("setpriv is there"));
    wait_until(PATIENCE, "the squatter to listen", || {
        UnixStream::connect(&socket).is_ok()
    });
    let ask = |configuration: &str| {
        let config = place.write("ctl.conf", configuration);
        let mut command = Command::new(Side::Ours.command("supervisorctl"));
        clean(&mut command, &place);
        let url = format!("unix://{}", socket.display());
        run(command
            .arg("-c")
            .arg(config)
            .args(["-s", &url, "-u", "u", "-p", SECRET, "status"]))
    };
    let refused = ask("[supervisorctl]\n");
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused.stdout.contains(
            "uid 65534 listens there, who is neither root nor you, so no password was sent"
        ),
        "{}",
        refused.stdout
    );
    let said = || fs::read_to_string(&heard).unwrap_or_default();
    assert!(!said().contains("Authorization"), "{}", said());
    // Where the configuration names the user, it is no squatter.
    ask("[supervisord]\nuser=nobody\n[supervisorctl]\n");
    wait_until(PATIENCE, "the password to be sent", || {
        said().contains("Authorization: Basic")
    });
}

/// Nobody can connect to the socket before it has its mode, and the path never leads to anything half made.
#[test]
fn s17_the_socket_appears_with_its_mode_under_its_name() {
    let place = Place::new();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    let socket = place.join("s.sock");
    symlink(place.join("elsewhere"), &socket).expect("a link");
    let mut daemon = Start::new(Side::Ours, "").launch_in(place);
    daemon.wait_ready();
    let made = fs::symlink_metadata(&socket).expect("it is there");
    assert_eq!(made.permissions().mode() & 0o777, 0o700);
    assert!(!daemon.place().join("elsewhere").exists());
    assert!(UnixListener::bind(&socket).is_err());
    let others = fs::read_dir(daemon.place().path()).expect("it is there");
    let names = others.map(|entry| entry.expect("it is there").file_name().into_string());
    let sockets = names.flatten().filter(|name| name.starts_with("s.sock"));
    assert_eq!(sockets.collect::<Vec<_>>(), ["s.sock"]);
}

#[test]
fn s15_a_pid_file_that_is_a_link_is_left_alone() {
    let place = Place::new();
    let victim = place.write("victim", "untouched");
    symlink(&victim, place.join("s.pid")).expect("a link");
    let mut daemon = Start::new(Side::Ours, "").launch_in(place);
    daemon.wait_ready();
    daemon.wait_log("s.pid is not a regular file with a single name");
    assert_eq!(
        fs::read_to_string(&victim).expect("it is there"),
        "untouched"
    );
    daemon.signal(Signal::TERM);
    daemon.wait_end();
    assert!(victim.exists() && daemon.place().join("s.pid").symlink_metadata().is_ok());
}

/// A daemon with a program that writes what steers terminals.
fn steering() -> Daemon {
    let daemon = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/sh -c 'printf \"\\\\033[31mred\\\\033[0m \\\\033]0;owned\\\\007 \\\\033[2J end\\\\n\"; exec cat'\n\
         stdout_logfile=%(here)s/p.log\n",
    )
    .start();
    daemon.wait_state("p", "RUNNING");
    daemon.wait_file(
        "p.log",
        "\u{1b}[31mred\u{1b}[0m \u{1b}]0;owned\u{7} \u{1b}[2J end\n",
    );
    daemon
}

#[test]
fn s12_output_of_programs_does_not_steer_the_terminal() {
    let daemon = steering();
    let harmless = "\u{1b}[31mred\u{1b}[0m \\x1b]0;owned\\x07 \\x1b[2J end";
    let at_terminal = |arguments: &[&str]| {
        let mut command = daemon.ctl_command(Side::Ours);
        command.args(arguments);
        Terminal::start(&command)
    };
    // XML carries no control characters at all.
    at_terminal(&["tail", "p"]).expect("\u{fffd}[31mred\u{fffd}[0m \u{fffd}]0;owned\u{fffd}");
    for follow in [&["tail", "-f", "p"][..], &["fg", "p"]] {
        let mut terminal = at_terminal(follow);
        terminal.expect(harmless);
        terminal.send(CTRL_C);
        terminal.finish();
    }
    let mut raw = at_terminal(&["--raw", "tail", "-f", "p"]);
    raw.expect("\u{1b}]0;owned\u{7} \u{1b}[2J end");
    raw.send(CTRL_C);
    raw.finish();
    // A pipe or a file gets what was written.
    let mut command = daemon.ctl_command(Side::Ours);
    let file = daemon.place().join("tail.out");
    command
        .args(["tail", "-f", "p"])
        .stdout(fs::File::create(&file).expect("the place is writable"));
    let _client = Client(command.spawn().expect("supervisorctl starts"));
    daemon.wait_file("tail.out", "\u{1b}]0;owned\u{7} \u{1b}[2J end");
}

#[test]
fn s12_s11_requests_forge_no_line_of_the_log() {
    let daemon = steering();
    let rpc = daemon.rpc();
    let forged = "x\n2026-01-01 00:00:00,000 CRIT forged\u{1b}[2J";
    for method in [
        "supervisor.startProcess",
        "supervisor.getProcessInfo",
        "supervisor.addProcessGroup",
        "supervisor.signalProcess",
        forged,
    ] {
        let arguments = [forged.into(), forged.into()];
        let count = if method == "supervisor.signalProcess" {
            2
        } else {
            1
        };
        let answer = rpc.call(method, arguments.get(..count).unwrap_or_default());
        assert!(!matches!(answer, Outcome::Value(_)), "{method}");
    }
    let sent = rpc.call(
        "supervisor.sendRemoteCommEvent",
        &[forged.into(), "data".into()],
    );
    assert!(format!("{sent:?}").contains("BAD_ARGUMENTS"), "{sent:?}");
    daemon.signal(Signal::USR2);
    daemon.wait_log("received SIGUSR2");
    for line in daemon.main_log().lines() {
        assert!(
            !line.contains("CRIT forged") || line.contains("\\n"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    send_signal(daemon.rpc().pid("p"), Signal::TERM);
    assert!(Path::new(&daemon.config()).exists());
}
