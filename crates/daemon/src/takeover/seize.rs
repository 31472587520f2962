//! Halting the old daemon at the right moment, and copying what it has open.

use super::look::{Busy, Growth, Memory, Sight, Told, look};
use super::old::Old;
use super::pipes::{Places, assign};
use super::plan::{Fate, Plan, spec_of};
use super::state::State;
use super::{Rest, Taken, ask, target};
use crate::api::{Listener, OpenServer};
use crate::runs::{Held, Here, digest, stop_rule};
use crate::servers::Open;
use provost_config::Config;
use provost_core::adopt::Reason;
use provost_model::config::MainLog;
use provost_model::{Errno, Level, Pid, ProcessState};
use provost_os::clock;
use provost_os::foreign::{self, Kind, SocketKind};
use provost_os::limits::{self, Resource};
use provost_os::pidfd::PidFd;
use provost_wire::runs::RunRecord;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long the right moment is waited for.
const SEARCH_MAX: Duration = Duration::from_secs(30);

/// The pause after a moment that was not right, and, in turn, somewhat longer ones: the old daemon must not happen to be at
/// the same place each time.
const PAUSES: [Duration; 5] = [
    Duration::from_micros(300),
    Duration::from_micros(700),
    Duration::from_micros(1_300),
    Duration::from_micros(2_100),
    Duration::from_micros(3_700),
];

/// How often a line in the main log is taken for a change. After that it seems to be the output of a program, which is there
/// with `loglevel=debug`, or somebody changes all the time; children that came or went are seen without it.
const LINES_MAX: usize = 50;

/// How often it is tried to meet the old daemon at its wait by chance. One that has little to do is met at once.
const MISSES_MAX: usize = 4;

/// How long it may take the old daemon from any place to its next wait.
const LED_MAX: Duration = Duration::from_secs(20);

/// The pause while clients are waited for.
const CLIENTS_PAUSE: Duration = Duration::from_millis(50);
/// It grows to this: a machine may be so busy that the old daemon needs as long to see that a client has left.
const CLIENTS_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Descriptors that we need besides those that are taken.
const OWN_DESCRIPTORS: i64 = 128;

/// What was taken.
#[derive(Debug)]
pub(super) struct Seized {
    pub(super) held: Vec<Held>,
    pub(super) stop: Vec<(Held, Reason)>,
    pub(super) rests: Vec<Rest>,
    pub(super) sockets: Open,
    /// Those that processes share, by their URLs.
    pub(super) shared: HashMap<String, OwnedFd>,
    pub(super) lines: Vec<(Level, String)>,
    pub(super) summary: String,
}

/// The sockets at which the old daemon waits for clients.
pub(super) fn listening(old: &Old) -> Result<Vec<SocketKind>, String> {
    let open = foreign::descriptors(old.pid)
        .map_err(|error| format!("could not look into the old supervisord: {error}"))?;
    let mut found = Vec::new();
    for one in open {
        let Kind::Socket(_) = one.kind else { continue };
        let copy = match old.process.copy_of(one.number) {
            Ok(copy) => copy,
            // It goes on meanwhile, so that a connection may have ended.
            Err(errno) if errno.name() == "EBADF" => continue,
            Err(errno) => return Err(uncopied(one.number, errno)),
        };
        if let socket @ (SocketKind::ListensAtFile(..) | SocketKind::ListensAtPort(..)) =
            foreign::look_at_socket(copy)
        {
            found.push(socket);
        }
    }
    Ok(found)
}

/// Why a descriptor was not copied.
pub(super) fn uncopied(number: i32, errno: Errno) -> String {
    format!("could not copy descriptor {number} of the old supervisord: {errno}")
}

/// Halts the old daemon and takes everything. When this fails, it goes on.
pub(super) fn seize(old: &mut Old, plan: Plan, config: &Config) -> Result<Seized, String> {
    make_room(&plan)?;
    let (plan, sight, strangers) = search(old, plan, config)?;
    let taken = take(old, plan, sight, config);
    if taken.is_err() {
        old.resume();
    }
    let mut taken = taken.map_err(|why| format!("{why}; the old supervisord goes on"))?;
    if strangers > 0 {
        let text = format!(
            "{strangers} children of the old supervisord are none of its programs; they are left to themselves"
        );
        taken.lines.push((Level::Warn, text));
    }
    Ok(taken)
}

/// Descriptors for everything that is taken.
fn make_room(plan: &Plan) -> Result<(), String> {
    let processes = i64::try_from(plan.pids().len()).unwrap_or(i64::MAX);
    let wanted = processes.saturating_mul(4).saturating_add(OWN_DESCRIPTORS);
    limits::raise_minimum(Resource::Files, wanted)
        .map(drop)
        .map_err(|problem| problem.to_string())
}

/// Halts the old daemon until it is at a moment at which what it told is true and nothing is in its hands. It stays halted.
fn search(old: &mut Old, first: Plan, config: &Config) -> Result<(Plan, Sight, usize), String> {
    let main_log = |config: &Config| match &config.supervisord.logfile {
        MainLog::File(path) => Growth::of(path),
        MainLog::Syslog => None,
    };
    // The first plan is older than the look at the log.
    drop(first);
    let mut growth = main_log(config);
    let mut plan = ask_again(old, config)?;
    let mut memory = Memory::default();
    let begun = Instant::now();
    let (mut lines, mut misses) = (0, 0);
    let mut clients_pause = CLIENTS_PAUSE;
    for pause in PAUSES.iter().cycle() {
        let is_led = misses >= MISSES_MAX && old.halt_at_wait(LED_MAX)?;
        if !is_led {
            old.halt()?;
        }
        let main_log_tells = growth.as_ref().filter(|_| lines < LINES_MAX);
        let busy = match look(old, &told(&plan), main_log_tells, &mut memory) {
            Ok(Ok(sight)) => return Ok((plan, sight, memory.strangers())),
            Ok(Err(busy)) => busy,
            Err(error) => {
                old.resume();
                return Err(error);
            }
        };
        old.resume();
        if begun.elapsed() > SEARCH_MAX {
            return Err(format!(
                "the old supervisord could not be halted at the right moment within {} seconds: {busy}; it goes on, and you \
                 can try again",
                SEARCH_MAX.as_secs()
            ));
        }
        match busy {
            Busy::AtWork => {
                misses += 1;
                std::thread::sleep(*pause);
            }
            Busy::Writing => std::thread::sleep(CLIENTS_PAUSE),
            Busy::Changed(_) | Busy::Told(_) => {
                lines += usize::from(matches!(busy, Busy::Told(_)));
                growth = main_log(config);
                plan = ask_again(old, config)?;
            }
            Busy::Clients(_) => {
                // Our own questions are clients, too: on a busy machine one that is asked at each look is there at the
                // next. Only whether something is STARTING cannot be seen otherwise while there are clients.
                if told(&plan).is_starting {
                    growth = main_log(config);
                    plan = ask_again(old, config)?;
                }
                std::thread::sleep(clients_pause);
                clients_pause = CLIENTS_PAUSE_MAX.min(clients_pause.saturating_mul(2));
            }
        }
    }
    Err("there is no moment left".to_owned())
}

fn told(plan: &Plan) -> Told {
    let is_starting = |(state, _): &(State, Fate)| state.phase == ProcessState::Starting;
    Told {
        programs: plan.pids(),
        is_starting: plan.rows.iter().any(is_starting),
    }
}

fn ask_again(old: &Old, config: &Config) -> Result<Plan, String> {
    let plan = ask(old, config)?;
    if plan.problems.is_empty() {
        Ok(plan)
    } else {
        Err(plan.problems.join("\n"))
    }
}

fn take(old: &Old, plan: Plan, sight: Sight, config: &Config) -> Result<Seized, String> {
    let summary = plan.summary();
    let mut lines: Vec<(Level, String)> = plan
        .warnings
        .iter()
        .map(|warning| (Level::Warn, warning.clone()))
        .collect();
    if sight.silent_clients > 0 {
        lines.push((
            Level::Info,
            format!(
                "{} clients were connected and silent; they have to connect again",
                sight.silent_clients
            ),
        ));
    }
    let pipes = pipes_of(&plan, &sight, config, &mut lines);
    let here = Here::ask();
    let now = clock::mono();
    let (mut held, mut stop, mut rests) = (Vec::new(), Vec::new(), Vec::new());
    for (state, fate) in plan.rows {
        let Some(spec) = spec_of(&config.groups, &state.group, &state.name) else {
            continue;
        };
        match fate {
            Fate::Rests => rests.push((state.resting(now), state.auto_logs(spec))),
            Fate::Forgotten => {}
            Fate::Stopped(pid, reason) => {
                stop.push((hold(pid, &state, [None; 3], config, &here)?, reason));
            }
            Fate::Kept(pid) => {
                let numbers = pipes.get(&pid).copied().unwrap_or([None; 3]);
                let mut one = hold(pid, &state, numbers, config, &here)?;
                one.taken = Some(Taken {
                    pipes: copy(old, &sight, numbers)?,
                    ended: None,
                    has_socket: spec.socket.is_some(),
                    last_end: state.ended(),
                });
                held.push(one);
            }
        }
    }
    let mut listening: Vec<Option<SocketKind>> = sight.listening.into_iter().map(Some).collect();
    Ok(Seized {
        held,
        stop,
        rests,
        sockets: sockets(&mut listening, config)?,
        shared: shared(&mut listening, config),
        lines,
        summary,
    })
}

/// The numbers of the pipes of all processes that run on.
fn pipes_of(
    plan: &Plan,
    sight: &Sight,
    config: &Config,
    lines: &mut Vec<(Level, String)>,
) -> BTreeMap<Pid, [Option<u64>; 3]> {
    let mut pids = Vec::new();
    let mut places = Vec::new();
    let mut others = 0;
    for (state, fate) in &plan.rows {
        match fate {
            Fate::Kept(pid) => {
                let spec = spec_of(&config.groups, &state.group, &state.name);
                pids.push((*pid, state.namespec()));
                places.push(Places {
                    pipes: [0, 1, 2].map(|number| foreign::pipe_at(*pid, number)),
                    redirected: spec.is_some_and(|spec| spec.redirect_stderr),
                });
            }
            Fate::Stopped(..) => others += 2,
            Fate::Rests | Fate::Forgotten => {}
        }
    }
    let to_write = sight.to_write.keys().copied().collect();
    let to_read = sight.to_read.keys().copied().collect();
    let (found, left) = assign(&places, to_write, to_read);
    if left > others {
        let text = format!(
            "{} pipes of the old supervisord belong to no program that could be told; what is written to them is lost",
            left - others
        );
        lines.push((Level::Warn, text));
    }
    for ((_, name), [_, stdout, _]) in pids.iter().zip(&found) {
        if stdout.is_none() {
            let text = format!(
                "the stdout of '{name}' is no pipe of the old supervisord; it cannot be taken up"
            );
            lines.push((Level::Warn, text));
        }
    }
    pids.into_iter().map(|(pid, _)| pid).zip(found).collect()
}

fn copy(
    old: &Old,
    sight: &Sight,
    [stdin, stdout, stderr]: [Option<u64>; 3],
) -> Result<[Option<OwnedFd>; 3], String> {
    let copy = |ends: &BTreeMap<u64, i32>, pipe: Option<u64>| {
        let Some(number) = pipe.and_then(|pipe| ends.get(&pipe)) else {
            return Ok(None);
        };
        let copied = old.process.copy_of(*number).map(Some);
        copied.map_err(|errno| uncopied(*number, errno))
    };
    Ok([
        copy(&sight.to_write, stdin)?,
        copy(&sight.to_read, stdout)?,
        copy(&sight.to_read, stderr)?,
    ])
}

/// Takes hold of a process of the old daemon, with a record as if we had started it.
fn hold(
    pid: Pid,
    state: &State,
    pipes: [Option<u64>; 3],
    config: &Config,
    here: &Here,
) -> Result<Held, String> {
    let name = state.namespec();
    let gone = |what: &str| format!("could not take hold of '{name}' with pid {pid}: {what}");
    let process = PidFd::open(pid).map_err(|errno| gone(&errno.to_string()))?;
    let Some(spec) = spec_of(&config.groups, &state.group, &state.name) else {
        return Err(gone("it is not configured"));
    };
    let record = RunRecord {
        identity: here.identity(pid),
        run: 0,
        group: state.group.clone(),
        name: state.name.clone(),
        started_secs: state.start,
        uid: foreign::user_of(pid).ok_or_else(|| gone("it has ended"))?,
        digest: digest(spec),
        pipes,
        auto_logs: state.auto_logs(spec),
        stop: stop_rule(spec),
    };
    Ok(Held {
        record,
        process,
        changed: false,
        taken: None,
    })
}

/// The sockets of the servers, in their order.
fn sockets(listening: &mut [Option<SocketKind>], config: &Config) -> Result<Open, String> {
    let mut servers = Vec::new();
    for server in &config.servers {
        let found = listening.iter_mut().find(|socket| {
            let serves = |socket| target::serves(&server.address, socket);
            socket.as_ref().is_some_and(serves)
        });
        let listener = match found.and_then(Option::take) {
            Some(SocketKind::ListensAtFile(listener, _)) => Listener::Unix(listener),
            Some(SocketKind::ListensAtPort(listener, _)) => Listener::Tcp(listener),
            Some(SocketKind::Connected(_) | SocketKind::Other) | None => {
                return Err(target::missing(server));
            }
        };
        servers.push(OpenServer {
            spec: server.clone(),
            listener,
        });
    }
    Ok(Open::taken(servers))
}

/// The sockets that processes share.
fn shared(listening: &mut [Option<SocketKind>], config: &Config) -> HashMap<String, OwnedFd> {
    let mut found = HashMap::new();
    for spec in config.groups.iter().flat_map(|group| group.sockets()) {
        let socket = listening.iter_mut().find(|socket| {
            let shares = |socket| target::shares(&spec.address, socket);
            socket.as_ref().is_some_and(shares)
        });
        let fd: OwnedFd = match socket.and_then(Option::take) {
            Some(SocketKind::ListensAtFile(listener, _)) => listener.into(),
            Some(SocketKind::ListensAtPort(listener, _)) => listener.into(),
            Some(SocketKind::Connected(_) | SocketKind::Other) | None => continue,
        };
        found.insert(spec.url.clone(), fd);
    }
    found
}
