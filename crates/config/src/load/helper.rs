//! `[rpcinterface:x]` with a `command`: the group of a helper.

use super::program::Origin;
use super::reader::{Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::environment::Pairs;
use crate::options::{OptionSpec, helper, program as keys};
use crate::sections::Section;
use provost_model::helper::HelperSpec;
use provost_model::spec::{GroupKind, GroupSpec, LogFile, OutputSpec};
use std::sync::Arc;

/// Namespaces that are supervisord's own.
const RESERVED: &[&str] = &["supervisor", "system", "provost"];

/// Standard output of a helper, which is no log.
const NO_LOG: OutputSpec = OutputSpec {
    logfile: LogFile::None,
    maxbytes: 0,
    backups: 0,
    capture_maxbytes: 0,
    events_enabled: false,
    syslog: false,
};

impl Reader<'_> {
    /// Whether a section is one of a helper: an `[rpcinterface:x]` with a command of its own.
    pub(crate) fn is_helper(&self, section: &str) -> bool {
        if !helper::SECTION.matches(section) {
            return false;
        }
        let section = self.sections.section(section);
        let mut keys = section.into_iter().flat_map(Section::own_keys);
        keys.any(|(key, _)| key == keys::COMMAND.name)
    }

    /// The group of a helper.
    pub(crate) fn helper_group(
        &mut self,
        section: &str,
        name: &str,
        base: &Pairs,
    ) -> Result<GroupSpec, Told> {
        let scope = self.scope(section);
        let name = self.namespace(&scope, name);
        let priority = self.value(&scope, &helper::PRIORITY, kinds::integer);
        let timeout = self.call_timeout(&scope);
        let separate = self.separate_stderr(&scope);
        let alone = self.one_process(&scope);
        let name = name?;
        let origin = Origin {
            section,
            name: &name,
            group: &name,
        };
        let mut processes = self.processes(origin, base)?;
        for process in &mut processes {
            Arc::make_mut(process).stdout = NO_LOG;
        }
        separate?;
        alone?;
        Ok(GroupSpec {
            priority: priority?,
            kind: GroupKind::Helper(HelperSpec {
                call_timeout_secs: timeout?,
            }),
            processes,
            name,
        })
    }

    fn namespace(&mut self, scope: &Scope, name: &str) -> Result<String, Told> {
        let name = self.name(scope, name)?;
        if RESERVED.contains(&name.as_str()) {
            let sentence = format!(
                "[{}] cannot have a command: the namespace `{name}` is supervisord's own",
                scope.section
            );
            let help = Some("give the helper a namespace of its own".to_owned());
            return Err(self.wrong(scope, Code::BadName, &sentence, None, help));
        }
        if name.contains('.') {
            let sentence = format!(
                "[{}] cannot have a command: a namespace of XML-RPC ends at the first dot",
                scope.section
            );
            let help = Some("use letters, digits, `-` and `_`".to_owned());
            return Err(self.wrong(scope, Code::BadName, &sentence, None, help));
        }
        Ok(name)
    }

    fn call_timeout(&mut self, scope: &Scope) -> Result<u64, Told> {
        let secs = self.value(scope, &helper::CALL_TIMEOUT, kinds::integer)?;
        let fits = (1..=helper::CALL_TIMEOUT_MAX_SECS).contains(&secs);
        u64::try_from(secs).ok().filter(|_| fits).ok_or_else(|| {
            let sentence = format!(
                "[{}] section sets invalid call_timeout ({secs})",
                scope.section
            );
            let place = self.place_of(scope, &helper::CALL_TIMEOUT);
            let max = helper::CALL_TIMEOUT_MAX_SECS;
            let help = Some(format!("write a number from 1 to {max}"));
            self.wrong(scope, Code::BadValue, &sentence, place, help)
        })
    }

    fn separate_stderr(&mut self, scope: &Scope) -> Result<(), Told> {
        if !self.value(scope, &helper::REDIRECT_STDERR, kinds::boolean)? {
            return Ok(());
        }
        let sentence = format!(
            "[{}] section sets redirect_stderr=true but this is not allowed because it will interfere with the helper \
             protocol",
            scope.section
        );
        let place = self.place_of(scope, &helper::REDIRECT_STDERR);
        let help = Some("remove the line".to_owned());
        Err(self.wrong(scope, Code::Contradiction, &sentence, place, help))
    }

    /// Keys by which the section would be more than one process, or one of another name.
    fn one_process(&mut self, scope: &Scope) -> Result<(), Told> {
        let mut fine = Ok(());
        for spec in [&keys::NUMPROCS, &keys::NUMPROCS_START, &keys::PROCESS_NAME] {
            let Some(place) = self.place_of(scope, spec) else {
                continue;
            };
            let sentence = format!(
                "[{}] section sets {} but a helper is one process with the name of its namespace",
                scope.section, spec.name
            );
            let help = Some("remove the line".to_owned());
            fine = Err(self.wrong(scope, Code::Contradiction, &sentence, Some(place), help));
        }
        fine
    }

    fn place_of(&self, scope: &Scope, spec: &OptionSpec) -> Option<crate::diagnostic::Place> {
        let value = self.sections.get(&scope.section, spec.name)?;
        Some(value.place())
    }
}
