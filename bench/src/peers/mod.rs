//! Who is measured: each knows how to say to one supervisor what the plan says, and how to talk to it.

mod horust;
mod reference;
mod runit;
mod s6;
mod supervisor;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::plan::{Group, Plan};
use crate::tools::Tools;

pub(crate) use reference::Reference;
pub(crate) use supervisor::Supervisor;

/// What a person asks of a supervisor that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    Status,
    StartAll,
    StopAll,
    RestartAll,
}

/// One supervisor.
pub(crate) trait Contestant {
    /// Its name in tables and on the command line.
    fn name(&self) -> &'static str;

    /// Why it cannot be measured here.
    fn missing(&self) -> Option<String>;

    /// Whether one of its processes takes the output of programs into files; others need a second one for each program.
    fn captures(&self) -> bool;

    /// How many programs it looks after at most, where it has a limit of its own.
    fn most(&self) -> usize {
        usize::MAX
    }

    /// Writes the files that it reads.
    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String>;

    /// The command that stays in the foreground.
    fn daemon(&self, place: &Path) -> Command;

    /// Where the stdout of a program goes.
    fn log(&self, place: &Path, group: &Group, number: usize) -> PathBuf {
        log_path(place, group, number, "out")
    }

    /// The command of its client.
    fn client(&self, _place: &Path, _plan: &Plan, _deed: Deed) -> Option<Command> {
        None
    }

    /// The socket on which it answers XML-RPC.
    fn socket(&self, _place: &Path) -> Option<PathBuf> {
        None
    }

    /// The signal by which it ends all programs and itself.
    fn farewell(&self) -> rustix::process::Signal {
        rustix::process::Signal::TERM
    }

    /// It, as one that reads Supervisor's configuration.
    fn as_supervisor(&self) -> Option<&Supervisor> {
        None
    }
}

/// All that are known, Provost first.
pub(crate) fn all(tools: &Tools) -> Vec<Box<dyn Contestant>> {
    vec![
        Box::new(Supervisor::provost(tools)),
        Box::new(Reference::new(tools)),
        Box::new(Supervisor::upstream(tools)),
        Box::new(runit::Runit::new(tools)),
        Box::new(s6::S6),
        Box::new(horust::Horust::new(tools)),
    ]
}

/// Those that are asked for and there. Says who is not.
#[expect(
    clippy::print_stderr,
    reason = "the person wants to know who is left out"
)]
pub(crate) fn present(tools: &Tools, args: &Args) -> Vec<Box<dyn Contestant>> {
    let mut list = all(tools);
    list.retain(|contestant| {
        if !args.wants(contestant.name()) {
            return false;
        }
        let missing = contestant.missing();
        if let Some(reason) = &missing {
            eprintln!("skipped: {}: {reason}", contestant.name());
        }
        missing.is_none()
    });
    list
}

/// The usual place of a log.
fn log_path(place: &Path, group: &Group, number: usize, stream: &str) -> PathBuf {
    place.join(format!("logs/{}_{number}.{stream}", group.name))
}

/// Whether a program is there, or why it cannot be used.
fn absent(file: &Path) -> Option<String> {
    (!file.is_file()).then(|| format!("{} is not there", file.display()))
}

/// Makes a file with all directories above it.
fn write(file: &Path, text: &str) -> Result<(), String> {
    let directory = file.parent().unwrap_or(file);
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Makes a file that can be executed.
fn write_script(file: &Path, text: &str) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    write(file, text)?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}
