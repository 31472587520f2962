//! supervisord's own log.

use super::*;
use provost_core::ClearProblem;
use provost_model::Ticket;

/// The lines without their stamps, whose form is checked.
fn unstamped(text: &str) -> Vec<String> {
    let strip = |line: &str| {
        let (stamp, rest) = line.split_at(24);
        let shape: String = stamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00 00:00:00,000 ", "{line}");
        rest.to_owned()
    };
    text.lines().map(strip).collect()
}

#[test]
fn lines_before_with_and_after_the_thread_are_in_one_file() {
    let dir = Dir::new();
    let mut main = MainLog::open(settings(&dir)).unwrap();
    main.write(Level::Warn, "booting");
    main.write(Level::Debug, "not shown");
    let world = World::around(dir, main, ChildLogSettings::default());
    let logger = world.logs.logger();
    logger.log(Level::Info, "running");
    logger.log(Level::Debug, "not shown");
    logger.set_level(Level::Trace);
    logger.log(Level::Trace, "detail");
    let (dir, mut main, left) = world.stop();
    main.write(Level::Critical, "ending");
    assert!(left.is_empty());
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert_eq!(
        unstamped(&text),
        ["WARN booting", "INFO running", "TRAC detail", "CRIT ending"]
    );
}

#[test]
fn it_rotates_by_its_own_limit() {
    let world = World::with(
        Dir::new(),
        |settings| {
            settings.maxbytes = 50;
            settings.backups = 3;
        },
        ChildLogSettings::default(),
    );
    let logger = world.logs.logger();
    for number in 0..4 {
        logger.log(Level::Info, format!("a line with number {number}"));
    }
    let (dir, _, _) = world.stop();
    let generations = generations(&dir.path("main.log"));
    let lines: Vec<usize> = generations
        .iter()
        .map(|text| text.split(|&byte| byte == b'\n').count() - 1)
        .collect();
    assert_eq!(
        lines,
        [1, 1, 1, 0],
        "the first of four went beyond the backups"
    );
}

#[test]
fn childrens_output_is_copied_at_debug_level() {
    let mut world = World::with(
        Dir::new(),
        |settings| settings.level = Level::Debug,
        ChildLogSettings::default(),
    );
    let log = world.path("cat.log");
    let (run, fd) = world.start(spec(), &log);
    write_all(&fd, b"mew\n");
    wait_until("the first line is read", || {
        fs::read(&log).unwrap() == b"mew\n"
    });
    write_all(&fd, b"\xffmew\n");
    drop(fd);
    world.drain(run);
    let (run, result) = world.open(spec(), None, true);
    result.unwrap();
    world.logs.order(Order::ListenerOutput {
        run,
        data: b"READY\n".to_vec(),
    });
    world.drain(run);
    let (dir, _, _) = world.stop();
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert!(
        text.contains("DEBG 'cat' stdout output:\nmew\n\n"),
        "{text}"
    );
    assert!(
        text.contains("DEBG 'cat' stdout output:\nUndecodable: b'\\xffmew\\n'\n"),
        "{text}"
    );
    assert!(
        text.contains("DEBG 'cat' stdout output:\nb'READY\\n'\n"),
        "{text}"
    );
    assert!(
        text.contains(" closed, stopped monitoring stdout of pets:cat\n"),
        "{text}"
    );
}

#[test]
fn clearing_it_leaves_an_empty_file() {
    let mut world = World::new();
    world.logs.logger().log(Level::Info, "old");
    world.logs.order(Order::ClearMain { ticket: Ticket(1) });
    assert!(matches!(
        world.fact(),
        Fact::Cleared {
            ticket: Ticket(1),
            result: Ok(())
        }
    ));
    assert_eq!(world.main_text(), "");
    fs::remove_file(world.path("main.log")).unwrap();
    world.logs.order(Order::ClearMain { ticket: Ticket(2) });
    let Fact::Cleared {
        result: Err(ClearProblem::NoFile(path)),
        ..
    } = world.fact()
    else {
        panic!("cleared")
    };
    assert_eq!(path, world.path("main.log").display().to_string());
}

#[test]
fn lines_before_a_reopening_are_in_the_old_file() {
    let mut world = World::new();
    let moved = world.path("moved.log");
    fs::rename(world.path("main.log"), &moved).unwrap();
    world.logs.logger().log(Level::Info, "old");
    world.logs.order(Order::Reopen);
    world.logs.logger().log(Level::Info, "new");
    let (dir, _, _) = world.stop();
    assert_eq!(unstamped(&fs::read_to_string(moved).unwrap()), ["INFO old"]);
    assert_eq!(
        unstamped(&fs::read_to_string(dir.path("main.log")).unwrap()),
        ["INFO new"]
    );
}

#[test]
fn syslog_gets_each_line_with_its_stamp() {
    let dir = Dir::new();
    let receiver = std::os::unix::net::UnixDatagram::bind(dir.path("syslog")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut main = MainLog::open(MainLogSettings {
        target: Target::Syslog,
        ..settings(&dir)
    })
    .unwrap();
    main.syslog = provost_os::syslog::Syslog::at(&dir.path("syslog"), "supervisord");
    main.write(Level::Info, "one\ntwo\n");
    for expected in ["INFO one", "INFO two"] {
        let mut buffer = [0; 200];
        let count = receiver.recv(&mut buffer).unwrap();
        let line = String::from_utf8_lossy(&buffer[..count]).into_owned();
        let (_, text) = line.split_once("supervisord: ").unwrap();
        assert_eq!(unstamped(text), [expected]);
    }
}

#[test]
fn auto_logs_of_this_identifier_alone_are_cleaned() {
    let dir = Dir::new();
    let mut main = MainLog::open(settings(&dir)).unwrap();
    let ours = auto_log_path(&dir.0, "web", Channel::Stdout, "a");
    let kept = [
        auto_log_path(&dir.0, "web", Channel::Stderr, "a-b"),
        auto_log_path(&dir.0, "web", Channel::Stderr, "x"),
        dir.path("web-stdout---a-12345678.log.bak"),
        dir.path("web-stdout---a-1234567.log"),
        dir.path("web---a-12345678.log"),
    ];
    let backups = [".1", ".12"].map(|suffix| PathBuf::from(format!("{}{suffix}", ours.display())));
    let gone: Vec<PathBuf> = backups
        .into_iter()
        .chain([ours, dir.path("w-stderr---a-a1b2c3_9.log")])
        .collect();
    for path in kept.iter().chain(&gone) {
        auto::create(path, Paths::Guarded).unwrap();
    }
    clean_auto_logs(&dir.0, "a", &[], &mut main);
    assert!(kept.iter().all(|path| path.exists()) && !gone.iter().any(|path| path.exists()));
    // `.` has a meaning in patterns, but an identifier is no pattern.
    clean_auto_logs(&dir.0, ".", &[], &mut main);
    assert!(kept.iter().all(|path| path.exists()));
    clean_auto_logs(&dir.path("missing"), "a", &[], &mut main);
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert_eq!(unstamped(&text), ["WARN Could not clear childlog dir"]);
}

#[test]
fn an_auto_name_has_upstreams_form_and_is_new_each_time() {
    let name = |identifier| auto_log_path(Path::new("/logs"), "web", Channel::Stdout, identifier);
    let path = name("id").display().to_string();
    let random = path
        .strip_prefix("/logs/web-stdout---id-")
        .unwrap()
        .strip_suffix(".log")
        .unwrap();
    assert!(
        random.len() == 8
            && random
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    );
    assert_ne!(name("id"), name("id"));
    assert_eq!(name("../x").parent(), Some(Path::new("/logs")));
}
