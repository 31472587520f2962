//! TLS: servers with certificates, clients that look at them, and clients that have their own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use provost_e2e::{
    Daemon, Finished, PATIENCE, Place, Side, Start, free_port, means, python, run, wait_until,
};

/// Runs `openssl` in a directory.
fn openssl(place: &Place, words: &str) {
    let mut command = Command::new("openssl");
    let done = run(command.args(words.split(' ')).current_dir(place.path()));
    assert_eq!(done.code, Some(0), "openssl {words}: {}", done.stderr);
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// An authority of this name.
fn authority(place: &Place, name: &str) {
    openssl(
        place,
        &format!("req -x509 {KEY} -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name}"),
    );
}

/// A certificate `name.pem` with its key, for these alternative names, of an authority.
fn certificate(place: &Place, name: &str, names: &str, by: &str, days: u32) {
    openssl(
        place,
        &format!("req {KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
    );
    place.write("ext", format!("subjectAltName={names}\n"));
    openssl(
        place,
        &format!(
            "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days {days} -extfile ext -out {name}.pem"
        ),
    );
}

/// A place with two authorities and a certificate for this machine; none without `openssl`.
fn certificates() -> Option<Place> {
    if !means::has_command("openssl") {
        means::skipped("openssl", "it is not installed");
        return None;
    }
    let place = Place::new();
    authority(&place, "ca");
    authority(&place, "other");
    certificate(&place, "server", "DNS:localhost,IP:127.0.0.1", "ca", 30);
    Some(place)
}

/// What every daemon has. The test itself comes by the unix socket.
const SECTIONS: &str = "[unix_http_server]\nfile=%(here)s/s.sock\nauth=peercred\npeer_default_role=admin\n\
    [rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
    [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\
    [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/s.pid\nchildlogdir=%(here)s\nloglevel=trace\n";

struct Secret {
    daemon: Daemon,
    port: u16,
}

impl Secret {
    /// A daemon that has these certificates, with more keys of the server and more sections.
    fn new(made: &Place, keys: &str, more: &str) -> Self {
        let port = free_port();
        let config = format!(
            "{SECTIONS}[inet_http_server]\nport=127.0.0.1:{port}\ntls_cert=%(here)s/server.pem\n\
             tls_key=%(here)s/server.key\n{keys}{more}"
        );
        let mut start = Start::bare(Side::Ours, &config);
        for name in made.list(".") {
            let kind = Path::new(&name).extension();
            if kind.is_some_and(|kind| kind == "pem" || kind == "key") {
                start = start.file(&name, &made.read(&name));
            }
        }
        let daemon = start.start();
        Self { daemon, port }
    }

    /// supervisorctl over TCP with these keys in its section.
    fn command(&self, keys: &str, words: &[&str]) -> Command {
        let url = if keys.contains("serverurl") {
            String::new()
        } else {
            format!("serverurl=https://localhost:{}\n", self.port)
        };
        let text = format!("[supervisorctl]\n{url}{keys}");
        let mut command = Command::new(Side::Ours.command("supervisorctl"));
        let file = self.daemon.place().write("ctl.conf", text);
        command.arg("-c").arg(file).args(words);
        command
    }

    fn ctl(&self, keys: &str, words: &[&str]) -> Finished {
        run(&mut self.command(keys, words))
    }

    fn path(&self) -> &Path {
        self.daemon.place().path()
    }
}

const CA: &str = "tls_ca=%(here)s/ca.pem\n";

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

#[test]
fn status_over_https_by_ours_by_python_and_by_curl() {
    let Some(made) = certificates() else { return };
    let secret = Secret::new(&made, "", CAT);
    secret.daemon.wait_state("cat", "RUNNING");
    let status = secret.ctl(CA, &["status"]);
    assert!(
        status.stdout.starts_with("cat") && status.stdout.contains("RUNNING"),
        "{} {}",
        status.stdout,
        status.stderr
    );
    let script = format!(
        "import ssl, xmlrpc.client\n\
         context = ssl.create_default_context(cafile='ca.pem')\n\
         proxy = xmlrpc.client.ServerProxy('https://localhost:{}/RPC2', context=context)\n\
         print(proxy.supervisor.getProcessInfo('cat')['statename'])\n\
         print(proxy.supervisor.getState()['statename'])\n",
        secret.port
    );
    let mut client = Command::new(python());
    let said = run(client.args(["-c", &script]).current_dir(secret.path()));
    assert_eq!(said.stdout, "RUNNING\nRUNNING\n", "{}", said.stderr);
    if means::has_command("curl") {
        let url = format!("https://localhost:{}/", secret.port);
        let mut curl = Command::new("curl");
        let words = ["-sS", "--cacert", "ca.pem", &url];
        let page = run(curl.args(words).current_dir(secret.path()));
        assert!(page.stdout.contains("cat"), "{}", page.stderr);
    }
}

#[test]
fn json_and_streams_over_https() {
    let Some(made) = certificates() else { return };
    let secret = Secret::new(&made, "", CAT);
    secret.daemon.wait_state("cat", "RUNNING");
    let script = format!(
        "import json, ssl, urllib.request\n\
         context = ssl.create_default_context(cafile='ca.pem')\n\
         def ask(method, path):\n\
         \x20   url = 'https://localhost:{}/api/v1' + path\n\
         \x20   request = urllib.request.Request(url, method=method)\n\
         \x20   return urllib.request.urlopen(request, context=context, timeout=20)\n\
         print(json.load(ask('GET', '/processes'))['processes'][0]['state'])\n\
         stream = ask('GET', '/events')\n\
         print(stream.readline().decode().strip())\n\
         print(json.load(ask('POST', '/processes/cat/cat/stop'))['result'])\n\
         print(next(line for line in stream if b'\"STOPPED\"' in line)[:5].decode())\n",
        secret.port
    );
    let mut client = Command::new(python());
    let said = run(client.args(["-c", &script]).current_dir(secret.path()));
    let expected = "RUNNING\nevent: snapshot\nok\ndata:\n";
    assert_eq!(said.stdout, expected, "{}", said.stderr);
}

#[test]
fn supervisorctl_says_what_is_wrong_with_a_server() {
    let Some(made) = certificates() else { return };
    let secret = Secret::new(&made, "", "");
    let says = |keys: &str, text: &str| {
        let done = secret.ctl(keys, &["version"]);
        assert!(
            done.stdout.contains(text),
            "{} {}",
            done.stdout,
            done.stderr
        );
        assert_ne!(done.code, Some(0));
    };
    says("", "nothing says which certificate to trust");
    says(
        "tls_ca=%(here)s/other.pem\n",
        "comes from nobody whom `tls_ca` names",
    );
    let port = secret.port;
    let plain = format!("serverurl=http://localhost:{port}\n");
    says(&plain, "write https:// in place of http://");
    let print = "tls_fingerprint=sha256:".to_owned();
    says(&format!("{print}{}\n", "00".repeat(32)), "sha256:");
    let mut openssl = Command::new("openssl");
    let words = [
        "x509",
        "-noout",
        "-fingerprint",
        "-sha256",
        "-in",
        "server.pem",
    ];
    let shown = run(openssl.args(words).current_dir(secret.path())).stdout;
    let digits = shown.trim().rsplit('=').next().unwrap_or_default();
    let done = secret.ctl(&format!("{print}{digits}\n"), &["version"]);
    assert_eq!(done.code, Some(0), "{}", done.stdout);
}

#[test]
fn a_wrong_name_and_an_expired_certificate_are_refused() {
    let Some(made) = certificates() else { return };
    certificate(&made, "server", "DNS:elsewhere.example", "ca", 30);
    let secret = Secret::new(&made, "", "");
    let done = secret.ctl(CA, &["version"]);
    assert!(
        done.stdout.contains("it is for elsewhere.example"),
        "{}",
        done.stdout
    );
    certificate(&made, "server", "DNS:localhost", "ca", 0);
    let secret = Secret::new(&made, "", "");
    wait_until(PATIENCE, "it expires", || {
        let done = secret.ctl(CA, &["version"]);
        done.stdout.contains("has expired")
    });
}

#[test]
fn who_speaks_no_tls_is_told_and_who_is_silent_has_to_leave() {
    let Some(made) = certificates() else { return };
    let secret = Secret::new(&made, "", "");
    let address = ("127.0.0.1", secret.port);
    let mut silent = TcpStream::connect(address).unwrap();
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.ends_with("in place of http:// here.\r\n"),
        "{answer}"
    );
    // A record of a handshake that is none.
    let mut wrong = TcpStream::connect(address).unwrap();
    wrong.write_all(&[22, 3, 1, 0, 5, 9, 9, 9, 9, 9]).unwrap();
    let mut rest = Vec::new();
    let _ = wrong.read_to_end(&mut rest);
    secret.daemon.wait_log("could not agree on TLS");
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0; 64]).unwrap(), 0);
    assert_eq!(secret.ctl(CA, &["version"]).code, Some(0));
}

#[test]
fn certificates_of_clients_are_users() {
    let Some(made) = certificates() else { return };
    certificate(&made, "deploy", "DNS:d.example", "ca", 30);
    certificate(&made, "viewer", "email:v@example.org", "ca", 30);
    certificate(&made, "nobody", "DNS:n.example", "ca", 30);
    certificate(&made, "deploy2", "DNS:d.example", "other", 30);
    let users = "[user:d]\nrole=operator\ntls_subject=deploy\n\
                 [user:v]\nrole=viewer\ntls_san=v@example.org\n\
                 [user:p]\nrole=admin\npassword=secret\n\
                 [audit]\nfile=%(here)s/audit.log\n";
    let sections = format!("{users}{CAT}");
    let with =
        |name: &str| format!("{CA}tls_cert=%(here)s/{name}.pem\ntls_key=%(here)s/{name}.key\n");
    let password = "username=p\npassword=secret\n";
    for (mode, required) in [("", true), ("tls_client=optional\n", false)] {
        let keys = format!("tls_client_ca=%(here)s/ca.pem\n{mode}");
        let secret = Secret::new(&made, &keys, &sections);
        let stopped = secret.ctl(&with("deploy"), &["stop", "cat"]);
        assert_eq!(stopped.stdout, "cat: stopped\n", "{}", stopped.stderr);
        let refused = secret.ctl(&with("viewer"), &["start", "cat"]);
        assert!(
            refused.stdout.contains("NOT_PERMITTED"),
            "{}",
            refused.stdout
        );
        let unknown = secret.ctl(&with("nobody"), &["status"]);
        assert!(
            unknown.stdout.contains("authentication"),
            "{}",
            unknown.stdout
        );
        let both = format!("{}{password}", with("nobody"));
        assert!(
            secret
                .ctl(&both, &["start", "cat"])
                .stdout
                .contains("started")
        );
        let foreign = secret.ctl(&with("deploy2"), &["status"]);
        assert!(
            foreign.stdout.contains("does not accept our certificate"),
            "{}",
            foreign.stdout
        );
        let without = secret.ctl(&format!("{CA}{password}"), &["status"]);
        if required {
            assert!(
                without.stdout.contains("asks for a certificate of ours"),
                "{}",
                without.stdout
            );
        } else {
            assert!(without.stdout.contains("RUNNING"), "{}", without.stdout);
        }
        let audit = secret.daemon.place().read("audit.log");
        assert!(
            audit.contains("\"cert\"") && audit.contains("\"tls\""),
            "{audit}"
        );
    }
}

#[test]
fn a_start_that_waits_a_log_that_is_followed_and_an_upgrade() {
    let Some(made) = certificates() else { return };
    let slow = "[program:slow]\ncommand=/bin/cat\nautostart=false\nstartsecs=2\n\
                [program:says]\ncommand=/bin/sh -c 'echo hello; exec cat'\nstdout_logfile=%(here)s/says.log\n\
                [program:late]\ncommand=/bin/cat\nautostart=false\nstartsecs=60\n";
    let secret = Secret::new(&made, "", slow);
    let started = secret.ctl(CA, &["start", "slow"]);
    assert_eq!(started.stdout, "slow: started\n", "{}", started.stderr);
    secret.daemon.wait_file("says.log", "hello");
    let mut tail = secret.command(CA, &["tail", "-f", "says"]);
    let out = secret.daemon.place().create("tail.out");
    let mut tail = tail.stdout(out).stderr(Stdio::null()).spawn().unwrap();
    secret.daemon.wait_file("tail.out", "hello");
    let mut waits = secret.command(CA, &["start", "late"]);
    let waits = waits
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let waits = thread::spawn(move || waits.wait_with_output().unwrap());
    secret.daemon.wait_state("late", "STARTING");
    for _ in 0..2 {
        let upgraded = secret.daemon.ctl(Side::Ours, &["upgrade"]);
        assert!(
            upgraded.stdout.starts_with("Upgraded"),
            "{} {}",
            upgraded.stdout,
            upgraded.stderr
        );
        let next = secret.ctl(CA, &["status", "slow"]);
        assert!(
            next.stdout.contains("RUNNING"),
            "{} {}",
            next.stdout,
            next.stderr
        );
    }
    // Both were told that their line ends, and did not hang.
    wait_until(PATIENCE, "the follower ends", || {
        tail.try_wait().unwrap().is_some()
    });
    let said = waits.join().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("lost the connection") || said.contains("closed"),
        "{said}"
    );
    assert_eq!(secret.daemon.rpc().state("late"), "STARTING");
    assert_eq!(secret.ctl(CA, &["stop", "late"]).stdout, "late: stopped\n");
}

/// The SHA-256 of a certificate, as supervisorctl takes it.
fn fingerprint(place: &Place, name: &str) -> String {
    let mut openssl = Command::new("openssl");
    let words = ["x509", "-noout", "-fingerprint", "-sha256", "-in", name];
    let shown = run(openssl.args(words).current_dir(place.path())).stdout;
    let digits = shown.trim().rsplit('=').next().unwrap_or_default();
    format!("tls_fingerprint=sha256:{digits}\n")
}

impl Secret {
    /// Puts another certificate of this name and its key into the daemon's place.
    fn renew(&self, made: &Place, name: &str) {
        for kind in ["key", "pem"] {
            let text = made.read(&format!("{name}.{kind}"));
            self.daemon.place().write(&format!("server.{kind}"), text);
        }
    }

    /// Whether the server has the certificate with this fingerprint.
    fn has(&self, print: &str) -> bool {
        self.ctl(print, &["version"]).code == Some(0)
    }
}

/// Whoever opens does not wait.
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

const KEPT: &str = "goes on with the certificates that it has, as the new ones cannot be used";

#[test]
fn a_renewed_certificate_is_used_at_once_and_a_broken_one_is_told_once() {
    let Some(made) = certificates() else { return };
    certificate(&made, "second", "DNS:localhost", "ca", 30);
    certificate(&made, "third", "DNS:localhost", "ca", 30);
    let [first, second, third] =
        ["server.pem", "second.pem", "third.pem"].map(|name| fingerprint(&made, name));
    let secret = Secret::new(&made, "", "");
    assert!(secret.has(&first) && !secret.has(&second));
    secret.renew(&made, "second");
    wait_until(PATIENCE, "the second certificate", || secret.has(&second));
    assert!(!secret.has(&first));
    secret
        .daemon
        .place()
        .write("server.pem", "no certificate\n");
    wait_until(PATIENCE, "the broken one to be told", || {
        assert!(secret.has(&second), "the old one is gone");
        secret.daemon.main_log().contains(KEPT)
    });
    // An upgrade keeps what was in use, not what was read at the start.
    let upgraded = secret.daemon.ctl(Side::Ours, &["upgrade"]);
    assert!(upgraded.stdout.starts_with("Upgraded"), "{upgraded:?}");
    assert!(secret.has(&second));
    secret.renew(&made, "third");
    wait_until(PATIENCE, "the third certificate", || secret.has(&third));
    let log = secret.daemon.main_log();
    let told = log.lines().filter(|line| line.contains(KEPT));
    let told: Vec<&str> = told.collect();
    // Each image tells once.
    assert!((1..=2).contains(&told.len()), "{told:?}");
    let line = told.first().expect("one");
    assert!(
        line.contains("[inet_http_server]")
            && line.ends_with("server.pem: has no certificate in it"),
        "{line}"
    );
    assert_eq!(log.matches("supervisord started with pid").count(), 1);
}

#[test]
fn a_certificate_on_a_disk_that_hangs_holds_up_nobody() {
    let Some(made) = certificates() else { return };
    certificate(&made, "second", "DNS:localhost", "ca", 30);
    let [first, second] = ["server.pem", "second.pem"].map(|name| fingerprint(&made, name));
    let secret = Secret::new(&made, "", "");
    let path = secret.path().join("server.pem");
    std::fs::remove_file(&path).expect("it is there");
    // Whoever opens it waits until somebody writes.
    let made_fifo = run(Command::new("mkfifo").arg(&path));
    assert_eq!(made_fifo.code, Some(0), "{}", made_fifo.stderr);
    for _ in 0..20 {
        assert!(secret.has(&first));
    }
    // Without somebody who reads this fails, which is how the thread is known to hang there.
    wait_until(PATIENCE, "the thread that looks to hang", || {
        assert!(secret.has(&first));
        let mut writer = std::fs::OpenOptions::new();
        let writer = writer.write(true).custom_flags(NONBLOCK);
        writer.open(&path).is_ok()
    });
    std::fs::remove_file(&path).expect("it is there");
    secret.renew(&made, "second");
    wait_until(PATIENCE, "the second certificate", || secret.has(&second));
}

#[test]
fn a_server_speaks_the_versions_that_it_may() {
    let Some(made) = certificates() else { return };
    for (keys, old) in [
        ("", true),
        ("tls_min_version=1.2\n", true),
        ("tls_min_version=1.3\n", false),
    ] {
        let secret = Secret::new(&made, keys, "");
        let speaks = |version: &str| {
            let address = format!("127.0.0.1:{}", secret.port);
            let mut client = Command::new("openssl");
            client.args(["s_client", "-connect", &address, version]);
            run(client.stdin(Stdio::null())).code == Some(0)
        };
        assert!(speaks("-tls1_3"), "{keys}");
        assert_eq!(speaks("-tls1_2"), old, "{keys}");
    }
}

/// What `openssl ca` needs to know to make lists.
const LISTS: &str = "[ca]\ndefault_ca=lists\n[lists]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n\
    default_crl_days=30\ncrl_extensions=more\n[more]\nauthorityKeyIdentifier=keyid\n";

#[test]
fn a_revoked_certificate_is_turned_away_as_soon_as_it_is_on_the_list() {
    let Some(made) = certificates() else { return };
    certificate(&made, "deploy", "DNS:d.example", "ca", 30);
    certificate(&made, "viewer", "DNS:v.example", "ca", 30);
    made.write("ca.cnf", LISTS);
    made.write("index.txt", "");
    made.write("number", "01\n");
    let by = "-config ca.cnf -keyfile ca.key -cert ca.pem";
    let list = || openssl(&made, &format!("ca {by} -gencrl -out revoked.pem"));
    list();
    let users =
        "[user:d]\nrole=viewer\ntls_subject=deploy\n[user:v]\nrole=viewer\ntls_subject=viewer\n";
    let keys = "tls_client_ca=%(here)s/ca.pem\ntls_client_crl=%(here)s/revoked.pem\n";
    let secret = Secret::new(&made, keys, users);
    let with =
        |name: &str| format!("{CA}tls_cert=%(here)s/{name}.pem\ntls_key=%(here)s/{name}.key\n");
    let gets_in = |name: &str| secret.ctl(&with(name), &["version"]).code == Some(0);
    assert!(gets_in("deploy") && gets_in("viewer"));
    openssl(&made, &format!("ca {by} -revoke deploy.pem"));
    list();
    let renewed = made.read("revoked.pem");
    secret.daemon.place().write("revoked.pem", renewed);
    wait_until(PATIENCE, "it is turned away", || !gets_in("deploy"));
    let refused = secret.ctl(&with("deploy"), &["version"]);
    assert!(
        refused.stdout.contains("does not accept our certificate"),
        "{}",
        refused.stdout
    );
    assert!(gets_in("viewer"));
    secret.daemon.wait_log("could not agree on TLS");
    let upgraded = secret.daemon.ctl(Side::Ours, &["upgrade"]);
    assert!(upgraded.stdout.starts_with("Upgraded"), "{upgraded:?}");
    assert!(!gets_in("deploy") && gets_in("viewer"));
}
