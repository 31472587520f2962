use super::*;
use provost_model::{Pid, Signal};
use provost_wire::runs::{Identity, StopRule};
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A directory that goes away.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("provost-runs-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("supervisord.pid.runs")
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(pid: i32) -> RunRecord {
    RunRecord {
        identity: Identity {
            boot: "boot".to_owned(),
            namespace: Some(1),
            pid: Pid(pid),
            ticks: Some(7),
            pidfd: None,
        },
        run: 1,
        group: "g".to_owned(),
        name: format!("program {pid}"),
        started_secs: 0,
        uid: 0,
        digest: 0,
        pipes: [None; 3],
        auto_logs: [None, None],
        stop: StopRule {
            signal: Signal::TERM,
            wait_secs: 10,
            stop_group: false,
            kill_group: false,
        },
    }
}

fn pids(path: &Path) -> Vec<i32> {
    let reading = runs::read(&fs::read(path).unwrap());
    assert_eq!(reading.damaged, 0);
    let running = reading.running.iter();
    running.map(|record| record.identity.pid.0).collect()
}

#[test]
fn i40_what_has_begun_and_not_ended_is_in_the_file() {
    let temp = Temp::new("begun");
    let path = temp.file();
    let mut file = RunsFile::open(&path, &[record(5)], 9).unwrap();
    file.begin(Run(1), &record(6)).unwrap();
    file.begin(Run(2), &record(7)).unwrap();
    file.end(Run(1)).unwrap();
    file.end(Run(9)).unwrap();
    assert_eq!(pids(&path), [5, 7]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    file.close(false);
    assert_eq!(pids(&path), [5, 7]);
}

#[test]
fn a_file_that_names_nobody_goes() {
    let temp = Temp::new("goes");
    let mut file = RunsFile::open(&temp.file(), &[], 9).unwrap();
    file.begin(Run(1), &record(6)).unwrap();
    file.end(Run(1)).unwrap();
    file.close(false);
    assert!(!temp.file().exists());
}

#[test]
fn a_link_is_replaced_and_where_it_leads_is_left_alone() {
    let temp = Temp::new("link");
    let target = temp.0.join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, temp.file()).unwrap();
    let mut file = RunsFile::open(&temp.file(), &[], 9).unwrap();
    file.begin(Run(1), &record(6)).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(pids(&temp.file()), [6]);
}

#[test]
fn a_file_that_is_mostly_dead_is_written_anew() {
    let temp = Temp::new("anew");
    let path = temp.file();
    let mut file = RunsFile::open(&path, &[], 9).unwrap();
    file.begin(Run(1), &record(2)).unwrap();
    for run in 2..3000 {
        file.begin(Run(run), &record(i32::try_from(run).unwrap() + 1))
            .unwrap();
        file.end(Run(run)).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() < 2 * SMALL_BYTES);
    assert_eq!(pids(&path), [2]);
}

fn serials(path: &Path) -> u64 {
    runs::read(&fs::read(path).unwrap()).serials
}

#[test]
fn i15_the_file_says_which_numbers_are_reserved_whatever_else_is_written() {
    let temp = Temp::new("serials");
    let path = temp.file();
    let mut file = RunsFile::open(&path, &[record(5)], 100).unwrap();
    assert_eq!(serials(&path), 100);
    file.reserve(150).unwrap();
    assert!(!file.owes_serials());
    assert_eq!((serials(&path), pids(&path)), (150, vec![5]));
    for run in 1..3000 {
        file.begin(Run(run), &record(i32::try_from(run).unwrap() + 1))
            .unwrap();
        file.end(Run(run)).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() < 2 * SMALL_BYTES);
    assert_eq!(serials(&path), 150);
    // A process lives on, and the life has ended in order.
    file.begin(Run(1), &record(6)).unwrap();
    file.close(false);
    assert_eq!((serials(&path), pids(&path)), (0, vec![6]));
}

#[test]
fn i15_numbers_of_events_that_wait_elsewhere_outlive_an_ordered_end() {
    let temp = Temp::new("kept");
    let mut file = RunsFile::open(&temp.file(), &[], 100).unwrap();
    file.reserve(150).unwrap();
    file.close(true);
    assert_eq!(serials(&temp.file()), 150);
}

#[test]
fn i15_a_reservation_that_failed_is_owed_until_it_is_written() {
    let temp = Temp::new("owed");
    let path = temp.file();
    let mut file = RunsFile::open(&path, &[], 100).unwrap();
    // Nothing can be written to a file that is open for reading only.
    let good = std::mem::replace(&mut file.file, File::open(&path).unwrap());
    assert!(file.reserve(150).is_err());
    assert!(file.write_serials().is_err());
    assert!(file.owes_serials());
    assert_eq!(serials(&path), 100);
    file.file = good;
    file.write_serials().unwrap();
    assert!(!file.owes_serials());
    assert_eq!(serials(&path), 150);
}
