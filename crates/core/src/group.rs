//! Groups in service: their processes by name and by priority, and how many of them have not ended.

use provost_model::{GroupSpec, ProcId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A group, numbered in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct GroupId(pub(crate) u32);

/// A group in service.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) spec: Arc<GroupSpec>,
    /// In the order of the configuration.
    pub(crate) procs: Vec<ProcId>,
    /// Ascending by priority; equal ones in the order of the configuration.
    pub(crate) by_priority: Vec<ProcId>,
    by_name: BTreeMap<Arc<str>, ProcId>,
    /// How many are in none of STOPPED, EXITED, FATAL, UNKNOWN.
    pub(crate) unstopped: usize,
}

impl Group {
    /// A group of these processes, given with name and priority in the order of the configuration.
    pub(crate) fn new(spec: Arc<GroupSpec>, members: &[(ProcId, Arc<str>, i64)]) -> Self {
        let mut by_priority: Vec<(i64, ProcId)> = members
            .iter()
            .map(|&(id, _, priority)| (priority, id))
            .collect();
        by_priority.sort_by_key(|&(priority, _)| priority);
        Self {
            name: Arc::from(spec.name.as_str()),
            spec,
            procs: members.iter().map(|&(id, _, _)| id).collect(),
            by_priority: by_priority.into_iter().map(|(_, id)| id).collect(),
            by_name: members
                .iter()
                .map(|(id, name, _)| (name.clone(), *id))
                .collect(),
            unstopped: 0,
        }
    }

    /// One more process, behind those of the configuration. `priority_of` knows the others.
    pub(crate) fn admit(
        &mut self,
        (proc, name, priority): (ProcId, Arc<str>, i64),
        priority_of: impl Fn(ProcId) -> i64,
    ) {
        let place = self
            .by_priority
            .partition_point(|&other| priority_of(other) <= priority);
        self.by_priority.insert(place, proc);
        self.procs.push(proc);
        self.by_name.insert(name, proc);
    }

    /// One process less.
    pub(crate) fn dismiss(&mut self, proc: ProcId) {
        self.by_priority.retain(|&other| other != proc);
        self.procs.retain(|&other| other != proc);
        self.by_name.retain(|_, other| *other != proc);
    }

    /// The process with this name.
    pub(crate) fn process(&self, name: &str) -> Option<ProcId> {
        self.by_name.get(name).copied()
    }

    /// All processes by name.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = ProcId> + '_ {
        self.by_name.values().copied()
    }
}

/// All groups in service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    last: u32,
    all: BTreeMap<GroupId, Group>,
    names: BTreeMap<Arc<str>, GroupId>,
}

impl Groups {
    /// A number for a new group.
    pub(crate) fn reserve(&mut self) -> GroupId {
        self.last = self.last.saturating_add(1);
        GroupId(self.last)
    }

    /// None, after so many.
    pub(crate) fn after(last: u32) -> Self {
        Self {
            last,
            ..Self::default()
        }
    }

    /// The number given last.
    pub(crate) fn last(&self) -> u32 {
        self.last
    }

    /// Takes a group into service.
    pub(crate) fn add(&mut self, id: GroupId, group: Group) {
        self.names.insert(group.name.clone(), id);
        self.all.insert(id, group);
    }

    /// Takes a group out of service.
    pub(crate) fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.all.remove(&id)?;
        self.names.remove(&group.name);
        Some(group)
    }

    /// The group with this number.
    pub(crate) fn get(&self, id: GroupId) -> Option<&Group> {
        self.all.get(&id)
    }

    /// The group with this number.
    pub(crate) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.all.get_mut(&id)
    }

    /// The group with this name.
    pub(crate) fn named(&self, name: &str) -> Option<(GroupId, &Group)> {
        let id = *self.names.get(name)?;
        Some((id, self.all.get(&id)?))
    }

    /// All in the order of creation.
    pub(crate) fn created(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.all.iter().map(|(&id, group)| (id, group))
    }

    /// All by name.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = &Group> {
        self.names.values().filter_map(|id| self.all.get(id))
    }

    /// All ascending by priority; equal ones in the order of creation.
    pub(crate) fn by_priority(&self) -> Vec<(GroupId, &Group)> {
        let mut all: Vec<_> = self.created().collect();
        all.sort_by_key(|(_, group)| group.spec.priority);
        all
    }
}

/// A name as a client gives it: a process, or a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `group:name`, or `name` for a process that is called like its group.
    One { group: &'a str, process: &'a str },
    /// `group:*` or `group:`.
    Whole { group: &'a str },
}

impl<'a> Target<'a> {
    /// Splits at the first colon.
    pub(crate) fn parse(name: &'a str) -> Self {
        match name.split_once(':') {
            None => Self::One {
                group: name,
                process: name,
            },
            Some((group, "" | "*")) => Self::Whole { group },
            Some((group, process)) => Self::One { group, process },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_the_first_colon() {
        assert_eq!(
            Target::parse("a"),
            Target::One {
                group: "a",
                process: "a"
            }
        );
        assert_eq!(
            Target::parse("a:b:c"),
            Target::One {
                group: "a",
                process: "b:c"
            }
        );
        assert_eq!(Target::parse("a:*"), Target::Whole { group: "a" });
        assert_eq!(Target::parse("a:"), Target::Whole { group: "a" });
    }

    #[test]
    fn a_process_that_goes_is_in_no_list_any_more_and_the_others_are_in_all() {
        let spec = crate::driver::group("g", 1, Vec::new());
        let members = [(ProcId(1), "a".into(), 5), (ProcId(2), "b".into(), 3)];
        let mut group = Group::new(spec, &members);
        group.dismiss(ProcId(1));
        assert_eq!(group.procs, [ProcId(2)]);
        assert_eq!(group.by_priority, [ProcId(2)]);
        assert_eq!(
            (group.process("a"), group.process("b")),
            (None, Some(ProcId(2)))
        );
    }
}
