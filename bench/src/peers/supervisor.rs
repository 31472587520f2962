//! Provost and upstream Supervisor: the same configuration, the same client.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Contestant, Deed, absent, write};
use crate::plan::{Capture, Plan};
use crate::tools::Tools;

/// Either of the two.
pub(crate) struct Supervisor {
    name: &'static str,
    /// The directory of its commands.
    pub(crate) commands: PathBuf,
}

impl Supervisor {
    pub(super) fn provost(tools: &Tools) -> Self {
        Self {
            name: "provost",
            commands: tools.provost.clone(),
        }
    }

    pub(super) fn upstream(tools: &Tools) -> Self {
        Self {
            name: "supervisor",
            commands: tools.upstream.clone(),
        }
    }

    /// Whether it is the one that all this is about.
    pub(crate) fn is_ours(&self) -> bool {
        self.name == "provost"
    }
}

impl Contestant for Supervisor {
    fn name(&self) -> &'static str {
        self.name
    }

    fn missing(&self) -> Option<String> {
        absent(&self.commands.join("supervisord"))
    }

    fn captures(&self) -> bool {
        true
    }

    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String> {
        std::fs::create_dir_all(place.join("logs")).map_err(|error| error.to_string())?;
        write(&place.join("supervisord.conf"), &configuration(place, plan))
    }

    fn daemon(&self, place: &Path) -> Command {
        let mut command = Command::new(self.commands.join("supervisord"));
        command.args(["-n", "-s", "-c"]);
        command.arg(place.join("supervisord.conf"));
        command
    }

    fn client(&self, place: &Path, _plan: &Plan, deed: Deed) -> Option<Command> {
        let mut command = Command::new(self.commands.join("supervisorctl"));
        command.arg("-c").arg(place.join("supervisord.conf"));
        command.args(match deed {
            Deed::Status => ["status"].as_slice(),
            Deed::StartAll => &["start", "all"],
            Deed::StopAll => &["stop", "all"],
            Deed::RestartAll => &["restart", "all"],
        });
        Some(command)
    }

    fn socket(&self, place: &Path) -> Option<PathBuf> {
        Some(place.join("sock"))
    }

    fn as_supervisor(&self) -> Option<&Supervisor> {
        Some(self)
    }
}

fn configuration(place: &Path, plan: &Plan) -> String {
    let here = place.display();
    // Upstream takes five descriptors for a program, and refuses to start with fewer in hand.
    let descriptors = plan.programs() * 5 + 1_024;
    let mut text = format!(
        "[supervisord]\nlogfile={here}/main.log\npidfile={here}/pid\nchildlogdir={here}/logs\nminfds={descriptors}\n\
         [unix_http_server]\nfile={here}/sock\n[supervisorctl]\nserverurl=unix://{here}/sock\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n{}",
        plan.more
    );
    for group in &plan.groups {
        let (name, command) = (group.name, group.command.join(" "));
        let _ = write!(
            text,
            "[program:{name}]\ncommand={command}\nprocess_name=%(program_name)s_%(process_num)d\nnumprocs={}\n\
             startsecs=0\nautostart={}\nautorestart={}\n",
            group.count, !plan.waiting, group.restart
        );
        for (stream, end) in [("stdout", "out"), ("stderr", "err")] {
            let _ = match group.capture {
                Capture::No => writeln!(text, "{stream}_logfile=NONE"),
                Capture::Files => writeln!(
                    text,
                    "{stream}_logfile={here}/logs/%(program_name)s_%(process_num)d.{end}\n{stream}_logfile_maxbytes=0"
                ),
            };
        }
    }
    text
}
