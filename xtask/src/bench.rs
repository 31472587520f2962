//! `cargo xtask bench [programs]`: Provost beside upstream Supervisor in one run, on the same configuration.
//! `cargo xtask bench events` measures only how quickly events reach a listener.
//!
//! Figures of two daemons taken in turns on one machine; the ratio is the result. Each is the median of several runs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{bench_events, oracle};

/// Programs when none are asked for.
const PROGRAMS: usize = 100;

/// Starts of each daemon.
const STARTS: usize = 3;

/// Runs of the client for each start.
const CLIENT_RUNS: usize = 10;

/// No step takes longer on a machine that works.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is measured, in milliseconds or kilobytes.
const ROWS: &[&str] = &[
    "start to first instruction of the first program, ms",
    "start to all programs started, ms",
    "supervisorctl status, ms",
    "supervisorctl restart of one program (startsecs=0), ms",
    "shutdown, ms",
    "memory of the daemon (Pss), kB",
];

struct Side {
    name: &'static str,
    daemon: PathBuf,
    client: PathBuf,
}

/// Measures both and prints a table. Answers whether all runs could be made.
pub(crate) fn run() -> bool {
    let programs = std::env::args()
        .nth(2)
        .and_then(|text| text.parse().ok())
        .unwrap_or(PROGRAMS);
    if !oracle::run() || !build() {
        return false;
    }
    let only_events = std::env::args().nth(2).as_deref() == Some("events");
    let sides = [
        Side {
            name: "Provost",
            daemon: ours("supervisord"),
            client: ours("supervisorctl"),
        },
        Side {
            name: "Supervisor",
            daemon: theirs("supervisord"),
            client: theirs("supervisorctl"),
        },
    ];
    if only_events {
        return events(&sides, PROGRAMS);
    }
    let mut figures = vec![vec![Vec::new(); ROWS.len()]; sides.len()];
    for turn in 0..STARTS {
        for (side, figures) in sides.iter().zip(&mut figures) {
            match measure(side, programs, turn) {
                Ok(run) => figures
                    .iter_mut()
                    .zip(run)
                    .for_each(|(row, figure)| row.push(figure)),
                Err(reason) => {
                    eprintln!("error: {}: {reason}", side.name);
                    return false;
                }
            }
        }
    }
    print_table(&sides, &mut figures, programs);
    events(&sides, programs)
}

/// Events a second that reach one listener, on each side in turns.
fn events(sides: &[Side], programs: usize) -> bool {
    let mut figures = vec![Vec::new(); sides.len()];
    for turn in 0..STARTS {
        for (side, figures) in sides.iter().zip(&mut figures) {
            let place = place_of(side, "events", turn);
            match bench_events::measure(&side.daemon, &place, programs) {
                Ok(figure) => figures.push(figure),
                Err(reason) => {
                    eprintln!("error: {}: {reason}", side.name);
                    return false;
                }
            }
        }
    }
    let (ours, theirs) = (median(&mut figures[0]), median(&mut figures[1]));
    println!(
        "| events delivered to one listener beside {programs} idle programs, a second | {ours:.0} | {theirs:.0} | {:.1} |",
        ours / theirs
    );
    true
}

fn place_of(side: &Side, what: &str, turn: usize) -> PathBuf {
    let id = std::process::id();
    std::env::temp_dir().join(format!("provost-bench-{id}-{what}-{}-{turn}", side.name))
}

fn print_table(sides: &[Side], figures: &mut [Vec<Vec<f64>>], programs: usize) {
    println!("\n{programs} programs, median of {STARTS} runs\n");
    println!(
        "| what | {} | {} | ratio |\n|---|---|---|---|",
        sides[0].name, sides[1].name
    );
    for (row, what) in ROWS.iter().enumerate() {
        let (ours, theirs) = (median(&mut figures[0][row]), median(&mut figures[1][row]));
        println!(
            "| {what} | {ours:.1} | {theirs:.1} | {:.3} |",
            ours / theirs
        );
    }
}

/// One start, and everything that is measured with it.
fn measure(side: &Side, programs: usize, turn: usize) -> Result<Vec<f64>, String> {
    let place = std::env::temp_dir().join(format!(
        "provost-bench-{}-{}-{turn}",
        std::process::id(),
        side.name
    ));
    fs::create_dir_all(&place)
        .map_err(|error| format!("cannot make {}: {error}", place.display()))?;
    let result = measure_in(side, programs, &place);
    fs::remove_dir_all(&place)
        .map_err(|error| format!("cannot remove {}: {error}", place.display()))?;
    result
}

fn measure_in(side: &Side, programs: usize, place: &Path) -> Result<Vec<f64>, String> {
    let config = place.join("supervisord.conf");
    fs::write(&config, configuration(place, programs)).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let mut daemon = Command::new(&side.daemon)
        .args(["-n", "-c"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", side.daemon.display()))?;
    let figures = figures_of(side, programs, place, &config, &mut daemon, begun);
    if figures.is_err() {
        // The daemon is ours, and nobody waits for it any more.
        let _ = daemon.kill();
        let _ = daemon.wait();
    }
    figures
}

fn figures_of(
    side: &Side,
    programs: usize,
    place: &Path,
    config: &Path,
    daemon: &mut Child,
    begun: Instant,
) -> Result<Vec<f64>, String> {
    let marks = place.join("started");
    wait_for("the first program", || count(&marks) >= 1)?;
    let first = milliseconds(begun);
    wait_for("all programs", || count(&marks) >= programs)?;
    let all = milliseconds(begun);
    let client = |words: &[&str]| -> Result<f64, String> {
        let begun = Instant::now();
        let status = Command::new(&side.client)
            .arg("-c")
            .arg(config)
            .args(words)
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("cannot start {}: {error}", side.client.display()))?;
        if status.success() {
            Ok(milliseconds(begun))
        } else {
            Err(format!("{words:?} ended with {status}"))
        }
    };
    let mut status = (0..CLIENT_RUNS)
        .map(|_| client(&["status"]))
        .collect::<Result<Vec<_>, _>>()?;
    let mut restart = (0..CLIENT_RUNS)
        .map(|_| client(&["restart", "p:p_0"]))
        .collect::<Result<Vec<_>, _>>()?;
    let memory = memory(daemon.id())?;
    let begun = Instant::now();
    client(&["shutdown"])?;
    daemon.wait().map_err(|error| error.to_string())?;
    Ok(vec![
        first,
        all,
        median(&mut status),
        median(&mut restart),
        milliseconds(begun),
        memory,
    ])
}

fn configuration(place: &Path, programs: usize) -> String {
    let here = place.display();
    let mut text = format!(
        "[supervisord]\nlogfile={here}/main.log\npidfile={here}/pid\nchildlogdir={here}\nminfds=16384\n\
         [unix_http_server]\nfile={here}/sock\n[supervisorctl]\nserverurl=unix://{here}/sock\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    );
    let _ = write!(
        text,
        "[program:p]\ncommand=/bin/sh -c 'echo >> {here}/started; exec sleep 86400'\nprocess_name=%(program_name)s_%(process_num)d\n\
         numprocs={programs}\nstartsecs=0\nstdout_logfile={here}/%(process_num)d.log\nredirect_stderr=true\n"
    );
    text
}

fn count(marks: &Path) -> usize {
    fs::read(marks).map_or(0, |bytes| bytes.len())
}

fn memory(pid: u32) -> Result<f64, String> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .ok_or_else(|| format!("no Pss in {path}"))?;
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .map_err(|error| format!("{line}: {error}"))
}

fn wait_for(what: &str, done: impl Fn() -> bool) -> Result<(), String> {
    let begun = Instant::now();
    while !done() {
        if begun.elapsed() > PATIENCE {
            return Err(format!(
                "{what} did not start within {} s",
                PATIENCE.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Brings our commands up to date, unless `PROVOST_BIN_DIR` says where others are that are to be measured.
fn build() -> bool {
    if std::env::var_os("PROVOST_BIN_DIR").is_some() {
        return true;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "provost",
            "--bins",
        ])
        .current_dir(oracle::root())
        .status()
        .is_ok_and(|status| status.success())
}

fn ours(command: &str) -> PathBuf {
    let directory = std::env::var_os("PROVOST_BIN_DIR")
        .map_or_else(|| oracle::root().join("target/release"), PathBuf::from);
    directory.join(command)
}

fn theirs(command: &str) -> PathBuf {
    oracle::directory().join("bin").join(command)
}
