//! Rotation in a directory whose owner lays traps all the time.
#![expect(clippy::print_stdout, reason = "a skipped test says why")]

use super::*;
use crate::logs::notes::Notes;
use crate::logs::sink::Sink;
use provost_capture::rotate::Rotation;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::process::{Child, Command};

/// The number that Linux knows `nobody` by.
const NOBODY: u32 = 65_534;

/// Puts links and files where the log and its backups are, as fast as a shell can, until it is ended.
const TRAPS: &str = "while :; do ln -sf ../secret p.log; ln -f ../secret p.log.1; ln -sf ../secret .p.log.rotating; \
                     rm -f p.log; : > p.log; ln -sf ../secret p.log.1; done";

struct Trapper(Child);

impl Drop for Trapper {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _it_is_ours = self.0.wait();
    }
}

#[test]
fn s13_ten_thousand_rotations_among_traps_touch_no_file_of_others() {
    if provost_os::users::current_euid() != 0 {
        println!("skipped: only root can be made to write into files of others");
        return;
    }
    let dir = Dir::new();
    let (home, secret) = (dir.path("home"), dir.path("secret"));
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::write(&secret, "secret").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let trapper = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["sh", "-c", TRAPS])
        .current_dir(&home)
        .stderr(std::process::Stdio::null())
        .spawn();
    let Ok(trapper) = trapper.map(Trapper) else {
        println!("skipped: setpriv is not installed");
        return;
    };
    let path = home.join("p.log");
    let (mut notes, mut now, mut refused) = (Notes::default(), Instant::now(), 0);
    let mut sink = loop {
        match Sink::open(path.as_path().into(), Paths::Guarded) {
            Ok(sink) => break sink,
            Err(_) => refused += 1,
        }
        assert!(refused < 100_000, "it is a plain file now and then");
    };
    for _ in 0..10_000 {
        // A failed rotation is tried again after a minute at most.
        now += Duration::from_mins(2);
        sink.append(b"x\n", Rotation::new(1, 3), now, &mut notes);
        notes.take();
    }
    sink.reopen(now, &mut notes);
    drop(trapper);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    let kept = fs::metadata(&secret).unwrap();
    assert_eq!((kept.uid(), kept.mode() & 0o777), (0, 0o600));
    for entry in fs::read_dir(&home).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().uid(), NOBODY);
    }
}
