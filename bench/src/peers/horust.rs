//! Horust: a file for each program, one process that takes their output.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Contestant, absent, log_path, write};
use crate::plan::{Capture, Plan};
use crate::tools::Tools;

/// Built from its crate.
pub(super) struct Horust {
    program: PathBuf,
}

impl Horust {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            program: tools.horust.clone(),
        }
    }
}

impl Contestant for Horust {
    fn name(&self) -> &'static str {
        "horust"
    }

    fn missing(&self) -> Option<String> {
        absent(&self.program)
    }

    fn captures(&self) -> bool {
        true
    }

    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String> {
        std::fs::create_dir_all(place.join("logs")).map_err(|error| error.to_string())?;
        for (group, number) in plan.each() {
            let path = |stream| match group.capture {
                Capture::No => "/dev/null".to_owned(),
                Capture::Files => log_path(place, group, number, stream).display().to_string(),
            };
            // Without a size of rotation it would give the file to the program, and have no part in it.
            let rotation = match group.capture {
                Capture::No => "",
                Capture::Files => {
                    "stdout-rotate-size = \"1000 GB\"\nstdout-should-append-timestamp-to-filename = false\n"
                }
            };
            let text = format!(
                "command = \"{}\"\n{rotation}stdout = \"{}\"\nstderr = \"{}\"\n[restart]\nstrategy = \"{}\"\nbackoff = \"0s\"\n",
                group.command.join(" "),
                path("out"),
                path("err"),
                if group.restart { "always" } else { "never" }
            );
            write(
                &place.join(format!("services/{}_{number}.toml", group.name)),
                &text,
            )?;
        }
        Ok(())
    }

    fn daemon(&self, place: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--services-path").arg(place.join("services"));
        command.arg("--uds-folder-path").arg(place);
        command
    }
}
