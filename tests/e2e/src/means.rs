//! Means of injecting faults: control groups, failing system calls, disks that hang.
//!
//! Each answers nothing where the machine does not have it, after saying which and why on standard error. The test then
//! returns: it is skipped. A machine that is to run all tests has all means.

use std::fs::{self, File};
use std::io::Read as _;
use std::marker::PhantomData;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::namespace::{inside, run_inside};
use crate::process::send_signal;
use crate::run::run;
use crate::side::Side;
use crate::wait::{PATIENCE, wait_until};
use rustix::process::Signal;

/// Says that a test is skipped.
pub fn skipped(means: &str, why: &str) {
    eprintln!("skipped: this machine has no {means}: {}", why.trim());
}

/// A limit that a control group sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// How many processes and threads there may be.
    Processes,
    /// How many bytes of memory they may use.
    Memory,
}

impl Limit {
    fn controller(self) -> &'static str {
        match self {
            Self::Processes => "pids",
            Self::Memory => "memory",
        }
    }
}

/// A control group of its own. Dropping it ends what is in it.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    limit: Limit,
    /// Whether it is one of version 1.
    first_version: bool,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Cgroup {
    /// A group that limits something, without a limit yet. None when that cannot be had here.
    pub fn new(limit: Limit) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let first = root.join(limit.controller());
        let first_version = first.join("cgroup.procs").exists();
        let parent = if first_version {
            first
        } else {
            let enable = format!("+{}", limit.controller());
            // It may be enabled already; whether it is there shows below.
            fs::write(root.join("cgroup.subtree_control"), enable).ok();
            root.to_path_buf()
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("provost-test-{}-{number}", std::process::id()));
        if let Err(error) = fs::create_dir(&path) {
            skipped("control groups", &format!("{}: {error}", path.display()));
            return None;
        }
        let group = Self {
            path,
            limit,
            first_version,
        };
        if !group.path.join(group.file()).exists() {
            skipped(
                "control groups",
                &format!("no {} in {}", group.file(), group.path.display()),
            );
            return None;
        }
        Some(group)
    }

    fn file(&self) -> &'static str {
        match (self.limit, self.first_version) {
            (Limit::Processes, _) => "pids.max",
            (Limit::Memory, true) => "memory.limit_in_bytes",
            (Limit::Memory, false) => "memory.max",
        }
    }

    /// Sets the limit.
    pub fn set(&self, value: &str) {
        fs::write(self.path.join(self.file()), value).expect("the group is ours");
    }

    /// Takes the limit away.
    pub fn lift(&self) {
        self.set(match (self.limit, self.first_version) {
            (Limit::Memory, true) => "-1",
            _ => "max",
        });
    }

    /// What `sh` does to enter the group.
    pub fn enter(&self) -> String {
        format!("echo $$ >{}/cgroup.procs", self.path.display())
    }

    /// A wrapper that enters the group and becomes the daemon, with the same pid.
    pub fn wrapper(&self) -> Vec<String> {
        let script = format!("{}\nexec \"$@\"", self.enter());
        ["sh", "-ec", &script, "sh"].map(str::to_owned).to_vec()
    }

    /// Takes a process in.
    pub fn take(&self, pid: u32) {
        fs::write(self.path.join("cgroup.procs"), pid.to_string()).expect("the group is ours");
    }

    /// How many processes are in it.
    pub fn members(&self) -> usize {
        self.pids().len()
    }

    fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let begun = Instant::now();
        while fs::remove_dir(&self.path).is_err() && begun.elapsed() < Duration::from_secs(5) {
            for pid in self.pids() {
                send_signal(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A wrapper under which system calls fail as `expression` of `strace -e inject=` says, those for one file only when one is
/// named. The daemon keeps its pid.
pub fn failing_calls(expression: &str, file: Option<&Path>) -> Option<Vec<String>> {
    let tried = run(Command::new("sh").args(["-c", "strace -D -f -o /dev/null true"]));
    if tried.code != Some(0) {
        skipped("strace that may trace", &tried.stderr);
        return None;
    }
    let inject = format!("inject={expression}");
    let words = ["strace", "-D", "-f", "-qq", "-o", "trace", "-e", &inject];
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    if let Some(file) = file {
        words.push("-P".to_owned());
        words.push(file.to_string_lossy().into_owned());
    }
    Some(words)
}

/// A script that mounts a small file system of its own on a loop device at `small`, for [`crate::mounting`]. Each command
/// stands alone: `sh -e` ends with a failure in the midst of a list only if it is the last.
pub const LOOP_MOUNT: &str = "truncate -s 16M small.img\n\
                              env PATH=/usr/sbin:/sbin:$PATH mkfs.ext4 -q small.img\n\
                              mount -o loop small.img small";

/// The same for several, each at the directory of its name, which is made.
pub fn loop_mounts(names: &[&str]) -> String {
    let mounts = names
        .iter()
        .map(|name| format!("mkdir {name}\n{}", LOOP_MOUNT.replace("small", name)));
    mounts.collect::<Vec<_>>().join("\n")
}

/// Whether file systems can be mounted on loop devices and frozen.
pub fn can_freeze() -> bool {
    let script = "for tool in losetup fsfreeze mkfs.ext4; do command -v $tool >/dev/null || { echo no $tool >&2; exit 1; }; done\n\
                  losetup -f >/dev/null";
    let tried = run(Command::new("sh").args(["-ec", script]));
    if tried.code != Some(0) {
        skipped("loop devices that can be frozen", &tried.stderr);
    }
    tried.code == Some(0)
}

/// Whether our supervisord can be made to panic, which only builds for tests can.
pub fn can_panic() -> bool {
    let program = fs::read(Side::Ours.command("supervisord")).unwrap_or_default();
    let name = b"PROVOST_PANIC";
    let can = program.windows(name.len()).any(|bytes| bytes == name);
    if !can {
        skipped("panics at a certain place", "this build has no such places");
    }
    can
}

/// File systems in a daemon's place, frozen: whoever writes there hangs. Thawed when this is dropped.
#[derive(Debug)]
pub struct Frozen<'a> {
    daemon: PhantomData<&'a Daemon>,
    /// They are thawed by these: a process that ends while one of its threads hangs shows nobody its mounts.
    directories: Vec<File>,
}

impl<'a> Frozen<'a> {
    /// Freezes the one at `small`.
    pub fn new(daemon: &'a Daemon) -> Self {
        Self::at(daemon, &["small"])
    }

    /// Freezes those at these directories.
    pub fn at(daemon: &'a Daemon, names: &[&str]) -> Self {
        let mut frozen = Self {
            daemon: PhantomData,
            directories: Vec::new(),
        };
        for &name in names {
            // What is no file system of its own would be the machine's.
            run_inside(daemon, &format!("mountpoint -q {name}"));
            let directory = File::open(inside(daemon, name)).expect("it is there");
            run_inside(daemon, &format!("fsfreeze -f {name}"));
            frozen.directories.push(directory);
        }
        frozen
    }

    /// Lets them go on.
    pub fn thaw(mut self) {
        self.thaw_now();
    }

    fn thaw_now(&mut self) {
        for directory in self.directories.drain(..) {
            let path = format!("/proc/{}/fd/{}", std::process::id(), directory.as_raw_fd());
            let done = run(Command::new("fsfreeze").args(["-u", &path]));
            assert_eq!(done.code, Some(0), "{}", done.stderr);
        }
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.thaw_now();
    }
}

/// A file system in a daemon's place whose server answers nothing at all, as that of a network whose other end is gone:
/// whoever looks at it hangs. It fails instead of hanging once this is dropped.
#[derive(Debug)]
pub struct Dead(Child);

impl Dead {
    /// Mounts it at a directory. None where that cannot be had here.
    pub fn at(daemon: &Daemon, name: &str) -> Option<Self> {
        let script = format!(
            "cd {} && mkdir -p {name} && exec 9<>/dev/fuse && \
             mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0,allow_other none {name} && echo mounted && exec cat",
            daemon.place().text()
        );
        let pid = daemon.pid().to_string();
        let mut server = Command::new("nsenter")
            .args(["-m", "-t", &pid, "sh", "-ec", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("nsenter is there");
        let mut said = [0; 8];
        let output = server.stdout.as_mut().expect("it was asked for");
        if output.read_exact(&mut said).is_err() {
            server.wait().expect("it is ours");
            skipped("file systems with a server of their own", "no FUSE");
            return None;
        }
        Some(Self(server))
    }
}

impl Drop for Dead {
    fn drop(&mut self) {
        // It may have been ended by whoever cleans up.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Processor time that a process has used, in clock ticks (a hundred a second).
pub fn processor_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let numbers = fields.split_whitespace().skip(11).take(2);
    numbers
        .filter_map(|number| number.parse::<u64>().ok())
        .sum()
}

/// Asserts that a process sleeps: that there is a second, soon, of which it uses at most `percent` of a processor.
pub fn assert_calm(pid: u32, percent: u64) {
    wait_until(
        PATIENCE,
        "a second with little use of the processor",
        || {
            let before = processor_ticks(pid);
            thread::sleep(Duration::from_secs(1));
            processor_ticks(pid).saturating_sub(before) <= percent
        },
    );
}

/// Whether a command of the machine is there.
pub fn has_command(name: &str) -> bool {
    let tried = run(Command::new("sh").args(["-c", &format!("command -v {name}")]));
    if tried.code != Some(0) {
        skipped(name, "it is not installed");
    }
    tried.code == Some(0)
}

/// Makes a FIFO.
pub fn make_fifo(path: &Path) {
    let made = run(Command::new("mkfifo").arg(path));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
}
