use super::*;
use crate::driver::{config, group, process, single};
use crate::{Core, Effect, Input};
use provost_model::spec::AutoRestart;
use provost_model::{Mono, Now, Pid, ProcessState, Wall};
use std::time::Duration;

fn orphan(name: &str, started: Mono) -> Orphan {
    Orphan {
        group: name.to_owned(),
        name: name.to_owned(),
        pid: Pid(700),
        started: (started, Wall::default()),
        changed: false,
        ended: None,
        has_socket: false,
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

fn resting(name: &str, state: ProcessState) -> Resting {
    let secs = |secs| Wall { secs, nanos: 0 };
    Resting {
        group: name.to_owned(),
        name: name.to_owned(),
        state,
        started: Some((Mono(0), secs(900))),
        ended: Some(secs(950)),
        exitstatus: Some(3),
        spawnerr: "Bad exit code 3".to_owned(),
    }
}

/// A core in which `a` rests in this state, with `change` in its configuration, and what it ordered.
fn rested(
    resting: Resting,
    change: impl FnOnce(&mut provost_model::ProcessSpec),
) -> (Core, Vec<Effect>, Now) {
    let now = Now {
        mono: Mono(0).plus(Duration::from_secs(100)),
        wall: Wall {
            secs: 1000,
            nanos: 0,
        },
    };
    let mut core = Core::new(config(vec![single("a", change)]));
    let mut effects = Vec::new();
    core.handle(now, Input::Resting(resting), &mut effects);
    core.handle(now, Input::Started, &mut effects);
    (core, effects, now)
}

fn spawns(effects: &[Effect]) -> usize {
    let is_spawn = |effect: &&Effect| matches!(effect, Effect::Spawn { .. });
    effects.iter().filter(is_spawn).count()
}

#[test]
fn what_rested_before_rests_on_with_all_that_was_known() {
    for state in [
        ProcessState::Stopped,
        ProcessState::Exited,
        ProcessState::Fatal,
    ] {
        let (core, effects, now) = rested(resting("a", state), |spec| spec.exitcodes = vec![3]);
        assert_eq!(spawns(&effects), 0, "{state}");
        assert_eq!(core.next_deadline(), None, "{state}");
        let process = core.procs.values().next().unwrap();
        let info = process.info(now);
        assert_eq!(
            (info.state, info.start, info.stop, info.exitstatus, info.pid),
            (state, 900, 950, 3, 0)
        );
        assert_eq!(info.spawnerr, "Bad exit code 3");
    }
}

#[test]
fn one_that_never_ran_starts_as_it_would_have() {
    let never = Resting {
        started: None,
        ended: None,
        ..resting("a", ProcessState::Stopped)
    };
    let (_, effects, _) = rested(never.clone(), |_| ());
    assert_eq!(spawns(&effects), 1);
    let (_, effects, _) = rested(never, |spec| spec.autostart = false);
    assert_eq!(spawns(&effects), 0);
}

#[test]
fn a_restart_that_was_due_comes() {
    let (_, effects, _) = rested(resting("a", ProcessState::Exited), |spec| {
        spec.autorestart = AutoRestart::Always;
    });
    assert_eq!(spawns(&effects), 1);
    let (core, effects, now) = rested(resting("a", ProcessState::Backoff), |_| ());
    assert_eq!(spawns(&effects), 0);
    assert_eq!(
        core.next_deadline(),
        Some(now.mono.plus(Duration::from_secs(1)))
    );
}

#[test]
fn a_state_that_has_a_process_is_no_rest() {
    let (_, effects, _) = rested(resting("a", ProcessState::Running), |_| ());
    assert!(format!("{effects:?}").contains("Anomaly"));
    let (mut core, _, now) = rested(resting("a", ProcessState::Fatal), |_| ());
    let mut late = Vec::new();
    core.handle(
        now,
        Input::Resting(resting("a", ProcessState::Fatal)),
        &mut late,
    );
    assert!(format!("{late:?}").contains("Anomaly"));
}

#[test]
fn each_reason_is_told_in_words() {
    let reasons = [
        Reason::Asked,
        Reason::Unknown,
        Reason::Listener,
        Reason::Helper,
        Reason::Socket,
        Reason::Double,
    ];
    let told = reasons.map(|reason| reason.to_string());
    let different: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(different.len(), reasons.len());
    assert_eq!(told[1], "it is not configured any more");
}

#[test]
fn a_process_rests_once() {
    let resting = || {
        Input::Resting(Resting {
            group: "a".to_owned(),
            name: "a".to_owned(),
            state: ProcessState::Stopped,
            started: Some((Mono(7), Wall::default())),
            ended: None,
            exitstatus: None,
            spawnerr: String::new(),
        })
    };
    let mut core = Core::new(config(vec![single("a", |spec| spec.autostart = false)]));
    let (now, mut effects) = (Now::default(), Vec::new());
    for input in [resting(), resting(), Input::Started] {
        core.handle(now, input, &mut effects);
    }
    let odd = |effect: &&Effect| {
        matches!(
            effect,
            Effect::Notice(provost_model::Notice::Anomaly { .. })
        )
    };
    assert_eq!(effects.iter().filter(odd).count(), 1, "{effects:?}");
}
