//! What a check finds in a configuration that was refused.

use super::Problem;
use crate::rest::schema::shapes;
use provost_model::Fault;

shapes! {
    /// A problem of the configuration, as `supervisord --check` tells it.
    Finding {
        /// `error`, or `warning` for what would be accepted.
        severity: String,
        /// Its code, as in the reference of the configuration.
        code: &'static str,
        /// What is wrong.
        message: String,
        /// The file; null when it is in none.
        file: Option<String>,
        /// The line, from 1; null when it is in none.
        line: Option<u64>,
        /// The column in characters, from 1; null when it is in no line.
        column: Option<u64>,
        /// What to do about it.
        help: Option<String>,
    }

    /// The answer when a configuration is refused. Nothing that runs was touched.
    Refusal {
        /// What, as for all that goes wrong.
        error: Problem,
        /// What a check finds, errors first, at most 200; empty for callers without the right `config` for all programs, and
        /// where the files could not be looked at once more.
        findings: Vec<Finding>,
    }
}

impl Finding {
    /// Where it is: `file:line:column`, as far as that is known; empty when it is in no file.
    pub fn place(&self) -> String {
        let mut place = self.file.clone().unwrap_or_default();
        for number in [self.line, self.column].into_iter().flatten() {
            place = format!("{place}:{number}");
        }
        place
    }
}

impl Refusal {
    /// Of a fault and what was found.
    pub fn new(fault: &Fault, findings: Vec<Finding>) -> Self {
        Self {
            error: Problem {
                code: fault.code.name().to_owned(),
                message: fault.to_string(),
            },
            findings,
        }
    }
}
