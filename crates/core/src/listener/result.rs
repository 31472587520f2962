//! What the result of a listener means, by the result handler of its pool.
//!
//! | handler | done | refused | fails, and ends the trust in the listener |
//! |---|---|---|---|
//! | acknowledge | `OK` | everything else | never |
//! | print | headers in a line with `processname` and `channel`, then data | never | everything else |
//!
//! The second is what the package `supervisor-stdout` does inside of Supervisor: its listener answers with the payload
//! of each `PROCESS_LOG` event. Only the first line of the data gets the names before it, as there.

use super::ack::RESULT_BYTES_MAX;
use provost_model::spec::ResultHandler;

/// The result that means "done" when results are only acknowledged.
const DONE: &[u8] = b"OK";

/// What a handler says of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The event is done.
    Done,
    /// The event is done, and this is to be printed.
    Print(Vec<u8>),
    /// The event is refused.
    Refused,
    /// The handler can do nothing with it.
    Failed,
}

/// How many bytes of a result are looked at: no more are kept.
pub(super) fn kept_bytes(handler: ResultHandler) -> usize {
    match handler {
        // One more tells `OK` from what only begins so.
        ResultHandler::Acknowledge => DONE.len().saturating_add(1),
        ResultHandler::Print => RESULT_BYTES_MAX,
    }
}

/// Looks at a whole result, or at as much of it as is kept.
pub(super) fn judge(handler: ResultHandler, result: &[u8]) -> Judgement {
    match handler {
        ResultHandler::Acknowledge if result == DONE => Judgement::Done,
        ResultHandler::Acknowledge => Judgement::Refused,
        ResultHandler::Print => printed(result).map_or(Judgement::Failed, Judgement::Print),
    }
}

/// The text of a payload for people.
fn printed(result: &[u8]) -> Option<Vec<u8>> {
    let mut parts = result.splitn(2, |&byte| byte == b'\n');
    let (head, data) = (parts.next()?, parts.next()?);
    let (mut process, mut channel) = (None, None);
    for word in head
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
    {
        let mut sides = word.split(|&byte| byte == b':');
        let (Some(key), Some(value), None) = (sides.next(), sides.next(), sides.next()) else {
            return None;
        };
        match key {
            b"processname" => process = Some(value),
            b"channel" => channel = Some(value),
            _ => {}
        }
    }
    Some([process?, b" ", channel?, b" | ", data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_is_done() {
        let judge = |result: &[u8]| judge(ResultHandler::Acknowledge, result);
        assert_eq!(judge(b"OK"), Judgement::Done);
        for result in [&b""[..], b"O", b"OKO", b"FAI"] {
            assert_eq!(judge(result), Judgement::Refused);
        }
    }

    #[test]
    fn output_is_printed_with_the_names_before_its_first_line() {
        let payload = b"processname:web groupname:g pid:7 channel:stdout\none\ntwo";
        assert_eq!(
            judge(ResultHandler::Print, payload),
            Judgement::Print(b"web stdout | one\ntwo".to_vec())
        );
        let empty = b"processname:web channel:stdout\n";
        assert_eq!(
            judge(ResultHandler::Print, empty),
            Judgement::Print(b"web stdout | ".to_vec())
        );
    }

    #[test]
    fn what_is_no_output_fails() {
        for result in [
            &b""[..],
            b"OK",
            b"processname:web channel:stdout",
            b"processname:web\nx",
            b"channel:stdout\nx",
            b"processname:web channel:stdout word\nx",
            b"processname:web:x channel:stdout\nx",
        ] {
            assert_eq!(
                judge(ResultHandler::Print, result),
                Judgement::Failed,
                "{}",
                String::from_utf8_lossy(result)
            );
        }
    }
}
