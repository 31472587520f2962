//! runit: a directory and a process for each program, `sv` as its client.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Contestant, Deed, absent, write_script};
use crate::plan::{Group, Plan};
use crate::tools::Tools;

/// The commands of a Debian package, unpacked.
pub(super) struct Runit {
    commands: PathBuf,
}

impl Runit {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            commands: tools.peers.join("usr/bin"),
        }
    }

    fn with_path(&self, program: &str) -> Command {
        let mut command = Command::new(self.commands.join(program));
        command.env("PATH", &self.commands);
        command
    }
}

fn service(place: &Path, group: &Group, number: usize) -> PathBuf {
    place.join(format!("sv/{}_{number}", group.name))
}

impl Contestant for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }

    fn missing(&self) -> Option<String> {
        absent(&self.commands.join("runsvdir")).or_else(|| absent(&self.commands.join("sv")))
    }

    fn captures(&self) -> bool {
        false
    }

    fn most(&self) -> usize {
        1_000
    }

    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String> {
        for (group, number) in plan.each() {
            let run = format!("#!/bin/sh\nexec {}\n", group.command.join(" "));
            write_script(&service(place, group, number).join("run"), &run)?;
        }
        Ok(())
    }

    fn daemon(&self, place: &Path) -> Command {
        let mut command = self.with_path("runsvdir");
        command.arg(place.join("sv"));
        command
    }

    fn client(&self, place: &Path, plan: &Plan, deed: Deed) -> Option<Command> {
        let mut command = self.with_path("sv");
        command.args(match deed {
            Deed::Status => ["status"].as_slice(),
            Deed::StartAll => &["-w", "60", "start"],
            Deed::StopAll => &["-w", "60", "stop"],
            Deed::RestartAll => &["-w", "60", "restart"],
        });
        for (group, number) in plan.each() {
            command.arg(service(place, group, number));
        }
        Some(command)
    }

    fn farewell(&self) -> rustix::process::Signal {
        rustix::process::Signal::HUP
    }
}
