//! The child's side, from fork to exec.
//!
//! Nothing here allocates, takes a lock, unwinds, returns, or touches `errno`: other threads of the parent may have held any
//! lock at the moment of the fork, and the memory may be the parent's own. Only system calls, on what was laid out before.

use super::confine;
use super::ends::{Ends, Word};
use super::plan::Plan;
use super::raw;
use super::report::{Stage, encode};
use provost_model::Errno;
use rustix::fs::Mode;
use rustix::io::{Errno as Sys, FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};
use rustix::process::Resource;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::{process, stdio};
use std::convert::Infallible;
use std::ffi::c_char;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

/// The first descriptor that is not a standard channel.
const FIRST_OTHER: i32 = 3;

/// The highest signal number of Linux.
const SIGNAL_MAX: i32 = 64;

/// Descriptors looked at one by one where the system cannot close a range: the kernel's default ceiling.
const DESCRIPTORS_MAX: u64 = 1 << 20;

/// The last line a child says that does not become its program.
const NOT_SPAWNED: &[u8] = b"\nsupervisor: child process was not spawned\n";

/// How a child ends that was not told to go.
const NOT_WANTED: i32 = 126;

/// Digits of the largest error number, and a sign.
const NUMBER_MAX: usize = 11;

/// Everything the child needs.
#[derive(Debug)]
pub(super) struct Prepared {
    plan: Plan,
    unusual_signals: Arc<[i32]>,
    stdin: BorrowedFd<'static>,
    stdout: BorrowedFd<'static>,
    stderr: BorrowedFd<'static>,
    report: BorrowedFd<'static>,
    /// Our copy of the parent's end of the report, which must not stay open here.
    parents: BorrowedFd<'static>,
    /// Above all descriptors that the child needs.
    above: i32,
    /// Says when the child has a table of descriptors of its own.
    word: Word,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    groups: Vec<rustix::process::Gid>,
    refusal: Option<Vec<u8>>,
    user_text: Vec<u8>,
    directory_text: Vec<u8>,
    exec_text: Vec<u8>,
}

/// Why the child cannot become its program.
struct Failure {
    stage: Stage,
    errno: i32,
    /// Said instead of the name of the error.
    reason: Option<&'static str>,
}

impl Failure {
    fn at(stage: Stage) -> impl Fn(Sys) -> Self {
        move |error| Self {
            stage,
            errno: error.raw_os_error(),
            reason: None,
        }
    }

    fn user(reason: &'static str) -> impl Fn(Sys) -> Self {
        move |error| Self {
            stage: Stage::User,
            errno: error.raw_os_error(),
            reason: Some(reason),
        }
    }
}

impl Prepared {
    /// Lays everything out, in the parent.
    ///
    /// `ends` are the child's: its standard channels, and its end of the line to its parent, whose own is `parents`. They
    /// stay open until `word` says that the child has copies.
    pub(super) fn new(
        plan: Plan,
        ends: &Ends<'_>,
        parents: BorrowedFd<'_>,
        word: Word,
        unusual_signals: Arc<[i32]>,
    ) -> Self {
        // SAFETY: they are used by the child only, whose copies stay open until it closes them itself.
        let childs = |fd: BorrowedFd<'_>| unsafe { BorrowedFd::borrow_raw(fd.as_raw_fd()) };
        let credentials = plan.credentials.as_ref();
        let uid = credentials.map_or(0, |credentials| credentials.uid);
        let directory = plan
            .directory
            .as_ref()
            .map_or(&[][..], |directory| directory.as_bytes());
        let name = plan.argv.first().unwrap_or(&plan.program).as_bytes();
        Self {
            stdin: childs(ends.stdin),
            stdout: childs(ends.stdout),
            stderr: childs(ends.stderr),
            report: childs(ends.report),
            parents: childs(parents),
            above: ends.above(),
            word,
            unusual_signals,
            argv: pointers(plan.argv.iter().map(|text| text.as_ptr())),
            envp: pointers(plan.envp.iter().map(|text| text.as_ptr())),
            groups: credentials.map_or_else(Vec::new, |credentials| {
                credentials
                    .groups
                    .iter()
                    .map(|&gid| rustix::process::Gid::from_raw(gid))
                    .collect()
            }),
            refusal: plan.refusal.as_ref().map(|refusal| {
                format!(
                    "supervisor: couldn't setuid to {}: {}",
                    refusal.uid, refusal.problem
                )
                .into_bytes()
            }),
            user_text: format!("supervisor: couldn't setuid to {uid}: ").into_bytes(),
            directory_text: [b"supervisor: couldn't chdir to ", directory, b": "].concat(),
            exec_text: [b"supervisor: couldn't exec ", name, b": "].concat(),
            // What the pointers point to does not move with it.
            plan,
        }
    }

    /// Whether nothing has to be kept from it that its parent has in its memory, and nothing it calls notes its failure in
    /// `errno`.
    pub(super) fn may_share_memory(&self) -> bool {
        let plan = &self.plan;
        let changes_rights = plan.credentials.is_some()
            || plan.refusal.is_some()
            || plan.capabilities.is_some()
            || plan.no_new_privileges;
        raw::NEEDS_NO_LIBC && !changes_rights
    }

    /// Becomes the program, or tells why not and ends. Ends without a word when the parent does not say go.
    pub(super) fn run(&self) -> ! {
        if let Err(error) = self.own_table() {
            let report = encode(Stage::Setup, error.raw_os_error());
            let _parent_is_gone = rustix::io::write(self.report, &report);
            self.word.say();
            // SAFETY: ends the process at once; runs no handlers and takes no locks.
            unsafe { libc::_exit(127) }
        }
        self.word.say();
        let Err(failure) = self.become_program();
        self.tell(&failure);
        // SAFETY: ends the process at once; runs no handlers and takes no locks.
        unsafe { libc::_exit(127) }
    }

    /// Until now the table of descriptors is the parent's. From now on it is ours, without the thousands that the parent
    /// has and we do not need: to copy and close them takes longer than everything else here.
    fn own_table(&self) -> Result<(), Sys> {
        raw::unshare_below(self.above).or_else(|_not_known| raw::unshare_all())
    }

    /// Waits for the parent's byte. The end without one means that the parent has died or thought better of it.
    ///
    /// Where descriptors could not be closed, a child that was forked later and waits itself may still hold the parent's
    /// end; it comes to its own end first.
    fn is_told_to_go(&self) -> bool {
        let mut byte = [0];
        let told = rustix::io::retry_on_intr(|| rustix::io::read(self.report, &mut byte));
        matches!(told, Ok(1))
    }

    fn become_program(&self) -> Result<Infallible, Failure> {
        let setup = Failure::at(Stage::Setup);
        process::setpgid(None, None).map_err(&setup)?;
        self.take_stdio().map_err(&setup)?;
        self.close_others();
        reset_signals(&self.unusual_signals, self.plan.sigpipe_default);
        if !self.is_told_to_go() {
            // SAFETY: ends the process at once; runs no handlers and takes no locks.
            unsafe { libc::_exit(NOT_WANTED) }
        }
        let _a_valid_mask_is_taken = raw::unblock_signals();
        let confine = Failure::at(Stage::Confine);
        if let Some(kept) = self.plan.capabilities {
            confine::before_credentials(kept).map_err(&confine)?;
        }
        self.take_credentials()?;
        if let Some(kept) = self.plan.capabilities {
            confine::after_credentials(kept).map_err(&confine)?;
        }
        if self.plan.no_new_privileges {
            confine::no_new_privileges().map_err(&confine)?;
        }
        if let Some(directory) = &self.plan.directory {
            process::chdir(directory.as_c_str()).map_err(Failure::at(Stage::Directory))?;
        }
        if let Some(umask) = self.plan.umask {
            process::umask(Mode::from_raw_mode(umask));
        }
        // SAFETY: argv and envp are NUL-terminated strings in null-terminated arrays, made before the fork; `self.plan` owns
        // the strings and outlives the call.
        let error = unsafe { raw::execve(&self.plan.program, &self.argv, &self.envp) };
        Err(Failure::at(Stage::Exec)(error))
    }

    /// Makes the three channels 0, 1 and 2. One that is itself one of the three is first moved above 2; the others stay
    /// where they are, as there may be no descriptor left.
    fn take_stdio(&self) -> Result<(), Sys> {
        let moved = [self.stdin, self.stdout, self.stderr].map(|fd| {
            let is_above = fd.as_raw_fd() >= FIRST_OTHER;
            (!is_above)
                .then(|| fcntl_dupfd_cloexec(fd, FIRST_OTHER))
                .transpose()
        });
        let [stdin, stdout, stderr] = moved;
        let (stdin, stdout, stderr) = (stdin?, stdout?, stderr?);
        stdio::dup2_stdin(stdin.as_ref().map_or(self.stdin, AsFd::as_fd))?;
        stdio::dup2_stdout(stdout.as_ref().map_or(self.stdout, AsFd::as_fd))?;
        stdio::dup2_stderr(stderr.as_ref().map_or(self.stderr, AsFd::as_fd))
    }

    /// Closes everything but the three channels and the report, which closes at exec. While this process waits, and while
    /// its program is looked for on a slow disk, it must not keep a lock or a pipe of its parent.
    fn close_others(&self) {
        let report = self.report.as_raw_fd();
        let below = report <= FIRST_OTHER || close_range(FIRST_OTHER, report - 1);
        if !below || !close_range(report.saturating_add(1), i32::MAX) {
            // SAFETY: closes this process' copy of a descriptor; whoever owns it in the parent never runs in here.
            unsafe { libc::close(self.parents.as_raw_fd()) };
            close_one_by_one_at_exec();
        }
    }

    /// Groups, gid, uid, in this order: after the uid nothing else could be changed. Then makes sure that it is so.
    fn take_credentials(&self) -> Result<(), Failure> {
        if self.refusal.is_some() {
            return Err(Failure {
                stage: Stage::User,
                errno: libc::EPERM,
                reason: Some(""),
            });
        }
        let Some(credentials) = &self.plan.credentials else {
            return Ok(());
        };
        // The system takes this number for "leave it as it is".
        if credentials.uid == u32::MAX || credentials.gid == u32::MAX {
            return Err(Failure::at(Stage::User)(Sys::INVAL));
        }
        let (uid, gid) = (
            process::Uid::from_raw(credentials.uid),
            process::Gid::from_raw(credentials.gid),
        );
        set_thread_groups(&self.groups)
            .map_err(Failure::user("Could not set groups of effective user"))?;
        set_thread_res_gid(gid, gid, gid)
            .map_err(Failure::user("Could not set group id of effective user"))?;
        set_thread_res_uid(uid, uid, uid)
            .map_err(Failure::user("Could not set user id of effective user"))?;
        let root = process::Uid::ROOT;
        let regained = uid != root && set_thread_res_uid(root, root, root).is_ok();
        if regained
            || process::getuid() != uid
            || process::geteuid() != uid
            || process::getegid() != gid
        {
            return Err(Failure::user(
                "Could not give up the rights of the supervising user",
            )(Sys::PERM));
        }
        Ok(())
    }

    /// Upstream's two lines to whoever reads descriptor 2, and the report to the parent.
    fn tell(&self, failure: &Failure) {
        let (text, reason) = match (failure.stage, &self.refusal) {
            (Stage::Setup, _) => (
                &b"supervisor: couldn't set up the child: "[..],
                failure.reason,
            ),
            (Stage::User, Some(refusal)) => (&refusal[..], failure.reason),
            (Stage::User, None) => (&self.user_text[..], failure.reason),
            (Stage::Confine, _) => (
                &b"supervisor: couldn't give up capabilities: "[..],
                failure.reason,
            ),
            (Stage::Directory, _) => (&self.directory_text[..], failure.reason),
            (Stage::Exec, _) => (&self.exec_text[..], failure.reason),
        };
        let mut digits = [0; NUMBER_MAX];
        let name = reason.map_or_else(|| errno_name(failure.errno, &mut digits), str::as_bytes);
        let lines = [
            IoSlice::new(text),
            IoSlice::new(name),
            IoSlice::new(NOT_SPAWNED),
        ];
        let _nobody_reads = rustix::io::writev(stdio::stderr(), &lines);
        let _parent_is_gone = rustix::io::write(self.report, &encode(failure.stage, failure.errno));
    }
}

/// Closes these descriptors. False when the system cannot do it for a range (Linux before 5.9, or a filter).
fn close_range(first: i32, last: i32) -> bool {
    raw::close_range(first, last).is_ok()
}

/// Marks every descriptor from 3 to close at exec, for such a system; until then the report still needs its own.
fn close_one_by_one_at_exec() {
    let limit = process::getrlimit(Resource::Nofile)
        .current
        .unwrap_or(DESCRIPTORS_MAX)
        .min(DESCRIPTORS_MAX);
    for number in FIRST_OTHER..i32::try_from(limit).unwrap_or(i32::MAX) {
        // SAFETY: the number is only handed to the system, which refuses it when it is not open; nothing is closed.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(fd) {
            let _an_open_descriptor_takes_flags = fcntl_setfd(fd, flags | FdFlags::CLOEXEC);
        }
    }
}

/// An array as `execve` wants it.
fn pointers(texts: impl Iterator<Item = *const c_char>) -> Vec<*const c_char> {
    texts.chain(std::iter::once(std::ptr::null())).collect()
}

/// The signals that are not at their defaults in this process, and those that a child may be to ignore.
pub(super) fn unusual_signals() -> Arc<[i32]> {
    let all = 1..=SIGNAL_MAX;
    all.filter(|&number| may_be_ignored(number) || !raw::is_default(number))
        .collect()
}

fn may_be_ignored(number: i32) -> bool {
    matches!(number, libc::SIGPIPE | libc::SIGXFSZ)
}

/// These signals as a new process expects them, but SIGPIPE and SIGXFSZ ignored unless those are wanted, too.
fn reset_signals(unusual: &[i32], sigpipe_default: bool) {
    for &number in unusual {
        let is_ignored = may_be_ignored(number) && !sigpipe_default;
        // KILL and STOP are refused, and are at their defaults anyway.
        let _refused = raw::set_signal(number, is_ignored);
    }
}

/// The symbolic name of an error, or its digits where it has none.
fn errno_name(errno: i32, digits: &mut [u8; NUMBER_MAX]) -> &[u8] {
    let errno = Errno(errno);
    if errno.name() != Errno(0).name() {
        return errno.name().as_bytes();
    }
    let mut rest = errno.0.unsigned_abs();
    let mut length = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    digits.get(NUMBER_MAX - length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_can_be_marked_one_by_one() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let open = fcntl_dupfd_cloexec(&null, 90).unwrap();
        fcntl_setfd(&open, FdFlags::empty()).unwrap();
        close_one_by_one_at_exec();
        assert_eq!(fcntl_getfd(&open).unwrap(), FdFlags::CLOEXEC);
    }

    #[test]
    fn an_error_without_a_name_is_shown_as_its_number() {
        let mut digits = [0; NUMBER_MAX];
        assert_eq!(errno_name(2, &mut digits), b"ENOENT");
        assert_eq!(errno_name(524, &mut digits), b"524");
        assert_eq!(errno_name(i32::MAX, &mut digits), b"2147483647");
    }
}
