//! How fast the pages are, and how they stay with many programs.

#![expect(
    clippy::print_stdout,
    reason = "what was measured is for the person who reads the output"
)]

use provost_web_tests::{Browser, Site};

fn idle(count: usize) -> String {
    format!(
        "minfds=1024\n[program:idle]\ncommand=/bin/cat\nautostart=false\nnumprocs={count}\nprocess_name=%(program_name)s_%(process_num)05d\n"
    )
}

#[test]
fn five_thousand_programs_stay_fluid() {
    let site = Site::new(&idle(5000));
    let browser = Browser::start();
    browser.go(&site.url(""));
    browser.wait("document.querySelectorAll('.rows .row').length > 10");
    // Only what is seen is in the document.
    let nodes = browser.value("document.querySelectorAll('.rows .row').length");
    assert!(nodes.as_i64().unwrap() < 80, "{nodes}");
    let frames = browser.run(
        "const times = [];
         let last = performance.now();
         const end = document.documentElement.scrollHeight - innerHeight;
         for (let step = 0; step <= 120; step += 1) {
           window.scrollTo(0, end * step / 120);
           await new Promise(requestAnimationFrame);
           const now = performance.now();
           times.push(now - last);
           last = now;
         }
         times.sort((a, b) => a - b);
         return [times[60], times[114], times[120]]",
    );
    println!(
        "frames while all 5000 pass by, in milliseconds: median, 95 of 100, longest: {frames}"
    );
    assert!(frames[0].as_f64().unwrap() < 150.0, "{frames}");
    browser.wait("document.querySelector('[data-key=\"idle:idle_04999\"]') !== null");
    let typed = browser.run(
        "const field = document.getElementById('filter');
         const begun = performance.now();
         field.value = 'idle_0123';
         field.dispatchEvent(new Event('input'));
         while (document.querySelectorAll('.rows .row').length !== 11) await new Promise(requestAnimationFrame);
         return performance.now() - begun",
    );
    println!("filtered in {typed} ms");
    assert!(typed.as_f64().unwrap() < 500.0, "{typed}");
}

#[test]
fn a_thousand_programs_are_there_at_once() {
    let site = Site::new(&idle(1000));
    let browser = Browser::start();
    let mut times = Vec::new();
    for _ in 0..7 {
        browser.go("about:blank");
        browser.go(&site.url(""));
        browser.wait("performance.getEntriesByName('drawn').length > 0");
        times.push(
            browser
                .value("performance.getEntriesByName('drawn')[0].startTime")
                .as_f64()
                .unwrap(),
        );
    }
    times.sort_by(f64::total_cmp);
    println!("first rows drawn after the navigation began, in milliseconds: {times:.0?}");
    // A release build takes a fraction of that.
    assert!(times[3] < 1000.0, "{times:?}");
}
