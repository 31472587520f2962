//! Events as listeners read them from their standard input: a header line and, right after it, the payload.
//!
//! `len` in the header counts characters, not bytes, because that is what listeners written for upstream read.

use provost_model::quote;
use provost_model::{Envelope, Event, LogState, ProcessState};
use std::borrow::Cow;

/// The bytes of one event for one listener.
pub fn frame(identifier: &str, envelope: &Envelope) -> Vec<u8> {
    let payload = payload(&envelope.event);
    let header = format!(
        "ver:3.0 server:{identifier} serial:{} pool:{} poolserial:{} eventname:{} len:{}\n",
        envelope.serial,
        envelope.pool,
        envelope.pool_serial,
        envelope.event.kind(),
        payload.chars().count(),
    );
    let mut out = header.into_bytes();
    out.extend_from_slice(payload.as_bytes());
    out
}

/// What follows the header.
pub fn payload(event: &Event) -> String {
    match event {
        Event::ProcessState {
            process,
            group,
            from,
            to,
            tries,
            pid,
            expected,
        } => {
            let base = format!("processname:{process} groupname:{group} from_state:{from}");
            match to {
                ProcessState::Starting | ProcessState::Backoff => format!("{base} tries:{tries}"),
                ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => {
                    format!("{base} pid:{pid}")
                }
                ProcessState::Exited => {
                    format!("{base} expected:{} pid:{pid}", u8::from(*expected))
                }
                ProcessState::Fatal | ProcessState::Unknown => base,
            }
        }
        Event::ProcessCommunication {
            process,
            group,
            pid,
            data,
            ..
        } => {
            format!(
                "processname:{process} groupname:{group} pid:{pid}\n{}",
                text(data)
            )
        }
        Event::ProcessLog {
            process,
            group,
            pid,
            channel,
            data,
        } => {
            format!(
                "processname:{process} groupname:{group} pid:{pid} channel:{channel}\n{}",
                text(data)
            )
        }
        Event::RemoteCommunication { kind, data } => format!("type:{kind}\n{data}"),
        Event::SupervisorRunning | Event::SupervisorStopping => String::new(),
        Event::Tick { when, .. } => format!("when:{when}"),
        Event::GroupAdded { group } | Event::GroupRemoved { group } => {
            format!("groupname:{group}\n")
        }
        Event::Logfile {
            process,
            group,
            channel,
            path,
            state,
        } => {
            let base = format!("processname:{process} groupname:{group} channel:{channel}");
            match state {
                LogState::Failing { reason } => format!("{base}\n{path}\n{reason}"),
                LogState::Working { bytes, lines } => {
                    format!("{base} dropped_bytes:{bytes} dropped_lines:{lines}\n{path}")
                }
            }
        }
    }
}

/// Output as text; what is not UTF-8 is shown as upstream shows it.
fn text(data: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(data) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(format!("Undecodable: {}", quote::bytes_repr(data))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::{Channel, Pid};
    use std::sync::Arc;

    fn framed(serial: u64, event: Event) -> String {
        let envelope = Envelope {
            serial,
            pool: "lis".into(),
            pool_serial: serial,
            event: Arc::new(event),
        };
        String::from_utf8(frame("supervisor", &envelope)).unwrap()
    }

    fn changed(to: ProcessState) -> Event {
        Event::ProcessState {
            process: "exit3".into(),
            group: "exit3".into(),
            from: ProcessState::Running,
            to,
            tries: 2,
            pid: 19573,
            expected: false,
        }
    }

    #[test]
    fn the_recorded_frames_of_upstream_come_out() {
        let head = |serial, name, len| {
            format!(
                "ver:3.0 server:supervisor serial:{serial} pool:lis poolserial:{serial} eventname:{name} len:{len}\n"
            )
        };
        assert_eq!(
            framed(6, Event::SupervisorRunning),
            head(6, "SUPERVISOR_STATE_CHANGE_RUNNING", 0)
        );
        assert_eq!(
            framed(22, changed(ProcessState::Exited)),
            head(22, "PROCESS_STATE_EXITED", 73)
                + "processname:exit3 groupname:exit3 from_state:RUNNING expected:0 pid:19573"
        );
        let said = Event::ProcessCommunication {
            process: "comm".into(),
            group: "comm".into(),
            pid: Pid(19568),
            channel: Channel::Stdout,
            data: b"captured".to_vec(),
        };
        assert_eq!(
            framed(14, said),
            head(14, "PROCESS_COMMUNICATION_STDOUT", 50)
                + "processname:comm groupname:comm pid:19568\ncaptured"
        );
        let logged = Event::ProcessLog {
            process: "logev".into(),
            group: "logev".into(),
            pid: Pid(22571),
            channel: Channel::Stdout,
            data: b"out\n".to_vec(),
        };
        assert_eq!(
            framed(15, logged),
            head(15, "PROCESS_LOG_STDOUT", 63)
                + "processname:logev groupname:logev pid:22571 channel:stdout\nout\n"
        );
        assert_eq!(
            framed(
                23,
                Event::Tick {
                    period: 5,
                    when: 1_795_367_610
                }
            ),
            head(23, "TICK_5", 15) + "when:1795367610"
        );
        let sent = Event::RemoteCommunication {
            kind: "foo".to_owned(),
            data: "bar\nbaz".to_owned(),
        };
        assert_eq!(
            framed(37, sent),
            head(37, "REMOTE_COMMUNICATION", 16) + "type:foo\nbar\nbaz"
        );
        let removed = Event::GroupRemoved {
            group: "cat".into(),
        };
        assert_eq!(
            framed(39, removed),
            head(39, "PROCESS_GROUP_REMOVED", 14) + "groupname:cat\n"
        );
    }

    #[test]
    fn each_state_shows_its_own_fields() {
        let base = "processname:exit3 groupname:exit3 from_state:RUNNING";
        for (state, rest) in [
            (ProcessState::Starting, " tries:2"),
            (ProcessState::Backoff, " tries:2"),
            (ProcessState::Running, " pid:19573"),
            (ProcessState::Stopping, " pid:19573"),
            (ProcessState::Stopped, " pid:19573"),
            (ProcessState::Fatal, ""),
            (ProcessState::Unknown, ""),
        ] {
            assert_eq!(payload(&changed(state)), format!("{base}{rest}"), "{state}");
        }
    }

    #[test]
    fn the_length_counts_characters() {
        let event = Event::RemoteCommunication {
            kind: "foo".to_owned(),
            data: "h\u{e9}".to_owned(),
        };
        assert!(framed(0, event).contains(" len:11\n"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_python_shows_them() {
        let event = Event::ProcessLog {
            process: "a".into(),
            group: "a".into(),
            pid: Pid(2),
            channel: Channel::Stderr,
            data: b"\xff\n".to_vec(),
        };
        assert!(payload(&event).ends_with("channel:stderr\nUndecodable: b'\\xff\\n'"));
    }
}
