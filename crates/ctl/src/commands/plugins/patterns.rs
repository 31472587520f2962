//! Names that match patterns, as several plugins compare them.

use crate::records::StatusRow;
use provost_config::fnmatch;

/// The word that stands for every process.
pub(super) const ALL: &str = "all";

/// What plugins say when nothing matches.
pub(super) const NONE: &str = "No process matched given expression.";

/// `group:name`, also where both are equal.
pub(super) fn long_name(row: &StatusRow) -> String {
    format!("{}:{}", row.group, row.name)
}

/// Whether a name matches any of the patterns.
pub(super) fn matches_any<S: AsRef<str>>(patterns: &[S], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| fnmatch(pattern.as_ref(), name))
}
