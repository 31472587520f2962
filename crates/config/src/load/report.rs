//! Problems as they are found, in upstream's order of looking.

use crate::diagnostic::{Code, Diagnostic, Failure, Place, Severity, Sources};
use provost_model::Level;

/// How many problems are kept; nobody reads more, and each new one is compared with all before it.
const MAX_PROBLEMS: usize = 500;

/// A problem was found and is in the report; whoever gets this has nothing to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told;

/// An error as it is found.
pub(crate) struct Problem {
    pub(crate) code: Code,
    /// Upstream's sentence, complete.
    pub(crate) upstream: String,
    /// What is wrong, for people.
    pub(crate) message: String,
    pub(crate) place: Option<Place>,
    pub(crate) help: Option<String>,
}

/// Collects problems.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) sources: Sources,
    diagnostics: Vec<Diagnostic>,
    /// Upstream's sentence for the first error, and that error.
    first: Option<(String, Option<Box<Diagnostic>>)>,
    /// Lines for the main log: warnings come before the others there.
    log_warnings: Vec<String>,
    log_infos: Vec<String>,
}

impl Report {
    /// Adds an error. The same one again, found on another way to the same value, is dropped.
    pub(crate) fn error(&mut self, problem: Problem) -> Told {
        let Problem {
            code,
            upstream,
            message,
            place,
            help,
        } = problem;
        self.add(Severity::Error, code, message, place, help);
        self.first
            .get_or_insert_with(|| (upstream, self.diagnostics.last().cloned().map(Box::new)));
        Told
    }

    /// Adds a warning.
    pub(crate) fn warn(
        &mut self,
        code: Code,
        message: String,
        place: Option<Place>,
        help: Option<String>,
    ) {
        self.add(Severity::Warning, code, message, place, help);
    }

    /// A warning for the main log.
    pub(crate) fn log_warning(&mut self, line: String) {
        self.log_warnings.push(line);
    }

    /// A note for the main log.
    pub(crate) fn log_info(&mut self, line: String) {
        self.log_infos.push(line);
    }

    fn add(
        &mut self,
        severity: Severity,
        code: Code,
        message: String,
        place: Option<Place>,
        help: Option<String>,
    ) {
        if self
            .diagnostics
            .iter()
            .any(|known| known.code == code && known.place == place && known.message == message)
        {
            return;
        }
        let (code, message, place, help) = match self.diagnostics.len() {
            ..MAX_PROBLEMS => (code, message, place, help),
            MAX_PROBLEMS => (
                Code::Limit,
                "there are more problems than are shown".to_owned(),
                None,
                None,
            ),
            _ => return,
        };
        let source = place
            .as_ref()
            .and_then(|place| self.sources.get(place.source));
        let (line, column) = match (source, &place) {
            (Some(source), Some(place)) => source.position(place.span.start),
            _ => (0, 0),
        };
        let file = source.map(|source| source.path.clone());
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            message,
            file,
            line,
            column,
            place,
            help,
        });
    }

    /// All problems by file and line, and the lines for the main log, beside what was made; or the failure.
    pub(crate) fn finish<T>(mut self, made: Result<T, Told>) -> Result<(T, Finished), Failure> {
        // Problems without a place come first: they concern the whole.
        self.diagnostics.sort_by_key(|problem| {
            problem
                .place
                .as_ref()
                .map(|place| (place.source, place.span.start, place.span.end))
        });
        let made = match (self.first, made) {
            (None, Ok(made)) => made,
            (first, _) => {
                let (upstream_message, first) =
                    first.unwrap_or_else(|| ("the configuration cannot be read".to_owned(), None));
                return Err(Failure {
                    upstream_message,
                    first,
                    diagnostics: self.diagnostics,
                    sources: self.sources,
                });
            }
        };
        let warnings = self
            .log_warnings
            .into_iter()
            .map(|line| (Level::Warn, line));
        let infos = self.log_infos.into_iter().map(|line| (Level::Info, line));
        let finished = Finished {
            startup_messages: warnings.chain(infos).collect(),
            diagnostics: self.diagnostics,
            sources: self.sources,
        };
        Ok((made, finished))
    }
}

/// What a report without errors leaves.
pub(crate) struct Finished {
    pub(crate) startup_messages: Vec<(Level, String)>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) sources: Sources,
}
