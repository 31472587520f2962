use super::*;
use proptest::prelude::*;
use provost_model::{Channel, LogState, Pid, ProcessState};

fn states() -> impl Strategy<Value = ProcessState> {
    prop_oneof![
        Just(ProcessState::Stopped),
        Just(ProcessState::Starting),
        Just(ProcessState::Running),
        Just(ProcessState::Backoff),
        Just(ProcessState::Stopping),
        Just(ProcessState::Exited),
        Just(ProcessState::Fatal),
        Just(ProcessState::Unknown),
    ]
}

fn channels() -> impl Strategy<Value = Channel> {
    prop_oneof![Just(Channel::Stdout), Just(Channel::Stderr)]
}

fn names() -> impl Strategy<Value = Arc<str>> {
    ".{0,12}".prop_map(Arc::from)
}

fn output() -> impl Strategy<Value = (Arc<str>, Arc<str>, i32, Channel, Vec<u8>)> {
    let data = prop::collection::vec(any::<u8>(), 0..300);
    (names(), names(), any::<i32>(), channels(), data)
}

fn events() -> impl Strategy<Value = Event> {
    let state = (
        names(),
        names(),
        states(),
        states(),
        any::<(u32, i32, bool)>(),
    )
        .prop_map(
            |(process, group, from, to, (tries, pid, expected))| Event::ProcessState {
                process,
                group,
                from,
                to,
                tries,
                pid,
                expected,
            },
        );
    let comm = output().prop_map(|(process, group, pid, channel, data)| {
        let pid = Pid(pid);
        Event::ProcessCommunication {
            process,
            group,
            pid,
            channel,
            data,
        }
    });
    let log = output().prop_map(|(process, group, pid, channel, data)| {
        let pid = Pid(pid);
        Event::ProcessLog {
            process,
            group,
            pid,
            channel,
            data,
        }
    });
    let tick = any::<(u32, i64)>().prop_map(|(period, when)| Event::Tick { period, when });
    prop_oneof![
        state,
        comm,
        log,
        (".{0,9}", ".{0,50}").prop_map(|(kind, data)| Event::RemoteCommunication { kind, data }),
        Just(Event::SupervisorRunning),
        Just(Event::SupervisorStopping),
        tick,
        names().prop_map(|group| Event::GroupAdded { group }),
        names().prop_map(|group| Event::GroupRemoved { group }),
        (names(), names(), ".{0,20}", log_states()).prop_map(|(process, group, path, state)| {
            Event::Logfile {
                process,
                group,
                channel: Channel::Stderr,
                path,
                state,
            }
        }),
    ]
}

fn log_states() -> impl Strategy<Value = LogState> {
    prop_oneof![
        ".{0,20}".prop_map(|reason| LogState::Failing { reason }),
        any::<(u64, u64)>().prop_map(|(bytes, lines)| LogState::Working { bytes, lines }),
    ]
}

fn envelope(serial: u64, pool_serial: u64, event: Event) -> Envelope {
    Envelope {
        serial,
        pool: "mail".into(),
        pool_serial,
        event: Arc::new(event),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(serial: u64, pool_serial: u64, event in events(), more in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = Vec::new();
        prop_assert!(encode(&envelope(serial, pool_serial, event.clone()), &mut bytes));
        let length = bytes.len();
        bytes.extend(more);
        let event = (serial, pool_serial, Arc::new(event));
        prop_assert_eq!(decode(&bytes), Record::Whole { event, length });
    }

    #[test]
    fn a_record_that_is_cut_is_partial_and_a_flipped_bit_shows(event in events(), cut: prop::sample::Index, bit: prop::sample::Index) {
        let mut bytes = Vec::new();
        encode(&envelope(1, 2, event), &mut bytes);
        let short = &bytes[..cut.index(bytes.len())];
        let is_partial = matches!(decode(short), Record::Partial { needed } if needed > short.len());
        prop_assert!(is_partial);
        let place = bit.index(bytes.len() * 8);
        bytes[place / 8] ^= 1 << (place % 8);
        let is_whole = matches!(decode(&bytes), Record::Whole { .. });
        prop_assert!(!is_whole);
    }

    #[test]
    fn any_bytes_are_read_without_falling_over(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_header(&bytes);
        match decode(&bytes) {
            Record::Whole { length, .. } => prop_assert!(length <= bytes.len()),
            Record::Partial { needed } => prop_assert!(needed > bytes.len()),
            Record::Damaged { .. } => {}
        }
    }
}

fn put(header: &mut [u8], mark: Mark) {
    let (place, bytes) = mark_bytes(mark);
    let place = usize::try_from(place).unwrap();
    header[place..place + bytes.len()].copy_from_slice(&bytes);
}

#[test]
fn the_newer_sound_mark_counts() {
    let mut bytes = header();
    let first = Mark {
        generation: 1,
        place: FIRST_RECORD,
    };
    assert_eq!(read_header(&bytes), Ok(first));
    let second = Mark {
        generation: 2,
        place: 1_000,
    };
    put(&mut bytes, second);
    assert_eq!(read_header(&bytes), Ok(second));
    // Torn while the third was being written over the first.
    bytes[45] ^= 0xFF;
    assert_eq!(read_header(&bytes), Ok(second));
    bytes[20] ^= 0xFF;
    assert_eq!(read_header(&bytes), Err(HeaderProblem::NoMark));
}

#[test]
fn what_is_no_spool_is_told() {
    assert_eq!(read_header(b""), Err(HeaderProblem::NotASpool));
    assert_eq!(read_header(&[b'x'; 64]), Err(HeaderProblem::NotASpool));
    assert_eq!(read_header(&header()[..63]), Err(HeaderProblem::NotASpool));
    let mut bytes = header();
    bytes[8] = 9;
    assert_eq!(read_header(&bytes), Err(HeaderProblem::Version(9)));
}

#[test]
fn the_format_is_fixed() {
    let event = Event::RemoteCommunication {
        kind: "k".to_owned(),
        data: "data".to_owned(),
    };
    let mut bytes = Vec::new();
    encode(&envelope(7, 3, event), &mut bytes);
    let body = b"\x07\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\x01\0\0\0k\x04\0\0\0data";
    assert_eq!(bytes[..4], [30, 0, 0, 0]);
    assert_eq!(bytes[8..], body[..]);
}
