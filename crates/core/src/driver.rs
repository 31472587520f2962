//! A world by hand for tests: feeds inputs, moves the clock, and shows in words what the core ordered.
//!
//! A pool called `spy` subscribes to everything but ticks and is never ready, so that a test can read all events.

mod show;

pub(crate) use show::show_event;

use crate::{Core, Effect, Input, LoadedConfig, SpoolAnswer};
use provost_model::spec::{AutoRestart, LogFile, OutputSpec, PoolSpec, ResultHandler};
use provost_model::{
    Answer, Errno, EventKind, ExitStatus, GroupKind, GroupSpec, Mono, Notice, Now, Pid, ProcId,
    ProcessSpec, Reply, Request, RequestId, Run, Signal, Ticket, Wall,
};
use show::show_answer;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The wall clock at the start of every test.
const EPOCH_SECS: i64 = 1_000_002;

/// A process with upstream's defaults.
pub(crate) fn process(group: &str, name: &str) -> ProcessSpec {
    let output = OutputSpec {
        logfile: LogFile::Auto,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events_enabled: false,
        syslog: false,
    };
    ProcessSpec {
        name: name.to_owned(),
        group: group.to_owned(),
        program: name.to_owned(),
        command: "/bin/cat".to_owned(),
        directory: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        startsecs: 1,
        startretries: 3,
        uid: None,
        stdout: output.clone(),
        stderr: output,
        redirect_stderr: false,
        stopsignal: Signal::TERM,
        stopwaitsecs: 10,
        stopasgroup: false,
        killasgroup: false,
        stop_cont: false,
        stop_tree: false,
        sigpipe_default: false,
        confinement: provost_model::spec::Confinement::default(),
        logfile_full: provost_model::spec::LogfileFull::Drop,
        exitcodes: vec![0],
        environment: Vec::new(),
        serverurl: None,
        socket: None,
    }
}

/// A group of these processes.
pub(crate) fn group(name: &str, priority: i64, processes: Vec<ProcessSpec>) -> Arc<GroupSpec> {
    let processes = processes.into_iter().map(Arc::new).collect();
    let kind = GroupKind::Program;
    Arc::new(GroupSpec {
        name: name.to_owned(),
        priority,
        kind,
        processes,
    })
}

/// A group of one process of the same name, changed by `change`.
pub(crate) fn single(name: &str, change: impl FnOnce(&mut ProcessSpec)) -> Arc<GroupSpec> {
    let mut spec = process(name, name);
    change(&mut spec);
    group(name, spec.priority, vec![spec])
}

/// A listener pool.
pub(crate) fn pool(
    name: &str,
    buffer_size: usize,
    events: &[EventKind],
    processes: Vec<ProcessSpec>,
) -> Arc<GroupSpec> {
    let (events, result_handler) = (events.to_vec(), ResultHandler::default());
    let kind = GroupKind::Pool(PoolSpec {
        buffer_size,
        events,
        result_handler,
        spool: None,
    });
    let processes = processes.into_iter().map(Arc::new).collect();
    Arc::new(GroupSpec {
        name: name.to_owned(),
        priority: -1,
        kind,
        processes,
    })
}

/// The configuration of these groups, sorted as it has to be.
pub(crate) fn config(mut groups: Vec<Arc<GroupSpec>>) -> LoadedConfig {
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    LoadedConfig {
        identifier: "supervisor".into(),
        groups,
    }
}

pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) now: Now,
    /// Orders that nobody has looked at yet.
    orders: Vec<String>,
    notices: Vec<Notice>,
    answers: BTreeMap<RequestId, Answer>,
    names: BTreeMap<ProcId, String>,
    runs: BTreeMap<Run, ProcId>,
    last_run: BTreeMap<String, Run>,
    probes: Vec<(String, Ticket)>,
    fences: Vec<Ticket>,
    pub(crate) loads: Vec<Ticket>,
    pub(crate) clears: Vec<Ticket>,
    pub(crate) tries: Vec<Ticket>,
    pub(crate) writes: Vec<Ticket>,
    /// Orders for spools that nobody has answered.
    pub(crate) spools: Vec<(Ticket, crate::SpoolOrder)>,
    last_request: u64,
}

impl Driver {
    /// A started core that serves these groups and the spy.
    pub(crate) fn start(groups: Vec<Arc<GroupSpec>>) -> Self {
        let mut driver = Self::new(groups);
        driver.give(Input::Started);
        driver
    }

    /// A core that will serve these groups and the spy.
    pub(crate) fn new(mut groups: Vec<Arc<GroupSpec>>) -> Self {
        groups.push(spy());
        let core = Core::new(config(groups));
        let wall = Wall {
            secs: EPOCH_SECS,
            nanos: 0,
        };
        Self {
            core,
            now: Now {
                mono: Mono(1_000_000_000),
                wall,
            },
            orders: Vec::new(),
            notices: Vec::new(),
            answers: BTreeMap::new(),
            names: BTreeMap::new(),
            runs: BTreeMap::new(),
            last_run: BTreeMap::new(),
            probes: Vec::new(),
            fences: Vec::new(),
            loads: Vec::new(),
            clears: Vec::new(),
            tries: Vec::new(),
            writes: Vec::new(),
            spools: Vec::new(),
            last_request: 0,
        }
    }

    /// Feeds one input and files what came of it.
    pub(crate) fn give(&mut self, input: Input) {
        let mut out = Vec::new();
        self.core.handle(self.now, input, &mut out);
        for effect in out {
            self.file(effect);
        }
        let next = self.core.next_deadline();
        assert!(
            next.is_none_or(|at| at > self.now.mono),
            "a deadline that is not after now"
        );
    }

    fn name(&self, run: Run) -> String {
        self.names[&self.runs[&run]].clone()
    }

    fn file(&mut self, effect: Effect) {
        let line = match effect {
            Effect::Notice(notice) => return self.notices.push(notice),
            Effect::Changed { .. } => return,
            Effect::ProcessAdded { proc, spec, .. } => {
                self.names.insert(proc, spec.name.clone());
                format!("added {}", spec.name)
            }
            Effect::ProcessRemoved { proc } => format!("removed {}", self.names[&proc]),
            Effect::Spawn { proc, run, .. } => {
                self.runs.insert(run, proc);
                let name = self.names[&proc].clone();
                self.last_run.insert(name.clone(), run);
                format!("spawn {name}")
            }
            Effect::Adopt { proc, run, pid } => {
                self.runs.insert(run, proc);
                let name = self.names[&proc].clone();
                self.last_run.insert(name.clone(), run);
                format!("adopt {name} {pid}")
            }
            Effect::Kill {
                run,
                signal,
                whole_group,
            } => {
                let whole = if whole_group { " group" } else { "" };
                format!("kill {}{whole} {signal}", self.name(run))
            }
            Effect::KillTree { run, signal } => format!("kill tree {} {signal}", self.name(run)),
            Effect::Fence { ticket } => return self.fences.push(ticket),
            Effect::Probe { ticket, proc } => {
                return self.probes.push((self.names[&proc].clone(), ticket));
            }
            Effect::WriteStdin { ticket, run, data } => {
                self.writes.push(ticket);
                format!(
                    "write {} {}",
                    self.name(run),
                    String::from_utf8_lossy(&data)
                )
            }
            Effect::Deliver { run, envelope } => {
                format!("deliver {} {}", self.name(run), show_event(&envelope.event))
            }
            Effect::Print { text } => format!("print {}", String::from_utf8_lossy(&text)),
            Effect::Spool { ticket, order, .. } => return self.spools.push((ticket, order)),
            Effect::ClearLogs { ticket, proc } => {
                self.clears.push(ticket);
                format!("clear {}", self.names[&proc])
            }
            Effect::ClearMainLog { ticket } => {
                self.clears.push(ticket);
                "clear main".to_owned()
            }
            Effect::OpenSocket { spec, .. } => format!("open {}", spec.url),
            Effect::CloseSocket { .. } => "close".to_owned(),
            Effect::TrySocket { ticket, spec } => {
                self.tries.push(ticket);
                format!("try {}", spec.url)
            }
            Effect::CallHelper {
                run, call, body, ..
            } => {
                let body = String::from_utf8_lossy(&body);
                format!("call {} {call} {body}", self.name(run))
            }
            Effect::HangUp { run } => format!("hang up {}", self.name(run)),
            Effect::ReopenLogs => "reopen".to_owned(),
            Effect::ReserveSerials { until } => format!("reserve {until}"),
            Effect::LoadConfig {
                ticket,
                for_restart,
            } => {
                self.loads.push(ticket);
                format!("load{}", if for_restart { " for restart" } else { "" })
            }
            Effect::ReadProgram {
                ticket, program, ..
            } => {
                self.loads.push(ticket);
                format!("look at {program}")
            }
            Effect::Rehearse { ticket, binary } => {
                self.loads.push(ticket);
                format!("rehearse {}", binary.as_deref().unwrap_or("ourselves"))
            }
            Effect::HandOver { ticket } => {
                self.loads.push(ticket);
                "hand over".to_owned()
            }
            Effect::Reply { id, answer } => {
                assert!(self.answers.insert(id, answer).is_none(), "answered twice");
                return;
            }
            Effect::Exit { restart } => format!("exit{}", if restart { " restart" } else { "" }),
        };
        self.orders.push(line);
    }

    /// The orders since the last call.
    pub(crate) fn orders(&mut self) -> Vec<String> {
        std::mem::take(&mut self.orders)
    }

    /// The notices since the last call.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The events since the last call, in words.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let spy = self
            .core
            .groups
            .named("spy")
            .map(|(id, _)| id)
            .expect("the spy is there");
        let pool = self.core.pools.get_mut(&spy).expect("the spy is a pool");
        pool.drain()
            .iter()
            .map(|envelope| show_event(&envelope.event))
            .collect()
    }

    /// Moves both clocks, stopping at each deadline on the way.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now.mono.plus(span);
        while let Some(at) = self.core.next_deadline().filter(|&at| at <= end) {
            self.jump(at.since(self.now.mono));
            self.give(Input::Tick);
        }
        self.jump(end.since(self.now.mono));
    }

    /// Moves both clocks without a word to the core.
    pub(crate) fn jump(&mut self, span: Duration) {
        self.now.mono = self.now.mono.plus(span);
        let nanos = u64::from(self.now.wall.nanos) + u64::from(span.subsec_nanos());
        let secs = span.as_secs() + nanos / 1_000_000_000;
        self.now.wall.secs += i64::try_from(secs).expect("a test takes less");
        self.now.wall.nanos = u32::try_from(nanos % 1_000_000_000).expect("below a second");
    }

    pub(crate) fn secs(&mut self, secs: u64) {
        self.pass(Duration::from_secs(secs));
    }

    pub(crate) fn millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// A listener writes to its stdout.
    pub(crate) fn says(&mut self, name: &str, text: &str) {
        let run = self.run(name);
        self.give(Input::ListenerSaid {
            run,
            data: text.as_bytes().to_vec(),
        });
    }

    pub(crate) fn run(&self, name: &str) -> Run {
        self.last_run[name]
    }

    /// The pid that `spawned` gives to a run.
    pub(crate) fn pid(&self, name: &str) -> Pid {
        Pid(100 + i32::try_from(self.run(name).0).expect("few runs"))
    }

    pub(crate) fn spawned(&mut self, name: &str) {
        let (run, pid) = (self.run(name), self.pid(name));
        self.give(Input::Spawned { run, pid });
    }

    pub(crate) fn exited(&mut self, name: &str, code: i32) {
        let run = self.run(name);
        self.give(Input::Exited {
            run,
            status: ExitStatus::Code(code),
            why: None,
        });
    }

    pub(crate) fn killed(&mut self, name: &str, signal: Signal) {
        let status = ExitStatus::Signaled {
            signal,
            core_dumped: false,
        };
        let run = self.run(name);
        self.give(Input::Exited {
            run,
            status,
            why: None,
        });
    }

    pub(crate) fn kill_failed(&mut self, name: &str, errno: i32, signal: Signal) {
        let run = self.run(name);
        self.give(Input::KillFailed {
            run,
            errno: Errno(errno),
            signal,
        });
    }

    /// Spawns the process and lets it stay up.
    pub(crate) fn bring_up(&mut self, name: &str) {
        self.spawned(name);
        self.secs(1);
        self.orders();
        self.notices();
        self.events();
    }

    pub(crate) fn ask(&mut self, request: Request) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.give(Input::Requested { id, request });
        id
    }

    /// Says that a command can be executed.
    pub(crate) fn probed(&mut self, name: &str) {
        self.probed_with(name, Ok(()));
    }

    pub(crate) fn probed_with(
        &mut self,
        name: &str,
        result: Result<(), provost_model::spawn::SpawnProblem>,
    ) {
        let at = self
            .probes
            .iter()
            .position(|(probed, _)| probed == name)
            .expect("a probe");
        let (_, ticket) = self.probes.remove(at);
        self.give(Input::Probed { ticket, result });
    }

    /// The spool that was ordered first opens, with nothing in it.
    pub(crate) fn opens_empty_spool(&mut self) {
        let (ticket, _) = self.spools.remove(0);
        let answer = Ok(SpoolAnswer::Opened {
            events: 0,
            bytes: 0,
        });
        self.give(Input::SpoolAnswered { ticket, answer });
    }

    pub(crate) fn fenced(&mut self) {
        for ticket in std::mem::take(&mut self.fences) {
            self.give(Input::Fenced { ticket });
        }
    }

    pub(crate) fn answer(&mut self, id: RequestId) -> Option<String> {
        self.answers.remove(&id).map(show_answer)
    }

    /// The answer as it is.
    pub(crate) fn raw_answer(&mut self, id: RequestId) -> Option<Answer> {
        self.answers.remove(&id)
    }

    /// A request that is answered at once.
    pub(crate) fn asked(&mut self, request: Request) -> String {
        let id = self.ask(request);
        self.answer(id).expect("answered at once")
    }

    /// State, tries and spawn error of a process.
    pub(crate) fn info(&mut self, name: &str) -> provost_model::info::ProcessInfo {
        let id = self.ask(Request::GetProcessInfo {
            name: name.to_owned(),
        });
        match self.answers.remove(&id) {
            Some(Ok(Reply::Info(info))) => *info,
            other => panic!("no info of {name}: {other:?}"),
        }
    }
}

/// What the spy hears.
const SPIED: &[EventKind] = &[
    EventKind::ProcessState,
    EventKind::ProcessCommunication,
    EventKind::ProcessLog,
    EventKind::RemoteCommunication,
    EventKind::SupervisorStateChange,
    EventKind::ProcessGroup,
];

fn spy() -> Arc<GroupSpec> {
    let mut process = process("spy", "spy");
    process.autostart = false;
    pool("spy", 100_000, SPIED, vec![process])
}
