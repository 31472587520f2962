//! From a process' configuration to a spawn plan: words, path, user, environment. Runs on a worker, since looking at
//! files and users may block.

use provost_config::words;
use provost_model::config::{ServerAddress, ServerSpec};
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, ProcessSpec};
use provost_os::spawn::{self, Plan};
use provost_os::users;
use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every child inherits.
#[derive(Debug)]
pub(crate) struct Surroundings {
    environment: Vec<(OsString, OsString)>,
    server_url: Option<String>,
}

impl Surroundings {
    /// supervisord's own environment, and the URL children use to reach it.
    pub(crate) fn new(environment: Vec<(OsString, OsString)>, servers: &[ServerSpec]) -> Arc<Self> {
        Arc::new(Self {
            environment,
            server_url: server_url(servers),
        })
    }

    /// The environment of one process: ours, then `SUPERVISOR_*`, then what is configured.
    fn environment_of(&self, spec: &ProcessSpec) -> BTreeMap<OsString, OsString> {
        let mut all: BTreeMap<OsString, OsString> = self.environment.iter().cloned().collect();
        let mut set = |key: &str, value: &str| all.insert(key.into(), value.into());
        set("SUPERVISOR_ENABLED", "1");
        if let Some(url) = spec.serverurl.as_ref().or(self.server_url.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &spec.name);
        set("SUPERVISOR_GROUP_NAME", &spec.group);
        if spec.confinement.login_env {
            all.extend(login(spec.uid));
        }
        for (key, value) in &spec.environment {
            all.insert(key.into(), value.into());
        }
        all
    }
}

/// The shell of a user whose entry names none.
const SHELL: &str = "/bin/sh";

/// What a login of a user sets, or of our own where the program has no other. A user without an entry has no name and no
/// home; nothing is set then, and the spawn fails where such a user is to be taken.
fn login(uid: Option<u32>) -> Vec<(OsString, OsString)> {
    let uid = uid.unwrap_or_else(users::current_uid);
    let Ok(Some(user)) = users::by_uid(uid) else {
        return Vec::new();
    };
    let shell = if user.shell.as_os_str().is_empty() {
        SHELL.into()
    } else {
        user.shell.into_os_string()
    };
    let values = [
        ("HOME", user.home.into_os_string()),
        ("USER", user.name.clone()),
        ("LOGNAME", user.name),
        ("SHELL", shell),
    ];
    values.map(|(key, value)| (key.into(), value)).into()
}

/// `serverurl=AUTO`: the first unix server, else the first inet server, else nothing.
fn server_url(servers: &[ServerSpec]) -> Option<String> {
    let unix = servers.iter().find_map(|server| match &server.address {
        ServerAddress::Unix { path, .. } => Some(format!("unix://{}", path.display())),
        ServerAddress::Inet { .. } => None,
    });
    unix.or_else(|| {
        servers.iter().find_map(|server| {
            let scheme = if server.tls.is_some() {
                "https"
            } else {
                "http"
            };
            match &server.address {
                ServerAddress::Inet { host, port } if host.is_empty() => {
                    Some(format!("{scheme}://localhost:{port}"))
                }
                ServerAddress::Inet { host, port } if host.contains(':') => {
                    Some(format!("{scheme}://[{host}]:{port}"))
                }
                ServerAddress::Inet { host, port } => Some(format!("{scheme}://{host}:{port}")),
                ServerAddress::Unix { .. } => None,
            }
        })
    })
}

/// Whether the command can be executed now, and as what.
pub(crate) fn look_up(
    spec: &ProcessSpec,
    surroundings: &Surroundings,
) -> Result<(PathBuf, Vec<String>), SpawnProblem> {
    find(spec, &surroundings.environment_of(spec))
}

/// The same with this environment.
fn find(
    spec: &ProcessSpec,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<(PathBuf, Vec<String>), SpawnProblem> {
    let words = words::split(&spec.command).map_err(|error| SpawnProblem::BadCommand {
        command: spec.command.clone(),
        why: error.to_string(),
    })?;
    let program = words.first().ok_or(SpawnProblem::EmptyCommand)?;
    let path = environment
        .get(&OsString::from("PATH"))
        .and_then(|path| path.to_str());
    let found = locate(program, path, spec.directory.as_deref())?;
    Ok((found, words))
}

/// The file to execute. A relative path is looked at from where the child will execute it.
fn locate(
    program: &str,
    path: Option<&str>,
    directory: Option<&Path>,
) -> Result<PathBuf, SpawnProblem> {
    match directory {
        Some(directory) if program.contains('/') && !program.starts_with('/') => {
            let from_there = directory.join(program);
            spawn::locate(&from_there.to_string_lossy(), path).map(|_| PathBuf::from(program))
        }
        _ => spawn::locate(program, path),
    }
}

/// Everything the child needs, in memory it can use between fork and exec.
pub(crate) fn plan(spec: &ProcessSpec, surroundings: &Surroundings) -> Result<Plan, SpawnProblem> {
    let environment = surroundings.environment_of(spec);
    let (program, words) = find(spec, &environment)?;
    let argv = words
        .iter()
        .map(|word| c_string(word.as_bytes(), &spec.command))
        .collect::<Result<Vec<_>, _>>()?;
    let envp = environment
        .iter()
        .map(|(key, value)| {
            let mut pair = key.as_bytes().to_vec();
            pair.push(b'=');
            pair.extend_from_slice(value.as_bytes());
            c_string(&pair, &spec.command)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut plan = Plan::new(c_path(&program, &spec.command)?, argv, envp);
    plan.directory = spec
        .directory
        .as_deref()
        .map(|path| c_path(path, &spec.command))
        .transpose()?;
    plan.umask = spec.umask;
    plan.sigpipe_default = spec.sigpipe_default;
    plan.no_new_privileges = spec.confinement.no_new_privileges;
    plan.capabilities = spec.confinement.capabilities;
    if let Some(uid) = spec.uid {
        plan.run_as(uid);
    }
    Ok(plan)
}

fn c_path(path: &Path, command: &str) -> Result<CString, SpawnProblem> {
    c_string(path.as_os_str().as_bytes(), command)
}

/// A NUL byte cannot be passed to a program.
fn c_string(bytes: &[u8], command: &str) -> Result<CString, SpawnProblem> {
    CString::new(bytes).map_err(|_| SpawnProblem::BadCommand {
        command: command.to_owned(),
        why: "embedded null byte".to_owned(),
    })
}

/// `ENFILE`.
const ENFILE: Errno = Errno(23);
/// `EMFILE`.
const EMFILE: Errno = Errno(24);

/// Why a log of a child could not be opened.
pub(crate) fn log_problem(path: PathBuf, errno: Errno) -> SpawnProblem {
    match errno {
        EMFILE | ENFILE => SpawnProblem::TooManyFiles,
        errno => SpawnProblem::Log { path, errno },
    }
}

/// Why the pipes of a child could not be made.
pub(crate) fn problem_of(errno: Errno) -> SpawnProblem {
    match errno {
        EMFILE | ENFILE => SpawnProblem::TooManyFiles,
        errno => SpawnProblem::Dispatchers { errno },
    }
}
