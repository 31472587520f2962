//! One call and its answer.

use crate::session::Server;
use crate::transport::{Connection, HttpProblem, Response};
use crate::trouble::Trouble;
use crate::watch::{Watch, Woken};
use std::io;
use std::os::fd::AsFd;

/// How much is read from a connection at once.
const READ_SIZE: usize = 64 * 1024;

/// How long an answer may be. The tail of a log can be asked for up to 2 GiB; more than this is not put into memory.
const ANSWER_LIMIT: usize = 1 << 30;

/// An answer with status 200.
pub(crate) struct Answer {
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Whether the connection can be used again.
    pub(crate) keeps_open: bool,
}

/// An answer that is being read.
#[derive(Default)]
pub(crate) struct Reading {
    response: Response,
    body: Vec<u8>,
}

impl Reading {
    /// Whether nothing more comes.
    pub(crate) fn is_complete(&self) -> bool {
        self.response.is_complete()
    }

    /// Takes what the connection has, waiting for something if it has nothing.
    pub(crate) fn take(
        &mut self,
        server: &Server,
        connection: &mut Connection,
        asked: &str,
    ) -> Result<(), Trouble> {
        let mut piece = vec![0; READ_SIZE];
        let read = connection.read(&mut piece);
        let Some(count) = read.map_err(|cause| server.lost(asked, cause))? else {
            return Ok(());
        };
        if count == 0 {
            if self.response.head().is_none() {
                let cause =
                    io::Error::new(io::ErrorKind::UnexpectedEof, "it closed without an answer");
                return Err(server.lost(asked, cause));
            }
            let ended = self.response.end();
            ended.map_err(|cause| http(server, asked, cause))?;
        }
        let bytes = piece.get(..count).unwrap_or_default();
        let fed = self.response.feed(bytes, &mut self.body);
        fed.map_err(|cause| http(server, asked, cause))?;
        if self.body.len() > ANSWER_LIMIT {
            return Err(Trouble::Argument(format!(
                "the answer to {asked} is longer than {ANSWER_LIMIT} bytes; ask for less"
            )));
        }
        Ok(())
    }

    /// What came, once it is complete.
    pub(crate) fn finish(self, server: &Server, asked: &str) -> Result<Answer, Trouble> {
        // Complete answers have a head; one without would be of no use either way.
        let head = self.response.head().cloned();
        let head = head.ok_or_else(|| http(server, asked, HttpProblem::CutOff))?;
        if head.status == 200 {
            return Ok(Answer {
                body: self.body,
                keeps_open: head.keeps_open,
            });
        }
        Err(Trouble::Status {
            url: server.url.clone(),
            asked: asked.to_owned(),
            code: head.status,
            reason: head.reason,
        })
    }
}

fn http(server: &Server, asked: &str, cause: HttpProblem) -> Trouble {
    Trouble::Http {
        url: server.url.clone(),
        asked: asked.to_owned(),
        cause,
    }
}

/// Sends a call over the connection and reads the answer.
pub(crate) fn exchange(
    server: &Server,
    connection: &mut Connection,
    asked: &str,
    call: &[u8],
    watch: Option<&Watch>,
) -> Result<Answer, Trouble> {
    connection
        .send_call(call)
        .map_err(|cause| server.lost(asked, cause))?;
    let mut reading = Reading::default();
    while !reading.is_complete() {
        if let Some(watch) = watch
            && watch.wait(&[connection.as_fd()]).map_err(Trouble::Input)? == Woken::Interrupted
        {
            return Err(Trouble::Interrupted);
        }
        reading.take(server, connection, asked)?;
    }
    reading.finish(server, asked)
}
