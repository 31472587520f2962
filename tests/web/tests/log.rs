//! The view of a log, as a person uses it.

use provost_e2e::Side;
use provost_web_tests::{Browser, SPEAKING, Site};

const PROGRAMS: &str = "\
[program:many]
command=/bin/sh -c 'seq -f \"line %%06.0f of a log that is longer than what is shown of it\" 12000; exec cat'
startsecs=0
[program:flood]
command=/usr/bin/yes 0123456789012345678901234567890123456789
startsecs=0
autostart=false
stdout_logfile_maxbytes=5MB
";

/// The log of a program, followed.
fn open(page: &str) -> (Site, Browser) {
    let site = Site::new(&format!("{SPEAKING}{PROGRAMS}"));
    site.daemon.wait_state("crash", "EXITED");
    let browser = site.look(page);
    (site, browser)
}

/// Lets `talk` write a line.
fn talk(site: &Site, line: &str) {
    let sent = site.daemon.rpc().call(
        "supervisor.sendProcessStdin",
        &["talk".into(), format!("{line}\n").as_str().into()],
    );
    sent.value();
}

fn shows(line: &str) -> String {
    format!("document.querySelector('.log').innerText.includes('{line}')")
}

#[test]
fn it_is_text_with_colours_and_its_lines_have_links() {
    let (site, browser) = open("log.html?processname=talk:talk");
    browser.wait("document.querySelector('.f1')?.textContent === 'red'");
    browser.wait(&shows("<script>x</script> \\ufffd end"));
    assert_eq!(
        browser.value("document.querySelectorAll('.log script').length"),
        0
    );
    // Each line knows its place, behind bytes that are no UTF-8, too.
    talk(&site, "second");
    browser.wait("document.querySelectorAll('.ln').length === 2");
    let place = browser.text("document.querySelectorAll('.ln .at')[1].getAttribute('href')");
    let first = b"\x1b[31mred\x1b[0m <script>x</script> \xff end\n".len();
    assert_eq!(place, format!("#byte={first}"));
    browser.go(&site.url("log.html?processname=crash:crash&stream=stderr#byte=3"));
    browser.wait("document.querySelector('.marked')?.innerText.includes('going down')");
}

#[test]
fn it_follows_and_holds_still_when_asked() {
    let (site, browser) = open("log.html?processname=talk:talk");
    talk(&site, "first words");
    browser.wait(&shows("first words"));
    browser.click(".tools button[aria-pressed]");
    talk(&site, "while paused");
    browser.wait("/Paused, .* came/.test(document.querySelector('.tools').innerText)");
    assert_eq!(browser.value(&shows("while paused")), false);
    browser.click(".tools button[aria-pressed]");
    browser.wait(&shows("while paused"));
}

#[test]
fn words_are_found_and_marked() {
    let (site, browser) = open("log.html?processname=talk:talk");
    for line in ["an ERROR here", "nothing", "another error"] {
        talk(&site, line);
    }
    browser.wait(&shows("another error"));
    browser.click(".tools input");
    browser.press("error");
    browser.wait("document.querySelector('.tools').innerText.includes('1 of 2')");
    assert_eq!(browser.value("CSS.highlights.get('found').size"), 2);
    browser.press("\u{e007}");
    browser.wait("document.querySelector('.current').innerText.includes('another error')");
    browser.press("x");
    browser.wait("document.querySelector('.tools').innerText.includes('nothing found')");
}

#[test]
fn older_lines_come_when_they_are_looked_for_and_newer_ones_again() {
    let (_site, browser) = open("log.html?processname=many:many");
    browser.wait(&shows("line 012000"));
    browser.run("document.querySelector('.log').scrollTop -= 200;");
    browser.wait("document.querySelector('.tools').innerText.includes('Not following')");
    let scroll = |to: &str, until: &str| {
        browser.run(&format!(
            "const log = document.querySelector('.log');
             for (let turn = 0; turn < 400 && !({until}); turn += 1) {{
               log.scrollTop = {to};
               await new Promise((done) => setTimeout(done, 25));
             }}"
        ));
        assert_eq!(browser.value(until), true, "{until}");
        let lines = browser.value("document.querySelectorAll('.ln').length");
        assert!(lines.as_i64().is_some_and(|lines| lines <= 5000), "{lines}");
    };
    let end_is = |line: &str, place: &str| {
        format!("document.querySelector('.log').{place}ElementChild.innerText.includes('{line}')")
    };
    scroll("0", &end_is("line 000001", "first"));
    scroll("log.scrollHeight", &end_is("line 012000", "last"));
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
}

#[test]
fn ends_are_jumped_to() {
    let (_site, browser) = open("log.html?processname=crash:crash&stream=stderr");
    browser.wait("document.querySelector('.tools select')?.options.length === 2");
    browser.run(
        "const ends = document.querySelector('.tools select');
         ends.selectedIndex = 1;
         ends.dispatchEvent(new Event('change'));",
    );
    browser.wait("document.querySelector('.marked')?.innerText.includes('going down')");
    browser.wait("document.querySelector('.link').dataset.link === 'still'");
    browser.click(".deeds button:nth-of-type(2)");
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
}

#[test]
fn a_flood_stays_small_and_says_what_it_skipped() {
    let (site, browser) = open("log.html?processname=flood:flood");
    site.daemon.ctl(Side::Ours, &["start", "flood"]);
    browser.wait("document.querySelectorAll('.ln').length > 1000");
    browser.wait("document.querySelector('.tools').innerText.includes('skipped')");
    for _ in 0..20 {
        let lines = browser.value("document.querySelectorAll('.ln').length");
        assert!(lines.as_i64().is_some_and(|lines| lines <= 5000), "{lines}");
    }
    // It does what it is told all the while.
    browser.click(".tools button[aria-pressed]");
    browser.wait("document.querySelector('.tools').innerText.includes('Paused')");
}
