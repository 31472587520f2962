use super::*;
use crate::driver::{config, group, process, single};
use crate::{Core, Effect, Input};
use provost_model::{Mono, Now, Pid, Wall};
use std::time::Duration;

fn orphan(name: &str, started: Mono) -> Orphan {
    Orphan {
        group: name.to_owned(),
        name: name.to_owned(),
        pid: Pid(700),
        started: (started, Wall::default()),
        changed: false,
    }
}

fn fate(policy: Orphans, groups: &[Arc<GroupSpec>], name: &str) -> Fate {
    fates(policy, groups, &[(name, name)])[0]
}

#[test]
fn a_policy_decides_and_what_cannot_be_taken_over_is_stopped() {
    let groups = [single("a", |_| ()), group("g", 1, vec![process("g", "b")])];
    assert_eq!(fate(Orphans::Adopt, &groups, "a"), Fate::Adopt);
    assert_eq!(fate(Orphans::Kill, &groups, "a"), Fate::Stop(Reason::Asked));
    assert_eq!(fate(Orphans::Refuse, &groups, "gone"), Fate::Refuse);
    assert_eq!(
        fate(Orphans::Adopt, &groups, "b"),
        Fate::Stop(Reason::Unknown)
    );
    assert_eq!(
        fate(Orphans::Adopt, &groups, "g"),
        Fate::Stop(Reason::Unknown)
    );
}

#[test]
fn i01_of_two_with_one_name_the_later_is_taken_over() {
    let groups = [single("a", |_| ())];
    assert_eq!(
        fates(Orphans::Adopt, &groups, &[("a", "a"), ("a", "a")]),
        [Fate::Stop(Reason::Double), Fate::Adopt]
    );
}

/// A core that has taken over `a`, started at `started` with `startsecs` 10, and the time.
fn adopted(started: Mono) -> (Core, Vec<Effect>, Now) {
    let now = Now {
        mono: Mono(0).plus(Duration::from_secs(100)),
        wall: Wall::default(),
    };
    let spec = single("a", |spec| spec.startsecs = 10);
    let mut core = Core::new(config(vec![spec]));
    let mut effects = Vec::new();
    core.handle(now, Input::Orphan(orphan("a", started)), &mut effects);
    core.handle(now, Input::Started, &mut effects);
    (core, effects, now)
}

#[test]
fn f03_a_process_that_lives_is_not_started_again() {
    let (core, effects, _) = adopted(now_less(50));
    let spawns = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Spawn { .. }));
    assert!(!spawns, "{effects:?}");
    let taken = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Adopt { pid: Pid(700), .. }));
    assert!(taken, "{effects:?}");
    assert_eq!(core.next_deadline(), None);
}

#[test]
fn one_that_started_a_moment_ago_still_has_to_prove_itself() {
    let (core, _, now) = adopted(now_less(4));
    assert_eq!(
        core.next_deadline(),
        Some(now.mono.plus(Duration::from_secs(6)))
    );
}

fn now_less(secs: u64) -> Mono {
    Mono(0).plus(Duration::from_secs(100 - secs))
}

#[test]
fn an_orphan_after_the_start_is_odd() {
    let (mut core, _, now) = adopted(now_less(50));
    let mut effects = Vec::new();
    core.handle(now, Input::Orphan(orphan("a", now.mono)), &mut effects);
    let odd = format!("{effects:?}");
    assert!(odd.contains("Anomaly"), "{odd}");
}
