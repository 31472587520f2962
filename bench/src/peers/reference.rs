//! The reference program: only what no supervisor can leave out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Contestant, absent, log_path, write};
use crate::plan::{Capture, Plan};
use crate::tools::Tools;

/// `bench/reference/reference.c`.
pub(crate) struct Reference {
    program: PathBuf,
    /// Delivers events as quickly as anybody could.
    pub(crate) pump: PathBuf,
}

impl Reference {
    pub(crate) fn new(tools: &Tools) -> Self {
        Self {
            program: tools.reference.clone(),
            pump: tools.pump.clone(),
        }
    }
}

impl Contestant for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn missing(&self) -> Option<String> {
        absent(&self.program)
    }

    fn captures(&self) -> bool {
        true
    }

    fn prepare(&self, place: &Path, plan: &Plan) -> Result<(), String> {
        std::fs::create_dir_all(place.join("logs")).map_err(|error| error.to_string())?;
        let here = place.display();
        let mut text = format!(
            "batch\t{}\nsocket\t{here}/sock\nstate\t{here}/state.http\nall\t{here}/all.http\n",
            plan.batch
        );
        write(&place.join("state.http"), &answer(&info("idle_1", 1)))?;
        let mut infos = String::new();
        for (at, (group, number)) in plan.each().enumerate() {
            let name = format!("{}_{number}", group.name);
            let _ = write!(infos, "<value>{}</value>", info(&name, at));
        }
        let all = format!("<array><data>{infos}</data></array>");
        write(&place.join("all.http"), &answer(&all))?;
        for (group, number) in plan.each() {
            let path = |stream| match group.capture {
                Capture::No => "-".to_owned(),
                Capture::Files => log_path(place, group, number, stream).display().to_string(),
            };
            let _ = writeln!(
                text,
                "program\t{}\t{}\t{}\t{}",
                u8::from(group.restart),
                path("out"),
                path("err"),
                group.command.join("\t")
            );
        }
        write(&place.join("list"), &text)
    }

    fn daemon(&self, place: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(place.join("list"));
        command
    }

    fn socket(&self, place: &Path) -> Option<PathBuf> {
        Some(place.join("sock"))
    }
}

/// What a client is told of one program, as long as a true answer.
fn info(name: &str, pid: usize) -> String {
    let texts = [
        ("name", name),
        ("group", "idle"),
        ("statename", "RUNNING"),
        ("spawnerr", ""),
        (
            "logfile",
            "/dev/shm/provost-bench-12345/provost/logs/idle_1.out",
        ),
        (
            "stdout_logfile",
            "/dev/shm/provost-bench-12345/provost/logs/idle_1.out",
        ),
        (
            "stderr_logfile",
            "/dev/shm/provost-bench-12345/provost/logs/idle_1.err",
        ),
        ("description", "pid 1234567, uptime 0:00:10"),
    ];
    let numbers = [
        ("start", 1_784_000_000),
        ("stop", 0),
        ("now", 1_784_000_010),
        ("state", 20),
        ("exitstatus", 0),
        ("pid", 1_000_000 + pid),
    ];
    let mut text = "<struct>".to_owned();
    for (key, value) in texts {
        let _ = write!(
            text,
            "<member>\n<name>{key}</name>\n<value><string>{value}</string></value>\n</member>\n"
        );
    }
    for (key, value) in numbers {
        let _ = write!(
            text,
            "<member>\n<name>{key}</name>\n<value><int>{value}</int></value>\n</member>\n"
        );
    }
    text + "</struct>"
}

fn answer(value: &str) -> String {
    let body = format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>{value}</value>\n</param>\n</params>\n\
         </methodResponse>\n"
    );
    format!(
        "HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
