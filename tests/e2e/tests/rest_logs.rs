//! Logs that are followed as server-sent events: what comes, in which pieces, over rotation and clearing, and that a flood
//! or silence costs little.

use std::time::{Duration, Instant};

use provost_e2e::{
    Daemon, EventStream, Outcome, PATIENCE, Side, Start, Target, Told, WEB, assert_contiguous,
    free_port, numbered, own_bytes, sleeps, wait_quiet, wait_until,
};

const CAT: &str = "/api/v1/processes/cat/cat";

fn daemon(config: &str) -> Daemon {
    let cat = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";
    let daemon = Start::new(Side::Ours, &format!("{cat}{config}")).start();
    daemon.wait_state("cat", "RUNNING");
    daemon
}

/// Has the program write.
fn say(daemon: &Daemon, text: &str) {
    say_to(daemon, "cat", text);
}

fn say_to(daemon: &Daemon, name: &str, text: &str) {
    let call = [name.into(), text.into()];
    let told = daemon.rpc().call("supervisor.sendProcessStdin", &call);
    assert!(matches!(told, Outcome::Value(_)), "{told:?}");
}

fn follow(daemon: &Daemon, query: &str) -> EventStream {
    EventStream::open(&Target::of(daemon), &format!("{CAT}/log/events{query}"), "")
}

/// Offset, end and text.
fn piece(told: &Told) -> (u64, u64, String) {
    assert_eq!(told.name, "text", "{told:?}");
    let number = |name: &str| told.data[name].as_u64().expect("a number");
    let text = told.data["text"].as_str().expect("a text").to_owned();
    (number("offset"), number("next_offset"), text)
}

fn next(stream: &mut EventStream) -> Told {
    stream.next(PATIENCE).expect("an event")
}

/// Takes pieces, each beginning where the one before ended, until all of `text` has come from `at` on.
fn hears(stream: &mut EventStream, mut at: u64, text: &str) {
    let mut all = String::new();
    while all.len() < text.len() {
        let (offset, end, piece) = piece(&next(stream));
        assert_eq!(offset, at);
        at = end;
        all.push_str(&piece);
    }
    assert_eq!(all, text);
}

#[test]
fn what_is_added_comes_piece_by_piece() {
    let daemon = daemon("");
    let mut stream = follow(&daemon, "");
    assert_eq!(piece(&next(&mut stream)), (0, 0, String::new()));
    say(&daemon, "one\n");
    hears(&mut stream, 0, "one\n");
    say(&daemon, "zwölf\n");
    hears(&mut stream, 4, "zwölf\n");
    // From the end, not from the midst of a character.
    let mut late = follow(&daemon, "?offset=-4");
    assert_eq!(piece(&next(&mut late)), (8, 11, "lf\n".to_owned()));
    let mut exact = follow(&daemon, "?offset=6");
    assert_eq!(piece(&next(&mut exact)).2, "ölf\n");
    let mut beyond = follow(&daemon, "?offset=99");
    assert_eq!(piece(&next(&mut beyond)), (11, 11, String::new()));
}

#[test]
fn characters_are_not_cut() {
    let halves = "[program:halves]\nstartsecs=0\ncommand=/bin/sh -c 'printf \"a\\303\"; read x; printf \"\\266b\\n\\377\\n\"; \
                  read x'\n";
    let daemon = daemon(halves);
    let path = "/api/v1/processes/halves/halves/log/events";
    wait_until(PATIENCE, "half a character", || {
        let log = Target::of(&daemon).get(path.trim_end_matches("/events"), "");
        log.status() == 200 && log.json()["size"] == 2
    });
    let mut stream = EventStream::open(&Target::of(&daemon), path, "");
    assert_eq!(piece(&next(&mut stream)), (0, 1, "a".to_owned()));
    say_to(&daemon, "halves", "\n");
    hears(&mut stream, 1, "öb\n\u{fffd}\n");
}

#[test]
fn who_comes_back_goes_on_where_it_was() {
    let daemon = daemon("");
    let mut stream = follow(&daemon, "");
    say(&daemon, "one\n");
    let one = stream.until("one", |told| told.data["text"] == "one\n");
    drop(stream);
    say(&daemon, "two\n");
    let back = format!("Last-Event-ID: {}\r\n", one.id);
    let path = format!("{CAT}/log/events");
    let mut stream = EventStream::open(&Target::of(&daemon), &path, &back);
    hears(&mut stream, 4, "two\n");
    // It was emptied in between.
    drop(stream);
    let cleared = Target::of(&daemon).act(&format!("{CAT}/clearlog"), "", "");
    assert_eq!(cleared.status(), 200);
    let mut stream = EventStream::open(&Target::of(&daemon), &path, &back);
    assert_eq!(next(&mut stream).name, "restart");
    say(&daemon, "three\n");
    hears(&mut stream, 0, "three\n");
    // What nobody can know of is left out.
    let back = "Last-Event-ID: abc-7\r\n";
    let mut stream = EventStream::open(&Target::of(&daemon), &path, back);
    hears(&mut stream, 0, "three\n");
}

#[test]
fn a_log_that_is_emptied_begins_anew() {
    let daemon = daemon("");
    say(&daemon, "one\n");
    let mut stream = follow(&daemon, "");
    stream.until("one", |told| told.data["text"] == "one\n");
    let cleared = Target::of(&daemon).act(&format!("{CAT}/clearlog"), "", "");
    assert_eq!(cleared.status(), 200);
    let restart = next(&mut stream);
    assert_eq!(
        (restart.name.as_str(), restart.data.to_string().as_str()),
        ("restart", "{}")
    );
    say(&daemon, "two\n");
    hears(&mut stream, 0, "two\n");
}

#[test]
fn nothing_is_lost_over_rotation() {
    let more = "stdout_logfile_maxbytes=20KB\n";
    let daemon = daemon(&numbered("lines", "0.01", more));
    let path = "/api/v1/processes/lines/lines/log/events?offset=0";
    let mut stream = EventStream::open(&Target::of(&daemon), path, "");
    let (mut text, mut at, mut restarts, mut first) = (String::new(), 0, 0, None);
    while restarts < 4 || !text.ends_with('\n') {
        let told = next(&mut stream);
        if told.name == "restart" {
            (at, restarts) = (0, restarts + 1);
            continue;
        }
        let (offset, end, piece) = piece(&told);
        assert_eq!(offset, at, "after {restarts} restarts");
        at = end;
        text.push_str(&piece);
        first = first.or_else(|| text.lines().next()?.parse().ok());
    }
    assert_contiguous(&text, first.expect("a number"));
}

#[test]
fn a_flood_is_cut_short_and_costs_little() {
    let flood = "[program:flood]\nstartsecs=0\ncommand=/usr/bin/yes 0123456789012345678901234567890123456789\n\
                 stdout_logfile_maxbytes=100MB\n";
    let daemon = daemon(flood);
    let path = "/api/v1/processes/flood/flood/log/events";
    let mut stream = EventStream::open(&Target::of(&daemon), path, "");
    let (begun, mut gaps, mut pieces, mut at) = (Instant::now(), 0, 0_u32, None);
    while gaps < 5 {
        let told = next(&mut stream);
        match told.name.as_str() {
            "gap" => {
                let (from, to) = (&told.data["from"], &told.data["to"]);
                assert!(at.is_none_or(|at| *from == at), "{told:?}");
                assert!(to.as_u64() > from.as_u64(), "{told:?}");
                (gaps, at) = (gaps + 1, to.as_u64());
            }
            "restart" => at = Some(0),
            _ => {
                let (offset, end, text) = piece(&told);
                assert!(at.is_none_or(|at| offset == at), "{offset} {at:?}");
                assert!(text.len() <= 64 * 1024);
                at = Some(end);
            }
        }
        pieces += 1;
    }
    let most = begun.elapsed().as_millis() / 25 + 10;
    assert!(
        u128::from(pieces) < most,
        "{pieces} in {:?}",
        begun.elapsed()
    );
    assert!(own_bytes(daemon.pid()) < 24 << 20);
}

#[test]
fn a_silent_log_wakes_nobody() {
    let daemon = daemon("");
    say(&daemon, "one\n");
    let mut streams: Vec<EventStream> = (0..8).map(|_| follow(&daemon, "")).collect();
    for stream in &mut streams {
        stream.until("one", |told| told.data["text"] == "one\n");
    }
    wait_quiet(daemon.pid());
    let before = sleeps(daemon.pid());
    // Nothing comes before the heartbeat; the wait is the measurement itself.
    assert!(streams[0].next(Duration::from_secs(5)).is_none());
    assert_eq!(sleeps(daemon.pid()), before, "by thread");
    say(&daemon, "two\n");
    for stream in &mut streams {
        hears(stream, 4, "two\n");
    }
}

#[test]
fn a_stream_ends_with_its_program() {
    let daemon = daemon(WEB);
    let mut stream = follow(&daemon, "");
    next(&mut stream);
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(
        daemon.config(),
        text.replace("[program:cat]", "[program:dog]"),
    )
    .unwrap();
    let updated = Target::of(&daemon).act("/api/v1/update", "", "");
    assert_eq!(updated.status(), 200, "{}", updated.text());
    wait_until(PATIENCE, "the stream to end", || stream.has_ended());
}

#[test]
fn logs_are_followed_by_those_who_may_read_them() {
    const READER: &str = "Authorization: Basic cmVhZGVyOnI=\r\n";
    const VIEWER: &str = "Authorization: Basic dmlld2VyOnY=\r\n";
    let port = free_port();
    let users = format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n[user:root]\nrole=admin\nunix_user=root\n\
         [role:reader]\nallow=status,logs\n[user:reader]\nrole=reader\nprograms=cat\npassword=r\n\
         [user:viewer]\nrole=viewer\npassword=v\n{WEB}"
    );
    let daemon = daemon(&users);
    let target = Target::Port(port);
    let followed = format!("{CAT}/log/events");
    for (path, headers, status) in [
        (followed.as_str(), VIEWER, 403),
        ("/api/v1/log/events", VIEWER, 403),
        ("/api/v1/log/events", READER, 403),
        ("/api/v1/processes/web/w0/log/events", READER, 404),
    ] {
        assert_eq!(target.get(path, headers).status(), status, "{path}");
    }
    let foreign = format!("{READER}Origin: http://evil.example\r\n");
    assert_eq!(target.get(&followed, &foreign).status(), 403);
    let mut stream = EventStream::open(&target, &followed, READER);
    say(&daemon, "for you\n");
    stream.until("it", |told| told.data["text"] == "for you\n");
    let mut main = EventStream::open(&Target::of(&daemon), "/api/v1/log/events", "");
    let first = piece(&next(&mut main)).2;
    assert!(first.contains("supervisord started with pid"), "{first}");
    Target::of(&daemon).act(&format!("{CAT}/restart"), "", "");
    main.until("a restart", |told| {
        told.data.to_string().contains("stopped: cat")
    });
}
