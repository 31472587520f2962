//! Sentences of the edge itself: what the system did to a child before its program ran.

use provost_model::{Errno, ProcessSpec};
use provost_os::spawn::Stage;

/// Why a child could not become its program.
pub(crate) fn not_executed(spec: &ProcessSpec, stage: Stage, errno: Errno) -> String {
    let what = match stage {
        Stage::Setup => "could not be set up".to_owned(),
        Stage::User => format!("could not become uid {}", spec.uid.unwrap_or_default()),
        Stage::Directory => {
            let directory = spec
                .directory
                .as_deref()
                .unwrap_or_else(|| std::path::Path::new("."));
            format!(
                "could not change to the directory '{}'",
                directory.display()
            )
        }
        Stage::Confine => "could not be confined to its capabilities".to_owned(),
        Stage::Exec => format!("could not execute its command '{}'", spec.command),
    };
    format!("child of '{}' {what}: {errno}", spec.name)
}
