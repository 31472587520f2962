//! What clients are told of the configuration.

use provost_config::diagnostic::Source;
use provost_config::{Config, Diagnostic};
use serde::{Deserialize, Serialize};

/// What there is to tell of the configuration, as it was at the start of this life.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The files, as they were named.
    pub files: Vec<String>,
    /// What its check warns of.
    pub warnings: Vec<String>,
}

impl About {
    /// That of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let path = |source: &Source| source.path.display().to_string();
        let shown = |warning: &Diagnostic| {
            let place = crate::reload::place(warning);
            format!("{place}{}", warning.message)
        };
        Self {
            files: config.sources.iter().map(path).collect(),
            warnings: config.diagnostics.iter().map(shown).collect(),
        }
    }
}
