//! What differs between the configuration in service and the latest one, for people who want to know before they update.

use crate::group::Group;
use crate::supervisor::Core;
use provost_model::info::GroupDifference;
use provost_model::spec::{OutputSpec, namespec};
use provost_model::{GroupKind, GroupSpec, ProcessSpec};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Core {
    /// Group by group: those that went, then the others in the order of the configuration.
    pub(crate) fn differences(&self) -> Vec<GroupDifference> {
        let is_configured = |group: &Group| self.latest.iter().any(|spec| spec.name == *group.name);
        let gone = self.groups.created().map(|(_, group)| group);
        let gone = gone
            .filter(|group| !is_configured(group))
            .map(|group| self.difference(Some(group), None));
        let others = self.latest.iter().filter_map(|spec| {
            let served = self.groups.named(&spec.name).map(|(_, group)| group);
            let is_same = served.is_some_and(|group| group.spec == *spec);
            (!is_same).then(|| self.difference(served, Some(spec)))
        });
        gone.chain(others).collect()
    }

    fn difference(
        &self,
        served: Option<&Group>,
        latest: Option<&Arc<GroupSpec>>,
    ) -> GroupDifference {
        let name = match (served, latest) {
            (Some(group), _) => group.name.to_string(),
            (None, Some(spec)) => spec.name.clone(),
            (None, None) => String::new(),
        };
        let members = served
            .into_iter()
            .flat_map(|group| group.by_priority.iter());
        let stops = members.filter_map(|proc| {
            let process = self.procs.get(*proc)?;
            let lives = process.comes_up() || process.child().is_some();
            lives.then(|| namespec(&process.group, &process.name))
        });
        let starts = latest.into_iter().flat_map(|spec| spec.processes.iter());
        let starts = starts.filter(|spec| spec.autostart);
        let options = match (served, latest) {
            (Some(group), Some(spec)) => options(&group.spec, spec),
            _ => Vec::new(),
        };
        GroupDifference {
            group: name,
            is_served: served.is_some(),
            is_configured: latest.is_some(),
            options,
            stops: stops.collect(),
            starts: starts.map(|spec| spec.namespec()).collect(),
        }
    }
}

/// Names of options whose values differ, `processes` where there are others than before.
fn options(old: &GroupSpec, new: &GroupSpec) -> Vec<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    if old.priority != new.priority {
        names.insert("priority".to_owned());
    }
    match (&old.kind, &new.kind) {
        (GroupKind::Pool(old), GroupKind::Pool(new)) => {
            let differ = [
                ("buffer_size", old.buffer_size != new.buffer_size),
                ("events", old.events != new.events),
                ("result_handler", old.result_handler != new.result_handler),
                ("event_spool", old.spool != new.spool),
            ];
            names.extend(named(&differ));
        }
        (old, new) if old != new => {
            names.insert("section".to_owned());
        }
        _ => {}
    }
    for spec in &new.processes {
        match old.processes.iter().find(|old| old.name == spec.name) {
            Some(old) => names.extend(of_process(old, spec)),
            None => {
                names.insert("processes".to_owned());
            }
        }
    }
    if old.processes.len() != new.processes.len() {
        names.insert("processes".to_owned());
    }
    names.into_iter().collect()
}

fn named<'a>(differ: &'a [(&'a str, bool)]) -> impl Iterator<Item = String> + use<'a> {
    let differing = differ.iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| (*name).to_owned())
}

fn of_process(old: &ProcessSpec, new: &ProcessSpec) -> Vec<String> {
    let differ = [
        ("command", old.command != new.command),
        ("directory", old.directory != new.directory),
        ("umask", old.umask != new.umask),
        ("priority", old.priority != new.priority),
        ("autostart", old.autostart != new.autostart),
        ("autorestart", old.autorestart != new.autorestart),
        ("startsecs", old.startsecs != new.startsecs),
        ("startretries", old.startretries != new.startretries),
        ("user", old.uid != new.uid),
        (
            "redirect_stderr",
            old.redirect_stderr != new.redirect_stderr,
        ),
        ("stopsignal", old.stopsignal != new.stopsignal),
        ("stopwaitsecs", old.stopwaitsecs != new.stopwaitsecs),
        ("stopasgroup", old.stopasgroup != new.stopasgroup),
        ("killasgroup", old.killasgroup != new.killasgroup),
        ("stop_cont", old.stop_cont != new.stop_cont),
        ("stop_tree", old.stop_tree != new.stop_tree),
        (
            "sigpipe_default",
            old.sigpipe_default != new.sigpipe_default,
        ),
        ("logfile_full", old.logfile_full != new.logfile_full),
        ("exitcodes", old.exitcodes != new.exitcodes),
        ("environment", old.environment != new.environment),
        ("serverurl", old.serverurl != new.serverurl),
        ("socket", old.socket != new.socket),
    ];
    let mut names: Vec<String> = named(&differ).collect();
    for (channel, old, new) in [
        ("stdout", &old.stdout, &new.stdout),
        ("stderr", &old.stderr, &new.stderr),
    ] {
        let options = of_output(old, new);
        names.extend(named(&options).map(|option| format!("{channel}_{option}")));
    }
    if names.is_empty() && old != new {
        // Something that has no name here.
        names.push("other options".to_owned());
    }
    names
}

fn of_output(old: &OutputSpec, new: &OutputSpec) -> [(&'static str, bool); 6] {
    [
        ("logfile", old.logfile != new.logfile),
        ("logfile_maxbytes", old.maxbytes != new.maxbytes),
        ("logfile_backups", old.backups != new.backups),
        (
            "capture_maxbytes",
            old.capture_maxbytes != new.capture_maxbytes,
        ),
        ("events_enabled", old.events_enabled != new.events_enabled),
        ("syslog", old.syslog != new.syslog),
    ]
}
