//! The rehearsal: a program that may take our place is shown our state in a process of its own, and says what it makes of
//! it. It is given nothing else: no pipe, no socket, no child.

use super::{Life, capsule};
use crate::done::Done;
use crate::output;
use crate::shell::Shell;
use provost_core::{Core, Input};
use provost_model::{Level, Signal, Ticket};
use provost_os::pidfd::PidFd;
use provost_os::spawn::{self, Plan, Stdio};
use provost_os::{image, pipe, users};
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The argument by which a program is asked for a rehearsal; the state is its standard input.
pub(crate) const REHEARSE: &str = "--rehearse-handover";

/// What its answer begins with; version and digest follow.
const READY: &str = "provost-rehearsal ";

/// How long a rehearsal may take.
const REHEARSAL_MAX: Duration = Duration::from_secs(5);

/// Bytes of an answer that are looked at.
const ANSWER_BYTES: u64 = 4096;

/// Permission bits by which others than the owner may change a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The state as it is shown: all of it that makes no sense to refuse later.
#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    core: Core,
    life: Life,
}

/// A program that may take our place, as it was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Device, number, size and time of change: another file than the one that was shown our state is not executed.
    identity: (u64, u64, u64, i64, i64),
}

/// One that was found fit to be shown our state.
pub(crate) struct Examined {
    program: Program,
    plan: Plan,
}

/// One that said that it can go on.
#[derive(Clone, Debug)]
pub(crate) struct Rehearsed {
    ticket: Ticket,
    pub(crate) program: Program,
    /// The version that it said it has.
    pub(crate) version: String,
}

impl Program {
    /// Looks at a file; may block. Refused is what somebody else could change: it would run with all our rights.
    fn look_at(path: PathBuf) -> Result<Self, String> {
        let shown = path.display().to_string();
        let metadata =
            std::fs::metadata(&path).map_err(|error| format!("cannot look at {shown}: {error}"))?;
        if !metadata.is_file() {
            return Err(format!("{shown} is not a file"));
        }
        let owner = metadata.uid();
        if owner != 0 && owner != users::current_euid() {
            return Err(format!(
                "{shown} belongs to uid {owner}, who could change it; it must belong to root or to the user of supervisord"
            ));
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
            return Err(format!(
                "{shown} can be changed by others (mode {:o}); take the right away from them with chmod go-w",
                metadata.mode() & 0o7777
            ));
        }
        if metadata.mode() & 0o111 == 0 {
            return Err(format!("{shown} is not executable"));
        }
        Ok(Self {
            identity: (
                metadata.dev(),
                metadata.ino(),
                metadata.size(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            ),
            path,
        })
    }

    /// Whether the file is still the one that was looked at.
    pub(super) fn is_unchanged(&self) -> bool {
        Self::look_at(self.path.clone()).is_ok_and(|now| now.identity == self.identity)
    }
}

impl Shell {
    /// The core wants to know whether a program can take our place.
    pub(crate) fn rehearse(&mut self, ticket: Ticket, binary: Option<String>) {
        let report = self.reporter();
        self.rehearsed = None;
        self.workers.submit(move || {
            let result = examine(binary.map(PathBuf::from)).map(Box::new);
            report(Done::Examined { ticket, result });
        });
    }

    /// The program was looked at: it is started and shown our state.
    pub(crate) fn examined(&mut self, ticket: Ticket, result: Result<Box<Examined>, String>) {
        let started = result.and_then(|examined| {
            let started = self.start_rehearsal(&examined.plan)?;
            Ok((started, examined.program))
        });
        match started {
            Ok(((answer, process), program)) => {
                self.rehearsed = Some(Rehearsed {
                    ticket,
                    program,
                    version: String::new(),
                });
                let report = self.reporter();
                let digest = self.core.digest();
                self.workers.submit(move || {
                    let result = judge(answer, &process, digest);
                    report(Done::Rehearsed { ticket, result });
                });
            }
            Err(reason) => self.rehearsal_ended(ticket, Err(reason)),
        }
    }

    fn start_rehearsal(&mut self, plan: &Plan) -> Result<(OwnedFd, PidFd), String> {
        #[derive(Serialize)]
        struct Showing<'a> {
            core: &'a Core,
            life: &'a Life,
        }
        let system = |error: std::io::Error| format!("the rehearsal could not begin: {error}");
        let packed = capsule::pack(&Showing {
            core: &self.core,
            life: &self.life,
        })?;
        let state = image::sealed("supervisord-state", &packed).map_err(system)?;
        let (answer, childs) = pipe::pipe().map_err(system)?;
        let stdio = Stdio {
            stdin: state,
            stdout: childs,
            stderr: None,
        };
        let failed = |errno| format!("the rehearsal could not begin: {errno}");
        let spawned = self.spawner.spawn(plan.clone(), stdio).map_err(failed)?;
        self.children.expect_end(spawned.pid);
        let process = PidFd::open(spawned.pid).map_err(failed)?;
        spawn::go(spawned.report.as_fd()).map_err(failed)?;
        Ok((answer, process))
    }

    /// The core is told what came of a rehearsal.
    pub(crate) fn rehearsal_ended(&mut self, ticket: Ticket, result: Result<String, String>) {
        match (&result, &mut self.rehearsed) {
            (Ok(version), Some(rehearsed)) if rehearsed.ticket == ticket => {
                rehearsed.version.clone_from(version);
                let text = format!(
                    "{} (version {version}) can go on with the present state",
                    rehearsed.program.path.display()
                );
                self.log(Level::Debug, text);
            }
            _ => self.rehearsed = None,
        }
        self.tell(Input::Rehearsed { ticket, result });
    }
}

/// Whether a program is fit to be shown our state; may block. Without a path it is the one that stands where ours was.
fn examine(binary: Option<PathBuf>) -> Result<Examined, String> {
    let path = match binary {
        Some(path) if path.is_absolute() => path,
        Some(path) => return Err(format!("{} is not an absolute path", path.display())),
        None => image::own_path()
            .map_err(|error| format!("the path of supervisord is not known: {error}"))?,
    };
    let program = Program::look_at(path)?;
    let text = |bytes: &[u8]| {
        CString::new(bytes).map_err(|_| "a path cannot hold a NUL character".to_owned())
    };
    let argv = vec![text(b"supervisord")?, text(REHEARSE.as_bytes())?];
    let path = text(program.path.as_os_str().as_bytes())?;
    Ok(Examined {
        program,
        plan: Plan::new(path, argv, Vec::new()),
    })
}

/// Waits for what the program says and compares it with what must be true; may block for [`REHEARSAL_MAX`].
fn judge(answer: OwnedFd, process: &PidFd, digest: u64) -> Result<String, String> {
    let (told, read) = channel();
    let reading = std::thread::Builder::new().spawn(move || {
        let mut text = Vec::new();
        let mut answer = std::fs::File::from(answer).take(ANSWER_BYTES);
        // What was read before an error is looked at all the same.
        let _ = answer.read_to_end(&mut text);
        // Who asked may have lost patience.
        let _ = told.send(text);
    });
    if let Err(error) = reading {
        return Err(format!("the rehearsal could not be heard: {error}"));
    }
    let heard = read.recv_timeout(REHEARSAL_MAX);
    // It has nothing more to do, whatever it says.
    let _ = process.signal(Signal::KILL, true);
    let text = match heard {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            return Err(format!(
                "it did not answer within {} seconds",
                REHEARSAL_MAX.as_secs()
            ));
        }
    };
    let told = text.trim();
    let Some((version, theirs)) = told
        .strip_prefix(READY)
        .and_then(|rest| rest.split_once(' '))
    else {
        return Err(if told.is_empty() {
            "it said nothing; it is no supervisord that can take over".to_owned()
        } else {
            format!("it cannot take over: {}", told.escape_debug())
        });
    };
    if theirs != format!("{digest:016x}") {
        return Err(format!(
            "version {} understands the state differently; nothing was changed",
            version.escape_debug()
        ));
    }
    Ok(version.to_owned())
}

/// The other side: reads a state from standard input and says what it makes of it. The exit status is returned.
pub(crate) fn show() -> i32 {
    let began = Instant::now();
    let loaded = image::read_sealed(std::io::stdin().as_fd(), capsule::BYTES_MAX)
        .map_err(|error| format!("the state cannot be read: {error}"))
        .and_then(|bytes| capsule::unpack::<Shown>(&bytes));
    match loaded {
        Ok(shown) if began.elapsed() < REHEARSAL_MAX => {
            let digest = shown.core.digest();
            output::out(&format!(
                "{READY}{} {digest:016x}\n",
                env!("CARGO_PKG_VERSION")
            ));
            0
        }
        Ok(_) => {
            output::out("reading the state takes too long\n");
            2
        }
        Err(reason) => {
            output::out(&format!("{reason}\n"));
            2
        }
    }
}

/// Whether a path names a program that can be asked for a rehearsal; for the tests of this room.
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_program_that_others_can_change_is_refused() {
        let path = std::env::temp_dir().join(format!("provost-binary-{}", std::process::id()));
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let refusal = |mode: u32| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Program::look_at(path.clone()).map(drop).unwrap_err()
        };
        assert!(refusal(0o775).contains("chmod go-w"));
        assert!(refusal(0o644).contains("not executable"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = Program::look_at(path.clone()).unwrap();
        assert!(program.is_unchanged());
        std::fs::write(&path, "#!/bin/sh\nexit\n").unwrap();
        assert!(!program.is_unchanged());
        std::fs::remove_file(&path).unwrap();
        assert!(
            Program::look_at(path)
                .unwrap_err()
                .contains("cannot look at")
        );
        assert!(examine(Some("supervisord".into())).is_err());
    }
}
