//! Specifications, each written once, and who has which.

use crate::group::{Group, GroupId, Groups};
use crate::supervisor::Core;
use provost_model::spec::{AutoRestart, LogFile, LogfileFull, OutputSpec};
use provost_model::{GroupKind, GroupSpec, ProcId, ProcessSpec, Signal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A specification of a group, its processes by their places in the table.
#[derive(Serialize, Deserialize)]
struct Shape {
    name: String,
    priority: i64,
    kind: GroupKind,
    processes: Vec<usize>,
}

/// A group in service.
#[derive(Serialize, Deserialize)]
struct Serving {
    /// Its place in the table.
    spec: usize,
    /// Its processes in their order, each with the place of its specification.
    procs: Vec<(ProcId, usize)>,
}

/// All of it.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Tables {
    specs: Vec<Arc<ProcessSpec>>,
    shapes: Vec<Shape>,
    /// The configuration read last: places of groups.
    latest: Vec<usize>,
    last_group: u32,
    groups: BTreeMap<GroupId, Serving>,
}

/// Specifications of one name with their places.
type Places<'a, T> = Vec<(&'a Arc<T>, usize)>;

/// Tables on the way, with what is in them already.
#[derive(Default)]
struct Writer<'a> {
    tables: Tables,
    /// By names, since a name is soon looked up, and few have the same.
    specs: BTreeMap<(&'a str, &'a str), Places<'a, ProcessSpec>>,
    groups: BTreeMap<&'a str, Places<'a, GroupSpec>>,
}

impl<'a> Writer<'a> {
    fn spec(&mut self, spec: &'a Arc<ProcessSpec>) -> usize {
        let same_name = self.specs.entry((&spec.group, &spec.name)).or_default();
        if let Some(&(_, place)) = same_name.iter().find(|(other, _)| *other == spec) {
            return place;
        }
        let place = self.tables.specs.len();
        same_name.push((spec, place));
        self.tables.specs.push(Arc::clone(spec));
        place
    }

    fn group(&mut self, group: &'a Arc<GroupSpec>) -> usize {
        let same_name = self.groups.entry(&group.name).or_default();
        if let Some(&(_, place)) = same_name.iter().find(|(other, _)| *other == group) {
            return place;
        }
        let place = self.tables.shapes.len();
        same_name.push((group, place));
        let processes = group.processes.iter().map(|spec| self.spec(spec));
        let shape = Shape {
            processes: processes.collect(),
            name: group.name.clone(),
            priority: group.priority,
            kind: group.kind.clone(),
        };
        self.tables.shapes.push(shape);
        place
    }
}

impl Tables {
    /// The tables of a core.
    pub(super) fn of(core: &Core) -> Self {
        let mut writer = Writer::default();
        let latest = core
            .latest
            .iter()
            .map(|group| writer.group(group))
            .collect();
        let mut groups = BTreeMap::new();
        for (id, group) in core.groups.created() {
            let spec = writer.group(&group.spec);
            let procs = group.procs.iter().filter_map(|proc| {
                let process = core.procs.get(*proc)?;
                Some((*proc, writer.spec(&process.spec)))
            });
            let procs = procs.collect();
            groups.insert(id, Serving { spec, procs });
        }
        Self {
            latest,
            last_group: core.groups.last(),
            groups,
            ..writer.tables
        }
    }

    /// Gives specifications and groups to a core that was read without them.
    pub(super) fn put_into(self, core: &mut Core) -> Result<(), String> {
        let specs = self.specs;
        let spec = |place: usize| specs.get(place).ok_or("a specification is missing");
        let mut shapes = Vec::with_capacity(self.shapes.len());
        for shape in self.shapes {
            let processes = shape.processes.iter().map(|place| spec(*place).cloned());
            shapes.push(Arc::new(GroupSpec {
                processes: processes.collect::<Result<_, _>>()?,
                name: shape.name,
                priority: shape.priority,
                kind: shape.kind,
            }));
        }
        let shape = |place: usize| {
            shapes
                .get(place)
                .ok_or("a group's specification is missing")
        };
        let latest = self.latest.iter().map(|place| shape(*place).cloned());
        core.latest = latest.collect::<Result<_, _>>()?;
        core.groups = Groups::after(self.last_group);
        let mut given = 0_usize;
        for (id, serving) in self.groups {
            let group = shape(serving.spec)?;
            let group_name: Arc<str> = Arc::from(group.name.as_str());
            let mut members = Vec::with_capacity(serving.procs.len());
            let mut unstopped = 0_usize;
            for (proc, place) in serving.procs {
                let process = core.procs.get_mut(proc);
                let process = process.filter(|process| process.id == proc && process.home == id);
                let process =
                    process.ok_or_else(|| format!("{group_name} has no process {}", proc.0))?;
                process.spec = spec(place)?.clone();
                process.name = Arc::from(process.spec.name.as_str());
                process.group = Arc::clone(&group_name);
                given = given.saturating_add(1);
                unstopped =
                    unstopped.saturating_add(usize::from(!process.published().is_stopped()));
                members.push((proc, process.name.clone(), process.spec.priority));
            }
            let mut group = Group::new(Arc::clone(group), &members);
            group.unstopped = unstopped;
            core.groups.add(id, group);
        }
        // A process that is in two groups, or twice in one, is found by its home or by the name.
        if given != core.procs.len() {
            return Err("a process is in no group".to_owned());
        }
        Ok(())
    }
}

/// Stands for the specification of a process until the tables are read.
pub(crate) fn no_spec() -> Arc<ProcessSpec> {
    static NONE: LazyLock<Arc<ProcessSpec>> = LazyLock::new(|| {
        let output = OutputSpec {
            logfile: LogFile::None,
            maxbytes: 0,
            backups: 0,
            capture_maxbytes: 0,
            events_enabled: false,
            syslog: false,
        };
        Arc::new(ProcessSpec {
            name: String::new(),
            group: String::new(),
            program: String::new(),
            command: String::new(),
            directory: None,
            umask: None,
            priority: 0,
            autostart: false,
            autorestart: AutoRestart::Never,
            startsecs: 0,
            startretries: 0,
            uid: None,
            stdout: output.clone(),
            stderr: output,
            redirect_stderr: false,
            stopsignal: Signal::TERM,
            stopwaitsecs: 0,
            stopasgroup: false,
            killasgroup: false,
            stop_cont: false,
            stop_tree: false,
            sigpipe_default: false,
            confinement: provost_model::spec::Confinement::default(),
            logfile_full: LogfileFull::Drop,
            exitcodes: Vec::new(),
            environment: Vec::new(),
            serverurl: None,
            socket: None,
        })
    });
    Arc::clone(&NONE)
}
