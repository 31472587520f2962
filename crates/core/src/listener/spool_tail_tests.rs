//! What may wait in memory for the disk.

use super::*;

const FIXED: usize = 256;

fn event(serial: u64, bytes: usize) -> Envelope {
    let event = Arc::new(Event::RemoteCommunication {
        kind: String::new(),
        data: "x".repeat(bytes - FIXED),
    });
    Envelope {
        serial,
        pool: "p".into(),
        pool_serial: serial,
        event,
    }
}

/// Open, with so many events in the file.
fn open(events: u64) -> Spool {
    let spec = SpoolSpec {
        path: "/spool".into(),
        maxbytes: 1 << 30,
    };
    let mut spool = Spool::new(SpoolId(1), "p".into(), spec);
    spool.next_order(Mono(0));
    spool.answered(Mono(0), Ok(SpoolAnswer::Opened { events, bytes: 0 }));
    spool
}

/// Reads so many of what is in the file.
fn read(spool: &mut Spool, count: u64, left: u64) {
    let events = (0..count).map(|number| (number, event(number, FIXED)));
    let answer = SpoolAnswer::Read {
        events: events.collect(),
        left,
        bytes: 0,
    };
    spool.answered(Mono(0), Ok(answer));
}

#[test]
fn as_many_bytes_may_wait_as_the_limit_says_and_none_more() {
    let mut spool = open(1);
    assert!(spool.push(event(0, TAIL_BYTES_MAX + 1)).is_err());
    assert!(spool.push(event(1, TAIL_BYTES_MAX)).is_ok());
    assert!(spool.push(event(2, FIXED)).is_err());
}

#[test]
fn one_order_writes_what_fits_into_it_and_one_event_at_least() {
    let batch = |sizes: [usize; 3]| {
        let mut spool = open(0);
        for (serial, bytes) in (0..).zip(sizes) {
            spool.push(event(serial, bytes)).expect("there is room");
        }
        match spool.next_order(Mono(0)) {
            Some(SpoolOrder::Append { events, .. }) => events.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(batch([FIXED, FIXED, FIXED]), 3);
    assert_eq!(batch([BATCH_BYTES_MAX + 1, FIXED, FIXED]), 1);
    assert_eq!(batch([FIXED, BATCH_BYTES_MAX - FIXED, FIXED]), 2);
    assert_eq!(batch([FIXED, BATCH_BYTES_MAX - FIXED + 1, FIXED]), 1);
}

#[test]
fn so_much_is_read_that_no_more_are_ahead_than_may() {
    let mut spool = open(2_000);
    let max = |spool: &mut Spool| match spool.next_order(Mono(0)) {
        Some(SpoolOrder::Read { max, .. }) => Some(max),
        _ => None,
    };
    assert_eq!(max(&mut spool), Some(1_024));
    read(&mut spool, 512, 1_488);
    assert_eq!(max(&mut spool), Some(512));
    read(&mut spool, 1, 1_487);
    assert_eq!(
        max(&mut spool),
        None,
        "more than half of what may be ahead is"
    );
}
