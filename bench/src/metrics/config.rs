//! A configuration with a section for each program, read and checked; nothing is started.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Bench, Figures, Turn};
use crate::peers::Contestant;
use crate::run::fresh;
use crate::stamps::{millis, now};

/// What upstream does before it starts anything.
const UPSTREAM: &str = "import sys\nfrom supervisor.options import ServerOptions\noptions = ServerOptions()\n\
                        options.realize(['-n', '-c', sys.argv[1]])\n";

pub(super) fn fits(contestant: &dyn Contestant) -> bool {
    contestant.as_supervisor().is_some() || contestant.name() == "reference"
}

pub(super) fn of_fleet(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    measure(bench, contestant, turn.programs).map(|took| vec![("config", took)])
}

pub(super) fn of_ten_thousand(
    bench: &Bench,
    contestant: &dyn Contestant,
    _turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    measure(bench, contestant, 10_000).map(|took| vec![("config10000", took)])
}

fn measure(bench: &Bench, contestant: &dyn Contestant, programs: usize) -> Result<f64, String> {
    let place = fresh(bench, contestant)?;
    let file = place.join("supervisord.conf");
    std::fs::write(&file, text(&place, programs)).map_err(|error| error.to_string())?;
    let begun = now();
    let Some(supervisor) = contestant.as_supervisor() else {
        let read = std::fs::read(&file).map_err(|error| error.to_string())?;
        std::hint::black_box(read);
        return Ok(millis(begun, now()));
    };
    let mut command = if supervisor.is_ours() {
        let mut command = Command::new(supervisor.commands.join("supervisord"));
        command.arg("--check").arg("-c");
        command
    } else {
        let mut command = Command::new(supervisor.commands.join("python"));
        command.args(["-c", UPSTREAM]);
        command
    };
    let output = command
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", contestant.name()))?;
    let took = millis(begun, now());
    if output.status.success() {
        Ok(took)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("it refuses the configuration: {said:.300}"))
    }
}

/// Sections as people write them.
fn text(place: &Path, programs: usize) -> String {
    let here = place.display();
    let mut text = format!(
        "[supervisord]\nlogfile={here}/main.log\npidfile={here}/pid\n\n[unix_http_server]\nfile={here}/sock\n\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    );
    for number in 0..programs {
        let _ = write!(
            text,
            "\n[program:worker{number}]\ncommand=/bin/cat --number={number} -\ndirectory=/tmp\npriority={}\n\
             environment=PORT=\"{}\",NAME=\"%(program_name)s\"\nautorestart=true\nstartsecs=3\nstopwaitsecs=20\n\
             stdout_logfile={here}/%(program_name)s.out\nstderr_logfile={here}/%(program_name)s.err\n",
            number % 1_000,
            10_000 + number % 50_000
        );
    }
    text
}
