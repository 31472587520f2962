//! Both logs of a program in one view, their colours, and the files themselves.

use provost_e2e::{PATIENCE, Place, wait_for};
use provost_web_tests::{Browser, Look, Site, violations};
use serde_json::json;

/// `pair` writes what it reads to both logs: words that begin with `!` to the second one. `joined` has one log for both.
const PROGRAMS: &str = "\
[program:pair]
command=/bin/sh -c 'echo before; echo trouble >&2; while read line; do case $line in !*) echo \"$line\" >&2;; *) echo \"$line\";; esac; done'
startsecs=0
[program:joined]
command=/bin/cat
startsecs=0
redirect_stderr=true
[program:raw]
command=/bin/sh -c 'printf \"\\377\\000\\200 <b>\\r\\n\"; exec cat'
startsecs=0
[program:many]
command=/bin/sh -c 'seq 1 5000; echo few >&2; exec cat'
startsecs=0
[program:paint]
command=/bin/sh -c 'for f in 30 31 32 33 34 35 36 37 90 97; do for b in 40 41 42 43 44 45 46 47 49 100 101 102 103 104 105 106 107; do printf \"\\033[%%s;%%sm%%s on %%s\\033[0m \" $f $b $f $b; done; echo; done; printf \"\\033[48;5;208mtable\\033[0m \\033[97;48;2;10;20;30mnight\\033[0m \\033[48:2::250:250:10mday\\033[0m \\033[7mturned\\033[27m \\033[7;31mred\\033[0m \\033[1;4;9mmarks\\033[0m \\033[38;2;250;90;10mwarm\\033[0m \\033[38;5;33mblue\\033[0m \\033[2mdim\\033[22m plain\\n\"; exec cat'
startsecs=0
";

fn open(page: &str) -> (Site, Browser) {
    let site = Site::new(PROGRAMS);
    for name in ["pair", "joined", "raw", "many", "paint"] {
        site.daemon.wait_state(name, "RUNNING");
    }
    let browser = site.look(page);
    (site, browser)
}

fn say(site: &Site, name: &str, line: &str) {
    let sent = site.daemon.rpc().call(
        "supervisor.sendProcessStdin",
        &[name.into(), format!("{line}\n").as_str().into()],
    );
    sent.value();
}

/// All lines as text: the log that each is of, and its words; notes by themselves.
const LINES: &str = "[...document.querySelector('.log').children].map(line =>
    [line.querySelector('.of')?.textContent, (line.querySelector('.tx') ?? line).textContent].filter(Boolean).join(': '))";

fn last_are(lines: &[&str]) -> String {
    let count = lines.len();
    format!(
        "JSON.stringify(({LINES}).slice(-{count})) === {}",
        json!(json!(lines).to_string())
    )
}

#[test]
fn both_logs_come_in_one_view_each_line_with_its_log() {
    let (site, browser) = open("log.html?processname=pair:pair");
    browser.click(".ways a:nth-child(3)");
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
    // What was there before is told log by log.
    browser.wait(&last_are(&[
        "stdout up to now",
        "out: before",
        "stderr up to now",
        "err: trouble",
        "From here on as it comes",
    ]));
    for (line, shown) in [
        ("one", "out: one"),
        ("!two", "err: !two"),
        ("three", "out: three"),
        ("!four", "err: !four"),
    ] {
        say(&site, "pair", line);
        browser.wait(&last_are(&[shown]));
    }
    browser.wait(&last_are(&[
        "out: one",
        "err: !two",
        "out: three",
        "err: !four",
    ]));
    // The mark of a log is not looked for.
    browser.click(".tools input");
    browser.press("err");
    browser.wait("document.querySelector('.tools').innerText.includes('nothing found')");
    for look in [Look::DESK, Look::DARK, Look::PHONE] {
        browser.look(look);
        assert_eq!(violations(&browser), [""; 0], "{look:?}");
        let wide = browser.value("document.documentElement.scrollWidth > innerWidth");
        assert_eq!(wide, false, "{look:?}");
    }
    // A link leads to the place in its own log.
    browser.run("[...document.querySelectorAll('.ln')].at(-1).querySelector('.at').click();");
    browser.wait("document.querySelector('.marked .tx')?.innerText === '!four'");
    let end = "trouble\n!two\n".len();
    let url = browser.url();
    assert!(url.ends_with(&format!("stream=stderr#byte={end}")), "{url}");
}

#[test]
fn older_lines_are_a_click_away_in_their_own_log() {
    let (_site, browser) = open("log.html?processname=many:many&stream=both");
    browser.wait("document.querySelector('.log').innerText.includes('5000')");
    let links = "[...document.querySelectorAll('.seam a')].map(a => a.innerText).join()";
    assert_eq!(browser.text(links), "Older lines of stdout");
    let first = browser.text("document.querySelector('.tx').innerText");
    browser.click(".seam a");
    browser.wait("document.querySelector('.marked .tx') !== null");
    assert!(browser.url().contains("stream=stdout#byte="));
    // It begins with the line that was the first, and has those before it.
    let marked = "document.querySelector('.marked .tx').innerText";
    assert_eq!(browser.text(marked), first);
    browser.wait("document.querySelector('.tx').innerText === '1'");
}

#[test]
fn a_line_without_its_end_goes_on_in_its_place() {
    let (site, browser) = open("log.html?processname=pair:pair&stream=both");
    browser.wait(&last_are(&["From here on as it comes"]));
    let log = |stream: &str| {
        let info = site
            .daemon
            .rpc()
            .call("supervisor.getProcessInfo", &["pair".into()]);
        let key = format!("{stream}_logfile");
        info.value()
            .get(&key)
            .expect("it has one")
            .text()
            .to_owned()
    };
    let append = |stream: &str, text: &str| {
        use std::io::Write as _;
        let file = std::fs::File::options().append(true).open(log(stream));
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("it is there");
        // Files are looked at when supervisord writes to them.
        say(&site, "pair", if stream == "stderr" { "!." } else { "." });
    };
    append("stdout", "half ");
    browser.wait(&last_are(&["out: half ."]));
    append("stderr", "whole\n");
    browser.wait(&last_are(&["out: half .", "err: whole", "err: !."]));
}

#[test]
fn one_log_is_no_choice() {
    let (site, browser) = open("log.html?processname=joined:joined&stream=both");
    say(&site, "joined", "words");
    browser.wait("document.querySelector('.tx')?.innerText === 'words'");
    assert_eq!(
        browser.value("document.querySelectorAll('.ways, .of').length"),
        0
    );
    browser.go(&site.url("log.html?main=1"));
    browser.wait("document.querySelector('.log').innerText.includes('supervisord started')");
    assert_eq!(
        browser.value("document.querySelectorAll('.ways, .of').length"),
        0
    );
}

#[test]
fn colours_can_be_read_by_day_and_night() {
    let (_site, browser) = open("log.html?processname=paint:paint");
    browser.wait(
        "[...document.querySelectorAll('.tx span')].some(({ innerText }) => innerText === 'dim')",
    );
    let class = |text: &str| {
        browser.text(&format!(
            "[...document.querySelectorAll('.tx span')].find(node => node.innerText === '{text}').className"
        ))
    };
    for (text, expected) in [
        ("31 on 49", "f1"),
        ("31 on 44", "b4"),
        ("37 on 107", "b15"),
        ("table", "on-light"),
        ("night", "on-dark"),
        ("day", "on-light"),
        ("turned", "turned"),
        ("red", "b1"),
        ("marks", "bold under struck"),
        ("warm", "f1"),
        ("blue", "f4"),
        ("dim", "dim"),
    ] {
        assert_eq!(class(text), expected, "{text}");
    }
    let colour = "getComputedStyle([...document.querySelectorAll('.on-light')].find(node => node.innerText === 'day')).backgroundColor";
    assert_eq!(browser.text(colour), "rgb(250, 250, 10)");
    for look in [Look::DESK, Look::DARK] {
        browser.look(look);
        assert_eq!(violations(&browser), [""; 0], "{look:?}");
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_whole_file_is_downloaded_as_it_is() {
    let (_site, browser) = open("log.html?processname=raw:raw");
    browser.wait("document.querySelector('.ln') !== null");
    let folder = Place::new();
    let params = json!({"behavior": "allow", "downloadPath": folder.join("")});
    browser.tell("Browser.setDownloadBehavior", &params);
    browser.click("a[download]");
    let bytes = wait_for(PATIENCE, "the file", || {
        std::fs::read(folder.join("raw-stdout.log")).ok()
    });
    assert_eq!(bytes, b"\xff\0\x80 <b>\r\n");
}
