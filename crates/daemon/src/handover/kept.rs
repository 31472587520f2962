//! A descriptor on its way from one image of supervisord to the next.

use provost_os::image;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;

/// A descriptor that is saved as its number. Saving marks it to stay open when another image takes our place.
///
/// One that was loaded is nobody's until it is taken: when loading fails half way, all are still open for the image
/// before. One that was saved is never closed by being dropped, for the same reason.
#[derive(Debug)]
pub(crate) enum Kept {
    /// Still in our hands.
    Ours(ManuallyDrop<OwnedFd>),
    /// As the image before named it.
    Named(i32),
}

impl Kept {
    /// From now on it stays open until the end of this image.
    pub(crate) fn new(fd: impl Into<OwnedFd>) -> Self {
        Self::Ours(ManuallyDrop::new(fd.into()))
    }

    /// Takes it into our hands.
    pub(crate) fn take(self) -> io::Result<OwnedFd> {
        match self {
            Self::Ours(fd) => Ok(ManuallyDrop::into_inner(fd)),
            Self::Named(number) => image::inherit(number),
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match self {
            Self::Ours(fd) => image::keep(&**fd).map_err(ser::Error::custom)?,
            Self::Named(number) => *number,
        };
        serializer.serialize_i32(number)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i32::deserialize(deserializer).map(Self::Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_os::pipe;
    use std::os::fd::AsFd;

    #[test]
    fn it_is_saved_as_its_number_and_is_the_same_pipe_again() {
        let (read, write) = pipe::pipe().unwrap();
        let saved = serde_json::to_string(&Kept::new(write)).unwrap();
        let loaded: Kept = serde_json::from_str(&saved).unwrap();
        // One that is only looked at stays open.
        let _ = serde_json::from_str::<Kept>(&saved).unwrap();
        let write = loaded.take().unwrap();
        pipe::write(write.as_fd(), b"x").unwrap();
        assert_eq!(pipe::read(read.as_fd(), &mut [0; 4]).unwrap(), 1);
        let again: Kept = serde_json::from_str(&saved).unwrap();
        assert!(again.take().is_err(), "it has an owner by now");
    }
}
