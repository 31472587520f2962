//! The user database, and becoming somebody else. Look-ups may ask the network, and block.

use crate::spawn::Credentials;
use provost_model::Errno;
use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// First size of the buffer for an entry, in bytes; grows until the entry fits.
const ENTRY_BYTES: usize = 1024;

/// Largest entry that is believed, in bytes: a group with 100,000 members has about a megabyte.
const ENTRY_BYTES_MAX: usize = 16 << 20;

/// Groups asked for at first; the system tells when there are more.
const GROUPS: usize = 64;

/// Groups a user can have, from the kernel.
const GROUPS_MAX: usize = 65_536;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Log-in name.
    pub name: OsString,
    /// Number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// Log-in shell; empty means the system's default.
    pub shell: PathBuf,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: OsString,
    /// Number.
    pub gid: u32,
}

/// Why this process, or a child, cannot become a user. Says it in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivilegeProblem {
    /// Only root may become somebody else.
    #[error("Can't drop privilege as nonroot user")]
    NotRoot,
    /// No user has that number.
    #[error("Can't find uid {0}")]
    NoSuchUid(u32),
    /// The groups were refused.
    #[error("Could not set groups of effective user")]
    Groups(Errno),
    /// The group was refused.
    #[error("Could not set group id of effective user")]
    Gid(Errno),
    /// The user was refused.
    #[error("Could not set user id of effective user")]
    Uid(Errno),
    /// The system agreed, but the old rights are still there.
    #[error("Could not give up the rights of the supervising user")]
    NotDropped,
}

/// The user of that name; nothing when there is none.
pub fn by_name(name: &str) -> io::Result<Option<User>> {
    let Ok(name) = CString::new(name) else {
        return Ok(None);
    };
    user_entry(|entry, buffer, size, found| {
        // SAFETY: `name` is a C string; `entry`, `buffer` of `size` bytes and `found` are writable and outlive the call.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, size, found) }
    })
}

/// The user of that number; nothing when there is none.
pub fn by_uid(uid: u32) -> io::Result<Option<User>> {
    user_entry(|entry, buffer, size, found| {
        // SAFETY: `entry`, `buffer` of `size` bytes and `found` are writable and outlive the call.
        unsafe { libc::getpwuid_r(uid, entry, buffer, size, found) }
    })
}

/// The group of that name; nothing when there is none.
pub fn group_by_name(name: &str) -> io::Result<Option<Group>> {
    let Ok(name) = CString::new(name) else {
        return Ok(None);
    };
    group_entry(|entry, buffer, size, found| {
        // SAFETY: `name` is a C string; `entry`, `buffer` of `size` bytes and `found` are writable and outlive the call.
        unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer, size, found) }
    })
}

/// The group of that number; nothing when there is none.
pub fn group_by_gid(gid: u32) -> io::Result<Option<Group>> {
    group_entry(|entry, buffer, size, found| {
        // SAFETY: `entry`, `buffer` of `size` bytes and `found` are writable and outlive the call.
        unsafe { libc::getgrgid_r(gid, entry, buffer, size, found) }
    })
}

/// All groups of a user, the primary one first, each once.
pub fn group_list(user: &User) -> io::Result<Vec<u32>> {
    let Ok(name) = CString::new(user.name.as_bytes()) else {
        return Ok(vec![user.gid]);
    };
    let mut room = GROUPS;
    loop {
        let mut list = vec![0; room];
        let mut count = libc::c_int::try_from(room).unwrap_or(libc::c_int::MAX);
        // SAFETY: `name` is a C string, `list` has place for `count` numbers, and all outlive the call.
        let result = unsafe {
            libc::getgrouplist(name.as_ptr(), user.gid, list.as_mut_ptr(), &raw mut count)
        };
        let count = usize::try_from(count).unwrap_or(0);
        if result >= 0 {
            list.truncate(count);
            let mut groups = vec![user.gid];
            for gid in list {
                if !groups.contains(&gid) {
                    groups.push(gid);
                }
            }
            return Ok(groups);
        }
        if room >= GROUPS_MAX {
            return Err(io::Error::from_raw_os_error(libc::ERANGE));
        }
        room = count.clamp(room * 2, GROUPS_MAX);
    }
}

/// The real user of this process.
pub fn current_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The user whose rights this process has.
pub fn current_euid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What a process needs to become this user; nothing when this process already is that user (upstream's rule: then
/// nothing at all is changed, so that a daemon without rights can start programs of its own user).
pub fn credentials(uid: u32) -> Result<Option<Credentials>, PrivilegeProblem> {
    let user = by_uid(uid)
        .ok()
        .flatten()
        .ok_or(PrivilegeProblem::NoSuchUid(uid))?;
    let current = current_uid();
    if current == user.uid {
        return Ok(None);
    }
    if current != 0 {
        return Err(PrivilegeProblem::NotRoot);
    }
    let groups = group_list(&user).map_err(|error| PrivilegeProblem::Groups(Errno::of(&error)))?;
    Ok(Some(Credentials {
        uid: user.uid,
        gid: user.gid,
        groups,
    }))
}

/// Makes this process, with all its threads, that user for good: groups, then gid, then uid; and makes sure.
///
/// After an error the rights may be half given up: the process should end.
pub fn drop_privileges(uid: u32) -> Result<(), PrivilegeProblem> {
    let Some(credentials) = credentials(uid)? else {
        return Ok(());
    };
    let (uid, gid, groups) = (credentials.uid, credentials.gid, &credentials.groups);
    // The system takes this number for "leave it as it is".
    if uid == u32::MAX || gid == u32::MAX {
        return Err(PrivilegeProblem::NotDropped);
    }
    // SAFETY: the list outlives the call and has as many entries as said.
    ok(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })
        .map_err(PrivilegeProblem::Groups)?;
    // SAFETY: the call takes numbers only. It reaches all threads of this process.
    ok(unsafe { libc::setresgid(gid, gid, gid) }).map_err(PrivilegeProblem::Gid)?;
    // SAFETY: the call takes numbers only. It reaches all threads of this process.
    ok(unsafe { libc::setresuid(uid, uid, uid) }).map_err(PrivilegeProblem::Uid)?;
    verify_dropped(uid, gid)
}

fn verify_dropped(uid: u32, gid: u32) -> Result<(), PrivilegeProblem> {
    let (mut uids, mut gids) = ([0; 3], [0; 3]);
    let [real, effective, saved] = &mut uids;
    // SAFETY: three writable numbers.
    let uids_known = ok(unsafe { libc::getresuid(real, effective, saved) }).is_ok();
    let [real, effective, saved] = &mut gids;
    // SAFETY: three writable numbers.
    let gids_known = ok(unsafe { libc::getresgid(real, effective, saved) }).is_ok();
    // SAFETY: the call takes a number only; where it succeeds the caller is told to end the process.
    let regained = uid != 0 && ok(unsafe { libc::setuid(0) }).is_ok();
    if uids_known && gids_known && uids == [uid; 3] && gids == [gid; 3] && !regained {
        Ok(())
    } else {
        Err(PrivilegeProblem::NotDropped)
    }
}

fn ok(result: libc::c_int) -> Result<(), Errno> {
    if result == 0 {
        Ok(())
    } else {
        Err(crate::last_errno())
    }
}

fn user_entry(
    ask: impl Fn(*mut libc::passwd, *mut c_char, usize, *mut *mut libc::passwd) -> libc::c_int,
) -> io::Result<Option<User>> {
    entry(ask, |found| User {
        name: text(found.pw_name),
        uid: found.pw_uid,
        gid: found.pw_gid,
        home: PathBuf::from(text(found.pw_dir)),
        shell: PathBuf::from(text(found.pw_shell)),
    })
}

fn group_entry(
    ask: impl Fn(*mut libc::group, *mut c_char, usize, *mut *mut libc::group) -> libc::c_int,
) -> io::Result<Option<Group>> {
    entry(ask, |found| Group {
        name: text(found.gr_name),
        gid: found.gr_gid,
    })
}

/// Asks with growing buffers until the entry fits. Numbers that only say "not there" are no errors.
fn entry<E, T>(
    ask: impl Fn(*mut E, *mut c_char, usize, *mut *mut E) -> libc::c_int,
    take: impl Fn(&E) -> T,
) -> io::Result<Option<T>> {
    let mut buffer = vec![0 as c_char; ENTRY_BYTES];
    loop {
        let mut entry = MaybeUninit::<E>::zeroed();
        let mut found = std::ptr::null_mut();
        match ask(
            entry.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &raw mut found,
        ) {
            0 => {
                // SAFETY: after success `found` is null or points to `entry`, filled by the call; its strings lie in
                // `buffer`. Both live until the end of this turn.
                let found = unsafe { found.as_ref() };
                return Ok(found.map(&take));
            }
            libc::ERANGE if buffer.len() < ENTRY_BYTES_MAX => buffer.resize(buffer.len() * 2, 0),
            libc::EINTR => {}
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            number => return Err(io::Error::from_raw_os_error(number)),
        }
    }
}

fn text(pointer: *const c_char) -> OsString {
    if pointer.is_null() {
        return OsString::new();
    }
    // SAFETY: only called on the strings of an entry that the system has just filled; they end with NUL.
    let text = unsafe { CStr::from_ptr(pointer) };
    OsStr::from_bytes(text.to_bytes()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_number() {
        let root = by_name("root").unwrap().unwrap();
        assert_eq!(
            (root.uid, root.gid, root.home.as_path()),
            (0, 0, std::path::Path::new("/root"))
        );
        assert_eq!(by_uid(0).unwrap().unwrap().uid, 0);
        assert_eq!(group_by_name("root").unwrap().unwrap().gid, 0);
        assert_eq!(group_by_gid(0).unwrap().unwrap().name, "root");
        assert_eq!(group_list(&root).unwrap().first(), Some(&0));
    }

    #[test]
    fn what_is_not_there_is_nothing_and_never_root() {
        for name in [
            "",
            "no-such-user",
            " root",
            "0x0",
            "root\0",
            "-1",
            "4294967295",
        ] {
            assert_eq!(by_name(name).unwrap(), None, "{name:?}");
            assert_eq!(group_by_name(name).unwrap(), None, "{name:?}");
        }
        assert_eq!(by_uid(u32::MAX).unwrap(), None);
        assert_eq!(group_by_gid(u32::MAX).unwrap(), None);
        assert_eq!(
            credentials(u32::MAX),
            Err(PrivilegeProblem::NoSuchUid(u32::MAX))
        );
    }

    #[test]
    fn becoming_oneself_changes_nothing() {
        assert_eq!(credentials(current_uid()), Ok(None));
        assert_eq!(drop_privileges(current_uid()), Ok(()));
    }

    #[test]
    fn problems_speak_upstreams_words() {
        assert_eq!(
            PrivilegeProblem::NotRoot.to_string(),
            "Can't drop privilege as nonroot user"
        );
        assert_eq!(
            PrivilegeProblem::NoSuchUid(77).to_string(),
            "Can't find uid 77"
        );
        assert_eq!(
            PrivilegeProblem::Groups(Errno(1)).to_string(),
            "Could not set groups of effective user"
        );
        assert_eq!(
            PrivilegeProblem::Gid(Errno(1)).to_string(),
            "Could not set group id of effective user"
        );
    }
}
