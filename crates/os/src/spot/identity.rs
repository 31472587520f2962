//! The rights that one thread has on files, lent from another user for a moment.

use crate::users;
use rustix::process::{Gid, getgroups};
use rustix::thread::set_thread_groups;
use std::io;
use std::marker::PhantomData;

/// The group of a user that the user database does not know: the one that owns nothing.
const NO_GROUP: u32 = 65_534;

/// Whose rights are lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Person {
    /// The user of this number, with the primary group.
    pub(super) fn of(uid: u32) -> Self {
        let gid = users::by_uid(uid).ok().flatten().map(|user| user.gid);
        Self {
            uid,
            gid: gid.unwrap_or(NO_GROUP),
        }
    }
}

/// As long as this lives, the system asks what the person may do when this thread opens, makes, renames or removes a
/// file. Other threads, and signals, see nothing of it.
#[derive(Debug)]
pub(super) struct Lent {
    groups: Option<Vec<Gid>>,
    /// It belongs to the thread that made it.
    _thread: PhantomData<*const ()>,
}

impl Lent {
    /// Takes the rights of a person. Fails for whoever is not root, and for root without the capability to do so.
    pub(super) fn from(person: Person) -> io::Result<Self> {
        if users::current_euid() != 0 {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        let before = getgroups()?;
        // Where it is not allowed, in some namespaces, the groups give no more rights than anybody has.
        let groups = set_thread_groups(&[]).is_ok().then_some(before);
        let lent = Self {
            groups,
            _thread: PhantomData,
        };
        set_group(person.gid);
        set_user(person.uid);
        if set_user(u32::MAX) == person.uid && set_group(u32::MAX) == person.gid {
            Ok(lent)
        } else {
            // Dropping it takes back what was done.
            Err(io::Error::from_raw_os_error(libc::EPERM))
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        set_user(users::current_euid());
        set_group(rustix::process::getegid().as_raw());
        if let Some(groups) = &self.groups {
            // What was in force a moment ago is allowed.
            let _ = set_thread_groups(groups);
        }
    }
}

/// Changes the user that files are opened as, in this thread only, and tells the one before. A number that cannot be
/// set, such as `u32::MAX`, changes nothing.
fn set_user(uid: u32) -> u32 {
    // SAFETY: the call takes a number and touches no memory. It reaches the calling thread only.
    number(unsafe { libc::setfsuid(uid) })
}

/// The same for the group.
fn set_group(gid: u32) -> u32 {
    // SAFETY: the call takes a number and touches no memory. It reaches the calling thread only.
    number(unsafe { libc::setfsgid(gid) })
}

/// The system's numbers are unsigned, the C library's answer is not.
fn number(answer: libc::c_int) -> u32 {
    answer.cast_unsigned()
}
