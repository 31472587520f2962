//! `supervisord --check`: all errors and warnings of a configuration, without starting anything.

use crate::boot::{EXIT_OK, EXIT_REFUSED};
use crate::host::SystemHost;
use crate::output;
use provost_config::cli::Overrides;
use std::path::Path;

/// Checks the file; 2 when it would be refused, 0 when it would be accepted, with or without warnings.
pub(crate) fn run(path: &Path, overrides: &Overrides, json: bool) -> i32 {
    let (diagnostics, sources, status) = match provost_config::load(path, overrides, &SystemHost) {
        Ok(config) => (config.diagnostics, config.sources, EXIT_OK),
        Err(failure) => (failure.diagnostics, failure.sources, EXIT_REFUSED),
    };
    if json {
        output::out(&provost_config::to_json(&diagnostics));
        return status;
    }
    output::out(&provost_config::render(&diagnostics, &sources));
    let verdict = match (status, diagnostics.len()) {
        (EXIT_OK, 0) => "no problems",
        (EXIT_OK, _) => "accepted, with warnings",
        _ => "refused",
    };
    output::out(&format!("{}: {verdict}\n", path.display()));
    status
}
