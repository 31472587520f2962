//! `event_spool` of `[eventlistener:x]`: a file that belongs to one pool.

use super::reader::{Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::options::listener;
use crate::paths;
use crate::sections::Value;
use provost_model::spec::SpoolSpec;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The least that a spool may hold: some dozens of events.
const MIN_BYTES: i64 = 4096;

/// The sections that have named a spool, by its path.
pub(super) type Spools = HashMap<PathBuf, Arc<str>>;

impl Reader<'_> {
    /// The spool of a pool, if it is to have one.
    pub(super) fn spool(
        &mut self,
        scope: &Scope,
        program: &str,
        taken: &mut Spools,
    ) -> Result<Option<SpoolSpec>, Told> {
        let host = self.host;
        let maxbytes = self.spool_maxbytes(scope);
        let named = scope
            .clone()
            .name("program_name", program)
            .name("group_name", program);
        let Some(got) = self
            .text(&named, &listener::EVENT_SPOOL)?
            .filter(|got| !got.text.is_empty())
        else {
            maxbytes?;
            return Ok(None);
        };
        let path = self.convert(&named, &listener::EVENT_SPOOL, &got, |text| {
            kinds::path_in_directory(text, host)
        })?;
        let path = paths::normalize(&path, host);
        if let Some(other) = taken.insert(path.clone(), scope.section.clone()) {
            let sentence = format!(
                "[{}] and [{other}] name the same event_spool {}",
                scope.section,
                path.display()
            );
            let help =
                Some("give each pool a file of its own, as with `%(program_name)s`".to_owned());
            return Err(self.wrong(scope, Code::Contradiction, &sentence, got.place(), help));
        }
        Ok(Some(SpoolSpec {
            path,
            maxbytes: maxbytes?,
        }))
    }

    fn spool_maxbytes(&mut self, scope: &Scope) -> Result<u64, Told> {
        let bytes = self.value(scope, &listener::EVENT_SPOOL_MAXBYTES, kinds::byte_size)?;
        u64::try_from(bytes)
            .ok()
            .filter(|_| bytes >= MIN_BYTES)
            .ok_or_else(|| {
                let sentence = format!(
                    "[{}] section sets invalid event_spool_maxbytes ({bytes})",
                    scope.section
                );
                let place = self
                    .sections
                    .get(&scope.section, listener::EVENT_SPOOL_MAXBYTES.name)
                    .map(Value::place);
                let help = Some("write a size from `4KB`".to_owned());
                self.wrong(scope, Code::BadValue, &sentence, place, help)
            })
    }
}
