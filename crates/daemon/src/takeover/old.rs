//! The daemon that is taken over: halted, let go on, or ended. Whatever happens before its end, it goes on.

use super::rpc::Client;
use provost_model::{Errno, Pid, Signal};
use provost_os::pidfd::{PidFd, wait_for_any};
use provost_os::{foreign, trace};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long all threads of the old daemon may take to stand still. Only one that hangs in the kernel takes so long.
const HALT_MAX: Duration = Duration::from_secs(2);

/// How long its end is waited for.
const DEATH_MAX: Duration = Duration::from_secs(2);

/// What lets the old daemon go on if we end before it, and puts back what we have written: it is told of that by the end of its
/// input.
const GUARD: &str = "read word && exit\n\
                     kill -CONT \"$0\"\n\
                     if [ -n \"$2\" ]; then rm -f \"$2\"; fi\n\
                     if [ -e \"$1\" ]; then echo \"$0\" >\"$1\"; fi";

/// The old daemon.
#[derive(Debug)]
pub(super) struct Old {
    pub(super) pid: Pid,
    pub(super) version: String,
    pub(super) client: Client,
    pub(super) process: PidFd,
    /// Since when it stands still.
    halted: Option<Instant>,
    guard: Option<(Child, ChildStdin)>,
}

impl Old {
    pub(super) fn new(process: PidFd, version: String, client: Client) -> Self {
        Self {
            pid: process.pid(),
            version,
            client,
            process,
            halted: None,
            guard: None,
        }
    }

    /// Starts a process that lets the old daemon go on if this one is killed while that is halted, puts its pid back into the pid
    /// file, and removes the run records if they are none that were there before.
    pub(super) fn watch_over(
        &mut self,
        pidfile: &Path,
        records: Option<&Path>,
    ) -> Result<(), String> {
        let spawned = Command::new("/bin/sh")
            .args(["-c", GUARD, &self.pid.to_string()])
            .arg(pidfile)
            .args(records)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            // A key that interrupts us must not interrupt it.
            .process_group(0)
            .spawn();
        let explain =
            |error| format!("could not start /bin/sh as a guard of the old supervisord: {error}");
        let mut child = spawned.map_err(explain)?;
        let Some(stdin) = child.stdin.take() else {
            return Err("the guard of the old supervisord has no input".to_owned());
        };
        self.guard = Some((child, stdin));
        Ok(())
    }

    /// Halts it, and waits until it stands still.
    pub(super) fn halt(&mut self) -> Result<(), String> {
        let explain = |errno: Errno| format!("could not halt the old supervisord: {errno}");
        self.process.halt().map_err(explain)?;
        self.await_halt()
    }

    /// Halts it where it waits for descriptors, however seldom it does. False when it does not come there in time, or when
    /// somebody else, a debugger say, follows it already.
    pub(super) fn halt_at_wait(&mut self, limit: Duration) -> Result<bool, String> {
        match trace::halt_where_it_waits(&self.process, limit) {
            Ok(()) => self.await_halt().map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn await_halt(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        self.halted = Some(begun);
        loop {
            match foreign::is_halted(self.pid) {
                Some(true) => return Ok(()),
                Some(false) if begun.elapsed() < HALT_MAX => {
                    std::thread::sleep(Duration::from_micros(50));
                }
                Some(false) => {
                    self.resume();
                    return Err(format!(
                        "the old supervisord with pid {} does not stand still when it is halted; a debugger may hold it, \
                         or a disk on which it waits",
                        self.pid
                    ));
                }
                None => return Err("the old supervisord has ended by itself".to_owned()),
            }
        }
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self) {
        if self.halted.take().is_some() {
            // One that has ended needs nothing.
            let _ = self.process.resume();
        }
    }

    /// Ends it as it stands, so that it tells nobody, and tells how long it stood. There is no way back after this.
    pub(super) fn end(&mut self) -> Result<Duration, String> {
        self.process
            .signal(Signal::KILL, false)
            .map_err(|errno| format!("could not end the old supervisord: {errno}"))?;
        // Whoever waits for us finds it gone. That it takes longer is no failure any more.
        let _ = wait_for_any(&[&self.process], DEATH_MAX);
        let stood = self.halted.take().map(|since| since.elapsed());
        if let Some((mut child, mut stdin)) = self.guard.take() {
            // It may have been ended by somebody; nobody needs it any more.
            let _ = stdin.write_all(b"done\n");
            drop(stdin);
            // In the background it is no child of ours.
            let _ = child.wait();
        }
        Ok(stood.unwrap_or_default())
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        self.resume();
        if let Some((mut child, stdin)) = self.guard.take() {
            drop(stdin);
            // It ends at the end of its input. In the background it is no child of ours.
            let _ = child.wait();
        }
    }
}
