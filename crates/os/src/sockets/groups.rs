//! The groups of a process at the other end of a unix socket.

use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Groups that a process may have: Linux's `NGROUPS_MAX`.
const GROUPS_MAX: usize = 65_536;

/// The supplementary groups that the process at the other end had when it connected; none where the system does not tell.
pub fn peer_groups(fd: BorrowedFd<'_>) -> Vec<u32> {
    // Most have few; the system says how many there are when the room is too small.
    let mut room = 32;
    for _ in 0..2 {
        let mut groups = vec![0_u32; room];
        match ask(fd, &mut groups) {
            Ok(count) => {
                groups.truncate(count);
                return groups;
            }
            Err(Some(needed)) if needed > room && needed <= GROUPS_MAX => room = needed,
            Err(_) => break,
        }
    }
    Vec::new()
}

/// How many groups were put there; an error says how many there are, if it is that.
fn ask(fd: BorrowedFd<'_>, groups: &mut [u32]) -> Result<usize, Option<usize>> {
    let mut size = libc::socklen_t::try_from(size_of_val(groups)).map_err(|_| None)?;
    // SAFETY: `groups` has place for `size` bytes, and both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    let count = usize::try_from(size).unwrap_or(0) / size_of::<u32>();
    if result == 0 {
        return Ok(count.min(groups.len()));
    }
    let is_short = std::io::Error::last_os_error().raw_os_error() == Some(libc::ERANGE);
    Err(is_short.then_some(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn our_own_groups_are_told() {
        let (here, _there) = UnixStream::pair().unwrap();
        let mut told = peer_groups(here.as_fd());
        let own = rustix::process::getgroups().unwrap();
        let mut own: Vec<u32> = own.into_iter().map(rustix::process::Gid::as_raw).collect();
        told.sort_unstable();
        own.sort_unstable();
        assert_eq!(told, own);
    }
}
