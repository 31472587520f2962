//! supervisord is killed again and again, at any moment.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use provost_e2e::{Daemon, Side, Start, encode_call, numbered, with_backups};

/// Rounds of the test; `PROVOST_KILL_ROUNDS` asks for more.
const ROUNDS: u64 = 10;

/// What supervisord may have read of one stream and not yet written when it is killed: what it reads of a pipe in a turn.
const BUFFER: u64 = 64 << 10;

/// Programs that write about a thousand lines a second each.
const WRITERS: u64 = 11;

/// Programs that end after a moment, and others that are stopped and started.
const OTHERS: u64 = 4;

/// One of these, one that writes as fast as it can, four that end again and again, four that clients stop and start: after
/// each kill one copy of each lives, nothing that ran was restarted, and of a log no more is missing than what had been read
/// and not yet written.
#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are for whoever asks for more rounds"
)]
fn f03_however_often_it_is_killed_each_program_lives_once() {
    let rounds = std::env::var("PROVOST_KILL_ROUNDS");
    let rounds: u64 = rounds.map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let mut writers: Vec<String> = (0..WRITERS).map(|number| format!("w{number}")).collect();
    let mut config: String = writers.iter().map(|name| writer(name, "0.05")).collect();
    config += &writer("fast", "");
    writers.push("fast".to_owned());
    let others = format!(
        "[program:brief]\ncommand=/bin/sh -c 'sleep 0.2; exit 3'\nstartsecs=0\nautorestart=true\n\
         numprocs={OTHERS}\nprocess_name=%(program_name)s%(process_num)d\n\
         [program:moved]\ncommand=/bin/cat\nstartsecs=0\n\
         numprocs={OTHERS}\nprocess_name=%(program_name)s%(process_num)d\n"
    );
    config += &others;
    let start = || Start::new(Side::Ours, &config);
    let mut daemon = start().start();
    let pids: Vec<u32> = writers
        .iter()
        .map(|name| {
            daemon.wait_state(name, "RUNNING");
            daemon.rpc().pid(name)
        })
        .collect();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..rounds {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let moved = format!("moved:moved{}", seed % OTHERS);
        let orders = [("stop", &moved), ("start", &moved)].map(|(verb, name)| {
            // Some moment: it is what is tested, not waited for.
            thread::sleep(Duration::from_millis((seed >> 8) % 50));
            send(&daemon, &format!("supervisor.{verb}Process"), name)
        });
        thread::sleep(Duration::from_millis((seed >> 24) % 60));
        daemon.kill_alone();
        drop(orders);
        daemon.start_again(&start());
        for (name, pid) in writers.iter().zip(&pids) {
            assert_eq!(daemon.rpc().pid(name), *pid, "{name} in round {round}");
        }
        for number in 0..OTHERS {
            for name in [format!("brief{number}"), format!("moved{number}")] {
                let living = daemon.living_of(&name);
                assert!(living <= 1, "{living} of {name} live in round {round}");
            }
        }
    }
    let stopped = daemon.ctl(Side::Ours, &["stop", "all"]);
    assert_eq!(stopped.code_text(), "0", "{}", stopped.stdout);
    let mut most = 0;
    for name in writers {
        let text = with_backups(daemon.place(), ".", &format!("{name}.log"));
        let gaps = gaps(&name, &text);
        assert!(
            gaps.len() as u64 <= rounds,
            "{name}: {} gaps after {rounds} kills",
            gaps.len()
        );
        most = gaps.into_iter().max().unwrap_or(0).max(most);
    }
    println!("{rounds} kills, at most {most} bytes of a stream missing at one");
    assert!(most <= BUFFER, "{most} bytes are missing in one place");
}

fn writer(name: &str, pause: &str) -> String {
    numbered(name, pause, "stdout_logfile_maxbytes=8MB\n")
}

/// Gives an order and does not wait for its end; it is cut off when what this returns is dropped.
fn send(daemon: &Daemon, method: &str, name: &str) -> impl Sized + use<> {
    let body = encode_call(method, &[name.into()]);
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = daemon.rpc().target().connect().expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    stream
}

/// Bytes that are missing in each place of numbered lines that begin with 0. Nothing may stand there twice or out of order.
/// In a place where something is missing, halves of two lines may be one line.
fn gaps(name: &str, text: &str) -> Vec<u64> {
    let (mut next, mut gaps) = (0, Vec::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.parse() == Ok(next) {
            next += 1;
            continue;
        }
        let number = line.parse::<u64>().ok();
        let follower = lines.peek().and_then(|line| line.parse::<u64>().ok());
        let (there, then) = match (number, follower) {
            (Some(number), Some(follower)) if follower == number + 1 => (0, number),
            (_, Some(follower)) => (line.len() as u64 + 1, follower),
            // The last line.
            (_, None) => break,
        };
        assert!(
            then > next,
            "{name}: {line:?} and {then} stand where {next} is wanted"
        );
        let missing = offset(then) - offset(next);
        assert!(missing >= there, "{name}: {line:?} is too long for {next}");
        gaps.push(missing - there);
        next = then + u64::from(there == 0);
    }
    assert!(next > 0, "{name} wrote nothing");
    gaps
}

/// Bytes of the lines before this number.
fn offset(number: u64) -> u64 {
    let (mut total, mut first, mut digits) = (0, 0, 1);
    while first < number {
        let end = number.min(10_u64.saturating_pow(digits));
        total += (end - first) * u64::from(digits + 1);
        (first, digits) = (end, digits + 1);
    }
    total
}

#[test]
fn missing_bytes_are_counted() {
    assert_eq!(
        (offset(0), offset(10), offset(11), offset(101)),
        (0, 20, 23, 294)
    );
    assert_eq!(gaps("x", "0\n1\n2\n"), [0_u64; 0]);
    assert_eq!(gaps("x", "0\n3\n4\n"), [4]);
    // "5\n6\n7\n8\n9\n10\n11\n" of which "5\n6\n" and "1" went.
    let text = "0\n1\n2\n3\n4\n7\n8\n9\n0\n11\n12\n";
    assert_eq!(gaps("x", text), [4, 1]);
}
