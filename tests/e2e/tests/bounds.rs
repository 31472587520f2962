//! Limits: each is reached by somebody who asks too much, told in the log, and noticed by nobody else.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use provost_e2e::means::{processor_ticks, skipped};
use provost_e2e::{
    CREDENTIALS, Outcome, PATIENCE, Rpc, Side, Start, Target, Value, Victim, encode_call,
    own_bytes, read_answer, wait_until,
};
use rustix::process::Signal;

/// Memory that the daemon may have after what is done here, with debug code.
const MEMORY: u64 = 100 << 20;

#[test]
fn s09_who_guesses_passwords_waits_and_is_told_of_once() {
    let victim = Victim::with_password();
    let call = encode_call("supervisor.getState", &[]);
    let guess = || {
        let begun = Instant::now();
        let answer = victim.tcp().post(&call, "Authorization: Basic dTp4\r\n");
        assert_eq!(answer.expect("an answer").status(), 401);
        begun.elapsed()
    };
    let free: Vec<Duration> = (0..10).map(|_| guess()).collect();
    assert!(guess() >= Duration::from_secs(1), "the first ten: {free:?}");
    assert!(guess() >= Duration::from_secs(1));
    let line = "127.0.0.1 failed to log in more than 10 times within a minute";
    victim.daemon().wait_log(line);
    assert_eq!(victim.daemon().main_log().matches(line).count(), 1);
    // Who knows the password, and who has none yet, do not wait.
    for (headers, status) in [(CREDENTIALS, 200), ("", 401)] {
        let times = [(); 5].map(|()| {
            let begun = Instant::now();
            let answer = victim.tcp().post(&call, headers).expect("an answer");
            assert_eq!(answer.status(), status);
            begun.elapsed()
        });
        // Whoever waits waits each time: one of them is quick, however busy the machine is.
        assert!(
            times.iter().min() < Some(&Duration::from_secs(1)),
            "{times:?}"
        );
    }
    victim.assert_well(&["-u", "u", "-p", "p"]);
}

#[test]
fn f51_endless_headers_cost_nothing_before_a_password_is_asked_for() {
    let victim = Victim::with_password();
    let pid = victim.daemon().pid();
    let before = processor_ticks(pid);
    for _ in 0..5 {
        let mut stream = TcpStream::connect(("127.0.0.1", victim.port())).expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\n").expect("it listens");
        let line = format!("A: {}\r\n", "a".repeat(1000));
        // It hangs up in the middle.
        while stream.write_all(line.as_bytes()).is_ok() {}
    }
    victim
        .daemon()
        .wait_log("sent a request header of more than 16 KiB or 100 lines, and was refused (431)");
    let log = victim.daemon().main_log();
    assert_eq!(log.matches("and was refused (431)").count(), 1, "{log}");
    let used = processor_ticks(pid) - before;
    assert!(used < 200, "{used} ticks, a hundred a second");
    assert!(own_bytes(pid) < MEMORY);
    victim
        .daemon()
        .wait_log("the limit of a request header was reached 4 more times within 10 seconds");
    victim.assert_well(&["-u", "u", "-p", "p"]);
}

#[test]
fn f52_a_body_is_read_only_from_who_may_send_it_and_up_to_the_limit() {
    let port = provost_e2e::free_port();
    let config = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\nusername=u\npassword=p\nmax_request_body=2KB\n\
         [program:p]\ncommand=/bin/cat\n"
    );
    let daemon = Start::new(Side::Ours, &config).start();
    let target = Target::Port(port);
    let ask = |length: usize, headers: &str| {
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        target
            .exchange(request.as_bytes())
            .expect("an answer")
            .status()
    };
    // The body is not waited for: it never comes.
    assert_eq!(ask(1 << 40, ""), 401);
    assert_eq!(ask(2049, CREDENTIALS), 413);
    daemon.wait_log("sent a request with too large a body, and was refused (413)");
    let long = "x".repeat(3000);
    let call = encode_call("supervisor.getProcessInfo", &[long.as_str().into()]);
    assert_eq!(
        target.post(&call, CREDENTIALS).expect("an answer").status(),
        413
    );
    // The other server has the usual limit.
    daemon.wait_state("p", "RUNNING");
    let fault = daemon
        .rpc()
        .call("supervisor.getProcessInfo", &[long.as_str().into()]);
    assert!(matches!(fault, Outcome::Fault(..)), "{fault}");
    assert_eq!(
        Rpc::new(target).with_headers(CREDENTIALS).state("p"),
        "RUNNING"
    );
}

#[test]
fn f56_a_large_multicall_lets_others_through() {
    let victim = Victim::new("");
    let calls = |count: usize| {
        let one = "<value><struct><member><name>methodName</name><value>supervisor.getState</value></member>\
                   <member><name>params</name><value><array><data/></array></value></member></struct></value>";
        format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{}</data></array>\
             </value></param></params></methodCall>",
            one.repeat(count)
        )
    };
    let refused = victim.tcp().post(&calls(10_001), "").expect("an answer");
    assert!(
        refused.status() == 400 || refused.text().contains("faultCode"),
        "{}",
        refused.status()
    );
    let (target, body) = (victim.tcp(), calls(10_000));
    let many = std::thread::spawn(move || target.post(&body, "").expect("an answer"));
    let mut times = Vec::new();
    while !many.is_finished() || times.is_empty() {
        let begun = Instant::now();
        assert_eq!(victim.daemon().rpc().state("p"), "RUNNING");
        times.push(begun.elapsed());
    }
    let answer = many.join().expect("it does not panic");
    assert_eq!(answer.text().matches("statecode").count(), 10_000);
    // The whole takes much longer, with debug code and a busy machine. The middle one, as that may be busy with others, too.
    times.sort_unstable();
    let typical = times[times.len() / 2];
    assert!(typical < Duration::from_secs(2), "{times:?}");
    victim.assert_well(&[]);
}

#[test]
fn f57_one_address_has_no_more_than_its_places() {
    let victim = Victim::new("");
    let mut streams: Vec<TcpStream> = (0..70)
        .map(|_| {
            let mut stream =
                TcpStream::connect(("127.0.0.1", victim.port())).expect("a connection");
            stream
                .write_all(b"POST /RPC2 HTTP/1.1\r\n")
                .expect("it listens");
            stream
        })
        .collect();
    victim
        .daemon()
        .wait_log("127.0.0.1 has 64 connections to [inet_http_server], which is the limit");
    let mut oldest: Box<dyn provost_e2e::Stream> = Box::new(streams.remove(0));
    assert_eq!(read_answer(&mut *oldest).expect("an answer").status(), 503);
    victim.assert_well(&[]);
}

#[test]
fn f48_input_for_a_process_that_does_not_read_is_refused_when_too_much_waits() {
    let daemon = Start::new(
        Side::Ours,
        "[program:deaf]\ncommand=/bin/sleep 1000\nstartsecs=0\n",
    )
    .start();
    daemon.wait_state("deaf", "RUNNING");
    let text = "x".repeat(3 << 20);
    let send = || {
        daemon.rpc().call(
            "supervisor.sendProcessStdin",
            &["deaf".into(), text.as_str().into()],
        )
    };
    for _ in 0..5 {
        assert!(matches!(send(), Outcome::Value(_)));
    }
    let Outcome::Fault(code, why) = send() else {
        panic!("the sixth was taken");
    };
    assert_eq!(
        (code, why.contains("stdin buffer full")),
        (30, true),
        "{why}"
    );
    assert!(own_bytes(daemon.pid()) < MEMORY + (64 << 20));
}

#[test]
fn f46_a_result_of_any_length_takes_no_memory() {
    let config = "[eventlistener:giant]\n\
        command=/bin/sh -c 'echo READY; read line; echo RESULT 99999999999; exec yes'\n\
        events=REMOTE_COMMUNICATION\nstartsecs=0\nstdout_logfile=NONE\n\
        [eventlistener:endless]\ncommand=/bin/sh -c 'echo READY; read line; exec tr \"\\0\" x </dev/zero'\n\
        events=REMOTE_COMMUNICATION\nstartsecs=0\nstdout_logfile=NONE\n\
        [program:p]\ncommand=/bin/cat\n";
    let daemon = Start::new(Side::Ours, config).start();
    for name in ["giant", "endless", "p"] {
        daemon.wait_state(name, "RUNNING");
    }
    wait_until(PATIENCE, "both listeners to lose their trust", || {
        let rpc = daemon.rpc();
        rpc.call(
            "supervisor.sendRemoteCommEvent",
            &["kind".into(), "data".into()],
        );
        let log = daemon.main_log();
        log.contains("giant: has entered the UNKNOWN state")
            && log.contains("endless: has entered the UNKNOWN state")
    });
    assert!(own_bytes(daemon.pid()) < MEMORY);
    assert_eq!(daemon.rpc().state("p"), "RUNNING");
}

#[test]
fn f45_what_a_broken_listener_writes_without_end_costs_no_time() {
    let config = "[eventlistener:spew]\ncommand=/bin/sh -c 'echo READY; exec yes'\nevents=PROCESS_STATE\nstartsecs=0\n\
        stdout_logfile=NONE\n";
    let daemon = Start::new(Side::Ours, config).start();
    daemon.wait_log("spew: has entered the UNKNOWN state");
    let (begun, before) = (Instant::now(), processor_ticks(daemon.pid()));
    // Nothing is awaited: this is the time that is measured.
    while begun.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(100));
    }
    // A hundred ticks a second are a whole processor.
    let (used, time) = (processor_ticks(daemon.pid()) - before, begun.elapsed());
    assert!(
        u128::from(used) * 200 < time.as_millis(),
        "{used} ticks in {time:?}"
    );
}

#[test]
fn s19_a_child_inherits_no_descriptor_and_no_signal_setting() {
    let config = "[program:p]\nstartsecs=0\nautorestart=false\n\
        command=/bin/sh -c 'ls /proc/self/fd; grep -E \"Sig(Blk|Ign)\" /proc/self/status; umask'\n\
        stdout_logfile=%(here)s/p.log\numask=027\n";
    let open = "exec 7</dev/null 8</etc/passwd; trap '' HUP USR1; exec \"$@\"";
    let daemon = Start::new(Side::Ours, config)
        .under(&["sh", "-c", open, "sh"])
        .start();
    daemon.wait_file("p.log", "0027\n");
    let log = daemon.place().read("p.log");
    let words: Vec<&str> = log.split_whitespace().collect();
    // 3 is the directory that ls reads.
    assert_eq!(words.get(..4), Some(&["0", "1", "2", "3"][..]), "{log}");
    // PIPE and XFSZ are ignored, as under Supervisor.
    assert_eq!(
        words.get(4..8),
        Some(&["SigBlk:", "0000000000000000", "SigIgn:", "0000000001001000"][..]),
        "{log}"
    );
}

/// Programs with keys that take something from them, as root or another user, look at themselves.
#[test]
fn s19_programs_have_what_their_keys_leave_them() {
    if !rustix::process::geteuid().is_root() {
        skipped(
            "rights of root",
            "only root can take capabilities from a program",
        );
        return;
    }
    let show = "grep -E \"^(Cap|NoNewPrivs|Uid)\" /proc/self/status";
    let config = format!(
        "[program:all]\nstartsecs=0\nautorestart=false\ncommand=/bin/sh -c '{show}; echo $HOME $USER done'\n\
         stdout_logfile=%(here)s/all.log\nenvironment=HOME=\"/x\",USER=\"x\"\n\
         [program:root]\nstartsecs=0\nautorestart=false\ncapabilities=chown,CAP_NET_BIND_SERVICE\nno_new_privileges=true\n\
         command=/bin/sh -c '{show}; echo done'\nstdout_logfile=%(here)s/root.log\n\
         [program:user]\nstartsecs=0\nautorestart=false\nuser=nobody\ncapabilities=net_bind_service\nset_login_env=true\n\
         command=/bin/sh -c '{show}; echo $HOME $USER $LOGNAME $SHELL done'\nstdout_logfile=%(here)s/user.log\n\
         environment=LOGNAME=\"mine\"\n\
         [program:none]\nstartsecs=0\nautorestart=false\ncapabilities=none\n\
         command=/bin/sh -c '{show}; echo done'\nstdout_logfile=%(here)s/none.log\n\
         [program:plain]\nstartsecs=0\nautorestart=false\nuser=nobody\n\
         command=/bin/sh -c '{show}; echo done'\nstdout_logfile=%(here)s/plain.log\n"
    );
    let daemon = Start::new(Side::Ours, &config).start();
    let read = |name: &str| {
        daemon.wait_file(&format!("{name}.log"), "done\n");
        daemon.place().read(&format!("{name}.log"))
    };
    let value = |text: &str, key: &str| -> String {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.expect("it is there").trim().to_owned()
    };
    // What a program has without the keys is what we have ourselves.
    let ours = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let all = read("all");
    for key in ["CapEff:", "CapBnd:", "NoNewPrivs:"] {
        assert_eq!(value(&all, key), value(&ours, key), "{key}");
    }
    assert!(all.ends_with("/x x done\n"), "{all}");
    for (name, bits) in [
        ("root", "0000000000000401"),
        ("user", "0000000000000400"),
        ("none", "0000000000000000"),
    ] {
        let text = read(name);
        for key in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(value(&text, key), bits, "{name} {key}");
        }
        let no_new = if name == "root" { "1" } else { "0" };
        assert_eq!(value(&text, "NoNewPrivs:"), no_new, "{name}");
        assert_eq!(
            value(&text, "Uid:").starts_with('0'),
            name != "user",
            "{name}"
        );
    }
    let entry = fs::read_to_string("/etc/passwd").expect("it is there");
    let entry = entry.lines().find_map(|line| line.strip_prefix("nobody:"));
    let fields: Vec<&str> = entry.expect("a user nobody").split(':').collect();
    let (home, shell) = (fields[4], fields[5]);
    let user = read("user");
    assert!(
        user.ends_with(&format!("{home} nobody mine {shell} done\n")),
        "{user}"
    );
    // Without the key another user has none.
    let plain = read("plain");
    assert_eq!(value(&plain, "CapEff:"), "0000000000000000");
    assert_eq!(value(&plain, "CapBnd:"), value(&ours, "CapBnd:"));
}

#[test]
fn f59_a_file_that_is_gone_changes_nothing() {
    let victim = Victim::new("");
    let daemon = victim.daemon();
    fs::rename(daemon.config(), daemon.place().join("aside.conf")).expect("it is there");
    daemon.signal(Signal::HUP);
    daemon.wait_log("could not find config file");
    let Outcome::Fault(code, why) = daemon.rpc().call("supervisor.restart", &[]) else {
        panic!("it restarts without a configuration");
    };
    assert_eq!(
        (code, why.contains("could not find config file")),
        (92, true),
        "{why}"
    );
    fs::rename(daemon.place().join("aside.conf"), daemon.config()).expect("it is there");
    victim.assert_well(&[]);
}

#[test]
fn f61_what_vanishes_between_reread_and_start_fails_that_program_only() {
    let victim = Victim::new(
        "[program:nodir]\ncommand=/bin/cat\ndirectory=%(here)s/gone\nstartretries=0\nautostart=false\n\
         [program:nocommand]\ncommand=%(here)s/gone/cat\nstartretries=0\nautostart=false\n",
    );
    let daemon = victim.daemon();
    for (name, why) in [("nodir", "gone"), ("nocommand", "ERROR (no such file)")] {
        let answer = daemon.ctl(Side::Ours, &["start", name]);
        assert!(answer.stdout.contains("ERROR"), "{}", answer.stdout);
        let all = format!("{}{}", answer.stdout, daemon.main_log());
        assert!(all.contains(why), "{name}: {all}");
    }
    assert_eq!(daemon.rpc().pid("p"), victim.program());
}

#[test]
fn f62_included_files_that_cannot_be_read_are_named() {
    let start = Start::new(
        Side::Ours,
        "[program:p]\ncommand=/bin/cat\n[include]\nfiles=conf.d/*.conf nowhere/*.conf\n",
    )
    .file("conf.d/good.conf", "[program:good]\ncommand=/bin/cat\n");
    let place = provost_e2e::Place::new();
    fs::create_dir(place.join("conf.d")).expect("the place is writable");
    symlink("nowhere", place.join("conf.d/dangling.conf")).expect("a link");
    fs::create_dir(place.join("conf.d/directory.conf")).expect("the place is writable");
    let mut daemon = start.launch_in(place);
    daemon.wait_ready();
    for text in [
        "conf.d/dangling.conf\", it is left out: No such file",
        "conf.d/directory.conf\", it is left out: Is a directory",
        "No file matches via include \"",
    ] {
        daemon.wait_log(text);
    }
    daemon.wait_state("good", "RUNNING");
    let reread = daemon.ctl(Side::Ours, &["reread"]);
    assert_eq!(reread.stdout, "No config updates to processes\n");
    daemon.wait_log_times("conf.d/dangling.conf\", it is left out", 2);
    assert!(matches!(
        daemon.rpc().call("supervisor.getPID", &[]),
        Outcome::Value(Value::Int(_))
    ));
}

#[test]
fn f63_a_reload_that_would_lock_everybody_out_is_refused() {
    let victim = Victim::new("");
    let daemon = victim.daemon();
    let config = daemon.place().read("supervisord.conf");
    // Somebody else has the new port, and the new socket has no directory.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there are ports");
    let port = taken.local_addr().expect("it is bound").port();
    let old = format!("port=127.0.0.1:{}", victim.port());
    for (changed, why) in [
        (
            config.replace(&old, &format!("port=127.0.0.1:{port}")),
            format!("{port}"),
        ),
        (
            config.replace("file=%(here)s/s.sock", "file=%(here)s/none/s.sock"),
            "none/s.sock".to_owned(),
        ),
    ] {
        assert_ne!(changed, config);
        daemon.place().write("supervisord.conf", &changed);
        let Outcome::Fault(code, text) = daemon.rpc().call("supervisor.restart", &[]) else {
            panic!("it restarts without its servers");
        };
        assert_eq!((code, text.contains(&why)), (92, true), "{text}");
        daemon.signal(Signal::HUP);
        daemon.wait_log(&why);
        victim.assert_well(&[]);
    }
    // A place that is free is taken, and the old one is given up.
    let changed = config.replace("/s.sock", "/t.sock");
    daemon.place().write("supervisord.conf", &changed);
    assert!(matches!(
        daemon.rpc().call("supervisor.restart", &[]),
        Outcome::Value(_)
    ));
    let rpc = Rpc::new(Target::Unix(daemon.place().join("t.sock")));
    wait_until(PATIENCE, "the new life to serve", || {
        !daemon.socket().exists()
            && matches!(rpc.call("supervisor.getState", &[]), Outcome::Value(_))
            && rpc.state("p") == "RUNNING"
    });
}

#[test]
fn f50_tails_that_nobody_reads_take_no_memory() {
    let victim = Victim::new(
        "[program:loud]\ncommand=/bin/sh -c 'yes | head -c 40000000; echo; echo end; exec cat'\n\
         stdout_logfile=%(here)s/loud.log\nstdout_logfile_maxbytes=0\nautostart=false\n",
    );
    let daemon = victim.daemon();
    fs::write(daemon.place().join("loud.log"), "begin\n").expect("the place is writable");
    let tails: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream =
                TcpStream::connect(("127.0.0.1", victim.port())).expect("a connection");
            stream
                .write_all(b"GET /logtail/loud HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("it listens");
            stream
        })
        .collect();
    let before = own_bytes(daemon.pid());
    daemon
        .rpc()
        .call("supervisor.startProcess", &["loud".into()]);
    daemon.wait_file("loud.log", "\nend\n");
    let after = own_bytes(daemon.pid());
    assert!(
        after < before + (30 << 20),
        "{before} before, {after} after"
    );
    victim.assert_well(&[]);
    drop(tails);
}
