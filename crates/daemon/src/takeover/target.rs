//! Which supervisord is to be taken over, and whether it can be: all that is known before it is touched.

use super::old::Old;
use super::rpc::{self, Client};
use provost_config::Config;
use provost_model::config::{ServerAddress, ServerSpec};
use provost_model::spec::FcgiAddress;
use provost_model::{Errno, Pid};
use provost_os::pidfd::PidFd;
use provost_os::{foreign, users};
use std::fs;
use std::path::Path;

/// Bytes of a pid file that are looked at.
const PID_BYTES_MAX: usize = 32;

/// Finds the supervisord that `--take-over-from` names, and makes sure of it.
pub(super) fn find(from: &str, config: &Config) -> Result<Old, String> {
    let pid = named(from, config)?;
    let process = hold(pid)?;
    check_rights(&process)?;
    check_program(pid)?;
    let pidfile = &config.supervisord.pidfile;
    if pid_in(pidfile) != Some(pid) {
        return Err(format!(
            "the supervisord with pid {pid} is not that of this configuration: pid {pid} does not stand in its pid file {}; \
             give the configuration that it was started with",
            pidfile.display()
        ));
    }
    let (client, version) = ask(pid, config)?;
    Ok(Old::new(process, version, client))
}

/// The pid that is meant by a pid, a pid file, the path of a socket or a URL.
fn named(from: &str, config: &Config) -> Result<Pid, String> {
    if let Ok(number) = from.parse() {
        return Ok(Pid(number));
    }
    let is_socket = fs::metadata(from).is_ok_and(|found| {
        use std::os::unix::fs::FileTypeExt as _;
        found.file_type().is_socket()
    });
    let socket = from
        .strip_prefix("unix://")
        .or_else(|| is_socket.then_some(from));
    if socket.is_some() || from.starts_with("http://") {
        let server = config
            .servers
            .iter()
            .find(|server| is_at(&server.address, from, socket));
        let server = server.ok_or_else(|| {
            format!("{from} is none of the servers of this configuration; give the one that the supervisord was started with")
        })?;
        return pid_behind(&Client::new(server)?);
    }
    pid_in(Path::new(from)).ok_or_else(|| {
        let why = match fs::metadata(from) {
            Ok(_) => "there is no pid in it".to_owned(),
            Err(error) => Errno::of(&error).to_string(),
        };
        format!("{from} names no supervisord: {why}; give its pid, its pid file, or its socket")
    })
}

/// Whether a server is the one that is meant.
fn is_at(address: &ServerAddress, from: &str, socket: Option<&str>) -> bool {
    match (address, socket) {
        (ServerAddress::Unix { path, .. }, Some(socket)) => {
            let same = |a: &Path, b: &Path| {
                fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
            };
            path.as_os_str() == socket || same(path, Path::new(socket))
        }
        (ServerAddress::Inet { port, .. }, None) => {
            let place = from.trim_start_matches("http://");
            let place = place.split('/').next().unwrap_or_default();
            place
                .rsplit_once(':')
                .is_some_and(|(_, digits)| digits.parse() == Ok(*port))
        }
        _ => false,
    }
}

fn pid_in(path: &Path) -> Option<Pid> {
    pid_of(&fs::read(path).ok()?)
}

/// The pid that these bytes of a pid file say.
pub(super) fn pid_of(bytes: &[u8]) -> Option<Pid> {
    let bytes = bytes.get(..bytes.len().min(PID_BYTES_MAX))?;
    let number = std::str::from_utf8(bytes).ok()?.trim().parse().ok()?;
    Some(Pid(number))
}

fn pid_behind(client: &Client) -> Result<Pid, String> {
    let answer = client.call("supervisor.getPID")?;
    let pid = answer.as_int().and_then(|pid| i32::try_from(pid).ok());
    pid.map(Pid)
        .ok_or_else(|| format!("{} answered supervisor.getPID with no pid", client.place()))
}

fn hold(pid: Pid) -> Result<PidFd, String> {
    if pid.0 == 1 {
        return Err(
            "pid 1 cannot be taken over: when the first process of a container ends, everything in it ends; \
             replace supervisord in the image"
                .to_owned(),
        );
    }
    if i64::from(pid.0) == i64::from(std::process::id()) {
        return Err("that is this process".to_owned());
    }
    PidFd::open(pid).map_err(|errno| match errno.name() {
        "ESRCH" | "EINVAL" => format!(
            "no process has pid {pid}: the supervisord has ended; start Provost without --take-over-from"
        ),
        "ENOSYS" => kernel_too_old(),
        _ => format!("could not take hold of the process with pid {pid}: {errno}"),
    })
}

fn kernel_too_old() -> String {
    "this kernel cannot copy descriptors of another process: a take-over needs Linux 5.6".to_owned()
}

/// Whether we may look into it and copy what it has open, tried at something that is harmless.
fn check_rights(process: &PidFd) -> Result<(), String> {
    let pid = process.pid();
    let (theirs, ours) = (foreign::user_of(pid), users::current_euid());
    if ours != 0 && theirs.is_some_and(|theirs| theirs != ours) {
        return Err(format!(
            "the process with pid {pid} belongs to uid {}, and this is uid {ours}; run this as root or as that user",
            theirs.unwrap_or_default()
        ));
    }
    let may_not = || {
        let why = match foreign::ptrace_scope() {
            Some(1..) if ours != 0 => {
                "kernel.yama.ptrace_scope allows it to root only; run this as root, or set it to 0 for the time being"
            }
            Some(3..) => {
                "kernel.yama.ptrace_scope is 3, which allows it to nobody until the next boot"
            }
            _ if ours != 0 => {
                "it was started as root and changed its user, or the system keeps its memory secret; run this as root"
            }
            _ => "root needs CAP_SYS_PTRACE; give it to the container or service that this runs in",
        };
        format!("we may not look into the process with pid {pid}: {why}")
    };
    let open = foreign::descriptors(pid).map_err(|_| may_not())?;
    match foreign::shares_view(pid) {
        Some(true) => {}
        Some(false) => {
            return Err(format!(
                "the process with pid {pid} lives in another container (namespace of pids or of mounts); run this inside of \
                 it"
            ));
        }
        None => return Err(may_not()),
    }
    let Some(one) = open.first() else {
        return Ok(());
    };
    match process.copy_of(one.number) {
        Ok(_) => {}
        Err(errno) if errno.name() == "ENOSYS" => return Err(kernel_too_old()),
        Err(errno) if errno.name() == "EPERM" => return Err(may_not()),
        Err(errno) => {
            return Err(format!(
                "could not copy a descriptor of the process with pid {pid}: {errno}"
            ));
        }
    }
    foreign::polled(pid).map(drop).map_err(|error| {
        format!(
            "could not see what the process with pid {pid} waits for: {error}; the kernel must have \
             /proc/PID/syscall (CONFIG_HAVE_ARCH_TRACEHOOK), and let us read it"
        )
    })
}

/// Whether it is Python's supervisord.
fn check_program(pid: Pid) -> Result<(), String> {
    let executable = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let words = foreign::command_line(pid);
    if is_python(&executable) && words.iter().skip(1).any(|word| names_supervisord(word)) {
        return Ok(());
    }
    Err(format!(
        "the process with pid {pid} is no supervisord of Python ({}); only such a one can be taken over",
        words.first().map_or("no command line", String::as_str)
    ))
}

fn is_python(executable: &Path) -> bool {
    let name = executable.file_name().unwrap_or_default().to_string_lossy();
    ["python", "pypy"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Whether a word of a command line is the script `supervisord`, or the module of `python -m`.
fn names_supervisord(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.starts_with("supervisord") || name == "supervisor.supervisord"
}

/// The server by which it answers, and its version.
fn ask(pid: Pid, config: &Config) -> Result<(Client, String), String> {
    if config.servers.is_empty() {
        return Err(
            "the configuration has no server, so that the old supervisord cannot be asked for the states of its programs; \
             it can be replaced by a stop and a start only"
                .to_owned(),
        );
    }
    let mut reasons = Vec::new();
    for server in &config.servers {
        match ask_at(pid, server) {
            Ok(found) => return Ok(found),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(format!(
        "the old supervisord does not answer as this configuration says: {}; give the configuration that it was started with",
        reasons.join("; ")
    ))
}

fn ask_at(pid: Pid, server: &ServerSpec) -> Result<(Client, String), String> {
    let client = Client::new(server)?;
    let found = pid_behind(&client)?;
    if found != pid {
        return Err(format!(
            "at {} answers pid {found}, not pid {pid}",
            client.place()
        ));
    }
    let version = client.call("supervisor.getSupervisorVersion")?;
    let version = version.as_str().unwrap_or("of unknown version").to_owned();
    Ok((client, version))
}

/// Whether a socket that the old daemon listens at is that of a server.
pub(super) fn serves(address: &ServerAddress, socket: &foreign::SocketKind) -> bool {
    match (address, socket) {
        (ServerAddress::Unix { path, .. }, foreign::SocketKind::ListensAtFile(_, name)) => {
            is_name_of(path, name)
        }
        (ServerAddress::Inet { port, .. }, foreign::SocketKind::ListensAtPort(_, address)) => {
            *port == address.port()
        }
        _ => false,
    }
}

/// Whether a socket that the old daemon listens at is one that processes share.
pub(super) fn shares(address: &FcgiAddress, socket: &foreign::SocketKind) -> bool {
    match (address, socket) {
        (FcgiAddress::Unix { path, .. }, foreign::SocketKind::ListensAtFile(_, name)) => {
            path == name
        }
        (FcgiAddress::Tcp { port, .. }, foreign::SocketKind::ListensAtPort(_, address)) => {
            *port == address.port()
        }
        _ => false,
    }
}

/// Whether a socket that was made under this name is at the path. Supervisor makes it with its pid behind the name, and
/// gives it the right name afterwards.
fn is_name_of(path: &Path, name: &Path) -> bool {
    let (path, name) = (path.to_string_lossy(), name.to_string_lossy());
    match name.strip_prefix(&*path) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }),
        None => false,
    }
}

/// The address of a server that the old daemon does not have, for messages.
pub(super) fn missing(server: &ServerSpec) -> String {
    format!(
        "the old supervisord does not listen at {}, as [{}] says",
        rpc::place(&server.address),
        server.section
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_known_by_the_name_under_which_it_was_made() {
        let path = Path::new("/run/s.sock");
        for (name, expected) in [
            ("/run/s.sock", true),
            ("/run/s.sock.123", true),
            ("/run/s.sock.", false),
            ("/run/s.sock.1a", false),
            ("/run/s.sock2", false),
            ("/run/t.sock", false),
        ] {
            assert_eq!(is_name_of(path, Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn pythons_supervisord_is_known_by_its_command() {
        assert!(is_python(Path::new("/usr/bin/python3.11")));
        assert!(!is_python(Path::new("/usr/bin/supervisord")));
        for word in [
            "/usr/bin/supervisord",
            "supervisord",
            "supervisor.supervisord",
        ] {
            assert!(names_supervisord(word), "{word}");
        }
        assert!(!names_supervisord("/etc/x.conf"));
    }

    #[test]
    fn a_server_is_meant_by_its_url_or_path() {
        let tcp = ServerAddress::Inet {
            host: String::new(),
            port: 9001,
        };
        assert!(is_at(&tcp, "http://localhost:9001/RPC2", None));
        assert!(!is_at(&tcp, "http://localhost:9002", None));
        let unix = ServerAddress::Unix {
            path: "/nowhere/s.sock".into(),
            mode: 0o700,
            owner: None,
        };
        assert!(is_at(
            &unix,
            "unix:///nowhere/s.sock",
            Some("/nowhere/s.sock")
        ));
        assert!(!is_at(&unix, "/nowhere/t.sock", Some("/nowhere/t.sock")));
    }
}
