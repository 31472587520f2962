//! Programs that write as quickly as they are read.

use super::*;
use std::os::fd::AsFd;

/// Its pipe becomes a wide one on the way.
#[test]
fn of_a_program_that_writes_a_lot_each_byte_is_in_the_file_in_its_place() {
    let mut world = World::new();
    let log = world.path("bulk.log");
    let (run, fd) = world.start(spec(), &log);
    let text: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    for piece in text.chunks(64 << 10) {
        write_all(&fd, piece);
    }
    wait_until("much is there", || {
        fs::metadata(&log).is_ok_and(|log| log.len() == text.len() as u64)
    });
    provost_os::pipe::set_nonblocking(fd.as_fd(), true).unwrap();
    world.logs.rest(PATIENCE).unwrap();
    // Nobody reads: what goes in is what it holds.
    let more = vec![b'x'; provost_os::pipe::WIDE_BYTES + 1];
    let held = provost_os::pipe::write(fd.as_fd(), &more).unwrap();
    assert_eq!(held, provost_os::pipe::WIDE_BYTES);
    world.logs.go_on();
    drop(fd);
    world.drain(run);
    let logged = fs::read(&log).unwrap();
    assert!(logged == [&text[..], &more[..held]].concat());
}
