use super::*;
use proptest::prelude::*;

fn identities() -> impl Strategy<Value = Identity> {
    (
        ".{0,12}",
        any::<Option<u64>>(),
        any::<i32>(),
        any::<Option<u64>>(),
        any::<Option<u64>>(),
    )
        .prop_map(|(boot, namespace, pid, ticks, pidfd)| Identity {
            boot,
            namespace,
            pid: Pid(pid),
            ticks,
            pidfd,
        })
}

fn paths() -> impl Strategy<Value = Option<PathBuf>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    prop::option::of(bytes.prop_map(|bytes| PathBuf::from(OsString::from_vec(bytes))))
}

fn records() -> impl Strategy<Value = RunRecord> {
    (
        identities(),
        (any::<u64>(), "(?s).{0,12}", "(?s).{0,12}", any::<i64>()),
        (any::<u32>(), any::<u64>(), any::<[Option<u64>; 3]>()),
        [paths(), paths()],
        (1..64i32, any::<i64>(), any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |(
                identity,
                (run, group, name, started_secs),
                (uid, digest, pipes),
                auto_logs,
                stop,
            )| {
                let (signal, wait_secs, stop_group, kill_group) = stop;
                RunRecord {
                    identity,
                    run,
                    group,
                    name,
                    started_secs,
                    uid,
                    digest,
                    pipes,
                    auto_logs,
                    stop: StopRule {
                        signal: Signal::from_raw(signal),
                        wait_secs,
                        stop_group,
                        kill_group,
                    },
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read_whatever_names_hold(record in records()) {
        let line = started(&record).unwrap();
        prop_assert_eq!(line.bytes().filter(|&byte| byte == b'\n').count(), 1);
        let reading = read(line.as_bytes());
        prop_assert_eq!(reading.damaged, 0);
        prop_assert_eq!(&reading.running[..], std::slice::from_ref(&record));
        let both = line + &ended(&record.identity);
        prop_assert_eq!(read(both.as_bytes()), Reading::default());
    }

    #[test]
    fn a_flipped_bit_or_a_cut_damages_one_line_only(record in records(), at: prop::sample::Index, cut: prop::sample::Index) {
        let good = started(&record).unwrap();
        let mut bad = good.clone().into_bytes();
        let place = at.index(bad.len() - 1);
        bad[place] ^= 0x01;
        if bad[place] == b'\n' {
            bad[place] = b'x';
        }
        let mut file = bad;
        file.extend_from_slice(good.as_bytes());
        let reading = read(&file);
        prop_assert_eq!((reading.running.len(), reading.damaged), (1, 1));
        let torn = &good.as_bytes()[..cut.index(good.len() - 1)];
        prop_assert!(read(torn).running.is_empty());
    }

    #[test]
    fn any_bytes_are_read_without_falling_over(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).running.is_empty());
    }
}

#[test]
fn of_lines_about_numbers_the_last_whole_one_counts() {
    let (first, second) = (serials(100_000), serials(150_000));
    let torn = &second[..second.len() - 4];
    let both = first.clone() + &second;
    assert_eq!(read(both.as_bytes()).serials, 150_000);
    assert_eq!(read((both + &serials(0)).as_bytes()), Reading::default());
    let reading = read((first.clone() + torn).as_bytes());
    assert_eq!((reading.serials, reading.damaged), (100_000, 1));
    let long = "num1 5 6".to_owned();
    let mut line = long.clone();
    seal(&mut line);
    assert_eq!(read(line.as_bytes()).damaged, 1, "{long}");
    assert_eq!(first, "num1 100000 116b3962\n");
}

fn record_of(identity: Identity, run: u64) -> RunRecord {
    RunRecord {
        identity,
        run,
        group: "g".to_owned(),
        name: "n".to_owned(),
        started_secs: 0,
        uid: 0,
        digest: 0,
        pipes: [None; 3],
        auto_logs: [None, None],
        stop: StopRule {
            signal: Signal::TERM,
            wait_secs: 10,
            stop_group: false,
            kill_group: true,
        },
    }
}

#[test]
fn a_line_that_would_be_too_long_is_not_made() {
    let identity = Identity {
        boot: String::new(),
        namespace: None,
        pid: Pid(2),
        ticks: None,
        pidfd: None,
    };
    let mut record = RunRecord {
        auto_logs: [Some(Path::new("/log").to_path_buf()), None],
        ..record_of(identity, 1)
    };
    assert_eq!(
        started(&record).unwrap().rsplit_once(' ').unwrap().0,
        "run1 = - 2 - - 1 0 0 0000000000000000 15 10 2 - - - =g =n =/log -"
    );
    record.name = "n".repeat(LINE_BYTES_MAX);
    assert_eq!(started(&record), None);
}

#[test]
fn the_last_line_about_a_process_counts_and_many_lines_take_no_longer_each() {
    let record = |pid: i32, run: u64| {
        let identity = Identity {
            boot: "b".to_owned(),
            namespace: Some(1),
            pid: Pid(pid),
            ticks: Some(5),
            pidfd: None,
        };
        record_of(identity, run)
    };
    let lines = [
        started(&record(2, 1)).unwrap(),
        started(&record(3, 2)).unwrap(),
        started(&record(2, 3)).unwrap(),
        started(&record(4, 4)).unwrap(),
        ended(&record(4, 4).identity),
        ended(&record(5, 5).identity),
    ];
    let runs: Vec<u64> = read(lines.concat().as_bytes())
        .running
        .iter()
        .map(|record| record.run)
        .collect();
    assert_eq!(runs, [2, 3]);
    // Compared with each other, a hundred thousand lines would take minutes.
    let many: String = (1..=100_000)
        .filter_map(|pid| started(&record(pid, 1)))
        .collect();
    assert_eq!(read(many.as_bytes()).running.len(), 100_000);
}
