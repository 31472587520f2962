//! The page of one program: what became of it, what it takes, and what can be done with it.

use provost_web_tests::{Browser, Site};

const PROGRAMS: &str = "\
[supervisord]
history=1m
[program:busy]
command=/bin/sh -c 'trap \"echo told by USR1\" USR1; echo ready; while :; do sleep 0.05; done'
startsecs=0
[program:failing]
command=/bin/sh -c 'echo \"first word\"; echo \"last <word>\" >&2; exit 7'
startsecs=0
autorestart=false
";

fn open(name: &str) -> (Site, Browser) {
    let site = Site::new(PROGRAMS);
    site.daemon.wait_state("busy", "RUNNING");
    site.daemon.wait_state("failing", "EXITED");
    let browser = site.look(&format!("program.html?processname={name}:{name}"));
    (site, browser)
}

#[test]
fn states_are_shown_for_an_hour_and_for_a_day() {
    let (_site, browser) = open("failing");
    browser.wait("document.querySelector('.timeline .end') !== null");
    let pressed = "document.querySelector('.chips [aria-pressed=true]').innerText";
    assert_eq!(browser.text(pressed), "Hour");
    // The left end of the axis is so long before now.
    let hours = |expected: u32| {
        format!(
            "(() => {{
               const [hour, minute] = document.querySelector('.axis span').innerText.split(':').map(Number);
               const now = new Date();
               const ago = (now.getHours() * 60 + now.getMinutes() - hour * 60 - minute + 1440) % 1440;
               return [{expected}, {expected} + 1].includes(ago);
             }})()"
        )
    };
    browser.wait(&hours(60));
    browser.click(".chips button:nth-child(2)");
    assert_eq!(browser.text(pressed), "Day");
    browser.wait(&hours(0));
    browser.wait("document.querySelector('.timeline .end') !== null");
    browser.click(".chips button:nth-child(1)");
    browser.wait(&hours(60));
}

#[test]
fn ends_are_listed_with_last_words() {
    let (_site, browser) = open("failing");
    browser.wait("document.querySelectorAll('details[data-at]').length === 1");
    browser.click("[data-verb=start]:enabled");
    browser.wait("document.querySelectorAll('details[data-at]').length === 2");
    let summary = browser.text("document.querySelector('details[data-at] summary').innerText");
    assert!(summary.contains("exit 7, unexpected"), "{summary}");
    // The last one is open by itself.
    let said = "[...document.querySelectorAll('details[data-at][open] pre')].map(({ innerText }) => innerText.trim()).join('|')";
    browser.wait(&format!(
        "{said} === 'last <word>|first word\\nfirst word' || {said} === 'last <word>|first word'"
    ));
    // One that was closed stays closed, and the other way round.
    let open = "[...document.querySelectorAll('details[data-at]')].map(({ open }) => Number(open)).join('')";
    browser.click("details[data-at] summary");
    browser.click("details[data-at]:nth-of-type(2) summary");
    browser.wait(&format!("{open} === '01'"));
    browser.click("[data-verb=start]:enabled");
    browser.wait(&format!("{open} === '101'"));
    // The words lead to their place in the log.
    browser.click("details[data-at][open] a");
    browser.wait("document.querySelector('.marked')?.innerText.includes('last <word>')");
}

#[test]
fn what_it_takes_is_drawn() {
    let (_site, browser) = open("busy");
    let plot = |place: u32| {
        format!(
            "(() => {{
               const plot = document.querySelectorAll('.plot')[{place}];
               return !plot.hidden && plot.querySelector('strong').innerText !== '–'
                 && plot.querySelector('.spark-line').getAttribute('d')?.startsWith('M');
             }})()"
        )
    };
    for place in 0..3 {
        browser.wait(&plot(place));
    }
    let numbers = browser.text("[...document.querySelectorAll('.plot strong')].map(({ innerText }) => innerText).join('|')");
    let parts: Vec<&str> = numbers.split('|').collect();
    assert!(parts[0].ends_with('%'), "{numbers}");
    assert!(parts[1].ends_with("iB"), "{numbers}");
    assert!(
        parts[2].parse::<u32>().is_ok_and(|count| count > 2),
        "{numbers}"
    );
}

#[test]
fn a_signal_arrives() {
    let (site, browser) = open("busy");
    browser.wait("document.querySelector('.state').dataset.state === 'RUNNING'");
    browser.run("document.querySelector('.pair select').value = 'USR1';");
    browser.click("[data-verb=signal]:enabled");
    browser.wait("document.querySelector('.toasts').innerText.includes('SIGUSR1 sent.')");
    browser.go(&site.url("log.html?processname=busy:busy"));
    browser.wait("document.querySelector('.log').innerText.includes('told by USR1')");
    // One that cannot be refused is asked first.
    browser.go(&site.url("program.html?processname=busy:busy"));
    browser.wait("document.querySelector('[data-verb=signal]:enabled') !== null");
    browser.run("document.querySelector('.pair select').value = 'KILL';");
    browser.click("[data-verb=signal]:enabled");
    browser.click("dialog .danger");
    browser.wait("document.querySelector('details[data-at]')?.innerText.includes('SIGKILL')");
}

#[test]
fn logs_are_cleared_after_a_question() {
    let (_site, browser) = open("failing");
    let log = || {
        let piece = "(await (await fetch('api/v1/processes/failing/failing/log?stream=stderr')).json()).size";
        browser.run(&format!("return {piece};")).as_u64()
    };
    assert_eq!(log(), Some(12));
    browser.click("[data-verb=clearlog]");
    browser.click("dialog .choice button:last-child");
    browser.wait("document.querySelector('dialog') === null");
    assert_eq!(log(), Some(12));
    browser.click("[data-verb=clearlog]");
    browser.click("dialog .danger");
    browser.wait("document.querySelector('.toasts').innerText.includes('Logs cleared.')");
    assert_eq!(log(), Some(0));
}
