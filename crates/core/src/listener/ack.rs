//! What one listener says on its stdout, byte by byte.
//!
//! | state | takes | becomes |
//! |---|---|---|
//! | ACKNOWLEDGED | `READY` and a newline | READY |
//! | | any other six bytes | UNKNOWN |
//! | READY | an event is sent | BUSY |
//! | | any byte | UNKNOWN |
//! | BUSY | `RESULT n` and a newline, then n bytes | what the pool's result handler makes of them, see `result.rs` |
//! | | a line without a number | UNKNOWN, event refused |
//! | UNKNOWN | anything, unread | UNKNOWN |
//!
//! Upstream does not look at the first seven bytes of a result line, and neither does this: old listeners rely on it.
//! A result of no bytes is handled at once (upstream waits for further bytes).

use super::result::{Judgement, judge, kept_bytes};
use provost_model::Envelope;
use provost_model::spec::ResultHandler;
use serde::{Deserialize, Serialize};

/// What a listener says when it can take an event.
const READY: &[u8] = b"READY\n";
/// Length of `RESULT `, skipped unread.
const RESULT_PREFIX_LEN: usize = 7;
/// Longest result line: a listener that never ends its line must not fill the memory.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// Longest result: as above.
pub(crate) const RESULT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// As much of a bad line as goes into the log.
const SHOWN_BYTES_MAX: usize = 256;

/// The state of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ack {
    /// Waits for the word that it is ready.
    Acknowledged {
        /// What it has said of it.
        #[serde(with = "provost_model::saved::bytes")]
        said: Vec<u8>,
    },
    /// Can take an event.
    Ready,
    /// Works on an event.
    Busy {
        /// The event.
        envelope: Envelope,
        /// What it has said about it.
        answer: Answering,
    },
    /// Broke the protocol; stays so until its process starts again.
    Unknown,
}

/// How far a result has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answering {
    /// The line with the length.
    Line(#[serde(with = "provost_model::saved::bytes")] Vec<u8>),
    /// The result itself: bytes to come, and of those that came what the handler looks at.
    Body {
        left: usize,
        #[serde(with = "provost_model::saved::bytes")]
        said: Vec<u8>,
    },
}

/// What became of what a listener said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The listener changed its state.
    Changed {
        from: &'static str,
        to: &'static str,
    },
    /// It did its event.
    Processed,
    /// What it made of its event is to be printed.
    Printed(Vec<u8>),
    /// It refused its event.
    Rejected,
    /// Its result is not what the handler takes.
    Failed,
    /// Its result line has no usable length.
    BadLine(Vec<u8>),
    /// The event goes back to the pool.
    Returned(Envelope),
}

impl Ack {
    /// A listener whose process has just been started.
    pub(crate) fn fresh() -> Self {
        Self::Acknowledged { said: Vec::new() }
    }

    /// The name in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Acknowledged { .. } => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy { .. } => "BUSY",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Takes what the listener wrote and tells in order what came of it.
    pub(crate) fn hear(&mut self, mut data: &[u8], handler: ResultHandler) -> Vec<Heard> {
        let mut heard = Vec::new();
        while !data.is_empty() {
            data = match self {
                Self::Acknowledged { .. } => self.hear_ready(data, &mut heard),
                Self::Ready => {
                    self.enter(Self::Unknown, &mut heard);
                    &[]
                }
                Self::Busy { .. } => self.hear_result(data, handler, &mut heard),
                Self::Unknown => &[],
            };
        }
        heard
    }

    fn enter(&mut self, next: Self, heard: &mut Vec<Heard>) -> Self {
        heard.push(Heard::Changed {
            from: self.name(),
            to: next.name(),
        });
        std::mem::replace(self, next)
    }

    /// Collects six bytes and compares.
    fn hear_ready<'a>(&mut self, data: &'a [u8], heard: &mut Vec<Heard>) -> &'a [u8] {
        let Self::Acknowledged { said } = self else {
            return data;
        };
        let missing = READY.len().saturating_sub(said.len()).min(data.len());
        let (taken, rest) = data.split_at(missing);
        said.extend_from_slice(taken);
        if said.len() < READY.len() {
            return rest;
        }
        if said == READY {
            self.enter(Self::Ready, heard);
            return rest;
        }
        self.enter(Self::Unknown, heard);
        &[]
    }

    fn hear_result<'a>(
        &mut self,
        data: &'a [u8],
        handler: ResultHandler,
        heard: &mut Vec<Heard>,
    ) -> &'a [u8] {
        let Self::Busy { answer, .. } = self else {
            return data;
        };
        match answer {
            Answering::Line(line) => match data.iter().position(|&byte| byte == b'\n') {
                None => {
                    line.extend_from_slice(data.get(..LINE_BYTES_MAX).unwrap_or(data));
                    if line.len() > LINE_BYTES_MAX || data.len() > LINE_BYTES_MAX {
                        let line = std::mem::take(line);
                        self.give_up_on(line, heard);
                    }
                    &[]
                }
                Some(end) => {
                    let (head, tail) = data.split_at(end);
                    line.extend_from_slice(head);
                    let rest = tail.split_first().map_or(tail, |(_, rest)| rest);
                    let line = std::mem::take(line);
                    let len = result_len(&line).filter(|_| line.len() <= LINE_BYTES_MAX);
                    match len {
                        Some(0) => return self.finish(&[], rest, handler, heard),
                        Some(left) => {
                            let said = Vec::new();
                            *answer = Answering::Body { left, said };
                        }
                        None => {
                            self.give_up_on(line, heard);
                            return &[];
                        }
                    }
                    rest
                }
            },
            Answering::Body { left, said } => {
                let (taken, rest) = data.split_at((*left).min(data.len()));
                let wanted = kept_bytes(handler).saturating_sub(said.len());
                said.extend_from_slice(taken.get(..wanted).unwrap_or(taken));
                *left = left.saturating_sub(taken.len());
                if *left > 0 {
                    return rest;
                }
                let said = std::mem::take(said);
                self.finish(&said, rest, handler, heard)
            }
        }
    }

    /// The result is whole. Answers what of `rest`, which follows it, is still to be heard.
    fn finish<'a>(
        &mut self,
        result: &[u8],
        rest: &'a [u8],
        handler: ResultHandler,
        heard: &mut Vec<Heard>,
    ) -> &'a [u8] {
        let judgement = judge(handler, result);
        let returns = matches!(judgement, Judgement::Refused | Judgement::Failed);
        let fails = judgement == Judgement::Failed;
        match judgement {
            Judgement::Done => heard.push(Heard::Processed),
            Judgement::Print(text) => heard.extend([Heard::Printed(text), Heard::Processed]),
            Judgement::Refused => heard.push(Heard::Rejected),
            Judgement::Failed => heard.push(Heard::Failed),
        }
        let next = if fails { Self::Unknown } else { Self::fresh() };
        let old = self.enter(next, heard);
        if let (true, Some(envelope)) = (returns, old.into_event()) {
            heard.push(Heard::Returned(envelope));
        }
        rest
    }

    /// The result line cannot be used.
    fn give_up_on(&mut self, mut line: Vec<u8>, heard: &mut Vec<Heard>) {
        line.truncate(SHOWN_BYTES_MAX);
        heard.push(Heard::BadLine(line));
        if let Some(envelope) = self.enter(Self::Unknown, heard).into_event() {
            heard.push(Heard::Returned(envelope));
        }
    }

    /// The event it works on.
    pub(crate) fn event(&self) -> Option<&Envelope> {
        match self {
            Self::Busy { envelope, .. } => Some(envelope),
            Self::Acknowledged { .. } | Self::Ready | Self::Unknown => None,
        }
    }

    /// The same, taken away.
    pub(crate) fn into_event(self) -> Option<Envelope> {
        match self {
            Self::Busy { envelope, .. } => Some(envelope),
            Self::Acknowledged { .. } | Self::Ready | Self::Unknown => None,
        }
    }
}

/// The length in a result line: blanks around it, a plus sign and single underscores between digits are taken, as
/// Python's `int` takes them.
fn result_len(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line.get(RESULT_PREFIX_LEN..)?)
        .ok()?
        .trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&len| len <= RESULT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::Event;
    use std::sync::Arc;

    const DEFAULT: ResultHandler = ResultHandler::Acknowledge;

    fn envelope() -> Envelope {
        let event = Arc::new(Event::SupervisorRunning);
        Envelope {
            serial: 7,
            pool: "p".into(),
            pool_serial: 3,
            event,
        }
    }

    fn busy() -> Ack {
        Ack::Busy {
            envelope: envelope(),
            answer: Answering::Line(Vec::new()),
        }
    }

    #[test]
    fn ready_may_come_in_pieces() {
        let mut ack = Ack::fresh();
        assert_eq!(ack.hear(b"REA", DEFAULT), []);
        assert_eq!(
            ack.hear(b"DY\n", DEFAULT),
            [Heard::Changed {
                from: "ACKNOWLEDGED",
                to: "READY"
            }]
        );
        assert_eq!(ack, Ack::Ready);
    }

    #[test]
    fn anything_else_of_six_bytes_is_the_end_of_trust() {
        let mut ack = Ack::fresh();
        assert_eq!(ack.hear(b"hello", DEFAULT), []);
        assert_eq!(
            ack.hear(b"!", DEFAULT),
            [Heard::Changed {
                from: "ACKNOWLEDGED",
                to: "UNKNOWN"
            }]
        );
        assert_eq!(ack.hear(b"READY\n", DEFAULT), []);
    }

    #[test]
    fn a_word_while_ready_is_the_end_of_trust() {
        let mut ack = Ack::fresh();
        ack.hear(b"READY\nx", DEFAULT);
        assert_eq!(ack, Ack::Unknown);
    }

    #[test]
    fn any_split_of_a_result_gives_the_same() {
        let text = b"RESULT 2\nOKREADY\n";
        for cut in 0..=text.len() {
            let mut ack = busy();
            let mut heard = ack.hear(&text[..cut], DEFAULT);
            heard.extend(ack.hear(&text[cut..], DEFAULT));
            let expected = [
                Heard::Processed,
                Heard::Changed {
                    from: "BUSY",
                    to: "ACKNOWLEDGED",
                },
                Heard::Changed {
                    from: "ACKNOWLEDGED",
                    to: "READY",
                },
            ];
            assert_eq!(heard, expected, "cut at {cut}");
        }
    }

    #[test]
    fn all_but_ok_is_a_refusal_and_none_at_all_is_one_at_once() {
        for text in [
            &b"RESULT 4\nFAIL"[..],
            b"RESULT 3\nOKO",
            b"RESULT 1\nO",
            b"RESULT 0\n",
        ] {
            let mut ack = busy();
            let expected = [
                Heard::Rejected,
                Heard::Changed {
                    from: "BUSY",
                    to: "ACKNOWLEDGED",
                },
                Heard::Returned(envelope()),
            ];
            assert_eq!(
                ack.hear(text, DEFAULT),
                expected,
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn the_first_seven_bytes_of_a_line_are_not_looked_at() {
        assert_eq!(result_len(b"XXXXXXX 1_0 \r"), Some(10));
        for bad in [
            &b""[..],
            b"RESULT ",
            b"RESULT x",
            b"RESULT -1",
            b"RESULT 1__0",
            b"RESULT _1",
        ] {
            assert_eq!(result_len(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_bad_line_returns_the_event_and_is_shown_short() {
        let mut ack = busy();
        let mut line = vec![b'x'; 1000];
        line.push(b'\n');
        let heard = ack.hear(&line, DEFAULT);
        assert_eq!(heard.first(), Some(&Heard::BadLine(vec![b'x'; 256])));
        assert_eq!(heard.last(), Some(&Heard::Returned(envelope())));
        assert_eq!(ack, Ack::Unknown);
    }

    #[test]
    fn an_endless_line_and_a_giant_result_are_refused() {
        let mut ack = busy();
        for _ in 0..64 {
            ack.hear(&[b'x'; 1024], DEFAULT);
        }
        assert_eq!(ack.name(), "BUSY");
        ack.hear(b"x", DEFAULT);
        assert_eq!(ack, Ack::Unknown);

        let mut ack = busy();
        ack.hear(b"RESULT 99999999999\n", DEFAULT);
        assert_eq!(ack, Ack::Unknown);
    }

    #[test]
    fn what_is_to_be_printed_is_printed_before_the_event_is_done() {
        let mut ack = busy();
        let text = b"RESULT 34\nprocessname:cat channel:stderr\nhi\nREADY\n";
        let heard = ack.hear(text, ResultHandler::Print);
        assert_eq!(
            heard.first(),
            Some(&Heard::Printed(b"cat stderr | hi\n".to_vec()))
        );
        assert_eq!(heard.get(1), Some(&Heard::Processed));
        assert_eq!(ack, Ack::Ready);
    }

    #[test]
    fn a_result_that_the_handler_does_not_take_is_the_end_of_trust() {
        let mut ack = busy();
        let heard = ack.hear(b"RESULT 2\nOKREADY\n", ResultHandler::Print);
        let expected = [
            Heard::Failed,
            Heard::Changed {
                from: "BUSY",
                to: "UNKNOWN",
            },
            Heard::Returned(envelope()),
        ];
        assert_eq!(heard, expected);
        assert_eq!(ack, Ack::Unknown);
    }

    #[test]
    fn a_result_line_may_be_as_long_as_the_limit_says_and_no_longer() {
        let mut ack = busy();
        assert_eq!(ack.hear(&vec![b'x'; LINE_BYTES_MAX], DEFAULT), []);
        let mut ack = busy();
        let heard = ack.hear(&vec![b'x'; LINE_BYTES_MAX + 1], DEFAULT);
        let is_bad = |heard: &Heard| matches!(heard, Heard::BadLine(_));
        assert!(heard.iter().any(is_bad), "{heard:?}");
    }

    #[test]
    fn a_length_has_one_sign_at_most() {
        assert_eq!(result_len(b"RESULT +5"), Some(5));
        assert_eq!(result_len(b"RESULT ++5"), None);
        assert_eq!(result_len(b"RESULT "), None);
    }

    #[test]
    fn a_result_may_be_as_long_as_the_limit_says_and_no_longer() {
        assert_eq!(result_len(b"RESULT 16777216"), Some(16_777_216));
        assert_eq!(result_len(b"RESULT 16777217"), None);
    }
}
