//! What children write.

use super::{carried, parts};
use provost_capture::ansi::Stripper;
use provost_capture::held::Held;
use provost_capture::lines::{self, Lines};
use provost_capture::tokens::{BEGIN, Capture, CaptureBuffer, END, Piece};

/// A small limit for captured text and for output that waits, so that it is reached.
const ROOM: usize = 16;

/// A child writes `data`: in pieces it means the same as in one, with an upgrade in between too, and the same as rules that
/// look at the whole of it say. Nothing is lost, and what waits stays within its limit.
pub fn child_output(data: &[u8]) {
    let (said, pieces) = parts(data);
    assert_eq!(stripped(&pieces), without_colours(said));
    let captured = captured(&pieces);
    assert_eq!(captured, between_tokens(said));
    let joined = lined(&pieces);
    assert_eq!(joined, lined(&[said]));
    let told: usize = joined.iter().map(Vec::len).sum();
    assert!(
        joined
            .iter()
            .all(|line| line.len() <= lines::LINE_BYTES_MAX)
    );
    assert!(told <= said.len());
    capture_stays_small(&pieces);
    waiting_stays_small(&pieces);
}

/// Feeds a machine, which an upgrade comes across half way.
fn feed<T: serde::Serialize + serde::de::DeserializeOwned>(
    pieces: &[&[u8]],
    mut machine: T,
    mut take: impl FnMut(&mut T, &[u8]),
) -> T {
    for (number, piece) in pieces.iter().enumerate() {
        if number == pieces.len() / 2 {
            machine = carried(&machine);
        }
        take(&mut machine, piece);
    }
    machine
}

fn stripped(pieces: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut stripper = feed(pieces, Stripper::default(), |stripper, piece| {
        text.extend_from_slice(&stripper.strip(piece));
    });
    text.extend_from_slice(stripper.finish());
    text
}

/// The same, out of the whole text.
fn without_colours(mut rest: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match after.split_first() {
            Some((b'[', sequence)) if *first == 0x1b => {
                let end = sequence
                    .iter()
                    .position(|byte| b"HfABCDRsuJKhlpm".contains(byte));
                rest = end.map_or(&[], |end| &sequence[end + 1..]);
            }
            _ => text.push(*first),
        }
    }
    text
}

fn lined(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut told = Vec::new();
    let mut lines = feed(pieces, Lines::default(), |lines, piece| {
        lines.feed(piece, |line, _| told.push(line.to_vec()));
    });
    lines.finish(|line, _| told.push(line.to_vec()));
    told
}

/// Text of the log and captured text in their order, neighbours of one kind joined; a captured one is there even if it is
/// empty.
fn captured(pieces: &[&[u8]]) -> Vec<(bool, Vec<u8>)> {
    let mut told = vec![(false, Vec::new())];
    let mut take = |piece: Piece<'_>| match piece {
        Piece::Log(data) | Piece::Captured(data) => {
            let (within, text) = told.last_mut().expect("there is one from the beginning");
            assert_eq!(*within, matches!(piece, Piece::Captured(_)));
            assert!(!data.is_empty());
            text.extend_from_slice(data);
        }
        Piece::Begin => told.push((true, Vec::new())),
        Piece::End => told.push((false, Vec::new())),
    };
    let mut capture = feed(pieces, Capture::default(), |capture, piece| {
        capture.feed(piece, &mut take);
    });
    capture.finish(&mut take);
    told
}

/// The same, out of the whole text.
fn between_tokens(mut rest: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut told = Vec::new();
    let mut within = false;
    loop {
        let token = if within { END } else { BEGIN };
        let place = rest.windows(token.len()).position(|part| part == token);
        let (text, after) = rest.split_at(place.unwrap_or(rest.len()));
        told.push((within, text.to_vec()));
        if place.is_none() {
            return told;
        }
        rest = &after[token.len()..];
        within = !within;
    }
}

fn capture_stays_small(pieces: &[&[u8]]) {
    let mut buffer = CaptureBuffer::new(ROOM);
    let longest = pieces.iter().map(|piece| piece.len()).max().unwrap_or(0);
    for piece in pieces {
        buffer.push(piece);
    }
    let all = pieces.concat();
    let left = buffer.take();
    assert!(left.len() <= longest.max(ROOM));
    assert!(all.ends_with(&left));
}

/// What a log does not take waits in order, whole lines go, and each is counted.
fn waiting_stays_small(pieces: &[&[u8]]) {
    let mut held = Held::new(ROOM);
    let mut taken = 0_u64;
    let mut given = 0_u64;
    for (number, piece) in pieces.iter().enumerate() {
        if number == pieces.len() / 2 {
            held = carried(&held);
        }
        held.push(piece);
        given += piece.len() as u64;
        assert!(held.len() <= ROOM, "{} wait", held.len());
        if number % 3 == 0 {
            let count = held.front().len().min(5);
            held.consume(count);
            taken += count as u64;
        }
        assert_eq!(taken + held.len() as u64 + held.gap().bytes, given);
    }
}
