//! The rows of answers that commands read, taken out of XML-RPC values.
//!
//! Only the members that a command shows are asked for, so that servers of any age can be talked to.

use provost_wire::xmlrpc::Value;

/// Codes of the states in which the exit status is that of the last end.
const STOPPED: i64 = 0;
const EXITED: i64 = 100;

/// What an answer lacks: the member and the type it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lacking(pub(crate) &'static str);

/// One process as `getProcessInfo` and `getAllProcessInfo` tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusRow {
    /// Name of the group.
    pub(crate) group: String,
    /// Name of the process.
    pub(crate) name: String,
    /// Code of the state.
    pub(crate) state: i64,
    /// Name of the state.
    pub(crate) state_name: String,
    /// What to say about it.
    pub(crate) description: String,
    /// Pid, 0 when there is none.
    pub(crate) pid: i64,
}

impl StatusRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            state: int(value, "state")?,
            state_name: text(value, "statename")?,
            description: text(value, "description")?,
            pid: int(value, "pid")?,
        })
    }
}

/// What `status -v` shows of a process besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DetailRow {
    /// Name of the group.
    pub(crate) group: String,
    /// Name of the process.
    pub(crate) name: String,
    /// Path of the log of each channel; empty when there is none.
    pub(crate) logs: [String; 2],
    /// How it ended last: its exit status, -1 for a signal. None when that is not known: while it runs, and after an end
    /// that counted as a start that failed, servers answer 0 whatever it was.
    pub(crate) exit_status: Option<i64>,
    /// Why it could not be started; empty when it could.
    pub(crate) spawn_error: String,
}

impl DetailRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            logs: [
                text(value, "stdout_logfile")?,
                text(value, "stderr_logfile")?,
            ],
            exit_status: match (int(value, "state")?, int(value, "stop")?) {
                (STOPPED | EXITED, 1..) => Some(int(value, "exitstatus")?),
                _ => None,
            },
            spawn_error: text(value, "spawnerr")?,
        })
    }
}

/// A log as `provost.getLogs` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRow {
    /// Name of the group.
    pub(crate) group: String,
    /// Name of the process.
    pub(crate) name: String,
    /// Name of the channel.
    pub(crate) channel: String,
    /// Why it takes no output; empty when it does.
    pub(crate) failing: String,
    /// Bytes and lines that were dropped.
    pub(crate) dropped: (i64, i64),
}

impl LogRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            channel: text(value, "channel")?,
            failing: text(value, "failing")?,
            dropped: (int(value, "dropped_bytes")?, int(value, "dropped_lines")?),
        })
    }
}

/// A pool as `provost.getEventPools` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolRow {
    /// Its name.
    pub(crate) name: String,
    /// What it subscribed to.
    pub(crate) events: Vec<String>,
    /// Events in the buffer, and how many it can hold.
    pub(crate) queued: (i64, i64),
    /// Events done, refused and lost.
    pub(crate) counts: [i64; 3],
    /// Its spool.
    pub(crate) spool: Option<SpoolRow>,
    /// Its listeners.
    pub(crate) listeners: Vec<ListenerRow>,
}

/// The spool of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpoolRow {
    /// Where.
    pub(crate) path: String,
    /// Events in it.
    pub(crate) events: i64,
    /// Bytes in it, and how many it can hold.
    pub(crate) bytes: (i64, i64),
    /// Whether it works.
    pub(crate) works: bool,
}

/// A listener of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerRow {
    /// Name of the process.
    pub(crate) name: String,
    /// Name of its state.
    pub(crate) state_name: String,
    /// Where it stands in the protocol; empty while it does not run.
    pub(crate) listener_state: String,
    /// The event it works on; -1 for none.
    pub(crate) event_serial: i64,
    /// What that is.
    pub(crate) event_name: String,
}

impl PoolRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        let member = |name: &'static str| value.member(name).ok_or(Lacking(name));
        let spool = member("spool")?;
        Ok(Self {
            name: text(value, "name")?,
            events: texts(member("events")?)?,
            queued: (int(value, "queued")?, int(value, "buffer_size")?),
            counts: [
                int(value, "delivered")?,
                int(value, "rejected")?,
                int(value, "dropped")?,
            ],
            spool: match spool.member("path") {
                Some(_) => Some(SpoolRow::read(spool)?),
                None => None,
            },
            listeners: rows(member("listeners")?, ListenerRow::read)?,
        })
    }
}

impl SpoolRow {
    fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            path: text(value, "path")?,
            events: int(value, "events")?,
            bytes: (int(value, "bytes")?, int(value, "maxbytes")?),
            works: truth(value, "works")?,
        })
    }
}

impl ListenerRow {
    fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            name: text(value, "name")?,
            state_name: text(value, "statename")?,
            listener_state: text(value, "listener_state")?,
            event_serial: int(value, "event_serial")?,
            event_name: text(value, "event_name")?,
        })
    }
}

/// One process as `getAllConfigInfo` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigRow {
    /// Name of the group.
    pub(crate) group: String,
    /// Name of the process.
    pub(crate) name: String,
    /// Whether its group is active.
    pub(crate) in_use: bool,
    /// Whether it starts by itself.
    pub(crate) autostart: bool,
    /// Priority of the group.
    pub(crate) group_priority: i64,
    /// Priority in the group.
    pub(crate) process_priority: i64,
}

impl ConfigRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            in_use: truth(value, "inuse")?,
            autostart: truth(value, "autostart")?,
            group_priority: int(value, "group_prio")?,
            process_priority: int(value, "process_prio")?,
        })
    }
}

/// What became of one process in a call for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultRow {
    /// Name of the group.
    pub(crate) group: String,
    /// Name of the process.
    pub(crate) name: String,
    /// Fault code; 80 when all is well.
    pub(crate) status: i64,
    /// `OK` or the fault's text.
    pub(crate) description: String,
}

impl ResultRow {
    /// Reads one struct.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        Ok(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
            status: int(value, "status")?,
            description: text(value, "description")?,
        })
    }
}

/// What reading the configuration again found, as names of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// In the file, not active.
    pub(crate) added: Vec<String>,
    /// Active, with other settings in the file.
    pub(crate) changed: Vec<String>,
    /// Active, no longer in the file.
    pub(crate) removed: Vec<String>,
}

impl Changes {
    /// Reads `[[added, changed, removed]]`.
    pub(crate) fn read(value: &Value) -> Result<Self, Lacking> {
        let lacking = Lacking("an array [[added, changed, removed]]");
        let [inner] = value.as_array().unwrap_or_default() else {
            return Err(lacking);
        };
        let [added, changed, removed] = inner.as_array().unwrap_or_default() else {
            return Err(lacking);
        };
        Ok(Self {
            added: texts(added)?,
            changed: texts(changed)?,
            removed: texts(removed)?,
        })
    }
}

/// Reads an array, element by element.
pub(crate) fn rows<T>(
    value: &Value,
    read: impl Fn(&Value) -> Result<T, Lacking>,
) -> Result<Vec<T>, Lacking> {
    let elements = value.as_array().ok_or(Lacking("an array"))?;
    elements.iter().map(read).collect()
}

fn texts(value: &Value) -> Result<Vec<String>, Lacking> {
    rows(value, |element| {
        let text = element.as_str().ok_or(Lacking("names"))?;
        Ok(text.to_owned())
    })
}

fn text(value: &Value, name: &'static str) -> Result<String, Lacking> {
    let found = value.member(name).and_then(Value::as_str);
    found.map(ToOwned::to_owned).ok_or(Lacking(name))
}

fn int(value: &Value, name: &'static str) -> Result<i64, Lacking> {
    value
        .member(name)
        .and_then(Value::as_int)
        .ok_or(Lacking(name))
}

fn truth(value: &Value, name: &'static str) -> Result<bool, Lacking> {
    value
        .member(name)
        .and_then(Value::as_bool)
        .ok_or(Lacking(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_missing_is_named() {
        let value = Value::Struct(vec![("group".into(), Value::text("g"))]);
        assert_eq!(StatusRow::read(&value), Err(Lacking("name")));
        assert_eq!(
            Changes::read(&Value::Nil).unwrap_err().0,
            "an array [[added, changed, removed]]"
        );
    }
}
