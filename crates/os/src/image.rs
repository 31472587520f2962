//! Another program in the place of this one, in the same process: what it is given, and the change itself.
//!
//! The process keeps its number, its children, its locks, its pending signals and those descriptors that were marked to
//! be kept.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Nothing in it can change any more, and that cannot change either.
const SEALS: SealFlags = SealFlags::WRITE
    .union(SealFlags::GROW)
    .union(SealFlags::SHRINK)
    .union(SealFlags::SEAL);

/// A file without a name that holds these bytes and will never hold others.
pub fn sealed(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SEALS)?;
    Ok(file.into())
}

/// What a sealed file holds. Refused is one that is not sealed, not ours, or larger than `max` bytes: nobody but us has
/// made a file that passes.
pub fn read_sealed(fd: BorrowedFd<'_>, max: u64) -> io::Result<Vec<u8>> {
    let refused = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    if !fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SEALS)) {
        return refused("it is not a sealed file");
    }
    let file = File::from(fd.try_clone_to_owned()?);
    let metadata = file.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refused("it belongs to another user");
    }
    let Some(size) = usize::try_from(metadata.len())
        .ok()
        .filter(|&size| size as u64 <= max)
    else {
        return refused("it is too large");
    };
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Takes a descriptor by its number that the program before us in this process kept for us, and that nobody here uses.
///
/// It is refused if it is closed, or if it was not kept on purpose: then it is somebody else's. From now on it is closed
/// when another program takes our place.
pub fn inherit(number: i32) -> io::Result<OwnedFd> {
    let refused = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("descriptor {number} was not handed over"),
        )
    };
    if number <= 2 {
        return Err(refused());
    }
    // SAFETY: the borrow lasts for the next call only, which reads and changes flags by the number. A number that is not
    // open is answered by an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    if fcntl_getfd(borrowed)?.contains(FdFlags::CLOEXEC) {
        return Err(refused());
    }
    fcntl_setfd(borrowed, FdFlags::CLOEXEC)?;
    // SAFETY: it is open, and without the flag that everything bears which this program opens itself: nobody here owns
    // it. A second call for the same number is refused, since it bears the flag now.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Marks a descriptor: it stays open when another program takes our place. Whoever drops it meanwhile closes it.
pub fn keep(fd: impl AsFd) -> io::Result<i32> {
    fcntl_setfd(fd.as_fd(), FdFlags::empty())?;
    Ok(fd.as_fd().as_raw_fd())
}

/// The program that this process runs, whatever has become of its file since.
pub fn own() -> io::Result<OwnedFd> {
    Ok(File::open("/proc/self/exe")?.into())
}

/// Where the file of our program was or is: what stands there now may be another one.
pub fn own_path() -> io::Result<PathBuf> {
    const GONE: &[u8] = b" (deleted)";
    let path = std::fs::read_link("/proc/self/exe")?;
    let mut bytes = path.into_os_string().into_vec();
    if bytes.ends_with(GONE) {
        bytes.truncate(bytes.len() - GONE.len());
    }
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

/// The path by which an open program can be executed.
pub fn path_of(program: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", program.as_raw_fd()))
}

/// Takes a variable out of our environment, so that nobody whom we start has it.
///
/// For the start of a program, while it has one thread.
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    // SAFETY: the program has one thread, so nobody else reads or writes the environment meanwhile.
    unsafe { std::env::remove_var(name) };
    Some(value)
}

/// Puts another program in the place of this one, with the present environment and one variable more if need be, signal
/// mask and pending signals.
///
/// It returns only if that is not possible, with the reason; nothing has changed then. Other threads end as if they had
/// never been.
pub fn replace(
    program: &Path,
    arguments: &[OsString],
    variable: Option<(&str, &str)>,
) -> io::Error {
    let text = |bytes: Vec<u8>| CString::new(bytes).map_err(io::Error::other);
    let prepared = || -> io::Result<_> {
        let path = text(program.as_os_str().to_owned().into_vec())?;
        let arguments = arguments
            .iter()
            .map(|argument| text(argument.clone().into_vec()))
            .collect::<io::Result<Vec<_>>>()?;
        let more = variable.map(|(name, value)| (name.into(), value.into()));
        let environment = std::env::vars_os()
            .chain(more)
            .map(|(name, value)| {
                let mut entry = name.into_vec();
                entry.push(b'=');
                entry.extend(value.into_vec());
                text(entry)
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok((path, arguments, environment))
    };
    let (path, arguments, environment) = match prepared() {
        Ok(prepared) => prepared,
        Err(error) => return error,
    };
    let argv = pointers(&arguments);
    let envp = pointers(&environment);
    // SAFETY: the path and all entries of both lists are strings that end with NUL and outlive the call; both lists end
    // with a null pointer.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    let each = texts.iter().map(|text| text.as_ptr());
    each.chain(std::iter::once(std::ptr::null())).collect()
}

/// Names this process for `ps` and `top`. A program that was started by a descriptor bears a number as its name.
pub fn name(name: &str) {
    if let Ok(name) = CString::new(name) {
        // It is for the eye only.
        let _ = rustix::thread::set_name(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_read_and_cannot_be_changed() {
        let fd = sealed("test", b"state").unwrap();
        assert_eq!(read_sealed(fd.as_fd(), 5).unwrap(), b"state");
        assert!(read_sealed(fd.as_fd(), 4).is_err());
        let mut file = File::from(fd);
        assert!(file.write_all(b"more").is_err());
        assert!(file.set_len(1).is_err());
    }

    #[test]
    fn what_anybody_could_have_made_is_refused() {
        let (read, _write) = crate::pipe::pipe().unwrap();
        assert!(read_sealed(read.as_fd(), 100).is_err());
        let open = memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(read_sealed(open.as_fd(), 100).is_err());
    }

    #[test]
    fn only_what_was_kept_is_inherited_and_only_once() {
        let (read, write) = crate::pipe::pipe().unwrap();
        assert!(inherit(read.as_raw_fd()).is_err());
        assert!(inherit(1).is_err());
        assert!(inherit(1_000_000).is_err());
        // Given up without being closed, as by the program before.
        let number = std::os::fd::IntoRawFd::into_raw_fd(write);
        let kept = {
            // SAFETY: the number is open and nobody owns it; the borrow ends with the block.
            let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
            keep(borrowed).unwrap()
        };
        let again = inherit(kept).unwrap();
        assert!(inherit(kept).is_err());
        crate::pipe::write(again.as_fd(), b"x").unwrap();
        let mut buffer = [0; 4];
        assert_eq!(crate::pipe::read(read.as_fd(), &mut buffer).unwrap(), 1);
    }

    #[test]
    fn a_program_that_is_not_there_changes_nothing() {
        let error = replace(Path::new("/no/such/program"), &[OsString::from("x")], None);
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let nul = replace(Path::new("/bin/true"), &[OsString::from("a\0b")], None);
        assert!(nul.raw_os_error().is_none());
    }
}
