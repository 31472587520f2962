//! The first step of an image that goes on for another one.

use super::depart::{HANDBACK, HANDOVER, VARIABLE, go_back};
use super::{SavedState, capsule};
use crate::crash;
use provost_model::Signal;
use provost_os::reactor::{Interest, Reactor};
use provost_os::signals::SignalQueue;
use provost_os::{image, reap};
use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::catch_unwind;

/// What is known after the first look.
pub(crate) struct Arrival {
    pub(crate) state: SavedState,
    /// Our arguments without the one that names the state.
    pub(crate) arguments: Vec<OsString>,
    /// Why the program that should have taken our place did not.
    pub(crate) refused: Option<String>,
    /// The program before, while we are on probation.
    pub(crate) before: Option<OwnedFd>,
}

/// Whether this program was started in the place of another one, and what it goes on with. None for an ordinary start.
///
/// A state that cannot be used goes back to the program before. Where that is not possible either, an error says why.
pub(crate) fn arrive(arguments: &[OsString]) -> Option<Result<Arrival, String>> {
    let told = image::take_variable(VARIABLE);
    let (named, arguments) = match told {
        Some(named) => (named, arguments.to_vec()),
        None => by_argument(arguments)?,
    };
    let named = named.to_string_lossy();
    let is_back = named.starts_with(HANDBACK);
    let (number, other) = named
        .strip_prefix(HANDOVER)
        .or_else(|| named.strip_prefix(HANDBACK))?
        .split_once(',')?;
    crash::arrived(is_back);
    image::name("supervisord");
    let inherited = |number: &str| {
        let number = number
            .parse()
            .map_err(|_| format!("{number} is no descriptor"))?;
        image::inherit(number).map_err(|error| error.to_string())
    };
    let file = match inherited(number) {
        Ok(file) => file,
        Err(reason) => return Some(Err(reason)),
    };
    // It may panic over a state that another version wrote.
    let loaded = catch_unwind(|| load(&file)).unwrap_or_else(|_| {
        let cause = crash::take().into_iter().next().unwrap_or_default();
        let first = cause.lines().next().unwrap_or_default();
        Err(format!("reading the state failed: {first}"))
    });
    Some(match loaded {
        Ok(state) => Ok(Arrival {
            before: state
                .probation_until
                .filter(|_| !is_back)
                .and_then(|_| inherited(other).ok()),
            state,
            arguments,
            refused: is_back.then(|| other.to_owned()),
        }),
        Err(reason) if is_back => Err(format!("{reason}; before that: {other}")),
        Err(reason) => Err(match inherited(other) {
            Ok(before) => format!("{reason}; {}", go_back(file, &before, &reason)),
            Err(problem) => format!("{reason}; {problem}"),
        }),
    })
}

/// How the first images told it: by their first argument, before all others.
fn by_argument(arguments: &[OsString]) -> Option<(OsString, Vec<OsString>)> {
    let (first, rest) = arguments.split_first()?;
    let (named, rest) = rest.split_first()?;
    let mut others = vec![first.clone()];
    others.extend_from_slice(rest);
    Some((named.clone(), others))
}

fn load(file: &OwnedFd) -> Result<SavedState, String> {
    let bytes = image::read_sealed(file.as_fd(), capsule::BYTES_MAX)
        .map_err(|error| format!("the state cannot be read: {error}"))?;
    crash::point("load");
    capsule::unpack(&bytes)
}

/// What is left when nobody can go on: children are collected and their pipes held open, so that they live on, until
/// somebody ends this process. The next supervisord takes them over by their records.
pub(crate) fn hold_out() {
    const ENDS: &[Signal] = &[Signal::TERM, Signal::INT, Signal::QUIT, Signal::CHLD];
    let (Ok(signals), Ok(reactor)) = (SignalQueue::open(ENDS), Reactor::new()) else {
        return;
    };
    let mut ready = Vec::new();
    if reactor.add(signals.as_fd(), 0, Interest::Read).is_err() {
        return;
    }
    loop {
        while let Ok(Some(_)) = reap::reap_one() {}
        let waited = reactor.wait(None, &mut ready);
        match waited.and_then(|()| signals.read()) {
            Ok(received) if received.iter().all(|one| one.signal == Signal::CHLD) => {}
            Ok(_) | Err(_) => return,
        }
    }
}
