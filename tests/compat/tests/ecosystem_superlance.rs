//! superlance: listeners that restart programs and write mail.
//!
//! What its listeners do each minute by default they do each five seconds here: `httpok` and `memmon` take any tick,
//! `fatalmailbatch` has an option for it.

use provost_compat::ecosystem::http::Web;
use provost_compat::ecosystem::mail::PostOffice;
use provost_compat::ecosystem::{
    assert_in_order, running_pid, start, tool, wait_restarted, with_both,
};

/// Takes the place of `sendmail`.
const SENDMAIL: &str = "-s 'cat >> %(here)s/mail'";

#[test]
fn httpok_restarts_the_program_whose_url_fails() {
    with_both(|side| {
        let web = Web::answering(&[200, 503, 200]);
        let url = format!("http://127.0.0.1:{}/health?full=1", web.port());
        let config = format!(
            "[program:web]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [program:other]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [eventlistener:httpok]\n\
             command={} -p web -p missing -n front -m ops@example.org {SENDMAIL} {url}\n\
             events=TICK_5\n",
            tool("httpok")
        );
        let daemon = start(side, &config);
        let (old, other) = (running_pid(&daemon, "web"), running_pid(&daemon, "other"));
        wait_restarted(&daemon, "web", old);
        let mail = "web restarted\nPrograms not restarted because they did not exist: ['missing']";
        daemon.wait_file("mail", mail);
        assert_in_order(
            &daemon.place().read("mail"),
            &[
                "To: ops@example.org\n",
                &format!("Subject: httpok [front]: {url}: bad status returned\n"),
                &format!("status contacting {url}: 503 As Told\n"),
                "Restarting selected processes ['web', 'missing']\n",
                "web is in RUNNING state, restarting\n",
            ],
        );
        let requests = web.requests();
        assert!(requests.len() >= 2, "the first one was answered well");
        assert_eq!(requests[0].line, "GET /health?full=1");
        let agent = "User-Agent: httpok".to_owned();
        assert!(requests[0].headers.contains(&agent));
        let log = daemon.main_log();
        assert_eq!(
            log.matches("stopped: web (terminated by SIGTERM)").count(),
            1
        );
        assert_eq!(
            daemon.rpc().pid("other"),
            other,
            "the other one was left alone"
        );
    });
}

#[test]
fn memmon_restarts_the_program_that_uses_too_much_memory() {
    with_both(|side| {
        // Large in its first life only.
        let hungry = "import os, time\n\
                      first = not os.path.exists('was-here')\n\
                      open('was-here', 'w').close()\n\
                      kept = b'x' * ((90 if first else 1) << 20)\n\
                      time.sleep(1000)\n";
        let config = format!(
            "[program:hungry]\ncommand={} %(here)s/hungry.py\ndirectory=%(here)s\nstartsecs=0\n\
             [program:modest]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             [eventlistener:memmon]\n\
             command={} -p hungry=60MB -p modest=60MB -n box -m ops@example.org {SENDMAIL}\n\
             events=TICK_5\nstderr_logfile=%(here)s/memmon.err\n",
            tool("python"),
            tool("memmon")
        );
        let daemon = provost_e2e::Start::new(side, &config)
            .file("hungry.py", hungry)
            .start();
        let old = running_pid(&daemon, "hungry");
        let modest = running_pid(&daemon, "modest");
        wait_restarted(&daemon, "hungry", old);
        daemon.wait_file("mail", "bytes RSS)");
        assert_in_order(
            &daemon.place().read("mail"),
            &[
                "To: ops@example.org\n",
                "Subject: memmon [box]: process hungry:hungry restarted\n",
                "memmon.py restarted the process named hungry:hungry at ",
                "because it was consuming too much memory",
            ],
        );
        daemon.wait_file("memmon.err", "Restarting hungry:hungry");
        daemon.wait_file("memmon.err", "RSS of modest:modest is ");
        assert_eq!(daemon.rpc().pid("modest"), modest, "it is small enough");
    });
}

#[test]
fn crashmail_tells_of_an_unexpected_exit() {
    with_both(|side| {
        // Upstream answers the start of what has ended by then with a fault; so it lives for a moment.
        let config = format!(
            "[program:works]\ncommand=/bin/sh -c 'exit 0'\nstartsecs=0\nautorestart=false\n\
             [program:fails]\ncommand=/bin/sh -c 'sleep 0.3; exit 3'\nstartsecs=0\nautorestart=false\nautostart=false\n\
             [group:shop]\nprograms=fails\n\
             [eventlistener:crashmail]\n\
             command={} -a -o host1 -m ops@example.org {SENDMAIL}\nevents=PROCESS_STATE\n\
             stderr_logfile=%(here)s/crashmail.err\n",
            tool("crashmail")
        );
        let daemon = start(side, &config);
        daemon.wait_state("works", "EXITED");
        daemon
            .rpc()
            .call("supervisor.startProcess", &["shop:fails".into()])
            .value();
        daemon.wait_state("shop:fails", "EXITED");
        daemon.wait_file("mail", "from state RUNNING");
        let mail = daemon.place().read("mail");
        assert_in_order(
            &mail,
            &[
                "To: ops@example.org\nSubject: host1: fails crashed at 2",
                "\n\nProcess fails in group shop exited unexpectedly (pid ",
                ") from state RUNNING",
            ],
        );
        assert_eq!(
            mail.matches("Subject").count(),
            1,
            "an expected exit is no crash"
        );
        daemon.wait_file("crashmail.err", "unexpected exit, mailing\nMailed:\n");
    });
}

#[test]
fn fatalmailbatch_sends_what_failed_to_start_in_one_mail() {
    with_both(|side| {
        let post = PostOffice::open();
        // Long `startsecs`: upstream takes an end that it notices late for one of a program that ran.
        let never = "command=/bin/sh -c 'exit 1'\nstartsecs=60\nstartretries=0";
        let config = format!(
            "[program:one]\n{never}\n[program:two]\n{never}\n\
             [eventlistener:fatalmailbatch]\n\
             command={} --toEmail=\"ops@example.org, boss@example.org\" --fromEmail=box@example.org\n  \
             --subject=\"Not started\" --smtpHost=127.0.0.1:{} --tickEvent=TICK_5 --interval=0.05\n\
             events=PROCESS_STATE,TICK_5\nbuffer_size=100\n",
            tool("fatalmailbatch"),
            post.port()
        );
        let daemon = start(side, &config);
        daemon.wait_state("one", "FATAL");
        daemon.wait_state("two", "FATAL");
        let text = |name| format!(" -- Process {name}:{name} failed to start too many times\n");
        post.wait_texts(&[&text("one"), &text("two")]);
        let mails = post.mails();
        // The tick may fall between the two.
        assert!(mails.len() <= 2, "{mails:?}");
        for mail in &mails {
            assert_eq!(mail.from, "box@example.org");
            assert_eq!(mail.to, ["ops@example.org", "boss@example.org"]);
            assert_in_order(
                &mail.text,
                &[
                    "Subject: Not started\n",
                    "From: box@example.org\n",
                    "To: ops@example.org, boss@example.org\n",
                    "\n\n2",
                ],
            );
        }
        let told: usize = mails
            .iter()
            .map(|mail| mail.text.matches("failed to start").count())
            .sum();
        assert_eq!(told, 2, "each is told once");
    });
}
