//! Logs of several devices, of which some hang. Devices are told apart by what the orders say, so that no test needs one.

use super::*;
use crate::logs::ledger::hang::Hang;
use provost_model::Ticket;

/// A place for each of the directories of a test.
fn place(number: u64) -> Place {
    lane(number, 0)
}

fn lane(number: u64, lane: u8) -> Place {
    let device = 0xf24_0000 + number;
    Place::On { device, lane }
}

impl World {
    fn sub(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Orders a run opened whose logs lie there.
    fn order_open(&mut self, logs: [Option<PathBuf>; 2], places: [Place; 2]) -> Run {
        let run = Run(self.next_run);
        self.next_run += 1;
        let [stdout, stderr] = logs;
        let order = Order::Open {
            run,
            proc: ProcId(1),
            spec: Arc::new(spec()),
            stdout,
            stderr,
            listener: false,
        };
        self.logs.order_at(order, places);
        run
    }

    /// The next fact as the control thread hears it.
    fn heard(&mut self) -> Fact {
        loop {
            let fact = self.fact();
            if let Some(fact) = self.logs.hear(fact) {
                return fact;
            }
        }
    }

    fn opened(&mut self, logs: [Option<PathBuf>; 2], places: [Place; 2]) -> Run {
        let run = self.order_open(logs, places);
        match self.heard() {
            Fact::Opened { run: told, result } => {
                assert_eq!((told, result), (run, Ok(())));
                run
            }
            other => panic!("{other:?}"),
        }
    }

    fn attach(&mut self, run: Run, channel: Channel) -> OwnedFd {
        let (read, write) = provost_os::pipe::pipe().unwrap();
        let fd = read;
        self.logs.order(Order::Attach { run, channel, fd });
        write
    }

    fn threads(&self) -> usize {
        self.logs.threads.iter().flatten().count()
    }
}

fn shows(path: &Path, text: &str) {
    wait_until(&format!("{} holds {text:?}", path.display()), || {
        fs::read_to_string(path).is_ok_and(|found| found == text)
    });
}

#[test]
fn f24_a_hung_device_holds_up_its_own_logs_and_nothing_else() {
    let mut world = World::new();
    let (hung, well) = (world.sub("hung"), world.sub("well"));
    let (a, b) = (hung.join("a.log"), well.join("b.log"));
    let first = world.opened([Some(a.clone()), None], [place(1), Place::Anywhere]);
    let other = world.opened([Some(b.clone()), None], [place(2), Place::Anywhere]);
    assert_eq!(world.threads(), 3);
    let (to_a, to_b) = (
        world.attach(first, Channel::Stdout),
        world.attach(other, Channel::Stdout),
    );
    write_all(&to_a, b"1\n");
    shows(&a, "1\n");
    let hang = Hang::new(&hung);
    write_all(&to_a, b"2\n");
    write_all(&to_b, b"1\n");
    shows(&b, "1\n");
    world.logs.logger().log(Level::Info, "main goes on");
    wait_until("the main log goes on", || {
        world.main_text().contains("main goes on")
    });
    wait_until("the device hangs", || {
        let mut threads = world.logs.threads.iter().flatten();
        threads.any(|thread| thread.hangs_at().as_deref() == Some(&*a))
    });
    // An upgrade is refused with a word on which log it is, and everything goes on.
    let reason = world.logs.rest(Duration::from_millis(200)).unwrap_err();
    assert!(reason.contains("hung/a.log"), "{reason}");
    write_all(&to_b, b"2\n");
    shows(&b, "1\n2\n");
    drop(hang);
    write_all(&to_a, b"3\n");
    shows(&a, "1\n2\n3\n");
    world.stop();
}

#[test]
fn f24_channels_on_two_devices_are_one_run() {
    let mut world = World::new();
    let (one, two) = (world.sub("one"), world.sub("two"));
    let (out, err) = (one.join("out.log"), two.join("err.log"));
    let run = world.opened([Some(out.clone()), Some(err.clone())], [place(1), place(2)]);
    let (to_out, to_err) = (
        world.attach(run, Channel::Stdout),
        world.attach(run, Channel::Stderr),
    );
    write_all(&to_out, b"out\n");
    write_all(&to_err, b"err\n");
    drop((to_out, to_err));
    world.logs.order(Order::Drain { run });
    let mut closed = 0;
    loop {
        match world.heard() {
            Fact::Closed { .. } => closed += 1,
            Fact::Drained { run: told } => {
                assert_eq!((told, closed), (run, 2));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        (fs::read(&out).unwrap(), fs::read(&err).unwrap()),
        (b"out\n".to_vec(), b"err\n".to_vec())
    );
    assert!(world.logs.homes.is_empty());
    // One answer for both, too, when logs are cleared.
    let (ticket, paths) = (Ticket(7), vec![out.clone(), err.clone()]);
    world
        .logs
        .order_at(Order::Clear { ticket, paths }, [place(1), place(2)]);
    match world.heard() {
        Fact::Cleared { ticket, result } => assert_eq!((ticket, result), (Ticket(7), Ok(()))),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (fs::read(&out).unwrap(), fs::read(&err).unwrap()),
        (vec![], vec![])
    );
    world.stop();
}

#[test]
fn f24_a_channel_that_cannot_be_opened_fails_the_run_once() {
    let mut world = World::new();
    let one = world.sub("one");
    let (out, err) = (one.join("out.log"), world.path("nowhere/err.log"));
    let run = world.order_open([Some(out), Some(err.clone())], [place(1), place(2)]);
    let mut failures = 0;
    // The answer of the other thread is late news that nobody minds.
    for _ in 0..2 {
        let fact = world.fact();
        if let Some(Fact::Opened { run: told, result }) = world.logs.hear(fact) {
            assert_eq!(told, run);
            if let Err((path, errno)) = result {
                assert_eq!((path, errno), (err.clone(), Errno(2)));
                failures += 1;
            }
        }
    }
    assert_eq!(failures, 1);
    assert!(world.logs.homes.is_empty());
    world.stop();
}

#[test]
fn f24_one_device_takes_one_thread_and_many_share_sixteen() {
    let mut world = World::new();
    let file = |world: &World, number: u64| world.sub("logs").join(format!("{number}.log"));
    // That of the main log, as it would be found out.
    let same = locate(&world.path("main.log"));
    let path = file(&world, 0);
    world.opened([Some(path), None], [same, Place::Anywhere]);
    assert_eq!(world.threads(), 1);
    for number in 1..40 {
        let path = file(&world, number);
        world.opened([Some(path), None], [place(number), Place::Anywhere]);
    }
    assert_eq!(world.threads(), THREADS_MAX);
    // By turns, and none on the thread of the main log.
    let on = |thread: usize| {
        world
            .logs
            .places
            .iter()
            .filter(|(_, one)| *one == thread)
            .count()
    };
    let counts: Vec<usize> = (0..THREADS_MAX).map(on).collect();
    assert_eq!(counts, [1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2]);
    world.stop();
}

#[test]
fn a_device_gets_more_threads_once_there_are_many_processes_and_no_log_moves() {
    let mut world = World::new();
    let open = |world: &mut World, number: u8| {
        let path = world.sub("logs").join(format!("{number}.log"));
        world.opened([Some(path), None], [lane(1, number), Place::Anywhere]);
        let mut places = world.logs.places.iter();
        let found = places.find(|(place, _)| *place == lane(1, number));
        (found.map(|(_, thread)| *thread), world.threads())
    };
    assert_eq!(open(&mut world, 0), (Some(1), 2));
    assert_eq!(open(&mut world, 1), (Some(1), 2));
    world.logs.lanes = Some(2);
    assert_eq!(open(&mut world, 1), (Some(1), 2));
    assert_eq!(open(&mut world, 2), (Some(2), 3));
    // By turns.
    assert_eq!(open(&mut world, 3), (Some(2), 3));
    // However many it may have, as many devices as without it find a thread of their own.
    world.logs.lanes = Some(4);
    for number in 2..30 {
        for one in 0..4 {
            let path = world.sub("logs").join(format!("{number}-{one}.log"));
            world.opened([Some(path), None], [lane(number, one), Place::Anywhere]);
        }
    }
    assert_eq!(world.threads(), THREADS_MAX);
    let firsts = (1..THREADS_FOR_MORE as u64).map(|number| lane(number + 1, 0));
    let threads = firsts.filter_map(|first| {
        let mut places = world.logs.places.iter();
        places
            .find(|(place, _)| *place == first)
            .map(|(_, thread)| *thread)
    });
    let threads: std::collections::BTreeSet<usize> = threads.collect();
    assert_eq!(threads.len(), THREADS_FOR_MORE - 1);
    world.stop();
}

#[test]
fn f24_a_main_log_that_nobody_reads_leaves_its_thread_to_the_first_device() {
    let dir = Dir::new();
    let mut world = World::with(
        dir,
        |settings| settings.target = Target::File("/dev/null".into()),
        ChildLogSettings::default(),
    );
    let path = world.path("a.log");
    let here = locate(&path);
    world.opened([Some(path), None], [here, Place::Anywhere]);
    assert_eq!(world.threads(), 1);
    world.stop();
}

#[test]
fn f24_an_end_waits_no_longer_than_it_may_and_says_what_is_left() {
    let mut world = World::new();
    let hung = world.sub("hung");
    let a = hung.join("a.log");
    let run = world.opened([Some(a.clone()), None], [place(1), Place::Anywhere]);
    let to_a = world.attach(run, Channel::Stdout);
    let hang = Hang::new(&hung);
    write_all(&to_a, b"four");
    wait_until("it hangs", || {
        world.logs.threads[1].as_ref().unwrap().hangs_at() == Some(a.clone())
    });
    // Nobody reads this any more.
    write_all(&to_a, b"seven..");
    let begun = Instant::now();
    let (dir, logs) = (world.dir, world.logs);
    let left = match logs.stop(Duration::from_secs(5)) {
        Stopped::Finished { main, left } => {
            drop(main);
            left
        }
        Stopped::Stuck { .. } => panic!("the main log hangs, too"),
    };
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(left, [(a.clone(), 4)]);
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    let line = format!(
        "4 bytes for log {} could not be written before the end: its disk hangs",
        a.display()
    );
    assert!(text.contains(&line), "{text}");
    assert!(text.contains("at least 7 bytes more"), "{text}");
    drop(hang);
    // Left to itself, it writes what it can.
    shows(&a, "fourseven..");
}

#[test]
fn f24_what_hangs_stays_while_the_rest_goes_to_the_next_life() {
    let mut world = World::new();
    let (hung, well) = (world.sub("hung"), world.sub("well"));
    let (a, b) = (hung.join("a.log"), well.join("b.log"));
    let run = world.opened([Some(a.clone()), Some(b.clone())], [place(1), place(2)]);
    let (to_a, to_b) = (
        world.attach(run, Channel::Stdout),
        world.attach(run, Channel::Stderr),
    );
    let hang = Hang::new(&hung);
    write_all(&to_a, b"1\n");
    wait_until("it hangs", || {
        world.logs.threads[1].as_ref().unwrap().hangs_at() == Some(a.clone())
    });
    let CarriedLogs {
        mut runs,
        held,
        stuck,
    } = world.logs.hand_over(Duration::from_millis(300));
    assert!(held.is_empty());
    let channels = |run: &CarriedRun| {
        run.channels
            .iter()
            .map(|one| one.channel)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        runs.iter().map(channels).collect::<Vec<_>>(),
        [[Channel::Stderr]]
    );
    let reason = stuck.reason().unwrap();
    assert!(reason.contains("hung/a.log"), "{reason}");
    assert!(stuck.main_log().is_none());
    let (sender, facts) = channel();
    let main = MainLog::open(settings(&world.dir)).unwrap();
    let told = Box::new(move |fact| sender.send(fact).unwrap_or(()));
    let mut logs = start_beside(stuck, main, ChildLogSettings::default(), told).unwrap();
    assert!(logs.may_have(run));
    assert!(!logs.may_have(Run(99)));
    let carried = Box::new(runs.remove(0));
    logs.order_at(Order::Resume(carried), [Place::Anywhere, place(2)]);
    write_all(&to_b, b"1\n");
    shows(&b, "1\n");
    drop(hang);
    write_all(&to_a, b"2\n");
    shows(&a, "1\n2\n");
    drop((to_a, to_b));
    logs.order(Order::Drain { run });
    let mut drained = 0;
    while drained == 0 {
        let fact = facts.recv_timeout(PATIENCE).unwrap();
        if matches!(logs.hear(fact), Some(Fact::Drained { .. })) {
            drained += 1;
        }
    }
    assert!(matches!(logs.stop(PATIENCE), Stopped::Finished { .. }));
}

#[test]
fn f24_a_hung_main_log_stays_with_the_next_life_and_holds_up_no_program() {
    let mut world = World::new();
    let well = world.sub("well");
    let b = well.join("b.log");
    let run = world.opened([Some(b.clone()), None], [place(2), Place::Anywhere]);
    let to_b = world.attach(run, Channel::Stdout);
    let main = world.path("main.log");
    let hang = Hang::new(&main);
    world.logs.logger().log(Level::Info, "first");
    write_all(&to_b, b"1\n");
    shows(&b, "1\n");
    let carried = world.logs.hand_over(Duration::from_millis(300));
    let main_log = carried
        .stuck
        .main_log()
        .expect("it is among those that hang");
    let mut logs = start_beside(
        carried.stuck,
        main_log,
        ChildLogSettings::default(),
        Box::new(drop),
    )
    .unwrap();
    logs.logger().log(Level::Info, "second");
    for run in carried.runs {
        logs.order_at(Order::Resume(Box::new(run)), [place(2), Place::Anywhere]);
    }
    write_all(&to_b, b"2\n");
    shows(&b, "1\n2\n");
    drop(hang);
    wait_until("both lines", || {
        let text = fs::read_to_string(&main).unwrap();
        text.contains("first") && text.contains("second")
    });
    assert!(matches!(logs.stop(PATIENCE), Stopped::Finished { .. }));
}
