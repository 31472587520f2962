//! Where the options of a program stand.

use super::reader_for;
use crate::diagnostic::Sources;
use crate::host::Host;
use crate::options::{fcgi, helper, listener, program};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// Reads the files of supervisord, without looking at what they mean, for the options that the section of a program has of
/// its own. Also the files; nothing when the main one cannot be read.
pub fn origins(
    path: &Path,
    program: &str,
    host: &dyn Host,
) -> Option<(BTreeMap<String, Written>, Sources)> {
    let mut reader = reader_for(path, host);
    reader.read_main(path).ok()?;
    reader.read_included();
    let kinds = [
        program::SECTION.header,
        listener::SECTION.header,
        fcgi::SECTION.header,
        helper::SECTION.header,
    ];
    let named = |kind| reader.sections.section(&format!("{kind}{program}"));
    let section = kinds.into_iter().find_map(named);
    let mut written = BTreeMap::new();
    for (key, value) in section.into_iter().flat_map(|section| section.own_keys()) {
        let place = value.key();
        if let Some(source) = reader.report.sources.get(place.source) {
            let (line, _) = source.position(place.span.start);
            let file = source.path.clone();
            written.insert(key.to_owned(), Written { file, line });
        }
    }
    Some((written, reader.report.sources))
}
