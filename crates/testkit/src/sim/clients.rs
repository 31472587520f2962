//! Clients: they ask for anything at any time, with good and bad names, and some leave early.

use super::rng::Rng;
use provost_core::LoadedConfig;
use provost_model::{Answer, CacheDeed, Channel, Level, Reply, Request, RequestId};
use std::collections::{BTreeMap, VecDeque};

/// Requests of all kinds with how often they are made.
const WEIGHTS: &[u32] = &[
    12, 12, 4, 4, 2, 2, 6, 2, 1, 6, 3, 3, 3, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, 2, 1, 4, 3, 1, 1, 3, 1,
    12,
];

/// What clients wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    last: u64,
    /// What a client still has to ask once the request with this number is answered.
    updates: BTreeMap<RequestId, VecDeque<Request>>,
}

impl Clients {
    /// A number for the next request.
    pub(super) fn number(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    /// A request by chance.
    pub(super) fn draw(&mut self, rng: &mut Rng, config: &LoadedConfig) -> (RequestId, Request) {
        let id = self.number();
        let request = draw(rng, config);
        if request == Request::ReloadConfig && rng.chance(800) {
            self.updates.insert(id, VecDeque::new());
        }
        (id, request)
    }

    /// An answer has come. Tells what the same client asks next, as `supervisorctl update` does.
    pub(super) fn answered(
        &mut self,
        id: RequestId,
        answer: &Answer,
    ) -> Option<(RequestId, Request)> {
        let mut rest = self.updates.remove(&id)?;
        if let Ok(Reply::Reload {
            added,
            changed,
            removed,
        }) = answer
        {
            for name in removed.iter().chain(changed) {
                rest.push_back(Request::StopProcessGroup {
                    name: name.clone(),
                    wait: true,
                });
                rest.push_back(Request::RemoveProcessGroup { name: name.clone() });
            }
            for name in changed.iter().chain(added) {
                rest.push_back(Request::AddProcessGroup { name: name.clone() });
            }
        }
        let next = rest.pop_front()?;
        let id = self.number();
        self.updates.insert(id, rest);
        Some((id, next))
    }

    /// A client has left, and asks nothing more.
    pub(super) fn left(&mut self, id: RequestId) {
        self.updates.remove(&id);
    }

    /// All connections are closed.
    pub(super) fn close_all(&mut self) {
        self.updates.clear();
    }
}

fn draw(rng: &mut Rng, config: &LoadedConfig) -> Request {
    let wait = rng.chance(600);
    match rng.weighted(WEIGHTS) {
        0 => Request::StartProcess {
            name: process(rng, config),
            wait,
        },
        1 => Request::StopProcess {
            name: process(rng, config),
            wait,
        },
        2 => Request::StartProcessGroup {
            name: group(rng, config),
            wait,
        },
        3 => Request::StopProcessGroup {
            name: group(rng, config),
            wait,
        },
        4 => Request::StartAllProcesses { wait },
        5 => Request::StopAllProcesses { wait },
        6 => Request::SignalProcess {
            name: process(rng, config),
            signal: signal(rng),
        },
        7 => Request::SignalProcessGroup {
            name: group(rng, config),
            signal: signal(rng),
        },
        8 => Request::SignalAllProcesses {
            signal: signal(rng),
        },
        9 => Request::GetProcessInfo {
            name: process(rng, config),
        },
        10 => Request::ReloadConfig,
        11 => Request::AddProcessGroup {
            name: group(rng, config),
        },
        12 => Request::RemoveProcessGroup {
            name: group(rng, config),
        },
        13 => Request::GetState,
        14 => Request::SendProcessStdin {
            name: process(rng, config),
            chars: "hé\n".to_owned(),
        },
        15 => Request::SendRemoteCommEvent {
            kind: "x".to_owned(),
            data: "y".to_owned(),
        },
        16 => Request::ClearProcessLogs {
            name: process(rng, config),
        },
        17 => Request::ClearAllProcessLogs,
        18 => Request::ClearMainLog,
        19 => Request::GetAllConfigInfo,
        20 => Request::GetIdentification,
        21 => Request::LogPath {
            name: process(rng, config),
            channel: Channel::Stdout,
        },
        22 => Request::FollowPath {
            name: process(rng, config),
            channel: Channel::Stderr,
        },
        23 => Request::KillProcess {
            name: process(rng, config),
            signal: signal(rng),
        },
        24 => Request::KillProcessGroup {
            name: group(rng, config),
            signal: signal(rng),
        },
        25 => {
            let group = group(rng, config);
            Request::AddProgramToGroup {
                program: loose(rng, &group),
                options: vec![("command".to_owned(), "/bin/x".to_owned())],
                group,
            }
        }
        26 => {
            let group = group(rng, config);
            Request::RemoveProcessFromGroup {
                process: member(rng, config, &group),
                group,
            }
        }
        27 => Request::GetGroupNames,
        28 => Request::LogMessage {
            level: Level::Info,
            text: "z".to_owned(),
        },
        29 => Request::Cache {
            namespace: (*rng.pick(&["cache", "other"])).to_owned(),
            deed: cache_deed(rng),
        },
        30 => Request::GetEventPools,
        _ => Request::GetAllProcessInfo,
    }
}

/// The name of a program that no file has; few, so that some come twice.
fn loose(rng: &mut Rng, group: &str) -> String {
    format!("{group}x{}", rng.below(3))
}

/// The name of a process of the group: one of the file, or one that a client may have added.
fn member(rng: &mut Rng, config: &LoadedConfig, group: &str) -> String {
    let spec = config.groups.iter().find(|spec| spec.name == group);
    match spec.filter(|spec| !spec.processes.is_empty()) {
        Some(spec) if rng.chance(400) => rng.pick(&spec.processes).name.clone(),
        _ => loose(rng, group),
    }
}

fn cache_deed(rng: &mut Rng) -> CacheDeed {
    let key = (*rng.pick(&["a", "b", "c"])).to_owned();
    match rng.weighted(&[2, 2, 6, 6, 3, 1]) {
        0 => CacheDeed::Keys,
        1 => CacheDeed::Count,
        2 => CacheDeed::Store {
            key,
            value: vec![b'v'; rng.index(40)].into(),
        },
        3 => CacheDeed::Fetch { key },
        4 => CacheDeed::Delete { key },
        _ => CacheDeed::Clear,
    }
}

fn signal(rng: &mut Rng) -> String {
    (*rng.pick(&["HUP", "SIGUSR2", "term", "10", "9", "NOSUCH", "65"])).to_owned()
}

/// The name of a group, one in ten unknown.
fn group(rng: &mut Rng, config: &LoadedConfig) -> String {
    if rng.chance(100) || config.groups.is_empty() {
        return "stranger".to_owned();
    }
    rng.pick(&config.groups).name.clone()
}

/// A name for a process as people write them: most are right, some name a group, some nothing.
fn process(rng: &mut Rng, config: &LoadedConfig) -> String {
    let group = group(rng, config);
    let Some(spec) = config.groups.iter().find(|spec| spec.name == group) else {
        return group;
    };
    match rng.weighted(&[12, 2, 1, 1, 1, 2]) {
        5 => format!("{group}:{}", loose(rng, &group)),
        1 => format!("{group}:*"),
        2 => format!("{group}:"),
        3 => format!("{group}:stranger"),
        _ if spec.processes.is_empty() => group,
        _ => rng.pick(&spec.processes).namespec(),
    }
}
