//! What a person sees and does on the pages of one program and of supervisord; what all pages have to keep.

use provost_e2e::Side;
use provost_web_tests::{Browser, Look, SPEAKING, Site, violations};

const PROGRAMS: &str = "\
[program:one]
command=/bin/cat
startsecs=0
";

fn open(page: &str) -> (Site, Browser) {
    let site = Site::new(&format!("{SPEAKING}{PROGRAMS}"));
    site.daemon.wait_state("crash", "EXITED");
    let browser = site.look(page);
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
    browser.wait(
        "document.querySelector('details[data-at]').innerText.includes('going down <script>')",
    );
    browser.wait(
        "document.querySelector('.timeline').getAttribute('aria-label').includes('Ends: exit 3')",
    );
}

#[test]
fn a_plan_is_shown_before_it_is_carried_out() {
    let (site, browser) = open("daemon.html");
    let config = site.daemon.config();
    let before = std::fs::read_to_string(&config).expect("it is there");
    let more = "[program:extra]\ncommand=/bin/cat\nstartsecs=0\n";
    std::fs::write(&config, format!("{before}\n{more}")).expect("it can be written");
    browser.click("[data-verb=reread]");
    browser.wait("document.querySelector('.parts').innerText.includes('extra')");
    assert!(
        !site
            .daemon
            .ctl(Side::Ours, &["status"])
            .stdout
            .contains("extra")
    );
    browser.click("[data-verb=update]");
    browser.wait("document.querySelector('.parts').innerText.includes('added: extra')");
    site.daemon.wait_state("extra", "RUNNING");
    std::fs::write(&config, format!("{before}\n[program:bad]\nnumprocs=x\n"))
        .expect("it can be written");
    browser.click("[data-verb=reread]");
    browser.wait(
        "document.querySelector('.parts').innerText.includes('The configuration was refused.')",
    );
    browser.wait("document.querySelector('.findings').innerText.includes('supervisord.conf:')");
}

#[test]
fn a_viewer_sees_what_is_and_no_buttons() {
    let user = "[user:watcher]\npassword=secret\nrole=viewer\n";
    let site = Site::with("", &format!("{PROGRAMS}{user}"));
    let browser = Browser::start();
    for page in ["program.html?processname=one:one", "daemon.html"] {
        let url = site.url(page).replace("http://", "http://watcher:secret@");
        browser.go(&url);
        browser.wait("document.querySelector('.facts dd') !== null");
        let deeds = "document.querySelectorAll('[data-verb], [href^=\"log.html\"]').length";
        assert_eq!(browser.value(deeds), 0, "{page}");
    }
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
        }
    }
}
