//! What a listener may be sent, as the protocol's documentation has it: a second reading, apart from the core's.

use provost_model::spec::ResultHandler;

/// The states of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ears {
    /// Has not said `READY` since it started or answered.
    Acknowledged(Vec<u8>),
    /// May be sent an event.
    Ready,
    /// Has an event (its number within the pool) and has said this much about it.
    Busy(u64, Vec<u8>),
    /// Broke the protocol.
    Unknown,
    /// Its stdin is closed.
    Deaf,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done(u64),
    /// Done, and this is to be printed.
    Printed(u64, String),
    Refused(u64),
}

/// The longest result that is waited for.
const RESULT_MAX: usize = 16 * 1024 * 1024;

impl Ears {
    pub(super) fn fresh() -> Self {
        Self::Acknowledged(Vec::new())
    }

    /// The event that it has.
    pub(super) fn event(&self) -> Option<u64> {
        match self {
            Self::Busy(event, _) => Some(*event),
            _ => None,
        }
    }

    /// It says something, one byte after the other.
    pub(super) fn hear(&mut self, data: &[u8], handler: ResultHandler) -> Vec<Verdict> {
        data.iter()
            .filter_map(|byte| self.hear_byte(*byte, handler))
            .collect()
    }

    fn hear_byte(&mut self, byte: u8, handler: ResultHandler) -> Option<Verdict> {
        match self {
            Self::Acknowledged(said) => {
                said.push(byte);
                if said.len() == 6 {
                    *self = if said == b"READY\n" {
                        Self::Ready
                    } else {
                        Self::Unknown
                    };
                }
                None
            }
            Self::Ready => {
                *self = Self::Unknown;
                None
            }
            Self::Busy(event, said) => {
                said.push(byte);
                let event = *event;
                let end = said.iter().position(|byte| *byte == b'\n')?;
                let Some(length) = result_length(&said[..end]) else {
                    *self = Self::Unknown;
                    return Some(Verdict::Refused(event));
                };
                let body = &said[end + 1..];
                if body.len() < length {
                    return None;
                }
                let (next, verdict) = match handler {
                    ResultHandler::Acknowledge if body == b"OK" => {
                        (Self::fresh(), Verdict::Done(event))
                    }
                    ResultHandler::Acknowledge => (Self::fresh(), Verdict::Refused(event)),
                    ResultHandler::Print => match for_people(&String::from_utf8_lossy(body)) {
                        Some(text) => (Self::fresh(), Verdict::Printed(event, text)),
                        None => (Self::Unknown, Verdict::Refused(event)),
                    },
                };
                *self = next;
                Some(verdict)
            }
            Self::Unknown | Self::Deaf => None,
        }
    }
}

/// What is printed for a payload: the names of process and channel, and the data.
fn for_people(payload: &str) -> Option<String> {
    let (head, data) = payload.split_once('\n')?;
    let pairs: Option<Vec<(&str, &str)>> = head
        .split_whitespace()
        .map(|word| word.split_once(':'))
        .collect();
    let pairs = pairs?;
    let value = |name| {
        pairs
            .iter()
            .rfind(|(key, _)| *key == name)
            .map(|(_, it)| it)
    };
    Some(format!(
        "{} {} | {data}",
        value("processname")?,
        value("channel")?
    ))
}

/// The number after the first seven bytes, which nobody looks at.
fn result_length(line: &[u8]) -> Option<usize> {
    let number = std::str::from_utf8(line.get(7..)?).ok()?;
    number
        .trim()
        .parse()
        .ok()
        .filter(|length| *length <= RESULT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: ResultHandler = ResultHandler::Acknowledge;

    #[test]
    fn an_exchange_in_one_breath() {
        let mut ears = Ears::fresh();
        assert_eq!(ears.hear(b"READY\n", DEFAULT), []);
        assert_eq!(ears, Ears::Ready);
        ears = Ears::Busy(7, Vec::new());
        assert_eq!(
            ears.hear(b"RESULT 2\nOKREADY\n", DEFAULT),
            [Verdict::Done(7)]
        );
        assert_eq!(ears, Ears::Ready);
    }

    #[test]
    fn all_else_is_refused_or_ends_the_trust() {
        let mut ears = Ears::Busy(7, Vec::new());
        assert_eq!(ears.hear(b"RESULT 0\n", DEFAULT), [Verdict::Refused(7)]);
        assert_eq!(ears, Ears::fresh());
        let mut ears = Ears::Busy(7, Vec::new());
        assert_eq!(
            ears.hear(b"RESULT x\nREADY\n", DEFAULT),
            [Verdict::Refused(7)]
        );
        assert_eq!(ears, Ears::Unknown);
        let mut ears = Ears::Ready;
        ears.hear(b"READY\n", DEFAULT);
        assert_eq!(ears, Ears::Unknown);
    }
}
