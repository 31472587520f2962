//! On which device a log lies, which decides by which thread it is written.
//!
//! Finding it out means looking at the file system, which may hang. For a spawn a worker does it, as it looks at the
//! command. Where nobody waits for a worker, a scout does it: a thread that is asked, and given up when it does not
//! answer. What cannot be found out goes together into a place of its own, away from all that works.

use provost_os::files::own_descriptor;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a scout may take for one log. A working disk answers in microseconds, a busy one in milliseconds.
const LOOK: Duration = Duration::from_millis(100);

/// How long scouts may hold up the control thread in one life, all together.
const LOOKS: Duration = Duration::from_secs(1);

/// How long a scout stays without being asked: questions come in bursts.
const SCOUT_STAYS: Duration = Duration::from_secs(1);

/// Where a log lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On no device that could hang alone: there is no file, or it is a pipe, a terminal or one of our descriptors.
    #[default]
    Anywhere,
    /// On the device of this number.
    On {
        /// Its number.
        device: u64,
        /// Which of the device's threads it goes to, where there are several.
        lane: u8,
    },
    /// Looking took too long.
    Unknown,
}

/// Finds out where a log lies, or would if it were made. May hang as long as its file system does.
///
/// It is the directory that counts: there are file systems whose files have numbers of their own.
pub fn locate(path: &Path) -> Place {
    if own_descriptor(path).is_some() {
        return Place::Anywhere;
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path).map_or_else(
            |_| device_of_directory(path),
            |real| match fs::symlink_metadata(&real) {
                Ok(found) if !found.is_file() => Place::Anywhere,
                Ok(_) | Err(_) => device_of_directory(&real),
            },
        ),
        Ok(found) if !found.is_file() => Place::Anywhere,
        Ok(_) | Err(_) => device_of_directory(path),
    }
}

fn device_of_directory(path: &Path) -> Place {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    fs::metadata(directory).map_or(Place::Anywhere, |found| Place::On {
        device: found.dev(),
        lane: lane_of(path),
    })
}

/// Threads that a device gets at most.
pub(super) const LANES: u8 = 4;

/// Words that tell the logs of one process from each other.
const STREAMS: &[&str] = &["stdout", "stderr", "out", "err"];

/// The lane of a log. It follows from its name alone: a log that several programs share has one thread, by whatever path
/// they reach its directory.
///
/// It is made of the name up to its first dot, without the word for the stream: the two logs of a process have the same
/// lane as a rule, and are opened and read to their ends by one thread. Processes whose names differ in a digit take turns.
fn lane_of(path: &Path) -> u8 {
    let name = path.file_name().map_or(&[][..], OsStrExt::as_bytes);
    let name = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let stream = STREAMS.iter().find_map(|word| place_of_word(name, word));
    let name = stream.and_then(|from| name.get(..from)).unwrap_or(name);
    // FNV-1a, of which the lowest bits change with each digit.
    let sum = name.iter().fold(0x811C_9DC5_u32, |sum, &byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    u8::try_from(sum % u32::from(LANES)).unwrap_or(0)
}

/// Where this stands as a word of its own: `out` in `web-out`, not in `router`.
fn place_of_word(name: &[u8], word: &str) -> Option<usize> {
    let is_letter = |at: Option<usize>| {
        let byte = at.and_then(|at| name.get(at));
        byte.is_some_and(u8::is_ascii_alphabetic)
    };
    let mut parts = name.windows(word.len()).enumerate();
    let found = parts.find(|(from, part)| {
        let is_alone = !is_letter(from.checked_sub(1)) && !is_letter(Some(from + word.len()));
        is_alone && *part == word.as_bytes()
    });
    found.map(|(from, _)| from)
}

/// Asks a thread where logs lie, and does not wait long.
#[derive(Default)]
pub(super) struct Scout {
    asked: Option<(Sender<PathBuf>, Receiver<Place>)>,
    /// What was waited in vain.
    waited: Duration,
    /// Directories that hang, or did. What is written there stays where it is, so that one log is never written by two
    /// threads.
    hung: Vec<PathBuf>,
    /// The directory of AUTO logs, where new names do not lie elsewhere.
    auto: Option<(PathBuf, Place)>,
    /// What was asked for at once.
    ahead: HashMap<PathBuf, Place>,
}

impl Scout {
    /// Where a log lies.
    pub(super) fn place(&mut self, path: &Path) -> Place {
        self.place_by(path, locate)
    }

    /// Asks for many logs at once that are soon asked for one by one: to be woken for each would take its time.
    pub(super) fn look_ahead(&mut self, paths: Vec<PathBuf>) {
        self.look_ahead_by(paths, locate);
    }

    /// They have been.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead = HashMap::new();
    }

    fn look_ahead_by(&mut self, paths: Vec<PathBuf>, look: fn(&Path) -> Place) {
        let asked = self.asked.take().or_else(|| send_out(look));
        let Some((questions, answers)) = asked else {
            return;
        };
        // What is not answered here is asked for by itself.
        if !paths
            .iter()
            .all(|path| questions.send(path.clone()).is_ok())
        {
            return;
        }
        for path in paths {
            let Ok(place) = answers.recv_timeout(LOOK) else {
                self.waited += LOOK;
                self.hung.extend(path.parent().map(Path::to_path_buf));
                return;
            };
            self.ahead.insert(path, place);
        }
        self.asked = Some((questions, answers));
    }

    /// Where a log lies that is about to be made under a new name.
    pub(super) fn place_of_new(&mut self, path: &Path) -> Place {
        let directory = path.parent().unwrap_or(path);
        if let Some((known, place)) = &self.auto
            && known == directory
        {
            return match *place {
                Place::On { device, .. } => Place::On {
                    device,
                    lane: lane_of(path),
                },
                other => other,
            };
        }
        let place = self.place(path);
        self.auto = Some((directory.to_path_buf(), place));
        place
    }

    /// What somebody else found out, unless its directory has been seen to hang.
    pub(super) fn agreed(&self, path: Option<&Path>, found: Place) -> Place {
        match path.and_then(Path::parent) {
            Some(directory) if self.is_hung(directory) => Place::Unknown,
            Some(_) | None => found,
        }
    }

    fn is_hung(&self, directory: &Path) -> bool {
        self.hung.iter().any(|hung| hung == directory)
    }

    fn place_by(&mut self, path: &Path, look: fn(&Path) -> Place) -> Place {
        if own_descriptor(path).is_some() {
            return Place::Anywhere;
        }
        let directory = path.parent().unwrap_or(path);
        if self.is_hung(directory) {
            return Place::Unknown;
        }
        if let Some(place) = self.ahead.get(path) {
            return *place;
        }
        if self.waited < LOOKS
            && let Some(place) = self.ask(path, look)
        {
            return place;
        }
        self.hung.push(directory.to_path_buf());
        Place::Unknown
    }

    fn ask(&mut self, path: &Path, look: fn(&Path) -> Place) -> Option<Place> {
        // A scout that has left for want of work is replaced once.
        for _ in 0..2 {
            let (questions, answers) = match self.asked.take() {
                Some(asked) => asked,
                None => send_out(look)?,
            };
            if questions.send(path.to_path_buf()).is_err() {
                continue;
            }
            let begun = Instant::now();
            match answers.recv_timeout(LOOK) {
                Ok(place) => {
                    self.asked = Some((questions, answers));
                    return Some(place);
                }
                Err(RecvTimeoutError::Disconnected) => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.waited += begun.elapsed();
                    return None;
                }
            }
        }
        None
    }
}

fn send_out(look: fn(&Path) -> Place) -> Option<(Sender<PathBuf>, Receiver<Place>)> {
    let (questions, asked) = channel::<PathBuf>();
    let (answer, answers) = channel();
    let scout = std::thread::Builder::new().name("scout".to_owned());
    let scout = scout.spawn(move || {
        while let Ok(path) = asked.recv_timeout(SCOUT_STAYS) {
            if answer.send(look(&path)).is_err() {
                return;
            }
        }
    });
    scout.ok().map(|_| (questions, answers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn f24_a_log_lies_where_its_directory_does() {
        let dir = std::env::temp_dir().join(format!("provost-place-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let device = |path: &Path| match locate(path) {
            Place::On { device, .. } => device,
            other => panic!("{other:?}"),
        };
        let here = fs::metadata(&dir).unwrap().dev();
        assert_eq!(device(&dir.join("new.log")), here);
        fs::write(dir.join("old.log"), "").unwrap();
        assert_eq!(device(&dir.join("old.log")), here);
        let elsewhere = fs::metadata("/proc").unwrap().dev();
        symlink("/proc/version", dir.join("link")).unwrap();
        assert_eq!(device(&dir.join("link")), elsewhere);
        symlink("nowhere", dir.join("dangling")).unwrap();
        assert_eq!(device(&dir.join("dangling")), here);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn f24_what_is_no_file_lies_anywhere() {
        for path in ["/dev/null", "/dev/stdout", "/dev/fd/7", "/nowhere/x.log"] {
            assert_eq!(locate(Path::new(path)), Place::Anywhere, "{path}");
        }
    }

    const SEVEN: Place = Place::On { device: 7, lane: 0 };

    #[test]
    fn processes_take_turns_and_the_logs_of_one_go_together() {
        let lane = |path: &str| lane_of(Path::new(path));
        for (one, other) in [
            ("/l/web_1.out", "/l/web_1.err"),
            ("/l/web.out.log", "/l/web.err.log"),
            ("/l/web-stdout.log", "/l/web-stderr.log"),
            ("/l/web-out.log", "/l/web-err.log"),
            ("/l/7/stdout", "/l/7/stderr"),
            ("/var/run/all.log", "/run/all.log"),
            ("/t/web-stdout---app-x1y2.log", "/t/web-stderr---app-z3.log"),
        ] {
            assert_eq!(lane(one), lane(other), "{one} {other}");
        }
        for name in ["/l/web_#.log", "/l/router_#-err.log", "/l/worker#"] {
            let mut used = [0; LANES as usize];
            for number in 0..8 {
                let path = name.replace('#', &number.to_string());
                used[usize::from(lane(&path))] += 1;
            }
            assert_eq!(used, [2; LANES as usize], "{name}");
        }
    }

    /// Hangs for everything in `/hung`.
    fn hanging(path: &Path) -> Place {
        if path.starts_with("/hung") {
            std::thread::sleep(Duration::from_mins(10));
        }
        SEVEN
    }

    #[test]
    fn f24_who_looks_at_what_hangs_is_given_up_and_its_directory_not_asked_for_again() {
        let mut scout = Scout::default();
        let mut look = |path: &str| scout.place_by(Path::new(path), hanging);
        assert_eq!(look("/well/a.log"), SEVEN);
        assert_eq!(look("/hung/a.log"), Place::Unknown);
        assert_eq!(look("/well/b.log"), SEVEN);
        assert_eq!(look("/hung/b.log"), Place::Unknown);
        assert!(scout.waited < 2 * LOOK + LOOK, "{:?}", scout.waited);
        let agreed = |path| scout.agreed(Some(Path::new(path)), SEVEN);
        assert_eq!(agreed("/hung/c.log"), Place::Unknown);
        assert_eq!(agreed("/well/c.log"), SEVEN);
    }

    #[test]
    fn f24_many_are_asked_for_at_once_and_one_that_hangs_is_passed() {
        let mut scout = Scout::default();
        let paths = ["/well/a.log", "/hung/a.log", "/well/b.log"];
        scout.look_ahead_by(paths.map(PathBuf::from).to_vec(), hanging);
        assert_eq!(scout.ahead.len(), 1);
        let mut look = |path: &str| scout.place_by(Path::new(path), hanging);
        assert_eq!(look("/well/a.log"), SEVEN);
        assert_eq!(look("/hung/b.log"), Place::Unknown);
        assert_eq!(look("/well/b.log"), SEVEN);
        scout.forget_ahead();
        assert!(scout.ahead.is_empty());
        assert!(scout.waited < 3 * LOOK, "{:?}", scout.waited);
    }

    #[test]
    fn f24_scouts_hold_nobody_up_for_longer_than_they_may_all_together() {
        let mut scout = Scout::default();
        let begun = Instant::now();
        for number in 0..200 {
            let path = format!("/hung/{number}/a.log");
            assert_eq!(scout.place_by(Path::new(&path), hanging), Place::Unknown);
        }
        assert!(
            scout.waited >= LOOKS && scout.waited < LOOKS + 5 * LOOK,
            "{:?}",
            scout.waited
        );
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
