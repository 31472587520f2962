//! Numbers of events over the ends of supervisord, in order and not.

use provost_e2e::{Daemon, PATIENCE, Place, Side, Start, python, scripts, wait_until};
use rustix::process::Signal;

/// A pool whose listener writes down the numbers of each event before it answers.
fn ear(name: &str, keys: &str) -> String {
    format!(
        "[eventlistener:{name}]\ncommand={} {}/counter.py %(here)s/{name}.seen\nstartsecs=0\n{keys}\n",
        python().display(),
        scripts().display()
    )
}

/// The global number and the number within the pool of each event that a listener has seen, by its pool.
fn seen(place: &Place, name: &str) -> Vec<(u64, u64)> {
    let text = place.read(&format!("{name}.seen"));
    let numbers = |line: &str| {
        let mut words = line.split(' ');
        let mut number = || words.next()?.parse().ok();
        Some((number()?, number()?))
    };
    text.lines().filter_map(numbers).collect()
}

/// Sends so many events, and waits until the listener of `name` has seen so many in all.
fn send(daemon: &Daemon, name: &str, events: usize, in_all: usize) {
    for number in 0..events {
        let params = ["t".into(), number.to_string().as_str().into()];
        let method = "supervisor.sendRemoteCommEvent";
        assert_eq!(daemon.rpc().call(method, &params).to_string(), "true");
    }
    wait_until(PATIENCE, "the listener to see all events", || {
        seen(daemon.place(), name).len() >= in_all
    });
}

fn assert_grows(numbers: &[(u64, u64)]) {
    let grows = numbers.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1);
    assert!(grows, "{numbers:?}");
}

#[test]
fn i15_serials_go_on_after_a_kill() {
    let remote = ear("ear", "events=REMOTE_COMMUNICATION");
    let all = ear("all", "events=EVENT\nbuffer_size=1000");
    let config = format!("{remote}{all}[program:up]\ncommand=/bin/cat\nstartsecs=0\n");
    let start = || Start::new(Side::Ours, &config);
    let mut daemon = start().start();
    send(&daemon, "ear", 5, 5);
    assert_eq!(seen(daemon.place(), "ear")[0].1, 0);
    // Three lives that do not end in order, with a process that is taken over and listeners that begin anew.
    for life in 2..=4 {
        daemon.kill_alone();
        daemon.start_again(&start());
        send(&daemon, "ear", 5, 5 * life);
    }
    wait_until(
        PATIENCE,
        "the other listener to hear of the last life",
        || {
            let last = seen(daemon.place(), "ear").last().copied();
            seen(daemon.place(), "all").last().map(|one| one.0) >= last.map(|one| one.0)
        },
    );
    for name in ["ear", "all"] {
        assert_grows(&seen(daemon.place(), name));
    }
    // Within a life there is no gap.
    let numbers = seen(daemon.place(), "ear");
    for life in numbers.chunks(5) {
        let first = life[0].1;
        let expected: Vec<u64> = (first..first + 5).collect();
        let found: Vec<u64> = life.iter().map(|one| one.1).collect();
        assert_eq!(found, expected, "{numbers:?}");
    }
    // One that ends in order leaves nothing to go on from.
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    assert!(!daemon.place().join("s.pid.runs").exists());
    daemon.start_again(&start());
    send(&daemon, "ear", 1, 21);
    assert_eq!(seen(daemon.place(), "ear")[20].1, 0);
}

#[test]
fn i15_events_that_wait_in_a_spool_share_their_serials_with_no_others() {
    let keys = "events=REMOTE_COMMUNICATION\nautostart=false\nbuffer_size=2\nevent_spool=%(here)s/ear.events";
    let config = ear("ear", keys);
    let start = || Start::new(Side::Ours, &config);
    let mut daemon = start().start();
    let send_unseen = |daemon: &Daemon| send(daemon, "ear", 10, 0);
    send_unseen(&daemon);
    // In order, by a restart of itself, and in no order.
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), Some(0));
    daemon.start_again(&start());
    send_unseen(&daemon);
    daemon.signal(Signal::HUP);
    daemon.wait_log("20 events wait in its spool from an earlier time");
    daemon.wait_ready();
    send_unseen(&daemon);
    wait_until(PATIENCE, "all events to be on disk", || {
        let pools = daemon.rpc().call("provost.getEventPools", &[]).value();
        let spool = pools.items()[0].get("spool").expect("a spool").clone();
        spool.get("spooled").map_or(0, provost_e2e::Value::int) == 10
    });
    daemon.kill_alone();
    daemon.start_again(&start());
    send_unseen(&daemon);
    let done = daemon
        .rpc()
        .call("supervisor.startProcess", &["ear".into()]);
    assert_eq!(done.to_string(), "true");
    wait_until(PATIENCE, "all events", || {
        seen(daemon.place(), "ear").len() >= 40
    });
    assert_grows(&seen(daemon.place(), "ear"));
}
