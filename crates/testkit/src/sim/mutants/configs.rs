//! Bugs that are a wrong reading of an option: the core is given another configuration than the monitor.

use super::Plant;
use provost_core::LoadedConfig;
use provost_model::spec::AutoRestart;
use provost_model::{GroupKind, GroupSpec, ProcessSpec, Signal};
use std::sync::Arc;

/// The configuration as the buggy core understands it.
pub(super) fn edit(plant: Plant, given: &LoadedConfig) -> LoadedConfig {
    let mut config = given.clone();
    for (place, group) in config.groups.iter_mut().enumerate() {
        let mut spec = (**group).clone();
        edit_group(plant, place, &mut spec);
        for process in &mut spec.processes {
            let mut changed = (**process).clone();
            edit_process(plant, &mut changed);
            *process = Arc::new(changed);
        }
        *group = Arc::new(spec);
    }
    config
}

fn edit_group(plant: Plant, place: usize, spec: &mut GroupSpec) {
    let place = i64::try_from(place).unwrap_or(0);
    match plant {
        Plant::StopsOneByOne => spec.priority = spec.priority * 100 + place,
        Plant::StopsUpwards => spec.priority = -spec.priority,
        _ => {}
    }
    if plant == Plant::LosesSocket && matches!(spec.kind, GroupKind::Fcgi(_)) {
        spec.kind = GroupKind::Program;
    }
    let GroupKind::Pool(pool) = &mut spec.kind else {
        return;
    };
    match plant {
        Plant::BufferTooSmall => pool.buffer_size = (pool.buffer_size - 1).max(1),
        Plant::BufferTooLarge => pool.buffer_size += 1,
        Plant::LosesSubscription => {
            pool.events.remove(0);
        }
        _ => {}
    }
}

fn edit_process(plant: Plant, spec: &mut ProcessSpec) {
    match plant {
        Plant::RetriesOnceMore => spec.startretries += 1,
        Plant::RetriesOnceLess => spec.startretries = (spec.startretries - 1).max(0),
        Plant::StartsecsOffByOne => spec.startsecs += 1,
        Plant::StopwaitsecsOffByOne => spec.stopwaitsecs += 1,
        Plant::IgnoresExitcodes => spec.exitcodes = vec![0],
        Plant::RestartsAlways => spec.autorestart = AutoRestart::Always,
        Plant::RestartsNever => spec.autorestart = AutoRestart::Never,
        Plant::StartsEverything => spec.autostart = true,
        Plant::LosesSocket => spec.socket = None,
        Plant::IgnoresStopsignal => spec.stopsignal = Signal::TERM,
        _ => {}
    }
}
