//! Who can use the pages: with a keyboard or a screen reader, on a phone, at night, without scripts.

use provost_web_tests::{Browser, EXAMPLE, Look, Site, violations};

fn open(site: &Site, browser: &Browser) {
    browser.go(&site.url(""));
    browser
        .wait("document.querySelector('[data-key=\"mailer:mailer\"]')?.dataset.state === 'FATAL'");
}

#[test]
fn a_checker_finds_nothing_to_complain_about() {
    let site = Site::new(EXAMPLE);
    let browser = Browser::start();
    for look in [
        Look::DESK,
        Look::DARK,
        Look::PHONE,
        Look {
            dark: true,
            ..Look::PHONE
        },
    ] {
        browser.look(look);
        open(&site, &browser);
        assert_eq!(violations(&browser), [""; 0], "{look:?}");
        // With all that can be on the page at once.
        browser.click("[data-key='mailer:mailer'] [data-verb=start]");
        browser.click("[data-key='api:api_01'] label");
        browser.wait("document.querySelector('.toast.bad') !== null");
        // What appears slowly has its colours when it is there.
        browser.wait("document.getAnimations().every(({ playState }) => playState === 'finished')");
        assert_eq!(violations(&browser), [""; 0], "{look:?}, selected");
        browser.press("x");
        browser.press("?");
        browser.wait("document.querySelector('dialog[open]') !== null || document.querySelector('[aria-busy=true]') !== null");
        assert_eq!(violations(&browser), [""; 0], "{look:?}, asked");
        browser.go("about:blank");
    }
    for page in [
        "?plain=1&message=Process%20x%20started",
        "tail.html?processname=legacy",
        "index.html?action=stopall",
    ] {
        for look in [Look::DESK, Look::DARK, Look::PHONE] {
            browser.look(look);
            // A page of nowhere asks for the third, which is refused with a page.
            browser.go("data:text/html,<a>");
            browser.go(&site.url(page));
            assert_eq!(violations(&browser), [""; 0], "{page} {look:?}");
        }
    }
}

#[test]
fn a_phone_shows_all_of_it_in_its_width() {
    let site = Site::new(EXAMPLE);
    let browser = Browser::start();
    for width in [320, 360, 390, 600, 800, 1100] {
        browser.look(Look {
            width,
            ..Look::PHONE
        });
        open(&site, &browser);
        let over = browser.value("document.documentElement.scrollWidth - innerWidth");
        assert!(over.as_i64().unwrap() <= 0, "{width}: {over} too wide");
        // Buttons can be hit with a finger.
        let low = browser.value(
            "Math.min(...[...document.querySelectorAll('.rows .c-acts button:not([hidden]), .rows label')].map(node => node.getBoundingClientRect().height))",
        );
        assert!(
            width > 700 || low.as_f64().unwrap() >= 24.0,
            "{width}: {low}"
        );
    }
}

#[test]
fn states_differ_in_sign_and_word() {
    let site = Site::new(EXAMPLE);
    let browser = Browser::start();
    open(&site, &browser);
    let signs = browser.text(
        "[...new Map([...document.querySelectorAll('.rows .row[data-state]')].map(row =>
           [row.querySelector('.state').textContent, row.querySelector('.state path').getAttribute('d')])).values()].length + ' of ' +
           new Set([...document.querySelectorAll('.rows .row[data-state]')].map(row => row.querySelector('.state path').getAttribute('d'))).size",
    );
    let (words, paths) = signs.split_once(" of ").unwrap();
    assert_eq!(words, paths);
    assert!(words.parse::<u32>().unwrap() >= 3, "{signs}");
}

#[test]
fn without_scripts_the_page_is_a_table_with_forms() {
    let site = Site::new(
        "[program:one]\ncommand=/bin/cat\nstartsecs=0\n[program:two]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n",
    );
    site.daemon.wait_state("one", "RUNNING");
    let browser = Browser::without_scripts();
    browser.go(&site.url(""));
    browser.wait("document.querySelector('.plain table') !== null");
    assert_eq!(
        browser.text("getComputedStyle(document.getElementById('app')).display"),
        "none"
    );
    browser.click("[formaction='index.html?processname=one&action=stop']");
    browser.wait("document.querySelector('.status_msg')?.innerText === 'Process one stopped'");
    site.daemon.wait_state("one", "STOPPED");
    browser.click("[formaction='index.html?processname=two&action=start']");
    browser.wait("document.querySelector('.status_msg')?.innerText === 'Process two started'");
    site.daemon.wait_state("two", "RUNNING");
    browser.click("[formaction='index.html?action=restartall']");
    browser
        .wait("document.querySelector('.status_msg')?.innerText.startsWith('All restarted at ')");
    browser.click("a[href='tail.html?processname=one']");
    browser.look(Look::PHONE);
    browser.go(&site.url(""));
    browser.wait("document.documentElement.scrollWidth <= innerWidth");
}
