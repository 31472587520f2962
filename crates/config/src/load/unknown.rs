//! Sections and keys that mean nothing, or that stand twice: warnings, never errors.

use super::reader::Reader;
use crate::diagnostic::{Code, Place};
use crate::hints;
use crate::options::{self, SECTIONS, SectionSpec};
use crate::sections::Repeated;

/// Keys of `[program:x]` that a listener looks for in the same file, supervisord-dependent-startup: they are meant.
const READ_BY_OTHERS: &[&str] = &[
    "dependent_startup",
    "dependent_startup_inherit_priority",
    "dependent_startup_wait_for",
];

impl Reader<'_> {
    /// Warns of all of them.
    pub(crate) fn warn_of_unknown(&mut self) {
        let mut found: Vec<(Code, String, Place, Option<String>)> = Vec::new();
        for section in self.sections.iter() {
            let spec = if self.is_helper(&section.name) {
                Some(&options::helper::SECTION)
            } else {
                options::section(&section.name)
            };
            let Some(spec) = spec else {
                let message = format!("the section [{}] is not known and is ignored", section.name);
                found.push((
                    Code::UnknownSection,
                    message,
                    section.header.clone(),
                    section_hint(&section.name).or_else(|| Some(FOREIGN.to_owned())),
                ));
                continue;
            };
            if spec.open {
                continue;
            }
            let is_program = section.name.starts_with("program:");
            for (key, value) in section
                .own_keys()
                .filter(|(key, _)| spec.option(key).is_none())
                .filter(|(key, _)| !(is_program && READ_BY_OTHERS.contains(key)))
            {
                let message = format!("[{}] has no key `{key}`; it is ignored", section.name);
                found.push((
                    Code::UnknownKey,
                    message,
                    value.key(),
                    key_hint(spec, key).or_else(|| Some(FOREIGN.to_owned())),
                ));
            }
        }
        for (code, message, place, help) in found {
            self.report.warn(code, message, Some(place), help);
        }
    }

    /// Warns of what stands twice and of lines that read like something else.
    pub(crate) fn warn_of_repeated(&mut self) {
        for repeated in std::mem::take(&mut self.sections.repeated) {
            match repeated {
                Repeated::Section { name, first, again } => {
                    let message = format!(
                        "the section [{name}] stands again; its keys are added to the first"
                    );
                    let help = self.first_at(&first);
                    self.report
                        .warn(Code::DuplicateSection, message, Some(again), help);
                }
                Repeated::Key {
                    section,
                    key,
                    first,
                    again,
                } => {
                    let message = format!("`{key}` stands again in [{section}]; this value counts");
                    let help = self.first_at(&first);
                    self.report
                        .warn(Code::DuplicateKey, message, Some(again), help);
                }
                Repeated::Continuation { of, line } => {
                    let message = format!("this indented line is read as more of `{of}`");
                    let help = Some(
                        "remove the blanks before it, if it is meant as a line of its own"
                            .to_owned(),
                    );
                    self.report
                        .warn(Code::Continuation, message, Some(line), help);
                }
                Repeated::Cut { key, at } => {
                    let message = format!(
                        "a comment begins here, inside quotes, and cuts the value of `{key}`"
                    );
                    let help = Some(
                        "there is no way to quote it: put the command into a script".to_owned(),
                    );
                    self.report
                        .warn(Code::CutByComment, message, Some(at), help);
                }
            }
        }
    }

    /// Where something stands first, as a help.
    pub(crate) fn first_at(&self, place: &Place) -> Option<String> {
        let source = self.report.sources.get(place.source)?;
        let (line, column) = source.position(place.span.start);
        Some(format!(
            "it stands first at {}:{line}:{column}",
            source.path.display()
        ))
    }
}

/// What to do about a section or key that neither this program nor its reader has a meaning for.
const FOREIGN: &str = "nothing follows from it; take it away unless another program reads it";

fn key_hint(spec: &SectionSpec, key: &str) -> Option<String> {
    if let Some(near) = hints::nearest(key, spec.options.iter().map(|option| option.name)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let elsewhere = SECTIONS
        .iter()
        .find(|section| section.option(key).is_some())?;
    Some(format!("`{key}` is a key of [{}]", elsewhere.title()))
}

fn section_hint(name: &str) -> Option<String> {
    let (kind, label) = match name.split_once(':') {
        Some((kind, label)) => (kind, Some(label)),
        None => (name, None),
    };
    let kinds = SECTIONS
        .iter()
        .map(|section| section.header.trim_end_matches(':'));
    let near = hints::nearest(kind.trim(), kinds)?;
    let labelled = SECTIONS.iter().any(|section| {
        section.header.trim_end_matches(':') == near && section.header.ends_with(':')
    });
    Some(match (labelled, label) {
        (true, Some(label)) => format!("did you mean [{near}:{}]?", label.trim()),
        (true, None) => format!("did you mean [{near}:NAME]?"),
        (false, _) => format!("did you mean [{near}]?"),
    })
}
