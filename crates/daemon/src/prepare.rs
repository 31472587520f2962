//! From a process' configuration to a spawn plan: words, path, user, environment. Runs on a worker, since looking at
//! files and users may block.

use provost_config::words;
use provost_model::config::{ServerAddress, ServerSpec};
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, ProcessSpec};
use provost_os::spawn::{self, Plan};
use provost_os::users;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every child inherits.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// In the order of their names, each once.
    environment: Vec<Variable>,
    server_url: Option<String>,
}

/// A variable of our own environment. All children have the same copy.
#[derive(Debug)]
struct Variable {
    name: OsString,
    /// `NAME=value`.
    pair: Arc<CStr>,
}

/// The environment of one process: what is its own, and what it inherits.
struct Environment<'a> {
    inherited: &'a [Variable],
    own: BTreeMap<OsString, OsString>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<&OsStr> {
        let name = OsStr::new(name);
        if let Some(value) = self.own.get(name) {
            return Some(value);
        }
        let found = self
            .inherited
            .binary_search_by(|one| one.name[..].cmp(name));
        let variable = self.inherited.get(found.ok()?)?;
        let value = variable.pair.to_bytes().get(name.len() + 1..)?;
        Some(OsStr::from_bytes(value))
    }

    /// `NAME=value` of all, in the order of their names.
    fn pairs(&self, command: &str) -> Result<Vec<Arc<CStr>>, SpawnProblem> {
        let mut pairs = Vec::with_capacity(self.inherited.len() + self.own.len());
        let mut inherited = self.inherited.iter().peekable();
        for (name, value) in &self.own {
            while let Some(one) = inherited.next_if(|one| one.name < *name) {
                pairs.push(Arc::clone(&one.pair));
            }
            inherited.next_if(|one| one.name == *name);
            pairs.push(c_string(&pair(name, value), command)?.into());
        }
        pairs.extend(inherited.map(|one| Arc::clone(&one.pair)));
        Ok(pairs)
    }
}

fn pair(name: &OsStr, value: &OsStr) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_bytes()].concat()
}

impl Surroundings {
    /// supervisord's own environment, and the URL children use to reach it.
    pub(crate) fn new(environment: Vec<(OsString, OsString)>, servers: &[ServerSpec]) -> Arc<Self> {
        let sorted: BTreeMap<_, _> = environment.into_iter().collect();
        let variable = |(name, value): (OsString, OsString)| {
            // What the system gave us ends at its first NUL.
            let pair = CString::new(pair(&name, &value)).ok()?.into();
            Some(Variable { name, pair })
        };
        Arc::new(Self {
            environment: sorted.into_iter().filter_map(variable).collect(),
            server_url: server_url(servers),
        })
    }

    /// The environment of one process: ours, then `SUPERVISOR_*`, then what is configured.
    fn environment_of(&self, spec: &ProcessSpec) -> Environment<'_> {
        let mut own = BTreeMap::<OsString, OsString>::new();
        let mut set = |key: &str, value: &str| own.insert(key.into(), value.into());
        set("SUPERVISOR_ENABLED", "1");
        if let Some(url) = spec.serverurl.as_ref().or(self.server_url.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &spec.name);
        set("SUPERVISOR_GROUP_NAME", &spec.group);
        if spec.confinement.login_env {
            own.extend(login(spec.uid));
        }
        for (key, value) in &spec.environment {
            own.insert(key.into(), value.into());
        }
        Environment {
            inherited: &self.environment,
            own,
        }
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
    environment: &Environment<'_>,
) -> Result<(PathBuf, Vec<String>), SpawnProblem> {
    let words = words::split(&spec.command).map_err(|error| SpawnProblem::BadCommand {
        command: spec.command.clone(),
        why: error.to_string(),
    })?;
    let program = words.first().ok_or(SpawnProblem::EmptyCommand)?;
    let path = environment.get("PATH").and_then(OsStr::to_str);
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
    let envp = environment.pairs(&spec.command)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_its_own_comes_before_what_it_inherits_and_all_are_in_order() {
        let inherited = [("B", "2"), ("PATH", "/x:/y"), ("D", "4"), ("B", "3")];
        let inherited = inherited.map(|(name, value)| (name.into(), value.into()));
        let surroundings = Surroundings::new(inherited.into(), &[]);
        let own = [("A", "1"), ("D", ""), ("Z", "=")];
        let environment = Environment {
            inherited: &surroundings.environment,
            own: own.map(|(name, value)| (name.into(), value.into())).into(),
        };
        let pairs = environment.pairs("x").unwrap();
        let pairs: Vec<_> = pairs.iter().map(|pair| pair.to_str().unwrap()).collect();
        assert_eq!(pairs, ["A=1", "B=3", "D=", "PATH=/x:/y", "Z=="]);
        assert_eq!(environment.get("PATH"), Some(OsStr::new("/x:/y")));
        assert_eq!(environment.get("D"), Some(OsStr::new("")));
        assert_eq!(environment.get("C"), None);
    }
}
