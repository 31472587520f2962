//! What a program gets to see, and what becomes of its output.

use provost_compat::rig::Scenario;

#[test]
fn directory_umask_and_environment() {
    let config = "environment=G=\"global\",O=\"over\"\n\
        [program:p]\n\
        command=/bin/sh -c 'pwd; umask; id; echo $G $O $P $HERE; env | sort | grep -v ^PWD | grep -v ^_; exec cat'\n\
        directory=%(here)s/sub\n\
        umask=027\n\
        environment=O=\"ridden\",P=\"own %(process_num)d\",HERE=%(here)s\n\
        stdout_logfile=%(here)s/p.log\n";
    Scenario::new("child sees", config)
        .file("sub/keep", "")
        .environment("OUTER", "kept 100% as %s is")
        .run(|rig| {
            rig.state("p", "RUNNING");
            rig.file_with("p.log", "SUPERVISOR_SERVER_URL");
        });
}

#[test]
fn a_program_under_another_user() {
    let config = "[program:p]\ncommand=/bin/sh -c 'id; echo $USER $HOME; echo done; exec sleep 1000'\nuser=nobody\n\
        stdout_logfile=%(here)s/p.log\n";
    Scenario::new("child user", config)
        .environment("USER", "somebody")
        .run(|rig| {
            rig.state("p", "RUNNING");
            rig.file_with("p.log", "done");
        });
}

#[test]
fn descriptors_and_signals_of_a_child() {
    let config = "[program:p]\n\
        command=/bin/sh -c 'ls /proc/self/fd; for mask in SigBlk SigIgn SigCgt; do \
        value=`sed -n s/^$mask:.//p /proc/self/status`; echo $mask $((0x$value & 0x7fffffff)); done; \
        cut -d\" \" -f5,6 /proc/self/stat | tr \" \" \"\\n\" | sort -u | wc -l; echo done; exec cat'\n\
        stdout_logfile=%(here)s/p.log\n";
    // Real-time signals beyond the 31 classic ones are the C library's own affair.
    Scenario::new("child descriptors", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.file_with("p.log", "done");
    });
}

#[test]
fn serverurl_given_by_the_program() {
    let config = "[program:p]\ncommand=/bin/sh -c 'echo $SUPERVISOR_SERVER_URL; exec cat'\n\
        serverurl=http://elsewhere.test:9\nstdout_logfile=%(here)s/p.log\n";
    Scenario::new("child serverurl", config).run(|rig| {
        rig.file_with("p.log", "elsewhere");
    });
}

#[test]
fn both_channels_have_their_own_log() {
    let config = "[program:p]\ncommand=/bin/sh -c 'echo one; echo two >&2; exec cat'\n\
        stdout_logfile=%(here)s/out.log\nstderr_logfile=%(here)s/err.log\n";
    Scenario::new("two logs", config).run(|rig| {
        rig.file_with("out.log", "one\n");
        rig.file_with("err.log", "two\n");
    });
}

#[test]
fn redirect_stderr_puts_both_in_one_log() {
    let config = "[program:p]\ncommand=/bin/sh -c 'echo one; echo two >&2; echo three; exec cat'\n\
        redirect_stderr=true\nstdout_logfile=%(here)s/out.log\nstderr_logfile=%(here)s/err.log\n";
    Scenario::new("redirect_stderr", config).run(|rig| {
        rig.file_with("out.log", "three\n");
        rig.list("err");
        rig.call("readProcessStderrLog", &["p".into(), 0.into(), 0.into()]);
    });
}

#[test]
fn standard_input_by_request() {
    let config = "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("stdin", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("sendProcessStdin", &["p".into(), "grüße & <so>\n".into()]);
        rig.file_with("out.log", "so>\n");
        rig.call("sendProcessStdin", &["q".into(), "x".into()]);
        rig.call("stopProcess", &["p".into()]);
        rig.call("sendProcessStdin", &["p".into(), "x".into()]);
    });
}

#[test]
fn a_program_that_closed_its_input() {
    let config = "[program:p]\ncommand=/bin/sh -c 'exec <&-; echo closed; exec sleep 1000'\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("stdin closed", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.wait_file("out.log", "closed");
        rig.call("sendProcessStdin", &["p".into(), "first".into()]);
        rig.wait("the pipe to be given up", |daemon| {
            let outcome = daemon
                .rpc()
                .call("supervisor.sendProcessStdin", &["p".into(), "x".into()]);
            matches!(outcome, provost_e2e::Outcome::Fault(20, _))
        });
        rig.call("sendProcessStdin", &["p".into(), "second".into()]);
    });
}

#[test]
fn output_without_logs() {
    let config = "[program:p]\ncommand=/bin/sh -c 'echo one; echo two >&2; exec cat'\n\
        stdout_logfile=NONE\nstderr_logfile=NONE\n";
    Scenario::new("no logs", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("getProcessInfo", &["p".into()]);
        rig.call("readProcessStdoutLog", &["p".into(), 0.into(), 0.into()]);
        rig.call("tailProcessStdoutLog", &["p".into(), 0.into(), 100.into()]);
        rig.call("clearProcessLogs", &["p".into()]);
    });
}

#[test]
fn rotation_keeps_every_line() {
    let config = "[program:p]\ncommand=/bin/sh -c 'for i in `seq 100 160`; do echo line $i; sleep 0.01; done; exec cat'\n\
        stdout_logfile=%(here)s/out.log\nstdout_logfile_maxbytes=100\nstdout_logfile_backups=40\n";
    Scenario::new("rotation", config).run(|rig| {
        let read = |place: &provost_e2e::Place| {
            let mut names = place.list("");
            names.retain(|name| name.starts_with("out.log"));
            // The oldest generation has the highest number.
            names.sort_by_key(|name| {
                std::cmp::Reverse(name.trim_start_matches("out.log.").parse().unwrap_or(0))
            });
            names
                .iter()
                .map(|name| place.read(name))
                .collect::<String>()
        };
        rig.wait("the last line", |daemon| {
            read(daemon.place()).contains("line 160\n")
        });
        let all = read(rig.daemon().place());
        rig.note(&all);
    });
}

#[test]
fn rotation_without_backups_starts_afresh() {
    let config = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
        stdout_logfile=%(here)s/out.log\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=0\n";
    Scenario::new("rotation without backups", config).run(|rig| {
        rig.state("p", "RUNNING");
        for (text, left) in [
            ("short\n", "short\n"),
            ("long enough for one\n", ""),
            ("x\n", "x\n"),
        ] {
            rig.call("sendProcessStdin", &["p".into(), text.into()]);
            rig.wait("the text to arrive", |daemon| {
                daemon.place().read("out.log") == left
            });
        }
        rig.file("out.log");
        rig.list("out");
    });
}

#[test]
fn rotation_of_the_main_log() {
    let config = "logfile_maxbytes=200\nlogfile_backups=2\n[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n";
    Scenario::new("main log rotation", config).run(|rig| {
        for _ in 0..3 {
            rig.call("startProcess", &["p".into()]);
            rig.call("stopProcess", &["p".into()]);
        }
        rig.list("main");
    });
}

#[test]
fn captured_output_becomes_events() {
    let config = "@events:PROCESS_COMMUNICATION@\n[program:p]\n\
        command=/bin/sh -c 'sleep 1; echo \"before<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END-->after, with more than a token\"; \
        printf \"<!--XSUPERVISOR:BEG\"; sleep 0.3; printf \"IN-->split<!--XSUPERVISOR:\"; sleep 0.3; echo \"END-->rest of it, again long enough\"; exec cat'\n\
        stdout_capture_maxbytes=1KB\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("capture", config).run(|rig| {
        rig.events("split");
        rig.wait_file("out.log", "rest of it");
    });
}

#[test]
fn output_becomes_log_events() {
    let config = "@events:PROCESS_LOG@\n[program:p]\n\
        command=/bin/sh -c 'sleep 1.5; echo out; sleep 0.3; echo err >&2; sleep 0.3; printf \"\\377\\n\"; exec cat'\n\
        stdout_events_enabled=true\nstderr_events_enabled=true\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("log events", config).run(|rig| {
        rig.events("Undecodable");
    });
}

#[test]
fn escape_sequences_are_stripped() {
    let config = "strip_ansi=true\n[program:p]\n\
        command=/bin/sh -c 'printf \"\\033[31mred\\033[0m and \\033[1;32mgreen\\033[m\\033[2K end\\n\"; exec cat'\n\
        stdout_logfile=%(here)s/out.log\n";
    Scenario::new("strip_ansi", config).run(|rig| {
        rig.file_with("out.log", "end\n");
    });
}

#[test]
fn output_to_standard_output() {
    let config = "[program:p]\ncommand=/bin/sh -c 'echo to the container log; echo and errors >&2; exec cat'\n\
        stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=/dev/stderr\nstderr_logfile_maxbytes=0\n";
    Scenario::new("dev stdout", config).run(|rig| {
        rig.wait_file("daemon.out", "to the container log\n");
        rig.wait_file("daemon.err", "and errors\n");
        rig.file("daemon.err");
    });
}

#[test]
fn output_in_the_main_log_at_debug() {
    let config = "loglevel=debug\n[program:p]\ncommand=/bin/sh -c 'echo hello; exec cat'\n\
        stdout_logfile=%(here)s/out.log\n[program:q]\ncommand=/bin/sh -c 'printf \"\\210\\n\"; exec cat'\n\
        stdout_logfile=%(here)s/out2.log\n";
    Scenario::new("debug copy", config).run(|rig| {
        rig.wait_log("'p' stdout output:\nhello\n");
        rig.wait_log("'q' stdout output:\nUndecodable: b'\\x88\\n'");
    });
}

#[test]
fn clearing_and_reading_logs() {
    let config = "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/out.log\nstderr_logfile=%(here)s/err.log\n";
    Scenario::new("clear", config).run(|rig| {
        rig.state("p", "RUNNING");
        rig.call("sendProcessStdin", &["p".into(), "0123456789\n".into()]);
        rig.wait_file("out.log", "9\n");
        for (offset, length) in [
            (0, 0),
            (0, 4),
            (3, 4),
            (-4, 0),
            (-100, 0),
            (20, 0),
            (0, -1),
            (-3, 2),
            (11, 5),
        ] {
            rig.call(
                "readProcessStdoutLog",
                &["p".into(), offset.into(), length.into()],
            );
            rig.call(
                "tailProcessStdoutLog",
                &["p".into(), offset.into(), length.into()],
            );
        }
        rig.call("clearProcessLogs", &["p".into()]);
        rig.call("readProcessStdoutLog", &["p".into(), 0.into(), 0.into()]);
        rig.call("sendProcessStdin", &["p".into(), "again\n".into()]);
        rig.file_with("out.log", "again\n");
        rig.call("clearAllProcessLogs", &[]);
        rig.file("out.log");
    });
}

#[test]
fn automatic_logs() {
    let config = "nocleanup=false\n[program:p]\ncommand=/bin/sh -c 'echo hello; exec cat'\n[program:q]\ncommand=/bin/cat\nredirect_stderr=true\nautostart=false\n";
    Scenario::new("automatic logs", config)
        .file("p-stdout---supervisor-abcdefgh.log", "old")
        .file("p-stdout---supervisor-abcdefgh.log.1", "old")
        .file("p-stdout---another-abcdefgh.log", "of somebody else")
        .run(|rig| {
            rig.state("p", "RUNNING");
            rig.wait("the output", |daemon| {
                let outcome = daemon.rpc().call(
                    "supervisor.readProcessStdoutLog",
                    &["p".into(), 0.into(), 0.into()],
                );
                outcome == provost_e2e::Outcome::Value("hello\n".into())
            });
            rig.list("p-");
            rig.list("q-");
        });
}

#[test]
fn what_a_child_wrote_last_is_kept() {
    let config = "[program:p]\ncommand=/bin/sh -c 'sleep 1.5; seq 1 2000; printf \"no line end\"; exit 0'\n\
        autorestart=false\nstdout_logfile=%(here)s/out.log\n";
    Scenario::new("last words", config).run(|rig| {
        rig.state("p", "EXITED");
        rig.file_with("out.log", "no line end");
    });
}
