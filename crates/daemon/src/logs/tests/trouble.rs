//! Logs that do not take what they should.

use super::*;
use std::fmt::Write;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;

fn make_fifo(path: &Path) {
    let status = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_fifo_without_a_reader_holds_up_its_own_child_only() {
    const BYTES: usize = 3 << 20;
    let mut world = World::new();
    let (fifo, log) = (world.path("fifo"), world.path("other.log"));
    make_fifo(&fifo);
    let (stuck, stuck_fd) = world.start(spec(), &fifo);
    let text: Vec<u8> = (0..BYTES)
        .map(|at| b'a' + u8::try_from(at % 26).unwrap())
        .collect();
    let expected = text.clone();
    let writer = std::thread::spawn(move || write_all(&stuck_fd, &text));
    wait_until("the log is full", || {
        world.main_text().contains("its reader does not keep up")
    });

    let (other, other_fd) = world.start(spec(), &log);
    write_all(&other_fd, b"still here\n");
    drop(other_fd);
    world.drain(other);
    assert_eq!(fs::read(&log).unwrap(), b"still here\n");
    assert!(
        !writer.is_finished(),
        "more was taken than may be held back"
    );
    // A dead child's exit is not held up either.
    world.drain(stuck);

    let mut reader = fs::File::open(&fifo).unwrap();
    let mut got = vec![0; BYTES];
    reader.read_exact(&mut got).unwrap();
    writer.join().unwrap();
    assert!(got == expected, "bytes were lost or changed their order");
}

#[test]
fn what_a_reader_never_took_is_told_at_the_end() {
    let mut world = World::new();
    let fifo = world.path("fifo");
    make_fifo(&fifo);
    let (_, fd) = world.start(spec(), &fifo);
    write_all(&fd, &vec![b'x'; 200_000]);
    // A fifth of this is left to the thread for telling, once it has given up on the reader.
    let dir = match world.logs.stop(Duration::from_secs(5)) {
        Stopped::Finished { left, .. } => {
            assert!(
                left.len() == 1 && left[0].0 == fifo && left[0].1 > 100_000,
                "{left:?}"
            );
            world.dir
        }
        Stopped::Stuck { .. } => panic!("the thread did not stop"),
    };
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert!(
        text.contains(" could not be written before the end"),
        "{text}"
    );
}

#[test]
fn a_socket_of_ours_gets_everything_and_never_blocks() {
    const BYTES: usize = 600_000;
    let mut world = World::new();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let path = PathBuf::from(format!("/dev/fd/{}", ours.as_raw_fd()));
    let (run, fd) = world.start(spec(), &path);
    write_all(&fd, &vec![b'x'; BYTES]);
    drop(fd);
    world.drain(run);
    let mut got = vec![0; BYTES];
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    theirs.read_exact(&mut got).unwrap();
    assert!(got.iter().all(|&byte| byte == b'x'));
}

#[test]
fn a_pipe_without_reader_is_told_once_and_kills_nobody() {
    let mut world = World::new();
    let (read, write) = provost_os::pipe::pipe().unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", write.as_raw_fd()));
    let (run, fd) = world.start(spec(), &path);
    drop(read);
    for _ in 0..3 {
        write_all(&fd, b"to nobody\n");
        wait_until("it is told", || {
            world.main_text().contains("has no reader any more")
        });
    }
    drop(fd);
    world.drain(run);
    let (dir, _, _) = world.stop();
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert_eq!(text.matches("has no reader any more").count(), 1, "{text}");
}

#[test]
fn a_full_disk_costs_counted_lines_and_says_so_in_the_log() {
    const LINES: usize = 100_000;
    let mut world = World::new();
    let log = world.path("full.log");
    symlink("/dev/full", &log).unwrap();
    let (run, fd) = world.start(spec(), &log);
    for number in 0..LINES {
        write_all(&fd, format!("line {number:010}\n").as_bytes());
    }
    world.drain(run);
    wait_until("it is told", || {
        world
            .main_text()
            .contains("No space left on device (ENOSPC)")
    });
    fs::remove_file(&log).unwrap();
    world.logs.order(Order::Reopen);
    wait_until("space is back", || {
        world.main_text().contains("takes output again")
    });

    let text = fs::read_to_string(&log).unwrap();
    let (marker, kept) = text.split_once('\n').unwrap();
    let numbers: Vec<usize> = marker
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect();
    assert!(
        marker.starts_with("supervisord: dropped ")
            && marker.ends_with("(No space left on device)"),
        "{marker}"
    );
    let (dropped_bytes, dropped_lines) = (numbers[0], numbers[1]);
    let mut expected = String::new();
    for number in dropped_lines..LINES {
        writeln!(expected, "line {number:010}").unwrap();
    }
    assert_eq!(dropped_bytes, 16 * dropped_lines);
    let told =
        format!("takes output again; {dropped_bytes} bytes, {dropped_lines} lines were dropped");
    assert!(world.main_text().contains(&told), "{}", world.main_text());
    assert!(kept == expected, "the marker's count is not the gap");
    assert_eq!(
        world.main_text().matches("could not write to log").count(),
        1
    );
    drop(fd);
}

#[test]
fn a_rotation_that_fails_loses_no_line_and_is_told_once() {
    let mut world = World::new();
    let log = world.path("stubborn.log");
    // A directory in the place of the file that is to come.
    let obstacle = world.path(".stubborn.log.rotating");
    fs::create_dir(&obstacle).unwrap();
    let mut rotating = spec();
    rotating.stdout.maxbytes = 10;
    let (run, fd) = world.start(rotating, &log);
    for number in 0..5 {
        write_all(&fd, format!("a long line {number}\n").as_bytes());
        wait_until("the line is there", || {
            fs::read_to_string(&log)
                .unwrap()
                .contains(&format!("line {number}"))
        });
    }
    fs::remove_dir(&obstacle).unwrap();
    wait_until("it rotates", || {
        write_all(&fd, b".");
        generations(&log).len() == 2
    });
    drop(fd);
    world.drain(run);
    let text = String::from_utf8(generations(&log).concat()).unwrap();
    let lines: Vec<&str> = text.lines().take(5).collect();
    assert_eq!(
        lines,
        (0..5)
            .map(|number| format!("a long line {number}"))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        world.main_text().matches("could not rotate log").count(),
        1,
        "{}",
        world.main_text()
    );
}

#[test]
fn a_vanished_directory_at_reopening_is_survived() {
    let mut world = World::new();
    let (dir, moved) = (world.path("logs"), world.path("moved"));
    fs::create_dir(&dir).unwrap();
    let (run, fd) = world.start(spec(), &dir.join("x.log"));
    fs::rename(&dir, &moved).unwrap();
    world.logs.order(Order::Reopen);
    write_all(&fd, b"not lost\n");
    drop(fd);
    world.drain(run);
    assert_eq!(fs::read(moved.join("x.log")).unwrap(), b"not lost\n");
    wait_until("it is told", || {
        world.main_text().contains("could not reopen log")
    });
}

#[test]
fn a_removed_log_is_made_anew() {
    let mut world = World::new();
    let log = world.path("removed.log");
    let (run, fd) = world.start(spec(), &log);
    fs::remove_file(&log).unwrap();
    write_all(&fd, b"one\n");
    wait_until("the file is back", || {
        fs::read(&log).is_ok_and(|text| text == b"one\n")
    });
    fs::remove_file(&log).unwrap();
    fs::rename(&world.dir.0, world.dir.0.with_extension("away")).unwrap();
    write_all(&fd, b"two\n");
    write_all(&fd, b"three\n");
    drop(fd);
    world.drain(run);
    fs::rename(world.dir.0.with_extension("away"), &world.dir.0).unwrap();
    let (dir, _, _) = world.stop();
    let text = fs::read_to_string(dir.path("main.log")).unwrap();
    assert_eq!(text.matches("it is made anew").count(), 1, "{text}");
    assert_eq!(text.matches("cannot be made anew").count(), 1, "{text}");
}

#[test]
fn a_truncated_log_goes_on_from_its_new_end() {
    let mut world = World::new();
    let log = world.path("cut.log");
    let mut rotating = spec();
    rotating.stdout.maxbytes = 20;
    let (run, fd) = world.start(rotating, &log);
    write_all(&fd, b"fifteen bytes.\n");
    wait_until("the line is there", || {
        fs::metadata(&log).unwrap().len() == 15
    });
    fs::File::options()
        .write(true)
        .open(&log)
        .unwrap()
        .set_len(0)
        .unwrap();
    write_all(&fd, b"ten bytes\n");
    drop(fd);
    world.drain(run);
    assert_eq!(generations(&log), [b"ten bytes\n"]);
}
