//! Whether open pages delay the respawn of a program: the same crasher with and without them, in turns, in one run.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use super::respawn::{LIFE, gaps};
use super::{Bench, Figures, Turn};
use crate::peers::{Contestant, Supervisor};
use crate::plan::{Capture, Plan};
use crate::run::Run;
use crate::stamps::{self, wait_until};

/// Streams that are open at a time, as the overview opens one: with what all programs take.
const PAGES: usize = 20;

/// Times that pages are opened and closed again, and deaths that count each time.
const PHASES: usize = 2;
const DEATHS: usize = 3;

/// How long what opening and closing them costs may take.
const CALM: Duration = Duration::from_secs(1);

pub(super) fn fits(contestant: &dyn Contestant) -> bool {
    contestant.as_supervisor().is_some_and(Supervisor::is_ours)
}

pub(super) fn respawn(
    bench: &Bench,
    contestant: &dyn Contestant,
    turn: Turn,
    _wanted: &[&'static str],
) -> Result<Figures, String> {
    let others = turn.programs.saturating_sub(1).max(1);
    let mut deaths = std::path::PathBuf::new();
    let run = Run::start(bench, contestant, |children| {
        deaths = children.place.join("deaths");
        let mut plan = Plan::of(children.idle(others, Capture::Files));
        plan.groups
            .push(children.crasher(LIFE, &deaths, Capture::Files));
        plan
    })?;
    run.starts(others)?;
    let socket = contestant
        .socket(&run.place)
        .ok_or("it answers on no socket")?;
    let (phases, wanted) = if turn.warm_up {
        (1, 1)
    } else {
        (PHASES, DEATHS)
    };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..phases {
        run.settle(CALM);
        without.extend(next(&deaths, wanted)?);
        let pages: Result<Vec<OpenPage>, String> =
            (0..PAGES).map(|_| OpenPage::open(&socket)).collect();
        let pages = pages?;
        run.settle(CALM);
        with.extend(next(&deaths, wanted)?);
        for page in pages {
            page.close()?;
        }
    }
    let (without, with) = (median(without), median(with));
    Ok(vec![
        ("watched.without", without),
        ("watched.with", with),
        ("watched.times", with / without),
    ])
}

/// The next so many times from an end to the start after it; one that may be under way does not count.
fn next(deaths: &Path, count: usize) -> Result<Vec<f64>, String> {
    let known = gaps(&stamps::read(deaths)).len() + 1;
    let all = || gaps(&stamps::read(deaths));
    wait_until(
        || all().len() >= known + count,
        || "the crasher is not started any more".to_owned(),
    )?;
    Ok(all().into_iter().skip(known).take(count).collect())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A stream that somebody reads.
struct OpenPage {
    stream: UnixStream,
    reader: JoinHandle<usize>,
}

impl OpenPage {
    /// Opens one and waits for its first piece.
    fn open(socket: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("a stream: {error}");
        let mut stream = UnixStream::connect(socket).map_err(failed)?;
        stream
            .write_all(b"GET /api/v1/events?usage=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .map_err(failed)?;
        let mut first = [0; 12];
        stream.read_exact(&mut first).map_err(failed)?;
        if !first.ends_with(b" 200") {
            return Err("a stream was refused".to_owned());
        }
        let mut source = stream.try_clone().map_err(failed)?;
        let reader = spawn(move || {
            let mut room = vec![0; 64 * 1024];
            let mut all = 0;
            while let Ok(count @ 1..) = source.read(&mut room) {
                all += count;
            }
            all
        });
        Ok(Self { stream, reader })
    }

    /// Closes it; an error when it told nothing.
    fn close(self) -> Result<(), String> {
        // Its other end may have gone.
        let _ = self.stream.shutdown(Shutdown::Both);
        match self.reader.join() {
            Ok(1..) => Ok(()),
            _ => Err("a stream told nothing".to_owned()),
        }
    }
}
