//! What a person sees on the overview, and does there.

#![expect(
    clippy::print_stdout,
    reason = "what was measured is for the person who reads the output"
)]

use provost_web_tests::{Browser, EXAMPLE, Look, Site};

/// Programs that can be acted on, quick to start and to stop.
const QUICK: &str = "\
[program:one]
command=/bin/cat
startsecs=0
[program:two]
command=/bin/cat
startsecs=0
autostart=false
[program:broken]
command=/no/such/binary
autostart=false
startretries=0
[program:web]
command=/bin/cat
startsecs=0
process_name=w%(process_num)s
numprocs=3
";

fn open(programs: &str) -> (Site, Browser) {
    let site = Site::new(programs);
    let browser = site.look("");
    (site, browser)
}

fn row(key: &str) -> String {
    format!("document.querySelector('[data-key=\"{key}\"]')")
}

fn button(key: &str, verb: &str) -> String {
    format!("[data-key=\"{key}\"] [data-verb={verb}]")
}

fn wait_state(browser: &Browser, key: &str, state: &str) {
    browser.wait(&format!("{}?.dataset.state === '{state}'", row(key)));
}

/// Processes in the order in which they are shown.
fn shown(browser: &Browser) -> String {
    browser
        .text("[...document.querySelectorAll('.rows .row')].map(row => row.dataset.key).join(' ')")
}

#[test]
fn buttons_of_a_row_act_and_say_how_it_went() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "one:one", "RUNNING");
    let first = site.daemon.wait_state("one", "RUNNING");
    browser.click(&button("one:one", "restart"));
    browser.wait("document.querySelector('.toasts')?.innerText.includes('one restarted.')");
    let second = site.daemon.wait_state("one", "RUNNING");
    assert_ne!(
        first.get("pid").unwrap().int(),
        second.get("pid").unwrap().int()
    );
    browser.click(&button("one:one", "stop"));
    wait_state(&browser, "one:one", "STOPPED");
    site.daemon.wait_state("one", "STOPPED");
    browser.click(&button("one:one", "start"));
    wait_state(&browser, "one:one", "RUNNING");
    browser.wait("document.querySelector('.toasts').innerText.includes('one started.')");
    assert!(
        browser
            .complaints()
            .iter()
            .all(|line| line.contains("api/v1/usage"))
    );
}

#[test]
fn what_fails_is_told_until_somebody_has_read_it() {
    let (_site, browser) = open(QUICK);
    browser.click(&button("broken:broken", "start"));
    browser.wait("document.querySelector('.toast.bad[role=alert]') !== null");
    let words = browser.text("document.querySelector('.toast.bad').innerText");
    assert!(
        words.contains("Failed: broken not started. The file of its command does not exist."),
        "{words}"
    );
    browser.click(".toast.bad button");
    browser.wait("document.querySelector('.toast') === null");
}

#[test]
fn a_group_is_stopped_after_a_question_and_started_without() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "web:w2", "RUNNING");
    browser.click(&button(" web", "stop"));
    browser.wait("document.querySelector('dialog[open]') !== null");
    let question = browser.text("document.querySelector('dialog[open]').innerText");
    assert!(
        question.contains("Stop group web, 3 programs?") && question.contains("web:w1"),
        "{question}"
    );
    browser.press("\u{e00c}");
    browser.wait(
        "document.querySelector('dialog') === null || !document.querySelector('dialog[open]')",
    );
    assert_eq!(
        browser.text(&format!("{}.dataset.state", row("web:w2"))),
        "RUNNING"
    );
    browser.click(&button(" web", "stop"));
    browser.click("dialog[open] button.danger");
    for name in ["web:w0", "web:w1", "web:w2"] {
        site.daemon.wait_state(name, "STOPPED");
        wait_state(&browser, name, "STOPPED");
    }
    browser.wait(&format!(
        "{}.innerText.includes('0 of 3 running, 3 stopped')",
        row(" web")
    ));
    browser.click(&button(" web", "start"));
    wait_state(&browser, "web:w1", "RUNNING");
    // A group can be folded.
    browser.click("[data-key=' web'] .fold");
    browser.wait(&format!("{} === null", row("web:w1")));
    browser.click("[data-key=' web'] .fold");
    browser.wait(&format!("{} !== null", row("web:w1")));
}

#[test]
fn everything_is_restarted_after_a_question() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "web:w2", "RUNNING");
    browser.run("document.querySelectorAll('.wide')[1].click()");
    browser.wait(
        "document.querySelector('dialog[open]')?.innerText.includes('Restart all 6 programs?')",
    );
    browser.click("dialog[open] button.main");
    site.daemon.wait_state("two", "RUNNING");
    // One of them cannot be started, and is named.
    browser.wait(
        "document.querySelector('.toast.bad')?.innerText.includes('1 of 6 programs not restarted')",
    );
    assert!(
        browser
            .text("document.querySelector('.toast.bad').innerText")
            .contains("broken")
    );
}

#[test]
fn several_are_selected_and_acted_on() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "web:w2", "RUNNING");
    browser.click("[data-key='one:one'] input");
    browser.click("[data-key='web:w1'] input");
    browser.wait("document.querySelector('.selection strong').textContent === '2 selected'");
    assert!(
        browser
            .value("document.querySelector('[data-key=\" web\"] input').indeterminate")
            .as_bool()
            .unwrap()
    );
    // What is not shown stays selected, and is told.
    browser.run("const f = document.getElementById('filter'); f.value = 'web'; f.dispatchEvent(new Event('input'))");
    browser.wait(
        "document.querySelector('.selection strong').textContent === '2 selected, 1 not shown'",
    );
    browser.click(".selection [data-verb=stop]");
    browser.wait("document.querySelector('dialog[open]')?.innerText.includes('Stop 2 programs?')");
    browser.click("dialog[open] button.danger");
    site.daemon.wait_state("one", "STOPPED");
    site.daemon.wait_state("web:w1", "STOPPED");
    site.daemon.wait_state("web:w0", "RUNNING");
    browser.wait("document.querySelector('.selection').hidden");
    // With shift, all between two.
    browser.run(
        "const box = key => document.querySelector(`[data-key='${key}'] input`);
         box('web:w0').click();
         box('web:w2').dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }))",
    );
    browser.wait("document.querySelector('.selection strong').textContent === '3 selected'");
}

#[test]
fn the_filter_looks_at_names_groups_and_states_and_stays_in_the_address() {
    let (site, browser) = open(EXAMPLE);
    wait_state(&browser, "mailer:mailer", "FATAL");
    browser.press("/");
    browser.press("worker_0");
    browser.wait("document.querySelectorAll('.rows .row').length === 9");
    browser.press(" fatal");
    browser.wait("document.querySelector('.nothing').innerText.includes('No program matches.')");
    assert!(
        browser.url().ends_with("#q=worker_0+fatal"),
        "{}",
        browser.url()
    );
    browser.press("\u{e00c}");
    browser.press("/");
    browser.press("fatal");
    browser.wait("document.querySelectorAll('.rows .row').length === 1");
    assert_eq!(shown(&browser), "mailer:mailer");
    browser.go(&site.url("?#state=FATAL"));
    browser.wait("document.querySelectorAll('.rows .row').length === 1");
    assert_eq!(shown(&browser), "mailer:mailer");
    browser.run("[...document.querySelectorAll('.chip')].find(chip => chip.textContent.startsWith('All')).click()");
    browser.wait("document.querySelectorAll('.rows .row').length > 15");
}

#[test]
fn columns_sort() {
    let (_site, browser) = open(EXAMPLE);
    wait_state(&browser, "mailer:mailer", "FATAL");
    wait_state(&browser, "report:report", "EXITED");
    let sort = |name: &str| browser.click(&format!(".head .c-{name} button"));
    sort("pid");
    browser.wait("document.querySelector('.c-pid[aria-sort=ascending]') !== null");
    browser.wait("document.querySelector('.group') === null");
    let pids = browser.value("[...document.querySelectorAll('.rows .c-pid')].map(cell => Number(cell.textContent)).filter(Boolean)");
    let pids: Vec<i64> = pids
        .as_array()
        .unwrap()
        .iter()
        .map(|pid| pid.as_i64().unwrap())
        .collect();
    assert!(pids.len() > 10 && pids.is_sorted(), "{pids:?}");
    sort("exit");
    browser.wait("['report:report', 'importer:importer'].includes(document.querySelector('.rows .row').dataset.key)");
    sort("name");
    browser.wait("document.querySelector('.rows .row.group')?.dataset.key === ' api'");
    assert!(shown(&browser).starts_with(" api api:api_00 api:api_01 api:api_02 importer:importer"));
    sort("name");
    browser.wait("document.querySelector('.rows .row').dataset.key === 'worker:worker_07'");
}

#[test]
fn keys_do_what_their_help_says() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "web:w2", "RUNNING");
    browser.press("?");
    browser.wait("document.querySelector('dialog.help').open");
    let help = browser.text("document.querySelector('dialog.help').innerText");
    for words in [
        "Filter",
        "Next row",
        "Start",
        "Stop",
        "Restart",
        "This help",
    ] {
        assert!(help.contains(words), "{help}");
    }
    browser.press("\u{e00c}");
    browser.wait("!document.querySelector('dialog.help').open");
    // broken, one, two, web, its three.
    browser.press("jj");
    browser.wait("document.activeElement.dataset.key === 'one:one'");
    browser.press("x");
    wait_state(&browser, "one:one", "STOPPED");
    browser.press("s");
    wait_state(&browser, "one:one", "RUNNING");
    let before = site.daemon.wait_state("one", "RUNNING");
    browser.press("r");
    browser.wait("document.querySelector('.toasts').innerText.includes('one restarted.')");
    let after = site.daemon.wait_state("one", "RUNNING");
    assert_ne!(
        before.get("pid").unwrap().int(),
        after.get("pid").unwrap().int()
    );
    browser.press(" ");
    browser.wait("document.querySelector('.selection strong').textContent === '1 selected'");
    browser.press("\u{e00c}");
    browser.wait("document.querySelector('.selection').hidden");
    browser.press("G");
    browser.wait("document.activeElement.dataset.key === 'web:w2'");
    browser.press("g");
    browser.wait("document.activeElement.dataset.key === 'broken:broken'");
    // Letters that are typed are letters.
    browser.press("/");
    browser.press("xsr");
    browser.wait("document.getElementById('filter').value === 'xsr'");
    site.daemon.wait_state("one", "RUNNING");
}

#[test]
fn rows_are_walked_and_opened_by_keys_alone() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "web:w2", "RUNNING");
    let at = |key: &str| browser.wait(&format!("document.activeElement.dataset.key === '{key}'"));
    // broken, one, two, web, its three.
    browser.press("jj");
    at("one:one");
    browser.press("k");
    at("broken:broken");
    // Arrows do the same once a row has the focus.
    browser.press("\u{e015}\u{e015}\u{e015}");
    at(" web");
    browser.press("\u{e013}");
    at("two:two");
    browser.press("j");
    // Enter folds a group, and opens it again.
    browser.press("\u{e007}");
    browser.wait(&format!("{} === null", row("web:w0")));
    browser.press("\u{e007}");
    browser.wait(&format!("{} !== null", row("web:w0")));
    at(" web");
    // Both keys select, a group as a whole; the same key takes it back.
    let words = |words: &str| {
        browser.wait(&format!(
            "document.querySelector('.selection strong').textContent === '{words}'"
        ));
    };
    browser.press("v");
    words("3 selected");
    browser.press("gv");
    words("4 selected");
    browser.press("v");
    words("3 selected");
    browser.press("a");
    words("6 selected");
    browser.press("\u{e00c}");
    browser.wait("document.querySelector('.selection').hidden");
    // Keys act on what is selected, and ask before they interrupt several.
    browser.press("Gvkv");
    words("2 selected");
    browser.press("x");
    browser.wait("document.querySelector('dialog[open]')?.innerText.includes('Stop 2 programs?')");
    browser.press("\u{e007}");
    wait_state(&browser, "web:w1", "STOPPED");
    wait_state(&browser, "web:w2", "STOPPED");
    // A second Esc shows all again.
    browser.press("/web");
    browser.wait("document.querySelectorAll('.rows .row').length === 4");
    browser.press("\u{e007}");
    at("web:w1");
    browser.press("\u{e00c}");
    browser.wait("document.querySelectorAll('.rows .row').length === 7");
    // The filter has the focus then; Esc leaves it.
    browser.press("\u{e00c}");
    browser.press("g\u{e015}");
    at("one:one");
    browser.press("l");
    browser.wait("location.pathname.endsWith('log.html') && location.search.includes('processname=one%3Aone')");
    browser.go(&site.url(""));
    wait_state(&browser, "one:one", "RUNNING");
    browser.press("jj");
    at("one:one");
    browser.press("\u{e007}");
    browser.wait("location.pathname.endsWith('program.html')");
}

#[test]
fn what_others_do_is_seen_at_once_and_nothing_moves() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "one:one", "RUNNING");
    browser.look(Look {
        height: 260,
        ..Look::DESK
    });
    browser.run(
        "window.scrollTo(0, 60); window.kept = document.querySelector('[data-key=\"one:one\"]')",
    );
    browser.run(
        "window.seen = [];
         new MutationObserver(() => seen.push([kept.dataset.state, performance.timeOrigin + performance.now()]))
           .observe(kept, { attributes: true, attributeFilter: ['data-state'] })",
    );
    let rpc = site.daemon.rpc();
    let mut late = Vec::new();
    for round in 0..20 {
        rpc.call("supervisor.stopProcess", &["one".into()]);
        browser.wait(&format!(
            "seen.filter(([state]) => state === 'STOPPED').length === {}",
            round + 1
        ));
        let happened = browser.run(
            "const all = await (await fetch('api/v1/processes')).json();
             return all.processes.find(({ name }) => name === 'one').since",
        );
        let seen = browser.value("seen.findLast(([state]) => state === 'STOPPED')[1]");
        late.push(seen.as_f64().unwrap() - happened.as_f64().unwrap());
        rpc.call("supervisor.startProcess", &["one".into()]);
        browser.wait("seen.at(-1)[0] === 'RUNNING'");
    }
    late.sort_by(f64::total_cmp);
    println!(
        "from the change to the screen, in milliseconds: median {:.1}, longest {:.1}",
        late[10], late[19]
    );
    assert!(late[10] < 100.0, "{late:?}");
    // The same row is in the same place.
    assert_eq!(browser.value("window.scrollY").as_f64(), Some(60.0));
    assert_eq!(
        browser
            .value("kept === document.querySelector('[data-key=\"one:one\"]')")
            .as_bool(),
        Some(true)
    );
}

#[test]
fn programs_come_and_go_and_a_lost_connection_is_told() {
    let (site, browser) = open(QUICK);
    wait_state(&browser, "one:one", "RUNNING");
    let rpc = site.daemon.rpc();
    rpc.call("supervisor.stopProcess", &["one".into()]);
    rpc.call("supervisor.removeProcessGroup", &["one".into()]);
    browser.wait(&format!("{} === null", row("one:one")));
    rpc.call("supervisor.addProcessGroup", &["one".into()]);
    browser.wait(&format!("{} !== null", row("one:one")));
    let url = site.url("");
    drop(site);
    browser.wait(
        "document.querySelector('.link').innerText.includes('Connection lost, trying again')",
    );
    assert!(browser.url().starts_with(&url));
    browser.click(&button("broken:broken", "start"));
    browser.wait(
        "document.querySelector('.toast.bad')?.innerText.includes('supervisord does not answer.')",
    );
}

#[test]
fn with_nothing_configured_the_page_says_what_to_do() {
    let (_site, browser) = open("");
    browser.wait("document.querySelector('.nothing').innerText.includes('No programs to manage')");
    assert_eq!(
        browser
            .value("document.querySelector('.list').hidden")
            .as_bool(),
        Some(true)
    );
}

#[test]
fn s07_hostile_names_are_text() {
    let (_site, browser) = open(
        "[program:<img/src=x]\ncommand=/bin/cat\n[program:\"'><script>alert(1)</script>]\ncommand=/bin/cat\n\
         [program:a&b]\ncommand=/bin/cat\nprocess_name=<b>%(process_num)s\nnumprocs=2\n"
            .replace("img/", "img_").replace("</script>", "<_script>").as_str(),
    );
    browser.wait("document.querySelectorAll('.rows .row').length === 5");
    assert_eq!(
        browser
            .value("document.querySelectorAll('img, b, #app script, .rows i').length")
            .as_i64(),
        Some(0)
    );
    assert!(
        browser
            .text("document.querySelector('.rows').innerText")
            .contains("\"'><script>alert(1)<_script>")
    );
    browser.run(
        "for (const node of document.querySelectorAll('.rows [data-verb=restart]')) node.click()",
    );
    browser.wait("document.querySelector('dialog[open], .toast') !== null");
    assert_eq!(
        browser
            .value("document.querySelectorAll('img, b, #app script, .toasts i').length")
            .as_i64(),
        Some(0)
    );
    // Even a script of ours that made a mistake could not make markup.
    let refused = browser.run("try { document.body.innerHTML = '<b>'; return 'made'; } catch (error) { return error.name; }");
    assert_eq!(refused, "TypeError");
}
