//! Listener pools as values.

use super::{Member, flag, int, structure, text};
use crate::xmlrpc::Value;
use provost_model::EventKind;
use provost_model::info::{ListenerInfo, PoolInfo, SpoolInfo};

/// One pool.
pub(super) fn pool_info(pool: &PoolInfo) -> Value {
    let kinds = pool.events.iter().map(|kind| Value::text(kind.name()));
    let listeners = pool.listeners.iter().map(listener).collect();
    structure([
        text("name", &*pool.name),
        ("events".to_owned(), Value::Array(kinds.collect())),
        count("buffer_size", pool.buffer_size as u64),
        count("queued", pool.queued as u64),
        count("delivered", pool.delivered),
        count("rejected", pool.rejected),
        count("dropped", pool.dropped),
        ("spool".to_owned(), spool(pool.spool.as_ref())),
        ("listeners".to_owned(), Value::Array(listeners)),
    ])
}

/// Without one, a struct without members.
fn spool(spool: Option<&SpoolInfo>) -> Value {
    let Some(spool) = spool else {
        return Value::Struct(Vec::new());
    };
    structure([
        text("path", spool.path.to_string_lossy()),
        count("maxbytes", spool.maxbytes),
        count("bytes", spool.bytes),
        count("events", spool.events),
        count("spooled", spool.spooled),
        flag("works", spool.works),
    ])
}

fn listener(listener: &ListenerInfo) -> Value {
    let (serial, kind) = listener
        .event
        .map_or((-1, ""), |(serial, kind): (u64, EventKind)| {
            (i64::try_from(serial).unwrap_or(i64::MAX), kind.name())
        });
    structure([
        text("name", &*listener.name),
        int("state", listener.state.code()),
        text("statename", listener.state.name()),
        int("pid", listener.pid),
        text("listener_state", listener.listener_state),
        int("event_serial", serial),
        text("event_name", kind),
    ])
}

fn count(name: &str, count: u64) -> Member {
    int(name, i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::ProcessState;

    #[test]
    fn a_pool_shows_all_of_itself() {
        let pool = PoolInfo {
            name: "mail".into(),
            events: vec![EventKind::Tick],
            buffer_size: 10,
            queued: 3,
            delivered: 1 << 40,
            rejected: 2,
            dropped: 4,
            spool: None,
            listeners: vec![ListenerInfo {
                name: "mail".into(),
                state: ProcessState::Running,
                pid: 7,
                listener_state: "BUSY",
                event: Some((5, EventKind::Tick5)),
            }],
        };
        let value = pool_info(&pool);
        assert_eq!(value.member("queued"), Some(&Value::Int(3)));
        assert_eq!(value.member("spool"), Some(&Value::Struct(Vec::new())));
        let listeners = value.member("listeners").and_then(Value::as_array).unwrap();
        assert_eq!(
            listeners[0].member("event_name"),
            Some(&Value::text("TICK_5"))
        );
        let written = String::from_utf8(crate::xmlrpc::write_response(&value)).unwrap();
        assert!(written.contains("<name>delivered</name>\n<value><int>2147483647</int></value>"));
    }
}
