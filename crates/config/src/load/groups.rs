//! Groups: of `[group:x]` sections, and of programs, listeners and `FastCGI` programs that no group claims.

use super::fcgi::sharing;
use super::program::Origin;
use super::reader::{Reader, Scope};
use super::report::Told;
use super::spool::Spools;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::environment::Pairs;
use crate::hints;
use crate::options::{fcgi, group, helper, listener, program as keys, rpcinterface};
use crate::sections::Value;
use provost_model::EventKind;
use provost_model::spec::{GroupKind, GroupSpec, PoolSpec, ProcessSpec, ResultHandler};
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// The section that made a group.
fn section_of(kind: &GroupKind, name: &str) -> String {
    let prefix = match kind {
        GroupKind::Program => keys::SECTION.header,
        GroupKind::Group => group::SECTION.header,
        GroupKind::Pool(_) => listener::SECTION.header,
        GroupKind::Fcgi(_) => fcgi::SECTION.header,
        GroupKind::Helper(_) => helper::SECTION.header,
    };
    format!("{prefix}{name}")
}

fn is_helper(kind: &GroupKind) -> bool {
    matches!(kind, GroupKind::Helper(_))
}

impl Reader<'_> {
    /// All groups by (priority, name), each name once. `base` is the environment of `[supervisord]`.
    pub(crate) fn groups(&mut self, base: &Pairs) -> Vec<Arc<GroupSpec>> {
        let mut groups = Vec::new();
        let mut claimed = HashSet::new();
        for (section, name) in self.sections_of(group::SECTION.header) {
            groups.extend(self.mixed_group(&section, &name, base, &mut claimed).ok());
        }
        for (section, name) in self.sections_of(keys::SECTION.header) {
            if !claimed.contains(&section) {
                groups.extend(self.program_group(&section, &name, base).ok());
            }
        }
        let mut spools = Spools::default();
        for (section, name) in self.sections_of(listener::SECTION.header) {
            groups.extend(self.pool(&section, &name, base, &mut spools).ok());
        }
        for (section, name) in self.sections_of(fcgi::SECTION.header) {
            if !claimed.contains(&section) {
                groups.extend(self.fcgi_group(&section, &name, base).ok());
            }
        }
        for (section, name) in self.sections_of(rpcinterface::SECTION.header) {
            if self.is_helper(&section) {
                groups.extend(self.helper_group(&section, &name, base).ok());
            }
        }
        groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        self.distinct(groups)
    }

    /// Of groups with one name, the first in order stays.
    fn distinct(&mut self, groups: Vec<GroupSpec>) -> Vec<Arc<GroupSpec>> {
        let mut seen: HashMap<String, GroupKind> = HashMap::new();
        let mut kept = Vec::new();
        for group in groups {
            let first = seen.get(&group.name);
            if let Some(first) = first.filter(|first| is_helper(first) || is_helper(&group.kind)) {
                self.refuse_twin(first, &group);
            } else if first.is_none() {
                seen.insert(group.name.clone(), group.kind.clone());
                kept.push(Arc::new(group));
            } else {
                let message = format!(
                    "the group `{}` is defined twice; the later one is ignored",
                    group.name
                );
                let place = self.header(&section_of(&group.kind, &group.name));
                self.report.warn(
                    Code::DuplicateGroup,
                    message,
                    place,
                    Some("rename one of them".to_owned()),
                );
            }
        }
        kept
    }

    /// A helper's group and another one have one name. Upstream has no helpers, so neither is what an old file means.
    fn refuse_twin(&mut self, first: &GroupKind, group: &GroupSpec) {
        let name = &group.name;
        let (first, second) = (section_of(first, name), section_of(&group.kind, name));
        let sentence = format!("[{first}] and [{second}] both make a group {name}");
        let help = self
            .header(&first)
            .and_then(|place| self.first_at(&place))
            .map(|first| format!("{first}; rename one of them"));
        let scope = self.bare_scope(&second);
        let place = self.header(&second);
        self.wrong(&scope, Code::Contradiction, &sentence, place, help);
    }

    /// Of processes with one name, the last stays, in the place of the first.
    pub(crate) fn distinct_processes(
        &mut self,
        section: &str,
        processes: Vec<Arc<ProcessSpec>>,
    ) -> Vec<Arc<ProcessSpec>> {
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Arc<ProcessSpec>> = Vec::new();
        for process in processes {
            match index.get(&process.name).and_then(|&at| kept.get_mut(at)) {
                None => {
                    index.insert(process.name.clone(), kept.len());
                    kept.push(process);
                }
                Some(earlier) => {
                    let message = format!(
                        "two processes of the group are named `{}`; the earlier is ignored",
                        process.name
                    );
                    let place = self.header(section);
                    let help = Some("give them different names with `process_name`".to_owned());
                    self.report
                        .warn(Code::DuplicateProcess, message, place, help);
                    *earlier = process;
                }
            }
        }
        kept
    }

    fn mixed_group(
        &mut self,
        section: &str,
        name: &str,
        base: &Pairs,
        claimed: &mut HashSet<String>,
    ) -> Result<GroupSpec, Told> {
        let scope = self.scope(section);
        let name = self.name(&scope, name);
        let programs = self.text(&scope, &group::PROGRAMS);
        let priority = self.value(&scope, &group::PRIORITY, kinds::integer);
        let mut processes = Vec::new();
        let mut complete = Ok(());
        if let Ok(Some(list)) = &programs {
            for member in kinds::list(&list.text) {
                match self.member(&scope, list, &member) {
                    Ok(of) => {
                        let group = name.as_deref().unwrap_or_default();
                        match self.member_processes(&of, &member, group, base) {
                            Ok(more) => processes.extend(more),
                            Err(told) => complete = Err(told),
                        }
                        claimed.insert(of);
                    }
                    Err(told) => complete = Err(told),
                }
            }
        }
        let (name, priority) = (name?, priority?);
        programs?;
        complete?;
        let processes = self.distinct_processes(section, processes);
        Ok(GroupSpec {
            name,
            priority,
            kind: GroupKind::Group,
            processes,
        })
    }

    /// The processes of one member; those of an `fcgi-program` share its socket in a group, too (upstream's do not).
    fn member_processes(
        &mut self,
        section: &str,
        member: &str,
        group: &str,
        base: &Pairs,
    ) -> Result<Vec<Arc<ProcessSpec>>, Told> {
        let origin = Origin {
            section,
            name: member,
            group,
        };
        let processes = self.processes(origin, base);
        if !section.starts_with(fcgi::SECTION.header) {
            return processes;
        }
        let scope = self.scope(section);
        let socket = self.socket(&scope, member);
        Ok(sharing(processes?, &socket?))
    }

    /// The section that an item of `programs` names.
    fn member(
        &mut self,
        scope: &Scope,
        list: &super::reader::Got,
        member: &str,
    ) -> Result<String, Told> {
        let program = format!("{}{member}", keys::SECTION.header);
        let fcgi = format!("{}{member}", fcgi::SECTION.header);
        let section = &scope.section;
        match (
            self.sections.section(&program).is_some(),
            self.sections.section(&fcgi).is_some(),
        ) {
            (true, false) => Ok(program),
            (false, true) => Ok(fcgi),
            (true, true) => {
                let sentence = format!(
                    "[{section}] name {member} is ambiguous (exists as program and fcgi-program)"
                );
                let help = Some("give one of the two sections another name".to_owned());
                Err(self.wrong(scope, Code::UnknownProgram, &sentence, list.place(), help))
            }
            (false, false) => {
                // Upstream names the section of the program before, from the second item on.
                let sentence =
                    format!("[{section}] names unknown program or fcgi-program {member}");
                let known = self.sections_of(keys::SECTION.header);
                let near = hints::nearest(member, known.iter().map(|(_, name)| name.as_str()));
                let help = Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add a section [program:{member}], or take the name out"),
                });
                Err(self.wrong(scope, Code::UnknownProgram, &sentence, list.place(), help))
            }
        }
    }

    fn program_group(
        &mut self,
        section: &str,
        name: &str,
        base: &Pairs,
    ) -> Result<GroupSpec, Told> {
        let scope = self.scope(section);
        let group = self.name(&scope, name);
        let priority = self.value(&scope, &keys::PRIORITY, kinds::integer);
        let group = group?;
        let processes = self.processes(
            Origin {
                section,
                name,
                group: &group,
            },
            base,
        );
        let processes = self.distinct_processes(section, processes?);
        Ok(GroupSpec {
            priority: priority?,
            kind: GroupKind::Program,
            processes,
            name: group,
        })
    }

    fn pool(
        &mut self,
        section: &str,
        name: &str,
        base: &Pairs,
        spools: &mut Spools,
    ) -> Result<GroupSpec, Told> {
        let scope = self.scope(section);
        let priority = self.value(&scope, &listener::PRIORITY, kinds::integer);
        let buffer_size = self.buffer_size(&scope);
        let spool = self.spool(&scope, name, spools);
        let result_handler = self.result_handler(&scope);
        let events = self.events(&scope);
        let redirect_stderr = self.value(&scope, &listener::REDIRECT_STDERR, kinds::boolean);
        if redirect_stderr == Ok(true) {
            let place = self
                .sections
                .get(section, keys::REDIRECT_STDERR.name)
                .map(Value::place);
            let sentence = format!(
                "[{section}] section sets redirect_stderr=true but this is not allowed because it will interfere with \
                 the eventlistener protocol"
            );
            self.wrong(
                &scope,
                Code::Contradiction,
                &sentence,
                place,
                Some("remove the line".to_owned()),
            );
        }
        for ignored in [
            keys::STDOUT.capture_maxbytes,
            keys::STDOUT.events_enabled,
            keys::STDOUT.syslog,
        ] {
            if let Some(value) = self.sections.get(section, ignored.name) {
                let place = value.key();
                let message = format!("`{}` has no effect in an event listener", ignored.name);
                let help =
                    Some("take the line away: its stdout is the protocol channel".to_owned());
                self.report.warn(Code::NoEffect, message, Some(place), help);
            }
        }
        let processes = self.processes(
            Origin {
                section,
                name,
                group: name,
            },
            base,
        );
        let processes = self.distinct_processes(section, processes?);
        redirect_stderr?;
        let kind = PoolSpec {
            buffer_size: buffer_size?,
            events: events?,
            result_handler: result_handler?,
            spool: spool?,
        };
        Ok(GroupSpec {
            name: name.to_owned(),
            priority: priority?,
            kind: GroupKind::Pool(kind),
            processes,
        })
    }

    fn buffer_size(&mut self, scope: &Scope) -> Result<usize, Told> {
        let size = self.value(scope, &listener::BUFFER_SIZE, kinds::integer)?;
        usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .ok_or_else(|| {
                let sentence = format!(
                    "[{}] section sets invalid buffer_size ({size})",
                    scope.section
                );
                let place = self
                    .sections
                    .get(&scope.section, listener::BUFFER_SIZE.name)
                    .map(Value::place);
                self.wrong(
                    scope,
                    Code::BadValue,
                    &sentence,
                    place,
                    Some("write a number from 1".to_owned()),
                )
            })
    }

    fn result_handler(&mut self, scope: &Scope) -> Result<ResultHandler, Told> {
        let handler = self.text(scope, &listener::RESULT_HANDLER)?.ok_or(Told)?;
        let known = listener::HANDLERS
            .iter()
            .find(|(name, _)| *name == handler.text);
        if let Some((_, known)) = known {
            return Ok(*known);
        }
        let sentence = format!(
            "{} cannot be resolved within [{}]",
            handler.text, scope.section
        );
        let names: Vec<String> = listener::HANDLERS
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let help = format!(
            "only {} are there; Python code of third parties cannot be loaded",
            names.join(" and ")
        );
        Err(self.wrong(scope, Code::Plugin, &sentence, handler.place(), Some(help)))
    }

    fn events(&mut self, scope: &Scope) -> Result<Vec<EventKind>, Told> {
        let got = self.text(scope, &listener::EVENTS)?;
        let names = got
            .as_ref()
            .map_or_else(Vec::new, |got| kinds::list(&got.text));
        let Some(got) = got.filter(|_| !names.is_empty()) else {
            let sentence = format!("[{}] section requires an \"events\" line", scope.section);
            return Err(self.missing(scope, &listener::EVENTS, &sentence));
        };
        let mut wanted = Vec::new();
        let mut complete = Ok(());
        for name in names {
            let name = name.to_uppercase();
            if let Some(kind) = EventKind::from_name(&name) {
                wanted.push(kind);
                continue;
            }
            let sentence = format!("Unknown event type {name} in [{}] events", scope.section);
            complete = Err(self.wrong(
                scope,
                Code::UnknownEvent,
                &sentence,
                got.place(),
                event_hint(&name),
            ));
        }
        complete?;
        Ok(EventKind::ALL
            .iter()
            .copied()
            .filter(|kind| wanted.contains(kind))
            .collect())
    }
}

/// The event type that was meant.
fn event_hint(name: &str) -> Option<String> {
    let near = hints::nearest(name, EventKind::ALL.iter().map(|kind| kind.name()))?;
    Some(format!("did you mean `{near}`?"))
}
