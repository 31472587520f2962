//! The body of a record: both numbers of the event (u64), what it is (u8), and its fields. A text is its length (u32)
//! and its bytes.

use provost_model::{Channel, Envelope, Event, LogState, Pid, ProcessState};
use std::sync::Arc;

/// What an event is. A number is never used again for another.
mod tag {
    pub(super) const PROCESS_STATE: u8 = 1;
    pub(super) const PROCESS_COMMUNICATION: u8 = 2;
    pub(super) const PROCESS_LOG: u8 = 3;
    pub(super) const REMOTE_COMMUNICATION: u8 = 4;
    pub(super) const SUPERVISOR_RUNNING: u8 = 5;
    pub(super) const SUPERVISOR_STOPPING: u8 = 6;
    pub(super) const TICK: u8 = 7;
    pub(super) const GROUP_ADDED: u8 = 8;
    pub(super) const GROUP_REMOVED: u8 = 9;
    pub(super) const LOG_FAILING: u8 = 10;
    pub(super) const LOG_WORKING: u8 = 11;
}

/// Appends the body.
pub(super) fn write(envelope: &Envelope, out: &mut Vec<u8>) {
    out.extend(envelope.serial.to_le_bytes());
    out.extend(envelope.pool_serial.to_le_bytes());
    match &*envelope.event {
        Event::ProcessState {
            process,
            group,
            from,
            to,
            tries,
            pid,
            expected,
        } => {
            out.push(tag::PROCESS_STATE);
            text(out, process.as_bytes());
            text(out, group.as_bytes());
            out.extend(from.code().to_le_bytes());
            out.extend(to.code().to_le_bytes());
            out.extend(tries.to_le_bytes());
            out.extend(pid.to_le_bytes());
            out.push(u8::from(*expected));
        }
        Event::ProcessCommunication {
            process,
            group,
            pid,
            channel,
            data,
        } => {
            out.push(tag::PROCESS_COMMUNICATION);
            output(out, (process, group), *pid, *channel, data);
        }
        Event::ProcessLog {
            process,
            group,
            pid,
            channel,
            data,
        } => {
            out.push(tag::PROCESS_LOG);
            output(out, (process, group), *pid, *channel, data);
        }
        Event::RemoteCommunication { kind, data } => {
            out.push(tag::REMOTE_COMMUNICATION);
            text(out, kind.as_bytes());
            text(out, data.as_bytes());
        }
        Event::SupervisorRunning => out.push(tag::SUPERVISOR_RUNNING),
        Event::SupervisorStopping => out.push(tag::SUPERVISOR_STOPPING),
        Event::Tick { period, when } => {
            out.push(tag::TICK);
            out.extend(period.to_le_bytes());
            out.extend(when.to_le_bytes());
        }
        Event::GroupAdded { group } => {
            out.push(tag::GROUP_ADDED);
            text(out, group.as_bytes());
        }
        Event::GroupRemoved { group } => {
            out.push(tag::GROUP_REMOVED);
            text(out, group.as_bytes());
        }
        Event::Logfile {
            process,
            group,
            channel,
            path,
            state,
        } => {
            out.push(match state {
                LogState::Failing { .. } => tag::LOG_FAILING,
                LogState::Working { .. } => tag::LOG_WORKING,
            });
            for name in [&**process, &**group, path.as_str()] {
                text(out, name.as_bytes());
            }
            out.push(number_of(*channel));
            match state {
                LogState::Failing { reason } => text(out, reason.as_bytes()),
                LogState::Working { bytes, lines } => {
                    out.extend(bytes.to_le_bytes());
                    out.extend(lines.to_le_bytes());
                }
            }
        }
    }
}

fn output(out: &mut Vec<u8>, names: (&str, &str), pid: Pid, channel: Channel, data: &[u8]) {
    text(out, names.0.as_bytes());
    text(out, names.1.as_bytes());
    out.extend(pid.0.to_le_bytes());
    out.push(number_of(channel));
    text(out, data);
}

fn number_of(channel: Channel) -> u8 {
    match channel {
        Channel::Stdout => 1,
        Channel::Stderr => 2,
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    // Longer ones do not fit into a record; their length matters to nobody then.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend(length.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads a body: serial, number within the pool, event. None if it is anything else than exactly one.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, u64, Arc<Event>)> {
    let mut reader = Reader::new(bytes);
    let (serial, pool_serial) = (reader.u64()?, reader.u64()?);
    let event = read_event(&mut reader)?;
    reader
        .is_empty()
        .then(|| (serial, pool_serial, Arc::new(event)))
}

fn read_event(reader: &mut Reader<'_>) -> Option<Event> {
    Some(match reader.u8()? {
        tag::PROCESS_STATE => Event::ProcessState {
            process: reader.name()?,
            group: reader.name()?,
            from: reader.state()?,
            to: reader.state()?,
            tries: reader.u32()?,
            pid: reader.i32()?,
            expected: reader.u8()? == 1,
        },
        tag::PROCESS_COMMUNICATION => {
            let (process, group, pid, channel, data) = reader.output()?;
            Event::ProcessCommunication {
                process,
                group,
                pid,
                channel,
                data,
            }
        }
        tag::PROCESS_LOG => {
            let (process, group, pid, channel, data) = reader.output()?;
            Event::ProcessLog {
                process,
                group,
                pid,
                channel,
                data,
            }
        }
        tag::REMOTE_COMMUNICATION => Event::RemoteCommunication {
            kind: reader.name()?.to_string(),
            data: reader.name()?.to_string(),
        },
        tag::SUPERVISOR_RUNNING => Event::SupervisorRunning,
        tag::SUPERVISOR_STOPPING => Event::SupervisorStopping,
        tag::TICK => Event::Tick {
            period: reader.u32()?,
            when: reader.i64()?,
        },
        tag::GROUP_ADDED => Event::GroupAdded {
            group: reader.name()?,
        },
        tag::GROUP_REMOVED => Event::GroupRemoved {
            group: reader.name()?,
        },
        tag @ (tag::LOG_FAILING | tag::LOG_WORKING) => Event::Logfile {
            process: reader.name()?,
            group: reader.name()?,
            path: reader.name()?.to_string(),
            channel: reader.channel()?,
            state: if tag == tag::LOG_FAILING {
                LogState::Failing {
                    reason: reader.name()?.to_string(),
                }
            } else {
                LogState::Working {
                    bytes: reader.u64()?,
                    lines: reader.u64()?,
                }
            },
        },
        _ => return None,
    })
}

/// Names, pid, channel and text of output.
type Output = (Arc<str>, Arc<str>, Pid, Channel, Vec<u8>);

/// Bytes, read from the front.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes, if there are as many.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn name(&mut self) -> Option<Arc<str>> {
        std::str::from_utf8(self.text()?).ok().map(Arc::from)
    }

    fn state(&mut self) -> Option<ProcessState> {
        ProcessState::of_code(self.i32()?)
    }

    fn channel(&mut self) -> Option<Channel> {
        match self.u8()? {
            1 => Some(Channel::Stdout),
            2 => Some(Channel::Stderr),
            _ => None,
        }
    }

    fn output(&mut self) -> Option<Output> {
        let (process, group) = (self.name()?, self.name()?);
        let pid = Pid(self.i32()?);
        let channel = self.channel()?;
        Some((process, group, pid, channel, self.text()?.to_vec()))
    }
}
