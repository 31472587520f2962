//! `supervisord --check`: all errors and warnings of a configuration, without starting anything.

use crate::boot::{EXIT_OK, EXIT_REFUSED};
use crate::host::SystemHost;
use crate::output;
use provost_config::cli::Overrides;
use provost_config::{Code, Diagnostic, Severity};
use std::path::Path;

/// Checks the file; 2 when it would be refused, 0 when it would be accepted, with or without warnings.
pub(crate) fn run(path: &Path, overrides: &Overrides, json: bool) -> i32 {
    let host = SystemHost::from_here();
    let loaded = provost_config::load(path, overrides, &host);
    let (mut diagnostics, sources, mut status) = match loaded {
        Ok(config) => (config.diagnostics, config.sources, EXIT_OK),
        Err(failure) => (failure.diagnostics, failure.sources, EXIT_REFUSED),
    };
    let client = client_errors(path, &host, &diagnostics);
    if !client.is_empty() {
        status = EXIT_REFUSED;
        diagnostics.extend(client);
    }
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

/// What supervisorctl would refuse in its own section, where there is one. supervisord does not look into it.
fn client_errors(path: &Path, host: &SystemHost, known: &[Diagnostic]) -> Vec<Diagnostic> {
    let Err(failure) = provost_config::load_supervisorctl(path, host) else {
        return Vec::new();
    };
    let errors = failure.diagnostics.into_iter();
    let errors: Vec<_> = errors
        .filter(|one| one.severity == Severity::Error && !known.contains(one))
        .collect();
    // A file for supervisord alone is complete without the section.
    if errors.iter().any(|one| one.code == Code::MissingSection) {
        return Vec::new();
    }
    errors
}
