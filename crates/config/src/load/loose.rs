//! Programs that stand in no file: a client gives their keys and values.
//!
//! They go through the same table of options, and are refused with the same sentences, as a section of the file.

use super::program::Origin;
use super::reader_for;
use crate::config::AddedProgram;
use crate::diagnostic::Failure;
use crate::host::Host;
use crate::options::program;
use std::path::Path;
use std::sync::Arc;

/// What messages call the place of such a program.
const PLACE: &str = "program_options";

/// A program as a client gives it.
#[derive(Clone, Copy, Debug)]
pub struct LooseProgram<'a> {
    /// The group that its processes are for.
    pub group: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its keys, lower case, and values as they are in force: without comments, but with expansions.
    pub options: &'a [(String, String)],
}

/// Makes the processes of such a program.
///
/// `path` is the configuration of supervisord, as with [`super::load`]; it is not read, but `%(here)s` and messages name
/// it. `environment` is that of its `[supervisord]` section: programs get it, and may use it in expansions.
pub fn load_program(
    path: &Path,
    environment: &[(String, String)],
    loose: LooseProgram<'_>,
    host: &dyn Host,
) -> Result<AddedProgram, Failure> {
    let mut reader = reader_for(path, host);
    reader.learn_environment(environment);
    let section = format!("{}{}", program::SECTION.header, loose.name);
    let text: String = loose.options.iter().map(line).collect();
    let source = reader.report.sources.add(Path::new(PLACE), Arc::new(text));
    reader.sections.put(&section, loose.options, source);
    let origin = Origin {
        section: &section,
        name: loose.name,
        group: loose.group,
    };
    let made = reader.processes(origin, &environment.to_vec());
    let made = made.map(|processes| reader.distinct_processes(&section, processes));
    reader.warn_of_unknown();
    let (processes, finished) = reader.report.finish(made)?;
    Ok(AddedProgram {
        processes,
        messages: finished.startup_messages,
        diagnostics: finished.diagnostics,
    })
}

/// How a key and its value are shown.
fn line((key, value): &(String, String)) -> String {
    format!("{key}={value}\n")
}
