//! Simulated event listeners: what they say on their stdout, and when.

use super::faults::{Fault, Faults};
use super::rng::Rng;
use provost_model::spec::ResultHandler;
use std::time::Duration;

/// What a listener does after it has been sent an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// It says this after a while.
    Say(Duration, Vec<u8>),
    /// It ends.
    Die(Duration),
    /// Its stdin is closed: the event did not get through.
    Deaf(Duration),
    /// Nothing, ever.
    Nothing,
}

/// What a listener says when it has started.
pub(super) fn greeting(rng: &mut Rng, faults: &Faults) -> Vec<Deed> {
    let garbage = faults.strike(rng, Fault::ListenerGarbage);
    let text: &[u8] = if garbage {
        b"Traceback (most recent call last):\n"
    } else {
        b"READY\n"
    };
    say_in_pieces(rng, faults, text)
}

/// What a listener does with an event.
pub(super) fn answer(rng: &mut Rng, faults: &Faults, handler: ResultHandler) -> Vec<Deed> {
    let wait = think(rng, faults);
    if faults.strike(rng, Fault::ListenerDies) {
        return vec![Deed::Die(wait)];
    }
    if faults.strike(rng, Fault::ListenerDeaf) {
        return vec![Deed::Deaf(wait)];
    }
    if faults.strike(rng, Fault::ListenerGarbage) {
        let text: &[u8] = match rng.below(5) {
            0 => b"RESULT two\nOK",
            1 => b"RESULT -1\n",
            2 => b"hello world\n",
            3 => b"RESULT 99999999999\n",
            _ => return vec![Deed::Nothing],
        };
        return say_in_pieces(rng, faults, text);
    }
    let rejects = faults.strike(rng, Fault::ListenerRejects);
    let result: &[u8] = match (rejects, handler, rng.below(3)) {
        (false, ResultHandler::Acknowledge, _) => b"RESULT 2\nOK",
        (false, ResultHandler::Print, 0) => b"RESULT 31\nprocessname:p channel:stdout\nhi",
        (false, ResultHandler::Print, _) => b"RESULT 36\npid:7 channel:stderr processname:q\n\n",
        (true, _, 0) => b"RESULT 4\nFAIL",
        (true, _, 1) => b"RESULT 0\n",
        (true, _, _) => b"RESULT 3\nOK\n",
    };
    let mut text = result.to_vec();
    // Most are ready again in the same breath, some take their time.
    let at_once = rng.chance(700);
    if at_once {
        text.extend_from_slice(b"READY\n");
    }
    let mut deeds = say_in_pieces(rng, faults, &text);
    if !at_once {
        let wait = think(rng, faults);
        deeds.push(Deed::Say(wait, b"READY\n".to_vec()));
    }
    deeds
}

/// How long a listener thinks.
fn think(rng: &mut Rng, faults: &Faults) -> Duration {
    if faults.strike(rng, Fault::ListenerSlow) {
        Duration::from_millis(rng.between(1_000, 30_000))
    } else {
        Duration::from_millis(rng.below(20))
    }
}

/// The same bytes in reads of any size.
fn say_in_pieces(rng: &mut Rng, faults: &Faults, text: &[u8]) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut rest = text;
    let mut wait = think(rng, faults);
    while !rest.is_empty() {
        let whole = rng.chance(600);
        let length = if whole {
            rest.len()
        } else {
            rng.index(rest.len()) + 1
        };
        let (piece, after) = rest.split_at(length);
        deeds.push(Deed::Say(wait, piece.to_vec()));
        wait = Duration::from_millis(rng.below(5));
        rest = after;
    }
    deeds
}
