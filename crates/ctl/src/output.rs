//! The one place that prints.
//!
//! Lines are gathered and written before anything is waited for, so that a thousand of them cost one write and none
//! comes late.

use std::io::{self, Write};

/// So much is gathered at most before it is written.
const GATHERED_MAX: usize = 64 * 1024;

/// Where lines go: data and answers to one side, talk about a stream's failures to the other.
pub(crate) struct Output {
    sink: Box<dyn Write>,
    talk: Box<dyn Write>,
    gathered: Vec<u8>,
    failure: Option<io::Error>,
}

impl Output {
    /// The process's standard output and standard error.
    pub(crate) fn standard() -> Self {
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Any other two.
    pub(crate) fn new(sink: Box<dyn Write>, talk: Box<dyn Write>) -> Self {
        Self {
            sink,
            talk,
            gathered: Vec::new(),
            failure: None,
        }
    }

    /// Adds bytes as they are.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() > GATHERED_MAX {
            self.write_gathered();
        }
    }

    /// Writes what was gathered. After a failure nothing more is written, and each call tells it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.write_gathered();
        match &self.failure {
            None => Ok(()),
            Some(error) => Err(error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            )),
        }
    }

    /// Writes a line to standard error. Where that fails there is nobody left to tell.
    pub(crate) fn talk(&mut self, line: &str) {
        _ = writeln!(self.talk, "{line}");
        _ = self.talk.flush();
    }

    fn write_gathered(&mut self) {
        let bytes = std::mem::take(&mut self.gathered);
        if self.failure.is_some() || bytes.is_empty() {
            return;
        }
        let outcome = self.sink.write_all(&bytes).and_then(|()| self.sink.flush());
        self.failure = outcome.err();
    }
}
