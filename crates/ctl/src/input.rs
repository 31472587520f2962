//! Lines of an input that may be a terminal, a pipe or a file.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// How long a line may be. Nobody types more, and a file without line ends must not fill the memory.
const LINE_LIMIT: usize = 1024 * 1024;

/// How much is read at once.
const READ_SIZE: usize = 4096;

/// An input that lines are taken from.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    buffer: Vec<u8>,
    ended: bool,
}

/// What the bytes read so far make.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Whole(String),
    /// The input has ended. A terminal may go on after that.
    End,
    /// More bytes are needed: [`Input::fill`].
    Unfinished,
}

impl Input {
    /// The process's standard input.
    pub(crate) fn stdin() -> io::Result<Self> {
        let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self::new(File::from(descriptor)))
    }

    /// Any other.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// Takes the next line, if all of it has been read.
    pub(crate) fn take_line(&mut self) -> Line {
        let line = match self.buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => self.buffer.drain(..=end).collect::<Vec<u8>>(),
            None if !self.ended => return Line::Unfinished,
            None => std::mem::take(&mut self.buffer),
        };
        if line.is_empty() {
            self.ended = false;
            return Line::End;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        Line::Whole(String::from_utf8_lossy(line).into_owned())
    }

    /// Reads once, waiting if nothing is there.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        if self.buffer.len() > LINE_LIMIT {
            self.buffer.clear();
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is longer than 1 MiB",
            ));
        }
        let mut piece = [0; READ_SIZE];
        match self.file.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(count) => self.buffer.extend(piece.iter().take(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::OwnedFd;

    #[test]
    fn lines_come_whole_and_the_last_without_its_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut input = Input::new(File::from(OwnedFd::from(reader)));
        assert_eq!(input.take_line(), Line::Unfinished);
        writer.write_all(b"one\n\ntw").unwrap();
        input.fill().unwrap();
        assert_eq!(input.take_line(), Line::Whole("one".into()));
        assert_eq!(input.take_line(), Line::Whole(String::new()));
        assert_eq!(input.take_line(), Line::Unfinished);
        drop(writer);
        input.fill().unwrap();
        assert_eq!(input.take_line(), Line::Whole("tw".into()));
        assert_eq!(input.take_line(), Line::End);
    }
}
