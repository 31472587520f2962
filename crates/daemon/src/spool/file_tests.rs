use super::file::SpoolFile;
use provost_model::{Envelope, Event, Level};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A directory that goes with the test, and what operators were told.
struct Scene {
    directory: PathBuf,
    told: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("provost-spool-{}-{name}", std::process::id()));
        // Of an earlier process with our number.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self {
            directory,
            told: Arc::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.join("mail.events")
    }

    fn open(&self, maxbytes: u64) -> SpoolFile {
        self.try_open(maxbytes).unwrap()
    }

    fn try_open(&self, maxbytes: u64) -> std::io::Result<SpoolFile> {
        let told = Arc::clone(&self.told);
        let tell = move |_: Level, text: String| told.lock().unwrap().push(text);
        SpoolFile::open(&self.path(), maxbytes, Box::new(tell))
    }

    fn told(&self) -> String {
        self.told.lock().unwrap().join("\n")
    }

    /// Numbers of all events, read by a new opening.
    fn content(&self) -> Vec<u64> {
        serials(&mut self.open(u64::MAX))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn events(serials: Range<u64>) -> Vec<Envelope> {
    let event = |serial| Envelope {
        serial,
        pool: "mail".into(),
        pool_serial: serial,
        event: Arc::new(Event::RemoteCommunication {
            kind: "k".to_owned(),
            data: "x".repeat(100),
        }),
    };
    serials.map(event).collect()
}

fn read(spool: &mut SpoolFile, max: usize) -> Vec<(u64, u64)> {
    let read = spool.read(&Arc::from("mail"), max).unwrap();
    read.into_iter()
        .map(|(number, envelope)| (number, envelope.serial))
        .collect()
}

fn serials(spool: &mut SpoolFile) -> Vec<u64> {
    read(spool, usize::MAX)
        .into_iter()
        .map(|(_, serial)| serial)
        .collect()
}

fn damage(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0xFF;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_written_is_read_in_order_and_stays_until_it_is_done() {
    let scene = Scene::new("order");
    let mut spool = scene.open(1 << 20);
    assert_eq!(spool.append(&events(0..3)).unwrap(), 3);
    assert_eq!(read(&mut spool, 2), [(0, 0), (1, 1)]);
    spool.append(&events(3..4)).unwrap();
    assert_eq!(read(&mut spool, 9), [(2, 2), (3, 3)]);
    assert_eq!(spool.unread(), 0);
    spool.done(2).unwrap();
    drop(spool);
    // As after a crash: what was not done is there again.
    assert_eq!(scene.content(), [2, 3]);
    assert_eq!(scene.told(), "");
}

#[test]
fn a_full_one_takes_no_more_until_something_is_done() {
    let scene = Scene::new("full");
    let mut spool = scene.open(4096);
    let taken = spool.append(&events(0..100)).unwrap();
    assert!((20..40).contains(&taken), "{taken}");
    assert_eq!(spool.append(&events(100..101)).unwrap(), 0);
    read(&mut spool, 2);
    spool.done(2).unwrap();
    assert_eq!(spool.append(&events(100..103)).unwrap(), 2);
}

#[test]
fn a_torn_record_is_left_out() {
    for cut in [1, 30, 100] {
        let scene = Scene::new(&format!("torn{cut}"));
        let mut spool = scene.open(1 << 20);
        spool.append(&events(0..3)).unwrap();
        drop(spool);
        let length = fs::metadata(scene.path()).unwrap().len();
        let file = fs::File::options().write(true).open(scene.path()).unwrap();
        file.set_len(length - cut).unwrap();
        let mut spool = scene.open(1 << 20);
        assert_eq!(serials(&mut spool), [0, 1]);
        assert!(scene.told().contains("torn"), "{}", scene.told());
        spool.append(&events(7..8)).unwrap();
        drop(spool);
        assert_eq!(scene.content(), [0, 1, 7]);
    }
}

#[test]
fn a_damaged_one_is_set_aside_and_what_stands_before_is_kept() {
    let scene = Scene::new("damage");
    let mut spool = scene.open(1 << 20);
    spool.append(&events(0..5)).unwrap();
    read(&mut spool, 1);
    spool.done(1).unwrap();
    let record = (fs::metadata(scene.path()).unwrap().len() - 64) / 5;
    drop(spool);
    damage(
        &scene.path(),
        usize::try_from(64 + 3 * record + 20).unwrap(),
    );
    let mut spool = scene.open(1 << 20);
    assert_eq!(spool.unread(), 2);
    assert_eq!(serials(&mut spool), [1, 2]);
    spool.append(&events(9..10)).unwrap();
    drop(spool);
    assert_eq!(scene.content(), [1, 2, 9]);
    assert!(scene.directory.join("mail.events.bad").exists());
    assert!(
        scene.told().contains("2 events before the damage"),
        "{}",
        scene.told()
    );
}

#[test]
fn what_is_no_spool_is_set_aside() {
    for (name, content) in [
        ("text", &b"hello"[..]),
        ("long", &[b'x'; 1000]),
        ("binary", &[0; 64]),
    ] {
        let scene = Scene::new(name);
        fs::write(scene.path(), content).unwrap();
        let mut spool = scene.open(1 << 20);
        assert_eq!(spool.append(&events(0..1)).unwrap(), 1);
        drop(spool);
        assert_eq!(scene.content(), [0]);
        let bad = fs::read(scene.directory.join("mail.events.bad")).unwrap();
        assert_eq!(bad, content);
    }
}

#[test]
fn two_cannot_use_one() {
    let scene = Scene::new("lock");
    let first = scene.open(1 << 20);
    let why = scene.try_open(1 << 20).err().expect("refused").to_string();
    assert!(why.contains("another supervisord"), "{why}");
    drop(first);
    scene.open(1 << 20);
}

#[test]
fn the_end_puts_the_buffer_before_what_is_there() {
    let scene = Scene::new("save");
    let mut spool = scene.open(1 << 20);
    spool.append(&events(10..14)).unwrap();
    read(&mut spool, 2);
    // Of the two that were read the first is done, the second among what comes back.
    spool
        .save(&events(8..12), Some(2), events(50..60), events(14..16))
        .unwrap();
    assert_eq!(scene.content(), [8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(scene.told(), "");
}

#[test]
fn the_end_appends_where_all_else_is_there_and_a_spool_without_events_goes() {
    let scene = Scene::new("save2");
    let mut spool = scene.open(1 << 20);
    spool.append(&events(0..2)).unwrap();
    spool.save(&[], Some(0), Vec::new(), events(2..3)).unwrap();
    let mut spool = scene.open(1 << 20);
    assert_eq!(serials(&mut spool), [0, 1, 2]);
    spool.save(&[], Some(3), Vec::new(), Vec::new()).unwrap();
    assert!(!scene.path().exists());
}

#[test]
fn a_file_does_not_grow_beyond_half_as_much_again() {
    let scene = Scene::new("grow");
    let maxbytes = 4 << 20;
    let mut spool = scene.open(maxbytes);
    let (mut written, mut seen) = (0, 0);
    for _ in 0..400 {
        written += spool.append(&events(written..written + 500)).unwrap() as u64;
        for (number, serial) in read(&mut spool, 400) {
            assert_eq!(serial, seen);
            seen += 1;
            spool.done(number).unwrap();
        }
        let length = fs::metadata(scene.path()).unwrap().len();
        assert!(length <= maxbytes * 3 / 2 + (1 << 20), "{length}");
    }
    assert!(written - seen > 20_000, "it was full");
    drop(spool);
    let left = scene.content();
    // The last one read is not done.
    assert_eq!(left, (seen - 1..written).collect::<Vec<_>>());
}

#[test]
fn a_read_of_what_was_overwritten_by_somebody_gives_up_the_rest() {
    let scene = Scene::new("overwritten");
    let mut spool = scene.open(1 << 20);
    spool.append(&events(0..5)).unwrap();
    let length = fs::metadata(scene.path()).unwrap().len();
    damage(&scene.path(), usize::try_from(length - 150).unwrap());
    assert_eq!(read(&mut spool, 9).len(), 3);
    assert_eq!(spool.unread(), 0);
    assert!(
        scene.told().contains("2 events are lost"),
        "{}",
        scene.told()
    );
    spool.append(&events(5..6)).unwrap();
    assert_eq!(read(&mut spool, 9), [(3, 5)]);
}
