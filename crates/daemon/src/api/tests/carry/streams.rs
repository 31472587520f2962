//! Logs that are followed while everything is handed over.

use super::*;
use std::fs::File;

fn append(relay: &Relay, text: &str) {
    let path = relay.directory.join("main.log");
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    relay.board.touched(&path);
}

/// Reads so many bytes of a chunked body.
fn chunks(stream: &mut impl Read, length: usize) -> String {
    let mut all = String::new();
    while all.len() < length {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            line.push(char::from(byte[0]));
        }
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        assert!(size > 0, "it ended after {} bytes", all.len());
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).unwrap();
        assert!(chunk.ends_with(b"\r\n"));
        all.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
    }
    all
}

#[test]
fn a_log_is_followed_to_the_byte() {
    let mut relay = Relay::new(Setup::default());
    append(&relay, "begin\n");
    let (mut chunked, mut plain) = (relay.tcp(), relay.unix());
    chunked
        .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
        .unwrap();
    plain
        .write_all(b"GET /mainlogtail HTTP/1.0\r\n\r\n")
        .unwrap();
    read_head(&mut chunked).unwrap();
    read_head(&mut plain).unwrap();
    let mut expected = "begin\n".to_owned();
    let (mut seen, mut bare) = (String::new(), Vec::new());
    for round in 0..20 {
        let line = format!("line {round} {}\n", "x".repeat(round * 997));
        if round % 3 == 0 {
            append(&relay, &line);
            relay.hand_over();
        } else if round % 3 == 1 {
            relay.hand_over();
            append(&relay, &line);
        } else {
            append(&relay, &line);
            let path = relay.directory.join("main.log");
            let directory = relay.directory.clone();
            // It is rotated while nobody reads it.
            relay.hand_over_and(|_| {
                std::fs::rename(&path, directory.join(format!("main.log.{round}"))).unwrap();
                File::create(&path).unwrap();
            });
        }
        expected.push_str(&line);
        if round % 2 == 0 {
            seen.push_str(&chunks(&mut chunked, expected.len() - seen.len()));
            assert!(seen == expected, "in round {round}");
            let mut more = vec![0; expected.len() - bare.len()];
            plain.read_exact(&mut more).unwrap();
            bare.append(&mut more);
            assert!(bare == expected.as_bytes(), "in round {round}");
        }
    }
    seen.push_str(&chunks(&mut chunked, expected.len() - seen.len()));
    assert!(seen == expected);
    let mut more = vec![0; expected.len() - bare.len()];
    plain.read_exact(&mut more).unwrap();
    assert!(expected.as_bytes().ends_with(&more));
    relay.api.take().unwrap().stop();
    let mut rest = Vec::new();
    chunked.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
    plain.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 5, "nothing more came");
}

#[test]
fn a_follower_that_reads_slowly_misses_nothing() {
    let mut relay = Relay::new(Setup::default());
    append(&relay, "");
    let mut stream = relay.tcp();
    stream
        .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
        .unwrap();
    read_head(&mut stream).unwrap();
    let mut expected = String::new();
    // More than sockets hold, and less than a client may be behind, however little of it has been sent.
    for number in 0..300 {
        let line = format!("{number} {}\n", "y".repeat(49_999));
        append(&relay, &line);
        expected.push_str(&line);
        if number % 50 == 0 {
            relay.hand_over();
        }
    }
    let half = chunks(&mut stream, expected.len() / 2);
    relay.hand_over();
    relay.hand_over();
    let rest = chunks(&mut stream, expected.len() - half.len());
    assert!(half + &rest == expected);
    assert!(is_silent(&stream));
}

#[test]
fn a_follower_that_leaves_is_forgotten() {
    let mut relay = Relay::new(Setup::default());
    append(&relay, "a");
    let mut stream = relay.tcp();
    stream
        .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
        .unwrap();
    read_head(&mut stream).unwrap();
    relay.hand_over_and(|_| drop(stream));
    relay.forgets_all();
}
