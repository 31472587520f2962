use super::*;
use provost_model::Signal;
use provost_wire::runs::{Identity, StopRule};
use std::process::{Child, Command};

/// A process that lives, and a true record of it.
struct Living(Child, RunRecord, Here);

impl Living {
    fn new() -> Self {
        let child = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        let here = Here::ask();
        let identity = here.identity(Pid(i32::try_from(child.id()).unwrap()));
        let record = RunRecord {
            identity,
            run: 1,
            group: "g".to_owned(),
            name: "n".to_owned(),
            started_secs: clock::wall().secs,
            uid: provost_os::users::current_euid(),
            digest: 0,
            pipes: [None; 3],
            auto_logs: [None, None],
            stop: StopRule {
                signal: Signal::TERM,
                wait_secs: 1,
                stop_group: false,
                kill_group: false,
            },
        };
        Self(child, record, here)
    }

    /// Whether it is taken for the same after this change of its record.
    fn is_known_with(&self, change: impl FnOnce(&mut Identity)) -> bool {
        let mut record = self.1.clone();
        change(&mut record.identity);
        is_from_here(&record, &self.2) && verify(&record).is_some()
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn f10_a_record_that_is_not_wholly_true_names_nobody() {
    let living = Living::new();
    assert!(living.is_known_with(|_| ()));
    assert!(!living.is_known_with(|identity| identity.boot = "another".to_owned()));
    assert!(!living.is_known_with(|identity| identity.boot.clear()));
    assert!(!living.is_known_with(|identity| identity.namespace = Some(1)));
    assert!(!living.is_known_with(|identity| identity.ticks = identity.ticks.map(|at| at + 1)));
    let has_number = living.1.identity.pidfd.is_some();
    if has_number {
        assert!(!living.is_known_with(|identity| identity.pidfd = Some(1)));
        assert!(living.is_known_with(|identity| identity.ticks = None));
    }
    assert!(!living.is_known_with(|identity| (identity.ticks, identity.pidfd) = (None, None)));
    for pid in [i32::MIN, -1, 0, 1] {
        assert!(!living.is_known_with(|identity| identity.pid = Pid(pid)));
    }
    let own = i32::try_from(std::process::id()).unwrap();
    assert!(!living.is_known_with(|identity| identity.pid = Pid(own)));
}

#[test]
fn without_a_number_the_user_has_to_be_the_recorded_one() {
    let mut living = Living::new();
    assert!(living.is_known_with(|identity| identity.pidfd = None));
    living.1.uid = 12_345;
    assert!(!living.is_known_with(|identity| identity.pidfd = None));
}

#[test]
fn one_that_has_ended_is_nobody() {
    let mut living = Living::new();
    living.0.kill().unwrap();
    living.0.wait().unwrap();
    assert!(!living.is_known_with(|_| ()));
}

#[test]
fn the_list_of_a_refusal_names_everybody() {
    let living = Living::new();
    let process = verify(&living.1).unwrap();
    let held = Held {
        taken: None,
        record: living.1.clone(),
        process,
        changed: false,
    };
    let text = refusal(&[held]);
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with("a process lives that was started by an earlier supervisord"));
    assert_eq!(rest, format!("g:n pid {}", living.0.id()));
}
