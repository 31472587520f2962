//! Everything that one image of supervisord leaves to the next.

use super::Kept;
use crate::api::{About, CarriedConnection, ConnectionState};
use crate::exits::Exits;
use crate::logs::{CarriedChannel, CarriedRun, HeldLog, OutputState, SavedCount, Stuck};
use crate::spool::CarriedSpool;
use provost_config::Config;
use provost_core::{Core, Effect, Input};
use provost_model::access::AccessSpec;
use provost_model::config::{DaemonSpec, RpcInterfaceSpec, ServerSpec};
use provost_model::spawn::SocketProblem;
use provost_model::{
    Answer, Channel, FcgiSpec, GroupSpec, Pid, ProcId, ProcessSpec, RequestId, Run, SocketId,
    Ticket,
};
use provost_wire::helper::FrameReader;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The whole. It follows the rules of `model/saved.rs`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedState {
    /// The version that wrote it.
    pub(crate) version: String,
    /// The upgrade that it is for; none after a panic.
    pub(crate) ticket: Option<Ticket>,
    /// Until when (monotonic nanoseconds) a new program is on probation: if it panics the one before takes its place.
    #[serde(default)]
    pub(crate) probation_until: Option<u64>,
    /// When there were panics lately, in monotonic nanoseconds.
    #[serde(default)]
    pub(crate) panics: Vec<u64>,
    /// What they were, for the main log.
    #[serde(default)]
    pub(crate) causes: Vec<String>,
    /// What the core has not been told yet.
    #[serde(default)]
    pub(crate) inputs: Vec<Input>,
    /// Where the configuration is.
    pub(crate) source: SavedSource,
    pub(crate) life: Life,
    pub(crate) core: Core,
    /// Orders that were put aside, oldest first.
    pub(crate) orders: Vec<Effect>,
    /// Processes in service.
    pub(crate) processes: Vec<SavedProcess>,
    /// Their living children.
    pub(crate) children: Vec<SavedChild>,
    /// Lines of the file of run records.
    pub(crate) records: Vec<(Run, String)>,
    /// Shared sockets.
    pub(crate) sockets: Vec<SavedSocket>,
    pub(crate) spools: Vec<CarriedSpool>,
    /// Output channels of children.
    pub(crate) outputs: Vec<SavedRun>,
    /// What waits for logs.
    pub(crate) held: Vec<HeldLog>,
    /// What was written to each log.
    #[serde(default)]
    pub(crate) log_bytes: Vec<SavedCount>,
    /// Logs threads that hang: they stay in this image, and while there are some, it stays itself.
    #[serde(skip)]
    pub(crate) stuck: Stuck,
    /// The sockets that clients connect to.
    pub(crate) servers: Vec<SavedServer>,
    /// Files of unix sockets, with device and number.
    pub(crate) socket_files: Vec<SavedFile>,
    /// Clients.
    pub(crate) connections: Vec<SavedConnection>,
    /// The number of the next request.
    pub(crate) next_request: u64,
    /// Answers to clients that are not sent yet.
    pub(crate) answers: Vec<(RequestId, Answer)>,
    /// The pid file, locked; none when it could not be had.
    pub(crate) pidfile: Option<Kept>,
}

/// Where the configuration is read from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedSource {
    /// The file.
    #[serde(with = "provost_model::saved::path")]
    pub(crate) path: PathBuf,
    /// The directory that relative paths are relative to.
    #[serde(with = "provost_model::saved::path")]
    pub(crate) start: PathBuf,
    /// A digest of what was read last.
    #[serde(default)]
    pub(crate) read: u64,
}

/// The settings that hold from a start or a reload to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) daemon: DaemonSpec,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) servers: Vec<ServerSpec>,
    pub(crate) access: AccessSpec,
    pub(crate) rpcinterfaces: Vec<RpcInterfaceSpec>,
    /// What there is to tell of the configuration.
    #[serde(default)]
    pub(crate) about: About,
}

impl Life {
    /// That of a configuration.
    pub(crate) fn of(config: &Config, about: About) -> Self {
        Self {
            about,
            daemon: config.supervisord.clone(),
            environment: config.environment.clone(),
            servers: config.servers.clone(),
            access: config.access.clone(),
            rpcinterfaces: config.rpcinterfaces.clone(),
        }
    }

    /// A configuration with these settings. The core knows the groups.
    pub(crate) fn into_config(self) -> Config {
        Config {
            supervisord: self.daemon,
            environment: self.environment,
            groups: Vec::new(),
            servers: self.servers,
            access: self.access,
            rpcinterfaces: self.rpcinterfaces,
            startup_messages: Vec::new(),
            diagnostics: Vec::new(),
            sources: provost_config::Sources::default(),
        }
    }
}

/// A process in service.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedProcess {
    pub(crate) proc: ProcId,
    /// Its configuration and that of its group, where the core has others.
    pub(crate) spec: Option<Arc<ProcessSpec>>,
    pub(crate) group: Option<Arc<GroupSpec>>,
    #[serde(with = "provost_model::saved::maybe_path")]
    pub(crate) stdout: Option<PathBuf>,
    #[serde(with = "provost_model::saved::maybe_path")]
    pub(crate) stderr: Option<PathBuf>,
    /// Its last ends.
    #[serde(default)]
    pub(crate) exits: Option<Box<Exits>>,
}

/// A living child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChild {
    pub(crate) run: Run,
    pub(crate) proc: ProcId,
    pub(crate) pid: Pid,
    pub(crate) socket: Option<SocketId>,
    /// Our end of its standard input, and what waits there.
    pub(crate) stdin: Option<SavedStdin>,
    /// Standard output of a listener or a helper.
    pub(crate) listener: Option<Kept>,
    pub(crate) frames: Option<FrameReader>,
    pub(crate) killed: bool,
    pub(crate) why: Option<String>,
    /// Its descriptor, when it is not our child but was taken over.
    pub(crate) adopted: Option<Kept>,
}

/// A pipe to a child's standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedStdin {
    pub(crate) pipe: Kept,
    pub(crate) waiting: Vec<SavedChunk>,
}

/// A message on its way to a child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChunk {
    /// What of it was not sent.
    #[serde(with = "provost_model::saved::bytes")]
    pub(crate) rest: Vec<u8>,
    pub(crate) serial: Option<u64>,
}

/// A socket that processes share.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedSocket {
    pub(crate) socket: SocketId,
    pub(crate) spec: Arc<FcgiSpec>,
    /// It, or why it could not be opened.
    pub(crate) open: Result<Kept, SocketProblem>,
}

/// The output channels of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRun {
    pub(crate) run: Run,
    pub(crate) proc: ProcId,
    /// Its configuration, where its process has another.
    pub(crate) spec: Option<Arc<ProcessSpec>>,
    pub(crate) protocol: bool,
    pub(crate) is_remnant: bool,
    pub(crate) channels: Vec<SavedChannel>,
}

/// One output channel of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChannel {
    pub(crate) channel: Channel,
    #[serde(with = "provost_model::saved::maybe_path")]
    pub(crate) path: Option<PathBuf>,
    pub(crate) pipe: Option<Kept>,
    pub(crate) state: OutputState,
}

/// A socket that clients connect to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedServer {
    pub(crate) spec: ServerSpec,
    pub(crate) socket: Kept,
}

/// A client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedConnection {
    socket: Kept,
    /// The log that it follows.
    log: Option<Kept>,
    state: ConnectionState,
}

impl SavedConnection {
    /// What the api thread left.
    pub(crate) fn of(carried: CarriedConnection) -> Self {
        Self {
            socket: Kept::new(carried.socket),
            log: carried.log.map(Kept::new),
            state: carried.state,
        }
    }

    /// What the api thread goes on with.
    pub(crate) fn into_carried(self) -> io::Result<CarriedConnection> {
        Ok(CarriedConnection {
            socket: self.socket.take()?,
            log: self.log.map(Kept::take).transpose()?,
            state: self.state,
        })
    }
}

/// A file that goes with us.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedFile {
    #[serde(with = "provost_model::saved::path")]
    pub(crate) path: PathBuf,
    pub(crate) identity: Option<(u64, u64)>,
}

impl SavedRun {
    /// What the logs thread left. `known` is the configuration that its process has.
    pub(crate) fn of(carried: CarriedRun, known: Option<&Arc<ProcessSpec>>) -> Self {
        let is_known = known.is_some_and(|known| Arc::ptr_eq(known, &carried.spec));
        let channels = carried.channels.into_iter().map(|channel| SavedChannel {
            channel: channel.channel,
            path: channel.path,
            pipe: channel.pipe.map(Kept::new),
            state: channel.state,
        });
        Self {
            run: carried.run,
            proc: carried.proc,
            spec: (!is_known).then_some(carried.spec),
            protocol: carried.protocol,
            is_remnant: carried.is_remnant,
            channels: channels.collect(),
        }
    }

    /// What the logs thread goes on with; none when nobody knows its configuration.
    pub(crate) fn into_carried(
        self,
        known: Option<&Arc<ProcessSpec>>,
    ) -> io::Result<Option<CarriedRun>> {
        let Some(spec) = self.spec.or_else(|| known.cloned()) else {
            return Ok(None);
        };
        let channels = self.channels.into_iter().map(|channel| {
            Ok(CarriedChannel {
                channel: channel.channel,
                path: channel.path,
                pipe: channel.pipe.map(Kept::take).transpose()?,
                state: channel.state,
            })
        });
        Ok(Some(CarriedRun {
            run: self.run,
            proc: self.proc,
            spec,
            protocol: self.protocol,
            is_remnant: self.is_remnant,
            channels: channels.collect::<io::Result<_>>()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// States of released versions. What one version has written every later one reads.
    #[test]
    fn states_of_earlier_versions_are_read() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/snapshots");
        let text = std::fs::read_to_string(directory.join("state-0.1.0.json")).unwrap();
        let state: SavedState = serde_json::from_str(&text).unwrap();
        assert_eq!(state.version, "0.1.0");
        assert_eq!(
            state.source.start.join(&state.source.path),
            Path::new("/srv/app/s.conf")
        );
        assert_eq!(state.life.servers.len(), 2);
        assert_eq!(state.processes.len(), 7);
        assert_eq!(state.children.len(), 4);
        assert!(state.children.iter().any(|child| child.listener.is_some()));
        assert!(state.children.iter().any(|child| child.socket.is_some()));
        assert_eq!((state.sockets.len(), state.spools.len()), (1, 1));
        assert_eq!(state.connections.len(), 1);
        assert!(
            state
                .connections
                .iter()
                .all(|one| one.state.request().is_some())
        );
        let spec = state.core.spec(state.processes[0].proc).unwrap();
        assert_eq!(spec.group, "ear");
        // Nothing that was read is left out when it is written again.
        let again = serde_json::to_value(&state).unwrap();
        assert_holds(&again, &serde_json::from_str(&text).unwrap(), "state");
    }

    /// Later versions have more fields, but none less.
    fn assert_holds(all: &serde_json::Value, part: &serde_json::Value, at: &str) {
        use serde_json::Value;
        match (all, part) {
            (Value::Object(all), Value::Object(part)) => {
                for (name, value) in part {
                    let there = all.get(name).unwrap_or_else(|| panic!("{at} lost {name}"));
                    assert_holds(there, value, &format!("{at}.{name}"));
                }
            }
            (Value::Array(all), Value::Array(part)) => {
                assert_eq!(all.len(), part.len(), "{at}");
                for (number, (all, part)) in all.iter().zip(part).enumerate() {
                    assert_holds(all, part, &format!("{at}[{number}]"));
                }
            }
            _ => assert_eq!(all, part, "{at}"),
        }
    }
}
