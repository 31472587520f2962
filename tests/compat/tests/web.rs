//! The web interface: what scripts, bookmarks and monitors see of it, and what its links do.

use provost_compat::rig::Scenario;
use provost_compat::talk::{Talk, compare_talks};

/// Programs in every state. Those that end at once have long `startsecs`: upstream takes an end that it notices late for one of
/// a program that ran.
const STATES: &str = "\
[program:cat]
command=/bin/cat
[program:ended]
command=/bin/sh -c 'sleep 1.6; exit 0'
exitcodes=0
[program:fatal]
command=/no/such/file
startretries=0
[program:waiting]
command=/bin/false
autostart=false
startsecs=30
startretries=1000
[program:idle]
command=/bin/cat
autostart=false
[program:starting]
command=/bin/cat
startsecs=1000
[program:stubborn]
command=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'
stopwaitsecs=1000
[program:member]
command=/bin/cat
numprocs=2
process_name=%(program_name)s_%(process_num)d
[group:g]
programs=member
[program:größe]
command=/bin/cat
autostart=false
[program:it's&\"so\"]
command=/bin/cat
autostart=false
";

/// Programs to act on.
const ACTIONS: &str = "\
[program:cat]
command=/bin/cat
stdout_logfile=%(here)s/cat.log
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
[program:nofile]
command=/no/such/file
autostart=false
[program:noexec]
command=%(here)s/supervisord.conf
autostart=false
[program:early]
command=/bin/false
autostart=false
startsecs=30
startretries=0
[program:member]
command=/bin/cat
[group:g]
programs=member
";

fn settle(talk: &Talk, states: &[(&str, &str)]) {
    for (name, state) in states {
        talk.daemon().wait_state(name, state);
    }
}

#[test]
fn the_status_page_in_each_state() {
    compare_talks("web", &Scenario::new("web", STATES), |talk| {
        settle(
            talk,
            &[
                ("cat", "RUNNING"),
                ("ended", "EXITED"),
                ("fatal", "FATAL"),
                ("starting", "STARTING"),
                ("stubborn", "RUNNING"),
                ("g:member_0", "RUNNING"),
                ("g:member_1", "RUNNING"),
            ],
        );
        let params = ["stubborn".into(), false.into()];
        talk.daemon().rpc().call("supervisor.stopProcess", &params);
        // It would wait for that one.
        talk.ends_otherwise();
        talk.daemon().wait_state("stubborn", "STOPPING");
        // The third time in BACKOFF lasts three seconds, and nobody is looked at twice in it.
        let params = ["waiting".into(), false.into()];
        talk.daemon().rpc().call("supervisor.startProcess", &params);
        talk.daemon().wait_log_times("exited: waiting", 3);
        talk.daemon().wait_state("waiting", "BACKOFF");
        talk.visit("/?message=backoff", "");
        let params = ["waiting".into()];
        talk.daemon().rpc().call("supervisor.stopProcess", &params);
        for path in [
            "/",
            "//",
            "/index.html",
            "/?message=hello+there%21",
            "/?message=%3Cb%3E%26%22%27&message=second",
            "/?message=",
            "/?action=",
            "/?nothing=1#fragment",
        ] {
            talk.visit(path, "");
        }
        talk.submit("/", "other=1");
        talk.submit("/index.html?message=query", "message=first&message=last");
        talk.submit("/index.html?message=query", "other=1");
    });
}

#[test]
fn an_empty_status_page() {
    compare_talks("web empty", &Scenario::new("web", ""), |talk| {
        talk.visit("/", "");
    });
}

#[test]
fn each_action_and_its_messages() {
    compare_talks("web", &Scenario::new("web", ACTIONS), |talk| {
        settle(talk, &[("cat", "RUNNING"), ("g:member", "RUNNING")]);
        for query in [
            "action=refresh",
            "processname=idle&action=start",
            "processname=idle&action=start",
            "processname=idle&action=stop",
            "processname=idle&action=stop",
            "processname=idle&action=restart",
            "processname=idle&action=restart",
            "processname=g%3Amember&action=restart",
            "processname=g:member&action=stop",
            "processname=g%3Amember&action=start",
            "processname=cat%3Acat&action=restart",
            "processname=nofile&action=start",
            "processname=noexec&action=start",
            "processname=early&action=start",
            "processname=cat&action=clearlog",
            "processname=g%3A*&action=start",
            "processname=g&action=stop",
            "processname=nobody&action=start",
            "processname=nobody&action=bogus",
            "processname=%3Cscript%3E%0D%0A%26+%C3%B6&action=clearlog",
            "processname=nofile&action=restart",
            "processname=early&action=restart",
            "processname=cat&action=bogus",
            "action=bogus",
            "action=start",
            "action=restart&processname=",
        ] {
            talk.visit(&format!("/index.html?{query}"), "");
        }
        talk.visit("/?processname=idle&action=stop", "");
        talk.submit("/index.html", "processname=idle&action=start");
        talk.submit(
            "/index.html?processname=cat&action=stop",
            "processname=idle",
        );
        talk.submit(
            "/?processname=idle&action=stop",
            "action=start&processname=nobody&processname=idle",
        );
        talk.submit("/index.html?action=bogus", "action=refresh");
        talk.visit("/", "");
    });
}

#[test]
fn all_at_once() {
    let fine = "[program:a]\ncommand=/bin/cat\n[program:b]\ncommand=/bin/cat\nautostart=false\n";
    compare_talks("web all", &Scenario::new("web", fine), |talk| {
        settle(talk, &[("a", "RUNNING")]);
        talk.visit("/index.html?action=stopall", "");
        talk.visit("/", "");
        talk.visit("/index.html?action=stopall", "");
        talk.visit("/index.html?action=restartall", "");
        talk.visit("/", "");
        talk.visit("/index.html?action=restartall", "");
        talk.submit("/index.html", "action=stopall");
    });
    compare_talks("web all but some", &Scenario::new("web", ACTIONS), |talk| {
        settle(talk, &[("cat", "RUNNING"), ("g:member", "RUNNING")]);
        talk.visit("/index.html?action=restartall", "");
    });
}

#[test]
fn tails() {
    let programs = "[program:p]\ncommand=/bin/cat\nstdout_logfile=%(here)s/p.log\n\
        [program:nolog]\ncommand=/bin/cat\nstdout_logfile=NONE\n\
        [program:gone]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/gone.log\n";
    let lines: Vec<String> = (0..500)
        .map(|n| format!("{n:03} </pre><b> & \"größe'\n"))
        .collect();
    let scenario = Scenario::new("web", programs).file("p.log", &lines.concat());
    compare_talks("web", &scenario, |talk| {
        settle(talk, &[("p", "RUNNING"), ("nolog", "RUNNING")]);
        for query in [
            "processname=p",
            "processname=p&limit=0",
            "processname=p&limit=1025",
            "processname=p&limit=5000",
            "processname=p&limit=1000000",
            "processname=p&limit=-5000",
            "processname=p&limit=many",
            "processname=p&limit=2000&limit=3000",
            "processname=p%3Ap",
            "processname=nolog",
            "processname=gone",
            "processname=nobody",
            "processname=p%3A*",
            "processname=%3C/title%3E%26+%C3%B6",
            "processname=",
            "limit=5",
            "",
        ] {
            talk.visit(&format!("/tail.html?{query}"), "");
        }
        talk.visit("/tail.html", "");
        talk.submit("/tail.html?processname=p&limit=2000", "processname=nolog");
    });
}

#[test]
fn other_addresses_and_methods() {
    compare_talks(
        "web",
        &Scenario::new("web", "[program:p]\ncommand=/bin/cat\n"),
        |talk| {
            settle(talk, &[("p", "RUNNING")]);
            for path in [
                "/ok.html",
                "/ok.html?x=1",
                "/nothing",
                "/index.html/",
                "/ok",
                "/stylesheets/nothing.css",
            ] {
                talk.visit(path, "");
            }
            talk.submit("/ok.html", "x=1");
            talk.submit("/nothing", "x=1");
            talk.submit("/stylesheets/supervisor.css", "x=1");
            // What is in a stylesheet is each side's own.
            talk.visit("/stylesheets/supervisor.css", "");
            // Upstream marks no end of this answer but that of the connection.
            let later = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\nConnection: close\r\n";
            talk.visit("/stylesheets/supervisor.css", later);
            let before = "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n";
            talk.visit("/stylesheets/supervisor.css", before);
            for path in [
                "/stylesheets",
                "/images",
                "/images/icon.png",
                "/status.html",
            ] {
                talk.visit(path, "");
            }
            for method in ["PUT", "DELETE", "OPTIONS"] {
                let request =
                    format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
                talk.see(&format!("{method} /"), &request);
            }
            talk.see(
                "POST / without a length",
                "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            );
            for path in ["/", "/ok.html", "/stylesheets/supervisor.css", "/nothing"] {
                let request =
                    format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                talk.see(&format!("HEAD {path}"), &request);
            }
        },
    );
}

#[test]
fn where_a_redirect_leads() {
    compare_talks(
        "web",
        &Scenario::new("web", "[program:p]\ncommand=/bin/cat\n"),
        |talk| {
            settle(talk, &[("p", "RUNNING")]);
            for host in [
                "Host: app.example.org\r\n",
                "Host: app.example.org:80\r\n",
                "Host: app.example.org:8080\r\n",
                "Host: 127.0.0.1:9001\r\n",
                "host:   app  \r\n",
                "Host: evil.example/path?\r\n",
                "",
            ] {
                let request = format!("GET /?action=refresh HTTP/1.1\r\n{host}\r\n");
                talk.see(&format!("redirect {}", host.trim()), &request);
            }
        },
    );
}

#[test]
fn s04_senders() {
    compare_talks("web sender", &Scenario::new("web", ACTIONS), |talk| {
        settle(talk, &[("cat", "RUNNING")]);
        let path = "/index.html?processname=cat&action=restart";
        for (name, headers) in [
            ("curl", "User-Agent: curl/8.5.0\r\nAccept: */*\r\n"),
            (
                "wget",
                "User-Agent: Wget/1.21.3\r\nAccept: */*\r\nAccept-Encoding: identity\r\n",
            ),
            (
                "python",
                "Accept-Encoding: identity\r\nUser-Agent: Python-urllib/3.11\r\n",
            ),
            (
                "typed",
                "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: none\r\nAccept-Language: en\r\n",
            ),
            (
                "own link",
                "User-Agent: Mozilla/5.0\r\nReferer: http://localhost/\r\n",
            ),
            (
                "foreign link",
                "User-Agent: Mozilla/5.0\r\nReferer: http://evil.example/\r\n",
            ),
            (
                "foreign picture",
                "User-Agent: Mozilla/5.0\r\nSec-Fetch-Site: cross-site\r\n",
            ),
            ("foreign form", "Origin: http://evil.example\r\n"),
            (
                "silent browser",
                "User-Agent: Mozilla/5.0\r\nAccept-Language: en\r\n",
            ),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
            talk.see(name, &request);
        }
        let call = provost_e2e::encode_call("supervisor.getState", &[]);
        talk.post("foreign call", &call, "Origin: http://evil.example\r\n");
    });
}
