//! Output on its way from pipes to files.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// Lines of 16 bytes, so that every read of a pipe ends with a line.
fn numbered(writer: usize, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| format!("w{writer} {number:012}\n").into_bytes())
        .collect()
}

#[test]
fn three_writers_lose_no_line_through_many_rotations() {
    const LINES: usize = 5_000;
    let mut world = World::new();
    let log = world.path("all.log");
    let mut rotating = spec();
    rotating.stdout.maxbytes = 1024;
    rotating.stdout.backups = 1_000_000;
    let children: Vec<(Run, OwnedFd)> = (0..3)
        .map(|_| world.start(rotating.clone(), &log))
        .collect();
    let runs: Vec<Run> = children.iter().map(|&(run, _)| run).collect();
    let mut writers = Vec::new();
    for (writer, (_, fd)) in children.into_iter().enumerate() {
        writers.push(std::thread::spawn(move || {
            for line in numbered(writer, LINES) {
                write_all(&fd, &line);
            }
        }));
    }
    for writer in writers {
        writer.join().unwrap();
    }
    for run in runs {
        world.drain(run);
    }

    let generations = generations(&log);
    assert!(generations.len() > 3, "{} generations", generations.len());
    let longer = generations
        .iter()
        .rev()
        .skip(1)
        .all(|generation| generation.len() >= 1024);
    assert!(longer, "a file was rotated before its time");
    let all = generations.concat();
    let lines: Vec<&[u8]> = all.split_inclusive(|&byte| byte == b'\n').collect();
    for writer in 0..3 {
        let prefix = format!("w{writer} ");
        let got: Vec<&[u8]> = lines
            .iter()
            .copied()
            .filter(|line| line.starts_with(prefix.as_bytes()))
            .collect();
        assert_eq!(got, numbered(writer, LINES));
    }
    assert_eq!(lines.len(), 3 * LINES);
}

#[test]
fn only_the_configured_number_of_backups_is_kept() {
    let mut world = World::new();
    let log = world.path("kept.log");
    let mut rotating = spec();
    rotating.stdout.maxbytes = 4;
    rotating.stdout.backups = 2;
    let (run, fd) = world.start(rotating, &log);
    for (done, chunk) in [b"one\n", b"two\n", b"six\n", b"ten\n"]
        .into_iter()
        .enumerate()
    {
        write_all(&fd, chunk);
        let newest = PathBuf::from(format!("{}.1", log.display()));
        wait_until("the chunk is rotated away", || {
            fs::read(&newest).is_ok_and(|text| text == chunk)
        });
        assert!(generations(&log).len() <= 3, "after chunk {done}");
    }
    assert_eq!(generations(&log), [&b"six\n"[..], b"ten\n", b""]);
    drop(fd);
    world.drain(run);
}

#[test]
fn without_backups_the_file_is_emptied() {
    let mut world = World::new();
    let log = world.path("emptied.log");
    let mut rotating = spec();
    rotating.stdout.maxbytes = 4;
    rotating.stdout.backups = 0;
    let (run, fd) = world.start(rotating, &log);
    write_all(&fd, b"long line\n");
    drop(fd);
    world.drain(run);
    assert_eq!(generations(&log), [b""]);
}

#[test]
fn a_reaped_childs_output_is_in_the_file_before_drained_is_told() {
    let mut world = World::new();
    let log = world.path("exit.log");
    let (run, fd) = world.start(spec(), &log);
    let text = vec![b'x'; 50_000];
    write_all(&fd, &text);
    drop(fd);
    let told = world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), text);
    assert!(
        matches!(
            told[..],
            [Fact::Closed {
                channel: Channel::Stdout,
                ..
            }]
        ),
        "{told:?}"
    );
}

/// Whoever hears of the end may tell of the exit at once.
#[test]
fn what_was_held_back_is_told_and_in_the_file_before_the_end_of_the_pipe_is() {
    let mut world = World::new();
    let log = world.path("held.log");
    let mut capturing = spec();
    capturing.stdout.capture_maxbytes = 1000;
    capturing.stdout.events_enabled = true;
    let (_, fd) = world.start(capturing, &log);
    // The beginning of a token, of which nobody knows yet that it will be none.
    let text = b"all of it <!--XSUPERVISOR:BEG";
    write_all(&fd, text);
    drop(fd);
    let mut told = Vec::new();
    loop {
        match world.fact() {
            Fact::Logged { data, .. } => told.extend(data),
            Fact::Closed { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, text);
    assert_eq!(fs::read(&log).unwrap(), text);
}

#[test]
fn a_grandchild_that_holds_the_pipe_goes_on_logging() {
    let mut world = World::new();
    let log = world.path("remnant.log");
    let (run, fd) = world.start(spec(), &log);
    write_all(&fd, b"child\n");
    assert!(world.drain(run).is_empty());
    assert_eq!(fs::read(&log).unwrap(), b"child\n");
    // The next run logs to the same file.
    let (next, next_fd) = world.start(spec(), &log);
    write_all(&next_fd, b"next\n");
    wait_until("the next run's line is there", || {
        fs::read(&log).unwrap().ends_with(b"next\n")
    });
    write_all(&fd, b"grandchild\n");
    drop(fd);
    assert!(matches!(world.fact(), Fact::Closed { run: told, .. } if told == run));
    assert_eq!(fs::read(&log).unwrap(), b"child\nnext\ngrandchild\n");
    drop(next_fd);
    world.drain(next);
}

#[test]
fn the_oldest_of_too_many_remnants_is_closed() {
    let mut world = World::new();
    let log = world.path("remnants.log");
    let mut held = Vec::new();
    for _ in 0..9 {
        let (run, fd) = world.start(spec(), &log);
        assert!(world.drain(run).is_empty());
        held.push((run, fd));
    }
    assert!(matches!(world.fact(), Fact::Closed { run, .. } if run == held[0].0));
    world.logs.order(Order::Forget { proc: ProcId(1) });
    for (run, _) in &held[1..] {
        assert!(matches!(world.fact(), Fact::Closed { run: told, .. } if told == *run));
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_told_with_its_reason() {
    let mut world = World::new();
    let path = world.path("missing/x.log");
    assert_eq!(
        world.open(spec(), Some(&path), false).1,
        Err((path, Errno(2)))
    );
    let dir = world.dir.0.clone();
    assert_eq!(
        world.open(spec(), Some(&dir), false).1,
        Err((dir, Errno(21)))
    );
}

#[test]
fn an_abandoned_run_leaves_nothing() {
    let mut world = World::new();
    let log = world.path("abandoned.log");
    let (run, result) = world.open(spec(), Some(&log), false);
    result.unwrap();
    world.logs.order(Order::Abandon { run });
    assert!(world.drain(run).is_empty());
    assert_eq!(fs::read(&log).unwrap(), b"");
}

#[test]
fn captured_text_is_told_and_not_logged() {
    let mut world = World::new();
    let log = world.path("capture.log");
    let mut capturing = spec();
    capturing.stdout.capture_maxbytes = 1000;
    let (run, fd) = world.start(capturing, &log);
    write_all(&fd, b"a\n<!--XSUPERVISOR:BEGIN-->he");
    write_all(&fd, b"llo<!--XSUPERVISOR:E");
    wait_until("the first part is read", || {
        fs::read(&log).unwrap() == b"a\n"
    });
    write_all(&fd, b"ND-->b\nshort <");
    drop(fd);
    let told = world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), b"a\nb\nshort <");
    let captured = told
        .iter()
        .any(|fact| matches!(fact, Fact::Captured { data, .. } if data == b"hello"));
    assert!(captured, "{told:?}");
}

#[test]
fn escape_sequences_are_dropped_everywhere() {
    let child = ChildLogSettings { strip_ansi: true };
    let mut world = World::with(Dir::new(), |_| (), child);
    let log = world.path("plain.log");
    let mut loud = spec();
    loud.stdout.events_enabled = true;
    loud.stdout.capture_maxbytes = 100;
    let (run, fd) = world.start(loud, &log);
    write_all(
        &fd,
        b"\x1b[31mred\x1b[0m\n<!--XSUPERVISOR:BEGIN-->\x1b[1mx<!--XSUPERVISOR:END-->",
    );
    drop(fd);
    let told = world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), b"red\n");
    assert!(
        told.iter()
            .any(|fact| matches!(fact, Fact::Captured { data, .. } if data == b"x")),
        "{told:?}"
    );
    let logged: Vec<u8> = told
        .iter()
        .filter_map(|fact| {
            if let Fact::Logged { data, .. } = fact {
                Some(data.clone())
            } else {
                None
            }
        })
        .flatten()
        .collect();
    assert_eq!(logged, b"red\nx");
    world.logs.order(Order::StripAnsi(false));
    let (run, fd) = world.start(spec(), &log);
    write_all(&fd, b"\x1b[1m");
    drop(fd);
    world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), b"red\n\x1b[1m");
}

#[test]
fn a_flood_of_events_waits_in_the_pipe_until_they_are_taken() {
    let mut world = World::new();
    let log = world.path("events.log");
    let mut loud = spec();
    loud.stdout.events_enabled = true;
    let (run, fd) = world.start(loud, &log);
    let total = 12 << 20;
    let writer = std::thread::spawn(move || write_all(&fd, &vec![b'x'; total]));
    wait_until("so much is undelivered that reading stops", || {
        fs::metadata(&log).unwrap().len() > backlog::BACKLOG_BYTES_MAX as u64
    });
    let before = fs::metadata(&log).unwrap().len();
    assert!(
        before < (total as u64) / 2,
        "{before} bytes were read while nobody took the events"
    );
    let mut told = 0;
    while told < total {
        if let Fact::Logged { data, .. } = world.fact() {
            told += data.len();
        }
    }
    writer.join().unwrap();
    world.drain(run);
    assert_eq!(
        (told, fs::metadata(&log).unwrap().len()),
        (total, total as u64)
    );
}

#[test]
fn a_listeners_stdout_reaches_its_log() {
    let mut world = World::new();
    let log = world.path("listener.log");
    let (run, result) = world.open(spec(), Some(&log), true);
    result.unwrap();
    world.logs.order(Order::ListenerOutput {
        run,
        data: b"READY\n".to_vec(),
    });
    world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), b"READY\n");
}

#[test]
fn an_output_without_a_log_is_read_all_the_same() {
    let mut world = World::new();
    let (run, result) = world.open(spec(), None, false);
    result.unwrap();
    let (read, write) = provost_os::pipe::pipe().unwrap();
    world.logs.order(Order::Attach {
        run,
        channel: Channel::Stderr,
        fd: read,
    });
    write_all(&write, &vec![b'x'; 300_000]);
    drop(write);
    world.drain(run);
}

#[test]
fn lines_go_to_syslog_with_the_name_of_the_process() {
    let dir = Dir::new();
    let receiver = std::os::unix::net::UnixDatagram::bind(dir.path("syslog")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut main = MainLog::open(settings(&dir)).unwrap();
    main.syslog = provost_os::syslog::Syslog::at(&dir.path("syslog"), "supervisord");
    let mut world = World::around(dir, main, ChildLogSettings::default());
    let log = world.path("both.log");
    let mut telling = spec();
    telling.stdout.syslog = true;
    let (run, fd) = world.start(telling, &log);
    write_all(&fd, b"one\ntwo");
    drop(fd);
    world.drain(run);
    for expected in ["cat one", "cat two"] {
        let mut buffer = [0; 200];
        let count = receiver.recv(&mut buffer).unwrap();
        let line = String::from_utf8_lossy(&buffer[..count]);
        assert!(
            line.starts_with("<14>") && line.ends_with(&format!("supervisord: {expected}")),
            "{line}"
        );
    }
    assert_eq!(fs::read(&log).unwrap(), b"one\ntwo");
}

#[test]
fn f26_a_long_line_reaches_syslog_in_pieces_that_say_so() {
    let dir = Dir::new();
    let receiver = std::os::unix::net::UnixDatagram::bind(dir.path("syslog")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut main = MainLog::open(settings(&dir)).unwrap();
    main.syslog = provost_os::syslog::Syslog::at(&dir.path("syslog"), "supervisord");
    let mut world = World::around(dir, main, ChildLogSettings::default());
    let log = world.path("both.log");
    let mut telling = spec();
    telling.stdout.syslog = true;
    let (run, fd) = world.start(telling, &log);
    let line = "x".repeat(150_000);
    write_all(&fd, line.as_bytes());
    drop(fd);
    world.drain(run);
    let mut whole = String::new();
    for goes_on in [true, true, false] {
        let mut buffer = vec![0; 70_000];
        let count = receiver.recv(&mut buffer).unwrap();
        let said = String::from_utf8_lossy(&buffer[..count]);
        let piece = said.split_once("supervisord: cat ").unwrap().1;
        assert_eq!(piece.ends_with(" [line goes on]"), goes_on);
        whole.push_str(piece.trim_end_matches(" [line goes on]"));
    }
    assert_eq!(whole, line);
    assert_eq!(fs::read(&log).unwrap(), line.as_bytes());
}

#[test]
fn reopening_after_a_rename_loses_nothing() {
    let mut world = World::new();
    let (log, moved) = (world.path("moving.log"), world.path("moved.log"));
    let (run, fd) = world.start(spec(), &log);
    let writer = std::thread::spawn(move || {
        for line in numbered(0, 20_000) {
            write_all(&fd, &line);
        }
    });
    wait_until("something is logged", || {
        fs::metadata(&log).unwrap().len() > 1000
    });
    fs::rename(&log, &moved).unwrap();
    world.logs.order(Order::Reopen);
    wait_until("the new file is there", || log.exists());
    writer.join().unwrap();
    world.drain(run);
    let all = [fs::read(&moved).unwrap(), fs::read(&log).unwrap()].concat();
    assert_eq!(all, numbered(0, 20_000).concat());
}

#[test]
fn a_cleared_log_is_a_new_empty_file_with_the_old_permissions() {
    let mut world = World::new();
    let (log, idle, absent) = (
        world.path("live.log"),
        world.path("idle.log"),
        world.path("absent.log"),
    );
    world.logs.order(Order::CreateAuto { path: log.clone() });
    let (run, fd) = world.start(spec(), &log);
    fs::write(&idle, "old").unwrap();
    write_all(&fd, b"old\n");
    wait_until("the old line is there", || {
        fs::read(&log).unwrap() == b"old\n"
    });
    let old = fs::File::open(&log).unwrap();

    let ticket = provost_model::Ticket(5);
    let paths = vec![
        log.clone(),
        idle.clone(),
        absent.clone(),
        PathBuf::from("/dev/stdout"),
    ];
    world.logs.order(Order::Clear { ticket, paths });
    assert!(
        matches!(world.fact(), Fact::Cleared { ticket: told, result: Ok(()) } if told == ticket)
    );
    assert_eq!(
        (fs::read(&log).unwrap(), fs::read(&idle).unwrap()),
        (vec![], vec![])
    );
    assert!(!absent.exists());
    assert_eq!(
        fs::metadata(&log).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        old.metadata().unwrap().len(),
        4,
        "whoever reads the old file can finish"
    );

    write_all(&fd, b"new\n");
    drop(fd);
    world.drain(run);
    assert_eq!(fs::read(&log).unwrap(), b"new\n");
}

#[test]
fn the_backups_of_a_private_log_are_private() {
    let mut world = World::new();
    let log = world.path("private.log");
    world.logs.order(Order::CreateAuto { path: log.clone() });
    let mut rotating = spec();
    rotating.stdout.maxbytes = 1;
    let (run, fd) = world.start(rotating, &log);
    write_all(&fd, b"secret\n");
    drop(fd);
    world.drain(run);
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("private.log"), mode("private.log.1")), (0o600, 0o600));
}

#[test]
fn a_follower_hears_of_growth() {
    let mut world = World::new();
    let log = world.path("followed.log");
    let mut follower = world.logs.board().follow(&log);
    let (run, fd) = world.start(spec(), &log);
    write_all(&fd, b"news\n");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let heard =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, follower.changed()).await });
    assert!(heard.is_ok());
    assert_eq!(fs::read(&log).unwrap(), b"news\n");
    drop(fd);
    world.drain(run);
}
