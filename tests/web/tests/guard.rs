//! What is refused, and what works behind a reverse proxy.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use provost_web_tests::{Browser, Proxy, Site};

const ONE: &str = "[program:one]\ncommand=/bin/cat\nstartsecs=0\n";

/// A page of another site: whatever asks gets it. Its address.
fn elsewhere(page: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it listens").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://other.example:{port}/")
}

#[test]
fn s04_pages_of_other_sites_change_nothing() {
    let site = Site::new(ONE);
    let pid = |site: &Site| {
        site.daemon
            .wait_state("one", "RUNNING")
            .get("pid")
            .unwrap()
            .int()
    };
    let before = pid(&site);
    let browser = Browser::start();
    let form = format!(
        "<form id=f method=post action='{}'><input name=x value=y></form><script>f.submit()</script>",
        site.url("index.html?processname=one&action=stop")
    );
    browser.go(&elsewhere(form));
    browser.wait("document.body.innerText.includes('Refused')");
    let link = format!(
        "<a id=a href='{}'>x</a>",
        site.url("index.html?processname=one&action=restart")
    );
    browser.go(&elsewhere(link));
    browser.click("#a");
    browser.wait("document.body.innerText.includes('Refused')");
    // The JSON interface, as far as a page can reach it without asking, and with asking.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json",
    ] {
        let page = format!(
            "<script>fetch('{}', {{method: 'POST', mode: '{}', headers: {{'Content-Type': '{kind}'}}, body: '{{}}'}})
               .then(r => document.title = 'answered ' + r.type, () => document.title = 'failed')</script>",
            site.url("api/v1/processes/one/one/stop"),
            if kind == "application/json" { "cors" } else { "no-cors" },
        );
        browser.go(&elsewhere(page));
        browser.wait("document.title.startsWith('answered opaque') || document.title === 'failed'");
    }
    // What it may not read.
    let page = format!(
        "<script>fetch('{}').then(() => document.title = 'read', () => document.title = 'failed')</script>",
        site.url("api/v1/processes")
    );
    browser.go(&elsewhere(page));
    browser.wait("document.title === 'failed'");
    // Nor may it put ours into a frame.
    browser.go(&elsewhere(format!(
        "<iframe src='{}'></iframe>",
        site.url("")
    )));
    let complaints = browser.complaints().concat();
    assert!(complaints.contains("frame-ancestors"), "{complaints}");
    assert_eq!(pid(&site), before);
}

#[test]
fn s04_a_name_that_was_made_to_point_here_is_refused() {
    let site = Site::new(ONE);
    let browser = Browser::start();
    browser.go(&format!("http://rebound.example:{}/", site.port));
    browser.wait("document.body.innerText.includes('allowed_hosts')");
    site.daemon.wait_state("one", "RUNNING");
}

/// All that the pages do, under a path of somebody else's.
fn used_behind(proxy: &Proxy, site: &Site) {
    let browser = Browser::start();
    browser.go(&proxy.url(""));
    browser.wait("document.querySelector('[data-key=\"one:one\"]')?.dataset.state === 'RUNNING'");
    browser.wait("document.querySelector('.link').dataset.link === 'live'");
    browser.click("[data-key='one:one'] [data-verb=stop]");
    site.daemon.wait_state("one", "STOPPED");
    browser.wait("document.querySelector('[data-key=\"one:one\"]').dataset.state === 'STOPPED'");
    let plain = Browser::without_scripts();
    plain.go(&proxy.url("index.html"));
    plain.click("[formaction='index.html?processname=one&action=start']");
    plain.wait("document.querySelector('.status_msg')?.innerText === 'Process one started'");
    assert!(plain.url().starts_with(&proxy.url("")), "{}", plain.url());
    site.daemon.wait_state("one", "RUNNING");
}

#[test]
fn under_a_path_of_a_proxy_that_passes_the_name_on() {
    let site = Site::new(ONE);
    let lines = "proxy_set_header Host $http_host;\nproxy_set_header X-Forwarded-Prefix /ops/sup;";
    used_behind(&Proxy::start(&site, lines), &site);
}

#[test]
fn under_a_path_of_a_proxy_that_rewrites_redirects() {
    let site = Site::with("allowed_hosts=127.0.0.1", ONE);
    let lines = "proxy_set_header Host $http_host;\nproxy_redirect http://$http_host/ /ops/sup/;";
    used_behind(&Proxy::start(&site, lines), &site);
}

#[test]
fn a_viewer_sees_no_buttons() {
    let site = Site::with(
        "",
        &format!("{ONE}[user:watcher]\npassword=secret\nrole=viewer\n"),
    );
    let browser = Browser::start();
    browser.go(&site.url("").replace("http://", "http://watcher:secret@"));
    browser.wait("document.querySelector('[data-key=\"one:one\"]') !== null");
    assert_eq!(
        browser
            .value("document.querySelectorAll('[data-verb], .wide, [href^=\"log.html\"]').length")
            .as_i64(),
        Some(0)
    );
}
