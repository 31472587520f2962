//! Events and listeners: every byte that a listener is sent, and what becomes of what it answers.

use provost_compat::rig::{Rig, Scenario};
use provost_e2e::{Outcome, Side};
use rustix::process::Signal;

/// A pool of one listener that records into `NAME.rec`.
fn pool(name: &str, events: &str, answers: &str, keys: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand=@python@ @scripts@/recorder.py %(here)s/{name}.rec {answers}\nevents={events}\n\
         startsecs=0\n{keys}\n"
    )
}

/// Waits until a recording holds that many events with a text, then writes all of it down.
fn recorded(rig: &mut Rig, name: &str, text: &str, times: usize) {
    let file = format!("{name}.rec");
    rig.wait(&format!("{times} of `{text}` in {file}"), |daemon| {
        daemon.place().read(&file).matches(text).count() >= times
    });
    rig.file(&file);
}

/// Waits until a program is in a state; its info is not written down.
fn wait_state(rig: &Rig, name: &str, state: &str) {
    rig.daemon().wait_state(name, state);
}

fn send(rig: &mut Rig, kind: &str, data: &str) {
    rig.call("sendRemoteCommEvent", &[kind.into(), data.into()]);
}

/// Waits until the main log says something of a listener.
fn said(rig: &Rig, text: &str) {
    rig.wait_log(text);
}

#[test]
fn every_event_of_a_program_s_life() {
    let config = pool("lis", "PROCESS_STATE", "OK", "")
        + "[program:ok]\ncommand=/bin/sh -c 'sleep 0.3; exit 0'\nautostart=false\nautorestart=false\nstartsecs=0\n\
           [program:bad]\ncommand=/bin/sh -c 'sleep 0.3; exit 3'\nautostart=false\nautorestart=false\nstartsecs=0\n\
           [program:long]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
           [program:hopeless]\ncommand=/bin/sh -c 'sleep 0.3; exit 1'\nautostart=false\nstartretries=1\nstartsecs=5\n\
           [program:absent]\ncommand=/no/such/file\nautostart=false\nstartretries=1\n\
           [program:group]\ncommand=/bin/cat\nprocess_name=one\nautostart=false\nstartsecs=0\n";
    Scenario::new("events states", &config).run(|rig| {
        recorded(rig, "lis", "RUNNING", 1);
        for (name, last) in [("ok", "EXITED"), ("bad", "EXITED")] {
            rig.call("startProcess", &[name.into()]);
            recorded(
                rig,
                "lis",
                &format!("{last} len:"),
                if name == "ok" { 1 } else { 2 },
            );
        }
        rig.call("startProcess", &["long".into()]);
        rig.call("stopProcess", &["long".into()]);
        recorded(
            rig,
            "lis",
            "processname:long groupname:long from_state:STOPPING",
            1,
        );
        rig.call("startProcess", &["hopeless".into(), false.into()]);
        recorded(rig, "lis", "PROCESS_STATE_FATAL", 1);
        rig.call("startProcess", &["hopeless".into(), false.into()]);
        wait_state(rig, "hopeless", "BACKOFF");
        rig.call("stopProcess", &["hopeless".into()]);
        recorded(rig, "lis", "PROCESS_STATE_STOPPED", 2);
        rig.call("startProcess", &["group:one".into()]);
        recorded(rig, "lis", "groupname:group from_state:STARTING", 1);
    });
}

#[test]
fn each_class_takes_what_is_below_it() {
    let classes = [
        ("all", "EVENT"),
        ("state", "PROCESS_STATE"),
        ("comm", "PROCESS_COMMUNICATION"),
        ("log", "PROCESS_LOG"),
        ("remote", "REMOTE_COMMUNICATION"),
        ("super", "SUPERVISOR_STATE_CHANGE"),
        ("group", "PROCESS_GROUP"),
        ("two", "PROCESS_STATE_STOPPED,PROCESS_LOG_STDERR"),
    ];
    let mut config: String = classes
        .iter()
        .map(|(name, events)| pool(name, events, "OK", "autostart=false\nbuffer_size=500"))
        .collect();
    config.push_str(
        "[program:p]\ncommand=/bin/sh -c 'echo out; echo err >&2; exec cat'\nautostart=false\nstartsecs=0\n\
         stdout_events_enabled=true\nstderr_events_enabled=true\nstdout_logfile=%(here)s/out.log\n\
         stderr_logfile=%(here)s/err.log\n",
    );
    Scenario::new("events classes", &config).run(|rig| {
        rig.call("startProcess", &["p".into()]);
        rig.wait_file("out.log", "out");
        rig.wait_file("err.log", "err");
        send(rig, "kind", "first");
        rig.call("stopProcess", &["p".into()]);
        send(rig, "kind", "last");
        for (name, _) in classes {
            rig.call("startProcess", &[name.into()]);
            let last = match name {
                "all" => format!("processname:{name} groupname:{name} from_state:STARTING"),
                "state" => "processname:group groupname:group from_state:STOPPED".to_owned(),
                "remote" => "last".to_owned(),
                "group" => "groupname:p\\n".to_owned(),
                "super" => "RUNNING".to_owned(),
                "two" => "STOPPED".to_owned(),
                _ => String::new(),
            };
            if !last.is_empty() && !["state", "all"].contains(&name) {
                recorded_kinds(rig, name, &last);
            }
        }
        recorded_kinds(
            rig,
            "state",
            "processname:two groupname:two from_state:STARTING",
        );
        recorded_kinds(
            rig,
            "all",
            "processname:two groupname:two from_state:STARTING",
        );
        recorded_kinds(rig, "log", "err");
    });
}

/// The kinds and payloads of a recording, without ticks and without numbers, which ticks and output move, and sorted:
/// output comes when it comes.
fn recorded_kinds(rig: &mut Rig, name: &str, last: &str) {
    let file = format!("{name}.rec");
    rig.wait_file(&file, last);
    let text = rig.daemon().place().read(&file);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("eventname:TICK"))
        .filter_map(|line| line.split_once("eventname:").map(|(_, rest)| rest))
        .collect();
    rig.note_sorted(&format!("--- {name}"), &lines);
}

#[test]
fn groups_come_and_go_and_a_pool_hears_of_itself() {
    let config = pool("lis", "PROCESS_GROUP", "OK", "")
        + "[program:early]\ncommand=/bin/cat\npriority=-5\n[program:late]\ncommand=/bin/cat\npriority=1\n\
           [program:going]\ncommand=/bin/cat\nautostart=false\n";
    Scenario::new("events groups", &config).run(|rig| {
        recorded(rig, "lis", "groupname:going", 1);
        let second = pool("second", "PROCESS_GROUP,PROCESS_STATE_STOPPED", "OK", "");
        rig.reconfigure(
            "[program:going]\ncommand=/bin/cat\nautostart=false\n",
            &second,
        );
        rig.call("reloadConfig", &[]);
        rig.call("removeProcessGroup", &["going".into()]);
        rig.call("addProcessGroup", &["second".into()]);
        recorded(rig, "lis", "groupname:second", 1);
        recorded(rig, "second", "groupname:second", 1);
        rig.call("stopProcess", &["second".into()]);
        rig.call("removeProcessGroup", &["second".into()]);
        recorded(rig, "lis", "PROCESS_GROUP_REMOVED", 2);
        // Its buffer is gone with it: a new one begins at 0.
        rig.call("addProcessGroup", &["second".into()]);
        recorded(rig, "second", "poolserial:0", 2);
    });
}

#[test]
fn the_daemon_tells_of_itself_and_numbers_go_on_after_a_restart() {
    let config = pool(
        "lis",
        "SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION",
        "OK",
        "",
    );
    Scenario::new("events daemon", &config).run(|rig| {
        recorded(rig, "lis", "CHANGE_RUNNING", 1);
        send(rig, "a", "b");
        recorded(rig, "lis", "type:a", 1);
        rig.daemon().signal(Signal::HUP);
        recorded(rig, "lis", "CHANGE_RUNNING", 2);
        send(rig, "c", "d");
        recorded(rig, "lis", "type:c", 1);
        rig.call("shutdown", &[]);
        rig.end();
        rig.file("lis.rec");
    });
}

#[test]
fn what_clients_send_is_counted_in_characters() {
    let config = pool("lis", "REMOTE_COMMUNICATION", "OK", "");
    Scenario::new("events remote", &config).run(|rig| {
        for (kind, data) in [
            ("foo", "bar\nbaz"),
            ("foo", "h\u{e9}"),
            ("\u{fc}ber", "\u{1d11e} \u{4e2d}\u{6587}"),
            ("", ""),
            (" ", "\n"),
            ("len:5", "ver:3.0 server:x\n"),
        ] {
            send(rig, kind, data);
        }
        let long = "\u{e9}x".repeat(100_000);
        rig.daemon().rpc().call(
            "supervisor.sendRemoteCommEvent",
            &["long".into(), long.as_str().into()],
        );
        send(rig, "the", "end");
        recorded(rig, "lis", "type:the", 1);
    });
}

#[test]
fn a_client_cannot_forge_the_second_line() {
    let config = pool("lis", "REMOTE_COMMUNICATION", "OK", "");
    Scenario::new("events remote type with line end", &config).run(|rig| {
        send(rig, "a\nb", "");
        send(rig, "the", "end");
        recorded(rig, "lis", "type:the", 1);
    });
}

#[test]
fn output_as_events() {
    let config = pool(
        "lis",
        "PROCESS_LOG,PROCESS_COMMUNICATION",
        "OK",
        "buffer_size=100",
    ) + "[program:p]\ncommand=@python@ -u %(here)s/say.py\nautostart=false\nstartsecs=0\nstdout_events_enabled=true\n\
           stderr_events_enabled=true\n\
           [program:c]\ncommand=@python@ -u %(here)s/comm.py\nautostart=false\nstartsecs=0\nstdout_capture_maxbytes=20\n\
           stderr_capture_maxbytes=1MB\nstderr_events_enabled=true\n";
    let say = "import os, time\n\
        for fd, text in ((1, b'one\\n'), (2, b'two\\n'), (1, 'gr\u{fc}n \u{1d11e}\\n'.encode()), (1, b'bad \\xff\\x00 \\'\"\\n'),\n\
        \x20   (2, b'\\xc3'), (1, b'a\\nb\\n'), (1, b'end')):\n\
        \x20   os.write(fd, text)\n    time.sleep(1.3)\n\
        time.sleep(1000)\n";
    let comm = "import os, time\nB, E = b'<!--XSUPERVISOR:BEGIN-->', b'<!--XSUPERVISOR:END-->'\n\
        L = b'long enough that nothing is held back'\n\
        for fd, text in ((1, L + B + b'first' + E + L), (2, B + b'bad \\xfe' + E), (2, B + '\u{e9}\\n\u{e9}'.encode() + E),\n\
        \x20   (2, B + L), (2, L + E), (1, B + L), (1, L + b'0123456789' + E), (2, L), (2, B + b'end' + E)):\n\
        \x20   os.write(fd, text)\n    time.sleep(1.3)\n\
        time.sleep(1000)\n";
    Scenario::new("events output", &config)
        .file("say.py", say)
        .file("comm.py", comm)
        .run(|rig| {
            rig.call("startProcess", &["p".into()]);
            recorded(rig, "lis", "\\nend", 1);
            rig.call("startProcess", &["c".into()]);
            // The piece that was captured comes as output first, then as communication.
            recorded(rig, "lis", "\\nend", 3);
        });
}

/// Upstream keeps pieces that are no longer than a token until more comes.
#[test]
fn short_output_in_capture_mode() {
    let config = pool(
        "lis",
        "PROCESS_LOG,PROCESS_COMMUNICATION",
        "OK",
        "buffer_size=100",
    ) + "[program:p]\ncommand=/bin/sh -c 'echo one; sleep 2.5; echo two; exec cat'\nautostart=false\nstartsecs=0\n\
           stdout_events_enabled=true\nstdout_capture_maxbytes=1MB\n";
    Scenario::new("events short output", &config).run(|rig| {
        rig.call("startProcess", &["p".into()]);
        // More than a token ends the wait of both.
        if rig.daemon().side() == Side::Upstream {
            rig.wait("the second word to be late", |daemon| {
                daemon.rpc().state("p") == "RUNNING"
            });
        } else {
            recorded(rig, "lis", "two", 1);
        }
        rig.call(
            "sendProcessStdin",
            &["p".into(), "a line that is longer than a token\n".into()],
        );
        recorded(rig, "lis", "longer", 1);
    });
}

#[test]
fn ticks() {
    let config = pool("lis", "TICK_5", "OK", "");
    Scenario::new("events ticks", &config).run(|rig| recorded(rig, "lis", "TICK_5", 2));
}

#[test]
fn a_full_buffer_loses_the_oldest() {
    let config = pool(
        "lis",
        "REMOTE_COMMUNICATION",
        "OK",
        "autostart=false\nbuffer_size=3",
    );
    Scenario::new("events overflow one", &config).run(|rig| {
        for data in ["0", "1", "2", "3"] {
            send(rig, "n", data);
        }
        rig.log_of("overflow");
        rig.call("startProcess", &["lis".into()]);
        recorded(rig, "lis", "\\n3", 1);
    });
}

#[test]
fn a_burst_of_losses() {
    let config = pool(
        "lis",
        "REMOTE_COMMUNICATION",
        "OK",
        "autostart=false\nbuffer_size=2",
    );
    Scenario::new("events overflow burst", &config).run(|rig| {
        for data in ["0", "1", "2", "3", "4", "5", "6"] {
            send(rig, "n", data);
        }
        rig.call("startProcess", &["lis".into()]);
        recorded(rig, "lis", "\\n6", 1);
        rig.log_of("overflow");
    });
}

#[test]
fn a_refused_event_that_finds_the_buffer_full() {
    let config = pool(
        "lis",
        "REMOTE_COMMUNICATION",
        "MUTE",
        "buffer_size=1\nautorestart=false",
    )
    .replace("startsecs=0", "startsecs=0\nstopsignal=KILL");
    Scenario::new("events overflow refused", &config).run(|rig| {
        send(rig, "n", "0");
        recorded(rig, "lis", "\\n0", 1);
        send(rig, "n", "1");
        rig.call("stopProcess", &["lis".into()]);
        rig.log_of("overflow");
        rig.call("startProcess", &["lis".into()]);
        recorded(rig, "lis", "\\n0", 2);
    });
}

#[test]
fn a_refused_event_comes_again_before_the_others() {
    let config = pool(
        "lis",
        "REMOTE_COMMUNICATION",
        "FAIL FAIL OK FAIL OK",
        "autostart=false",
    );
    Scenario::new("events refused", &config).run(|rig| {
        for data in ["0", "1", "2"] {
            send(rig, "n", data);
        }
        rig.call("startProcess", &["lis".into()]);
        recorded(rig, "lis", "\\n2", 1);
        rig.log_of("rejected");
    });
}

#[test]
fn a_listener_that_dies_with_an_event() {
    let config = pool(
        "lis",
        "REMOTE_COMMUNICATION",
        "DIE",
        "autorestart=false\nautostart=false",
    );
    Scenario::new("events dies", &config).run(|rig| {
        for data in ["0", "1"] {
            send(rig, "n", data);
        }
        for time in 1..=3 {
            rig.call("startProcess", &["lis".into()]);
            recorded(rig, "lis", "\\n0", time);
            wait_state(rig, "lis", "EXITED");
        }
    });
}

#[test]
fn several_listeners_share_the_events() {
    let listener = "[eventlistener:lis]\ncommand=@python@ @scripts@/recorder.py %(here)s/lis%(process_num)d.rec MUTE\n\
        process_name=%(program_name)s_%(process_num)d\nnumprocs=3\nevents=REMOTE_COMMUNICATION\nstartsecs=0\n\
        stopsignal=KILL\nautorestart=false\n";
    Scenario::new("events several", listener).run(|rig| {
        rig.wait("all to be ready", |daemon| {
            (0..3).all(|number| daemon.rpc().state(&format!("lis:lis_{number}")) == "RUNNING")
        });
        // Who is ready first gets the first, so all of them must be ready before anything is sent.
        rig.wait("all to have said so", |daemon| {
            (0..3).all(|number| {
                let name = "supervisor.readProcessStdoutLog";
                let params = [format!("lis:lis_{number}").as_str().into(), 0.into(), 0.into()];
                matches!(daemon.rpc().call(name, &params), Outcome::Value(value) if value.text() == "READY\n")
            })
        });
        for data in ["0", "1", "2", "3"] {
            send(rig, "n", data);
        }
        for (number, data) in [(0, "0"), (1, "1"), (2, "2")] {
            recorded(rig, &format!("lis{number}"), &format!("\\n{data}"), 1);
        }
        // The event of the second comes before the one that waits.
        rig.call("stopProcess", &["lis:lis_1".into()]);
        rig.call("startProcess", &["lis:lis_1".into()]);
        recorded(rig, "lis1", "\\n1", 2);
        rig.call("stopProcess", &["lis:lis_0".into()]);
        rig.call("startProcess", &["lis:lis_0".into()]);
        recorded(rig, "lis0", "\\n0", 2);
    });
}

/// What a listener says of its first event and what the log says of that, so many times; then whether it goes on.
fn answers(name: &str, answer: &str, log: &str, times: usize) {
    let config = "loglevel=debug\n".to_owned()
        + &pool(
            "lis",
            "REMOTE_COMMUNICATION",
            &format!("'{answer}' OK"),
            "autostart=false",
        );
    Scenario::new(&format!("events answer {name}"), &config).run(|rig| {
        send(rig, "n", "0");
        rig.call("startProcess", &["lis".into()]);
        rig.daemon().wait_log_times(log, times);
        recorded(rig, "lis", "\\n0", 1);
        rig.log_of("lis: ");
    });
}

/// What the log says each time that a listener can take an event.
const READY: &str = "lis: ACKNOWLEDGED -> READY";

#[test]
fn answers_that_are_good() {
    answers("ok", "OK", READY, 2);
    for (name, answer) in [
        ("pieces", "PIECES"),
        ("prefix", "PREFIX"),
        ("blanks", "TEXT:RESULT   2  \\nOK"),
        ("plus", "TEXT:RESULT +2\\nOK"),
        ("underscore", "TEXT:RESULT 0_2\\nOK"),
        ("carriage return", "TEXT:RESULT 2\\r\\nOK"),
    ] {
        answers(name, answer, READY, 2);
    }
}

#[test]
fn answers_that_refuse() {
    for (name, answer) in [
        ("fail", "FAIL"),
        ("lower case", "TEXT:RESULT 2\\nok"),
        ("longer", "TEXT:RESULT 3\\nOK!"),
        ("long", "LONG"),
    ] {
        answers(name, answer, READY, 3);
    }
}

#[test]
fn answers_that_break_the_protocol() {
    for (name, answer) in [
        ("no number", "RAW:RESULT no\\n"),
        ("no result", "RAW:hello\\n"),
        ("empty line", "RAW:\\n"),
        ("nothing after the prefix", "RAW:RESULT \\n"),
        ("fraction", "RAW:RESULT 2.0\\n"),
        ("hexadecimal", "RAW:RESULT 0x2\\n"),
        ("two underscores", "RAW:RESULT 0__2\\n"),
        ("non-ascii", "RAW:RESULT \u{e9}\\n"),
        ("ready in place of a result", "RAW:READY\\n"),
        (
            "long line",
            "RAW:RESULT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\n",
        ),
        ("out of turn", "LOUD"),
    ] {
        answers(name, answer, "lis: has entered the UNKNOWN state", 1);
    }
}

#[test]
fn a_listener_that_says_something_else_than_ready() {
    for (name, words) in [
        ("garbage", "hello world"),
        ("short line", "READY!"),
        ("blank before", " READY"),
        ("twice", "READY\\nREADY"),
    ] {
        let config = format!(
            "loglevel=debug\n[eventlistener:lis]\ncommand=/bin/sh -c 'printf \"{words}\\n\"; exec sleep 1000'\n\
             events=REMOTE_COMMUNICATION\nstartsecs=0\n"
        );
        Scenario::new(&format!("events greeting {name}"), &config).run(|rig| {
            said(rig, "UNKNOWN state");
            send(rig, "n", "0");
            rig.log_of("lis: ");
        });
    }
}

#[test]
fn an_empty_result_refuses_at_once() {
    let config = "loglevel=debug\n".to_owned()
        + &pool("lis", "REMOTE_COMMUNICATION", "'RAW:RESULT 0\\n' OK", "");
    Scenario::new("events answer empty", &config).run(|rig| {
        said(rig, READY);
        send(rig, "n", "0");
        said(
            rig,
            match rig.daemon().side() {
                Side::Upstream => "event 0 sent to listener",
                Side::Ours => "event was rejected",
            },
        );
        rig.log_of("lis: ");
    });
}

#[test]
fn a_negative_length() {
    let config = "loglevel=debug\n".to_owned()
        + &pool("lis", "REMOTE_COMMUNICATION", "'RAW:RESULT -1\\n' OK", "");
    Scenario::new("events answer negative", &config).run(|rig| {
        said(rig, READY);
        send(rig, "n", "0");
        said(
            rig,
            match rig.daemon().side() {
                Side::Upstream => "event 0 sent to listener",
                Side::Ours => "UNKNOWN state",
            },
        );
        rig.log_of("lis: ");
    });
}

#[test]
fn overlapping_subscriptions() {
    let config = pool(
        "lis",
        "PROCESS_STATE,PROCESS_STATE_STOPPED,REMOTE_COMMUNICATION",
        "OK",
        "",
    ) + "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n";
    Scenario::new("events overlapping", &config).run(|rig| {
        recorded(rig, "lis", "RUNNING", 1);
        rig.call("startProcess", &["p".into()]);
        rig.call("stopProcess", &["p".into()]);
        send(rig, "the", "end");
        recorded(rig, "lis", "type:the", 1);
    });
}

#[test]
fn a_refused_event_and_another_pool() {
    let config = pool("lis", "REMOTE_COMMUNICATION", "FAIL OK", "")
        + &pool("other", "SUPERVISOR_STATE_CHANGE", "OK", "");
    Scenario::new("events refused elsewhere", &config).run(|rig| {
        recorded(rig, "other", "RUNNING", 1);
        send(rig, "n", "0");
        recorded(rig, "lis", "\\n0", 2);
        let strays = usize::from(rig.daemon().side() == Side::Upstream);
        recorded(rig, "other", "type:n", strays);
    });
}

#[test]
fn pools_of_different_priority_keep_refused_events_to_themselves() {
    let config = pool("lis", "REMOTE_COMMUNICATION", "FAIL OK", "priority=5")
        + &pool("other", "REMOTE_COMMUNICATION", "OK", "priority=-3");
    Scenario::new("events priorities", &config).run(|rig| {
        for data in ["0", "1"] {
            send(rig, "n", data);
        }
        recorded(rig, "lis", "\\n1", 1);
        recorded(rig, "other", "\\n1", 1);
    });
}

#[test]
fn a_listener_that_closed_its_input() {
    let config = "loglevel=debug\n[eventlistener:lis]\ncommand=/bin/sh -c 'exec <&-; echo READY; exec sleep 1000'\n\
        events=REMOTE_COMMUNICATION\nstartsecs=0\n";
    Scenario::new("events closed input", config).run(|rig| {
        said(rig, "lis: ACKNOWLEDGED -> READY");
        send(rig, "n", "0");
        said(rig, "epipe occurred");
        let log = rig.daemon().main_log();
        let line = log
            .lines()
            .find(|line| line.contains("epipe"))
            .unwrap_or_default();
        rig.note(line);
    });
}
