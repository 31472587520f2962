//! Pictures of the pages, for the documentation: `cargo xtask screenshots`.

use std::path::PathBuf;

use provost_web_tests::{Browser, EXAMPLE, Look, Site};

/// A page: the name of its pictures, its address, what must be true before they are taken.
const PAGES: &[(&str, &str, &str)] = &[
    (
        "overview",
        "",
        "document.querySelector('[data-key=\"mailer:mailer\"]')?.dataset.state === 'FATAL' &&
         document.querySelector('[data-key=\"scheduler:scheduler\"] .spark-line').getAttribute('d')?.length > 60",
    ),
    (
        "program",
        "program.html?processname=importer",
        "document.querySelectorAll('details[data-at]').length > 3 && document.querySelector('.timeline') !== null",
    ),
    (
        "log",
        "log.html?processname=api:api_00",
        "document.querySelectorAll('.ln').length > 30",
    ),
    (
        "daemon",
        "daemon.html",
        "document.querySelector('.parts table, .parts pre')?.textContent.length > 200",
    ),
    (
        "plain",
        "?plain=1",
        "document.querySelector('.plain tbody') !== null",
    ),
    (
        "plain-daemon",
        "daemon.html?plain=1",
        "document.querySelector('.plain .told') !== null",
    ),
];

const LOOKS: &[(&str, Look)] = &[
    ("light", Look::DESK),
    ("dark", Look::DARK),
    ("phone", Look::PHONE),
];

#[test]
#[ignore = "it writes files into the documentation"]
fn pictures() {
    let folder = std::env::var_os("PROVOST_SCREENSHOTS").expect("it names the folder");
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("it can be written to");
    let site = Site::new(EXAMPLE);
    let browser = Browser::start();
    for (page, address, ready) in PAGES {
        for (name, look) in LOOKS {
            browser.look(*look);
            browser.go(&site.url(address));
            browser.wait(ready);
            browser.picture(&folder.join(format!("{page}-{name}.png")));
        }
    }
}
