//! s6: a directory and a process for each program.

use std::path::Path;
use std::process::Command;

use super::{Contestant, absent, write_script};
use crate::plan::Plan;

/// The commands of the system's package: their paths are written into them, so that they cannot be elsewhere.
pub(super) struct S6;

const SCANNER: &str = "/usr/bin/s6-svscan";

impl Contestant for S6 {
    fn name(&self) -> &'static str {
        "s6"
    }

    fn missing(&self) -> Option<String> {
        absent(Path::new(SCANNER)).or_else(|| absent(Path::new("/usr/bin/s6-supervise")))
    }

    fn captures(&self) -> bool {
        false
    }

    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String> {
        for (group, number) in plan.each() {
            let run = format!("#!/bin/sh\nexec {}\n", group.command.join(" "));
            let directory = place.join(format!("scan/{}_{number}", group.name));
            write_script(&directory.join("run"), &run)?;
        }
        // Without it the scanner would look for a command of the system when it ends.
        write_script(&place.join("scan/.s6-svscan/finish"), "#!/bin/sh\nexit 0\n")
    }

    fn daemon(&self, place: &Path) -> Command {
        let mut command = Command::new(SCANNER);
        // It has to know how many services it will find.
        let scan = place.join("scan");
        let services = std::fs::read_dir(&scan).map_or(0, Iterator::count);
        command.arg("-c").arg((services + 10).to_string()).arg(scan);
        command
    }
}
