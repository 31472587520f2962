//! What a person sees and does on the page of supervisord, and what pages say while it does not answer.

use rustix::process::Signal;

use provost_e2e::Hang;
use provost_web_tests::{Browser, Look, Site, violations};

const ONE: &str = "[program:one]\ncommand=/bin/cat\nstartsecs=0\n";

fn open(more: &str) -> (Site, Browser) {
    let site = Site::new(&format!("{more}{ONE}"));
    site.daemon.wait_state("one", "RUNNING");
    let browser = site.look("daemon.html");
    browser.wait("document.querySelector('.facts dd') !== null");
    (site, browser)
}

fn pid_of_one(site: &Site) -> i64 {
    let info = site.daemon.wait_state("one", "RUNNING");
    info.get("pid").expect("it has a pid").int()
}

/// Writes more into the configuration; the number of the first line of it.
fn append(site: &Site, text: &str) -> usize {
    let config = site.daemon.config();
    let before = std::fs::read_to_string(&config).expect("it is there");
    std::fs::write(&config, format!("{before}\n{text}")).expect("it can be written");
    before.lines().count() + 2
}

const BROKEN: &str = "[program:bad]\ncommand=/bin/cat\nnumprocs=<b>x</b>\nstartsecz=1\n";

#[test]
fn what_is_to_be_mended_is_told_with_its_place() {
    let (site, browser) = open("");
    let before = pid_of_one(&site);
    let first = append(&site, BROKEN);
    let place = format!("supervisord.conf:{}:10", first + 2);
    for verb in ["reread", "update"] {
        browser.go(&site.url("daemon.html"));
        browser.click(&format!("[data-verb={verb}]"));
        browser.wait("document.querySelector('.findings') !== null");
        let told = browser.text("document.querySelector('.findings').innerText");
        for words in [&place, "<b>x</b>", "startsecs"] {
            assert!(told.contains(words), "{verb}: {words}: {told}");
        }
        browser.wait(
            "document.querySelector('.findings .wrong .bad').textContent.startsWith('Error C009:')",
        );
        assert_eq!(violations(&browser), [""; 0], "{verb}");
    }
    assert_eq!(pid_of_one(&site), before);
}

#[test]
fn its_log_and_its_figures_go_on_by_themselves() {
    let (site, browser) = open("");
    browser.wait("document.querySelector('section[aria-label=Log] pre').innerText.includes('spawned: \\'one\\'')");
    browser.run("window.first = document.querySelector('section[aria-label=Log] pre').textContent");
    let rpc = site.daemon.rpc();
    rpc.call("supervisor.stopProcess", &["one".into()]);
    browser.wait(
        "document.querySelector('section[aria-label=Log] pre').innerText.includes('stopped: one')",
    );
    // Nothing was told twice.
    assert_eq!(
        browser.value(
            "document.querySelector('section[aria-label=Log] pre').textContent.startsWith(first)"
        ),
        true
    );
    let fact = |word: &str| {
        format!(
            "[...document.querySelectorAll('.facts div')].find(one => one.textContent.startsWith('{word}')).lastChild.textContent"
        )
    };
    browser.wait(&format!("{} === 'RUNNING'", fact("State")));
    browser.wait(&format!("{}.endsWith('%')", fact("CPU")));
    let uptime = browser.text(&fact("Uptime"));
    browser.wait(&format!("{} !== '{uptime}'", fact("Uptime")));
    // The log is followed and the figures are asked for now and then.
    let asked = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('api/v1/log?')).length";
    assert_eq!(browser.value(asked), 0);
}

/// Types the identifier into the question that is open, and answers it with yes.
fn confirm(browser: &Browser) {
    browser.wait("document.querySelector('dialog[open] button.danger').disabled");
    browser.press("supervisor");
    browser.wait("!document.querySelector('dialog[open] button.danger').disabled");
    browser.click("dialog[open] button.danger");
}

#[test]
fn a_restart_is_confirmed_and_the_page_comes_back_by_itself() {
    let (site, browser) = open("");
    let before = pid_of_one(&site);
    browser.run(
        "window.kept = true;
         window.links = [];
         const link = document.querySelector('.link');
         new MutationObserver(() => links.push(link.dataset.link)).observe(link, { attributes: true })",
    );
    browser.click("[data-verb=restart]");
    // Another word does nothing, and leaving does nothing.
    browser.press("super");
    browser.wait("document.querySelector('dialog[open] button.danger').disabled");
    browser.press("\u{e00c}");
    browser.wait("document.querySelector('dialog[open]') === null");
    assert_eq!(pid_of_one(&site), before);
    browser.click("[data-verb=restart]");
    confirm(&browser);
    browser.wait("document.querySelector('.toasts').innerText.includes('was started anew and answers again.')");
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
    assert_eq!(browser.value("kept && links.includes('lost')"), true);
    assert_ne!(pid_of_one(&site), before);
}

#[test]
fn a_shutdown_is_confirmed_and_told() {
    let (mut site, browser) = open("");
    browser.click("[data-verb=shutdown]");
    confirm(&browser);
    browser.wait("document.querySelector('.toasts').innerText.includes('supervisord has ended.')");
    browser.wait("document.querySelector('.parts').innerText.includes('This page goes on when somebody starts it.')");
    browser.wait("document.querySelector('.link').dataset.link === 'lost'");
    assert_eq!(site.daemon.wait_end(), Some(0));
}

#[test]
fn a_supervisord_that_hangs_is_told_of_and_comes_back() {
    let site = Site::new(ONE);
    let browser = site.look("");
    let row = "document.querySelector('[data-key=\"one:one\"]').dataset.state";
    browser.wait(&format!("{row} === 'RUNNING'"));
    site.daemon.signal(Signal::STOP);
    browser.wait(
        "document.querySelector('.link').innerText === 'Connection lost, trying again: supervisord does not answer'",
    );
    browser.wait("document.body.classList.contains('stale')");
    site.daemon.signal(Signal::CONT);
    browser.wait("document.querySelector('.link').innerText === 'Live'");
    browser.wait("!document.body.classList.contains('stale')");
    site.daemon
        .rpc()
        .call("supervisor.stopProcess", &["one".into()]);
    browser.wait(&format!("{row} === 'STOPPED'"));
}

#[test]
fn a_control_thread_that_hangs_is_told_of_and_comes_back() {
    let site = Site::new(ONE);
    let browser = site.look("");
    let row = "document.querySelector('[data-key=\"one:one\"]').dataset.state";
    browser.wait(&format!("{row} === 'RUNNING'"));
    let hang = Hang::of_control(&site.daemon);
    browser.wait(
        "/^supervisord hangs: it has not answered since \\d\\d:\\d\\d:\\d\\d$/.test(document.querySelector('.link').innerText)",
    );
    browser.wait("document.body.classList.contains('stale')");
    drop(hang);
    browser.wait("document.querySelector('.link').innerText === 'Live'");
    browser.wait("!document.body.classList.contains('stale')");
    site.daemon
        .rpc()
        .call("supervisor.stopProcess", &["one".into()]);
    browser.wait(&format!("{row} === 'STOPPED'"));
}

#[test]
fn without_scripts_it_is_facts_and_forms() {
    let site = Site::new(ONE);
    let before = pid_of_one(&site);
    let browser = Browser::without_scripts();
    browser.go(&site.url("daemon.html"));
    for words in ["State", "RUNNING", "supervisord.conf", "spawned: 'one'"] {
        browser.wait(&format!(
            "document.querySelector('.plain')?.innerText.includes(\"{words}\")"
        ));
    }
    browser.wait("document.getElementById('app')?.checkVisibility() === false");
    append(&site, "[program:extra]\ncommand=/bin/cat\nstartsecs=0\n");
    browser.click("[value=reread]");
    browser.wait("document.getElementById('told')?.innerText.includes('add extra')");
    browser.click("[value=update]");
    browser.wait("document.getElementById('told')?.innerText.includes('added: extra')");
    site.daemon.wait_state("extra", "RUNNING");
    let first = append(&site, BROKEN);
    browser.click("[value=reread]");
    let place = format!("supervisord.conf:{}:10: error C009", first + 2);
    browser.wait(&format!(
        "document.getElementById('told')?.innerText.includes('{place}')"
    ));
    for look in [Look::DESK, Look::DARK, Look::PHONE] {
        browser.look(look);
        browser.wait("document.documentElement.scrollWidth <= innerWidth");
    }
    browser.look(Look::DESK);
    // The browser itself wants a word; supervisord wants the right one.
    browser.click("#word");
    browser.press("another");
    browser.click("[value=shutdown]");
    browser.wait("document.body?.innerText.includes('is not the identifier of this supervisord')");
    browser.click("a[href='daemon.html?plain=1']");
    assert_eq!(pid_of_one(&site), before);
    browser.click("#word");
    browser.press("supervisor");
    browser.click("[value=restart]");
    browser.wait("document.querySelector('.status_msg')?.innerText.startsWith('ERROR: the configuration was refused.')");
    assert_eq!(pid_of_one(&site), before);
    browser.click("#word");
    browser.press("supervisor");
    browser.click("[value=shutdown]");
    browser.wait(
        "document.querySelector('.status_msg')?.innerText.includes('stops all programs and ends')",
    );
}

#[test]
fn many_programs_are_a_table_without_scripts() {
    let site = Site::new(
        "[program:idle]\ncommand=/bin/cat\nautostart=false\nnumprocs=60\nprocess_name=p%(process_num)03d\n",
    );
    let browser = Browser::without_scripts();
    browser.go(&site.url("?message=Hello%20there"));
    browser.wait("document.querySelectorAll('.plain td.status').length === 60");
    browser.wait("document.querySelector('.status_msg')?.innerText === 'Hello there'");
    assert!(browser.url().contains("?plain=1"), "{}", browser.url());
    browser.click("[formaction='index.html?processname=idle%3Ap001&action=start']");
    browser
        .wait("document.querySelector('.status_msg')?.innerText === 'Process idle:p001 started'");
}
