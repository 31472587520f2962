//! Configurations drawn by chance: few programs, many ties, small numbers, so that rules meet each other.

use super::rng::Rng;
use provost_core::LoadedConfig;
use provost_model::helper::HelperSpec;
use provost_model::spec::{AutoRestart, LogFile, OutputSpec, PoolSpec, ResultHandler, SpoolSpec};
use provost_model::{EventKind, GroupKind, GroupSpec, ProcessSpec, Signal};
use std::sync::Arc;

/// Most groups that a first configuration has.
const GROUPS_MAX: u64 = 5;

/// Priorities are drawn from few values, because equal ones have rules of their own.
const PRIORITIES: &[i64] = &[-1, 5, 5, 10, 999, 999, 999];

/// Subscriptions of pools; ticks are drawn apart.
const SUBSCRIPTIONS: &[&[EventKind]] = &[
    &[EventKind::Event],
    &[EventKind::ProcessState],
    &[EventKind::ProcessState, EventKind::ProcessStateExited],
    &[
        EventKind::ProcessStateRunning,
        EventKind::ProcessStateStopped,
        EventKind::ProcessGroup,
    ],
    &[
        EventKind::ProcessLog,
        EventKind::ProcessCommunication,
        EventKind::RemoteCommunication,
    ],
    &[
        EventKind::SupervisorStateChange,
        EventKind::ProcessStateStarting,
    ],
];

/// Draws a whole configuration.
pub(super) fn draw(rng: &mut Rng) -> LoadedConfig {
    let mut groups = Vec::new();
    for number in 0..rng.between(1, GROUPS_MAX) {
        groups.push(draw_group(rng, number));
    }
    for number in 0..rng.weighted(&[3, 4, 2]) {
        groups.push(draw_pool(rng, number));
    }
    complete(groups)
}

/// The same configuration with a helper.
pub(super) fn with_helper(rng: &mut Rng, config: &LoadedConfig) -> LoadedConfig {
    let name = super::helpers::NAMESPACE;
    let mut spec = (*draw_process(rng, name, name)).clone();
    spec.autostart = rng.chance(900);
    spec.stdout.capture_maxbytes = 0;
    spec.stdout.events_enabled = false;
    let call_timeout_secs = *rng.pick(&[1, 2, 5, 30]);
    let mut groups = config.groups.clone();
    groups.push(Arc::new(GroupSpec {
        name: name.to_owned(),
        priority: *rng.pick(&[-1, -1, -1, 5, 999]),
        kind: GroupKind::Helper(HelperSpec { call_timeout_secs }),
        processes: vec![Arc::new(spec)],
    }));
    complete(groups)
}

/// The configuration in the order in which the core expects it.
fn complete(mut groups: Vec<Arc<GroupSpec>>) -> LoadedConfig {
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    LoadedConfig {
        identifier: Arc::from("supervisor"),
        groups,
    }
}

/// Leaves out the last groups of a configuration that has more than these.
pub(super) fn shorten(config: &mut LoadedConfig, groups: Option<usize>) {
    config.groups.truncate(groups.unwrap_or(usize::MAX).max(1));
}

/// Edits a configuration as a person would between two readings.
pub(super) fn edit(rng: &mut Rng, config: &LoadedConfig) -> LoadedConfig {
    let mut groups = config.groups.clone();
    for _ in 0..rng.between(0, 2) {
        let place = rng.index(groups.len());
        match rng.weighted(&[3, 2, 2, 1]) {
            0 => groups[place] = with_other_processes(rng, &groups[place]),
            1 => {
                groups.remove(place);
            }
            2 => {
                let number = rng.between(0, 9);
                if groups.iter().all(|group| group.name != group_name(number)) {
                    groups.push(draw_group(rng, number));
                }
            }
            _ => {
                let priority = *rng.pick(PRIORITIES);
                groups[place] = Arc::new(GroupSpec {
                    priority,
                    ..(*groups[place]).clone()
                });
            }
        }
        if groups.is_empty() {
            groups.push(draw_group(rng, 0));
        }
    }
    complete(groups)
}

fn group_name(number: u64) -> String {
    format!("g{number}")
}

fn draw_group(rng: &mut Rng, number: u64) -> Arc<GroupSpec> {
    let name = group_name(number);
    let listed = rng.chance(300);
    let mut processes = Vec::new();
    // A single process of a group's own name is addressed without the colon.
    if rng.chance(400) {
        processes.push(draw_process(rng, &name, &name));
    } else {
        for place in 0..rng.between(1, 3) {
            processes.push(draw_process(rng, &name, &format!("{name}p{place}")));
        }
    }
    if !listed {
        processes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    }
    let kind = if listed {
        GroupKind::Group
    } else {
        GroupKind::Program
    };
    Arc::new(GroupSpec {
        name,
        priority: *rng.pick(PRIORITIES),
        kind,
        processes,
    })
}

/// A program that a client gives: one process of its name, or two.
pub(super) fn draw_program(rng: &mut Rng, group: &str, program: &str) -> Vec<Arc<ProcessSpec>> {
    let mut processes = vec![draw_process(rng, group, program)];
    if rng.chance(200) {
        processes.push(draw_process(rng, group, &format!("{program}b")));
    }
    processes.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    processes
}

fn draw_pool(rng: &mut Rng, number: usize) -> Arc<GroupSpec> {
    let name = format!("pool{number}");
    let mut events = rng.pick(SUBSCRIPTIONS).to_vec();
    if rng.chance(150) {
        events.push(EventKind::Tick5);
    }
    let mut processes = Vec::new();
    for place in 0..rng.between(1, 2) {
        let mut spec = (*draw_process(rng, &name, &format!("{name}l{place}"))).clone();
        // Upstream refuses capture and redirection for listeners: their stdout is the protocol.
        spec.stdout.capture_maxbytes = 0;
        spec.stdout.events_enabled = false;
        spec.priority = -1;
        processes.push(Arc::new(spec));
    }
    let buffer_size = *rng.pick(&[1, 2, 10, 10, 50]);
    let pool = PoolSpec {
        buffer_size,
        events,
        // Not drawn: one draw more would turn every seed that was kept into another scene.
        result_handler: match buffer_size {
            50 => ResultHandler::Print,
            _ => ResultHandler::Acknowledge,
        },
        spool: rng.chance(400).then(|| SpoolSpec {
            path: format!("/spool/{name}").into(),
            maxbytes: *rng.pick(&[3, 20, 1_000, 1_000]),
        }),
    };
    Arc::new(GroupSpec {
        name,
        priority: *rng.pick(&[-1, -1, -1, 5, 999]),
        kind: GroupKind::Pool(pool),
        processes,
    })
}

fn draw_output(rng: &mut Rng) -> OutputSpec {
    let logfile = match rng.weighted(&[2, 2, 1]) {
        0 => LogFile::Auto,
        1 => LogFile::Path(std::path::Path::new("/var/log/x.log").into()),
        _ => LogFile::None,
    };
    let capture_maxbytes = if rng.chance(200) { 1024 } else { 0 };
    let events_enabled = rng.chance(200);
    OutputSpec {
        logfile,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes,
        events_enabled,
        syslog: false,
    }
}

fn draw_process(rng: &mut Rng, group: &str, name: &str) -> Arc<ProcessSpec> {
    // One number for several keys: one draw more would turn every seed that was kept into another scene.
    let stops = rng.below(1000);
    let stopasgroup = stops < 200;
    Arc::new(ProcessSpec {
        name: name.to_owned(),
        group: group.to_owned(),
        program: group.to_owned(),
        command: format!("/bin/{name}"),
        directory: None,
        umask: None,
        priority: *rng.pick(PRIORITIES),
        autostart: rng.chance(750),
        autorestart: *rng.pick(&[
            AutoRestart::Never,
            AutoRestart::Unexpected,
            AutoRestart::Unexpected,
            AutoRestart::Always,
        ]),
        startsecs: *rng.pick(&[0, 1, 1, 1, 2, 5]),
        startretries: *rng.pick(&[0, 1, 2, 3, 3]),
        uid: None,
        stdout: draw_output(rng),
        stderr: draw_output(rng),
        redirect_stderr: false,
        stopsignal: *rng.pick(&[Signal::TERM, Signal::TERM, Signal::INT, Signal::USR1]),
        stopwaitsecs: *rng.pick(&[0, 1, 2, 3, 10]),
        stopasgroup,
        killasgroup: stopasgroup || rng.chance(200),
        stop_cont: stops.is_multiple_of(4),
        stop_tree: stops.is_multiple_of(5),
        sigpipe_default: false,
        confinement: provost_model::spec::Confinement::default(),
        logfile_full: provost_model::spec::LogfileFull::Drop,
        exitcodes: rng.pick(&[vec![0], vec![0], vec![0, 2], vec![]]).clone(),
        environment: Vec::new(),
        serverurl: None,
        socket: None,
    })
}

/// The same group with one thing changed in one process, or one process more or less.
fn with_other_processes(rng: &mut Rng, group: &GroupSpec) -> Arc<GroupSpec> {
    let mut changed = group.clone();
    let place = rng.index(changed.processes.len());
    if let Some(process) = changed.processes.get_mut(place) {
        let mut spec = (**process).clone();
        match rng.below(4) {
            0 => spec.startsecs = (spec.startsecs + 1) % 4,
            1 => spec.command.push_str(" -v"),
            2 => spec.stopwaitsecs = (spec.stopwaitsecs + 1) % 5,
            _ => spec.autostart = !spec.autostart,
        }
        *process = Arc::new(spec);
    }
    Arc::new(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_configurations_are_sorted_and_name_everything_once() {
        let mut rng = Rng::new(11);
        for _ in 0..300 {
            let config = draw(&mut rng);
            let config = edit(&mut rng, &config);
            let order: Vec<_> = config
                .groups
                .iter()
                .map(|g| (g.priority, g.name.clone()))
                .collect();
            assert!(order.is_sorted());
            let mut names: Vec<_> = config
                .groups
                .iter()
                .flat_map(|g| g.processes.iter().map(|p| p.name.clone()))
                .collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
