//! What a person sees and does on the pages of one program, of a log and of supervisord.

use provost_e2e::Side;
use provost_web_tests::{Browser, Look, Site, violations};

const PROGRAMS: &str = "\
[program:one]
command=/bin/cat
startsecs=0
[program:crash]
command=/bin/sh -c 'echo \"going down <script>\" >&2; exit 3'
startsecs=0
autorestart=false
[program:talk]
command=/bin/sh -c 'printf \"\\033[31mred\\033[0m <script>x</script> \\377 end\\n\"; exec cat'
startsecs=0
[program:flood]
command=/bin/sh -c 'while :; do echo 0123456789012345678901234567890123456789; done'
startsecs=0
autostart=false
stdout_logfile_maxbytes=5MB
";

fn open(page: &str) -> (Site, Browser) {
    let site = Site::new(PROGRAMS);
    site.daemon.wait_state("crash", "EXITED");
    let browser = Browser::start();
    browser.go(&site.url(page));
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
    (site, browser)
}

#[test]
fn buttons_of_a_program_act() {
    let (site, browser) = open("program.html?processname=one:one");
    browser.wait("document.querySelector('.state').dataset.state === 'RUNNING'");
    browser.click("[data-verb=stop]:enabled");
    browser.wait("document.querySelector('.state').dataset.state === 'STOPPED'");
    site.daemon.wait_state("one", "STOPPED");
    browser.click("[data-verb=start]:enabled");
    browser.wait("document.querySelector('.state').dataset.state === 'RUNNING'");
    browser.click("[data-verb=signal]:enabled");
    browser.wait("document.querySelector('.toasts').innerText.includes('SIGHUP sent.')");
    browser.wait("document.body.innerText.includes('supervisord.conf:')");
}

#[test]
fn a_crash_is_told_with_its_last_words() {
    let (_site, browser) = open("program.html?processname=crash:crash");
    browser.wait("document.querySelector('details[data-at]') !== null");
    browser.click("details[data-at] summary");
    browser.wait(
        "document.querySelector('details[data-at]').innerText.includes('going down <script>')",
    );
    browser.wait(
        "document.querySelector('.timeline').getAttribute('aria-label').includes('Ends: exit 3')",
    );
}

#[test]
fn a_log_is_text_with_colours_and_its_lines_have_links() {
    let (site, browser) = open("log.html?processname=talk:talk");
    browser.wait("document.querySelector('.f1')?.textContent === 'red'");
    browser
        .wait("document.querySelector('.tx').innerText.includes('<script>x</script> \\ufffd end')");
    assert_eq!(
        browser.value("document.querySelectorAll('.log script').length"),
        0
    );
    browser.go(&site.url("log.html?processname=crash:crash&stream=stderr#byte=3"));
    browser.wait("document.querySelector('.marked')?.innerText.includes('going down')");
}

#[test]
fn a_flood_stays_small_and_says_what_it_skipped() {
    let (site, browser) = open("log.html?processname=flood:flood");
    site.daemon.ctl(Side::Ours, &["start", "flood"]);
    browser.wait("document.querySelectorAll('.ln').length > 1000");
    browser.wait("document.querySelector('.tools').innerText.includes('skipped')");
    browser.wait("document.querySelectorAll('.ln').length <= 5000");
}

#[test]
fn shutting_down_needs_the_typed_word() {
    let (_site, browser) = open("daemon.html");
    browser.click("[data-verb=reread]");
    browser.wait("document.body.innerText.includes('Nothing differs.')");
    browser.click("[data-verb=shutdown]");
    browser.wait("document.querySelector('dialog button.danger').disabled");
    browser.press("supervisor");
    browser.wait("!document.querySelector('dialog button.danger').disabled");
}

#[test]
fn a_checker_finds_nothing_on_any_page() {
    let (site, browser) = open("daemon.html");
    for page in [
        "program.html?processname=crash:crash",
        "log.html?processname=talk:talk",
        "daemon.html",
    ] {
        for look in [Look::DESK, Look::DARK, Look::PHONE] {
            browser.look(look);
            browser.go(&site.url(page));
            browser.wait("document.querySelector('.link').dataset.link === 'live'");
            browser.wait("document.querySelector('.facts dd, .ln') !== null");
            assert_eq!(
                violations(&browser),
                Vec::<String>::new(),
                "{page} {look:?}"
            );
            let wide = browser.value("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(wide, false, "{page} {look:?}");
            if let Some(folder) = std::env::var_os("PROVOST_PICTURES") {
                let name = format!(
                    "{}-{}-{}.png",
                    page.split('.').next().unwrap_or_default(),
                    look.width,
                    look.dark
                );
                browser.picture(&std::path::Path::new(&folder).join(name));
            }
        }
    }
}
