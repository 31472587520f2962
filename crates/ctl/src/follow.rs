//! Streams of logs as they grow.

use crate::commands::{Flow, Outcome};
use crate::screen::Screen;
use crate::session::Session;
use crate::transport::{Connection, HttpProblem, Response};
use crate::trouble::{Trouble, system_text};
use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd};

/// How much is read from a stream at once.
const READ_SIZE: usize = 64 * 1024;

/// A log being followed.
pub(crate) struct Stream {
    connection: Connection,
    response: Response,
    /// What stands between the program and a terminal.
    screen: Option<Screen>,
    /// What messages call it.
    url: String,
}

impl Stream {
    /// Asks for the stream at the path. `shown` is the path in messages. Says so where there is no connection.
    pub(crate) fn open(session: &mut Session, path: &str, shown: &str) -> Option<Self> {
        let url = format!("{}{shown}", session.server.url);
        let opened = session.server.connect().and_then(|mut connection| {
            let sent = connection.send_get(path);
            sent.map(|()| connection)
                .map_err(|cause| session.server.lost(shown, cause))
        });
        match opened {
            Ok(connection) => Some(Self {
                connection,
                response: Response::default(),
                screen: session.careful.then(Screen::default),
                url,
            }),
            Err(trouble) => {
                let cause = match &trouble {
                    Trouble::Connect { cause, .. } | Trouble::Lost { cause, .. } => {
                        system_text(cause)
                    }
                    other => other.to_string(),
                };
                session.talk(&format!("{url} Cannot connect, error: {cause}"));
                None
            }
        }
    }

    /// Prints what has come, waiting if nothing has. Whether more can come.
    pub(crate) fn pass_on(&mut self, session: &mut Session) -> bool {
        let mut piece = vec![0; READ_SIZE];
        let count = match self.connection.read(&mut piece) {
            // A server that goes away ends the stream, one way or the other.
            Ok(Some(0)) | Err(_) => return self.finish(session),
            Ok(Some(count)) => count,
            Ok(None) => return true,
        };
        let mut body = Vec::new();
        let bytes = piece.get(..count).unwrap_or_default();
        let outcome = self.response.feed(bytes, &mut body);
        if let Some(head) = self.response.head()
            && head.status != 200
        {
            session.talk(&format!(
                "{} Cannot read, status code {}",
                self.url, head.status
            ));
            return false;
        }
        match &mut self.screen {
            Some(screen) => session.put(&screen.take(&body)),
            None => session.put(&body),
        }
        if let Err(problem) = outcome {
            self.complain(session, &problem);
            return false;
        }
        !self.response.is_complete()
    }

    fn finish(&mut self, session: &mut Session) -> bool {
        if let Some(screen) = &mut self.screen {
            session.put(&screen.finish());
        }
        if self.response.head().is_none() {
            self.complain(session, &HttpProblem::CutOff);
        }
        false
    }

    fn complain(&self, session: &mut Session, problem: &HttpProblem) {
        session.talk(&format!(
            "{} Cannot read, the answer is not HTTP: {problem}",
            self.url
        ));
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

/// Follows a log until it ends or Ctrl-C is pressed. Never a failure, whatever comes: upstream's `tail -f` is none.
pub(crate) fn tail(session: &mut Session, path: &str, shown: &str) -> Outcome {
    // Before it is offered, Ctrl-C must mean what is said of it.
    session.watch_interrupts()?;
    session.say("==> Press Ctrl-C to exit <==");
    session.flush()?;
    let Some(mut stream) = Stream::open(session, path, shown) else {
        return Ok(Flow::Stay);
    };
    loop {
        session.flush()?;
        match session.wait(&[stream.as_fd()], false) {
            Ok(_) => {}
            Err(Trouble::Interrupted) => {
                session.say("");
                return Ok(Flow::Stay);
            }
            Err(trouble) => return Err(trouble),
        }
        if !stream.pass_on(session) {
            return Ok(Flow::Stay);
        }
    }
}

/// The text for use between the slashes of a path.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:*+@!$&'(),;=".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_path() {
        assert_eq!(percent_encoded("g:cat_01"), "g:cat_01");
        assert_eq!(percent_encoded("a b/é%?"), "a%20b%2F%C3%A9%25%3F");
    }
}
